"""The one typed door to pyfixest, as a cross-check of roll-outs: cells in, an estimate and its error out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.adapters import noted, quiet
from feedbackstudy.errors import DataError, MissingExtraError

__all__ = ["EventEstimates", "saturated_events", "two_stage"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventEstimates:
    """Effects by time since the start.

    Attributes
    ----------
    time : ndarray of int
        Periods since the start.
    effects, se : ndarray
        Effects and standard errors.
    """

    time: NDArray[np.int64]
    effects: NDArray[np.float64]
    se: NDArray[np.float64]


def _library() -> Any:  # noqa: ANN401
    try:
        with quiet("pyfixest"):
            import pyfixest  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as fault:
        raise MissingExtraError("The cross-check needs pyfixest: pip install 'feedbackstudy[policy]'.") from fault
    return pyfixest


def two_stage(frame: pd.DataFrame) -> tuple[float, float]:
    """Fit Gardner's two-stage difference in differences, weighted by applications.

    Parameters
    ----------
    frame : DataFrame
        ``unit, time, first, mean, n, treated`` (0 or 1); periods without any untreated unit must be cut off.

    Returns
    -------
    tuple of float
        Estimate and clustered standard error (``pyfixest.did2s``).

    Raises
    ------
    DataError
        Where periods hold no untreated unit, with which pyfixest fails without saying why (its issue 1244).
    """
    free = frame.groupby("time")["treated"].min()
    if (free > 0).any():
        raise DataError(f"Period {free[free > 0].index[0]} has no untreated unit; cut such periods off first.")
    library = _library()
    with quiet("pyfixest"):
        fit = library.did2s(
            frame,
            yname="mean",
            first_stage="~ 0 | unit + time",
            second_stage="~ treated",
            treatment="treated",
            cluster="unit",
            weights="n",
        )
        return float(fit.coef()["treated"]), float(fit.se()["treated"])


def saturated_events(frame: pd.DataFrame) -> EventEstimates:
    """Fit the event study saturated in cohort and period; cells count alike.

    Parameters
    ----------
    frame : DataFrame
        ``unit, time, first, mean``.

    Returns
    -------
    EventEstimates
        Averaged over cohorts (``pyfixest.event_study``, estimator "saturated").
    """
    library = _library()
    # It says that it is in beta, and lists the columns of cohorts that have no such period: no news to a reader.
    with noted("pyfixest"):
        fit = library.event_study(
            frame,
            yname="mean",
            idname="unit",
            tname="time",
            gname="first",
            estimator="saturated",
            cluster="unit",
            att=False,
        )
        table = fit.aggregate()
    return EventEstimates(
        time=np.array([round(float(e)) for e in table.index], dtype=np.int64),
        effects=table["Estimate"].to_numpy(dtype=np.float64),
        se=table["Std. Error"].to_numpy(dtype=np.float64),
    )
