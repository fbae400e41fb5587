"""Reproducing: the card as a whole, what ``published.yaml`` may hold, and what happens when the parts disagree."""

import json
import logging
import sys

import numpy as np
import pytest

from feedbackstudy import datasets
from feedbackstudy.errors import DataError, DeclarationError, FileFormatError, NotFoundError, UnsafePathError
from feedbackstudy.literature.card import Overall
from feedbackstudy.literature.meta import meta_analysis
from feedbackstudy.literature.pooling import pool
from feedbackstudy.literature.published import Published
from feedbackstudy.literature.reproduction import push_through, reproduce, reproductions
from feedbackstudy.literature.scaffolding import scaffold

ANALYSIS = """
from feedbackstudy.literature.reproduction import Findings, Value


def analyse(data, study):
    rates = data["bertrand_mullainathan2004_callbacks"].groupby("ethnicity")[["called_back", "n"]].sum()
    rate = rates["called_back"] / rates["n"]
    return {findings}
"""
GOOD = 'Findings(values={"ratio": Value(value=rate["cauc"] / rate["afam"])}, seed=7)'


@pytest.fixture
def folder(tmp_path):
    return scaffold("doe2024", tmp_path)


def returning(folder, findings):
    (folder / "analysis.py").write_text(ANALYSIS.replace("{findings}", findings))


def change(folder, old, new, name="published.yaml"):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_the_scaffold_runs_as_it_stands(folder):
    card = reproduce(folder)
    assert card.overall is Overall.FULL
    assert card.grade("ratio").value.value == pytest.approx((235 / 2435) / (157 / 2435))
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "analysis.py",
        "published.yaml",
        "study.yaml",
    ]


def test_nothing_is_written_beside_the_analysis_and_no_module_stays(folder):
    before = set(sys.modules)
    reproduce(folder)
    assert not (folder / "__pycache__").exists()
    assert not {name for name in set(sys.modules) - before if "doe2024" in name}


def test_a_folder_of_ones_own_runs_only_after_a_line_that_says_so(folder, caplog):
    said = []
    reproduce(folder, say=said.append)
    assert said == [f"The Python in {folder / 'analysis.py'} will now run with your rights."]
    with caplog.at_level(logging.WARNING):
        reproduce(str(folder))
    assert "will now run with your rights" in caplog.text


def test_a_shipped_analysis_runs_without_that_line(caplog):
    said = []
    with caplog.at_level(logging.WARNING):
        card = reproduce("bertrand2004", say=said.append)
    assert (said, caplog.text) == ([], "")
    assert card.fit_to_report


def test_shipped_analyses_are_listed_by_speed():
    keys = reproductions()
    assert len(set(keys)) == len(keys) >= 1
    assert "bertrand2004" in keys


def test_an_unknown_key_names_the_nearest_and_the_way_to_a_folder():
    with pytest.raises(NotFoundError, match=r"Did you mean 'bertrand2004'.*\./bertrand204"):
        reproduce("bertrand204")


@pytest.mark.parametrize("name", ["analysis.py", "study.yaml", "published.yaml"])
def test_a_folder_that_lacks_a_file_says_which(folder, name):
    (folder / name).unlink()
    with pytest.raises(NotFoundError, match=f"lacks {name}"):
        reproduce(folder)


def test_the_card_says_how_it_was_made(folder):
    returning(folder, GOOD)
    card = reproduce(folder)
    text = str(card)
    assert "anchor grades" in text
    assert "D: abstract" in text
    assert "other software" in text
    assert card.provenance.seed == 7
    assert dict(card.provenance.data_sha256) == {
        "bertrand_mullainathan2004_callbacks": datasets.load("bertrand_mullainathan2004_callbacks").sha256
    }
    assert card.provenance.design_hash
    assert json.loads(json.dumps(card.to_dict()))["counts"] == {"reproduced": 1}
    assert "<table" in card._repr_html_()


def test_a_value_that_was_not_returned_is_not_computable(folder):
    returning(folder, "Findings(values={})")
    card = reproduce(folder)
    assert str(card.grade("ratio").report_class) == "not computable"
    assert "'ratio'" in card.grade("ratio").reason
    assert card.overall is Overall.NOT_ABLE


