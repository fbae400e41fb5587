"""Who enters an answer: arms, people who were not asked, stayed away, were taken out, or left something out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.classical_model import classical_fit
from feedbackstudy.analysis.compile import question
from feedbackstudy.analysis.material import as_clusters, gather
from feedbackstudy.analysis.path_rows import resampled_unit
from feedbackstudy.analysis.problem import Metric, Problem, complete_cases, posed
from feedbackstudy.errors import DataError
from feedbackstudy.frames import Scores
from feedbackstudy.frames.ledger import Ledger
from feedbackstudy.report import sentence
from feedbackstudy.study import Study

STUDY = """
schema_version: 1
title: Arms
factors:
  - {name: timing, mode: described, reference: late, levels: {soon: Soon, late: Late}}
arms: [{name: silence, told: nothing}]
units: [{name: person, n: 90}]
waves:
  - {name: t0, anchor: decision, phase: before}
  - {name: t1, anchor: decision, phase: after}
measures:
  - {name: check, kind: nominal, levels: {a: A, b: B}, role: attention_check, passes: b, waves: [WHEN]}
  - {name: mood, kind: rating, range: [1, 7], waves: [t0, t1]}
  - {name: usefulness, kind: rating, range: [1, 7], waves: [t1], asked_of: [feedback]}
hypotheses:
  - name: h1
    text: Soon is better.
    outcome: mood
    occasion: t1
    baseline: t0
    contrast: {kind: main_effect, factor: timing, level: soon, against: late}
    direction: positive
    sesoi: {value: 0.3, unit: sd}
    role: confirmatory
  - name: h2
    text: Feedback beats silence.
    outcome: mood
    occasion: t1
    contrast: {kind: feedback_vs_arm, arm: silence}
    direction: positive
    role: exploratory
  - name: h3
    text: Each kind beats silence.
    outcome: mood
    occasion: t1
    contrast: {kind: cells_vs_arm, arm: silence}
    direction: either
    role: exploratory
  - name: h4
    text: Soon is more useful.
    outcome: usefulness
    contrast: {kind: main_effect, factor: timing, level: soon, against: late}
    direction: positive
    role: exploratory
  - name: h5
    text: Mood rises more with soon feedback.
    outcome: mood
    occasion: t1
    change_since: t0
    contrast: {kind: main_effect, factor: timing, level: soon, against: late}
    direction: positive
    role: exploratory
plan:
  decides: {h1: {by: p}}
  exclusions:
    - {name: inattentive, variable: check, exclude_if: fails, because: Not read.}
