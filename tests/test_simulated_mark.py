"""Whatever is made from invented answers says so: scores, groups, estimates, sentence, table, picture, document."""

from dataclasses import replace

import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.frames import Responses, score_groups
from feedbackstudy.provenance import SIMULATED, Provenance, is_simulated
from feedbackstudy.study.template import template_folder


@pytest.fixture(scope="module")
def study():
    return fs.Study.load(template_folder("second-chance") / "study.yaml")


@pytest.fixture(scope="module")
def responses(study):
    return fs.simulate(study, fs.World.assumed(study), seed=1)


@pytest.fixture(scope="module")
def scores(study, responses):
    return fs.score(responses, study.measures)


def _estimates(provenance, note=""):
    row = Estimate(
        hypothesis="h1", outcome="y", term="t", contrast="a - b", engine="frequentist", model="LM", estimate=0.2,
        note=note,
    )  # fmt: skip
    return Estimates(rows=(row,), provenance=provenance)


def test_simulated_answers_say_so(responses):
    assert responses.provenance.simulated
    assert SIMULATED in str(responses)
    assert SIMULATED in responses._repr_html_()


def test_scores_keep_the_mark_the_seed_and_the_world(responses, scores):
    assert scores.provenance.simulated
    assert scores.provenance.made_by == "score"
    assert scores.provenance.seed == responses.provenance.seed
    assert scores.provenance.data_sha256 == responses.provenance.data_sha256
    assert SIMULATED in str(scores)


def test_rows_taken_away_and_groups_keep_the_mark(scores):
    some = scores.select(scores.frame["arm"].notna().to_numpy(), step="x.y", what="all")
    score = next(name for name in scores.names if scores.about[name].n_items > 1)
    occasion = next(
        o for o in scores.frame["occasion"].unique()
        if (scores.asked(score)[(scores.frame["occasion"] == o).to_numpy()] > 0).any()
    )  # fmt: skip

    assert is_simulated(some)
    assert is_simulated(score_groups(scores, score, occasion=occasion))


def test_the_evidence_of_a_scale_keeps_the_mark(study, responses):
    evidence = fs.psychometrics.validate(responses, study.measures["usefulness"], replicates=10, draws=0)

    assert evidence.provenance.simulated
    assert SIMULATED in str(evidence)
    assert fs.report.table(evidence).notes[0] == SIMULATED


def test_answers_of_people_carry_no_mark():
    real = Responses.of_items(pd.DataFrame({"a": [1, 2], "b": [2, 2]}))

    assert not is_simulated(real)
    assert SIMULATED not in str(real)


def test_estimates_sentence_table_picture_and_document_say_so(tmp_path, scores):
    estimates = _estimates(scores.provenance.derived("analyse"))

    assert SIMULATED in str(estimates)
    assert fs.report.sentence(estimates).startswith(SIMULATED)
    assert any(SIMULATED in note for note in fs.report.table(estimates).notes)
    assert fs.report.alt_text(estimates).startswith(SIMULATED)
    assert SIMULATED in fs.report.figure(estimates).get_title(loc="right")
    page = fs.report.document(estimates, to=tmp_path / "report.html").read_text(encoding="utf-8")
    assert "rests on simulated data" in page
    assert page.count(SIMULATED) >= 3


def test_a_single_row_says_so_in_its_note(scores):
    row = _estimates(None, note=scores.provenance.marked("Holm.")).rows[0]

    assert row.note == f"{SIMULATED} Holm."
    assert fs.report.sentence(row).startswith(SIMULATED)


def test_estimates_of_real_data_say_nothing_of_the_kind(tmp_path):
    estimates = _estimates(Provenance(made_by="analyse"))

    assert SIMULATED not in str(estimates)
    assert SIMULATED not in fs.report.sentence(estimates)
    assert "imulated" not in fs.report.document(estimates, to=tmp_path / "r.html").read_text(encoding="utf-8")
    assert fs.report.figure(estimates).get_title(loc="right") == ""


def test_a_note_is_marked_once():
    made = Provenance(made_by="x", simulated=True)

    assert made.marked(made.marked("n")) == f"{SIMULATED} n"
    assert made.marked() == SIMULATED
    assert replace(made, simulated=False).marked("n") == "n"


def test_the_record_lists_the_mark_first():
    assert Provenance(made_by="x", simulated=True).facts().pairs[0] == ("data", SIMULATED)
