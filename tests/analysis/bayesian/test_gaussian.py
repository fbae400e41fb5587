"""The exact normal model against brute-force integration, against its frequentist twin and against its own sampler."""

import itertools

import numpy as np
import pytest
from scipy import special, stats

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.gaussian_sensitivity import prior_widths
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampling import sample
from feedbackstudy.errors import DataError

PRIOR = CellPrior.of_scale(1, 7)
DIFFERENCE = np.array([1.0, -1.0, 0.0])
CELL = np.repeat([0, 1, 2], 4)
GROUP = np.tile([0, 1, 2, 3], 3)
OTHER = np.tile([0, 0, 1, 1, 0, 1], 2)


@pytest.fixture(scope="module")
def small() -> tuple[np.ndarray, np.ndarray]:
    """Twelve outcomes in three cells, and a covariate."""
    rng = np.random.default_rng(20)
    covariate = rng.normal(size=12)
    return 4 + 0.5 * CELL + rng.normal(size=12), covariate - covariate.mean()


def brute_force(y, x, groups, *, nodes, covariance=None):
    """Return the log marginal likelihood from the n x n covariance of the outcome, node by node."""
    design, spread = np.eye(3)[CELL], x / x.std(ddof=1)
    cells = PRIOR.cells(3).covariances[0] if covariance is None else covariance
    fixed = design @ cells @ design.T + PRIOR.slope_sd**2 * np.outer(spread, spread)
    u, w = special.roots_legendre(nodes)
    axes = [(-3.5 + 3 * (u + 1), 3 * w), *[(2.5 * (u + 1), 2.5 * w)] * len(groups)]
    terms = []
    for where in itertools.product(range(nodes), repeat=len(axes)):
        log_sd, *sds = [axis[0][i] for axis, i in zip(axes, where, strict=True)]
        total = fixed + np.exp(2 * log_sd) * np.eye(12)
        for sd, group in zip(sds, groups, strict=True):
            total = total + sd**2 * ((group[:, None] == group) & (group >= 0))
        height = stats.multivariate_normal.logpdf(y, np.full(12, 4.0), total)
        height += stats.halfnorm.logpdf(np.exp(log_sd), scale=PRIOR.residual_sd) + log_sd
        height += sum(stats.halfnorm.logpdf(sd, scale=PRIOR.group_sd) for sd in sds)
        terms.append(height + sum(np.log(axis[1][i]) for axis, i in zip(axes, where, strict=True)))
    return special.logsumexp(terms)


@pytest.mark.parametrize(
    ("groups", "nodes", "tolerance"),
    [
        ({}, 80, 2e-7),
        ({"g": GROUP}, 48, 2e-7),
        ({"g": GROUP, "h": OTHER}, 24, 2e-3),
        # the rows of the last cell belong to no group: no effect, as people who read no message have no exemplar
        ({"g": np.where(CELL == 2, -1, GROUP)}, 48, 2e-7),
        ({"g": GROUP, "h": np.where(CELL == 2, -1, OTHER)}, 24, 2e-3),
        ({"g": np.where(CELL == 2, -1, GROUP), "h": OTHER}, 24, 2e-3),
    ],
)
def test_marginal_likelihood_is_that_of_brute_force(small, groups, nodes, tolerance):
    y, x = small
    posterior = gaussian_cells(y, CELL, 3, prior=PRIOR, covariates=x[:, None], groups=groups).posterior()

    assert posterior.log_marginal == pytest.approx(brute_force(y, x, list(groups.values()), nodes=nodes), abs=tolerance)


def test_bayes_factors_are_ratios_of_marginal_likelihoods(small):
    y, x = small
    posterior = gaussian_cells(y, CELL, 3, prior=PRIOR, covariates=x[:, None]).posterior()
    cells = PRIOR.cells(3).covariances[0]
    carried, variance = cells @ DIFFERENCE, DIFFERENCE @ cells @ DIFFERENCE

    def with_variance(wanted):
        other = cells + (wanted - variance) * np.outer(carried, carried) / variance**2
        return brute_force(y, x, [], nodes=80, covariance=other)

    none = with_variance(0.0)

    assert posterior.contrast(DIFFERENCE).log_bayes_factor == pytest.approx(with_variance(variance) - none, abs=1e-6)
    for sd in (0.2, 2.0):
        found = posterior.evidence(DIFFERENCE).normal(sd)
        # the nodes are placed by the model's own prior; twelve rows under a prior three times as wide stretch that most
        assert found == pytest.approx(with_variance(sd**2) - none, abs=1e-5)