conduct: {population: students, realism: enacted, published: "Invented (2026)"}
"""


def study(folder, *, when: str = "t0", **changed: str) -> Study:
    text = STUDY.replace("WHEN", when)
    for old, new in changed.items():
        text = text.replace(old, new)
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return Study.load(folder)


def people(n: int = 90, *, seed: int = 4, failing: tuple[int, ...] = (3, 40), when: str = "t0") -> pd.DataFrame:
    """Thirty people in each condition; person 7 stays away from t1, person 8 leaves mood out at t0."""
    chance = np.random.default_rng(seed)
    arm = np.repeat(["feedback", "feedback", "silence"], n // 3)
    timing = np.repeat(np.array(["soon", "late", None], dtype=object), n // 3)
    base = chance.normal(4, 1, n).clip(1, 7)
    rows = []
    for i in range(n):
        common = {"participant": f"p{i:02d}", "arm": arm[i], "timing": timing[i]}
        failed = 1.0 if i in failing else 2.0
        rows.append(
            common
            | {
                "occasion": "t0",
                "check": failed if when == "t0" else np.nan,
                "mood": np.nan if i == 8 else base[i],
                "usefulness": np.nan,
            }
        )
        if i == 7:
            continue
        after = np.clip(base[i] + 0.8 * (timing[i] == "soon") + chance.normal(0, 0.7), 1, 7)
        useful = float(np.clip(chance.normal(4, 1), 1, 7)) if arm[i] == "feedback" else np.nan
        rows.append(
            common
            | {
                "occasion": "t1",
                "check": failed if when == "t1" else np.nan,
                "mood": after,
                "usefulness": useful,
            }
        )
    return pd.DataFrame(rows)


def scored(declared: Study, frame: pd.DataFrame) -> Scores:
    asked = {"usefulness": ((frame["arm"] == "feedback") & (frame["occasion"] == "t1")).to_numpy().astype(np.int16)}
    return Scores.from_frame(
        frame, scores=["check", "mood", "usefulness"], factors=["timing"], asked=asked, design_hash=declared.design_hash
    )


def rows_of(found, name: str, engine: str = "frequentist"):
    return [row for row in found[name] if row.engine == engine]


def test_factorial_terms_use_the_feedback_arms_only_and_arms_bring_all_that_are_asked(tmp_path):
    declared = study(tmp_path)

    found = analyse(scored(declared, people()), declared)

    # 60 people with feedback: two failed the check, one stayed away, one has no baseline.
    (row,) = rows_of(found, "h1")
    assert (row.n, row.n_excluded, row.n_missing, row.df) == (56, 2, 2, 53)
    (pooled,) = rows_of(found, "h2")
    assert (pooled.n, pooled.n_excluded, pooled.n_missing, pooled.df) == (87, 2, 1, 84)


def test_each_cell_against_an_arm_is_one_dunnett_family_beside_the_joint_test(tmp_path):
    declared = study(tmp_path)

    joint, *each = rows_of(analyse(scored(declared, people()), declared), "h3")

    assert (joint.statistic_name, joint.df, joint.df2, joint.std_kind) == ("F", 2, 84, "partial eta squared")
    assert [row.term for row in each] == [each[0].term] * 2
    assert {row.family for row in each} == {"contrasts of h3 (multivariate t)"}
    assert all(row.p < row.p_adjusted < min(1, 2 * row.p) for row in each)


def test_everybody_who_is_not_there_is_named(tmp_path):
    declared = study(tmp_path)
    found = analyse(scored(declared, people()), declared)

    gone = {(entry.step, rows[0]) for entry in found.ledger for rows in entry.rows}
    assert {("analyse.inattentive", "p03"), ("analyse.inattentive", "p40")} <= gone
    ledger = {entry.step: [name for name, _ in entry.rows] for entry in found.answer("h1").problem.ledger}
    assert ledger["analyse.listwise"] == ["p07", "p08"]
    assert len(ledger["analyse.concerned"]) == 30
    assert "2 of 58 people are left out because a value is missing (listwise)" in rows_of(found, "h1")[0].note


def test_a_question_not_asked_of_an_arm_is_not_missing_there(tmp_path):
    declared = study(tmp_path)

    (row,) = rows_of(analyse(scored(declared, people()), declared), "h4")

    assert (row.n, row.n_missing) == (57, 1)


def test_a_question_that_needs_an_arm_which_is_not_asked_is_refused(tmp_path):
    old = "outcome: mood\n    occasion: t1\n    contrast: {kind: feedback_vs_arm"
    wrong = study(tmp_path, **{old: "outcome: usefulness\n    contrast: {kind: feedback_vs_arm"})
    scores = scored(wrong, people())

    with pytest.raises(DataError, match="not asked is not missing"):
        gather(question(wrong, "h2"), scores, wrong)


def test_a_change_is_the_difference_of_two_waves(tmp_path):
    declared = study(tmp_path)
    frame = people()
    wide = frame.pivot_table(index="participant", columns="occasion", values="mood")
    timing = frame.groupby("participant")["timing"].first()
    kept = wide.index.difference(["p03", "p40", "p07", "p08"])
    change = (wide["t1"] - wide["t0"])[kept]

    (row,) = rows_of(analyse(scored(declared, frame), declared), "h5")

    means = change.groupby(timing[kept]).mean()
    assert row.estimate == pytest.approx(means["soon"] - means["late"], rel=1e-12)
    assert "change since t0" in row.contrast


def test_a_check_asked_after_the_treatment_excludes_only_where_failing_is_unrelated_to_it(tmp_path):
    declared = study(tmp_path, when="t1")
    spread, lopsided = people(when="t1", failing=(3, 40, 70)), people(when="t1", failing=tuple(range(9, 21)))

    harmless = analyse(scored(declared, spread), declared)
    refused = analyse(scored(declared, lopsided), declared)

    assert [issue.code for issue in harmless.issues] == ["analysis.exclusion_after_treatment"]
    assert rows_of(harmless, "h2")[0].n_excluded == 3
    assert [issue.code for issue in refused.issues] == ["analysis.not_decided", "analysis.exclusion_refused"]
    assert rows_of(refused, "h2")[0].n_excluded == 0
    assert "12 people stay in the analysis" in refused.issues[1].what


def test_a_declared_exclusion_that_was_refused_keeps_the_decision_away_where_it_names_people_of_the_rows(tmp_path):
    declared, frame = study(tmp_path, when="t1"), people(when="t1", failing=())
    quiet = frame.loc[(frame["arm"] == "silence") & (frame["occasion"] == "t1"), "participant"].tolist()
    told = frame.loc[(frame["timing"] == "soon") & (frame["occasion"] == "t1"), "participant"].tolist()

    def failing(names):
        here = frame["participant"].isin(names[:12]) & (frame["occasion"] == "t1")
        return analyse(scored(declared, frame.assign(check=frame["check"].mask(here, 1.0))), declared)

    other, own = failing(quiet), failing(told)

    assert [issue.code for issue in other.issues] == ["analysis.exclusion_refused"]
    assert {row.status for row in rows_of(other, "h1")} == {"confirmatory"}
    assert any(row.decides for row in rows_of(other, "h1"))
    assert [issue.code for issue in own.issues] == ["analysis.not_decided", "analysis.exclusion_refused"]
    assert not any(row.decides or row.decision for row in rows_of(own, "h1"))
    assert {row.status for row in rows_of(own, "h1")} == {"not as declared"}
    assert {row.status for row in rows_of(own, "h2")} == {"exploratory"}
    assert [row.p for row in rows_of(own, "h1")] == [row.p for row in rows_of(other, "h1")]
    said = sentence(own["h1"], study=declared)
    assert "was not made as the plan declares and does not decide" in said
    assert "'inattentive' was not applied, and 11 of the rows' people are named by it" in said
    assert "not decided: not made as declared" in str(own["h1"]).replace("\n", " ")


def test_a_rule_whose_column_is_absent_is_named_and_one_that_screening_applied_is_not_applied_again(tmp_path):
    absent = study(
        tmp_path,
        **{"variable: check, exclude_if: fails": "variable: longstring, exclude_if: above, value: 9, occasion: t0"},
    )
    found = analyse(scored(absent, people()), absent)
    assert [issue.code for issue in found.issues] == ["analysis.not_decided", "analysis.exclusion_without_column"]
    assert "whom it names cannot be told" in found.issues[0].what

    declared = study(tmp_path)
    scores = scored(declared, people())
    keep = ~scores.frame["participant"].isin(["p03"]).to_numpy()
    screened = scores.select(keep, step="screen.inattentive", what="One person by the rule.")
    assert rows_of(analyse(screened, declared), "h2")[0].n == 88


def test_a_person_in_two_conditions_and_an_unknown_condition_are_refused(tmp_path):
    declared = study(tmp_path)
    frame = people()
    twice = frame.assign(
        timing=frame["timing"].where(~((frame["participant"] == "p02") & (frame["occasion"] == "t1")), "late")
    )

    with pytest.raises(DataError, match=r"1 participant is in more than one condition \(p02\)"):
        analyse(scored(declared, twice), declared)
    with pytest.raises(DataError, match="Condition 'early' is unknown"):
        analyse(scored(declared, frame.replace({"timing": {"soon": "early"}})), declared)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda f: f.assign(mood=f["mood"].where(f["arm"] != "silence")),
            "needs silence, where nobody has complete answers",
        ),
        (lambda f: f.assign(mood=4.0), "'mood' is 4 for all"),
        (lambda f: f.assign(mood=f["mood"] * np.where(f["participant"] == "p11", 9, 1)), "must lie between 1 and 7"),
        (
            lambda f: f.assign(mood=f["mood"].where(f["participant"] != "p11", np.inf)),
            "is infinite for 1 participant (",
        ),
        (lambda f: f.assign(mood=np.nan), "None of the 88 people asked has every value"),
    ],
)
def test_bad_numbers_leave_the_hypothesis_unanswered_and_say_where(tmp_path, change, said):
    declared = study(tmp_path).model_copy()
    frame = change(people())
    scores = Scores.from_frame(
        frame,
        scores=["check", "mood", "usefulness"],
        factors=["timing"],
        design_hash=declared.design_hash,
    )

    found = analyse(scores, declared)

    about = [issue.what for issue in found.issues if issue.code == "analysis.unanswered" and "'h2'" in issue.what]
    assert len(about) == 1
    assert said in about[0]


def test_people_of_arms_without_a_message_carry_no_effect_of_its_exemplar(tmp_path):
    declared = study(tmp_path)
    frame = people(failing=())
    told = frame["arm"] == "feedback"
    number = frame["participant"].str[1:].astype(int) % 3
    frame["exemplar"] = np.where(told, "e" + number.astype(str), "")
    scores = Scores.from_frame(
        frame, scores=["check", "mood", "usefulness"], factors=["timing"], clusters=["exemplar"],
        design_hash=declared.design_hash,
    )  # fmt: skip
    asked = replace(question(declared, "h2"), groups=("exemplar",))

    rows, missing, _ = complete_cases(gather(asked, scores, declared), "t1")
    problem = posed(asked, rows, metric=Metric(low=1, high=7))

    silent = np.array([problem.cells[i] for i in problem.cell]) == "silence"
    assert (problem.n, missing, silent.sum()) == (89, 1, 30)
    assert problem.group_levels["exemplar"] == ("e0", "e1", "e2")
    assert (problem.groups["exemplar"] == -1).tolist() == silent.tolist()
    assert "30 rows without exemplar carry no effect of it" in problem.notes
    assert len(set(as_clusters(problem.groups["exemplar"]))) == 33
    exact = gaussian_cells(problem.y, problem.cell, 3, prior=CellPrior.of_scale(1, 7), groups=problem.groups)
    assert "exemplar (intercept; 3 levels)" in classical_fit(problem).model
    assert exact.rows.groups[0].count == 3


def test_errors_of_the_declaration_keep_their_hypothesis_from_being_decided(tmp_path):
    """A confirmatory hypothesis without a criterion is its own error; a wave without a date is everybody's."""
    whole = study(tmp_path)
    broken = study(tmp_path, **{"{name: t1, anchor: decision": "{name: t1, anchor: feedback"})
    assert [issue.code for issue in broken.check().errors] == ["study.no_pseudo_date"]

    sound, faulty = (analyse(scored(one, people()), one, engine="frequentist") for one in (whole, broken))

    assert sound["h1"].rows[0].decides
    assert not faulty["h1"].rows[0].decides
    (issue,) = [issue for issue in faulty.issues if issue.code == "analysis.not_decided"]
    assert "study.check() finds 1 error(s)" in issue.what
    assert "study.no_pseudo_date" in issue.what


