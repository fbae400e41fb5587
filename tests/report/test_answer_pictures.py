"""Pictures of answers say what the models and the rows behind them say."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import feedbackstudy as fs
from feedbackstudy import analysis, report
from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.cumulative import cumulative
from feedbackstudy.errors import DataError, NotFoundError
from feedbackstudy.report.style import FIRST, SECOND

KEPT = ("h1", "h3", "h6", "h7")


@pytest.fixture(scope="module")
def study():
    data = fs.Study.load(fs.template_folder("second-chance")).to_data()
    plan = data["plan"]
    decides = {name: by for name, by in plan["decides"].items() if name in KEPT}
    data["plan"] = plan | {"families": [], "decides": decides, "missing": "listwise"}
    data["hypotheses"] = [each for each in data["hypotheses"] if each["name"] in KEPT]
    del data["messages"]
    data["units"] = [{"name": "student", "n": 400}]
    return fs.Study.from_data(data)


@pytest.fixture(scope="module")
def answers(study):
    scores = fs.score(fs.simulate(study, fs.World.assumed(study), seed=4), study.measures)
    return fs.analyse(scores, study)


@pytest.fixture
def ax():
    return Figure().add_subplot()


def spans(ax, ink):
    """Vertical and horizontal lines of one ink, as their two ends."""
    found = [np.column_stack(line.get_data()) for line in ax.lines if to_hex(line.get_color()) == ink]
    return [line for line in found if len(line) == 2]


def test_the_interaction_plot_shows_both_intervals_of_each_cell_over_all_raw_points(answers, study, ax):
    answer = answers.answer("h3")
    means = analysis.marginal_means(answer, study)

    report.figure(means, ax=ax)

    assert means.factors == ("Timing", "Specificity")
    assert means.averaged == ("Framing",)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["On the same day", "After two weeks"]
    upright = [line[:, 1] for line in spans(ax, FIRST) if line[0, 0] == line[1, 0]]
    assert np.array(sorted(map(tuple, upright))) == pytest.approx(np.array(sorted((r.low, r.high) for r in means.rows)))
    upright = [line[:, 1] for line in spans(ax, SECOND) if line[0, 0] == line[1, 0]]
    assert np.array(sorted(map(tuple, upright))) == pytest.approx(
        np.array(sorted((r.hdi_low, r.hdi_high) for r in means.rows))
    )
    assert sum(len(points.get_offsets()) for points in ax.collections) == answer.problem.n
    assert "On the same day, General (n = " in report.alt_text(means)


def test_the_means_give_the_contrast_of_the_table(answers, study):
    means = {row.levels: row.estimate for row in analysis.marginal_means(answers.answer("h3"), study).rows}
    (day, week), (general, specific) = (
        ("On the same day", "After two weeks"),
        ("General", "Behavioural with a next step"),
    )
    gap = {time: means[time, specific] - means[time, general] for time in (day, week)}

    table = answers["h3"].rows[0]
    assert gap[day] - gap[week] == pytest.approx(table.estimate, abs=1e-10)


def test_arms_outside_the_crossing_stand_beside_the_feedback(answers, study):
    means = analysis.marginal_means(answers.answer("h6"), study)

    assert [row.levels for row in means.rows] == [("all feedback",), ("Decision only",), ("Silence",)]
    assert means.rows[0].estimate - means.rows[1].estimate == pytest.approx(answers["h6"].rows[0].estimate, abs=1e-10)


def test_factors_can_be_chosen_and_an_unknown_one_is_named(answers, study):
    chosen = analysis.marginal_means(answers.answer("h1"), study, by=["framing"])

    assert chosen.factors == ("Framing",)
    assert len(chosen.frame()) == 2
    with pytest.raises(NotFoundError, match="framin"):
        analysis.marginal_means(answers.answer("h1"), study, by=["framin"])
    with pytest.raises(DataError, match="twice"):
        analysis.marginal_means(answers.answer("h1"), study, by=["framing", "framing"])


@pytest.mark.parametrize("name", ["h1", "h7"])
def test_the_dots_on_prior_and_posterior_stand_in_the_ratio_of_the_tables_bayes_factor(answers, name, ax):
    seen = analysis.prior_posterior(answers.answer(name))

    report.figure(seen, ax=ax)

    table = next(row.bayes_factor for row in answers[name] if row.engine == "bayesian")
    dots = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert dots[0] / dots[1] == pytest.approx(table, rel=1e-9)
    assert np.interp(0.0, seen.grid, seen.posterior) == pytest.approx(dots[1], rel=1e-3)
    assert np.trapezoid(seen.posterior, seen.grid) == pytest.approx(1, abs=1e-3)
    assert f"BF10 = {table:.2f}" in report.alt_text(seen)


def test_the_posterior_under_the_cauchy_prior_follows_from_bayes_rule(answers):
    """Prior times likelihood, normed by brute force, and the likelihood read off the model's own posterior."""
    answer = answers.answer("h1")
    seen = analysis.prior_posterior(answer)
    weights = answer.problem.weights[0]
    own = answer.bayesian.standardised(weights).posterior
    flat = np.interp(seen.grid, own.grid, own.density, left=0, right=0)
    own_prior = answer.bayesian.prior_cells.project(weights)
    units = answer.bayesian.sd
    rough = flat / own_prior.density(seen.grid * units) * seen.prior
    rough /= np.trapezoid(rough, seen.grid)

    assert np.abs(rough - seen.posterior).max() < 0.02 * seen.posterior.max()


