"""The study file: read, shown, hashed, written, and refused with a reason."""

import copy
import pickle
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

import feedbackstudy.study
from feedbackstudy.design.comparisons import MainEffect
from feedbackstudy.design.conduct import Conduct
from feedbackstudy.design.factors import Factor
from feedbackstudy.design.hypotheses import Hypothesis, SmallestEffect
from feedbackstudy.design.plan import ByP, Plan
from feedbackstudy.design.units import Units
from feedbackstudy.design.waves import Wave
from feedbackstudy.errors import DeclarationError, FileFormatError, NotFoundError, UnsafePathError
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study, new_study
from feedbackstudy.yamlfile import YamlValue

MINIMAL = textwrap.dedent((feedbackstudy.study.__doc__ or "").split(".. code-block:: yaml\n\n")[1].split(">>>")[0])


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return folder


def study_of(folder: Path, *changes: tuple[str, str]) -> Study:
    text = MINIMAL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return Study.load(write(folder, text))


def test_the_example_of_the_documentation_loads_and_has_no_errors(tmp_path: Path) -> None:
    study = study_of(tmp_path)

    assert study.factors["timing"].levels == {"same_day": "On the same day", "two_weeks": "After two weeks"}
    assert study.measures["usefulness"].range == (1, 7)
    assert not study.check().errors


def test_a_path_may_be_the_file_or_its_folder(tmp_path: Path) -> None:
    study_of(tmp_path)

    assert Study.load(tmp_path) == Study.load(tmp_path / "study.yaml") == Study.load(str(tmp_path))


def test_load_check_save_load_keeps_the_hash(tmp_path: Path) -> None:
    study = study_of(tmp_path / "first")
    study.check()

    written = study.save(tmp_path / "second")

    assert Study.load(written).design_hash == study.design_hash
    assert Study.load(written) == study


def test_the_hash_ignores_comments_key_order_and_omitted_defaults(tmp_path: Path) -> None:
    first = study_of(tmp_path / "first")
    moved = ("    mode: described            # described (vignette) | enacted | measured\n", "")
    second = study_of(
        tmp_path / "second",
        moved,
        (
            "      two_weeks: After two weeks\n",
            "      two_weeks: After two weeks\n    varies: between\n    mode: described\n",
        ),
        (
            "      same_day: On the same day\n      two_weeks: After two weeks",
            "      two_weeks: After two weeks\n      same_day: On the same day",
        ),
    )

    assert first.design_hash == second.design_hash


@pytest.mark.parametrize(
    ("old", "new"), [("n: 240", "n: 241"), ("value: 0.2", "value: 0.3"), ("After two weeks", "After 14 days")]
)
def test_the_hash_sees_every_fact(tmp_path: Path, old: str, new: str) -> None:
    assert study_of(tmp_path / "a").design_hash != study_of(tmp_path / "b", (old, new)).design_hash


def test_a_study_survives_pickling_and_copying_for_worker_processes(tmp_path: Path) -> None:
    study = study_of(tmp_path)

    assert pickle.loads(pickle.dumps(study)) == study  # noqa: S301
    assert copy.deepcopy(study) == study
    assert hash(study) == hash(Study.load(tmp_path))


def test_nothing_in_a_study_can_be_changed(tmp_path: Path) -> None:
    study = study_of(tmp_path)

    with pytest.raises(ValueError, match="frozen"):
        study.title = "other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="never changes"):
        study.factors["timing"].levels["x"] = "y"


