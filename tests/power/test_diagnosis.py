"""`diagnose` agrees with exact power, keeps its level, recovers the truth, and hides no failure."""

import dataclasses
import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import feedbackstudy as fs
from feedbackstudy.design.arms import Arm
from feedbackstudy.design.conduct import Conduct
from feedbackstudy.design.factors import Factor
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.design.plan import Family, Plan
from feedbackstudy.design.units import Units
from feedbackstudy.design.waves import Wave
from feedbackstudy.errors import DeclarationError, InputError, NotFoundError
from feedbackstudy.power.diagnosis import diagnose
from feedbackstudy.power.solve import solve
from feedbackstudy.power.summarising import adjust
from feedbackstudy.power.sweep import sweep
from feedbackstudy.scales.measure import Measure
from feedbackstudy.simulate import World
from feedbackstudy.simulate.truths import Attrition, CellMeans, Leads, Outcome, Prior
from feedbackstudy.study import Study, template_folder, templates

MAIN = {"kind": "main_effect", "factor": "timing", "level": "now", "against": "later"}


def hypothesis(name: str, contrast: dict, **more: object) -> Hypothesis:
    given = {
        "name": name,
        "text": "Something differs.",
        "outcome": "mood",
        "contrast": contrast,
        "role": "confirmatory",
    }
    return Hypothesis.model_validate({"direction": "positive", "sesoi": {"value": 0.5, "unit": "sd"}, **given, **more})


def study_of(n: int = 128, hypotheses: list[Hypothesis] | None = None, **more: object) -> Study:
    timing = Factor(
        name="timing", mode="described", levels={"now": "N", "later": "L"}, reference="later", **more.pop("timing", {})
    )
    detail = Factor(name="detail", mode="described", levels={"general": "G", "specific": "S"}, reference="general")
    given: dict[str, object] = {
        "title": "A small study",
        "factors": [timing, detail],
        "units": [Units(name="person", n=n)],
        "waves": [
            Wave(name="t0", anchor="interview", phase="before"),
            Wave(name="t1", anchor="feedback", phase="after"),
        ],
        "measures": [
            Measure(name="mood", kind="continuous", waves=("t0", "t1")),
            Measure(name="liking", kind="continuous", waves=("t1",)),
            Measure(name="efficacy", scale="interview_self_efficacy", waves=("t1",)),
        ],
        "hypotheses": hypotheses or [hypothesis("h1", MAIN, occasion="t1")],
        "conduct": Conduct(population="panel", realism="hypothetical"),
    }
    return Study(**{**given, **more})


def effect(size: float, outcome: str = "mood") -> World:
    return World(means=[CellMeans(outcome=outcome, cells={"now:general": size, "now:specific": size})])


def test_power_of_a_main_effect_is_the_exact_one():
    """pwr in R: two groups of 64, d = .5: .8014595579; here with two cells more, 124 instead of 126 df."""
    row = diagnose(study_of(128), effect(0.5), seed=1, n_simulations=4000)["h1"]

    assert row.power_exact == pytest.approx(0.8014595579, abs=2e-3)
    assert row.power == pytest.approx(row.power_exact, abs=3 * row.power_mcse)
    assert row.bias == pytest.approx(0, abs=3 * row.bias_mcse)
    assert row.coverage == pytest.approx(0.95, abs=3 * row.coverage_mcse)
    assert row.rmse == pytest.approx(math.sqrt(4 / 128), abs=3 * row.rmse_mcse)
    assert row.failed == 0


def test_power_of_an_interaction_and_of_scale_scores_is_the_exact_one():
    inter = {"kind": "interaction", "levels": {"timing": ["now", "later"], "detail": ["specific", "general"]}}
    asked = [hypothesis("h1", MAIN, outcome="efficacy"), hypothesis("h2", inter, outcome="liking")]
    cells = {"now:specific": 0.6}
    world = World(
        means=[
            CellMeans(outcome="efficacy", cells={"now:general": 0.4, "now:specific": 0.4}),
            CellMeans(outcome="liking", cells=cells),
        ]
    )
    made = diagnose(study_of(200, asked), world, seed=2, n_simulations=4000)

    for row in made.rows:
        assert row.power == pytest.approx(row.power_exact, abs=3.5 * row.power_mcse), row.hypothesis
    assert made["h2"].truth == pytest.approx(0.6)


