"""Mediation gives lavaan's and sandwich's numbers."""

import pandas as pd
import pytest

from feedbackstudy.analysis.mediation import mediation as analysed
from tools.analysis_cases import mediation

CASES = mediation.cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.section}: {case.what}")
def test_ours_is_the_reference(case):
    assert case.difference() <= case.tolerance


def test_all_sections_of_the_reference_are_asked():
    asked = {case.section.removeprefix("Mediation, ").replace(", ", "_") for case in CASES}
    known = set(mediation.reference()) - {"meta", "simple", "simple_bias_corrected", "robust", "serial_percentile"}
    assert known <= asked


def test_the_textbook_data_of_a_gpl_package_give_lavaans_numbers(shared):
    """Estimates and standard errors exactly, the bias-corrected bootstrap within chance."""
    data = pd.read_csv(shared / "oracles" / "mediation.csv")
    known = {row["name"]: row for row in mediation.reference()["simple"]["rows"]}
    limits = {row["name"]: row for row in mediation.reference()["simple_bias_corrected"]["rows"]}
    found = analysed(data, "X", "M", "Y", vcov="ml", interval="bca", n_boot=20_000, draws=1000, seed=1)
    names = {"M ~ X": "a: X > M", "Y ~ M": "b: M > Y", "Y ~ X": "direct", "indirect": "X > M > Y", "total": "total"}
    at = [a.effect.name for a in found.answers]
    for theirs, ours in names.items():
        i = at.index(ours)
        assert found.delta.estimate[i] == pytest.approx(known[theirs]["est"], abs=1e-6)
        assert found.delta.se[i] == pytest.approx(known[theirs]["se"], abs=1e-6)
    for theirs in ("indirect", "total"):
        answer = found[names[theirs]]
        assert answer.low == pytest.approx(limits[theirs]["low"], abs=0.02)
        assert answer.high == pytest.approx(limits[theirs]["high"], abs=0.02)
