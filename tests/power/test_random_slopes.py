"""Effects that differ between people: exact power, batched fits, the mixed model itself and lmerTest agree."""

import io
import math
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from feedbackstudy import power
from feedbackstudy.analysis.lmm import lmm
from feedbackstudy.errors import InputError
from feedbackstudy.power.random_slopes import slope_rows

X = np.repeat([-0.5, 0.5], 4)


def invented(replicates: int, n: int, effect: float, seed: int = 1, tau: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    slope = effect + tau * rng.standard_normal((replicates, n, 1))
    own = 0.8 * rng.standard_normal((replicates, n, 1))
    return np.asarray(own + slope * X + rng.standard_normal((replicates, n, 8)))


def long(y: np.ndarray) -> pd.DataFrame:
    n = len(y)
    return pd.DataFrame(
        {"y": y.ravel(), "x": np.tile(X, n), "person": np.repeat([f"p{i:02d}" for i in range(n)], X.size)}
    )


def test_the_closed_form_is_a_paired_t_test():
    """n = 30, tau = .5, sigma = 1, m = 4: v = .25 + .5; G*Power's paired t with dz = .4 / sqrt(.75)."""
    answer = power.random_slope(0.4, 30, rows=4, slope_sd=0.5)
    paired = power.t_test(0.4 / math.sqrt(0.75), 30, samples="one")
    ncp, critical = 0.4 * math.sqrt(30 / 0.75), stats.t.isf(0.025, 29)
    by_hand = stats.nct.sf(critical, 29, ncp) + stats.nct.cdf(-critical, 29, ncp)
    assert answer.value == pytest.approx(by_hand, abs=1e-12)
    assert answer.value == pytest.approx(paired.value, abs=1e-12)
    assert "random slope" in str(answer)


def test_without_slopes_it_is_repeated_measures_of_means():
    """Two means of four rows within a person: r = 0 between what is left of them, sd 1/2."""
    ours = power.random_slope(0.3, 25, rows=4, slope_sd=0.0)
    anova = power.anova("2w", 25, mu=[0.0, 0.3], sd=0.5, r=0.0)
    assert ours.value == pytest.approx(anova["a"].power, abs=1e-9)


def test_the_interaction_with_a_factor_between_people_is_a_two_sample_test():
    ours = power.random_slope(0.5, 40, rows=4, slope_sd=0.5, samples="two")
    assert ours.value == pytest.approx(power.t_test(0.5 / math.sqrt(0.75), 40).value, abs=1e-12)


@pytest.mark.parametrize("open_", ["effect", "n", "rows", "alpha"])
def test_each_argument_is_found_again(open_):
    known = {"effect": 0.4, "n": 30.0, "rows": 4.0, "alpha": 0.05}
    reached = power.random_slope(**known, slope_sd=0.5).value
    found = power.random_slope(**(known | {open_: None}), slope_sd=0.5, power=reached)
    assert found.value == pytest.approx(known[open_], rel=1e-6)


def test_simulated_studies_reject_as_often_as_the_exact_power_says():
    for effect in (0.0, 0.4):
        p = slope_rows(invented(4000, 20, effect), X).p
        exact = power.random_slope(effect, 20, rows=4, slope_sd=0.5).value
        assert (p < 0.05).mean() == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 4000))


def test_each_fit_is_that_of_the_mixed_model():
    """Estimate, standard error and Satterthwaite's degrees of freedom of `lmm`, to 1e-4."""
    y = invented(3, 24, 0.4, seed=2, tau=1.0)  # no fit of these is singular
    batch = slope_rows(y, X)
    for i in range(3):
        row = lmm(long(y[i]), "y", ["x"], {"person": ["1", "x"]}).frame().set_index("effect").loc["x"]
        ours = (batch.estimate[i], batch.se[i], batch.df[i])
        assert ours == pytest.approx((row["estimate"], row["se"], row["df"]), rel=1e-4)


LMERTEST = """
suppressMessages(library(lmerTest))
d <- read.csv(file("stdin"))
fit <- lmer(y ~ x + (x | person), data = d, control = lmerControl(optCtrl = list(ftol_abs = 1e-12, xtol_abs = 1e-10)))
cat(sprintf("%.12g", coef(summary(fit))["x", ]), sep = "\\n")
"""


@pytest.mark.against_r
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not there")
def test_each_fit_is_that_of_lmertest():
    """lmer(y ~ x + (x | person)), coef(summary()): estimate, se, df, t, p."""
    y = invented(1, 24, 0.4, seed=2)
    text = io.StringIO()
    long(y[0]).to_csv(text, index=False)
    done = subprocess.run(
        ["Rscript", "-e", LMERTEST], input=text.getvalue(), capture_output=True, text=True, check=True
    )
    estimate, se, df, _, p = (float(line) for line in done.stdout.split())
    batch = slope_rows(y, X)
    ours = (batch.estimate[0], batch.se[0], batch.df[0], batch.p[0])
    assert ours == pytest.approx((estimate, se, df, p), rel=1e-4)


def test_people_with_a_gap_are_left_out_and_one_person_is_no_fit():
    y = invented(2, 6, 0.4)
    y[0, 2, 3] = np.nan
    y[1, 1:, 0] = np.nan
    found = slope_rows(y, X)
    assert found.df[0] == 4
    assert found.estimate[0] == slope_rows(np.delete(y[:1], 2, axis=1), X).estimate[0]
    assert np.isnan(found.se[1])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"n": 1}, r"n = 1 .*larger than 1"),
        ({"rows": 0.5}, r"rows = 0\.5"),
        ({"slope_sd": -1}, r"slope_sd = -1"),
        ({"sd": 0}, r"sd = 0"),
        ({"effect": float("inf")}, r"effect = inf"),
        ({"samples": "tow"}, r"Did you mean 'two'"),
        ({"effect": None, "power": None}, r"effect and power are all open"),
    ],
)
def test_impossible_arguments_are_named(given, says):
    with pytest.raises(InputError, match=says):
        power.random_slope(**({"effect": 0.4, "n": 20, "rows": 4, "slope_sd": 0.5} | given))
