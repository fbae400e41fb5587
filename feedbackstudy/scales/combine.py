"""The arithmetic of scoring: arrays in, arrays out, one pass over the items of a score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.frames import MissingReason
from feedbackstudy.scales.rule import MissingRule

__all__ = ["Tally", "keyed", "mapped", "pomp", "scored", "tally"]

_ROWS = 1 << 15
"""Rows a block: the working arrays of one item stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Sum and counts over the items of a score.

    Attributes
    ----------
    total : ndarray of float
        Sum of the keyed answers.
    answered : ndarray of int16
        Number of answered items.
    asked : ndarray of int16
        Number of asked items.
    n_items : int
        Number of items of the score.
    """

    total: NDArray[np.float64]
    answered: NDArray[np.int16]
    asked: NDArray[np.int16]
    n_items: int


def keyed(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Reverse answers within their range.

    Parameters
    ----------
    values : ndarray of float
        Answers.
    low, high : float
        Lowest and highest code.

    Returns
    -------
    ndarray of float
        ``low + high - values``; doing it twice gives the answers back.
    """
    return (low + high) - values


def mapped(values: NDArray[np.float64], table: Mapping[str, float]) -> NDArray[np.float64]:
    """Replace codes by the values that stand for them.

    Parameters
    ----------
    values : ndarray of float
        Codes; NaN stays NaN.
    table : mapping of str to float
        Code -> value; every code that occurs must be there.

    Returns
    -------
    ndarray of float
        The values.
    """
    codes = np.array(sorted(map(float, table)))
    stands = np.array([table[key] for key in sorted(table, key=float)])
    found = np.searchsorted(codes, np.nan_to_num(values, nan=codes[0])).clip(max=len(codes) - 1)
    return np.where(np.isnan(values), np.nan, stands[found])


def tally(
    values: Sequence[NDArray[np.float64]],
    codes: Sequence[NDArray[np.int8]],
    reverse: Sequence[bool],
    low: float,
    high: float,
) -> Tally:
    """Add up the keyed answers of each row, and count what was answered and asked.

    Parameters
    ----------
    values : sequence of ndarray
        One array per item, NaN where there is no answer.
    codes : sequence of ndarray of int8
        `MissingReason` codes beside them.
    reverse : sequence of bool
        Whether to reverse an item.
    low, high : float
        Lowest and highest code.

    Returns
    -------
    Tally
        Sums and counts.
    """
    n, k = len(values[0]), len(values)
    total, answered = np.zeros(n), np.zeros(n, dtype=np.int16)
    asked = np.full(n, k, dtype=np.int16)
    for start in range(0, n, _ROWS):
        rows = slice(start, start + _ROWS)
        for column, reason, turned in zip(values, codes, reverse, strict=True):
            here, why = column[rows], reason[rows]
            given = why == MissingReason.ANSWERED
            answers = keyed(here, low, high) if turned else here
            total[rows] += answers if given.all() else np.where(given, answers, 0.0)
            answered[rows] += given
            asked[rows] -= why == MissingReason.NOT_ASKED
    return Tally(total, answered, asked, k)


def scored(counts: Tally, rule: MissingRule, *, summed: bool) -> NDArray[np.float64]:
    """Turn sums and counts into scores under a missing rule.

    Parameters
    ----------
    counts : Tally
        Sums and counts.
    rule : MissingRule
        How many of the asked items must be answered.
    summed : bool
        Whether the score is a sum over all items (scaled up where some are missing) or a mean.

    Returns
    -------
    ndarray of float
        One score a row; NaN where too few were answered, never 0 for that reason.
    """
    least = np.array([rule.least(asked) for asked in range(counts.n_items + 1)], dtype=np.int16)
    enough = (counts.answered >= least[counts.asked]) & (counts.answered > 0)
    result = np.full(len(counts.total), np.nan)
    np.divide(counts.total, counts.answered, out=result, where=enough)
    if summed:
        # A complete sum is taken as it is: multiplying the mean back would leave rounding errors.
        complete = counts.answered == counts.n_items
        result *= counts.n_items
        np.copyto(result, counts.total, where=complete & enough)
    return result


def pomp(means: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Express means as percent of the maximum possible.

    Parameters
    ----------
    means : ndarray of float
        Mean scores.
    low, high : float
        Lowest and highest code.

    Returns
    -------
    ndarray of float
        ``100 * (mean - low) / (high - low)``.
    """
    return 100.0 * (means - low) / (high - low)
