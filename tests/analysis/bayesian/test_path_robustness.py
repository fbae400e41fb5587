"""Bayes factors of paths over the width of the prior of their legs."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from feedbackstudy import analysis
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.errors import DataError, NotFoundError

SCALES = {name: CellPrior.of_scale(1, 7) for name in ("efficacy", "intent")}


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    arm = np.tile([0, 1], 60)
    efficacy = np.clip(4 + 0.5 * arm + rng.normal(size=120), 1, 7)
    intent = np.clip(2 + 0.4 * efficacy + 0.1 * arm + rng.normal(size=120), 1, 7)
    return pd.DataFrame({"arm": np.where(arm, "long", "none"), "efficacy": efficacy, "intent": intent,
                         "team": np.arange(120) // 6})  # fmt: skip


def path(data, **changes):
    chosen = {"contrast": {"long": 1, "none": -1}, "priors": SCALES, "n_boot": 400, "seed": 1} | changes
    return analysis.mediation(data, "arm", ["efficacy"], "intent", **chosen)


@pytest.mark.parametrize("changes", [{}, {"cluster": "team"}])
def test_the_declared_width_gives_the_reported_factors(data, changes):
    found = path(data, **changes)
    for answer in found.answers:
        if answer.effect.single:
            curve = found.robustness(answer.effect.name, points=5)
            assert curve.bayes_factor == pytest.approx(answer.bayes_factor, rel=1e-9)
            assert curve.scales[2] == pytest.approx(1.0)
            assert curve.bayes_factors[2] == pytest.approx(curve.bayes_factor, rel=1e-9)


def test_every_width_is_the_ratio_of_marginal_likelihoods(data):
    """Effect of the arm on the mediator: coefficients integrated out in closed form, sigma by quadrature."""
    found = path(data)
    answer = next(one for one in found.answers if one.effect.kind == "a")
    prior, mixture = found.posterior.priors[0], found.posterior.mixtures[0]
    system = found.design.system
    x = system.matrix[:, list(system.equations[0].predictors)]
    y = system.matrix[:, system.equations[0].response]
    leg = answer.effect.single[0][: x.shape[1]]
    assert mixture.prior.shape == (x.shape[1], x.shape[1])
    moved = np.flatnonzero(leg)
    rest = np.setdiff1d(np.arange(x.shape[1]), moved)

    def log_marginal(sigma: float, width: float | None) -> float:
        """Integrate the coefficients out; without the leg where `width` is None."""
        columns = rest if width is None else np.arange(x.shape[1])
        precision = prior.precision.copy()
        if width is not None:
            scale = np.where(leg != 0, 1 / width, 1.0)
            precision = precision * np.outer(scale, scale)
        own, p = x[:, columns], precision[np.ix_(columns, columns)]
        total = own.T @ own / sigma**2 + p
        centre = np.linalg.solve(total, own.T @ y / sigma**2)
        fit = y @ y / sigma**2 - centre @ total @ centre
        log_prior = 0.5 * np.log(p.diagonal()[p.diagonal() > 0]).sum()
        spread = 0.0 if prior.residual_sd is None else -0.5 * (sigma / prior.residual_sd) ** 2
        jacobian = -np.log(sigma) if prior.residual_sd is None else 0.0
        own_size = -y.size * np.log(sigma) - 0.5 * fit - 0.5 * np.linalg.slogdet(total)[1] + log_prior
        return float(own_size + spread + jacobian)

    assert np.count_nonzero(prior.precision - np.diag(np.diag(prior.precision))) == 0, (
        "the check is for diagonal priors"
    )
    top = log_marginal(1.0, 1.0)
    curve = found.robustness(answer.effect.name, points=5)
    for width, ours in zip(curve.scales, curve.bayes_factors, strict=True):
        with_leg, without = (
            integrate.quad(lambda s, w=w: np.exp(log_marginal(s, w) - top), 0.5, 2.0, epsabs=0, epsrel=1e-10)[0]
            for w in (width, None)
        )
        assert ours == pytest.approx(with_leg / without, rel=1e-4)


def test_a_wider_prior_counts_against_a_null_effect_and_sums_are_refused(data):
    found = path(data.assign(intent=np.random.default_rng(1).permutation(data.intent.to_numpy())))
    factors = found.robustness(points=9, fold=4).bayes_factors
    assert factors[-1] < factors[0]
    assert "Bayes factor and prior width" in str(found.robustness(points=3))
    total = next(one for one in found.answers if not one.effect.single)
    with pytest.raises(DataError, match="sum of several products"):
        found.robustness(total.effect.name)
    with pytest.raises(DataError, match="give priors for the scales"):
        path(data, priors=None).robustness()
    with pytest.raises((DataError, NotFoundError), match="nothing"):
        found.robustness("nothing")
