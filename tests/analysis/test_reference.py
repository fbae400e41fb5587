"""Every reference value of the analysis room; the page that shows them is up to date."""

import pytest

from tools import analysis_reference

CASES = [case for topic in analysis_reference.topics() for case in analysis_reference.cases(topic)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.section}: {case.what}")
def test_a_reference_value_is_reproduced(case):
    assert case.difference() <= case.tolerance


def test_the_page_of_reference_values_is_the_table_that_is_tested():
    assert analysis_reference.page() == analysis_reference.PAGE.read_text(encoding="utf-8"), (
        "run python -m tools.analysis_reference"
    )


def test_a_wrong_value_is_seen():
    case = next(case for case in CASES if case.what == "HC3: se")
    wrong = [value * 1.00001 for value in case.reference]
    assert (
        type(case)(
            section="", what="", reference=wrong, source="", ours=case.ours, tolerance=case.tolerance
        ).difference()
        > case.tolerance
    )