@pytest.mark.parametrize("seed", [1, 2])
def test_type_one_error_is_the_level(seed):
    row = diagnose(study_of(60), World(effect_scale=0.0), seed=seed, n_simulations=6000)["h1"]

    assert row.power == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 6000))
    assert math.isnan(row.type_s)
    assert math.isnan(row.type_m)


@pytest.mark.parametrize("clusters", [8, 12, 30])
@pytest.mark.parametrize("icc", [0.01, 0.1, 0.4])
def test_type_one_error_is_the_level_where_clusters_are_assigned(clusters, icc):
    study = study_of(
        timing={"assigned_to": "site"},
        units=[Units(name="site", n=clusters), Units(name="person", n=clusters * 12, nested_in="site")],
    )
    made = diagnose(study, World(icc={"site": icc}), seed=3, n_simulations=4000)
    row = made["h1"]

    error = 3 * math.sqrt(0.05 * 0.95 / 4000)
    assert row.power == pytest.approx(0.05, abs=error)
    assert "REML, random: site" in row.model
    assert any("mean square between clusters as error" in line for line in made.provenance.conventions)


def test_power_of_a_cluster_trial_is_the_exact_one():
    """Noncentral t, 2K - 2 df, design effect 1 + (m - 1) ICC: K = 15 per arm, m = 20, ICC .05, d .3: .7190815295."""
    study = study_of(
        timing={"assigned_to": "site"},
        units=[Units(name="site", n=30), Units(name="person", n=600, nested_in="site")],
    )
    world = effect(0.3).vary({"icc": {"site": 0.05}})
    row = diagnose(study, world, seed=4, n_simulations=3000)["h1"]

    assert row.power == pytest.approx(0.7190815295, abs=3 * row.power_mcse)


def test_attrition_costs_power_and_because_of_the_outcome_it_biases():
    full = diagnose(study_of(200), effect(0.4), seed=1, n_simulations=1500)["h1"]
    lost = Attrition(
        share=0.3, by_cell={"later:general": 0.0, "later:specific": 0.0}, because_of="mood", at="now", strength=-0.7
    )
    worse = diagnose(study_of(200), effect(0.4).vary({"attrition": lost}), seed=1, n_simulations=1500)["h1"]

    assert worse.n_mean < full.n_mean - 15
    assert worse.bias > 10 * worse.bias_mcse  # unhappy people left one group only


def test_a_baseline_raises_power_as_its_correlation_says():
    asked = [hypothesis("h1", MAIN, occasion="t1"), hypothesis("h2", MAIN, occasion="t1", baseline="t0")]
    asked.append(hypothesis("h3", MAIN, occasion="t1", change_since="t0"))
    made = diagnose(study_of(120, asked), effect(0.4).vary({"stability": 0.7}), seed=5, n_simulations=3000)
    plain, adjusted, change = made.rows

    assert adjusted.rmse / plain.rmse == pytest.approx(math.sqrt(1 - 0.49), abs=0.03)
    assert change.rmse / plain.rmse == pytest.approx(math.sqrt(2 - 1.4), abs=0.03)
    assert adjusted.bias == pytest.approx(0, abs=3 * adjusted.bias_mcse)


def test_an_indirect_effect_has_its_declared_size():
    path = {"through": [{"score": "liking"}]}
    asked = [hypothesis("h1", MAIN, occasion="t1", path=path, sesoi=None)]
    leads = Leads(outcome="mood", occasion="t1", by="liking", by_occasion="t1", slope=0.4)
    world = World(means=[CellMeans(outcome="liking", cells={"now:general": 0.5, "now:specific": 0.5})], leads=[leads])
    row = diagnose(study_of(200, asked), world, seed=6, n_simulations=2000)["h1"]

    assert row.truth == pytest.approx(0.5 * 0.4, abs=1e-9)
    assert row.bias == pytest.approx(0, abs=3 * row.bias_mcse)
    assert row.coverage == pytest.approx(0.95, abs=0.02)


def test_equivalence_is_the_exact_power_of_tost():
    """Two groups of 100, bounds .4, d = 0: .7595605."""
    asked = [hypothesis("h1", MAIN, occasion="t1", direction="negligible", sesoi={"value": 0.4, "unit": "sd"})]
    plan = Plan.model_validate({"decides": {"h1": {"by": "equivalence"}}})
    row = diagnose(study_of(200, asked, plan=plan), World(), seed=7, n_simulations=4000)["h1"]

    assert row.equivalence == pytest.approx(0.7595605, abs=3.5 * row.equivalence_mcse)
    assert row.decided == row.equivalence


