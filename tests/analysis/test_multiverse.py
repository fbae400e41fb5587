"""A multiverse crosses what was declared, each specification is what it says, and its joint test holds its level."""

import time

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from matplotlib.figure import Figure
from scipy import stats

import feedbackstudy as fs
from feedbackstudy import analysis, report
from feedbackstudy.analysis import Alternatives
from feedbackstudy.analysis.bayesian.contrast_mixture import approximate_contrast, quantiles
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.frequentist.cumulative_cells import cumulative_cells
from feedbackstudy.analysis.frequentist.linear_scores import student
from feedbackstudy.analysis.frequentist.mixed_cells import mixed_cells
from feedbackstudy.errors import DataError, DeclarationError, NotFoundError

LIMITS = {"first": (1.0, 7.0), "second": (1.0, 7.0)}
ASKED = {"factor": "specificity", "level": "high", "against": "low", "crossed": ["timing"], "limits": LIMITS}


def people(rng, n=240, effect=0.4, classes=20):
    group = rng.integers(0, classes, n)
    treated = np.arange(n) % 2
    ability = rng.normal(size=n)
    level = 4 + effect * treated + 0.5 * ability + 0.4 * rng.normal(size=classes)[group]
    return pd.DataFrame(
        {
            "specificity": np.where(treated, "high", "low"),
            "timing": np.where(np.arange(n) // 2 % 2, "late", "early"),
            "class": group,
            "first": np.clip(np.round(level + rng.normal(size=n)), 1, 7),
            "second": np.clip(np.round(level + rng.normal(size=n)), 1, 7),
            "ability": ability,
            "age": rng.normal(40, 9, n),
            "hasty": rng.random(n) < 0.1,
        }
    )


@pytest.fixture(scope="module")
def data():
    return people(np.random.default_rng(5))


ALL = Alternatives(
    outcomes=["first", "second"],
    exclusions=[[], ["hasty"]],
    covariates=[[], ["ability"], ["ability", "age"]],
    models=["gaussian", "robust", "ordinal"],
    clusters=["ignored", "robust", "random"],
)


@pytest.fixture(scope="module")
def found(data):
    return analysis.multiverse_of_frame(data, ALL, clusters=["class"], **ASKED)


def row(found, **wanted):
    chosen = {"exclusions": (), "covariates": (), "model": "gaussian", "clusters": "ignored", "outcome": "first"}
    at = chosen | wanted
    return next(each for each in found.rows if all(getattr(each.specification, k) == v for k, v in at.items()))


def test_every_combination_is_fitted_or_named(found):
    assert len(found) + len(found.impossible) == 2 * 2 * 3 * 3 * 3
    assert {(one.model, one.clusters) for one in found.impossible} == {("robust", "random"), ("ordinal", "random")}
    assert not found.failed
    assert "24 combinations are not crossed" in str(found)


def test_least_squares_agrees_with_statsmodels(found, data):
    """statsmodels: ols("first ~ C(specificity, Treatment('low')) * C(timing, Sum) + ability + age")."""
    kept = data[~data["hasty"]]
    reference = smf.ols("first ~ C(specificity, Treatment('low')) * C(timing, Sum) + ability + age", kept).fit()
    name = "C(specificity, Treatment('low'))[T.high]"
    one = row(found, exclusions=("hasty",), covariates=("ability", "age"))

    assert one.n == len(kept)
    assert (one.estimate, one.se, one.p) == pytest.approx(
        (reference.params[name], reference.bse[name], reference.pvalues[name]), rel=1e-9
    )


def test_random_intercepts_are_those_of_the_mixed_model(found, data):
    cell = 2 * (data["specificity"] == "high").to_numpy() + (data["timing"] == "late").to_numpy()
    reference = mixed_cells(data["first"], cell, 4, None, {"class": data["class"].to_numpy()})
    expected = reference.contrast([-0.5, -0.5, 0.5, 0.5])
    one = row(found, clusters="random")

    assert (one.estimate, one.se, one.df) == pytest.approx((expected.estimate, expected.se, expected.df), rel=1e-7)


def test_the_robust_model_is_the_maximum_of_the_t_likelihood():
    """scipy.stats.t.logpdf with 4 df has its maximum where the search ends."""
    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(80), rng.normal(size=80)])
    y = X @ [1.0, 0.5] + stats.t.rvs(3, size=80, random_state=rng)

    def at(shift):
        beta = np.array([base[0].estimate, base[1].estimate + shift])
        residual = y - X @ beta
        scale = max(np.linspace(0.3, 3, 2701), key=lambda s: stats.t.logpdf(residual, 4, scale=s).sum())
        return stats.t.logpdf(residual, 4, scale=scale).sum()

    base = [student(y, X, np.eye(2)[k], None) for k in range(2)]
    assert at(0.0) > max(at(0.01), at(-0.01))
    curvature = (2 * at(0.0) - at(0.05) - at(-0.05)) / 0.05**2
    assert base[1].se == pytest.approx(1 / np.sqrt(curvature), rel=0.1)


