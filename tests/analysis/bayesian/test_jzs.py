"""Pieces of JZS Bayes factors against direct integration, dense covariances and a full grid over g."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from feedbackstudy.analysis.bayesian.jzs import effect_density, log_jzs_t, log_jzs_t_interval
from feedbackstudy.analysis.bayesian.jzs_blocks import Block, block_model, effect_columns
from feedbackstudy.analysis.bayesian.jzs_correlation import correlation_density, log_jzs_correlation
from feedbackstudy.analysis.bayesian.jzs_integrals import log_bayes_factor
from feedbackstudy.analysis.bayesian.jzs_regression import log_bic_factor, log_jzs_r2
from feedbackstudy.errors import DataError


@pytest.fixture(scope="module")
def rows():
    """Forty-five rows of two unbalanced factors in nine groups."""
    rng = np.random.default_rng(15)
    a, b, group = rng.integers(0, 2, 45), rng.integers(0, 3, 45), rng.integers(0, 9, 45)
    y = 0.5 * a + 0.4 * (b == 2) + rng.normal(0, 0.6, 9)[group] + rng.normal(size=45)
    blocks = [
        Block(name="a", columns=effect_columns([a], [2]), scale=0.5),
        Block(name="b", columns=effect_columns([b], [3]), scale=0.5),
        Block(name="a:b", columns=effect_columns([a, b], [2, 3]), scale=0.5),
    ]
    return y, blocks, group


@pytest.mark.parametrize(
    ("t", "n", "df", "low", "high"),
    [
        (-4.06, 10, 9.0, -0.2, 0.2),
        (-4.06, 10, 9.0, 0.1, np.inf),
        (-4.06, 10, 9.0, -np.inf, 0.0),
        (1.2, 14.5, 57.0, -0.2, 0.2),
        (1.2, 14.5, 57.0, 0.1, np.inf),
        (1.2, 14.5, 57.0, -np.inf, 0.0),
        (25.0, 300, 598.0, 0.1, np.inf),  # SciPy's noncentral t loses its digits in the tails of this one
    ],
)
def test_interval_bayes_factors_equal_the_noncentral_t_integrated(t, n, df, low, high):
    def part(start, stop):
        around = t / np.sqrt(n)
        error = np.sqrt((1 + t**2 / df) / n)
        start, stop = max(start, min(around - 14 * error, -1)), min(stop, max(around + 14 * error, 1))
        points = [x for x in (around - 3 * error, around, around + 3 * error) if start < x < stop]
        found = integrate.quad(
            lambda d: np.exp(stats.nct.logpdf(t, df, d * np.sqrt(n)) - base) * stats.cauchy.pdf(d, 0, 0.707),
            start, stop, points=points or None, limit=400, epsrel=1e-10, epsabs=0,
        )  # fmt: skip
        return found[0]

    base = stats.nct.logpdf(t, df, t) - 1
    none = np.exp(stats.t.logpdf(t, df) - base)
    share = stats.cauchy.cdf(high, 0, 0.707) - stats.cauchy.cdf(low, 0, 0.707)

    inside, _ = log_jzs_t_interval(t, n, df=df, scale=0.707, low=low, high=high)

    assert np.exp(inside) == pytest.approx(part(low, high) / share / none, rel=1e-5)


@pytest.mark.parametrize("t", [-3.0, 0.4, 40.0])
def test_inside_and_outside_average_to_the_whole(t):
    inside, outside = log_jzs_t_interval(t, 25, df=48, scale=0.6, low=-0.3, high=0.1)
    share = stats.cauchy.cdf(0.1, 0, 0.6) - stats.cauchy.cdf(-0.3, 0, 0.6)
    whole = np.logaddexp(inside + np.log(share), outside + np.log1p(-share))

    assert whole == pytest.approx(float(log_jzs_t(t, 25, df=48, scale=0.6, alternative="two-sided")), abs=1e-8)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_posterior_of_the_effect_is_a_density(alternative):
    found = effect_density(1.9, 20, df=38, scale=0.707, alternative=alternative)
    relation = correlation_density(0.3, 40, kappa=0.5, alternative=alternative)

    assert integrate.simpson(found.density, x=found.grid) == pytest.approx(1, abs=2e-4)
    assert integrate.simpson(relation.density, x=relation.grid) == pytest.approx(1, abs=2e-4)


@pytest.mark.parametrize("log_g", [[-3.0, -1.0, 0.5], [2.0, 0.0, -6.0], [8.0, 9.0, 7.0]])
@pytest.mark.parametrize("with_groups", [False, True])
def test_evidence_given_g_is_that_of_the_dense_covariance(rows, log_g, with_groups):
    y, blocks, group = rows
    model = block_model(y, blocks, random=(group, 1.0) if with_groups else None)
    g = np.exp([*log_g, -0.7] if with_groups else log_g)

    total = np.eye(45)
    for block, one in zip(blocks, g, strict=False):
        total += one * block.columns @ block.columns.T
    if with_groups:
        total += g[-1] * (group[:, None] == group)

    def log_marginal(matrix):
        inverse, ones = np.linalg.inv(matrix), np.ones(45)
        weight = ones @ inverse @ ones
        centred = y - (ones @ inverse @ y) / weight
        left = centred @ inverse @ centred
        return -0.5 * np.linalg.slogdet(matrix)[1] - 0.5 * np.log(weight) - 22 * np.log(left)

    wanted = log_marginal(total) - log_marginal(np.eye(45))
    assert model.log_evidence(np.log(g)[None])[0] == pytest.approx(wanted, abs=1e-7)


@pytest.mark.parametrize("terms", [(0, 1, 2), (0, 2), (1,)])
def test_lattice_and_grid_agree_with_a_full_grid_over_g(rows, terms):
    y, blocks, _ = rows
    model = block_model(y, [blocks[k] for k in terms])
    step = 0.6
    axes = [np.arange(np.log(0.125) - np.log(60), 36, step)] * len(terms)
    points = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    wanted = special.logsumexp(model.log_evidence(points) + model.log_prior(points)) + len(terms) * np.log(step)

    found = log_bayes_factor(model)

    assert found.log_bayes_factor == pytest.approx(wanted, abs=max(4 * found.error, 4e-5))
    assert (found.error > 0) == (len(terms) == 3)


def test_factorised_integral_of_orthogonal_blocks_is_that_of_the_grid():
    rng = np.random.default_rng(3)
    a, b = np.tile([0, 1], 18), np.repeat([0, 1, 2], 12)
    y = 0.4 * a + rng.normal(size=36)
    blocks = [Block(name="a", columns=effect_columns([a], [2]), scale=0.5),
              Block(name="b", columns=effect_columns([b], [3]), scale=0.8)]  # fmt: skip
    model = block_model(y, blocks)
    axes = [np.arange(-7.5, 40, 0.3)] * 2
    points = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    wanted = special.logsumexp(model.log_evidence(points) + model.log_prior(points)) + 2 * np.log(0.3)

    found = log_bayes_factor(model)

    assert "orthogonal" in found.method
    assert found.log_bayes_factor == pytest.approx(wanted, abs=1e-8)


def test_a_random_factor_without_effect_costs_evidence(rows):
    y, blocks, group = rows
    shuffled = np.random.default_rng(1).permutation(group)
    real, none = (
        log_bayes_factor(block_model(y, blocks[:1], random=(member, 1.0))).log_bayes_factor
        for member in (group, shuffled)
    )

    assert real > none


def test_orthonormal_columns_carry_no_coding():
    codes = np.array([0, 1, 2, 1, 0, 2])
    columns, moved = effect_columns([codes], [3]), effect_columns([(codes + 1) % 3], [3])

    assert columns @ columns.T == pytest.approx(moved @ moved.T, abs=1e-12)
    assert np.unique(columns, axis=0).sum(axis=0) == pytest.approx(np.zeros(2), abs=1e-12)


def test_one_predictor_is_a_t_test_of_its_slope():
    """The slope's t decides: the model of one predictor is a t test with n rows and the same prior scale."""
    r = 0.35
    t = r * np.sqrt(58 / (1 - r**2))
    found = log_jzs_r2(r**2, n=60, predictors=1, scale=1.0)

    assert float(found) == pytest.approx(float(log_jzs_t(t, 60, df=58, scale=1.0, alternative="two-sided")), abs=1e-9)
    assert float(log_bic_factor(r**2, n=60, predictors=1)) == pytest.approx(-30 * np.log(1 - r**2) - 0.5 * np.log(60))


def test_uniform_prior_of_a_correlation_is_kappa_one():
    def likelihood(rho):
        return np.exp(
            14.5 * np.log1p(-(rho**2)) - 28.5 * np.log1p(-rho * 0.4)
        ) * special.hyp2f1(0.5, 0.5, 29.5, (1 + rho * 0.4) / 2) / special.hyp2f1(0.5, 0.5, 29.5, 0.5)  # fmt: skip

    wanted = integrate.quad(lambda rho: likelihood(rho) / 2, -1, 1, epsabs=1e-12)[0]

    assert np.exp(log_jzs_correlation(0.4, 30, kappa=1.0, alternative="two-sided")) == pytest.approx(wanted, rel=1e-8)


@pytest.mark.parametrize(
    "call",
    [
        lambda: log_jzs_t_interval(1.0, 10, df=9, scale=0.7, low=-np.inf, high=np.inf),
        lambda: block_model(np.ones(5), [Block(name="a", columns=np.eye(5)[:, :1], scale=1.0)]),
        lambda: block_model(np.arange(5.0), []),
    ],
)
def test_questions_without_an_answer_are_refused(call):
    with pytest.raises(DataError):
        call()
