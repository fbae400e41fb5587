"""Bayes factors of a data frame: the same on every run, in any order, beside R; and input that fits no test.

The values of R's BayesFactor are checked by test_reference.
"""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.bayes_anova import bayes_factor_anova
from feedbackstudy.analysis.bayes_regression import bayes_factor_correlation, bayes_factor_regression
from feedbackstudy.analysis.bayes_t import bayes_factor_t
from feedbackstudy.errors import DataError, NotFoundError
from tools.analysis_cases import bayes_factors as known

needs_r = pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """Sixty people in two by three cells, with a covariate, and a clear effect of timing."""
    rng = np.random.default_rng(31)
    frame = pd.DataFrame(
        {
            "timing": np.tile(["soon", "late"], 30),
            "tone": np.repeat(["plain", "warm", "cool"], 20),
            "age": rng.normal(40, 9, 60).round(1),
            "hope": rng.normal(3, 1, 60).round(2),
        }
    )
    frame["trust"] = (frame["timing"] == "soon") * 0.8 + 0.03 * frame["age"] + rng.normal(0, 1, 60)
    return frame


def test_quadrature_of_a_balanced_design_agrees_with_the_lattice_and_with_itself():
    """7.837405921e14: two independent integrations; a range of g cut at 1e4 would lose 4 in 100,000."""
    found = known.teeth()["supp + dose + supp:dose"]

    assert found.bayes_factor == pytest.approx(7.837405921e14, rel=1e-9)
    assert known.teeth()["supp + dose"].bayes_factor == pytest.approx(2.874707690e14, rel=1e-9)
    assert found.error == 0


def test_bic_approximation_is_that_of_r():
    """exp of half the difference of R's BIC of the two models of ToothGrowth: 1.165939379."""
    rows = {row.name: row for row in known.teeth().rows}
    gain = rows["supp + dose + supp:dose"].log_bic_factor - rows["supp + dose"].log_bic_factor

    assert np.exp(gain) == pytest.approx(1.165939379, rel=1e-9)


@pytest.mark.parametrize("models", ["with_main", "all", "top"])
def test_every_run_gives_the_same_number(people, models):
    unequal = people.iloc[:-7]
    first, second = (bayes_factor_anova(unequal, "trust", ["timing", "tone"], models=models) for _ in range(2))

    pd.testing.assert_frame_equal(first.frame(), second.frame(), check_exact=True)


def test_order_of_rows_levels_and_factors_does_not_matter(people):
    moved = people.sample(frac=1, random_state=4).assign(
        tone=lambda d: d["tone"].map({"plain": "z", "warm": "a", "cool": "m"})
    )
    first = bayes_factor_anova(people, "trust", ["timing", "tone"])
    second = bayes_factor_anova(moved, "trust", ["tone", "timing"])

    assert second["timing + tone"].log_bayes_factor == pytest.approx(first["timing + tone"].log_bayes_factor, rel=1e-9)
    full = [one.rows[-1].log_bayes_factor for one in (first, second)]
    assert full[0] == pytest.approx(full[1], rel=1e-6)


def test_lattice_of_an_unbalanced_design_approaches_the_grid_of_a_balanced_one(people):
    """Nearly balanced and balanced data give nearly the same evidence; the first is integrated on the lattice."""
    duplicated = pd.concat([people] * 4, ignore_index=True)
    whole = bayes_factor_anova(duplicated, "trust", ["timing", "tone"], models=[["timing", "tone", "timing:tone"]])
    less = bayes_factor_anova(
        duplicated.iloc[1:], "trust", ["timing", "tone"], models=[["timing", "tone", "timing:tone"]]
    )

    assert whole.rows[-1].error == 0 < less.rows[-1].error < 1e-3
    assert less.rows[-1].log_bayes_factor == pytest.approx(whole.rows[-1].log_bayes_factor, abs=0.6)
    assert "not balanced" in str(less)


def test_two_levels_give_the_two_sample_t_test(people):
    """With two groups the effect of the analysis of variance is d / sqrt(2): scale 1/2 there is sqrt(1/2) here."""
    anova = bayes_factor_anova(people, "trust", ["timing"])["timing"]
    t = bayes_factor_t(people, "trust", "timing", prior_scale=np.sqrt(0.5))

    assert anova.log_bayes_factor == pytest.approx(t.log_bayes_factor, rel=1e-9)


def test_one_predictor_gives_the_one_covariate_model(people):
    found = bayes_factor_regression(people, "trust", ["age"])["age"]
    adjusted = bayes_factor_anova(people, "trust", ["timing"], covariates=["age"])
    bare = bayes_factor_anova(people, "trust", ["timing"])

    assert found.bayes_factor > 1
    assert adjusted.against == "age only"
    assert adjusted["timing"].log_bayes_factor != pytest.approx(bare["timing"].log_bayes_factor, abs=0.01)


