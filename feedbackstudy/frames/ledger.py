"""Row accounting: every row that a step leaves out or changes is named, but for people who withdrew; counts chain."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import pandas as pd

from feedbackstudy.errors import DataError
from feedbackstudy.render import Block, Page, Rendered, Table, Text, counted, number

__all__ = ["ERASED", "Ledger", "LedgerEntry"]

ERASED = "(erased)"
"""What stands in the ledger for somebody who withdrew after a step had named them."""

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """What one step did to the rows.

    Attributes
    ----------
    step : str
        The step, ``room.rule``: ``"screen.duration"``.
    what : str
        One sentence: what was done, and why.
    n_before, n_after : int
        Rows before and after.
    rows : tuple of (str, str)
        Participant and occasion of every row left out or changed.
    erased : int
        People who did not consent, or withdrew: their rows are gone, and only the number stays.
    """

    step: str
    what: str
    n_before: int
    n_after: int
    rows: tuple[tuple[str, str], ...] = ()
    erased: int = 0

    def __post_init__(self) -> None:
        dropped = self.n_before - self.n_after
        if self.erased:
            if self.rows or dropped < 0:
                raise DataError(
                    f"Ledger step {self.step!r} erases people; it can only take rows out, and names nobody."
                )
            return
        if dropped < 0 or (dropped and len(self.rows) != dropped):
            raise DataError(
                f"Ledger step {self.step!r}: {self.n_before} rows before and {self.n_after} after, but "
                f"{len(self.rows)} rows are named. Name every row that is left out."
            )


@dataclass(frozen=True, slots=True)
class Ledger(Rendered):
    """The steps a table went through, in order.

    Attributes
    ----------
    entries : tuple of LedgerEntry
        First step first; each begins with the rows that the one before it left.
    """

    entries: tuple[LedgerEntry, ...] = ()

    def __post_init__(self) -> None:
        for before, after in zip(self.entries, self.entries[1:], strict=False):
            if before.n_after != after.n_before:
                raise DataError(
                    f"Ledger step {after.step!r} starts with {after.n_before} rows, but step {before.step!r} left "
                    f"{before.n_after}. Add the step that is missing between them."
                )

    def __iter__(self) -> Iterator[LedgerEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def add(self, entry: LedgerEntry) -> "Ledger":
        """Return a ledger with one more step.

        Parameters
        ----------
        entry : LedgerEntry
            The step; it must start with the rows that the last step left.

        Returns
        -------
        Ledger
            The longer ledger; this one is unchanged.
        """
        return Ledger((*self.entries, entry))

    def without(self, participants: Collection[str]) -> "Ledger":
        """Return the ledger with some people's names taken out of its steps; every number stays.

        Parameters
        ----------
        participants : collection of str
            Whom nothing may name any more.

        Returns
        -------
        Ledger
            The same steps, ``(erased)`` in place of the names.
        """
        gone = frozenset(participants)
        return Ledger(
            tuple(
                replace(e, rows=tuple((ERASED if who in gone else who, when) for who, when in e.rows))
                if any(who in gone for who, _ in e.rows)
                else e
                for e in self.entries
            )
        )

    @property
    def excluded(self) -> tuple[tuple[str, str, str], ...]:
        """Step, participant and occasion of every row that was left out."""
        return tuple((e.step, *row) for e in self.entries if e.n_after < e.n_before for row in e.rows)

    def frame(self) -> pd.DataFrame:
        """Return one row per step and concerned row.

        Returns
        -------
        DataFrame
            Columns ``step, what, n_before, n_after, participant, occasion``.
        """
        head = ["step", "what", "n_before", "n_after", "participant", "occasion"]
        rows = [(e.step, e.what, e.n_before, e.n_after, *row) for e in self.entries for row in (e.rows or (("", ""),))]
        return pd.DataFrame(rows, columns=head)

    def page(self) -> Page:
        """Return the ledger as a table, one step a row.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple((e.step, e.what, number(e.n_before), number(e.n_after), _names(e)) for e in self.entries)
        head = ("step", "what", "rows before", "rows after", "concerned")
        body: Block = Table(head, rows) if rows else Text("No step has changed the rows.")
        return Page(title="Row accounting", blocks=(body,))


def _names(entry: LedgerEntry) -> str:
    if entry.erased:
        return f"{counted(entry.n_before - entry.n_after, 'row')}, not named"
    people = list(dict.fromkeys(participant for participant, _ in entry.rows))
    more = f" and {len(people) - _SHOWN} more" if len(people) > _SHOWN else ""
    return ", ".join(people[:_SHOWN]) + more or "-"
