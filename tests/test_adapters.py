"""The list of silenced third-party warnings is narrow, and silences for a user exactly what the tests accept."""

import io
import warnings

import pytest

from feedbackstudy import adapters
from feedbackstudy.adapters import KnownWarning, quiet

OLD_CALL = KnownWarning(
    library="statsmodels",
    category=FutureWarning,
    module=r"tests\.test_adapters|test_adapters",
    message="the old call",
    link="https://example.org/issue",
)


@pytest.fixture
def one_known(monkeypatch):
    monkeypatch.setattr(adapters, "KNOWN_WARNINGS", (OLD_CALL,))


@pytest.mark.usefixtures("one_known")
def test_a_known_warning_is_silent_inside_and_loud_outside():
    with quiet("statsmodels"):
        warnings.warn("the old call will go", FutureWarning, stacklevel=1)

    with pytest.warns(FutureWarning, match="the old call"):
        warnings.warn("the old call will go", FutureWarning, stacklevel=1)


@pytest.mark.usefixtures("one_known")
@pytest.mark.parametrize(
    ("library", "message", "category"),
    [
        ("pingouin", "the old call will go", FutureWarning),
        ("statsmodels", "another call will go", FutureWarning),
        ("statsmodels", "the old call will go", RuntimeWarning),
    ],
    ids=["another library", "another message", "another category"],
)
def test_any_other_warning_still_speaks(library, message, category):
    with pytest.warns(category, match=message), quiet(library):
        warnings.warn(message, category, stacklevel=1)


def test_the_same_warning_of_another_module_still_speaks(monkeypatch):
    elsewhere = KnownWarning(
        library="statsmodels", category=FutureWarning, module="elsewhere", message="the old", link="https://example.org"
    )
    monkeypatch.setattr(adapters, "KNOWN_WARNINGS", (elsewhere,))

    with pytest.warns(FutureWarning, match="the old call"), quiet("statsmodels"):
        warnings.warn("the old call will go", FutureWarning, stacklevel=1)


def test_an_entry_is_a_line_for_pytest():
    assert OLD_CALL.filter_line() == r"ignore:the old call:FutureWarning:tests\.test_adapters|test_adapters"


@pytest.mark.usefixtures("one_known")
def test_the_filters_of_the_user_are_given_back():
    before = list(warnings.filters)
    with quiet("statsmodels"):
        pass

    assert warnings.filters == before


def test_a_name_in_another_script_is_drawn_without_a_word_and_matplotlib_alone_would_warn():
    from matplotlib.figure import Figure

    from feedbackstudy.report.svg import inline_svg

    figure = Figure()
    figure.text(0.1, 0.1, "面接")

    assert "面接" in inline_svg(figure, alt="a site's name", prefix="p")
    with pytest.warns(UserWarning, match="Glyph"):
        figure.savefig(io.BytesIO(), format="svg")
