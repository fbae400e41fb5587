"""Which column of an applications table holds what."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.named import Fixed, Line

__all__ = ["NOT_STATED", "PLATFORMS", "ApplicationColumns", "Status", "Window"]

type Status = Literal["active", "rejected", "hired", "withdrawn"]

NOT_STATED = "(not stated)"
"""The group of those whose group is not known."""

PLATFORMS: Mapping[str, Mapping[str, object]] = {
    "greenhouse": {
        "application": "id",
        "candidate": "candidate_id",
        "applied_at": "applied_at",
        "decided_from": ["rejected_at", "hired_at"],
        "status": "status",
        "statuses": {"active": "active", "rejected": "rejected", "hired": "hired"},
    },
    "lever": {
        "application": "opportunity_id",
        "candidate": "contact",
        "applied_at": "created_at",
        "decided_at": "archived_at",
        "status": "archived_reason",
        "null_status": "active",
    },
}
"""A platform's names of columns, as in the public models of fivetran's dbt_greenhouse_source and dbt_lever_source."""
_TIMES = {"decided_at", "decided_from"}


class ApplicationColumns(Declaration):
    """Columns of one row per application.

    Attributes
    ----------
    platform : {"custom", "greenhouse", "lever"}
        Whose table it is: fills every column below that is not given with the platform's own name. Lever's reasons of
        archiving are named under ``statuses``, since being hired is one of them.
    application, candidate : str
        Keys; the second links applications of one person.
    applied_at : str
        Time of application.
    decided_at : str or None
        Time of the decision.
    decided_from : tuple of str
        In its place: columns whose first value that is there is the time of the decision, where rejections have one and
        hires another.
    status : str
        Column of the status.
    statuses : mapping of str to {"active", "rejected", "hired", "withdrawn"}
        What each value of it means; a value that is not listed is an error, never dropped.
    null_status : {"active", "rejected", "hired", "withdrawn"} or None
        What a missing status means; None where it is an error.
    site, interviewer : str or None
        Where, and who decided.
    delivered_at, specific : str or None
        When feedback was sent, and whether it named behaviour; for fidelity.
    consent : str or None
        Column that says whether the row may be analysed.
    consent_values : tuple of str
        The values that say yes.
    zone : str or None
        Time zone whose calendar counts, such as ``Europe/Berlin``: times that name a zone are turned into its wall
        clock, and need it. Times that name none are taken as they stand, as wall clock already.
    """

    platform: Literal["custom", "greenhouse", "lever"] = "custom"
    application: Line
    candidate: Line | None = None
    applied_at: Line
    decided_at: Line | None = None
    decided_from: Many[Line] = ()
    status: Line
    statuses: Fixed[str, Status]
    null_status: Status | None = None
    site: Line | None = None
    interviewer: Line | None = None
    delivered_at: Line | None = None
    specific: Line | None = None
    consent: Line | None = None
    consent_values: Many[str] = ("true", "yes", "1")
    zone: Line | None = None

    @model_validator(mode="before")
    @classmethod
    def _filled_from_platform(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        known = PLATFORMS.get(str(data.get("platform")), {})
        times = _TIMES & set(data)
        return {**{key: value for key, value in known.items() if not (times and key in _TIMES)}, **data}

    @model_serializer(mode="wrap")
    def _with_what_the_platform_fills(self, inner: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Write what a platform fills also where it is empty, or reading would fill it again."""
        data: dict[str, object] = inner(self)
        empty: dict[str, object] = {"decided_at": None, "decided_from": [], "candidate": None, "null_status": None}
        known = PLATFORMS.get(self.platform, {})
        filled = {key for key in known if key in empty} - (
            {"decided_at", "decided_from"} if _TIMES & set(data) else set()
        )
        return data | {key: empty[key] for key in filled if key not in data}

    @model_validator(mode="after")
    def _each_column_once(self) -> Self:
        if (self.decided_at is None) == (not self.decided_from):
            raise ValueError(
                "the time of the decision is 'decided_at', or the first of 'decided_from'; name one of them."
            )
        names = [self.application, self.applied_at, *self.decided, self.status]
        if len(set(names)) < len(names):
            raise ValueError(f"one column is given two meanings: {names}.")
        if "rejected" not in self.statuses.values():
            raise ValueError(
                f"no status means rejected: {dict(self.statuses)}; feedback goes to people who were rejected."
            )
        return self

    @property
    def decided(self) -> tuple[str, ...]:
        """Columns of which the first value that is there is the time of the decision."""
        return self.decided_from or ((self.decided_at,) if self.decided_at is not None else ())


class Window(Declaration):
    """The time that is looked at.

    Attributes
    ----------
    first, last : str
        First and last day of decisions that count, as ``2026-03-01``.
    data_end : str
        Day up to which the table knows everything; outcome windows beyond it are censored.
    """

    first: str
    last: str
    data_end: str

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        import datetime as dt

        try:
            days = [dt.date.fromisoformat(day) for day in (self.first, self.last, self.data_end)]
        except ValueError as fault:
            raise ValueError(f"{fault}; write days as 2026-03-01.") from fault
        if not days[0] <= days[1] <= days[2]:
            raise ValueError(f"the window runs backwards: {self.first}, {self.last}, data until {self.data_end}.")
        return self