def test_the_ordinal_model_is_the_cumulative_probit_of_the_cells(found, data):
    cell = 2 * (data["specificity"] == "high").to_numpy() + (data["timing"] == "late").to_numpy()
    reference = cumulative_cells(data["first"], cell, 4, None, link="probit").contrast([-0.5, -0.5, 0.5, 0.5])
    one = row(found, model="ordinal")

    assert (one.estimate, one.se, one.p) == pytest.approx((reference.estimate, reference.se, reference.p), rel=1e-6)


def test_the_posterior_is_the_exact_one_of_the_model(found, data):
    cell = 2 * (data["specificity"] == "high").to_numpy() + (data["timing"] == "late").to_numpy()
    groups = {"class": data["class"].to_numpy()}
    full = gaussian_cells(data["first"], cell, 4, prior=CellPrior.of_scale(1, 7), groups=groups).posterior(nodes=32)
    expected = full.contrast([-0.5, -0.5, 0.5, 0.5])
    one = row(found, clusters="random")
    unit = one.estimate / one.d

    assert one.median * unit == pytest.approx(expected.posterior.median, abs=2e-3 * expected.sd)
    assert one.prob_direction == pytest.approx(expected.posterior.prob_direction, abs=5e-4)
    assert one.log_bayes_factor == pytest.approx(expected.log_bayes_factor, abs=5e-3)


def test_a_normal_likelihood_and_prior_combine_in_closed_form():
    one = approximate_contrast(0.6, 0.2, 0.5)

    assert one.mixture.mean == pytest.approx(0.6 * 0.25 / (0.25 + 0.04))
    log_ratio = stats.norm.logpdf(0.6, 0, np.hypot(0.2, 0.5)) - stats.norm.logpdf(0.6, 0, 0.2)
    assert one.log_bayes_factor == pytest.approx(log_ratio)
    at = np.array([0.025, 0.5, 0.975])
    assert quantiles(one.mixture, at) == pytest.approx(stats.norm.ppf(at, one.mixture.mean, one.mixture.sd))


def test_the_rows_shares_sum_to_the_effect_of_every_specification(found):
    assert [each.shares.sum() for each in found.rows] == pytest.approx([each.d for each in found.rows], abs=1e-8)


def test_shares_and_median_are_those_of_the_table(found):
    table = found.frame()

    assert found.median_effect == pytest.approx(table["d"].median())
    assert found.share_significant() == pytest.approx(((table["p"] < 0.05) & (table["d"] > 0)).mean())
    choices = found.by_choice()
    assert set(choices["choice"]) == {"outcome", "exclusions", "covariates", "model", "clusters"}
    assert choices.groupby("choice")["specifications"].sum().eq(len(found)).all()


def test_the_averaged_posterior_is_the_mixture_of_all(found):
    draws = np.concatenate(
        [np.random.default_rng(k).normal(each.mixture.mean, each.mixture.sd, 400) for k, each in enumerate(found.rows)]
    )
    post = found.posterior()

    assert post.median == pytest.approx(np.median(draws), abs=0.01)
    assert (post.lower, post.upper) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.02)


