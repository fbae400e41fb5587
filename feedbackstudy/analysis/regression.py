"""Linear regression of a data frame on named terms, with robust and cluster-robust covariances."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.columns import Columns, column, read_columns
from feedbackstudy.analysis.crossed import TermColumns, term_columns, term_parts
from feedbackstudy.analysis.frequentist.cell_fit import ContrastFit, JointTest
from feedbackstudy.analysis.frequentist.clustered import CLUSTERED, Clustered
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.frequentist.linear import LinearFit, fit_linear
from feedbackstudy.analysis.frequentist.references import nuisance, untested_terms, without_error
from feedbackstudy.analysis.regression_result import Regression, coefficient
from feedbackstudy.analysis.two_valued import two_valued_note
from feedbackstudy.errors import DataError
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.threads import one_thread

__all__ = ["regression"]

type Floats = NDArray[np.float64]
type Vcov = Literal["classical", "HC0", "HC1", "HC2", "HC3", "HC4"] | Clustered

_CODING = "factors as indicators against their first level"


@one_thread()
def regression(
    data: pd.DataFrame,
    outcome: str,
    terms: Sequence[str],
    *,
    vcov: Vcov = "classical",
    cluster: str | None = None,
    weights: str | None = None,
    level: float = 0.95,
) -> Regression:
    """Regress an outcome on named terms.

    Parameters
    ----------
    data : DataFrame
        One row for each observation. It is not changed.
    outcome : str
        Column of the outcome.
    terms : sequence of str
        Columns, and interactions as names joined by ``:``; each is listed, none is implied. Columns of numbers enter as
        they are; text, categories and truth values as indicators against their first level.
    vcov : {"classical", "HC0" to "HC4", "CR0", "CR1", "CR1S", "CR2", "CR3"}, default "classical"
        Covariance of the coefficients. With `cluster` it is CR2 unless another CR is named.
    cluster : str, optional
        Column of clusters.
    weights : str, optional
        Column of positive weights, such as inverse probabilities of assignment; they need a robust covariance.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Regression
        Coefficients, joint tests of terms, `wald`.

    Raises
    ------
    DataError
        For a table that `read_columns` refuses, perfect collinearity, or options that do not fit.
    NotFoundError
        For an unknown column; formulas are not understood.

    Notes
    -----
    Degrees of freedom are n - p, with clusters Satterthwaite's; joint tests F or HTZ. Values as those of R's sandwich
    and clubSandwich (docs/analysis-reference.md).
    """
    check_level(level)
    _options(terms, vcov, cluster)
    parts = list(dict.fromkeys(part for term in terms for part in term_parts(term, list(map(str, data.columns)))))
    numbers = [name for name in parts if _is_number(data, name)]
    read = read_columns(
        data,
        outcome,
        factors=[name for name in parts if name not in numbers],
        covariates=[*numbers, *([weights] if weights is not None and weights not in numbers else [])],
        groups=[cluster] if cluster is not None else [],
    )
    design = term_columns(read, terms)
    codes = read.groups[cluster].codes if cluster is not None else None
    fit = fit_linear(
        read.y,
        design.matrix,
        vcov="classical" if cluster is not None else vcov,  # type: ignore[arg-type]
        cluster=codes,
        clustered=vcov if vcov in CLUSTERED else None,
        weights=read.covariates[weights] if weights is not None else None,
    )
    unit = np.eye(len(design.names))
    spread = fit.residual_df + len(design.names) - 1
    notes, failures = _said(fit, design, read, numbers, codes, vcov)
    return Regression(
        outcome=outcome,
        coefficients=tuple(coefficient(n, _single(fit, row), level) for n, row in zip(design.names, unit, strict=True)),
        terms=tuple((term, _joint(fit, unit[span])) for term, span in design.spans.items()),
        r_squared=fit.r_squared,
        adjusted_r_squared=1 - (1 - fit.r_squared) * spread / fit.residual_df,
        residual_sd=float(np.sqrt(fit.mse)),
        n=read.n,
        level=level,
        fit=fit,
        columns=design,
        notes=notes,
        failures=failures,
        provenance=Provenance(made_by="analysis.regression", conventions=(fit.words, _CODING)),
        script=_script(read.y, design, vcov, codes, read.covariates.get(weights or "")),
    )


def _single(fit: LinearFit, row: Floats) -> ContrastFit:
    """Return a coefficient; without an error where one cluster determines it alone, which `_untested` says."""
    try:
        return fit.contrast(row)
    except DataError:
        return ContrastFit(estimate=float(row @ fit.beta), se=np.nan, df=np.nan)


def _joint(fit: LinearFit, rows: Floats) -> JointTest:
    try:
        return fit.joint(rows)
    except DataError:
        return JointTest(f=np.nan, df=float(len(rows)), df2=np.nan, p=np.nan)


def _untested(
    fit: LinearFit, design: TermColumns, read: Columns, cluster: NDArray[np.int64] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return notes on what is not tested, and failures."""
    unit = np.eye(len(design.names))
    singles = [name for name, row in zip(design.names, unit, strict=True) if np.isnan(_single(fit, row).se)]
    terms = [term for term, span in design.spans.items() if np.isnan(_joint(fit, unit[span]).f)]
    factors = {name: factor.codes for name, factor in read.factors.items()}
    held, failures = without_error(singles, nuisance(design.names, design.spans, factors, cluster))
    return (*held, *untested_terms(terms)), failures