def test_a_major_error_is_not_fit_to_report(folder):
    returning(folder, 'Findings(values={"ratio": Value(value=2.5)})')
    card = reproduce(folder)
    assert not card.fit_to_report
    assert "STOP" in str(card)


def test_an_unexplained_flag_is_not_fit_to_report(folder):
    returning(folder, 'Findings(values={"ratio": Value(value=0.99)})')
    assert reproduce(folder).flagged[0].flags == ("sign",)
    returning(folder, 'Findings(values={"ratio": Value(value=0.99, flag_explained="other people")})')
    assert "other people" in str(reproduce(folder))


def test_an_undeclared_value_is_refused(folder):
    returning(folder, 'Findings(values={"ration": Value(value=1.5)})')
    with pytest.raises(DataError, match=r"'ration' is unknown\. Did you mean 'ratio'"):
        reproduce(folder)


def test_an_undeclared_choice_is_refused_and_a_declared_one_shown(folder):
    choices = 'choices=("one_row_left_out",)'
    returning(folder, f'Findings(values={{"ratio": Value(value=1.5)}}, {choices})')
    with pytest.raises(DataError, match="undeclared choice"):
        reproduce(folder)
    change(folder, "values:\n", "choices:\n  - {id: one_row_left_out, text: A row less.}\nvalues:\n")
    change(folder, "    # conditional_on", "    conditional_on: [one_row_left_out]\n    # conditional_on")
    text = str(reproduce(folder))
    assert "A row less." in text
    assert "conditional" in text


def test_a_column_that_does_not_exist_is_named_with_those_that_do(folder):
    returning(folder, 'Findings(values={"ratio": Value(value=rates["nothing"].sum())})')
    with pytest.raises(DataError, match=r"'nothing', which the data do not have.*ethnicity, gender"):
        reproduce(folder)


@pytest.mark.parametrize(
    ("code", "message"),
    [("def analyse(data, study:\n", "not valid Python"), ("x = 1\n", "must define analyse")],
)
def test_an_analysis_that_is_none_is_refused(folder, code, message):
    (folder / "analysis.py").write_text(code)
    with pytest.raises(FileFormatError, match=message):
        reproduce(folder)


def test_an_analysis_must_return_findings(folder):
    returning(folder, "{}")
    with pytest.raises(DataError, match="returned a dict"):
        reproduce(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"1.50"', "1.50", r"published\.yaml:\d+.*in quotes, exactly as printed"),
        ('"1.50"', '"about 1.5"', "is not a number"),
        ('"1.50"', '"-.19 to .35"', "two values, low and high"),
        ("anchor: D", "anchor: G", "Anchor grade 'G' is unknown"),
        ("independence: other software", "independence: none", "Independence 'none' is unknown"),
        ("quantity:", "quantify:", "Did you mean 'quantity'"),
        ("schema_version: 1", "schema_version: 99", "newer feedbackstudy"),
        ("  - id: ratio", "  - id: ratio\n    direction: positive", "and not both"),
        ("  - id: ratio", "  - id: ratio\n    low: '1.2'", "give both 'low' and 'high'"),
        ("  - id: ratio", "  - id: ratio\n    conditional_on: [magic]", "Choice 'magic' is unknown"),
        ("seconds: 1", "seconds: 1\nrankings: [[ratio, other]]", "Value 'other' is unknown"),
        (
            "values:\n",
            "values:\n  - {id: ratio, quantity: q, published: '1', seen_in: p, anchor: A}\n",
            "more than once",
        ),
        ("key: doe2024", "key: ../doe", "is not a key"),
        ("title:", "key: doe2024\ntitle:", "given twice"),
    ],
)
def test_a_published_file_that_does_not_hold_is_refused(folder, old, new, message):
    change(folder, old, new)
    with pytest.raises((DeclarationError, FileFormatError), match=message):
        Published.load(folder / "published.yaml")


def test_own_csv_files_are_read_verified_and_kept_inside_the_folder(folder):
    (folder / "mine.csv").write_text("x\n1\n2\n")
    change(folder, "seconds: 1", "files:\n  - {name: mine, path: mine.csv}\nseconds: 1")
    returning(folder, 'Findings(values={"ratio": Value(value=float(data["mine"]["x"].mean()))})')
    assert reproduce(folder).grade("ratio").value.value == 1.5
    change(folder, "path: mine.csv", f"path: mine.csv, sha256: '{'0' * 64}'")
    with pytest.raises(FileFormatError, match="was changed"):
        reproduce(folder)
    change(folder, f"path: mine.csv, sha256: '{'0' * 64}'", "path: ../../etc/passwd")
    with pytest.raises(UnsafePathError, match="leaves the folder"):
        reproduce(folder)


