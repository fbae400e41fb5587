"""Ordinary least squares: the estimates and the residual variance are drawn, not the rows."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import InputError
from feedbackstudy.power.batched.replicates import Replicates
from feedbackstudy.power.solving import positive, whole

__all__ = ["checked_design", "linear", "weights_of"]

type Floats = NDArray[np.float64]


def checked_design(design: ArrayLike, beta: ArrayLike) -> tuple[Floats, Floats]:
    """Return a design matrix and its coefficients, or say why they cannot be used.

    Parameters
    ----------
    design : array_like of shape (n, p)
        Design matrix of full column rank.
    beta : array_like of shape (p,)
        True coefficients.

    Returns
    -------
    tuple of ndarray
        Both as floats.

    Raises
    ------
    InputError
        For wrong shapes, values that are not finite, columns that depend on each other, or too few rows.
    """
    x, b = np.asarray(design, dtype=np.float64), np.asarray(beta, dtype=np.float64)
    if x.ndim != 2 or b.shape != x.shape[1:] or not (np.isfinite(x).all() and np.isfinite(b).all()):
        raise InputError(
            f"The design has shape {x.shape} and beta {b.shape}: give one finite coefficient for each column."
        )
    rank = int(np.linalg.matrix_rank(x))
    if rank < x.shape[1] or len(x) <= x.shape[1]:
        raise InputError(
            f"The design of {len(x)} rows and {x.shape[1]} columns has rank {rank}: the coefficients are not all "
            "estimable. Look for empty cells, or for columns that add up to another one."
        )
    return x, b


def weights_of(contrasts: ArrayLike | None, labels: tuple[str, ...], p: int) -> tuple[Floats, tuple[str, ...]]:
    """Return contrast weights and their labels; by default each coefficient by its position.

    Parameters
    ----------
    contrasts : array_like of shape (k, p) or None
        Weights over the coefficients.
    labels : tuple of str
        Names of the contrasts; numbered where empty.
    p : int
        Number of coefficients.

    Returns
    -------
    tuple
        Weights of shape (k, p), and k labels.

    Raises
    ------
    InputError
        Where they do not fit.
    """
    weights = np.eye(p) if contrasts is None else np.atleast_2d(np.asarray(contrasts, dtype=np.float64))
    names = labels or tuple(f"contrast {j + 1}" for j in range(len(weights)))
    if weights.shape != (len(names), p) or len(set(names)) != len(names):
        raise InputError(
            f"The contrasts have shape {weights.shape} and {len(names)} labels; give one label a row, {p} columns."
        )
    return weights, names


def linear(
    design: ArrayLike,
    beta: ArrayLike,
    *,
    sigma: float = 1.0,
    contrasts: ArrayLike | None = None,
    labels: tuple[str, ...] = (),
    reps: int = 10_000,
    seed: int,
) -> Replicates:
    r"""Simulate least-squares fits of a linear model.

    Parameters
    ----------
    design : array_like of shape (n, p)
        Design matrix of full column rank.
    beta : array_like of shape (p,)
        True coefficients.
    sigma : float, default 1
        Residual standard deviation.
    contrasts : array_like of shape (k, p), optional
        Weights over the coefficients; each coefficient by default.
    labels : tuple of str
        Names of the contrasts.
    reps : int, default 10000
        Replicates.
    seed : int
        Seed of the draws.

    Returns
    -------
    Replicates
        Of each contrast.

    Raises
    ------
    InputError
        For a design that cannot be estimated or impossible numbers.

    Notes
    -----
    Given the design, :math:`\hat\beta \sim N(\beta, \sigma^2 (X'X)^{-1})` independently of
    :math:`s^2 \sim \sigma^2 \chi^2_{n-p} / (n - p)`: the same distribution as fits to simulated rows.
    """
    x, b = checked_design(design, beta)
    positive("sigma", sigma)
    whole("reps", reps, least=2)
    weights, names = weights_of(contrasts, labels, x.shape[1])
    rng = np.random.default_rng(seed)
    df = len(x) - x.shape[1]
    root = weights @ np.linalg.inv(np.linalg.qr(x, mode="r"))
    truth = weights @ b
    estimate = truth + sigma * rng.standard_normal((reps, x.shape[1])) @ root.T
    s = sigma * np.sqrt(rng.chisquare(df, reps) / df)
    return Replicates(
        labels=names,
        truth=truth,
        estimate=estimate,
        se=s[:, None] * np.sqrt((root**2).sum(axis=1)),
        df=np.broadcast_to(np.float64(df), estimate.shape),
        failed=np.zeros(reps, dtype=bool),
        engine="batched sufficient statistics: least squares",
        seed=seed,
    )
