"""Exports carry the key exactly, refuse to print tags as items, and come back as they went."""

import json
import re

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml

from feedbackstudy import scales
from feedbackstudy.errors import DeclarationError, FileFormatError
from feedbackstudy.scales import own_wording, read_osd, score, to_lavaan, to_osd, to_psych_keys, to_reproschema
from feedbackstudy.scales.libraries import DEFINITIONS
from feedbackstudy.scales.osd import osd_definition

SCORABLE = [
    p.stem
    for p in sorted(DEFINITIONS.glob("*.yaml"))
    if all(not scales.get(p.stem).gaps(f.id) for f in scales.get(p.stem).forms)
]
OWN = [code for code in SCORABLE if scales.get(code).study_built]
READABLE = [c for c in OWN if not scales.get(c).scoring.value_map and c != "hypothesis_awareness"]


@pytest.mark.parametrize("code", ["gse", "pasa", "fos"])
def test_a_published_scale_is_not_written_as_an_instrument_without_its_words(code, tmp_path):
    scale = scales.get(code)

    for write in (
        lambda: to_osd(scale, tmp_path / "x.osd", wording=None),
        lambda: to_reproschema(scale, tmp_path, wording=None),
    ):
        with pytest.raises(DeclarationError, match=r"cannot be written as an instrument: no wording pack was given"):
            write()
    assert not list(tmp_path.iterdir())


def test_the_words_of_another_scale_are_refused(tmp_path):
    with pytest.raises(DeclarationError, match="the pack is for 'felt_respect'"):
        to_osd(scales.get("gse"), tmp_path / "x.osd", wording=own_wording(scales.get("felt_respect")))


@pytest.mark.parametrize("code", READABLE)
def test_an_osd_file_reads_back_with_the_same_scores(code, tmp_path):
    scale = scales.get(code)
    path = to_osd(scale, tmp_path / f"{code}.osd", wording=own_wording(scale))

    again = read_osd(path)

    form, back = scale.form(), again.form()
    assert back.to_reverse == form.to_reverse
    assert {s.name: s.items for s in back.subscales} == {s.name: s.items for s in form.subscales}
    assert (back.likert_options.min, back.likert_options.max) == (form.likert_options.min, form.likert_options.max)
    assert {s.high_score_means for s in back.subscales} == {s.high_score_means for s in form.subscales}
    rng = np.random.default_rng(7)
    low, high = int(form.likert_options.min), int(form.likert_options.max)
    frame = pd.DataFrame({c: rng.integers(low, high + 1, 9).astype(float) for c in form.columns(code)})
    responses = scales_responses(frame)
    assert np.array_equal(score(responses, scale).frame.iloc[:, 3:], score(responses, again).frame.iloc[:, 3:])


def scales_responses(frame):
    from feedbackstudy.frames import Responses

    return Responses.of_items(frame, already_reversed=[])


def test_an_osd_definition_of_a_published_scale_holds_no_words():
    definition = osd_definition(scales.get("pasa"))

    assert definition["scoring"]["threat"]["items"] == {"pasa_1": -1, "pasa_5": 1, "pasa_9": -1, "pasa_13": 1}
    assert definition["scoring"]["stress_index"] == {
        "method": "weighted",
        "scores": {"primary": 1.0, "secondary": -1.0},
    }
    assert definition["likert_options"]["labels"] == [f"likert_{i}" for i in range(1, 7)]


OSD = {
    "osd_version": "1.0",
    "definition": {
        "scale_info": {"name": "Demo", "code": "Demo-2", "license": "CC0", "citation": "A test."},
        "likert_options": {"points": 5, "min": 1, "max": 5},
        "items": [{"id": f"d{i}", "text_key": f"d{i}", "type": "likert"} for i in range(1, 4)],
        "scoring": {"demo": {"method": "mean_coded", "items": ["d1", "d2", "d3"],
                             "item_coding": {"d1": 1, "d2": -1, "d3": 1}}},
    },
}  # fmt: skip


def written(tmp_path, change):
    data = json.loads(json.dumps(OSD))
    change(data["definition"])
    path = tmp_path / "demo.osd"
    path.write_text(json.dumps(data))
    return path


def test_an_osd_file_with_a_list_and_a_coding_is_read(tmp_path, take):
    scale = read_osd(written(tmp_path, lambda _: None))

    assert scale.code == "demo_2"
    assert score(take({"d1": [5.0], "d2": [1.0], "d3": [5.0]}), scale).frame["demo_2"].tolist() == [5.0]
    assert scale.origin("missing").status == "convention"


def without_range(d):
    d["likert_options"] = {"points": "five"}


def weighted(d):
    d["scoring"]["demo"]["method"] = "weighted_sum"


def foreign(d):
    d["scoring"]["demo"]["item_coding"]["d9"] = 1


def both_ways(d):
    d["scoring"]["other"] = {"method": "mean_coded", "items": {"d1": -1}}