def test_non_inferiority_is_one_one_sided_test_and_a_family_adjusts_the_p_that_decides():
    """Two groups of 100, margin .4, d = 0: one-sided t at .05; Bonferroni of two makes it .025."""
    one = hypothesis("h1", MAIN, occasion="t1", direction="positive", sesoi={"value": 0.4, "unit": "sd"})
    asked, by = [one, one.model_copy(update={"name": "h2"})], {"by": "equivalence", "kind": "non_inferiority"}
    alone = Plan.model_validate({"decides": {"h1": by, "h2": by}})
    family = {"name": "both", "hypotheses": ["h1", "h2"], "method": "bonferroni"}
    together = Plan.model_validate({"decides": {"h1": by, "h2": by}, "families": [family]})

    for plan, alpha in ((alone, 0.05), (together, 0.025)):
        row = diagnose(study_of(200, asked, plan=plan), World(), seed=8, n_simulations=4000)["h1"]
        exact = stats.nct.sf(stats.t.ppf(1 - alpha, 198), 198, 0.4 * math.sqrt(50))
        assert row.decided == pytest.approx(exact, abs=3.5 * row.decided_mcse)
        assert row.power_adjusted == row.power


def test_a_bayes_factor_decides_as_often_as_root_finding_says():
    """Two groups of 100, d = .5, Cauchy scale sqrt(2)/2: P(BF10 > 6) = .76308."""
    plan = Plan.model_validate(
        {"decides": {"h1": {"by": "bayes_factor", "threshold": 6.0, "prior_scale": math.sqrt(0.5)}}}
    )
    row = diagnose(study_of(200, plan=plan), effect(0.5), seed=8, n_simulations=4000)["h1"]

    assert row.decided == pytest.approx(0.76308, abs=3.5 * row.decided_mcse)


def test_failed_fits_are_a_column_of_their_own_and_bound_the_power():
    asked = [hypothesis("h1", {"kind": "feedback_vs_arm", "arm": "silence"}, occasion="t1")]
    study = study_of(20, asked, arms=[Arm(name="silence", told="nothing")])
    world = World(attrition=Attrition(share=0.1, by_cell={"silence": 0.8}))
    row = diagnose(study, world, seed=1, n_simulations=400)["h1"]

    assert 0.3 < row.failed < 0.6  # all four of silence left: .8 ** 4 = .41
    assert row.power_low < row.power < row.power_high
    assert row.power_high - row.power_low == pytest.approx(row.failed)


def test_multiplicity_and_joint_power_come_from_the_same_set():
    asked = [hypothesis("h1", MAIN, occasion="t1"), hypothesis("h2", MAIN, outcome="liking")]
    plan = Plan(families=[Family(name="both", hypotheses=("h1", "h2"), method="bonferroni")])
    world = World(means=[*effect(0.5).means, *effect(0.5, "liking").means], correlation=0.0)
    made = diagnose(study_of(128, asked, plan=plan), world, seed=9, n_simulations=3000)
    h1, h2 = made.rows

    assert h1.power_adjusted < h1.power
    assert made.all_decided == pytest.approx(h1.power_adjusted * h2.power_adjusted, abs=0.03)


def test_adjusted_p_values_are_those_of_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(1).random((50, 5)) ** 3
    for ours, theirs in (("holm", "holm"), ("hochberg", "simes-hochberg"), ("fdr_bh", "fdr_bh"), ("bonferroni",) * 2):
        expected = np.array([multipletests(row, method=theirs)[1] for row in p])
        np.testing.assert_allclose(adjust(p, ours), expected, atol=1e-12)


def t_test(scores: fs.Scores, study: Study) -> dict[str, dict[str, float]]:  # noqa: ARG001
    """A user's own analysis, importable by workers."""

    now = scores.frame[scores.frame["occasion"] == "t1"]
    a, b = (now.loc[now["timing"] == level, "mood"].to_numpy(dtype=float) for level in ("now", "later"))
    found = stats.ttest_ind(a, b)
    span = found.confidence_interval()
    return {"h1": {"estimate": a.mean() - b.mean(), "low": span.low, "high": span.high, "p": found.pvalue}}


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_the_same_seed_gives_the_same_answer_in_any_executor(pool):
    study, world = study_of(80), World.assumed(study_of(80))
    alone = diagnose(study, world, seed=11, n_simulations=100)
    with pool(2) as workers:
        together = diagnose(study, world, seed=11, n_simulations=100, executor=workers)

    pd.testing.assert_frame_equal(alone.frame(), together.frame())


