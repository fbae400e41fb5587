"""Families of hypotheses: stepwise and joint adjustment, and what happens to members without an answer."""

import json
from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.families import Tested as RowsTested
from feedbackstudy.analysis.families import adjust_families
from feedbackstudy.design.plan import ByEquivalence, ByP, Family, Plan
from feedbackstudy.named import Named

# p.adjust of R 4.2.2.
P = [0.001, 0.008, 0.012, 0.03, 0.041, 0.2, 0.7]
ADJUSTED = {
    "bonferroni": [0.007, 0.056, 0.084, 0.21, 0.287, 1, 1],
    "holm": [0.007, 0.048, 0.06, 0.12, 0.123, 0.4, 0.7],
    "hochberg": [0.007, 0.048, 0.06, 0.12, 0.123, 0.4, 0.7],
    "fdr_bh": [0.007, 0.028, 0.028, 0.0525, 0.0574, 0.2333333333, 0.7],
}


def row_of(name: str, p: float) -> RowsTested:
    row = Estimate(
        hypothesis=name, outcome="y", term="t", contrast="c", engine="frequentist", model="m", estimate=1.0, p=p
    )
    return RowsTested(rows=(row,), leading=(0,))


def plan(method: str, names: list[str]) -> Plan:
    return Plan(families=Named([Family(name="all", hypotheses=tuple(names), method=method)]))


@pytest.mark.parametrize("method", ADJUSTED)
def test_stepwise_adjustment_equals_p_adjust_of_r_in_any_order(method):
    order = np.random.default_rng(1).permutation(len(P))
    names = [f"h{i}" for i in order]

    found, issues = adjust_families(plan(method, names), {f"h{i}": row_of(f"h{i}", P[i]) for i in order})

    assert issues == ()
    got = [found[f"h{i}"].rows[0].p_adjusted for i in range(len(P))]
    assert got == pytest.approx(ADJUSTED[method], rel=1e-9)
    assert found["h0"].rows[0].family == f"all ({method})"


def test_a_member_without_an_answer_still_counts():
    found, issues = adjust_families(
        plan("holm", ["h0", "h1", "gone"]), {"h0": row_of("h0", 0.01), "h1": row_of("h1", 0.02)}
    )

    assert [row.rows[0].p_adjusted for row in found.values()] == [0.03, 0.04]
    assert issues[0].code == "analysis.family_incomplete"


def test_a_joint_method_over_several_outcomes_adjusts_nothing_and_decides_nothing(declared, feedback):
    hypotheses = json.loads(json.dumps([h.to_data() for h in declared().hypotheses]))
    hypotheses[1]["outcome"] = "challenge"
    study = declared(
        hypotheses=hypotheses, plan={"families": [{"name": "main", "hypotheses": ["h1", "h2"], "method": "dunnett"}]}
    )

    found = analyse(feedback(study, "feedback_unbalanced", clusters=False), study, engine="frequentist")

    codes = [issue.code for issue in found.issues]
    assert codes == ["analysis.family_without_joint_distribution", "analysis.not_decided", "analysis.not_decided"]
    decisions = {row.hypothesis: (row.p_adjusted, row.decision) for row in found}
    assert decisions["h1"] == decisions["h2"] == (None, "")
    assert decisions["h3"][1] == "supported"


def test_in_a_family_the_p_that_decides_is_adjusted_and_the_decision_reads_it(declared, feedback):
    """A hypothesis decided by equivalence enters with its equivalence p; Holm over .02 and .03 gives .04 for both."""
    plan = Plan(
        families=Named([Family(name="all", hypotheses=("a", "b"), method="holm")]),
        decides={"a": ByEquivalence(), "b": ByP()},
    )
    (equivalent,) = row_of("a", 0.6).rows
    rows = {"a": replace(row_of("a", 0.6), rows=(replace(equivalent, p_equivalence=0.03),)), "b": row_of("b", 0.02)}

    found, issues = adjust_families(plan, rows)

    assert issues == ()
    assert found["a"].rows[0].p_adjusted == pytest.approx(0.04)
    assert found["a"].rows[0].family == "all (holm, equivalence)"
    assert found["b"].rows[0].p_adjusted == pytest.approx(0.04)

    study = declared(
        plan={
            "families": [{"name": "main", "hypotheses": ["h1", "h3"], "method": "bonferroni"}],
            "decides": {"h1": {"by": "equivalence"}, "h2": {"by": "p"}, "h3": {"by": "p"}},
        }
    )
    answered = analyse(feedback(study, "feedback_unbalanced", clusters=False), study, engine="frequentist")
    row = next(each for each in answered if each.hypothesis == "h1")
    assert row.p_adjusted == pytest.approx(min(1.0, 2 * row.p_equivalence))
    assert row.decides == "equivalence p < 0.05 (adjusted)"
    assert (row.decision == "equivalent") == (row.p_adjusted < 0.05)


def test_joint_methods_know_no_equivalence():
    joint = Plan(
        families=Named([Family(name="all", hypotheses=("a", "b"), method="dunnett")]), decides={"a": ByEquivalence()}
    )
    (equivalent,) = row_of("a", 0.6).rows
    rows = {"a": replace(row_of("a", 0.6), rows=(replace(equivalent, p_equivalence=0.03),)), "b": row_of("b", 0.02)}

    found, issues = adjust_families(joint, rows)

    assert [issue.code for issue in issues] == ["analysis.family_without_joint_distribution"]
    assert found["a"].rows[0].p_adjusted is None