def test_number_of_nodes_does_not_matter(small):
    y, x = small
    problem = gaussian_cells(y, CELL, 3, prior=PRIOR, covariates=x[:, None], groups={"g": GROUP})
    rough, fine = problem.posterior(nodes=32), problem.posterior(nodes=64)

    assert rough.log_marginal == pytest.approx(fine.log_marginal, abs=1e-7)
    a, b = rough.contrast(DIFFERENCE), fine.contrast(DIFFERENCE)
    assert (a.posterior.median, a.posterior.low, a.posterior.high, a.sd) == pytest.approx(
        (b.posterior.median, b.posterior.low, b.posterior.high, b.sd), abs=1e-6
    )
    assert a.bayes_factor == pytest.approx(b.bayes_factor, rel=1e-6)


@pytest.mark.parametrize(
    ("groups", "between", "within"), [(60, 2.0, 0.03), (290, 0.5, 0.7), (2, 0.5, 1.0), (30, 0.0, 1.0)]
)
def test_extreme_spreads_are_integrated_as_well(groups, between, within):
    """Almost no residual, almost every row alone, two groups, no spread between groups: more nodes change nothing."""
    rng = np.random.default_rng(groups)
    cell, member = rng.integers(0, 4, 300), np.r_[np.arange(groups), rng.integers(0, groups, 300 - groups)]
    y = 4 + 0.2 * cell + between * rng.standard_normal(groups)[member] + within * rng.standard_normal(300)
    problem = gaussian_cells(y, cell, 4, prior=PRIOR, groups={"g": member})
    rough, fine = problem.posterior(), problem.posterior(nodes=96)

    assert rough.log_marginal == pytest.approx(fine.log_marginal, abs=1e-6)
    assert rough.contrast([1, -1, 0, 0]).sd == pytest.approx(fine.contrast([1, -1, 0, 0]).sd, rel=1e-6)


def test_order_of_cells_groups_and_rows_does_not_matter(small):
    y, x = small
    rng = np.random.default_rng(2)
    rows, cells, groups = rng.permutation(12), rng.permutation(3), rng.permutation(4)
    first = gaussian_cells(y, CELL, 3, prior=PRIOR, covariates=x[:, None], groups={"g": GROUP}).posterior()
    second = gaussian_cells(
        y[rows], cells[CELL][rows], 3, prior=PRIOR, covariates=x[rows, None], groups={"g": groups[GROUP][rows]}
    ).posterior()
    moved = np.zeros(3)
    moved[cells] = DIFFERENCE

    assert second.log_marginal == pytest.approx(first.log_marginal, abs=1e-9)
    assert second.contrast(moved).posterior.high == pytest.approx(first.contrast(DIFFERENCE).posterior.high, abs=1e-8)


def test_nested_and_crossed_factors_are_told_apart():
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(60), 3)
    cell = np.tile([0, 1, 2], 60)
    interviewer = person // 6
    y = 4 + rng.normal(0, 0.9, 60)[person] + rng.normal(0, 0.5, 10)[interviewer] + rng.normal(0, 0.6, 180)
    posterior = gaussian_cells(
        y, cell, 3, prior=PRIOR, groups={"interviewer": interviewer, "person": person}
    ).posterior()

    assert posterior.spreads["person"] == pytest.approx(0.9, abs=0.25)
    assert posterior.spreads["residual"] == pytest.approx(0.6, abs=0.1)
    assert "interviewer and person" in posterior.model
    within = posterior.contrast(DIFFERENCE).sd
    assert within == pytest.approx(posterior.spreads["residual"] * np.sqrt(2 / 60), rel=0.05)


def test_with_wide_priors_the_interval_is_the_confidence_interval(small):
    y, _ = small
    wide = CellPrior(middle=4, middle_sd=1e3, effect_sd=1e3, residual_sd=1e3, group_sd=1, slope_sd=1)
    found = gaussian_cells(y, CELL, 3, prior=wide).posterior().contrast(DIFFERENCE, interval="equal-tailed").posterior
    mean = [y[np.equal(CELL, j)].mean() for j in range(3)]
    residual = np.sqrt(
        sum(((y[np.equal(CELL, j)] - mean[j]) ** 2).sum() for j in range(3)) / 8
    )  # flat prior of sigma: df - 1

    assert found.median == pytest.approx(mean[0] - mean[1], abs=1e-4)
    assert found.high - found.median == pytest.approx(stats.t.ppf(0.975, 8) * residual * np.sqrt(0.5), rel=2e-3)