def test_an_analysis_of_ones_own_runs_on_whole_invented_studies():
    made = diagnose(study_of(128), effect(0.5), seed=12, n_simulations=120, analysis=t_test)
    with ThreadPoolExecutor(2) as workers:
        again = diagnose(study_of(128), effect(0.5), seed=12, n_simulations=120, analysis=t_test, executor=workers)

    assert made["h1"].power == pytest.approx(0.80, abs=4 * 0.04)
    assert made["h1"].coverage > 0.85
    assert "user callable" in made.engine
    pd.testing.assert_frame_equal(made.frame(), again.frame())


@pytest.mark.parametrize("name", templates())
def test_the_templates_are_diagnosed_without_failures(name):
    study = Study.load(template_folder(name))
    made = diagnose(study, World.assumed(study), seed=1, n_simulations=40)

    assert [row.hypothesis for row in made.rows] == list(study.hypotheses.names)
    assert all(row.failed == 0 and 0 <= row.power <= 1 for row in made.rows)
    assert "batched rows" in str(made)
    assert made._repr_html_()


def test_solve_finds_the_exact_number_of_people():
    """d = .5: 63.77 a group for .80, so 128 in all."""
    found = solve(study_of(128), effect(0.5), vary="n.person", hypothesis="h1", seed=1, mcse=0.008)

    assert found.value == pytest.approx(127.5, abs=10)
    assert found.interval[0] <= 128 <= found.interval[1]
    assert found.mcse <= 0.009


def test_solve_finds_the_smallest_effect_and_the_precision():
    """n = 100 a group: MDE .3981407333; the full width of a 95 % interval is 2 * 1.972 * sqrt(2 / n)."""
    effect_found = solve(study_of(200), World(), vary="h1", seed=2, mcse=0.01)
    width = solve(study_of(200), effect(0.5), vary="n.person", hypothesis="h1", goal="width", target=0.5, seed=2)

    assert effect_found.value == pytest.approx(0.398, abs=0.025)
    assert width.value == pytest.approx(16 * 1.96**2 / 0.25, rel=0.03)


def test_assurance_averages_power_over_the_prior():
    world = effect(0.5).vary({"priors": {"h1": Prior(mean=0.5, sd=0.2)}})
    found = solve(
        study_of(128), world, vary="n.person", hypothesis="h1", goal="assurance", target=0.7, seed=3, mcse=0.06
    )

    assert 70 < found.value < 250


def test_a_sweep_has_a_row_for_each_point_and_uses_common_random_numbers():
    frame = sweep(
        study_of(128), effect(0.5), {"effect_scale": [0.0, 1.0], "n.person": [64, 128]}, seed=1, n_simulations=100
    ).frame()

    assert len(frame) == 4
    assert list(frame.columns[:2]) == ["effect_scale", "n.person"]
    assert frame["power"].is_monotonic_increasing or frame["power"].max() == frame["power"].iloc[-1]


@pytest.mark.parametrize(
    ("vary", "nearest"),
    [
        ("effect_scal", "effect_scale"),
        ("attrition.shar", "attrition.share"),
        ("n.persn", "person"),
        ("icc.sight", "sight"),
    ],
)
def test_an_unknown_path_is_answered_with_the_nearest(vary, nearest):
    with pytest.raises(InputError, match=nearest):
        solve(study_of(), effect(0.5), vary=vary, hypothesis="h1", seed=1)


def test_what_cannot_be_estimated_is_named():
    silence = [hypothesis("h1", {"kind": "feedback_vs_arm", "arm": "silence"}, occasion="t1")]
    measures = [Measure(name="mood", kind="continuous", waves=("t1",), asked_of=("feedback",))]
    study = study_of(60, silence, arms=[Arm(name="silence", told="nothing")], measures=measures)
    with pytest.raises(InputError, match=r"'h1'.*not estimable.*'mood' of silence, who are not asked"):
        diagnose(study, World(), seed=1)
    with pytest.raises(DeclarationError, match="cannot fill 4 cells"):
        diagnose(study_of(3), World(), seed=1)
    with pytest.raises(InputError, match="at least 20"):
        diagnose(study_of(), World(), seed=1, n_simulations=1)
    with pytest.raises(NotFoundError, match="h1"):
        diagnose(study_of(), World(), seed=1, n_simulations=20)["h9"]


