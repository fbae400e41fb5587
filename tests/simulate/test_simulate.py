"""Invented data recover the world that made them, within Monte-Carlo error; the same seed gives the same data."""

import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.errors import InputError
from feedbackstudy.frames import MissingReason
from feedbackstudy.simulate import World, simulate
from feedbackstudy.simulate.truths import (
    Attrition,
    Carelessness,
    CellMeans,
    Correlation,
    CovariateTruth,
    NonCompliance,
    Outcome,
)
from feedbackstudy.study import Study, template_folder, templates

SE = 1 / math.sqrt(4000)


def scores_of(study: Study, world: World, seed: int = 1) -> pd.DataFrame:
    return fs.score(simulate(study, world, seed=seed), study.measures).frame


def at(frame: pd.DataFrame, occasion: str) -> pd.DataFrame:
    return frame[frame["occasion"] == occasion].set_index("participant")


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data(study):
    world = World.assumed(study)
    one, two, other = (simulate(study, world, seed=s).frame for s in (5, 5, 6))

    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True, None])
def test_a_seed_that_cannot_be_repeated_is_refused_by_name(study, seed):
    with pytest.raises(InputError, match=r"seed is .*; give a whole number from 0"):
        simulate(study, World(), seed=seed)


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_data_do_not_depend_on_workers_or_their_order(pool, variant):
    study = variant(units=[{"name": "person", "n": 60}])
    world = World.assumed(study)
    here = {seed: simulate(study, world, seed=seed).frame for seed in (1, 2, 3)}
    with pool(2) as workers:
        jobs = {seed: workers.submit(simulate, study, world, seed=seed) for seed in (3, 1, 2)}
        there = {seed: job.result().frame for seed, job in jobs.items()}

    for seed, frame in here.items():
        pd.testing.assert_frame_equal(frame, there[seed])


def test_a_changed_assumption_leaves_the_draws_that_it_does_not_concern(study):
    world = World()
    before = simulate(study, world, seed=1).frame
    after = simulate(study, world.vary({"carelessness.passes": 0.5}), seed=1).frame

    assert not before["check"].equals(after["check"])
    pd.testing.assert_frame_equal(before.drop(columns="check"), after.drop(columns="check"))


def test_scores_have_the_declared_mean_spread_and_reliability(study):
    world = World(outcomes=[Outcome(name="efficacy", mean=6.2, sd=1.7, reliability=0.88)])
    responses = simulate(study, world, seed=2)
    scores = at(fs.score(responses, study.measures).frame, "t0")["efficacy"].astype(float)

    assert scores.mean() == pytest.approx(6.2, abs=4 * 1.7 * SE)
    assert scores.std() == pytest.approx(1.7, abs=4 * 1.7 * SE)
    items = [name for name in responses.items if name.startswith("efficacy")]
    form = study.measures["efficacy"]
    answers = at(responses.frame, "t0")[items].astype(float)
    keyed = answers.where(answers.corrwith(answers.sum(axis=1)) > 0, 10 - answers)
    k, cov = len(items), np.cov(keyed.to_numpy().T)
    alpha = k / (k - 1) * (1 - np.trace(cov) / cov.sum())
    assert form.name == "efficacy"
    assert alpha == pytest.approx(0.88, abs=0.012)


def test_declared_loadings_fix_the_reliability(study):
    n = len([c for c in simulate(study, World(), seed=1).items if c.startswith("usefulness")])
    loadings = tuple(np.linspace(0.5, 0.8, n))
    world = World(outcomes=[Outcome(name="usefulness", loadings=loadings)])
    responses = simulate(study, world, seed=3)
    answers = (
        at(responses.frame, "t1")[[c for c in responses.items if c.startswith("usefulness")]].dropna().astype(float)
    )
    cov = np.abs(np.cov(answers.to_numpy().T))  # a turned item's covariances change sign only

    for (i, j), (k, m) in (((0, 1), (n - 2, n - 1)), ((0, 1), (0, n - 1))):
        wanted = loadings[i] * loadings[j] / (loadings[k] * loadings[m])
        assert cov[i, j] / cov[k, m] == pytest.approx(wanted, abs=0.12)


