"""A lavaan script that fits the same equations and computes the same effects."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feedbackstudy.analysis.bayesian.missing_paths import MixedPathPosterior
from feedbackstudy.analysis.mediation_design import PathDesign
from feedbackstudy.analysis.mediation_system import Effect, PathSystem
from feedbackstudy.analysis.r_path_bayes import path_posterior_code
from feedbackstudy.analysis.r_path_estimates import path_columns, path_estimates_code
from feedbackstudy.analysis.r_path_normal import path_normal_code
from feedbackstudy.psychometrics.rscript import RScript

if TYPE_CHECKING:
    from feedbackstudy.analysis.mediation_result import Mediation

__all__ = ["lavaan_paths", "mediation_script", "view_script"]

# Coefficients drawn from their normal sampling distribution; def.function is what lavaan computes `:=` by.
_MONTE_CARLO = """
set.seed(SEED); B <- DRAWS; R <- chol(vcov(fit)); ranks <- floor((B + 1) * (1 - LEVEL) / 2 + 1e-9)
drawn <- apply(coef(fit) + crossprod(R, matrix(rnorm(B * nrow(R)), nrow(R))), 2, fit@Model@def.function)
for (name in rows$lhs[rows$op == ":=" & grepl("^e[0-9]+$", rows$lhs)]) {
  sorted <- sort(drawn[name, ])
  show(paste0("CI low.", name), sorted[ranks]); show(paste0("CI high.", name), sorted[B - ranks + 1])
}
"""

_ERRORS = '  show(paste0("se.", rows$lhs[k]), rows$se[k])\n'
_NO_ERRORS = "  # errors over clusters come below: lavaan takes rows as independent here\n"
_DEPENDENT = """# lavaan is left out: it needs columns that do not determine each other across equations, as these do.
"""


def lavaan_paths(design: PathDesign, *, correlated: bool, clusters: bool = False) -> RScript:
    """Return the data and the lavaan script of a path model.

    Parameters
    ----------
    design : PathDesign
        Equations and effects; values may be missing in mediators and outcome.
    correlated : bool
        Whether residuals of parallel mediators may be correlated.
    clusters : bool
        Whether rows come in clusters: lavaan's standard errors, which take them as independent, are left out.

    Returns
    -------
    RScript
        Shows ``est.e1``, ``se.e1`` for the first effect and so on: maximum likelihood with standard errors by the
        delta method from observed information, as ``analysis.mediation(..., vcov="ml")``; of full information where
        values are missing. A comment where columns of different equations determine each other, such as a mediator and
        its products with all levels of a moderator: their covariance is singular, and lavaan returns starting values.
    """
    system = design.system
    used = sorted({j for e in system.equations for j in (e.response, *e.predictors)})
    data = pd.DataFrame({f"v{j}": system.matrix[:, j] for j in used})
    if _dependent(system, used):
        return RScript(made_by="analysis.mediation", body=_DEPENDENT, data=data, name="mediation")
    names = [f"v{j}" for j in range(len(system.columns))]
    lines = _equations(system, names)
    if correlated:
        responses = [names[system.equations[k].response] for k in design.side_by_side]
        lines += [f"{a} ~~ {b}" for i, a in enumerate(responses) for b in responses[i + 1 :]]
    lines += [f"e{i} := {_expression(effect)}" for i, effect in enumerate(design.effects, start=1)]
    said = [f"# {alias} stands for {_told(name)}" for alias, name in zip(names, system.columns, strict=True)]
    said += [f"# e{i} is {_told(effect.name)}" for i, effect in enumerate(design.effects, start=1)]
    model = "\n".join(lines)
    missing = ', missing = "fiml"' if np.isnan(system.matrix).any() else ""
    body = (
        "suppressMessages(library(lavaan))\n" + "\n".join(said) + f"\nmodel <- '\n{model}\n'\n"
        f'fit <- sem(model, data = responses, fixed.x = TRUE, information = "observed"{missing})\n'
        'rows <- parameterEstimates(fit)\nfor (k in which(rows$op == ":=" & grepl("^e[0-9]+$", rows$lhs))) {\n'
        '  show(paste0("est.", rows$lhs[k]), rows$est[k])\n' + (_NO_ERRORS if clusters else _ERRORS) + "}\n"
    )
    return RScript(made_by="analysis.mediation", body=body, data=data, name="mediation")


def mediation_script(result: "Mediation", effects: Sequence[tuple[str, Effect]]) -> RScript:
    """Return the script of a mediation analysis, both ways.

    Parameters
    ----------
    result : Mediation
        The analysis.
    effects : sequence of (str, Effect)
        Effects whose posterior is shown, each with what is put behind the names of its numbers.

    Returns
    -------
    RScript
        What `lavaan_paths` shows of complete or incomplete rows; estimates, standard errors and intervals in base R,
        by a bootstrap or from the covariance of the coefficients; then ``median``, ``posterior sd``, ``low``, ``high``,
        ``P(direction)`` and ``log_bayes_factor`` of the effects, exact posteriors only. Completed tables are pooled.
    """
    system, posterior = result.design.system, result.posterior
    clusters = posterior.cluster is not None
    script = lavaan_paths(result.design, correlated=result.correlated, clusters=clusters)
    seed, sampled = result.provenance.seed or 0, result.interval.startswith("Monte-Carlo")
    if np.isnan(system.matrix).any() or len(posterior.mixtures) < len(system.equations):
        code = _MONTE_CARLO.replace("SEED", str(seed)).replace("DRAWS", str(len(result.draws.theta)))
        limits = code.replace("LEVEL", f"{result.level!r}") if sampled else ""
        return replace(script, body=script.body + limits)
    pooled = isinstance(posterior, MixedPathPosterior)
    body = "" if pooled else script.body
    if "bootstrap" in result.interval:
        body += _bootstrap(result, effects)
    elif pooled:
        body += "# Monte-Carlo limits over completed tables are not computed anew here.\n"
    else:
        together = result.design.side_by_side if result.correlated else ()
        draws = len(result.draws.theta) * sampled
        body += path_normal_code(
            system, effects, result.fit, level=result.level, together=together, draws=draws, seed=seed
        )
    body += path_posterior_code(system, posterior, effects, level=result.level)
    return replace(script, body=body, data=path_columns(system, posterior))


def _bootstrap(result: "Mediation", effects: Sequence[tuple[str, Effect]], *, plain: bool = False) -> str:
    return path_estimates_code(
        result.design.system,
        effects,
        level=result.level,
        draws=len(result.draws.theta),
        seed=result.provenance.seed or 0,
        clusters=result.posterior.cluster is not None,
        bca="accelerated" in result.interval and not plain,
    )


def view_script(result: "Mediation", effects: Sequence[tuple[str, Effect]]) -> RScript:
    """Return a script of single effects of a mediation analysis, such as those over the values of a moderator.

    Parameters
    ----------
    result : Mediation
        The analysis.
    effects : sequence of (str, Effect)
        The effects, each with what is put behind the names of its numbers.

    Returns
    -------
    RScript
        Shows ``estimate``, ``CI low`` and ``CI high`` by least squares and the percentile bootstrap, then the posterior
        as `mediation_script` does. That of the whole analysis where rows are incomplete.
    """
    system, posterior = result.design.system, result.posterior
    if np.isnan(system.matrix).any() or len(posterior.mixtures) < len(system.equations):
        return result.r_script()
    body = _bootstrap(result, effects, plain=True)
    body += path_posterior_code(system, posterior, effects, level=result.level)
    data = path_columns(system, posterior)
    return RScript(made_by="analysis.mediation, single effects", body=body, data=data, name="effects")


def _dependent(system: PathSystem, used: list[int]) -> bool:
    columns = system.matrix[:, [j for j in used if j != system.constant[0]]]
    known = columns[~np.isnan(columns).any(axis=1)]
    centred = known - known.mean(axis=0)
    return bool(np.linalg.matrix_rank(centred / np.linalg.norm(centred, axis=0)) < columns.shape[1])


def _told(name: str) -> str:
    return " ".join(name.split())


def _equations(system: PathSystem, names: list[str]) -> list[str]:
    """Write each equation with lavaan's intercept: the constant, or the first cell, from which the others count."""
    lines, others = [], []
    base = system.constant[0]
    for k, equation in enumerate(system.equations):
        start = system.offsets[k]
        labels = {j: f"t{start + i}" for i, j in enumerate(equation.predictors)}
        cells = [j for j in system.constant if j != base]
        terms = [f"{labels[base]}*1"]
        terms += [f"{'s' if j in cells else ''}{labels[j]}*{names[j]}" for j in equation.predictors if j != base]
        lines.append(f"{names[equation.response]} ~ " + " + ".join(terms))
        others += [f"{labels[j]} := {labels[base]} + s{labels[j]}" for j in cells]
    return lines + others


def _expression(effect: Effect) -> str:
    parts = []
    for term in effect.terms:
        legs = ["(" + " + ".join(f"({leg[i]!r})*t{i}" for i in leg.nonzero()[0].tolist()) + ")" for leg in term.legs]
        parts.append("*".join([f"({term.weight!r})", *legs]))
    return " + ".join(parts).replace("np.float64", "")
