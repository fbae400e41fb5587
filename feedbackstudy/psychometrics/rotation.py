"""Rotation of factor loadings by gradient projection from many random starts at once."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from feedbackstudy.errors import InputError, choices

__all__ = ["ROTATIONS", "Rotation", "align", "congruence", "rotate"]

type Floats = NDArray[np.float64]
type Criterion = Callable[[Floats], tuple[Floats, Floats]]

_STEPS = 1000
_CLOSE = 1e-7  # largest allowed norm of the projected gradient, as a share of the squared loadings
_SAME = 1e-6  # criterion values nearer than this count as the same optimum
_GEOMIN = 0.01
_PROMAX_POWER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A rotated solution.

    Attributes
    ----------
    method : str
        Name of the rotation.
    loadings : ndarray of shape (n_items, n_factors)
        Pattern, sorted by explained variance, each factor's sum of loadings positive.
    phi : ndarray of shape (n_factors, n_factors)
        Factor correlations; the identity for an orthogonal rotation.
    criterion : float
        Value of the rotation criterion at the solution; NaN for promax, which has none.
    starts : int
        Starting positions tried.
    hits : int
        Starts that reached the best value.
    optima : int
        Distinct optima found.
    kaiser : bool
        Whether rows were brought to unit length during rotation.
    converged : bool
        Whether the best start's projected gradient vanished.
    """

    method: str
    loadings: Floats
    phi: Floats
    criterion: float
    starts: int
    hits: int
    optima: int
    kaiser: bool
    converged: bool


def _oblimin(L: Floats) -> tuple[Floats, Floats]:
    squares = L * L
    others = squares.sum(axis=2, keepdims=True) - squares
    return (squares * others).sum(axis=(1, 2)) / 4.0, L * others


def _varimax(L: Floats) -> tuple[Floats, Floats]:
    squares = L * L
    centred = squares - squares.mean(axis=1, keepdims=True)
    return -(centred**2).sum(axis=(1, 2)) / 4.0, -L * centred


def _geomin(L: Floats) -> tuple[Floats, Floats]:
    k = L.shape[2]
    squares = L * L + _GEOMIN
    product = np.exp(np.log(squares).sum(axis=2) / k)
    return product.sum(axis=1), 2.0 / k * L / squares * product[:, :, None]


def _bifactor(L: Floats) -> tuple[Floats, Floats]:
    group = L[:, :, 1:]
    value, gradient = _oblimin(group)
    return value, np.concatenate([np.zeros_like(L[:, :, :1]), gradient], axis=2)


@dataclass(frozen=True, slots=True)
class _Method:
    criterion: Criterion
    oblique: bool


ROTATIONS = MappingProxyType(
    {
        "none": "no rotation",
        "varimax": "orthogonal; variance of squared loadings (Kaiser 1958)",
        "promax": "oblique; varimax loadings to the power four as target (Hendrickson & White 1964)",
        "oblimin": "oblique; direct quartimin (Jennrich & Sampson 1966)",
        "geomin": "oblique; geometric mean of squared loadings, epsilon .01 (Yates 1987)",
        "bifactor": "orthogonal; one general factor, quartimin among the others (Jennrich & Bentler 2011)",
    }
)

_METHODS = {
    "varimax": _Method(_varimax, oblique=False),
    "oblimin": _Method(_oblimin, oblique=True),
    "geomin": _Method(_geomin, oblique=True),
    "bifactor": _Method(_bifactor, oblique=False),
}


