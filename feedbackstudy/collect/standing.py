"""Whether a plan was fixed before there were data: registration, history and the times in the data, held together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from feedbackstudy.collect.plan_history import Event, History, history_of
from feedbackstudy.collect.registration import Registration, moment
from feedbackstudy.provenance import Provenance
from feedbackstudy.study import Study

__all__ = [
    "AFTER",
    "AMENDED",
    "AS_REGISTERED",
    "BEFORE",
    "LATE",
    "NOT_REGISTERED",
    "UNTOLD",
    "Standing",
    "standing",
]

NOT_REGISTERED = "not registered"
AS_REGISTERED = "as registered"
LATE = "registered after data"
AMENDED = "amended"
BEFORE = "amended before data"
AFTER = "amended after data"
UNTOLD = "amended; whether before or after the data cannot be told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a plan stands towards its registration and the data.

    Attributes
    ----------
    status : str
        ``"as registered"``, ``"registered after data"``, ``"amended before data"``, ``"amended after data"``,
        ``"amended; whether before or after the data cannot be told"``, ``"amended"`` where there are no data, or
        ``"not registered"`` where no registration is known.
    why : str
        What says so, in sentences.
    shown : bool
        Whether the order of plan and data is shown by dates, or only not contradicted.
    """

    status: str
    why: str
    shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """What is known of the first data.

    Attributes
    ----------
    exist : bool
        Whether there are any.
    not_before, not_after : datetime or None
        Between which moments the first answer was given; None where that is not known.
    others : tuple of str
        Designs other than the present one under which data were read.
    """

    exist: bool
    not_before: datetime | None
    not_after: datetime | None
    others: tuple[str, ...]


def standing(
    study: Study,
    *,
    registered: Registration | None = None,
    data: Provenance | None = None,
    design_hash: str | None = None,
) -> Standing:
    """Say whether a plan was fixed before there were data.

    Parameters
    ----------
    study : Study
        The study as it is now; the history beside it is looked at.
    registered : Registration, optional
        What was registered; the first registration in the history by default.
    data : Provenance, optional
        Of the data: since when there are answers, and whether they are invented.
    design_hash : str, optional
        The design under which these data were read, where it is not that of `data`.

    Returns
    -------
    Standing
        The status, and what says so.

    Notes
    -----
    Data exist from their first answer on, whenever they are read: reading them again with a changed plan changes
    nothing. A plan counts as fixed before the data where it was registered before their first answer could have been
    given. Invented data are held against readings of invented data only, real data against those of real data.
    """
    history = history_of(study)
    simulated = data is not None and data.simulated
    readings = history.readings(simulated=simulated) if history is not None else ()
    read_under = "" if data is None else data.design_hash if design_hash is None else design_hash
    first = _first(study, data, read_under, readings)
    known = _registrations(registered, history)
    if not known:
        return Standing(status=NOT_REGISTERED, why="No registration is known.")
    gaps = _gaps(registered, history)
    found = _unchanged(known, first) if known[0].design_hash == study.design_hash else _changed(study, known, first)
    return Standing(status=found.status, why=" ".join([found.why, *gaps]), shown=found.shown)


def _registrations(registered: Registration | None, history: History | None) -> list["_Registered"]:
    """Return what was registered, the one that counts first, then those of the history."""
    noted = [_Registered(e.design_hash, e.at) for e in (history.registrations if history is not None else ())]
    return ([_Registered(registered.design_hash, registered.at)] if registered is not None else []) + noted


@dataclass(frozen=True, slots=True)
class _Registered:
    design_hash: str
    at: datetime | None


def _gaps(registered: Registration | None, history: History | None) -> list[str]:
    """Say what is missing of the history."""
    if history is not None and history.fault:
        return [f"The history of the study cannot be believed from there on: {history.fault}."]
    if history is None and registered is not None and registered.begun:
        return ["The history that the registration began does not lie beside the study."]
    return []


