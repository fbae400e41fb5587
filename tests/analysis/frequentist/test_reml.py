"""Linear mixed models against lme4, lmerTest and pbkrtest: slopes, nested, crossed, uncorrelated, singular."""

import numpy as np
import pytest
from scipy import optimize

from feedbackstudy.analysis.frequentist.cell_fit import single_tests
from feedbackstudy.analysis.frequentist.kenward_roger import KenwardRoger
from feedbackstudy.analysis.frequentist.mixed_cells import mixed_cells
from feedbackstudy.analysis.frequentist.mixed_intervals import effect_intervals, variance_intervals
from feedbackstudy.analysis.frequentist.mixed_likelihood import curvature_at, minimise
from feedbackstudy.analysis.frequentist.mixed_one import _slopes, one_intercept_start
from feedbackstudy.analysis.frequentist.mixed_pieces import OneInterceptProducts
from feedbackstudy.analysis.frequentist.mixed_products import CrossedProducts, products_of
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.analysis.frequentist.reml import fit_mixed
from feedbackstudy.analysis.frequentist.satterthwaite import Satterthwaite
from feedbackstudy.errors import DataError

# lme4 stops where the deviance changes by less than 1e-15 of itself; variances then agree to about 1e-7
SEARCH = 2e-6


@pytest.fixture(scope="module")
def models(answers) -> dict:
    def of(name, *slopes, **kwargs):
        given = [(slope, answers[slope].to_numpy(float)) for slope in slopes]
        return RandomFactor.of(name, answers[name].to_numpy(), given, **kwargs)

    return {
        "slopes": ("timing*day", [of("participant", "day")], True),
        "slopes_ml": ("timing*day", [of("participant", "day")], False),
        "uncorrelated": ("timing*day", [of("participant", "day", correlated=False)], True),
        "nested": ("timing*framing", [of("team"), of("participant")], True),
        "crossed": ("timing*framing", [of("participant"), of("story"), of("team")], True),
        "crossed_slopes": ("timing*framing+day", [of("participant", "day"), of("story")], True),
        "singular": ("timing*framing", [of("odd")], True),
    }


@pytest.fixture(scope="module")
def fits(answers, columns, models) -> dict:
    y = answers["y"].to_numpy()
    return {name: fit_mixed(y, columns[x], factors, reml=reml) for name, (x, factors, reml) in models.items()}


NAMES = ["slopes", "slopes_ml", "uncorrelated", "nested", "crossed", "crossed_slopes", "singular"]


@pytest.mark.parametrize("name", NAMES)
def test_likelihood_criteria_and_effects_are_those_of_lme4(name, fits, from_lme4):
    fit, known = fits[name], from_lme4["lmer"][name]
    assert fit.converged
    np.testing.assert_allclose(
        [fit.log_likelihood, fit.aic, fit.bic], [known["loglik"], known["aic"], known["bic"]], rtol=1e-11
    )
    np.testing.assert_allclose(fit.beta, [row["Estimate"] for row in known["fixed_satt"]], rtol=SEARCH)
    np.testing.assert_allclose(fit.se, [row["Std. Error"] for row in known["fixed_satt"]], rtol=SEARCH)


@pytest.mark.parametrize("name", NAMES)
def test_degrees_of_freedom_are_those_of_lmertest_and_pbkrtest(name, fits, from_lme4):
    fit, known = fits[name], from_lme4["lmer"][name]
    tests = {"fixed_satt": Satterthwaite} | ({"fixed_kr": KenwardRoger} if fit.reml else {})
    for key, method in tests.items():
        made = [method(fit).contrast(row) for row in np.eye(fit.beta.size)]
        np.testing.assert_allclose([c.df for c in made], [row["df"] for row in known[key]], rtol=SEARCH)
        np.testing.assert_allclose([c.se for c in made], [row["Std. Error"] for row in known[key]], rtol=SEARCH)
        np.testing.assert_allclose([c.p for c in made], [row["Pr(>|t|)"] for row in known[key]], rtol=1e-4)


@pytest.mark.parametrize(("name", "span"), [("crossed", slice(4, 6)), ("nested", slice(4, 6))])
@pytest.mark.parametrize(("key", "method"), [("anova3_satt", Satterthwaite), ("anova3_kr", KenwardRoger)])
def test_an_interaction_of_two_degrees_of_freedom_has_their_f(name, span, key, method, fits, from_lme4):
    fit = fits[name]
    known = next(row for row in from_lme4["lmer"][name][key] if row["term"] == "timing:framing")
    found = method(fit).joint(np.eye(fit.beta.size)[span])
    np.testing.assert_allclose([found.f, found.df2], [known["F value"], known["DenDF"]], rtol=SEARCH)
    assert found.p == pytest.approx(known["Pr(>F)"], rel=1e-4)
    doubled = np.vstack([np.eye(fit.beta.size)[span], np.eye(fit.beta.size)[span].sum(axis=0)])
    assert method(fit).joint(doubled).f == pytest.approx(found.f, rel=1e-9)


