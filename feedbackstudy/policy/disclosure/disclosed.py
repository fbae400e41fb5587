"""`Disclosed`: a table that has passed a disclosure rule, and the kinds of it that have a picture."""

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Page, Rendered, Table, Text, number

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HIDDEN", "NOT_APPLICABLE", "Disclosed", "DisclosedEffects", "DisclosedEvents", "DisclosedImpact"]

HIDDEN = "hidden"
"""What stands in place of a number that may not be shown."""
NOT_APPLICABLE = "-"
"""What stands where there is no number, such as the ratio of the reference to itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Disclosed(Rendered):
    """A table that has passed a disclosure rule; reports take nothing else.

    Attributes
    ----------
    title : str
        What it is about.
    table : DataFrame
        What may be shown; hidden numbers are missing, and so are numbers that do not exist.
    out : DataFrame of bool or None
        Which cells of the table are hidden; the other missing ones do not apply. None where nothing is hidden.
    words : str
        The rule in words.
    provenance : Provenance or None
        What made the numbers.
    main : tuple of str
        Columns that a page shows; all where empty.
    notes : tuple of str
        Sentences that belong to the table: how numbers were rounded, what is hidden and why.
    """

    title: str
    table: pd.DataFrame
    out: pd.DataFrame | None = None
    words: str
    provenance: Provenance | None = None
    main: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def hidden(self) -> int:
        """How many figures are hidden."""
        return 0 if self.out is None else int(self.out.to_numpy().sum())

    def frame(self) -> pd.DataFrame:
        """Return what may be shown.

        Returns
        -------
        DataFrame
            A copy.
        """
        return self.table.copy()

    def is_hidden(self, row: int, column: str) -> bool:
        """Say whether a missing number is hidden rather than not applicable.

        Parameters
        ----------
        row : int
            Position of the row, from 0.
        column : str
            Name of the column.

        Returns
        -------
        bool
            True where there is a number that may not be shown.
        """
        return self.out is not None and column in self.out.columns and bool(self.out[column].iloc[row])

    def page(self) -> Page:
        """Return the table as a page.

        Returns
        -------
        Page
            Ready to render, to print and to pass on.
        """
        head, rows = self.lines()
        facts = (self.provenance.facts(),) if self.provenance is not None else ()
        texts = tuple(map(Text, (*self.notes, self.said)))
        return Page(title=self.title, subtitle=self.words, blocks=(Table(head, rows), *texts, *facts))

    def lines(self) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Return the main columns as text.

        Returns
        -------
        tuple
            Head, and rows in which hidden numbers say so.
        """
        names = [name for name in self.main if name in self.table.columns] or list(self.table.columns)
        rows = tuple(
            tuple(
                HIDDEN if self.is_hidden(i, str(name)) else _shown(value, str(name))
                for name, value in zip(names, row, strict=True)
            )
            for i, row in enumerate(self.table[names].itertuples(index=False))
        )
        return tuple(str(name).replace("_", " ") for name in names), rows

    @property
    def said(self) -> str:
        """How much is hidden, in a sentence."""
        if not self.hidden:
            return "Nothing had to be hidden."
        return f"{self.hidden} figures are hidden: small ones, and others from which small ones would follow."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DisclosedEffects(Disclosed):
    """Effects that have passed a disclosure rule.

    Attributes
    ----------
    margins : mapping of str to float
        Metric -> effect at which a guardrail is breached: negative where more is better, positive where less is.
    """

    margins: "Mapping[str, float]" = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DisclosedEvents(Disclosed):
    """Effects by time since the start that have passed a disclosure rule.

    Attributes
    ----------
    label : str
        The metric.
    level : float
        Level of the intervals.
    """

    label: str
    level: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DisclosedImpact(Disclosed):
    """Rates and ratios by group that have passed a disclosure rule.

    Attributes
    ----------
    reference : str
        The group that the others are compared with.
    level : float
        Level of the intervals.
    """

    reference: str
    level: float


def _shown(value: object, name: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return NOT_APPLICABLE
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    if name == "p" or name.startswith("p_"):
        return _p(float(value))  # type: ignore[arg-type]
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    return _plain(float(value))  # type: ignore[arg-type]


def _plain(value: float) -> str:
    """Write a number with the decimals that it has, four at most: a rounded .15 is not .150."""
    if not math.isfinite(value):
        return number(value)
    decimals = len(f"{value:.4f}".rstrip("0").partition(".")[2])
    return number(value, decimals or (4 if 0 < abs(value) < 1 else 0))


def _p(value: float) -> str:
    """Write a p value with the decimals that it has: a rounded .04 is not .040."""
    if value < 0.001:
        return "<\N{NO-BREAK SPACE}.001"
    return (f"{value:.2f}" if round(value, 2) == value else f"{value:.3f}").lstrip("0") or "0"
