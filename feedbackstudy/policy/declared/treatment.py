"""Who got the policy, when, and how that was decided: an experiment with arms, or a roll-out over time."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.named import Fixed, Line, Name, Named, Real

if TYPE_CHECKING:
    from feedbackstudy.assign.allocation import Allocation

__all__ = ["Experiment", "PolicyArm", "Rollout", "Treatment", "period_number"]

NEVER = "never"


class PolicyArm(Declaration):
    """One arm of an experiment.

    Attributes
    ----------
    name : str
        Its name.
    label : str
        What it is called.
    code : str
        How the column of the arm says it.
    share : float
        Expected share of the units, relative to the other arms.
    """

    name: Name
    label: Line
    code: Line
    share: Real = 1.0

    @model_validator(mode="after")
    def _has_a_share(self) -> Self:
        if self.share <= 0:
            raise ValueError(f"arm {self.name!r}: a share of {self.share:g} is none.")
        return self


class _Kind(Declaration):
    """A treatment that always writes which kind it is."""

    kind: str

    @model_serializer(mode="wrap")
    def _with_kind(self, inner: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {"kind": self.kind, **inner(self)}


class Experiment(_Kind):
    """Units get one arm for the whole time.

    Attributes
    ----------
    column : str
        Column that holds the arm.
    unit : str or None
        Column of the units that were assigned (sites, interviewers); None where each application was.
    arms : Named of PolicyArm
        The arms.
    control : str
        The arm that the others are compared with.
    strata : tuple of str
        Columns within whose combinations units were assigned.
    mechanism : {"randomised", "observational"}
        How arms came about; nothing observational is called an effect of assignment.
    """

    kind: Literal["experiment"] = "experiment"
    column: Line
    unit: Line | None = None
    arms: Named[PolicyArm]
    control: Name
    strata: Many[Line] = ()
    mechanism: Literal["randomised", "observational"] = "randomised"

    @model_validator(mode="after")
    def _arms_fit(self) -> Self:
        if len(self.arms) < 2:
            raise ValueError(f"an experiment compares at least two arms; given {list(self.arms.names)}.")
        if self.control not in self.arms.names:
            raise ValueError(f"the control {self.control!r} is no arm; the arms are {list(self.arms.names)}.")
        codes = [arm.code for arm in self.arms]
        if len(set(codes)) < len(codes):
            raise ValueError(f"two arms have the same code: {codes}.")
        return self


class Rollout(_Kind):
    """Units change over to the policy one after the other, and stay.

    Attributes
    ----------
    unit : str
        Column of the units that change over, such as ``site``.
    period : {"week", "month", "quarter"}
        Steps of time.
    start : mapping of str to str
        Unit -> date of its first day under the policy (``2026-03-01``), or ``never``. A single unit can be read as an
        interrupted time series only (`policy.interrupted`).
    mechanism : {"randomised", "observational"}
        Whether chance decided the order; randomisation inference needs it.
    strata : mapping of str to str
        Unit -> stratum within which the order was drawn; empty where there was one draw.
    washout : int
        Periods from the start on that belong to neither side and are left out.
    anticipation : int
        Periods before the start in which the policy may already have had an effect.
    """

    kind: Literal["rollout"] = "rollout"
    unit: Line
    period: Literal["week", "month", "quarter"] = "month"
    start: Fixed[str, str]
    mechanism: Literal["randomised", "observational"] = "observational"
    strata: Fixed[str, str] = Fixed()
    washout: int = 0
    anticipation: int = 0

    @model_validator(mode="after")
    def _dates_are_dates(self) -> Self:
        for unit, date in self.start.items():
            if date == NEVER:
                continue
            try:
                dt.date.fromisoformat(date)
            except ValueError as fault:
                raise ValueError(
                    f"unit {unit!r} starts on {date!r}; write a date as 2026-03-01, or 'never'."
                ) from fault
        if not self.start:
            raise ValueError("a roll-out names the units that change over, and when; given none.")
        if self.washout < 0 or self.anticipation < 0:
            raise ValueError("washout and anticipation count periods and are never negative.")
        missing = sorted(set(self.start) - set(self.strata)) if self.strata else []
        if missing:
            raise ValueError(f"unit {missing[0]!r} has no stratum; name one for each unit, or none at all.")
        return self

    @classmethod
    def from_allocation(cls, allocation: "Allocation", periods: Sequence[str], **options: Any) -> "Rollout":  # noqa: ANN401
        """Declare the roll-out whose order `assign` drew as a stepped wedge.

        Parameters
        ----------
        allocation : Allocation
            Of a stepped wedge.
        periods : sequence of str
            First day of each period, in order, as ``2026-03-01``.
        **options : object
            ``unit``, ``period``, ``washout`` and ``anticipation``, as `policy.rollouts.drawn.rollout_of` takes them.

        Returns
        -------
        Rollout
            With the declared mechanism and strata of the draw.
        """
        from feedbackstudy.policy.rollouts.drawn import rollout_of

        return rollout_of(allocation, periods, **options)

    @property
    def never(self) -> tuple[str, ...]:
        """Units that never change over."""
        return tuple(unit for unit, date in self.start.items() if date == NEVER)

    def first_period(self, unit: str) -> int | None:
        """Return the ordinal number of a unit's first period under the policy.

        Parameters
        ----------
        unit : str
            A unit.

        Returns
        -------
        int or None
            As `period_number` counts; None for units that never change over.
        """
        date = self.start[unit]
        return None if date == NEVER else period_number(dt.date.fromisoformat(date), self.period)


def period_number(day: dt.date, period: str) -> int:
    """Count the period that a day lies in.

    Parameters
    ----------
    day : date
        The day.
    period : {"week", "month", "quarter"}
        Steps of time; weeks begin on Monday.

    Returns
    -------
    int
        Consecutive numbers: months since year 0, quarters since year 0, weeks since 1 January of year 1.
    """
    if period == "week":
        return (day.toordinal() - 1) // 7
    months = day.year * 12 + day.month - 1
    return months if period == "month" else months // 3


type Treatment = Annotated[Experiment | Rollout, Field(discriminator="kind")]
"""An experiment or a roll-out."""
