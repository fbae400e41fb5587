"""Who stayed away from which wave, by arm: numbers, shares, and how they differed before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.frequentist.proportions import proportion_difference
from feedbackstudy.analysis.frequentist.two_by_two import TwoByTwo

__all__ = ["DropoutRow", "dropout_table"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropoutRow:
    """One arm at one wave.

    Attributes
    ----------
    wave, arm : str
        Which.
    n, lost : int
        People in the arm, and those of them without a score at the wave.
    share : float
        Lost over n.
    difference, low, high : float or None
        Share minus that of the reference arm, with Newcombe's interval; None for the reference, and where nobody or
        everybody is lost in both.
    p : float or None
        Of the difference.
    before_stayed, before_lost : float or None
        Mean first score of those who stayed and of those who were lost; None where nobody is in the group.
    before_difference, before_low, before_high : float or None
        Lost minus stayed, with Welch's interval; None with fewer than two people in a group.
    """

    wave: str
    arm: str
    n: int
    lost: int
    share: float
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    before_stayed: float | None = None
    before_lost: float | None = None
    before_difference: float | None = None
    before_low: float | None = None
    before_high: float | None = None


def dropout_table(
    Y: Floats,
    arm: NDArray[np.int64],
    *,
    arms: Sequence[str],
    waves: Sequence[str],
    reference: int,
    level: float = 0.95,
) -> tuple[DropoutRow, ...]:
    """Count who is missing at each wave in each arm.

    Parameters
    ----------
    Y : ndarray, shape (n, waves)
        Scores; NaN where missing. The first wave is the one before treatment.
    arm : ndarray of int, shape (n,)
        Arm of each person.
    arms, waves : sequence of str
        Their names.
    reference : int
        Position of the arm that shares are compared with.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    tuple of DropoutRow
        Wave after wave, arms in order.
    """
    found = []
    for t, wave in enumerate(waves):
        gone = np.isnan(Y[:, t])
        base = (int(gone[arm == reference].sum()), int((arm == reference).sum()))
        for a, name in enumerate(arms):
            lost, n = int(gone[arm == a].sum()), int((arm == a).sum())
            row = DropoutRow(wave=wave, arm=name, n=n, lost=lost, share=lost / n)
            found.append(_told(row, base, a == reference, Y[arm == a, 0], gone[arm == a], first=t == 0, level=level))
    return tuple(found)


def _told(
    row: DropoutRow,
    base: tuple[int, int],
    own: bool,
    before: Floats,
    gone: NDArray[np.bool_],
    *,
    first: bool,
    level: float,
) -> DropoutRow:
    if not own and 0 < row.lost + base[0] < row.n + base[1]:
        counts = {"event1": row.lost, "n1": row.n, "event2": base[0], "n2": base[1]}
        table = TwoByTwo(**{name: np.array([float(count)]) for name, count in counts.items()})
        found = proportion_difference(table, level=level)
        row = replace(row, difference=found.estimate, low=found.low, high=found.high, p=found.p)
    if first:
        return row
    known = ~np.isnan(before)
    stayed, lost = before[known & ~gone], before[known & gone]
    row = replace(row, before_stayed=_mean(stayed), before_lost=_mean(lost))
    if min(stayed.size, lost.size) < 2 or stayed.var() + lost.var() == 0:
        return row
    estimate, half = _welch(lost, stayed, level)
    return replace(row, before_difference=estimate, before_low=estimate - half, before_high=estimate + half)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


def _welch(first: Floats, second: Floats, level: float) -> tuple[float, float]:
    """Return the difference of two means and half of Welch's interval."""
    parts = [group.var(ddof=1) / group.size for group in (first, second)]
    df = sum(parts) ** 2 / sum(part**2 / (group.size - 1) for part, group in zip(parts, (first, second), strict=True))
    return float(first.mean() - second.mean()), float(special.stdtrit(df, (1 + level) / 2) * np.sqrt(sum(parts)))
