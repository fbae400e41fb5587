"""Random intercepts in batched rows: the fits of lmerTest, the level of the test, and imputation's promises."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special

from feedbackstudy.power.batched.mixed import fit_random_intercept
from feedbackstudy.power.cross_products import Repeated
from feedbackstudy.power.imputing import imputed
from feedbackstudy.power.random_rows import random_fit
from feedbackstudy.power.rows import cell_contrast

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
LME4 = 1e-4  # the bar; estimates and standard errors agree far closer


@pytest.fixture(scope="module")
def crossed():
    data = pd.read_csv(REFERENCE / "power_crossed.csv")
    reference = json.loads((REFERENCE / "power_crossed.json").read_text(encoding="utf-8"))
    cell = pd.get_dummies(data["cell"]).to_numpy(dtype=float)
    return data, np.column_stack([cell, data["x"]])[None], reference


@pytest.mark.parametrize(("kind", "outcome", "other"), [("crossed", "y", "ex"), ("nested", "y2", "site")])
def test_two_random_intercepts_are_those_of_lmertest(crossed, kind, outcome, other):
    data, x, reference = crossed
    groups = [data["cl"].to_numpy() - 1, data[other].to_numpy() - 1]
    contrasts = {"cell2": [-1, 1, 0, 0], "cell3": [-1, 0, 1, 0], "x": [0, 0, 0, 1], "(Intercept)": [1, 0, 0, 0]}
    known = dict(zip(reference["terms"], reference[kind], strict=True))
    for term, weights in contrasts.items():
        fit, _ = random_fit(data[outcome].to_numpy()[None], x, np.array(weights, dtype=float), groups)
        row = known[term]
        assert fit.estimate[0] == pytest.approx(row["Estimate"], abs=1e-6)
        assert fit.se[0] == pytest.approx(row["Std. Error"], rel=1e-5)
        assert fit.df[0] == pytest.approx(row["df"], rel=LME4)
        assert fit.p[0] == pytest.approx(row["Pr(>|t|)"], rel=1e-3)


def test_rows_with_gaps_are_as_if_they_were_not_there(rng):
    cluster = np.repeat(np.arange(12), 8)
    cell = np.tile([0, 1], 48)
    y = rng.standard_normal((4, 96)) + 0.5 * rng.standard_normal((4, 12))[:, cluster]
    y[rng.random(y.shape) < 0.2] = np.nan
    x = np.broadcast_to(np.eye(2)[cell], (4, 96, 2))
    fit, _ = random_fit(y, x, np.array([-1.0, 1.0]), [cluster])

    for i in range(4):
        kept = np.isfinite(y[i])
        alone = fit_random_intercept(np.eye(2)[cell][kept], cluster[kept], y[i, kept], contrasts=[[-1, 1]])
        assert fit.estimate[i] == pytest.approx(alone.estimate[0, 0], abs=1e-6)
        assert fit.se[i] == pytest.approx(alone.se[0, 0], rel=1e-5)
        assert fit.df[i] == pytest.approx(alone.df[0, 0], rel=LME4)


def test_a_needed_cell_without_rows_fails_and_no_other_replicate():
    rng = np.random.default_rng(3)
    cluster, cell = np.repeat(np.arange(6), 4), np.tile([0, 1], 12)
    y = rng.standard_normal((2, 24))
    y[0, cell == 1] = np.nan
    fit, _ = random_fit(
        y,
        np.broadcast_to(np.eye(2)[cell], (2, 24, 2)).copy() * np.isfinite(y)[..., None],
        np.array([-1.0, 1.0]),
        [cluster],
    )

    assert math.isnan(fit.se[0])
    assert fit.se[1] > 0


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [8, 12, 30])
@pytest.mark.parametrize("icc", [0.01, 0.1, 0.4])
def test_the_level_is_kept_with_people_assigned_within_clusters(clusters, icc):
    rng = np.random.default_rng(clusters * 1000 + int(icc * 100))
    reps, n = 6000, clusters * 10
    cluster, cell = np.repeat(np.arange(clusters), 10), np.tile([0, 1], n // 2)
    hits = 0
    for _ in range(reps // 500):
        y = math.sqrt(icc) * rng.standard_normal((500, clusters))[:, cluster]
        y += math.sqrt(1 - icc) * rng.standard_normal((500, n))
        x = np.broadcast_to(np.eye(2)[cell], (500, n, 2))
        fit, _ = random_fit(y, x, np.array([-1.0, 1.0]), [cluster])
        hits += int((fit.p < 0.05).sum())

    assert hits / reps == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / reps))


def test_imputation_recovers_what_leaving_out_loses(rng):
    """Outcomes missing because of the baseline: complete cases without the baseline are biased, imputation is not."""
    reps, n = 400, 200
    cell = np.tile([0, 1], n // 2)
    before = rng.standard_normal((reps, n))
    y = 0.3 * cell + 0.7 * before + math.sqrt(0.51) * rng.standard_normal((reps, n))
    gone = (cell == 1) & (before + 0.5 * rng.standard_normal((reps, n)) > 0.3)
    seen = np.where(gone, np.nan, y)
    none, weights = np.zeros((reps, n, 0)), np.array([-1.0, 1.0])

    def fit(full_y, full_x):
        return cell_contrast(full_y, full_x, cell, weights, robust=False)

    pooled = imputed(seen, none, before[..., None], cell, fit=fit, chance=rng)
    naive = cell_contrast(seen, none, cell, weights, robust=False)
    covered = np.abs(pooled.estimate - 0.3) < 1.96 * pooled.se

    assert naive.estimate.mean() < 0
    assert pooled.estimate.mean() == pytest.approx(0.3, abs=4 * pooled.estimate.std() / math.sqrt(reps))
    assert covered.mean() == pytest.approx(0.95, abs=0.04)


@pytest.mark.parametrize("whole", [False, True])
def test_imputation_covers_among_clusters(rng, whole):
    """A quarter is missing by the baseline; people, or whole clusters, were assigned; a third lies between clusters."""
    reps, k, size = 600, 20, 12
    cluster = np.repeat(np.arange(k), size)
    cell = cluster % 2 if whole else np.tile([0, 1], k * size // 2)
    shared = math.sqrt(1 / 3) * rng.standard_normal((reps, k))[:, cluster]
    before = 0.5 * shared + rng.standard_normal((reps, k * size))
    y = 0.3 * cell + shared + 0.5 * before + rng.standard_normal((reps, k * size))
    seen = np.where(before + rng.standard_normal(y.shape) > 1.0, np.nan, y)
    design = np.broadcast_to(np.eye(2)[cell], (reps, k * size, 2))
    none, weights = np.zeros((reps, k * size, 0)), np.array([-1.0, 1.0])
    ratio = random_fit(seen, design, weights, [cluster])[1]

    def fit(full_y, _):
        return random_fit(full_y, design, weights, [cluster], ratio=ratio)[0]

    pooled = imputed(seen, none, before[..., None], cell, fit=fit, chance=rng, groups=[cluster])
    half = -special.stdtrit(pooled.df, 0.025) * pooled.se
    covered = float((np.abs(pooled.estimate - 0.3) < half).mean())

    assert pooled.estimate.mean() == pytest.approx(0.3, abs=4 * pooled.estimate.std() / math.sqrt(reps))
    assert covered == pytest.approx(0.95, abs=3.5 * math.sqrt(0.95 * 0.05 / reps))


@pytest.fixture
def rng():
    return np.random.default_rng(20262)


def test_a_run_of_fits_that_share_their_cells_is_as_each_alone(rng):
    """Imputed sets differ in outcome and covariates; a set with other gaps is added up anew."""
    cell, site, text = rng.integers(4, size=90), np.arange(90) % 9, rng.integers(5, size=90)
    repeated = Repeated(columns=4)
    for gap in (0, 0, 7):
        y, x = rng.standard_normal((3, 90)), rng.standard_normal((3, 90, 2))
        y[:, :gap] = np.nan
        design = np.concatenate([np.broadcast_to(np.eye(4)[cell], (3, 90, 4)), x], axis=2)
        row = np.array([-0.5, -0.5, 0.5, 0.5, 0.0, 0.0])
        alone, _ = random_fit(y, design, row, [site, text])
        shared, _ = random_fit(y, design, row, [site, text], repeated=repeated)
        for name in ("estimate", "se", "df", "n"):
            np.testing.assert_allclose(getattr(shared, name), getattr(alone, name), rtol=1e-9)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("assigned", [False, True])
def test_a_run_of_fits_with_one_design_is_as_each_alone(rng, known, assigned):
    """Imputed sets differ in the outcome alone: what the design makes of it is computed once, other gaps or not."""
    site, x = np.arange(90) % 9, rng.standard_normal((3, 90, 2))
    cell, text = site % 4, site + 9 * (np.arange(90) % 2)  # texts are nested in sites, which were assigned
    design = np.concatenate([np.broadcast_to(np.eye(4)[cell], (3, 90, 4)), x], axis=2)
    row, ratio = np.array([-0.5, -0.5, 0.5, 0.5, 0.0, 0.0]), np.array([[0.3, 0.2], [0.1, 0.0], [0.0, 0.5]])
    repeated, given = Repeated(columns=4), {"ratio": ratio} if known else {}
    for gap in (0, 0, 7, 0):
        y = rng.standard_normal((3, 90))
        y[:, :gap] = np.nan
        alone, _ = random_fit(y, design.copy(), row, [text, site], assigned=assigned, **given)
        shared, _ = random_fit(y, design, row, [text, site], assigned=assigned, repeated=repeated, **given)
        for name in ("estimate", "se", "df", "n"):
            np.testing.assert_allclose(getattr(shared, name), getattr(alone, name), rtol=1e-9)
