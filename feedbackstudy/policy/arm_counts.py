"""How few people stand behind a number: the smallest arm, and the smallest side of what a share counts."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.policy.effect import ArmPeople, EffectEstimate

__all__ = ["ArmCounts", "arm_counts", "counts_of_cells", "fewest_of", "people_by_arm", "with_counts"]


class ArmCounts(NamedTuple):
    """The fewest people behind a comparison of arms.

    Attributes
    ----------
    smallest_arm : int
        Applications of the smallest arm.
    fewest : int or None
        Fewest applications in an arm that are counted, or not counted, by a metric of noughts and ones; of other whole
        numbers the most that can differ from 0. Noughts are left out; None for metrics that count nothing.
    """

    smallest_arm: int
    fewest: int | None


def arm_counts(people: ArrayLike, total: ArrayLike, squares: ArrayLike) -> ArmCounts:
    """Return the fewest people behind a comparison.

    Parameters
    ----------
    people, total, squares : array_like
        By arm: applications, sum of the metric, sum of its squares.

    Returns
    -------
    ArmCounts
        What a disclosure rule judges.

    Notes
    -----
    Sums equal to their squares are those of noughts and ones, whatever the metric's declared kind. In whole numbers a
    square is at least 1 wherever the number is not 0, so that few people are behind a small sum of squares.
    """
    n, x, q = (np.asarray(values, dtype=np.float64) for values in (people, total, squares))
    sides = _sides(n, x, q)
    counted = sides[sides > 0.5]
    return ArmCounts(round(float(n.min())), round(float(counted.min())) if counted.size else None)


def _sides(n: NDArray[np.float64], x: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the people that each arm's numbers count, one row for each kind of them."""
    whole = bool(np.all(np.abs(x - np.round(x)) < 1e-6) and np.all(np.abs(q - np.round(q)) < 1e-6))
    if whole and np.allclose(x, q, rtol=1e-9, atol=1e-6):
        return np.stack([x, n - x])
    return np.stack([q]) if whole else np.zeros((0, *n.shape))


def people_by_arm(cells: pd.DataFrame, control: str) -> tuple[ArmPeople, ...]:
    """Return the people of every arm.

    Parameters
    ----------
    cells : DataFrame
        With ``arm, n, sum, sumsq``.
    control : str
        Name of the arm that the others are compared with.

    Returns
    -------
    tuple of ArmPeople
        In order of their names.
    """
    sums = cells.groupby("arm", observed=True)[["n", "sum", "sumsq"]].sum()
    n, x, q = (sums[name].to_numpy(dtype=np.float64) for name in ("n", "sum", "sumsq"))
    sides = np.round(_sides(n, x, q)).astype(int)
    return tuple(
        ArmPeople(str(arm), round(float(n[i])), tuple(sides[:, i].tolist()), str(arm) == control)
        for i, arm in enumerate(sums.index)
    )


def counts_of_cells(cells: pd.DataFrame, by: str = "arm") -> ArmCounts:
    """Return the fewest people behind a comparison of the arms of cells.

    Parameters
    ----------
    cells : DataFrame
        With ``n, sum, sumsq`` and the column of arms.
    by : str, default "arm"
        That column.

    Returns
    -------
    ArmCounts
        What a disclosure rule judges.
    """
    sums = cells.groupby(by, observed=True)[["n", "sum", "sumsq"]].sum()
    return arm_counts(sums["n"], sums["sum"], sums["sumsq"])


def fewest_of(people: Iterable[ArmPeople], names: Collection[str]) -> ArmCounts:
    """Return the fewest people of some arms.

    Parameters
    ----------
    people : iterable of ArmPeople
        All arms.
    names : collection of str
        The arms that count.

    Returns
    -------
    ArmCounts
        What a disclosure rule judges.
    """
    chosen = [each for each in people if each.arm in names]
    sides = [count for each in chosen for count in each.sides if count > 0]
    return ArmCounts(min(each.people for each in chosen), min(sides) if sides else None)


def with_counts(row: EffectEstimate, *counts: ArmCounts) -> EffectEstimate:
    """Say in an answer how few people stand behind it.

    Parameters
    ----------
    row : EffectEstimate
        The answer.
    *counts : ArmCounts
        Of each metric that it rests on; the fewest of all are kept.

    Returns
    -------
    EffectEstimate
        With its counts.
    """
    fewest = [each.fewest for each in counts if each.fewest is not None]
    return replace(row, smallest_arm=min(each.smallest_arm for each in counts), fewest=min(fewest) if fewest else None)
