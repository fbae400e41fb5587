"""One common factor by maximum likelihood: one matrix or thousands at once, with expected and robust covariance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError

__all__ = ["OneFactor", "one_factor", "one_factor_batch"]

type Floats = NDArray[np.float64]

_FISHER = 40
_NEWTON = 30
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class OneFactor:
    """A one-factor solution in the metric of the items.

    Attributes
    ----------
    loadings : ndarray of shape (n_items,)
        Loadings on a factor of unit variance; their sum is positive.
    uniquenesses : ndarray of shape (n_items,)
        Unique variances; negative ones are left as estimated.
    expected : ndarray of shape (2 n_items, 2 n_items)
        Covariance of (loadings, uniquenesses) from the expected information.
    robust : ndarray or None
        Sandwich covariance (observed information, casewise scores); None where no rows were given.
    discrepancy : float
        Minimum of the likelihood discrepancy; times n it is the chi-square.
    converged : bool
        Whether the gradient vanished.
    """

    loadings: Floats
    uniquenesses: Floats
    expected: Floats
    robust: Floats | None
    discrepancy: float
    converged: bool


def one_factor(S: Floats, *, n: int, rows: Floats | None = None) -> OneFactor:
    r"""Fit :math:`\Sigma = \lambda\lambda^\top + \Psi` by maximum likelihood.

    Parameters
    ----------
    S : ndarray of shape (n_items, n_items)
        Covariance matrix with divisor n.
    n : int
        People it rests on.
    rows : ndarray of shape (n, n_items), optional
        Complete answers, for the robust covariance.

    Returns
    -------
    OneFactor
        Estimates and their covariances.

    Raises
    ------
    DataError
        With fewer than three items, where the model is not identified.

    Notes
    -----
    Fisher scoring, then Newton steps on analytic derivatives of
    :math:`F = \log|\Sigma| + \mathrm{tr}(S\Sigma^{-1}) - \log|S| - p` (Jöreskog 1969). The robust covariance is
    :math:`H^{-1} J H^{-1} / n` with the observed information and casewise scores (Yuan & Bentler 2000).
    """
    if len(S) < 3:
        raise DataError(f"{len(S)} items given; a one-factor model is identified with three or more.")
    sd = np.sqrt(np.diag(S))
    loadings, unique, converged = one_factor_batch((S / np.outer(sd, sd))[None])
    lam, psi = loadings[0] * sd, unique[0] * sd**2
    information, _, B = _curvature(S[None], lam[None], psi[None])
    with np.errstate(divide="ignore", invalid="ignore"):
        sign, logdet = np.linalg.slogdet(np.outer(lam, lam) + np.diag(psi))
        F = float(logdet + np.trace(B[0] @ S) - np.linalg.slogdet(S)[1] - len(S)) if sign > 0 else float("nan")
    return OneFactor(
        loadings=lam,
        uniquenesses=psi,
        expected=np.linalg.pinv(information[0]) / n,
        robust=None if rows is None else _sandwich(S, lam, psi, rows),
        discrepancy=max(F, 0.0),
        converged=bool(converged[0]),
    )


def one_factor_batch(R: Floats, start: Floats | None = None) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Fit one factor to many matrices at once.

    Parameters
    ----------
    R : ndarray of shape (batch, n_items, n_items)
        Covariance or correlation matrices of items in like units.
    start : ndarray of shape (n_items,), optional
        Loadings to start from, for matrices that lie near a known solution.

    Returns
    -------
    tuple of ndarray
        Loadings (batch, n_items), uniquenesses (batch, n_items), and whether each fit converged.
    """
    variance = np.einsum("bii->bi", R)
    lam = _first_axis(R) if start is None else np.broadcast_to(start, variance.shape).copy()
    psi = np.maximum(variance - lam**2, 0.2 * variance)
    done = np.zeros(len(R), dtype=bool)
    for newton, limit in ((False, _FISHER if start is None else 2), (True, _NEWTON)):
        for _ in range(limit):
            at = np.flatnonzero(~done)
            if not len(at):
                break
            step = _step(R[at], lam[at], psi[at], newton=newton)
            k = lam.shape[1]
            lam[at] += step[:, :k]
            psi[at] = _keep_off_zero(psi[at], step[:, k:], variance[at])
            size = np.abs(step).max(axis=1)
            done[at[size < _CLOSE]] = True
            if not newton and (size < 1e-3).all():
                break
    flip = np.where(lam.sum(axis=1) < 0, -1.0, 1.0)
    return lam * flip[:, None], psi, done


