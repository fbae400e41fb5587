"""The file beside a plan that holds its registration, its looks and its changes, each line holding the one before."""

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from feedbackstudy.assign.chain import START, Line, chained, read_chain, text_of
from feedbackstudy.errors import FileFormatError, InputError
from feedbackstudy.files import locked, read_bounded
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.render import Facts, Notice, Page, Rendered, Table, number, p_value

__all__ = ["LookLedger", "add_lines", "note_statistics", "open_ledger", "read_ledger", "register_plan"]

_LIMIT = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LookLedger(Rendered):
    """All that was written down so far.

    Attributes
    ----------
    lines : tuple of mapping
        As they stand in the file, each proved.
    """

    lines: tuple[Mapping[str, object], ...]

    @property
    def looks(self) -> tuple[Mapping[str, object], ...]:
        """Lines that are looks."""
        return self._of("look")

    @property
    def amendments(self) -> tuple[Mapping[str, object], ...]:
        """Lines that are changes of the plan."""
        return self._of("amendment")

    @property
    def registered(self) -> Mapping[str, object] | None:
        """The line of the registration; None where the plan was not registered before it met data."""
        return next(iter(self._of("registered")), None)

    @property
    def plan(self) -> str | None:
        """Digest of the plan that holds: registered, amended or looked by last."""
        known = [line for line in self.lines if line["kind"] != "statistics"]
        return str(known[-1]["plan"]) if known else None

    @property
    def has_data(self) -> bool:
        """Whether statistics were made or a look was taken, so that a change of the plan comes after data."""
        return any(line["kind"] in {"statistics", "look"} for line in self.lines)

    def _of(self, kind: str) -> tuple[Mapping[str, object], ...]:
        return tuple(line for line in self.lines if line["kind"] == kind)

    def page(self) -> Page:
        """Return the looks as a page.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple(
            (str(line["look"]), str(line["taken"]), number(line["level"], 4), p_value(1 - float(str(line["level"]))),
             str(line["plan"])[:16])
            for line in self.looks
        )  # fmt: skip
        notes = [Notice(f"Amended on {line['taken']}, {line['when']}: {line['reason']}") for line in self.amendments]
        head = ("look", "taken", "level of intervals", "p that decides", "plan")
        last = str(self.lines[-1]["hash"])[:16] if self.lines else "-"
        known = self.registered
        words = "before data" if known is None else f"{known['taken']}, plan {str(known['plan'])[:16]}"
        facts = Facts((("registered" if known is not None else "not registered", words), ("last line", last)))
        return Page(title="Looks", blocks=(Table(head, rows), *notes, facts))


def read_ledger(path: str | Path) -> LookLedger:
    """Read and prove a ledger of looks.

    Parameters
    ----------
    path : str or Path
        The file; one that does not exist yet is an empty ledger.

    Returns
    -------
    LookLedger
        Its lines.

    Raises
    ------
    FileFormatError
        Where a line was changed, moved, added or taken out.
    """
    place = Path(path)
    if not place.exists():
        return LookLedger(lines=())
    lines, fault = read_chain(read_bounded(place, _LIMIT))
    if fault is not None:
        raise FileFormatError(
            f"{place}, line {fault.line}: {fault.what}. No look is taken on a ledger that does not hold; restore it "
            "from a copy."
        )
    return LookLedger(lines=tuple(lines))


@contextmanager
def open_ledger(path: str | Path) -> Iterator[LookLedger]:
    """Hold a ledger for oneself while lines are added.

    Parameters
    ----------
    path : str or Path
        The file; its folder is made where it is absent.

    Yields
    ------
    LookLedger
        Its lines so far.
    """
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    with locked(place.with_name(place.name + ".lock")):
        yield read_ledger(place)


def add_lines(path: str | Path, ledger: LookLedger, new: Sequence[Mapping[str, object]]) -> None:
    """Append lines to a ledger that is held.

    Parameters
    ----------
    path : str or Path
        The file.
    ledger : LookLedger
        As `open_ledger` gave it.
    new : sequence of mapping
        What the lines say.

    Raises
    ------
    FileFormatError
        Where the file cannot be written.
    """
    place, previous = Path(path), str(ledger.lines[-1]["hash"]) if ledger.lines else START
    text, count = "", len(ledger.lines)
    for content in new:
        count += 1
        line: Line = chained(content, count, previous)
        text, previous = text + text_of(line), str(line["hash"])
    if not text:
        return
    try:
        with place.open("ab") as stream:
            stream.write(text.encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as fault:
        raise FileFormatError(f"{place} cannot be written: {fault.strerror or fault}; nothing was noted.") from fault


def register_plan(path: str | Path, plan: PolicyPlan, *, today: dt.date | None = None) -> None:
    """Write down which plan is registered, before there are data.

    Parameters
    ----------
    path : str or Path
        The ledger.
    plan : PolicyPlan
        The plan.
    today : date, optional
        Day of the registration; today by default.

    Raises
    ------
    InputError
        Where a plan is registered already, or statistics were made or looked at: that is an amendment.
    FileFormatError
        Where the ledger does not hold or cannot be written.
    """
    with open_ledger(path) as ledger:
        known = ledger.registered
        if known is not None and ledger.plan == plan.design_hash:
            return
        if known is not None or ledger.has_data:
            what = f"A plan was registered on {known['taken']}" if known is not None else "Data were there before"
            raise InputError(
                f"{what} ({path}). A registration is not written twice, nor after data; a changed plan is amended with "
                "a reason at the next look (amend=, or --amend)."
            )
        add_lines(path, ledger, [{"kind": "registered", "taken": _day(today), "plan": plan.design_hash}])


def note_statistics(path: str | Path, stats: SufficientStats, *, today: dt.date | None = None) -> None:
    """Write down that statistics were made, so that later changes of the plan are known to come after data.

    Parameters
    ----------
    path : str or Path
        The ledger.
    stats : SufficientStats
        The statistics.
    today : date, optional
        The day; today by default.

    Raises
    ------
    FileFormatError
        Where the ledger does not hold or cannot be written.
    """
    with open_ledger(path) as ledger:
        line = {"kind": "statistics", "taken": _day(today), "plan": stats.plan.design_hash}
        add_lines(path, ledger, [line])


def _day(today: dt.date | None) -> str:
    return (today or dt.datetime.now(tz=dt.UTC).date()).isoformat()
