"""The measures of a study are held against the library before anybody is asked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import scales
from feedbackstudy.errors import InputError
from feedbackstudy.frames import MissingReason, Responses
from feedbackstudy.scales import IncompleteScaleError, check_measures, item_columns, key_audit, score
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study, new_study


def measure(**fields):
    return Measure(**({"name": "m", "scale": "gse3", "waves": ("t1",)} | fields))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"scale": "gse33"}, "Scale 'gse33' is unknown. Did you mean 'gse3'"),
        ({"scale": "brs"}, "2 forms with different keys"),
        ({"form": "short"}, "Form of scale 'gse3' 'short' is unknown"),
        ({"scores": {"x": "generall"}}, "Did you mean 'general'"),
        ({"scale": "message_appraisal"}, "gives 2 scores (challenge, threat) and no total"),
        ({"scale": "sam", "scores": {"x": "total"}}, "refuses the score 'total'"),
    ],
)
def test_a_measure_that_cannot_be_is_an_error(fields, says):
    issues = check_measures([measure(**fields)])

    assert len(issues.errors) == 1
    assert says in issues.errors[0].what


def test_a_scale_that_cannot_be_scored_yet_is_a_warning():
    issues = check_measures([measure(scale="sam", scores={"challenge": "challenge"})])

    assert [issue.code for issue in issues] == ["scales.not_scorable_yet"]
    assert "Peacock" in issues[0].fix


def test_a_study_built_measure_is_noted():
    assert [i.code for i in check_measures([measure(scale="felt_respect")])] == ["scales.unvalidated"]


def test_only_the_items_of_the_scores_named_are_asked():
    checks = measure(scale="feedback_checks", scores={"noticed_timing": "timing", "noticed_framing": "framing"})

    assert item_columns(checks) == ("m_1", "m_2")
    assert item_columns(measure(scale="hypothesis_awareness")) == ("m_1", "m_2", "m_3")
    assert item_columns(measure(kind="count", scale=None)) == ("m",)


@pytest.fixture(scope="module", params=["second-chance", "field-3wave", "vignette-2x2x2"])
def study(request):
    folder = Path(scales.__file__).parents[1] / "templates" / request.param
    return Study.load(folder / "study.yaml")


def test_the_measures_of_a_template_stand(study):
    assert not check_measures(study.measures).errors


def test_answers_to_a_template_can_be_scored_and_unasked_arms_are_not_missing(study):
    rng = np.random.default_rng(3)
    arms = ["feedback", *study.arms.names]
    people = pd.DataFrame(
        [(f"p{i}", arms[i % len(arms)], wave.name) for i in range(80) for wave in study.waves],
        columns=["participant", "arm", "occasion"],
    )
    items, reasons = {}, {}
    for one in study.measures:
        asked = people["occasion"].isin(one.waves) & people["arm"].map(one.asks)
        values = answers_to(one, len(people), rng)
        for column, answer in values.items():
            items[column] = pd.Series(answer).where(asked)
            reasons[column] = np.where(asked, MissingReason.ANSWERED, MissingReason.NOT_ASKED)
    responses = Responses.from_frame(people.assign(**items), items=list(items), reasons=reasons, already_reversed=[])

    scores = score(responses, study.measures)

    expected = [column for one in study.measures for column in one.columns]
    assert set(expected) <= set(scores.names)
    counts = scores.counts().set_index("score")
    assert (counts["missing"] == 0).all()
    for one in study.measures:
        asked = int((people["occasion"].isin(one.waves) & people["arm"].map(one.asks)).sum())
        for column in one.columns:
            assert counts.loc[column, "not_asked"] == len(people) - asked


def answers_to(one, n, rng):
    if one.kind == "scale":
        form = scales.get(one.scale).form(one.form)
        low, high = int(form.likert_options.min), int(form.likert_options.max)
        graded = {item.position for item in form.items if item.kind == "graded"}
        columns = item_columns(one)
        return {
            c: rng.integers(low, high + 1, n).astype(float)
            if int(c.rsplit("_", 1)[1]) in graded
            else np.array(["?"] * n)
            for c in columns
        }
    if one.levels:
        return {one.name: rng.choice(list(one.levels), n)}
    low, high = one.range or (0, 9)
    return {one.name: rng.integers(int(low), int(high) + 1, n).astype(float)}


@pytest.fixture
def completed(tmp_path):
    """A study that asks a scale whose reversed items the researcher has read off the source."""
    folder = new_study(tmp_path / "study")
    file = folder / "study.yaml"
    block = "  - name: optimism\n    scale: ose_sf\n    role: covariate\n    waves: [t0]\n\n# What is claimed."
    file.write_text(file.read_text().replace("# What is claimed.", block))
    (folder / "scales").mkdir()
    (folder / "scales" / "complete.yaml").write_text(
        "schema_version: 1\ncompletions:\n"
        "  - {scale: ose_sf, field: reversed, value: [], page: p. 1, who: Ada Moreno}\n"
    )
    return folder


def answers_of(study):
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"participant": [f"p{i}" for i in range(40)], "arm": "feedback", "occasion": "t0"})
    columns = item_columns(study.measures["optimism"])
    items = pd.DataFrame(rng.integers(1, 7, (40, len(columns))).astype(float), columns=columns)
    return Responses.from_frame(pd.concat([table, items], axis="columns"), items=columns, already_reversed=[])


def test_the_measures_of_a_loaded_study_bring_the_completions_of_its_folder(completed):
    study = Study.load(completed)

    scores = score(answers_of(study), [study.measures["optimism"]])

    assert scores.about["optimism"].stamps == ("reversed completed by Ada Moreno (p. 1)",)
    assert any("Ada Moreno" in line for line in scores.provenance.conventions)
    assert key_audit(answers_of(study), study.measures["optimism"]).scale == "ose_sf"


def test_a_measure_without_its_study_folder_is_refused_and_never_scored_silently(completed):
    study = Study.load(completed)
    apart = Measure.from_data(study.measures["optimism"].to_data())

    with pytest.raises(IncompleteScaleError, match=r"reversed: from memory.*scales/complete\.yaml"):
        score(answers_of(study), [apart])
    assert score(answers_of(study), [apart], library=scales.library(completed)).names == ("optimism",)


def test_completions_go_along_when_a_study_is_saved_elsewhere(completed, tmp_path):
    study = Study.load(completed)
    study.save(tmp_path / "copy")

    again = Study.load(tmp_path / "copy")

    assert score(answers_of(study), [again.measures["optimism"]]).names == ("optimism",)
    (tmp_path / "copy" / "scales" / "complete.yaml").write_text("schema_version: 1\ncompletions: []\n")
    with pytest.raises(InputError, match="exists with another text"):
        study.save(tmp_path / "copy")


def test_checking_a_study_names_scales_that_cannot_be_scored_yet_at_their_line(completed):
    assert "scales.not_scorable_yet" not in {issue.code for issue in Study.load(completed).check()}
    (completed / "scales" / "complete.yaml").unlink()

    found = [i for i in Study.load(completed).check() if i.code == "scales.not_scorable_yet"]

    assert len(found) == 1
    assert "study.yaml:" in found[0].where
    assert "Rigotti" in found[0].fix


def test_a_completion_that_cannot_be_is_a_finding_of_the_check(completed):
    file = completed / "scales" / "complete.yaml"
    file.write_text(file.read_text().replace("ose_sf", "ose_fs"))
    unknown = Study.load(completed).check().errors
    file.write_text(file.read_text().replace("ose_fs", "gse"))
    known = Study.load(completed).check()

    assert {issue.code for issue in unknown} == {"scales.completions"}
    assert "Did you mean 'ose_sf'" in unknown[0].what
    assert "scales.not_scorable_yet" in {issue.code for issue in known}
