"""Power is that of the planned analysis: the same models as `analyse`, the same fits, and levels that hold."""

import math

import numpy as np
import pytest

import feedbackstudy as fs
from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.frequentist.cumulative_cells import cumulative_cells
from feedbackstudy.analysis.frequentist.generalised_cells import binary_cells, count_cells
from feedbackstudy.analysis.frequentist.mixed_cells import mixed_cells
from feedbackstudy.design.factors import Factor
from feedbackstudy.design.units import Units
from feedbackstudy.power.answering import Setting
from feedbackstudy.power.clustered_rows import clustered_fit, least_squares
from feedbackstudy.power.diagnosis import diagnose
from feedbackstudy.power.ordinal_rows import cumulative_contrast
from feedbackstudy.power.outcome_rows import odds_contrast, rates_contrast
from feedbackstudy.power.random_rows import random_joint
from feedbackstudy.power.solve import solve
from feedbackstudy.power.story_rows import story_fit, story_joint
from feedbackstudy.power.working import Task
from feedbackstudy.scales import score
from feedbackstudy.scales.measure import Measure
from feedbackstudy.simulate import World
from feedbackstudy.simulate.truths import CellMeans, Leads
from feedbackstudy.study import Study, template_folder, templates
from tests.power.test_diagnosis import MAIN, hypothesis, study_of

CLOSE = 1e-4  # the bar for a fit
REPS = 4
JOINT = np.array([[-1.0, 1.0, 0.0, 0.0], [-1.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 1.0]])


@pytest.fixture
def rng():
    return np.random.default_rng(20265)


@pytest.mark.parametrize("name", templates())
def test_a_diagnosis_takes_the_model_that_analyse_takes(name):
    loaded = Study.load(template_folder(name))
    study = Study.model_validate(loaded.model_dump() | {"plan": loaded.plan.model_dump() | {"missing": "listwise"}})
    world = World.assumed(study)
    model, asked = Task(study=study, world=world, seed=1).compiled()
    random = Setting.of(model).random
    found = analyse(score(fs.simulate(study, world, seed=1), study.measures), study, engine="frequentist")

    answered = {row.hypothesis for row in found.rows}
    for each in asked:
        if each.hypothesis.name not in answered:  # analyse has no paths to an outcome that is no score
            assert each.kind == "path"
            assert each.approximated
            continue
        row, problem = found[each.hypothesis.name].rows[0], found.answer(each.hypothesis.name).problem
        assert set(problem.groups) == set(random)
        assert len(problem.covariate_names) == len(each.covariates)
        assert problem.question.kind == each.question.kind
        if each.kind in {"cells", "slope", "slopes"}:
            assert all(factor in row.model for factor in random)
            assert ("Satterthwaite" in row.model) == bool(random) == ("Satterthwaite" in each.words(random))
        own = [word for word in ("logistic", "negative binomial", "probit") if word in row.model]
        assert each.approximated == bool(own), row.model


def storied(people: int, rng: np.random.Generator):
    """People with three or four stories each, gaps, and a second random factor."""
    person = np.repeat(np.arange(people), 4)
    cell = np.concatenate([rng.permutation(4) for _ in range(people)])
    text = rng.integers(5, size=len(cell))
    x = rng.standard_normal((REPS, len(cell), 1))
    y = 0.3 * cell + 0.4 * x[..., 0] + rng.standard_normal((REPS, len(cell)))
    y += 0.8 * rng.standard_normal((REPS, people))[:, person] + 0.4 * rng.standard_normal((REPS, 5))[:, text]
    y[rng.random(y.shape) < 0.15] = np.nan
    return person, cell, text, x, y


