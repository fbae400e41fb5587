"""Whether people got what they were given: messages sent, opened and when, held against the schedule; and windows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feedbackstudy.collect.clock import midnights, moments
from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.render import Page, Rendered, Text, counted, number, table_of

if TYPE_CHECKING:
    from feedbackstudy.assign.schedule import Schedule

__all__ = ["Delivery", "delivered", "outside_windows"]

_SHOWN = 10
_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivery(Rendered):
    """What became of every message.

    Attributes
    ----------
    frame : DataFrame
        ``participant, due_what, due, sent_what, sent, opened, days_late, hours_to_open, state``; the state is
        ``as planned, late, early, another message, not sent`` or ``not due``.
    issues : Issues
        What departs from the schedule.
    """

    frame: pd.DataFrame
    issues: Issues

    @property
    def received(self) -> Mapping[str, str]:
        """Participant -> key of the condition whose message was sent, for `account`."""
        sent = self.frame[self.frame["sent_what"] != ""]
        return dict(zip(sent["participant"], sent["sent_what"], strict=True))

    def page(self) -> Page:
        """Return people by state, and how many opened their message.

        Returns
        -------
        Page
            Ready to render.
        """
        states = self.frame["state"].value_counts(sort=False)
        rows: list[dict[str, object]] = [{"message": str(state), "people": int(n)} for state, n in states.items()]
        sent = self.frame["sent"].notna()
        opened = self.frame["opened"].notna()
        waits = self.frame["hours_to_open"].dropna()
        waits = waits[waits >= 0]
        said = f"{number(int(opened.sum()))} of {counted(int(sent.sum()), 'message')} sent were opened"
        said += f", half of them within {number(float(waits.median()), 1)} hours." if len(waits) else "."
        found = self.issues.page().blocks if self.issues else ()
        return Page(title="Delivery", blocks=(table_of(rows), Text(said), *found))


def delivered(
    log: pd.DataFrame,
    schedule: "Schedule",
    *,
    zone: str | None = None,
    form: str | None = None,
    tolerance_days: float = 1.0,
) -> Delivery:
    """Hold what was sent against what was due.

    Parameters
    ----------
    log : DataFrame
        ``participant, message, sent`` and, where it is known, ``opened``: one row for each message sent. The message is
        the key of its condition, as in the schedule; times as text.
    schedule : Schedule
        What was due (`Allocation.schedule`); its days are days in `zone`.
    zone : str, optional
        Zone of the schedule, and of times without an offset; UTC where every time has one and none is given.
    form : str, optional
        How times are written where they are not ISO 8601, such as ``"%d/%m/%Y %H:%M"``.
    tolerance_days : float, default 1
        How many days late still is as planned; a day that is due lasts to its end.

    Returns
    -------
    Delivery
        One row for each person who was due a message or got one.

    Raises
    ------
    DataError
        For an absent column, somebody with two messages, or somebody whom the schedule does not know.
    """
    for name in ("participant", "message", "sent"):
        if name not in log.columns:
            raise DataError(choices("Column of the delivery log", name, map(str, log.columns)))
    who = log["participant"].astype(str)
    _check_people(who, schedule)
    due = schedule.frame[schedule.frame["event"] == "message"].set_index("participant")
    names = list(dict.fromkeys([*due.index, *who]))
    sent = moments(log["sent"], zone=zone, form=form, participants=list(who))
    opened = None
    if "opened" in log.columns:
        opened = moments(log["opened"], zone=zone, form=form, participants=list(who))
    table = pd.DataFrame({"participant": names})
    table["due_what"] = table["participant"].map(due["what"]).fillna("")
    table["due"] = midnights(table["participant"].map(due["due"]), zone or "UTC")
    table["sent_what"] = table["participant"].map(dict(zip(who, log["message"].astype(str), strict=True))).fillna("")
    table["sent"] = _by_person(table, who, sent.utc)
    table["opened"] = _by_person(table, who, opened.utc) if opened is not None else pd.NaT
    table["opened"] = pd.to_datetime(table["opened"], utc=True)
    table["days_late"] = _days(table["sent"] - table["due"])
    table["hours_to_open"] = _days(table["opened"] - table["sent"]) * 24
    table["state"] = _states(table, tolerance_days)
    found = [*sent.issues, *(opened.issues if opened is not None else ()), *_findings(table)]
    return Delivery(frame=table, issues=Issues(found))


def _days(length: pd.Series) -> pd.Series:
    return pd.Series(length.dt.total_seconds() / _SECONDS)


def _check_people(who: pd.Series, schedule: "Schedule") -> None:
    twice = sorted(set(who[who.duplicated()]))
    if twice:
        raise DataError(
            f"{counted(len(twice), 'participant stands', 'participants stand')} in the delivery log twice "
            f"({', '.join(twice[:_SHOWN])}); keep the "
            "message that reached them, and note the others."
        )
    strange = sorted(set(who) - set(schedule.frame["participant"]))
    if strange:
        raise DataError(
            f"{counted(len(strange), 'participant')} of the delivery log not scheduled: {', '.join(strange[:5])}."
        )


def _by_person(table: pd.DataFrame, who: pd.Series, values: pd.Series) -> pd.Series:
    return pd.to_datetime(table["participant"].map(pd.Series(values.to_numpy(), index=who.to_numpy())), utc=True)


def _states(table: pd.DataFrame, tolerance: float) -> pd.Series:
    known = table["sent_what"] != ""
    expected = table["due_what"] != ""
    late = table["days_late"] >= tolerance
    conditions = [
        ~expected,
        ~known,
        known & (table["sent_what"] != table["due_what"]),
        table["days_late"] < 0,
        late,
    ]
    words = ["not due", "not sent", "another message", "early", "late"]
    return pd.Series(np.select(conditions, words, default="as planned"), index=table.index)


_SAID = {
    "not due": ("collect.message_not_due", "got a message although none was due"),
    "not sent": ("collect.message_not_sent", "were not sent the message that was due"),
    "another message": ("collect.other_message", "were sent the message of another condition"),
    "early": ("collect.message_early", "were sent their message before it was due"),
    "late": ("collect.message_late", "were sent their message late"),
}


def _singular(said: str) -> str:
    return f"was{said.removeprefix('were')}" if said.startswith("were") else said


def _findings(table: pd.DataFrame) -> list[Issue]:
    groups = [(code, said, table["state"] == state) for state, (code, said) in _SAID.items()]
    groups.append(("collect.opened_before_sent", "opened their message before it was sent", table["hours_to_open"] < 0))
    return [
        Issue(
            code=code,
            severity=Severity.WARNING,
            where="delivery log",
            what=f"{counted(int(flags.sum()), 'person', 'people')} {_singular(said) if flags.sum() == 1 else said}.",
            why="What people received is not what the comparison is about; they are analysed as assigned.",
            fix="Report it as fidelity; a rule about it belongs into the plan before the data are seen.",
            who=tuple(table.loc[flags, "participant"].head(_SHOWN)),
        )
        for code, said, flags in groups
        if flags.any()
    ]


def outside_windows(
    times: pd.DataFrame, schedule: "Schedule", *, zone: str | None = None, form: str | None = None
) -> tuple[pd.DataFrame, Issues]:
    """Find answers given outside their wave's window, or before the message that they are about.

    Parameters
    ----------
    times : DataFrame
        ``participant, occasion, started``, and ``zone`` where `zone` is not given (`Import.times`).
    schedule : Schedule
        Windows of waves and days of messages.
    zone : str, optional
        Zone of all times and days. Where it is left out, each row's own zone holds, for its time and for the days of
        its window.
    form : str, optional
        How times are written where they are not ISO 8601, such as ``"%d/%m/%Y %H:%M"``.

    Returns
    -------
    DataFrame
        ``participant, occasion, started, opens, closes, days_early, days_late``; days outside the window, else 0.
    Issues
        A warning for each wave with such answers. Nobody is taken out: that is for the plan.

    Raises
    ------
    DataError
        For an absent column, or times without a zone.
    """
    for name in ("participant", "occasion", "started"):
        if name not in times.columns:
            raise DataError(choices("Column of the times", name, map(str, times.columns)))
    stated: str | pd.Series | None = zone
    if zone is None and "zone" in times.columns:
        stated = times["zone"]
    found = moments(times["started"], zone=stated, form=form, participants=list(times["participant"].astype(str)))
    table = times[["participant", "occasion"]].astype(str).assign(started=found.utc)
    table["zone"] = stated.fillna("").astype(str) if isinstance(stated, pd.Series) else stated or ""
    frame = schedule.frame
    waves = frame[frame["event"] == "wave"][["participant", "what", "opens", "closes"]]
    merged = table.merge(waves, how="left", left_on=["participant", "occasion"], right_on=["participant", "what"])
    ends = midnights(merged["closes"] + pd.Timedelta(days=1), merged["zone"])
    for name in ("opens", "closes"):
        merged[name] = midnights(merged[name], merged["zone"])
    merged["days_early"] = _days(merged["opens"] - merged["started"]).clip(lower=0)
    merged["days_late"] = _days(merged["started"] - ends).clip(lower=0)
    issues = list(found.issues)
    for wave, part in merged.groupby("occasion", sort=False):
        out = part[(part["days_early"] > 0) | (part["days_late"] > 0)]
        if len(out):
            issues.append(_outside(str(wave), out))
    return merged.drop(columns=["what", "zone"]), Issues(issues)


def _outside(wave: str, out: pd.DataFrame) -> Issue:
    early, late = counted(int((out["days_early"] > 0).sum()), "person", "people"), int((out["days_late"] > 0).sum())
    return Issue(
        code="collect.outside_window",
        severity=Severity.WARNING,
        where=f"wave {wave}",
        what=f"{early} answered before the window opened and {late:,} after it had closed.",
        why="Their answers belong to another time after the event than those of the others.",
        fix="Report it; a rule about it belongs into the plan before the data are seen.",
        who=tuple(out["participant"].head(_SHOWN)),
    )
