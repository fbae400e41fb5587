"""Path models by least squares, one equation at a time, with the covariance of all coefficients together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.mediation_system import Effect, PathSystem, gradients, values
from feedbackstudy.errors import DataError, choices

__all__ = ["Covariance", "DeltaEffects", "PathFit", "delta", "fit_paths", "joint_significance"]

type Floats = NDArray[np.float64]
type Covariance = Literal["ols", "ml", "HC3", "CR1"]

_COLLINEAR = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathFit:
    """Coefficients of every equation.

    Attributes
    ----------
    theta : ndarray of shape (size,)
        All coefficients, equation after equation.
    covariance : ndarray of shape (size, size)
        Their covariance.
    df : ndarray of shape (size,)
        Degrees of freedom of each coefficient's t test; infinite where the reference is normal.
    sigma : ndarray of shape (equations,)
        Residual standard deviations (n minus predictors in the denominator).
    r2 : ndarray of shape (equations,)
        Explained share of each response.
    residuals : ndarray of shape (n, equations)
        Residuals.
    n : int
        Rows.
    vcov : str
        Which covariance.
    """

    theta: Floats
    covariance: Floats
    df: Floats
    sigma: Floats
    r2: Floats
    residuals: Floats
    n: int
    vcov: str

    @property
    def se(self) -> Floats:
        """Standard errors of the coefficients."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def p(self) -> Floats:
        """Two-sided p of every coefficient: t, or normal where `df` is infinite."""
        z = np.abs(self.theta / self.se)
        finite = np.where(np.isinf(self.df), 1.0, self.df)
        return np.where(np.isinf(self.df), 2 * special.ndtr(-z), 2 * special.stdtr(finite, -z))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeltaEffects:
    """Effects with standard errors by the delta method.

    Attributes
    ----------
    estimate, se, z, p, low, high : ndarray of shape (effects,)
        Normal theory; t where an effect is one coefficient and the covariance is that of least squares.
    """

    estimate: Floats
    se: Floats
    z: Floats
    p: Floats
    low: Floats
    high: Floats


