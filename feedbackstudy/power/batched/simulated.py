"""What many simulated studies say about a design: the record, each figure with its Monte-Carlo error."""

from dataclasses import dataclass

import pandas as pd

from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, number, table_of

__all__ = ["SimulatedEffect", "SimulatedPower"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedEffect:
    """What many replicates say about one contrast; each ``_mcse`` is a Monte-Carlo standard error.

    Attributes
    ----------
    label : str
        The contrast.
    truth : float
        Its true value.
    power, power_mcse : float
        Share of significant results among the fits that did not fail.
    power_low, power_high : float
        The same with failed fits counted as not significant, and as significant.
    bias, bias_mcse : float
        Mean estimate minus truth.
    rmse, rmse_mcse : float
        Root of the mean squared error.
    coverage, coverage_mcse : float
        Share of intervals that hold the truth.
    width, width_mcse : float
        Mean full width of the interval.
    type_s, type_s_mcse : float
        Share of wrong signs among significant results; NaN where the truth is 0.
    type_m, type_m_mcse : float
        Mean size of significant estimates over the truth; NaN where the truth is 0.
    equivalence, equivalence_mcse : float
        Share of replicates whose interval of level 1 - 2 alpha lies within the bounds; NaN without bounds.
    failed : int
        Fits that failed.
    replicates : int
        Fits in all.
    """

    label: str
    truth: float
    power: float
    power_mcse: float
    power_low: float
    power_high: float
    bias: float
    bias_mcse: float
    rmse: float
    rmse_mcse: float
    coverage: float
    coverage_mcse: float
    width: float
    width_mcse: float
    type_s: float
    type_s_mcse: float
    type_m: float
    type_m_mcse: float
    equivalence: float
    equivalence_mcse: float
    failed: int
    replicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPower(Rendered):
    """Figures of one simulated set of studies.

    Attributes
    ----------
    effects : tuple of SimulatedEffect
        One for each contrast.
    alpha : float
        Level of the tests.
    any_power, all_power : float
        Shares of replicates in which at least one, or every contrast is significant.
    engine : str
        How the replicates were made.
    provenance : Provenance
        Seed, conventions, versions.
    """

    effects: tuple[SimulatedEffect, ...]
    alpha: float
    any_power: float
    all_power: float
    engine: str
    provenance: Provenance

    def __getitem__(self, label: str) -> SimulatedEffect:
        """Return one contrast by its label."""
        for row in self.effects:
            if row.label == label:
                return row
        raise NotFoundError(choices("The contrast", label, [row.label for row in self.effects]))

    def frame(self) -> pd.DataFrame:
        """Return one row for each contrast.

        Returns
        -------
        DataFrame
            Columns as the attributes of `SimulatedEffect`.
        """
        return pd.DataFrame([{name: getattr(row, name) for name in SimulatedEffect.__slots__} for row in self.effects])

    def page(self) -> Page:
        """Return the figures as a page, each with its Monte-Carlo error.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        shown = ("power", "bias", "rmse", "coverage", "width", "type_s", "type_m", "equivalence")
        rows = [
            {"contrast": row.label, "truth": row.truth}
            | {name: f"{number(getattr(row, name))} ({number(getattr(row, name + '_mcse'), 4)})" for name in shown}
            | {"failed": f"{row.failed} of {row.replicates}"}
            for row in self.effects
        ]
        facts = Facts(
            (
                ("alpha", number(self.alpha, unit_interval=True)),
                ("power of any, of all", f"{number(self.any_power)}, {number(self.all_power)}"),
                ("engine", self.engine),
                ("in brackets", "Monte-Carlo standard error"),
            )
        )
        blocks: list[Block] = [facts, table_of(rows)]
        blocks += [
            Notice(
                f"{row.label}: {row.failed} fits failed; counted as not significant, the power is "
                f"{number(row.power_low)}, as significant {number(row.power_high)}."
            )
            for row in self.effects
            if row.failed
        ]
        return Page(title="Simulated power", blocks=(*blocks, self.provenance.facts()))
