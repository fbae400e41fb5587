"""A world is declared, checked and varied; what cannot be is refused with a sentence that says why."""

import math

import numpy as np
import pytest

from feedbackstudy.errors import DeclarationError, InputError, NotFoundError
from feedbackstudy.simulate import World, simulate
from feedbackstudy.simulate.compiling import compiled
from feedbackstudy.simulate.graded import calibrated
from feedbackstudy.simulate.truths import (
    Attrition,
    CellMeans,
    Correlation,
    Interacts,
    Leads,
    Outcome,
)
from feedbackstudy.study import Study, template_folder, templates


def test_a_world_is_written_and_read_back(tmp_path, study):
    world = World.assumed(study)

    assert World.load(world.save(tmp_path / "world.yaml")) == world
    assert "no evidence" in str(world)


@pytest.mark.parametrize("name", templates())
def test_the_assumed_world_makes_every_simple_hypothesis_true_by_its_smallest_effect(name):
    from feedbackstudy.power.asking import questions

    study = Study.load(template_folder(name))
    asked = {each.hypothesis.name: each for each in questions(compiled(study, World.assumed(study)))}
    for hypothesis in study.hypotheses:
        each = asked[hypothesis.name]
        smallest = hypothesis.sesoi
        if hypothesis.path or each.kind != "cells" or smallest is None or smallest.unit != "sd":
            continue
        sign = {"positive": 1, "either": 1, "negative": -1, "negligible": 0}[hypothesis.direction]
        assert each.truth / each.sd == pytest.approx(sign * smallest.value, abs=1e-6), hypothesis.name


def test_effects_of_some_hypotheses_are_set_and_the_others_stay():
    from feedbackstudy.power.asking import questions

    study = Study.load(template_folder("second-chance"))
    world = World.assumed(study)
    changed = world.with_effects(study, {"h1": 0.6})
    before, after = (
        {q.hypothesis.name: q.truth / q.sd for q in questions(compiled(study, w))} for w in (world, changed)
    )

    assert after["h1"] == pytest.approx(0.6, abs=1e-6)
    assert after["h7"] == pytest.approx(before["h7"], abs=1e-6)  # the same outcome
    assert after["h4"] == pytest.approx(before["h4"], abs=1e-6)


def test_contradicting_hypotheses_have_no_assumed_world():
    data = Study.load(template_folder("vignette-2x2x2")).to_data()
    twice = dict(data["hypotheses"][0], name="again", direction="negative", role="exploratory")
    study = Study.from_data({**data, "hypotheses": [*data["hypotheses"], twice]})

    with pytest.raises(DeclarationError, match=r"h1.*again.*contradict each other"):
        World.assumed(study)


def test_paths_are_varied_and_unknown_ones_answered_with_the_nearest(study):
    world = World.assumed(study)
    changed = world.vary({"attrition.share": 0.4, "n.person": 500, "outcomes.mood.sd": 3.0, "effect_scale": 0.5})

    assert (changed.attrition.share, changed.n["person"], changed.outcomes["mood"].sd) == (0.4, 500, 3.0)
    assert world.attrition.share == 0.1
    for wrong, near in (
        ("attrition.shar", "attrition.share"),
        ("effect_scal", "effect_scale"),
        ("outcomes.mod.sd", "mood"),
    ):
        with pytest.raises(NotFoundError, match=near):
            world.vary({wrong: 1.0})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: World(icc={"site": 1.0}), "ICC of 1"),
        (lambda: World(icc={"site": 0.6, "region": 0.5}), "stay below 1"),
        (lambda: Outcome(name="mood", sd=-1.0), "never negative"),
        (lambda: World(decision_after_days=-1.0), "cannot come before the interview"),
        (lambda: Outcome(name="mood", reliability=1.2), "reliability"),
        (lambda: Outcome(name="mood", probabilities={"a": 0.5, "b": 0.2}), "sum to 1"),
        (lambda: Correlation(between=("a", "a"), r=0.2), "two different"),
        (lambda: Correlation(between=("a", "b"), r=1.0), "between -1 and 1"),
        (lambda: Attrition(share=1.0), "below 1"),
        (lambda: Attrition(share=0.1, because_of="mood"), "belong together"),
        (lambda: World(n={"person": 0}), "nobody would be there"),
        (lambda: World(atrition=Attrition()), "Did you mean 'attrition'"),
        (lambda: World(effects="priors"), "there are no priors"),
        (lambda: World(within=1.0), "below 1"),
        (lambda: World(exemplar=0.6, exemplar_by_cell=0.4), "stay below 1"),
    ],
)
def test_impossible_assumptions_are_refused(build, message):
    with pytest.raises(DeclarationError, match=message):
        build()


