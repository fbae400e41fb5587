"""Mediation between latent variables in Stan: the density of our model, and its posterior within Monte-Carlo errors."""

import json
import subprocess
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.gates import unjudged
from feedbackstudy.analysis.bayesian.latent_lavaan import effect_codes
from feedbackstudy.analysis.bayesian.latent_mediation import LatentMediation, latent_mediation, latent_model
from feedbackstudy.analysis.bayesian.latent_model import LatentModel
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampling import Draws
from feedbackstudy.analysis.r_stan_latent import latent_program

PRIOR = CellPrior.of_scale(1, 7)
KINDS = {"intercept": "intercept", "factor_sd": "factor_sd", "loading": "loading", "item_sd": "item_sd",
         "covariate": "covariate", "effect": "a"}  # fmt: skip
DENSITY = """
fit <- fits[[1]]$fit
for (point in jsonlite::fromJSON("points.json", simplifyDataFrame = FALSE)) {
  for (name in grep("^(intercept|loading)", names(point), value = TRUE)) point[[name]] <- as.array(point[[name]])
  show("log density", rstan::log_prob(fit, rstan::unconstrain_pars(fit, point), adjust_transform = FALSE))
}
set.seed(4)
far <- replicate(200, {
  place <- rnorm(rstan::get_num_upars(fit), sd = 30)
  tryCatch(rstan::log_prob(fit, place), error = function(e) NaN) })
show("far out", max(far, na.rm = TRUE)); show("drawn", min(rstan::extract(fit, "lp__")[[1]]))
})
"""


def serial(people: int, sizes: tuple[int, ...], covariates: int) -> LatentModel:
    rng = np.random.default_rng(3)
    names = [f"factor{k}" for k in range(len(sizes))]
    treatment = rng.normal(size=people)
    scores, factors = [], {}
    for name, size in zip(names, sizes, strict=True):
        score = 0.5 * treatment + 0.4 * sum(scores, np.zeros(people)) + rng.normal(size=people)
        scores.append(score)
        noise = 0.6 * rng.normal(size=(people, size)) * (size > 1)
        factors[name] = (4 + score[:, None] * np.linspace(1, 0.7, size) + noise, PRIOR)
    beside = rng.normal(size=(people, covariates)) if covariates else None
    return latent_model(treatment, factors, covariates=beside)


def in_program(model: LatentModel, values: dict[str, np.ndarray]) -> dict[str, object]:
    """Values by the names of the program."""
    found: dict[str, object] = {}
    for k, factor in enumerate(model.factors):
        for kind, name in KINDS.items():
            if (value := values.get(f"{kind}_{factor.name}")) is not None:
                found[f"a{k}" if kind == "effect" else f"{name}_{k}"] = np.asarray(value).tolist()
    for (j, before), (k, after) in combinations(enumerate(model.factors), 2):
        found[f"b{j}_{k}"] = float(values[f"path_{before.name}_{after.name}"])
    return found


@pytest.mark.slow
@pytest.mark.against_r
def test_stan_has_our_density_and_our_effects(run_r, tmp_path):
    model = serial(250, (3, 1, 3), 2)
    ours = latent_mediation(model, seed=5, draws=600, tune=600, chains=2)
    rng = np.random.default_rng(8)
    drawn = [model.forward(rng) for _ in range(5)]
    density = [
        model.log_likelihood(one) + sum(p.law.log_density(one[p.name][None])[0] for p in model.parameters)
        for one in drawn
    ]
    (tmp_path / "points.json").write_text(json.dumps([in_program(model, one) for one in drawn]), encoding="utf-8")
    script = ours.r_script()
    assert script.body.endswith("})\n")

    in_r = run_r(replace(script, body=script.body.removesuffix("})\n") + DENSITY), tmp_path)

    # Stan leaves constants out: differences between points are free of them.
    assert np.diff(in_r["log density"]) == pytest.approx(np.diff(density), rel=1e-7)
    assert in_r["far out"][0] < in_r["drawn"][0]
    assert in_r["largest R-hat"][0] < 1.02
    assert len(in_r["median"]) == len(ours.effects) == 11
    for j, name in enumerate(ours.effects):
        found, sd = ours.posterior(name), ours.effects[name].std()
        error = sd * np.sqrt(1 / found.ess + 1 / in_r["ess"][j])
        assert abs(found.median - in_r["median"][j]) < 4 * np.sqrt(np.pi / 2) * error, name
        assert abs(sd - in_r["posterior sd"][j]) < 4 * error, name


def test_effects_of_the_program_stand_in_the_order_of_ours():
    model = serial(60, (2, 1, 3), 0)

    rng = np.random.default_rng(2)
    variables = {p.name: p.law.draw(rng, 6, p.shape).reshape(2, 3, *p.shape) for p in model.parameters}
    draws = Draws(variables=variables, gates=unjudged(divergences=0, energy=rng.normal(size=(2, 3))),
                  compile_seconds=0.0, sample_seconds=0.0, seed=7)  # fmt: skip
    found = LatentMediation(model=model, draws=draws)

    assert [name for name, _ in effect_codes(model)] == list(found.effects)
    assert "chains <- 2; draws <- 3; seed <- 7" in found.r_script().script


@pytest.mark.against_r
@pytest.mark.parametrize(("sizes", "covariates"), [((3, 3), 0), ((2, 1, 3), 2), ((1, 2), 1)])
def test_the_program_is_one_that_stan_reads(tmp_path, sizes, covariates):
    model = serial(60, sizes, covariates)
    program = latent_program(model, [code for _, code in effect_codes(model)])
    (tmp_path / "model.stan").write_text(program, encoding="utf-8")

    done = subprocess.run(
        ["Rscript", "-e", 'cat(rstan::stanc("model.stan")$status)'],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stdout == "TRUE", done.stderr
    assert "factor0" not in program
    assert not {'"', "\\"} & set(program)
