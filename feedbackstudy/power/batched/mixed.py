"""Linear models with a random intercept: REML and Satterthwaite for all replicates at once."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.batched.cluster_moments import Moments, Response, draw, moments, observed
from feedbackstudy.power.batched.linear import checked_design, weights_of
from feedbackstudy.power.batched.optimum import Problem
from feedbackstudy.power.batched.reml import Boundary, fit
from feedbackstudy.power.batched.reml_even import Even, draw_even, layout
from feedbackstudy.power.batched.reml_uneven import Uneven
from feedbackstudy.power.batched.replicates import Replicates, combine
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
    design : array_like of shape (n, p) or (designs, n, p)
        Design matrix of full column rank; or several, such as redrawn covariates, which share the replicates evenly.
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
    stack = np.asarray(design, dtype=np.float64)
    stack = stack[None] if stack.ndim == 2 else stack
    x, b = checked_design(stack[0] if stack.ndim == 3 and len(stack) else stack, beta)
    positive("within", within)
    if not (np.isfinite(between) and between >= 0):
        raise InputError(f"between = {between} cannot be used: a variance is 0 or larger.")
    whole("reps", reps, least=max(2, len(stack)))
    _check(boundary, df)
    weights, names = weights_of(contrasts, labels, x.shape[1])
    parts = _problems(stack, cluster, b, between=between, within=within, reps=reps, rng=np.random.default_rng(seed))
    return combine(
        [
            _replicates(part, weights, names=names, truth=weights @ b, boundary=boundary, df=df, seed=seed)
            for part in parts
        ]
    )


def _problems(
    stack: Floats,
    cluster: ArrayLike,
    beta: Floats,
    *,
    between: float,
    within: float,
    reps: int,
    rng: np.random.Generator,
) -> list[Problem]:
    """Draw moments: one problem where clusters are of one size, else one for each design."""
    known = moments(stack[0], cluster)
    if len(known.distinct) == 1:
        _refuse_dependent(stack)
        return [draw_even(layout(stack, known.codes), beta, between=between, within=within, reps=reps, rng=rng)]
    found: list[Problem] = []
    for i, x in enumerate(stack):
        here = moments(checked_design(x, beta)[0], cluster)
        share = (i + 1) * reps // len(stack) - i * reps // len(stack)
        found.append(Uneven(here, draw(here, beta, between=between, within=within, reps=share, rng=rng)))
    return found


def _refuse_dependent(stack: Floats) -> None:
    """Refuse a design of which a column depends on others, by the eigenvalues of X'X in units of its diagonal."""
    cross = np.swapaxes(stack, 1, 2) @ stack
    scale = np.sqrt(np.einsum("dpp->dp", cross))
    if not np.isfinite(cross).all() or (scale <= 0).any():
        raise InputError("A design has a column of nothing but zeros, or values that are not finite.")
    least = np.linalg.eigvalsh(cross / scale[:, :, None] / scale[:, None, :])[:, 0]
    if least.min() < 1e-12:
        raise InputError(
            f"Design {int(least.argmin()) + 1} of {len(stack)} has columns that depend on each other: the coefficients "
            "are not all estimable. Look for empty cells, or for columns that add up to another one."
        )


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
    truth = np.full(len(weights), np.nan)
    problem = _problem(known, observed(known, x, np.asarray(y, dtype=np.float64), cluster))
    return _replicates(problem, weights, names=names, truth=truth, boundary=boundary, df="satterthwaite", seed=0)


def _problem(known: Moments, response: Response) -> Problem:
    return Even.of(known, response) if len(known.distinct) == 1 else Uneven(known, response)


def _check(boundary: str, df: str) -> None:
    for what, value, allowed in (
        ("The boundary", boundary, ("zero", "free")),
        ("The degrees of freedom", df, ("satterthwaite", "normal")),
    ):
        if value not in allowed:
            raise InputError(choices(what, value, allowed))


def _replicates(
    problem: Problem,
    weights: Floats,
    *,
    names: tuple[str, ...],
    truth: Floats,
    boundary: Boundary,
    df: DfMethod,
    seed: int,
) -> Replicates:
    found = fit(problem, weights, boundary=boundary)
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