def test_correlations_within_people_and_over_waves_are_the_declared_ones(study):
    world = World(
        correlation=0.25,
        correlations=[
            Correlation(between=("usefulness", "liking"), r=-0.4),
            Correlation(between=("hours", "mood"), r=0.3),
        ],
        stability=0.55,
        covariates=[CovariateTruth(name="age", mean=30, sd=8, r=0.2)],
    )
    frame = scores_of(study, world)
    now, before = at(frame, "t1"), at(frame, "t0")
    for a, b, r in (
        ("usefulness", "liking", -0.4),
        ("hours", "mood", 0.3),
        ("applied", "mood", 0.25),
        ("age", "mood", 0.2),
    ):
        pair = now[[a, b]].astype(float).dropna()
        assert pair.corr().iloc[0, 1] == pytest.approx(r, abs=4 / math.sqrt(len(pair))), (a, b)
    assert before["efficacy"].corr(now["efficacy"]) == pytest.approx(0.55, abs=4 * SE)
    assert before["efficacy"].corr(now["mood"].astype(float)) == pytest.approx(0.25 * 0.55, abs=4 * SE)


def test_single_columns_have_their_declared_distribution(study):
    world = World(
        outcomes=[
            Outcome(name="applied", probabilities={"no": 0.7, "yes": 0.3}),
            Outcome(name="grade", probabilities={"low": 0.2, "mid": 0.5, "high": 0.3}),
            Outcome(name="hours", mean=4.0, sd=3.0),
            Outcome(name="mood", mean=50.0, sd=10.0),
        ]
    )
    now = at(scores_of(study, world), "t1")

    assert now["applied"].mean() == pytest.approx(0.3, abs=4 * 0.46 * SE)
    assert (now["grade"] == 2).mean() == pytest.approx(0.5, abs=4 * 0.5 * SE)
    assert now["hours"].mean() == pytest.approx(4.0, abs=4 * 3 * SE)
    assert now["hours"].std() == pytest.approx(3.0, rel=0.06)
    assert now["mood"].std() == pytest.approx(10.0, rel=4 * SE)


@pytest.mark.parametrize("metric", ["score", "latent"])
def test_cells_have_their_declared_means_and_effects_on_latent_variables_are_attenuated(study, metric):
    world = World(
        metric=metric,
        outcomes=[Outcome(name="efficacy", reliability=0.7)],
        means=[
            CellMeans(outcome="efficacy", occasion="t1", cells={"now:general": 0.5, "now:specific": 0.5}),
            CellMeans(outcome="applied", cells={"now:general": 0.2}, unit="raw"),
        ],
    )
    now = at(scores_of(study, world), "t1")
    means = now.groupby(["timing", "detail"])["efficacy"].mean()
    sd = now.groupby(["timing", "detail"])["efficacy"].std().mean()
    found = (means["now"].mean() - means["later"].mean()) / sd
    share = now[(now["timing"] == "now") & (now["detail"] == "general")]["applied"].mean()

    assert found == pytest.approx(0.5 if metric == "score" else 0.5 * math.sqrt(0.7), abs=4 * 2 / math.sqrt(3200))
    assert share == pytest.approx(0.7, abs=4 * 0.5 / math.sqrt(800))


def test_clusters_have_the_declared_icc_of_the_score(variant):
    study = variant(units=[{"name": "site", "n": 400}, {"name": "person", "n": 8000, "nested_in": "site"}])
    world = World(icc={"site": 0.15})
    now = at(scores_of(study, world), "t1")
    for score in ("efficacy", "mood"):
        groups = now.groupby("site")[score]
        size = len(now) / 400
        between, within = groups.mean().var() * size, groups.var().mean()
        icc = (between - within) / (between + (size - 1) * within)
        assert icc == pytest.approx(0.15, abs=4 * 0.0145), score


def test_arms_are_not_asked_what_the_study_does_not_ask_them(study):
    responses = simulate(study, World(skipped=0.05), seed=1)
    frame = responses.frame
    item = next(c for c in responses.items if c.startswith("usefulness"))
    silence = (frame["arm"] == "silence").to_numpy()
    before = (frame["occasion"] == "t0").to_numpy()
    codes = responses.reason(item)

    assert (codes[silence | before] == MissingReason.NOT_ASKED).all()
    assert set(codes[~silence & ~before]) == {MissingReason.ANSWERED, MissingReason.SKIPPED}
    assert frame.loc[silence, "timing"].isna().all()
    assert (codes[~silence & ~before] == MissingReason.SKIPPED).mean() == pytest.approx(
        0.05, abs=4 * 0.22 / math.sqrt(3200)
    )


