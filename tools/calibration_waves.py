"""Simulated studies for the calibration of the model of arms over waves."""

import numpy as np
from scipy import stats

from feedbackstudy.analysis.bayesian.calibration import Calibration, sbc
from feedbackstudy.analysis.bayesian.longitudinal_waves import waves_posterior
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.wave_design import wave_columns

__all__ = ["three_waves"]

PEOPLE, WAVES, CELLS = 60, 3, 5
_PRIOR = CellPrior.of_scale(1, 7)
_MEDIAN = 0.6307  # stated here once more: the prior under test is not to be drawn by the code under test


def three_waves(simulations: int, seed: int) -> Calibration:
    """Calibrate Gibbs sampling of two arms over three waves, people staying away by what they said before.

    Parameters
    ----------
    simulations, seed : int
        Simulated studies and their seed.

    Returns
    -------
    Calibration
        Ranks of means, of a contrast, of a slope and of the spread after the treatment.
    """
    arm = np.repeat([0, 1], PEOPLE // 2)
    covariate = stats.zscore(np.arange(PEOPLE) * 7 % PEOPLE)[:, None]
    design = wave_columns(arm, 2, WAVES, covariate)
    prior = _PRIOR.cells(CELLS)

    def experiment(rng: np.random.Generator, chain_seed: int) -> tuple[dict[str, float], dict[str, np.ndarray], int]:
        means = rng.multivariate_normal(np.full(CELLS, _PRIOR.middle), prior.covariances[0])
        slopes = rng.normal(0, _PRIOR.slope_sd, design.shape[2] - CELLS)
        scale = _MEDIAN * _PRIOR.residual_sd**2 * np.eye(WAVES)
        sigma = stats.invwishart(WAVES + 1, scale).rvs(random_state=rng)
        Y = design @ np.r_[means, slopes] + rng.multivariate_normal(np.zeros(WAVES), sigma, PEOPLE)
        for t in range(1, WAVES):
            earlier = np.where(np.isnan(Y[:, t - 1]), Y[:, 0], Y[:, t - 1]) - _PRIOR.middle
            Y[rng.random(PEOPLE) < 1 / (1 + np.exp(1.5 - 0.8 * earlier)), t] = np.nan
        drawn = waves_posterior(Y, design, CELLS, prior=_PRIOR, seed=chain_seed, chains=2, draws=500, tune=200)
        weights = np.array([0.0, 0, 0, -1, 1])
        true = {f"cell {j + 1}": means[j] for j in range(CELLS)}
        found = {f"cell {j + 1}": drawn.draws[:, j] for j in range(CELLS)}
        true |= {"arms at the last wave": float(weights @ means), "sd after": float(np.sqrt(np.diag(sigma)[1:].mean()))}
        found |= {"arms at the last wave": drawn.draws @ weights, "sd after": drawn.sds}
        return true, found, 0

    return sbc(
        experiment, simulations=simulations, seed=seed,
        model=f"constrained longitudinal model, {PEOPLE} people in two arms over {WAVES} waves, dropout by the score "
        "before, Gibbs sampling",
        prior=f"{_PRIOR}; covariance of the waves inverse Wishart with {WAVES + 1} degrees of freedom",
        settings="2 chains of 500 draws after 200",
    )  # fmt: skip