def test_a_study_renders_in_a_notebook_and_in_a_terminal_and_escapes(tmp_path: Path) -> None:
    study = study_of(tmp_path, ("On the same day", "<script>alert(1)</script>"))

    html = study._repr_html_()

    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; minus After two weeks" in html
    assert "0.2 standard deviations" in html
    assert "Conditions: 2 cells" in str(study)


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        (
            "factors:",
            "facters:",
            DeclarationError,
            r"study.yaml:3: facters: Key 'facters' is unknown. Did you mean 'factors'",
        ),
        ("mode: described", "modes: described", DeclarationError, r"study.yaml:5: .*Did you mean 'mode'"),
        ("kind: main_effect", "kind: main_efect", DeclarationError, r"study.yaml:2\d: .*main_efect.*'main_effect'"),
        ("against: two_weeks", "againts: two_weeks", DeclarationError, r"study.yaml:2\d: .*Did you mean 'against'"),
        ("by: p ", "by: q ", DeclarationError, r"'by', 'q' is unknown.*: bayes_factor, equivalence, p, rope"),
        (
            "title: Does",
            "title: a\ntitle: Does",
            FileFormatError,
            r"study.yaml:3: key 'title' is given twice \(first on line 2",
        ),
        (
            "same_day: On the same day\n",
            "",
            DeclarationError,
            r"study.yaml:4: .*'timing' has the levels \['two_weeks'\]",
        ),
        ("On the same day", "after TWO weeks", DeclarationError, r"label 'after two weeks' to more than one level"),
        ("schema_version: 1", "schema_version: 2", DeclarationError, r":1: written for schema version 2; .* up to 1"),
        ("schema_version: 1", "schema_version: 0", DeclarationError, r":1: give 'schema_version: 1'"),
        ("schema_version: 1\n", "", DeclarationError, r"give 'schema_version: 1' at the top \(found None"),
        ("role: confirmatory", "role: yes", FileFormatError, r"'yes' is ambiguous"),
        ("      same_day: On", "\tsame_day: On", FileFormatError, r"Indent with spaces, never with tabs"),
        ("name: usefulness", "name: participant", DeclarationError, r"'participant' would take a column"),
        ("name: usefulness", "name: timing", DeclarationError, r"score 'timing' would take the column of the factor"),
        ("name: usefulness", "name: Usefulness 1", DeclarationError, r"'Usefulness 1' cannot stand as a column"),
        ("range: [1, 7]", "range: [7, 1]", DeclarationError, r"range \[7.0, 1.0\] must rise"),
        ("n: 240", "n: 240.5", DeclarationError, r"units.0.n: given 240.5"),
        ("n: 240", "n: 0", DeclarationError, r"n = 0; plan at least one unit"),
        ("value: 0.2", "value: -0.2", DeclarationError, r"smallest effect of -0.2 .* without sign"),
    ],
)
def test_bad_input_names_file_line_value_and_choice(
    tmp_path: Path, old: str, new: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        study_of(tmp_path, (old, new))


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "C:\\consent.txt"])
def test_a_text_outside_the_study_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(
        UnsafePathError, match=r"^study\.yaml:\d+: conduct\.consent: .*(leaves the|plain relative path)"
    ):
        study_of(tmp_path, ("  realism:", f"  consent: {{file: '{path}'}}\n  realism:"))


def test_a_text_that_is_absent_or_changed_is_refused(tmp_path: Path) -> None:
    consent = ("  realism:", f"  consent: {{file: consent.txt, sha256: '{'0' * 64}'}}\n  realism:")

    with pytest.raises(FileFormatError, match=r"'consent.txt' does not exist"):
        study_of(tmp_path, consent)
    (tmp_path / "consent.txt").write_text("I take part.")
    with pytest.raises(FileFormatError, match=r"not the text that was declared: its sha256 is"):
        study_of(tmp_path, consent)


def test_texts_travel_with_a_saved_study(tmp_path: Path) -> None:
    write(tmp_path / "first", "")
    (tmp_path / "first" / "consent.txt").write_text("I take part.")
    study = study_of(tmp_path / "first", ("  realism:", "  consent: {file: consent.txt}\n  realism:"))

    study.save(tmp_path / "second")

    assert Study.load(tmp_path / "second") == study
    assert (tmp_path / "second" / "consent.txt").read_text() == "I take part."


def test_saving_never_replaces_another_text(tmp_path: Path) -> None:
    for folder, text in (("first", "I take part."), ("second", "Another.")):
        write(tmp_path / folder, "")
        (tmp_path / folder / "consent.txt").write_text(text)
    study = study_of(tmp_path / "first", ("  realism:", "  consent: {file: consent.txt}\n  realism:"))

    with pytest.raises(FileFormatError, match="exists with another text"):
        study.save(tmp_path / "second")
    assert (tmp_path / "second" / "study.yaml").read_text() == ""


def test_an_older_file_is_migrated_step_by_step(tmp_path: Path) -> None:
    class Later(Study):
        schema_version: ClassVar[int] = 2
        migrations: ClassVar[Mapping[int, Callable[[dict[str, YamlValue]], dict[str, YamlValue]]]] = {
            0: lambda data: {("title" if key == "name" else key): value for key, value in data.items()},
            1: lambda data: {key: value for key, value in data.items() if key != "colour"},
        }

    draft = MINIMAL.replace("schema_version: 1", "schema_version: 0\ncolour: blue").replace("title:", "name:", 1)
    write(tmp_path, draft)

    assert Later.load(tmp_path).title == "Does feedback on the same day help?"
    write(tmp_path, MINIMAL.replace("schema_version: 1", "schema_version: 1\ncolour: blue"))
    assert Later.load(tmp_path).title == "Does feedback on the same day help?"
    write(tmp_path, MINIMAL.replace("schema_version: 1", "schema_version: 3"))
    with pytest.raises(DeclarationError, match="up to 2"):
        Later.load(tmp_path)


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="Did you mean 'timing'"):
        study_of(tmp_path).factors["timming"]


