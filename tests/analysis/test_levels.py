"""No public function of the analysis room takes a level that is none."""

import inspect

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import analysis
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.errors import DataError

N = 60
BAD = (95, 1.5, 1.0, 0, -0.1, float("nan"))
FACTORS = {"multiverse_of_frame"}  # its level is one of a factor, not of an interval


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "A": np.repeat(["a", "b"], N // 2),
            "cl": [f"c{i % 10}" for i in range(N)],
            "x": rng.normal(size=N),
            "y": rng.normal(4, 1, N),
            "y2": rng.normal(4, 1, N),
            "bin": rng.integers(0, 2, N),
            "rate": rng.integers(1, 6, N),
            "cnt": rng.poisson(2, N),
        }
    )


CALLS = {
    "anova": lambda f, d, level: f(d, "y", between=["A"], level=level),
    "bayes_factor_correlation": lambda f, d, level: f(d, "x", "y", level=level),
    "bayes_factor_t": lambda f, d, level: f(d, "y", "A", level=level),
    "contrasts": lambda f, d, level: f(d, "y", between=["A"], level=level),
    "count": lambda f, d, level: f(d, "cnt", ["A"], level=level),
    "effect_size": lambda f, d, level: f(d, "y", "A", level=level),
    "effect_size_from_f": lambda f, _, level: f(3.2, 2, 50, level=level),
    "gee": lambda f, d, level: f(d, "y", ["A"], "cl", level=level),
    "lmm": lambda f, d, level: f(d, "y", ["A"], {"cl": ["1"]}, level=level),
    "logistic": lambda f, d, level: f(d, "bin", ["A"], level=level),
    "longitudinal_wide": lambda f, d, level: f(d, ["y", "y2"], "A", level=level),
    "mediation": lambda f, d, level: f(d, "A", ["x"], "y", seed=1, n_boot=1000, level=level),
    "ordinal": lambda f, d, level: f(d, "rate", ["A"], level=level),
    "pool": lambda f, _, level: f([0.1, 0.2], [0.1, 0.1], level=level),
    "regression": lambda f, d, level: f(d, "y", ["A"], level=level),
}


def with_level() -> set[str]:
    functions = {name: getattr(analysis, name) for name in analysis.__all__}
    return {
        name
        for name, found in functions.items()
        if inspect.isfunction(found) and "level" in inspect.signature(found).parameters
    } - FACTORS


def test_every_public_function_with_a_level_is_tried():
    assert with_level() == set(CALLS)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_level_outside_0_and_1_is_refused(data, name):
    for level in BAD:
        with pytest.raises(DataError, match="between 0 and 1"):
            CALLS[name](getattr(analysis, name), data, level)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_same_call_with_a_level_is_answered(data, name):
    assert CALLS[name](getattr(analysis, name), data, 0.9) is not None


def test_percent_are_translated_and_numpy_numbers_taken():
    with pytest.raises(DataError, match=r"For 95 % write 0\.95"):
        check_level(95)
    with pytest.raises(DataError, match=r"'0\.95'"):
        check_level("0.95")  # type: ignore[arg-type]
    check_level(np.float32(0.95))  # type: ignore[arg-type]


def test_a_group_of_one_person_has_no_bayes_factor(data):
    lone = data[(data["A"] == "b") | (data.index == 0)]
    with pytest.raises(DataError, match="Each group needs two people; a has 1, b has 30"):
        analysis.bayes_factor_t(lone, "y", "A")
