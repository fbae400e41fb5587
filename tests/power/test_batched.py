"""Batched engines: the same fits as row-by-row engines and lme4, the same powers, and the declared level."""

import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from feedbackstudy import power
from feedbackstudy.errors import InputError
from feedbackstudy.power import batched
from feedbackstudy.power.batched.counts import fit_counts
from feedbackstudy.power.batched.mixed import fit_random_intercept
from feedbackstudy.power.batched.nested import fit_nested
from feedbackstudy.power.noncentral import t_power

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
LME4 = 1e-4  # the bar, per fit; we agree to about 1e-8
PRECISE = 1e-6


def factorial(n_each: int) -> np.ndarray:
    """Return the treatment-coded design of a 3 x 2 crossing."""
    a, b = np.repeat([0, 1, 2], 2 * n_each), np.tile([0, 1], 3 * n_each)
    return np.column_stack([np.ones(len(a)), a == 1, a == 2, b == 1, (a == 1) & (b == 1), (a == 2) & (b == 1)]).astype(
        float
    )


def mcse(share: np.ndarray | float, n: int, m: int) -> np.ndarray:
    """Return the standard error of the difference of two simulated shares."""
    p = np.clip(np.asarray(share), 0.01, 0.99)
    return np.sqrt(p * (1 - p) * (1 / n + 1 / m))


def dense_reml(x, cluster, y):
    """Fit a random intercept with the whole covariance matrix: slow, plain, and another road to the same numbers."""
    same = (cluster[:, None] == cluster[None, :]).astype(float)
    n, p = x.shape

    def solve(ratio):
        v = np.eye(n) + ratio * same
        inverse = np.linalg.inv(v)
        information = x.T @ inverse @ x
        beta = np.linalg.solve(information, x.T @ inverse @ y)
        rss = float((y - x @ beta) @ inverse @ (y - x @ beta))
        deviance = (n - p) * math.log(rss) + np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
        return deviance, beta, np.sqrt(np.diag(np.linalg.inv(information)) * rss / (n - p))

    inside = optimize.minimize_scalar(
        lambda t: solve(t**2)[0], bounds=(0, 3), method="bounded", options={"xatol": 1e-10}
    )
    ratio = inside.x**2 if inside.fun < solve(0.0)[0] else 0.0
    return solve(ratio)[1:]


@pytest.fixture(scope="module")
def feedback():
    """Return the invented feedback data as sum-coded design, interviewer and outcome."""
    data = pd.read_csv(REFERENCE / "feedback_unbalanced.csv")
    t = np.where(data["timing"] == "immediate", 1.0, -1.0)
    f = np.where(data["framing"] == "gain", 1.0, -1.0)
    s = np.where(data["specificity"] == "high", 1.0, -1.0)
    terms = {
        "timing": t,
        "framing": f,
        "specificity": s,
        "timing:framing": t * f,
        "timing:specificity": t * s,
        "framing:specificity": f * s,
        "timing:framing:specificity": t * f * s,
    }
    return terms, data["interviewer"].to_numpy(), data["y"].to_numpy(dtype=float)


def test_a_random_intercept_fit_is_that_of_lmertest(feedback):
    terms, cluster, y = feedback
    reference = json.loads((REFERENCE / "power_lmer.json").read_text(encoding="utf-8"))

    fit = fit_random_intercept(np.column_stack([np.ones(len(y)), *terms.values()]), cluster, y)

    for row in reference["anova"]:
        j = 1 + list(terms).index(row["term"])
        assert (fit.estimate[0, j] / fit.se[0, j]) ** 2 == pytest.approx(row["F value"], rel=LME4)
        assert fit.df[0, j] == pytest.approx(row["DenDF"], rel=LME4)
        assert fit.p()[0, j] == pytest.approx(row["Pr(>F)"], rel=LME4)


def test_a_random_intercept_fit_is_that_of_the_whole_covariance_matrix(rng):
    for icc in (0.0, 0.05, 0.4):
        cluster = np.repeat(np.arange(12), rng.integers(2, 12, 12))
        x = np.column_stack([np.ones(len(cluster)), cluster % 2, rng.standard_normal(len(cluster))])
        y = math.sqrt(icc) * rng.standard_normal(12)[cluster] + math.sqrt(1 - icc) * rng.standard_normal(len(cluster))
        beta, se = dense_reml(x, cluster, y)

        fit = fit_random_intercept(x, cluster, y)

        assert fit.estimate[0] == pytest.approx(beta, abs=PRECISE)
        assert fit.se[0] == pytest.approx(se, rel=1e-5)


