"""Every reference value of power, at its printed digits; the page that shows them is up to date."""

import math

import pytest

from tools import power_reference


@pytest.mark.parametrize("case", power_reference.CASES, ids=lambda case: case.what)
def test_a_reference_value_is_reproduced_at_its_digits(case):
    assert math.isclose(case.ours(), float(case.printed), rel_tol=0, abs_tol=case.allowed)


def test_the_page_of_reference_values_is_the_table_that_is_tested():
    assert power_reference.page() == power_reference.PAGE.read_text(encoding="utf-8"), (
        "run python -m tools.power_reference"
    )


def test_the_allowed_difference_is_half_a_unit_of_the_last_digit():
    case = power_reference.Case(section="", what="", printed="0.80", source="", ours=lambda: 0.0)

    assert case.allowed == pytest.approx(0.005, rel=1e-4)
