"""Randomisation inference over adoption schedules: what other orders of the same units would have shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.guardrails import judged
from feedbackstudy.policy.inference.permutation import RandomisationTest, inverted
from feedbackstudy.policy.rollouts.panel import Panel, panel_of
from feedbackstudy.policy.rollouts.two_way import fixed_effects
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance

__all__ = ["Reshuffled", "randomisation", "reshuffle", "schedules"]

type Floats = NDArray[np.float64]

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reshuffled:
    """The test, and the estimates under other schedules.

    Attributes
    ----------
    test : RandomisationTest
        p value and inverted interval.
    statistics : ndarray, shape (schedules,)
        Estimate of two-way fixed effects under each schedule; the first is what happened.
    label : str
        The metric.
    provenance : Provenance or None
        What made the cells.
    """

    test: RandomisationTest
    statistics: Floats
    label: str = ""
    provenance: Provenance | None = None


def schedules(panel: Panel, draws: int, *, seed: int) -> tuple[Floats, bool]:
    """Return other starts that the declared mechanism could have drawn: the same starts, other units, within strata.

    Parameters
    ----------
    panel : Panel
        Of a randomised roll-out.
    draws : int
        Schedules at most, the observed one among them.
    seed : int
        Seed.

    Returns
    -------
    tuple of (ndarray, shape (schedules, U), bool)
        Starts by unit, the observed first, and whether these are all there are.

    Raises
    ------
    InputError
        Where chance did not decide the order.
    """
    if panel.rollout.mechanism != "randomised":
        raise InputError(
            "Chance did not decide the order of this roll-out (mechanism: observational), so there are no other "
            "schedules to compare with; use policy.staggered with the pre-trends of policy.event_study instead."
        )
    possible = _possible(panel)
    if possible <= draws:
        return _every(panel), True
    rng = np.random.default_rng(seed)
    found = np.tile(panel.start, (draws, 1))
    for stratum in np.unique(panel.strata):
        own = np.flatnonzero(panel.strata == stratum)
        order = np.argsort(rng.random((draws - 1, own.size)), axis=1)
        found[1:, own] = panel.start[own][order]
    return found, False


def _possible(panel: Panel) -> float:
    from math import factorial, prod

    total = 1.0
    for stratum in np.unique(panel.strata):
        _, counts = np.unique(panel.start[panel.strata == stratum], return_counts=True)
        total *= float(factorial(int(counts.sum())) // prod(factorial(int(c)) for c in counts))
    return total


def _every(panel: Panel) -> Floats:
    """List all distinct arrangements, stratum by stratum."""
    found = panel.start[None, :].copy()
    for stratum in np.unique(panel.strata):
        own = np.flatnonzero(panel.strata == stratum)
        blocks = np.array(list(_arrangements(sorted(panel.start[own].tolist()))))
        grown = np.repeat(found, len(blocks), axis=0)
        grown[:, own] = np.tile(blocks, (len(found), 1))
        found = grown
    same = (found == panel.start).all(axis=1)
    return np.asarray(np.vstack([found[same], found[~same]]), dtype=np.float64)


def _arrangements(values: list[float]) -> list[tuple[float, ...]]:
    if not values:
        return [()]
    found = []
    for first in dict.fromkeys(values):
        rest = values.copy()
        rest.remove(first)
        found += [(first, *tail) for tail in _arrangements(rest)]
    return found


def reshuffle(panel: Panel, draws: int = 5000, *, seed: int, level: float = 0.95) -> Reshuffled:
    r"""Test the sharp null of no effect by other adoption schedules.

    Parameters
    ----------
    panel : Panel
        Of a randomised roll-out.
    draws : int, default 5000
        Schedules at most; all of them where there are no more.
    seed : int
        Seed of the draws.
    level : float, default .95
        Level of the interval.

    Returns
    -------
    Reshuffled
        Test and statistics.

    Raises
    ------
    InputError
        Where chance did not decide the order.
    DataError
        Where fewer than 20 schedules are possible.

    Notes
    -----
    Residualise once (Frisch, Waugh & Lovell): with :math:`\tilde y` the residual of weighted cell means on units and
    periods, schedule b gives :math:`A_b = \tilde D_b'\tilde y / \tilde D_b'\tilde D_b`. Inner products with
    :math:`\tilde y` are sums over each unit's tail from its start on, read from one table of cumulative sums;
    :math:`\tilde D_b'\tilde D_b` needs one product with the basis of the fixed effects. The interval holds every
    constant effect whose removal is not rejected. Washout and anticipation leave out the cells that they would have
    left out under each schedule, which is then fitted on its own; the null is that no cell has an effect, and the
    interval takes the effect as constant from the start on, washout included.
    """
    starts, exact = schedules(panel, draws, seed=seed)
    if len(starts) < 20:
        raise DataError(f"There are {len(starts)} possible schedules; below 20 no result can reach p = .05.")
    apart = panel.rollout.washout or panel.rollout.anticipation
    a, b = (_masked_statistics if apart else _statistics)(panel, starts)
    at_least = np.abs(a) >= abs(a[0]) - 1e-12 * max(abs(a[0]), 1.0)
    low, high = inverted(a, b, level)
    test = RandomisationTest(
        estimate=float(a[0]),
        p=float(at_least.mean()),
        low=low,
        high=high,
        level=level,
        draws=len(starts),
        exact=exact,
        smallest_p=1 / len(starts),
    )
    return Reshuffled(test=test, statistics=a, label=panel.metric.label, provenance=panel.provenance)


def _statistics(panel: Panel, starts: Floats) -> tuple[Floats, Floats]:
    """Return the estimate under each schedule, of the outcome and of the observed treatment."""
    u, t = np.nonzero(panel.used)
    root = np.sqrt(panel.n[u, t])
    basis, _ = np.linalg.qr(root[:, None] * fixed_effects(panel))
    y, d = panel.total[u, t] / root, root * panel.treated[u, t]
    left = np.stack([v - basis @ (basis.T @ v) for v in (y, d)], axis=1)
    units, length = panel.n.shape
    tails = np.zeros((units, length + 1, 3 + basis.shape[1]))
    tails[u, t] = np.column_stack([root[:, None] * left, root**2, root[:, None] * basis])
    tails = tails[:, ::-1].cumsum(axis=1)[:, ::-1]
    place = np.where(np.isfinite(starts), np.clip(starts, 0, length), length).astype(np.intp)
    sums = np.concatenate(
        [tails[np.arange(units), place[i : i + _CHUNK]].sum(axis=1) for i in range(0, len(place), _CHUNK)]
    )
    inner, spread = sums[:, :2], sums[:, 2] - (sums[:, 3:] ** 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(spread[:, None] > 1e-9, inner / spread[:, None], 0.0)
    return found[:, 0], found[:, 1]


def _masked_statistics(panel: Panel, starts: Floats) -> tuple[Floats, Floats]:
    """Return the estimate under each schedule from the cells that it would have left in."""
    parts = [_masked_chunk(panel, starts[i : i + _CHUNK]) for i in range(0, len(starts), _CHUNK)]
    found = np.concatenate(parts)
    return found[:, 0], found[:, 1]


def _masked_chunk(panel: Panel, starts: Floats) -> Floats:
    """Take unit means off, then period effects by the normal equations that are left, all schedules at once."""
    rollout = panel.rollout
    since = np.arange(panel.n.shape[1]) - starts[:, :, None]
    out = ((since >= 0) & (since < rollout.washout)) | ((since < 0) & (since >= -rollout.anticipation))
    n = np.where(out, 0.0, panel.n)
    mean = np.divide(panel.total, panel.n, out=np.zeros_like(panel.total), where=panel.n > 0)
    seen = panel.treated.astype(np.float64)
    values = np.stack([since >= 0, np.broadcast_to(mean, n.shape), np.broadcast_to(seen, n.shape)], axis=-1)
    by_unit = n.sum(axis=2, keepdims=True)
    share = np.divide(n, by_unit, out=np.zeros_like(n), where=by_unit > 0)
    centred = values - np.einsum("but,butv->buv", share, values)[:, :, None]
    normal = np.einsum("but,ts->bts", n, np.eye(n.shape[2])) - np.einsum("but,bus->bts", n, share)
    right = np.einsum("but,butv->btv", n, centred)
    period = np.linalg.pinv(normal, hermitian=True) @ right
    cross = np.einsum("but,but,butv->bv", n, centred[..., 0], centred) - np.einsum("bt,btv->bv", period[..., 0], right)
    spread = cross[:, :1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(spread > 1e-9 * n.sum(axis=(1, 2))[:, None], cross[:, 1:] / spread, 0.0))


def randomisation(stats: SufficientStats, metric: str | None = None, *, draws: int = 5000) -> Effects:
    """Test a randomised roll-out by the schedules that could have been drawn.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out whose mechanism is declared as randomised.
    metric : str, optional
        Name of the metric; the primary one by default.
    draws : int, default 5000
        Schedules at most.

    Returns
    -------
    Effects
        One row, with the interval of constant effects that are not rejected, and the verdict of a guardrail by it.
    """
    panel = panel_of(stats, metric)
    test = reshuffle(panel, draws, seed=stats.plan.seed, level=stats.plan.interval_level).test
    counts = panel.counts
    row = EffectEstimate(
        metric=panel.metric.name,
        label=panel.metric.label,
        role=panel.metric.role,
        contrast="under the policy minus without it",
        scale="absolute",
        estimate=test.estimate,
        low=test.low,
        high=test.high,
        level=test.level,
        p=test.p,
        baseline=panel.baseline,
        n=panel.rows,
        n_clusters=len(panel.units),
        smallest_arm=counts.smallest_arm,
        fewest=counts.fewest,
        covariance=f"randomisation over {'all ' if test.exact else ''}{test.draws:,} schedules, strata kept",
        method="randomisation test of two-way fixed effects, weighted by applications",
        assumptions=("chance decided the order of the units as declared", _constant(panel)),
        warnings=panel.notes,
    )
    made = stats.provenance.derived("policy.rollouts.randomisation", conventions=("sharp null of no effect",))
    return Effects(
        rows=(judged(row, panel.metric),), title=f"Randomisation inference: {stats.plan.title}", provenance=made
    )


def _constant(panel: Panel) -> str:
    if panel.rollout.washout or panel.rollout.anticipation:
        return "a constant effect from the start on, washout included, and none before it, for the interval"
    return "a constant effect, for the interval"