def test_ordinal_fits_are_those_of_statsmodels(rng):
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    design = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    counts = rng.multinomial(30, [0.1, 0.2, 0.4, 0.2, 0.1], size=(3, 4)).astype(float)
    beta, covariance, failed = fit_counts(counts, design)

    for i in range(3):
        rows = np.repeat(np.arange(20), counts[i].ravel().astype(int))
        model = OrderedModel(pd.Series(pd.Categorical(rows % 5, ordered=True)), design[rows // 5], distr="logit")
        reference = model.fit(method="newton", disp=0)
        assert beta[i] == pytest.approx(np.asarray(reference.params)[:2], abs=LME4)
        assert np.sqrt(np.diag(covariance[i])) == pytest.approx(np.asarray(reference.bse)[:2], rel=LME4)
    assert not failed.any()


def test_an_empty_category_is_dropped_from_that_replicate():
    design = np.array([[0.0], [1.0]])
    counts = np.array([[[10.0, 0.0, 20.0], [20.0, 0.0, 10.0]], [[10.0, 5.0, 15.0], [15.0, 5.0, 10.0]]])

    beta, _, failed = fit_counts(counts, design)

    assert beta[0, 0] == pytest.approx(math.log(10 / 20) - math.log(20 / 10), abs=1e-6)
    assert not failed.any()


def test_a_separated_replicate_fails_and_is_counted():
    _, _, failed = fit_counts(np.array([[[10.0, 0.0], [0.0, 10.0]]]), np.array([[0.0], [1.0]]))

    assert failed.all()
    sparse = batched.cumulative_logit([[0], [1]], [4.0], n=4, reference=[0.5, 0.5], reps=2000, seed=1)
    shown = sparse.diagnose()
    assert shown.effects[0].failed == sparse.failed.sum() > 0
    assert shown.effects[0].power_low <= shown.effects[0].power <= shown.effects[0].power_high
    assert "fits failed" in str(shown)


def test_least_squares_power_is_that_of_simulated_rows(rng):
    x, beta = factorial(20), np.array([0, 0.3, 0.5, 0.3, 0.2, 0.4])
    y = x @ beta + rng.standard_normal((3000, len(x)))
    inverse = np.linalg.inv(x.T @ x)
    estimate = y @ x @ inverse
    s2 = ((y - estimate @ x.T) ** 2).sum(axis=1) / (len(x) - 6)
    found = np.abs(estimate) > stats.t.isf(0.025, len(x) - 6) * np.sqrt(s2[:, None] * np.diag(inverse))

    drawn = batched.linear(x, beta, seed=1).power()

    assert (np.abs(drawn - found.mean(axis=0)) < 4 * mcse(drawn, 10_000, 3000)).all()


def test_least_squares_power_is_the_exact_one():
    x, beta = factorial(50), np.array([0, 0.2, 0.4, 0.3, 0.2, 0.3])
    se = np.sqrt(np.diag(np.linalg.inv(x.T @ x)))
    exact = t_power(beta / se, len(x) - 6, 0.05)

    drawn = batched.linear(x, beta, seed=2, reps=40_000).power()

    assert (np.abs(drawn - exact) < 4 * np.sqrt(exact * (1 - exact) / 40_000)).all()


def test_random_intercept_power_is_that_of_simulated_rows(rng):
    cluster = np.repeat(np.arange(10), 8)
    x = np.column_stack([np.ones(80), np.tile([0, 1], 40), (cluster % 2)])
    beta, reps = np.array([0, 0.6, 0.8]), 200
    found = np.zeros(3)
    for _ in range(reps):
        y = x @ beta + math.sqrt(0.2) * rng.standard_normal(10)[cluster] + math.sqrt(0.8) * rng.standard_normal(80)
        estimate, se = dense_reml(x, cluster, y)
        found += np.abs(estimate / se) > stats.norm.isf(0.025)

    drawn = batched.random_intercept(x, cluster, beta, between=0.2, within=0.8, df="normal", seed=1).power()

    assert (np.abs(drawn - found / reps) < 4 * mcse(drawn, 10_000, reps)).all()


def test_many_designs_at_once_are_as_each_for_itself(rng):
    cluster = np.repeat(np.arange(12), 10)
    x = rng.standard_normal((4, 120, 3))
    x[:, :, 0], x[:, :, 1] = 1, cluster % 2
    given = {"between": 0.3, "within": 0.7, "reps": 20_000}
    together = batched.random_intercept(x, cluster, [0, 0.4, 0.15], seed=1, **given)
    apart = np.mean([batched.random_intercept(each, cluster, [0, 0.4, 0.15], seed=2, **given).power() for each in x], 0)

    assert (np.abs(together.power() - apart) < 4 * mcse(apart, 20_000, 80_000)).all()
    with pytest.raises(InputError, match="Design 2 of 2 has columns that depend"):
        batched.random_intercept(np.stack([x[0], x[0][:, [0, 0, 2]]]), cluster, np.zeros(3), seed=1, **given)


def test_drawn_problems_of_even_clusters_are_those_of_rows(rng):
    """First and second moments of what is drawn without rows, against rows, with a column between clusters."""
    from feedbackstudy.power.batched.cluster_moments import moments, observed
    from feedbackstudy.power.batched.reml_even import Even, draw_even, layout

    cluster = rng.permutation(np.repeat(np.arange(6), 4))
    x = np.column_stack([np.ones(24), rng.standard_normal(24), cluster % 2, np.tile([0, 1], 12)])
    known, beta = moments(x, cluster), np.array([1.0, 0.5, -0.5, 0.2])
    drawn = draw_even(layout(x[None], known.codes), beta, between=0.5, within=1.0, reps=40_000, rng=rng)
    outcomes = [
        x @ beta + math.sqrt(0.5) * rng.standard_normal(6)[cluster] + rng.standard_normal(24) for _ in range(4000)
    ]
    rows = [Even.of(known, observed(known, x, y, cluster)) for y in outcomes]

    grid = np.array([0.1, 1.0])
    ours = np.vstack([drawn.coarse(grid), drawn.yy])
    theirs = np.hstack([np.vstack([each.coarse(grid), each.yy]) for each in rows])
    error = np.sqrt(theirs.var(axis=1) * (1 / 40_000 + 1 / 4000))
    assert (np.abs(ours.std(axis=1) / theirs.std(axis=1) - 1) < 0.06).all()
    assert (np.abs(ours.mean(axis=1) - theirs.mean(axis=1)) < 4.5 * error).all()


def test_drawn_moments_are_those_of_rows(rng):
    from feedbackstudy.power.batched.cluster_moments import draw, moments, observed

    cluster = np.repeat(np.arange(6), [3, 3, 4, 4, 5, 9])
    x = np.column_stack([np.ones(28), rng.standard_normal(28), cluster % 2])
    known, beta = moments(x, cluster), np.array([1.0, 0.5, -0.5])
    drawn = draw(known, beta, between=0.5, within=1.0, reps=20_000, rng=rng)
    rows = [
        observed(
            known, x, x @ beta + math.sqrt(0.5) * rng.standard_normal(6)[cluster] + rng.standard_normal(28), cluster
        )
        for _ in range(3000)
    ]

    for name in ("xy", "yy", "block_xy", "block_yy"):
        one = np.moveaxis(getattr(drawn, name), -1 if name == "block_yy" else -2 if "xy" in name else 0, 0)
        other = np.stack(
            [np.moveaxis(getattr(r, name), -1 if name == "block_yy" else -2 if "xy" in name else 0, 0)[0] for r in rows]
        )
        error = np.sqrt(other.var(axis=0) * (1 / 20_000 + 1 / 3000))
        assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) <= 4.5 * error + 1e-9).all(), name
        assert one.std(axis=0) == pytest.approx(other.std(axis=0), rel=0.08), name


