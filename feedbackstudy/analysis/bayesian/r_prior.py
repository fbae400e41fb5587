"""A prior drawn anew in base R: parameters, effects of groups and outcomes of the same rows."""

from feedbackstudy.analysis.bayesian.binary import Binary
from feedbackstudy.analysis.bayesian.cell_model import CellModel
from feedbackstudy.analysis.bayesian.count_model import Counts
from feedbackstudy.analysis.bayesian.crossed import Normals
from feedbackstudy.analysis.bayesian.cumulative import Cumulative
from feedbackstudy.analysis.bayesian.family import Family
from feedbackstudy.analysis.bayesian.prior_laws import Dirichlet, HalfNormal, Normal, Parameter, ShiftedGamma
from feedbackstudy.analysis.bayesian.student import Students
from feedbackstudy.psychometrics.rscript import r_numbers

__all__ = ["anew"]

_HEAD = """\
# The prior drawn anew with R's own generator: shares agree within the errors of so many studies.
y <- local({
set.seed(SEED); size <- STUDIES
"""
_BASIS = """\
k <- seq_len(CELLS)[-1]; basis <- -contr.helmert(CELLS) %*% diag((k * (k - 1))^-0.5, length(k))
"""
_CATEGORIES = """\
below <- t(apply(shares, 1, cumsum)); latent <- eta + NOISE(length(eta)); y <- 0 * eta
for (j in seq_len(ncol(shares) - 1)) y <- y + (latent > THRESHOLD(pmin(below[, j], 1)))
"""


def anew(model: CellModel, *, seed: int, studies: int) -> str:
    """Return R code that draws outcomes of the rows from the prior.

    Parameters
    ----------
    model : CellModel
        The model.
    seed, studies : int
        Seed for R, and studies to draw.

    Returns
    -------
    str
        Makes ``y``, one row a study and one column a row of `responses`, which has the columns ``cell``, ``x 1`` and so
        on for covariates, and ``group 1`` and so on for the positions of groups. Empty for random slopes, whose
        correlations base R has no law for, and for a family that it does not know.
    """
    rows, known = model.rows, {p.name for p in model.parameters}
    outcome = _outcome(model.family)
    if not outcome or any(group.size > 1 for group in rows.groups):
        return ""
    code = _HEAD.replace("SEED", str(seed % (2**31 - 1))).replace("STUDIES", str(studies))
    code += _BASIS.replace("CELLS", str(rows.n_cells)) if rows.n_cells > 1 else ""
    named = {f"sd_{group.name}": f"sd_{k}" for k, group in enumerate(rows.groups, start=1)}
    code += "".join(_drawn(p, named.get(p.name, p.name)) for p in model.parameters)
    code += "".join(_cells(prefix, known) for prefix in ("", "zero_"))
    code += "eta <- cells[, responses$cell, drop = FALSE]\n"
    if q := rows.covariates.shape[1]:
        code += f'eta <- eta + tcrossprod(coefficient, as.matrix(responses[paste("x", seq_len({q}))]))\n'
    for k, group in enumerate(rows.groups, start=1):
        code += (
            f'effect <- sd_{k} * matrix(rnorm(size * {group.count}), size); member <- responses[["group {k}"]]\n'
            "held <- !is.na(member); eta[, held] <- eta[, held] + effect[, member[held]]\n"
        )
    return code + outcome + "y\n})\n"


def _drawn(parameter: Parameter, name: str) -> str:
    law, count = parameter.law, parameter.shape[0] if parameter.shape else 1
    match law:
        case Normal():
            drawn = f"rnorm(size * {count}, {law.mean:.17g}, {law.sd:.17g})"
        case HalfNormal():
            drawn = f"abs(rnorm(size * {count}, 0, {law.sd:.17g}))"
        case ShiftedGamma():
            drawn = f"{law.start:.17g} + rgamma(size * {count}, {law.shape:.17g}, {law.rate:.17g})"
        case Dirichlet():
            made = f"matrix(rgamma(size * {count}, rep({r_numbers(law.weights)}, each = size)), size)"
            return f"{name} <- {made}; {name} <- {name} / rowSums({name})\n"
        case _:
            raise TypeError(f"{law} is a law of random slopes alone.")
    return f"{name} <- {f'matrix({drawn}, size)' if parameter.shape else drawn}\n"


def _cells(prefix: str, known: set[str]) -> str:
    level, deviation = f"{prefix}level", f"{prefix}deviation"
    parts = [level] * (level in known) + [f"tcrossprod({deviation}, basis)"] * (deviation in known)
    if prefix and not parts:
        return ""
    return f"{prefix}cells <- as.matrix({' + '.join(parts or ['rep(0, size)'])})\n"


def _outcome(family: Family) -> str:
    """Return R code of outcomes given the predictor; empty for a family that is not known here."""
    match family:
        case Binary():
            return "y <- 0 * eta; y[] <- rbinom(length(eta), 1, plogis(eta))\n"
        case Cumulative():
            noise, threshold = ("rnorm", "qnorm") if family.link == "probit" else ("rlogis", "qlogis")
            return _CATEGORIES.replace("NOISE", noise).replace("THRESHOLD", threshold)
        case Counts():
            spread = "mean <- mean * rgamma(length(eta), exp(log_size), exp(log_size))\n"
            zeros = "y[runif(length(eta)) < plogis(zero_cells[, responses$cell])] <- 0\n"
            return (
                "mean <- exp(eta)\n"
                + spread * (family.law == "negative binomial")
                + "y <- 0 * eta; y[] <- rpois(length(eta), pmin(mean, 1e15))\n"
                + zeros * family.zero_inflated
            )
        case Students():
            return "y <- eta + sd_residual * rt(length(eta), df)\n"
        case Normals():
            return "y <- eta + sd_residual * rnorm(length(eta))\n"
    return ""
