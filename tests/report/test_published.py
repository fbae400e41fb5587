"""The report on published analyses: cards in order, claims without analogues as evidence, limits, failures named."""

import pytest

from feedbackstudy.design.claims import list_claims
from feedbackstudy.literature.classes import ReportClass
from feedbackstudy.report.claims import claims_section
from feedbackstudy.report.published import LIMITS, published_report
from feedbackstudy.report.tables import Cell, table


@pytest.fixture
def text(build, tmp_path):
    cards = [build["reproduction"](build["published"](key=key)) for key in ("second2", "first1")]
    failed = [("broken3", "Its data file changed; <b>fetch</b> it again.")]
    return published_report(cards, failed, to=tmp_path / "index.html").read_text(encoding="utf-8")


def test_the_cards_keep_their_order_and_an_analysis_that_failed_is_named(text):
    assert text.index('id="second2"') < text.index('id="first1"') < text.index('id="how-to-read-a-card"')
    assert "broken3 was not computed. Its data file changed; &lt;b&gt;fetch&lt;/b&gt; it again." in text


def test_every_class_of_the_report_card_is_explained(text):
    reading = text[text.index('id="how-to-read-a-card"') :]
    for name in ReportClass:
        assert str(name) in reading


def test_the_limits_are_said_and_the_versions_are_printed(text):
    assert "No open data of real post-interview feedback" in LIMITS[0]
    assert "never counted as evidence" in text
    assert "<dt>scipy</dt>" in text


def test_an_analogue_never_stands_among_what_is_known():
    register = list_claims()
    shown = {row[0].text[:4].strip(): row for row in table(register).rows}

    for claim in register.claims:
        known, alike = (cell.plain() if isinstance(cell, Cell) else cell for cell in shown[claim.id][1:])
        for evidence in claim.evidence:
            assert (evidence.says in known) == (evidence.bearing == "evidence")
            assert (evidence.says in alike) == (evidence.bearing == "analogue")
        if not any(evidence.bearing == "evidence" for evidence in claim.evidence):
            assert known == "nothing found"


def test_a_figure_says_what_it_is_a_figure_of():
    html = claims_section([]).body("claims")

    assert "feedback interventions on performance, d 0.41 (Kluger &amp; DeNisi 1996)" in html


def test_a_computed_figure_gives_both_answers(build):
    card = build["reproduction"](build["published"](key="manyclasses1"))

    html = claims_section([card]).body("claims")

    assert "0.002 [\N{MINUS SIGN}0.049, 0.053] (frequentist), 0.002 [\N{MINUS SIGN}0.049, 0.053] (Bayesian)" in html
