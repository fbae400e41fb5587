"""Proof that a ledger is what it says: every line, every place, and at the end the whole list drawn again."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from feedbackstudy.assign.arrivals import Arrivals
from feedbackstudy.assign.chain import Fault, Line
from feedbackstudy.assign.sealed import Sealed, slot_commitment, slots_of
from feedbackstudy.errors import DataError
from feedbackstudy.render import Facts, Notice, Page, Rendered, number
from feedbackstudy.study import Study

__all__ = ["LedgerCheck", "prove"]

_ALONE = (
    "No note outside the folder was found and no receipt given, so an old copy of the whole folder put back would not "
    "be seen. Check where the note lies (the machine and user that reveal), or give a receipt kept elsewhere."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck(Rendered):
    """Whether a ledger holds.

    Attributes
    ----------
    holds : bool
        Whether nothing was found.
    first_bad : int or None
        Number of the first line that does not hold, counted from 1.
    what : str
        What is wrong with it.
    revealed : int
        Places revealed in lines that hold.
    rederived : bool
        Whether the whole list was drawn again and is the same.
    noted_outside : bool
        Whether a note outside the folder was found, or a receipt was given. Without either, an old copy of the whole
        folder put back cannot be seen.
    """

    holds: bool
    first_bad: int | None
    what: str
    revealed: int
    rederived: bool
    noted_outside: bool

    def page(self) -> Page:
        """Return the verdict.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = Facts(
            (
                ("revealed", number(self.revealed)),
                ("list drawn again", "the same" if self.rederived else "no"),
                ("known from outside how far it was", "yes" if self.noted_outside else "no"),
            )
        )
        good = "Every line follows the one before, and every place is the one committed to."
        verdict = Notice(good, "good") if self.holds else Notice(f"Line {self.first_bad}: {self.what}.", "error")
        alone = () if self.noted_outside else (Notice(_ALONE, "warning"),)
        return Page(title="Ledger check", blocks=(verdict, *alone, facts))


def prove(
    sealed: Sealed,
    lines: list[Line],
    fault: Fault | None,
    *,
    receipts: Sequence[str] = (),
    again: tuple[Study | None, pd.DataFrame | None] = (None, None),
    noted: bool = False,
) -> LedgerCheck:
    """Prove the lines of a ledger against its sealed list.

    Parameters
    ----------
    sealed : Sealed
        The list.
    lines : list of dict
        Lines whose chain holds.
    fault : Fault or None
        What was found about the chain.
    receipts : sequence of str
        ``line:hash``, kept elsewhere.
    again : tuple of (Study or None, DataFrame or None)
        Study and roster, to draw the list again.
    noted : bool
        Whether a note outside the ledger's folder was found and heeded.

    Returns
    -------
    LedgerCheck
        The verdict.
    """
    faults = [each for each in (fault, _opening(sealed, lines), *_reveals(sealed, lines)) if each is not None]
    faults += [each for text in receipts if (each := _receipt(lines, text)) is not None]
    study, roster = again
    same = study is not None and _drawn_again(sealed, study, roster)
    if study is not None and not same:
        faults.append(Fault(1, "the study, roster and secrets do not give this list"))
    first = min(faults, key=lambda each: each.line) if faults else None
    return LedgerCheck(
        holds=first is None,
        first_bad=first.line if first else None,
        what=first.what if first else "",
        revealed=max(len(lines) - 1, 0),
        rederived=same,
        noted_outside=noted or bool(receipts),
    )


def _opening(sealed: Sealed, lines: list[Line]) -> Fault | None:
    if not lines:
        return Fault(1, "it is absent: the ledger is empty")
    if lines[0].get("commitment") != sealed.commitment or lines[0].get("id") != sealed.id:
        return Fault(1, "the sealed list is not the one that was committed to")
    return None


def _reveals(sealed: Sealed, lines: list[Line]) -> list[Fault]:
    slots = {slot.slot: slot for slot in sealed.slots}
    commitments = dict(zip(slots, sealed.commitments(), strict=True))
    people: set[object] = set()
    places: set[object] = set()
    earlier: list[tuple[dict[str, str], int]] = []
    faults = []
    for line in lines[1:]:
        number_, who, place = int(str(line["line"])), line.get("participant"), int(str(line.get("slot")))
        if who in people:
            faults.append(Fault(number_, f"{who!r} was assigned before"))
        if place in places:
            faults.append(Fault(number_, f"place {place} was taken before"))
        people.add(who)
        places.add(place)
        what = (
            _as_committed(line, commitments.get(place), slots[place].participant if place in slots else "")
            if sealed.arrivals is None
            else _as_drawn(sealed, sealed.arrivals, line, earlier)
        )
        if what:
            faults.append(Fault(number_, what))
    return faults


def _as_committed(line: Line, commitment: str | None, owner: str) -> str:
    slot = {"slot": line["slot"], "participant": owner, "stratum": line["stratum"], "assigned": line["assigned"]}
    if commitment is None or slot_commitment(slot, str(line.get("salt"))) != commitment:
        return "what was assigned is not what the sealed list holds"
    return f"place {line['slot']} belongs to {owner!r}" if owner and owner != line["participant"] else ""


def _as_drawn(sealed: Sealed, arrivals: Arrivals, line: Line, earlier: list[tuple[dict[str, str], int]]) -> str:
    stratum = line["stratum"] if isinstance(line["stratum"], dict) else {}
    try:
        share, assigned = arrivals.draw(earlier, stratum, (sealed.seed, sealed.mode, int(str(line["slot"]))))
    except DataError as fault:
        return str(fault)
    earlier.append((stratum, share))
    same = share == line.get("share") and assigned == line["assigned"]
    return "" if same else "what was assigned is not what the secret seed draws"


def _receipt(lines: list[Line], text: str) -> Fault | None:
    place, _, value = text.partition(":")
    if not place.isdigit() or len(value) != 64:
        raise DataError(f"{text!r} is no receipt; they look like '17:' and 64 hexadecimal digits.")
    at = int(place)
    if at > len(lines):
        return Fault(len(lines) + 1, f"it is absent, but a receipt proves line {at}: cut, or an old copy put back")
    return None if lines[at - 1]["hash"] == value else Fault(at, "a receipt proves that another line stood here")


def _drawn_again(sealed: Sealed, study: Study, roster: pd.DataFrame | None) -> bool:
    if study.design_hash != sealed.design_hash:
        return False
    if sealed.arrivals is not None:
        return Arrivals.of(study).data() == sealed.arrivals.data()
    strata = [tuple(slot.stratum.items()) for slot in sealed.slots]
    places = None if roster is not None else len(strata) // max(len(set(strata)), 1)
    made = slots_of(study, roster, places, (sealed.seed, sealed.mode, sealed.algorithm))
    return [slot.data() for slot in made] == [slot.data() for slot in sealed.slots]
