"""What the card shows of values and choices: short lines, notes below, both results of each choice."""

import pytest

from feedbackstudy.literature.classes import ReportClass
from feedbackstudy.literature.reproduction import reproduce
from feedbackstudy.literature.tables import choice_table, places, recomputed, value_blocks


@pytest.fixture(scope="module")
def fairness():
    return reproduce("juijn2023")


@pytest.fixture(scope="module")
def effort():
    return reproduce("nagy2023")


def test_both_results_of_a_choice_stand_side_by_side(fairness):
    (choice,) = fairness.choices_made
    table = choice_table(choice, fairness.grades)

    assert table.head == ("quantity", "printed", "with this choice", "all 226 people")
    assert table.rows[0] == ("Kruskal-Wallis H, original algorithm", "10.6907", "10.690728", "10.086016")
    assert len(table.rows) == sum(grade.conditional for grade in fairness.grades)


@pytest.mark.parametrize("key", ["juijn2023", "manylabs1-framing"])
def test_every_value_that_rests_on_a_choice_shows_the_other_result(key):
    grades = reproduce(key).grades

    assert [g.published.id for g in grades if g.conditional and not g.value.other_choice] == []
    assert any(g.conditional for g in grades)


def test_a_choice_without_another_result_has_no_table(fairness):
    (choice,) = fairness.choices_made

    assert choice_table(choice, [g for g in fairness.grades if not g.conditional]) is None


def test_a_note_that_many_values_share_is_written_once(effort):
    _, notes, _ = value_blocks(effort.grades)
    absent = [g for g in effort.grades if g.report_class is ReportClass.NOT_COMPUTABLE]

    assert len(absent) == 5
    assert sum("needs the participants' rows" in note for note in notes.notes) == 1


def test_every_class_that_occurs_is_explained_and_no_other(effort):
    *_, words = value_blocks(effort.grades)
    labels = [label for label, _ in words.pairs]

    assert set(map(str, effort.counts)) <= set(labels)
    assert "major" not in labels
    assert "decision flag" in labels
    assert "conditional" not in labels


def test_a_place_named_often_is_spelled_out_once(fairness):
    where = places(fairness.grades)

    assert list(where.values()) == ["[a]"]
    assert str(fairness).count(next(iter(where))) == 1


def test_a_recomputed_value_has_two_decimals_more_than_the_printed_one(fairness):
    grade = fairness.grade("kw_original")

    assert recomputed(grade, 10.69072812) == "10.690728"
    assert recomputed(grade, None) == "\N{EN DASH}"


def test_the_card_shows_the_answers_of_both_engines(fairness):
    text = str(fairness)

    assert "The same contrasts answered both ways" in text
    assert "95% CI" in text
    assert "95% HDI" in text


def test_no_line_of_the_card_is_wider_than_a_wide_terminal(fairness, effort):
    assert max(len(line) for card in (fairness, effort) for line in str(card).splitlines()) <= 160


@pytest.mark.parametrize("name", list(ReportClass))
def test_every_class_has_its_meaning_in_words(name):
    assert len(name.meaning) > 10
