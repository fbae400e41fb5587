"""What a fitted model shows: its coefficients, tests of its terms, marginal means and contrasts, and the way to R."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
import pandas as pd

from feedbackstudy.analysis.contrasts_fit import FittedCells
from feedbackstudy.analysis.contrasts_of import Method, Planned, contrasts_of
from feedbackstudy.analysis.contrasts_result import Contrasts
from feedbackstudy.analysis.frequentist.adjust import Family
from feedbackstudy.analysis.margins import Averaging
from feedbackstudy.analysis.model_rows import EffectRow, TermRow
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Table, Text, interval, number, p_value

__all__ = ["ModelResult"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelResult(Rendered):
    """A fitted model of a data frame.

    Attributes
    ----------
    title, outcome, model : str
        What it is, of what, in words.
    effects : tuple of EffectRow
        Coefficients.
    terms : tuple of TermRow
        Tests of terms, type III, whatever the coding.
    facts : tuple of (str, str)
        What else is shown, such as fit.
    n : int
        Rows that entered.
    level : float
        Level of the intervals.
    notes : tuple of str
        What a reader must know.
    failures : tuple of str
        Why it is not fit to report; empty where it is.
    scales : mapping of str to callable
        Scale -> fitted cells on it; the first is the default.
    script : RScript
        The same in R.
    cells_in_r : mapping of str to str
        Scale -> R code of the cell means, where R's emmeans has the same.
    provenance : Provenance
        Conventions and versions.
    """

    title: str
    outcome: str
    model: str
    effects: tuple[EffectRow, ...]
    terms: tuple[TermRow, ...]
    facts: tuple[tuple[str, str], ...]
    n: int
    level: float
    notes: tuple[str, ...]
    failures: tuple[str, ...]
    scales: Mapping[str, Callable[[], FittedCells]]
    script: RScript
    cells_in_r: Mapping[str, str]
    provenance: Provenance

    @property
    def fit_to_report(self) -> bool:
        """Whether nothing stands against reporting."""
        return not self.failures

    def frame(self) -> pd.DataFrame:
        """Return the coefficients.

        Returns
        -------
        DataFrame
            One row each, unrounded.
        """
        names = [field.name for field in fields(EffectRow)]
        return pd.DataFrame([{name: getattr(row, name) for name in names} for row in self.effects], columns=names)

    def terms_frame(self) -> pd.DataFrame:
        """Return the tests of terms.

        Returns
        -------
        DataFrame
            One row each, unrounded.
        """
        names = [field.name for field in fields(TermRow)]
        return pd.DataFrame([{name: getattr(row, name) for name in names} for row in self.terms], columns=names)

    def cells(self, scale: str | None = None) -> FittedCells:
        """Return the cell means of the model's factors.

        Parameters
        ----------
        scale : str, optional
            One of the model's scales; its own by default.

        Returns
        -------
        FittedCells
            Means with covariance and degrees of freedom, which contrasts are put to.

        Raises
        ------
        DataError
            For an unknown scale, or a model without factors.
        """
        chosen = next(iter(self.scales)) if scale is None else scale
        if chosen not in self.scales:
            raise DataError(choices("scale", chosen, self.scales))
        absent = 'stop("emmeans has no means averaged over covariates and random effects on this scale")\n'
        return replace(self.scales[chosen](), data=self.script.data, fit_in_r=self.cells_in_r.get(chosen, absent))

    def contrasts(
        self,
        planned: Planned | None = None,
        *,
        of: Sequence[str] | None = None,
        by: Sequence[str] = (),
        method: Method = "pairwise",
        reference: str | None = None,
        weights: Averaging = "equal",
        adjust_for: Family = "holm",
        delta: float | None = None,
        level: float = 0.95,
        scale: str | None = None,
    ) -> Contrasts:
        """Estimate marginal means and test contrasts of them.

        Parameters
        ----------
        planned : mapping of str to mapping of str to float, optional
            Name of a contrast -> weights of the marginal means.
        of, by : sequence of str
            Factors whose means are wanted (all by default), and those at each of whose levels they are looked at.
        method : str, default "pairwise"
            Which comparisons, as in `analysis.contrasts`.
        reference : str, optional
            For "reference".
        weights : {"equal", "proportional", "observed"}, default "equal"
            How other factors are averaged over.
        adjust_for : str, default "holm"
            Adjustment for multiplicity.
        delta : float, optional
            Smallest effect of interest.
        level : float, default 0.95
            Level of the intervals.
        scale : str, optional
            One of the model's scales.

        Returns
        -------
        Contrasts
            `means_frame()`, `frame()`, `r_script()`.
        """
        return contrasts_of(
            self.cells(scale),
            self.outcome,
            planned,
            of=of,
            by=by,
            method=method,
            reference=reference,
            weights=weights,
            adjust_for=adjust_for,
            delta=delta,
            level=level,
            made_by=self.provenance.made_by,
        )

    def means(
        self, *of: str, scale: str | None = None, weights: Averaging = "equal", level: float = 0.95
    ) -> pd.DataFrame:
        """Return marginal means.

        Parameters
        ----------
        *of : str
            Factors; all by default.
        scale : str, optional
            One of the model's scales.
        weights : {"equal", "proportional", "observed"}, default "equal"
            How other factors are averaged over.
        level : float, default 0.95
            Level of the intervals.

        Returns
        -------
        DataFrame
            One row for each combination of levels: mean, se, df, low, high.
        """
        found = self.contrasts(of=of or None, scale=scale, weights=weights, adjust_for="none", level=level)
        return found.means_frame()

    def r_script(self) -> RScript:
        """Return an R script that computes the same.

        Returns
        -------
        RScript
            With its data.
        """
        return self.script

    def page(self) -> Page:
        """Return the model as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        blocks: list[Block] = [Notice(f"Not fit to report: {why}", tone="error") for why in self.failures]
        blocks += [Notice(note) for note in self.notes]
        blocks += [Text(f"{self.n} rows. {self.model}.")]
        blocks += [self._effects_table()]
        blocks += [self._terms_table()] if self.terms else []
        blocks += [*self.more(), Facts(self.facts), self.provenance.facts()]
        return Page(title=f"{self.title} of {self.outcome}", blocks=tuple(blocks))

    def more(self) -> Sequence[Block]:
        """Return what else the page shows.

        Returns
        -------
        sequence of Block
            Nothing here; models add their own.
        """
        return ()

    def _effects_table(self) -> Table:
        t = any(np.isfinite(row.df) for row in self.effects)
        ratios, standard = (any(getattr(row, name) is not None for row in self.effects) for name in _OPTIONAL)
        head = ["effect", "estimate", f"{self.level:.0%} CI", "SE", "t (df)" if t else "z", "p"]
        head += (["ratio"] if ratios else []) + (["in SD"] if standard else [])
        rows = []
        for row in self.effects:
            df = f" ({number(row.df, 1)})" if np.isfinite(row.df) else ""
            cells = [row.effect, number(row.estimate), interval(row.low, row.high), number(row.se)]
            cells += [f"{number(row.statistic, 2)}{df}", _p(row.p)]
            cells += ([number(row.ratio)] if ratios else []) + ([number(row.std_estimate)] if standard else [])
            rows.append(tuple(cells))
        return Table(tuple(head), tuple(rows), "Fixed effects")

    def _terms_table(self) -> Table:
        rows = []
        for row in self.terms:
            f = np.isfinite(row.df2)
            statistic = (
                f"F = {number(row.statistic, 2)}" if f else f"\N{GREEK SMALL LETTER CHI}² = {number(row.statistic, 2)}"
            )
            df = f"{number(row.df, 0)}, {number(row.df2, 1)}" if f else number(row.df, 0)
            rows.append((row.term, statistic, df, _p(row.p)))
        return Table(("term", "statistic", "df", "p"), tuple(rows), "Tests of terms (type III)")


_OPTIONAL: tuple[Literal["ratio"], Literal["std_estimate"]] = ("ratio", "std_estimate")


def _p(value: float) -> str:
    return p_value(value).removeprefix("p ").removeprefix("= ")
