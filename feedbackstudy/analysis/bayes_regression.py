"""Bayes factors of regressions and of correlations of a data frame."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayes_effect import EffectBayesFactor
from feedbackstudy.analysis.bayes_models import BayesFactors, ModelEvidence
from feedbackstudy.analysis.bayesian.densities import from_density
from feedbackstudy.analysis.bayesian.effect_evidence import Alternative
from feedbackstudy.analysis.bayesian.jzs_blocks import Block, whitened
from feedbackstudy.analysis.bayesian.jzs_correlation import correlation_density, log_jzs_correlation
from feedbackstudy.analysis.bayesian.jzs_model import blocks_model, correlation_model
from feedbackstudy.analysis.bayesian.jzs_regression import log_bic_factor, log_jzs_r2
from feedbackstudy.analysis.bayesian.robustness import Robustness
from feedbackstudy.analysis.columns import Columns, read_columns
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.r_effect import correlation_posterior, widths_code
from feedbackstudy.analysis.tables import one_number
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript, r_number

__all__ = ["bayes_factor_correlation", "bayes_factor_regression"]

type Floats = NDArray[np.float64]
type Models = Literal["all", "full", "top"]

_MOST = 12
_SCALE = math.sqrt(2) / 4
_ALTERNATIVES = {"two-sided": "", "greater": ", upper half", "less": ", lower half"}


def bayes_factor_regression(
    data: pd.DataFrame,
    outcome: str,
    predictors: Sequence[str],
    *,
    models: Models = "all",
    prior_scale: float = _SCALE,
) -> BayesFactors:
    r"""Return Bayes factors of linear regressions against the intercept alone.

    Parameters
    ----------
    data : DataFrame
        One row for each observation. It is not changed.
    outcome : str
        Column of the outcome.
    predictors : sequence of str
        Columns of numbers.
    models : {"all", "full", "top"}, default "all"
        Every subset of the predictors (twelve of them at most); the full model only; or the full model and each that
        lacks one predictor.
    prior_scale : float, default sqrt(2)/4
        Scale of the prior of the standardised coefficients.

    Returns
    -------
    BayesFactors
        Every model against the intercept alone (with `models="top"` against the full model), with the BIC
        approximation beside it.

    Raises
    ------
    DataError
        For a table that `read_columns` refuses, predictors that depend on each other, too few rows, or too many models.
    NotFoundError
        For a column that does not exist.

    Notes
    -----
    Zellner and Siow's prior as in Liang et al. (2008) and in R's regressionBF: one g for all predictors of a model.
    """
    prior_scale = one_number("The scale of the prior", prior_scale)
    if not (math.isfinite(prior_scale) and prior_scale > 0):
        raise DataError(f"prior_scale must be positive and finite; given {prior_scale}.")
    if models not in {"all", "full", "top"}:
        raise DataError(choices("Kind of models", models, ("all", "full", "top")))
    if not predictors:
        raise DataError("No predictor was named; name at least one column of numbers.")
    read = read_columns(data, outcome, covariates=list(predictors))
    asked = _asked(tuple(predictors), models)
    r2 = _explained(read, asked)
    sizes = np.array([len(one) for one in asked], dtype=np.float64)
    logs = log_jzs_r2(r2, n=read.n, predictors=sizes, scale=prior_scale)
    bic = log_bic_factor(r2, n=read.n, predictors=sizes)
    known = {one: (float(share), float(size)) for one, share, size in zip(asked, r2, sizes, strict=True)}

    def evidence_at(terms: tuple[str, ...], width: float) -> float:
        if not terms:
            return 0.0
        share, size = known[terms]
        return float(log_jzs_r2(share, n=read.n, predictors=size, scale=width))

    rows = [ModelEvidence(name="intercept only", terms=(), log_bayes_factor=0.0, error=0.0, log_bic_factor=0.0)]
    rows += [
        ModelEvidence(
            name=" + ".join(one), terms=one, log_bayes_factor=float(log), error=0.0, log_bic_factor=float(log_bic)
        )
        for one, log, log_bic in zip(asked, logs, bic, strict=True)
    ]
    result = BayesFactors(
        title=f"Bayes factors of regressions of {outcome}",
        rows=tuple(rows),
        against="intercept only",
        prior=f"multivariate Cauchy of the standardised coefficients, scale {prior_scale:.4g} (Zellner and Siow)",
        prior_scale=prior_scale,
        n=read.n,
        notes=read.notes,
        provenance=Provenance(made_by="analysis.bayes_factor_regression", conventions=("g integrated by quadrature",)),
        script=_regression_script(read, asked, prior_scale),
        evidence_at=evidence_at,
        model_of=partial(_model, read, prior_scale),
    )
    return result.compared_with(" + ".join(predictors)) if models == "top" else result


def bayes_factor_correlation(
    data: pd.DataFrame,
    x: str,
    y: str,
    *,
    kappa: float = 1.0,
    alternative: Alternative = "two-sided",
    level: float = 0.95,
) -> EffectBayesFactor:
    r"""Return the Bayes factor of a correlation.

    Parameters
    ----------
    data : DataFrame
        One row for each pair. It is not changed.
    x, y : str
        Columns of numbers.
    kappa : float, default 1
        Width of the prior, a beta(1/kappa, 1/kappa) distribution stretched to (-1, 1). 1 is uniform, as in JASP and
        pingouin; R's BayesFactor has 1/3, which gives other numbers.
    alternative : {"two-sided", "greater", "less"}
        The whole prior, or its half on one side of 0.
    level : float, default 0.95
        Probability inside the credible interval.

    Returns
    -------
    EffectBayesFactor
        Bayes factor, posterior of the correlation, robustness curve, `r_script()`.

    Raises
    ------
    DataError
        For a table that `read_columns` refuses, fewer than three pairs, a perfect correlation, or an impossible width.

    Notes
    -----
    The exact likelihood of r (Ly, Verhagen and Wagenmakers, 2016). Two-sided values are those of R's correlationBF;
    one-sided ones there rest on Jeffreys's approximation and differ by up to 2 % for few pairs.
    """
    if alternative not in _ALTERNATIVES:
        raise DataError(choices("Alternative", alternative, _ALTERNATIVES))
    check_level(level)
    kappa = one_number("kappa", kappa)
    if not (math.isfinite(kappa) and 0 < kappa <= 10):
        raise DataError(f"kappa must lie above 0 and be 10 at most; given {kappa}.")
    read = read_columns(data, y, covariates=[x])
    first, second = read.covariates[x], read.y
    r = float(np.corrcoef(first, second)[0, 1])
    if read.n < 3 or abs(r) > 1 - 1e-12:
        raise DataError(f"{read.n} pair(s) with r = {r:.6g}: a Bayes factor needs three pairs and no perfect line.")

    def at(width: float) -> float:
        return log_jzs_correlation(r, read.n, kappa=width, alternative=alternative)

    density = correlation_density(r, read.n, kappa=kappa, alternative=alternative)
    title = f"Correlation of {x} and {y}"
    script = _correlation_script(first, second, kappa, alternative, level)
    return EffectBayesFactor(
        title=title,
        statistic="r",
        value=r,
        df=None,
        n=(read.n,),
        log_bayes_factor=at(kappa),
        prior=f"stretched beta, kappa {kappa:.4g}{_ALTERNATIVES[alternative]}",
        posterior=replace(from_density(density, quantity="correlation", level=level), script=script),
        curve=_curve(title, first, second, at, kappa, alternative),
        within=None,
        notes=read.notes,
        provenance=Provenance(made_by="analysis.bayes_factor_correlation", conventions=(f"kappa {kappa:.4g}",)),
        script=script,
        model=partial(correlation_model, first, second, kappa=kappa, alternative=alternative),
    )


def _asked(predictors: tuple[str, ...], models: Models) -> tuple[tuple[str, ...], ...]:
    if models == "all":
        if len(predictors) > _MOST:
            raise DataError(f"{len(predictors)} predictors make too many models; use models='full' or 'top'.")
        return tuple(one for size in range(1, len(predictors) + 1) for one in combinations(predictors, size))
    lacking = tuple(tuple(other for other in predictors if other != one) for one in predictors)
    return (predictors, *(one for one in lacking if one)) if models == "top" else (predictors,)


def _explained(read: Columns, asked: tuple[tuple[str, ...], ...]) -> Floats:
    """Return R squared of every model from one correlation matrix."""
    names = list(read.covariates)
    columns = np.column_stack([read.covariate_matrix, read.y])
    matrix = np.atleast_2d(np.asarray(np.corrcoef(columns, rowvar=False), dtype=np.float64))
    if np.linalg.matrix_rank(matrix[:-1, :-1], tol=1e-9) < len(names):
        raise DataError("A predictor is a combination of the others (perfect collinearity); leave one of them out.")
    if read.n < len(names) + 2:
        raise DataError(f"{read.n} rows are too few for {len(names)} predictors.")
    found = []
    for one in asked:
        at = [names.index(name) for name in one]
        score = matrix[at, -1]
        found.append(float(score @ np.linalg.solve(matrix[np.ix_(at, at)], score)))
    shares = np.array(found)
    if (shares > 1 - 1e-12).any():
        raise DataError("The predictors explain the outcome without any error; nothing can be compared.")
    return shares


def _model(read: Columns, scale: float, terms: tuple[str, ...]) -> Any:  # noqa: ANN401 - a type of PyMC, which only the Bayesian room imports
    """Return a regression for PyMC: predictors turned to unit variance without correlation, one g for all."""
    if not terms:
        return blocks_model(read.y, (), None)
    names = list(read.covariates)
    chosen = read.covariate_matrix[:, [names.index(term) for term in terms]]
    return blocks_model(read.y, [Block(name="predictors", columns=whitened(chosen), scale=scale)], None)


def _regression_script(read: Columns, asked: tuple[tuple[str, ...], ...], scale: float) -> RScript:
    safe = {name: f"x{k + 1}" for k, name in enumerate(read.covariates)}
    frame = pd.DataFrame({"y": read.y} | {safe[name]: values for name, values in read.covariates.items()})
    lines = ["suppressMessages(library(BayesFactor))"]
    for one in asked:
        lines.append(f"# {' + '.join(one)}")
        formula = " + ".join(safe[name] for name in one)
        lines.append(
            f"found <- lmBF(y ~ {formula}, data = responses, rscaleCont = {r_number(scale)}, progress = FALSE)"
        )
        lines.append('show("log_bayes_factor", found@bayesFactor$bf)')
    return RScript(
        made_by="analysis.bayes_factor_regression", body="\n".join(lines), data=frame, name="bayes_factor_regression"
    )


_HALF = {"two-sided": "", "greater": ", nullInterval = c(0, 1)", "less": ", nullInterval = c(-1, 0)"}


def _curve(
    title: str, first: Floats, second: Floats, at: Callable[[float], float], kappa: float, alternative: Alternative
) -> Robustness:
    widths = np.exp(np.linspace(np.log(0.1), np.log(2.0), 41))
    return Robustness(
        quantity=title,
        family="stretched beta",
        alternative=alternative,
        scales=widths,
        log_bayes_factors=np.array([at(float(width)) for width in widths]),
        declared=kappa,
        log_declared=at(kappa),
        note="exact but for quadrature",
        script=_curve_script(first, second, widths, alternative),
    )


def _curve_script(first: Floats, second: Floats, widths: Floats, alternative: Alternative) -> RScript:
    body = widths_code(f"correlationBF(responses$x, responses$y, rscale = width{_HALF[alternative]})", widths)
    frame = pd.DataFrame({"x": first, "y": second})
    return RScript(made_by="analysis.bayes_factor_correlation", body=body, data=frame, name="correlation_widths")


def _correlation_script(first: Floats, second: Floats, kappa: float, alternative: Alternative, level: float) -> RScript:
    half = _HALF[alternative]
    body = (
        "suppressMessages(library(BayesFactor))\n"
        f"found <- correlationBF(responses$x, responses$y, rscale = {r_number(kappa)}{half})\n"
        'show("log_bayes_factor", found@bayesFactor$bf[1])\n'
        + correlation_posterior(kappa=kappa, alternative=alternative, level=level)
    )
    frame = pd.DataFrame({"x": first, "y": second})
    return RScript(made_by="analysis.bayes_factor_correlation", body=body, data=frame, name="bayes_factor_correlation")
