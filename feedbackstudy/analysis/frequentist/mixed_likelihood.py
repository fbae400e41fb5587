"""Deviance of a linear mixed model with its exact gradient and Hessian, and the search for its minimum."""

from dataclasses import dataclass
from math import log, pi

import numpy as np

from feedbackstudy.analysis.frequentist.mixed_one import one_intercept_start
from feedbackstudy.analysis.frequentist.mixed_pieces import Curvature, OneInterceptProducts, forms_of, whitening
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


def _deviance(products: _Products, theta: Floats, n: int, *, reml: bool) -> float:
    log_det, gram = products.value(theta)
    _, fixed_det, rest = whitening(gram)
    df = n - (gram.shape[0] - 1) * reml
    return float(df * (1 + log(2 * pi * rest / df)) + log_det + reml * fixed_det)


def _with_residual(forms: Floats, covariances: Floats) -> tuple[Floats, Floats]:
    r"""Turn forms with one and two factors of :math:`I, V_1, \dots` into those of :math:`V_0, V_1, \dots`.

    :math:`V_0 = I = V - \sum_r\lambda_rV_r`, whatever is inside of the form: the same for every column of `forms`.
    """
    turn = np.eye(len(forms))
    turn[0, 1:] = -covariances
    once = (turn @ forms.reshape(len(forms), -1)).reshape(forms.shape)
    return once[:, 0], turn @ once


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
    at = forms_of(pieces)
    p, k = at.beta.size, theta.size
    df = n - p * reml
    sigma2 = at.rest / df if sigma2 is None else sigma2
    covariances, slope, bend = covariance_map(products, theta)
    forms = np.empty((k + 1, k + 1, p * p + 3))
    forms[0, 0, :-3], forms[0, 0, -3:] = pieces.gram[:p, :p].reshape(-1), (at.rest, n - p, n)
    flat, one, two = pieces.stacked[:, :p, :p].reshape(-1, p * p), forms[0, 1:], forms[1:, 1:]
    one[:, :-3], one[:, -3], one[:, -2], one[:, -1] = flat[:k], at.scores, at.centre, pieces.trace
    forms[1:, 0] = one
    two[..., :-3] = flat[k:].reshape(k, k, -1)
    two[..., -3], two[..., -2], two[..., -1] = at.quadratic, at.expected, pieces.traces
    first, second = _with_residual(forms, covariances)
    scores, quadratic, expected = first[:, -3], second[..., -3], second[..., -2]
    by_variance = first[:, -2 if reml else -1] / sigma2 - scores / sigma2**2
    bent = 2 * quadratic / sigma2**3 - second[..., -2 if reml else -1] / sigma2**2
    sigma = sigma2**0.5
    jacobian = np.zeros((k + 1, k + 1))
    jacobian[1:, :k] = sigma2 * slope
    jacobian[0, k] = 2 * sigma
    jacobian[1:, k] = 2 * sigma * covariances
    hessian = jacobian.T @ bent @ jacobian
    hessian[:k, :k] += sigma2 * (by_variance[1:] @ bend.reshape(k, -1)).reshape(k, k)
    mixed = 2 * sigma * (by_variance[1:] @ slope)
    hessian[:k, k] += mixed
    hessian[k, :k] += mixed
    hessian[k, k] += 2 * (by_variance[0] + by_variance[1:] @ covariances)
    return Curvature(
        beta=at.beta,
        inverse=sigma2 * at.inverse,
        sigma2=sigma2,
        deviance=df * log(2 * pi * sigma2) + at.rest / sigma2 + pieces.log_det + reml * at.fixed_det,
        gradient=by_variance @ jacobian,
        hessian=hessian,
        expected=expected / sigma2**2,
        first=first[:, :-3].reshape(k + 1, p, p) / sigma2**2,
        second=second[..., :-3].reshape(k + 1, k + 1, p, p) / sigma2**3,
        jacobian=jacobian,
    )


def _direction(curvature: Curvature) -> tuple[Floats, float, Floats]:
    """Return the Newton step in theta with the residual profiled out, its decrement, and where the deviance bends down.

    The last is zero unless the deviance is flat and falls to both sides.
    """
    h, k = curvature.hessian, curvature.gradient.size - 1
    profile = h[:k, :k] - h[:k, k, None] * h[k, :k] / h[k, k]
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
        theta = one_intercept_start(products, n, reml=reml)
    else:
        theta = products.start()
    best = curvature_at(products, theta, n, reml=reml)
    for count in range(1, _STEPS + 1):
        step, decrement, away = _direction(best)
        if decrement < _ENOUGH and not away.any():
            if decrement > _NOTHING:
                theta = theta + step
                best = curvature_at(products, theta, n, reml=reml)
            return Minimum(theta=_upright(products, theta), curvature=best, steps=count, converged=True)
        moved = _halved(products, theta, step + away, best.deviance, n, reml=reml)
        if moved is None:
            done = decrement < 1e-6 and not away.any()
            return Minimum(theta=_upright(products, theta), curvature=best, steps=count, converged=done)
        theta, best = moved
    return Minimum(theta=_upright(products, theta), curvature=best, steps=_STEPS, converged=False)


def _halved(
    products: _Products,
    theta: Floats,
    step: Floats,
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
    diagonal = np.array([row == column for shape in products.patterns for row, column in shape.cells])
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
    if (theta >= 0).all():
        return theta
    made, at = theta.copy(), 0
    for shape in products.patterns:
        for column in range(shape.size):
            mine = [at + i for i, cell in enumerate(shape.cells) if cell[1] == column]
            if made[mine[0]] < 0:
                made[mine] *= -1
        at += len(shape.cells)
    return made