def test_a_missing_study_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"study\.yaml cannot be read"):
        Study.load(tmp_path / "nowhere")


def test_an_unwritable_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    study = study_of(tmp_path / "first")
    (tmp_path / "file").write_text("")

    with pytest.raises(FileFormatError, match="cannot be written"):
        study.save(tmp_path / "file" / "sub")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "first"]


def test_a_study_can_be_declared_in_python_and_equals_its_file(tmp_path: Path) -> None:
    study = Study(
        title="Does feedback on the same day help?",
        factors=[
            Factor(
                name="timing",
                mode="described",
                levels={"same_day": "On the same day", "two_weeks": "After two weeks"},
            )
        ],
        units=[Units(name="panel_member", n=240)],
        waves=[Wave(name="t1", anchor="feedback", phase="after")],
        measures=[Measure(name="usefulness", kind="rating", range=(1, 7), waves=["t1"])],
        hypotheses=[
            Hypothesis(
                name="h1",
                text="Feedback on the same day is rated as more useful.",
                outcome="usefulness",
                contrast=MainEffect(factor="timing", level="same_day", against="two_weeks"),
                direction="positive",
                sesoi=SmallestEffect(value=0.2, unit="sd"),
                role="confirmatory",
            )
        ],
        plan=Plan(decides={"h1": ByP()}),
        conduct=Conduct(population="panel", realism="hypothetical", published="Author (2020). Title. Journal."),
    )

    assert study == study_of(tmp_path)
    assert study.where("hypotheses", 0) == "hypotheses.h1"
    assert Study.load(study.save(tmp_path / "made")) == study


def test_a_study_answers_what_later_rooms_ask(tmp_path: Path) -> None:
    study = Study.load(new_study(tmp_path / "study", "second-chance"))

    assert study.measure_of("challenge").name == "appraisal"
    assert study.arms_of("usefulness") == ("feedback",)
    assert study.arms_of("felt_respect") == ("feedback", "decision_only", "silence")
    assert study.occasion_of(study.hypotheses["h1"]) == "t1"
    assert study.occasion_of(study.hypotheses["h2"]) == "t2"
    assert len(study.crossing.cells()) == 8 + 2
    assert study.folder == tmp_path / "study"
    with pytest.raises(NotFoundError, match="Did you mean 'challenge'"):
        study.measure_of("challenges")
    with pytest.raises(NotFoundError, match="asked at t0, t1, t2; name one"):
        study.occasion_of(study.hypotheses["h2"].model_copy(update={"occasion": None}))


def test_a_stored_design_hash_stays_valid() -> None:
    """It identifies registered designs: this value may change only with a new schema version."""
    study = Study(
        title="A",
        factors=[Factor(name="timing", mode="enacted", levels={"now": "Now", "later": "Later"})],
        waves=[Wave(name="t1", anchor="decision", offset_days=21.5, phase="after")],
        measures=[Measure(name="usefulness", kind="rating", range=(1, 7), waves=["t1"])],
        plan=Plan(decides={"h1": ByP()}),
        conduct=Conduct(population="students", realism="enacted"),
    )

    assert study.design_hash == "426fdf0e70322a179737334537d6e26e2889d19b3e177a464c0ee65e818f1e5a"
    assert study.design_hash == study.digest()


def test_a_saved_study_takes_its_own_messages_along(tmp_path: Path) -> None:
    own = "schema_version: 1\ntitle: Mine\npermission: Us\n"
    own += "messages: [{exemplar: mine, cell: {timing: same_day}, text: X.}]\n"
    folder = write(tmp_path / "first", MINIMAL + "messages:\n  own: mine.yaml\n")
    (folder / "mine.yaml").write_text(own, encoding="utf-8")

    Study.load(folder).save(tmp_path / "second")

    assert (tmp_path / "second" / "mine.yaml").read_text(encoding="utf-8") == own
    (folder / "mine.yaml").unlink()
    with pytest.raises(FileFormatError, match=r"messages\.own: put the file"):
        Study.load(folder).save(tmp_path / "third")
