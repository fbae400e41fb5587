"""The greatest lower bound to reliability, solved as the semidefinite problem that defines it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["GreatestLowerBound", "greatest_lower_bound"]

type Floats = NDArray[np.float64]

_GAP = 1e-9
_GROWTH = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GreatestLowerBound:
    """The greatest lower bound with its certificate.

    Attributes
    ----------
    value : float
        The bound.
    errors : ndarray of shape (n_items,)
        Error variances that attain it.
    gap : float
        The true value lies at most this far below: the duality gap of the barrier method.
    """

    value: float
    errors: Floats
    gap: float


def greatest_lower_bound(S: Floats) -> GreatestLowerBound:
    r"""Return the smallest reliability that any error variances allow.

    Parameters
    ----------
    S : ndarray of shape (k, k)
        Positive definite covariance or correlation matrix.

    Returns
    -------
    GreatestLowerBound
        Value, error variances and duality gap.

    Notes
    -----
    .. math:: \mathrm{GLB} = 1 - \max\Big\{\sum_j\psi_j : S - \mathrm{diag}(\psi)\succeq 0,\ \psi\ge 0\Big\} /
              1^\top S 1

    (Jackson & Agunwamba 1977; Bentler & Woodward 1980). Newton steps on the logarithmic barrier; at barrier weight
    :math:`1/t` the objective lies within :math:`2k/t` of its maximum.
    """
    k, total = len(S), float(S.sum())
    psi = np.full(k, 0.5 * float(np.linalg.eigvalsh(S)[0]))
    t = k / float(np.trace(S))
    while True:
        psi = _centre(S, psi, t)
        gap = 2.0 * k / t / total
        if gap < _GAP:
            return GreatestLowerBound(value=1.0 - float(psi.sum()) / total, errors=psi, gap=gap)
        t *= _GROWTH


def _centre(S: Floats, psi: Floats, t: float) -> Floats:
    """Minimise the barrier function at one weight by damped Newton steps."""
    for _ in range(100):
        inverse = np.linalg.inv(S - np.diag(psi))
        gradient = -t + np.diag(inverse) - 1.0 / psi
        hessian = inverse**2 + np.diag(1.0 / psi**2)
        step = -np.linalg.solve(hessian, gradient)
        decrement = float(-gradient @ step)
        if decrement < 1e-12:
            break
        # Self-concordance: a step damped by 1/(1 + decrement) never leaves the feasible set.
        psi = psi + step / (1.0 + np.sqrt(decrement) if decrement > 0.0625 else 1.0)
    return psi
