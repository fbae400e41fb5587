"""Mediation between latent variables as R code: the same equations and priors in Stan, sampled anew from the items."""

from collections.abc import Sequence

import numpy as np

from feedbackstudy.analysis.bayesian.latent_model import LatentModel
from feedbackstudy.analysis.bayesian.prior_laws import Normal
from feedbackstudy.analysis.r_stan_run import Asked, sampling_code
from feedbackstudy.psychometrics.rscript import r_vector

__all__ = ["latent_code", "latent_program"]

_DATA = """\
data {
  int<lower=1> K;
  int<lower=2> F;
  int<lower=2> E;
  int<lower=2> R;
  real<lower=0> people;
  matrix[R, E] e;
  matrix[R, K] y;
}
"""
_IMPLIED = """\
  matrix[K, F] loadings = rep_matrix(0, K, F);
  matrix[F, F] paths = rep_matrix(0, F, F);
  matrix[F, E - 1] causes;
  matrix[K, F] carried;
  matrix[K, E] coefficients;
  matrix[K, K] root;
  vector[F] disturbance;
  vector[K] error = rep_vector(0, K);
"""
_LIKELIHOOD = """\
  // factors integrated out: items are normal given treatment and covariates
  carried = loadings * inverse(diag_matrix(rep_vector(1, F)) - paths);
  coefficients = append_col(INTERCEPTS, carried * causes);
  root = cholesky_decompose(tcrossprod(diag_post_multiply(carried, disturbance)) + diag_matrix(square(error)));
  target += -people * sum(log(diagonal(root)));
  target += -0.5 * sum(columns_dot_self(mdivide_left_tri_low(root, y' - coefficients * e')));
"""


def latent_program(model: LatentModel, effects: Sequence[str]) -> str:
    r"""Write a mediation between latent variables in Stan.

    Parameters
    ----------
    model : LatentModel
        The model.
    effects : sequence of str
        Effects asked for, as products of ``a<k>`` (treatment on factor k) and ``b<j>_<k>`` (factor j on factor k).

    Returns
    -------
    str
        The program; `found` holds the effects. Factors are numbered in their order, from 0.

    Notes
    -----
    The likelihood of `LatentModel`; its constant is left out. Rows enter by the triangle R of their QR decomposition,
    so that squares of residuals are sums of squares: from differences of cross-products a chain far out can find a
    density without bound.
    """
    declared: list[str] = []
    stated: list[str] = []
    names = _names(model)
    for parameter in model.parameters:
        declaration, prior = parameter.law.stan(names[parameter.name], parameter.shape)
        declared, stated = [*declared, declaration], [*stated, prior]
    intercepts = "intercept_0"
    for k in range(1, len(model.factors)):
        intercepts = f"append_row({intercepts}, intercept_{k})"
    return (
        f"{_DATA}parameters {{\n{_lines(declared)}}}\nmodel {{\n{_IMPLIED}{_lines([*_placed(model), *stated])}"
        + _LIKELIHOOD.replace("INTERCEPTS", intercepts)
        + f"}}\ngenerated quantities {{\n  vector[{len(effects)}] found = [{', '.join(effects)}]';\n}}\n"
    )


def latent_code(model: LatentModel, effects: Sequence[str], *, chains: int, draws: int, seed: int) -> str:
    """Return R code that samples a mediation between latent variables anew and shows its effects.

    Parameters
    ----------
    model : LatentModel
        The model.
    effects : sequence of str
        Effects as `latent_program` takes them.
    chains, draws, seed : int
        As our own sampler had them.

    Returns
    -------
    str
        Code after the data of `latent_lavaan`; it needs rstan and says so where it is not there.
    """
    items = tuple(f"f{k}_{i + 1}" for k, factor in enumerate(model.factors) for i in range(factor.size))
    causes = ("x", *(f"z{j + 1}" for j in range(model.covariates.shape[1])))
    given = (
        f"rows <- cbind(1, as.matrix(responses[{r_vector(causes)}]), as.matrix(responses[{r_vector(items)}]))\n"
        "rotated <- qr(rows); small <- qr.R(rotated)[, order(rotated$pivot)]  # the same cross-products in few rows\n"
        f"E <- {len(causes) + 1}; given <- list(K = ncol(rows) - E, F = {len(model.factors)}, E = E, R = nrow(small), "
        "people = nrow(rows), e = small[, seq_len(E)], y = small[, -seq_len(E)])\n"
    )
    asked = Asked(weights=np.eye(len(effects)), chains=chains, draws=draws, seed=seed, starts=_starts(model))
    return sampling_code(latent_program(model, effects), given, asked)


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"  {line}\n" for line in lines)


def _names(model: LatentModel) -> dict[str, str]:
    """Return the names of parameters in the program, by those of the model."""
    found: dict[str, str] = {}
    for k, factor in enumerate(model.factors):
        kinds = ("intercept", "factor_sd", "loading", "item_sd", "covariate")
        found |= {f"{kind}_{factor.name}": f"{kind}_{k}" for kind in kinds} | {f"effect_{factor.name}": f"a{k}"}
        for j, before in enumerate(model.factors[:k]):
            found[f"path_{before.name}_{factor.name}"] = f"b{j}_{k}"
    return found


def _starts(model: LatentModel) -> str:
    """Start chains within half a standard deviation of the prior's middle.

    Stan's own starts take no note of the prior: items may load on their factor with the wrong sign there.
    """
    names, listed = _names(model), []
    for parameter in model.parameters:
        law = parameter.law
        middle, reach = (law.mean, law.sd / 2) if isinstance(law, Normal) else (law.figures[0] / 2, law.figures[0] / 4)
        value = f"{middle:.17g} + {reach:.17g} * shift"
        whole = f"as.array(rep({value}, {parameter.shape[0]}))" if parameter.shape else value
        listed.append(f"{names[parameter.name]} = {whole}")
    return f"function(chain) {{ shift <- (2 * chain - chains - 1) / chains; list({', '.join(listed)}) }}"


def _placed(model: LatentModel) -> list[str]:
    """Put parameters into the matrices of the model; a factor's first item has loading one."""
    lines, at, q = [], 1, model.covariates.shape[1]
    for k, factor in enumerate(model.factors):
        lines.append(f"loadings[{at}, {k + 1}] = 1;")
        if factor.size > 1:
            last = at + factor.size - 1
            lines += [f"loadings[{at + 1}:{last}, {k + 1}] = loading_{k};", f"error[{at}:{last}] = item_sd_{k};"]
        lines += [f"paths[{k + 1}, {j + 1}] = b{j}_{k};" for j in range(k)]
        lines.append(f"causes[{k + 1}, 1] = a{k};")
        lines += [f"causes[{k + 1}, 2:{1 + q}] = covariate_{k}';"] * bool(q)
        lines.append(f"disturbance[{k + 1}] = factor_sd_{k};")
        at += factor.size
    return lines
