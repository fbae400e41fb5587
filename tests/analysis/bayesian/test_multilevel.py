"""The three-level model: sufficient statistics carry the rows' likelihood; figures that cannot be modelled speak."""

import inspect

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from feedbackstudy.analysis.bayesian import multilevel, sampling
from feedbackstudy.analysis.bayesian.gates import converged
from feedbackstudy.analysis.bayesian.multilevel import ClassFigures, GammaPrior, ThreeLevelPrior, log_likelihood
from feedbackstudy.errors import DataError

CONDITIONS = ("not_incentivised", "incentivised")


def figures_of(classes: pd.DataFrame) -> ClassFigures:
    return ClassFigures.of(
        classes["n"],
        classes["mean_delta_z"],
        classes["sd_delta_z"],
        condition=classes["incentivised"],
        conditions=CONDITIONS,
    )


@pytest.mark.parametrize("seed", range(3))
def test_class_figures_have_the_likelihood_of_the_students_rows(shared, classes, seed):
    """Needs the rows, which are not shipped: every class mean and sd gives the same log likelihood from both."""
    rows = pd.read_csv(shared / "data" / "rows" / "manyclasses1_timing.csv")
    rng = np.random.default_rng(seed)
    mu, sigma = rng.normal(0, 0.3, 38), rng.gamma(4, 0.25, 38)
    place = rows["course_id"].to_numpy() - 1
    by_row = stats.norm.logpdf(rows["delta_z"], mu[place], sigma[place])
    by_class = np.bincount(place, weights=by_row, minlength=38)

    found = log_likelihood(figures_of(classes), class_mean=mu, class_sd=sigma)

    assert found == pytest.approx(by_class, rel=1e-7)


def test_the_shipped_figures_are_those_of_the_rows(shared, classes):
    rows = pd.read_csv(shared / "data" / "rows" / "manyclasses1_timing.csv")
    by_class = rows.groupby("course_id")["delta_z"].agg(["size", "mean", "std"])

    assert classes["n"].tolist() == by_class["size"].tolist()
    assert classes["mean_delta_z"].to_numpy() == pytest.approx(by_class["mean"].to_numpy(), rel=1e-8)
    assert classes["sd_delta_z"].to_numpy() == pytest.approx(by_class["std"].to_numpy(), rel=1e-8)


def test_class_figures_have_the_likelihood_of_invented_rows():
    rng = np.random.default_rng(12)
    people = [rng.normal(m, s, n) for m, s, n in ((0.1, 1, 9), (-0.2, 0.5, 30), (0.0, 2, 4), (0.3, 1, 2))]
    figures = ClassFigures.of(
        [p.size for p in people],
        [p.mean() for p in people],
        [p.std(ddof=1) for p in people],
        condition=[0, 0, 1, 1],
        conditions=CONDITIONS,
    )

    found = log_likelihood(figures, class_mean=0.1, class_sd=0.8)

    assert found == pytest.approx([stats.norm.logpdf(p, 0.1, 0.8).sum() for p in people], rel=1e-10)


def test_integrating_the_class_mean_out_gives_the_two_terms_of_the_model():
    """Row likelihood times N(mean | condition), integrated over the class mean, is what the model multiplies."""
    n, mean, sd, mu, tau = 7, 0.2, 0.9, -0.1, 0.3
    figures = ClassFigures.of([n, 5], [mean, 0], [sd, 1], condition=[0, 0], conditions=("only",))

    def collapsed(sigma: float) -> float:
        variance = -(n - 1) * np.log(sigma) - (n - 1) * sd**2 / (2 * sigma**2)
        return stats.norm.logpdf(mean, mu, np.sqrt(tau**2 + sigma**2 / n)) + variance

    def integrated(sigma: float) -> float:
        at = np.linspace(-4, 4, 20_001)
        rows = np.array([log_likelihood(figures, class_mean=m, class_sd=sigma)[0] for m in at[::10]])
        return float(np.log(np.trapezoid(np.exp(rows) * stats.norm.pdf(at[::10], mu, tau), at[::10])))

    differences = [collapsed(sigma) - integrated(sigma) for sigma in (0.5, 0.9, 1.7)]
    assert differences == pytest.approx([differences[0]] * 3, abs=1e-6)  # the same constant, whatever sigma