def rotate(loadings: Floats, method: str, *, kaiser: bool = True, starts: int = 30, seed: int = 1) -> Rotation:
    r"""Rotate loadings towards simple structure.

    Parameters
    ----------
    loadings : ndarray of shape (n_items, n_factors)
        Unrotated loadings.
    method : {"none", "varimax", "promax", "oblimin", "geomin", "bifactor"}
        Rotation.
    kaiser : bool, default True
        Whether each item is brought to unit communality during rotation (Kaiser 1958), so that items weigh alike.
    starts : int, default 30
        Starting positions: the unrotated axes, then random ones. The best criterion value wins.
    seed : int, default 1
        Seed of the random starts.

    Returns
    -------
    Rotation
        Loadings sorted and signed, factor correlations, and how often the best optimum was found.

    Raises
    ------
    InputError
        For an unknown rotation.

    Notes
    -----
    Gradient projection of Jennrich (2001, 2002), all starts in step. Orthogonal :math:`L = A T`, oblique
    :math:`L = A T^{-\top}` with unit columns of :math:`T` and :math:`\Phi = T^\top T`.
    """
    if method not in ROTATIONS:
        raise InputError(choices("Rotation", method, ROTATIONS))
    m = loadings.shape[1]
    if method == "none" or m == 1:
        return _finish(method, loadings, np.eye(m), scores=np.zeros(1), kaiser=False, converged=True)
    length = np.sqrt((loadings**2).sum(axis=1, keepdims=True)) if kaiser else np.ones((len(loadings), 1))
    A = loadings / np.where(length > 0, length, 1.0)
    if method == "promax":
        base, values, converged = _best(A, _METHODS["varimax"], starts, seed)
        rotated, phi = _promax(A @ base)
        return _finish(method, rotated * length, phi, scores=values, kaiser=kaiser, converged=converged)
    T, values, converged = _best(A, _METHODS[method], starts, seed)
    rotated = A @ np.linalg.inv(T).T if _METHODS[method].oblique else A @ T
    phi = T.T @ T if _METHODS[method].oblique else np.eye(m)
    return _finish(method, rotated * length, phi, scores=values, kaiser=kaiser, converged=converged)


def _best(A: Floats, method: _Method, starts: int, seed: int) -> tuple[Floats, Floats, bool]:
    m = A.shape[1]
    rng = np.random.default_rng(seed)
    T = np.concatenate([np.eye(m)[None], np.linalg.qr(rng.standard_normal((max(starts, 1) - 1, m, m)))[0]])
    T, values, slopes = _project(A, T, method)
    best = int(np.argmin(values))
    return T[best], values, bool(slopes[best] < _CLOSE)


def _project(A: Floats, T: Floats, method: _Method) -> tuple[Floats, Floats, Floats]:
    """Run gradient projection for a stack of starts; a start that stands still leaves the batch."""
    scale = float((A**2).sum())
    size = np.ones(len(T))
    value, gradient = _evaluate(A, T, method)
    slope = np.full(len(T), np.inf)
    active = np.arange(len(T))
    for _ in range(_STEPS):
        direction = _tangent(T[active], gradient[active], oblique=method.oblique)
        norm = np.sqrt((direction**2).sum(axis=(1, 2)))
        slope[active] = norm / scale
        keep = slope[active] > _CLOSE
        active, direction, norm = active[keep], direction[keep], norm[keep]
        if not len(active):
            break
        size[active] *= 2.0
        moved, f, g, step = _search(A, T[active], value[active], direction, norm, size[active], method)
        T[active], value[active], gradient[active], size[active] = moved, f, g, step
    return T, value, slope


def _evaluate(A: Floats, T: Floats, method: _Method) -> tuple[Floats, Floats]:
    """Return the criterion and its gradient by T."""
    if not method.oblique:
        value, by_loading = method.criterion(A @ T)
        return value, A.T @ by_loading
    inverse = np.linalg.inv(T)
    L = A @ inverse.transpose(0, 2, 1)
    value, by_loading = method.criterion(L)
    return value, -(L.transpose(0, 2, 1) @ by_loading @ inverse).transpose(0, 2, 1)


def _tangent(T: Floats, G: Floats, *, oblique: bool) -> Floats:
    if oblique:
        return np.asarray(G - T * (T * G).sum(axis=1, keepdims=True))
    inner = T.transpose(0, 2, 1) @ G
    return np.asarray(G - T @ (inner + inner.transpose(0, 2, 1)) / 2.0)


def _retract(X: Floats, *, oblique: bool) -> Floats:
    if oblique:
        return np.asarray(X / np.sqrt((X**2).sum(axis=1, keepdims=True)))
    U, _, V = np.linalg.svd(X)
    return np.asarray(U @ V)


