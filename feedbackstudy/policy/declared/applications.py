"""Which column of an applications table holds what."""

from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration
from feedbackstudy.named import Fixed, Line

__all__ = ["ApplicationColumns", "Status", "Window"]

type Status = Literal["active", "rejected", "hired", "withdrawn"]


class ApplicationColumns(Declaration):
    """Columns of one row per application.

    Attributes
    ----------
    application, candidate : str
        Keys; the second links applications of one person.
    applied_at, decided_at : str
        Times of application and of the decision.
    status : str
        Column of the status.
    statuses : mapping of str to {"active", "rejected", "hired", "withdrawn"}
        What each value of it means; a value that is not listed is an error, never dropped.
    site, interviewer : str or None
        Where, and who decided.
    delivered_at, specific : str or None
        When feedback was sent, and whether it named behaviour; for fidelity.
    consent : str or None
        Column that says whether the row may be analysed.
    consent_values : tuple of str
        The values that say yes.
    zone : str
        Time zone of times that name none, such as ``Europe/Berlin``.
    """

    application: Line
    candidate: Line | None = None
    applied_at: Line
    decided_at: Line
    status: Line
    statuses: Fixed[str, Status]
    site: Line | None = None
    interviewer: Line | None = None
    delivered_at: Line | None = None
    specific: Line | None = None
    consent: Line | None = None
    consent_values: tuple[str, ...] = ("true", "yes", "1")
    zone: Line | None = None

    @model_validator(mode="after")
    def _each_column_once(self) -> Self:
        names = [n for n in (self.application, self.applied_at, self.decided_at, self.status) if n]
        if len(set(names)) < len(names):
            raise ValueError(f"one column is given two meanings: {names}.")
        if "rejected" not in self.statuses.values():
            raise ValueError(
                f"no status means rejected: {dict(self.statuses)}; feedback goes to people who were rejected."
            )
        return self


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
