"""Deviance of a linear mixed model with its exact gradient and Hessian, and the search for its minimum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.mixed_one import one_intercept_minimum
from feedbackstudy.analysis.frequentist.mixed_pieces import Curvature, OneInterceptProducts, Pieces
from feedbackstudy.analysis.frequentist.mixed_products import CrossedProducts
from feedbackstudy.analysis.frequentist.mixed_structure import Floats

__all__ = ["Curvature", "Minimum", "covariance_map", "curvature_at", "minimise"]

_STEPS = 200
_ENOUGH = 1e-9  # Newton decrement: the deviance that a last step wins; what it leaves is the square of it
_NOTHING = 1e-16  # below it a last step would change no digit
_NEAR_ZERO = 1e-3  # below it a relative standard deviation may come to zero in one step


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Minimum:
    """Where the search ended.

    Attributes
    ----------
    theta : ndarray
        Entries of the relative covariance factors.
    curvature : Curvature
        Deviance and derivatives there.
    steps : int
        Newton steps.
    converged : bool
        Whether no further step would lower the deviance.
    """

    theta: Floats
    curvature: Curvature
    steps: int
    converged: bool


type _Products = OneInterceptProducts | CrossedProducts


def covariance_map(products: _Products, theta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the relative covariances with their first and second derivatives by theta.

    Parameters
    ----------
    products : OneInterceptProducts or CrossedProducts
        The model.
    theta : ndarray
        Parameters.

    Returns
    -------
    tuple of ndarray
        Shapes (r,), (r, r) and (r, r, r).
    """
    size = theta.size
    second = np.zeros((size, size, size))
    at = 0
    for shape in products.patterns:
        own = slice(at, at + len(shape.cells))
        second[own, own, own] = shape.curvature
        at = own.stop
    first = second @ theta
    return first @ theta / 2, first, second


def _fixed(gram: Floats) -> tuple[Floats, Floats, float, float]:
    p = gram.shape[0] - 1
    inverse = np.linalg.inv(gram[:p, :p])
    beta = inverse @ gram[:p, p]
    rest = float(gram[p, p] - beta @ gram[:p, p])
    return beta, inverse, rest, float(np.linalg.slogdet(gram[:p, :p])[1])


def _deviance(products: _Products, theta: Floats, n: int, *, reml: bool) -> float:
    log_det, gram = products.value(theta)
    _, _, rest, fixed_det = _fixed(gram)
    df = n - (gram.shape[0] - 1) * reml
    if not rest > 0:
        return float("inf")
    return float(df * (1 + np.log(2 * np.pi * rest / df)) + log_det + reml * fixed_det)


def _weighted(weights: Floats, stacked: Floats) -> Floats:
    made: Floats = (weights @ stacked.reshape(weights.size, -1)).reshape(stacked.shape[1:])
    return made


def _expected(inverse: Floats, spread: Floats, second: Floats, traces: Floats) -> Floats:
    """Return the traces of P V_r P V_s."""
    both = (spread[:, None] * spread.transpose(0, 2, 1)[None]).sum(axis=(2, 3))
    made: Floats = traces - 2 * (second * inverse).sum(axis=(2, 3)) + both
    return made


