"""Linear models with a random intercept: REML and Satterthwaite for all replicates at once."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.batched.cluster_moments import Moments, Response, draw, moments, observed
from feedbackstudy.power.batched.linear import checked_design, weights_of
from feedbackstudy.power.batched.reml import Boundary, fit
from feedbackstudy.power.batched.replicates import Replicates
from feedbackstudy.power.solving import positive, whole

__all__ = ["DfMethod", "fit_random_intercept", "random_intercept"]

type Floats = NDArray[np.float64]
type DfMethod = Literal["satterthwaite", "normal"]


def random_intercept(
    design: ArrayLike,
    cluster: ArrayLike,
    beta: ArrayLike,
    *,
    between: float,
    within: float,
    contrasts: ArrayLike | None = None,
    labels: tuple[str, ...] = (),
    boundary: Boundary = "zero",
    df: DfMethod = "satterthwaite",
    reps: int = 10_000,
    seed: int,
) -> Replicates:
    r"""Simulate REML fits of a linear model with a random intercept for each cluster.

    Parameters
    ----------
    design : array_like of shape (n, p)
        Design matrix of full column rank.
    cluster : array_like of shape (n,)
        Cluster of each row.
    beta : array_like of shape (p,)
        True coefficients.
    between, within : float
        Variance of the cluster intercepts, and of the residuals.
    contrasts : array_like of shape (k, p), optional
        Weights over the coefficients; each coefficient by default.
    labels : tuple of str
        Names of the contrasts.
    boundary : {"zero", "free"}
        Whether the estimated between variance stops at 0 (as in lme4), or may be negative, which keeps the level of
        tests of cluster-level effects with few clusters and a small intraclass correlation.
    df : {"satterthwaite", "normal"}
        Degrees of freedom.
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
    Sums over clusters of equal size, and within-cluster cross-products, are sufficient; they are drawn from their exact
    distribution. The ratio of variances is found on a grid and polished by safeguarded Newton steps.
    """
    x, b = checked_design(design, beta)
    positive("within", within)
    if not (np.isfinite(between) and between >= 0):
        raise InputError(f"between = {between} cannot be used: a variance is 0 or larger.")
    whole("reps", reps, least=2)
    _check(boundary, df)
    weights, names = weights_of(contrasts, labels, x.shape[1])
    known = moments(x, cluster)
    response = draw(known, b, between=between, within=within, reps=reps, rng=np.random.default_rng(seed))
    return _replicates(known, response, weights, names=names, truth=weights @ b, boundary=boundary, df=df, seed=seed)


def fit_random_intercept(
    design: ArrayLike,
    cluster: ArrayLike,
    y: ArrayLike,
    *,
    contrasts: ArrayLike | None = None,
    boundary: Boundary = "zero",
) -> Replicates:
    """Fit one set of rows with the engine of the replicates.

    Parameters
    ----------
    design : array_like of shape (n, p)
        Design matrix.
    cluster : array_like of shape (n,)
        Cluster of each row.
    y : array_like of shape (n,)
        Outcome.
    contrasts : array_like of shape (k, p), optional
        Weights over the coefficients; each coefficient by default.
    boundary : {"zero", "free"}
        Whether the between variance stops at 0.

    Returns
    -------
    Replicates
        A single one, whose truth is not known (NaN).

    Raises
    ------
    InputError
        For a design that cannot be estimated.
    """
    x, _ = checked_design(design, np.zeros(np.shape(design)[-1]))
    weights, names = weights_of(contrasts, (), x.shape[1])
    known = moments(x, cluster)
    response = observed(known, x, np.asarray(y, dtype=np.float64), cluster)
    truth = np.full(len(weights), np.nan)
    return _replicates(
        known, response, weights, names=names, truth=truth, boundary=boundary, df="satterthwaite", seed=0
    )


def _check(boundary: str, df: str) -> None:
    for what, value, allowed in (
        ("The boundary", boundary, ("zero", "free")),
        ("The degrees of freedom", df, ("satterthwaite", "normal")),
    ):
        if value not in allowed:
            raise InputError(choices(what, value, allowed))


def _replicates(
    known: Moments,
    response: Response,
    weights: Floats,
    *,
    names: tuple[str, ...],
    truth: Floats,
    boundary: Boundary,
    df: DfMethod,
    seed: int,
) -> Replicates:
    found = fit(known, response, weights, boundary=boundary)
    return Replicates(
        labels=names,
        truth=truth,
        estimate=found.estimate,
        se=found.se,
        df=found.df if df == "satterthwaite" else np.full_like(found.df, np.inf),
        failed=found.failed,
        engine=f"batched sufficient statistics: random intercept, REML, {df}"
        + ("" if boundary == "zero" else ", between variance free to be negative"),
        seed=seed,
    )
