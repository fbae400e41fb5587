"""Cumulative models of ordered categories: proportional odds, with nominal and scale effects."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.links import Link, link_of
from feedbackstudy.errors import DataError

__all__ = ["CumulativeFit", "fit_cumulative", "tally"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]

_FLAT = 1e-9
_FAR = 37.0  # beyond it the density of both links is zero beside any probability


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CumulativeFit:
    r"""Maximum likelihood of :math:`P(Y\le k) = F\{(\alpha_k + w'\gamma_k - x'\beta)/e^{z'\zeta}\}`.

    Attributes
    ----------
    thresholds : ndarray, shape (categories - 1,)
        Alpha.
    nominal : ndarray, shape (categories - 1, nominal columns)
        Gamma: effects that differ between thresholds.
    beta : ndarray
        Effects on the latent answer.
    zeta : ndarray
        Effects on the log of its standard deviation.
    covariance : ndarray
        Of all parameters: thresholds with their nominal effects (threshold by threshold), beta, zeta.
    log_likelihood : float
        At the maximum.
    parameters : int
        How many.
    n : int
        Answers.
    link : str
        Latent distribution.
    steps : int
        Newton steps.
    largest_gradient : float
        Largest absolute entry of the gradient there, columns at mean 0 and standard deviation 1.
    clusters : int or None
        Clusters of a sandwich covariance; None where it is the inverse information.
    """

    thresholds: Floats
    nominal: Floats
    beta: Floats
    zeta: Floats
    covariance: Floats
    log_likelihood: float
    parameters: int
    n: int
    link: str
    steps: int
    largest_gradient: float
    clusters: int | None = None

    @property
    def df(self) -> float:
        """Degrees of freedom of t: clusters minus one with a sandwich, otherwise infinite."""
        return float("inf") if self.clusters is None else float(self.clusters - 1)

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return 2 * self.parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion with the answers as n."""
        return float(np.log(self.n)) * self.parameters - 2 * self.log_likelihood

    @property
    def at(self) -> slice:
        """Place of beta among the parameters."""
        first = self.thresholds.size * (1 + self.nominal.shape[1])
        return slice(first, first + self.beta.size)


class _Model(NamedTuple):
    low: Floats
    high: Floats
    """Rows by parameters: the lower and upper cut of each row's category, before scaling."""
    lowest: NDArray[np.bool_]
    highest: NDArray[np.bool_]
    scale: Floats
    weights: Floats
    link: Link
    columns: int


class _Value(NamedTuple):
    log_likelihood: float
    gradient: Floats
    hessian: Floats


def tally(*columns: Floats) -> tuple[tuple[Floats, ...], Floats]:
    """Collect equal rows and count them: the likelihood needs no more.

    Parameters
    ----------
    *columns : ndarray, shape (n, k)
        Blocks of columns.

    Returns
    -------
    tuple of (tuple of ndarray, ndarray)
        The blocks with distinct rows, and how often each occurs.
    """
    joined = np.hstack(columns)
    distinct, counts = np.unique(joined, axis=0, return_counts=True)
    if distinct.shape[0] > 0.7 * joined.shape[0]:
        return columns, np.ones(joined.shape[0])
    ends = np.cumsum([block.shape[1] for block in columns])[:-1]
    return tuple(np.split(distinct, ends, axis=1)), counts.astype(np.float64)


def fit_cumulative(
    y: Integers,
    X: Floats,
    categories: int,
    *,
    link: str = "logit",
    nominal: Floats | None = None,
    scale: Floats | None = None,
) -> CumulativeFit:
    """Fit a cumulative model by Newton's method with exact derivatives.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Category of each answer, 0 to `categories` - 1; all occur.
    X : ndarray, shape (n, p)
        Columns that move the latent answer; no intercept, as the thresholds are there.
    categories : int
        How many categories there are.
    link : {"logit", "probit"}, default "logit"
        Latent distribution: proportional odds, or the normal.
    nominal : ndarray, shape (n, q), optional
        Columns whose effect differs between thresholds.
    scale : ndarray, shape (n, r), optional
        Columns that move the log standard deviation of the latent answer.

    Returns
    -------
    CumulativeFit
        Estimates with the inverse of the observed information.

    Raises
    ------
    DataError
        Where the likelihood has no maximum (separation), or columns depend on each other.

    Notes
    -----
    McCullagh (1980), Journal of the Royal Statistical Society B 42, 109-142; parameters and signs as in R's
    ``ordinal::clm`` (Christensen). Rows with equal values enter once with their number.
    """
    n = y.size
    w = np.empty((n, 0)) if nominal is None else nominal
    z = np.empty((n, 0)) if scale is None else scale
    _independent(np.column_stack([np.ones(n), X, w]))
    (answers, x, w, z), counts = tally(y[:, None].astype(np.float64), X, w, z)
    centre, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-300)
    x = (x - centre) / spread
    model = _model(answers[:, 0].astype(np.int64), x, w, z, counts, categories, link_of(link))
    shares = np.cumsum(np.bincount(y, minlength=categories))[:-1] / n
    start = np.zeros(model.low.shape[1] + z.shape[1])
    start[: (categories - 1) * (1 + w.shape[1]) : 1 + w.shape[1]] = model.link.quantile(shares)
    at, value, steps = _maximise(model, start)
    split, p = (categories - 1) * (1 + w.shape[1]), x.shape[1]
    back = np.eye(at.size)
    back[split : split + p, split : split + p] /= spread
    back[: split : 1 + w.shape[1], split : split + p] = centre / spread
    at = back @ at
    cuts = at[:split].reshape(categories - 1, -1)
    return CumulativeFit(
        thresholds=cuts[:, 0],
        nominal=cuts[:, 1:],
        beta=at[split : split + p],
        zeta=at[split + p :],
        covariance=back @ np.linalg.inv(-value.hessian) @ back.T,
        log_likelihood=value.log_likelihood,
        parameters=at.size,
        n=n,
        link=link,
        steps=steps,
        largest_gradient=float(np.abs(value.gradient).max()),
    )