@pytest.mark.parametrize(
    ("world", "message"),
    [
        (World(means=[CellMeans(outcome="moood", cells={})]), "mood"),
        (World(means=[CellMeans(outcome="mood", cells={"now:specfic": 1.0})]), "now:specific"),
        (
            World(means=[CellMeans(outcome="liking", cells={"silence": 99.0}, unit="raw")]),
            "outside what the score can reach",
        ),
        (World(means=[CellMeans(outcome="mood", occasion="t0", cells={"silence": 1.0})]), "not asked at 't0'"),
        (World(icc={"sight": 0.1}), "site"),
        (World(n={"site": 9000}), "some would be empty"),
        (World(n={"person": 4, "site": 2}), "cannot fill 5 cells"),
        (World(outcomes=[Outcome(name="efficacy", sd=4.5)]), "cannot have a score with standard deviation"),
        (World(outcomes=[Outcome(name="hours", mean=9.0, sd=2.0)]), "Poisson"),
        (World(outcomes=[Outcome(name="usefulness", loadings=(0.5,))]), "1 loading for"),
        (World(outcomes=[Outcome(name="applied", mean=0.0)]), "'mean' would change nothing, for its kind is binary"),
        (World(outcomes=[Outcome(name="hours", reliability=0.8)]), "'reliability' would change nothing"),
        (World(outcomes=[Outcome(name="efficacy", probabilities={"a": 1.0})]), "give mean or sd or reliability"),
        (World(outcomes=[Outcome(name="grade", probabilities={"low": 0.5, "hihg": 0.5})]), "high"),
        (
            World(
                interacts=[
                    Interacts(outcome="mood", factor="timing", level="now", against="later", by="agee", slope=0.1)
                ]
            ),
            "age",
        ),
        (
            World(leads=[Leads(outcome="mood", occasion="t0", by="liking", by_occasion="t1", slope=0.1)]),
            "not asked at 't0'",
        ),
        (
            World(icc={"site": 0.9}, stability=0.3, outcomes=[Outcome(name="efficacy", reliability=0.6)]),
            "exceeds the score's reliability",
        ),
    ],
)
def test_a_world_that_does_not_fit_the_study_is_refused(study, world, message):
    with pytest.raises(InputError, match=message):
        simulate(study, world, seed=1)


def test_correlations_that_cannot_hold_together_are_refused_and_nothing_is_mended_silently(study):
    pairs = (("mood", "liking", 0.9), ("liking", "usefulness", 0.9), ("mood", "usefulness", -0.9))
    world = World(correlations=[Correlation(between=(a, b), r=r) for a, b, r in pairs])

    with pytest.raises(DeclarationError, match=r"not positive definite.*eigenvalue.*usefulness@t1, liking@t1, mood@t1"):
        simulate(study, world, seed=1)


def test_scores_cannot_correlate_more_than_their_reliabilities_allow(study):
    world = World(
        stability=0.3,
        correlations=[Correlation(between=("efficacy", "usefulness"), r=0.7)],
        outcomes=[Outcome(name="efficacy", reliability=0.6), Outcome(name="usefulness", reliability=0.6)],
    )

    with pytest.raises(DeclarationError, match=r"cannot correlate 0.7.*reliabilities 0.60 and 0.60"):
        simulate(study, world, seed=1)