def test_a_cell_without_rows_changes_nothing_for_the_others_and_refuses_its_contrasts(small):
    y, x = small
    full = gaussian_cells(y, CELL, 3, prior=PRIOR, covariates=x[:, None]).posterior()
    gap = gaussian_cells(y, np.array([0, 2, 3])[CELL], 4, prior=PRIOR, covariates=x[:, None]).posterior()

    assert gap.contrast([1, 0, -1, 0]).bayes_factor == pytest.approx(full.contrast(DIFFERENCE).bayes_factor, rel=1e-9)
    assert "1 cell(s) hold no data" in gap.notes[0]
    with pytest.raises(DataError, match="needs 1 cell"):
        gap.contrast([1, -1, 0, 0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.full(12, 3.0)}, "nothing varies"),
        ({"y": np.r_[np.nan, np.arange(11.0)]}, "finite outcome"),
        ({"groups": {"g": np.zeros(12, dtype=int)}}, "one group"),
        ({"groups": {"g": np.arange(12)}}, "a g of its own"),
        ({"groups": {"a": GROUP, "b": OTHER, "c": GROUP}}, "more than quadrature serves"),
        ({"covariates": np.zeros((12, 1))}, "positive spread"),
        ({"cell": CELL + 1}, "positions from 0"),
    ],
)
def test_rows_that_fit_no_model_are_refused(small, change, message):
    given = {"y": small[0], "cell": CELL, "groups": {"g": GROUP}} | change
    with pytest.raises(DataError, match=message):
        gaussian_cells(given.pop("y"), given.pop("cell"), 3, prior=PRIOR, **given)


def _three_data_sets():
    rng = np.random.default_rng(99)
    cell = np.tile(np.arange(8), 50)
    effect = np.array([0.3, 0, 0.1, -0.2, 0, 0, 0.2, -0.1])
    x = rng.normal(size=400)
    interviewer = rng.integers(0, 20, 400)
    yield "factorial with baseline", {
        "y": 4 + effect[cell] + 0.5 * x + rng.normal(0, 1.1, 400), "cell": cell, "covariates": (x - x.mean())[:, None],
    }  # fmt: skip
    yield "factorial with interviewers", {
        "y": 4 + effect[cell] + rng.normal(0, 0.4, 20)[interviewer] + rng.normal(0, 1.1, 400), "cell": cell,
        "covariates": (x - x.mean())[:, None], "groups": {"interviewer": interviewer},
    }  # fmt: skip
    person = np.repeat(np.arange(90), 4)
    within = np.tile(np.arange(4), 90) + 4 * (person % 2)
    yield "within persons", {
        "y": 3.5 + effect[within] + rng.normal(0, 0.8, 90)[person] + rng.normal(0, 0.7, 360), "cell": within,
        "groups": {"person": person},
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "given"), list(_three_data_sets()), ids=lambda value: str(value)[:30])
def test_exact_posterior_lies_within_three_monte_carlo_errors_of_nutpie(name, given):
    problem = gaussian_cells(given.pop("y"), given.pop("cell"), 8, prior=PRIOR, **given)
    exact = problem.posterior()
    drawn = sample(problem.pymc_model(), seed=5, draws=3000)
    assert drawn.gates.hold, drawn.gates.failures
    cells = drawn.variables["cells"]

    rows = np.vstack([np.eye(8), np.repeat([[1, -1]], 4, axis=0).ravel() / 4, np.r_[np.ones(4), -np.ones(4)] / 4])
    for row in rows:
        found = exact.contrast(row)
        values = cells @ row
        mean = float(exact.cells.project(row).mean)
        assert abs(values.mean() - mean) < 3 * _mcse(values), name
        assert values.std(ddof=1) == pytest.approx(found.sd, rel=0.04)
    for label, sd in exact.variances.items():
        values = drawn.variables[f"sd_{label}"]
        assert abs(values.mean() - exact.cells.weights @ sd) < 3.5 * _mcse(values), (name, label)