def leavers(study: Study, world: World) -> tuple[pd.Series, pd.DataFrame]:
    frame = scores_of(study, world)
    start = at(frame, "t0")
    return ~start.index.isin(at(frame, "t1").index), start


def test_attrition_at_random_has_its_share_and_the_ledger_names_who(study):
    responses = simulate(study, World(attrition=Attrition(share=0.2)), seed=1)
    present = responses.frame.groupby("occasion")["participant"].nunique()
    (entry,) = responses.ledger.entries

    assert 1 - present["t1"] / present["t0"] == pytest.approx(0.2, abs=4 * 0.4 * SE)
    assert len(entry.rows) == 4000 - present["t1"]


def test_attrition_may_differ_by_arm(study):
    gone, start = leavers(study, World(attrition=Attrition(share=0.1, by_cell={"silence": 0.4})))
    silent = (start["arm"] == "silence").to_numpy()

    assert gone[silent].mean() == pytest.approx(0.4, abs=4 * 0.5 / math.sqrt(800))
    assert gone[~silent].mean() == pytest.approx(0.1, abs=4 * 0.3 / math.sqrt(3200))


@pytest.mark.parametrize(("moment", "column"), [("before", "t0"), ("now", "t1")])
def test_attrition_may_have_to_do_with_the_score(study, moment, column):
    attrition = Attrition(share=0.25, because_of="efficacy", at=moment, strength=-0.6)
    full = at(scores_of(study, World()), column)["efficacy"]
    gone, start = leavers(study, World(attrition=attrition))
    left = full.reindex(start.index)[gone]

    assert gone.mean() == pytest.approx(0.25, abs=5 * 0.43 * SE)
    # Mean of z among leavers: rho * phi(edge) / share = -.6 * .3178 / .25
    assert (left.mean() - full.mean()) / full.std() == pytest.approx(-0.763, abs=0.12)


def test_non_compliance_dilutes_the_effect(study):
    means = [CellMeans(outcome="mood", cells={"now:general": 1.0, "now:specific": 1.0})]
    world = World(means=means, non_compliance=NonCompliance(share=0.3))
    now = at(scores_of(study, world), "t1").groupby("timing")["mood"].mean()

    assert now["now"] - now["later"] == pytest.approx(0.7, abs=4 * 2.2 / math.sqrt(3200))


def test_the_careless_answer_all_items_alike_or_at_random_and_fail_checks(study):
    world = World(carelessness=Carelessness(share=0.4, straight=1.0, passes=1.0))
    responses = simulate(study, world, seed=1)
    start = at(responses.frame, "t0")
    items = [c for c in responses.items if c.startswith("efficacy")]
    same = start[items].eq(start[items[0]], axis=0).all(axis=1)

    assert same.mean() > 0.4 - 4 * 0.5 * SE
    assert (start["check"] != "b").mean() == pytest.approx(0.4 * 2 / 3, abs=4 * 0.45 * SE)
    assert start.loc[same, "duration_seconds"].median() < 0.6 * start.loc[~same, "duration_seconds"].median()


def test_drift_moves_scores_with_the_days_since_the_interview(variant):
    slow = variant(
        factors=[
            {
                "name": "timing",
                "mode": "enacted",
                "levels": {"now": "Now", "later": "Later"},
                "reference": "later",
                "delay_from": "decision",
                "scores": {"now": 0.0, "later": 60.0},
            }
        ],
        arms=[],
    )
    now = at(scores_of(slow, World(drift={"mood": -0.2})), "t1").groupby("timing")["mood"].mean()

    assert now["later"] - now["now"] == pytest.approx(-0.4, abs=4 * 2 / math.sqrt(4000))


@pytest.mark.parametrize("name", templates())
def test_the_templates_can_be_simulated_and_scored(name):
    study = Study.load(template_folder(name))
    responses = simulate(study, World.assumed(study), seed=1)
    scores = fs.score(responses, study.measures)

    assert responses.design_hash == study.design_hash
    assert set(responses.columns) >= {"participant", "arm", "occasion", *study.factors.names, *study.covariates.names}
    assert {c for m in study.measures for c in m.columns} <= set(scores.columns) | {"checks", "intentions", "appraisal"}
    assert not scores.issues.errors