def test_a_study_without_numbers_says_so(variant):
    with pytest.raises(DeclarationError, match="how many people"):
        simulate(variant(units=[]), World(), seed=1)
    assert simulate(variant(units=[]), World(n={"participant": 50}), seed=1).n_participants == 50


@pytest.mark.parametrize("k", [1, 3, 8])
@pytest.mark.parametrize("points", [4, 5, 7, 11])
def test_calibrated_items_have_mean_spread_and_reliability_exactly(k, points):
    values = np.arange(1.0, points + 1)
    mean, sd = 0.45 * (points + 1), 0.19 * (points - 1)
    items = calibrated(values, mean=mean, sd=sd, n_items=k, reliability=0.75)

    assert items.mean(0.0) == pytest.approx(mean, abs=1e-8)
    assert math.sqrt(items.variance()) == pytest.approx(sd, abs=1e-8)
    assert items.reliability() == pytest.approx(0.75, abs=1e-8)
    assert items.mean(items.shift_for(mean + 0.3)) == pytest.approx(mean + 0.3, abs=1e-9)


def test_the_table_of_scores_is_the_distribution_of_the_items():
    items = calibrated(np.arange(1.0, 8.0), mean=4.3, sd=1.2, n_items=5, reliability=0.8)
    values, cumulative = items.tables()
    mass = np.diff(cumulative, axis=1, prepend=0.0)
    weight = np.exp(-(items.grid() ** 2) / 2)
    weight /= weight.sum()
    means = mass @ values

    assert weight @ means == pytest.approx(items.mean(0.0), abs=1e-6)
    assert weight @ (mass @ values**2) - (weight @ means) ** 2 == pytest.approx(items.variance(), abs=1e-5)


def test_drawn_scores_are_those_of_invented_answers(study):
    import feedbackstudy as fs
    from feedbackstudy.simulate.draw import Drawer

    world = World.assumed(study)
    model = compiled(study, world)
    block = Drawer(model, 1).block(0)
    frame = fs.score(simulate(study, world, seed=2), study.measures).frame
    for i, slot in enumerate(model.slots):
        if slot.trait is None or slot.nominal:
            continue
        rows = frame[frame["occasion"] == slot.occasion][slot.name].to_numpy(dtype=float, na_value=np.nan)
        drawn = block.scores[:, :, i]
        se = slot.sd / math.sqrt(3000)
        # 40 sites share variance, so the mean of one sample is less sure than its people's number says.
        assert np.nanmean(rows) == pytest.approx(np.nanmean(drawn), abs=4 * (se + slot.sd * math.sqrt(0.05 / 40))), (
            slot.name
        )
        assert np.nanstd(rows) == pytest.approx(np.nanstd(drawn), rel=0.1), slot.name
        assert np.isnan(rows).mean() < np.isnan(drawn).mean() + 0.01, slot.name


def test_blocks_do_not_depend_on_how_many_replicates_are_wanted(study):
    from feedbackstudy.simulate.draw import Drawer

    drawer = Drawer(compiled(study, World.assumed(study)), 7)
    few, many = drawer.block(3, 2), drawer.block(3, 5)

    np.testing.assert_array_equal(few.scores, many.scores[:2])


def test_a_value_that_cannot_be_is_named_by_its_path_and_said_once(study):
    world = World.assumed(study)

    with pytest.raises(DeclarationError, match=r"^outcomes\.efficacy\.sd: Outcome: sd: -1 cannot be a spread"):
        world.vary({"outcomes.efficacy.sd": -1.0})
    with pytest.raises(DeclarationError, match=r"^World: fade_half_life is 0; give days above 0"):
        world.vary({"fade_half_life": 0.0})
