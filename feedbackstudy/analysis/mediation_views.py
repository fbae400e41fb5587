"""What is drawn of a mediation analysis: one effect's draws both ways, and effects over a moderator."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.densities import hdi_of_draws
from feedbackstudy.analysis.carried import Way, carried
from feedbackstudy.analysis.frequentist.path_intervals import percentile
from feedbackstudy.analysis.mediation_effects import Moderation
from feedbackstudy.analysis.mediation_lavaan import view_script
from feedbackstudy.analysis.mediation_system import Effect, Term, values
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Facts, Numbered, Page, Rendered, Table, interval, number, p_value

if TYPE_CHECKING:
    from feedbackstudy.analysis.mediation_result import Mediation

__all__ = ["ConditionalEffects", "EffectDraws", "conditional_effects", "effect_draws"]

type Floats = NDArray[np.float64]

_POINTS = 41


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EffectDraws(Rendered):
    """One effect's bootstrap draws beside its posterior.

    Attributes
    ----------
    effect : str
        The effect.
    estimate, low, high, p : float
        From least squares, with the interval of the analysis.
    draws : ndarray of shape (draws,)
        Bootstrap draws.
    kind : str
        Kind of the frequentist interval.
    posterior : Posterior
        The posterior.
    provenance : Provenance
        What made the analysis.
    script : RScript or callable or None
        The way out to R.
    """

    effect: str
    estimate: float
    low: float
    high: float
    p: float
    draws: Floats
    kind: str
    posterior: Posterior
    provenance: Provenance
    script: Way = None

    def r_script(self) -> RScript:
        """Return this effect for R.

        Returns
        -------
        RScript
            Estimate with its percentile interval by a bootstrap of R's own, and the exact posterior.

        Raises
        ------
        DataError
            Where the draws were laid together apart from an analysis.
        """
        return carried(self.script, f"The picture of {self.effect!r}")

    def page(self) -> Page:
        """Return both answers as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        facts = Facts(
            (
                ("estimate", number(self.estimate)),
                (self.kind, f"{interval(self.low, self.high)}, {p_value(self.p)}"),
                ("posterior median", number(self.posterior.median)),
                ("HDI", interval(self.posterior.low, self.posterior.high)),
            )
        )
        return Page(title=self.effect, blocks=(facts, self.provenance.facts()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConditionalEffects(Rendered):
    """An effect over the values of its moderator, both ways.

    Attributes
    ----------
    effect : str
        The effect.
    moderator : str
        The moderator.
    at : ndarray of shape (k,)
        Its values, or positions of its levels.
    labels : tuple of str
        Its levels; empty where it is measured.
    estimate, low, high : ndarray of shape (k,)
        Estimates with percentile intervals.
    median, hdi_low, hdi_high : ndarray of shape (k,)
        Posterior medians with highest-density intervals.
    level : float
        Level of the intervals.
    provenance : Provenance
        What made the analysis.
    script : RScript or callable or None
        The way out to R.
    """

    effect: str
    moderator: str
    at: Floats
    labels: tuple[str, ...]
    estimate: Floats
    low: Floats
    high: Floats
    median: Floats
    hdi_low: Floats
    hdi_high: Floats
    level: float
    provenance: Provenance
    script: Way = None

    def r_script(self) -> RScript:
        """Return the effect at every value of the moderator for R.

        Returns
        -------
        RScript
            Estimates with percentile intervals by a bootstrap of R's own, and the exact posteriors; behind the name of
            every number stands the position of the value in `at`, from 1.

        Raises
        ------
        DataError
            Where the effects were laid together apart from an analysis.
        """
        return carried(self.script, f"The picture of {self.effect!r}")

    @property
    def regions(self) -> tuple[tuple[float, float], ...]:
        """Stretches of a measured moderator, within its observed range, where the interval leaves 0 out."""
        outside = (self.low > 0) | (self.high < 0)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], outside, [False]]).astype(np.int8)))
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return () if self.labels else tuple((float(self.at[i]), float(self.at[j - 1])) for i, j in pairs)

    def frame(self) -> pd.DataFrame:
        """Return one row for each value.

        Returns
        -------
        DataFrame
            ``at, estimate, low, high, median, hdi_low, hdi_high``; levels by their names.
        """
        at = list(self.labels) if self.labels else self.at
        names = ("estimate", "low", "high", "median", "hdi_low", "hdi_high")
        return pd.DataFrame({"at": at} | {name: getattr(self, name) for name in names})

    def page(self) -> Page:
        """Return the effects at up to nine values as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        few = np.unique(np.linspace(0, len(self.at) - 1, 9).round().astype(int))
        rows = tuple(
            (
                self.labels[i] if self.labels else number(float(self.at[i])),
                number(float(self.estimate[i])),
                interval(float(self.low[i]), float(self.high[i])),
                number(float(self.median[i])),
                interval(float(self.hdi_low[i]), float(self.hdi_high[i])),
            )
            for i in few
        )
        head = (self.moderator, "estimate", f"{self.level:.0%} CI", "median", f"{self.level:.0%} HDI")
        said = tuple(
            f"the interval leaves 0 out for {self.moderator} from {number(low)} to {number(high)} (pointwise; observed "
            "range only)"
            for low, high in self.regions
        )
        return Page(
            title=f"{self.effect}, by {self.moderator}",
            blocks=(Table(head, rows), Numbered(said), self.provenance.facts()),
        )


def effect_draws(result: "Mediation", effect: str = "") -> EffectDraws:
    """Return one effect's draws both ways.

    Parameters
    ----------
    result : Mediation
        A mediation analysis.
    effect : str
        Name of the effect; the main one by default.

    Returns
    -------
    EffectDraws
        For a picture.
    """
    answer = result[effect] if effect else result.main
    return EffectDraws(
        effect=answer.effect.name,
        estimate=answer.estimate,
        low=answer.low,
        high=answer.high,
        p=answer.p,
        draws=values((answer.effect,), result.draws.theta)[:, 0],
        kind=result.interval,
        posterior=answer.posterior,
        provenance=result.provenance,
        script=partial(view_script, result, [("", answer.effect)]),
    )


def conditional_effects(result: "Mediation", effect: str = "") -> ConditionalEffects:
    """Return an effect over the values of its moderator.

    Parameters
    ----------
    result : Mediation
        A moderated mediation analysis.
    effect : str
        Name of the effect without its value, such as ``"direct"``; the indirect one by default.

    Returns
    -------
    ConditionalEffects
        At each level, or over the observed range of a measured moderator.

    Raises
    ------
    DataError
        Without a moderator, or for an effect that does not depend on it.
    """
    moderation = result.design.moderation
    if moderation is None:
        raise DataError("The analysis has no moderator, so no effect depends on one.")
    groups: dict[str, list[Effect]] = {}
    for answer in result.answers:
        if answer.effect.kind == "conditional":
            groups.setdefault(answer.effect.name.removesuffix(f", {answer.effect.at}"), []).append(answer.effect)
    wanted = effect or (result.design.full if result.design.full in groups else next(iter(groups)))
    if wanted not in groups:
        raise DataError(choices("Effect that depends on the moderator", wanted, list(groups)))
    where, effects = _over(result, groups[wanted], moderation)
    found = percentile(values(effects, result.draws.theta), level=result.level)
    drawn = result.posterior.draws(effects)
    spans = np.array([hdi_of_draws(drawn[:, i], result.level) for i in range(len(effects))])
    return ConditionalEffects(
        effect=wanted,
        moderator=moderation.name,
        at=where,
        labels=() if moderation.at else moderation.labels,
        estimate=values(effects, result.fit.theta),
        low=found.low,
        high=found.high,
        median=np.median(drawn, axis=0),
        hdi_low=spans[:, 0],
        hdi_high=spans[:, 1],
        level=result.level,
        script=partial(view_script, result, [(f" {i}", one) for i, one in enumerate(effects, start=1)]),
        provenance=result.provenance.derived(
            "analysis.mediation", conventions=("pointwise percentile intervals and highest-density intervals",)
        ),
    )


def _over(result: "Mediation", effects: list[Effect], moderation: Moderation) -> tuple[Floats, tuple[Effect, ...]]:
    at = moderation.at
    if not at:
        return np.arange(len(effects), dtype=np.float64), tuple(effects)
    system = result.design.system
    w = system.matrix[:, system.columns.index(moderation.name)] + moderation.mean
    two = np.unique(w).size == 2
    grid = np.array(at) if two else np.linspace(w.min(), w.max(), _POINTS)
    return grid, tuple(_between(effects[0], effects[-1], (value - at[0]) / (at[-1] - at[0])) for value in grid)


def _between(first: Effect, last: Effect, share: float) -> Effect:
    """Return an effect between two values of a measured moderator: every leg is linear in it."""
    terms = tuple(
        Term(one.weight, tuple(a + share * (b - a) for a, b in zip(one.legs, other.legs, strict=True)))
        for one, other in zip(first.terms, last.terms, strict=True)
    )
    return Effect(name=first.name, kind="conditional", terms=terms)
