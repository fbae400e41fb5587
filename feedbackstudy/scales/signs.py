"""Do the answers correlate as the key says? The quick evidence that scoring looks at, and the key audit explains."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MIN_ROWS", "Signs", "correlations", "read_signs", "sample_rows"]

MIN_ROWS = 30
"""Below so many complete rows, signs of correlations say too little."""
_SAMPLE = 4000


@dataclass(frozen=True, slots=True)
class Signs:
    """How the keyed items of one score hang together.

    Attributes
    ----------
    n : int
        Complete rows looked at.
    rest : ndarray of float
        Correlation of each keyed item with the sum of the other keyed items.
    straight : ndarray of float
        Correlation of each keyed item with the sum of the other items that are not reversed.
    margin : float
        Correlations nearer to 0 than this say nothing: 2.5 standard errors, and never below .1.
    """

    n: int
    rest: NDArray[np.float64]
    straight: NDArray[np.float64]
    margin: float

    def against(self, which: Sequence[bool]) -> list[int]:
        """Return the chosen items that run against the others.

        Parameters
        ----------
        which : sequence of bool
            The items looked at.

        Returns
        -------
        list of int
            Their places.
        """
        return [i for i, chosen in enumerate(which) if chosen and self.straight[i] < -self.margin]


def sample_rows(answered: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return evenly spaced rows of those that answered, all of them where they are few.

    Parameters
    ----------
    answered : ndarray of bool
        Rows with an answer; rows of other waves and arms must not take the sample's places.

    Returns
    -------
    ndarray of int
        At most 4,000 row numbers, the same for the same table.
    """
    rows = np.flatnonzero(answered)
    if len(rows) <= _SAMPLE:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _SAMPLE).astype(np.intp)]


def correlations(items: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlate the columns of complete data; a constant column correlates 0.

    Parameters
    ----------
    items : ndarray of float, shape (rows, items)
        Complete answers.

    Returns
    -------
    ndarray of float, shape (items, items)
        Correlations.
    """
    centred = items - items.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    scale = np.where(spread > 0, spread, 1.0)
    unit = centred / scale
    return np.asarray(unit.T @ unit)


def read_signs(items: NDArray[np.float64], reverse: Sequence[bool]) -> Signs | None:
    """Correlate each keyed item with the others.

    Parameters
    ----------
    items : ndarray of float, shape (rows, items)
        Answers as given, NaN where missing.
    reverse : sequence of bool
        The items that the key reverses.

    Returns
    -------
    Signs or None
        None below 30 complete rows, or below 2 items.
    """
    whole = items[~np.isnan(items).any(axis=1)]
    n, k = whole.shape
    if n < MIN_ROWS or k < 2:
        return None
    turned = np.asarray(reverse)
    table = np.where(turned, -whole, whole)
    rest = np.array([_with(table, i, np.ones(k, dtype=bool)) for i in range(k)])
    straight = np.array([_with(table, i, ~turned) for i in range(k)]) if (~turned).any() else rest
    return Signs(n, rest, straight, max(0.1, 2.5 / np.sqrt(n)))


def _with(table: NDArray[np.float64], item: int, others: NDArray[np.bool_]) -> float:
    others = others.copy()
    others[item] = False
    if not others.any():
        return 0.0
    pair = np.column_stack([table[:, item], table[:, others].sum(axis=1)])
    return float(correlations(pair)[0, 1])