def test_cluster_power_is_the_exact_one():
    cluster = np.repeat(np.arange(30), 20)
    x = np.column_stack([np.ones(600), cluster % 2])
    drawn = batched.random_intercept(x, cluster, [0, 0.5], between=0.1, within=0.9, seed=3, reps=20_000).power()[1]
    exact = power.cluster(0.5, 15, size=20, icc=0.1).power

    assert abs(drawn - exact) < 4 * math.sqrt(exact * (1 - exact) / 20_000)


def test_mediation_power_is_that_of_simulated_rows(rng):
    paths, n, reps = batched.Paths(((0.3,), (0.1, 0.3))), 120, 1500
    residual = np.sqrt(paths.residuals())
    x = np.tile([-1.0, 1.0], n // 2)
    joint = np.zeros(reps, dtype=bool)
    for i in range(reps):
        m = 0.3 * x + residual[1] * rng.standard_normal(n)
        y = 0.1 * x + 0.3 * m + residual[2] * rng.standard_normal(n)
        legs = [_t(np.column_stack([np.ones(n), x]), m), _t(np.column_stack([np.ones(n), x, m]), y)]
        joint[i] = abs(legs[0]) > stats.t.isf(0.025, n - 2) and abs(legs[1]) > stats.t.isf(0.025, n - 3)

    drawn = batched.mediation(paths, n, seed=1)["x > m1 > y"].power_joint

    assert abs(drawn - joint.mean()) < 4 * mcse(drawn, 10_000, reps)


def _t(x: np.ndarray, y: np.ndarray) -> float:
    """Return the t of the last coefficient."""
    inverse = np.linalg.inv(x.T @ x)
    b = inverse @ x.T @ y
    s2 = ((y - x @ b) ** 2).sum() / (len(y) - x.shape[1])
    return b[-1] / math.sqrt(s2 * inverse[-1, -1])


def test_the_interval_of_infinitely_many_draws_is_that_of_many(rng):
    estimate, se = np.array([0.3, 0.25]), np.array([0.12, 0.1])
    products = (estimate + se * rng.standard_normal((400_000, 2))).prod(axis=1)
    share = (1 - np.prod(1 - 2 * stats.norm.cdf(-estimate / se))) / 2

    assert (products < 0).mean() == pytest.approx(share, abs=4 * math.sqrt(share / 400_000))


def test_a_moderated_path_without_moderation_keeps_its_level():
    same = batched.Paths(((0.3,), (0.1, 0.3)))
    drawn = batched.mediation([same, same], 150, seed=2)["x > m1 > y, difference"]

    assert drawn.truth == 0
    assert drawn.power_interval < 0.05 + 3 * drawn.mcse_interval


def test_serial_paths_name_every_way():
    paths = batched.Paths(((0.3,), (0.1, 0.3), (0.1, 0.1, 0.3)))
    found = batched.mediation(paths, 200, names=["framing", "challenge", "efficacy", "effort"], reps=500, seed=1)

    assert [row.path for row in found.effects] == [
        "framing > challenge > effort",
        "framing > efficacy > effort",
        "framing > challenge > efficacy > effort",
    ]
    assert found.effects[2].truth == pytest.approx(0.027)


def test_a_diagnosis_says_bias_coverage_and_errors_of_sign_with_their_error():
    x = factorial(10)
    shown = batched.linear(x, [0, 0.3, 0.3, 0.3, 0, 0], seed=4, labels=tuple("abcdef")).diagnose(bounds=0.9)
    exact = power.type_s_m(0.3, float(np.sqrt(np.linalg.inv(x.T @ x)[1, 1])), df=54)

    assert abs(shown["b"].bias) < 4 * shown["b"].bias_mcse
    assert abs(shown["b"].coverage - 0.95) < 4 * shown["b"].coverage_mcse
    assert abs(shown["b"].type_s - exact["type S"]) < 4 * shown["b"].type_s_mcse
    assert abs(shown["b"].type_m - exact["type M"]) < 4 * shown["b"].type_m_mcse
    assert math.isnan(shown["a"].type_s)
    assert shown.all_power <= min(row.power for row in shown.effects) <= shown.any_power
    assert shown.frame().shape == (6, len(batched.SimulatedEffect.__slots__))


def test_the_same_seed_gives_the_same_replicates():
    first, second = (batched.linear(factorial(5), np.zeros(6), seed=9, reps=50) for _ in range(2))

    assert np.array_equal(first.estimate, second.estimate)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: batched.linear(np.ones((5, 2)), [0, 0], seed=1), r"rank 1: .*not all estimable"),
        (lambda: batched.linear(np.eye(2), [0, 0], seed=1), r"2 rows and 2 columns"),
        (lambda: batched.linear(factorial(5), [0, 0], seed=1), r"one finite coefficient for each column"),
        (lambda: batched.linear(factorial(5), np.zeros(6), sigma=-1, seed=1), r"sigma = -1"),
        (lambda: batched.linear(factorial(5), np.zeros(6), reps=0, seed=1), r"reps = 0"),
        (
            lambda: batched.random_intercept(factorial(5), range(30), np.zeros(6), between=0.1, within=1, seed=1),
            "size 1",
        ),
        (
            lambda: batched.random_intercept(factorial(5), range(3), np.zeros(6), between=0.1, within=1, seed=1),
            "3 cluster",
        ),
        (
            lambda: batched.random_intercept(factorial(5), [0, 1] * 15, np.zeros(6), between=-0.1, within=1, seed=1),
            r"between = -0\.1 .*variance",
        ),
        (
            lambda: batched.random_intercept(factorial(5), [0, 1] * 15, np.zeros(6), between=1, within=0, seed=1),
            "within = 0",
        ),
        (lambda: batched.cumulative_logit([[0], [1]], [0.5], n=0, reference=[0.5, 0.5], seed=1), r"n = 0"),
        (
            lambda: batched.cumulative_logit([[1], [1]], [0.5], n=9, reference=[0.5, 0.5], seed=1),
            r"tell all coefficients",
        ),
        (lambda: batched.cumulative_logit([[0], [1]], [0.5], n=9, reference=[0.5, 0.4], seed=1), r"sum to 1"),
        (lambda: batched.Paths(((0.9,), (0.9, 0.9))), r"residual variance would be negative"),
        (lambda: batched.Paths(((0.9, 0.1),)), r"rows of length"),
        (lambda: batched.mediation(batched.Paths(((0.3,), (0.1, 0.3))), 0, seed=1), r"n = 0"),
    ],
)
def test_a_simulation_that_cannot_be_run_says_why(ask, says):
    with pytest.raises(InputError, match=says):
        ask()


