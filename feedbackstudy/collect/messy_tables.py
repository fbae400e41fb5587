"""An export in the making: tables of text, wave by wave, and the list of faults put into them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from feedbackstudy.errors import InputError
from feedbackstudy.study import Study

__all__ = ["MessyTables", "Planted"]

NEEDED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A fault that was put into an export.

    Attributes
    ----------
    fault : str
        What was done, in words.
    wave : str
        The wave whose file holds it.
    n : int
        Rows, cells, columns or people concerned, whichever the finding counts.
    issue : str
        Code of the finding it must give when the file is inspected; empty where it is no fault of the file.
    step : str
        Step of the ledger at which it must leave; empty where nobody leaves.
    participants : tuple of str
        Whom it concerns, as the simulation names them.
    """

    fault: str
    wave: str
    n: int
    issue: str = ""
    step: str = ""
    participants: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class MessyTables:
    """The files of all waves as tables of text, and people whom no fault concerns yet.

    Attributes
    ----------
    study : Study
        The study.
    files : dict of str to DataFrame
        Wave -> rows of the export, as text.
    heads : dict of str to dict
        Wave -> column -> its words in the second and third header row.
    free : list of str
        People whom no fault concerns yet, in the order in which they are drawn.
    """

    study: Study
    files: dict[str, pd.DataFrame]
    heads: dict[str, dict[str, tuple[str, str]]]
    free: list[str]

    def draw(self, n: int, wave: str = "", column: str = "") -> tuple[str, ...]:
        """Draw people for a fault.

        Parameters
        ----------
        n : int
            How many.
        wave, column : str
            Where they must have answered; anywhere by default.

        Returns
        -------
        tuple of str
            People, who are not free any more.

        Raises
        ------
        InputError
            Where too few are left.
        """
        able = self.free
        if column:
            table = self.files[wave]
            answered = set(table.loc[~table[column].isin(["", "-98", "-99"]), "fs_pid"])
            able = [who for who in able if who in answered]
        if len(able) < n:
            raise InputError(
                f"Too few people are free of faults to plant one more ({len(able)}, needed {n}); simulate more people, "
                f"{NEEDED} of whom answer every wave and pass the plan's rules."
            )
        self.free = [who for who in self.free if who not in able[:n]]
        return tuple(able[:n])

    def put(self, wave: str, who: Sequence[str], column: str, text: str) -> None:
        """Write a text into a column of some people's rows.

        Parameters
        ----------
        wave : str
            Which file.
        who : sequence of str
            Whose rows.
        column : str
            Which column.
        text : str
            What it holds from then on.
        """
        table = self.files[wave]
        table.loc[table["fs_pid"].isin(who), column] = text

    def add_column(self, wave: str, name: str, cells: str | Sequence[str]) -> None:
        """Add a column at the right.

        Parameters
        ----------
        wave : str
            Which file.
        name : str
            Its tag, question and ImportId.
        cells : str or sequence of str
            What it holds.
        """
        self.files[wave][name] = cells
        self.heads[wave][name] = (name, json.dumps({"ImportId": name}))

    def add_rows(
        self, wave: str, who: Sequence[str], changes: Mapping[str, Sequence[str]], *, first: bool = False
    ) -> None:
        """Repeat rows, changed.

        Parameters
        ----------
        wave : str
            Which file.
        who : sequence of str
            Whose rows.
        changes : mapping of str to str or sequence of str
            Column -> what it holds in the new rows.
        first : bool, default False
            Whether they stand before all others; after them otherwise.
        """
        table = self.files[wave]
        rows = table[table["fs_pid"].isin(who)].copy()
        for name, cells in changes.items():
            rows[name] = cells
        self.files[wave] = pd.concat([rows, table] if first else [table, rows], ignore_index=True)

    def text(self, wave: str) -> str:
        """Return a file as it is written.

        Parameters
        ----------
        wave : str
            Which.

        Returns
        -------
        str
            Three header rows and the rows.
        """
        head, stream = self.heads[wave], io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([list(head), [asked for asked, _ in head.values()], [told for _, told in head.values()]])
        writer.writerows(self.files[wave][list(head)].fillna("").to_numpy(dtype=object))
        return stream.getvalue()
