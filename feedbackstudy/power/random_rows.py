"""Batched rows with random intercepts: REML of crossed or nested groupings, in every replicate at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.power.cross_products import Products, Repeated
from feedbackstudy.power.rows import Fits
from feedbackstudy.power.variance_ratios import At, Held, Rotated, maximised

__all__ = ["joint_p", "random_fit", "random_joint"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Flags = NDArray[np.bool_]

_START = 0.1
_NOTHING = 1e-8  # a ratio of variances that is zero
_RANK = 1e-9  # eigenvalues of Z'MZ that are zero, relative to the largest


def random_fit(
    y: Floats,
    x: Floats,
    weights: Floats,
    groups: Sequence[Ints],
    *,
    ratio: Floats | None = None,
    assigned: bool = False,
    repeated: Repeated | None = None,
) -> tuple[Fits, Floats]:
    r"""Fit a linear model with random intercepts in every replicate.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Outcome; NaN where there is none.
    x : ndarray of shape (replicates, n, p)
        Design; a column that is 0 throughout, such as an empty cell, may have no weight.
    weights : ndarray of shape (p,)
        Weights over the coefficients.
    groups : sequence of ndarray of shape (n,)
        Group of each row from 0, one array for each random intercept, the one with most groups first; -1 where the
        row belongs to none.
    ratio : ndarray of shape (replicates, groupings), optional
        Ratios of variances that are taken as they are, instead of their REML estimates.
    assigned : bool, default False
        Whether the contrast varies between the groups of the last grouping, in which all others are nested, and not
        within them. Where its variance is 0, the contrast is then tested against the mean square between these groups,
        as `analyse` does.
    repeated : Repeated, optional
        What a run of fits has in common, computed once.

    Returns
    -------
    Fits, ndarray of shape (replicates, groupings)
        REML estimates, variances bounded at 0, with Satterthwaite's degrees of freedom; and the ratios of the
        variances to the residual one.

    Notes
    -----
    With M the projection off X, :math:`S = Z'MZ`, :math:`r = Z'My`, :math:`t = y'My` and ratios of variances
    :math:`D`, the profile deviance is :math:`\log|I + DS| + df \log\{t - r'D(I + SD)^{-1}r\}`. With
    :math:`A = S(I + DS)^{-1}`, :math:`b = (I + SD)^{-1}r` its gradient is :math:`\mathrm{tr} A_{ii} - df |b_i|^2/rss`
    and the Hessian :math:`-\|A_{ij}\|^2 + 2 df\, b_i'A_{ij}b_j/rss - df |b_i|^2|b_j|^2/rss^2`. The variance of a
    contrast is :math:`l'Cl`, :math:`C = (X'V^{-1}X)^{-1}`, with derivatives :math:`|Z_i'V^{-1}XCl|^2`.
    """
    made = Products.of(y, x, groups, repeated)
    fitted, ratio = _fitted(made, y, weights != 0, ratio=ratio, assigned=assigned, repeated=repeated)
    return fitted.contrast(weights), ratio


def random_joint(
    y: Floats,
    x: Floats,
    weights: Floats,
    groups: Sequence[Ints],
    *,
    ratio: Floats | None = None,
    assigned: bool = False,
) -> tuple[Floats, Floats]:
    r"""Test several contrasts at once in a linear model with random intercepts, in every replicate.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Outcome; NaN where there is none.
    x : ndarray of shape (replicates, n, p)
        Design.
    weights : ndarray of shape (k, p)
        Weights over the coefficients, one row for each contrast.
    groups : sequence of ndarray of shape (n,)
        As for `random_fit`.
    ratio : ndarray of shape (replicates, groupings), optional
        As for `random_fit`.
    assigned : bool, default False
        As for `random_fit`.

    Returns
    -------
    ndarray of shape (replicates,), ndarray of shape (replicates, groupings)
        p values, NaN where the fit failed; and the ratios of variances.

    Notes
    -----
    F as in lmerTest: :math:`LCL'` is rotated to uncorrelated contrasts with degrees of freedom :math:`\nu_m`; the
    statistic is the mean of their squared t, on :math:`2E/(E - k)` degrees of freedom,
    :math:`E = \sum_{\nu_m > 2} \nu_m/(\nu_m - 2)`.
    """
    made = Products.of(y, x, groups)
    fitted, ratio = _fitted(made, y, weights.any(axis=0), ratio=ratio, assigned=assigned)
    return joint_p(fitted.covariance, weights, fitted.contrast), ratio


def joint_p(covariance: Floats, weights: Floats, contrast: Callable[[Floats], Fits]) -> Floats:
    """Return the p value of Satterthwaite's F test of several contrasts.

    Parameters
    ----------
    covariance : ndarray of shape (replicates, p, p)
        Of the coefficients, up to a factor.
    weights : ndarray of shape (k, p)
        The contrasts.
    contrast : callable
        Weights of shape (replicates, p) -> fits.

    Returns
    -------
    ndarray of shape (replicates,)
        NaN where a fit failed.
    """
    spread, turn = np.linalg.eigh(np.einsum("kp,rpq,lq->rkl", weights, covariance, weights))
    kept = spread > 1e-9 * spread[:, -1:]
    fits = [contrast(turn[:, :, m] @ weights) for m in range(len(weights))]
    with np.errstate(invalid="ignore", divide="ignore"):
        t2 = np.stack([(fit.estimate / fit.se) ** 2 for fit in fits], axis=1)
        df = np.stack([fit.df for fit in fits], axis=1)
        rank = kept.sum(axis=1)
        f = np.where(kept, t2, 0.0).sum(axis=1) / rank
        e = np.where(kept & (df > 2), df / (df - 2), 0.0).sum(axis=1)
        lower = np.where(e > rank, 2 * e / (e - rank), 2.0)
        same = np.where(kept, np.abs(df - df[:, -1:]), 0.0).max(axis=1) < 1e-8 * df[:, -1]
        return np.asarray(special.fdtrc(rank, np.where(same, df[:, -1], lower), f))


def _fitted(
    made: Products, y: Floats, used: Flags, *, ratio: Floats | None, assigned: bool, repeated: Repeated | None = None
) -> tuple["_Fitted", Floats]:
    """Find the ratios of variances, where they are not given, and what all contrasts need."""
    kept = repeated.kept if repeated is not None else None
    base = kept if isinstance(kept, _Projected) and kept.zx is made.zx else _Projected.of(made, used)
    r = made.zy - np.einsum("rqp,rp->rq", base.turned, made.xy)
    t = made.yy - np.einsum("rp,rpq,rq->r", made.xy, base.inverse, made.xy)
    free = np.where(base.singular, 1.0, base.df)
    lost, error = np.zeros(len(y), dtype=bool), _Error.none(len(y))
    if ratio is not None and not assigned:
        base = base.held(made, ratio)
        if repeated is not None:
            repeated.kept = base
        if base.given is None or base.weighed is None:
            raise TypeError("held at no ratios")
        at = base.given.at(r, t, free)
        return _Fitted.of(made, base.weighed, df=base.df, at=at, failed=base.singular, error=error), ratio
    problem = Rotated.of(base.s, r, t, free, made.part)
    if ratio is None:
        ratio, lost = maximised(problem, np.full((len(y), int(made.part[-1]) + 1), _START))
    if assigned:
        error = _Error.between(problem, base.s, r, ratio, held=~base.singular & (ratio[:, -1] < _NOTHING))
        lost = lost | ~error.there  # clusters and conditions cannot be told apart
    failed = base.singular | lost
    weighed = _Weighed.of(made, ratio, base.xx, failed)
    return _Fitted.of(made, weighed, df=base.df, at=problem.at(ratio), failed=failed, error=error), ratio


@dataclass(frozen=True, slots=True, eq=False)
class _Projected:
    """What a design makes of any outcome: its projection, and the same at ratios of variances that are known."""

    zx: Floats
    xx: Floats
    df: Floats
    singular: Flags
    inverse: Floats
    turned: Floats
    s: Floats
    given: Held | None = None
    weighed: "_Weighed | None" = None

    @classmethod
    def of(cls, made: Products, used: Flags) -> "_Projected":
        p = made.xx.shape[1]
        empty = np.einsum("rpp->rp", made.xx) <= 1e-12
        xx = made.xx + np.eye(p) * empty[:, None]
        df = made.rows - p + empty.sum(axis=1)
        singular = _dependent(xx) | (df < 1) | (empty & used).any(axis=1)
        inverse = np.linalg.inv(np.where(singular[:, None, None], np.eye(p), xx))
        turned = made.zx @ inverse
        s = made.zz - turned @ np.swapaxes(made.zx, 1, 2)
        return cls(made.zx, xx, np.where(singular, np.nan, df), singular, inverse, turned, s)

    def held(self, made: Products, ratio: Floats) -> "_Projected":
        """Return the same at known ratios; itself where it is held at these already."""
        if self.given is not None and self.given.ratio is ratio:
            return self
        weighed = _Weighed.of(made, ratio, self.xx, self.singular)
        return replace(self, given=Held.of(self.s, made.part, ratio), weighed=weighed)


@dataclass(frozen=True, slots=True, eq=False)
class _Weighed:
    """A design weighted by ratios of variances: what coefficients of any outcome need."""

    ratio: Floats
    d: Floats
    inside: Floats
    lifted: Floats
    covariance: Floats

    @classmethod
    def of(cls, made: Products, ratio: Floats, xx: Floats, failed: Flags) -> "_Weighed":
        d = ratio[:, made.part]
        inside = np.linalg.inv(np.eye(len(made.part)) + made.zz * d[:, None, :])
        lifted = inside @ made.zx  # Z'V^{-1}X
        information = np.where(
            failed[:, None, None], np.eye(xx.shape[1]), xx - (np.swapaxes(made.zx, 1, 2) * d[:, None]) @ lifted
        )
        return cls(ratio, d, inside, lifted, np.linalg.inv(information))


def _dependent(xx: Floats) -> Flags:
    scale = np.sqrt(np.einsum("rpp->rp", xx))
    return np.asarray(np.linalg.eigvalsh(xx / scale[:, :, None] / scale[:, None, :])[:, 0] < 1e-10)


@dataclass(frozen=True, slots=True, eq=False)
class _Error:
    """Mean square between groups with its degrees of freedom, in the replicates that are tested against it."""

    held: Flags
    there: Flags
    square: Floats
    df: Floats

    @classmethod
    def none(cls, reps: int) -> "_Error":
        return cls(np.zeros(reps, dtype=bool), np.ones(reps, dtype=bool), np.ones(reps), np.ones(reps))

    @classmethod
    def between(cls, problem: Rotated, s: Floats, r: Floats, ratio: Floats, held: Flags) -> "_Error":
        """Return :math:`r'S^{-}r` over the rank of S, of the last grouping, the others' variances taken as they are."""
        values, seen = problem.values, problem.first
        if problem.m > 1:
            part = np.concatenate([np.zeros(values.shape[1], dtype=np.int64), problem.part])
            last = part == problem.m - 1
            moved = np.eye(s.shape[1]) + s * np.where(last, 0.0, ratio[:, part])[:, None, :]
            solved = np.linalg.solve(moved, np.concatenate([s, r[..., None]], axis=2))[:, last]
            outer = solved[..., :-1][..., last]
            values, vectors = np.linalg.eigh((outer + np.swapaxes(outer, 1, 2)) / 2)
            seen = np.einsum("rqk,rq->rk", vectors, solved[..., -1])
        used = values > np.maximum(_RANK * values[:, -1:], _RANK)
        df = used.sum(axis=1)
        held = held & (df > 0)
        total = np.where(used, seen**2 / np.where(used, values, 1.0), 0.0).sum(axis=1)
        return cls(held, df > 0, np.where(held, total / np.maximum(df, 1), 1.0), np.where(held, df, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """Coefficients at the estimated ratios of variances, and what degrees of freedom need."""

    made: Products
    weighed: _Weighed
    df: Floats
    at: At
    failed: Flags
    beta: Floats
    error: _Error

    @classmethod
    def of(cls, made: Products, weighed: _Weighed, *, df: Floats, at: At, failed: Flags, error: _Error) -> "_Fitted":
        seen = np.einsum("rqk,rk->rq", weighed.inside, made.zy)
        pulled = made.xy - np.einsum("rqp,rq->rp", made.zx, weighed.d * seen)
        beta = np.einsum("rpq,rq->rp", weighed.covariance, pulled)
        return cls(made, weighed, np.where(failed, 1.0, df), at, failed, beta, error)

    @property
    def covariance(self) -> Floats:
        """Of the coefficients, up to the residual variance."""
        return self.weighed.covariance

    def contrast(self, weights: Floats) -> Fits:
        """Return a contrast; `weights` may differ between replicates."""
        rows = np.broadcast_to(weights, self.beta.shape)
        s2 = self.at.rss / self.df
        aim = np.einsum("rpq,rq->rp", self.covariance, rows)
        spread = np.einsum("rp,rp->r", rows, aim)
        ratio = self.weighed.ratio
        m = ratio.shape[1]
        pull = np.einsum("rqp,rp->rq", self.weighed.lifted, aim) ** 2 @ np.eye(m)[self.made.part]
        found = _satterthwaite(self.at, ratio, s2=s2, df=self.df, spread=spread, pull=pull)
        found = np.where(self.error.held, self.error.df, found)
        variance = np.where(self.error.held, self.error.square, s2) * spread
        bad = self.failed | ~(variance > 0)
        estimate = np.einsum("rp,rp->r", self.beta, rows)
        sigma = np.sqrt(s2 * (1 + ratio.sum(axis=1)))
        hidden = [np.where(bad, np.nan, v) for v in (estimate, np.sqrt(np.maximum(variance, 0)), found, sigma)]
        return Fits(estimate=hidden[0], se=hidden[1], df=hidden[2], sigma=hidden[3], n=self.made.rows)


def _satterthwaite(at: At, ratio: Floats, *, s2: Floats, df: Floats, spread: Floats, pull: Floats) -> Floats:
    """Return degrees of freedom: variance components at 0 are taken as known, as in lmerTest."""
    m = ratio.shape[1]
    free = ratio > 0
    # Hessian of the deviance in the ratios and the residual variance, the latter not profiled out.
    inner = -at.norm + 2 * at.bent / s2[:, None, None]
    hessian = np.zeros((len(s2), m + 1, m + 1))
    hessian[:, :m, :m] = np.where(free[:, :, None] & free[:, None, :], inner, np.eye(m))
    hessian[:, :m, m] = hessian[:, m, :m] = np.where(free, at.square / s2[:, None] ** 2, 0.0)
    hessian[:, m, m] = -df / s2**2 + 2 * at.rss / s2**3
    slope = np.concatenate([np.where(free, s2[:, None] * pull, 0.0), spread[:, None]], axis=1)
    proper = np.linalg.eigvalsh(hessian)[:, 0] > 0
    solved = np.linalg.solve(np.where(proper[:, None, None], hessian, np.eye(m + 1)), slope[..., None])[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (s2 * spread) ** 2 / np.einsum("ri,ri->r", slope, solved)
    return np.where(proper & np.isfinite(found), found, df)
