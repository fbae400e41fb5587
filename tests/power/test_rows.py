"""Batched rows give, replicate by replicate, the fits of one study at a time; invented rows give the batched powers."""

import math

import numpy as np
import pytest
from scipy import stats

import feedbackstudy as fs
from feedbackstudy.design.plan import Plan
from feedbackstudy.power import batched
from feedbackstudy.power.batched.nested import fit_nested
from feedbackstudy.power.rows import cell_contrast, joint_f, slope_contrast
from feedbackstudy.scales.measure import Measure
from feedbackstudy.simulate import World
from feedbackstudy.simulate.truths import Carelessness, CellMeans
from feedbackstudy.study import Study
from tests.power.test_diagnosis import MAIN, hypothesis, study_of

PRECISE = 1e-9
REPS, N, CELLS = 5, 90, 3


@pytest.fixture
def rows():
    """Outcome, covariates and cells with gaps that differ between replicates."""
    rng = np.random.default_rng(20263)
    cell = np.arange(N) % CELLS
    x = rng.standard_normal((REPS, N, 2))
    y = 0.5 * cell + 0.4 * x[..., 0] + (1 + cell) * rng.standard_normal((REPS, N))
    y[rng.random(y.shape) < 0.15] = np.nan
    x[rng.random(x.shape) < 0.05] = np.nan
    return y, x, cell


def ols(y, design, contrasts):
    """Fit one study: estimates, standard errors, degrees of freedom, and the F of all contrasts at once."""
    kept = np.isfinite(y) & np.isfinite(design).all(axis=1)
    y, design = y[kept], design[kept]
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    df = len(y) - design.shape[1]
    s2 = ((y - design @ beta) ** 2).sum() / df
    spread = contrasts @ inverse @ contrasts.T
    estimate = contrasts @ beta
    f = estimate @ np.linalg.solve(spread, estimate) / len(contrasts) / s2
    return estimate, np.sqrt(np.diag(spread) * s2), df, stats.f.sf(f, len(contrasts), df)


def test_contrasts_of_cells_with_covariates_and_gaps_are_least_squares(rows):
    y, x, cell = rows
    fit = cell_contrast(y, x, cell, np.array([-1.0, 0.0, 1.0]), robust=False)

    for i in range(REPS):
        estimate, se, df, _ = ols(y[i], np.column_stack([np.eye(CELLS)[cell], x[i]]), np.array([[-1, 0, 1, 0, 0]]))
        assert fit.estimate[i] == pytest.approx(estimate[0], abs=PRECISE)
        assert fit.se[i] == pytest.approx(se[0], rel=PRECISE)
        assert fit.df[i] == df


def test_contrasts_with_a_variance_for_each_cell_are_welchs(rows):
    y, _, cell = rows
    fit = cell_contrast(y, np.zeros((REPS, N, 0)), cell, np.array([-1.0, 0.0, 1.0]), robust=True)

    for i in range(REPS):
        a, b = (y[i][(cell == c) & np.isfinite(y[i])] for c in (2, 0))
        known = stats.ttest_ind(a, b, equal_var=False)
        assert fit.p[i] == pytest.approx(known.pvalue, rel=1e-8)
        assert fit.df[i] == pytest.approx(known.df, rel=1e-8)


def test_slopes_and_joint_tests_are_least_squares(rows):
    y, x, cell = rows
    cells = np.eye(CELLS)[cell]
    slope = slope_contrast(y, x, cell, None)
    differing = slope_contrast(y, x[..., :1], cell, np.array([1.0, -1.0, 0.0]))
    p = joint_f(y, x, cell, np.array([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]]))

    for i in range(REPS):
        estimate, se, df, _ = ols(y[i], np.column_stack([cells, x[i]]), np.array([[0, 0, 0, 1, 0]]))
        assert (slope.estimate[i], slope.se[i], slope.df[i]) == pytest.approx((estimate[0], se[0], df), rel=1e-8)
        own = np.column_stack([cells, cells * x[i][:, :1]])
        estimate, se, df, _ = ols(y[i], own, np.array([[0, 0, 0, 1, -1, 0]]))
        found = differing.estimate[i], differing.se[i], differing.df[i]
        assert found == pytest.approx((estimate[0], se[0], df), rel=1e-8)
        _, _, _, known = ols(y[i], np.column_stack([cells, x[i]]), np.array([[-1, 1, 0, 0, 0], [-1, 0, 1, 0, 0]]))
        assert p[i] == pytest.approx(known, rel=1e-8)