def _independent(columns: Floats) -> None:
    scaled = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    if np.linalg.matrix_rank(scaled, tol=1e-9) < columns.shape[1]:
        raise DataError("Columns depend on each other (perfect collinearity, or an empty cell); drop a term.")


def _model(y: Integers, x: Floats, w: Floats, z: Floats, counts: Floats, categories: int, link: Link) -> _Model:
    rows, width = y.size, 1 + w.shape[1]
    block = np.column_stack([np.ones(rows), w])
    low, high = (np.zeros((rows, (categories - 1) * width + x.shape[1])) for _ in range(2))
    for cut in range(categories - 1):
        own = slice(cut * width, (cut + 1) * width)
        high[y == cut, own] = block[y == cut]
        low[y == cut + 1, own] = block[y == cut + 1]
    low[:, (categories - 1) * width :] = high[:, (categories - 1) * width :] = -x
    return _Model(low, high, y == 0, y == categories - 1, z, counts, link, low.shape[1])


def _evaluate(model: _Model, at: Floats) -> _Value | None:
    """Return log likelihood, gradient and Hessian; None where a category has no probability left."""
    narrowing = np.exp(-model.scale @ at[model.columns :])
    a = np.where(model.highest, np.inf, (model.high @ at[: model.columns]) * narrowing)
    b = np.where(model.lowest, -np.inf, (model.low @ at[: model.columns]) * narrowing)
    p = model.link.between(b, a)
    if not (p > 1e-300).all():
        return None
    a, b = np.clip(a, -_FAR * 20, _FAR * 20), np.clip(b, -_FAR * 20, _FAR * 20)
    fa, fb = (np.where(np.abs(u) < _FAR * 20, model.link.density(u), 0.0) / p for u in (a, b))
    sa, sb = (np.where(np.abs(u) < _FAR * 20, model.link.slope(u), 0.0) / p for u in (a, b))
    da, db = (_by_parameters(model, side, u, narrowing) for side, u in ((model.high, a), (model.low, b)))
    weights = model.weights
    gradient = (weights * fa) @ da - (weights * fb) @ db
    cross = (da.T * (weights * fa * fb)) @ db
    hessian = (da.T * (weights * (sa - fa**2))) @ da + (db.T * (weights * (-sb - fb**2))) @ db + cross + cross.T
    k, z = model.columns, model.scale
    if z.shape[1]:
        bend = ((weights * fa * narrowing) * model.high.T - (weights * fb * narrowing) * model.low.T) @ z
        hessian[:k, k:] -= bend
        hessian[k:, :k] -= bend.T
        hessian[k:, k:] += (z.T * (weights * (fa * a - fb * b))) @ z
    return _Value(float(weights @ np.log(p)), gradient, hessian)


def _by_parameters(model: _Model, side: Floats, cut: Floats, narrowing: Floats) -> Floats:
    if not model.scale.shape[1]:
        return side
    return np.column_stack([side * narrowing[:, None], -cut[:, None] * model.scale])


def _maximise(model: _Model, start: Floats) -> tuple[Floats, _Value, int]:
    at, value = start, _evaluate(model, start)
    if value is None:
        raise DataError("A category has no probability at the start; every category must occur.")
    steps = 0
    while steps < 100:
        steps += 1
        values, vectors = np.linalg.eigh(-value.hessian)
        bound = np.maximum(np.abs(values), 1e-10 * np.abs(values).max())
        turned = vectors.T @ value.gradient
        step, gain = vectors @ (turned / bound), float(turned @ (turned / bound))
        at_new, new = _climb(model, at, step, value)
        if new is None:
            break
        at, value = at_new, new
        if gain < 1e-13 * (1 + abs(value.log_likelihood)):
            break
    if np.linalg.eigvalsh(_information(model, value))[0] <= _FLAT or steps == 100:
        raise DataError(
            "The cumulative likelihood has no maximum (separation): for some combination of the predictors all answers "
            "lie in the lowest or the highest category. Merge categories or cells, or use the Bayesian model."
        )
    return at, value, steps


def _information(model: _Model, value: _Value) -> Floats:
    """Return the information an answer, columns at a mean square of 1: below `_FLAT` a direction is endless."""
    squares = [model.weights @ (model.low**2 + model.high**2), model.weights @ model.scale**2]
    size = np.sqrt(np.maximum(np.concatenate(squares), 1e-300))
    return np.asarray(-value.hessian / np.outer(size, size), dtype=np.float64)


def _climb(model: _Model, at: Floats, step: Floats, value: _Value) -> tuple[Floats, _Value | None]:
    for halving in range(30):
        trial = at + step / 2**halving
        new = _evaluate(model, trial)
        slack = 1e-11 * abs(value.log_likelihood) * (halving == 0)
        if new is not None and new.log_likelihood > value.log_likelihood - slack:
            return trial, new
    return at, None
