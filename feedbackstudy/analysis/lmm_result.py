"""What a linear mixed model of a data frame shows beside its effects: variances, intervals, tests of random terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from feedbackstudy.analysis.frequentist.mixed_intervals import ProfileInterval, effect_intervals, variance_intervals
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.analysis.frequentist.random_terms import RandomTest, random_tests
from feedbackstudy.analysis.frequentist.reml import MixedFit, VarianceComponent
from feedbackstudy.analysis.model_result import ModelResult
from feedbackstudy.analysis.model_terms import TermDesign
from feedbackstudy.render import Block, Table, number
from feedbackstudy.threads import one_thread

__all__ = ["MixedModel"]


class _VarianceRow(NamedTuple):
    """A variance or covariance, with its root or correlation."""

    factor: str
    term: str
    term2: str | None
    variance: float
    sd_or_correlation: float


@dataclass(frozen=True, kw_only=True, eq=False)
class MixedModel(ModelResult):
    """A linear mixed model. Make it with `lmm`.

    Attributes
    ----------
    fit : MixedFit
        Everything that was estimated, unrounded.
    design : TermDesign
        Its fixed part.
    factors : tuple of RandomFactor
        Its random part.
    """

    fit: MixedFit
    design: TermDesign
    factors: tuple[RandomFactor, ...]

    @property
    def components(self) -> tuple[VarianceComponent, ...]:
        """Covariances of the random effects."""
        return self.fit.components

    @property
    def icc(self) -> Mapping[str, float]:
        """Share of each grouping factor in the total variance."""
        return self.fit.icc

    def variances_frame(self) -> pd.DataFrame:
        """Return the variance components.

        Returns
        -------
        DataFrame
            One row for each variance, covariance and the residual: factor, term, term2, variance, sd or correlation.
        """
        return pd.DataFrame([row._asdict() for row in self._variance_rows()])

    def _variance_rows(self) -> list[_VarianceRow]:
        rows: list[_VarianceRow] = []
        for one in self.components:
            for a, term in enumerate(one.terms):
                rows.append(_VarianceRow(one.factor, term, None, float(one.covariance[a, a]), float(one.sd[a])))
            if one.correlated:
                pairs = [(a, b) for b in range(len(one.terms)) for a in range(b)]
                rows += [
                    _VarianceRow(one.factor, one.terms[a], one.terms[b], float(one.covariance[a, b]),
                                 float(one.correlation[a, b]))
                    for a, b in pairs
                ]  # fmt: skip
        rows.append(_VarianceRow("Residual", "", None, self.fit.sigma2, float(np.sqrt(self.fit.sigma2))))
        return rows

    @one_thread()
    def variance_intervals(self, *, level: float = 0.95) -> tuple[ProfileInterval, ...]:
        """Return profile likelihood intervals of standard deviations and correlations.

        Parameters
        ----------
        level : float, default 0.95
            Level.

        Returns
        -------
        tuple of ProfileInterval
            Factor after factor, then the residual.
        """
        return variance_intervals(self.design.read.y, self.design.built.matrix, self.factors, level=level)

    @one_thread()
    def effect_intervals(self, *, level: float = 0.95) -> tuple[ProfileInterval, ...]:
        """Return profile likelihood intervals of the fixed effects.

        Parameters
        ----------
        level : float, default 0.95
            Level.

        Returns
        -------
        tuple of ProfileInterval
            One for each effect.
        """
        built = self.design.built
        return effect_intervals(self.design.read.y, built.matrix, self.factors, names=built.names, level=level)

    @one_thread()
    def random_tests(self) -> tuple[RandomTest, ...]:
        """Test each random term by likelihood ratio.

        Returns
        -------
        tuple of RandomTest
            As lmerTest's ranova, with the p that knows of the boundary beside it.
        """
        return random_tests(self.design.read.y, self.design.built.matrix, self.factors, reml=self.fit.reml)

    def more(self) -> Sequence[Block]:
        """Return the variance components as a table.

        Returns
        -------
        sequence of Block
            One table.
        """
        rows = []
        for row in self._variance_rows():
            pair = row.term if row.term2 is None else f"{row.term}, {row.term2}"
            kind = "SD" if row.term2 is None else "r"
            rows.append((row.factor, pair, number(row.variance), f"{kind} {number(row.sd_or_correlation)}"))
        return (Table(("factor", "term", "variance", "SD or r"), tuple(rows), "Random effects"),)
