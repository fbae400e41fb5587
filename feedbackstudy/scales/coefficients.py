"""Coefficient alpha from covariances, for the key audit here and for psychometrics above."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["alpha_of"]

type Floats = NDArray[np.float64]


def alpha_of(S: Floats) -> Floats:
    """Return alpha of each covariance matrix.

    Parameters
    ----------
    S : ndarray of shape (..., k, k)
        Covariance matrices.

    Returns
    -------
    ndarray of shape (...)
        Alpha.
    """
    k = S.shape[-1]
    trace = np.trace(S, axis1=-2, axis2=-1)
    return np.asarray(k / (k - 1) * (1.0 - trace / S.sum(axis=(-2, -1))))
