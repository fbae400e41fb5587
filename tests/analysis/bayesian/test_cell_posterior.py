"""Contrasts of exact and of drawn posteriors: per component, per draw, and in agreement with each other."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from feedbackstudy.analysis.bayesian.cell_posterior import CellDraws, CellMixture
from feedbackstudy.analysis.bayesian.densities import hdi_of_draws
from feedbackstudy.analysis.bayesian.gates import Gates
from feedbackstudy.analysis.bayesian.missing_mixture import mixed_over_tables
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells, NormalMixture
from feedbackstudy.analysis.bayesian.savage_dickey import savage_dickey_of_draws
from feedbackstudy.analysis.bayesian.spline_density import density_at, log_spline
from feedbackstudy.errors import DataError

FINE = Gates(rhat=1.0, ess_bulk=4000.0, ess_tail=4000.0, divergences=0, ebfmi=1.0)
SIMPLE = np.array([1.0, -1.0, 0.0, 0.0])
AVERAGED = np.array([0.5, -0.5, 0.5, -0.5])


@pytest.fixture(scope="module")
def mixture() -> CellMixture:
    """Four cells, 30 components of different width."""
    rng = np.random.default_rng(7)
    sds = np.linspace(0.8, 1.4, 30)
    weights = stats.norm.pdf(sds, 1.1, 0.12)
    means = np.array([3.2, 2.9, 3.6, 3.1]) + 0.02 * rng.standard_normal((30, 4))
    base = np.eye(4) / 25 + 0.01
    return CellMixture(
        cells=NormalCells(weights=weights / weights.sum(), means=means, covariances=base * (sds**2)[:, None, None]),
        sds=sds,
        prior_cells=NormalCells(
            weights=np.ones(1), means=np.full((1, 4), 3.0), covariances=(0.36 * np.eye(4) + 0.5)[None]
        ),
        n=100,
        model="invented",
        prior="cells N(3, .36) around a common mean",
    )


@pytest.fixture(scope="module")
def draws(mixture) -> CellDraws:
    """A million independent draws from that mixture."""
    rng = np.random.default_rng(11)
    which = rng.choice(30, size=1_000_000, p=mixture.cells.weights)
    roots = np.linalg.cholesky(mixture.cells.covariances)
    noise = np.einsum("sij,sj->si", roots[which], rng.standard_normal((which.size, 4)))
    return CellDraws(
        draws=mixture.cells.means[which] + noise,
        chains=1,
        sds=mixture.sds[which],
        gates=FINE,
        n=100,
        model="invented",
        prior=mixture.prior,
        prior_cells=mixture.prior_cells,
    )


@pytest.mark.parametrize("weights", [SIMPLE, AVERAGED])
def test_exact_and_drawn_contrasts_agree_within_monte_carlo_error(mixture, draws, weights):
    exact = mixture.contrast(weights, rope=(-0.2, 0.2))
    drawn = draws.contrast(weights, rope=(-0.2, 0.2))

    error = exact.sd / 1000
    assert drawn.posterior.median == pytest.approx(exact.posterior.median, abs=5 * error)
    assert drawn.sd == pytest.approx(exact.sd, rel=0.005)
    assert (drawn.posterior.low, drawn.posterior.high) == pytest.approx(
        (exact.posterior.low, exact.posterior.high), abs=20 * error
    )
    assert drawn.posterior.prob_rope == pytest.approx(exact.posterior.prob_rope, abs=0.003)
    assert drawn.posterior.prob_direction == pytest.approx(exact.posterior.prob_direction, abs=0.003)
    assert drawn.beyond(0.3) == pytest.approx(exact.beyond(0.3), abs=0.003)
    assert drawn.bayes_factor == pytest.approx(exact.bayes_factor, rel=0.02)
    assert "Monte-Carlo error" in drawn.bayes_factor_note
    assert "exact" in exact.bayes_factor_note


def test_hdi_of_an_averaged_contrast_is_that_of_the_averaged_draws(draws):
    averaged = (draws.draws[:, 0] + draws.draws[:, 2] - draws.draws[:, 1] - draws.draws[:, 3]) / 2

    found = draws.contrast(AVERAGED).posterior

    assert (found.low, found.high) == pytest.approx(hdi_of_draws(averaged, 0.95), abs=1e-12)


def test_averaging_interval_limits_instead_would_be_wider(mixture):
    one, other = mixture.contrast(SIMPLE).posterior, mixture.contrast(np.roll(SIMPLE, 2)).posterior
    width = ((one.high - one.low) + (other.high - other.low)) / 2

    found = mixture.contrast(AVERAGED).posterior

    assert found.high - found.low < 0.75 * width


def test_a_single_normal_component_gives_the_normal_answers():
    variance = 0.04
    posterior = CellMixture(
        cells=NormalCells(weights=np.ones(1), means=np.array([[1.3, 1.0]]), covariances=variance / 2 * np.eye(2)[None]),
        sds=np.array([2.0]),
        prior_cells=NormalCells(weights=np.ones(1), means=np.zeros((1, 2)), covariances=0.5 * np.eye(2)[None]),
        n=10,
        model="",
        prior="",
    )

    found = posterior.contrast([1, -1], value=0.1, interval="equal-tailed", level=0.9)
    high = posterior.contrast([1, -1], value=0.1, level=0.9).posterior

    assert found.posterior.median == pytest.approx(0.2, abs=1e-12)
    assert found.posterior.low == pytest.approx(stats.norm.ppf(0.05, 0.2, 0.2), abs=1e-10)
    assert (high.low, high.high) == pytest.approx((found.posterior.low, found.posterior.high), abs=1e-9)
    assert found.bayes_factor == pytest.approx(stats.norm.pdf(0, -0.1, 1) / stats.norm.pdf(0, 0.2, 0.2), rel=1e-12)
    assert found.beyond(0.4) == pytest.approx(stats.norm.sf(1.0), abs=1e-14)
    assert posterior.standardised([1, -1]).posterior.median == pytest.approx(0.15, abs=1e-12)
    assert posterior.sd == 2.0


def test_bayes_factor_stays_finite_in_logarithm_where_a_float_overflows():
    far = CellMixture(
        cells=NormalCells(weights=np.ones(1), means=np.array([[60.0, 0.0]]), covariances=0.5 * np.eye(2)[None]),
        sds=np.ones(1),
        prior_cells=NormalCells(weights=np.ones(1), means=np.zeros((1, 2)), covariances=0.5 * np.eye(2)[None]),
        n=10,
        model="",
        prior="",
    ).contrast([1, -1])

    assert far.log_bayes_factor == pytest.approx(1800.0)
    assert far.bayes_factor == np.inf
    assert far.posterior.prob_direction == 1.0


def test_mixture_quantiles_invert_its_distribution():
    mixed = NormalMixture(weights=np.array([0.3, 0.7]), means=np.array([0.0, 2.0]), sds=np.array([0.5, 1.5]))

    for p in (1e-6, 0.025, 0.5, 0.999):
        assert mixed.below(mixed.quantile(p)) == pytest.approx(p, rel=1e-9)
    assert integrate.quad(lambda x: float(mixed.density([x])[0]), -10, 12)[0] == pytest.approx(1, abs=1e-9)
    assert np.exp(mixed.log_density(0.7)) == pytest.approx(mixed.density([0.7])[0], rel=1e-12)


def test_chains_of_completed_tables_are_judged_by_themselves():
    """Independent draws around five places: the tables differ, and every chain has mixed."""
    rng = np.random.default_rng(1)
    parts = [
        CellDraws(draws=rng.normal(place, 1.0, (4000, 1)), chains=4, sds=None, gates=FINE, n=9, model="m", prior="p")
        for place in rng.normal(0, 0.65, 5)
    ]

    mixed = mixed_over_tables(parts)

    found = mixed.contrast([1.0]).posterior
    assert (mixed.tables, mixed.chains) == (5, 20)
    assert found.rhat < 1.005  # against each other, the chains of different tables have 1.13
    assert 0.9 * 20_000 < found.ess < 1.02 * 20_000


@pytest.mark.parametrize("at", [0.0, 1.0, 2.5, 3.0])
def test_log_spline_finds_a_normal_density_within_its_stated_error(at):
    draws = np.random.default_rng(3).standard_normal(20_000)

    found = density_at(draws, at)

    assert found.log_density == pytest.approx(stats.norm.logpdf(at), abs=4 * found.error)
    assert found.error < 0.25


def test_log_spline_finds_a_skewed_density():
    draws = stats.gamma.rvs(20, size=40_000, random_state=np.random.default_rng(5))

    for at in (12.0, 20.0, 32.0):
        assert log_spline(draws, np.array([at]))[0] == pytest.approx(stats.gamma.logpdf(at, 20), abs=0.12)


def test_a_point_beyond_every_draw_is_marked_as_extrapolation():
    assert density_at(np.random.default_rng(1).standard_normal(4000), 7.0).beyond


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1, -1], "one weight for each"), ([0, 0, 0, 0], "not all zero"), ([np.nan, 1, 0, 0], "finite")],
)
def test_weights_that_fit_no_contrast_are_refused(mixture, weights, message):
    with pytest.raises(DataError, match=message):
        mixture.contrast(weights)


def test_weights_that_fit_no_draws_are_refused(draws):
    with pytest.raises(DataError, match="one finite weight for each"):
        draws.contrast([1, -1])


@pytest.mark.parametrize(("distance", "told"), [(1.0, True), (25.0, False)])
def test_a_bayes_factor_that_is_mostly_monte_carlo_error_is_told_as_a_bound(distance, told):
    """Draws of a difference N(distance, 1) under a prior N(0, 2 sd 1): the ratio of normal densities is exact."""
    rng = np.random.default_rng(4)
    prior = NormalCells(weights=np.ones(1), means=np.zeros((1, 2)), covariances=2 * np.eye(2)[None])
    draws = np.column_stack([distance + rng.standard_t(9, size=4000), np.zeros(4000)])
    row = np.array([1.0, -1.0])

    found = savage_dickey_of_draws(prior, row, draws @ row, 0.0)

    exact = stats.norm.logpdf(0, 0, 2) - stats.t.logpdf(-distance, 9)
    assert found.resolved is told
    if told:
        assert found.told == pytest.approx(exact, abs=0.2)
        assert found.words == found.note
    else:
        assert found.told is None
        assert 0 < found.log_bayes_factor - found.shortfall < exact
        assert "no number, because its Monte-Carlo error is above 20%; the draws support BF10 > " in found.words


def test_pooled_draws_know_the_model_of_each_table(binary_fit):
    turned = replace(binary_fit, model=binary_fit.model.with_outcome(1 - binary_fit.model.rows.y))
    pooled = mixed_over_tables([binary_fit.cells(), turned.cells()])

    with pytest.raises(DataError, match="2 completed tables"):
        pooled.pymc_model()
    outcomes = []
    for table in (1, 2):
        model = pooled.pymc_model(table)
        (observed,) = (model.rvs_to_values[variable] for variable in model.observed_RVs)
        outcomes.append(np.asarray(observed.eval()))
    assert outcomes[0].tolist() == (1 - outcomes[1]).tolist()