def own_range(d):
    d["items"][0]["likert_points"] = 7


def mapped(d):
    d["scoring"]["demo"]["value_map"] = {"1": 0}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (without_range, "gives no min and max"),
        (weighted, "uses 'weighted_sum'"),
        (foreign, "uses item 'd9', which is not among the items"),
        (both_ways, "item 'd1' is keyed both ways"),
        (own_range, "item 'd1' has a response format of its own"),
        (mapped, "value_map"),
    ],
)
def test_an_osd_file_that_would_be_scored_otherwise_is_refused(tmp_path, change, says):
    with pytest.raises(FileFormatError, match=rf"demo.osd: .*{says}"):
        read_osd(written(tmp_path, change))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"a": 1}', '{"definition": {"scale_info": 1}}'])
def test_what_is_not_osd_is_refused(tmp_path, text):
    path = tmp_path / "x.osd"
    path.write_text(text)

    with pytest.raises(FileFormatError, match=r"x.osd: not "):
        read_osd(path)


def test_reproschema_expressions_are_generated_from_the_key(tmp_path):
    scale = scales.get("state_tension")

    files = to_reproschema(scale, tmp_path, wording=own_wording(scale))

    activity = json.loads(files[0].read_text())
    assert activity["compute"] == [
        {
            "variableName": "state_tension_tension",
            "jsExpression": "(state_tension_1 + (8 - state_tension_2) + state_tension_3) / 3",
        }
    ]
    item = json.loads(files[1].read_text())
    assert item["responseOptions"]["minValue"] == 1
    assert [choice["value"] for choice in item["responseOptions"]["choices"]] == [1, 2, 3, 4, 5, 6, 7]
    assert len(files) == 4


def test_r_keys_name_reversed_items_with_a_minus_and_switch_imputation_off():
    text = to_psych_keys(scales.get("pasa"))

    assert 'threat = c("-pasa_1", "pasa_5", "-pasa_9", "pasa_13")' in text
    assert 'min = 1, max = 6, totals = TRUE, missing = TRUE, impute = "none"' in text


def test_precoded_items_get_no_minus_in_r():
    brs = scales.get("brs")

    assert '"-brs_2"' in to_psych_keys(brs, "standard")
    assert "-brs_" not in to_psych_keys(brs, "phenx_precoded")


def test_lavaan_syntax_has_one_line_a_subscale():
    assert to_lavaan(scales.get("message_appraisal")) == (
        "challenge =~ message_appraisal_1 + message_appraisal_2 + message_appraisal_3 + message_appraisal_4\n"
        "threat =~ message_appraisal_5 + message_appraisal_6 + message_appraisal_7 + message_appraisal_8\n"
    )


def test_the_codebook_says_key_and_status_and_holds_no_words():
    text = scales.codebook_csv(["pasa", "felt_respect"])
    rows = text.splitlines()

    assert len(rows) == 1 + 16 + 3
    assert rows[1].startswith("pasa_1,Primary Appraisal Secondary Appraisal,standard,threat,1,threat,1,6,yes,")
    assert "range verified, key verified" in rows[1]
    assert not any(words in text for words in own_wording(scales.get("felt_respect")).texts.values())
    assert scales.codebook_markdown("gse3").count("\n") == 2 + 3


def test_a_codebook_of_an_unknown_key_says_unknown():
    assert "unknown" in scales.codebook_csv("masi").splitlines()[1]


def test_a_codebook_cell_cannot_become_a_formula(make_scale):
    evil = make_scale(ids=["=1+1", "b", "c", "d"])

    assert scales.codebook_csv(evil).splitlines()[1].startswith("'=1+1,")


def test_every_definition_file_keeps_the_json_schema():
    validator = jsonschema.Draft202012Validator(scales.definition_schema())

    for path in sorted(DEFINITIONS.glob("*.yaml")):
        faults = [fault.message for fault in validator.iter_errors(yaml.safe_load(path.read_text()))]
        assert not faults, (path.name, faults[:3])


def test_the_json_schema_refuses_an_unknown_key():
    validator = jsonschema.Draft202012Validator(scales.definition_schema())
    data = yaml.safe_load((DEFINITIONS / "gse3.yaml").read_text()) | {"teir": "A"}

    assert any("teir" in fault.message for fault in validator.iter_errors(data))


def test_r_keys_score_complete_data_as_we_do(take, answers):
    """The keys list, read back as psych reads it: a minus reverses within min and max, a total is the sum."""
    pasa = scales.get("pasa")
    raw = answers(20, 16, high=6, prefix="pasa")
    text = to_psych_keys(pasa)
    ours = score(take(raw), pasa).frame

    for name, listed in re.findall(r"(\w+) = c\(([^)]*)\)", text):
        signed = re.findall(r'"(-?)(\w+)"', listed)
        theirs = sum(7 - raw[item] if minus else raw[item] for minus, item in signed)
        assert ours[f"pasa_{name}"].tolist() == theirs.tolist()