def grouped(**levels: list[str]) -> Problem:
    """Rows with these clusters; nothing else of them is looked at here."""
    codes = {name: np.unique(words, return_inverse=True) for name, words in levels.items()}
    n = len(next(iter(levels.values())))
    return Problem(
        question=None, participants=tuple(map(str, range(n))), cells=("a",), cell=np.zeros(n, dtype=np.int64),
        weights=np.ones((1, 1)), y=np.zeros(n), covariates=np.empty((n, 0)), steps=np.empty((n, 0)), ledger=Ledger(),
        groups={name: found[1] for name, found in codes.items()},
        group_levels={name: tuple(found[0]) for name, found in codes.items()},
    )  # fmt: skip


def test_a_path_resamples_the_unit_of_assignment_else_the_outermost_cluster(tmp_path):
    people_alone = study(tmp_path)
    by_class = Study.from_data(
        people_alone.to_data()
        | {
            "factors": [f.to_data() | {"assigned_to": "room"} for f in people_alone.factors],
            "units": [
                {"name": "school", "n": 2},
                {"name": "room", "n": 8, "nested_in": "school"},
                {"name": "person", "n": 90, "nested_in": "room"},
            ],
        }
    )
    nested = grouped(room=[f"r{i // 3}" for i in range(24)], school=[f"s{i // 12}" for i in range(24)])
    crossed = grouped(rater=[f"r{i % 3}" for i in range(24)], school=[f"s{i // 6}" for i in range(24)],
                      room=[f"m{i // 3}" for i in range(24)], exemplar=[f"e{i % 2}" for i in range(24)])  # fmt: skip

    assert resampled_unit(nested, by_class) == "room"
    assert resampled_unit(nested, people_alone) == "school"
    assert resampled_unit(crossed, people_alone) == "school"
    assert resampled_unit(grouped(exemplar=["a", "b", "a", "b"]), people_alone) is None


