"""Bayesian answers about a roll-out from its cells, and what one may believe of it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from feedbackstudy.analysis.bayesian.cells_did import CellsDid, DidCells, fit_binomial_cells, fit_ordinal_cells
from feedbackstudy.analysis.bayesian.densities import hdi_of_draws
from feedbackstudy.analysis.bayesian.gates import Gates
from feedbackstudy.errors import InputError
from feedbackstudy.policy.decision import Belief
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.rollouts.panel import Panel, panel_of
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Page, Rendered, number, probability

__all__ = ["BayesianRollout", "bayes_cells"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BayesianRollout(Rendered):
    """A posterior.

    Attributes
    ----------
    effects : Effects
        The average effect with its shortest interval.
    belief : Belief
        Its draws, for `decide`.
    by_unit : DataFrame
        ``unit, median, low, high``: effect of each unit on the scale of the model, shrunken to the average.
    p_benefit : float
        Probability that the effect is an improvement.
    gates : Gates
        Convergence.
    prior : str
        The prior in words.
    provenance : Provenance
        What made it.
    """

    effects: Effects
    belief: Belief
    by_unit: pd.DataFrame
    p_benefit: float
    gates: Gates
    prior: str
    provenance: Provenance

    def page(self) -> Page:
        """Return effect, prior and convergence; units stay inside, as they may be small.

        Returns
        -------
        Page
            Ready to render.
        """
        spread = self.by_unit["median"]
        facts = Facts(
            (
                ("probability of benefit", probability(self.p_benefit)),
                ("prior", self.prior),
                ("medians of units (log odds)", f"{number(spread.min(), 2)} to {number(spread.max(), 2)}"),
            )
        )
        blocks = (*self.effects.page().blocks, facts, *self.gates.page().blocks)
        return Page(title="Roll-out, Bayesian", blocks=blocks)


def bayes_cells(
    stats: SufficientStats,
    metric: str | None = None,
    *,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int | None = None,
) -> BayesianRollout:
    """Fit a hierarchical model to the cells of a roll-out.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out.
    metric : str, optional
        Name of a share or an ordered rating; the primary metric by default.
    draws, tune, chains : int
        Draws and warm-up draws of each chain, and chains.
    seed : int, optional
        Seed of the chains; that of the plan by default.

    Returns
    -------
    BayesianRollout
        Not fit to report where a convergence gate fails.

    Raises
    ------
    InputError
        For a metric that is counted in no categories.
    DataError
        As `DidCells` and `panel_of`.

    Notes
    -----
    The cells carry the whole likelihood of shares and ratings, so millions of applications cost what their cells cost.
    Whatever the plan adjusts for is not in these cells; the effect is that of units and periods alone.
    """
    panel = panel_of(stats, metric)
    declared = panel.metric
    if declared.kind not in {"proportion", "ordinal"}:
        raise InputError(
            f"{declared.label} is a {declared.kind}; counted cells hold shares and ordered ratings. Use two_way or "
            "stepped_wedge for it."
        )
    cells = _counted(stats, panel)
    options = {"seed": stats.plan.seed if seed is None else seed, "draws": draws, "tune": tune, "chains": chains}
    if declared.kind == "proportion":
        fit = fit_binomial_cells(cells, **options)
    else:
        fit = fit_ordinal_cells(cells, declared.categories, **options)
    made = stats.provenance.derived("policy.bayes_cells", conventions=(fit.model, fit.prior))
    row = _row(panel, fit, level=stats.plan.interval_level)
    return BayesianRollout(
        effects=Effects(rows=(row,), title=f"Bayesian: {stats.plan.title}", provenance=made),
        belief=Belief(metric=declared.name, draws=fit.effect, source=fit.model, fit_to_report=fit.gates.hold),
        by_unit=_by_unit(panel, fit, stats.plan.interval_level),
        p_benefit=float((declared.sign * fit.effect > 0).mean()),
        gates=fit.gates,
        prior=fit.prior,
        provenance=made,
    )


def _counted(stats: SufficientStats, panel: Panel) -> DidCells:
    u, t = np.nonzero(panel.used)
    treated = panel.treated[u, t]
    if panel.metric.kind == "proportion":
        yes = np.rint(panel.total[u, t]).astype(np.int64)
        counts = np.stack([np.rint(panel.n[u, t]).astype(np.int64) - yes, yes], axis=1)
    else:
        frame = stats.of(panel.metric.name)
        names = [f"k{k}" for k in range(len(panel.metric.categories))]
        sums = frame.assign(unit=frame[panel.rollout.unit].astype(str)).groupby(["unit", "period"])[names].sum()
        keys = [(panel.units[i], int(panel.periods[j])) for i, j in zip(u, t, strict=True)]
        counts = np.rint(sums.loc[keys].to_numpy(dtype=np.float64)).astype(np.int64)
    return DidCells(
        counts=counts,
        site=np.unique(u, return_inverse=True)[1].astype(np.int64),
        period=np.unique(t, return_inverse=True)[1].astype(np.int64),
        treated=treated,
    )


def _row(panel: Panel, fit: CellsDid, *, level: float) -> EffectEstimate:
    low, high = hdi_of_draws(fit.effect, level)
    counts = panel.counts
    return EffectEstimate(
        metric=panel.metric.name,
        label=panel.metric.label,
        role=panel.metric.role,
        contrast="under the policy minus without it, average over treated cells",
        scale="absolute",
        estimate=float(np.median(fit.effect)),
        se=float(fit.effect.std(ddof=1)),
        low=low,
        high=high,
        level=level,
        baseline=panel.baseline,
        n=panel.rows,
        n_clusters=int(panel.used.any(axis=1).sum()),
        smallest_arm=counts.smallest_arm,
        fewest=counts.fewest,
        covariance="posterior SD and shortest interval",
        method=fit.model,
        assumptions=("without the policy, units would have moved in parallel on log odds",),
        warnings=(*panel.notes, *fit.gates.failures),
        fit_to_report=fit.gates.hold,
    )


def _by_unit(panel: Panel, fit: CellsDid, level: float) -> pd.DataFrame:
    names = [unit for unit, seen in zip(panel.units, panel.used.any(axis=1), strict=True) if seen]
    rows = []
    for i, name in enumerate(names):
        low, high = hdi_of_draws(fit.by_site[:, i], level)
        rows.append((name, float(np.median(fit.by_site[:, i])), low, high))
    return pd.DataFrame(rows, columns=["unit", "median", "low", "high"])
