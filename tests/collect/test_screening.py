"""Screening: declared rules only, everybody named, nothing else changed; consent; the same engine in the analysis."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import feedbackstudy as fs
from feedbackstudy import collect
from feedbackstudy.analysis.exclusions import exclude
from feedbackstudy.design.conduct import Passage
from feedbackstudy.design.plan import Plan
from feedbackstudy.errors import DataError
from feedbackstudy.frames import LedgerEntry, MissingReason, Responses
from feedbackstudy.issues import Issue, Issues, Severity

STUDY = """
schema_version: 1
title: Screening
factors:
  - {name: timing, mode: described, reference: late, levels: {soon: Soon, late: Late}}
arms: [{name: silence, told: nothing}]
units: [{name: person, n: 90}]
waves:
  - {name: t0, anchor: decision, phase: before}
  - {name: t1, anchor: feedback, phase: after}
measures:
  - {name: check, kind: nominal, levels: {a: A, b: B}, role: attention_check, passes: b, waves: [t0]}
  - {name: late_check, kind: nominal, levels: {a: A, b: B}, role: attention_check, passes: b, waves: [t1]}
  - {name: mood, kind: rating, range: [1, 7], waves: [t0, t1]}
  - {name: noticed, kind: rating, range: [1, 7], role: manipulation_check, checks: [timing], waves: [t1]}
hypotheses:
  - name: h1
    text: Soon is better.
    outcome: mood
    occasion: t1
    contrast: {kind: main_effect, factor: timing, level: soon, against: late}
    direction: positive
    sesoi: {value: 0.3, unit: sd}
    role: confirmatory
plan: {decides: {h1: {by: p}}}
conduct: {population: students, realism: enacted}
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> fs.Study:
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    return fs.Study.load(folder)


def with_rules(study: fs.Study, *rules: dict[str, object]) -> fs.Study:
    named = [{"name": f"rule{i}", "because": "A reason.", **rule} for i, rule in enumerate(rules)]
    plan = Plan.model_validate({**study.plan.to_data(), "exclusions": named})
    return study.model_copy(update={"plan": plan})


