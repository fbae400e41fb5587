"""Counts of an event in two groups: the table, its checks, and its tests of independence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.analysis.tables import events_of
from feedbackstudy.errors import DataError

__all__ = ["ChiSquare", "TwoByTwo", "chi_square", "fisher_exact", "phi", "single", "two_by_two"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoByTwo:
    """Counts of an event in two groups, one element for each table.

    Attributes
    ----------
    event1, n1 : ndarray, shape (k,)
        People with the event and people in the first group.
    event2, n2 : ndarray, shape (k,)
        The same for the second group.
    """

    event1: NDArray[np.float64]
    n1: NDArray[np.float64]
    event2: NDArray[np.float64]
    n2: NDArray[np.float64]

    @property
    def cells(self) -> NDArray[np.float64]:
        """The four cells (event and none of group 1, event and none of group 2), shape (4, k)."""
        return np.stack([self.event1, self.n1 - self.event1, self.event2, self.n2 - self.event2])


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquare:
    """Pearson's test of a two by two table.

    Attributes
    ----------
    statistic : float
        Chi square with one degree of freedom.
    p : float
        Its p value.
    n : int
        People in the table.
    yates : bool
        Whether the continuity correction was used.
    """

    statistic: float
    p: float
    n: int
    yates: bool


def two_by_two(event1: ArrayLike, n1: ArrayLike, event2: ArrayLike, n2: ArrayLike) -> TwoByTwo:
    """Check the counts of two groups.

    Parameters
    ----------
    event1, n1, event2, n2 : array_like
        Events and people of the two groups; one number or one for each table.

    Returns
    -------
    TwoByTwo
        The counts as arrays of one length.

    Raises
    ------
    DataError
        For a count that is negative, not whole or not finite, an empty group, or more events than people.
    """
    columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (event1, n1, event2, n2)))
    events1, size1 = events_of("group 1", columns[0], columns[1])
    events2, size2 = events_of("group 2", columns[2], columns[3])
    return TwoByTwo(event1=events1, n1=size1, event2=events2, n2=size2)


def phi(table: TwoByTwo) -> NDArray[np.float64]:
    r"""Return the correlation of group and event in each table.

    Parameters
    ----------
    table : TwoByTwo
        One or many tables.

    Returns
    -------
    ndarray, shape (k,)
        Phi; positive where the first group has more events.

    Raises
    ------
    DataError
        Where nobody or everybody has the event.

    Notes
    -----
    :math:`\phi = (ad - bc) / \sqrt{(a+b)(c+d)(a+c)(b+d)}`.
    """
    a, b, c, d = table.cells
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if (margins == 0).any():
        raise DataError(
            f"Phi needs both outcomes to occur; in table {int(np.argmin(margins)) + 1} nobody or everybody has "
            "the event."
        )
    return np.asarray((a * d - b * c) / np.sqrt(margins), dtype=np.float64)


def chi_square(table: TwoByTwo, *, yates: bool = False) -> ChiSquare:
    r"""Test the independence of group and event in one table.

    Parameters
    ----------
    table : TwoByTwo
        One table.
    yates : bool, default False
        Use the continuity correction.

    Returns
    -------
    ChiSquare
        Pearson's chi square.

    Raises
    ------
    DataError
        Where nobody or everybody has the event.

    Notes
    -----
    :math:`\chi^2 = N (\max(0, |ad - bc| - N/2))^2 / ((a+b)(c+d)(a+c)(b+d))` with Yates's correction, without
    :math:`N/2` otherwise.
    """
    r = float(phi(table)[0])
    a, n1, c, n2 = single(table)
    total = n1 + n2
    margins = n1 * n2 * (a + c) * (total - a - c)
    cross = abs(r) * np.sqrt(margins)
    statistic = total * max(0.0, cross - (total / 2 if yates else 0.0)) ** 2 / margins
    return ChiSquare(statistic=float(statistic), p=float(stats.chi2.sf(statistic, 1)), n=int(total), yates=yates)


def fisher_exact(table: TwoByTwo) -> float:
    """Return the two-sided p value of Fisher's exact test.

    Parameters
    ----------
    table : TwoByTwo
        One table.

    Returns
    -------
    float
        Sum of the probabilities of all tables with the same margins that are no likelier than this one.

    Notes
    -----
    `scipy.stats.fisher_exact`.
    """
    a, b, c, d = (int(cell[0]) for cell in table.cells)
    single(table)
    return float(stats.fisher_exact([[a, b], [c, d]]).pvalue)


def single(table: TwoByTwo) -> tuple[float, float, float, float]:
    """Return the counts of one table.

    Parameters
    ----------
    table : TwoByTwo
        One table.

    Returns
    -------
    tuple of float
        Events and people of group 1, events and people of group 2.

    Raises
    ------
    DataError
        Where several tables were given.
    """
    if table.n1.size != 1:
        raise DataError(f"This test takes one table, given {table.n1.size}.")
    return float(table.event1[0]), float(table.n1[0]), float(table.event2[0]), float(table.n2[0])
