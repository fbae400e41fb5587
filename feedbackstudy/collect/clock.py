"""Times of an export as moments in UTC: an offset is used, a zone is asked for, no day or hour is guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.render import counted

__all__ = ["Moments", "midnights", "moments"]

_OFFSET = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})\Z")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Times in UTC.

    Attributes
    ----------
    utc : Series of datetime64[ns, UTC]
        NaT for an empty cell, and where an hour does not exist or came twice.
    issues : Issues
        Cells whose moment is not known.
    """

    utc: pd.Series
    issues: Issues


def moments(
    texts: pd.Series,
    *,
    zone: str | pd.Series | None = None,
    form: str | None = None,
    participants: Sequence[str] = (),
) -> Moments:
    """Read times as moments.

    Parameters
    ----------
    texts : Series of str
        Times as the file has them; an empty cell is no time.
    zone : str or Series of str, optional
        IANA zone of times without an offset, such as ``"Europe/Berlin"``; a Series where it differs from row to row.
    form : str, optional
        How times are written where they are not ISO 8601, such as ``"%d/%m/%Y %H:%M"``.
    participants : sequence of str, optional
        Whose times they are, for the findings.

    Returns
    -------
    Moments
        In UTC, so that durations cross a change of clocks unharmed.

    Raises
    ------
    DataError
        For times that are not ISO 8601 where no form is given (``03/04`` is a day in March or in April), that cannot be
        read, or that have neither offset nor zone.

    Notes
    -----
    In the spring an hour does not exist (02:30 on the night of the change), in autumn one comes twice. Such a time
    without an offset is missing, and named.
    """
    if isinstance(zone, pd.Series):
        return _by_zone(texts, zone, form, participants)
    words = texts.fillna("").astype(str).str.strip()
    given = (words != "").to_numpy()
    if form is None:
        _refuse_other_than_iso(words[given])
    aware = words.str.contains(_OFFSET).to_numpy() & given
    if (given & ~aware).any() and zone is None:
        raise DataError(
            f"{counted(int((given & ~aware).sum()), 'time has', 'times have')} no offset from UTC, and no zone is "
            "given. Say in which zone the "
            "clock stood, such as zone='Europe/Berlin'; the export's settings tell."
        )
    utc = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns, UTC]")
    if aware.any():
        utc[aware] = _parsed(words[aware], form, aware=True)
    issues: list[Issue] = []
    if (given & ~aware).any():
        local = _parsed(words[given & ~aware], form, aware=False).dt.tz_localize(
            _zone(str(zone)), ambiguous="NaT", nonexistent="NaT"
        )
        utc[given & ~aware] = local.dt.tz_convert("UTC")
        lost = given & ~aware & utc.isna().to_numpy()
        issues += [_no_such_hour(str(texts.name), str(zone), lost, participants)] if lost.any() else []
    return Moments(utc=utc, issues=Issues(issues))


def _by_zone(texts: pd.Series, zones: pd.Series, form: str | None, participants: Sequence[str]) -> Moments:
    """Read the rows of each zone by its own clock."""
    utc = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns, UTC]")
    issues: list[Issue] = []
    named = zones.fillna("").astype(str).to_numpy()
    for zone in dict.fromkeys(named):
        here = named == zone
        whose = [name for name, inside in zip(participants, here, strict=False) if inside]
        found = moments(texts[here], zone=zone or None, form=form, participants=whose)
        utc[here] = found.utc
        issues += found.issues
    return Moments(utc=utc, issues=Issues(issues))


def midnights(days: pd.Series, zone: str | pd.Series) -> pd.Series:
    """Return the moments at which days begin.

    Parameters
    ----------
    days : Series of datetime64
        Days, without a zone.
    zone : str or Series of str
        Where they are days; a Series where that differs from row to row, UTC where it is empty.

    Returns
    -------
    Series of datetime64[ns, UTC]
        Where clocks are changed at midnight, the day begins with its first hour that exists.

    Raises
    ------
    DataError
        For a name that is no zone.
    """
    named = np.asarray(zone.fillna("").astype(str) if isinstance(zone, pd.Series) else [zone] * len(days), dtype=object)
    utc = pd.Series(pd.NaT, index=days.index, dtype="datetime64[ns, UTC]")
    for name in dict.fromkeys(named):
        here = named == name
        local = days[here].dt.tz_localize(
            _zone(str(name) or "UTC"), ambiguous=np.ones(int(here.sum()), dtype=bool), nonexistent="shift_forward"
        )
        utc[here] = local.dt.tz_convert("UTC")
    return utc


def _refuse_other_than_iso(words: pd.Series) -> None:
    other = ~words.str.match(_ISO)
    if other.any():
        raise DataError(
            f"{counted(int(other.sum()), 'time is', 'times are')} not written as 2026-04-03T14:30: a day and a "
            "month could be taken for each "
            "other. Say how they are written, such as form='%d/%m/%Y %H:%M'."
        )


def _parsed(words: pd.Series, form: str | None, *, aware: bool) -> pd.Series:
    found = pd.to_datetime(words, format=form or "ISO8601", errors="coerce", utc=aware)
    wrong = int(found.isna().sum())
    if wrong:
        raise DataError(
            f"{counted(wrong, 'time')} cannot be read as {form or 'ISO 8601'} (row {_first(found.isna())})."
        )
    return found


def _first(flags: pd.Series) -> int:
    return int(np.flatnonzero(flags.to_numpy())[0]) + 1


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise DataError(f"{name!r} is no time zone; give one as 'Europe/Berlin' or 'UTC'.") from fault


def _no_such_hour(column: str, zone: str, lost: NDArray[np.bool_], participants: Sequence[str]) -> Issue:
    return Issue(
        code="collect.no_such_hour",
        severity=Severity.WARNING,
        where=f"column {column}",
        what=f"{counted(int(lost.sum()), 'time falls', 'times fall')} into an hour that {zone} does not have, or "
        "has twice; "
        f"{'it is' if lost.sum() == 1 else 'they are'} missing.",
        why="Which moment is meant is not known, so no delay can be counted from it.",
        fix="Export times with their offset from UTC.",
        who=tuple(name for name, gone in zip(participants, lost, strict=False) if gone)[:_SHOWN],
    )
