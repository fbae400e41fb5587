"""What is written in the layout of a platform comes back as it was."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import feedbackstudy as fs
from feedbackstudy.collect.platforms.plain import plain
from feedbackstudy.collect.platforms.writing import MISSING_CODES, write_responses
from feedbackstudy.collect.reading import inspect, read
from feedbackstudy.collect.spreadsheet import safe_cell, safe_csv
from feedbackstudy.collect.text_bytes import Content
from feedbackstudy.collect.text_table import text_table
from feedbackstudy.errors import InputError
from feedbackstudy.frames import MissingReason, Responses

PLATFORMS = ("plain", "xlsx", "sav", "qualtrics", "limesurvey")


def same(a: Responses, b: Responses) -> None:
    assert a.columns == b.columns
    assert (a.items, a.factors, a.clusters, a.covariates) == (b.items, b.factors, b.clusters, b.covariates)
    for name in a.columns:
        pd.testing.assert_series_equal(
            a.column(name).astype(object).where(a.column(name).notna(), None),
            b.column(name).astype(object).where(b.column(name).notna(), None),
            check_dtype=False,
            check_exact=True,
        )
    np.testing.assert_array_equal(a.reasons.to_numpy(), b.reasons.to_numpy())


@pytest.fixture(scope="module")
def study():
    return fs.Study.load(fs.template_folder("second-chance"))


@pytest.fixture(scope="module")
def invented(study):
    return fs.simulate(study, fs.World.assumed(study).vary({"n.student": 48}), seed=5)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_invented_answers_come_back_from_every_platform(platform, study, invented, tmp_path):
    files = write_responses(invented, study, tmp_path, platform=platform)
    back = read(files, study)
    same(invented, back)
    assert back.provenance.simulated, "the mark of invented data went with the file"
    assert back.design_hash == study.design_hash


@pytest.mark.parametrize("template", ["vignette-2x2x2", "field-3wave"])
@pytest.mark.parametrize("platform", ["plain", "qualtrics", "limesurvey"])
def test_other_templates_come_back(template, platform, tmp_path):
    study = fs.Study.load(fs.template_folder(template))
    unit = study.units.names[-1]
    made = fs.simulate(study, fs.World.assumed(study).vary({f"n.{unit}": 96}), seed=2)
    same(made, read(write_responses(made, study, tmp_path, platform=platform), study))


WITHIN = {
    "title": "Stories within people",
    "factors": [
        {"name": "timing", "mode": "described", "varies": "within", "levels": {"soon": "Soon", "late": "Late"}},
        {"name": "framing", "mode": "described", "levels": {"a": "A", "b": "B"}},
    ],
    "units": [{"name": "person", "n": 12}],
    "waves": [
        {"name": "t0", "anchor": "decision", "phase": "before"},
        {"name": "t1", "anchor": "feedback", "phase": "after"},
    ],
    "measures": [
        {"name": "useful", "scale": "feedback_usefulness", "waves": ["t1"]},
        {"name": "mood", "kind": "continuous", "waves": ["t0"]},
    ],
    "conduct": {"population": "panel", "realism": "hypothetical"},
}
WEDGE = {
    "title": "Stepped wedge",
    "factors": [
        {
            "name": "timing",
            "mode": "enacted",
            "reference": "soon",
            "levels": {"soon": "Soon", "late": "Late"},
            "assigned_to": "site",
        }
    ],
    "units": [{"name": "site", "n": 6}, {"name": "person", "n": 60, "nested_in": "site"}],
    "waves": [{"name": "t1", "anchor": "feedback", "phase": "after"}],
    "assignment": {"method": "stepped_wedge", "wedge": {"factor": "timing", "sequences": 2}},
    "measures": [{"name": "useful", "scale": "feedback_usefulness", "waves": ["t1"]}],
    "conduct": {"population": "candidates", "realism": "field"},
}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("declared", [WITHIN, WEDGE], ids=["within", "wedge"])
def test_stories_and_periods_come_back(declared, platform, tmp_path):
    study = fs.Study.from_data(declared)
    made = fs.simulate(study, fs.World.assumed(study), seed=3)
    same(made, read(write_responses(made, study, tmp_path, platform=platform), study))


def test_a_file_that_exists_is_left_alone(study, invented, tmp_path):
    write_responses(invented, study, tmp_path)
    with pytest.raises(InputError, match="exists already"):
        write_responses(invented, study, tmp_path)


SMALL = {
    "title": "Small",
    "factors": [{"name": "timing", "mode": "enacted", "levels": {"soon": "Soon", "late": "Late"}}],
    "arms": [{"name": "silence", "told": "nothing"}],
    "units": [{"name": "site"}, {"name": "person", "nested_in": "site"}],
    "covariates": [{"name": "age", "kind": "continuous", "known_from": "roster"}],
    "waves": [
        {"name": "t0", "anchor": "interview", "phase": "before"},
        {"name": "t1", "anchor": "feedback", "phase": "after"},
    ],
    "measures": [
        {"name": "useful", "scale": "feedback_usefulness", "waves": ["t1"], "asked_of": ["feedback"]},
        {"name": "mood", "kind": "continuous", "waves": ["t0", "t1"]},
        {"name": "visits", "kind": "count", "waves": ["t0"]},
        {"name": "choice", "kind": "nominal", "levels": {"a": "First", "b": 'Second, or "other"'}, "waves": ["t1"]},
    ],
    "conduct": {"population": "students", "realism": "enacted"},
}
REASONS = (MissingReason.SKIPPED, MissingReason.REFUSED, MissingReason.USER_MISSING)
# Ids that spreadsheets and parsers are known to spoil; blanks around an id are trimmed on purpose, so none here.
IDS = st.text(st.sampled_from("0129aAzZüßñ中é-_.,;\"'=NA+"), min_size=1, max_size=8).filter(
    lambda s: s.strip() == s and "@" not in s
)
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: x not in MISSING_CODES)


def cell(values):
    return st.one_of(values, values, st.sampled_from(REASONS))


@st.composite
def responses(draw):
    people = draw(st.lists(IDS, min_size=1, max_size=5, unique_by=lambda s: s.casefold()))
    rows, reasons = [], []
    for who in people:
        arm = draw(st.sampled_from(["feedback", "silence"]))
        timing = draw(st.sampled_from(["soon", "late"])) if arm == "feedback" else None
        age, site = draw(NUMBERS), draw(st.sampled_from(["s1", "007"]))
        for wave in ("t0", "t1"):
            answers = {
                **{f"useful_{k}": draw(cell(st.integers(1, 7).map(float))) for k in (1, 2, 3)},
                "mood": draw(cell(NUMBERS)),
                "visits": draw(cell(st.integers(0, 40).map(float))),
                "choice": draw(cell(st.sampled_from(["a", "b"]))),
            }
            asked = {"mood", "visits"} if wave == "t0" else {"mood", "choice"}
            asked |= {f"useful_{k}" for k in (1, 2, 3)} if wave == "t1" and arm == "feedback" else set()
            why = {}
            for name, value in answers.items():
                missing = name not in asked or isinstance(value, MissingReason)
                why[name] = MissingReason.NOT_ASKED if name not in asked else value if missing else 0
                answers[name] = None if missing else value
            rows.append(
                {
                    "participant": who,
                    "arm": arm,
                    "occasion": wave,
                    "timing": timing,
                    "site": site,
                    "age": age,
                    **answers,
                }
            )
            reasons.append(why)
    frame = pd.DataFrame(rows)
    for name in ("timing", "choice"):
        frame[name] = frame[name].astype(object)
    items = [f"useful_{k}" for k in (1, 2, 3)] + ["mood", "visits", "choice"]
    for name in items[:-1]:
        frame[name] = pd.array([np.nan if v is None else v for v in frame[name]], dtype="Float64")
    return Responses.from_frame(
        frame,
        items=items,
        factors=["timing"],
        clusters=["site"],
        covariates=["age"],
        reasons=pd.DataFrame(reasons),
        already_reversed=(),
    )


@pytest.mark.parametrize("platform", PLATFORMS)
def test_any_answers_come_back(platform, tmp_path_factory):
    study = fs.Study.from_data(SMALL)

    @settings(max_examples=25)
    @given(responses())
    def comes_back(made):
        folder = tmp_path_factory.mktemp("trip")
        files = write_responses(made, study, folder, platform=platform)
        found = inspect(files, study, missing={} if platform == "sav" else MISSING_CODES, decimal=".")
        assert not found.issues.errors, list(map(str, found.issues.errors))
        same(made, found.responses)

    comes_back()


CELL = st.text(alphabet="'=+-@ \t\ra1\uff1d\u00a0", max_size=6)


@settings(max_examples=150, deadline=None)
@example([("", "\r")], "a")  # pandas ended a line there
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), st.sampled_from(["a", "=a", "'=a", "-", "'a"]))
def test_text_written_for_spreadsheets_comes_back_and_none_of_it_would_run(rows, name):
    frame = pd.DataFrame([[*row, "x"] for row in rows], columns=[name, "b", "c"])

    data = safe_csv(frame).encode()
    raw = plain(text_table(Content(name="a.csv", kind="text", data=data, sha256=""), delimiter=","))
    seen = plain(
        text_table(Content(name="a.csv", kind="text", data=data.replace(b"escaped", b"seen"), sha256=""), delimiter=",")
    )

    assert all(safe_cell(cell) == cell or cell[0] == "'" for i in range(len(rows)) for cell in seen.table.row(i))
    assert raw.names == tuple(frame.columns)
    assert [raw.table.row(i) for i in range(len(raw.table))] == list(map(tuple, frame.to_numpy()))