def test_variance_components_are_those_of_lme4(fits, from_lme4):
    for name in ("slopes", "uncorrelated", "crossed_slopes"):
        known = from_lme4["lmer"][name]["vc"]
        component = fits[name].components[0]
        variances = [row["vcov"] for row in known if row["grp"].startswith("participant") and row["var2"] is None]
        np.testing.assert_allclose(np.diag(component.covariance), variances, rtol=SEARCH)
        assert fits[name].sigma2 == pytest.approx(known[-1]["vcov"], rel=SEARCH)
    covariance = next(row["vcov"] for row in from_lme4["lmer"]["slopes"]["vc"] if row["var2"] is not None)
    assert fits["slopes"].components[0].covariance[0, 1] == pytest.approx(covariance, rel=SEARCH)


def test_a_variance_of_zero_is_flagged_and_gives_the_residual_degrees_of_freedom(fits):
    fit = fits["singular"]
    assert fit.singular
    assert fit.components[0].covariance[0, 0] == pytest.approx(0, abs=1e-12)
    assert Satterthwaite(fit).df(np.eye(6)[1]) == pytest.approx(360 - 6, rel=1e-9)


def test_standard_deviation_intervals_are_where_lme4s_profile_crosses(answers, columns, models, from_lme4):
    # lme4 interpolates its profile by a spline; 1e-4 is what that costs it
    found = variance_intervals(answers["y"].to_numpy(), columns["timing*framing"], models["crossed"][1])
    known = {row["term"]: (row["2.5 %"], row["97.5 %"]) for row in from_lme4["lmer"]["crossed"]["profile"]}
    by_name = {one.factor or "residual": (one.low, one.high) for one in found}
    np.testing.assert_allclose(by_name["participant"], known["sd_(Intercept)|participant"], rtol=1e-4)
    np.testing.assert_allclose(by_name["story"], known["sd_(Intercept)|story"], rtol=1e-4)
    np.testing.assert_allclose(by_name["residual"], known["sigma"], rtol=1e-4)
    assert by_name["team"][0] == 0


def test_effect_intervals_are_where_lme4s_profile_crosses(answers, columns, models, from_lme4):
    x, factors, _ = models["slopes"]
    found = effect_intervals(answers["y"].to_numpy(), columns[x], factors, names=list("abcd"))
    known = from_lme4["lmer"]["slopes"]["profile"][-4:]
    np.testing.assert_allclose([one.low for one in found], [row["2.5 %"] for row in known], rtol=1e-4)
    np.testing.assert_allclose([one.high for one in found], [row["97.5 %"] for row in known], rtol=1e-4)


def test_a_limit_is_where_the_deviance_has_risen_by_the_quantile(answers, columns, models):
    x, factors, _ = models["slopes"]
    y = answers["y"].to_numpy()
    full = fit_mixed(y, columns[x], factors, reml=False)
    low = effect_intervals(y, columns[x], factors, names=list("abcd"))[1].low
    held = fit_mixed(y - low * columns[x][:, 1], np.delete(columns[x], 1, axis=1), factors, reml=False)
    assert held.deviance - full.deviance == pytest.approx(3.841458820694124, abs=1e-6)


def test_pieces_are_those_of_the_matrices_written_out():
    rng = np.random.default_rng(1)
    n = 60
    factors = [
        RandomFactor.of("c", rng.integers(0, 4, n)),
        RandomFactor.of("a", rng.integers(0, 12, n), [("x", rng.normal(size=n))]),
        RandomFactor.of("b", rng.integers(0, 5, n), [("z", rng.normal(size=n))]),
    ]
    w, theta = rng.normal(size=(n, 3)), rng.normal(size=7)
    products = CrossedProducts(factors, w)
    found = products.pieces(theta)
    v, parts, at = np.eye(n), [], 0
    for k, shape in zip(products.order, products.patterns, strict=True):
        z = np.zeros((n, factors[k].levels, shape.size))
        z[np.arange(n), factors[k].codes] = factors[k].design
        lower = shape.factor(theta[at : at + len(shape.cells)])
        at += len(shape.cells)
        v += np.einsum("nga,ab,mgb->nm", z, lower @ lower.T, z)
        parts += [np.einsum("nga,ab,mgb->nm", z, unit, z) for unit in shape.units]
    inverse = np.linalg.inv(v)
    assert found.log_det == pytest.approx(np.linalg.slogdet(v)[1], rel=1e-12)
    np.testing.assert_allclose(found.gram, w.T @ inverse @ w, rtol=1e-10, atol=1e-10)
    for r, one in enumerate(parts):
        np.testing.assert_allclose(found.first[r], w.T @ inverse @ one @ inverse @ w, atol=1e-10)
        assert found.trace[r] == pytest.approx(np.trace(inverse @ one), rel=1e-10)
        for s, two in enumerate(parts):
            both = inverse @ one @ inverse @ two
            np.testing.assert_allclose(found.second[r, s], w.T @ both @ inverse @ w, atol=1e-9)
            assert found.traces[r, s] == pytest.approx(np.trace(both), rel=1e-9, abs=1e-9)