def test_the_joint_test_finds_an_effect_and_repeats_itself(found):
    test = found.joint_test(seed=1, draws=999)

    assert test.units == 20
    assert test["median effect"].p < 0.01
    assert test["median effect"].observed == pytest.approx(found.median_effect)
    assert found.joint_test(seed=1, draws=999)["median effect"].p == test["median effect"].p
    t = np.array([row.estimate / row.se for row in found.rows])
    significant = np.array([row.p < 0.05 for row in found.rows])
    shares = [np.mean(significant & (np.sign(t) == side)) for side in (1, -1)]
    assert test["share significant"].observed == max(shares)
    assert test["mean t"].observed == pytest.approx(t.mean(), rel=1e-9)
    assert test["share P(direction) > .975"].observed == pytest.approx(found.share_certain(), abs=0.03)
    assert test["share P(direction) > .975"].p < 0.05
    with pytest.raises(DataError, match="99"):
        found.joint_test(seed=1, draws=50)


@pytest.mark.against_r
def test_r_flips_the_same_shares(found, run_r, tmp_path):
    test = found.joint_test(seed=1, draws=999)
    in_r = run_r(test.r_script(), tmp_path / "r")
    for one in test.statistics:
        assert one.observed == pytest.approx(in_r[f"observed {one.name}"][0], rel=1e-9, abs=1e-12)
        error = 2**0.5 * max(one.p * (1 - one.p), 0.005) ** 0.5 / 999**0.5
        assert one.p == pytest.approx(in_r[f"p {one.name}"][0], abs=5 * error)


@pytest.mark.slow
def test_the_joint_test_holds_its_level_and_detects():
    """Of 400 studies without effect the share with p < .05 lies in its binomial limits (.05 +- 3 standard errors)."""
    given = Alternatives(
        outcomes=["first", "second"], exclusions=[[], ["hasty"]], covariates=[[], ["ability"]],
        models=["gaussian", "robust", "ordinal"],
    )  # fmt: skip
    p = np.array(
        [
            [one.p for one in
             analysis.multiverse_of_frame(people(np.random.default_rng([7, k]), n=120, effect=0.0), given, **ASKED)
             .joint_test(seed=k, draws=399).statistics]
            for k in range(400)
        ]
    )  # fmt: skip
    rate = (p <= 0.05).mean(axis=0)
    assert (np.abs(rate - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 400)).all(), rate


def told_by_class(rng, classes=24, effect=0.0):
    """Return people whose whole class gets one kind of feedback, and whose class moves their answers."""
    group = np.repeat(np.arange(classes), 8)
    data = people(rng, n=group.size, effect=0.0)
    treated = (rng.permutation(classes) % 2)[group]
    shift = effect * treated + 0.6 * rng.normal(size=classes)[group]
    answers = {name: np.clip(np.round(4 + shift + rng.normal(size=group.size)), 1, 7) for name in ("first", "second")}
    return data.assign(**answers, specificity=np.where(treated, "high", "low"), **{"class": group})


def rejections(given, clusters, *, effect=0.0, sets, seed, draws=399):
    """Return the share of data sets with p <= .05, for each statistic."""
    p = [
        [one.p for one in
         analysis.multiverse_of_frame(
             told_by_class(np.random.default_rng([seed, k]), effect=effect), given, clusters=clusters, **ASKED
         ).joint_test(seed=k, draws=draws).statistics]
        for k in range(sets)
    ]  # fmt: skip
    return (np.array(p) <= 0.05).mean(axis=0)


def test_whole_clusters_are_flipped_where_they_were_assigned():
    given = Alternatives(outcomes=["first", "second"], covariates=[[], ["age"]])
    rate = rejections(given, ["class"], sets=150, seed=31, draws=199)
    assert (np.abs(rate[:3] - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 150)).all(), rate
    # the share of certain posteriors is coarse over four specifications: at most as often as said
    assert rate[3] < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)
    # people flipped one by one, as if each had been assigned alone, see effects in classes: the test can fail
    alone = rejections(given, [], sets=150, seed=31, draws=199)
    assert alone[0] > 0.15, alone