@pytest.fixture
def rng():
    return np.random.default_rng(20261)


def seconds(run, times: int = 3) -> float:
    """Return the least processor time of some runs: another process on the machine does not count."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return min(taken)


def test_the_speed_that_was_promised_holds():
    """10,000 replicates each; the full benchmark, with MCPower beside it, is benchmarks/power.py."""
    x, cluster = factorial(50), np.repeat(np.arange(30), 10)
    mixed = np.column_stack([np.ones(300), np.tile([0, 1], 150), np.random.default_rng(7).standard_normal(300)])
    cells = np.array(
        [[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [1, 0, 0, 0, 0], [1, 0, 1, 1, 0], [0, 1, 0, 0, 0], [0, 1, 1, 0, 1]]
    )
    serial = batched.Paths(((0.3,), (0.1, 0.3), (0.1, 0.1, 0.3)))
    seven = (0.05, 0.1, 0.15, 0.25, 0.2, 0.15, 0.1)

    assert seconds(lambda: batched.linear(x, np.zeros(6), seed=1).power()) < 0.05
    assert (
        seconds(lambda: batched.random_intercept(mixed, cluster, [0, 0.4, 0.2], between=0.15, within=0.85, seed=1))
        < 0.6
    )
    assert seconds(lambda: batched.cumulative_logit(cells, [0.3] * 5, n=50, reference=seven, seed=1), 2) < 1.0
    assert seconds(lambda: batched.mediation(serial, 300, seed=1)) < 2.0


def test_nested_fits_are_those_of_the_whole_covariance_matrix(rng):
    inner = np.repeat(np.arange(20), rng.integers(2, 9, 20))
    outer, n = inner // 4, len(inner)
    x = np.column_stack([np.ones(n), rng.standard_normal(n), inner % 2])
    same_inner, same_outer = (np.equal.outer(c, c).astype(float) for c in (inner, outer))
    y = 0.5 * rng.standard_normal(20)[inner] + 0.6 * rng.standard_normal(5)[outer] + rng.standard_normal(n)

    def dense(roots):
        v = np.eye(n) + roots[0] ** 2 * same_inner + roots[1] ** 2 * same_outer
        inverse = np.linalg.inv(v)
        information = x.T @ inverse @ x
        beta = np.linalg.solve(information, x.T @ inverse @ y)
        rss = (y - x @ beta) @ inverse @ (y - x @ beta)
        logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
        return (n - 3) * math.log(rss) + logs, beta, np.sqrt(np.diag(np.linalg.inv(information)) * rss / (n - 3))

    best = optimize.minimize(
        lambda t: dense(t)[0], [0.5, 0.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
    )
    fit = fit_nested(x, inner, outer, y)

    assert fit.estimate[0] == pytest.approx(dense(best.x)[1], abs=PRECISE)
    assert fit.se[0] == pytest.approx(dense(best.x)[2], rel=PRECISE)


def test_nested_intercepts_without_the_outer_one_are_a_random_intercept():
    inner = np.repeat(np.arange(12), 6)
    x = np.column_stack([np.ones(72), np.tile([0, 1], 36)])
    draws = {"contrasts": [[0, 1]], "reps": 4000}
    one = batched.random_intercept(x, inner, [0, 0.5], between=0.2, within=0.8, seed=1, **draws).power()
    two = batched.nested_intercepts(
        x, inner, inner // 3, [0, 0.5], between_outer=0.0, between_inner=0.2, within=0.8, seed=2, **draws
    )

    assert not two.failed.any()
    assert (np.abs(one - two.power()) < 4 * mcse(one, 4000, 4000)).all()


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [8, 12, 30])
@pytest.mark.parametrize("icc", [0.01, 0.05, 0.1, 0.2, 0.4])
@pytest.mark.parametrize(("level", "boundary"), [("person", "zero"), ("cluster", "free")])
def test_the_level_is_kept_with_few_clusters(clusters, icc, level, boundary):
    """lme4's boundary at 0 is conservative for cluster-level effects at small ICC: .035 at ICC .01."""
    cluster = np.repeat(np.arange(clusters), 10)
    arm = np.tile([0, 1], 5 * clusters) if level == "person" else cluster % 2
    x, reps = np.column_stack([np.ones(len(arm)), arm - 0.5]), 20_000

    drawn = batched.random_intercept(
        x, cluster, [0, 0], between=icc, within=1 - icc, boundary=boundary, reps=reps, seed=17
    )

    assert abs(drawn.power()[1] - 0.05) < 3 * math.sqrt(0.05 * 0.95 / reps)


