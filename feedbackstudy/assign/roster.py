"""Who is assigned: a roster of known people, or places for people who are still to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feedbackstudy.assign.conditions import Conditions
from feedbackstudy.errors import DataError, DeclarationError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["Roster", "plain_id", "read_roster"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The people of an assignment.

    Attributes
    ----------
    frame : DataFrame
        ``participant``, clusters, strata and measured factors, one row for each person.
    strata : tuple of str
        Columns that chance respects.
    clusters : tuple of str
        Columns of units that contain people.
    placeholder : bool
        Whether nobody is known yet.
    issues : tuple of Issue
        What must be known.
    """

    frame: pd.DataFrame
    strata: tuple[str, ...]
    clusters: tuple[str, ...]
    placeholder: bool
    issues: tuple[Issue, ...]

    def codes(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return numbers for the combinations of some columns, in order of first appearance.

        Parameters
        ----------
        columns : sequence of str
            Columns of the frame; none gives one combination.

        Returns
        -------
        tuple of int
            One number for each person.
        """
        if not columns:
            return (0,) * len(self.frame)
        keys = list(self.frame[list(columns)].itertuples(index=False, name=None))
        seen: dict[tuple[object, ...], int] = {}
        return tuple(seen.setdefault(key, len(seen)) for key in keys)


def plain_id(name: object) -> str:
    """Return a participant's name, refusing what a spreadsheet would run or a reader could not see.

    Parameters
    ----------
    name : object
        A name or number from a roster.

    Returns
    -------
    str
        The name.

    Raises
    ------
    DataError
        For an empty name, control characters, blanks at the ends, or a name that begins like a formula.
    """
    text = str(name)
    if not text.strip() or text != text.strip() or not text.isprintable() or text[0] in "=+-@":
        raise DataError(
            f"{text!r} cannot name a participant: it is empty, has blanks at its ends or unprintable characters, or "
            "begins with = + - or @, which spreadsheets run. Use plain pseudonyms such as 'p017'."
        )
    return text


def read_roster(study: "Study", roster: pd.DataFrame | None, conditions: Conditions) -> Roster:
    """Read a roster, or make places from the planned numbers.

    Parameters
    ----------
    study : Study
        The study.
    roster : DataFrame or None
        A column ``participant`` and those that the assignment needs; it is not changed.
    conditions : Conditions
        What is assigned.

    Returns
    -------
    Roster
        Checked.

    Raises
    ------
    InputError
        For an absent column, a name given twice, a value that is missing or not declared.
    """
    made = roster is None
    frame = _places(study) if roster is None else _people(roster)
    units = study.units.names[:-1] if study.units else ()
    measured = [f.name for f in study.factors if f.mode == "measured"]
    clusters = tuple(name for name in units if name in frame.columns)
    needed = [*study.assignment.by, *([conditions.cluster] if conditions.cluster else [])]
    for name in needed:
        if name not in frame.columns:
            hint = " Give a roster that holds it." if made else ""
            raise DataError(f"The assignment needs the column {name!r}: {choices('Column', name, frame.columns)}{hint}")
    known = [c.name for c in study.covariates if c.known_from == "roster" and c.name in frame.columns]
    columns = ["participant", *[m for m in measured if m in frame.columns], *clusters, *known]
    kept = frame[list(dict.fromkeys([*columns, *needed]))].reset_index(drop=True)
    for name in kept.columns[1:]:
        _refuse_missing(kept, str(name))
    _refuse_undeclared(study, kept)
    issues = tuple(_small_clusters(kept, conditions))
    return Roster(frame=kept, strata=tuple(study.assignment.by), clusters=clusters, placeholder=made, issues=issues)


def _people(roster: pd.DataFrame) -> pd.DataFrame:
    if "participant" not in roster.columns:
        raise DataError(f"The roster has no participants: {choices('Column', 'participant', map(str, roster.columns))}")
    if not len(roster):
        raise DataError("The roster has no rows, so there is nobody to assign.")
    names = [plain_id(name) for name in roster["participant"]]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(f"The roster names {', '.join(twice[:5])} more than once; each participant has one row.")
    return roster.assign(participant=names)


def _places(study: "Study") -> pd.DataFrame:
    if not study.units or study.units[-1].n is None:
        raise DeclarationError(
            "Nobody is known and no number is planned: give a roster, or 'n' for the lowest of 'units'."
        )
    lowest = study.units[-1]
    n = lowest.n or 0
    frame = pd.DataFrame({"participant": _numbered(lowest.name, np.arange(n), n)})
    parent = lowest.nested_in
    while parent is not None:
        unit = study.units[parent]
        if unit.n is not None:
            frame[unit.name] = _numbered(unit.name, np.arange(n) * unit.n // n, unit.n)
        parent = unit.nested_in
    return frame


def _numbered(name: str, numbers: np.ndarray, n: int) -> list[str]:
    width = len(str(n))
    return [f"{name}_{int(i) + 1:0{width}d}" for i in numbers]


def _refuse_missing(frame: pd.DataFrame, name: str) -> None:
    gone = frame.loc[frame[name].isna(), "participant"]
    if len(gone):
        who = ", ".join(gone.astype(str)[:5])
        raise DataError(
            f"{name!r} is missing for {counted(len(gone), 'participant')} ({who}); it must be known before chance "
            "decides."
        )


def _refuse_undeclared(study: "Study", frame: pd.DataFrame) -> None:
    declared = {f.name: f.levels for f in study.factors} | {c.name: c.levels for c in study.covariates if c.levels}
    for name in frame.columns[1:]:
        allowed = declared.get(str(name))
        for value in dict.fromkeys(frame[name]) if allowed else ():
            if str(value) not in (allowed or {}):
                raise DataError(f"Roster column {name!r}: {choices('Level', value, allowed or ())}")


def _small_clusters(frame: pd.DataFrame, conditions: Conditions) -> list[Issue]:
    if conditions.cluster is None:
        return []
    sizes = frame.groupby(conditions.cluster).size()
    single = [str(name) for name in sizes.index[sizes == 1]]
    if not single:
        return []
    return [
        Issue(
            "assign.cluster_of_one",
            Severity.WARNING,
            f"roster: {conditions.cluster}",
            f"{len(single)} of {counted(len(sizes), 'cluster')} {'holds' if len(single) == 1 else 'hold'} one "
            f"participant: {', '.join(single[:6])}.",
            "A cluster of one cannot tell the person from the cluster; where all are so, the ICC cannot be estimated.",
            "Join them to larger clusters, or assign participants instead of clusters.",
        )
    ]