def test_the_robustness_curve_passes_through_the_declared_width(answers, ax):
    curve = answers.answer("h7").robustness()

    report.figure(curve, ax=ax)

    line = max(ax.lines, key=lambda each: len(each.get_xdata()))
    assert 10 ** line.get_ydata() == pytest.approx(curve.bayes_factors)
    dot = next(each for each in ax.lines if each.get_marker() == "o")
    assert dot.get_xdata()[0] == curve.declared
    assert 10 ** dot.get_ydata()[0] == pytest.approx(curve.bayes_factor)
    assert ax.get_xscale() == "log"
    assert "at the declared 0.500" in report.alt_text(curve)


@pytest.fixture(scope="module")
def ratings(answers):
    from dataclasses import replace

    answer = answers.answer("h1")
    problem = answer.problem
    rng = np.random.default_rng(2)
    y = np.clip(np.round(rng.normal(3, 1.1, problem.n)), 1, 5)
    found = cumulative((y - 1).astype(int), problem.cell, len(problem.cells), categories=5, seed=3, draws=500, tune=500)
    asked = replace(problem.question, family="ordinal")
    metric = replace(problem.metric, low=1.0, high=5.0, categories=(1.0, 2.0, 3.0, 4.0, 5.0))
    problem = replace(problem, y=y, question=asked, metric=metric, groups={}, covariates=np.empty((problem.n, 0)))
    return replace(answer, problem=problem, bayesian=found.cells("response"))


def test_likert_bars_are_the_shares_seen_and_their_borders_lie_in_the_prediction(ratings, ax):
    shares = analysis.rating_shares(ratings, seed=5, studies=400)

    report.figure(shares, ax=ax)

    bars, expected = ax.child_axes
    widths = np.array([bar.get_width() for bar in bars.patches]).reshape(5, len(shares.cells)).T
    counts = np.array([np.bincount(ratings.problem.y[ratings.problem.cell == j].astype(int), minlength=6)[1:]
                       for j in range(len(shares.cells))])  # fmt: skip
    assert widths == pytest.approx(counts / counts.sum(axis=1, keepdims=True))
    borders = shares.shares.cumsum(axis=1)[:, :-1]
    inside = (borders >= shares.borders[0]) & (borders <= shares.borders[1])
    assert inside.mean() > 0.9
    dots = [line.get_xdata()[0] for line in expected.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([one.estimate for one in shares.expected])
    observed = [ratings.problem.y[ratings.problem.cell == j].mean() for j in range(len(shares.cells))]
    assert dots == pytest.approx(observed, abs=0.25)
    assert "lie outside what the model predicts" in report.alt_text(shares)
    script = shares.r_script()
    assert 'clm(y ~ cell, link = "probit", data = responses)' in script.script
    assert "averaged(pnorm" in script.script
    assert script.data["y"].to_list() == ratings.problem.y.tolist()


def test_a_prediction_that_ignores_the_data_is_seen_outside(ratings):
    """The check can fail: ratings that the model did not see lie outside its prediction."""
    from dataclasses import replace

    turned = replace(ratings, problem=replace(ratings.problem, y=6 - np.clip(ratings.problem.y + 1, 1, 5)))

    assert analysis.rating_shares(turned, seed=5, studies=400).outside > 10


def test_ratings_need_an_ordinal_outcome_and_a_sampled_posterior(answers, ratings):
    from dataclasses import replace

    with pytest.raises(DataError, match="not a single ordered rating"):
        analysis.rating_shares(answers.answer("h1"), seed=1)
    alone = CellDraws(
        draws=ratings.bayesian.draws, chains=4, sds=None, gates=ratings.bayesian.gates, n=3, model="", prior=""
    )
    with pytest.raises(DataError, match="no sampled posterior"):
        analysis.rating_shares(replace(ratings, bayesian=alone), seed=1)


def test_manipulation_checks_are_drawn_with_the_intended_effect_shaded_and_bold(study, ax):
    scores = fs.score(fs.simulate(study, fs.World.assumed(study), seed=6), study.measures)
    found = analysis.manipulation(scores, study)

    report.figure(found, ax=ax)

    names = [(tick.get_text(), tick.get_fontweight()) for tick in ax.get_yticklabels()]
    assert len(names) == len(found.effects)
    assert [name for name, weight in names if weight == "bold"] == ["timing", "framing", "specificity"]
    dots = sorted(line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o")
    assert dots == pytest.approx(sorted(found.frame()["std_estimate"]))
    assert "noticed_timing, timing (intended): d " in report.alt_text(found)


def test_an_answer_alone_is_drawn_as_its_estimates(answers, ax):
    report.figure(answers.answer("h1"), ax=ax)

    marks = {line.get_marker(): line.get_xdata()[0] for line in ax.lines if line.get_marker() in {"o", "D"}}
    classical, bayesian = answers["h1"].rows
    assert marks == pytest.approx({"o": classical.estimate, "D": bayesian.estimate})