@pytest.mark.slow
def test_the_level_of_least_squares_ordinal_and_nested_fits_is_kept():
    x = factorial(20)
    inner = np.repeat(np.arange(24), 8)
    nested = np.column_stack([np.ones(192), np.tile([0, 1], 96)])
    runs = [
        batched.linear(x, np.zeros(6), reps=20_000, seed=1).power()[1:],
        batched.cumulative_logit(
            [[0.0], [1.0]], [0.0], n=150, reference=[0.1, 0.2, 0.4, 0.2, 0.1], reps=20_000, seed=1
        ).power(),
        batched.nested_intercepts(
            nested, inner, inner // 4, [0, 0], between_outer=0.05, between_inner=0.1, within=0.85, reps=20_000, seed=1
        ).power()[1:],
    ]

    for power_of_nothing in runs:
        assert (np.abs(power_of_nothing - 0.05) < 3 * math.sqrt(0.05 * 0.95 / 20_000)).all()


@pytest.mark.slow
def test_the_monte_carlo_interval_agrees_with_the_bootstrap(rng):
    """Percentile bootstrap, 500 resamples of each of 400 simulated studies."""
    paths, n, studies = batched.Paths(((0.3,), (0.1, 0.3))), 100, 400
    residual, x, excludes = np.sqrt(paths.residuals()), np.tile([-1.0, 1.0], 50), 0
    for _ in range(studies):
        m = 0.3 * x + residual[1] * rng.standard_normal(n)
        y = 0.1 * x + 0.3 * m + residual[2] * rng.standard_normal(n)
        rows = np.column_stack([np.ones(n), x, m, y])
        products = rows[:, :, None] * rows[:, None, :]
        sums = (rng.multinomial(n, np.full(n, 1 / n), size=500) @ products.reshape(n, -1)).reshape(-1, 4, 4)
        a = np.linalg.solve(sums[:, :2, :2], sums[:, :2, 2:3])[:, 1, 0]
        b = np.linalg.solve(sums[:, :3, :3], sums[:, :3, 3:4])[:, 2, 0]
        low, high = np.quantile(a * b, [0.025, 0.975])
        excludes += low > 0 or high < 0

    drawn = batched.mediation(paths, n, seed=1)["x > m1 > y"].power_interval

    assert abs(drawn - excludes / studies) < 4 * mcse(drawn, 10_000, studies)