def test_inclusion_over_matched_models_is_a_ratio_of_sums():
    found = known.teeth()
    table = found.inclusion().set_index("term")
    bf = {row.name: row.bayes_factor for row in found.rows}

    without_interaction = ["supp", "supp + dose"], ["intercept only", "dose"]
    wanted = sum(bf[name] for name in without_interaction[0]) / sum(bf[name] for name in without_interaction[1])
    assert table.loc["supp", "inclusion_bayes_factor"] == pytest.approx(wanted, rel=1e-9)
    everywhere = found.inclusion(matched=False).set_index("term")
    holders = [name for name in bf if "supp" in name.split(" + ")]
    odds = sum(bf[name] for name in holders) / sum(bf[name] for name in bf if name not in holders)
    assert everywhere.loc["supp", "inclusion_bayes_factor"] == pytest.approx(odds, rel=1e-9)


def test_models_compared_with_another_keep_their_ratios():
    found = known.teeth()
    moved = found.compared_with("dose + supp")

    assert moved.against == "supp + dose"
    assert moved["supp + dose"].log_bayes_factor == 0
    assert moved["dose"].bayes_factor == pytest.approx(found["dose"].bayes_factor / found["supp + dose"].bayes_factor)
    assert sum(moved.probabilities.values()) == pytest.approx(1)


def test_robustness_of_a_model_passes_through_its_bayes_factor(people):
    found = bayes_factor_anova(people, "trust", ["timing", "tone"])
    curve = found.robustness("timing + tone", against="tone")

    wanted = found["timing + tone"].log_bayes_factor - found["tone"].log_bayes_factor
    assert curve.log_declared == pytest.approx(wanted, rel=1e-12)
    assert curve.log_bayes_factors[7] == pytest.approx(wanted, rel=1e-9)


def test_a_t_test_states_its_prior_direction_and_posterior(people):
    found = bayes_factor_t(people, "trust", "timing", null_interval=(-0.1, 0.1))

    assert "late minus soon" in found.title
    assert found.posterior.low < found.posterior.median < found.posterior.high < 0.2
    assert "Cauchy, scale 0.7071" in found.prior
    assert found.within is not None
    assert "in against outside" in str(found)
    assert found.frame().shape == (1, 10)
    share = found.within.inside * 0.08983 + found.within.outside * 0.91017  # prior mass of +-0.1: 2 atan(.1/r) / pi
    assert share == pytest.approx(found.bayes_factor, rel=1e-3)


def test_posterior_of_an_effect_gives_the_same_savage_dickey_ratio(people):
    found = bayes_factor_t(people, "trust", "timing")
    post = found.posterior
    at = [np.interp(0.0, post.grid, curve) for curve in (post.prior_density, post.density)]

    assert at[0] / at[1] == pytest.approx(found.bayes_factor, rel=1e-3)


def test_correlation_states_its_kappa_and_its_posterior(people):
    found = bayes_factor_correlation(people, "age", "trust")
    post = found.posterior
    at = [np.interp(0.0, post.grid, curve) for curve in (post.prior_density, post.density)]

    assert "kappa 1" in found.prior
    assert at[0] / at[1] == pytest.approx(found.bayes_factor, rel=1e-3)
    halves = [bayes_factor_correlation(people, "age", "trust", alternative=half) for half in ("greater", "less")]
    assert np.mean([one.bayes_factor for one in halves]) == pytest.approx(found.bayes_factor, rel=1e-9)


def test_rows_that_are_left_out_are_named(people):
    gap = people.assign(who=np.repeat(np.arange(30), 2))
    gap.loc[0, "trust"] = np.nan
    found = bayes_factor_t(gap, "trust", "timing", participant="who")

    assert found.n == (29,)
    assert any("without a pair" in note for note in found.notes)
    assert any("1 of 60 rows" in note for note in found.notes)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: bayes_factor_t(d, "trust", "tone"), "compares two levels"),
        (lambda d: bayes_factor_t(d, "trust", "timing", prior_scale="huge"), "Width of the prior"),
        (lambda d: bayes_factor_t(d, "trust", "timing", prior_scale=-1), "positive and finite"),
        (lambda d: bayes_factor_t(d, "trust", "timing", alternative="up"), "Alternative"),
        (lambda d: bayes_factor_t(d, "trust", "timing", null_interval=(0.1, -0.1)), "must rise"),
        (lambda d: bayes_factor_t(d.assign(trust=1.0), "trust", "timing"), "nothing varies"),
        (lambda d: bayes_factor_t(d.assign(trust="good"), "trust", "timing"), "must hold numbers"),
        (lambda d: bayes_factor_t(d.assign(trust=(d["timing"] == "soon") * 1.0), "trust", "timing"), "any spread"),
        (lambda d: bayes_factor_anova(d, "trust", []), "at least one factor"),
        (lambda d: bayes_factor_anova(d, "trust", ["timing"], models="some"), "Kind of models"),
        (lambda d: bayes_factor_anova(d, "trust", ["timing"], models=["timing"]), "as a list"),
        (lambda d: bayes_factor_anova(d, "trust", ["timing"], prior_scale=0), "positive and finite"),
        (lambda d: bayes_factor_anova(d.assign(age2=2 * d["age"]), "trust", ["timing"], covariates=["age", "age2"]),
         "collinearity"),
        (lambda d: bayes_factor_regression(d.assign(b=d["age"] + 1), "trust", ["age", "b"]), "collinearity"),
        (lambda d: bayes_factor_regression(d, "trust", ["age"], models="best"), "Kind of models"),
        (lambda d: bayes_factor_regression(d.assign(trust=d["age"] * 2), "trust", ["age"]), "without any error"),
        (lambda d: bayes_factor_correlation(d.assign(b=d["age"] + 1), "age", "b"), "perfect line"),
        (lambda d: bayes_factor_correlation(d, "age", "trust", kappa=0), "kappa"),
    ],
)  # fmt: skip
def test_input_that_fits_no_test_is_refused(people, call, message):
    with pytest.raises(DataError, match=message):
        call(people)


