"""Preregistration: filled from the study, gaps marked, hash and commitment printed, later changes shown."""

import json

import pytest

import feedbackstudy as fs
from feedbackstudy.design.plan import Plan
from feedbackstudy.errors import DataError, FileFormatError
from feedbackstudy.report.preregistration import FORMS, GAP


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> fs.Study:
    folder = tmp_path_factory.mktemp("pre") / "s"
    fs.new_study(folder, "second-chance")
    return fs.Study.load(folder)


@pytest.mark.parametrize("form", FORMS)
def test_what_the_study_says_is_filled_and_the_rest_is_marked(study, form):
    made = fs.report.preregistration(study, form)

    text = made.text()
    assert study.design_hash in text
    for hypothesis in study.hypotheses:
        assert hypothesis.text in text
    assert text.count(GAP) == len(made.gaps) + 1  # and the commitment
    for rule in study.plan.exclusions:
        assert rule.because in text
    assert "holm" in text


def test_the_osf_form_leaves_open_only_what_a_study_cannot_say(study):
    made = fs.report.preregistration(study)

    assert [item.key for item in made.gaps] == [
        "blinding", "existing_data", "data_collection", "sample_size_rationale", "stopping_rule", "assumptions"
    ]  # fmt: skip


@pytest.mark.parametrize("template", ["second-chance", "vignette-2x2x2", "field-3wave"])
@pytest.mark.parametrize("form", FORMS)
def test_every_template_can_be_registered(tmp_path, template, form):
    fs.new_study(tmp_path / "s", template)

    made = fs.report.preregistration(fs.Study.load(tmp_path / "s"), form)

    assert made.design_hash in str(made)
    assert "None" not in [item.text for item in made.items]


def test_answers_fill_gaps_and_cannot_contradict_the_study(study):
    made = fs.report.preregistration(study, answers={"stopping_rule": "When 600 students took part."})

    assert "stopping_rule" not in {item.key for item in made.gaps}
    with pytest.raises(DataError, match="follows from the study"):
        fs.report.preregistration(study, answers={"hypotheses": "Something else."})
    with pytest.raises(DataError, match="stopping_rule"):
        fs.report.preregistration(study, answers={"stoping_rule": "x"})


def test_the_commitment_is_printed_and_must_be_one(study):
    commitment = "ab" * 32

    assert commitment in fs.report.preregistration(study, commitment=commitment).text()
    with pytest.raises(DataError, match="SHA-256"):
        fs.report.preregistration(study, commitment="abc")


@pytest.mark.parametrize("template", ["second-chance", "vignette-2x2x2", "field-3wave"])
@pytest.mark.parametrize("form", FORMS)
def test_sentences_put_into_sentences_lose_their_full_stop(template, form):
    made = fs.report.preregistration(fs.Study.load(fs.template_folder(template)), form)

    said = [made.text(), *(item.asks for item in made.items), *(str(item.text) for item in made.items)]
    assert not [mark for mark in (".;", ".).", "?.", "?:", "..") for text in said if mark in text]


def test_a_text_longer_than_aspredicted_advises_says_so_wherever_it_is_read(study):
    made = fs.report.preregistration(study, "aspredicted")

    assert sum(len(item.text) for item in made.items) > 3200
    assert made.too_long in made.text()
    assert made.too_long in " ".join(str(made).split())
    assert not fs.report.preregistration(study).too_long  # the OSF form has room


def changed(study: fs.Study, **plan: object) -> fs.Study:
    return study.model_copy(update={"plan": Plan.model_validate({**study.plan.to_data(), **plan})})


def test_a_plan_changed_after_data_is_amended_and_each_change_is_shown(study, tmp_path):
    fs.report.preregistration(study).write(tmp_path / "prereg.md")
    record = tmp_path / "prereg.registered.json"
    scores = fs.simulate(study, fs.World.assumed(study), seed=1)
    later = changed(study, alpha=0.10)

    same = fs.report.amendments(record, study, data=scores)
    found = fs.report.amendments(record, later, data=scores)

    assert (same.status, same.changes) == ("as registered", ())
    assert found.status == "amended after data"
    assert found.changes == (("plan.alpha", "0.05", "0.1"),)
    assert "no longer confirmatory" in str(found)
    assert fs.report.amendments(record, later).status == "amended"


def test_a_change_of_a_named_rule_is_shown_at_its_name(study):
    rules = study.plan.to_data()["exclusions"]
    later = changed(study, exclusions=[rules[0], {**rules[1], "value": 30.0}])

    (change,) = fs.report.amendments(fs.report.preregistration(study), later).changes

    assert change == ("plan.exclusions.too_fast.value", "60.0", "30.0")


def test_a_registration_is_never_overwritten(study, tmp_path):
    made = fs.report.preregistration(study)
    made.write(tmp_path / "a.md")

    with pytest.raises(DataError, match="never overwritten"):
        made.write(tmp_path / "a.md")


@pytest.mark.parametrize("damage", [
    lambda r: {**r, "design_hash": "0" * 64},
    lambda r: {**r, "schema_version": 99},
    lambda r: {**r, "study": {**r["study"], "title": "Another"}},
    lambda _: {"a": 1},
    lambda _: [],
])  # fmt: skip
def test_a_record_that_was_touched_is_refused(study, tmp_path, damage):
    _, record = fs.report.preregistration(study).write(tmp_path / "a.md")
    record.write_text(json.dumps(damage(json.loads(record.read_text(encoding="utf-8")))), encoding="utf-8")

    with pytest.raises(FileFormatError):
        fs.report.amendments(record, study)


def test_text_from_the_study_is_escaped_on_the_page(study):
    nasty = study.model_copy(update={"title": "<script>alert(1)</script>"})

    assert "<script>" not in fs.report.preregistration(nasty)._repr_html_()
