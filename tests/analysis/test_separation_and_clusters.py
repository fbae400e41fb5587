"""Separation in estimating equations; logistic and count models over few clusters against clubSandwich."""

import warnings

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import analysis
from feedbackstudy.errors import DataError

N = 80


@pytest.fixture(scope="module")
def split() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    group, x = np.repeat(["a", "b"], N // 2), rng.normal(size=N)
    return pd.DataFrame(
        {
            "A": group,
            "x": x,
            "cl": [f"c{i % 10}" for i in range(N)],
            "quasi": np.where(group == "a", 1, rng.integers(0, 2, N)),
            "above": (x > 0).astype(int),
            "none": np.where(group == "a", 0, rng.poisson(2, N)),
        }
    )


@pytest.mark.parametrize("structure", ["exchangeable", "independence"])
@pytest.mark.parametrize(
    ("outcome", "family", "terms", "named"),
    [
        ("quasi", "binomial", ["A"], r"A\[b\]"),
        ("quasi", "binomial", ["A", "x"], r"A\[b\]"),
        ("above", "binomial", ["x"], "x"),
        ("none", "poisson", ["A"], r"A\[b\]"),
    ],
)
def test_estimating_equations_refuse_separation_by_name(split, outcome, family, terms, named, structure):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=rf"Separation: .*{named}"):
            analysis.gee(split, outcome, terms, "cl", family=family, structure=structure)


def test_one_answer_that_breaks_the_separation_is_fitted_without_a_warning(split):
    near = split.assign(above=np.where(split.index == 3, 1 - split["above"], split["above"]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = analysis.gee(near, "above", ["x"], "cl", family="binomial", structure="independence")
    known = analysis.logistic(near, "above", ["x"])
    np.testing.assert_allclose(found.frame()["estimate"], known.frame()["estimate"], rtol=1e-8)
