"""The study-built measures make a complete questionnaire without any licence."""

import pytest

from feedbackstudy import scales
from feedbackstudy.design.claims import register as claim_register
from feedbackstudy.scales import battery, own_wording
from feedbackstudy.scales.batteries import ready_batteries
from feedbackstudy.scales.libraries import DEFINITIONS

OWN = [p.stem for p in sorted(DEFINITIONS.glob("*.yaml")) if scales.get(p.stem).study_built]
FACTORS = {
    "timing", "framing", "specificity", "credibility", "setting", "valence", "decision", "sender", "dialogue",
    "process_information", "prompt",
}  # fmt: skip


@pytest.mark.parametrize("code", OWN)
def test_an_own_measure_is_worded_free_and_marked_unvalidated(code):
    scale = scales.get(code)

    assert scale.license == "CC0"
    assert not scale.gaps()
    assert not any(scale.evidence.model_dump().get(slot) for slot in ("reliability", "norms"))
    assert "unvalidated" in str(scale)
    texts = own_wording(scale).texts
    assert len(texts) == scale.form().n_items
    assert all(text.strip() for text in texts.values())


def test_no_wording_is_used_twice():
    texts = [text for code in OWN for text in own_wording(scales.get(code)).texts.values()]

    assert len(set(texts)) == len(texts)


def test_each_feedback_factor_has_a_manipulation_check():
    assert set(scales.get("feedback_checks").form().subscales.names) == FACTORS


@pytest.mark.parametrize(
    ("code", "counts"),
    [
        ("message_appraisal", {"challenge": 4, "threat": 4}),
        ("defensiveness", {"defensiveness": 4}),
        ("state_tension", {"tension": 3}),
        ("felt_respect", {"respect": 3}),
        ("interview_self_efficacy", {"efficacy": 5}),
    ],
)
def test_lengths_are_as_planned(code, counts):
    assert {s.name: s.count for s in scales.get(code).form().subscales} == counts


def test_the_appraisal_speaks_of_the_message_just_received_in_every_arm():
    form = scales.get("message_appraisal").form()

    assert "message you have just received" in form.instruction
    assert not any(word in item.text for item in form.items for word in ("feedback", "advice", "decision"))


def test_own_evidence_fills_from_ones_own_data():
    scale = scales.get("felt_respect")

    filled = scale.with_evidence(
        {"reliability": [{"sample": "our pilot", "n": 80, "source": "pilot of 2026", "status": "own_data",
                          "statistic": "omega", "value": 0.81}]}
    )  # fmt: skip

    assert filled.evidence.reliability[0].value == 0.81
    assert not scale.evidence.reliability
    assert ".81  " in str(filled)


def test_the_core_of_the_licensed_battery_has_40_items_and_the_extended_87():
    assert battery("licensed-core").items == 40
    assert battery("extended").items == 87


def test_the_open_core_holds_own_measures_alone_and_nothing_blocks_it():
    core = battery("open-core")

    assert all(scale.study_built for scale in core.scales)
    for use in ("academic", "commercial", "redistribute", "modify"):
        assert not core.check_use(use)


def test_the_candidate_pulse_has_at_most_eight_items_and_no_question_about_the_person():
    pulse = battery("candidate-pulse")

    assert pulse.items <= 8
    assert not pulse.check_use("employer_to_candidates")
    scores = {s.name for scale in pulse.scales for s in scale.form().subscales}
    assert scores == {"respect", "informational_fairness", "usefulness", "clarity", "recommend", "reapply", "cnps"}


def test_the_licence_free_battery_needs_no_letter_on_what_was_seen():
    assert not battery("no-licence-needed").check_use("commercial")
    assert not battery("no-licence-needed").check_use("academic")


def test_an_employer_is_kept_from_trait_health_like_and_self_esteem_scales():
    issues = battery("gse3", "state_tension", "ipip_self_esteem", "felt_respect").check_use("employer_to_candidates")

    blocked = {
        (issue.where, issue.what.split(" scale")[0].split()[-1]) for issue in issues if "use_personal" in issue.code
    }
    assert blocked == {
        ("gse3", "trait"), ("state_tension", "health-like"), ("ipip_self_esteem", "trait"),
        ("ipip_self_esteem", "self-esteem"),
    }  # fmt: skip


@pytest.mark.parametrize("use", ["commercial", "redistribute", "modify"])
def test_every_blocker_of_a_use_is_listed_with_whom_to_ask(use):
    core = battery("licensed-core")

    issues = core.check_use(use)

    assert {issue.where for issue in issues} == {"gse3", "sam", "fpq", "spjs", "org_attraction"}
    assert all(issue.fix.startswith("Ask ") for issue in issues)


def test_a_yes_from_memory_is_still_a_blocker():
    assert battery("dres").check_use("commercial")[0].what.endswith("(from memory, not seen at a source)")


def test_an_unknown_use_names_those_that_exist():
    with pytest.raises(ValueError, match=r"Use 'comercial' is unknown. Did you mean 'commercial'"):
        battery("gse").check_use("comercial")


def test_a_battery_counts_items_and_minutes_and_what_it_does_not_know():
    mine = battery("gse", "message_appraisal:challenge", "fips")

    assert mine.items == 14
    assert mine.minutes == pytest.approx((14 * 7 / 40, 14 * 8 / 40))
    assert mine.unknown == ("fips",)
    assert "Number of items unknown: fips" in str(mine)


@pytest.mark.parametrize("name", ready_batteries().names)
def test_a_ready_battery_gives_measures_of_a_study(name):
    ready = battery(name)

    measures = ready.measures()

    assert {m.scale for m in measures} == {scale.code for scale in ready.scales}
    assert str(ready).startswith(ready.title)


def test_a_misspelt_battery_names_the_nearest():
    with pytest.raises(ValueError, match=r"'open-coer' is unknown. Did you mean .*open-core"):
        battery("open-coer")


def test_every_construct_of_the_claim_register_names_a_measure_or_has_none_yet():
    register = claim_register()

    known = set(scales.library().codes)
    named = {c.name: c.measure for c in register.constructs if c.measure}
    assert named
    assert not {name: code for name, code in named.items() if code not in known}
    declared = set(register.constructs.names)
    assert {name for claim in register.claims for name in (*claim.through, *claim.outcomes)} <= declared
