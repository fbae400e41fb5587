"""When the first answer of an export was given: between which two moments, as far as its times say."""

from datetime import UTC
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

__all__ = ["first_answer"]

_ISO = r"\d{4}-\d{2}-\d{2}"
_EARLIEST = pd.Timestamp("2000-01-01", tz="UTC")
"""Survey platforms write a moment long ago where they keep no times (LimeSurvey: 1980-01-01)."""
_AHEAD, _BEHIND = pd.Timedelta(hours=14), pd.Timedelta(hours=12)
"""How far clocks of the world stand before and after UTC."""


def first_answer(times: pd.DataFrame) -> tuple[str, str]:
    """Return between which two moments the first answer was given.

    Parameters
    ----------
    times : DataFrame
        Columns ``started, ended, zone``: texts as the file has them, one row an answer.

    Returns
    -------
    tuple of (str, str)
        Not before, and not after, in UTC (ISO 8601). Without a zone, the whole range of zones lies between. The first
        is empty where some answer has no time that can be read; both are where none has.
    """
    bounds = pd.concat([_bounds(part, str(zone)) for zone, part in times.groupby("zone", sort=False)] or [_none()])
    if bounds["after"].notna().sum() == 0:
        return "", ""
    whole = bool(bounds["before"].notna().all())
    return _text(bounds["before"].min()) if whole else "", _text(bounds["after"].min())


def _none() -> pd.DataFrame:
    return pd.DataFrame(
        {"before": pd.Series(dtype="datetime64[ns, UTC]"), "after": pd.Series(dtype="datetime64[ns, UTC]")}
    )


def _text(moment: pd.Timestamp) -> str:
    return str(moment.to_pydatetime().astimezone(UTC).isoformat(timespec="seconds"))


def _bounds(part: pd.DataFrame, zone: str) -> pd.DataFrame:
    """Return for each answer the earliest and the latest moment at which it can have been begun."""
    words = part["started"].where(part["started"].astype(str).str.strip() != "", part["ended"]).astype(str).str.strip()
    readable = words.where(words.str.match(_ISO), "")
    aware = readable.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})\Z", regex=True)
    exact = pd.to_datetime(readable.where(aware, ""), format="ISO8601", errors="coerce", utc=True)
    local = pd.to_datetime(readable.where(~aware, ""), format="ISO8601", errors="coerce")
    before, after = _in_zone(local, zone)
    found = pd.DataFrame({"before": exact.fillna(before), "after": exact.fillna(after)})
    return found.where(found["after"] >= _EARLIEST)


def _in_zone(local: pd.Series, zone: str) -> tuple[pd.Series, pd.Series]:
    """Return the two ends of what local times can mean: one moment in a known zone, else all zones."""
    try:
        known = ZoneInfo(zone) if zone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = None
    if known is not None:
        # An hour that comes twice, or not at all, is known to the hour.
        first = local.dt.tz_localize(known, ambiguous=True, nonexistent="shift_backward").dt.tz_convert("UTC")
        last = local.dt.tz_localize(known, ambiguous=False, nonexistent="shift_forward").dt.tz_convert("UTC")
        return first.astype("datetime64[ns, UTC]"), last.astype("datetime64[ns, UTC]")
    utc = local.dt.tz_localize("UTC").astype("datetime64[ns, UTC]")
    return utc - _AHEAD, utc + _BEHIND
