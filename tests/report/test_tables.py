"""Tables hold the same numbers as HTML and as text, rounded once, with the class in words."""

import pytest

from feedbackstudy import report
from feedbackstudy.errors import InputError
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.report.tables import Cell, Column, ReportTable

MINUS = "\N{MINUS SIGN}"


def cells(table, row):
    return [cell.plain() if isinstance(cell, Cell) else cell for cell in table.rows[row]]


def test_a_reproduced_value_is_shown_with_two_decimals_more_than_was_printed(reproduction):
    table = report.table(reproduction)

    assert cells(table, 0)[1:4] == ["0.60", "0.5991", "reproduced"]
    assert cells(table, 2)[1:3] == [f"{MINUS}0.16", f"{MINUS}0.1623"]


def test_a_value_that_nobody_can_compute_says_why(reproduction):
    assert cells(report.table(reproduction), 3)[2:4] == [
        "\N{EN DASH}",
        "not computable (the analysis returned no value with the id 'gone')",
    ]


def test_a_value_from_memory_is_not_shown(build):
    value = {"id": "d", "quantity": "d", "published": "0.61", "seen_in": "memory", "anchor": "M"}
    card = build["reproduction"](build["published"](values=(value,)), values={})

    table = report.table(card)

    assert cells(table, 0)[1] == "not shown"
    assert "0.61" not in table.html()


def test_printed_and_reproduced_p_and_interval_stand_under_their_values(build):
    from feedbackstudy.literature.findings import Value

    value = {"id": "d", "quantity": "d", "published": ".60", "low": ".53", "high": ".67", "p": "<.001",
             "seen_in": "T", "anchor": "A"}  # fmt: skip
    card = build["reproduction"](
        build["published"](values=(value,)), values={"d": Value(value=0.5991, low=0.5312, high=0.667, p=1e-9)}
    )

    row = cells(report.table(card), 0)

    assert [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row[1:3]] == [
        ".60 ([.53, .67], p <.001)",
        "0.5991 ([0.531, 0.667], p < .001)",
    ]


def test_estimates_name_their_engine_interval_and_deciding_criterion(estimates):
    [row] = report.table(estimates).rows

    said = [str(cell.plain() if isinstance(cell, Cell) else cell).replace("\N{NO-BREAK SPACE}", " ") for cell in row]
    assert said[1:] == [
        "2,081",
        f"0.002 (95% CI, [{MINUS}0.049, 0.053])",
        "p = .942",
        f"0.002 (95% HDI, [{MINUS}0.049, 0.053])",
        "P(direction) = .530\nP(in ROPE) > .999\nBF10 = 0.030",
        "equivalent (decides: equivalence)",
    ]


def test_an_answer_of_one_engine_stands_beside_a_dash(estimates):
    from feedbackstudy.analysis.estimate import Estimates

    [row] = report.table(Estimates(rows=estimates.rows[:1])).rows

    assert row[4:6] == ("\N{EN DASH}", "\N{EN DASH}")


def test_an_estimate_that_is_not_fit_to_report_loses_its_decision(build):
    table = report.table(build["estimates"](fit_to_report=False, note="R-hat 1.2"))

    assert cells(table, 0)[6] == "not fit to report (frequentist: R-hat 1.2; bayesian: R-hat 1.2)"


def test_counts_stand_over_the_counts_that_the_model_expects(frequencies):
    assert cells(report.table(frequencies), 0) == [
        "control", "30 (28.9)", "20 (19.4)", "9 (8.9)", "4 (4.2)", "1 (1.4)", "64",
    ]  # fmt: skip


def test_a_posterior_has_one_row_with_its_diagnostics(posterior):
    assert cells(report.table(posterior), 0)[-2:] == ["1.0012", "4,012"]


def test_issues_keep_their_order_and_name_who():
    issue = Issue("study.x", Severity.ERROR, "study.yaml:3", "what", "why", "fix", who=("P7",))

    table = report.table(Issues([issue]))

    assert cells(table, 0) == ["study.yaml:3 (participants P7)", "error", "what (study.x)", "why", "fix"]


def test_html_and_text_carry_the_same_cells(reproduction):
    table = report.table(reproduction)

    html, text = table._repr_html_(), str(table)

    for row in table.rows:
        for cell in row:
            word = (cell.text if isinstance(cell, Cell) else cell).split()[0]
            assert word in html
            assert word in text


def test_every_cell_of_the_html_knows_its_column_for_a_narrow_screen(estimates):
    table = report.table(estimates)

    assert table.html().count('data-label="Bayesian"') == len(table.rows)


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(InputError, match="a row has 1 cells for 2 columns"):
        ReportTable(title="T", columns=(Column("a"), Column("b")), rows=(("x",),))


def test_a_thing_without_a_table_is_refused_with_the_choices():
    with pytest.raises(
        InputError, match=r"no table of a int; there is one of: Accounting, CFA, ClaimRegister, Estimates"
    ):
        report.table(3)
