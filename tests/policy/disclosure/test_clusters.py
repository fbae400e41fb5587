"""Few clusters of known size: no count of an arm or a cluster follows from all that a readout shows."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from feedbackstudy import policy
from feedbackstudy.policy.disclosure import DisclosurePolicy
from tests.policy.disclosure.attacking import fits_p, fits_step, step_at_least

COMPARED = ["estimate", "se", "df", "low", "high", "p", "baseline", "n", "n_clusters"]


def read(clusters):
    """Read a trial; clusters: name -> (arm, applications, of them counted)."""
    rows = [(arm, unit, int(i < x)) for unit, (arm, n, x) in clusters.items() for i in range(n)]
    table = pd.DataFrame(rows, columns=["arm", "unit", "y"])
    return policy.readout(table, outcome="y", arm="arm", control="c", kind="proportion", unit="unit")


def shown_of(effects):
    return DisclosurePolicy().effects(effects).frame()


def two_arms(clusters, counts):
    """Return the shares of both arms and their CR2 variances, for columns of candidate counts by cluster."""
    arms = np.array([arm for arm, _, _ in clusters.values()])
    sizes = np.array([n for _, n, _ in clusters.values()], dtype=float)
    found = []
    for arm in ("t", "c"):
        at = arms == arm
        n, total = sizes[at][:, None], sizes[at].sum()
        share = counts[at].sum(axis=0) / total
        left = counts[at] - n * share
        found.append((share, (left**2 / (1 - n / total)).sum(axis=0) / total**2))
    return found


def fitting(clusters, effects, frame, reach, base=5):
    """Return all counts by cluster, within so many of the truth, that fit both rows of the model.

    The attacker knows the rule, the method, every cluster's size, and the degrees of freedom, which rest on sizes.
    """
    truth = np.array([x for _, _, x in clusters.values()])
    ranges = [
        np.arange(max(0, x - reach), min(n, x + reach) + 1)
        for x, (_, n, _) in zip(truth, clusters.values(), strict=True)
    ]
    counts = np.stack([grid.ravel() for grid in np.meshgrid(*ranges, indexing="ij")]).astype(float)
    (p1, v1), (p0, v0) = two_arms(clusters, counts)
    sums = [sum(n for arm, n, _ in clusters.values() if arm == a) for a in "ct"]
    step = float(step_at_least(base / min(sums)))
    fits = np.ones(counts.shape[1], dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for at, row in enumerate(effects):
            if row.scale == "per_1000" or row.covariance.startswith("randomisation"):
                continue
            difference, se = p1 - p0, np.sqrt(v1 + v0)
            size, values = step, [difference, difference, difference]
            if row.scale == "relative":
                difference, se = np.log(p1 / p0), np.sqrt(v1 / p1**2 + v0 / p0**2)
                size = float(step_at_least((1 + abs(row.estimate)) * base / min(sums) / row.baseline))
            q = special.stdtrit(row.df, (1 + row.level) / 2)
            values = [difference, difference - q * se, difference + q * se]
            values = [np.expm1(value) for value in values] if row.scale == "relative" else values
            shown = frame.iloc[at]
            for name, value, width in zip(("estimate", "low", "high"), values, (size, None, None), strict=True):
                width = width or _width(row, getattr(row, name), size, base / min(sums))
                if pd.notna(shown[name]) and not (row.scale == "relative" and name == "estimate"):
                    fits &= fits_step(value, shown[name], width)
            if pd.notna(shown["se"]):
                fits &= fits_step(se, shown["se"], size)
            if pd.notna(shown["p"]):
                fits &= fits_p(2 * special.stdtr(row.df, -abs(difference / se)), shown["p"])
            fits &= fits_step(p0, shown["baseline"], step)
    return counts[:, fits].astype(int), truth


def _width(row, limit, size, share):
    if row.scale != "relative":
        return size
    return float(step_at_least((1 + max(abs(row.estimate), abs(limit))) * share / row.baseline))


def with_counts(clusters, counts):
    return {name: (arm, n, int(x)) for (name, (arm, n, _)), x in zip(clusters.items(), counts, strict=True)}


FOUR = [
    {"a": ("c", 300, 60), "b": ("c", 340, 3), "d": ("t", 310, 90), "e": ("t", 290, 70)},
    {"a": ("c", 300, 60), "b": ("c", 340, 64), "d": ("t", 310, 90), "e": ("t", 290, 70)},
    {"a": ("c", 60, 20), "b": ("c", 64, 4), "d": ("t", 61, 30), "e": ("t", 59, 22)},
    {"a": ("c", 3000, 60), "b": ("c", 3400, 4), "d": ("t", 3100, 90), "e": ("t", 2900, 100)},
]
SIX = {"a": ("c", 300, 40), "b": ("c", 340, 3), "f": ("c", 280, 33), "d": ("t", 310, 60), "e": ("t", 290, 55),
       "g": ("t", 330, 71)}  # fmt: skip


@pytest.mark.parametrize("clusters", FOUR)
def test_no_solver_finds_counts_of_two_clusters_an_arm(clusters):
    effects = read(clusters)
    frame = shown_of(effects)
    found, truth = fitting(clusters, effects, frame, reach=14)
    assert (found == truth[:, None]).all(axis=0).any()  # the attack is right: it keeps the truth
    for at in range(4):
        assert np.ptp(found[at]) >= 9, (clusters, at, np.unique(found[at]))
    for arm in ((0, 1), (2, 3)):
        assert np.ptp(found[list(arm)].sum(axis=0)) >= 4
    # The attack leaves nothing out: other counts make the very same page.
    for counts in (found[:, found[1].argmin()], found[:, found[1].argmax()]):
        assert (counts != truth).any()
        pd.testing.assert_frame_equal(shown_of(read(with_counts(clusters, counts)))[COMPARED], frame[COMPARED])


def test_limits_of_a_ratio_as_they_are_would_give_a_cluster_away():
    clusters = FOUR[0]
    effects = read(clusters)
    found, truth = fitting(clusters, effects, effects.frame(), reach=14)
    assert set(found[1]) == {3}
    (p1, v1), (p0, v0) = two_arms(clusters, truth[:, None].astype(float))
    row = next(iter(effects))
    assert [row.estimate, row.se, row.baseline] == pytest.approx([(p1 - p0)[0], np.sqrt(v1 + v0)[0], p0[0]])


def test_a_test_by_draws_says_no_more_about_six_clusters():
    effects = read(SIX)
    assert any(row.covariance.startswith("randomisation") for row in effects)
    frame = shown_of(effects)
    found, truth = fitting(SIX, effects, frame, reach=5)
    assert (found == truth[:, None]).all(axis=0).any()
    rng = np.random.default_rng(3)
    same = []
    for level in np.unique(found[1]):  # of each count of the small cluster, a few tables: which make the same page?
        at = np.flatnonzero(found[1] == level)
        for each in rng.permutation(at)[:4]:
            again = shown_of(read(with_counts(SIX, found[:, each])))
            if again[COMPARED].equals(frame[COMPARED]):
                same.append(found[:, each])
    pages = np.array(same)
    assert np.ptp(pages[:, 1]) >= 5
    assert np.ptp(pages[:, :3].sum(axis=1)) >= 4
    assert np.ptp(pages[:, 3:].sum(axis=1)) >= 4


def test_limits_of_a_ratio_are_rounded_by_their_own_size():
    clusters = {f"{arm}{i}": (arm, 100 + 10 * i, 8 + i if arm == "c" else 30 + 2 * i) for arm in "ct" for i in range(8)}
    effects = read(clusters)
    frame = shown_of(effects)
    at = next(i for i, row in enumerate(effects) if row.scale == "relative")
    row, shown = list(effects)[at], frame.iloc[at]
    assert row.n_clusters == 16
    smallest = sum(n for arm, n, _ in clusters.values() if arm == "c")
    for name in ("low", "high"):
        step = _width(row, getattr(row, name), None, 5 / smallest)
        assert shown[name] == pytest.approx(round(getattr(row, name) / step) * step)
    few = {name: each for name, each in clusters.items() if int(name[1:]) < 5}
    frame = shown_of(read(few)).set_index("scale")
    assert frame.loc["relative", ["se", "df", "low", "high", "p"]].isna().all(axis=None)
    assert frame.loc["absolute", ["low", "high", "p"]].notna().all(axis=None)
