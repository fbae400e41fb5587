"""Templates: folders that load, pass the check, name scales that exist, and are made whole or not at all."""

import shutil
import subprocess
from pathlib import Path

import pytest

from feedbackstudy import yamlfile
from feedbackstudy.design.comparisons import Interaction
from feedbackstudy.design.feedback import FACTORS
from feedbackstudy.errors import FileFormatError, NotFoundError
from feedbackstudy.scales import battery
from feedbackstudy.scales.wording import WORDINGS_FOLDER
from feedbackstudy.study import Study, new_study, templates
from feedbackstudy.study.texts import study_exemplars

DEFINITIONS = Path(__file__).resolve().parents[2] / "feedbackstudy" / "scales" / "definitions"


@pytest.fixture(params=templates())
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Study:
    return Study.load(new_study(tmp_path / "study", request.param))


def test_the_templates_are_those_that_new_promises() -> None:
    assert set(templates()) == {"vignette-2x2x2", "field-3wave", "second-chance"}


def test_a_template_passes_the_check(study: Study) -> None:
    issues = study.check()

    assert not issues.errors
    assert not issues.warnings


def test_a_template_survives_load_check_save_load(study: Study, tmp_path: Path) -> None:
    study.check()

    again = Study.load(study.save(tmp_path / "copy"))

    assert again.design_hash == study.design_hash
    assert again == study


def test_a_template_names_scales_and_subscales_of_the_library(study: Study) -> None:
    for measure in study.measures:
        if measure.scale is None:
            continue
        scale = yamlfile.read(DEFINITIONS / f"{measure.scale}.yaml").data
        forms = scale["forms"]  # type: ignore[index, call-overload]
        subscales = {part["name"] for part in forms[0]["subscales"]}  # type: ignore[union-attr, index, call-overload]
        assert set(measure.scores.values()) <= subscales, measure.name
        assert measure.scores or len(subscales) == 1, measure.name


def test_a_template_asks_measures_of_the_open_core_alone(study: Study) -> None:
    core = {scale.code for scale in battery("open-core").scales}

    assert {measure.scale for measure in study.measures if measure.scale} <= core


def test_the_default_template_asks_the_whole_open_core(tmp_path: Path) -> None:
    study = Study.load(new_study(tmp_path / "study"))

    assert {measure.scale for measure in study.measures if measure.scale} == {
        s.code for s in battery("open-core").scales
    }


def test_a_new_study_keeps_wording_packs_out_of_version_control(tmp_path: Path) -> None:
    folder = new_study(tmp_path / "study")
    (folder / WORDINGS_FOLDER).mkdir()
    (folder / WORDINGS_FOLDER / "gse.yaml").write_text("words")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)

    listed = subprocess.run(["git", "-C", str(folder), "status", "-s", "-uall"], check=True, capture_output=True)

    assert b"study.yaml" in listed.stdout
    assert b"gse.yaml" not in listed.stdout


def test_the_factors_of_a_template_realise_ready_made_ones(study: Study) -> None:
    for factor in study.factors:
        assert factor.concept is not None
        ready = FACTORS[factor.concept]
        assert set(factor.levels) <= set(ready.levels)
        assert all(ready.scores[code] == value for code, value in factor.scores.items())


def test_the_running_study_has_what_the_course_needs(tmp_path: Path) -> None:
    study = Study.load(new_study(tmp_path / "study", "second-chance"))

    assert study.factors.names == ("timing", "framing", "specificity")
    assert set(study.arms.names) == {"silence", "decision_only"}
    assert len(study.waves) == 3
    assert len(study_exemplars(study)) >= 3
    assert "than people who heard nothing" in study.hypotheses["h12"].text
    assert any(isinstance(h.contrast, Interaction) and h.confirmatory for h in study.hypotheses)
    assert any(h.path and h.path.structure == "serial" for h in study.hypotheses)
    assert {h.name for h in study.hypotheses if h.confirmatory} == set(study.plan.decides)
    assert {criterion.by for criterion in study.plan.decides.values()} == {"p", "equivalence", "bayes_factor"}


def test_an_empty_folder_may_be_filled_and_a_full_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")

    assert (new_study(tmp_path / "empty") / "study.yaml").is_file()
    with pytest.raises(FileFormatError, match="exists and is not an empty folder; nothing was written"):
        new_study(tmp_path / "full")
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["notes.txt"]


def test_a_template_that_does_not_exist_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="Did you mean 'field-3wave'"):
        new_study(tmp_path / "study", "field-3waves")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copytree", fail)

    with pytest.raises(FileFormatError, match="No space left"):
        new_study(tmp_path / "study")
    assert list(tmp_path.iterdir()) == []


def test_answers_of_people_and_secrets_stay_out_of_version_control(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git is not there")
    folder = new_study(tmp_path / "study", "second-chance")
    people = ["raw/t0.csv", "export.csv", "export.csv.gz", "t0.sav", "t0.xlsx", "answers.tsv", "all.zip", "data/a.txt"]
    kept = [*people, ".feedbackstudy/exports.json", "ledger/sealed.json", "pseudonym.key", "wordings/gse3.yaml"]
    free = ["study.yaml", "texts/consent.md", "ledger/ledger.jsonl", "preregistration.md", "wording.lock"]
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    told = subprocess.run(
        ["git", "-C", str(folder), "check-ignore", *kept, *free], capture_output=True, text=True, check=False
    )

    assert told.stdout.split() == kept