@pytest.mark.slow
def test_the_joint_test_holds_its_level_and_detects_where_clusters_were_assigned():
    """400 studies without effect (.05 +- 3 standard errors), and 100 with one, through every handling of clusters."""
    given = Alternatives(
        outcomes=["first", "second"], exclusions=[[], ["hasty"]], covariates=[[], ["ability"]],
        clusters=["ignored", "robust", "random"],
    )  # fmt: skip
    rate = rejections(given, ["class"], sets=400, seed=11)
    assert (np.abs(rate - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 400)).all(), rate
    assert (rejections(given, ["class"], effect=0.9, sets=100, seed=12) > 0.6).all()


def test_specifications_share_their_work(data):
    """A guard against a search of its own for each specification; the claim itself is measured in benchmarks/."""
    given = ALL.model_copy(
        update={"covariates": ((), ("ability",), ("age",), ("ability", "age")), "exclusions": ((), ("hasty",))}
    )
    started = time.process_time()
    found = analysis.multiverse_of_frame(data, given, clusters=["class"], **ASKED)
    each = (time.process_time() - started) / len(found)

    assert each < 0.02


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": ["gausian"]}, "gaussian"),
        ({"models": []}, "no alternative"),
        ({"models": ["gaussian", "gaussian"]}, "twice"),
        ({"exclusions": [["a", "b"], ["b", "a"]]}, "same set"),
        ({"covariates": [["__import__('os')"]], "formula": "y ~ x"}, "formula"),
    ],
)
def test_alternatives_are_strict(changes, message):
    with pytest.raises(DeclarationError, match=message):
        Alternatives(**changes)


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ({"outcomes": []}, {}, DataError, "Name the outcome"),
        ({"outcomes": ["third"]}, {"limits": {"third": (1, 7)}}, NotFoundError, "third"),
        ({"outcomes": ["first"]}, {"limits": {}}, DataError, "never taken from the data"),
        ({"outcomes": ["first"]}, {"limits": {"first": (1, 5)}}, DataError, "outside"),
        ({"outcomes": ["first"]}, {"level": "hig"}, NotFoundError, "high"),
        ({"outcomes": ["first"], "exclusions": [["age"]]}, {}, DataError, "true and false"),
        ({"outcomes": ["first"], "clusters": ["random"]}, {}, DataError, "no clusters"),
        ({"outcomes": ["first"], "covariates": [["nobody"]]}, {}, NotFoundError, "nobody"),
    ],
)
def test_what_cannot_be_crossed_is_refused(data, given, options, error, message):
    with pytest.raises(error, match=message):
        analysis.multiverse_of_frame(data, Alternatives(**given), **(ASKED | options))


def test_a_specification_that_the_data_cannot_carry_is_named(data):
    odd = data.assign(copy=data["ability"] * 2)
    given = Alternatives(outcomes=["first"], covariates=[["ability"], ["ability", "copy"]])

    found = analysis.multiverse_of_frame(odd, given, **ASKED)

    assert len(found) == 1
    assert "collinearity" in found.failed[0][1]
    assert "collinearity" in str(found)


@pytest.fixture(scope="module")
def study():
    data = fs.Study.load(fs.template_folder("second-chance")).to_data()
    data["hypotheses"] = [each for each in data["hypotheses"] if each["name"] in ("h2", "h5")]
    data["plan"] |= {"families": [], "decides": {"h2": {"by": "p"}, "h5": {"by": "p"}}, "missing": "listwise"}
    return fs.Study.from_data(data)


@pytest.fixture(scope="module")
def scores(study):
    return fs.score(fs.simulate(study, fs.World.assumed(study), seed=3), study.measures)