def _search(
    A: Floats, T: Floats, value: Floats, direction: Floats, norm: Floats, size: Floats, method: _Method
) -> tuple[Floats, Floats, Floats, Floats]:
    """Halve each start's step until its criterion falls enough (Armijo)."""
    moved = _retract(T - size[:, None, None] * direction, oblique=method.oblique)
    f, g = _evaluate(A, moved, method)
    for _ in range(40):
        short = np.flatnonzero(~(f <= value - 0.5 * norm**2 * size))
        if not len(short):
            break
        size[short] /= 2.0
        moved[short] = _retract(T[short] - size[short, None, None] * direction[short], oblique=method.oblique)
        f[short], g[short] = _evaluate(A, moved[short], method)
    return moved, f, g, size


def _promax(L: Floats) -> tuple[Floats, Floats]:
    target = L * np.abs(L) ** (_PROMAX_POWER - 1)
    U = np.linalg.lstsq(L, target)[0]
    U = U * np.sqrt(np.diag(np.linalg.inv(U.T @ U)))
    inverse = np.linalg.inv(U)
    return L @ U, np.asarray(inverse @ inverse.T)


def _finish(method: str, L: Floats, phi: Floats, *, scores: Floats, kaiser: bool, converged: bool) -> Rotation:
    general = method == "bifactor"
    weight = np.diag(phi @ L.T @ L)
    order = np.argsort(-weight, kind="stable")
    if general:
        order = np.concatenate([[0], order[order != 0]])
    sign = np.where(L.sum(axis=0) < 0, -1.0, 1.0)[order]
    best = float(scores.min())
    near = np.abs(scores - best) <= _SAME * max(1.0, abs(best))
    return Rotation(
        method=method,
        loadings=L[:, order] * sign,
        phi=phi[np.ix_(order, order)] * np.outer(sign, sign),
        criterion=float("nan") if method in {"none", "promax"} else best,
        starts=len(scores),
        hits=int(near.sum()),
        optima=len(np.unique(np.round(scores / max(1.0, abs(best)) / _SAME / 10.0))),
        kaiser=kaiser,
        converged=converged,
    )


def congruence(first: Floats, second: Floats) -> Floats:
    r"""Return Tucker's congruence of every pair of factors.

    Parameters
    ----------
    first, second : ndarray of shape (n_items, n_factors)
        Loadings of the same items.

    Returns
    -------
    ndarray of shape (n_factors of first, n_factors of second)
        :math:`\sum_j a_j b_j / \sqrt{\sum_j a_j^2 \sum_j b_j^2}` (Tucker 1951).
    """
    lengths = np.outer(np.sqrt((first**2).sum(axis=0)), np.sqrt((second**2).sum(axis=0)))
    return np.asarray(first.T @ second / lengths)


def align(loadings: Floats, phi: Floats, *, to: Floats) -> tuple[Floats, Floats, Floats]:
    """Order and sign factors so that they resemble given ones as much as possible.

    Parameters
    ----------
    loadings : ndarray of shape (n_items, n_factors)
        Loadings to align.
    phi : ndarray of shape (n_factors, n_factors)
        Their factor correlations.
    to : ndarray of shape (n_items, n_factors)
        Loadings to resemble, such as published ones.

    Returns
    -------
    tuple of ndarray
        Aligned loadings, aligned correlations, and the congruence of each factor with its counterpart.

    Raises
    ------
    InputError
        Where the two have different shapes.
    """
    if loadings.shape != to.shape:
        raise InputError(
            f"Loadings of shape {loadings.shape} cannot be aligned to shape {to.shape}; match items and factors."
        )
    similarity = congruence(loadings, to)
    rows, columns = linear_sum_assignment(-np.abs(similarity))
    order = rows[np.argsort(columns)]
    sign = np.where(similarity[order, np.arange(len(order))] < 0, -1.0, 1.0)
    matched = np.abs(similarity[order, np.arange(len(order))])
    return loadings[:, order] * sign, phi[np.ix_(order, order)] * np.outer(sign, sign), matched