def _said(
    fit: LinearFit,
    design: TermColumns,
    read: Columns,
    numbers: Sequence[str],
    cluster: NDArray[np.int64] | None,
    vcov: str,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return all notes, and failures."""
    untested, failures = _untested(fit, design, read, cluster)
    classical = vcov == "classical" and cluster is None
    two = two_valued_note(read.outcome, read.y, robust="vcov='HC3'" if classical else "")
    return (*read.notes, *fit.notes, *untested, *_coded(read.covariates, numbers), *two), failures


def _options(terms: Sequence[str], vcov: str, cluster: str | None) -> None:
    if isinstance(terms, str) or not terms:
        raise DataError(f"Give a list of terms, such as ['timing', 'timing:framing']; given {terms!r}.")
    if vcov in CLUSTERED and cluster is None:
        raise DataError(f"{vcov} needs cluster=, the column that names the clusters.")
    if cluster is not None and vcov not in (*CLUSTERED, "classical"):
        raise DataError(f"With clusters the covariance is CR0 to CR3; given {vcov!r}.")


def _is_number(data: pd.DataFrame, name: str) -> bool:
    found = column(data, name)
    return bool(pd.api.types.is_numeric_dtype(found) and not pd.api.types.is_bool_dtype(found))


def _coded(values: Mapping[str, Floats], numbers: Sequence[str]) -> tuple[str, ...]:
    odd = [name for name in numbers if np.array_equal(np.unique(values[name]), [1.0, 2.0])]
    if not odd:
        return ()
    return (f"Coded 1 and 2 and entered as a number, so the intercept lies at 0, outside the codes: {', '.join(odd)}.",)


def _script(
    y: Floats, design: TermColumns, vcov: str, cluster: NDArray[np.int64] | None, weights: Floats | None
) -> RScript:
    frame = pd.DataFrame(design.matrix, columns=[f".x{j}" for j in range(design.matrix.shape[1])])
    frame[".y"] = y
    used = ", weights = responses$.w" if weights is not None else ""
    if weights is not None:
        frame[".w"] = weights
    right = " + ".join(f".x{j}" for j in range(design.matrix.shape[1]))
    body = f"fit <- lm(.y ~ 0 + {right}, data = responses{used})\nnames <- {r_vector(design.names)}\n"
    if cluster is not None:
        frame[".cluster"] = cluster
        kind = vcov if vcov in CLUSTERED else "CR2"
        target = ", target = rep(1, nrow(responses))" if weights is not None else ""
        body += (
            f'V <- clubSandwich::vcovCR(fit, cluster = responses$.cluster, type = "{kind}"{target})\n'
            'found <- clubSandwich::coef_test(fit, vcov = V, test = "Satterthwaite")\n'
            'show(paste(names, "se"), found$SE); show(paste(names, "df"), found$df)\n'
            'show(paste(names, "p"), found$p_Satt)\n'
        )
    else:
        made = "vcov(fit)" if vcov == "classical" else f'sandwich::vcovHC(fit, type = "{vcov}")'
        body += (
            f"V <- {made}; se <- sqrt(diag(V))\n"
            'show(paste(names, "se"), se); show(paste(names, "p"), 2 * pt(-abs(coef(fit) / se), df.residual(fit)))\n'
        )
    body += 'show(paste(names, "estimate"), coef(fit))\n'
    return RScript(made_by="analysis.regression", body=body, data=frame, name="regression")
