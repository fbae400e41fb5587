"""What leaves the house: no identifier, no free text, no formula, no few people told apart; and valid Psych-DS."""

import json
import os
import re
import stat
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import feedbackstudy as fs
from feedbackstudy.collect.export_ledger import ExportLedger
from feedbackstudy.collect.free_text import redacted, scan_text
from feedbackstudy.collect.pseudonyms import make_key
from feedbackstudy.collect.psychds import validate
from feedbackstudy.collect.psychds_export import export_psychds
from feedbackstudy.collect.sharing import shareable
from feedbackstudy.collect.spreadsheet import safe_cell, write_spreadsheet
from feedbackstudy.errors import DataError
from feedbackstudy.frames import Responses

NAMES = [f"person{i}" for i in range(30)]


@pytest.fixture
def study(tmp_path) -> fs.Study:
    fs.new_study(tmp_path / "study", "second-chance")
    return fs.Study.load(tmp_path / "study")


@pytest.fixture
def key(tmp_path, study):
    return make_key(tmp_path / "keys" / "a.key", study_folder=study.folder)


@pytest.fixture
def responses(study) -> Responses:
    """Thirty people with addresses as ids, and columns that should never have been read."""
    made = fs.simulate(study, fs.World.assumed(study), seed=1)
    who = made.column("participant").unique()[:30]
    some = made.select(made.column("participant").isin(who).to_numpy(), step="test.thirty", what="Thirty people.")
    ids = dict(zip(who, [f"{name}@example.org" for name in NAMES], strict=True))
    frame = some.frame
    frame["participant"] = frame["participant"].map(ids)
    n = len(frame)
    frame["RecipientEmail"] = frame["participant"]
    frame["IPAddress"] = "203.0.113.9"
    frame["remark"] = [f"Call me at +49 30 1234567, {who}" for who in frame["participant"]]
    frame["comment_words"] = np.arange(n, dtype=float)
    extra = ("RecipientEmail", "IPAddress", "remark", "comment_words")
    reasons = {item: some.reason(item) for item in some.items}
    return Responses.from_frame(
        frame, items=some.items, factors=some.factors, clusters=some.clusters,
        covariates=[*some.covariates, *extra], reasons=reasons, design_hash=study.design_hash,
    )  # fmt: skip


def everything_said(folder) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*")) if path.is_file())


def test_an_export_is_valid_psych_ds_and_holds_none_of_the_planted_identifiers(responses, study, key, tmp_path):
    shared = shareable(responses, study, key=key)

    made = export_psychds(shared, study, tmp_path / "out")

    assert validate(made.folder).errors == []
    text = everything_said(made.folder) + str(shared) + shared._repr_html_() + str(shared.issues)
    for planted in (*NAMES, "example.org", "203.0.113.9", "1234567"):
        assert not re.search(rf"\b{re.escape(planted)}\b", text)
    assert set(shared.dropped) == {"RecipientEmail", "IPAddress", "remark"}
    table = pd.read_csv(made.data, dtype=str, keep_default_na=False)
    assert table["participant"].nunique() == 30


def test_numbers_of_the_export_are_those_of_the_table(responses, study, key, tmp_path):
    made = export_psychds(shareable(responses, study, key=key), study, tmp_path / "out")

    back = pd.read_csv(made.data)
    for item in ("practice_hours", *[i for i in responses.items if i.startswith("interview_self_efficacy")]):
        np.testing.assert_array_equal(
            back[item].to_numpy(dtype=float), responses.frame[item].to_numpy(dtype=float, na_value=np.nan)
        )


def test_every_column_is_described_with_range_or_levels_where_known(responses, study, key, tmp_path):
    made = export_psychds(shareable(responses, study, key=key), study, tmp_path / "out")
    described = json.loads((made.folder / "dataset_description.json").read_text(encoding="utf-8"))
    by_name = {entry["name"]: entry for entry in described["variableMeasured"]}

    assert list(by_name) == list(pd.read_csv(made.data, nrows=1).columns)
    assert by_name["attention"]["value"] == "a: First answer; b: Second answer; c: Third answer"
    item = next(i for i in responses.items if i.startswith("interview_self_efficacy"))
    assert {"minValue", "maxValue"} <= set(by_name[item])


def test_free_text_comes_along_only_when_asked_for_and_blacked_out(responses, study, key):
    shared = shareable(responses, study, key=key, free_text=["remark"])

    assert set(shared.frame["remark"]) == {"Call me at [number], [e-mail]"}
    (warning,) = shared.issues.warnings
    assert warning.code == "collect.identifying_text"
    assert "person" not in str(warning)


def test_a_special_category_stays_unless_its_purpose_is_given(responses, study, key):
    covariate = study.covariates["interviews_so_far"].model_copy(update={"sensitive": True})
    marked = study.model_copy(update={"covariates": type(study.covariates)([covariate])})

    assert "interviews_so_far" in shareable(responses, marked, key=key).dropped
    told = shareable(responses, marked, key=key, sensitive={"interviews_so_far": "Moderation is a hypothesis."})
    assert "interviews_so_far" in told.frame.columns
    with pytest.raises(DataError, match="purpose"):
        shareable(responses, marked, key=key, sensitive={"interviews_so_far": " "})


