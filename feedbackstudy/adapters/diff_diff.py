"""The one typed door to diff-diff: a panel of cells in, estimates and covariances out; its warnings become notes."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.adapters import noted
from feedbackstudy.errors import DataError, MissingExtraError

__all__ = [
    "Bounds",
    "StaggeredFit",
    "callaway_santanna",
    "goodman_bacon",
    "honest_bounds",
    "imputation",
    "smallest_seen_trend",
]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StaggeredFit:
    """A fit of diff-diff.

    Attributes
    ----------
    estimate, se : float
        Average effect on the treated, and its standard error.
    time : ndarray of int, shape (k,)
        Periods since the start, without the reference.
    effects : ndarray, shape (k,)
        Effects by time since the start; before it they should be 0.
    covariance : ndarray, shape (k, k)
        Of these.
    notes : tuple of str
        What the library warned of.
    """

    estimate: float
    se: float
    time: NDArray[np.int64]
    effects: Floats
    covariance: Floats
    notes: tuple[str, ...]
    _events: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A sensitivity analysis of Rambachan and Roth.

    Attributes
    ----------
    size : float
        How far parallel trends may be violated.
    low, high : float
        Robust interval of the average effect; NaN where none was found.
    """

    size: float
    low: float
    high: float


def _library() -> Any:  # noqa: ANN401
    try:
        import diff_diff  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as fault:
        raise MissingExtraError("Staggered roll-outs need diff-diff: pip install 'feedbackstudy[policy]'.") from fault
    return diff_diff


def callaway_santanna(frame: pd.DataFrame, *, anticipation: int, balanced: bool) -> StaggeredFit:
    """Fit the estimator of Callaway and Sant'Anna with units that have not changed over yet as comparison.

    Parameters
    ----------
    frame : DataFrame
        ``unit, time`` (from 1), ``first`` (0 for never), ``mean``, and ``weight``, constant within units.
    anticipation : int
        Periods before the start in which there may be an effect.
    balanced : bool
        Whether every unit has every period.

    Returns
    -------
    StaggeredFit
        Standard errors from influence functions by unit.

    Raises
    ------
    DataError
        Where nothing is estimable.
    """
    library = _library()
    with noted("diff_diff") as notes:
        model = library.CallawaySantAnna(
            control_group="not_yet_treated",
            estimation_method="reg",
            base_period="universal",
            anticipation=anticipation,
            allow_unbalanced_panel=not balanced,
            cluster=None if balanced else "unit",
        )
        fit = _fitted(library, model, frame)
        events = fit.aggregate("event_study")
    index = np.asarray(events.vcov_index, dtype=np.int64)
    place = {int(e): float(a) for e, a in zip(events.event_time, events.att, strict=True)}
    return StaggeredFit(
        estimate=float(fit.overall_att),
        se=float(fit.overall_se),
        time=index,
        effects=np.array([place[int(e)] for e in index]),
        covariance=np.asarray(events.vcov, dtype=np.float64),
        notes=tuple(notes),
        _events=events,
    )


def imputation(frame: pd.DataFrame, *, anticipation: int) -> StaggeredFit:
    """Fit the imputation estimator of Borusyak, Jaravel and Spiess.

    Parameters
    ----------
    frame : DataFrame
        As for `callaway_santanna`; periods without any untreated unit must be cut off.
    anticipation : int
        Periods before the start in which there may be an effect.

    Returns
    -------
    StaggeredFit
        Conservative standard errors by unit; without effects by time.

    Raises
    ------
    DataError
        Where nothing is estimable.
    """
    library = _library()
    with noted("diff_diff") as notes:
        fit = _fitted(library, library.ImputationDiD(anticipation=anticipation), frame)
    none = np.empty(0)
    return StaggeredFit(
        estimate=float(fit.overall_att),
        se=float(fit.overall_se),
        time=none.astype(np.int64),
        effects=none,
        covariance=none.reshape(0, 0),
        notes=tuple(notes),
    )


def _fitted(library: Any, model: Any, frame: pd.DataFrame) -> Any:  # noqa: ANN401
    design = library.SurveyDesign(weights="weight") if frame["weight"].max() > frame["weight"].min() else None
    try:
        fit = model.fit(frame, outcome="mean", unit="unit", time="time", first_treat="first", survey_design=design)
    except (ValueError, NotImplementedError) as fault:
        raise DataError(f"diff-diff cannot estimate this roll-out: {fault}") from fault
    if not np.isfinite(fit.overall_att):
        raise DataError("No effect of this roll-out is estimable: no unit changes over while another has not yet.")
    return fit


def goodman_bacon(frame: pd.DataFrame) -> pd.DataFrame:
    """Decompose two-way fixed effects into comparisons of two groups (Goodman-Bacon 2021).

    Parameters
    ----------
    frame : DataFrame
        Balanced: ``unit, time, first, mean``; cells count alike.

    Returns
    -------
    DataFrame
        ``kind, weight, estimate``: earlier against later, later against earlier (whose comparisons are treated
        already), treated against never.

    Raises
    ------
    DataError
        Where the panel cannot be decomposed.
    """
    library = _library()
    with noted("diff_diff"):
        try:
            fit = library.BaconDecomposition(weights="exact").fit(
                frame, outcome="mean", unit="unit", time="time", first_treat="first"
            )
        except ValueError as fault:
            raise DataError(f"diff-diff cannot decompose this roll-out: {fault}") from fault
    kinds = ("earlier_vs_later", "later_vs_earlier", "treated_vs_never")
    rows = [(kind, float(getattr(fit, f"total_weight_{kind}")), getattr(fit, f"weighted_avg_{kind}")) for kind in kinds]
    return pd.DataFrame(rows, columns=["kind", "weight", "estimate"]).astype({"weight": float, "estimate": float})


def honest_bounds(
    fit: StaggeredFit, sizes: tuple[float, ...], *, method: Literal["relative_magnitude", "smoothness"], alpha: float
) -> tuple[Bounds, ...]:
    """Return robust intervals where trends may differ by so much.

    Parameters
    ----------
    fit : StaggeredFit
        Of `callaway_santanna`.
    sizes : tuple of float
        Violations: multiples of the largest step before the start, or largest change of slope.
    method : {"relative_magnitude", "smoothness"}
        What restricts violations.
    alpha : float
        Error rate.

    Returns
    -------
    tuple of Bounds
        One for each size (Rambachan & Roth 2023); no numbers where the covariance of the effects is singular.
    """
    library = _library()
    found = []
    with noted("diff_diff"):
        for size in sizes:
            try:
                one = library.compute_honest_did(fit._events, method=method, M=size, alpha=alpha)
            except ValueError:  # with few units the errors of times are not independent of each other
                found.append(Bounds(size=size, low=math.nan, high=math.nan))
                continue
            found.append(Bounds(size=size, low=float(one.ci_lb), high=float(one.ci_ub)))
    return tuple(found)


def smallest_seen_trend(fit: StaggeredFit, *, power: float, alpha: float) -> float:
    """Return the slope of a linear difference in trends that the test of pre-trends finds with this power.

    Parameters
    ----------
    fit : StaggeredFit
        Of `callaway_santanna`.
    power : float
        Wanted power.
    alpha : float
        Error rate of the test.

    Returns
    -------
    float
        Slope per period (Roth 2022), by the Wald form of the test.
    """
    library = _library()
    with noted("diff_diff"):
        found = library.compute_pretrends_power(
            fit._events,
            alpha=alpha,
            target_power=power,
            violation_type="linear",
            pretest_form="wald",
        )
    return float(found.mdv)
