"""What an analysis of variance shows: its table, sphericity, conventions, and the way to R."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.sphericity import Sphericity
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Notice, Page, Rendered, Table, Text, interval, number, p_value

__all__ = ["Anova", "AnovaRow", "r_matrix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnovaRow:
    """One tested term.

    Attributes
    ----------
    term : str
        Names joined by ``:``; for a comparison arm what it is compared with.
    df, df2 : float
        Degrees of freedom, corrected by `epsilon`.
    ss, ss_error : float or None
        Sums of squares; None where the covariance is robust, which has none.
    f, p : float
        Test.
    epsilon : float or None
        Correction for departure from sphericity; None where the term has one degree of freedom per participant.
    p_uncorrected : float
        p without it.
    eta_p2, eta_p2_low, eta_p2_high : float
        Partial eta squared with interval.
    eta_g2 : float or None
        Generalised eta squared; None with a robust covariance.
    omega_p2, omega_p2_low, omega_p2_high : float
        Partial omega squared with interval.
    """

    term: str
    df: float
    df2: float
    ss: float | None
    ss_error: float | None
    f: float
    p: float
    epsilon: float | None
    p_uncorrected: float
    eta_p2: float
    eta_p2_low: float
    eta_p2_high: float
    eta_g2: float | None
    omega_p2: float
    omega_p2_low: float
    omega_p2_high: float


_FIELDS = tuple(AnovaRow.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anova(Rendered):
    """An analysis of variance. Make it with `anova`.

    Attributes
    ----------
    outcome : str
        What was measured.
    rows : tuple of AnovaRow
        The tested terms.
    sphericity : tuple of (str, Sphericity)
        Test and epsilons of each within term that needs them.
    n : int
        Participants that entered.
    n_rows : int
        Rows that entered.
    level : float
        Level of the intervals of effect sizes.
    notes : tuple of str
        What a reader must know.
    failures : tuple of str
        Why it is not fit to report; empty where it is.
    provenance : Provenance
        Conventions and versions.
    script : RScript
        The same in R.
    """

    outcome: str
    rows: tuple[AnovaRow, ...]
    sphericity: tuple[tuple[str, Sphericity], ...]
    n: int
    n_rows: int
    level: float
    notes: tuple[str, ...]
    failures: tuple[str, ...]
    provenance: Provenance
    script: RScript

    @property
    def fit_to_report(self) -> bool:
        """Whether nothing stands against reporting it."""
        return not self.failures

    def term(self, name: str) -> AnovaRow:
        """Return the row of one term.

        Parameters
        ----------
        name : str
            Factors joined by ``:``, in any order.

        Returns
        -------
        AnovaRow
            Its test.

        Raises
        ------
        NotFoundError
            For an unknown term.
        """
        for row in self.rows:
            if row.term == name or set(row.term.split(":")) == set(name.split(":")):
                return row
        raise NotFoundError(choices("Term", name, [row.term for row in self.rows]))

    def frame(self) -> pd.DataFrame:
        """Return one row for each term, unrounded.

        Returns
        -------
        DataFrame
            The fields of `AnovaRow`.
        """
        return pd.DataFrame([{name: getattr(row, name) for name in _FIELDS} for row in self.rows], columns=_FIELDS)

    def r_script(self) -> RScript:
        """Return an R script that recomputes the tests.

        Returns
        -------
        RScript
            With the rows used as its data.
        """
        return self.script

    def page(self) -> Page:
        """Return the table in the layout of APA, sphericity, notes and conventions.

        Returns
        -------
        Page
            Ready to render.
        """
        blocks: list[Block] = [Notice(f"Not fit to report: {text}", "error") for text in self.failures]
        blocks += [self._table(), *self._sphericity_table()]
        blocks += [Text(text) for text in self.notes]
        people = f"{self.n} participants" + (f", {self.n_rows} rows" if self.n_rows != self.n else "")
        return Page(f"Analysis of variance of {self.outcome}", people, (*blocks, self.provenance.facts()))

    def _table(self) -> Table:
        title = f"{self.level:.0%} CI"
        generalised = any(row.eta_g2 is not None for row in self.rows)
        head = ("term", "df", "F", "p", "partial η²", title, *(("η²G",) if generalised else ()), "partial ω²", title)
        return Table(head, tuple(self._line(row, generalised=generalised) for row in self.rows))

    def _line(self, row: AnovaRow, *, generalised: bool) -> tuple[str, ...]:
        share = number(row.eta_g2, 3, unit_interval=True)
        return (
            row.term,
            f"{_df(row.df)}, {_df(row.df2)}",
            number(row.f, 2),
            p_value(row.p).removeprefix("p ").removeprefix("= "),
            number(row.eta_p2, 3, unit_interval=True),
            interval(row.eta_p2_low, row.eta_p2_high),
            *((share,) if generalised else ()),
            number(row.omega_p2, 3, unit_interval=True),
            interval(row.omega_p2_low, row.omega_p2_high),
        )

    def _sphericity_table(self) -> tuple[Table, ...]:
        if not self.sphericity:
            return ()
        lines = tuple(
            (
                term,
                number(found.w),
                p_value(found.p).removeprefix("p ").removeprefix("= "),
                number(found.greenhouse_geisser),
                number(found.huynh_feldt),
            )
            for term, found in self.sphericity
        )
        return (Table(("within term", "Mauchly's W", "p", "ε (GG)", "ε (HF)"), lines, "Sphericity"),)


def _df(value: float) -> str:
    return number(round(value)) if abs(value - round(value)) < 1e-9 else number(value, 2)


def r_matrix(rows: NDArray[np.float64]) -> str:
    """Write a matrix as R code.

    Parameters
    ----------
    rows : ndarray
        The matrix.

    Returns
    -------
    str
        ``matrix(c(...), nrow = k, byrow = TRUE)``, in full precision.
    """
    values = ", ".join(repr(float(value)) for value in rows.ravel())
    return f"matrix(c({values}), nrow = {len(rows)}, byrow = TRUE)"
