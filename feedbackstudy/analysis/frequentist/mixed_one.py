"""Where the search for the variance of one random intercept begins: close to its end, found by scalars."""

import numpy as np

from feedbackstudy.analysis.frequentist.mixed_pieces import OneInterceptProducts, whitening
from feedbackstudy.analysis.frequentist.mixed_structure import Floats

__all__ = ["one_intercept_start"]


def one_intercept_start(products: OneInterceptProducts, n: int, *, reml: bool) -> Floats:
    r"""Take two steps towards the minimum of the deviance with the residual variance profiled out.

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
    ndarray, shape (1,)
        Relative standard deviation, as a rule at the minimum to rounding; the guarded search of
        `mixed_likelihood.minimise` goes on from there and is the one that judges. The start by moments where the
        deviance bends down, or a step would take most of it.

    Notes
    -----
    The first step is Newton's; the second is the zero of the cubic that has, as a function of the slope, both places
    and both reciprocal second derivatives (Hermite), of order 1 + root 3 without a further pass over the data.
    """
    theta = products.start()
    here = float(theta[0])
    slope, bend = _slopes(products, theta, n, reml=reml)
    if not _safe(here, slope / bend if bend > 0 else here):
        return theta
    there = here - slope / bend
    slope2, bend2 = _slopes(products, np.array([there]), n, reml=reml)
    if not (bend2 > 0 and _safe(there, slope2 / bend2)):
        return np.array([there])
    change = slope2 - slope
    if change == 0:
        return np.array([there])
    at = -slope / change
    cubic = here + at * at * (3 - 2 * at) * (there - here)
    cubic += change * at * (1 - at) * ((1 - at) / bend - at / bend2)
    return np.array([cubic if abs(cubic - there) <= 2 * abs(slope2 / bend2) else there - slope2 / bend2])


def _safe(theta: float, step: float) -> bool:
    return abs(step) <= 0.7 * theta


def _slopes(products: OneInterceptProducts, theta: Floats, n: int, *, reml: bool) -> tuple[float, float]:
    """Return the first two derivatives of the profiled deviance by the relative standard deviation.

    The forms of `mixed_pieces.forms_of` for a single covariance, over y'Py, in scalars.
    """
    pieces = products.pieces(theta)
    white = whitening(pieces.gram).inverse
    one, two = white @ pieces.stacked @ white.T
    traced, traced2, edge = one.diagonal().tolist(), two.diagonal().tolist(), one[-1, :-1]
    score, quadratic = traced.pop(), traced2.pop() - float(edge @ edge)
    trace, trace2 = float(pieces.trace[0]), float(pieces.traces[0, 0])
    if reml:
        inner = one[:-1, :-1].ravel()
        trace, trace2 = trace - sum(traced), trace2 - 2 * sum(traced2) + float(inner @ inner)
    df, place = n - (products.m - 1) * reml, float(theta[0])
    first, second = trace - df * score, df * (2 * quadratic - score * score) - trace2
    return 2 * place * first, 2 * first + 4 * place * place * second
