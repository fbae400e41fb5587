"""Sentences and saved pages hold no count of few people."""

from dataclasses import replace

import pytest

from feedbackstudy.errors import InputError
from feedbackstudy.issues import Issues
from feedbackstudy.policy.applications import synthetic_applications
from feedbackstudy.policy.assembling import PolicyResults
from feedbackstudy.policy.disclosure import DisclosurePolicy
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.report.policy_report import PolicyReport

ROW = EffectEstimate(
    metric="m", label="M", role="primary", contrast="a", scale="absolute", estimate=0.2, n=1234, method="x",
    n_clusters=40, smallest_arm=600, fewest=100,
    warnings=("washout: 2 cells with 7 applications are left out", "12 cells with 1,004 applications are left out"),
)  # fmt: skip


def test_warnings_lose_their_small_counts():
    shown = DisclosurePolicy().effects(Effects(rows=(ROW,)))
    assert shown.frame().loc[0, "warnings"] == (
        "washout: 2 cells with few applications are left out",
        "12 cells with 1,005 applications are left out",
    )
    assert " 7 applications" not in str(shown)


def test_a_report_takes_disclosed_tables_only():
    plan = synthetic_applications(1_000, seed=1).plan
    shown = DisclosurePolicy().effects(Effects(rows=(ROW,)))
    PolicyReport(results=PolicyResults(plan=plan, parts=(shown,)), issues=Issues())
    raw = replace(PolicyResults(plan=plan, parts=()), parts=(Effects(rows=(ROW,)),))
    with pytest.raises(InputError, match="Effects has not passed a disclosure rule"):
        PolicyReport(results=raw, issues=Issues())


def test_text_is_no_formula_in_a_spreadsheet(tmp_path):
    plan = synthetic_applications(1_000, seed=1).plan
    shown = DisclosurePolicy().effects(Effects(rows=(replace(ROW, label="=HYPERLINK(1)", estimate=-0.5),)))
    report = PolicyReport(results=PolicyResults(plan=plan, parts=(shown,)), issues=Issues())
    text = report.csv(tmp_path / "numbers.csv").read_text()
    assert "'=HYPERLINK(1)" in text
    assert "estimate,-0.5" in text


def test_what_all_rows_share_is_said_once_and_small_p_values_are_words():
    other = replace(ROW, scale="relative", p=1e-9, decides=True)
    shown = DisclosurePolicy().effects(Effects(rows=(replace(ROW, p=1e-9, decides=False), other)))
    head, rows = shown.lines()
    assert "contrast" not in head
    assert f"Contrast: {ROW.contrast}." in shown.notes
    assert [row[head.index("scale")] for row in rows] == [ROW.scale, "relative"]
    assert [row[head.index("p")] for row in rows] == ["<\N{NO-BREAK SPACE}.001", "<\N{NO-BREAK SPACE}.001"]
    assert [row[head.index("decides")] for row in rows] == ["no", "yes"]
    assert shown.frame()["contrast"].tolist() == [ROW.contrast] * 2
