"""A validation finds the truth that made the answers, stands beside published values, and says what is not there."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import feedbackstudy as fs
from feedbackstudy.errors import DataError
from feedbackstudy.frames import Responses
from feedbackstudy.psychometrics import alpha, cfa, compare_alphas, invented_answers, omega, validate
from feedbackstudy.psychometrics.published_values import (
    Contrast,
    alpha_contrast,
    judged,
    known_contrast,
    loading_similarity,
    r_contrast,
)

THREE = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}


@pytest.fixture(scope="module")
def appraisal():
    answers = invented_answers(
        "message_appraisal",
        600,
        seed=3,
        groups={"general": {}, "specific": {"challenge": 0.4}},
        drift={"specific": {"appraisal_3": 0.5}},
        careless=0.04,
        name="appraisal",
    )
    study = fs.Study.load(fs.template_folder("second-chance") / "study.yaml")
    return answers, study.measures["appraisal"]


@pytest.fixture(scope="module")
def evidence(appraisal):
    return validate(*appraisal, group="group", draws=200)


@pytest.fixture(scope="module")
def abilities(hs):
    return validate(hs, THREE, group="school", related=["ageyr"], draws=0)


@pytest.fixture(scope="module")
def efficacy():
    return validate(invented_answers("gse", 250, seed=4), "gse")


def test_numbers_are_those_of_the_functions_that_make_them(abilities, hs):
    assert abilities.reliability["speed"][0].value == alpha(hs[THREE["speed"]]).value
    assert abilities.reliability["speed"][1].value == omega(hs[THREE["speed"]]).value
    assert abilities.models["continuous"].fit["chisq.scaled"] == cfa(hs, THREE).fit["chisq.scaled"]


def test_invariance_of_the_schools_fails_where_the_literature_says(abilities):
    assert abilities.invariance["group"].reached == "strict (partial)"
    assert set(abilities.invariance["group"].freed) == {"x3~1", "x7~1"}
    parts = abilities.noninvariance["group"].scores.set_index(["factor", "part"])["estimate"]
    assert parts["visual", "measurement"] < -0.1
    assert parts["textual", "measurement"] == pytest.approx(0.0, abs=1e-12)


def test_items_without_a_scale_have_no_key_and_it_is_said(abilities):
    assert abilities.audit is None
    assert {"key audit", "ordinal factor model", "careless answering"} <= {o.part for o in abilities.omissions}
    assert "so there is no key to audit" in next(o.why for o in abilities.omissions if o.part == "key audit")


def test_the_one_item_that_drifts_is_freed_and_its_bias_found(evidence):
    assert evidence.invariance["group"].freed == ("appraisal_3~1",)
    effect = evidence.noninvariance["group"].scores.set_index(["factor", "part"])
    low, high = effect.loc[("challenge", "measurement"), ["low", "high"]]
    # half a standard deviation of one latent response of four; an answer has a standard deviation of about 1.9
    assert low < 0.5 * 1.9 / 4 < high
    assert effect.loc[("threat", "measurement"), "estimate"] == pytest.approx(0.0, abs=1e-12)


def test_loadings_and_dimensions_are_the_ones_invented(evidence):
    loadings = evidence.models["ordinal"].estimates.query("op == '=~'")
    assert (np.abs(loadings["std"] - 0.7) < 4 * loadings["std_se"]).all()
    assert evidence.dimensions.parallel.factors == evidence.dimensions.declared == 2
    assert evidence.dimensions.misplaced == ()
    assert evidence.audit.agrees
    assert evidence.fit_to_report


def test_people_who_gave_one_answer_are_flagged_and_nobody_is_removed(evidence, appraisal):
    flagged = set(evidence.careless.flagged().index)
    frame = appraisal[0].frame.set_index("participant")[list(appraisal[0].items)]

    assert flagged >= set(frame.index[frame.min(axis=1) == frame.max(axis=1)])
    assert evidence.n == len(appraisal[0])
    assert evidence.without_careless["challenge"] < evidence.reliability["challenge"][0].value


def test_a_study_built_scale_says_that_nothing_was_published(evidence):
    assert not any(line.sample for line in evidence.lines)
    assert "none was seen at a source" in str(evidence)
    assert "Here beside the published values" not in str(evidence)


def test_published_values_stand_beside_with_n_and_verdict(efficacy):
    frame = efficacy.frame()
    pooled = frame[(frame["published"] == 0.854) & frame["what"].str.startswith("alpha")].iloc[0]
    whole = alpha_contrast((pooled["here"], 250, 10), (0.854, 19719, 10))
    assert pooled["published_n"] == 19719
    assert pooled["p"] == whole.p
    assert pooled["verdict"] == "agrees"
    ranges = frame[frame["published_low"].notna()]
    assert list(ranges["published_low"]) == [0.752, 0.76]
    assert "github" in str(efficacy)
    assert len(frame[frame["part"] == "score"]) == len([n for n in fs.scales.get("gse").evidence.norms if n.mean])


def test_published_fit_stands_beside_a_model_of_its_kind_only(efficacy):
    frame = efficacy.frame()
    fits = frame[frame["what"].str.contains("CFI|RMSEA|SRMR") & (frame["sample"] != "")]
    ordinal = fits["what"].str.endswith("ordinal")
    assert fits[ordinal]["sample"].str.contains("WLSMV").all()
    assert not fits[~ordinal]["sample"].str.contains("WLSMV").any()


def test_figures_from_memory_are_never_shown():
    scale = next(
        s
        for code in fs.scales.library().codes
        if (s := fs.scales.get(code)).evidence.from_memory and len(s.forms) == 1 and not s.gaps()
    )
    shown = str(validate(invented_answers(scale, 300, seed=1), scale, replicates=20, draws=0))
    assert all(recalled.what not in shown for recalled in scale.evidence.from_memory)


def test_a_key_that_the_data_contradict_is_not_fit_to_report():
    scale = fs.scales.get("rses")
    scale = scale.in_form(scale.forms[0].id)
    answers = invented_answers(scale, 300, seed=2)
    frame = answers.frame
    turned = [answers.items[p - 1] for p in scale.forms[0].to_reverse]
    low, high = scale.forms[0].likert_options.min, scale.forms[0].likert_options.max
    frame[turned] = low + high - frame[turned]
    wrong = Responses.from_frame(frame, items=answers.items, factors=["group"], already_reversed=[])

    assert validate(answers, scale, replicates=20).fit_to_report
    result = validate(wrong, scale, replicates=20)
    assert not result.fit_to_report
    assert set(turned) <= {item for finding in result.audit.findings for item in finding.items}


def test_reversed_items_are_keyed_before_anything_is_computed():
    scale = fs.scales.get("rses")
    scale = scale.in_form(scale.forms[0].id)
    result = validate(invented_answers(scale, 400, seed=2, loading=0.6), scale, replicates=20)
    k = len(scale.forms[0].positions)
    rho = 0.36 * k / (1 + 0.36 * (k - 1))
    assert next(iter(result.reliability.values()))[0].value == pytest.approx(rho, abs=0.05)
    assert "reversed here" in str(result)


def test_answers_outside_the_format_stop_everything_but_the_audit():
    answers = invented_answers("message_appraisal", 100, seed=1)
    frame = answers.frame
    frame.loc[3, answers.items[0]] = 99
    spoiled = Responses.from_frame(frame, items=answers.items, factors=["group"], already_reversed=[])

    result = validate(spoiled, "message_appraisal")

    assert not result.fit_to_report
    assert result.reliability == {}
    assert result.lines == ()
    assert result.omissions[-1].part == "everything else"
    assert any("99" in issue.what for issue in result.issues)


def test_occasions_are_compared_and_retest_is_given():
    first = invented_answers("message_appraisal", 300, seed=5)
    frame = first.frame
    later = frame.assign(occasion="t2")
    rng = np.random.default_rng(6)
    items = list(first.items)
    later[items] = np.clip(later[items] + rng.integers(-1, 2, (300, len(items))), 1, 7)
    both = pd.concat([frame, later], ignore_index=True)
    responses = Responses.from_frame(both, items=items, factors=["group"], already_reversed=[])

    result = validate(responses, "message_appraisal", occasion=["t1", "t2"], replicates=20, draws=0)

    assert result.n == 300
    assert result.invariance["occasion"].reached in {"scalar", "strict", "scalar (partial)", "strict (partial)"}
    assert result.retest["challenge"].r > 0.9
    assert any("another occasion" in issue.what for issue in result.issues)


def test_another_measure_is_related_and_disattenuated(hs):
    result = validate(hs, {"visual": THREE["visual"]}, related=[{"textual": THREE["textual"]}], replicates=20)
    (relation,) = result.convergence
    r = hs[THREE["visual"]].mean(axis=1).corr(hs[THREE["textual"]].mean(axis=1))
    root = np.sqrt(alpha(hs[THREE["visual"]]).value * alpha(hs[THREE["textual"]]).value)
    assert relation.r == pytest.approx(r, abs=1e-12)
    assert relation.disattenuated == pytest.approx(r / root, abs=1e-12)


def test_two_items_give_alpha_and_say_what_they_cannot_give(hs):
    result = validate(hs, {"pair": ["x1", "x2"]})
    assert [c.coefficient for c in result.reliability["pair"]] == ["alpha"]
    assert {"dimensions", "factor model", "careless answering"} <= {o.part for o in result.omissions}


def test_a_group_of_one_person_is_an_omission_with_its_reason(hs):
    lonely = hs.assign(room=["one"] + ["other"] * (len(hs) - 1))
    result = validate(lonely, THREE, group="room", replicates=20, draws=0)
    said = {o.part: o.why for o in result.omissions}
    assert "one" in said["invariance between groups"]
    assert result.invariance == {}


@pytest.mark.parametrize(
    ("scale", "options", "message"),
    [
        ({"visual": ["x1", "x22"]}, {}, "x22"),
        (THREE, {"group": "skool"}, "skool"),
        (THREE, {"occasion": "t9"}, "t9"),
        ({}, {}, "at least one factor"),
        (THREE, {"margin": 0.0}, "positive margin"),
    ],
)
def test_what_is_absent_is_named(hs, scale, options, message):
    with pytest.raises(DataError, match=message):
        validate(hs, scale, **options)


def test_rows_in_another_order_give_the_same_evidence(hs, abilities):
    shuffled = validate(hs.sample(frac=1, random_state=3), THREE, draws=0)
    ours, theirs = (x.frame().query("part != 'x'")["here"] for x in (abilities, shuffled))
    np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_feldts_test_is_exact_for_equal_parallel_tests():
    """Rejects 5 % of pairs of samples with the same alpha: 1,500 pairs know that to .6 points; three of these."""
    rng = np.random.default_rng(8)
    rejected = 0
    for _ in range(1500):
        found = []
        for n in (60, 90):
            rows = rng.normal(size=(n, 1)) + rng.normal(size=(n, 5))
            S = np.cov(rows.T)
            found.append((5 / 4 * (1 - np.trace(S) / S.sum()), n, 5))
        rejected += alpha_contrast(*found).p < 0.05
    assert rejected / 1500 == pytest.approx(0.05, abs=0.017)


def test_feldts_test_against_an_endless_sample_is_his_test_of_one_alpha():
    known = alpha_contrast((0.80, 100, 6), (0.75, 10**8, 6))
    tail = stats.f.sf((1 - 0.75) / (1 - 0.80), 99, 99 * 5)
    assert known.p == pytest.approx(2 * tail, abs=1e-6)
    swapped = alpha_contrast((0.75, 10**8, 6), (0.80, 100, 6))
    assert swapped.p == pytest.approx(known.p, abs=1e-9)


def test_feldts_and_bonetts_tests_of_two_alphas_agree_roughly():
    ours = alpha_contrast((0.80, 200, 10), (0.70, 150, 10))
    assert ours.p == pytest.approx(compare_alphas((0.80, 200, 10), (0.70, 150, 10))[1], abs=0.005)
    assert ours.low < ours.difference < ours.high
    with pytest.raises(DataError, match="cannot be compared"):
        alpha_contrast((1.0, 100, 5), (0.7, 100, 5))


def test_two_correlations_differ_by_fishers_z():
    found = r_contrast((0.6, 103), (0.4, 203))
    z = (np.arctanh(0.6) - np.arctanh(0.4)) / np.sqrt(1 / 100 + 1 / 200)
    assert found.p == pytest.approx(2 * stats.norm.sf(z), abs=1e-12)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(-0.05, 0.06, "agrees"), (0.02, 0.3, "higher"), (-0.3, -0.02, "lower"), (-0.2, 0.2, "cannot tell")],
)
def test_a_verdict_needs_more_than_a_large_p_value(low, high, word):
    assert judged(Contrast(difference=0.0, low=low, high=high, p=0.5, method=""), 0.1) == word
    assert judged(known_contrast((0.8, 0.8 + low, 0.8 + high), 0.8), 0.1) == word


def test_congruence_is_tuckers():
    alike = loading_similarity([0.7, 0.6, 0.5], [0.6, 0.6, 0.6])
    assert alike.congruence == pytest.approx(1.08 / np.sqrt(1.10 * 1.08))
    assert alike.word == "equal"
    assert loading_similarity([0.7, 0.1], [0.1, 0.7]).word == "different"
    with pytest.raises(DataError, match="one an item"):
        loading_similarity([0.7, 0.1], [0.1])


def test_the_page_is_whole_as_text_and_html(evidence, efficacy, abilities):
    for result in (evidence, efficacy, abilities):
        assert "Not here, and why" in str(result)
        assert result._repr_html_().count("<table") >= 6
        assert not re.search(r"\bnan\b", str(result), re.IGNORECASE)


def test_invented_answers_are_said_to_be_invented_and_refuse_nonsense():
    assert "INVENTED" in " ".join(invented_answers("gse", 20, seed=1).provenance.conventions)
    with pytest.raises(DataError, match="loading 2"):
        invented_answers("gse", 20, seed=1, loading=2.0)
    with pytest.raises(DataError, match="Item with drift"):
        invented_answers("gse", 20, seed=1, groups={"a": {}}, drift={"a": {"gse_99": 1.0}})
