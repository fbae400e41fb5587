"""Whether arms have the sizes that chance would give them: applications, and units that were assigned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, lgamma, log

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.collect.sample_ratio import sample_ratio
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.render import Notice, Page, Rendered, Table, Text, number, p_value

__all__ = ["SampleRatio", "SampleRatios", "srm", "srm_of"]

type Floats = NDArray[np.float64]

_MOST_TABLES = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio:
    """One test of sizes.

    Attributes
    ----------
    of : str
        What was counted.
    counts : mapping of str to int
        Arm -> count.
    expected : mapping of str to float
        Arm -> expected count.
    p : float
        P value.
    method : str
        The test.
    alpha : float
        Below it the sizes are called a mismatch.
    """

    of: str
    counts: Mapping[str, int]
    expected: Mapping[str, float]
    p: float
    method: str
    alpha: float

    @property
    def mismatch(self) -> bool:
        """Whether sizes are further from the plan than chance explains."""
        return self.p < self.alpha


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatios(Rendered):
    """Tests of sizes.

    Attributes
    ----------
    tests : tuple of SampleRatio
        Units first, where units were assigned.
    """

    tests: tuple[SampleRatio, ...]

    @property
    def mismatch(self) -> bool:
        """Whether any test found one."""
        return any(test.mismatch for test in self.tests)

    def page(self) -> Page:
        """Return the tests as a page.

        Returns
        -------
        Page
            Ready to render; it has not passed a disclosure rule.
        """
        rows = tuple(
            (t.of, ", ".join(f"{arm} {n:,} (expected {number(t.expected[arm], 1)})" for arm, n in t.counts.items()),
             p_value(t.p), t.method)
            for t in self.tests
        )  # fmt: skip
        words = "Sizes are further from the plan than chance explains: find the cause before reading any effect."
        note = Notice(words, "error") if self.mismatch else Text("Sizes are such as chance gives them.")
        return Page(title="Sample ratio", blocks=(Table(("counted", "arms", "p", "test"), rows), note))


def srm(
    counts: Mapping[str, int], *, shares: Mapping[str, float] | None = None, alpha: float = 0.001, of: str = "counts"
) -> SampleRatio:
    """Test whether counts fit their expected shares.

    Parameters
    ----------
    counts : mapping of str to int
        Arm -> units that were assigned one by one.
    shares : mapping of str to float, optional
        Arm -> expected share, relative to the others; equal by default.
    alpha : float, default .001
        Level of the alarm.
    of : str, default "counts"
        What was counted, in words.

    Returns
    -------
    SampleRatio
        Exact multinomial test where all tables can be listed, chi-square otherwise.

    Raises
    ------
    InputError
        For counts or shares that are none, or fewer than two arms.
    """
    given = dict.fromkeys(counts, 1.0) if shares is None else dict(shares)
    if set(given) != set(counts) or len(counts) < 2:
        raise InputError(f"Name the same two or more arms in both: {sorted(counts)} and {sorted(given)}.")
    if any(n < 0 or int(n) != n for n in counts.values()) or sum(counts.values()) == 0:
        raise InputError(f"Counts are whole numbers of at least 0, not all of them 0; given {dict(counts)}.")
    if any(not share > 0 for share in given.values()):
        raise InputError(f"Shares are above 0; given {given}.")
    n, arms = sum(counts.values()), list(counts)
    share = np.array([given[arm] for arm in arms]) / sum(given.values())
    seen = np.array([counts[arm] for arm in arms])
    if comb(n + len(arms) - 1, len(arms) - 1) <= _MOST_TABLES:
        p, method = _exact(seen, share), "exact multinomial"
    else:
        p, method = sample_ratio(counts, given).p, f"chi-square on {len(arms) - 1} degrees of freedom"
    expected = {arm: float(n * s) for arm, s in zip(arms, share, strict=True)}
    return SampleRatio(of=of, counts=dict(counts), expected=expected, p=p, method=method, alpha=alpha)


def _exact(seen: NDArray[np.int64], share: Floats) -> float:
    """Add the probabilities of all tables that are no likelier than the one seen."""
    n = int(seen.sum())
    tables = np.arange(n + 1)[:, None]
    for _ in range(len(seen) - 2):
        left = n - tables.sum(axis=1)
        grown = [np.column_stack([np.repeat(t[None], m + 1, axis=0), np.arange(m + 1)])
                 for t, m in zip(tables, left, strict=True)]  # fmt: skip
        tables = np.concatenate(grown)
    tables = np.column_stack([tables, n - tables.sum(axis=1)])
    logs = np.array([lgamma(k + 1) for k in range(n + 1)])
    chance = logs[n] - logs[tables].sum(axis=1) + tables @ np.log(share)
    own = (
        lgamma(n + 1)
        - sum(lgamma(int(k) + 1) for k in seen)
        + sum(int(k) * log(s) for k, s in zip(seen, share, strict=True))
    )
    return float(min(np.exp(chance[chance <= own + 1e-9]).sum(), 1.0))


def srm_of(found: SufficientStats, *, alpha: float = 0.001, draws: int = 20_000) -> SampleRatios:
    """Test the sizes of an experiment's arms.

    Parameters
    ----------
    found : SufficientStats
        Of an experiment.
    alpha : float, default .001
        Level of the alarm.
    draws : int, default 20000
        Draws of units, where units were assigned: their applications come together, so chi-square would cry wolf.

    Returns
    -------
    SampleRatios
        Units by arm (exact), and applications by arm against draws of the units; or applications alone (chi-square).

    Raises
    ------
    InputError
        For a roll-out.
    DataError
        Where a unit appears in two arms.
    """
    plan, experiment = found.plan, found.plan.experiment
    if experiment is None:
        raise InputError("A roll-out has no arms of planned sizes; look at its schedule instead.")
    shares = {arm.name: arm.share for arm in experiment.arms}
    name = next((m.name for m in plan.metrics if m.of == "decided" and not m.responders_only), plan.primary.name)
    cells = found.of(name)
    sizes = cells.groupby("arm")["n"].sum().round().astype(int)
    counts = {arm: int(sizes.get(arm, 0)) for arm in shares}
    if experiment.unit is None:
        return SampleRatios(tests=(srm(counts, shares=shares, alpha=alpha, of="applications"),))
    units = cells.groupby([experiment.unit, "arm"])["n"].sum().reset_index()
    if units[experiment.unit].duplicated().any():
        raise DataError(f"A {experiment.unit} appears in two arms, so no draw of whole units can be tested.")
    per = units["arm"].value_counts()
    own = srm(
        {arm: int(per.get(arm, 0)) for arm in shares}, shares=shares, alpha=alpha, of=f"units ({experiment.unit})"
    )
    together = _by_draws(units["n"].to_numpy(), units["arm"].tolist(), counts, draws=draws, seed=plan.seed, alpha=alpha)
    return SampleRatios(tests=(own, together))


def _by_draws(
    sizes: Floats, arms: Sequence[str], counts: Mapping[str, int], *, draws: int, seed: int, alpha: float
) -> SampleRatio:
    names, total = list(counts), float(sizes.sum())
    member = np.array([names.index(arm) for arm in arms])
    share = np.bincount(member, minlength=len(names)) / len(member)
    rng = np.random.default_rng(seed)
    drawn = rng.permuted(np.repeat(member[None], draws, axis=0), axis=1)
    there = share > 0

    def distance(sums: Floats) -> Floats:
        return np.asarray(((sums - share * total) ** 2)[..., there] @ (1 / share[there]), dtype=np.float64)

    sums = np.stack([(sizes * (drawn == k)).sum(axis=1) for k in range(len(names))], axis=-1)
    seen = distance(np.array([counts[name] for name in names], dtype=np.float64))
    p = float((1 + (distance(sums) >= seen * (1 - 1e-12)).sum()) / (draws + 1))
    expected = {name: float(s * total) for name, s in zip(names, share, strict=True)}
    return SampleRatio(of="applications", counts=dict(counts), expected=expected, p=p,
                       method=f"{draws:,} draws of {len(sizes)} units", alpha=alpha)  # fmt: skip
