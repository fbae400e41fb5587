"""Several tests at once: the chances of at least one, and of all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from feedbackstudy.errors import InputError
from feedbackstudy.power.answer import PowerAnswer, made
from feedbackstudy.power.solving import probability

__all__ = ["joint"]


def joint(powers: Sequence[float], *, r: ArrayLike = 0.0) -> PowerAnswer:
    """Combine the powers of several tests into the powers of any and of all of them.

    Parameters
    ----------
    powers : sequence of float
        Power of each test, at the level it is tested at.
    r : array_like, default 0
        Correlation of the test statistics: one, or the matrix.

    Returns
    -------
    PowerAnswer
        ``"power"`` is that of all; ``"any"`` and ``"expected rejections"`` are details.

    Raises
    ------
    InputError
        For powers outside 0 to 1, or correlations that cannot be.

    Notes
    -----
    Each test rejects where a normal variate with the given correlations exceeds the quantile of its power; exact where
    the statistics are independent, else a normal approximation of one-sided rejection.
    """
    if len(powers) < 2:
        raise InputError(f"powers = {list(powers)} has fewer than two tests; one test's joint power is its power.")
    for value in powers:
        probability("powers", value)
    k = len(powers)
    given = np.asarray(r, dtype=np.float64)
    matrix = given if given.ndim == 2 else np.where(np.eye(k) == 1, 1.0, float(given))
    if matrix.shape != (k, k) or not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1):
        raise InputError(f"r must be one correlation, or a symmetric {k} x {k} matrix with ones on its diagonal.")
    if np.linalg.eigvalsh(matrix).min() <= 1e-10:
        raise InputError(f"r = {given.tolist()} is not positive definite: statistics cannot correlate like this.")
    quantiles = special.ndtri(np.asarray(powers, dtype=np.float64))
    if np.allclose(matrix, np.eye(k)):
        every, none = float(np.prod(powers)), float(np.prod(1 - np.asarray(powers)))
    else:
        normal = stats.multivariate_normal(np.zeros(k), matrix, seed=np.random.default_rng(1))
        every, none = float(normal.cdf(quantiles)), float(normal.cdf(-quantiles))
    return PowerAnswer(
        question=f"{k} tests together",
        solved="power",
        values={f"power {i + 1}": float(value) for i, value in enumerate(powers)} | {"power": every},
        details={"any": 1 - none, "expected rejections": float(sum(powers))},
        engine="exact for independent tests" if np.allclose(matrix, np.eye(k)) else "multivariate normal",
        provenance=made("joint", ("power is the chance that all tests reject",)),
    )
