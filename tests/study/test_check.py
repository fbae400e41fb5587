"""Every check of a study in both directions: silent on a sound study, speaking where the study is not."""

import copy
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from feedbackstudy.errors import DeclarationError
from feedbackstudy.issues import Severity
from feedbackstudy.simulate import World
from feedbackstudy.study import Study, checks, new_study
from feedbackstudy.study.checks import StudyIssues
from feedbackstudy.study.elsewhere import ASSUMPTIONS
from feedbackstudy.yamlfile import YamlValue

type Data = dict[str, YamlValue]
GONE = object()
SOUND = {"scales.unvalidated", "study.recency_differs", "study.text_not_locked", "study.confounded_message"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = new_study(tmp_path_factory.mktemp("studies") / "second-chance", "second-chance")
    return Study.load(folder).to_data()


def edited(data: Data, changes: dict[str, object]) -> Study:
    """Return the study with some places changed; a place is keys and names joined by slashes."""
    made = copy.deepcopy(data)
    for place, value in changes.items():
        *parts, last = place.split("/")
        target: object = made
        for part in parts:
            target = step(target, part)
        put(target, last, value)
    return Study.from_data(made)


def step(target: object, part: str) -> object:
    if isinstance(target, list):
        return next(item for item in target if item.get("name") == part)
    assert isinstance(target, dict)
    return target.setdefault(part, {})


def put(target: object, last: str, value: object) -> None:
    if isinstance(target, list):
        index = next((i for i, item in enumerate(target) if item.get("name") == last), len(target))
        if value is GONE:
            del target[index]
        else:
            target[index : index + 1] = [value]
        return
    assert isinstance(target, dict)
    if value is GONE:
        del target[last]
    else:
        target[last] = value


def codes(issues: StudyIssues) -> set[str]:
    return {issue.code for issue in issues}


def hypothesis(**fields: object) -> Data:
    made: Data = {
        "name": "x",
        "text": "Something differs.",
        "outcome": "usefulness",
        "contrast": {"kind": "main_effect", "factor": "framing", "level": "strengths_first"},
        "direction": "either",
        "role": "exploratory",
    }
    return {key: value for key, value in {**made, **fields}.items() if value is not GONE}  # type: ignore[misc]


def path(*scores: str, structure: str = "simple", **occasions: str) -> Data:
    steps = [{"score": score, **({"occasion": occasions[score]} if score in occasions else {})} for score in scores]
    return {"through": steps, "structure": structure}  # type: ignore[dict-item]


def test_a_sound_study_has_notes_only(sound: Data) -> None:
    issues = Study.from_data(sound).check()

    assert codes(issues) == SOUND
    assert {issue.severity for issue in issues} == {Severity.NOTE}


WEDGE: dict[str, object] = {"assignment": {"method": "stepped_wedge", "wedge": {"factor": "timing", "sequences": 4}}}

ERRORS: list[tuple[str, dict[str, object]]] = [
    ("sesoi_beyond_scale", {"hypotheses/h1/sesoi/value": 30}),
    ("sesoi_beyond_scale", {"hypotheses/h1/sesoi/value": 5}),
    ("sesoi_beyond_scale", {"hypotheses/h1/sesoi": {"value": 9, "unit": "raw", "because": "x"}}),
    ("one_cluster_each", {"factors/timing/assigned_to": "class", "units/class/n": 2}),
    ("unknown_factor", {"hypotheses/h1/contrast/factor": "timming"}),
    ("unknown_level", {"hypotheses/h1/contrast/level": "specific"}),
    ("unknown_level", {"hypotheses/h10/contrast/at": {"specificity": "vague"}}),
    ("unknown_score", {"hypotheses/h1/outcome": "usefullness"}),
    ("unknown_score", {"hypotheses/h5/path": path("challenges", "interview_self_efficacy", structure="serial")}),
    ("unknown_score", {"hypotheses/h11/contrast/by": "age"}),
    ("unknown_wave", {"hypotheses/h2/occasion": "t9"}),
    ("unknown_wave", {"measures/usefulness/waves": ["t7"]}),
    ("unknown_wave", {"covariates/interviews_so_far/known_from": "t8"}),
    ("unknown_arm", {"hypotheses/h6/contrast/arm": "silent"}),
    ("unknown_arm", {"measures/usefulness/asked_of": ["feedbacks"]}),
    ("unknown_unit", {"units/student/nested_in": "school"}),
    ("unknown_unit", {"factors/timing/assigned_to": "school"}),
    ("unknown_factor", {"forbidden": [{"tone": "warm"}]}),
    ("unknown_factor", {"measures/checks/checks": ["tone"]}),
    ("unknown_hypothesis", {"plan/decides/h99": {"by": "p"}}),
    ("unknown_hypothesis", {"plan/families": [{"name": "f", "hypotheses": ["h77"]}]}),
    ("unknown_covariate", {"plan/covariates": ["age"]}),
    ("unknown_variable", {"plan/exclusions/too_fast/variable": "speed"}),
    ("unknown_claim", {"hypotheses/h1/claim": "C99"}),
    ("units_not_nested", {"units/student/nested_in": GONE}),
    ("no_occasion", {"hypotheses/h2/occasion": GONE}),
    ("no_occasion", {"plan/exclusions/too_fast/occasion": GONE}),
    ("no_model", {"measures/choice": {"name": "choice", "kind": "nominal", "waves": ["t1"],
                                      "levels": {"a": "A", "b": "B"}}, "hypotheses/h1/outcome": "choice"}),
    ("no_model", {"measures/until": {"name": "until", "kind": "time_to_event", "waves": ["t1"]},
                  "hypotheses/h1/outcome": "until"}),
    ("not_asked_then", {"hypotheses/h1/occasion": "t2"}),
    ("not_asked_then", {"hypotheses/h6/baseline": "t0"}),
    ("arm_not_asked", {"hypotheses/h6/outcome": "usefulness"}),
    ("arm_not_asked", {"measures/felt_respect/asked_of": ["feedback", "silence"]}),
    ("arm_not_asked", {"hypotheses/h6/path": path("acceptance")}),
    ("not_estimable", {"forbidden": [{"timing": "same_day", "specificity": "behavioural_next_step"}]}),
    ("not_estimable", {"hypotheses/x": hypothesis(contrast={"kind": "trend", "factor": "framing"})}),
    ("directed_omnibus", {"hypotheses/h3/contrast": {"kind": "main_effect", "factor": "specificity"}}),
    ("not_assigned", {"factors/specificity/mode": "measured"}),
    (
        "not_assigned",
        {"hypotheses/x": hypothesis(contrast={"kind": "association", "predictor": "interviews_so_far"})},
    ),
    ("mediator_after_outcome", {"hypotheses/x": hypothesis(path=path("reapply"))}),
    (
        "mediator_before_feedback",
        {"hypotheses/x": hypothesis(path=path("interview_self_efficacy", interview_self_efficacy="t0"))},
    ),
    (
        "mediators_out_of_order",
        {
            "hypotheses/x": hypothesis(
                outcome="practice_hours",
                path=path("reapply", "challenge", structure="serial", challenge="t1"),
            )
        },
    ),
    ("baseline_after_feedback", {"hypotheses/h2/baseline": "t1"}),
    ("waves_out_of_order", {"waves/t0/phase": "after", "waves/t1/phase": "before"}),
    ("waves_out_of_order", {"waves/t0/anchor": "decision", "waves/t0/offset_days": 40.0}),
    ("no_pseudo_date", {"waves/t1/pseudo_date": GONE}),
    ("wave_before_feedback", {"waves/t2/offset_days": 7.0}),
    ("arm_without_measure", {"arms/rumour": {"name": "rumour", "told": "other"}, **{
        f"measures/{name}/asked_of": ["feedback", "decision_only", "silence"]
        for name in ("attention", "interview_self_efficacy", "felt_respect", "intentions", "practice_hours",
                     "second_interview", "awareness")
    }}),
    ("referent_absent", {"measures/appraisal/asked_of": GONE}),
    ("no_criterion", {"plan/decides/h1": GONE}),
    ("criterion_without_engine", {"plan/engines": ["frequentist"]}),
    ("criterion_without_engine", {"plan/engines": ["bayesian"]}),
    ("no_sesoi", {"hypotheses/h7/sesoi": GONE}),
    ("no_sesoi", {"hypotheses/h7/sesoi": GONE, "plan/decides/h7": {"by": "rope"}, "plan/rope": GONE}),
    ("no_factor_of_path", {"hypotheses/h5/path/effect": "total", "plan/decides/h5": {"by": "bayes_factor"}}),
    ("no_factor_of_path", {"hypotheses/h5/path/structure": "parallel", "plan/decides/h5": {"by": "bayes_factor"}}),
    (
        "region_beyond_sesoi",
        {"hypotheses/h7/sesoi": {"value": 0.2, "unit": "sd"}, "plan/decides/h7": {"by": "rope"},
         "plan/rope": {"low": -0.3, "high": 0.3, "unit": "sd"}},
    ),
    ("p_cannot_show_absence", {"plan/decides/h7": {"by": "p"}}),
    ("sesoi_unit", {"hypotheses/h1/sesoi": {"value": 1.5, "unit": "odds_ratio"}}),
    ("sesoi_unit", {"hypotheses/h1/sesoi": {"value": 0.1, "unit": "standardised_path"}}),
    ("sesoi_unit", {"hypotheses/h12/sesoi": {"value": 0.2, "unit": "sd"}}),
    ("check_excludes", {"plan/exclusions/x": {"name": "x", "variable": "noticed_timing", "exclude_if": "below",
                                              "value": 3, "because": "did not notice"}}),
    ("fails_what", {"plan/exclusions/x": {"name": "x", "variable": "usefulness", "exclude_if": "fails",
                                          "because": "low"}}),
    ("fate_assigned", {"factors/framing/concept": "valence", "conduct/population": "candidates"}),
    ("no_consent", {"conduct/consent": GONE}),
    ("deception_without_debriefing", {"conduct/debriefing": GONE}),
    ("deception_without_re_consent", {"conduct/re_consent": GONE}),
    ("candidates_deceived", {"conduct/deception": "active", "conduct/population": "candidates"}),
    ("feedback_withheld", {"conduct/population": "candidates", "conduct/withheld_feedback": GONE}),
    ("feedback_withheld", {"conduct/population": "candidates",
                           "conduct/withheld_feedback": {"given_afterwards": False}}),
    ("unknown_stratum", {"assignment": {"by": ["nothing"]}}),
    ("stratum_unknown_at_assignment", {"assignment": {"by": ["interviews_so_far"]}}),
    ("stratum_is_continuous", {"assignment": {"by": ["interviews_so_far"]}}),
    ("unknown_cell", {"assignment": {"ratio": {"same_day": 2.0}}}),
    ("ratio_of_an_arm", {"assignment": {"ratio": {"silence": 2.0}}}),
    ("more_units_than_they_hold", {"units/class/n": 700}),
    ("probability_absent", {"assignment": {"probabilities": {"silence": 1.0}}}),
    ("two_cluster_units", {"units": [{"name": "site"}, {"name": "class", "nested_in": "site"},
                                     {"name": "student", "nested_in": "class"}],
                           "factors/timing/assigned_to": "class", "factors/framing/assigned_to": "site"}),
    ("more_conditions_than_people", {"units/student/n": 9}),
    ("wedge_cannot_step", WEDGE),
    ("wedge_with_others", WEDGE),
    ("more_sequences_than_clusters", {**WEDGE, "factors/timing/assigned_to": "class", "units/class/n": 3}),
    ("vignettes_without_factor", {"vignettes": {"per_person": 4}}),
    ("messages_unusable", {"messages": {"family": "data_analyst", "levels": {"framing": "deficits_first"}}}),
]  # fmt: skip

WARNINGS: list[tuple[str, dict[str, object]]] = [
    ("check_of_no_factor", {"measures/checks/checks": ["timing", "specificity"]}),
    ("delay_confounded", {"hypotheses/h2/occasion": "t1"}),
    ("delay_unknown", {"factors/timing/scores": GONE, "factors/timing/delay_from": GONE}),
    ("carry_over", {"factors/timing/varies": "within"}),
    ("covariate_after_feedback", {"plan/covariates": ["usefulness"]}),
    ("covariate_after_feedback", {"covariates/interviews_so_far/known_from": "t1"}),
    ("moderator_after_feedback", {"hypotheses/h11/contrast/by": "threat"}),
    ("check_may_prime", {"measures/checks/placement": "first"}),
    ("few_clusters", {"factors/timing/assigned_to": "class", "units/class/n": 8}),
    ("no_manipulation_check", {"measures/checks/checks": ["timing", "framing"]}),
    ("criterion_for_exploratory", {"plan/decides/h8": {"by": "p"}}),
    ("no_smallest_effect", {"hypotheses/h1/sesoi": GONE}),
    ("no_family", {"plan/families": [{"name": "main", "hypotheses": ["h1", "h2"]}]}),
    ("interval_and_alpha_differ", {"plan/alpha": 0.01}),
    ("exclusion_after_feedback", {"plan/exclusions/too_fast/occasion": "t1"}),
    ("exclusion_after_feedback", {"measures/attention/waves": ["t1"]}),
    (
        "exclusion_by_arm",
        {
            "plan/exclusions/x": {
                "name": "x",
                "variable": "usefulness",
                "exclude_if": "missing",
                "because": "nothing to analyse",
            }
        },
    ),
    ("realism_contradicts", {"conduct/realism": "hypothetical"}),
    ("realism_contradicts", {"conduct/realism": "field", "factors/framing/mode": "described"}),
    ("no_ethics_approval", {"conduct/ethics_approval": GONE}),
    ("deception_undescribed", {"conduct/deception_detail": GONE}),
    ("no_support_contact", {"conduct/support_contact": GONE}),
    ("no_retention", {"conduct/retention_months": GONE}),
    ("sesoi_very_large", {"hypotheses/h1/sesoi/value": 1.8}),
    ("sesoi_very_large", {"hypotheses/h1/sesoi": {"value": 3, "unit": "raw", "because": "x"}}),
    ("clusters_of_one", {"units/class/n": 600}),
    ("few_exemplars", {"messages": {"family": "data_analyst", "exemplars": ["analyst_a"]}}),
]

NOTES: list[tuple[str, dict[str, object]]] = [
    ("mediator_with_outcome", {"hypotheses/x": hypothesis(path=path("threat"))}),
    ("unused_measure", {"hypotheses/h14": GONE}),
    ("sender_must_be_true", {"factors/framing/concept": "sender", "conduct/deception": "none"}),
    ("no_sample_size", {"units/student/n": GONE}),
    ("template_mark", {"title": "EDIT: what is studied"}),
    ("count_in_words", {"conduct/debriefing": {"text": "The message you read was one of eleven."}}),
    ("family_without_p", {"plan/families/main/hypotheses": ["h1", "h2", "h3", "h4", "h6"]}),
    (
        "messages_alike",
        {"factors/rank": {"name": "rank", "mode": "enacted", "levels": {"a": "A", "b": "B"}, "reference": "a"}},
    ),
]

CASES = [(Severity.ERROR, *case) for case in ERRORS]
CASES += [(Severity.WARNING, *case) for case in WARNINGS]
CASES += [(Severity.NOTE, *case) for case in NOTES]


@pytest.mark.parametrize(
    ("severity", "code", "changes"), CASES, ids=[f"{code}-{i}" for i, (_, code, _) in enumerate(CASES)]
)
def test_a_check_speaks_where_the_study_is_not_sound(
    sound: Data, severity: Severity, code: str, changes: dict[str, object]
) -> None:
    issues = edited(sound, changes).check()

    found = [issue for issue in issues if issue.code == f"study.{code}"]
    assert found, codes(issues)
    assert {issue.severity for issue in found} == {severity}
    for issue in found:
        assert all((issue.what, issue.why, issue.fix, issue.where))


QUIET: list[tuple[str, dict[str, object]]] = [
    ("delay_confounded", {"hypotheses/h2/occasion": "t1", "factors/timing/mode": "described"}),
    ("wave_before_feedback", {"waves/t2/offset_days": 14.0}),
    ("no_pseudo_date", {"waves/t1/pseudo_date": GONE, "waves/t1/anchor": "decision", "waves/t1/offset_days": 14.0}),
    ("feedback_withheld", {"conduct/population": "candidates"}),
    ("feedback_withheld", {"conduct/population": "candidates",
                           "conduct/withheld_feedback": {"given_afterwards": False, "reason": "the law forbids it"}}),
    ("deception_without_re_consent", {"conduct/deception": "none", "conduct/re_consent": GONE}),
    ("no_sesoi", {"hypotheses/h7/sesoi": GONE, "plan/decides/h7": {"by": "rope"}}),
    ("not_assigned", {"hypotheses/x": hypothesis(contrast={"kind": "association", "predictor": "interviews_so_far"},
                                                 evidence="observational")}),
    ("not_estimable", {"forbidden": [{"timing": "same_day", "specificity": "behavioural_next_step"}],
                       "hypotheses/h1/contrast": {"kind": "simple_effect", "factor": "specificity",
                                                  "level": "behavioural_next_step", "at": {"timing": "two_weeks"}},
                       **{f"hypotheses/{name}": GONE for name in ("h2", "h3", "h4", "h5", "h7", "h11", "h14")},
                       "hypotheses/h10": GONE, "plan/decides": {"h1": {"by": "p"}, "h6": {"by": "p"}},
                       "plan/families": []}),
    ("recency_differs", {"factors/timing/mode": "described"}),
    (
        "text_not_locked",
        {f"conduct/{name}": {"text": "Words."} for name in ("consent", "debriefing", "re_consent")},
    ),
    ("few_clusters", {"factors/timing/assigned_to": "class"}),
    ("one_cluster_each", {"factors/timing/assigned_to": "class", "units/class/n": 8}),
    ("count_in_words", {"conduct/debriefing": {"text": "The message you read was one of eight."}}),
    ("sesoi_beyond_scale", {"hypotheses/h3/sesoi/value": 6}),
    ("sesoi_very_large", {"hypotheses/h1/sesoi/value": 1.2}),
    ("confounded_message", {"messages": GONE}),
    ("fate_assigned", {"factors/framing/concept": "valence"}),
    ("sender_must_be_true", {"factors/framing/concept": "sender"}),
    ("no_criterion", {"plan/decides/h1": GONE, "hypotheses/h1/role": "exploratory"}),
    ("mediator_after_outcome", {"hypotheses/x": hypothesis(outcome="reapply", path=path("threat", threat="t1"))}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "changes"), QUIET, ids=[f"{code}-{i}" for i, (code, _) in enumerate(QUIET)])
def test_a_check_is_silent_where_the_study_answers_it(sound: Data, code: str, changes: dict[str, object]) -> None:
    assert f"study.{code}" not in codes(edited(sound, changes).check())


def test_the_check_names_the_estimand_that_an_anchor_leaves(sound: Data) -> None:
    by_feedback = edited(sound, {"hypotheses/h2/occasion": "t1"}).check()
    by_decision = Study.from_data(sound).check()

    confounded = next(issue for issue in by_feedback if issue.code == "study.delay_confounded")
    recency = next(issue for issue in by_decision if issue.code == "study.recency_differs")
    assert "effect of the delay together with everything that time itself does" in confounded.why
    assert "0 to 14 days later since the decision" in confounded.what
    assert "effect of a timing policy at a fixed time after the decision" in recency.why


def published(data: Data, **conduct: YamlValue) -> Study:
    plain: YamlValue = {"population": "students", "realism": "enacted", "published": "Author (2020).", **conduct}
    return edited(data, {"conduct": plain})


def test_a_published_study_is_not_asked_for_our_consent_or_planning(sound: Data) -> None:
    issues = published(sound).check()

    assert codes(issues) == {"study.recency_differs", "study.confounded_message", "scales.unvalidated"}


def test_a_published_study_that_excluded_by_manipulation_check_is_warned_not_refused(sound: Data) -> None:
    rule = {"name": "x", "variable": "noticed_timing", "exclude_if": "below", "value": 3, "because": "as published"}
    data = copy.deepcopy(sound)
    data["plan"]["exclusions"].append(rule)  # type: ignore[index, union-attr, call-overload]

    found = next(issue for issue in published(data).check() if issue.code == "study.check_excludes")

    assert found.severity is Severity.WARNING


def test_panel_members_imagining_a_rejection_are_not_candidates(tmp_path: Path) -> None:
    says = Study.load(new_study(tmp_path / "vignette")).can_say()

    assert any("members of an online panel who imagine a rejection have lost nothing" in text for text in says.cannot)
    assert any("better than none: every participant gets some" in text for text in says.cannot)


@pytest.mark.parametrize(
    ("changes", "cannot"),
    [
        ({"factors/framing/mode": "measured"}, "what Framing causes"),
        ({"conduct/deception": "active"}, "who do not believe the story"),
        ({}, "how people of silence fare on 'appraisal', which they are not asked"),
        ({}, "anything about candidates of a real selection: its people are students"),
        ({}, "travels through a mediator"),
        ({"waves/t2/offset_days": 0.0}, "how long an effect lasts"),
    ],
)
def test_what_a_study_cannot_say_follows_from_its_design(sound: Data, changes: dict[str, object], cannot: str) -> None:
    assert any(cannot in text for text in edited(sound, changes).can_say().cannot)


def test_a_check_prints_what_the_study_can_and_cannot_say(sound: Data) -> None:
    issues = Study.from_data(sound).check()

    assert "cannot say" in str(issues)
    assert "practice selection" not in str(issues)
    assert issues.page().title == "Study check"
    assert not issues.errors
    assert issues.page().html().count("<dt>cannot say</dt>") == len(issues.says.cannot)


def test_a_finding_names_file_and_line(tmp_path: Path) -> None:
    folder = new_study(tmp_path / "vignette")
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    (folder / "study.yaml").write_text(text.replace("factor: framing, level", "factor: frame, level"), encoding="utf-8")
    line = text[: text.index("  - name: h2")].count("\n") + 1

    issue = Study.load(folder).check()[0]

    assert issue.code == "study.unknown_factor"
    assert issue.where == f"study.yaml:{line}: hypotheses.h2"
    assert "Did you mean 'framing'" in issue.what


def test_a_study_with_errors_still_renders(sound: Data) -> None:
    study = edited(sound, {"hypotheses/h1/contrast/factor": "nothing", "hypotheses/h6/contrast/arm": "nobody"})

    assert "nobody" in study._repr_html_()


def every(check: Callable[[Study], StudyIssues], study: Study) -> list[dict[str, object]]:
    return [issue.to_dict() for issue in check(study)]


def test_a_check_changes_nothing_and_repeats_itself(sound: Data) -> None:
    study = Study.from_data(sound)
    before = study.design_hash

    assert every(Study.check, study) == every(Study.check, study)
    assert study.design_hash == before


def test_every_finding_that_a_check_can_make_is_tested_in_both_directions() -> None:
    paths = Path(checks.__file__).parent.glob("*.py")
    made = {code for path in paths for code in re.findall(r'^ +"([a-z_]+)",$', path.read_text(), re.M)}
    ours = {code.removeprefix("study.") for code in SOUND if code.startswith("study.")}  # others: tests of their room
    spoken = {code for _, code, _ in CASES} | ours

    assert len(made) > 40
    assert made <= spoken  # silent on the sound study, by the first test; those it speaks of are in QUIET
    assert ours <= {code for code, _ in QUIET}


def test_a_removed_hypothesis_is_not_taken_for_another(sound: Data) -> None:
    issues = edited(sound, {"hypotheses/h2": GONE}).check()

    found = [issue for issue in issues if issue.code == "study.unknown_hypothesis"]
    assert found
    assert all("Did you mean" not in issue.what and "remove these mentions" in issue.fix for issue in found)


def test_a_misspelt_name_is_still_answered_with_the_nearest(sound: Data) -> None:
    issues = edited(sound, {"hypotheses/h1/contrast/factor": "specificty"}).check()

    assert any("Did you mean 'specificity'" in issue.what for issue in issues)


def test_an_impossible_effect_is_named_where_it_stands(sound: Data) -> None:
    issues = edited(sound, {"hypotheses/h1/sesoi/value": 30}).check()

    assert any(issue.where == "hypotheses.h1.sesoi" for issue in issues if issue.code == "study.sesoi_beyond_scale")


def test_the_marks_of_a_template_are_found_by_line_until_they_are_taken_out(tmp_path: Path) -> None:
    file = new_study(tmp_path / "mine") / "study.yaml"
    text = file.read_text(encoding="utf-8")
    found = [issue for issue in Study.load(file).check() if issue.code == "study.template_mark"]
    file.write_text(text.replace("EDIT:", "done"), encoding="utf-8")

    assert len(found) == 1
    assert "lines 5, " in found[0].what
    assert "study.template_mark" not in codes(Study.load(file).check())


def test_a_key_of_the_world_is_sent_there() -> None:
    with pytest.raises(DeclarationError, match=r"'icc' is an assumption.*belongs in world\.yaml"):
        Study.from_data({"title": "x", "icc": {"class": 0.1}})
    assert set(ASSUMPTIONS) == set(World.model_fields) - {"n", "covariates"}


def test_a_factor_that_was_removed_is_said_once_with_every_place_that_mentions_it(tmp_path):
    folder = new_study(tmp_path / "mine", "vignette-2x2x2")
    file = folder / "study.yaml"
    text = file.read_text(encoding="utf-8")
    start, end = text.index("  - name: framing"), text.index("  - name: specificity")
    file.write_text(text[:start] + text[end:], encoding="utf-8")

    found = Study.load(folder).check()
    lines = file.read_text(encoding="utf-8").splitlines()

    assert [issue.code for issue in found.errors] == ["study.unknown_factor"]
    what, fix = found.errors[0].what, found.errors[0].fix
    places = re.findall(r"study\.yaml:(\d+): ([a-z0-9_.]+)", what)
    assert [place.rstrip(".") for _, place in places] == ["measures.checks", "hypotheses.h2"]
    assert [lines[int(line) - 1].strip() for line, _ in places] == ["- name: checks", "- name: h2"]
    assert "mentioned in 2 places" in what
    assert "remove these mentions too" in fix


def test_levels_of_one_name_in_two_factors_are_two_findings(sound):
    other = {"kind": "main_effect", "factor": "framing", "level": "vague", "against": "deficits_first"}
    changes = {"hypotheses/h1/contrast/level": "vague", "hypotheses/x": hypothesis(contrast=other)}

    found = [issue for issue in edited(sound, changes).check() if issue.code == "study.unknown_level"]

    assert len(found) == 2
