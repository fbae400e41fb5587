"""Linear models with two nested random intercepts: people in interviewers in sites."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import InputError
from feedbackstudy.power.batched.linear import checked_design, weights_of
from feedbackstudy.power.batched.nested_reml import Answers, Nest, fit
from feedbackstudy.power.batched.replicates import Replicates
from feedbackstudy.power.solving import positive, whole

__all__ = ["fit_nested", "nested_intercepts"]

type Floats = NDArray[np.float64]


def _nest(x: Floats, inner: ArrayLike, outer: ArrayLike) -> Nest:
    inside, outside = np.asarray(inner), np.asarray(outer)
    if inside.shape != x.shape[:1] or outside.shape != x.shape[:1]:
        raise InputError(
            f"There are {inside.size} inner and {outside.size} outer labels for {len(x)} rows; give one for each."
        )
    names, out_codes = np.unique(outside, return_inverse=True)
    pairs, first, codes = np.unique(
        np.column_stack([out_codes, np.unique(inside, return_inverse=True)[1]]),
        axis=0,
        return_index=True,
        return_inverse=True,
    )
    codes = codes.reshape(-1)
    sizes = np.bincount(codes).astype(np.float64)
    if len(names) < 2 or sizes.max() < 2 or len(pairs) <= len(names):
        raise InputError(
            f"{len(names)} outer clusters hold {len(pairs)} inner ones of at most {sizes.max():.0f} rows: give two "
            "outer clusters or more, several inner ones in some of them, and inner ones larger than size 1."
        )
    sums = np.zeros((len(pairs), x.shape[1]))
    np.add.at(sums, codes, x)
    return Nest(len(x), sizes, sums, x.T @ x, np.eye(len(names))[out_codes[first]], codes)


def nested_intercepts(
    design: ArrayLike,
    inner: ArrayLike,
    outer: ArrayLike,
    beta: ArrayLike,
    *,
    between_outer: float,
    between_inner: float,
    within: float,
    contrasts: ArrayLike | None = None,
    labels: tuple[str, ...] = (),
    reps: int = 10_000,
    seed: int,
) -> Replicates:
    r"""Simulate REML fits with an intercept for each inner cluster and for the outer cluster it lies in.

    Parameters
    ----------
    design : array_like of shape (n, p)
        Design matrix of full column rank.
    inner, outer : array_like of shape (n,)
        Inner and outer cluster of each row; equal inner labels in different outer clusters are different clusters.
    beta : array_like of shape (p,)
        True coefficients.
    between_outer, between_inner, within : float
        Variances.
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
    Sums over inner clusters are sufficient. With ratios :math:`\lambda_1, \lambda_2` of inner and outer to residual
    variance, :math:`V^{-1} \propto B - B 1 1' B \lambda_2 / (1 + \lambda_2 h)` in each outer cluster,
    :math:`B = I - \lambda_1 / (1 + \lambda_1 n_j) J`, :math:`h = \sum n_j / (1 + \lambda_1 n_j)`. Variances stop at 0;
    the deviance is minimised by Newton steps on differences. Satterthwaite degrees of freedom.
    """
    x, b = checked_design(design, beta)
    positive("within", within)
    for name, value in (("between_outer", between_outer), ("between_inner", between_inner)):
        if not (np.isfinite(value) and value >= 0):
            raise InputError(f"{name} = {value} cannot be used: a variance is 0 or larger.")
    whole("reps", reps, least=2)
    weights, names = weights_of(contrasts, labels, x.shape[1])
    nest = _nest(x, inner, outer)
    variances = (between_outer, between_inner, within)
    answers = _draw(nest, b, variances, reps=reps, rng=np.random.default_rng(seed))
    return _replicates(nest, answers, weights, names=names, truth=weights @ b, seed=seed)


def _draw(
    nest: Nest, b: Floats, variances: tuple[float, float, float], *, reps: int, rng: np.random.Generator
) -> Answers:
    """Draw the sufficient statistics of many outcomes; the variances are outer, inner, residual."""
    between_outer, between_inner, within = variances
    sites = rng.standard_normal((reps, nest.outer.shape[1])) * np.sqrt(between_outer)
    people = rng.standard_normal((reps, len(nest.sizes))) * np.sqrt(nest.sizes**2 * between_inner + nest.sizes * within)
    sums = nest.sums @ b + people + nest.sizes * (sites @ nest.outer.T)
    inside = nest.cross - nest.sums.T @ (nest.sums / nest.sizes[:, None])
    values, vectors = np.linalg.eigh(inside)
    kept = values > 1e-10 * float(np.trace(nest.cross))
    noise = np.sqrt(within) * rng.standard_normal((reps, int(kept.sum())))
    moved = noise @ (vectors[:, kept] * np.sqrt(values[kept])).T
    left = within * rng.chisquare(nest.rows - len(nest.sizes) - int(kept.sum()), reps)
    signal = inside @ b
    yy = b @ signal + 2 * moved @ b + (noise**2).sum(axis=1) + left + sums**2 @ (1 / nest.sizes)
    return Answers(signal + moved + sums @ (nest.sums / nest.sizes[:, None]), yy, sums)


def fit_nested(design: ArrayLike, inner: ArrayLike, outer: ArrayLike, y: ArrayLike) -> Replicates:
    """Fit one set of rows with the engine of the replicates.

    Parameters
    ----------
    design : array_like of shape (n, p)
        Design matrix.
    inner, outer : array_like of shape (n,)
        Clusters of each row.
    y : array_like of shape (n,)
        Outcome.

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
    nest, given = _nest(x, inner, outer), np.asarray(y, dtype=np.float64)
    sums = np.bincount(nest.codes, weights=given, minlength=len(nest.sizes))[None]
    answers = Answers((x.T @ given)[None], np.array([given @ given]), sums)
    weights, names = weights_of(None, (), x.shape[1])
    return _replicates(nest, answers, weights, names=names, truth=np.full(len(names), np.nan), seed=0)


def _replicates(
    nest: Nest, answers: Answers, weights: Floats, *, names: tuple[str, ...], truth: Floats, seed: int
) -> Replicates:
    found = fit(nest, answers, weights)
    return Replicates(
        labels=names,
        truth=truth,
        estimate=found.estimate,
        se=found.se,
        df=found.df,
        failed=found.failed,
        engine="batched sufficient statistics: two nested intercepts, REML, satterthwaite",
        seed=seed,
    )
