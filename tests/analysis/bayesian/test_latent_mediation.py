"""Latent mediation, sampled, against lavaan's maximum likelihood; every indirect effect is a product within a draw."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.bayesian.latent_mediation import latent_mediation, latent_model
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.errors import NotFoundError

REFERENCE = Path(__file__).resolve().parents[2] / "reference"


@pytest.fixture(scope="module")
def fit():
    data = pd.read_csv(REFERENCE / "latent_mediation.csv")
    prior = CellPrior.of_scale(1, 7)
    factors = {"challenge": (data[["c1", "c2", "c3"]].to_numpy(), prior),
               "intent": (data[["i1", "i2", "i3"]].to_numpy(), prior)}  # fmt: skip
    return latent_mediation(latent_model(data["treatment"].to_numpy(), factors), seed=6)


@pytest.mark.slow
def test_the_posterior_lies_at_the_maximum_of_the_likelihood(fit):
    wanted = json.loads((REFERENCE / "latent_mediation.json").read_text(encoding="utf-8"))

    assert fit.draws.gates.hold, fit.draws.gates.failures
    for name, effect in (("a", "treatment -> challenge"), ("b", "challenge -> intent"), ("direct", "direct"),
                         ("indirect", "treatment -> challenge -> intent")):  # fmt: skip
        drawn, reference = fit.effects[effect], wanted[name]
        # the prior pulls by less than a quarter of a standard error; lavaan's is asymptotic
        assert drawn.mean() == pytest.approx(reference["estimate"], abs=0.25 * reference["se"])
        assert drawn.std() == pytest.approx(reference["se"], rel=0.2)


@pytest.mark.slow
def test_effects_are_products_and_sums_within_every_draw(fit):
    effects = fit.effects
    product = effects["treatment -> challenge"] * effects["challenge -> intent"]

    assert effects["indirect"] == pytest.approx(product)
    assert effects["total"] == pytest.approx(effects["direct"] + product)
    assert fit.posterior("indirect").median == pytest.approx(np.median(product), abs=1e-9)
    assert "consistent with mediation" in str(fit)
    with pytest.raises(NotFoundError, match="indirect"):
        fit.posterior("indirectt")