def _mcse(values: np.ndarray) -> float:
    import arviz as az

    return float(az.mcse(values, method="mean"))


@pytest.mark.slow
def test_exact_bayes_factor_is_that_of_the_draws():
    _, given = list(_three_data_sets())[1]
    problem = gaussian_cells(given.pop("y"), given.pop("cell"), 8, prior=PRIOR, **given)
    exact = problem.posterior()
    drawn = sample(problem.pymc_model(), seed=6, draws=4000)
    sds = np.sqrt(drawn.variables["sd_residual"] ** 2 + drawn.variables["sd_interviewer"] ** 2).ravel()
    draws = CellDraws(
        draws=drawn.variables["cells"].reshape(-1, 8),
        chains=4,
        sds=sds,
        gates=drawn.gates,
        n=400,
        model="sampled",
        prior=str(PRIOR),
        prior_cells=PRIOR.cells(8),
    )
    row = np.r_[np.ones(4), -np.ones(4)] / 4

    ours, theirs = exact.contrast(row), draws.contrast(row)

    assert theirs.log_bayes_factor == pytest.approx(ours.log_bayes_factor, abs=0.1)
    for scale in (0.2, 0.5, 1.0):
        found = draws.effect_bayes_factor(row, scale=scale)
        wanted = exact.effect_bayes_factor(row, scale=scale).log_bayes_factor
        assert found.log_bayes_factor == pytest.approx(wanted, abs=4 * found.error + 0.02)


