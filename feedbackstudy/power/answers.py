"""What every replicate of a diagnosis says to one hypothesis."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Answers"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """What every replicate says to one hypothesis.

    Attributes
    ----------
    estimate, se, df, low, high, p : ndarray of shape (replicates,)
        NaN where the fit failed; only `p` for several contrasts at once.
    sigma, n : ndarray of shape (replicates,)
        Residual standard deviation, and rows that entered.
    truth : ndarray of shape (replicates,)
        True value, which differs between replicates where effects are drawn from priors.
    """

    estimate: Floats
    se: Floats
    df: Floats
    low: Floats
    high: Floats
    p: Floats
    sigma: Floats
    n: Floats
    truth: Floats
