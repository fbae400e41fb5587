"""Scores at several waves by REML: one mean before treatment, a mean of each arm afterwards, any covariance."""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.kenward_roger import KenwardRoger
from feedbackstudy.analysis.frequentist.reml import MixedFit
from feedbackstudy.analysis.wave_design import wave_cells, wave_columns
from feedbackstudy.errors import DataError

__all__ = ["WaveCurvature", "WavesFit", "constrained_waves"]

type Floats = NDArray[np.float64]

_STEPS = 200
_CHANGE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaveCurvature:
    r"""What small-sample tests need of the likelihood at its maximum.

    Attributes
    ----------
    inverse : ndarray, shape (p, p)
        :math:`\Phi = (X'V^{-1}X)^{-1}`.
    expected : ndarray, shape (k, k)
        :math:`\mathrm{tr}(PV_rPV_s)`: twice the expected information of the covariances.
    first : ndarray, shape (k, p, p)
        :math:`X'V^{-1}V_rV^{-1}X`.
    second : ndarray, shape (k, k, p, p)
        :math:`X'V^{-1}V_rV^{-1}V_sV^{-1}X`.
    """

    inverse: Floats
    expected: Floats
    first: Floats
    second: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WavesFit:
    """A fit to several waves.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients: means of cells, then slopes of covariates at each wave.
    sigma : ndarray, shape (waves, waves)
        Covariance of the waves within people.
    log_likelihood : float
        Restricted, as nlme's: with the determinant of X'X left out.
    curvature : WaveCurvature
        At the maximum.
    observed : ndarray, shape (p, p)
        Covariance of the coefficients from the observed information of coefficients and covariances together.
    n, people : int
        Answers and people that enter.
    converged : bool
        Whether the search settled.
    reml : bool
        Always true.
    scale : float
        One: variances are in the outcome's units.
    basis : ndarray, shape (p, p)
        The coefficients themselves.
    """

    beta: Floats
    sigma: Floats
    log_likelihood: float
    curvature: WaveCurvature
    observed: Floats
    n: int
    people: int
    converged: bool
    reml: bool = True
    scale: float = 1.0
    basis: Floats

    @property
    def covariance(self) -> Floats:
        """Covariance of the coefficients, the covariances taken as known."""
        return self.curvature.inverse


def constrained_waves(
    Y: ArrayLike, arm: ArrayLike, arms: int, *, covariates: ArrayLike | None = None
) -> tuple[WavesFit, CellFit]:
    r"""Fit the constrained longitudinal model.

    Parameters
    ----------
    Y : array_like, shape (n, waves)
        Scores, the first wave before treatment; NaN where somebody did not answer.
    arm : array_like of int, shape (n,)
        Arm of each person.
    arms : int
        Arms.
    covariates : array_like, shape (n, q), optional
        Complete and centred.

    Returns
    -------
    tuple of (WavesFit, CellFit)
        The fit, and its cells: the common mean before treatment, then the arms' means wave after wave. Standard errors
        and degrees of freedom of contrasts by Kenward and Roger.

    Raises
    ------
    DataError
        For a wave or an arm at a wave without answers, fewer than two waves, or answers that do not determine the
        covariance.

    Notes
    -----
    Randomised arms share their expectation before treatment, so the first score is an outcome with one mean instead of
    a covariate (Liang and Zeger, 2000; Lu, 2010): people with any answer enter, and the difference at a later wave is
    adjusted for the first. Unstructured covariance by Fisher scoring of the restricted likelihood, in all rows that
    are there; consistent where answers are missing at random given earlier ones. Then coefficients and covariances
    inform each other, so that the covariance of the means is that of the observed information of both (Kenward and
    Molenberghs, 1998), with the small-sample adjustment of Kenward and Roger (1997) added.
    """
    scores, group = np.asarray(Y, dtype=np.float64), np.asarray(arm, dtype=np.int64)
    q = np.empty((len(scores), 0)) if covariates is None else np.asarray(covariates, dtype=np.float64)
    _refuse(scores, group, arms)
    seen = ~np.isnan(scores)
    kept = seen.any(axis=1)
    X = wave_columns(group, arms, scores.shape[1], q.reshape(len(scores), -1))[kept]
    fit = _search(np.where(seen, scores, 0.0)[kept], seen[kept], X)
    return fit, _cells(fit, group[kept], seen[kept], arms)


