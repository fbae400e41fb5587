"""What planned contrasts and marginal means show."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Notice, Page, Rendered, Table, Text, interval, number, p_value

__all__ = ["ContrastRow", "Contrasts", "MeanRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanRow:
    """A marginal mean.

    Attributes
    ----------
    cell : str
        Levels joined by ``:``.
    mean, se, df : float
        Estimate, standard error, degrees of freedom.
    low, high : float
        Interval, for this mean alone.
    """

    cell: str
    mean: float
    se: float
    df: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastRow:
    """A contrast of means.

    Attributes
    ----------
    contrast : str
        Its name.
    by : str
        Level of the factors at which it was looked at; empty for none.
    estimate, se, df, statistic, p : float
        Test of zero, two-sided.
    p_adjusted : float
        p adjusted for the family.
    low, high : float
        Interval; simultaneous where the adjustment has one.
    d, d_low, d_high : float or None
        Estimate in standard deviations of the outcome within cells.
    p_equivalence, p_noninferiority : float or None
        Two one-sided tests that the effect is smaller than delta in size, and test that it is above minus delta; None
        without a delta.
    """

    contrast: str
    by: str
    estimate: float
    se: float
    df: float
    statistic: float
    p: float
    p_adjusted: float
    low: float
    high: float
    d: float | None
    d_low: float | None
    d_high: float | None
    p_equivalence: float | None
    p_noninferiority: float | None


_FIELDS = tuple(ContrastRow.__dataclass_fields__)
_MEAN_FIELDS = tuple(MeanRow.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contrasts(Rendered):
    """Marginal means and contrasts. Make it with `contrasts`.

    Attributes
    ----------
    outcome : str
        What was measured.
    means : tuple of MeanRow
        Marginal means.
    rows : tuple of ContrastRow
        Contrasts.
    n : int
        Participants that entered, or rows where a model of rows was fitted.
    level : float
        Level of the intervals.
    delta : float or None
        Smallest effect of interest, in units of the outcome.
    notes : tuple of str
        What a reader must know.
    failures : tuple of str
        Why it is not fit to report; empty where it is.
    provenance : Provenance
        Conventions and versions.
    script : RScript
        The same in R.
    counted : {"participants", "rows"}
        What `n` counts.
    """

    outcome: str
    means: tuple[MeanRow, ...]
    rows: tuple[ContrastRow, ...]
    n: int
    level: float
    delta: float | None
    notes: tuple[str, ...]
    failures: tuple[str, ...]
    provenance: Provenance
    script: RScript
    counted: Literal["participants", "rows"] = "participants"

    @property
    def fit_to_report(self) -> bool:
        """Whether nothing stands against reporting it."""
        return not self.failures

    def __getitem__(self, name: str) -> ContrastRow:
        for row in self.rows:
            if name in (row.contrast, f"{row.contrast} | {row.by}"):
                return row
        raise NotFoundError(choices("Contrast", name, [row.contrast for row in self.rows]))

    def frame(self) -> pd.DataFrame:
        """Return one row for each contrast, unrounded.

        Returns
        -------
        DataFrame
            The fields of `ContrastRow`.
        """
        return pd.DataFrame([{name: getattr(row, name) for name in _FIELDS} for row in self.rows], columns=_FIELDS)

    def means_frame(self) -> pd.DataFrame:
        """Return one row for each marginal mean, unrounded.

        Returns
        -------
        DataFrame
            The fields of `MeanRow`.
        """
        rows = [{name: getattr(row, name) for name in _MEAN_FIELDS} for row in self.means]
        return pd.DataFrame(rows, columns=_MEAN_FIELDS)

    def r_script(self) -> RScript:
        """Return an R script that recomputes the contrasts.

        Returns
        -------
        RScript
            With the rows used as its data.
        """
        return self.script

    def page(self) -> Page:
        """Return means, contrasts, notes and conventions.

        Returns
        -------
        Page
            Ready to render.
        """
        blocks: list[Block] = [Notice(f"Not fit to report: {text}", "error") for text in self.failures]
        title = f"{self.level:.0%} CI"
        means = tuple((m.cell, number(m.mean), number(m.se), interval(m.low, m.high)) for m in self.means)
        blocks.append(Table(("cell", "mean", "SE", title), means, "Marginal means"))
        if self.rows:
            blocks.append(self._table(title))
        blocks += [Text(text) for text in self.notes]
        return Page(f"Contrasts of {self.outcome}", f"{self.n} {self.counted}", (*blocks, self.provenance.facts()))

    def _table(self, title: str) -> Table:
        bounded = self.delta is not None
        extra = (f"p (smaller than {self.delta:g})", f"p (above \N{MINUS SIGN}{self.delta:g})") if bounded else ()
        head = ("contrast", "estimate", title, "SE", "t (df)", "p", "p adjusted", "d", title, *extra)
        return Table(head, tuple(_line(row, bounded=bounded) for row in self.rows), "Contrasts")


def _line(row: ContrastRow, *, bounded: bool) -> tuple[str, ...]:
    tests = (_p(row.p_equivalence), _p(row.p_noninferiority)) if bounded else ()
    return (
        f"{row.contrast} | {row.by}" if row.by else row.contrast,
        number(row.estimate),
        interval(row.low, row.high),
        number(row.se),
        f"{number(row.statistic, 2)} ({number(row.df, 1)})",
        _p(row.p),
        _p(row.p_adjusted),
        number(row.d, 2),
        interval(row.d_low, row.d_high, 2),
        *tests,
    )


def _p(value: float | None) -> str:
    return p_value(value).removeprefix("p ").removeprefix("= ")
