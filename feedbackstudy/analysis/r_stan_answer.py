"""The sampled posterior of a question as R code, from the rows of its script."""

from collections.abc import Sequence

import numpy as np

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.missing.treating import ImputedProblem
from feedbackstudy.analysis.posterior_rows import prior_scale
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.r_columns import GIVEN_ROWS
from feedbackstudy.analysis.r_stan import cells_code
from feedbackstudy.analysis.r_stan_evidence import evidence_code, units_code
from feedbackstudy.analysis.r_stan_run import ONE_TABLE, Asked
from feedbackstudy.psychometrics.rscript import r_vector

__all__ = ["sampled_code"]

_COMPLETED = """\
# the posterior mixes those of the completed tables in equal shares
tables <- split(responses, responses$imputation)[seq_len(COUNT)]
"""


def sampled_code(
    problem: Problem, posterior: CellDraws, *, factors: bool = True, scales: Sequence[float] | None = None
) -> str:
    """Return R code that samples the model behind a question's draws anew in Stan.

    Parameters
    ----------
    problem : Problem
        The rows, named in R as `analysis_script` names them.
    posterior : CellDraws
        The draws.
    factors : bool, default True
        Whether with Bayes factors.
    scales : sequence of float, optional
        Scales of the Cauchy prior of the standardised contrast; where left out, those of the estimates table, which has
        the model's own prior for probabilities, expected ratings and counts.

    Returns
    -------
    str
        Shows each contrast; empty where the draws stand alone, without their model, or rest on other rows. Each
        completed table behind the draws is sampled, and its draws are pooled.
    """
    fit, tables = posterior.sampled, _tables(problem, posterior)
    if fit is None or tables is None:
        return ""
    plan, sloped = problem.question.plan, posterior.source is None
    present = np.ones(problem.weights.shape[1], dtype=bool) if sloped else fit.model.counts > 0
    if problem.weights[:, ~present].any():
        return ""
    chains, draws, _ = fit.draws.variables["cells"].shape
    scale, slopes = posterior.scale, problem.weights.shape[1] if sloped else 0
    if scales is None:
        scales = () if scale == "response" and posterior.sd is None else (prior_scale(problem),)
    shown = factors and posterior.prior_cells is not None
    asked = Asked(
        weights=problem.weights[:, present],
        chains=chains,
        draws=draws,
        seed=fit.draws.seed,
        careful=bool(problem.groups),
        value=problem.question.value,
        level=plan.interval_level,
        interval="equal-tailed" if plan.interval_kind == "equal_tailed" else "HDI",
        unit="sd(responses$predictor)" if sloped else "1",
        tables=tables,
        units=units_code(fit.model, scale),
        evidence=evidence_code(fit.model, scale, scales=scales, slopes=slopes) if shown else ("", ""),
    )
    return cells_code(
        fit.model,
        asked,
        cells=[key for key, rows in zip(problem.cells, fit.model.counts, strict=True) if rows],
        columns=_columns(problem, fit.model.family.whole and problem.question.family == "ordinal"),
        scale=None if sloped else scale,
        slopes=slopes,
    )


def _tables(problem: Problem, posterior: CellDraws) -> str | None:
    """Return R code of the tables that the draws rest on; None where these are not the rows of the script."""
    if not isinstance(problem, ImputedProblem):
        return ONE_TABLE if posterior.n == problem.n else None
    if posterior.tables > 1:
        return _COMPLETED.replace("COUNT", str(posterior.tables)) if posterior.n == problem.n else None
    return GIVEN_ROWS + ONE_TABLE if posterior.n == int(problem.observed.sum()) else None


def _columns(problem: Problem, ordinal: bool) -> str:
    """Write outcome and covariates; these count in their own standard deviations, as their priors do."""
    code = "given$y <- responses$y\n"
    if ordinal:
        values = problem.metric.categories or tuple(np.unique(problem.y))
        numbers = ", ".join(f"{float(value):.17g}" for value in values)
        code = f"given$y <- match(as.numeric(as.character(responses$y)), c({numbers}))\n"
    names = r_vector(tuple(f"x{j + 1}" for j in range(problem.covariates.shape[1])))
    beside = f"as.matrix(responses[{names}])"
    if problem.question.kind in {"slope", "slopes"}:
        slopes = "cbind(responses$predictor)"
        if problem.question.kind == "slopes":
            slopes = '(outer(as.character(responses$cell), cells, "==") + 0) * responses$predictor'
        code += f"given$x <- cbind({slopes} / sd(responses$predictor))\n"
        if problem.covariates.shape[1]:
            code += f'given$x <- cbind(given$x, sweep({beside}, 2, apply({beside}, 2, sd), "/"))\n'
    elif problem.covariates.shape[1]:
        code += f'given$x <- sweep({beside}, 2, apply({beside}, 2, sd), "/")\n'
    return code
