"""Factor models, invariance, items and validations as pictures and tables: the numbers given, in words and in ink."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

import feedbackstudy as fs
from feedbackstudy import report
from feedbackstudy.psychometrics import bifactor, cfa, invariance, invented_answers, item_analysis, validate
from feedbackstudy.report.drawing import drawing

THREE = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}


@pytest.fixture(scope="module")
def hs():
    return fs.datasets.load("holzinger_swineford1939").frame


@pytest.fixture(scope="module")
def model(hs):
    return cfa(hs, THREE)


@pytest.fixture(scope="module")
def levels(hs):
    return invariance(hs, THREE, group="school", search=True)


@pytest.fixture
def ax():
    return Figure().add_subplot()


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_every_loading_and_correlation_stands_on_the_path_diagram(model, ax):
    report.figure(model, ax=ax)

    shown = words(ax)
    frame = model.standardised
    for row in frame[(frame["op"] == "=~") | ((frame["op"] == "~~") & (frame["lhs"] != frame["rhs"]))].itertuples():
        assert f"{row.est:.2f}".lstrip("0") in shown
    assert {"visual", "textual", "speed", *(f"x{k}" for k in range(1, 10))} <= set(shown)


def test_no_two_boxes_of_the_path_diagram_overlap(model, ax):
    from matplotlib.patches import Rectangle

    report.figure(model, ax=ax)

    y = sorted(patch.get_y() for patch in ax.patches if isinstance(patch, Rectangle))
    assert np.diff(y).min() > 0.72


def test_second_order_and_bifactor_models_have_their_factors_apart(hs, ax):
    second = "v =~ x1+x2+x3\nt =~ x4+x5+x6\ns =~ x7+x8+x9\ng =~ v+t+s\nx7 ~~ x8"
    report.figure(cfa(hs, second), ax=ax)
    at = {text.get_text(): text.get_position()[0] for text in ax.texts}
    assert at["g"] < at["v"] < at["x1"]

    other = Figure().add_subplot()
    report.figure(cfa(hs, bifactor("g", THREE)), ax=other)
    at = {text.get_text(): text.get_position()[0] for text in other.texts}
    assert at["visual"] < at["x1"] < at["g"]


def test_a_model_unfit_to_report_says_so_under_its_picture(hs):
    assert "Not fit to report" in drawing(cfa(hs, bifactor("g", THREE))).caption


def test_the_picture_of_levels_shows_each_change_and_its_limit(levels, ax):
    report.figure(levels, ax=ax)

    drawn = [line.get_xdata()[-1] for line in ax.lines]
    for level in levels.levels[1:]:
        assert any(np.isclose(x, -level.delta_cfi) for x in drawn)
        assert any(np.isclose(x, level.delta_rmsea) for x in drawn)
    assert words(ax).count("does not hold") == 1
    assert "scalar (partial)" in report.alt_text(levels)


def test_items_are_drawn_as_shares_or_as_spans(hs, ax):
    answers = invented_answers("message_appraisal", 200, seed=1)
    items = item_analysis(answers.frame[list(answers.items)], lowest=1, highest=7)
    report.figure(items, ax=ax)
    widths = np.array([bar.get_width() for bar in ax.patches]).reshape(7, 8)
    assert pytest.approx(items.shares.to_numpy()) == widths.T

    spans = Figure().add_subplot()
    report.figure(item_analysis(hs[THREE["visual"]]), ax=spans)
    assert [bar.get_width() for bar in spans.patches] == pytest.approx(
        [hs[x].quantile(0.75) - hs[x].quantile(0.25) for x in THREE["visual"]]
    )


@pytest.mark.parametrize("name", ["model", "levels"])
def test_pictures_have_their_numbers_in_words(name, request):
    alt = report.alt_text(request.getfixturevalue(name))
    assert len(re.findall(r"\.\d\d", alt)) > 5


def test_the_table_of_a_model_holds_loadings_and_fit(model):
    text = str(report.table(model))
    assert "0.772" in text
    assert "robust CFI 0.930" in text
    assert "fixed" in text


def test_the_table_of_levels_holds_the_decision(levels):
    table = report.table(levels)
    decisions = [row[-1].text for row in table.rows]
    assert decisions == ["holds", "holds", "does not hold", "holds", "holds"]
    assert "freed: x3~1" in str(table)
    assert "Reached: strict (partial)" in str(table)


def test_the_table_of_a_validation_holds_published_values_with_their_n():
    evidence = validate(invented_answers("gse", 250, seed=4), "gse", replicates=20)
    text = str(report.table(evidence))
    assert "0.854" in text
    assert "19,719" in text
    assert "agrees" in text
    assert "Not here: invariance between groups" in text


def test_a_document_holds_the_whole_validation_with_its_pictures(hs, tmp_path):
    evidence = validate(hs, THREE, group="school", replicates=20, draws=0)
    path = tmp_path / "evidence.html"
    report.document(evidence, to=path)
    html = path.read_text(encoding="utf-8")
    assert html.count("<svg") == 2
    assert "Not here, and why" in html
    assert "scalar (partial)" in html
