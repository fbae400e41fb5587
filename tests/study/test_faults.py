"""Whatever is written into a study file, the answer is a study or a sentence: never a bare traceback."""

import copy
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedbackstudy.errors import InputError
from feedbackstudy.study import Study, new_study
from feedbackstudy.yamlfile import YamlValue

JUNK: tuple[YamlValue, ...] = (
    None,
    "",
    "x",
    "h1",
    "t1",
    "silence",
    "\u2603\u202e",
    -1,
    0,
    7,
    1e9,
    True,
    [],
    ["x"],
    {},
    {"x": 1},
)
QUICK = 400


def places(data: YamlValue, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if at:
        yield at
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in children:
        yield from places(child, (*at, key))


def replaced(data: YamlValue, at: tuple[str | int, ...], junk: YamlValue) -> YamlValue:
    made = copy.deepcopy(data)
    target = made
    for key in at[:-1]:
        target = target[key]  # type: ignore[index, call-overload]
    target[at[-1]] = junk  # type: ignore[index, call-overload]
    return made


def answer(data: YamlValue, at: tuple[str | int, ...], junk: YamlValue) -> str:
    """Return "study" or the refusal; anything else that is raised fails the test."""
    try:
        study = Study.from_data(replaced(data, at, junk))
    except InputError as refusal:
        return "refused" if str(refusal).strip() else "refused without a word"
    for issue in study.check():
        assert issue.what
        assert issue.fix
    assert study._repr_html_()
    assert Study.from_data(study.to_data()).design_hash == study.design_hash
    return "study"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> YamlValue:
    return Study.load(new_study(tmp_path_factory.mktemp("made") / "study", "second-chance")).to_data()


def test_junk_in_any_place_gives_a_study_or_a_sentence(data: YamlValue) -> None:
    cases = [(at, junk) for at in places(data) for junk in JUNK]
    answers = [answer(data, at, junk) for at, junk in random.Random(1).sample(cases, QUICK)]

    assert {"study", "refused"} == set(answers)


@pytest.mark.slow
def test_every_junk_in_every_place_gives_a_study_or_a_sentence(data: YamlValue) -> None:
    for at in places(data):
        for junk in JUNK:
            answer(data, at, junk)


def test_no_part_of_a_study_file_is_read_as_a_formula(tmp_path: Path) -> None:
    folder = new_study(tmp_path / "study")
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    contrast = "contrast: {kind: main_effect, factor: specificity, level: behavioural_next_step, against: general}"
    for formula in ("contrast: same_day - two_weeks", "contrast: '__import__(\"os\").abort()'", "contrast: [1, -1]"):
        (folder / "study.yaml").write_text(text.replace(contrast, formula, 1), encoding="utf-8")
        with pytest.raises(InputError, match=r"study\.yaml:\d+: hypotheses\.0\.contrast"):
            Study.load(folder)
