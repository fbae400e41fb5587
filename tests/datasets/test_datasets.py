"""Shipped tables: catalogue, codebooks, hashes, Psych-DS; and tables that must be fetched, where they are here."""

import hashlib
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from feedbackstudy import datasets, shipped
from feedbackstudy.collect.psychds import validate
from feedbackstudy.datasets.external import content_sha256, data_folder, externals
from feedbackstudy.datasets.record import read_folder
from feedbackstudy.errors import DataError, FileFormatError, NotFoundError, UnsafePathError

ELSEWHERE = {"holzinger_swineford1939": "oracles/holzinger_swineford_1939.csv"}
"""Tables that were handed over with the reference values, not with the published figures."""

SHIPPED = sorted(path.parent.name for path in shipped.folder("datasets").glob("*/dataset_description.json"))


@pytest.fixture
def copied(tmp_path) -> Path:
    key = "rivera_tilcsik2016_interview_invites"
    return Path(shutil.copytree(shipped.folder("datasets") / key, tmp_path / key))


@pytest.fixture
def no_data_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FEEDBACKSTUDY_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_eighteen_tables_are_shipped():
    assert len(SHIPPED) == 18


@pytest.mark.parametrize("key", SHIPPED)
def test_every_shipped_table_is_a_valid_psychds_dataset(key):
    assert validate(shipped.folder("datasets") / key).errors == []


@pytest.mark.parametrize("key", SHIPPED)
def test_every_shipped_table_has_source_licence_citation_and_a_unit_for_every_column(key):
    dataset = datasets.load(key)
    assert dataset.citation
    assert dataset.licence
    assert dataset.sources
    assert list(dataset.codebook.index) == list(dataset.frame.columns)
    assert (dataset.codebook["unit"] != "").all()
    assert (dataset.codebook["description"] != "").all()


@pytest.mark.parametrize("key", SHIPPED)
def test_every_value_lies_within_the_limits_of_its_codebook(key):
    dataset = datasets.load(key)
    for variable in dataset.variables:
        column = dataset.frame[variable.name].dropna()
        assert variable.minimum is None or (column >= variable.minimum).all()
        assert variable.maximum is None or (column <= variable.maximum).all()


@pytest.mark.parametrize("key", SHIPPED)
def test_the_shipped_rows_are_the_figures_handed_over(key, shared):
    handed_over = shared / ELSEWHERE.get(key, f"data/ship/{key}.csv")
    given = handed_over.read_bytes().replace(b",NA,", b",,")  # R writes NA where a cell is empty
    assert datasets.load(key).path.read_bytes() == given


@pytest.mark.parametrize("key", SHIPPED)
def test_nothing_remembered_but_unverified_is_shipped(key):
    text = " ".join(
        p.read_text() for p in (shipped.folder("datasets") / key).rglob("*") if p.suffix in {".md", ".json"}
    )
    assert "from memory" not in text


def test_a_frame_is_a_copy_that_may_be_changed():
    dataset = datasets.load("tversky_kahneman1981_frames")
    changed = dataset.frame
    changed["n"] = 0
    assert dataset.frame["n"].tolist() == [152, 155]


@pytest.mark.usefixtures("no_data_folder")
def test_the_catalogue_lists_shipped_and_fetchable_tables():
    catalogue = datasets.list()
    text = str(catalogue)
    assert set(catalogue.keys) == {*SHIPPED, *externals()}
    assert "18 come with feedbackstudy, 7 can be fetched" in text
    assert "to be fetched" in text
    assert "<table" in catalogue._repr_html_()


def test_a_dataset_shows_codebook_source_and_first_rows():
    text = str(datasets.load("manylabs1_gain_loss"))
    assert "Codebook" in text
    assert "Klein et al. (2014)" in text
    assert "First 6 rows" in text


def test_an_unknown_key_names_the_nearest():
    with pytest.raises(NotFoundError, match="Did you mean 'manylabs1_gain_loss'"):
        datasets.load("manylabs_gain_loss")


@pytest.mark.parametrize("key", ["../../etc/passwd", "/etc/passwd", "", "juijn2023_group_summary/../x"])
def test_a_key_that_is_a_path_is_unknown(key):
    with pytest.raises(NotFoundError, match="unknown"):
        datasets.load(key)


