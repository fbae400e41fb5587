"""How long people take over a questionnaire."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["seconds_taken"]

type Floats = NDArray[np.float64]

_SECONDS_TO_START, _SECONDS_PER_ITEM = 40.0, 6.0


def seconds_taken(items: Floats, careless: NDArray[np.int64], noise: Floats) -> Floats:
    """Return how long people take over a questionnaire.

    Parameters
    ----------
    items : ndarray
        Items that each is asked.
    careless : ndarray
        Above 0 where somebody does not read; these take three tenths of the time.
    noise : ndarray
        Standard normal.

    Returns
    -------
    ndarray
        Seconds: 40 and 6 for each item or covariate, lognormal with a standard deviation of .35; assumed, no evidence.
    """
    pace = np.where(careless > 0, 0.3, 1.0)
    return np.asarray(np.round((_SECONDS_TO_START + _SECONDS_PER_ITEM * items) * pace * np.exp(0.35 * noise), 1))