BANDED = [{"name": "grade_band", "kind": "ordinal", "levels": {"low": "L", "mid": "M", "high": "H"}}]


@pytest.mark.parametrize("by", [["grade_band"], ["site"], ["site", "grade_band"]])
def test_declared_strata_are_balanced_within(variant, by):
    study = variant(
        covariates=BANDED,
        arms=[],
        units=[{"name": "site", "n": 6}, {"name": "person", "n": 600, "nested_in": "site"}],
        assignment={"method": "complete", "by": by},
    )
    now = at(simulate(study, World(), seed=1).frame, "t0")
    counts = pd.crosstab([now[name] for name in by], [now["timing"], now["detail"]])

    assert (counts.max(axis=1) - counts.min(axis=1)).max() <= 1
    again = at(simulate(study, World(), seed=1).frame, "t0")
    pd.testing.assert_frame_equal(now, again)


@pytest.mark.parametrize(
    ("assignment", "spread"),
    [
        ({"method": "permuted_blocks", "block_sizes": [4, 8]}, 4),
        ({"method": "minimisation", "by": ["grade_band"], "probability": 1.0}, 6),
    ],
)
def test_sequential_methods_are_reproduced(variant, assignment, spread):
    study = variant(covariates=BANDED, arms=[], units=[{"name": "person", "n": 400}], assignment=assignment)
    counts = at(simulate(study, World(), seed=1).frame, "t0").groupby(["timing", "detail"]).size()

    assert counts.max() - counts.min() <= spread


def test_a_die_for_each_leaves_group_sizes_to_chance(variant):
    study = variant(arms=[], units=[{"name": "person", "n": 400}], assignment={"method": "simple"})
    counts = [
        at(simulate(study, World(), seed=s).frame, "t0").groupby(["timing", "detail"]).size().max() for s in range(4)
    ]

    assert len(set(counts)) > 1


def test_a_stepped_wedge_crosses_over_cluster_by_cluster_with_its_trend():
    study = wedge()
    world = World(means=[CellMeans(outcome="mood", cells={"new": 0.5})], trend={"mood": 0.2})
    frame = simulate(study, world, seed=1).frame
    table = pd.crosstab(frame["period"], frame["policy"])

    assert table["new"].tolist() == [0, 900, 1800, 2700, 3600]
    assert len(frame[["site", "period", "policy"]].drop_duplicates()) == 60
    assert frame.groupby(["site", "period"]).size().eq(300).all()
    means = frame.groupby(["policy", "period"])["mood"].mean().astype(float)
    assert means["old", 4] - means["old", 1] == pytest.approx(0.6, abs=4 * math.sqrt(1 / 900 + 1 / 3600))
    assert means["new", 3] - means["old", 3] == pytest.approx(0.5, abs=4 * math.sqrt(2 / 1800))


def wedge(sites: int = 12, people: int = 18_000) -> Study:
    factor = {"name": "policy", "mode": "enacted", "levels": {"old": "O", "new": "N"}, "reference": "old"}
    return Study(
        title="A wedge",
        factors=[{**factor, "assigned_to": "site"}],
        units=[{"name": "site", "n": sites}, {"name": "person", "n": people, "nested_in": "site"}],
        waves=[{"name": "t1", "anchor": "feedback", "phase": "after"}],
        measures=[{"name": "mood", "kind": "continuous", "waves": ["t1"]}],
        hypotheses=[
            {
                "name": "h1",
                "text": "The new policy helps.",
                "outcome": "mood",
                "contrast": {"kind": "main_effect", "factor": "policy", "level": "new", "against": "old"},
                "direction": "positive",
                "role": "confirmatory",
                "sesoi": {"value": 0.3, "unit": "sd", "because": "A reason."},
            }
        ],
        assignment={"method": "stepped_wedge", "wedge": {"factor": "policy", "sequences": 4}},
        conduct={"population": "panel", "realism": "field"},
    )


