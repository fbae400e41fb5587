"""Leave-one-out against its exact value by quadrature; models of different rows are not compared."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_expit, logsumexp

from feedbackstudy.analysis.bayesian.comparison import compare, loo
from feedbackstudy.errors import DataError


def exact_elpd():
    """Return the sum over rows of the log density of each row given all others: four kinds of rows."""
    axis = np.linspace(-6, 6, 801)
    first, second = np.meshgrid(axis, axis, indexing="ij")
    inverse = np.linalg.inv(1.5**2 + 0.75**2 * np.eye(2))
    prior = -0.5 * (inverse[0, 0] * (first**2 + second**2) + 2 * inverse[0, 1] * first * second)
    parts = [log_expit(first), log_expit(-first), log_expit(second), log_expit(-second)]
    people = [28, 12, 13, 27]
    everyone = logsumexp(prior + sum(n * part for n, part in zip(people, parts, strict=True)))
    without = [
        logsumexp(prior + sum((n - (i == j)) * part for j, (n, part) in enumerate(zip(people, parts, strict=True))))
        for i in range(4)
    ]
    return sum(n * (everyone - one) for n, one in zip(people, without, strict=True))


def test_the_expected_log_density_is_that_of_quadrature(binary_fit):
    found = loo(binary_fit)

    assert found.elpd == pytest.approx(exact_elpd(), abs=0.05)  # 5 times the Monte-Carlo error of 4,000 draws
    assert found.each.sum() == pytest.approx(found.elpd)
    assert found.se == pytest.approx(np.sqrt(80 * found.each.var()), rel=0.02)
    assert found.gates.pareto_k == pytest.approx(found.pareto_k.max())
    assert found.gates.hold
    assert found.swaying == ()


def test_the_model_that_predicts_better_comes_first_with_its_paired_difference(binary_fit):
    good = loo(binary_fit)
    values = {name: block.copy() for name, block in binary_fit.draws.variables.items()}
    values["cells"] = values["cells"][..., ::-1] * 1.0  # cells exchanged: the same model, told wrong
    bad = loo(replace(binary_fit, draws=replace(binary_fit.draws, variables=values)))

    found = compare({"wrong": bad, "right": good})

    gap = bad.each - good.each
    assert found.names == ("right", "wrong")
    assert found.difference[1] == pytest.approx(gap.sum())
    assert found.difference_se[1] == pytest.approx(np.sqrt(80) * gap.std(ddof=1))
    assert found.weight.sum() == pytest.approx(1)
    assert found.weight[0] > 0.9
    assert "right" in str(found)


def test_models_of_other_rows_are_not_compared(binary_fit):
    good = loo(binary_fit)
    with pytest.raises(DataError, match="different outcomes"):
        compare({"a": good, "b": replace(good, outcome="other")})
    with pytest.raises(DataError, match="at least two"):
        compare({"a": good})


def test_a_pareto_shape_beyond_its_bound_closes_the_gate(binary_fit):
    good = loo(binary_fit)
    k = good.pareto_k.copy()
    k[7] = 0.9
    closed = replace(good, pareto_k=k, gates=replace(good.gates, pareto_k=0.9))

    assert closed.swaying == (7,)
    assert "Pareto k 0.90 exceeds 0.7" in closed.gates.failures[0]
    assert "STOP" in str(closed)