@pytest.mark.parametrize(
    "call",
    [
        lambda d: bayes_factor_t(d, "trus"),
        lambda d: bayes_factor_anova(d, "trust", ["timing"], models=[["tone"]]),
        lambda d: bayes_factor_anova(d, "trust", ["timing"])["tone"],
    ],
)
def test_unknown_names_are_answered_with_the_known_ones(people, call):
    with pytest.raises(NotFoundError):
        call(people)


def _from_r(result, folder) -> list[float]:
    script = result.r_script().save(folder)
    done = subprocess.run(["Rscript", script.name], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [float(line.split("\t")[1]) for line in done.stdout.splitlines() if "\t" in line]


def _agrees(in_r, factors, posterior) -> None:
    *first, median, low, high = in_r
    assert first == pytest.approx(factors, abs=1e-4)
    assert median == pytest.approx(posterior.median, abs=1e-4)
    # the shortest interval is flat in its place
    assert (low, high) == pytest.approx((posterior.low, posterior.high), abs=1e-3)


@needs_r
@pytest.mark.parametrize(("alternative", "tolerance"), [("two-sided", 1e-4), ("greater", 1e-3)])
def test_r_gives_the_same_curves_over_prior_widths(people, tmp_path, alternative, tolerance):
    # of one half BayesFactor says "t is large; approximation invoked" here; R's dt and integrate agree with ours
    for name, found in (
        ("t", bayes_factor_t(people, "trust", "timing", alternative=alternative)),
        ("r", bayes_factor_correlation(people, "age", "trust", alternative=alternative)),
    ):
        curve = found.robustness()
        in_r = _from_r(curve, tmp_path / name)
        assert in_r[::2] == pytest.approx(curve.scales.tolist())
        assert in_r[1::2] == pytest.approx(curve.log_bayes_factors.tolist(), abs=tolerance)


@needs_r
def test_r_scripts_give_the_same_numbers(people, tmp_path):
    pairs = people.assign(who=np.repeat(np.arange(30), 2))
    t = bayes_factor_t(pairs, "trust", "timing", participant="who", value=0.2, null_interval=(-0.1, 0.1))
    assert t.within is not None
    wanted = [t.log_bayes_factor, t.within.log_inside, t.within.log_outside]
    _agrees(_from_r(t, tmp_path / "t"), wanted, t.posterior)
    less = bayes_factor_t(people, "trust", "timing", value=-0.3, alternative="less")
    _agrees(_from_r(less, tmp_path / "less"), [less.log_bayes_factor], less.posterior)
    one = bayes_factor_t(people, "trust", value=1.5)
    _agrees(_from_r(one, tmp_path / "one"), [one.log_bayes_factor], one.posterior)
    r = bayes_factor_correlation(people, "age", "trust", kappa=0.4)
    _agrees(_from_r(r.posterior, tmp_path / "r"), [r.log_bayes_factor], r.posterior)
    regression = bayes_factor_regression(people, "trust", ["age", "hope"])
    wanted = [row.log_bayes_factor for row in regression.rows[1:]]
    assert _from_r(regression, tmp_path / "regression") == pytest.approx(wanted, abs=1e-5)


@needs_r
@pytest.mark.slow
def test_r_scripts_of_models_give_the_same_numbers_within_their_draws(people, tmp_path):
    clustered = people.assign(site=np.arange(60) % 12)
    for name, options in (
        ("plain", {}),
        ("covariates", {"covariates": ["age", "hope"]}),
        ("random", {"random": "site", "covariates": ["age"]}),
    ):
        found = bayes_factor_anova(clustered, "trust", ["timing", "tone"], **options)
        wanted = [row.log_bayes_factor for row in found.rows[1:]]
        assert _from_r(found, tmp_path / name) == pytest.approx(wanted, abs=0.12), name


def test_an_outcome_that_a_factor_explains_exactly_has_no_evidence_to_weigh(people):
    exact = people.assign(trust=(people["timing"] == people["timing"].iloc[0]) * 1.0 + 1)

    with pytest.raises(DataError, match="fits every value exactly"):
        bayes_factor_anova(exact, "trust", ["timing", "tone"])
