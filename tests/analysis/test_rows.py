"""A hypothesis compiles once, and the declared criterion decides; everything else is robustness."""

import textwrap

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.gates import Gates
from feedbackstudy.analysis.compile import question
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.rows import bayesian_row, frequentist_row
from feedbackstudy.errors import DataError
from feedbackstudy.study import Study

STUDY = textwrap.dedent("""
    schema_version: 1
    title: Test
    factors:
      - {name: timing, mode: described, reference: late, levels: {same_day: At once, late: Later}}
      - {name: framing, mode: described, levels: {gain: Gain, loss: Loss}}
    units: [{name: person, n: 100}]
    waves: [{name: t1, anchor: feedback, phase: after}]
    measures: [{name: usefulness, kind: rating, range: [1, 7], waves: [t1]}]
    hypotheses:
      - name: h1
        text: It helps.
        outcome: usefulness
        contrast: {kind: main_effect, factor: timing, level: same_day, against: late}
        direction: positive
        sesoi: {value: 0.3, unit: raw}
        role: confirmatory
      - name: h2
        text: Everything at once.
        outcome: usefulness
        contrast: {kind: interaction, factors: [timing, framing]}
        direction: either
        role: exploratory
    plan: {decides: {h1: CRITERION}}
    conduct: {population: panel, realism: hypothetical, published: "A (2020)"}
""")


def asked(tmp_path, criterion: str, name: str = "h1"):
    (tmp_path / "study.yaml").write_text(STUDY.replace("CRITERION", criterion), encoding="utf-8")
    return question(Study.load(tmp_path), name)


def posterior(median: float = 0.5, prob_rope: float = 0.0) -> Posterior:
    grid = np.linspace(-2, 3, 11)
    return Posterior(
        quantity="q",
        unit="",
        grid=grid,
        density=np.ones(11),
        median=median,
        low=-1,
        high=2,
        level=0.95,
        interval_kind="HDI",
        rope=(-0.1, 0.1),
        prob_rope=prob_rope,
        prob_direction=0.9,
    )


def classical(question, estimate: float, p: float, **columns: object):
    return frequentist_row(question, contrast="c", model="m", estimate=estimate, p=p, **columns)


def test_the_weights_are_those_of_the_declared_contrast(tmp_path):
    compiled = asked(tmp_path, "{by: p}")

    weights = dict(zip(compiled.cells, compiled.contrast.tolist(), strict=True))
    assert weights == {
        "same_day:gain": 0.5,
        "same_day:loss": 0.5,
        "late:gain": -0.5,
        "late:loss": -0.5,
    }
    assert compiled.sesoi("raw") == 0.3
    assert compiled.sesoi("sd") is None


def test_figures_are_put_in_the_order_of_the_weights_and_a_missing_cell_is_named(tmp_path):
    compiled = asked(tmp_path, "{by: p}")
    figures = {key: float(i) for i, key in enumerate(compiled.cells)}

    assert compiled.ordered(dict(reversed(figures.items()))).tolist() == [0, 1, 2, 3]
    with pytest.raises(DataError, match="No figure for the cells late:loss"):
        compiled.ordered({key: 1.0 for key in compiled.cells if key != "late:loss"})


@pytest.mark.parametrize(
    ("estimate", "p", "decision"),
    [(0.4, 0.01, "supported"), (-0.4, 0.01, "contradicted"), (0.4, 0.2, "not supported")],
)
def test_p_decides_where_the_plan_says_so_and_the_posterior_does_not(tmp_path, estimate, p, decision):
    compiled = asked(tmp_path, "{by: p}")

    row = classical(compiled, estimate, p)

    assert (row.decides, row.decision) == ("p < 0.05", decision)
    assert bayesian_row(compiled, posterior(), contrast="c", model="m", bayes_factor=99.0).decides == ""


def test_an_adjusted_p_decides_before_the_plain_one(tmp_path):
    row = classical(asked(tmp_path, "{by: p}"), 0.4, 0.03, p_adjusted=0.09)

    assert (row.decision, row.decides) == ("not supported", "p < 0.05 (adjusted)")


def test_a_ratio_is_compared_with_one(tmp_path):
    assert classical(asked(tmp_path, "{by: p}"), 0.7, 0.01, null=1.0).decision == "contradicted"


def test_a_second_look_never_decides(tmp_path):
    assert classical(asked(tmp_path, "{by: p}"), 0.4, 0.01, robustness=True).decides == ""


@pytest.mark.parametrize(
    ("factor", "median", "decision"),
    [
        (12.0, 0.5, "supported"),
        (12.0, -0.5, "contradicted"),
        (2.0, 0.5, "undecided"),
        (0.05, 0.5, "evidence for no effect"),
    ],
)
def test_the_bayes_factor_decides_by_its_threshold(tmp_path, factor, median, decision):
    compiled = asked(tmp_path, "{by: bayes_factor, threshold: 10}")

    row = bayesian_row(compiled, posterior(median), contrast="c", model="m", bayes_factor=factor)

    assert row.decision == decision
    assert classical(compiled, 0.4, 0.001).decides == ""


@pytest.mark.parametrize(("inside", "decision"), [(0.97, "negligible"), (0.5, "undecided"), (0.01, "supported")])
def test_the_rope_decides_by_the_mass_inside_or_outside(tmp_path, inside, decision):
    row = bayesian_row(asked(tmp_path, "{by: rope}"), posterior(prob_rope=inside), contrast="c", model="m")

    assert row.decision == decision


def test_a_failed_gate_makes_a_row_unfit_and_undecided(tmp_path):
    failed = Gates(rhat=1.3, ess_bulk=900, ess_tail=900, divergences=0, ebfmi=1)

    row = bayesian_row(asked(tmp_path, "{by: rope}"), posterior(prob_rope=0.0), contrast="c", model="m", gates=failed)

    assert not row.fit_to_report
    assert (row.decides, row.decision) == ("", "")
    assert "R-hat 1.3" in row.note


def test_a_hypothesis_about_all_levels_at_once_has_no_single_row(tmp_path):
    (tmp_path / "study.yaml").write_text(
        STUDY.replace("CRITERION", "{by: p}").replace(
            "{kind: interaction, factors: [timing, framing]}", "{kind: main_effect, factor: timing}"
        ),
        encoding="utf-8",
    )
    three = (
        (tmp_path / "study.yaml")
        .read_text(encoding="utf-8")
        .replace("levels: {same_day: At once, late: Later}", "levels: {same_day: At once, late: Later, never: Never}")
    )
    (tmp_path / "study.yaml").write_text(three, encoding="utf-8")

    with pytest.raises(DataError, match="all levels at once"):
        _ = question(Study.load(tmp_path), "h2").contrast