def scale_study(n: int = 160) -> Study:
    asked = [hypothesis("h1", MAIN, outcome="efficacy")]
    measures = [Measure(name="efficacy", scale="interview_self_efficacy", waves=("t1",))]
    return study_of(n, asked, measures=measures, plan=Plan())


def welch(scores: fs.Scores, study: Study) -> dict[str, dict[str, float]]:  # noqa: ARG001
    """Analyse one invented study, items and all."""
    frame = scores.frame[scores.frame["occasion"] == "t1"]
    cells = frame.groupby(["timing", "detail"])["efficacy"]
    means, sizes = cells.mean(), cells.count()
    left = (frame["efficacy"] - cells.transform("mean")).astype(float)
    df = int(sizes.sum()) - 4
    se = math.sqrt(float((left**2).sum()) / df * float((0.25 / sizes).sum()))
    estimate = float(means["now"].mean() - means["later"].mean())
    half = float(stats.t.isf(0.025, df)) * se
    p = 2 * float(stats.t.sf(abs(estimate / se), df))
    return {"h1": {"estimate": estimate, "low": estimate - half, "high": estimate + half, "p": p, "se": se, "df": df}}


@pytest.mark.slow
def test_power_from_items_is_that_of_whole_invented_studies():
    """Skipped items and careless answers included: scores drawn at once against item by item, scored as a survey is."""
    world = World(
        means=[CellMeans(outcome="efficacy", cells={"now:general": 0.45, "now:specific": 0.45})],
        skipped=0.1,
        carelessness=Carelessness(share=0.1),
    )
    at_once = fs.power.diagnose(scale_study(), world, seed=1, n_simulations=4000)["h1"]
    one_by_one = fs.power.diagnose(scale_study(), world, seed=2, n_simulations=500, analysis=welch)["h1"]

    error = math.hypot(at_once.power_mcse, one_by_one.power_mcse)
    assert at_once.power == pytest.approx(one_by_one.power, abs=4 * error)
    assert at_once.bias == pytest.approx(one_by_one.bias, abs=4 * math.hypot(at_once.bias_mcse, one_by_one.bias_mcse))
    assert at_once.width == pytest.approx(one_by_one.width, rel=0.02)


@pytest.mark.slow
def test_power_of_nested_intercepts_is_that_of_simulated_rows():
    rng = np.random.default_rng(6)
    inner = np.repeat(np.arange(24), 8)
    outer = inner // 4
    x = np.column_stack([np.ones(192), inner % 2])
    beta, reps = np.array([0.0, 0.5]), 400
    hits = 0
    for _ in range(reps):
        y = x @ beta + math.sqrt(0.85) * rng.standard_normal(192)
        y += math.sqrt(0.1) * rng.standard_normal(24)[inner] + math.sqrt(0.05) * rng.standard_normal(6)[outer]
        hits += bool(fit_nested(x, inner, outer, y).significant()[0, 1])
    drawn = batched.nested_intercepts(
        x, inner, outer, beta, between_outer=0.05, between_inner=0.1, within=0.85, reps=10_000, seed=1
    ).power()[1]

    assert drawn == pytest.approx(hits / reps, abs=4 * math.sqrt(drawn * (1 - drawn) * (1 / reps + 1e-4)))


@pytest.mark.slow
def test_power_of_ordinal_answers_is_that_of_simulated_rows():
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    rng = np.random.default_rng(7)
    shares, reps, n = np.array([0.2, 0.3, 0.3, 0.2]), 150, 60
    cuts = np.log(np.cumsum(shares)[:-1] / (1 - np.cumsum(shares)[:-1]))
    arm = np.repeat([0.0, 1.0], n)
    hits = 0
    for _ in range(reps):
        answer = np.searchsorted(cuts, 0.9 * arm + rng.logistic(size=2 * n))
        fit = OrderedModel(answer, arm[:, None], distr="logit").fit(method="newton", disp=0)
        hits += bool(fit.pvalues[0] < 0.05)
    drawn = batched.cumulative_logit([[0.0], [1.0]], [0.9], n=n, reference=shares, reps=10_000, seed=1).power()[0]

    assert drawn == pytest.approx(hits / reps, abs=4 * math.sqrt(drawn * (1 - drawn) * (1 / reps + 1e-4)))