def fit_paths(
    system: PathSystem,
    *,
    vcov: Covariance = "ols",
    together: Sequence[int] = (),
    cluster: NDArray[np.int64] | None = None,
) -> PathFit:
    r"""Fit every equation by least squares.

    Parameters
    ----------
    system : PathSystem
        Columns and equations.
    vcov : {"ols", "ml", "HC3", "CR1"}
        Least squares (n minus predictors), maximum likelihood (n, as lavaan), heteroscedasticity-consistent, or
        cluster-robust.
    together : sequence of int, optional
        Equations whose residuals may be correlated: parallel mediators of the same person; without, residuals of
        different equations are independent, as lavaan takes them unless told otherwise. Robust covariances allow it
        everywhere.
    cluster : ndarray of int, shape (n,), optional
        Cluster of each row, for ``"CR1"``.

    Returns
    -------
    PathFit
        Coefficients and their joint covariance.

    Raises
    ------
    DataError
        For collinear predictors (named), too few rows, or an equation without residual variance.

    Notes
    -----
    Covariance of two equations: :math:`s_{jk} (X_j'X_j)^{-1} X_j'X_k (X_k'X_k)^{-1}`. HC3: outer products of
    :math:`(X'X)^{-1} x_i e_i / (1 - h_i)` over all equations; CR1: the same without leverage, summed within clusters,
    times :math:`G/(G-1) \cdot (n-1)/(n-p)`.
    """
    if vcov not in ("ols", "ml", "HC3", "CR1"):
        raise DataError(choices("Covariance", vcov, ("ols", "ml", "HC3", "CR1")))
    parts = [_regress(system, k) for k in range(len(system.equations))]
    theta = np.concatenate([part.beta for part in parts])
    df = np.concatenate([np.full(part.beta.size, float(system.n - part.beta.size)) for part in parts])
    residuals = np.column_stack([part.residual for part in parts])
    covariance = (
        _robust(system, parts, vcov, cluster) if vcov in ("HC3", "CR1") else _model(system, parts, vcov, together)
    )
    if vcov == "CR1" and cluster is not None:
        df = np.full(theta.size, float(np.unique(cluster).size - 1))
    responses = system.matrix[:, [e.response for e in system.equations]]
    spread = ((responses - responses.mean(axis=0)) ** 2).sum(axis=0)
    squares = (residuals**2).sum(axis=0)
    rest = np.array([system.n - part.beta.size for part in parts], dtype=np.float64)
    return PathFit(
        theta=theta,
        covariance=covariance,
        df=np.full(theta.size, np.inf) if vcov == "ml" else df,
        sigma=np.sqrt(squares / rest),
        r2=1 - squares / spread,
        residuals=residuals,
        n=system.n,
        vcov=vcov,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Regression:
    beta: Floats
    inverse: Floats
    root: Floats
    residual: Floats


def _regress(system: PathSystem, k: int) -> _Regression:
    equation = system.equations[k]
    x, y = system.matrix[:, list(equation.predictors)], system.matrix[:, equation.response]
    scale = np.sqrt((x**2).sum(axis=0))
    names = [system.columns[j] for j in equation.predictors]
    response = system.columns[equation.response]
    if system.n <= len(names):
        raise DataError(
            f"The equation of {response!r} has {len(names)} coefficients for {system.n} rows; give more rows or fewer "
            "predictors."
        )
    scale[scale == 0] = 1.0
    q, r = np.linalg.qr(x / scale)
    weak = np.flatnonzero(np.abs(np.diag(r)) < _COLLINEAR * 10**3)
    if weak.size:
        raise DataError(
            f"In the equation of {response!r}, {names[int(weak[0])]!r} is a sum of multiples of the columns before it "
            f"({', '.join(names[: int(weak[0])])}): leave one of them out."
        )
    inner = np.linalg.inv(r) / scale[:, None]
    beta = inner @ (q.T @ y)
    residual = y - x @ beta
    if not (residual**2).sum() > _COLLINEAR**2 * max((y**2).sum(), 1e-300):
        raise DataError(f"{response!r} is explained without any residual by {', '.join(names)}: no error is left.")
    return _Regression(beta=beta, inverse=inner @ inner.T, root=x @ inner, residual=residual)


def _model(system: PathSystem, parts: Sequence[_Regression], vcov: str, together: Sequence[int]) -> Floats:
    found = np.zeros((system.size, system.size))
    for j, one in enumerate(parts):
        for k, other in enumerate(parts[: j + 1]):
            if j != k and not (j in together and k in together):
                continue
            rest = system.n if vcov == "ml" else system.n - max(one.beta.size, other.beta.size)
            shared = float(one.residual @ other.residual) / rest
            if j == k:
                found[system.block(j), system.block(j)] = shared * one.inverse
                continue
            x = system.matrix
            cross = x[:, list(system.equations[j].predictors)].T @ x[:, list(system.equations[k].predictors)]
            found[system.block(j), system.block(k)] = shared * one.inverse @ cross @ other.inverse
            found[system.block(k), system.block(j)] = found[system.block(j), system.block(k)].T
    return found


def _robust(system: PathSystem, parts: Sequence[_Regression], vcov: str, cluster: NDArray[np.int64] | None) -> Floats:
    pulls = []
    for k, part in enumerate(parts):
        x = system.matrix[:, list(system.equations[k].predictors)]
        leverage = (part.root**2).sum(axis=1)
        rest = np.sqrt((system.n - 1) / (system.n - part.beta.size))
        weight = part.residual / (1 - leverage) if vcov == "HC3" else part.residual * rest
        pulls.append((x @ part.inverse) * weight[:, None])
    pull = np.concatenate(pulls, axis=1)
    if vcov == "HC3":
        return np.asarray(pull.T @ pull)
    if cluster is None:
        raise DataError("Cluster-robust standard errors (CR1) need the cluster of each row.")
    _, code = np.unique(cluster, return_inverse=True)
    groups = int(code.max()) + 1
    if groups < 2:
        raise DataError("Cluster-robust standard errors need at least two clusters; the data hold one.")
    sums = np.zeros((groups, pull.shape[1]))
    np.add.at(sums, code, pull)
    return np.asarray(sums.T @ sums * (groups / (groups - 1)))


def delta(effects: Sequence[Effect], fit: PathFit, *, level: float = 0.95) -> DeltaEffects:
    r"""Return effects with normal-theory standard errors (Sobel's first order, generalised).

    Parameters
    ----------
    effects : sequence of Effect
        The effects.
    fit : PathFit
        Coefficients with covariance.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    DeltaEffects
        :math:`\sqrt{g'Vg}` with exact gradients g; t for single coefficients where the covariance is least squares'.
    """
    estimate = values(effects, fit.theta)
    slopes = gradients(effects, fit.theta)
    se = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", slopes, fit.covariance, slopes), 0.0))
    df = np.array([_df(effect, fit) for effect in effects])
    with np.errstate(divide="ignore", invalid="ignore"):
        z = estimate / se
    finite = np.where(np.isinf(df), 1.0, df)
    p = np.where(np.isinf(df), 2 * special.ndtr(-np.abs(z)), 2 * special.stdtr(finite, -np.abs(z)))
    bound = np.where(np.isinf(df), special.ndtri((1 + level) / 2), special.stdtrit(finite, (1 + level) / 2))
    return DeltaEffects(estimate=estimate, se=se, z=z, p=p, low=estimate - bound * se, high=estimate + bound * se)


def _df(effect: Effect, fit: PathFit) -> float:
    legs = effect.single
    return float(fit.df[np.flatnonzero(legs[0])].min()) if len(legs) == 1 and legs[0].any() else float("inf")


def joint_significance(effect: Effect, fit: PathFit) -> float | None:
    """Return the largest p of an effect's legs: the effect is called significant where all of them are.

    Parameters
    ----------
    effect : Effect
        One product of legs.
    fit : PathFit
        Coefficients with covariance.

    Returns
    -------
    float or None
        The p of the weakest leg (MacKinnon et al., 2002); None for a sum of several products.
    """
    legs = effect.single
    if len(legs) < 2:
        return None
    steps = [Effect(name="leg", kind="a", terms=(type(effect.terms[0])(1.0, (leg,)),)) for leg in legs]
    return float(delta(steps, fit).p.max())
