"""The likelihood of latent mediation is the multivariate normal of its items; what cannot be fitted is refused."""

import numpy as np
import pytest
from scipy import stats

from feedbackstudy.analysis.bayesian.latent_mediation import latent_model
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.errors import DataError

PRIOR = CellPrior.of_scale(1, 7)
N = 60
RNG = np.random.default_rng(41)
X = np.arange(N) % 2


def model(covariates=None, last=2):
    items = {"challenge": 3, "efficacy": 2, "intent": last}
    factors = {name: (RNG.normal(4, 1, (N, k)), PRIOR) for name, k in items.items()}
    return latent_model(X, factors, covariates=covariates)


def by_hand(stated, v, z):
    """Return mean and covariance of the items, path by path."""
    x = X - X.mean()
    a1 = v["effect_challenge"] * x + z @ v["covariate_challenge"]
    a2 = v["effect_efficacy"] * x + z @ v["covariate_efficacy"] + v["path_challenge_efficacy"] * a1
    a3 = v["effect_intent"] * x + z @ v["covariate_intent"]
    a3 = a3 + v["path_challenge_intent"] * a1 + v["path_efficacy_intent"] * a2
    loadings = [np.r_[1, v["loading_challenge"]], np.r_[1, v["loading_efficacy"]], np.r_[1, v["loading_intent"]]]
    mean = np.column_stack([
        v[f"intercept_{f.name}"] + a[:, None] * w
        for f, a, w in zip(stated.factors, (a1, a2, a3), loadings, strict=True)
    ])  # fmt: skip
    reach = np.eye(3)
    reach[1, 0] = v["path_challenge_efficacy"]
    reach[2] = [v["path_challenge_intent"] + v["path_efficacy_intent"] * reach[1, 0], v["path_efficacy_intent"], 1]
    disturbances = np.array([v[f"factor_sd_{f.name}"] for f in stated.factors])
    factors = reach @ np.diag(disturbances**2) @ reach.T
    wide = np.zeros((7, 3))
    wide[:3, 0], wide[3:5, 1], wide[5:, 2] = loadings
    errors = np.concatenate([v[f"item_sd_{f.name}"] for f in stated.factors])
    return mean, wide @ factors @ wide.T + np.diag(errors**2)


def test_the_likelihood_is_that_of_the_multivariate_normal_of_items():
    stated = model(covariates=np.sin(np.arange(N)))
    v = stated.forward(np.random.default_rng(1))
    mean, covariance = by_hand(stated, v, stated.covariates)
    items = np.concatenate([f.items for f in stated.factors], axis=1)

    wanted = stats.multivariate_normal(np.zeros(7), covariance).logpdf(items - mean).sum()

    assert stated.log_likelihood(v) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("last", [1, 2])
def test_the_density_that_is_sampled_is_that_of_the_forward_model(last):
    import pytensor.tensor as pt

    stated = model(last=last)
    v = stated.forward(np.random.default_rng(2))
    pymc_model = stated.pymc_model()
    point = pymc_model.initial_point()
    for variable in pymc_model.free_RVs:
        value, transform = v[variable.name], pymc_model.rvs_to_transforms.get(variable)
        forward = value if transform is None else transform.forward(pt.as_tensor(value), *variable.owner.inputs).eval()
        point[pymc_model.rvs_to_values[variable].name] = np.asarray(forward)
    prior = sum(p.law.log_density(np.asarray(v[p.name])[None])[0] for p in stated.parameters)

    found = float(pymc_model.compile_logp(jacobian=False, mode="FAST_COMPILE")(point))

    assert found == pytest.approx(prior + stated.log_likelihood(v), rel=1e-9)


def test_no_point_far_out_has_a_density_above_that_of_a_fair_one():
    # Rounding made it so: residuals were differences of cross-products, and a chain that got there never came back.
    pymc_model = model().pymc_model()
    fair = pymc_model.initial_point()
    density = pymc_model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    best, rng = float(density(fair)), np.random.default_rng(4)

    far = [{name: value + 30 * rng.normal(size=np.shape(value)) for name, value in fair.items()} for _ in range(200)]
    found = np.array([float(density(point)) for point in far])

    # not a number where the covariance is none in floating point: the sampler turns such points down
    assert np.isfinite(found).sum() > 50
    assert np.nanmax(found) < best


def test_invented_items_have_the_implied_covariance():
    stated = latent_model(np.arange(40_000) % 2, {name: (np.arange(80_000).reshape(-1, 2) % 7.0, PRIOR)
                          for name in ("challenge", "intent")})  # fmt: skip
    v = stated.forward(np.random.default_rng(3))

    made = stated.invented(v, np.random.default_rng(4))

    items = np.concatenate([f.items for f in made.factors], axis=1)
    slope = (items.T @ stated.treatment) / (stated.treatment @ stated.treatment)
    total = v["effect_intent"] + v["path_challenge_intent"] * v["effect_challenge"]
    spread = items.std(axis=0)
    assert slope[0] == pytest.approx(v["effect_challenge"], abs=4 * 2 * spread[0] / 200)
    assert slope[2] == pytest.approx(total, abs=4 * 2 * spread[2] / 200)


def test_ways_and_products_are_complete():
    stated = model()
    v = {"effect_challenge": np.array([2.0]), "effect_efficacy": np.array([3.0]), "path_challenge_efficacy": 5.0,
         "path_challenge_intent": 7.0, "path_efficacy_intent": 11.0}  # fmt: skip

    found = {chain: float(stated.product(chain, v)[0]) for chain in stated.chains()}

    assert found == {
        ("challenge", "intent"): 14.0,
        ("efficacy", "intent"): 33.0,
        ("challenge", "efficacy", "intent"): 110.0,
    }


@pytest.mark.parametrize(
    ("treatment", "factors", "words"),
    [
        (np.ones(N), {"m": (RNG.normal(size=(N, 2)), PRIOR), "y": (RNG.normal(size=N), PRIOR)}, "column that varies"),
        (X, {"y": (RNG.normal(size=N), PRIOR)}, "a mediator and an outcome"),
        (X, {"m m": (RNG.normal(size=N), PRIOR), "y": (RNG.normal(size=N), PRIOR)}, "letters, digits"),
        (X, {"m": (np.ones((N, 2)), PRIOR), "y": (RNG.normal(size=N), PRIOR)}, "one answer from all"),
        (X, {"m": (np.full((N, 2), np.nan), PRIOR), "y": (RNG.normal(size=N), PRIOR)}, "must be finite"),
    ],
)
def test_what_cannot_be_fitted_is_refused(treatment, factors, words):
    with pytest.raises(DataError, match=words):
        latent_model(treatment, factors)