def test_the_short_way_for_one_intercept_is_the_long_way():
    rng = np.random.default_rng(2)
    factor = RandomFactor.of("a", rng.integers(0, 9, 50))
    w = rng.normal(size=(50, 4))
    short = OneInterceptProducts(factor, w).pieces(np.array([0.7]))
    long = CrossedProducts([factor], w).pieces(np.array([0.7]))
    for a, b in zip(short, long, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)


def test_many_crossed_levels_are_fitted_by_blocks():
    rng = np.random.default_rng(3)
    people, stories = np.repeat(np.arange(800), 5), rng.integers(0, 40, 4000)
    x = np.column_stack([np.ones(4000), rng.integers(0, 2, 4000)])
    by_person, by_story = rng.normal(0, 0.7, 800), rng.normal(0, 0.4, 40)
    y = x @ [1, 0.3] + by_person[people] + by_story[stories] + rng.normal(size=4000)
    fit = fit_mixed(y, x.astype(float), [RandomFactor.of("story", stories), RandomFactor.of("person", people)])
    assert fit.converged
    drawn = [by_story.std(ddof=1), by_person.std(ddof=1)]
    np.testing.assert_allclose([c.sd[0] for c in fit.components], drawn, rtol=0.06)


def test_slopes_that_leave_no_rows_and_kenward_roger_of_ml_are_refused(fits):
    with pytest.raises(DataError, match="cannot be told"):
        RandomFactor.of("p", np.repeat(np.arange(10), 2), [("x", np.arange(20.0))])
    with pytest.raises(DataError, match="REML"):
        KenwardRoger(fits["slopes_ml"])


@pytest.mark.slow
@pytest.mark.parametrize("groups", [6, 10])
def test_type_one_error_with_few_clusters_of_treated_groups(groups):
    """Treatment by cluster: t with Satterthwaite or Kenward-Roger keeps 5 % where z does not (2,000 studies)."""
    rng = np.random.default_rng(groups)
    codes = np.repeat(np.arange(groups), 8)
    x = np.column_stack([np.ones(codes.size), (codes % 2).astype(float)])
    factor = RandomFactor.of("cluster", codes)
    studies, hits = 2000, np.zeros(3)
    for _ in range(studies):
        y = rng.normal(0, 0.7, groups)[codes] + rng.normal(size=codes.size)
        fit = fit_mixed(y, x, [factor])
        satterthwaite, kenward = Satterthwaite(fit).contrast(np.eye(2)[1]), KenwardRoger(fit).contrast(np.eye(2)[1])
        hits += [satterthwaite.p < 0.05, kenward.p < 0.05, abs(satterthwaite.statistic) > 1.96]
    satterthwaite, kenward, normal = hits / studies
    # 3.5 standard errors of a proportion of .05 in 2,000 are .017
    assert satterthwaite == pytest.approx(0.05, abs=0.02)
    assert kenward == pytest.approx(0.05, abs=0.02)
    assert normal > 0.075


@pytest.mark.slow
def test_the_search_ends_no_higher_than_four_starts_of_another():
    rng = np.random.default_rng(7)
    for k in range(160):
        n = int(rng.integers(40, 120))
        x = rng.normal(size=n)
        g, h = rng.integers(0, int(rng.integers(3, 9)), n), rng.integers(0, int(rng.integers(3, 8)), n)
        y = rng.normal(size=n) + rng.choice([0, 0.3, 1, 4]) * rng.normal(size=9)[g]
        y = y + rng.choice([0, 0.3, 1, 4]) * rng.normal(size=9)[h] + rng.choice([0, 1]) * rng.normal(size=9)[g] * x
        fixed = np.linalg.qr(np.column_stack([np.ones(n), x]))[0]
        rest = y - fixed @ (fixed.T @ y)
        slope, other = [("x", x)], RandomFactor.of("h", h)
        factors = (
            [RandomFactor.of("g", g)],
            [RandomFactor.of("g", g, slope)],
            [RandomFactor.of("g", g), other],
            [RandomFactor.of("g", g, slope, correlated=False), other],
        )[k % 4]
        products, reml = products_of(factors, np.column_stack([fixed, rest / rest.std()])), bool(k % 8 < 4)
        found = minimise(products, n, reml=reml)
        assert found.converged
        size = found.theta.size

        def deviance(theta, products=products, n=n, reml=reml):
            return curvature_at(products, theta, n, reml=reml).deviance

        starts = (np.ones(size), np.full(size, 0.3), rng.normal(size=size), 0.2 * rng.normal(size=size))
        lowest = min(optimize.minimize(deviance, start, method="L-BFGS-B").fun for start in starts)
        assert found.curvature.deviance < lowest + 1e-5