def _with_residual(pieces: Pieces, covariances: Floats, n: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Add the residual variance as the first of the variances, by V = I + sum of the others."""
    size, m = covariances.size + 1, pieces.gram.shape[0]
    first, trace = np.empty((size, m, m)), np.empty(size)
    second, traces = np.empty((size, size, m, m)), np.empty((size, size))
    first[1:], trace[1:], second[1:, 1:], traces[1:, 1:] = pieces.first, pieces.trace, pieces.second, pieces.traces
    first[0] = pieces.gram - _weighted(covariances, pieces.first)
    trace[0] = n - covariances @ pieces.trace
    second[0, 1:] = pieces.first - _weighted(covariances, pieces.second)
    second[1:, 0] = second[0, 1:].transpose(0, 2, 1)
    second[0, 0] = first[0] - _weighted(covariances, second[0, 1:])
    traces[0, 1:] = traces[1:, 0] = pieces.trace - covariances @ pieces.traces
    traces[0, 0] = trace[0] - covariances @ traces[0, 1:]
    return first, second, trace, traces


def curvature_at(products: _Products, theta: Floats, n: int, *, reml: bool, sigma2: float | None = None) -> Curvature:
    r"""Differentiate the deviance by the variances, then by theta and the residual standard deviation.

    Parameters
    ----------
    products : OneInterceptProducts or CrossedProducts
        Cross-products.
    theta : ndarray
        Relative covariance factors.
    n : int
        Rows.
    reml : bool
        Restricted likelihood.
    sigma2 : float, optional
        Residual variance; the best one at `theta` by default.

    Returns
    -------
    Curvature
        Deviance and derivatives.

    Notes
    -----
    With :math:`P = V^{-1} - V^{-1}X\Phi X'V^{-1}` the derivatives of the REML deviance by variances are
    :math:`\mathrm{tr}(PV_r) - y'PV_rPy` and :math:`2y'PV_rPV_sPy - \mathrm{tr}(PV_rPV_s)`; for ML the traces are those
    of :math:`V^{-1}`.
    """
    pieces = products.pieces(theta)
    beta, inverse, rest, fixed_det = _fixed(pieces.gram)
    p = beta.size
    df = n - p * reml
    sigma2 = rest / df if sigma2 is None else sigma2
    covariances, slope, bend = covariance_map(products, theta)
    whole = np.concatenate([[1.0], covariances])
    first, second, trace, traces = _with_residual(pieces, covariances, n)
    residual = np.concatenate([-beta, [1.0]])
    pulls = first @ residual
    scores = pulls @ residual
    spread = inverse @ first[:, :p, :p]
    expected = _expected(inverse, spread, second[:, :, :p, :p], traces)
    quadratic = (second @ residual) @ residual - pulls[:, :p] @ inverse @ pulls[:, :p].T
    centre = trace - np.trace(spread, axis1=1, axis2=2) if reml else trace
    by_variance = centre / sigma2 - scores / sigma2**2
    bent = 2 * quadratic / sigma2**3 - (expected if reml else traces) / sigma2**2
    sigma, k = np.sqrt(sigma2), theta.size
    jacobian = np.zeros((k + 1, k + 1))
    jacobian[1:, :k] = sigma2 * slope
    jacobian[:, k] = 2 * sigma * whole
    hessian = jacobian.T @ bent @ jacobian
    hessian[:k, :k] += sigma2 * _weighted(by_variance[1:], bend)
    mixed = 2 * sigma * (by_variance[1:] @ slope)
    hessian[:k, k] += mixed
    hessian[k, :k] += mixed
    hessian[k, k] += 2 * by_variance @ whole
    return Curvature(
        beta=beta,
        inverse=sigma2 * inverse,
        sigma2=sigma2,
        deviance=df * float(np.log(2 * np.pi * sigma2)) + rest / sigma2 + pieces.log_det + reml * fixed_det,
        gradient=by_variance @ jacobian,
        hessian=hessian,
        expected=expected / sigma2**2,
        first=first[:, :p, :p] / sigma2**2,
        second=second[:, :, :p, :p] / sigma2**3,
        jacobian=jacobian,
    )


def _direction(curvature: Curvature) -> tuple[Floats, float, Floats]:
    """Return the Newton step in theta with the residual profiled out, its decrement, and where the deviance bends down.

    The last is zero unless the deviance is flat and falls to both sides.
    """
    h, k = curvature.hessian, curvature.gradient.size - 1
    profile = h[:k, :k] - np.outer(h[:k, k], h[k, :k]) / h[k, k]
    values, vectors = (profile[0], np.ones((1, 1))) if k == 1 else np.linalg.eigh((profile + profile.T) / 2)
    bound = np.maximum(np.abs(values), 1e-8 * max(float(np.abs(values).max()), 1e-8))
    turned = vectors.T @ curvature.gradient[:k]
    step = -vectors @ (turned / bound)
    decrement = float(turned @ (turned / bound))
    saddle = decrement < 1e-8 and values[0] < -1e-6 * max(float(values[-1]), 1.0)
    return step, decrement, 0.3 * vectors[:, 0] * saddle


def minimise(products: _Products, n: int, *, reml: bool) -> Minimum:
    """Find the smallest deviance by Newton steps with exact derivatives, halved where they overshoot.

    Parameters
    ----------
    products : OneInterceptProducts or CrossedProducts
        Cross-products of orthonormal fixed columns and the outcome.
    n : int
        Rows.
    reml : bool
        Restricted likelihood; False for maximum likelihood.

    Returns
    -------
    Minimum
        Where the search ended.

    Notes
    -----
    Variances are squares of the parameters, so zero is inside of the space; where the search comes to a zero from
    which the deviance falls, it is pushed off.
    """
    if isinstance(products, OneInterceptProducts):
        settled = one_intercept_minimum(products, n, reml=reml)
        if settled is not None:
            place, curvature, steps = settled
            return Minimum(theta=np.array([place]), curvature=curvature, steps=steps, converged=True)
    theta = products.start()
    diagonal = np.array([row == column for shape in products.patterns for row, column in shape.cells])
    best = curvature_at(products, theta, n, reml=reml)
    for count in range(1, _STEPS + 1):
        step, decrement, away = _direction(best)
        if decrement < _ENOUGH and not away.any():
            if decrement > _NOTHING:
                theta = theta + step
                best = curvature_at(products, theta, n, reml=reml)
            return Minimum(theta=_upright(products, theta), curvature=best, steps=count, converged=True)
        moved = _halved(products, theta, step + away, diagonal, best.deviance, n, reml=reml)
        if moved is None:
            done = decrement < 1e-6 and not away.any()
            return Minimum(theta=_upright(products, theta), curvature=best, steps=count, converged=done)
        theta, best = moved
    return Minimum(theta=_upright(products, theta), curvature=best, steps=_STEPS, converged=False)


def _halved(
    products: _Products,
    theta: Floats,
    step: Floats,
    diagonal: NDArray[np.bool_],
    deviance: float,
    n: int,
    *,
    reml: bool,
) -> tuple[Floats, Curvature] | None:
    """Shorten the step until the deviance falls; standard deviations come to zero by tenths, never jump over it.

    Zero is a stationary point of every deviance, by symmetry: a step that lands there by chance would stay.
    """
    limit = 2.0 * max(1.0, float(np.abs(theta).max()))
    scale = min(1.0, limit / max(float(np.abs(step).max()), 1e-300))
    held = diagonal & (np.abs(theta) > _NEAR_ZERO)
    for attempt in range(40):
        trial = theta + scale * step
        trial = np.where(held & (trial * np.sign(theta) < 0.1 * np.abs(theta)), 0.1 * theta, trial)
        if attempt == 0:
            new = curvature_at(products, trial, n, reml=reml)
            if new.deviance < deviance + 1e-11 * abs(deviance):
                return trial, new
        elif _deviance(products, trial, n, reml=reml) < deviance:
            return trial, curvature_at(products, trial, n, reml=reml)
        scale /= 2
    return None


def _upright(products: _Products, theta: Floats) -> Floats:
    """Turn columns of the factors so that their diagonal is not negative; the covariance stays."""
    made, at = theta.copy(), 0
    for shape in products.patterns:
        for column in range(shape.size):
            mine = [at + i for i, cell in enumerate(shape.cells) if cell[1] == column]
            if made[mine[0]] < 0:
                made[mine] *= -1
        at += len(shape.cells)
    return made