def test_the_default_priors_are_those_of_the_source():
    prior = ThreeLevelPrior()

    assert (prior.between_sd.shape, prior.between_sd.rate) == (1.640388, 0.6403882)
    assert (prior.class_sd_mode.shape, prior.class_sd_mode.rate) == (1.640388, 1.280776)
    assert (prior.class_sd_sd.shape, prior.class_sd_sd.rate) == (1.640388, 0.6403882)
    assert prior.condition_mean_sd == 1


def test_the_gamma_of_given_mode_and_sd_is_the_one_of_the_source():
    """Shape 1.640388 and rate 0.6403882 are mode 1 and sd 2; rate 1.280776 mode 0.5 and sd 1."""
    for mode, sd, shape, rate in ((1, 2, 1.640388, 0.6403882), (0.5, 1, 1.640388, 1.280776)):
        found = (mode + np.sqrt(mode**2 + 4 * sd**2)) / (2 * sd**2)
        assert (1 + mode * found, found) == pytest.approx((shape, rate), rel=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sd": [0, 1, 1, 1]}, "Class 1 has no spread"),
        ({"sd": [-1, 1, 1, 1]}, "never negative"),
        ({"n": [1, 5, 5, 5]}, "group 1 has fewer"),
        ({"n": [0, 5, 5, 5]}, "group 1 has fewer"),
        ({"mean": [np.nan, 0, 0, 0]}, "finite"),
        ({"condition": [0, 0, 0, 1]}, "'incentivised' has fewer than two classes"),
        ({"condition": [0, 0, 1, 2]}, "one of the 2 conditions"),
        ({"condition": [0, 0, 1]}, "one of the 2 conditions"),
    ],
)
def test_classes_that_cannot_be_modelled_are_refused(change, message):
    figures = {"n": [5] * 4, "mean": [0.0] * 4, "sd": [1.0] * 4, "condition": [0, 0, 1, 1], **change}
    with pytest.raises(DataError, match=message):
        ClassFigures.of(
            figures["n"], figures["mean"], figures["sd"], condition=figures["condition"], conditions=CONDITIONS
        )


def test_a_gamma_prior_needs_positive_shape_and_rate():
    with pytest.raises(DataError, match="must be positive"):
        GammaPrior(0, 1)


def test_too_few_chains_or_draws_are_refused_before_anything_is_compiled():
    for settings in ({"chains": 1}, {"draws": 10}, {"tune": 5}):
        with pytest.raises(DataError, match="Convergence needs"):
            sampling.sample(None, seed=1, **settings)


def test_the_sampler_prints_nothing_and_imports_nothing_until_it_is_called():
    for module in (sampling, multilevel):
        source = inspect.getsource(module)
        assert "print(" not in source
        assert "\nimport pymc" not in source
        assert "\nimport nutpie" not in source


def test_the_units_of_the_class_sds_follow_what_the_classes_say_of_them():
    """Mean sampling variance of log s is 1/(2n - 2); 11.34 is the 99 % chi square of 3; equal sds are not centred."""
    one, same = (
        ClassFigures.of([11] * 4, [0.0] * 4, sds, condition=[0, 0, 1, 1], conditions=CONDITIONS)
        for sds in (np.exp([0.0, 0.5, 1.0, 1.5]), np.ones(4))
    )

    assert one.centring == pytest.approx(1 - 0.05 * 11.344867 / 3 / np.var([0, 0.5, 1, 1.5], ddof=1), rel=1e-7)
    assert same.centring == 0.0


