"""Simulated studies for the calibration of the models of counted cells before and under a policy."""

from collections.abc import Callable

import numpy as np
from scipy import special

from feedbackstudy.analysis.bayesian.calibration import Calibration, sbc
from feedbackstudy.analysis.bayesian.cells_did import PRIOR, DidCells, cells_model
from feedbackstudy.analysis.bayesian.compiled import compile_model
from feedbackstudy.analysis.bayesian.sampling import Draws, quick_draws

__all__ = ["ranked", "rated_cells", "shared_cells"]

SITES, PERIODS, ROWS = 9, 6, 120
_CUTS = np.array([-1.0, 0.0, 1.0])
_SETTINGS = "2 chains of 300 draws after 500, target acceptance 0.95"


def ranked(true: dict[str, float], drawn: Draws) -> tuple[dict[str, float], dict[str, np.ndarray], int]:
    """Return true values beside their draws, as the calibration takes them.

    Parameters
    ----------
    true : dict of str to float
        Values by the names of variables, ``"name[0]"`` for one of several.
    drawn : Draws
        What was sampled.

    Returns
    -------
    tuple
        True values, draws in one line for each, and divergent transitions.
    """
    flat = {name: block.reshape(block.shape[0] * block.shape[1], -1) for name, block in drawn.variables.items()}
    found = {name: flat[name.split("[")[0]][:, int(name[-2]) if name.endswith("]") else 0] for name in true}
    return {name: float(value) for name, value in true.items()}, found, drawn.gates.divergences


def _template(categories: int) -> DidCells:
    """Return nine sites, three of them never under the policy, over six periods."""
    site, period = (a.ravel() for a in np.meshgrid(np.arange(SITES), np.arange(PERIODS), indexing="ij"))
    start = np.where(np.arange(SITES) < 3, PERIODS, 2 + np.arange(SITES) % 3)
    counts = np.full((site.size, categories), ROWS // categories)
    return DidCells(counts=counts, site=site, period=period, treated=period >= start[site])


def _truth(rng: np.random.Generator, cells: DidCells) -> tuple[dict[str, float], np.ndarray]:
    """Draw everything but intercept and thresholds: values by name, and the linear predictor."""

    def level(count: int) -> np.ndarray:
        raw = rng.normal(size=count)
        return raw - raw.mean()

    beta, scatter = rng.normal(0, 0.5), abs(rng.normal(0, 0.1))
    sd_site, sd_effect = np.abs(rng.normal(0, [0.5, 0.3]))
    site, period, effects = sd_site * level(SITES), level(PERIODS), beta + sd_effect * level(SITES)
    values = {"beta": beta, "scatter": scatter, "sd_site": sd_site, "sd_effect": sd_effect, "site[0]": site[0],
              "period[0]": period[0], "effect[4]": effects[4]}  # fmt: skip
    return values, site[cells.site] + period[cells.period] + effects[cells.site] * cells.treated


def _calibrated(
    cells: DidCells,
    cuts: np.ndarray | None,
    complete: Callable[[np.random.Generator, np.ndarray, dict[str, float]], np.ndarray],
    words: str,
    *,
    simulations: int,
    seed: int,
) -> Calibration:
    compiled = compile_model(cells_model(cells, cuts=cuts))

    def experiment(rng: np.random.Generator, chain_seed: int) -> tuple[dict[str, float], dict[str, np.ndarray], int]:
        true, eta = _truth(rng, cells)
        counts = complete(rng, eta, true)
        drawn = quick_draws(
            compiled.with_data({"counts": counts}), seed=chain_seed, draws=300, tune=500, chains=2, target_accept=0.95
        )
        return ranked(true, drawn)

    return sbc(
        experiment, simulations=simulations, seed=seed, prior=PRIOR,
        model=f"{words}, {SITES} sites, {PERIODS} periods, {ROWS} a cell", settings=_SETTINGS,
    )  # fmt: skip


def _shares(rng: np.random.Generator, means: np.ndarray, scatter: float) -> np.ndarray:
    """Draw shares of cells around their means, as Dirichlet with the concentration of the model."""
    drawn = rng.gamma(means * (1 / (scatter + 1e-3) ** 2 - 1))
    return drawn / drawn.sum(axis=1, keepdims=True)


def shared_cells(simulations: int, seed: int) -> Calibration:
    """Calibrate the hierarchical beta-binomial difference in differences.

    Parameters
    ----------
    simulations, seed : int
        Simulated roll-outs and their seed.

    Returns
    -------
    Calibration
        Ranks of effect, spreads and scatter.
    """

    def complete(rng: np.random.Generator, eta: np.ndarray, true: dict[str, float]) -> np.ndarray:
        true["intercept"] = rng.normal(0, 1.5)
        mean = special.expit(true["intercept"] + eta)
        return rng.binomial(ROWS, _shares(rng, np.column_stack([1 - mean, mean]), true["scatter"])[:, 1])

    return _calibrated(
        _template(2), None, complete, "hierarchical beta-binomial difference in differences",
        simulations=simulations, seed=seed,
    )  # fmt: skip


def rated_cells(simulations: int, seed: int) -> Calibration:
    """Calibrate the hierarchical cumulative logit difference in differences.

    Parameters
    ----------
    simulations, seed : int
        Simulated roll-outs and their seed.

    Returns
    -------
    Calibration
        Ranks of effect, spreads, scatter and thresholds.
    """

    def complete(rng: np.random.Generator, eta: np.ndarray, true: dict[str, float]) -> np.ndarray:
        cuts = rng.normal(0, 1.5) + np.concatenate([[0.0], np.cumsum(rng.gamma(2, 1 / 2, 2))])
        true["cuts[0]"], true["cuts[2]"] = cuts[0], cuts[2]
        below = special.expit(cuts[None, :] - eta[:, None])
        edges = np.column_stack([np.zeros(eta.size), below, np.ones(eta.size)])
        means = np.clip(np.diff(edges, axis=1), 1e-12, 1.0)
        return rng.multinomial(ROWS, _shares(rng, means, true["scatter"]))

    return _calibrated(
        _template(4), _CUTS, complete, "hierarchical cumulative logit difference in differences",
        simulations=simulations, seed=seed,
    )  # fmt: skip