def test_results_are_frozen_and_carry_their_world():
    made = diagnose(study_of(), World(outcomes=[Outcome(name="mood", sd=2.0)]), seed=1, n_simulations=20)

    with pytest.raises(dataclasses.FrozenInstanceError):
        made.alpha = 0.1
    assert made.provenance.seed == 1
    assert dict(made.provenance.data_sha256)["world"] == World(outcomes=[Outcome(name="mood", sd=2.0)]).digest()


def test_the_conventions_say_what_of_the_plan_is_applied_and_how():
    study = Study.load(template_folder("second-chance"))

    made = diagnose(study, World.assumed(study), seed=1, n_simulations=20)
    said = " ".join(made.provenance.conventions)

    assert "exclusions applied: inattentive, too_fast" in said
    assert "5 multiple imputations" in said
    assert "Satterthwaite: class, exemplar" in said
    assert "h5, h11: complete cases" in " ".join(made.notes)


def excluding(**rule: object) -> Plan:
    return Plan.model_validate({"exclusions": [{"name": "out", "because": "A reason.", **rule}]})


CHECK = Measure(
    name="check",
    kind="nominal",
    levels={"a": "A", "b": "B", "c": "C"},
    role="attention_check",
    passes="b",
    waves=("t0",),
)


def checked(plan: Plan) -> Study:
    measures = [CHECK, Measure(name="mood", kind="continuous", waves=("t0", "t1"))]
    return study_of(400, plan=plan, measures=measures)


@pytest.mark.parametrize(
    ("rule", "share"),
    [
        ({"variable": "check", "exclude_if": "fails"}, 0.2 * 2 / 3 + 0.8 * 0.02),
        ({"variable": "mood", "exclude_if": "above", "value": 1.0, "occasion": "t0"}, 0.1587),
        # 40 + 6 * 2 seconds, three tenths of it where careless
        (
            {"variable": "duration_seconds", "exclude_if": "below", "value": 30.0, "occasion": "t0"},
            0.2 * 0.9494 + 0.8 * 0.0580,
        ),
    ],
)
def test_exclusions_take_out_the_share_that_they_must(rule, share):
    world = effect(0.4).vary({"carelessness": {"share": 0.2}, "stability": 0.0})
    row = diagnose(checked(excluding(**rule)), world, seed=1, n_simulations=200)["h1"]

    assert row.n_mean == pytest.approx(400 * (1 - share), abs=4 * math.sqrt(400 * share / 200) + 1)
    assert math.isnan(row.power_exact)


def test_an_exclusion_that_needs_items_is_named_and_not_applied():
    plan = excluding(variable="longstring", exclude_if="above", value=8.0, occasion="t1")
    made = diagnose(checked(plan), effect(0.4), seed=1, n_simulations=20)

    assert "out need single items and are not applied" in " ".join(made.notes)
    assert made["h1"].n_mean == 400


@pytest.mark.parametrize("missing", ["multiple_imputation", "fiml"])
def test_the_missing_rule_is_applied_and_mends_what_leaving_out_biases(missing):
    """People high on the first wave leave one group: complete cases are biased, what uses the first wave is not."""
    by_cell = {"later:general": 0.0, "later:specific": 0.0}
    lost = Attrition(share=0.4, by_cell=by_cell, because_of="mood", at="before", strength=0.8)
    world = effect(0.3).vary({"attrition": lost, "stability": 0.7})
    listwise = diagnose(study_of(200), world, seed=1, n_simulations=400)["h1"]
    mended = diagnose(study_of(200, plan=Plan(missing=missing)), world, seed=1, n_simulations=400)["h1"]

    assert listwise.bias < -10 * listwise.bias_mcse
    assert abs(mended.bias) < 4 * mended.bias_mcse + 0.01
    assert mended.coverage == pytest.approx(0.95, abs=0.04)
    assert mended.n_mean == 200


