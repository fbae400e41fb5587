"""Cell means of linear mixed models: lmerTest's and pbkrtest's numbers, whatever the order, and bad input by name."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.frequentist.generalised_cells import binary_cells
from feedbackstudy.analysis.frequentist.mixed_cells import mixed_cells
from feedbackstudy.errors import DataError

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
TIMING = np.repeat([1, -1], 4)
FRAMING = np.tile(np.repeat([1, -1], 2), 2)
SPECIFICITY = np.tile([1, -1], 4)

# lmerTest 3.1.3: anova(lmer(y ~ timing * framing * specificity + (1 | interviewer)), type = 3, ddf = ...): F, DenDF
KNOWN = {
    "satterthwaite": [
        (TIMING, 13.7784378, 296.3494005),
        (FRAMING, 13.4871255, 300.27226),
        (SPECIFICITY, 24.83699826, 293.6443734),
        (TIMING * FRAMING, 0.05512359557, 300.2440167),
        (TIMING * FRAMING * SPECIFICITY, 3.412667889, 301.9864381),
    ],
    "kenward-roger": [
        (TIMING, 13.72311573, 296.3087789),
        (FRAMING, 13.40492225, 300.24783),
        (SPECIFICITY, 24.76935608, 293.5928424),
        (TIMING * FRAMING, 0.05478188818, 300.2194687),
        (TIMING * FRAMING * SPECIFICITY, 3.387421575, 301.9692213),
    ],
}


@pytest.fixture(scope="module")
def unbalanced() -> dict:
    frame = pd.read_csv(REFERENCE / "feedback_unbalanced.csv")
    cell = (
        4 * (frame["timing"] == "delayed") + 2 * (frame["framing"] == "loss") + (frame["specificity"] == "low")
    ).to_numpy(dtype=int)
    return {"y": frame["y"].to_numpy(), "cell": cell, "groups": {"interviewer": frame["interviewer"].to_numpy(str)}}


@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger"])
def test_f_tests_of_a_random_intercept_are_those_of_lmertest(unbalanced, df):
    fit = mixed_cells(unbalanced["y"], unbalanced["cell"], 8, None, unbalanced["groups"], df=df)
    for weights, f, den in KNOWN[df]:
        found = fit.joint(weights / 8)
        assert found.f == pytest.approx(f, rel=2e-8)
        assert found.df2 == pytest.approx(den, rel=2e-8)
        assert fit.contrast(weights / 8).statistic ** 2 == pytest.approx(f, rel=2e-8)


def test_order_of_rows_cells_and_levels_changes_nothing(unbalanced):
    rng = np.random.default_rng(1)
    order, renamed = rng.permutation(unbalanced["y"].size), rng.permutation(8)
    plain = mixed_cells(unbalanced["y"], unbalanced["cell"], 8, None, unbalanced["groups"])
    turned = mixed_cells(
        unbalanced["y"][order],
        renamed[unbalanced["cell"]][order],
        8,
        None,
        {"interviewer": np.char.add("z", unbalanced["groups"]["interviewer"][::-1])[::-1][order]},
    )
    weights = np.zeros(8)
    weights[renamed] = TIMING / 4
    a, b = plain.contrast(TIMING / 4), turned.contrast(weights)
    np.testing.assert_allclose([a.estimate, a.se, a.df], [b.estimate, b.se, b.df], rtol=1e-8)


def test_a_cell_without_rows_is_nan_and_cannot_be_asked_for(unbalanced):
    fit = mixed_cells(unbalanced["y"], unbalanced["cell"] + 1, 10, None, unbalanced["groups"])
    assert np.isnan(fit.means[[0, 9]]).all()
    assert np.isfinite(fit.contrast(np.r_[0, TIMING / 4, 0]).se)
    with pytest.raises(DataError, match="no data"):
        fit.contrast(np.r_[1, TIMING / 4, 0])


def test_units_and_a_large_constant_do_not_matter(unbalanced):
    plain = mixed_cells(unbalanced["y"], unbalanced["cell"], 8, None, unbalanced["groups"]).contrast(TIMING / 4)
    far = mixed_cells(1e7 + 1e3 * unbalanced["y"], unbalanced["cell"], 8, None, unbalanced["groups"]).contrast(
        TIMING / 4
    )
    assert far.estimate == pytest.approx(1e3 * plain.estimate, rel=1e-6)
    assert far.se == pytest.approx(1e3 * plain.se, rel=1e-6)
    assert far.df == pytest.approx(plain.df, rel=1e-6)


@pytest.mark.parametrize(
    ("levels", "match"),
    [
        (lambda n: np.zeros(n, dtype=int), "single level"),
        (lambda n: np.arange(n), "cannot be told from the residual"),
    ],
)
def test_groups_that_carry_no_variance_are_refused(unbalanced, levels, match):
    n = unbalanced["y"].size
    with pytest.raises(DataError, match=match):
        mixed_cells(unbalanced["y"], unbalanced["cell"], 8, None, {"interviewer": levels(n)})


def test_perfect_collinearity_and_perfect_fit_are_named(unbalanced):
    y, cell, groups = unbalanced["y"], unbalanced["cell"], unbalanced["groups"]
    with pytest.raises(DataError, match="perfect collinearity"):
        mixed_cells(y, cell, 8, (cell == 3).astype(float)[:, None], groups)
    with pytest.raises(DataError, match="no variance is left"):
        mixed_cells(cell.astype(float), cell, 8, None, groups)


def test_unknown_method_and_unknown_slope_suggest_the_known(unbalanced):
    y, cell, groups = unbalanced["y"], unbalanced["cell"], unbalanced["groups"]
    with pytest.raises(DataError, match="satterthwaite"):
        mixed_cells(y, cell, 8, None, groups, df="satterthwait")
    with pytest.raises(DataError, match="interviewer"):
        mixed_cells(y, cell, 8, None, groups, slopes={"interviewr": {"x": y}})


def test_no_grouping_factor_points_to_the_linear_model(unbalanced):
    with pytest.raises(DataError, match="linear model"):
        mixed_cells(unbalanced["y"], unbalanced["cell"], 8, None, {})


@pytest.fixture(scope="module")
def without_level(unbalanced) -> dict:
    """Rows of cells 6 and 7 have no interviewer: code -1 here, a column of zeros and ones in lme4."""
    codes = pd.factorize(unbalanced["groups"]["interviewer"], sort=True)[0]
    place = np.arange(unbalanced["y"].size) % 60
    return {
        "cell": unbalanced["cell"],
        "interviewer": np.where(unbalanced["cell"] > 5, -1, codes),
        "people": place,
        "y": unbalanced["y"],
        "moved": unbalanced["y"] + 0.8 * np.sin(place),
        "lme4": json.loads((REFERENCE / "mixed_without_level.json").read_text(encoding="utf-8")),
    }


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize(("df", "key"), [("satterthwaite", "satterthwaite"), ("kenward-roger", "kr")])
def test_rows_of_no_level_carry_no_effect_as_lme4_has_it_with_an_indicator(without_level, crossed, df, key):
    groups = {name: without_level[name] for name in ("interviewer", *["people"] * crossed)}
    fit = mixed_cells(without_level["moved" if crossed else "y"], without_level["cell"], 8, None, groups, df=df)
    halves = [np.r_[np.ones(4), -np.ones(4)] / 4, np.array([0, 0, 0, 0, 1, 1, -1, -1]) / 2]
    for weights, (estimate, se, den, p) in zip(
        halves, without_level["lme4"]["two" if crossed else "one"][key], strict=True
    ):
        found = fit.contrast(weights)
        assert (found.estimate, found.se) == pytest.approx((estimate, se), rel=2e-6)
        assert (found.df, found.p) == pytest.approx((den, p), rel=1e-4)


@pytest.mark.parametrize("crossed", [False, True])
def test_rows_of_no_level_in_other_likelihoods_are_those_of_glmer(without_level, crossed):
    groups = {name: without_level[name] for name in ("interviewer", *["people"] * crossed)}
    y = without_level["moved" if crossed else "y"]
    fit = binary_cells(1.0 * (y > np.median(y)), without_level["cell"], 8, None, groups=groups)
    assert fit.means == pytest.approx(without_level["lme4"]["binary2" if crossed else "binary"]["means"], abs=2e-4)


def test_a_factor_needs_levels_among_the_rows_that_have_it(without_level):
    lone = np.where(without_level["interviewer"] == 0, 0, -1)
    with pytest.raises(DataError, match="single level"):
        mixed_cells(without_level["y"], without_level["cell"], 8, None, {"interviewer": lone})
    with pytest.raises(DataError, match="single level"):
        mixed_cells(without_level["y"], without_level["cell"], 8, None, {"interviewer": np.full(lone.size, -1)})