def _refuse(scores: Floats, arm: NDArray[np.int64], arms: int) -> None:
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise DataError(f"Give scores of at least two waves, one column each; given shape {scores.shape}.")
    if np.isinf(scores).any():
        raise DataError("A score is infinite; mend the table.")
    for t in range(scores.shape[1]):
        known = np.bincount(arm[~np.isnan(scores[:, t])], minlength=arms)
        if t and (known < 2).any():
            raise DataError(
                f"{int((known < 2).sum())} arm(s) have fewer than two answers at wave {t + 1}: everybody there has "
                "dropped out, and their mean cannot be estimated. Leave the arm or the wave out."
            )
        if not known.sum() or np.nanstd(scores[:, t]) == 0:
            raise DataError(f"Wave {t + 1} holds no answer, or the same answer of everybody.")


def _search(y: Floats, seen: NDArray[np.bool_], X: Floats) -> WavesFit:
    waves = y.shape[1]
    rows, columns = np.tril_indices(waves)
    basis = np.zeros((rows.size, waves, waves))
    basis[np.arange(rows.size), rows, columns] = basis[np.arange(rows.size), columns, rows] = 1.0
    X = X * seen[:, :, None]
    sigma = np.diag([np.var(y[seen[:, t], t]) for t in range(waves)])
    current = _at(y, seen, X, sigma, basis)
    converged = False
    for _ in range(_STEPS):
        step = np.linalg.solve(current.expected, current.score)
        sigma, current, gain = _stepped(y, seen, X, sigma, basis, current, step)
        if np.abs(step).max() < _CHANGE * np.abs(sigma).max() or gain == 0.0:
            converged = bool(np.abs(step).max() < 1e-6 * np.abs(sigma).max())
            break
    curvature = WaveCurvature(
        inverse=current.inverse, expected=current.expected, first=current.first, second=_second(seen, X, sigma, basis)
    )
    return WavesFit(
        beta=current.beta,
        sigma=sigma,
        log_likelihood=current.value,
        curvature=curvature,
        observed=_observed(y, seen, X, sigma, basis, current),
        n=int(seen.sum()),
        people=len(y),
        converged=converged,
        basis=np.eye(X.shape[2]),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Point:
    value: float
    beta: Floats
    inverse: Floats
    score: Floats
    expected: Floats
    first: Floats


def _stepped(
    y: Floats, seen: NDArray[np.bool_], X: Floats, sigma: Floats, basis: Floats, at: _Point, step: Floats
) -> tuple[Floats, _Point, float]:
    """Go along a step, halved until the covariance is positive definite and the likelihood no smaller."""
    size = 1.0
    for _ in range(40):
        moved = sigma + size * np.tensordot(step, basis, 1)
        if np.linalg.eigvalsh(moved)[0] > 1e-10 * np.trace(moved):
            found = _at(y, seen, X, moved, basis)
            if found.value >= at.value - 1e-12 * abs(at.value):
                return moved, found, found.value - at.value
        size /= 2
    return sigma, at, 0.0


def _inverses(seen: NDArray[np.bool_], sigma: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return each row's pattern, and the zero-padded inverse and log determinant of every pattern."""
    masks, which = np.unique(seen, axis=0, return_inverse=True)
    W, logs = np.zeros((len(masks), *sigma.shape)), np.zeros(len(masks))
    for k, mask in enumerate(masks):
        at = np.ix_(mask, mask)
        W[k][at] = np.linalg.inv(sigma[at])
        logs[k] = np.linalg.slogdet(sigma[at])[1]
    return which.ravel().astype(np.int64), W, logs


def _at(y: Floats, seen: NDArray[np.bool_], X: Floats, sigma: Floats, basis: Floats) -> _Point:
    which, W, logs = _inverses(seen, sigma)
    weighted = W[which]
    WX = weighted @ X
    gram = np.einsum("ntp,ntq->pq", X, WX)
    try:
        inverse = np.linalg.inv(gram)
    except np.linalg.LinAlgError as fault:
        raise DataError("A covariate is a combination of the others, or constant within the people here.") from fault
    beta = inverse @ np.einsum("ntp,nt->p", WX, y)
    left = (y - X @ beta) * seen
    pulled = np.einsum("nst,nt->ns", weighted, left)
    counts = np.bincount(which, minlength=len(W)).astype(np.float64)
    WE = W[:, None] @ basis
    first = np.einsum("nsp,kst,ntq->kpq", WX, basis, WX, optimize=True)
    traces = counts @ np.einsum("akss->ak", WE)
    square = np.einsum("ns,kst,nt->k", pulled, basis, pulled, optimize=True)
    inner = np.einsum("pq,kqr->kpr", inverse, first)
    score = square - traces + np.einsum("kpp->k", inner)
    double = _double(X, W, which, basis)
    expected = (
        np.einsum("a,akst,alts->kl", counts, WE, WE, optimize=True)
        - 2 * np.einsum("pq,klqp->kl", inverse, double)
        + np.einsum("kpq,lqp->kl", inner, inner)
    )
    p = X.shape[2]
    value = -0.5 * (
        counts @ logs
        + np.linalg.slogdet(gram)[1]
        + float(np.einsum("ns,ns->", left, pulled))
        + (seen.sum() - p) * np.log(2 * np.pi)
    )
    return _Point(value=float(value), beta=beta, inverse=inverse, score=score, expected=expected, first=first)


def _double(X: Floats, W: Floats, which: NDArray[np.int64], basis: Floats) -> Floats:
    r"""Return :math:`X'V^{-1}V_rV^{-1}V_sV^{-1}X`, pattern by pattern."""
    found = np.zeros((len(basis), len(basis), X.shape[2], X.shape[2]))
    for k in range(len(W)):
        rows = X[which == k]
        products = np.einsum("nsp,ntq->stpq", rows, rows)
        inside = np.einsum("ab,rbc,cd,sde,ef->rsaf", W[k], basis, W[k], basis, W[k], optimize=True)
        found += np.einsum("rsaf,afpq->rspq", inside, products, optimize=True)
    return found


def _observed(y: Floats, seen: NDArray[np.bool_], X: Floats, sigma: Floats, basis: Floats, at: _Point) -> Floats:
    """Return the covariance of the coefficients, covariances not taken as known.

    Under missingness at random the information is not block-diagonal (Kenward and Molenberghs, 1998).
    """
    which, W, _ = _inverses(seen, sigma)
    weighted = W[which]
    pulled = np.einsum("nst,nt->ns", weighted, (y - X @ at.beta) * seen)
    moved = np.einsum("kst,nt->kns", basis, pulled)
    carried = np.einsum("nst,knt->kns", weighted, moved)
    cross = np.einsum("ntp,knt->kp", X, carried)
    quadratic = np.einsum("kns,lns->kl", moved, carried) - cross @ at.inverse @ cross.T
    information = quadratic - at.expected / 2
    if np.linalg.eigvalsh(information)[0] <= 0:
        information = at.expected / 2
    return np.asarray(np.linalg.inv(np.linalg.inv(at.inverse) - cross.T @ np.linalg.solve(information, cross)))


def _second(seen: NDArray[np.bool_], X: Floats, sigma: Floats, basis: Floats) -> Floats:
    which, W, _ = _inverses(seen, sigma)
    return _double(X, W, which, basis)


def _cells(fit: WavesFit, arm: NDArray[np.int64], seen: NDArray[np.bool_], arms: int) -> CellFit:
    waves = seen.shape[1]
    cells = 1 + arms * (waves - 1)
    counts = np.zeros(cells, dtype=np.int64)
    np.add.at(counts, wave_cells(arms, waves)[arm], seen.astype(np.int64))
    tests = KenwardRoger(cast(MixedFit, fit))

    def widened(rows: Floats) -> Floats:
        at = np.atleast_2d(rows)
        return np.hstack([at, np.zeros((len(at), fit.beta.size - cells))])

    later = np.sqrt(np.mean(np.diag(fit.sigma)[1:]))
    return CellFit(
        means=fit.beta[:cells],
        covariance=(tests.covariance + fit.observed - fit.covariance)[:cells, :cells],
        df=lambda row: tests.df(widened(row)[0]),
        counts=counts,
        scale="response",
        sd=float(later),
        n=fit.people,
        model=f"constrained longitudinal model ({waves} waves, common mean before treatment, unstructured covariance, "
        "REML); observed information, standard errors and degrees of freedom by Kenward and Roger",
        failures=() if fit.converged else ("The search for the covariance did not converge.",),
        joint_df=lambda rows: tests.joint_df(widened(rows)),
        joint_scale=lambda rows: tests.joint_scale(widened(rows)),
    )
