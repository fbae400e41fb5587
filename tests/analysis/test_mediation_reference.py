"""Mediation gives lavaan's and sandwich's numbers."""

import pytest

from tools.analysis_cases import mediation

CASES = mediation.cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.section}: {case.what}")
def test_ours_is_the_reference(case):
    assert case.difference() <= case.tolerance


def test_all_sections_of_the_reference_are_asked():
    asked = {case.section.removeprefix("Mediation, ").replace(", ", "_") for case in CASES}
    known = set(mediation.reference()) - {"meta", "simple", "simple_bias_corrected", "robust", "serial_percentile"}
    assert known <= asked
