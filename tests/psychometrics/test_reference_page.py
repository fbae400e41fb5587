"""Every reference value of psychometrics within its tolerance; the page that shows them is up to date."""

import re

import numpy as np
import pytest

from tools import psychometrics_reference


@pytest.mark.parametrize("case", psychometrics_reference.CASES, ids=lambda case: f"{case.section}: {case.what}")
def test_a_reference_value_is_reproduced_within_its_tolerance(case):
    assert case.difference() <= case.tolerance


def without_differences(page):
    """The size of a difference is that of rounding errors, which differ from machine to machine."""
    return re.sub(r"below 1e-?\d+", "below", page)


def test_the_page_of_reference_values_is_the_table_that_is_tested():
    written = psychometrics_reference.PAGE.read_text(encoding="utf-8")

    assert without_differences(psychometrics_reference.page()) == without_differences(written), (
        "run python -m tools.psychometrics_reference"
    )


def test_a_case_compares_every_value_and_refuses_another_shape():
    case = psychometrics_reference.Case(
        section="", what="x", reference=[1.0, 200.0], source="", ours=lambda: np.array([1.0, 202.0]), tolerance=0.0
    )
    assert case.difference() == pytest.approx(0.01)

    short = psychometrics_reference.Case(
        section="", what="x", reference=[1.0, 2.0], source="", ours=lambda: 1.0, tolerance=0.0
    )
    with pytest.raises(ValueError, match="shape"):
        short.difference()
