"""Columns of people at waves: one mean of all before treatment, one of each arm at each wave afterwards."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["wave_cells", "wave_columns"]

type Floats = NDArray[np.float64]


def wave_cells(arms: int, waves: int) -> NDArray[np.int64]:
    """Return the position of each arm's mean at each wave: one for all before treatment, one of each arm afterwards.

    Parameters
    ----------
    arms, waves : int
        How many; the first wave is before treatment.

    Returns
    -------
    ndarray of int, shape (arms, waves)
        Positions: 0 at the first wave, then arm after arm within wave.
    """
    found = np.zeros((arms, waves), dtype=np.int64)
    for t in range(1, waves):
        found[:, t] = 1 + (t - 1) * arms + np.arange(arms)
    return found


def wave_columns(arm: NDArray[np.int64], arms: int, waves: int, covariates: Floats) -> Floats:
    """Return the columns of every person at every wave.

    Parameters
    ----------
    arm : ndarray of int, shape (n,)
        Arm of each person.
    arms, waves : int
        How many.
    covariates : ndarray, shape (n, q)
        Centred; each has a slope of its own at each wave.

    Returns
    -------
    ndarray, shape (n, waves, cells + q * waves)
        Indicators of the cells of `wave_cells`, then covariates.
    """
    cells = 1 + arms * (waves - 1)
    design = np.eye(cells)[wave_cells(arms, waves)[arm]]
    n, q = covariates.shape
    if not q:
        return design
    slopes = np.zeros((n, waves, waves, q))
    slopes[:, np.arange(waves), np.arange(waves)] = covariates[:, None, :]
    return np.concatenate([design, slopes.reshape(n, waves, waves * q)], axis=2)