def _first(study: Study, data: Provenance | None, read_under: str, readings: Sequence[Event]) -> _Data:
    since = (data.answered_since or ("", "")) if data is not None else ("", "")
    mine = {"not_before": since[0], "not_after": since[1]}
    lower = [event.not_before for event in readings]
    upper = [moment_ for event in readings for moment_ in (event.not_after, event.at) if moment_ is not None]
    if data is not None:
        lower.append(moment(mine, "not_before"))
        upper += [told for told in (moment(mine, "not_after"),) if told is not None]
    dated = [told for told in lower if told is not None]
    under = [*(event.design_hash for event in readings), read_under]
    return _Data(
        exist=data is not None or bool(readings),
        not_before=min(dated) if dated and len(dated) == len(lower) else None,
        not_after=min(upper) if upper else None,
        others=tuple(dict.fromkeys(h for h in under if h and h != study.design_hash)),
    )


def _unchanged(known: Sequence[_Registered], first: _Data) -> Standing:
    at = known[0].at
    if not first.exist:
        return Standing(status=AS_REGISTERED, why="The design is the registered one; no data were given.")
    if at is not None and first.not_after is not None and first.not_after < at:
        why = f"There were data by {_day(first.not_after)}, and the study was registered on {_day(at)}."
        return Standing(status=LATE, why=why, shown=True)
    if at is not None and first.not_before is not None and at < first.not_before:
        why = f"It was registered on {_day(at)}, before the first answer of {_day(first.not_before)} at the earliest."
        return Standing(status=AS_REGISTERED, why=why, shown=True)
    why = "The design is the registered one; that it was registered before the first answer cannot be shown"
    return Standing(status=AS_REGISTERED, why=f"{why}: {_lacking(at, first)}.")


def _changed(study: Study, known: Sequence[_Registered], first: _Data) -> Standing:
    if not first.exist:
        return Standing(status=AMENDED, why="The design is not the registered one; no data were given.")
    again = _registered_again(study, known, first)
    if again is not None:
        when = f"registered on {_day(again)}, before the first answer of {_day(first.not_before)} at the earliest"
        return Standing(status=BEFORE, why=f"The amended design was {when}.", shown=True)
    if first.others:
        designs = ", ".join(digest[:12] for digest in first.others)
        why = f"Data were read under another design ({designs}) than the present one ({study.design_hash[:12]})."
        return Standing(status=AFTER, why=why, shown=True)
    at = known[0].at
    if at is not None and first.not_after is not None and first.not_after < at:
        why = f"There were data by {_day(first.not_after)}; what was registered on {_day(at)} was changed after that."
        return Standing(status=AFTER, why=why, shown=True)
    later = [r.at for r in known if r.design_hash == study.design_hash and r.at is not None]
    if later and first.not_after is not None and first.not_after < min(later):
        why = f"There were data by {_day(first.not_after)}; the amended design was registered on {_day(min(later))}."
        return Standing(status=AFTER, why=why, shown=True)
    why = "The design is not the registered one, and no registration of the present one from before the first answer"
    return Standing(status=UNTOLD, why=f"{why} is known. {_capital(_lacking(at, first))}.")


def _registered_again(study: Study, known: Sequence[_Registered], first: _Data) -> datetime | None:
    """Return when the present design was registered, where it is the last that was before there were data."""
    if first.not_before is None:
        return None
    before = [(r.at, r.design_hash) for r in known if r.at is not None and r.at < first.not_before]
    last = max(before, key=lambda each: each[0], default=None)
    return last[0] if last is not None and last[1] == study.design_hash else None


def _lacking(at: datetime | None, first: _Data) -> str:
    if at is None:
        return "the registration holds no moment"
    if first.not_before is None:
        return "the data do not say when each answer was given"
    return f"it was registered on {_day(at)}, the first answer is of {_day(first.not_before)} at the earliest"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _day(at: datetime | None) -> str:
    return "an unknown day" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