def test_a_class_exemplar_or_covariate_that_differs_between_waves_is_named(tmp_path):
    text = STUDY.replace("WHEN", "t0").replace(
        "units: [{name: person, n: 90}]",
        "units: [{name: class, n: 6}, {name: person, n: 90, nested_in: class}]\ncovariates: [{name: age, kind: count}]",
    )
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    declared, frame = Study.load(tmp_path), people()
    number = frame["participant"].str[1:].astype(int)
    frame = frame.assign(age=number + 20.0, exemplar=np.where(number % 2, "a", "b"))
    frame["class"] = "c" + (number % 6).astype(str)
    frame.loc[frame["arm"] == "silence", "exemplar"] = None

    def found(table):
        scores = Scores.from_frame(
            table, scores=["check", "mood", "usefulness"], factors=["timing"], clusters=["class", "exemplar"],
            covariates=["age"], design_hash=declared.design_hash,
        )  # fmt: skip
        issues = analyse(scores, declared, engine="frequentist").issues
        return [issue for issue in issues if issue.code == "analysis.differs_between_waves"]

    assert found(frame) == []
    late = frame["occasion"] == "t1"
    moved = frame.copy()
    moved.loc[late & (number < 14), "class"] = "c0"
    moved.loc[late & (number == 2), "exemplar"] = "a"
    moved.loc[late & (number == 5), "age"] = 99.0
    moved.loc[late & (number == 4), ["class", "age"]] = [None, np.nan]  # nothing said differs from nothing
    by_name = {issue.where: issue for issue in found(moved)}  # person 3 is taken out, person 7 came once
    assert list(by_name) == ["scores: class", "scores: exemplar", "scores: age"]
    assert by_name["scores: class"].what.startswith("8 participants have more than one value of the cluster 'class'")
    assert by_name["scores: class"].who == ("p01", "p02", "p05", "p08", "p09", "p10", "p11", "p13")
    assert (by_name["scores: exemplar"].who, by_name["scores: age"].who) == (("p02",), ("p05",))
    assert {str(issue.severity) for issue in by_name.values()} == {"warning"}
