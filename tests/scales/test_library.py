"""The library is complete, says where every fact comes from, and never scores from memory."""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from feedbackstudy import scales
from feedbackstudy.declaration import from_document
from feedbackstudy.errors import DataError, DeclarationError, InputError, NotFoundError
from feedbackstudy.scales import IncompleteScaleError, Scale, libraries, score
from feedbackstudy.scales.completion import Completion, apply_completions, read_completions
from feedbackstudy.scales.evidence import Evidence, Norm, Recalled, Reliability
from feedbackstudy.scales.libraries import DEFINITIONS, Library
from feedbackstudy.scales.origin import ESTABLISHED
from feedbackstudy.scales.scale import REQUIRED

CODES = sorted(path.stem for path in DEFINITIONS.glob("*.yaml"))
PUBLISHED = [code for code in CODES if not scales.get(code).study_built]
OWN = [code for code in CODES if scales.get(code).study_built]


@pytest.fixture(scope="module")
def facts(shared):
    records = yaml.safe_load((shared / "facts" / "scales.yaml").read_text())["scales"]
    return {record["key"]: record for record in records}


def test_every_record_that_may_be_shipped_has_a_definition(facts):
    assert sorted(key for key, record in facts.items() if record["tier"] != "X") == PUBLISHED


@pytest.mark.parametrize("code", PUBLISHED)
def test_a_definition_says_what_the_record_says(facts, code):
    record, scale = facts[code], scales.get(code)

    assert (scale.doi, scale.year, scale.tier) == (record["doi"], record["year"], record["tier"])
    assert scale.citation == " ".join(record["citation"].split())
    assert scale.use_terms.academic == record["license"]["academic"]
    assert scale.use_terms.commercial == record["license"]["commercial"]
    assert scale.use_terms.redistribution == record["license"]["redistribute_text"]
    form = scale.forms[0]
    assert form.n_items == record["n_items"]
    if form.likert_options is not None and code != "rses":
        assert (form.likert_options.min, form.likert_options.max) == (record["response_min"], record["response_max"])
    verified = [r for r in record["published_reliability"] if r["status"] == "verified"]
    assert len({(r.sample, r.statistic) for r in scale.evidence.reliability}) == len(verified)
    assert len(scale.evidence.norms) >= sum(n["status"] == "verified" for n in record["published_norms"])


@pytest.mark.parametrize(
    "code", [c for c in PUBLISHED if c not in {"growth_mindset", "panas", "motivation_to_improve"}]
)
def test_positions_and_reversals_are_those_of_the_record(facts, code):
    record, form = facts[code], scales.get(code).forms[0]

    for name, items in record["subscales"].items():
        subscale = form.subscale(name)
        assert (list(subscale.items) if subscale.items else subscale.n_items) == items
    if form.reversed is not None:
        assert list(form.reversed) == record["reversed"]


@pytest.mark.parametrize("code", CODES)
def test_every_form_says_where_its_key_comes_from(code):
    for form in scales.get(code).forms:
        assert {"n_items", *REQUIRED} <= set(form.origins)
    assert {"scoring", "missing", "use_terms"} <= set(scales.get(code).origins)


@pytest.mark.parametrize("code", CODES)
def test_what_is_unknown_or_from_memory_refuses_to_score(code):
    scale = scales.get(code)
    for form in scale.forms:
        weak = [f for f in REQUIRED if form.origin(f).status not in ESTABLISHED]
        if weak:
            assert scale.gaps(form.id)
            with pytest.raises(IncompleteScaleError, match=r"Consult: .*scales/complete.yaml"):
                scale.require_scorable(form.id)
        else:
            assert not scale.gaps(form.id)


def test_the_scales_that_can_score_now_are_known():
    ready = set(scales.list(scorable=True).codes) - set(OWN)

    assert ready == {
        "brs", "cses", "fos", "growth_mindset", "gse", "gse3", "ipip_optimism", "ipip_self_efficacy",
        "ipip_self_esteem", "ngse", "panas", "pasa", "rses", "sses",
    }  # fmt: skip


def test_a_refusal_names_the_source_to_consult(take):
    with pytest.raises(IncompleteScaleError, match=r"reversed: from memory.*Peacock, E. J., & Wong.*doi:10.1002/smi"):
        score(take({"sam_1": [1.0]}), "sam")


def test_a_doi_from_memory_is_not_offered_as_a_source(take):
    with pytest.raises(IncompleteScaleError) as refusal:
        score(take({"a": [1.0]}), "jsse")
    assert "10.1016" not in str(refusal.value)


def test_the_evidence_of_the_gse_is_shown_with_its_source():
    text = str(scales.get("gse"))

    for figure in (".854", "19,719", "29.59", "5.29", "0.493", "0.651", "0.972", "0.048", "23.05"):
        assert figure in text, figure
    assert "HPSNZ/hpad_gse_reference_data" in text
    assert re.search(r"percentile\s+5\s+10\s+25\s+50\s+75\s+90\s+95", text)
    assert re.search(r"score\s+20\.00\s+23\.00\s+27\.00\s+30\.00\s+33\.00\s+36\.00\s+38\.00", text)


