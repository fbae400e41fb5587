"""Chained equations: observed values stay, bias under missingness at random goes, uncertainty is whole."""

import numpy as np
import pytest

from feedbackstudy.analysis.missing.chained import Gap, impute_chained
from feedbackstudy.analysis.missing.pooling import pooled
from feedbackstudy.errors import DataError


def table(seed: int, n: int = 300, *, groups: int = 0):
    """Two cells, an outcome, what tells of it, and outcomes that are missing where it was high."""
    rng = np.random.default_rng(seed)
    cell = rng.permutation(np.repeat([0, 1], n // 2))
    group = rng.integers(0, max(groups, 1), n)
    y = 0.5 * cell + rng.normal(size=n) + (rng.normal(size=max(groups, 1)) * 0.5 * (groups > 0))[group]
    sign = 0.8 * y + 0.6 * rng.normal(size=n)
    gone = rng.random(n) < 1 / (1 + np.exp(0.6 - 1.2 * sign * np.where(cell == 1, 1, -1)))
    return cell, group, y, sign, np.where(gone, np.nan, y)


@pytest.mark.parametrize("kind", ["score", "normal"])
def test_observed_values_stay_and_matched_values_are_somebodys(kind):
    cell, _, y, sign, seen = table(1)
    gap = Gap(name="y", values=seen, kind=kind)

    found = impute_chained([gap, Gap(name="sign", values=sign)], cell, 2, m=5, seed=3)

    assert found.shape == (5, 300, 2)
    assert (found[:, ~gap.missing, 0] == y[~gap.missing]).all()
    assert (found[:, :, 1] == sign).all()
    matched = np.isin(found[:, gap.missing, 0], y[~gap.missing])
    assert matched.all() == (kind == "score")
    assert found[:, gap.missing, 0].std(axis=0).min() > 0


def test_the_same_seed_gives_the_same_tables_another_gives_others():
    cell, group, _, sign, seen = table(1, groups=12)
    columns = [Gap(name="y", values=seen), Gap(name="sign", values=sign)]

    first, again, other = (impute_chained(columns, cell, 2, m=3, seed=s, groups={"g": group}) for s in (3, 3, 4))

    assert (first == again).all()
    assert (first != other).any()


def test_binary_columns_hold_zeros_and_ones_at_the_right_rate():
    rng = np.random.default_rng(5)
    x = rng.normal(size=2000)
    b = (1.5 * x + rng.normal(size=2000) > 0).astype(float)
    gone = rng.random(2000) < 1 / (1 + np.exp(-2 * x))
    gap = Gap(name="b", values=np.where(gone, np.nan, b), kind="binary")

    found = impute_chained([gap, Gap(name="x", values=x)], np.zeros(2000, dtype=int), 1, m=20, seed=1)

    assert set(np.unique(found[:, :, 0])) == {0.0, 1.0}
    # Among those who answered the share is .30; a standard error of .02 between imputations and truth.
    assert b[~gone].mean() < 0.35
    assert found[:, gone, 0].mean() == pytest.approx(b[gone].mean(), abs=0.04)


def test_slopes_by_cell_are_kept_where_they_are_asked_for():
    rng = np.random.default_rng(6)
    cell = np.repeat([0, 1], 1000)
    x = rng.normal(size=2000)
    y = np.where(cell == 1, 1.0, -1.0) * x + 0.5 * rng.normal(size=2000)
    seen = np.where(rng.random(2000) < 0.4, np.nan, y)
    columns = [Gap(name="y", values=seen, kind="normal"), Gap(name="x", values=x)]

    apart = impute_chained(columns, cell, 2, m=5, seed=1, by_cell=True)
    common = impute_chained(columns, cell, 2, m=5, seed=1)

    def slope(done):
        at = (cell == 1) & np.isnan(seen)
        return np.polyfit(np.tile(x[at], 5), done[:, at, 0].ravel(), 1)[0]

    assert slope(apart) == pytest.approx(1.0, abs=0.1)
    assert abs(slope(common)) < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("groups", [0, 20])
def test_intervals_cover_under_missingness_at_random_where_complete_cases_are_biased(groups):
    inside, bias, listwise = 0, [], []
    studies = 300
    for seed in range(studies):
        cell, group, _, sign, seen = table(seed, groups=groups)
        done = impute_chained(
            [Gap(name="y", values=seen), Gap(name="sign", values=sign)],
            cell,
            2,
            m=20,
            seed=seed,
            groups={"g": group} if groups else None,
        )[:, :, 0]
        difference = done[:, cell == 1].mean(axis=1) - done[:, cell == 0].mean(axis=1)
        variance = (done[:, cell == 1].var(axis=1, ddof=1) + done[:, cell == 0].var(axis=1, ddof=1)) / 150
        found = pooled(difference, variance, df=298)
        inside += abs(found.estimate - 0.5) < 1.97 * found.se
        bias.append(found.estimate - 0.5)
        listwise.append(np.nanmean(seen[cell == 1]) - np.nanmean(seen[cell == 0]) - 0.5)

    # Monte-Carlo error of the bias .008; matching shrinks a little where donors are few.
    assert np.mean(listwise) < -0.3
    assert abs(np.mean(bias)) < 0.05
    assert 0.92 <= inside / studies <= 0.98


def gaps(**changes):
    values = {"y": np.array([1.0, 2, 3, 4, 5, 6, 7, 8, np.nan, 2, 3, 4])} | changes
    return [Gap(name=name, values=np.asarray(x, dtype=float)) for name, x in values.items()]


def test_bad_input_is_refused_with_the_reason():
    cell = np.repeat([0, 1], 6)
    with pytest.raises(DataError, match="missing in all 12 rows"):
        impute_chained(gaps(x=np.full(12, np.nan)), cell, 2, seed=1)
    with pytest.raises(DataError, match="Nobody in 1 of the 2 conditions"):
        impute_chained(gaps(y=[1, 2, 3, 4, 5, 6, *[np.nan] * 6]), cell, 2, seed=1)
    with pytest.raises(DataError, match="No value is missing"):
        impute_chained(gaps(y=np.arange(12.0)), cell, 2, seed=1)
    with pytest.raises(DataError, match="m = 1"):
        impute_chained(gaps(), cell, 2, m=1, seed=1)
    with pytest.raises(DataError, match="too few"):
        impute_chained(gaps(**{f"x{i}": np.random.default_rng(i).normal(size=12) for i in range(8)}), cell, 2, seed=1)
    with pytest.raises(DataError, match="binary"):
        impute_chained([Gap(name="b", values=gaps()[0].values, kind="binary")], cell, 2, seed=1)