def test_people_in_clusters_are_analysed_with_random_intercepts():
    """A trial within clusters: the variance between clusters leaves the contrast, so power is that of the rest."""
    study = study_of(200, units=[Units(name="site", n=20), Units(name="person", n=200, nested_in="site")])
    row = diagnose(study, effect(0.4).vary({"icc": {"site": 0.3}}), seed=2, n_simulations=2000)["h1"]
    exact = fs.power.t_test(0.4 / math.sqrt(0.7), 100).power

    assert "REML, random: site" in row.model
    assert row.power == pytest.approx(exact, abs=0.05)  # cells are not balanced within sites
    assert row.coverage == pytest.approx(0.95, abs=3.5 * row.coverage_mcse)


def test_an_ordinal_outcome_is_answered_by_a_cumulative_probit():
    grade = Measure(name="grade", kind="ordinal", levels={"low": "L", "mid": "M", "high": "H"}, waves=("t1",))
    asked = [hypothesis("h1", MAIN, outcome="grade", sesoi={"value": 1.5, "unit": "odds_ratio"})]
    world = World(means=[CellMeans(outcome="grade", cells={"now:general": 0.4, "now:specific": 0.4})])
    row = diagnose(study_of(240, asked, measures=[grade]), world, seed=3, n_simulations=2000)["h1"]
    even = fs.power.ordinal(math.exp(1.7 * row.truth), 120, control=(1 / 3, 1 / 3, 1 / 3)).power

    assert "cumulative probit" in row.model
    assert row.bias == pytest.approx(0, abs=4 * row.bias_mcse + 0.01)
    assert row.power == pytest.approx(even, abs=0.04)
    assert row.coverage == pytest.approx(0.95, abs=3.5 * row.coverage_mcse)


def test_effects_drawn_from_priors_make_power_assurance():
    """Two groups of 64, d ~ N(.5, .2): the average of exact power over the prior."""
    world = effect(0.5).vary({"priors": {"h1": Prior(mean=0.5, sd=0.2)}, "effects": "priors"})
    row = diagnose(study_of(128), world, seed=4, n_simulations=800)["h1"]
    exact = fs.power.assurance(fs.power.t_test, 0.5, 0.2, effect="d", n=64).power

    assert row.power == pytest.approx(exact, abs=3.5 * row.power_mcse)
    assert row.bias == pytest.approx(0, abs=3.5 * row.bias_mcse)
    assert row.coverage == pytest.approx(0.95, abs=3.5 * row.coverage_mcse)
    one, two = (fs.simulate(study_of(128), world, seed=s).frame for s in (1, 1))
    pd.testing.assert_frame_equal(one, two)


def told_in_exemplars(n: int = 240) -> Study:
    tone = {"name": "framing", "concept": "framing", "mode": "described", "reference": "deficits_first"}
    levels = {"strengths_first": "S", "deficits_first": "D"}
    asked = hypothesis(
        "h1", {"kind": "main_effect", "factor": "framing", "level": "strengths_first", "against": "deficits_first"}
    )
    return study_of(
        n,
        [asked],
        factors=[{**tone, "levels": levels}],
        units=[Units(name="person", n=n)],
        waves=[Wave(name="t1", anchor="feedback", phase="after")],
        measures=[Measure(name="mood", kind="continuous", waves=("t1",))],
        messages={"family": "data_analyst"},
    )


def test_an_exemplar_is_a_random_factor_that_leaves_what_all_cells_share():
    """A fifth of variance lies between exemplars that all cells share: the contrast is free of it."""
    study = told_in_exemplars()
    world = World(means=[CellMeans(outcome="mood", cells={"strengths_first": 0.3})], exemplar=0.2)
    row = diagnose(study, world, seed=1, n_simulations=2000)["h1"]
    exact = fs.power.t_test(0.3 / math.sqrt(0.8), 120).power

    assert "random: exemplar" in row.model
    assert row.power == pytest.approx(exact, abs=4 * row.power_mcse)
    assert row.coverage == pytest.approx(0.95, abs=3.5 * row.coverage_mcse)


def test_effects_that_differ_between_exemplars_are_not_covered_by_an_intercept():
    """Three texts a cell with 3 % of variance of their own: the interval for messages at large is too narrow."""
    study = told_in_exemplars()
    made = diagnose(study, World(exemplar=0.1, exemplar_by_cell=0.03), seed=2, n_simulations=1000)
    row = made["h1"]

    assert "intervals are too narrow for messages at large" in str(made)
    assert row.power > 0.10
    assert row.coverage < 0.90
