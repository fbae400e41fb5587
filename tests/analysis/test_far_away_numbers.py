"""An outcome far from zero costs no digits: tests of effects equal those of exact arithmetic on the same numbers."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis import anova, contrasts, regression
from feedbackstudy.analysis.frequentist.linear import fit_linear


def table(offset: float) -> pd.DataFrame:
    """Nine treatments of 21 values that differ in the second digit, around an offset (as NIST's SmLs data)."""
    rows = [
        (f"t{i}", offset + 0.4 + 0.05 * (i % 3) + (0 if j == 0 else (0.1 if j % 2 else -0.1)))
        for i in range(9)
        for j in range(21)
    ]
    return pd.DataFrame(rows, columns=["treatment", "y"])


def exact_f(frame: pd.DataFrame) -> float:
    groups = [[Fraction(v) for v in part] for _, part in frame.groupby("treatment")["y"]]
    values = [v for group in groups for v in group]
    grand = sum(values) / len(values)
    means = [sum(group) / len(group) for group in groups]
    between = sum(len(group) * (mean - grand) ** 2 for group, mean in zip(groups, means, strict=True))
    within = sum(sum((v - mean) ** 2 for v in group) for group, mean in zip(groups, means, strict=True))
    return float((between / (len(groups) - 1)) / (within / (len(values) - len(groups))))


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6, 1e9, 1e12])
def test_f_is_that_of_exact_arithmetic(offset):
    frame = table(offset)

    (row,) = anova(frame, "y", between=["treatment"]).rows

    assert row.f == pytest.approx(exact_f(frame), rel=1e-12)


@pytest.mark.parametrize("offset", [1e6, 1e12])
def test_slopes_and_contrasts_keep_their_digits_too(offset):
    frame = table(offset)
    frame["x"] = np.arange(len(frame)) % 7
    x, y = ([Fraction(v) for v in frame[name].tolist()] for name in ("x", "y"))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)

    found = next(c for c in regression(frame, "y", ["x"], vcov="classical").coefficients if c.name == "x")
    assert found.estimate == pytest.approx(float(slope), rel=1e-11)

    cells = contrasts(frame.assign(half=np.where(frame["treatment"] < "t4", "a", "b")), "y", between=["half"])
    parts = [
        [Fraction(v) for v in frame.loc[where, "y"]]
        for where in (frame["treatment"] < "t4", frame["treatment"] >= "t4")
    ]
    wanted = float(sum(parts[0]) / len(parts[0]) - sum(parts[1]) / len(parts[1]))
    assert abs(cells.rows[0].estimate) == pytest.approx(abs(wanted), abs=2 * np.spacing(offset))  # means are stored


def test_without_a_constant_among_the_columns_nothing_is_moved():
    x = np.arange(1.0, 8.0)
    fit = fit_linear(3 * x + np.array([0.1, -0.1, 0.2, 0.0, -0.2, 0.1, -0.1]), x[:, None])

    assert fit.beta[0] == pytest.approx(np.sum(x * (3 * x + [0.1, -0.1, 0.2, 0.0, -0.2, 0.1, -0.1])) / np.sum(x * x))
