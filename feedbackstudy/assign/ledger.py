"""The allocation ledger: a sealed list, revealed place by place, in lines that hold each other.

A ledger is a folder: ``sealed.json`` (the list and its secrets, readable by its owner alone), ``ledger.jsonl`` (what
was revealed, each line holding the hash of the one before), ``head.json`` (how far it was) and a lock. How far it was
is also noted outside the folder, so that an old copy put back is seen.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import platformdirs

from feedbackstudy.assign.chain import Fault, Line, chained, read_chain, text_of
from feedbackstudy.assign.proving import LedgerCheck, prove
from feedbackstudy.assign.reveal import Reveal, plain_mapping, reveal_of
from feedbackstudy.assign.roster import plain_id
from feedbackstudy.assign.sealed import Mode, Sealed, Slot, read_sealed, seal, write_sealed
from feedbackstudy.errors import DataError, FileFormatError, InputError, choices
from feedbackstudy.files import locked, read_bounded, write_atomic
from feedbackstudy.render import Facts, Notice, Page, Rendered, counted, number
from feedbackstudy.study import Study

__all__ = ["Ledger"]

MOST_BYTES = 1_000_000_000
SEALED, LINES, HEAD, LOCK = "sealed.json", "ledger.jsonl", "head.json", "ledger.lock"


@dataclass(slots=True, eq=False)
class Ledger(Rendered):
    """A ledger on disk. Make it with `Ledger.create`, find it again with `Ledger.open`.

    Attributes
    ----------
    folder : Path
        Its folder.
    sealed : Sealed
        The list and its secrets.
    anchor : Path or None
        The note outside the folder of how far the ledger was.
    """

    folder: Path
    sealed: Sealed
    anchor: Path | None
    _content: bytes = b""
    _lines: list[Line] = field(default_factory=list)

    @classmethod
    def create(
        cls,
        folder: str | Path,
        study: Study,
        *,
        roster: pd.DataFrame | None = None,
        places: int | None = None,
        mode: Mode = "live",
        seed: int | None = None,
        anchored: Path | None = None,
    ) -> "Ledger":
        """Draw a list, seal it and open its ledger.

        Parameters
        ----------
        folder : str or Path
            A folder that does not exist yet, or is empty.
        study : Study
            The study.
        roster : DataFrame, optional
            Known people; without it, places for who comes next.
        places : int, optional
            Places in each stratum; the planned number of participants by default.
        mode : {"live", "test"}
            A test list shares no random number with a live one.
        seed : int, optional
            Drawn from the operating system by default.
        anchored : Path, optional
            Folder for the note outside; the user's state folder by default.

        Returns
        -------
        Ledger
            Ready for the first reveal; print its `commitment` in the preregistration.

        Raises
        ------
        InputError
            Where the folder holds something, cannot be written, or the study cannot be assigned.
        """
        home = Path(folder)
        if home.exists() and (not home.is_dir() or any(home.iterdir())):
            raise FileFormatError(
                f"{home} exists and is not an empty folder; a ledger is never written over. Name another."
            )
        sealed = seal(study, roster=roster, places=places, mode=mode, seed=seed)
        home.mkdir(parents=True, exist_ok=True)
        write_sealed(sealed, home / SEALED)
        made = cls(home, sealed, _anchor(sealed.id, anchored))
        head = {"kind": "open", "id": sealed.id, "mode": mode, "list": sealed.kind, "design_hash": sealed.design_hash}
        head |= {"algorithm": str(sealed.algorithm), "commitment": sealed.commitment, "at": _now()}
        made._append(chained({**head, "places": len(sealed.slots)}, 1, "0" * 64))
        return made

    @classmethod
    def open(cls, folder: str | Path, *, anchored: Path | None = None) -> "Ledger":
        """Find a ledger again.

        Parameters
        ----------
        folder : str or Path
            Its folder.
        anchored : Path, optional
            Folder of the note outside.

        Returns
        -------
        Ledger
            Its lines are proved at the first use.

        Raises
        ------
        FileFormatError
            Where the folder holds no ledger.
        """
        home = Path(folder)
        if not (home / SEALED).is_file():
            raise FileFormatError(f"{home} holds no ledger ({SEALED} is absent); make one with Ledger.create.")
        sealed = read_sealed(home / SEALED)
        return cls(home, sealed, _anchor(sealed.id, anchored))

    @property
    def commitment(self) -> str:
        """The commitment to the whole list, for the preregistration."""
        return self.sealed.commitment

    def reveal(self, participant: str, stratum: Mapping[str, str] | None = None, *, wait: float = 30.0) -> Reveal:
        """Give somebody their place, or tell it again.

        Parameters
        ----------
        participant : str
            Pseudonym; asking twice gives the same answer and takes no second place.
        stratum : mapping of str to str, optional
            Stratum of somebody who is not in a roster, known before.
        wait : float, default 30
            Seconds to wait for another assigner.

        Returns
        -------
        Reveal
            What they get. It is on disk before it is returned.

        Raises
        ------
        InputError
            Where the ledger does not hold, the list is used up, the stratum is another one, or the disk is full; then
            nothing was revealed.
        """
        who = plain_id(participant)
        with locked(self.folder / LOCK, wait=wait):
            for left in self.folder.glob(
                ".*.part"
            ):  # of an assigner that was killed; the lock says that none is at work
                left.unlink(missing_ok=True)
            self._refresh()
            known = next((line for line in self._lines[1:] if line["participant"] == who), None)
            if known is not None:
                return self._again(known, stratum)
            slot, share = self._next(who, dict(stratum or {}))
            content = {"kind": "reveal", **slot.data(), "participant": who, "salt": self.sealed.slot_salt(slot.slot)}
            content |= {"share": share} if share is not None else {}
            last = self._lines[-1]
            line = chained({**content, "at": _now()}, len(self._lines) + 1, str(last["hash"]))
            self._append(line)
            return reveal_of(line)

    def _again(self, line: Line, stratum: Mapping[str, str] | None) -> Reveal:
        if stratum is not None and dict(stratum) != line["stratum"]:
            raise DataError(
                f"{line['participant']!r} was assigned in the stratum {line['stratum']}, not {dict(stratum)}; a "
                "stratum does not change after the draw. Correct it in the analysis and say so."
            )
        return reveal_of(line)

    def _next(self, who: str, stratum: dict[str, str]) -> tuple[Slot, int | None]:
        sealed = self.sealed
        if sealed.arrivals is not None:
            earlier = [(line["stratum"], line["share"]) for line in self._lines[1:]]
            number = len(self._lines)
            share, assigned = sealed.arrivals.draw(earlier, stratum, (sealed.seed, sealed.mode, number))  # type: ignore[arg-type]
            return Slot(slot=number, participant="", stratum=stratum, assigned=assigned), share
        if sealed.kind == "roster":
            found = next((slot for slot in sealed.slots if slot.participant == who), None)
            if found is None:
                raise DataError(choices("Participant of the roster", who, [slot.participant for slot in sealed.slots]))
            return found, None
        taken = {line["slot"] for line in self._lines[1:]}
        strata = [slot for slot in sealed.slots if slot.stratum == stratum]
        if not strata:
            known = dict.fromkeys(str(dict(slot.stratum)) for slot in sealed.slots)
            raise DataError(f"{choices('Stratum', str(stratum), known)} Nothing was revealed.")
        free = next((slot for slot in strata if slot.slot not in taken), None)
        if free is None:
            raise InputError(
                f"All {len(strata)} places{f' of the stratum {stratum}' if stratum else ''} are taken; seal a second "
                "list for those who come now, and say so in the report."
            )
        return free, None

    def _append(self, line: Line) -> None:
        content = self._content + text_of(line).encode("utf-8")
        write_atomic(self.folder / LINES, content)
        self._content, self._lines = content, [*self._lines, line]
        note = json.dumps({"line": line["line"], "hash": line["hash"]})
        for path in filter(None, (self.folder / HEAD, self.anchor)):
            write_atomic(path, note)

    def _refresh(self) -> None:
        """Read what other assigners added, and refuse to go on where a line does not hold."""
        fault = self._read()
        if fault is not None:
            raise FileFormatError(
                f"{self.folder / LINES}:{fault.line}: {fault.what}. Nothing was revealed; restore the ledger from a "
                "copy that holds, and keep this one as evidence."
            )

    def _read(self) -> Fault | None:
        content = read_bounded(self.folder / LINES, MOST_BYTES)
        grown = bool(self._lines) and content.startswith(self._content)
        lines, fault = read_chain(content[len(self._content) :] if grown else content, self._lines if grown else ())
        if fault is None:
            fault = self._behind(lines)
        if fault is None:
            self._content, self._lines = content, lines
        return fault

    def _behind(self, lines: list[Line]) -> Fault | None:
        if not (self.folder / HEAD).is_file():
            return Fault(len(lines), f"{HEAD} is absent, so it cannot be seen whether lines were cut off")
        for path in filter(None, (self.folder / HEAD, self.anchor)):
            if not path.is_file():
                continue
            count, value = _noted(path)
            if len(lines) < count:
                return Fault(
                    len(lines) + 1,
                    f"it is absent, but there {'was' if count == 1 else 'were'} {counted(count, 'line')}: cut, or an "
                    f"old copy put back",
                )
            if lines[count - 1]["hash"] != value:
                return Fault(count, "it is not the line that once stood here: rewritten, or another copy put back")
        return None

    def verify(self, *receipts: str, study: Study | None = None, roster: pd.DataFrame | None = None) -> LedgerCheck:
        """Prove the ledger: its lines, how far it was, every place against the commitment.

        Parameters
        ----------
        *receipts : str
            Receipts kept elsewhere.
        study : Study, optional
            At the end: draw the whole list again from the study and the secrets.
        roster : DataFrame, optional
            The roster that the list was drawn for.

        Returns
        -------
        LedgerCheck
            Whether all holds, and the first line that does not.
        """
        content = read_bounded(self.folder / LINES, MOST_BYTES)
        lines, fault = read_chain(content)
        found = fault or self._behind(lines)
        noted = self.anchor is not None and self.anchor.is_file()
        return prove(self.sealed, lines, found, receipts=receipts, again=(study, roster), noted=noted)

    @property
    def frame(self) -> pd.DataFrame:
        """What was revealed: ``participant, slot``, stratum, what was assigned, ``at``."""
        self._refresh()
        columns = ("participant", "slot")
        rows = [
            {**{key: line[key] for key in columns}, **plain_mapping(line["stratum"]), **plain_mapping(line["assigned"])}
            for line in self._lines[1:]
        ]
        return pd.DataFrame(rows, columns=None if rows else list(columns))

    def page(self) -> Page:
        """Return the commitment, how far the ledger is and whether it holds; never what comes next.

        Returns
        -------
        Page
            Ready to render.
        """
        check = self.verify()
        facts = Facts(
            (
                ("mode", self.sealed.mode),
                ("list", self.sealed.kind),
                ("commitment", self.commitment),
                ("revealed", number(check.revealed)),
                ("places", number(len(self.sealed.slots)) if self.sealed.slots else "drawn at each arrival"),
                ("design hash", self.sealed.design_hash[:16]),
                ("noted outside as", self.anchor.name if self.anchor else "nothing"),
            )
        )
        notice = Notice("A list for tests; never assign real people by it.") if self.sealed.mode == "test" else None
        blocks = (facts, *([notice] if notice else []), *check.page().blocks)
        return Page(title="Allocation ledger", subtitle=self.folder.name, blocks=blocks)

    def __str__(self) -> str:
        return Rendered.__str__(self)


def _anchor(name: str, folder: Path | None) -> Path:
    home = folder or platformdirs.user_state_path("feedbackstudy", appauthor=False) / "ledgers"
    return home / f"{name}.json"


def _noted(path: Path) -> tuple[int, str]:
    try:
        note = json.loads(read_bounded(path, 1000))
        return int(note["line"]), str(note["hash"])
    except (ValueError, KeyError, TypeError) as fault:
        if isinstance(fault, FileFormatError):
            raise
        raise FileFormatError(f"{path} is no note of a ledger: it was edited or cut. Restore it.") from fault


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
