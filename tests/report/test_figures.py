"""Pictures show the numbers they were given, in the house style, and leave the user's settings alone."""

from itertools import pairwise

import matplotlib as mpl
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure

from feedbackstudy import report
from feedbackstudy.errors import InputError
from feedbackstudy.report.drawing import drawing
from feedbackstudy.report.figures import picture
from feedbackstudy.report.style import FIRST, SECOND, label, plain
from tools import notebooks


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
    with pytest.raises(InputError, match=r"no picture of a dict; there is one of: Accounting, .*CFA, .*Estimates"):
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


@pytest.fixture
def sites():
    from feedbackstudy.literature.meta import meta_analysis

    rng = np.random.default_rng(1)
    effects = rng.normal(0.6, 0.2, 37)
    labels = tuple(f"site {i}" for i in range(37))
    return meta_analysis(effects, rng.uniform(0.01, 0.06, 37), labels=labels, measure="d")


def test_the_forest_has_a_line_for_each_site_largest_first_then_diamond_and_prediction(sites, ax):
    report.figure(sites, ax=ax)

    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names[:37] == [sites.labels[i] for i in np.argsort(-sites.yi)]
    assert names[37:] == ["pooled effect", "prediction interval"]
    spans = ax.collections[0].get_segments()
    assert [span[0][0] for span in spans] == pytest.approx(sites.study_low[np.argsort(-sites.yi)])
    diamond = ax.patches[-1].get_xy()
    assert (diamond[:, 0].min(), diamond[:, 0].max()) == pytest.approx((sites.low, sites.high))
    assert any(list(line.get_xdata()) == list(sites.prediction_t) for line in ax.lines)


def test_the_rows_of_a_forest_do_not_overlap(sites):
    figure = Figure(figsize=(drawing(sites).width, drawing(sites).height), layout="constrained")
    ax = report.figure(sites, ax=figure.add_subplot())
    figure.draw_without_rendering()

    boxes = [text.get_window_extent() for text in ax.get_yticklabels()]
    tops = sorted(((box.y0, box.y1) for box in boxes), reverse=True)
    assert all(below[1] <= above[0] + 1 for above, below in pairwise(tops))


def test_a_forest_of_log_ratios_is_drawn_as_ratios_on_a_logarithmic_axis(ax):
    from feedbackstudy.literature.meta import meta_analysis

    logs = meta_analysis([0.1, 0.4, 0.9], [0.04, 0.05, 0.06], measure="odds ratio", scale="exp")

    report.figure(logs, ax=ax)

    assert ax.get_xscale() == "log"
    assert any(list(line.get_xdata()) == [1.0, 1.0] for line in ax.lines)
    assert f"Pooled effect {np.exp(logs.estimate):.2f}" in report.alt_text(logs)
    assert f"was {np.exp(logs.estimate):.2f}, 95% CI" in report.sentence(logs)


def test_contrasts_on_different_scales_stand_in_panels_of_their_own(build, ax):
    from feedbackstudy.analysis.estimate import Estimates

    differences = build["estimates"]().rows
    ratios = build["estimates"](contrast="odds ratio", null=1.0, estimate=1.5, low=0.9, high=2.4, sesoi=1.2).rows

    report.figure(Estimates(rows=(*differences, *ratios)), ax=ax)

    first, second = ax.child_axes
    assert (first.get_xscale(), second.get_xscale()) == ("linear", "log")
    assert any(list(line.get_xdata()) == [1.0, 1.0] for line in second.lines)


def test_a_wide_posterior_of_a_ratio_is_drawn_as_the_density_of_its_logarithm(build, ax):
    grid = np.exp(np.linspace(-4, 8, 901))
    density = np.exp(-0.5 * ((np.log(grid) - 2) / 1.2) ** 2) / grid
    wide = build["posterior"](
        grid=grid, density=density, null=1.0, median=np.exp(2), low=0.7, high=78.0, rope=None, prior_density=None
    )

    report.figure(wide, ax=ax)

    curve = max(ax.lines, key=lambda line: len(line.get_xdata()))
    peak = curve.get_xdata()[np.argmax(curve.get_ydata())]
    assert ax.get_xscale() == "log"
    assert peak == pytest.approx(np.exp(2), rel=0.02)


def test_a_reproduction_is_drawn_as_counts_of_its_classes(reproduction, ax):
    report.figure(reproduction, ax=ax)

    assert [bar.get_width() for bar in ax.patches] == list(reproduction.counts.values())
    assert "1 not computable, 3 reproduced; no decision flag" in report.alt_text(reproduction)


def test_every_figure_of_a_notebook_is_shown_not_only_the_first(tmp_path, monkeypatch):
    """A style that was active while pyplot loaded its backend once took the notebook's settings away with it."""
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    cell = "import feedbackstudy as fs\ncard = fs.literature.reproduce('bertrand2004')\n"
    draw = "axes = fs.report.figure(card.findings.shows[0])"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (cell, draw, draw)])

    done = notebooks.execute(notebook, tmp_path)

    shown = [[output.output_type for output in made.outputs] for made in done.cells[1:]]
    assert shown == [["display_data"], ["display_data"]]