def test_absent_rows_are_said_not_silently_skipped(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACKSTUDY_DATA", str(tmp_path / "nothing"))
    change(folder, "seconds: 1", "rows: [manyclasses1_timing]\nseconds: 1")
    assert "The rows of manyclasses1_timing are not on this machine" in str(reproduce(folder))


def test_an_unknown_dataset_is_refused(folder):
    change(folder, "  - bertrand_mullainathan2004_callbacks", "  - bertrand2004_callbacks")
    with pytest.raises(NotFoundError, match="Dataset 'bertrand2004_callbacks' is unknown"):
        reproduce(folder)


def test_a_scaffold_never_overwrites(folder):
    with pytest.raises(FileFormatError, match="exists already"):
        scaffold("doe2024", folder.parent)
    assert [path.name for path in folder.parent.iterdir()] == ["doe2024"]


@pytest.mark.parametrize("key", ["../doe", "Doe", "", "a/b", "-x"])
def test_a_scaffold_key_that_could_leave_its_folder_is_refused(tmp_path, key):
    with pytest.raises(DataError, match="is not a key"):
        scaffold(key, tmp_path)


def test_a_scaffold_leaves_nothing_half_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileFormatError, match="cannot be written"):
        scaffold("doe2024", tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_rounding_is_pushed_through_as_published_for_the_expectancy_studies():
    """ship/raudenbush1985_expectancy.yaml: d +- .005, v +- .00005 give z 1.61-1.70, Q 35.5-36.2, RE .082-.085."""
    d = datasets.load("raudenbush1985_expectancy").frame

    def values(batch):
        random, fixed = pool(batch["d"], batch["v"]), pool(batch["d"], batch["v"], method="EE")
        return {"re": random.estimate, "z": fixed.estimate / fixed.se, "q": fixed.q}

    found = push_through(values, {"d": d["d"], "v": d["v"]}, {"d": 2, "v": 4}, seed=1, draws=2000)
    assert found["z"] == pytest.approx((1.61, 1.70), abs=0.01)
    assert found["q"] == pytest.approx((35.5, 36.2), abs=0.1)
    assert found["re"] == pytest.approx((0.0821, 0.0853), abs=0.0005)
    low, high = found["re"]
    assert low < meta_analysis(d["d"], d["v"]).estimate < high


def test_pushing_through_is_repeatable_and_moves_only_rounded_inputs():
    def mean(batch):
        return {"mean": batch["x"].mean(axis=-1), "n": batch["n"]}

    inputs = {"x": np.array([1.0, 2.0]), "n": 5.0}
    one, again = (push_through(mean, inputs, {"x": 1}, seed=3) for _ in range(2))
    assert one == again
    assert one["n"] == (5.0, 5.0)
    assert 1.45 < one["mean"][0] < 1.5 < one["mean"][1] < 1.55


def test_pushing_through_refuses_unknown_inputs_and_other_shapes():
    with pytest.raises(DataError, match=r"names \['y'\]"):
        push_through(lambda batch: {"x": batch["x"]}, {"x": 1.0}, {"y": 1}, seed=1)
    with pytest.raises(DataError, match="one number a draw"):
        push_through(lambda batch: {"x": batch["x"].mean()}, {"x": 1.0}, {"x": 1}, seed=1)


def test_a_samplers_progress_is_said_step_by_step_and_each_step_once():
    from feedbackstudy.analysis.bayesian.sampling import _listener, progress_to
    from feedbackstudy.literature.reproduction import _Steps

    said: list[str] = []
    with progress_to(_Steps(said.append)):
        told = _listener.get()
        for what, share in [("compiling the model", 0.0), *(("sampling", i / 100) for i in range(101))]:
            told(what, share)

    assert [line.strip() for line in said] == [
        "compiling the model ...",
        "sampling ...",
        "sampling: 25%",
        "sampling: 50%",
        "sampling: 75%",
        "sampling: 100%",
    ]
    assert _listener.get() is not told
