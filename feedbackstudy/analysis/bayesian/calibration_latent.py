"""Simulation-based calibration of the mediation between latent variables."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.calibration import Calibration, sbc, thinned
from feedbackstudy.analysis.bayesian.latent_model import ACCEPT, LatentModel
from feedbackstudy.analysis.bayesian.sampling import quick_draws

__all__ = ["calibrate_latent"]

type Floats = NDArray[np.float64]


def calibrate_latent(
    model: LatentModel,
    *,
    simulations: int,
    seed: int,
    draws: int = 300,
    tune: int = 400,
    chains: int = 2,
    target_accept: float = ACCEPT,
) -> Calibration:
    """Calibrate a mediation between latent variables on its own people.

    Parameters
    ----------
    model : LatentModel
        The model; its items are replaced in every simulation.
    simulations, seed : int
        Simulated studies, and the seed of all of them.
    draws, tune, chains : int
        Of each study; the graph is compiled once.
    target_accept : float, default 0.98
        Acceptance that the step size is tuned to.

    Returns
    -------
    Calibration
        Ranks of every parameter, of the indirect effect and of the log likelihood.
    """
    compiled = model.compiled()

    def experiment(rng: np.random.Generator, chain_seed: int) -> tuple[dict[str, float], dict[str, Floats], int]:
        truth = model.forward(rng)
        study = model.invented(truth, rng)
        drawn = quick_draws(
            compiled.with_data(study.data()), seed=chain_seed, draws=draws, tune=tune, chains=chains,
            target_accept=target_accept,
        )  # fmt: skip
        true = _quantities(study, {name: np.asarray(value)[None] for name, value in truth.items()})
        found = _quantities(study, thinned(drawn))
        return {name: float(value[0]) for name, value in true.items()}, found, drawn.gates.divergences

    return sbc(
        experiment, simulations=simulations, seed=seed, model=f"{model.words}; {model.n} people", prior=model.prior,
        settings=f"{chains} chains of {draws} draws after {tune}, target acceptance {target_accept:g}",
    )  # fmt: skip


def _quantities(model: LatentModel, values: Mapping[str, Floats]) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for parameter in model.parameters:
        block = values[parameter.name].reshape(values[parameter.name].shape[0], -1)
        names = [f"{parameter.name}[{i}]" for i in range(block.shape[1])] if parameter.shape else [parameter.name]
        found |= dict(zip(names, block.T, strict=True))
    found["indirect"] = np.asarray(sum(model.product(chain, values) for chain in model.chains()), dtype=np.float64)
    size = found["indirect"].size
    each = [{p.name: values[p.name][i] for p in model.parameters} for i in range(size)]
    found["log likelihood"] = np.array([model.log_likelihood(one) for one in each])
    return found
