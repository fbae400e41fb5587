"""The error tree, and the one wording of "given, allowed, what to do"."""

import pytest

from feedbackstudy import errors
from feedbackstudy.errors import FeedbackstudyError, InputError, MissingExtraError, choices, nearest

USER_ERRORS = ["DataError", "DeclarationError", "FileFormatError", "NotFoundError", "UnsafePathError"]


@pytest.mark.parametrize("name", USER_ERRORS)
def test_what_a_user_can_cause_is_an_input_error_and_a_value_error(name):
    kind = getattr(errors, name)

    assert issubclass(kind, InputError)
    assert issubclass(kind, ValueError)


def test_a_missing_extra_is_an_import_error_and_no_fault_of_the_input():
    assert issubclass(MissingExtraError, FeedbackstudyError)
    assert issubclass(MissingExtraError, ImportError)
    assert not issubclass(MissingExtraError, InputError)


def test_choices_names_the_value_given_the_nearest_and_all_that_is_allowed():
    text = choices("Factor", "timming", ["timing", "framing", "specificity"])

    assert text == (
        "Factor 'timming' is unknown. Did you mean 'timing' or 'framing'? Choose one of: framing, specificity, timing."
    )


def test_choices_suggests_nothing_where_nothing_is_alike():
    assert choices("Engine", "xyz", ["bayesian", "frequentist"]) == (
        "Engine 'xyz' is unknown. Choose one of: bayesian, frequentist."
    )


def test_choices_cuts_a_long_list_and_says_so():
    text = choices("Item", "z", [f"item_{i:02}" for i in range(40)])

    assert "item_11 ... (40 in all)" in text
    assert "item_12" not in text


def test_choices_says_when_nothing_exists():
    assert choices("Wave", "t1", []).endswith("Choose one of: (none exist).")


def test_choices_lists_every_one_of_twelve():
    names = [f"w{i:02}" for i in range(12)]

    assert all(name in choices("Wave", "?", names) for name in names)


@pytest.mark.parametrize("given", [None, 3, 2.5, ("a",), object()])
def test_nearest_accepts_anything_that_was_given(given):
    assert isinstance(nearest(given, ["one", "two"]), list)


def test_nearest_ignores_case_and_returns_the_name_as_it_is_written():
    assert nearest("TIMING", ["Timing", "framing"])[0] == "Timing"


def test_nearest_returns_best_first_and_at_most_n():
    names = ["effect", "effects", "affect", "defect"]

    assert nearest("effects", names, n=2) == ["effects", "effect"]