def _first_axis(R: Floats) -> Floats:
    roots, vectors = np.linalg.eigh(R)
    return np.asarray(vectors[:, :, -1] * np.sqrt(np.maximum(roots[:, -1:] * 0.6, 0.1)))


def _keep_off_zero(psi: Floats, step: Floats, variance: Floats) -> Floats:
    # A uniqueness may go negative (a Heywood case is shown, not hidden), but zero itself is a pole on the way.
    moved = psi + step
    floor = 1e-4 * variance
    return np.where(np.abs(moved) < floor, np.copysign(floor, moved), np.maximum(moved, -2.0 * variance))


def _derivatives(S: Floats, lam: Floats, psi: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    u = lam / psi
    denominator = 1.0 + np.sum(lam * u, axis=1)
    B = -u[:, :, None] * u[:, None, :] / denominator[:, None, None]
    k = lam.shape[1]
    B[:, np.arange(k), np.arange(k)] += 1.0 / psi
    C = B @ S @ B
    G = B - C
    gradient = np.concatenate([np.einsum("bij,bj->bi", G, lam), np.einsum("bii->bi", G) / 2.0], axis=1)
    return B, C, G, gradient


def _curvature(S: Floats, lam: Floats, psi: Floats) -> tuple[Floats, Floats, Floats]:
    """Return expected information, observed Hessian and inverse model matrix of half the discrepancy."""
    B, C, G, _ = _derivatives(S, lam, psi)
    k = lam.shape[1]
    b, cb = np.einsum("bij,bj->bi", B, lam), np.einsum("bij,bj->bi", C, lam)
    c, e = np.sum(lam * b, axis=1)[:, None, None], np.sum(lam * cb, axis=1)[:, None, None]
    bb, bc = b[:, :, None] * b[:, None, :], b[:, :, None] * cb[:, None, :]
    expected = np.empty((len(lam), 2 * k, 2 * k))
    observed = np.empty_like(expected)
    expected[:, :k, :k] = bb + c * B
    expected[:, :k, k:] = B * b[:, None, :]
    expected[:, k:, k:] = B * B / 2.0
    observed[:, :k, :k] = bc + bc.transpose(0, 2, 1) + c * C + e * B - expected[:, :k, :k] + G
    observed[:, :k, k:] = C * b[:, None, :] + B * cb[:, None, :] - expected[:, :k, k:]
    observed[:, k:, k:] = C * B - expected[:, k:, k:]
    for block in (expected, observed):
        block[:, k:, :k] = block[:, :k, k:].transpose(0, 2, 1)
    return expected, observed, B


def _step(S: Floats, lam: Floats, psi: Floats, *, newton: bool) -> Floats:
    gradient = _derivatives(S, lam, psi)[3]
    expected, observed, _ = _curvature(S, lam, psi)
    curvature = observed if newton else expected
    # A ridge at rounding level keeps a degenerate matrix solvable; it does not move the optimum.
    k = curvature.shape[1]
    ridge = 1e-12 * np.abs(np.einsum("bii->bi", curvature)).max(axis=1)
    curvature[:, np.arange(k), np.arange(k)] += ridge[:, None]
    step = -np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
    largest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, 0.5 / np.maximum(largest, 1e-300)))


def _sandwich(S: Floats, lam: Floats, psi: Floats, rows: Floats) -> Floats:
    _, observed, B = _curvature(S[None], lam[None], psi[None])
    centred = rows - rows.mean(axis=0)
    u = centred @ B[0]
    b = B[0] @ lam
    scores = np.hstack([u * (u @ lam)[:, None] - b, (u * u - np.diag(B[0])) / 2.0])
    inverse = np.linalg.pinv(observed[0])
    return np.asarray(inverse @ (scores.T @ scores) @ inverse / len(rows) ** 2)
