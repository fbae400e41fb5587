"""When: who gets which message on which day, and when each wave is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.chance import Stream
from feedbackstudy.design.waves import Wave
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Page, Rendered, Text, counted, table_of

if TYPE_CHECKING:
    from feedbackstudy.assign.allocation import Allocation

__all__ = ["Schedule", "make_schedule"]

type Dates = Mapping[str, str | date | pd.Timestamp] | pd.Series


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schedule(Rendered):
    """What is due when.

    Attributes
    ----------
    frame : DataFrame
        One row for each event: ``participant, arm, event, what, due, opens, closes, pseudo_date``; the last says of
        this row's days, not of the person, whether they stand on a delay taken over from somebody else.
    provenance : Provenance
        How dates were derived.
    """

    frame: pd.DataFrame
    provenance: Provenance

    def on(self, day: str | date) -> pd.DataFrame:
        """Return what is due on a day.

        Parameters
        ----------
        day : str or date
            The day.

        Returns
        -------
        DataFrame
            Rows of `frame`.
        """
        chosen: pd.DataFrame = self.frame[self.frame["due"].dt.normalize() == pd.Timestamp(day)]
        return chosen

    def page(self) -> Page:
        """Return how many messages and waves are due on each day.

        Returns
        -------
        Page
            Ready to render.
        """
        days = self.frame.assign(day=self.frame["due"].dt.strftime("%Y-%m-%d"))
        counts = days.groupby(["day", "event"], sort=True).size().reset_index(name="people").to_dict("records")
        rows = [{str(k): v for k, v in row.items()} for row in counts]
        note = Text("Pseudo-dates stand for people without feedback: they take over the delay of somebody who gets it.")
        return Page(title="Schedule", blocks=(table_of(rows, caption="Due"), note, self.provenance.facts()))


def make_schedule(
    allocation: "Allocation", interview_dates: Dates, *, decision_dates: Dates | None = None, decision_days: float = 0.0
) -> Schedule:
    """Derive what is due when from the dates of interviews.

    Parameters
    ----------
    allocation : Allocation
        Who gets what.
    interview_dates : mapping or Series
        Participant -> date of the interview.
    decision_dates : mapping or Series, optional
        Participant -> date of the decision.
    decision_days : float, default 0
        Days from interview to decision where no dates are given.

    Returns
    -------
    Schedule
        Messages, waves, and feedback that was withheld and is given afterwards.

    Raises
    ------
    InputError
        Where somebody has no date, a date cannot be read, or the decision comes before the interview.

    Notes
    -----
    The factor that sets when feedback comes (`delay_from`) gives its days by level; without one, feedback comes with
    the decision. People of arms without feedback take over the delay of a random feedback participant (of the same
    strata for ``matched_participant``), counted from their own interview or decision.
    """
    interviews = _dates(allocation, interview_dates, "interview")
    decisions = (
        _dates(allocation, decision_dates, "decision")
        if decision_dates is not None
        else {who: day + pd.Timedelta(days=decision_days) for who, day in interviews.items()}
    )
    early = [who for who in interviews if decisions[who] < interviews[who]]
    if early:
        raise DataError(f"The decision comes before the interview of {', '.join(early[:5])}; correct the dates.")
    given, borrowed = _feedback_days(allocation, interviews, decisions)
    rows: list[dict[str, object]] = []
    for row in allocation.frame.to_dict("records"):
        who, arm = str(row["participant"]), str(row["arm"])
        base = {"participant": who, "arm": arm, "pseudo_date": False}
        rows += _messages(allocation, base, given.get(who), decisions[who])
        at = {"interview": interviews[who], "decision": decisions[who], "feedback": {**given, **borrowed}.get(who)}
        rows += _waves(allocation, base, at, borrows=who in borrowed)
    frame = pd.DataFrame(rows)[["participant", "arm", "event", "what", "due", "opens", "closes", "pseudo_date"]]
    for name in ("due", "opens", "closes"):
        frame[name] = pd.to_datetime(frame[name])
    frame = frame.sort_values(["due", "participant"], kind="stable").reset_index(drop=True)
    return Schedule(
        frame=frame,
        provenance=Provenance(
            made_by="Allocation.schedule",
            design_hash=allocation.design_hash,
            seed=allocation.seed,
            conventions=("days are calendar days; windows count from the due day",),
        ),
    )


def _dates(allocation: "Allocation", given: Dates, what: str) -> dict[str, pd.Timestamp]:
    known = {str(who): day for who, day in given.items()}
    absent = [who for who in allocation.participants if who not in known]
    if absent:
        raise DataError(
            f"{counted(len(absent), 'participant has', 'participants have')} no {what} date: {', '.join(absent[:5])}."
        )
    found: dict[str, pd.Timestamp] = {}
    for who in allocation.participants:
        day = pd.to_datetime(str(known[who]), format="ISO8601", errors="coerce")
        if not isinstance(day, pd.Timestamp):
            raise DataError(f"The {what} date of {who!r} is {known[who]!r}; write it as 2026-03-31.")
        found[who] = day
    return found


def _feedback_days(
    allocation: "Allocation", interviews: Mapping[str, pd.Timestamp], decisions: Mapping[str, pd.Timestamp]
) -> tuple[dict[str, pd.Timestamp], dict[str, pd.Timestamp]]:
    """Return the day of feedback, and the day that stands for it, by participant."""
    study, frame = allocation.study, allocation.frame
    factor = next((f for f in study.factors if f.delay_from is not None), None)
    if factor is not None and factor.name not in frame.columns:
        raise InputError(
            f"The factor {factor.name!r} sets when feedback comes but varies within people; schedule by hand."
        )
    base = interviews if factor is not None and factor.delay_from == "interview" else decisions
    inside = frame[frame["arm"] == FEEDBACK]
    delays = {
        str(row["participant"]): float(factor.scores[str(row[factor.name])]) if factor is not None else 0.0
        for row in inside.to_dict("records")
    }
    given = {who: base[who] + pd.Timedelta(days=days) for who, days in delays.items()}
    kind = next((wave.pseudo_date for wave in study.waves if wave.pseudo_date), None)
    borrowed: dict[str, pd.Timestamp] = {}
    if kind is None or not delays:
        return given, borrowed
    chance = Stream(allocation.seed or 0, "pseudo-dates")
    by = list(study.assignment.by) if kind == "matched_participant" else []
    for row in frame[frame["arm"] != FEEDBACK].to_dict("records"):
        alike = inside[(inside[by] == pd.Series({name: row[name] for name in by})).all(axis=1)] if by else inside
        pool = list(alike["participant"]) or list(inside["participant"])
        who = str(row["participant"])
        borrowed[who] = base[who] + pd.Timedelta(days=delays[pool[chance.below(len(pool))]])
    return given, borrowed


def _messages(
    allocation: "Allocation", base: Mapping[str, object], feedback: pd.Timestamp | None, decision: pd.Timestamp
) -> list[dict[str, object]]:
    who = str(base["participant"])
    if feedback is not None:
        levels = {k: v for k, v in allocation.levels(who).items() if k != "arm"}
        what = ":".join(levels.values()) or FEEDBACK
        return [{**base, "event": "message", "what": what, "due": feedback, "opens": feedback, "closes": feedback}]
    arm = allocation.study.arms[str(base["arm"])]
    if arm.told == "nothing":
        return []
    return [{**base, "event": "message", "what": arm.name, "due": decision, "opens": decision, "closes": decision}]


def _waves(
    allocation: "Allocation", base: Mapping[str, object], at: Mapping[str, pd.Timestamp | None], *, borrows: bool
) -> list[dict[str, object]]:
    study, arm = allocation.study, str(base["arm"])
    rows: list[dict[str, object]] = []
    for wave in study.waves:
        day = at[wave.anchor]
        if not any(measure.asks(arm) and wave.name in measure.waves for measure in study.measures):
            continue
        if day is None:
            raise InputError(
                f"The wave {wave.name!r} counts from the feedback, which {arm!r} does not get; give the wave a "
                "pseudo_date."
            )
        stands_in = borrows and wave.anchor == "feedback"
        rows.append({**base, "pseudo_date": stands_in, "event": "wave", "what": wave.name, **_window(wave, day)})
    withheld = study.conduct.withheld_feedback
    if arm != FEEDBACK and withheld is not None and withheld.given_afterwards and rows:
        closing = max(rows, key=lambda row: pd.Timestamp(str(row["closes"])))
        last = pd.Timestamp(str(closing["closes"]))
        latest = last + pd.Timedelta(days=withheld.after_days or 0.0)
        days = {"due": latest, "opens": last, "closes": latest, "pseudo_date": closing["pseudo_date"]}
        rows.append({**base, "event": "withheld feedback", "what": arm, **days})
    return rows


def _window(wave: Wave, day: pd.Timestamp) -> dict[str, object]:
    due = day + pd.Timedelta(days=wave.offset_days)
    first, last = (due + pd.Timedelta(days=days) for days in wave.window_days)
    return {"due": due, "opens": first, "closes": last}
