"""Counts of a data frame: the scripts of every distribution, run in R."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.count import count

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
TERMS = ["timing", "framing", "timing:framing", "day"]
FITS = {
    "poisson": ({"family": "poisson"}, 1e-6),
    "negative binomial": ({"family": "negative binomial"}, 1e-5),
    "poisson, random intercepts": ({"family": "poisson", "random": {"participant": ["1"]}}, 2e-2),
    # glmer.nb takes the expected curvature in its approximation: effects differ by .03 of a standard error at most
    "negative binomial, random intercepts": ({"random": {"participant": ["1"]}}, 3e-2),
}


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "mixed_effects.csv")


@pytest.mark.against_r
@pytest.mark.parametrize("name", FITS)
def test_r_fits_the_same_counts(data, run_r, tmp_path, name):
    how, tolerance = FITS[name]
    fit = count(data, "hints", TERMS, **how)

    in_r = run_r(fit.r_script(), tmp_path)

    theirs = np.array([values[0] for key, values in in_r.items() if key.endswith(" estimate")])
    errors = np.array([values[0] for key, values in in_r.items() if key.endswith(" se")])
    order = [0, 1, 2, 3, 6, 4, 5]  # R puts the interaction last
    ours = np.array([row.estimate for row in fit.effects])[order]
    assert len(theirs) == 7
    apart = np.abs(ours - theirs) / errors
    assert apart[1:].max() < tolerance
    assert apart[0] < 5 * tolerance  # the intercept takes up the variance between participants
    assert np.array([row.se for row in fit.effects])[order] == pytest.approx(errors, rel=max(2 * tolerance, 1e-4))


@pytest.mark.against_r
def test_pscl_fits_the_same_zero_inflated_negative_binomial(data, run_r, tmp_path):
    rng = np.random.default_rng(4)
    size = len(data)
    drawn = rng.negative_binomial(3, 3 / (3 + np.where(data["timing"] == "immediate", 6.0, 4.0)))
    table = data.assign(hints=np.where(rng.random(size) < 0.3, 0, drawn))
    fit = count(table, "hints", ["timing", "framing"], family="zero-inflated", zero_terms=["timing"])

    in_r = run_r(fit.r_script(), tmp_path)

    named = [key for key in in_r if key.startswith(("count_", "zero_"))]
    errors = np.array([in_r[f"se of {key}"][0] for key in named])
    ours = np.array([row.estimate for row in fit.effects])
    assert (np.abs(ours - [in_r[key][0] for key in named]) / errors).max() < 1e-3
    assert [row.se for row in fit.effects] == pytest.approx(errors.tolist(), rel=1e-3)