def test_from_a_study_the_declared_specification_gives_the_declared_answer(study, scores):
    given = Alternatives(
        exclusions=[[], ["inattentive"], ["inattentive", "too_fast"]],
        covariates=[["interview_self_efficacy", "interviews_so_far"], []],
        clusters=["ignored", "random"],
    )
    found = analysis.multiverse(scores, study, "h2", given)
    table = fs.analyse(scores, study)["h2"].rows[0]
    one = next(
        each
        for each in found.rows
        if each.specification.exclusions == ("inattentive", "too_fast")
        and each.specification.covariates
        and each.specification.clusters == "random"
    )

    assert len(found) == 12
    assert (one.n, one.estimate, one.se, one.p) == pytest.approx((table.n, table.estimate, table.se, table.p), rel=1e-6)
    assert found.sesoi == 0.25
    assert found.provenance.simulated


@pytest.mark.parametrize(
    ("name", "given", "error", "message"),
    [
        ("h5", {}, DataError, "not a single contrast"),
        ("h2", {"exclusions": [["inatentive"]]}, NotFoundError, "inattentive"),
        ("h2", {"covariates": [["usefulness"]]}, DataError, "not measured before the treatment"),
        ("h2", {"outcomes": ["self_efficacy"]}, NotFoundError, "interview_self_efficacy"),
    ],
)
def test_from_a_study_what_it_does_not_know_is_refused(study, scores, name, given, error, message):
    with pytest.raises(error, match=message):
        analysis.multiverse(scores, study, name, Alternatives(**given))


def test_the_curve_shows_effects_in_order_and_the_choices_behind_each(found):
    ax = report.figure(found, ax=Figure().add_subplot())
    curve, panel = ax.child_axes
    drawn = np.concatenate([line.get_ydata() for line in curve.lines if line.get_marker() == "o"])

    assert np.sort(drawn) == pytest.approx(np.sort(found.effects))
    names = [tick.get_text() for tick in panel.get_yticklabels()]
    assert names[:2] == ["first", "second"]
    assert len(names) == 2 + 2 + 3 + 3 + 3
    ordered = sorted(found.rows, key=lambda each: each.d)
    height = panel.get_yticks()[names.index("ability + age")]
    marked = np.concatenate([line.get_xdata() for line in panel.lines if set(np.ravel(line.get_ydata())) == {height}])
    expected = [i for i, each in enumerate(ordered) if each.specification.covariates == ("ability", "age")]
    assert sorted(marked) == expected
    assert f"median {found.median_effect:.3f}" in report.alt_text(found)


def test_the_joint_test_is_drawn_over_the_curves_of_chance(found):
    test = found.joint_test(seed=2, draws=199)
    ax = report.figure(test, ax=Figure().add_subplot())
    line = max(ax.lines, key=lambda each: len(each.get_xdata()))

    assert line.get_ydata() == pytest.approx(np.sort(found.effects))
    assert "median effect" in report.alt_text(test)


@pytest.mark.against_r
def test_r_fits_every_specification_anew(found, run_r, tmp_path):
    in_r = run_r(found.r_script(), tmp_path / "r")

    for number, one in enumerate(found.rows, start=1):
        # REML and the cumulative model are searched for, by different searches; the others are exact.
        model, clusters = one.specification.model, one.specification.clusters
        tolerance = 1e-5 if clusters == "random" else 1e-4 if model == "ordinal" else 1e-7
        values = {name: in_r[f"{number} {name}"][0] for name in ("estimate", "se", "df", "p")}
        assert one.estimate == pytest.approx(values["estimate"], rel=tolerance, abs=tolerance * one.se), (
            one.specification
        )
        assert one.se == pytest.approx(values["se"], rel=tolerance), one.specification
        assert one.df == pytest.approx(values["df"], rel=1e-4), one.specification
        assert one.p == pytest.approx(values["p"], rel=1e-3), one.specification


def test_no_name_of_a_column_becomes_code(data):
    bad = 'a"); stop("run\ncat(1)'
    renamed = data.rename(columns={"first": bad, "hasty": "x`\nstop(2)", "age": "'\\"})
    given = Alternatives(outcomes=[bad], exclusions=[[], ["x`\nstop(2)"]], covariates=[["'\\"]])
    script = analysis.multiverse_of_frame(renamed, given, **{**ASKED, "limits": {bad: (1, 7)}}).r_script()

    assert "\nstop(2)" not in script.script
    assert "\ncat(1)" not in script.script
