"""Pictures show the numbers they were given, in the house style, and leave the user's settings alone."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from feedbackstudy import report
from feedbackstudy.errors import InputError
from feedbackstudy.report.figures import picture
from feedbackstudy.report.style import FIRST, SECOND, label, plain


@pytest.fixture
def ax():
    return Figure().add_subplot()


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_a_figure_is_drawn_on_the_axes_given_and_returns_them(posterior, ax):
    assert report.figure(posterior, ax=ax) is ax


def test_a_figure_without_axes_gets_its_own_and_nothing_is_shown(frequencies):
    from matplotlib import pyplot as plt

    ax = report.figure(frequencies)

    assert ax.figure.number in plt.get_fignums()
    plt.close(ax.figure)


def test_a_picture_for_a_document_leaves_pyplot_and_the_settings_alone(posterior):
    from matplotlib import pyplot as plt

    before = dict(mpl.rcParams), plt.get_fignums()
    picture(posterior, prefix="a")

    assert (dict(mpl.rcParams), plt.get_fignums()) == before


def test_the_posterior_shows_interval_null_rope_and_prior(posterior, ax):
    report.figure(posterior, ax=ax)

    drawn = [(line.get_xdata(), line.get_linestyle()) for line in ax.lines]
    assert any(list(x) == [posterior.low, posterior.high] for x, _ in drawn)
    assert any(list(x) == [0.0, 0.0] for x, _ in drawn)
    assert any(np.array_equal(x, posterior.grid) and style == "--" for x, style in drawn)
    band = ax.patches[0]
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx(posterior.rope)


def test_the_columns_are_shares_of_each_group_on_one_scale(frequencies, ax):
    report.figure(frequencies, ax=ax)

    heights = np.array([bar.get_height() for bar in ax.patches]).reshape(2, 5)
    shares = frequencies.counts / frequencies.counts.sum(axis=1, keepdims=True)
    assert heights == pytest.approx(shares / shares.max())


def test_two_categories_are_drawn_as_the_share_of_the_rarer_one(build, ax):
    counts = np.array([[2278, 157], [2200, 235]])
    two = build["frequencies"](
        categories=("not called back", "called back"), groups=("a", "b"), counts=counts, fitted=None
    )

    report.figure(two, ax=ax)

    assert [bar.get_width() for bar in ax.patches] == pytest.approx([157 / 2435, 235 / 2435])
    assert texts(ax) == ["6.4%  (157 of 2,435)", "9.7%  (235 of 2,435)"]
    assert "called back" in ax.get_xlabel()


def test_both_engines_stand_under_their_contrast_told_apart_by_shape_and_ink(estimates, ax):
    report.figure(estimates, ax=ax)

    marks = {line.get_marker(): line for line in ax.lines if line.get_marker() not in {"None", "", None}}
    assert set(marks) == {"o", "D"}
    assert marks["o"].get_markerfacecolor() == FIRST
    assert (marks["D"].get_color(), marks["D"].get_markerfacecolor()) == (SECOND, "white")
    assert sum("0.002 [\N{MINUS SIGN}0.049, 0.053]" in text for text in texts(ax)) == 2


def test_an_estimate_that_is_not_fit_to_report_says_so_in_the_picture(build, ax):
    report.figure(build["estimates"](fit_to_report=False, note="R-hat 1.2"), ax=ax)

    assert texts(ax).count("not fit to report") == 2


def test_alternative_text_holds_the_main_numbers(posterior, frequencies, estimates):
    assert "median 0.002 z, 95% HDI interval [\N{MINUS SIGN}0.049, 0.053]" in report.alt_text(posterior)
    assert "inside the interval" in report.alt_text(posterior)
    assert "control: n = 64, most often 0 (30)" in report.alt_text(frequencies)
    assert "bayesian: 0.002, 95% HDI" in report.alt_text(estimates)


def test_a_thing_without_a_picture_is_refused_with_the_choices():
    with pytest.raises(InputError, match=r"no picture of a dict; there is one of: Estimates, Frequencies"):
        report.figure({})


@pytest.mark.parametrize(
    ("given", "drawn"),
    [
        ("a $ b $ c", r"a \$ b \$ c"),
        ("two\nlines\ttabbed", "two lines tabbed"),
        ("\x1b[31m", "\N{REPLACEMENT CHARACTER}[31m"),
    ],
)
def test_text_in_a_picture_is_never_mathematics_or_control(given, drawn):
    assert plain(given) == drawn


def test_a_long_label_is_shortened_with_a_mark():
    assert label("a" * 40, 10) == "a" * 9 + "\N{HORIZONTAL ELLIPSIS}"


def test_an_svg_scales_and_its_ids_carry_the_prefix(posterior):
    svg = picture(posterior, prefix="one").svg

    assert 'viewBox="0 0 ' in svg
    assert 'role="img"' in svg
    assert "<metadata" not in svg and "<style" not in svg  # noqa: PT018
    assert " width=" not in svg.partition(">")[0]
    assert svg.count('id="') == svg.count('id="one-')
