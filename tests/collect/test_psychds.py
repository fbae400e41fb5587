"""The Psych-DS 1.5.0 rules: a valid folder has no finding, and each fault is found under its own code."""

import json

import pytest

from feedbackstudy.collect.psychds import validate

VALID = {
    "@context": "https://schema.org/",
    "@type": "Dataset",
    "name": "Invented ratings",
    "description": "Two people rate one message.",
    "author": "Nobody",
    "citation": "None",
    "license": "CC0",
    "funder": "None",
    "url": "https://example.org",
    "identifier": "none",
    "privacyPolicy": "open",
    "keywords": ["feedback"],
    "variableMeasured": [
        {"@type": "PropertyValue", "name": "row_id", "description": "id", "unitText": "number"},
        "rating",
    ],
}


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "study-one_data.csv").write_text("row_id,rating\n1,5\n2,4\n")
    for name in ("README.md", "CHANGES.md", ".psychds-ignore"):
        (tmp_path / name).write_text("")
    for name in ("analysis", "results", "materials", "documentation"):
        (tmp_path / name).mkdir()
    write(tmp_path, VALID)
    return tmp_path


def write(folder, data):
    (folder / "dataset_description.json").write_text(json.dumps(data))


def without(*keys, **changes):
    return {key: value for key, value in VALID.items() if key not in keys} | changes


def codes(folder):
    return sorted(issue.code.removeprefix("psychds.") for issue in validate(folder))


def rows(folder, text, name="study-one_data.csv"):
    (folder / "data" / name).write_text(text)


def test_a_folder_that_follows_every_rule_has_no_finding(dataset):
    assert validate(dataset) == []


def test_recommendations_can_be_left_out(dataset):
    (dataset / "README.md").unlink()
    assert codes(dataset) == ["recommended_absent"]
    assert validate(dataset, recommendations=False) == []


@pytest.mark.parametrize("missing", ["name", "description"])
def test_a_required_key_may_not_be_absent(dataset, missing):
    write(dataset, without(missing))
    assert codes(dataset) == ["required_key_absent"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"@type": "Person"}, "type_not_dataset"),
        ({"@type": None}, "type_not_dataset"),
        ({"@context": "https://example.org"}, "context_not_schema_org"),
        ({"@context": None}, "context_not_schema_org"),
        ({"keywords": ""}, "recommended_key_absent"),
        ({"favouriteColour": "blue"}, "unknown_property"),
        ({"author": {"name": "Nobody"}}, "object_without_type"),
        ({"author": [{"@type": "Person", "name": "A"}, {"name": "B"}]}, "object_without_type"),
    ],
)
def test_metadata_that_are_not_those_of_a_schema_org_dataset_are_found(dataset, changes, code):
    write(dataset, VALID | changes)
    assert codes(dataset) == [code]


@pytest.mark.parametrize("prefix", ["schema:", "https://schema.org/", "http://schema.org/"])
def test_prefixed_keys_and_types_mean_the_same(dataset, prefix):
    data = {key if key.startswith("@") else prefix + key: value for key, value in VALID.items()}
    write(dataset, data | {"@type": [f"{prefix}Dataset"], "@context": {"@vocab": "https://schema.org/"}})
    assert validate(dataset) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("row_id,rating\n1,5\n1,4\n", "row_id_not_unique"),
        ("row_id,rating\n1,5\n2\n", "ragged_rows"),
        ("row_id,rating\n1,5\n2,4,3\n", "ragged_rows"),
        ("row_id,rating,rating\n1,5,5\n", "duplicate_column"),
        ("row_id,rating\n", "empty_file"),
        ("row_id,rating,mood\n1,5,2\n", "column_not_described"),
        ("row_id\n1\n", "variable_without_column"),
        ('row_id,rating\n1,"5\n', "unreadable"),
    ],
)
def test_a_fault_in_a_table_is_found(dataset, text, code):
    rows(dataset, text)
    assert code in codes(dataset)


def test_a_table_without_header_is_found(dataset):
    rows(dataset, "\n1,5\n")
    assert "no_header" in codes(dataset)


def test_a_quoted_cell_may_hold_separator_and_line_break(dataset):
    rows(dataset, 'row_id,rating\n1,"5, or\nso"\n')
    assert validate(dataset) == []


def test_a_table_that_is_not_utf8_is_found(dataset):
    (dataset / "data" / "study-one_data.csv").write_bytes(b"row_id,rating\n1,\xff\n")
    assert "unreadable" in codes(dataset)


def test_a_folder_without_data_is_found(dataset):
    (dataset / "data" / "study-one_data.csv").unlink()
    assert "no_data_file" in codes(dataset)
    (dataset / "data").rmdir()
    assert "no_data_folder" in codes(dataset)


@pytest.mark.parametrize("name", ["ratings.csv", "study-one.csv", "Study-one_data.csv", "study_one_data.csv"])
def test_a_table_whose_name_makes_it_no_data_file_is_pointed_out(dataset, name):
    rows(dataset, "row_id,rating\n1,5\n", name)
    assert codes(dataset) == ["not_a_data_file"]


def test_an_ignored_table_is_not_looked_at(dataset):
    rows(dataset, "broken", "ratings.csv")
    (dataset / ".psychds-ignore").write_text("# old files\ndata/ratings.csv\n")
    assert validate(dataset) == []


def test_an_unofficial_keyword_is_pointed_out(dataset):
    rows(dataset, "row_id,rating\n1,5\n", "mood-one_data.csv")
    assert codes(dataset) == ["unofficial_keyword"]


def test_tab_separated_tables_and_deeper_folders_are_read(dataset):
    (dataset / "data" / "raw").mkdir()
    (dataset / "data" / "raw" / "study-two_task-rate_data.tsv").write_text("row_id\trating\n1\t5\n")
    assert validate(dataset) == []


def test_metadata_are_inherited_from_folder_and_sidecar(dataset):
    write(dataset, without("variableMeasured", "description"))
    assert "column_not_described" in codes(dataset)
    (dataset / "data" / "file_metadata.json").write_text(json.dumps({"variableMeasured": ["row_id"]}))
    (dataset / "data" / "study-one_data.json").write_text(
        json.dumps({"variableMeasured": ["row_id", "rating"], "description": "ratings"})
    )
    assert validate(dataset) == []


def test_a_missing_description_is_found_and_a_misplaced_one_named(dataset):
    (dataset / "dataset_description.json").rename(dataset / "data" / "dataset_description.json")
    (found,) = [issue for issue in validate(dataset) if issue.code == "psychds.metadata_elsewhere"]
    assert "data/dataset_description.json" in found.what


@pytest.mark.parametrize(("content", "code"), [(b"{", "not_json"), (b"\xff\xfe", "not_utf8"), (b"[]", "not_an_object")])
def test_a_description_that_cannot_be_read_is_found(dataset, content, code):
    (dataset / "dataset_description.json").write_bytes(content)
    assert code in codes(dataset)


def test_a_link_out_of_the_dataset_is_not_followed(dataset, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.csv"
    outside.write_text("row_id,rating\n1,5\n")
    (dataset / "data" / "study-two_data.csv").symlink_to(outside)
    assert "outside" in codes(dataset)


def test_a_folder_that_does_not_exist_is_found(tmp_path):
    assert codes(tmp_path / "absent") == ["no_folder"]


def test_every_finding_says_what_to_do(dataset):
    rows(dataset, "row_id,rating,mood\n1,5\n")
    write(dataset, without("name"))
    assert all(issue.what and issue.why and issue.fix for issue in validate(dataset))