def answers(study: fs.Study, n: int = 90, **changed: object) -> Responses:
    """Thirty people in each condition, two waves each; `changed` sets a column by row."""
    chance = np.random.default_rng(5)
    arm = np.repeat(["feedback", "feedback", "silence"], n // 3)
    timing = np.repeat(np.array(["soon", "late", None], dtype=object), n // 3)
    frames = []
    for wave in ("t0", "t1"):
        frame = pd.DataFrame({"participant": [f"p{i:02d}" for i in range(n)], "arm": arm, "occasion": wave})
        frame["timing"] = timing
        frame["duration_seconds"] = 200.0
        frame["check"] = "b" if wave == "t0" else None
        frame["late_check"] = "b" if wave == "t1" else None
        frame["mood"] = chance.integers(1, 8, n).astype(float)
        frame["noticed"] = np.where(wave == "t1", chance.integers(1, 8, n), np.nan)
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True)
    extra = [name for name in changed if name not in table]
    for name, cells in changed.items():
        if name not in table:
            table[name] = None
            table[name] = table[name].astype(object)
        for row, value in dict(cells).items():  # type: ignore[call-overload]
            table.loc[row, name] = value
    waves = table["occasion"].to_numpy()
    unasked = {
        name: np.where(waves == wave, 0, int(MissingReason.NOT_ASKED)).astype(np.int8)
        for name, wave in (("check", "t0"), ("late_check", "t1"), ("noticed", "t1"))
    }
    return Responses.from_frame(
        table,
        items=["check", "late_check", "mood", "noticed"],
        factors=["timing"],
        covariates=["duration_seconds", *extra],
        reasons=unasked,
        design_hash=study.design_hash,
    )


def test_a_failed_check_before_the_treatment_takes_all_rows_of_the_person_out_and_names_them(plain):
    study = with_rules(plain, {"variable": "check", "exclude_if": "fails"})

    left = fs.screen(answers(study, check={3: "a", 40: "a"}), study)

    assert left.n_participants == 88
    assert set(left.ledger.excluded) == {("screen.rule0", who, wave) for who in ("p03", "p40") for wave in ("t0", "t1")}


def test_who_did_not_answer_the_check_has_not_failed_it(plain):
    study = with_rules(plain, {"variable": "check", "exclude_if": "fails"})

    assert fs.screen(answers(study, check={3: None}), study).n_participants == 90


def test_nothing_else_changes(plain):
    study = with_rules(plain, {"variable": "check", "exclude_if": "fails"})
    before = answers(study, check={3: "a"})
    image = before.frame.copy(deep=True)

    left = fs.screen(before, study)

    pd.testing.assert_frame_equal(before.frame, image)
    kept = image[image["participant"] != "p03"].reset_index(drop=True)
    pd.testing.assert_frame_equal(left.frame, kept)


@given(st.sets(st.integers(0, 89), max_size=12), st.sets(st.integers(0, 89), max_size=12))
def test_screening_is_idempotent_and_everybody_out_is_named_once(plain, fast, inattentive):
    study = with_rules(
        plain,
        {"variable": "duration_seconds", "exclude_if": "below", "value": 60.0, "occasion": "t0"},
        {"variable": "check", "exclude_if": "fails"},
    )
    came = answers(study, duration_seconds=dict.fromkeys(fast, 10.0), check=dict.fromkeys(inattentive, "a"))

    once = fs.screen(came, study)
    twice = fs.screen(once, study)

    assert twice.ledger == once.ledger
    pd.testing.assert_frame_equal(twice.frame, once.frame)
    assert len(once.ledger.excluded) == len(set(once.ledger.excluded)) == len(came) - len(once)
    assert {int(who[1:]) for _, who, _ in once.ledger.excluded} == fast | inattentive


def test_the_order_of_rules_decides_the_name_of_the_rule_and_not_who_is_out(plain):
    first = {"variable": "duration_seconds", "exclude_if": "below", "value": 60.0, "occasion": "t0"}
    second = {"variable": "check", "exclude_if": "fails"}
    changed = {"duration_seconds": {1: 5.0, 2: 5.0}, "check": {2: "a", 3: "a"}}

    outs = []
    for rules in ((first, second), (second, first)):
        study = with_rules(plain, *rules)
        left = fs.screen(answers(study, **changed), study)
        outs.append(set(left.frame["participant"]))
        assert "1 more was taken out by an earlier rule" in left.ledger.entries[-1].what

    assert outs[0] == outs[1]


def test_a_manipulation_check_never_takes_anybody_out_and_the_ledger_says_so(plain):
    study = with_rules(plain, {"variable": "noticed", "exclude_if": "below", "value": 7.0})

    found = collect.screening(answers(study), study)

    assert found.responses.n_participants == 90
    assert [issue.code for issue in found.issues] == ["screen.exclusion_refused"]
    assert found.responses.ledger.entries[-1].step == "screen.rule0.refused"


def test_a_check_after_the_treatment_that_goes_with_the_condition_is_refused_and_else_warned_about(plain):
    study = with_rules(plain, {"variable": "late_check", "exclude_if": "fails"})
    one_sided = answers(study, late_check={90 + i: "a" for i in range(12)})
    even = answers(study, late_check={90 + i: "a" for i in (0, 1, 30, 31, 60, 61)})

    assert fs.screen(one_sided, study).n_participants == 90
    found = collect.screening(even, study)
    assert found.responses.n_participants == 84
    assert [issue.code for issue in found.issues] == ["screen.exclusion_after_treatment"]
    assert "does not" not in found.responses.ledger.entries[-1].what
    assert "after the treatment" in found.responses.ledger.entries[-1].what


def test_a_rule_without_its_column_stops_instead_of_passing_everybody(plain):
    study = with_rules(plain, {"variable": "elsewhere", "exclude_if": "missing"})

    with pytest.raises(DataError, match="elsewhere"):
        fs.screen(answers(study), study)


def test_answers_of_another_design_are_refused(plain):
    other = with_rules(plain, {"variable": "check", "exclude_if": "fails"})

    with pytest.raises(DataError, match="design"):
        fs.screen(answers(plain), other)


@pytest.mark.parametrize(("share", "out"), [(0.4, 1), (0.6, 0)])
def test_the_share_left_out_counts_what_was_asked(plain, share, out):
    study = with_rules(plain, {"variable": "missing_share", "exclude_if": "above", "value": share, "occasion": "t0"})

    left = fs.screen(answers(study, mood={7: None}), study)

    assert 90 - left.n_participants == out  # one of the two questions of t0


def test_analysis_does_not_apply_again_what_screening_applied(plain):
    study = with_rules(plain, {"variable": "check", "exclude_if": "fails"})
    left = fs.screen(answers(study, check={3: "a"}), study)
    scores = fs.score(left, study.measures)

    again = exclude(scores, study)

    assert again.scores.ledger == scores.ledger
    assert again.issues == ()


@pytest.mark.parametrize("wave", ["t0", "t1"])
def test_scores_and_answers_are_screened_by_one_engine(plain, wave):
    name = {"t0": "check", "t1": "late_check"}[wave]
    study = with_rules(plain, {"variable": name, "exclude_if": "fails"})
    came = answers(study, **{name: {(0 if wave == "t0" else 90) + i: "a" for i in (0, 33, 66)}})

    by_screen = fs.screen(came, study)
    by_analysis = exclude(fs.score(came, study.measures), study)

    assert list(by_screen.frame["participant"]) == list(by_analysis.scores.frame["participant"])


def test_a_refusal_of_screening_reaches_the_analysis_where_scores_cannot_tell(plain):
    study = with_rules(plain, {"variable": "irv", "exclude_if": "below", "value": 0.1, "occasion": "t1"})
    left = answers(study)
    entry = LedgerEntry(step="screen.rule0.refused", what="It was refused.", n_before=len(left), n_after=len(left))
    scores = fs.score(replace(left, ledger=left.ledger.add(entry)), study.measures)

    assert [(i.code, i.what) for i in exclude(scores, study).issues] == [
        ("analysis.exclusion_refused", "It was refused.")
    ]


def test_people_without_consent_are_erased_and_only_their_number_stays(plain):
    agreed = dict.fromkeys(range(90), "yes") | {4: "no", 5: ""}
    came = answers(plain, consent=agreed, check={4: "a"})

    left = fs.screen(came, plain)

    assert left.n_participants == 88
    entry = next(e for e in left.ledger if e.step == "screen.consent")
    assert (entry.n_before - entry.n_after, entry.rows) == (4, ())
    for shown in (str(left.ledger), left.ledger._repr_html_(), left.ledger.frame().to_csv(), repr(left.ledger)):
        assert "p04" not in shown
        assert "p05" not in shown


def test_who_withdraws_later_disappears_from_the_steps_that_named_them(plain):
    study = with_rules(plain, {"variable": "check", "exclude_if": "fails"})
    named = fs.screen(answers(study, check={3: "a"}), study)

    erased = collect.erase(named, ["p03", "p10", "nobody"], why="They wrote to us.")

    assert "p03" not in repr(erased.ledger)
    assert "p10" not in repr(erased.ledger)
    assert len(erased) == len(named) - 2
    assert erased.ledger.entries[-1].what.startswith("2 participants erased")


def finding(code: str, what: str, *who: str) -> Issue:
    return Issue(code, Severity.WARNING, "t0", what, "A reason.", "Look.", who)


def test_whom_screening_erases_no_finding_of_the_reading_names_any_more(plain):
    found = [
        finding("collect.odd_duration", "1 questionnaires took more than a day.", "p04"),
        finding("collect.wave_unmatched", "3 people answered t1 but not t0.", "p04", "p05", "p06"),
        finding("collect.by_hand", "Look at p04, p041 and p05.", "p06"),
        finding("collect.many", "400 people.", *(f"p{i:02d}" for i in range(4, 14))),
    ]
    came = replace(answers(plain, consent=dict.fromkeys(range(90), "yes") | {4: "no"}), issues=Issues(found))

    made = collect.screening(came, plain)
    again = fs.screen(made.responses, plain)

    told = {issue.code: issue for issue in made.issues}
    assert set(told) == {"collect.wave_unmatched", "collect.by_hand", "collect.many", "collect.erased"}
    assert told["collect.wave_unmatched"].who == ("p05", "p06")
    assert told["collect.wave_unmatched"].what.startswith("2 people")
    assert told["collect.many"].what == "400 people."
    assert told["collect.erased"].what.startswith("1 participant was erased: no consent was given.")
    assert made.issues == made.responses.issues == again.issues
    shown = [str(made), made._repr_html_(), repr(made.issues), repr(made.responses.ledger), *map(str, made.issues)]
    assert all(re.search(r"\bp04\b", text) is None for text in shown)
    assert "p041" in told["collect.by_hand"].what


def test_what_reading_found_is_in_scores_estimates_tables_and_the_report(plain, tmp_path):
    found = [
        finding("collect.wave_unmatched", "2 people answered t1 but not t0.", "p01", "p02"),
        Issue("collect.labels_mapped", Severity.NOTE, "t0", "9 labels were mapped.", "A reason.", "Nothing to do."),
    ]
    study = with_rules(plain, {"variable": "late_check", "exclude_if": "fails", "occasion": "t1"})
    failed = dict.fromkeys((90 + 1, 90 + 40), "a")
    came = replace(answers(study, late_check=failed), issues=Issues(found))

    scores = fs.score(fs.screen(came, study), study.measures)
    estimates = fs.analyse(scores, study, engine="frequentist")

    codes = [issue.code for issue in scores.issues]
    assert set(codes) >= {"collect.wave_unmatched", "collect.labels_mapped", "screen.exclusion_after_treatment"}
    assert [issue for issue in scores.issues if issue not in estimates.issues] == []
    assert fs.score(came, study.measures).issues[0] == found[0]
    page = fs.report.document(estimates, to=tmp_path / "report.html").read_text(encoding="utf-8")
    for shown in (str(fs.report.table(estimates)), page, estimates._repr_html_()):
        assert "2 people answered t1 but not t0." in shown
    assert "9 labels were mapped." in estimates._repr_html_()
    assert "Before the analysis 1 thing was noted" in str(fs.report.table(estimates))


def test_names_stay_out_of_what_people_wrote_into_the_ledger(plain):
    came = answers(plain)
    entry = LedgerEntry(step="by.hand", what="p010 told us on the phone.", n_before=len(came), n_after=len(came))
    came = replace(came, ledger=came.ledger.add(entry))

    assert "p010" not in repr(collect.erase(came, ["p010"], why="They wrote to us.").ledger)


def test_the_flow_of_people_counts_who_was_erased_and_does_not_list_them(plain):
    study = with_rules(plain, {"variable": "check", "exclude_if": "fails"})
    came = answers(study, consent=dict.fromkeys(range(90), "yes") | {4: "no"}, check={7: "a"})
    left = fs.screen(came, study)
    later = collect.erase(left, ["p07", "p08"], why="They wrote to us.")

    flow = collect.account(later, study, came=came, occasion="t1")

    assert {"p04", "p07", "p08", "(erased)"}.isdisjoint(flow.people()["participant"])
    assert (flow.erased, flow.count()) == (3, 87)
    with pytest.raises(DataError, match="4 people of `came`"):
        collect.account(left, study, came=answers(study, n=93))


def test_real_answers_without_a_word_about_consent_are_a_finding(plain):
    study = plain.model_copy(update={"conduct": plain.conduct.model_copy(update={"consent": Passage(text="May we?")})})

    made = collect.screening(answers(study), study)

    assert [issue.code for issue in made.issues] == ["screen.consent_unknown"]
    assert collect.screening(made.responses, study).issues == made.issues


def test_withdrawal_and_a_no_after_debriefing_erase_and_silence_after_debriefing_does_not(plain):
    came = answers(plain, withdrawn={0: "1"}, re_consent={91: "no", 92: "yes"})

    left = fs.screen(came, plain)

    assert left.n_participants == 88
    assert {"p00", "p01"}.isdisjoint(left.frame["participant"])


def test_consent_is_never_guessed(plain):
    with pytest.raises(DataError, match="neither yes nor no"):
        fs.screen(answers(plain, consent={0: "perhaps"}), plain)


def test_the_running_study_is_screened_by_pace_attention_and_indices_of_care(tmp_path):
    fs.new_study(tmp_path / "s", "second-chance")
    study = fs.Study.load(tmp_path / "s" / "study.yaml")
    study = with_rules(
        study,
        {"variable": "attention", "exclude_if": "fails"},
        {"variable": "duration_seconds", "exclude_if": "below", "value": 60.0, "occasion": "t0"},
        {"variable": "longstring", "exclude_if": "above", "value": 9.0, "occasion": "t0"},
        {"variable": "irv", "exclude_if": "below", "value": 0.2, "occasion": "t0"},
        {"variable": "mahalanobis_p", "exclude_if": "below", "value": 0.001, "occasion": "t0"},
        {"variable": "interview_self_efficacy", "exclude_if": "below", "value": 1.0, "occasion": "t0"},
    )
    responses = fs.simulate(study, fs.World.assumed(study), seed=1)

    left = fs.screen(responses, study)

    steps = [entry.step for entry in left.ledger if entry.step.startswith("screen.")]
    assert steps == [f"screen.rule{i}" for i in range(6)]
    fast = responses.frame.query("occasion == 't0' and duration_seconds < 60")["participant"]
    failed = responses.frame.query("attention == 'a' or attention == 'c'")["participant"]
    assert (set(fast) | set(failed)).isdisjoint(left.frame["participant"])
    assert 0 < responses.n_participants - left.n_participants < 200


def test_one_answer_to_items_of_opposite_meaning_is_caught_by_the_declared_rule_alone(tmp_path):
    """Straight-lining over challenge and threat, and all that follows: nobody is touched before a rule names it."""
    fs.new_study(tmp_path / "s", "second-chance")
    rule = {"variable": "longstring", "exclude_if": "above", "value": 9.0, "occasion": "t1"}
    without = with_rules(fs.Study.load(tmp_path / "s" / "study.yaml"))
    study = with_rules(without, rule)
    responses = fs.simulate(study, fs.World.assumed(study), seed=1)
    frame = responses.frame.copy()
    row = frame.index[(frame["occasion"] == "t1") & frame["appraisal_1"].notna()][0]
    items = [name for name in frame.columns if name.split("_")[0] in {"appraisal", "defensiveness", "usefulness"}]
    frame.loc[row, items] = 4
    lined, person = replace(responses, _frame=frame), frame.loc[row, "participant"]

    kept = fs.screen(replace(lined, design_hash=without.design_hash), without).frame["participant"]
    left = fs.screen(lined, study)

    assert person in set(kept)
    assert person not in set(left.frame["participant"])
    (entry,) = (entry for entry in left.ledger if entry.step == "screen.rule0")
    assert person in {name for name, _ in entry.rows}


def test_what_is_returned_holds_nothing_of_those_who_did_not_consent(plain):
    came = answers(plain, consent=dict.fromkeys(range(90), "yes") | {0: "no"})
    person = came.frame["participant"].iloc[0]

    found = collect.screening(came, plain)

    assert found.n_before == came.n_participants
    assert person not in set(found.responses.frame["participant"])
    assert person not in f"{found} {found._repr_html_()} {list(found.issues)} {list(found.responses.ledger)}"