def test_gse_figures_are_those_recomputed(facts):
    gse, record = scales.get("gse"), facts["gse"]

    assert list(gse.evidence.structure.loadings) == record["factor_structure"]["std_loadings_MLR"]
    assert list(gse.evidence.structure.item_means) == record["factor_structure"]["item_means"]
    assert dict(gse.evidence.norms[0].percentiles) == {
        "5": 20,
        "10": 23,
        "25": 27,
        "50": 30,
        "75": 33,
        "90": 36,
        "95": 38,
    }
    assert len(gse.evidence.norms) == 12 + 17


def test_a_value_from_memory_cannot_be_reported_however_one_tries():
    with pytest.raises(DeclarationError, match="status"):
        Reliability(sample="students", source="memory", status="from_memory", statistic="alpha", value=0.9)
    with pytest.raises(DeclarationError, match="status"):
        Norm(sample="students", source="memory", status="from_memory", metric="sum", mean=29.7, sd=7.9)
    recalled = scales.get("panas").evidence.from_memory[0]
    assert not any(isinstance(value, float | int) for value in recalled.model_dump().values())
    with pytest.raises(DataError, match="from memory and is never printed as evidence"):
        recalled.cite()
    with pytest.raises(DeclarationError, match="Key 'value' is unknown"):
        Recalled(what="alpha .9", value=0.9)


@pytest.mark.parametrize(
    "told",
    [
        {"notes": ["alpha .90 (from memory)"]},
        {"structure": {"model": "two factors, from memory", "source": "abstract", "status": "verified"}},
        {
            "reliability": [
                {"sample": "x", "source": "From memory", "status": "verified", "statistic": "alpha", "value": 0.9}
            ]
        },
    ],
)
def test_what_is_recalled_cannot_stand_among_the_evidence(told):
    with pytest.raises(DeclarationError, match="write it under from_memory"):
        Evidence.from_data(told)


def test_a_number_of_items_from_memory_is_marked_in_the_catalogue_and_the_battery():
    shown = str(scales.list(construct="feedback environment"))

    assert "63 ?" in shown
    assert not scales.list().frame().set_index("code").loc["fes", "items_seen"]
    assert "5 ?" in str(scales.battery("licensed-core"))
    assert "?" not in str(scales.battery("open-core"))


@pytest.mark.parametrize("code", PUBLISHED)
def test_what_is_recalled_is_shown_only_as_from_memory(code):
    scale = scales.get(code)
    lines = str(scale).splitlines()

    for entry in scale.evidence.from_memory:
        first = " ".join(entry.what.split()[:3])
        said = [line for line in lines if first in line]
        assert all(line.startswith("from memory, never cite") for line in said)
        assert said


def test_norms_from_memory_give_no_percentile():
    panas = scales.get("panas")

    assert panas.evidence.norms == ()
    assert any("29.7" in entry.what for entry in panas.evidence.from_memory)


def test_the_card_escapes_and_renders_in_both_ways():
    gse = scales.get("gse")

    assert "<script" not in gse._repr_html_()
    assert gse._repr_html_().count("<section") == 1
    assert "General Self-Efficacy Scale" in str(gse)


def test_every_scale_has_a_card():
    for code in CODES:
        assert scales.get(code).citation.split(",")[0] in str(scales.get(code))


def test_the_catalogue_filters():
    assert scales.list(construct="self-efficacy", max_items=3).codes == ("gse3",)
    assert "panas" in scales.list(language="de")
    assert set(scales.list(licence="own").codes) == set(OWN)
    assert {"cses", "ipip_optimism", "tis6"} <= set(scales.list(licence="commercial").codes)
    assert "dres" not in scales.list(licence="commercial")  # a yes from memory is no permission
    assert all("mediator" in entry.roles for entry in scales.list(role="mediator"))
    with pytest.raises(InputError, match=r"Role 'mediater' is unknown. Did you mean 'mediator'"):
        scales.list(role="mediater")


def test_the_catalogue_renders_one_line_a_scale():
    text = str(scales.list())

    assert f"{len(CODES)} scales" in text
    assert len(scales.list().frame()) == len(CODES)


def test_finding_words():
    assert "fos" in scales.find("receptivity feedback")
    assert len(scales.find("nothing of the kind")) == 0


def test_an_unknown_code_names_the_nearest():
    with pytest.raises(NotFoundError, match=r"Scale 'gses' is unknown. Did you mean"):
        scales.get("gses")


COMPLETE = """schema_version: 1
completions:
  - {scale: sam, field: reversed, value: [], page: "p. 231, Table 2", who: Ada Moreno}
"""


@pytest.fixture
def study_folder(tmp_path):
    (tmp_path / "scales").mkdir()
    (tmp_path / "scales" / "complete.yaml").write_text(COMPLETE)
    return tmp_path


