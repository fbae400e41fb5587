"""Which columns of which applicant-tracking system hold what: `ATSSchema`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from feedbackstudy.errors import InputError
from feedbackstudy.named import Fixed
from feedbackstudy.policy.declared import ApplicationColumns
from feedbackstudy.policy.declared.applications import Status
from feedbackstudy.yamlfile import YamlValue

__all__ = ["ATSSchema", "starts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ATSSchema:
    """The columns of an applicant-tracking system, for a plan; the plan alone says how its table is read.

    Attributes
    ----------
    columns : ApplicationColumns
        For ``PolicyPlan(columns=...)``.
    """

    columns: ApplicationColumns

    @classmethod
    def greenhouse(cls, **changed: str) -> Self:
        """Return the columns of Greenhouse's application table.

        Parameters
        ----------
        **changed : str
            Attributes of `ApplicationColumns` that differ, such as ``site="office"`` or ``delivered_at="mailed_at"``.

        Returns
        -------
        ATSSchema
            Decided at ``rejected_at``, else ``hired_at``. Greenhouse stores no delivery of feedback: join it from the
            mail log and name its column.
        """
        return cls(columns=ApplicationColumns.from_data({"platform": "greenhouse", **changed}))

    @classmethod
    def lever(cls, *, reasons: Mapping[str, Status], **changed: str) -> Self:
        """Return the columns of Lever's opportunity table.

        Parameters
        ----------
        reasons : mapping of str to {"rejected", "hired", "withdrawn"}
            What each archive reason means; in Lever being hired is a reason of archiving as well.
        **changed : str
            Attributes of `ApplicationColumns` that differ.

        Returns
        -------
        ATSSchema
            Decided at ``archived_at``; an opportunity without a reason is active.
        """
        return cls(columns=ApplicationColumns.from_data({"platform": "lever", "statuses": dict(reasons), **changed}))

    @classmethod
    def custom(cls, *, statuses: Mapping[str, Status], null_status: Status | None = None, **columns: str) -> Self:
        """Return columns under any names.

        Parameters
        ----------
        statuses : mapping of str to {"active", "rejected", "hired", "withdrawn"}
            What each status means.
        null_status : str, optional
            What a missing status means.
        **columns : str
            Attributes of `ApplicationColumns`.

        Returns
        -------
        ATSSchema
            The schema.
        """
        data: dict[str, YamlValue] = {**columns, "statuses": {**statuses}, "null_status": null_status}
        return cls(columns=ApplicationColumns.from_data(data))


def starts_of(rows: object, *, unit: str, start: str) -> Fixed[str, str]:
    """Read the first day under the policy of each unit from a table of units.

    Parameters
    ----------
    rows : data frame
        One row a unit; a missing date means never.
    unit, start : str
        Its columns.

    Returns
    -------
    Fixed of str to str
        For ``Rollout.start``.

    Raises
    ------
    InputError
        Where a unit has two dates, or no name.
    """
    import narwhals as nw

    frame = nw.from_native(rows, eager_only=True)  # type: ignore[call-overload]
    found: dict[str, str] = {}
    for name, date in zip(frame[unit].to_list(), frame[start].to_list(), strict=True):
        day = "never" if date is None or date != date else str(date)[:10]
        if name is None or name != name:
            raise InputError(f"A row of the table of units has no {unit!r} (its start: {day}).")
        if found.setdefault(str(name), day) != day:
            raise InputError(
                f"Unit {name!r} has two start dates, {found[str(name)]} and {day}; a unit changes over once. Decide "
                "which one is right before anything is analysed."
            )
    return Fixed(found)
