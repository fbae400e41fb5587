"""An error names what was given and what would be right: shown for each door where a user can name something."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from feedbackstudy import errors
from feedbackstudy.errors import InputError

PACKAGE = Path(errors.__file__).parent
USER_ERRORS = {"ValueError"} | {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, InputError)
}


FEWEST_WORDS = 6  # what is wrong, and what to do, cannot be said in fewer


def silent_messages(source: str) -> list[str]:
    """Return the errors of the input that are raised with no text, or with a few fixed words."""
    found = []
    for node in ast.walk(ast.parse(source)):
        raised = node.exc if isinstance(node, ast.Raise) else None
        name, arguments = (raised.func, raised.args) if isinstance(raised, ast.Call) else (raised, [])
        if not (isinstance(name, ast.Name) and name.id in USER_ERRORS):
            continue
        text = arguments[0] if arguments else ast.Constant("")
        if isinstance(text, ast.Constant) and len(str(text.value).split()) < FEWEST_WORDS:
            found.append(f"line {node.lineno}: {ast.unparse(node)[:90]}")
    return found


def test_every_error_of_the_input_says_what_is_wrong():
    found = {
        path.relative_to(PACKAGE).as_posix(): silent_messages(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }

    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("line", ["raise InputError('Wrong value.')", "raise ValueError", "raise DataError()"])
def test_the_rule_sees_an_error_that_says_nothing(line):
    assert silent_messages(line)


def test_the_rule_leaves_a_whole_sentence_and_our_own_faults_alone():
    assert silent_messages("raise InputError(f'Wave {x} is unknown.')\nraise RuntimeError('no')") == []


def load_dataset(name: str) -> object:
    from feedbackstudy import datasets

    return datasets.load(name)


def reproduce(name: str) -> object:
    from feedbackstudy import literature

    return literature.reproduce(name)


def shipped_folder(name: str) -> object:
    from feedbackstudy import shipped

    return shipped.folder(name)


DOORS: list[tuple[Callable[[str], object], str, str]] = [
    (load_dataset, "manyclasses1_timming", "manyclasses1_timing"),
    (reproduce, "bertrand2044", "bertrand2004"),
    (shipped_folder, "dataset", "datasets"),
]


@pytest.mark.parametrize(("door", "given", "meant"), DOORS, ids=lambda value: getattr(value, "__name__", value))
def test_a_misspelt_name_is_answered_with_the_name_given_and_the_nearest(door, given, meant):
    with pytest.raises(InputError) as refusal:
        door(given)

    assert repr(given) in str(refusal.value)
    assert f"Did you mean '{meant}'" in str(refusal.value)
    assert "Choose one of: " in str(refusal.value)