def test_an_export_is_not_written_over_another(responses, study, key, tmp_path):
    shared = shareable(responses, study, key=key)
    export_psychds(shared, study, tmp_path / "out")

    with pytest.raises(DataError, match="already"):
        export_psychds(shared, study, tmp_path / "out")
    with pytest.raises(DataError, match="no rows"):
        export_psychds(replace(shared, frame=shared.frame.head(0)), study, tmp_path / "other")
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to zoe.k+x@mail.example.co.uk please", "e-mail address"),
        ("\u00fcmit@b\u00fccher.example", "e-mail address"),
        ("+49 (0)30 123 45 67", "telephone number"),
        ("030/1234567", "telephone number"),
        ("555-123-4567", "telephone number"),
        ("030 / 123 45 67", "telephone number"),
        ("0049 (0)30 \N{EN DASH} 123-456", "telephone number"),
        ("card 4111 1111 1111 1111", "telephone number"),
        ("from 192.168.0.17", "IP address"),
        ("DE89 3704 0044 0532 0130 00 is mine", "bank account"),
        ("fr7630006000011234567890189", "bank account"),
        ("GB29 NWBK 6016 1331 9268 19", "bank account"),
    ],
)
def test_addresses_and_numbers_are_found_and_blacked_out(text, kind):
    scan = scan_text(pd.Series([text, "nothing", None], name="remark"), ["a", "b", "c"])

    assert scan.found == ((kind, 1),)
    assert scan.who == ("a",)
    assert scan_text(pd.Series([redacted(text)], name="remark")).found == ()
    assert re.search(r"\d", redacted(text)) is None


@pytest.mark.parametrize("text", ["on 13/04/2026", "I earn 42,000.50", "5 of 7", "2026-04-13", "meet me @ noon", "1.5",
                                  "13.04.2026 - 15.04.2026", "No12 have been very nice here", "3 / 4 / 5"])  # fmt: skip
def test_dates_amounts_and_plain_words_are_left_alone(text):
    assert redacted(text) == text


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "@SUM(A1)", "\t=1", "+1", "-1+2", "\r=1", "  =1", "\uff1d1"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert safe_cell(text) == f"'{text}"


@given(
    st.one_of(st.floats(allow_nan=False), st.integers(), st.booleans(), st.none(), st.from_regex(r"\A[A-Za-z0-9 ]*\Z"))
)
def test_numbers_and_plain_words_stay_as_they_are(value):
    assert safe_cell(value) is value


def test_a_spreadsheet_table_keeps_numbers_and_escapes_headers(tmp_path):
    frame = pd.DataFrame({"=x": [-0.5, 2.0], "word": ["=1+1", "plain"]})

    text = write_spreadsheet(frame, tmp_path / "a.csv").read_text(encoding="utf-8-sig")

    assert text.splitlines() == ["'=x,word,escaped_for_spreadsheets", "-0.5,'=1+1,yes", "2.0,plain,yes"]
    write_spreadsheet(pd.DataFrame({"x": [-0.5], "word": ["'plain"]}), tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text(encoding="utf-8-sig").splitlines() == ["x,word", "-0.5,'plain"]
    with pytest.raises(ValueError, match="already"):
        write_spreadsheet(frame, tmp_path / "a.csv")


def test_two_exports_that_differ_by_a_few_people_are_warned_about(tmp_path):
    ledger = ExportLedger(tmp_path)
    people = [f"p{i}" for i in range(40)]
    ledger.add("first", people, ["score"])

    assert ledger.compare(people) == []
    assert ledger.compare(people[:30]) == []
    (issue,) = ledger.compare(people[:39])
    assert issue.code == "collect.differencing"
    assert len(ledger.compare([*people, "x", "y"])) == 1


def test_the_ledger_of_exports_names_nobody_and_is_for_its_owner_alone(tmp_path):
    ledger = ExportLedger(tmp_path)
    ledger.add("first", ["somebody@example.org"], ["score"])
    ledger.add("second", ["somebody@example.org"], ["score"])

    assert [export.name for export in ledger.exports] == ["first", "second"]
    assert "somebody" not in ledger.path.read_text(encoding="utf-8")
    if os.name == "posix":
        assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600
    ledger.path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="damaged"):
        ledger.compare(["a"])


def test_invented_data_say_so_in_what_is_shared(study, key, tmp_path):
    made = fs.simulate(study, fs.World.assumed(study), seed=1)

    folder = export_psychds(shareable(made, study, key=key), study, tmp_path / "out").folder

    for name in ("README.md", "dataset_description.json"):
        assert fs.Provenance(made_by="x", simulated=True).mark in (folder / name).read_text(encoding="utf-8")
