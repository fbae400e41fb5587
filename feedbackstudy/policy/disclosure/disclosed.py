"""`Disclosed`: a table that has passed a disclosure rule."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Page, Rendered, Table, Text, number, p_value

__all__ = ["Disclosed"]

_HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Disclosed(Rendered):
    """A table that has passed a disclosure rule; reports take nothing else.

    Attributes
    ----------
    title : str
        What it is about.
    table : DataFrame
        What may be shown; hidden numbers are missing.
    hidden : int
        How many figures are hidden.
    words : str
        The rule in words.
    provenance : Provenance or None
        What made the numbers.
    main : tuple of str
        Columns that a page shows; all where empty.
    notes : tuple of str
        Sentences that belong to the table.
    """

    title: str
    table: pd.DataFrame
    hidden: int
    words: str
    provenance: Provenance | None = None
    main: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def frame(self) -> pd.DataFrame:
        """Return what may be shown.

        Returns
        -------
        DataFrame
            A copy.
        """
        return self.table.copy()

    def page(self) -> Page:
        """Return the table as a page.

        Returns
        -------
        Page
            Ready to render, to print and to pass on.
        """
        head, rows = self.lines()
        facts = (self.provenance.facts(),) if self.provenance is not None else ()
        texts = tuple(map(Text, (*self.notes, self._said())))
        return Page(title=self.title, subtitle=self.words, blocks=(Table(head, rows), *texts, *facts))

    def lines(self) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Return the main columns as text.

        Returns
        -------
        tuple
            Head, and rows in which hidden numbers say so.
        """
        names = [name for name in self.main if name in self.table.columns] or list(self.table.columns)
        hidden = "-" if self.main else _HIDDEN
        rows = tuple(
            tuple(_shown(value, hidden, str(name)) for name, value in zip(names, row, strict=True))
            for row in self.table[names].itertuples(index=False)
        )
        return tuple(str(name).replace("_", " ") for name in names), rows

    def _said(self) -> str:
        if not self.hidden:
            return "Nothing had to be hidden."
        return f"{self.hidden} figures are hidden: small ones, and others from which small ones would follow."


def _shown(value: object, hidden: str, name: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return hidden
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    if name == "p" or name.startswith("p_"):
        return p_value(float(value)).removeprefix("p ").removeprefix("= ")  # type: ignore[arg-type]
    return f"{value:,}" if isinstance(value, int | np.integer) else number(value)
