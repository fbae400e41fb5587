"""Sample-ratio mismatch: whether the groups that came are the sizes that were assigned."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.render import Notice, Page, Rendered, Text, p_value, table_of

__all__ = ["SampleRatio", "sample_ratio"]

LIMIT = 0.001
"""The p value below which a mismatch is an alarm: it is looked at in every study and should rarely be chance."""

_FEW = 5.0
_EXACT_DRAWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio(Rendered):
    """The test of group sizes against the assignment.

    Attributes
    ----------
    observed : mapping of str to int
        People found in each group.
    expected : mapping of str to float
        People expected by the assignment's shares.
    statistic : float
        Pearson's chi square; NaN for the binomial test.
    df : int
        Groups minus one.
    p : float
        The p value.
    method : str
        Which test.
    limit : float
        Below it the ratio counts as mismatched.
    """

    observed: Mapping[str, int]
    expected: Mapping[str, float]
    statistic: float
    df: int
    p: float
    method: str
    limit: float = LIMIT

    @property
    def mismatch(self) -> bool:
        """Whether the sizes depart from the assignment."""
        return self.p < self.limit

    def issues(self, where: str = "allocation") -> Issues:
        """Return the finding, where there is one.

        Parameters
        ----------
        where : str, default "allocation"
            What the finding is about.

        Returns
        -------
        Issues
            One warning, or none.
        """
        if not self.mismatch:
            return Issues()
        sizes = ", ".join(f"{name} {n} (expected {self.expected[name]:.1f})" for name, n in self.observed.items())
        issue = Issue(
            code="collect.sample_ratio",
            severity=Severity.WARNING,
            where=where,
            what=f"Group sizes are not those assigned (sample ratio mismatch, {p_value(self.p)}): {sizes}.",
            why="Something after the assignment decides who is in the data, and it may be the treatment itself; "
            "differences between the groups then need not be effects.",
            fix="Look for links that failed, conditions that take longer or load slower, filters applied to one "
            "condition, previews counted as people, and people assigned twice; compare dropout by condition.",
        )
        return Issues([issue])

    def page(self) -> Page:
        """Return observed and expected sizes with the test.

        Returns
        -------
        Page
            Ready to render.
        """
        rows: list[dict[str, object]] = [
            {"group": name, "observed": n, "expected": self.expected[name]} for name, n in self.observed.items()
        ]
        verdict = Text(f"{self.method}: {p_value(self.p)}; an alarm below {self.limit:g}.")
        alarm = [Notice(issue.what) for issue in self.issues()]
        return Page(title="Sample ratio", blocks=(*alarm, table_of(rows, decimals=1), verdict))


def sample_ratio(
    observed: Mapping[str, int],
    shares: Mapping[str, float],
    *,
    limit: float = LIMIT,
    seed: int = 1,
) -> SampleRatio:
    r"""Test the sizes of groups against the shares that the assignment gives them.

    Parameters
    ----------
    observed : mapping of str to int
        Group -> people found; a group with nobody may be left out.
    shares : mapping of str to float
        Group -> weight or number assigned; need not add up to 1.
    limit : float, default 0.001
        Below it the ratio counts as mismatched.
    seed : int, default 1
        Seed of the simulated p value, used for more than two groups with small expected numbers.

    Returns
    -------
    SampleRatio
        The test.

    Raises
    ------
    DataError
        For an unknown group, a negative number, or nobody at all.

    Notes
    -----
    :math:`\chi^2=\sum_g (O_g-E_g)^2/E_g` with groups minus one degrees of freedom (Pearson 1900). Where an expected
    number is below 5: the exact binomial test for two groups; for more, the share of 20,000 multinomial draws with a
    chi square at least as large, plus one in both terms. A completely randomised design of fixed sizes has no variance
    of its own; the test then speaks of what happened after the assignment.
    """
    names = list(shares)
    _usable(observed, shares)
    counts = np.array([observed.get(name, 0) for name in names], dtype=np.float64)
    weights = np.array([shares[name] for name in names], dtype=np.float64)
    p0 = weights / weights.sum()
    expected = counts.sum() * p0
    statistic = float(np.sum((counts - expected) ** 2 / expected))
    df, method = len(names) - 1, "chi-square test"
    p = float(stats.chi2.sf(statistic, df))
    if expected.min() < _FEW:
        if len(names) == 2:
            p, method = float(stats.binomtest(int(counts[0]), int(counts.sum()), p0[0]).pvalue), "exact binomial test"
        else:
            draws = np.random.default_rng(seed).multinomial(int(counts.sum()), p0, size=_EXACT_DRAWS)
            larger = np.sum((draws - expected) ** 2 / expected, axis=1) >= statistic - 1e-9
            p, method = (float(larger.sum()) + 1) / (_EXACT_DRAWS + 1), "simulated chi-square test (20,000 draws)"
    return SampleRatio(
        observed=dict(zip(names, map(int, counts), strict=True)),
        expected=dict(zip(names, map(float, expected), strict=True)),
        statistic=statistic,
        df=df,
        p=p,
        method=method,
        limit=limit,
    )


def _usable(observed: Mapping[str, int], shares: Mapping[str, float]) -> None:
    unknown = [name for name in observed if name not in shares]
    if unknown:
        raise DataError(choices("Group", unknown[0], shares))
    if len(shares) < 2 or any(not share > 0 for share in shares.values()):
        raise DataError(f"Shares are {dict(shares)}; give at least two groups, each with a share above 0.")
    if any(n < 0 or n != int(n) for n in observed.values()) or not sum(observed.values()):
        raise DataError(f"Sizes are {dict(observed)}; give whole numbers of people, and somebody at least.")
