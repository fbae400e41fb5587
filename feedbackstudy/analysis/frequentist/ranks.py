"""Rank tests from frequency tables: no row of a person is needed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.adapters.statsmodels import adjusted_p
from feedbackstudy.analysis.tables import whole_numbers
from feedbackstudy.errors import DataError

__all__ = [
    "KruskalWallis",
    "PairComparisons",
    "SignedRank",
    "Superiority",
    "brunner_munzel",
    "dunn",
    "kruskal_wallis",
    "signed_rank",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class KruskalWallis:
    """A comparison of several groups by ranks.

    Attributes
    ----------
    statistic : float
        H, corrected for ties.
    df : int
        Groups less one.
    p : float
        From the chi-square approximation.
    n : int
        People.
    epsilon_squared : float
        H / (n - 1): share of the variance of the ranks between the groups.
    mean_ranks : ndarray, shape (groups,)
        Mean midrank of each group.
    """

    statistic: float
    df: int
    p: float
    n: int
    epsilon_squared: float
    mean_ranks: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRank:
    """Wilcoxon's test of paired differences.

    Attributes
    ----------
    statistic : float
        The smaller of the two rank sums.
    positive, negative : float
        Rank sums of positive and negative differences.
    z, p : float
        Normal approximation with the tie correction, without continuity correction; p is two-sided.
    n : int
        Differences that are not zero.
    n_zero : int
        Differences of zero, which are left out.
    rank_biserial : float
        (positive - negative) / (positive + negative).
    superiority : float
        Share of all pairs of people, each also with itself, whose differences add up to more than zero (zero counts
        half); one half under the null.
    """

    statistic: float
    positive: float
    negative: float
    z: float
    p: float
    n: int
    n_zero: int
    rank_biserial: float
    superiority: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairComparisons:
    """All pairs of groups compared by mean ranks.

    Attributes
    ----------
    pairs : tuple of (int, int)
        Positions of the two groups.
    difference : ndarray
        Mean rank of the first less the second.
    z, p, p_holm : ndarray
        Test, its p and p after Holm.
    """

    pairs: tuple[tuple[int, int], ...]
    difference: NDArray[np.float64]
    z: NDArray[np.float64]
    p: NDArray[np.float64]
    p_holm: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Superiority:
    """The probability that a person of the first group scores higher, ties counted half.

    Attributes
    ----------
    estimate, se, low, high, level : float
        The probability with its interval.
    statistic, df, p : float
        Test of one half.
    n : int
        People.
    """

    estimate: float
    se: float
    low: float
    high: float
    level: float
    statistic: float
    df: float
    p: float
    n: int


def kruskal_wallis(counts: ArrayLike) -> KruskalWallis:
    r"""Compare groups by ranks, from the counts of each ordered value.

    Parameters
    ----------
    counts : array_like of int, shape (groups, values)
        People of each group at each value; the values are in increasing order.

    Returns
    -------
    KruskalWallis
        H corrected for ties.

    Raises
    ------
    DataError
        Where all people are tied, a group is empty, there is only one group, or a count is negative or not whole.

    Notes
    -----
    :math:`H = [12 / (N (N+1)) \sum_g n_g (\bar R_g - (N+1)/2)^2] / [1 - \sum_v (t_v^3 - t_v) / (N^3 - N)]` with
    midranks :math:`R` and :math:`t_v` people at value v (Kruskal and Wallis, 1952, JASA 47, 583-621).
    """
    table, totals, ranks = _ranked(counts)
    sizes, n = table.sum(axis=1), float(totals.sum())
    mean_ranks = table @ ranks / sizes
    between = 12 / (n * (n + 1)) * float(sizes @ (mean_ranks - (n + 1) / 2) ** 2)
    statistic = between / (1 - float((totals**3 - totals).sum()) / (n**3 - n))
    df = table.shape[0] - 1
    return KruskalWallis(
        statistic=statistic,
        df=df,
        p=float(stats.chi2.sf(statistic, df)),
        n=int(n),
        epsilon_squared=statistic / (n - 1),
        mean_ranks=mean_ranks,
    )


def dunn(counts: ArrayLike) -> PairComparisons:
    r"""Compare all pairs of groups after a Kruskal-Wallis test.

    Parameters
    ----------
    counts : array_like of int, shape (groups, values)
        As for `kruskal_wallis`.

    Returns
    -------
    PairComparisons
        z from the ranks of all groups, with Holm's adjustment.

    Notes
    -----
    Dunn (1964), Technometrics 6, 241-252: :math:`z = (\bar R_i - \bar R_j) / \sqrt{s^2 (1/n_i + 1/n_j)}` with
    :math:`s^2 = [N (N+1) - \sum_v (t_v^3 - t_v) / (N - 1)] / 12`.
    """
    table, totals, ranks = _ranked(counts)
    sizes, n = table.sum(axis=1), float(totals.sum())
    variance = (n * (n + 1) - float((totals**3 - totals).sum()) / (n - 1)) / 12
    mean_ranks = table @ ranks / sizes
    first, second = np.triu_indices(table.shape[0], k=1)
    difference = mean_ranks[first] - mean_ranks[second]
    z = difference / np.sqrt(variance * (1 / sizes[first] + 1 / sizes[second]))
    p = np.asarray(2 * stats.norm.sf(np.abs(z)), dtype=np.float64)
    return PairComparisons(
        pairs=tuple((int(i), int(j)) for i, j in zip(first, second, strict=True)),
        difference=difference,
        z=z,
        p=p,
        p_holm=adjusted_p(p, method="holm"),
    )


def signed_rank(differences: ArrayLike, counts: ArrayLike) -> SignedRank:
    r"""Test paired differences by ranks, from the count of each difference.

    Parameters
    ----------
    differences : array_like of float, shape (values,)
        Distinct differences within a person.
    counts : array_like of int, shape (values,)
        People with each difference.

    Returns
    -------
    SignedRank
        Wilcoxon's W with its normal approximation.

    Raises
    ------
    DataError
        Where no difference is other than zero, a value stands twice, or a count is negative or not whole.

    Notes
    -----
    Wilcoxon (1945), Biometrics Bulletin 1, 80-83; differences of zero are dropped (``zero_method="wilcox"`` of
    scipy); variance :math:`n(n+1)(2n+1)/24 - \sum (t^3 - t)/48`; no continuity correction.
    """
    values = np.asarray(differences, dtype=np.float64)
    people = whole_numbers("the table", counts)
    if values.ndim != 1 or values.shape != people.shape or not np.isfinite(values).all():
        raise DataError(f"Give one count for each difference; given {values.shape} and {people.shape}.")
    if np.unique(values).size != values.size:
        raise DataError("A difference stands twice in the table; add its counts together.")
    moved = (values != 0) & (people > 0)
    n = float(people[moved].sum())
    if n == 0:
        raise DataError("All differences are zero: there is nothing to rank.")
    sizes, position = np.unique(np.abs(values[moved]), return_inverse=True)
    ties = np.bincount(position, weights=people[moved], minlength=sizes.size)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[position] * people[moved]
    positive = float(ranks[values[moved] > 0].sum())
    negative = float(ranks[values[moved] < 0].sum())
    variance = n * (n + 1) * (2 * n + 1) / 24 - float((ties**3 - ties).sum()) / 48
    z = (min(positive, negative) - n * (n + 1) / 4) / np.sqrt(variance)
    return SignedRank(
        statistic=min(positive, negative),
        positive=positive,
        negative=negative,
        z=float(z),
        p=float(2 * stats.norm.sf(abs(z))),
        n=int(n),
        n_zero=int(people[values == 0].sum()),
        rank_biserial=(positive - negative) / (positive + negative),
        superiority=_pairs_above_zero(values, people / people.sum()),
    )


def brunner_munzel(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Superiority:
    """Estimate the probability that a person of the first group scores higher than one of the second.

    Parameters
    ----------
    first, second : array_like of int, shape (values,)
        People of the two groups at each value, the values in increasing order.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Superiority
        Ties count half; variances may differ.

    Raises
    ------
    DataError
        Where a group has fewer than two people, or the two groups do not overlap, so that no standard error exists.

    Notes
    -----
    Brunner and Munzel (2000), Biometrical Journal 42, 17-25, as in `scipy.stats.brunnermunzel`.
    """
    table, _, ranks = _ranked([whole_numbers("group 1", first), whole_numbers("group 2", second)])
    sizes = table.sum(axis=1)
    if (sizes < 2).any():
        raise DataError(f"Each group needs at least two people; given {sizes.astype(int).tolist()}.")
    within = np.stack([np.cumsum(row) - (row - 1) / 2 for row in table])
    excess = ranks - within
    means = (table * excess).sum(axis=1) / sizes
    variances = (table * (excess - means[:, None]) ** 2).sum(axis=1) / (sizes - 1)
    n1, n2 = float(sizes[0]), float(sizes[1])
    placement = variances / sizes[::-1] ** 2 / sizes
    se = float(np.sqrt(placement.sum()))
    if se == 0:
        raise DataError("The two groups do not overlap: the probability is 0 or 1 and has no standard error.")
    estimate = float(means[0] / n2)
    df = float((sizes * variances).sum() ** 2 / ((sizes * variances) ** 2 / (sizes - 1)).sum())
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    statistic = (estimate - 0.5) / se
    return Superiority(
        estimate=estimate,
        se=se,
        low=max(0.0, estimate - half),
        high=min(1.0, estimate + half),
        level=level,
        statistic=statistic,
        df=df,
        p=float(2 * stats.t.sf(abs(statistic), df)),
        n=int(n1 + n2),
    )


def _ranked(counts: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the table, the people at each value and the midrank of each value."""
    table = whole_numbers("the table", counts)
    if table.ndim != 2 or table.shape[0] < 2:
        raise DataError(f"Give a table of at least two groups by values; given shape {table.shape}.")
    if (table.sum(axis=1) == 0).any():
        raise DataError(f"Group {int(np.argmin(table.sum(axis=1))) + 1} is empty; leave it out and say so.")
    totals = table.sum(axis=0)
    if (totals > 0).sum() < 2:
        raise DataError("All people have the same value: with every rank tied, no rank test exists.")
    return table, totals, np.cumsum(totals) - (totals - 1) / 2


def _pairs_above_zero(values: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    return float(shares @ (0.5 + 0.5 * np.sign(values[:, None] + values)) @ shares)