def test_a_data_file_changed_by_one_byte_is_refused(copied):
    (path,) = (copied / "data").iterdir()
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="was changed: its SHA-256 is"):
        read_folder(copied)


def test_a_missing_column_is_named(copied):
    (path,) = (copied / "data").iterdir()
    about = json.loads((copied / "dataset_description.json").read_text())
    path.write_text("social_class,gender,n\nhigh,male,80\n")
    about["distribution"][0]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (copied / "dataset_description.json").write_text(json.dumps(about))
    with pytest.raises(DataError, match=r"missing from the file: \['invited'\]"):
        read_folder(copied)


def test_a_data_file_outside_its_folder_is_refused(copied):
    about = json.loads((copied / "dataset_description.json").read_text())
    about["distribution"][0]["contentUrl"] = "../../etc/passwd"
    (copied / "dataset_description.json").write_text(json.dumps(about))
    with pytest.raises(UnsafePathError, match="leaves the folder"):
        read_folder(copied)


@pytest.mark.parametrize("key", sorted(externals()))
def test_a_table_that_is_not_here_says_exactly_how_to_obtain_it(key, no_data_folder):
    assert not datasets.is_present(key)
    with pytest.raises(NotFoundError) as refusal:
        datasets.load(key)
    message = str(refusal.value)
    assert f"feedbackstudy datasets get {key}" in message
    assert externals()[key].repository in message
    assert str(no_data_folder) in message


@pytest.mark.parametrize("key", sorted(externals()))
def test_every_recorded_table_is_recognised_by_its_content(key, shared, monkeypatch):
    monkeypatch.setenv("FEEDBACKSTUDY_DATA", str(shared / "data" / "rows"))
    dataset = datasets.load(key)
    assert len(dataset.frame) == externals()[key].rows
    assert list(dataset.codebook.index) == list(dataset.frame.columns)


def test_a_changed_cell_of_a_fetched_table_is_refused(shared, no_data_folder):
    text = (shared / "data" / "rows" / "manyclasses1_timing_classes.csv").read_text()
    no_data_folder.mkdir()
    (no_data_folder / "manyclasses1_timing_classes.csv").write_text(text.replace("0.8229", "0.8228", 1))
    with pytest.raises(FileFormatError, match="does not hold the recorded table"):
        datasets.load("manyclasses1_timing_classes")


def test_the_content_hash_ignores_row_order_and_running_numbers_only():
    one, other = b"id,a,b\n1,x,2\n2,y,3\n", b"id,a,b\n1,y,3\n2,x,2\n"
    assert content_sha256(one, ("id",)) == content_sha256(other, ("id",))
    assert content_sha256(one) != content_sha256(other)
    assert content_sha256(one, ("id",)) != content_sha256(b"id,a,b\n1,x,2\n2,y,3.0\n", ("id",))


def test_class_figures_are_the_summary_of_the_recorded_rows(shared, monkeypatch):
    """n, mean and sd of every class, to the ten digits shipped."""
    monkeypatch.setenv("FEEDBACKSTUDY_DATA", str(shared / "data" / "rows"))
    rows = datasets.load("manyclasses1_timing").frame.groupby("course_id")["delta_z"].agg(["size", "mean", "std"])
    figures = datasets.load("manyclasses1_class_figures").frame.set_index("course_id")
    assert rows["size"].tolist() == figures["n"].tolist()
    assert rows["mean"].tolist() == pytest.approx(figures["mean_delta_z"].tolist(), rel=1e-9)
    assert rows["std"].tolist() == pytest.approx(figures["sd_delta_z"].tolist(), rel=1e-9)


def test_frequencies_are_the_counts_of_the_recorded_rows(shared, monkeypatch):
    monkeypatch.setenv("FEEDBACKSTUDY_DATA", str(shared / "data" / "rows"))
    cells = ["mindset", "intervention", "extra_tasks"]
    counted = datasets.load("nagy2023_negative_feedback").frame.groupby(cells).size().rename("n").reset_index()
    pd.testing.assert_frame_equal(counted, datasets.load("nagy2023_effort_frequencies").frame)


def test_the_data_folder_is_the_users_own_without_the_variable(monkeypatch):
    monkeypatch.delenv("FEEDBACKSTUDY_DATA", raising=False)
    assert data_folder().name == "feedbackstudy"
    assert data_folder().is_absolute()
