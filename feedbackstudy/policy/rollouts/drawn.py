"""From the order that `assign` drew to a declared roll-out: nothing is typed twice."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import pandas as pd

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.named import Fixed
from feedbackstudy.policy.declared.treatment import NEVER, Rollout, period_number

if TYPE_CHECKING:
    from feedbackstudy.assign.allocation import Allocation

__all__ = ["rollout_of"]


def rollout_of(
    allocation: "Allocation",
    periods: Sequence[str],
    *,
    unit: str | None = None,
    period: Literal["week", "month", "quarter"] = "month",
    washout: int = 0,
    anticipation: int = 0,
) -> Rollout:
    """Declare the roll-out that a stepped-wedge allocation drew.

    Parameters
    ----------
    allocation : Allocation
        Of a study whose assignment is a stepped wedge.
    periods : sequence of str
        First day of each period of the wedge, in order, as ``2026-03-01``.
    unit : str, optional
        Column of the applications table that holds the units; the study's own cluster name by default.
    period : {"week", "month", "quarter"}, default "month"
        Steps of time.
    washout, anticipation : int, default 0
        As in `Rollout`.

    Returns
    -------
    Rollout
        With mechanism "randomised" where our scheme drew it, and with the strata that it was drawn within.

    Raises
    ------
    InputError
        Where the allocation is no stepped wedge.
    DataError
        For a wrong number of days, days that do not rise, or two within one period.
    """
    frame = allocation.periods
    if frame.empty or allocation.study.assignment.wedge is None:
        raise InputError(
            f"The allocation of {allocation.study.title!r} is no stepped wedge, so it holds no order of units; draw "
            "one with assignment: method: stepped_wedge."
        )
    cluster = str(frame.columns[0])
    _checked(periods, int(frame["period"].max()), period)
    exposed = frame[frame["exposure"] > 0].groupby(cluster)["period"].min()
    names = [str(name) for name in frame[cluster].drop_duplicates()]
    start = {str(name): periods[int(first) - 1] for name, first in exposed.items()}
    return Rollout(
        unit=unit or cluster,
        period=period,
        start=Fixed({name: start.get(name, NEVER) for name in names}),
        mechanism="randomised" if allocation.origin == "feedbackstudy" else "observational",
        strata=Fixed(_strata(allocation, cluster)),
        washout=washout,
        anticipation=anticipation,
    )


def _checked(periods: Sequence[str], needed: int, period: str) -> None:
    if len(periods) != needed:
        raise DataError(f"The wedge has {needed} periods, and {len(periods)} first days are given; give one for each.")
    try:
        days = [dt.date.fromisoformat(day) for day in periods]
    except (TypeError, ValueError) as fault:
        raise DataError(f"{fault}; write days as 2026-03-01.") from fault
    numbers = [period_number(day, period) for day in days]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise DataError(f"The first days {list(periods)} must fall into {period}s that rise, each into its own.")


def _strata(allocation: "Allocation", cluster: str) -> dict[str, str]:
    by = list(allocation.study.assignment.by)
    if not by:
        return {}
    own: pd.DataFrame = allocation.frame[[cluster, *by]].drop_duplicates()
    if own[cluster].duplicated().any():
        mixed = own.loc[own[cluster].duplicated(), cluster].iloc[0]
        raise DataError(f"Unit {mixed!r} has two strata of {', '.join(by)}; a unit is drawn within one.")
    return {str(row[cluster]): " / ".join(str(row[name]) for name in by) for row in own.to_dict("records")}