@pytest.mark.parametrize("reml", [True, False])
def test_two_scalar_steps_bring_the_search_for_one_intercept_to_its_end(reml):
    rng = np.random.default_rng(3)
    there = 0
    for groups, n, sd in ((5, 40, 1.0), (20, 314, 0.4), (60, 240, 2.0), (150, 300, 1.0), (12, 60, 0.0)):
        codes = rng.integers(0, groups, n)
        q = np.linalg.qr(np.column_stack([np.ones(n), rng.normal(size=(n, 2))]))[0]
        y = rng.normal(size=n) + sd * rng.normal(size=groups)[codes]
        factor = RandomFactor.of("group", codes)
        products = OneInterceptProducts(factor, np.column_stack([q, y - q @ (q.T @ y)]))
        start = one_intercept_start(products, n, reml=reml)
        found = minimise(products, n, reml=reml)
        assert found.converged
        there += abs(start[0] - found.theta[0]) < 1e-3 * found.theta[0]
        moments = abs(products.start()[0] - found.theta[0])
        assert abs(start[0] - found.theta[0]) <= moments
    assert there >= 3


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("place", [0.3, 1.0, 2.5])
def test_derivatives_of_the_search_are_those_of_the_deviance_written_out(reml, place):
    """Against differences of the profiled deviance of whole matrices (Lindstrom and Bates, 1988), five points each."""
    rng = np.random.default_rng(4)
    codes = rng.integers(0, 7, 50)
    q = np.linalg.qr(np.column_stack([np.ones(50), rng.normal(size=(50, 2))]))[0]
    y = rng.normal(size=50) + 0.8 * rng.normal(size=7)[codes]
    products = OneInterceptProducts(RandomFactor.of("group", codes), np.column_stack([q, y]))
    together = (codes[:, None] == codes).astype(float)

    def deviance(theta):
        inverse = np.linalg.inv(np.eye(50) + theta**2 * together)
        fixed = q.T @ inverse @ q
        rest = y - q @ np.linalg.solve(fixed, q.T @ inverse @ y)
        logs = -np.linalg.slogdet(inverse)[1] + reml * np.linalg.slogdet(fixed)[1]
        return logs + (50 - 3 * reml) * np.log(rest @ inverse @ rest)

    step = 1e-3
    below2, below, here, above, above2 = (deviance(place + k * step) for k in range(-2, 3))
    first, second = _slopes(products, np.array([place]), 50, reml=reml)

    assert first == pytest.approx((below2 - 8 * below + 8 * above - above2) / (12 * step), rel=1e-7, abs=1e-8)
    assert second == pytest.approx((-below2 + 16 * below - 30 * here + 16 * above - above2) / (12 * step**2), rel=1e-5)


def test_hypotheses_of_one_contrast_tested_in_one_pass_are_those_tested_alone():
    rng = np.random.default_rng(8)
    fit = mixed_cells(rng.normal(size=120), rng.integers(0, 4, 120), 4, None, {"g": rng.integers(0, 12, 120)})
    rows = [np.array([[1, -1, 0, 0.0]]), np.array([[0.5, 0.5, -0.5, -0.5]]), np.array([[1, 0, 0, -1.0], [0, 1, 0, -1]])]
    for chosen in (rows[:2], rows):
        for one, alone in zip(fit.joints(chosen), map(fit.joint, chosen), strict=True):
            assert (one.f, one.df, one.df2, one.p) == pytest.approx((alone.f, alone.df, alone.df2, alone.p), rel=1e-12)
    chi_square = single_tests(np.eye(2), np.array([1.0, 2.0]), np.eye(2), np.array([np.inf, 10.0]))
    assert chi_square[0].p == pytest.approx(0.31731050786291415, rel=1e-12)  # R: pchisq(1, 1, lower = FALSE)
    assert chi_square[1].p == pytest.approx(0.07338803477074092, rel=1e-6)  # R: pf(4, 1, 10, lower = FALSE)