def test_a_completed_record_scores_and_stamps_who_read_what(study_folder, take, answers):
    raw = answers(40, 28, prefix="sam")

    scores = score(take(raw), "sam", library=scales.library(study_folder))

    assert scores.frame["sam_threat"].tolist() == pytest.approx(
        raw[["sam_5", "sam_11", "sam_20", "sam_28"]].mean(axis=1).tolist()
    )
    stamp = "reversed completed by Ada Moreno (p. 231, Table 2)"
    assert all(stamp in info.stamps for info in scores.about.values())
    assert stamp in scores.provenance.conventions
    assert stamp in str(scores)


def test_a_study_folder_may_be_given_as_text_and_must_exist(study_folder):
    assert not scales.get("sam", study=str(study_folder)).gaps()
    with pytest.raises(NotFoundError, match="There is no study folder 'nowhere'"):
        scales.library("nowhere")


def test_a_completion_can_be_offered_as_a_contribution(study_folder, tmp_path):
    path = scales.contribution(scales.get("sam", study=study_folder), tmp_path / "out")

    again = from_document(Scale, path)
    assert again.form().origin("reversed").who == "Ada Moreno"
    assert not again.gaps()
    with pytest.raises(DeclarationError, match="no completed field"):
        scales.contribution(scales.get("gse"), tmp_path)


def test_a_completion_does_not_replace_what_was_seen():
    entry = Completion(scale="gse", field="reversed", value=[1], page="p. 1", who="A. Tester")

    with pytest.raises(DeclarationError, match="a completion does not replace it"):
        apply_completions(scales.get("gse"), [entry])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("- {scale: sam, field: reversd, value: [], page: p, who: w}", "Field to complete 'reversd' is unknown"),
        ("- {scale: sam, field: reversed, value: [], page: p}", "who: this key is required"),
        ("- {scale: sam, field: reversed, value: [], page: '', who: w}", "must be one line"),
    ],
)
def test_a_faulty_completion_names_its_line(tmp_path, line, says):
    path = tmp_path / "complete.yaml"
    path.write_text(f"schema_version: 1\ncompletions:\n  {line}\n")

    with pytest.raises(DeclarationError, match=rf"complete.yaml:3: .*{says}"):
        read_completions(path)


def test_a_completion_outside_the_form_is_refused():
    entry = Completion(scale="sam", field="reversed", value=[29], page="p. 1", who="A. Tester")

    with pytest.raises(DeclarationError, match="items run from 1 to 28"):
        apply_completions(scales.get("sam"), [entry])


class Point:
    """An installed package's entry point, as importlib.metadata gives it."""

    name, value = "theirs", "their.package:scales"

    def __init__(self, offer):
        self.offer = offer

    def load(self):
        return self.offer


@pytest.fixture
def installed(monkeypatch):
    def install(offer):
        monkeypatch.setattr(libraries, "entry_points", lambda **_: [Point(offer)])
        libraries._sources.cache_clear()

    yield install
    libraries._sources.cache_clear()


def test_scales_of_another_package_are_found(installed, make_scale):
    installed(lambda: [make_scale("theirs")])

    assert scales.get("theirs").code == "theirs"
    assert "theirs" in scales.list()


def test_a_package_may_offer_a_folder_of_definitions(installed, tmp_path):
    text = (DEFINITIONS / "gse3.yaml").read_text().replace("code: gse3", "code: theirs")
    (tmp_path / "theirs.yaml").write_text(text)
    installed(tmp_path)

    assert scales.get("theirs").name == scales.get("gse3").name


def test_a_package_cannot_shadow_a_scale(installed, make_scale):
    installed(make_scale("gse"))

    with pytest.raises(InputError, match=r"'gse', which is already in the library"):
        scales.get("gse")


def test_a_package_that_offers_something_else_is_named(installed):
    installed("a string")

    with pytest.raises(InputError, match=r"entry 'theirs' .* must offer scales"):
        scales.get("gse")


def test_reading_and_writing_a_definition_changes_nothing():
    for code in CODES:
        scale = scales.get(code)
        assert Scale.from_data(scale.to_data()).digest() == scale.digest()


def test_content_tags_are_never_sentences():
    for code in CODES:
        for form in scales.get(code).forms:
            tags = [form.tag(p) for p in form.positions]
            assert all(len(tag.split()) <= 4 for tag in tags)


def test_no_published_scale_holds_a_wording():
    for code in PUBLISHED:
        for form in scales.get(code).forms:
            assert not form.instruction
            assert all(not item.text for item in form.items)
    data = scales.get("gse").to_data()
    data["forms"][0]["items"] = [{"position": 1, "text": "Some words."}]
    with pytest.raises(DeclarationError, match="only study-built CC0 items may"):
        Scale.from_data(data)


def test_a_library_of_ones_own_is_possible(make_scale):
    mine = Library({"demo": make_scale()})

    assert mine.codes == ("demo",)
    assert mine.list().codes == ("demo",)


def test_no_module_of_the_room_is_shadowed_by_a_function_of_its_name():
    rooms = [path.stem for path in Path(scales.__file__).parent.glob("[a-z]*.py")]

    assert [name for name in rooms if not isinstance(import_module(f"feedbackstudy.scales.{name}"), ModuleType)] == []
    assert [name for name in scales.__all__ if name in rooms] == []
