"""Row accounting of people: each has one fate between file and model, and every n is a count of that one list."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feedbackstudy.collect.exclusion_rules import at_occasion
from feedbackstudy.errors import DataError
from feedbackstudy.frames import Ledger, Responses, Scores
from feedbackstudy.frames.ledger import ERASED
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Notice, Page, Rendered, Text, counted, table_of
from feedbackstudy.study import Study
from feedbackstudy.study.placed import condition_of_people

if TYPE_CHECKING:
    from feedbackstudy.assign import Allocation

__all__ = ["FATES", "Accounting", "account"]

FATES = ("not_randomised", "no_data", "excluded", "left_out", "analysed")
"""Every way from the list of people to the model: one of these for each person, in this order."""

_UNKNOWN = "(not known)"
_NOBODY = ("simulate.", "collect.status")
"""Steps whose rows are no people: what a simulation never sent, and a platform's previews, tests and spam."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accounting(Rendered):
    """What became of everybody. Make it with `account`.

    Attributes
    ----------
    conditions : tuple of str
        Conditions, in the study's order; people whose condition nobody knows come last.
    erased : int
        People who did not consent or withdrew: their number is all that is left of them.
    occasion : str
        The wave at which people count as lost or followed up; empty where none is looked at.
    randomised : bool
        Whether an allocation list says who was randomised; otherwise everybody in the table counts.
    crossed : int or None
        People who received another condition than they were given; None where nobody has recorded it.
    provenance : Provenance
        What made the table.
    """

    _people: pd.DataFrame
    conditions: tuple[str, ...]
    erased: int
    occasion: str
    randomised: bool
    crossed: int | None
    provenance: Provenance

    def people(self) -> pd.DataFrame:
        """Return the one list that every number is counted from.

        Returns
        -------
        DataFrame
            One row a person: ``participant, condition, received, fate, step, reason, followed_up``.
        """
        return self._people.copy()

    def count(self, *fates: str, condition: str | None = None) -> int:
        """Count people by what became of them.

        Parameters
        ----------
        *fates : str
            Some of `FATES`; all where none is named.
        condition : str, optional
            Only of this condition.

        Returns
        -------
        int
            How many.
        """
        return int(self._chosen(fates, condition).sum())

    def _chosen(self, fates: Collection[str], condition: str | None) -> "pd.Series[bool]":
        frame = self._people
        chosen = frame["fate"].isin(fates or FATES)
        return chosen if condition is None else chosen & (frame["condition"] == condition)

    def reasons(self, *fates: str, condition: str | None = None) -> dict[str, int]:
        """Count people by reason.

        Parameters
        ----------
        *fates : str
            Some of `FATES`; all where none is named.
        condition : str, optional
            Only of this condition.

        Returns
        -------
        dict of str to int
            Reason -> people, in the order in which reasons applied.
        """
        counts = self._people.loc[self._chosen(fates, condition), "reason"].value_counts(sort=False)
        return {str(reason): int(n) for reason, n in counts.items() if n}

    def lost(self, condition: str | None = None) -> int:
        """Count people in the table who did not come to the wave that is looked at.

        Parameters
        ----------
        condition : str, optional
            Only of this condition.

        Returns
        -------
        int
            How many; they may still be analysed, where the plan treats missing answers.
        """
        chosen = self._chosen(("left_out", "analysed"), condition)
        return int((chosen & ~self._people["followed_up"].astype(bool)).sum())

    def received(self, condition: str) -> int | None:
        """Count people of a condition who received what they were given.

        Parameters
        ----------
        condition : str
            The condition.

        Returns
        -------
        int or None
            None where nobody has recorded what was received.
        """
        if self.crossed is None:
            return None
        mine = self._people["condition"] == condition
        return int((mine & (self._people["received"] == condition)).sum())

    def frame(self) -> pd.DataFrame:
        """Return one row for each condition.

        Returns
        -------
        DataFrame
            ``condition, allocated, received, no_data, excluded, lost, left_out, analysed``; allocated is the sum of
            no_data, excluded, left_out and analysed.
        """
        rows = [
            {
                "condition": name,
                "allocated": self.count(*FATES[1:], condition=name),
                "received": self.received(name),
                "no_data": self.count("no_data", condition=name),
                "excluded": self.count("excluded", condition=name),
                "lost": self.lost(name) if self.occasion else None,
                "left_out": self.count("left_out", condition=name),
                "analysed": self.count("analysed", condition=name),
            }
            for name in self.conditions
        ]
        return pd.DataFrame(rows)

    def page(self) -> Page:
        """Return the counts by condition, and the reasons.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = [{str(k): v for k, v in row.items()} for row in self.frame().to_dict("records")]
        out = [
            {"fate": fate.replace("_", " "), "reason": reason, "people": n}
            for fate in FATES[:-1]
            for reason, n in self.reasons(fate).items()
        ]
        blocks = [table_of(rows, caption="People by condition"), table_of(out, caption="Reasons")]
        said = f"{counted(self.crossed or 0, 'person', 'people')} received another condition than theirs."
        warned = [Notice(said)] if self.crossed else []
        return Page(
            title="From people to model",
            subtitle=f"{counted(self.count(), 'person', 'people')} known by name",
            blocks=(*warned, *(blocks if out else blocks[:1]), *map(Text, self.notes())),
        )

    def notes(self) -> tuple[str, ...]:
        """Return what must be known to read the numbers.

        Returns
        -------
        tuple of str
            Sentences.
        """
        said = []
        if self.erased:
            among = "the people without data" if self.randomised else "no other number here"
            said.append(
                f"{counted(self.erased, 'person was', 'people were')} erased, without consent or by own wish; "
                f"they are among {among}, as nothing tells who they were."
            )
        if not self.randomised:
            said.append("No allocation list was given, so people who never answered are not counted.")
        if self.crossed is None:
            said.append("What each person received was not recorded; they are counted where they were assigned.")
        return tuple(said)


def account(
    table: Responses | Scores,
    study: Study,
    *,
    came: Responses | Scores | None = None,
    allocation: "Allocation | Mapping[str, str] | None" = None,
    received: Mapping[str, str] | None = None,
    occasion: str = "",
    analysed: Collection[str] | None = None,
    later: Ledger | None = None,
) -> Accounting:
    """Follow everybody from the list of people to the model.

    Parameters
    ----------
    table : Responses or Scores
        The table after screening, with its ledger.
    study : Study
        The study.
    came : Responses or Scores, optional
        The table as it was read: tells the conditions of people taken out; who was erased is counted, not named.
    allocation : Allocation or mapping of str to str, optional
        Who was randomised to what (participant -> condition key).
    received : mapping of str to str, optional
        Participant -> condition (or message) they received, as `delivered` gives it; who is told nothing got that.
    occasion : str, optional
        The wave at which people count as followed up.
    analysed : collection of str, optional
        Who entered the model; everybody in the table by default.
    later : Ledger, optional
        Steps between the table and the model.

    Returns
    -------
    Accounting
        One fate for each person.

    Raises
    ------
    DataError
        Where somebody is said to be analysed who is not in the table, or `came` is not the table it was made from.
    """
    given = _given(allocation, study)
    inside = condition_of_people(table, study)
    entered = frozenset(inside if analysed is None else map(str, analysed))
    strange = sorted(entered - inside.keys())
    if strange:
        raise DataError(
            f"{counted(len(strange), 'person is', 'people are')} said to be analysed, but not in the table "
            f"({', '.join(strange[:5])}); give the table that the model was fitted to."
        )
    before = condition_of_people(came, study) if came is not None else {}
    steps, later_steps = _steps(table.ledger), _steps(later) if later is not None else {}
    known = {**before, **inside, **(given or {})}
    wave = at_occasion(table.frame["occasion"], occasion) if occasion else np.ones(len(table.frame), dtype=bool)
    here = frozenset(table.frame.loc[wave, "participant"].astype(str))
    silent = {arm.name for arm in study.arms if arm.told == "nothing" and received is not None}  # nothing is sent
    erased = sum(entry.erased for entry in table.ledger)
    named = _not_erased(before, {*inside, *steps}, erased)
    names = list(dict.fromkeys([*(given or {}), *named, *inside, *steps]))
    rows, keys = [], [cell.key for cell in study.crossing.cells()]
    for who in names:
        fate, step, reason = _fate(who, given, inside, entered, steps, later_steps)
        mine = known.get(who, _UNKNOWN)
        got = _without_exemplar((received or {}).get(who, mine if mine in silent else ""), keys)
        rows.append((who, mine, got, fate, step, reason, who in here))
    head = ["participant", "condition", "received", "fate", "step", "reason", "followed_up"]
    people = pd.DataFrame(rows, columns=head)
    return Accounting(
        _people=people,
        conditions=_ordered(study, people),
        erased=erased,
        occasion=occasion,
        randomised=given is not None,
        crossed=None if received is None else sum(1 for r in rows if r[2] not in {"", r[1]}),
        provenance=table.provenance.derived("account"),
    )


def _not_erased(before: Collection[str], known: Collection[str], erased: int) -> list[str]:
    """Return who of the table as it came may be named: who is not here and in no step was erased."""
    named = [who for who in before if who in known]
    if (lost := len(before) - len(named)) > erased:
        what = f"{counted(lost, 'person', 'people')} of `came` neither in the table nor in its ledger; {erased} erased."
        raise DataError(f"{what} Give the table from which this one was made.")
    return named


def _given(allocation: "Allocation | Mapping[str, str] | None", study: Study) -> dict[str, str] | None:
    if allocation is None:
        return None
    if isinstance(allocation, Mapping):
        return {str(who): str(key) for who, key in allocation.items()}
    if allocation.design_hash != study.design_hash:
        raise DataError("The allocation belongs to another design than the study; give the one that was assigned.")
    keys = [cell.key for cell in allocation.conditions]
    return {str(who): keys[at] for who, at in zip(allocation.participants, allocation.drawn, strict=True)}


def _without_exemplar(key: str, keys: Collection[str]) -> str:
    """Return the condition of a message, whose key may go on with the exemplar that was sent."""
    return key if key in keys else next((k for k in keys if key.startswith(f"{k}:")), key)


def _steps(ledger: Ledger) -> dict[str, tuple[str, str]]:
    """Return the step that named each person first, and what it says; a row left out is not yet a person left out."""
    found: dict[str, tuple[str, str]] = {}
    for entry in ledger:
        if entry.n_after < entry.n_before and not entry.step.startswith(_NOBODY):
            for who in (name for name, _ in entry.rows if name != ERASED):
                found.setdefault(who, (entry.step, entry.step.partition(".")[2].replace("_", " ")))
    return found


def _fate(
    who: str,
    given: Mapping[str, str] | None,
    inside: Mapping[str, str],
    entered: frozenset[str],
    steps: Mapping[str, tuple[str, str]],
    later: Mapping[str, tuple[str, str]],
) -> tuple[str, str, str]:
    """Return fate, step and reason; the first that holds, so that nobody has two."""
    if given is not None and who not in given:
        return "not_randomised", "", "not in the allocation list"
    if who not in inside:
        step, reason = steps.get(who, ("", "no answers: stayed away, or erased"))
        return ("excluded" if step else "no_data"), step, reason
    if who not in entered:
        step, reason = later.get(who, ("", "not in the model"))
        return "left_out", step, reason
    return "analysed", "", ""


def _ordered(study: Study, people: pd.DataFrame) -> tuple[str, ...]:
    present = set(people["condition"])
    keys = [cell.key for cell in study.crossing.cells()]
    return (*(key for key in keys if key in present), *sorted(present - set(keys)))