@pytest.mark.parametrize("with_text", [False, True])
def test_stories_are_fitted_as_analyse_fits_them(rng, with_text):
    person, cell, text, x, y = storied(25, rng)
    design = np.concatenate([np.broadcast_to(np.eye(4)[cell], (REPS, len(cell), 4)), x], axis=2)
    groups = [person, text] if with_text else [person]
    row = np.array([-0.5, -0.5, 0.5, 0.5])
    fit, _ = story_fit(y, design, np.append(row, 0.0), groups)
    p, _ = story_joint(y, design, np.column_stack([JOINT, np.zeros(3)]), groups)

    for i in range(REPS):
        kept = np.isfinite(y[i])
        named = {"person": person[kept]} | ({"text": text[kept]} if with_text else {})
        known = mixed_cells(y[i, kept], cell[kept], 4, x[i, kept], named)
        one = known.contrast(row)
        assert (fit.estimate[i], fit.se[i]) == pytest.approx((one.estimate, one.se), rel=CLOSE)
        assert fit.df[i] == pytest.approx(one.df, rel=2e-3)
        assert p[i] == pytest.approx(known.joint(JOINT).p, rel=5e-3)


def test_joint_tests_with_random_intercepts_are_those_of_analyse(rng):
    cluster, text = np.repeat(np.arange(12), 10), rng.integers(4, size=120)
    cell = rng.integers(4, size=120)
    y = 0.3 * cell + 0.7 * rng.standard_normal((REPS, 12))[:, cluster] + rng.standard_normal((REPS, 120))
    design = np.broadcast_to(np.eye(4)[cell], (REPS, 120, 4))
    p, _ = random_joint(y, design, JOINT, [cluster, text])

    for i in range(REPS):
        known = mixed_cells(y[i], cell, 4, None, {"cluster": cluster, "text": text}).joint(JOINT)
        assert p[i] == pytest.approx(known.p, rel=1e-3)


def test_models_of_other_outcomes_are_those_of_analyse(rng):
    cell, row = np.arange(160) % 4, np.array([-0.5, -0.5, 0.5, 0.5])
    binary = (rng.random((REPS, 160)) < 0.3 + 0.1 * cell).astype(float)
    counts = rng.negative_binomial(2, 0.4, (REPS, 160)) + rng.poisson(0.3 * cell, (REPS, 160)).astype(float)
    grades = np.digitize(0.3 * cell + rng.standard_normal((REPS, 160)), [-0.5, 0.4, 1.2]).astype(float)
    cases = [
        (odds_contrast, binary, lambda y: binary_cells(y, cell, 4, None, scale="log odds")),
        (rates_contrast, counts, lambda y: count_cells(y, cell, 4, None, scale="log rate")),
        (cumulative_contrast, grades, lambda y: cumulative_cells(y, cell, 4, None, link="probit", scale="latent")),
    ]
    for batch, y, single in cases:
        fit = batch(y, cell, row)
        for i in range(REPS):
            known = single(y[i]).contrast(row)
            assert (fit.estimate[i], fit.se[i]) == pytest.approx((known.estimate, known.se), rel=CLOSE), batch


def test_least_squares_and_its_cluster_robust_variance_are_those_of_statsmodels(rng):
    import statsmodels.api as sm

    cluster, cell = np.repeat(np.arange(9), 8), np.tile([0, 1], 36)
    x = np.concatenate([np.broadcast_to(np.eye(2)[cell], (REPS, 72, 2)), rng.standard_normal((REPS, 72, 1))], axis=2)
    y = x[..., 2] + rng.standard_normal((REPS, 72))
    row = np.array([-1.0, 1.0, 0.0])
    robust, plain = clustered_fit(y, x, row, cluster), least_squares(y, x, row)

    for i in range(REPS):
        fit = sm.OLS(y[i], x[i])
        known = fit.fit(cov_type="cluster", cov_kwds={"groups": cluster}, use_t=True).t_test(row)
        assert (robust.se[i], robust.p[i]) == pytest.approx((known.sd.item(), float(known.pvalue)), rel=1e-8)
        known = fit.fit().t_test(row)
        assert (plain.se[i], plain.p[i]) == pytest.approx((known.sd.item(), float(known.pvalue)), rel=1e-8)


def within_template(people: int) -> Study:
    """The vignette template where everybody reads all eight stories."""
    study = Study.load(template_folder("vignette-2x2x2"))
    factors = [Factor.model_validate(f.model_dump() | {"varies": "within"}) for f in study.factors]
    units = [Units(name="panel_member", n=people)]
    return Study.model_validate(study.model_dump() | {"factors": factors, "units": units})


