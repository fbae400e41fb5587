"""Sensitivity to an unmeasured common cause of mediator and outcome."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from feedbackstudy.analysis.confounding import confounding, robustness_value
from feedbackstudy.analysis.mediation import mediation
from feedbackstudy.errors import DataError
from feedbackstudy.report import figure
from feedbackstudy.report.figures import alt_text

QUICK = {"n_boot": 999, "draws": 4000, "seed": 1}


@pytest.fixture(scope="module")
def people():
    """Invented people: a hidden common cause of mediator and outcome, and no true slope between them."""
    rng = np.random.default_rng(2)
    n = 600
    x, hidden = np.arange(n) % 2, rng.normal(size=n)
    m = 0.8 * x + hidden + rng.normal(size=n)
    return pd.DataFrame({"x": x, "m": m, "y": 0.3 * x + hidden + rng.normal(size=n), "w": rng.normal(size=n)})


@pytest.fixture(scope="module")
def found(people):
    """The analysis that does not see the common cause."""
    return mediation(people, "x", "m", "y", **QUICK)


def test_the_effect_vanishes_at_the_partial_correlation(people, found):
    curve = found.sensitivity()
    left = people[["m", "y"]] - people.groupby("x")[["m", "y"]].transform("mean")
    assert curve.rho_zero == pytest.approx(left["m"].corr(left["y"]), rel=1e-9)
    at = confounding(found, rho=np.array([0.0, curve.rho_zero]))
    assert at.estimate[0] == pytest.approx(found["x > m > y"].estimate, rel=1e-12)
    assert at.estimate[1] == pytest.approx(0.0, abs=1e-12)


def test_it_is_the_published_curve_for_one_mediator(people, found):
    """Imai, Keele & Yamamoto (2010), theorem 4: a s1/s2 (r - rho sqrt((1 - r^2)/(1 - rho^2)))."""
    x = np.column_stack([np.ones(600), people["x"]])
    e1, e2 = (people[v] - x @ np.linalg.lstsq(x, people[v], rcond=None)[0] for v in ("y", "m"))
    a = np.linalg.lstsq(x, people["m"], rcond=None)[0][1]
    r = np.corrcoef(e1, e2)[0, 1]
    rho = np.array([-0.6, -0.2, 0.3, 0.7])
    expected = a * e1.std() / e2.std() * (r - rho * np.sqrt((1 - r**2) / (1 - rho**2)))
    assert confounding(found, rho=rho).estimate == pytest.approx(expected, rel=1e-9)


def test_the_true_residual_correlation_recovers_no_effect(found):
    """Both residual variances are 2 and share 1: the correlation is one half, the true slope 0."""
    at = confounding(found, rho=np.array([0.5]))
    assert at.low[0] < 0 < at.high[0]
    assert at.hdi_low[0] < 0 < at.hdi_high[0]
    assert found["x > m > y"].low > 0


def test_the_interval_reaches_zero_before_the_effect_does(found):
    curve = found.sensitivity()
    assert 0 < curve.rho_interval < curve.rho_zero
    assert 0 < curve.rho_hdi < curve.rho_zero
    assert 0 < curve.robustness_alpha < curve.robustness < 1


def test_a_confounder_of_the_robustness_value_removes_the_leg(people, found):
    """Build a variable with exactly that partial R squared with both, and adjust for it."""
    value = found.sensitivity().robustness
    x = np.column_stack([np.ones(600), people["x"]])

    def left(v, on):
        return v - on @ np.linalg.lstsq(on, v, rcond=None)[0]

    m, y = (left(people[v].to_numpy(), x) for v in ("m", "y"))
    m = m / np.linalg.norm(m)
    e = left(y, np.column_stack([x, m]))
    e = e / np.linalg.norm(e)
    other = left(np.random.default_rng(1).normal(size=600), np.column_stack([x, m, e]))
    other /= np.linalg.norm(other)
    # z = p m + q e + r o: partial R2 with m is p^2; with y given m is q^2 / (q^2 + r^2).
    p, q = np.sqrt(value), np.sqrt(value * (1 - value))
    z = p * m + q * e + np.sqrt(1 - p**2 - q**2) * other
    again = mediation(people.assign(z=z * 30), "x", "m", "y", covariates=["z"], **QUICK)
    assert again["b: m > y"].estimate == pytest.approx(0.0, abs=1e-9)


def test_robustness_values_as_published():
    """Cinelli & Hazlett (2020), Darfur: t = 4.18 on 783 df gives 13.9 %, and 7.6 % for significance at .05."""
    assert robustness_value(4.184, 783) == pytest.approx(0.139, abs=5e-4)
    assert robustness_value(4.184, 783, alpha=0.05) == pytest.approx(0.076, abs=5e-4)
    assert robustness_value(1.0, 100, alpha=0.05) == 0.0


@pytest.mark.against_r
def test_r_recomputes_the_curve_and_the_robustness_values(people, run_r, tmp_path):
    people = people.assign(m2=0.4 * people["m"] + np.random.default_rng(4).normal(size=len(people)))
    found = mediation(people, "x", ["m", "m2"], "y", structure="serial", covariates=["w"], **QUICK)
    rho = np.array([-0.6, -0.1, 0.0, 0.3, 0.7])
    curve = confounding(found, rho=rho)

    in_r = run_r(curve.r_script(), tmp_path)

    for i, at in enumerate(("-0.6", "-0.1", "0", "0.3", "0.7")):
        assert curve.estimate[i] == pytest.approx(in_r[f"estimate {at}"][0], rel=1e-6)
        # limits of 999 samples each: a standard error of about .05 sd of the effect on both sides
        wide = 0.25 * (curve.high[i] - curve.low[i])
        assert curve.low[i] == pytest.approx(in_r[f"low {at}"][0], abs=wide / 2)
        assert curve.high[i] == pytest.approx(in_r[f"high {at}"][0], abs=wide / 2)
    for name in ("rho_zero", "robustness", "robustness_alpha"):
        assert getattr(curve, name) == pytest.approx(in_r[name][0], rel=1e-6)


def test_the_page_and_picture_name_the_leg(found):
    curve = found.sensitivity()
    assert "y ~ m" in str(curve)
    assert len(curve.frame()) == 37
    ax = figure(curve)
    assert "y ~ m" in ax.get_xlabel()
    plt.close(ax.figure)
    assert "the effect" not in alt_text(curve) or "0 at" in alt_text(curve)


def test_what_cannot_be_distorted_is_refused(people, found):
    with pytest.raises(DataError, match="cannot be distorted"):
        found.sensitivity(leg=0)
    with pytest.raises(DataError, match="unknown"):
        found.sensitivity("total")
    with pytest.raises(DataError, match="between -1 and 1"):
        confounding(found, rho=np.array([1.0]))
    moderated = mediation(people, "x", "m", "y", moderator="w", moderates=["second"], **QUICK)
    route = next(
        a.effect.name for a in moderated.answers if "+ 1 sd" in a.effect.name and a.effect.kind == "conditional"
    )
    with pytest.raises(DataError, match="depends on the moderator"):
        moderated.sensitivity(route)
