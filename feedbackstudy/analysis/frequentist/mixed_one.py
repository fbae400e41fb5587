"""The minimum of the deviance of a linear mixed model with one random intercept, by scalars in closed form."""

from typing import NamedTuple

import numpy as np

from feedbackstudy.analysis.frequentist.mixed_pieces import Curvature, OneInterceptProducts
from feedbackstudy.analysis.frequentist.mixed_structure import Floats

__all__ = ["one_intercept_minimum"]

_STEPS = 12
_NOTHING = 1e-16  # a last step that wins less would change no digit


class _State(NamedTuple):
    """Cross-products and traces at one relative variance, residual variance one; "between" is of the level variance."""

    gram: Floats
    first: Floats
    second: Floats
    inverse: Floats
    beta: Floats
    rest: float
    score: float
    """y'P V_1 P y"""
    quadratic: float
    """y'P V_1 P V_1 P y"""
    trace: float
    """Of V^-1 V_1."""
    traces: float
    """Of its square."""
    centre: float
    """Of P V_1."""
    expected: float
    """Of its square."""


def one_intercept_minimum(products: OneInterceptProducts, n: int, *, reml: bool) -> tuple[float, Curvature, int] | None:
    r"""Find the minimum by Newton steps on the relative standard deviation, each one pass over the cross-products.

    Parameters
    ----------
    products : OneInterceptProducts
        Cross-products of orthonormal fixed columns and the outcome.
    n : int
        Rows.
    reml : bool
        Restricted likelihood; False for maximum likelihood.

    Returns
    -------
    tuple of (float, Curvature, int), or None
        Relative standard deviation, the derivatives there (those of `mixed_likelihood.curvature_at`) and the steps.
        None where the steps do not settle (a variance at zero, a deviance that bends down): the guarded search of
        `mixed_likelihood.minimise` is for these.

    Notes
    -----
    With :math:`V = I + \lambda V_1` every quadratic form and trace of the residual variance follows from those of
    :math:`V_1`: :math:`P P = P - \lambda P V_1 P`, so that nothing but scalars is left to differentiate.
    """
    theta = float(products.start()[0])
    for steps in range(1, _STEPS + 1):
        at = _state(products, theta**2)
        first, second = _slopes(at, n, reml=reml)
        slope, bend = 2 * theta * first, 2 * first + 4 * theta**2 * second
        if not (bend > 0 and abs(slope) <= 0.7 * bend * theta):
            return None
        if slope * slope < _NOTHING * bend:
            return theta, _curvature(products, at, theta, n, reml=reml), steps
        theta -= slope / bend
    return None


def _state(products: OneInterceptProducts, square: float) -> _State:
    p = products.m - 1
    shrunk = 1 / (1 + products.sizes * square)
    inner = products.sizes * shrunk
    shrunk2 = shrunk * shrunk
    weights = np.array([-square * shrunk, shrunk2, inner * shrunk2])
    stacked = (weights @ products.squares).reshape(3, products.m, products.m)
    stacked[0] += products.gram
    inverse = np.linalg.inv(stacked[0, :p, :p])
    residual = np.empty(p + 1)
    beta = inverse @ stacked[0, :p, p]
    residual[:p] = -beta
    residual[p] = 1.0
    pulled = stacked @ residual
    forms = pulled @ residual
    spread = inverse @ stacked[1, :p, :p]
    trace, traces = float(products.levels @ inner), float(products.levels @ (inner * inner))
    return _State(
        gram=stacked[0],
        first=stacked[1],
        second=stacked[2],
        inverse=inverse,
        beta=beta,
        rest=float(forms[0]),
        score=float(forms[1]),
        quadratic=float(forms[2] - pulled[1, :p] @ inverse @ pulled[1, :p]),
        trace=trace,
        traces=traces,
        centre=trace - float(spread.trace()),
        expected=traces - 2 * float(np.vdot(inverse, stacked[2, :p, :p])) + float(np.vdot(spread, spread.T)),
    )


def _slopes(at: _State, n: int, *, reml: bool) -> tuple[float, float]:
    """Return the first two derivatives of the profiled deviance by the relative variance."""
    df, ratio = n - at.beta.size * reml, at.score / at.rest
    first, second = (at.centre, at.expected) if reml else (at.trace, at.traces)
    return first - df * ratio, df * (2 * at.quadratic / at.rest - ratio * ratio) - second


def _curvature(products: OneInterceptProducts, at: _State, theta: float, n: int, *, reml: bool) -> Curvature:
    p, square = at.beta.size, theta**2
    df = n - p * reml
    sigma2 = at.rest / df
    log_det = float(products.levels @ np.log1p(products.sizes * square))
    log_det += float(np.linalg.slogdet(at.gram[:p, :p])[1]) * reml
    sigma = float(np.sqrt(sigma2))
    scores = np.array([at.rest - square * at.score, at.score])
    quadratic = _both(scores[0], at.score, at.quadratic, square)
    expected = _both(n - p - square * at.centre, at.centre, at.expected, square)
    traces = expected if reml else _both(n - square * at.trace, at.trace, at.traces, square)
    middle = at.centre if reml else at.trace
    centre = np.array([df - square * middle, middle])
    by_variance = centre / sigma2 - scores / sigma2**2
    bent = 2 * quadratic / sigma2**3 - traces / sigma2**2
    jacobian = np.array([[0.0, 2 * sigma], [2 * sigma2 * theta, 2 * sigma * square]])
    mixed = 4 * sigma * theta * by_variance[1]
    last = 2 * (by_variance[0] + square * by_variance[1])
    own = np.array([[2 * sigma2 * by_variance[1], mixed], [mixed, last]])
    first = np.empty((2, p, p))
    first[1] = at.first[:p, :p]
    first[0] = at.gram[:p, :p] - square * first[1]
    second = np.empty((2, 2, p, p))
    second[1, 1] = at.second[:p, :p]
    second[0, 1] = second[1, 0] = first[1] - square * second[1, 1]
    second[0, 0] = first[0] - square * second[0, 1]
    return Curvature(
        beta=at.beta,
        inverse=sigma2 * at.inverse,
        sigma2=sigma2,
        deviance=df * float(np.log(2 * np.pi * sigma2)) + df + log_det,
        gradient=by_variance @ jacobian,
        hessian=jacobian.T @ bent @ jacobian + own,
        expected=expected / sigma2**2,
        first=first / sigma2**2,
        second=second / sigma2**3,
        jacobian=jacobian,
    )


def _both(zero: float, one: float, two: float, square: float) -> Floats:
    """Return the matrix over both variances from the forms of no, one and two factors V_1."""
    mixed = one - square * two
    return np.array([[zero - square * mixed, mixed], [mixed, two]])