def test_power_of_a_stepped_wedge_is_that_of_hussey_and_hughes():
    """12 clusters, 4 steps, 10 people a period, tau2 .05, sigma2 .95, theta .3: .6126813358 by z; REML is estimated."""
    world = World(means=[CellMeans(outcome="mood", cells={"new": 0.3})], icc={"site": 0.05}, trend={"mood": 0.1})
    row = fs.power.diagnose(wedge(people=600), world, seed=1, n_simulations=2000)["h1"]

    assert row.power == pytest.approx(0.6127, abs=3.5 * row.power_mcse)
    assert row.bias == pytest.approx(0, abs=3.5 * row.bias_mcse)
    assert row.coverage == pytest.approx(0.95, abs=3.5 * row.coverage_mcse)


def storied(variant, **more):
    timing = {"name": "timing", "mode": "described", "levels": {"now": "N", "later": "L"}, "reference": "later"}
    detail = {
        "name": "detail",
        "mode": "described",
        "levels": {"general": "G", "specific": "S"},
        "reference": "general",
    }
    people = [{"name": "person", "n": 2000}]
    return variant(factors=[timing, {**detail, "varies": "within"}], units=people, **more)


def test_people_read_each_story_and_their_answers_correlate_as_declared(variant):
    study = storied(variant)
    cells = {"now:specific": 0.5, "later:specific": 0.5}
    world = World(within=0.55, stability=0.5, means=[CellMeans(outcome="mood", cells=cells)])
    responses = simulate(study, world, seed=1)
    frame = fs.score(responses, study.measures).frame
    told = frame[frame["occasion"].isin(["t1.1", "t1.2"]) & (frame["arm"] == "feedback")]

    assert sorted(frame["occasion"].unique()) == ["t0", "t1.1", "t1.2"]
    assert told.groupby("participant").size().eq(2).all()
    assert (pd.crosstab(told["occasion"], told["detail"]) - len(told) / 4).abs().to_numpy().max() <= 2
    assert set(frame.loc[frame["arm"] == "silence", "occasion"]) == {"t0", "t1.1"}
    for score in ("mood", "efficacy"):
        pair = told.pivot_table(index="participant", columns="detail", values=score)
        assert pair.corr().iloc[0, 1] == pytest.approx(0.55, abs=4 * 0.7 / math.sqrt(len(pair))), score
    pair = told.pivot_table(index="participant", columns="detail", values="mood")
    assert (pair["specific"] - pair["general"]).mean() == pytest.approx(0.5, abs=4 * math.sqrt(0.9 / len(pair)))


def test_stories_that_belong_together_less_than_they_follow_from_the_past_are_refused(variant):
    with pytest.raises(fs.errors.DeclarationError, match="bring 'within' and the correlations"):
        simulate(storied(variant), World(within=0.2, stability=0.6), seed=1)


def test_power_of_two_stories_is_that_of_a_paired_test(variant):
    contrast = {"kind": "main_effect", "factor": "detail", "level": "specific", "against": "general"}
    asked = {
        "name": "h1",
        "text": "Detail helps.",
        "outcome": "mood",
        "contrast": contrast,
        "direction": "positive",
        "role": "exploratory",
    }
    study = storied(variant, hypotheses=[asked], arms=[])
    cells = {"now:specific": 0.4, "later:specific": 0.4}
    world = World(n={"person": 30}, within=0.55, stability=0.5, means=[CellMeans(outcome="mood", cells=cells)])
    batched = fs.power.diagnose(study, world, seed=1, n_simulations=2000)["h1"]
    row = fs.power.diagnose(study, world, seed=1, n_simulations=60, analysis=paired)["h1"]
    exact = fs.power.t_test(0.4 / math.sqrt(0.9), 30, samples="one").power

    assert row.power == pytest.approx(exact, abs=3.5 * math.sqrt(0.25 / 60))
    assert batched.power == pytest.approx(exact, abs=0.03)
    assert batched.coverage == pytest.approx(0.95, abs=3.5 * batched.coverage_mcse)


def paired(scores: fs.Scores, study: Study) -> dict[str, dict[str, float]]:  # noqa: ARG001
    """A t test of two stories of the same people."""
    from scipy import stats

    told = scores.frame[scores.frame["occasion"] != "t0"]
    pair = told.pivot_table(index="participant", columns="detail", values="mood")
    found = stats.ttest_rel(pair["specific"], pair["general"])
    span = found.confidence_interval()
    estimate = float((pair["specific"] - pair["general"]).mean())
    return {"h1": {"estimate": estimate, "low": span.low, "high": span.high, "p": found.pvalue}}