def as_planned(scores: fs.Scores, study: Study) -> dict[str, dict[str, float]]:
    """Give the row-by-row reference: analyse itself."""
    rows = [row for row in analyse(scores, study, engine="frequentist").rows if row.hypothesis in {"h1", "h2", "h3"}]
    return {
        row.hypothesis: {"estimate": row.estimate, "low": row.low, "high": row.high, "p": row.p, "se": row.se}
        for row in rows
    }


def test_the_vignette_template_with_stories_is_diagnosed_and_solved():
    study = within_template(40)
    made = diagnose(study, World.assumed(study), seed=1, n_simulations=400)
    found = solve(
        study, World.assumed(study), vary="n.panel_member", hypothesis="h1", seed=1, mcse=0.03, limits=(9, 200)
    )

    assert all(row.failed == 0 for row in made.rows)
    assert "random: participant" in made["h1"].model
    assert made["h1"].n_mean > 250
    assert "stories" in str(made)
    assert 9 <= found.value < 40


@pytest.mark.slow
def test_power_of_stories_is_that_of_analyse():
    study = within_template(24)
    world = World.assumed(study)
    at_once = diagnose(study, world, seed=1, n_simulations=4000)
    one_by_one = diagnose(study, world, seed=2, n_simulations=150, analysis=as_planned)

    for name in ("h1", "h2", "h3"):
        a, b = at_once[name], one_by_one[name]
        assert a.power == pytest.approx(b.power, abs=4 * math.hypot(a.power_mcse, b.power_mcse))
        assert a.bias == pytest.approx(b.bias, abs=4 * math.hypot(a.bias_mcse, b.bias_mcse))
        assert a.coverage == pytest.approx(0.95, abs=4 * a.coverage_mcse + 0.01)
        assert a.width == pytest.approx(b.width, rel=0.03)


@pytest.mark.parametrize("kind", ["binary", "count", "ordinal"])
def test_a_linear_model_in_the_place_of_another_keeps_its_level_in_clusters(kind):
    more = {"levels": {"low": "L", "mid": "M", "high": "H"}} if kind == "ordinal" else {}
    study = study_of(
        120,
        [hypothesis("h1", MAIN, outcome="grade")],
        units=[Units(name="site", n=12), Units(name="person", n=120, nested_in="site")],
        measures=[Measure(name="grade", kind=kind, waves=("t1",), **more)],
    )
    made = diagnose(study, World(icc={"site": 0.2}), seed=3, n_simulations=4000)

    assert made["h1"].power == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 4000))
    assert f"in place of the {kind} model of analyse" in made["h1"].model
    assert any("a linear model stands in" in note for note in made.notes)


def test_a_path_among_clusters_keeps_its_level():
    """The second leg is certain, so that joint significance is the level of the first."""
    asked = [hypothesis("h1", MAIN, occasion="t1", path={"through": [{"score": "liking"}]}, sesoi=None)]
    leads = Leads(outcome="mood", occasion="t1", by="liking", by_occasion="t1", slope=0.8)
    units = [Units(name="site", n=15), Units(name="person", n=150, nested_in="site")]
    row = diagnose(
        study_of(150, asked, units=units), World(leads=[leads], icc={"site": 0.2}), seed=1, n_simulations=4000
    )

    assert row["h1"].power == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 4000))
    assert "robust to clusters (site)" in str(row)


def test_a_direct_effect_is_what_the_mediator_leaves():
    asked = [
        hypothesis("h1", MAIN, occasion="t1", path={"through": [{"score": "liking"}], "effect": "direct"}, sesoi=None)
    ]
    leads = Leads(outcome="mood", occasion="t1", by="liking", by_occasion="t1", slope=0.4)
    means = [
        CellMeans(outcome=name, cells=dict.fromkeys(("now:general", "now:specific"), 0.5))
        for name in ("liking", "mood")
    ]
    row = diagnose(study_of(200, asked), World(means=means, leads=[leads]), seed=6, n_simulations=1000)["h1"]

    assert row.bias == pytest.approx(0, abs=3.5 * row.bias_mcse)
    assert row.coverage == pytest.approx(0.95, abs=3.5 * row.coverage_mcse)