@pytest.mark.slow
@pytest.mark.parametrize("design", ["between", "clusters", "within"])
def test_intervals_of_500_studies_drawn_from_the_prior_cover_at_their_level(design):
    rng = np.random.default_rng({"between": 1, "clusters": 2, "within": 3}[design])
    person, cell = np.repeat(np.arange(40), 4), np.tile(np.arange(4), 40)
    groups = {"between": {}, "clusters": {"g": person // 4}, "within": {"person": person}}[design]
    cover = {"HDI": 0, "equal-tailed": 0}
    ranks = []
    row = np.array([0.5, 0.5, -0.5, -0.5])
    root = np.linalg.cholesky(PRIOR.cells(4).covariances[0])
    for _ in range(500):
        truth = PRIOR.middle + root @ rng.standard_normal(4)
        sd = abs(rng.normal(0, PRIOR.residual_sd))
        y = truth[cell] + sd * rng.standard_normal(160)
        for member in groups.values():
            y = y + abs(rng.normal(0, PRIOR.group_sd)) * rng.standard_normal(member.max() + 1)[member]
        posterior = gaussian_cells(y, cell, 4, prior=PRIOR, groups=groups).posterior()
        for kind in cover:
            found = posterior.contrast(row, interval=kind).posterior
            cover[kind] += found.low <= row @ truth <= found.high
        ranks.append(posterior.cells.project(row).below(float(row @ truth)))

    assert all(0.93 <= count / 500 <= 0.97 for count in cover.values()), cover
    assert stats.kstest(ranks, "uniform").pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize(("size", "groups"), [(0.0, 0), (0.4, 0), (0.4, 16)])
def test_intervals_of_500_studies_with_one_truth_cover_at_their_level(size, groups):
    """Not calibrated by construction: the truth is fixed, and the prior pulls it a little towards none."""
    rng = np.random.default_rng(700 + groups + int(10 * size))
    cell, member = np.tile(np.arange(4), 48), np.repeat(np.arange(16), 12)
    row = np.array([0.5, 0.5, -0.5, -0.5])
    cover = 0
    for _ in range(500):
        y = 4 + size * np.array([0.5, 0.5, -0.5, -0.5])[cell] + 1.2 * rng.standard_normal(192)
        if groups:
            y = y + 0.4 * rng.standard_normal(16)[member]
        found = gaussian_cells(y, cell, 4, prior=PRIOR, groups={"g": member} if groups else {}).posterior()
        interval = found.contrast(row).posterior
        cover += interval.low <= size <= interval.high

    assert 0.93 <= cover / 500 <= 0.97


def test_wider_and_narrower_priors_bracket_the_answer(small):
    y, x = small
    problem = gaussian_cells(y, CELL, 3, prior=PRIOR, covariates=x[:, None])
    found = prior_widths(problem, DIFFERENCE, folds=(0.25, 4.0), quantity="first against second")

    assert [row.fold for row in found.rows] == [0.25, 1.0, 4.0]
    assert found.declared.median == pytest.approx(problem.posterior().contrast(DIFFERENCE).posterior.median)
    sizes = [abs(row.median) for row in found.rows]
    assert sizes == sorted(sizes)
    assert found.shift > 0
    assert not found.same_side  # twelve rows: the width decides, and the page says so
    assert "depends on the width" in str(found)
    with pytest.raises(DataError, match="positive"):
        prior_widths(problem, DIFFERENCE, folds=(0.0,))


def test_forward_draws_of_a_problem_know_its_groups(small):
    problem = gaussian_cells(small[0], CELL, 3, prior=PRIOR, groups={"g": GROUP})
    bare = gaussian_cells(small[0], CELL, 3, prior=PRIOR)

    assert problem.prior_predictive(seed=1).within_cells[1] > bare.prior_predictive(seed=1).within_cells[1]


def test_prior_cells_are_those_of_the_posterior_without_information(small):
    """With an enormous residual sd forced by wide data the posterior of a contrast falls back on its prior."""
    y, _ = small
    narrow = CellPrior(middle=4, middle_sd=1, effect_sd=1e-3, residual_sd=1.2, group_sd=1, slope_sd=1)
    posterior = gaussian_cells(y, CELL, 3, prior=narrow).posterior()

    assert posterior.contrast(DIFFERENCE).sd == pytest.approx(np.sqrt(2) * 1e-3, rel=1e-3)
    assert isinstance(posterior.prior_cells, NormalCells)


def log_marginal_by_rules(y, fixed, shared=None):
    """Integrate the n x n normal likelihood over the spreads by wide Gauss-Legendre rules around its peak."""
    at, n = y - PRIOR.middle, len(y)
    u, w = special.roots_legendre(400 if shared is None else 60)
    others = np.zeros(1) if shared is None else 3 * (u + 1)
    shared = np.zeros((n, n)) if shared is None else shared
    roots = [np.linalg.eigh(fixed + sd**2 * shared) for sd in others]

    def height(log_sd):
        made = []
        for sd, (values, vectors) in zip(others, roots, strict=True):
            spread, turned = values[:, None] + np.exp(2 * log_sd), (vectors.T @ at)[:, None]
            likelihood = -0.5 * (n * np.log(2 * np.pi) + (np.log(spread) + turned**2 / spread).sum(axis=0))
            made.append(likelihood + (stats.halfnorm.logpdf(sd, scale=PRIOR.group_sd) if others.size > 1 else 0.0))
        return np.array(made) + stats.halfnorm.logpdf(np.exp(log_sd), scale=PRIOR.residual_sd) + log_sd

    tried = np.linspace(-3, 3, 121)
    peak = tried[height(tried).max(axis=0).argmax()]
    mass = np.outer(3 * w if others.size > 1 else np.ones(1), 1.2 * w)
    return special.logsumexp(height(peak + 1.2 * u), b=mass)


@pytest.mark.parametrize(
    ("size", "effect", "grouped"), [(60, 0.4, False), (60, 2.2, False), (60, 5.0, False), (24, 2.5, True)]
)
def test_log_bayes_factors_of_any_size_are_the_ratio_of_two_marginal_likelihoods(size, effect, grouped):
    rng = np.random.default_rng(31)
    cell = np.arange(2 * size) % 2
    group = np.arange(2 * size) // 2 % 8
    y = 4 + effect * (cell - 0.5) + rng.normal(size=2 * size) + (0.7 * rng.normal(size=8)[group] if grouped else 0)
    design, cells, weights = np.eye(2)[cell], PRIOR.cells(2).covariances[0], np.array([1.0, -1.0])
    pulled = cells @ weights
    without = cells - np.outer(pulled, pulled) / (weights @ pulled)
    shared = (group[:, None] == group).astype(float) if grouped else None
    expected = log_marginal_by_rules(y, design @ cells @ design.T, shared)
    expected -= log_marginal_by_rules(y, design @ without @ design.T, shared)
    posterior = gaussian_cells(y, cell, 2, prior=PRIOR, groups={"g": group} if grouped else {}).posterior()
    found = posterior.contrast(weights).log_bayes_factor
    assert found == pytest.approx(expected, abs=1e-3)
