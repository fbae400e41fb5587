"""The two engines' answers to one contrast stand on one line, with what made them in numbered notes."""

import pytest

from feedbackstudy.analysis.both_ways import answers, pairs
from feedbackstudy.analysis.estimate import Estimate, Estimates


def row(engine, contrast="a minus b", **changes):
    fields = {
        "hypothesis": "h1",
        "outcome": "y",
        "term": "t",
        "contrast": contrast,
        "engine": engine,
        "model": f"model of the {engine}",
        "estimate": 0.25,
        "low": 0.1,
        "high": 0.4,
        "level": 0.95,
        "interval": "CI" if engine == "frequentist" else "HDI",
        "n": 40,
    }
    return Estimate(**{**fields, **changes})


BOTH = (row("frequentist", p=0.002, decides="p < 0.05", decision="supported"), row("bayesian", prob_direction=0.997))


def test_two_engines_on_one_contrast_are_one_line():
    (table, notes, _) = answers(BOTH)

    ((contrast, n, classical, bayesian, decision),) = table.rows
    assert n == "40"
    assert contrast.startswith("a minus b [")
    assert classical.replace("\N{NO-BREAK SPACE}", " ") == "0.250; 95% CI [0.100, 0.400]; p = .002"
    assert bayesian.replace("\N{NO-BREAK SPACE}", " ") == "0.250; 95% HDI [0.100, 0.400]; P(direction) = .997"
    assert decision.replace("\N{NO-BREAK SPACE}", " ") == "supported (criterion: p < 0.05)"
    assert notes.notes == ("Frequentist: model of the frequentist", "Bayesian: model of the bayesian")


def test_a_note_is_written_once_however_many_lines_it_is_about():
    (_, notes, _) = answers((*BOTH, row("frequentist", "c minus d"), row("bayesian", "c minus d")))

    assert len(notes.notes) == 2


def test_an_answer_that_stands_alone_is_paired_with_a_dash():
    (table, _) = answers((row("bayesian"),))

    assert table.rows[0][2] == "\N{EN DASH}"
    assert [pair[0] for pair in pairs((row("bayesian"),))] == [None]


def test_a_second_look_is_called_robustness_and_an_undecided_hypothesis_has_a_dash():
    second = row("frequentist", "a over b")
    other = row("frequentist", hypothesis="h2")
    (table, *_) = answers((*BOTH, second, other))

    assert [line[-1] for line in table.rows[1:]] == ["robustness", "\N{EN DASH}"]


def test_an_unfit_answer_hides_the_decision():
    (table, *_) = answers((BOTH[0], row("bayesian", fit_to_report=False)))

    assert table.rows[0][-1] == "not fit to report"


def test_a_probability_is_never_broken_from_its_number_in_html_and_is_plain_in_text():
    shown = Estimates(rows=BOTH).page()

    assert "P(direction)\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}.997" in shown.html()
    assert "P(direction) = .997" in shown.text()


@pytest.mark.parametrize("rows", [(), []])
def test_no_estimates_are_said(rows):
    assert "No estimates" in answers(rows)[0].plain()


def test_what_the_page_says_of_all_rows_is_not_repeated_in_their_notes_and_sentences_end_once():
    mark = "Simulated data: nobody answered."
    of_all = "3 of 40 people are left out.; the SESOI is 0.3 sd"
    rows = [row(engine, note=f"{mark} {engine} only; {of_all}") for engine in ("frequentist", "bayesian")]

    said, _, notes = answers(rows, mark=mark)

    assert said.text == "All answers: 3 of 40 people are left out; the SESOI is 0.3 sd."
    assert notes.notes[0] == "Frequentist: model of the frequentist; frequentist only"
    assert mark in answers(rows)[-1].notes[0], "where no page says it, the note does"