@pytest.mark.parametrize("sds", [[0.5, 1.0, 2.0, 4.0], [1.0, 1.0, 1.0, 1.0]], ids=["partly centred", "standard units"])
def test_class_sds_keep_their_gamma_prior_in_the_units_of_the_sampler(sds):
    figures = ClassFigures.of([12] * 4, [0.0] * 4, sds, condition=[0, 0, 1, 1], conditions=CONDITIONS)
    model = multilevel.three_level_model(figures)
    raw = next(v for v in model.free_RVs if v.name == "raw_class_sd")
    mode, spread, share = 0.7, 0.4, figures.centring
    rate = (mode + np.sqrt(mode**2 + 4 * spread**2)) / (2 * spread**2)
    shape, wanted = 1 + mode * rate, np.array([0.3, 0.8, 1.1, 2.0])
    scale = shape ** ((1 - share) / 2)
    point = model.initial_point()
    point |= {"class_sd_mode_log__": np.log(mode), "class_sd_sd_log__": np.log(spread)}
    point["raw_class_sd"] = (np.log(wanted) - share * np.log(sds).mean() - (1 - share) * np.log(shape / rate)) * scale

    found = float(model.compile_logp(vars=[raw], jacobian=False, mode="FAST_COMPILE")(point))

    jacobian = np.log(wanted).sum() - 4 * np.log(scale)  # d sd / d raw = sd / scale
    assert found == pytest.approx(stats.gamma.logpdf(wanted, shape, scale=1 / rate).sum() + jacobian, abs=1e-8)
    evaluated = model.compile_fn(
        model.replace_rvs_by_values([model["class_sd"]]), inputs=model.value_vars, on_unused_input="ignore"
    )
    assert evaluated(point)[0] == pytest.approx(wanted, rel=1e-10)


@pytest.mark.slow
def test_the_model_with_class_means_integrated_out_equals_the_model_with_them(classes):
    """The same posterior from the authors' form, class means sampled (off centre) and people's likelihood in full."""
    figures = figures_of(classes)
    prior = ThreeLevelPrior()
    pm = sampling.load_pymc()
    with pm.Model() as full:
        condition_mean = pm.Normal("condition_mean", 0, 1, shape=2)
        between = pm.Gamma("between_sd", alpha=prior.between_sd.shape, beta=prior.between_sd.rate, shape=2)
        mode = pm.Gamma("mode", alpha=prior.class_sd_mode.shape, beta=prior.class_sd_mode.rate)
        spread = pm.Gamma("spread", alpha=prior.class_sd_sd.shape, beta=prior.class_sd_sd.rate)
        rate = (mode + pm.math.sqrt(mode**2 + 4 * spread**2)) / (2 * spread**2)
        sigma = pm.Gamma("class_sd", alpha=1 + mode * rate, beta=rate, shape=38)
        offset = pm.Normal("offset", 0, 1, shape=38)
        mu = condition_mean[figures.condition] + between[figures.condition] * offset
        squares = (figures.n - 1) * figures.sd**2 + figures.n * (figures.mean - mu) ** 2
        pm.Potential("people", -figures.n * pm.math.log(sigma) - squares / (2 * sigma**2))
    theirs = sampling.sample(full, seed=3, draws=4000, target_accept=0.97)

    ours = multilevel.three_level(figures, seed=4, draws=4000)

    for name in ("condition_mean", "between_sd"):
        for i in range(2):
            a, b = ours.draws.variables[name][:, :, i], theirs.variables[name][:, :, i]
            error = np.hypot(converged(a).mcse_median, converged(b).mcse_median)
            assert np.median(a) == pytest.approx(np.median(b), abs=4 * error)
            assert a.std() == pytest.approx(b.std(), rel=0.08)
    assert ours.draws.gates.hold
    assert ours.class_mean.std(axis=(0, 1)).max() < 0.3  # every class is pulled towards its condition


@pytest.mark.slow
def test_class_means_drawn_afterwards_follow_their_normal_distribution(classes):
    figures = figures_of(classes)
    drawn = multilevel.three_level(figures, seed=4, draws=2000)
    between = drawn.between_sd[:, :, figures.condition] ** 2
    within = drawn.class_sd**2 / figures.n
    centre = (within * drawn.condition_mean[:, :, figures.condition] + between * figures.mean) / (within + between)
    z = (drawn.class_mean - centre) / np.sqrt(within * between / (within + between))

    assert stats.kstest(z[:, ::40].ravel(), "norm").pvalue > 1e-4
