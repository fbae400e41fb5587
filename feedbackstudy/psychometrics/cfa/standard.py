"""Standardised solutions, with delta-method standard errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.inference import Fitted
from feedbackstudy.psychometrics.cfa.structure import GroupStructure

__all__ = ["Standardised", "residual_variances", "standardised"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Standardised:
    """Standardised values of every parameter.

    Attributes
    ----------
    factor : ndarray
        Factors standardised only.
    full : ndarray
        All variables standardised.
    se : ndarray
        Standard errors of `full`; zero where nothing is estimated.
    """

    factor: Floats
    full: Floats
    se: Floats


@dataclass(frozen=True, slots=True)
class _Scales:
    """Variances and residual variances of all variables of a group, with derivatives in the free parameters."""

    total: Floats
    d_total: Floats
    residual: Floats
    d_residual: Floats


def residual_variances(fitted: Fitted, g: int) -> tuple[Floats, Floats]:
    """Return every variable's residual variance and its derivatives in the free parameters.

    Under delta the residual variances of ordinal items are what the scale leaves over.

    Parameters
    ----------
    fitted : Fitted
        The model at its estimates.
    g : int
        Position of the group, 0-based.

    Returns
    -------
    tuple of ndarray
        Variances of shape (v,), observed variables first, and derivatives of shape (v, n_free).
    """
    s = _scales(fitted, g)
    return s.residual, s.d_residual


def _scales(fitted: Fitted, g: int) -> _Scales:
    structure, group = fitted.structure, fitted.structure.groups[g]
    state, x = fitted.states[g].state, fitted.x
    v, q = structure.n_variables, structure.n_free
    A, S = group.active["A"], group.active["S"]
    n_a, n_s = len(A), len(S)
    slope = np.zeros((v, len(group.rows)))
    slope[:, :n_a] = 2.0 * state.E[:, A.i] * state.V[:, A.j]
    slope[:, n_a : n_a + n_s] = 2.0 * state.E[:, S.i] * state.E[:, S.j] * np.where(S.i == S.j, 0.5, 1.0)
    d_total = slope @ group.K
    total = np.diag(state.V).copy()
    residual, d_residual = np.zeros(v), np.zeros((v, q))
    cells = group.all["S"]
    own = cells.i == cells.j
    residual[cells.i[own]] = x[cells.rows[own]]
    d_residual[cells.i[own]] = structure.K[cells.rows[own]]
    if fitted.structure.table.ordinal and structure.table.options.parameterization == "delta":
        p, D = structure.n_items, group.all["D"]
        wanted, d_wanted = np.ones(p), np.zeros((p, q))
        wanted[D.i] = x[D.rows] ** -2.0
        d_wanted[D.i] = -2.0 * x[D.rows, None] ** -3.0 * structure.K[D.rows]
        residual[:p] = residual[:p] + wanted - total[:p]
        d_residual[:p] = d_wanted - d_total[:p] + d_residual[:p]
        total[:p], d_total[:p] = wanted, d_wanted
    return _Scales(total, d_total, residual, d_residual)


def _relative(value: Floats, d_value: Floats, by: Floats, d_by: Floats, power: float) -> tuple[Floats, Floats]:
    """Return ``value * by**power`` and its derivatives."""
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = by**power
        slope = power * value * by ** (power - 1.0)
    return value * scale, d_value * scale[:, None] + slope[:, None] * d_by


def _group(fitted: Fitted, g: int, group: GroupStructure) -> list[tuple[NDArray[np.intp], Floats, Floats, Floats]]:
    """Return rows, factor-standardised values, fully standardised values and their derivatives, kind by kind."""
    s, x, K, p = _scales(fitted, g), fitted.x, fitted.structure.K, fitted.structure.n_items
    out = []

    def scaled(rows: NDArray[np.intp], steps: list[tuple[NDArray[np.intp], float, bool]]) -> None:
        value, slope = x[rows], K[rows]
        factor = value.copy()
        for at, power, whole in steps:
            by, d_by = (s.total[at], s.d_total[at]) if whole else (s.residual[at], s.d_residual[at])
            latent = at >= p
            value, slope = _relative(value, slope, by, d_by, power)
            with np.errstate(invalid="ignore", divide="ignore"):
                factor = np.where(latent, factor * by**power, factor)
        out.append((rows, factor, value, slope))

    A, S, M, T, D = (group.all[name] for name in "ASMTD")
    scaled(A.rows, [(A.j, 0.5, True), (A.i, -0.5, True)])
    own = S.i == S.j
    scaled(S.rows[~own], [(S.i[~own], -0.5, False), (S.j[~own], -0.5, False)])
    scaled(M.rows, [(M.i, -0.5, True)])
    scaled(T.rows, [(T.i, -0.5, True)])
    out.append((D.rows, x[D.rows], x[D.rows], K[D.rows]))
    i = S.i[own]
    value, slope = _relative(s.residual[i], s.d_residual[i], s.total[i], s.d_total[i], -1.0)
    out.append((S.rows[own], np.where(i >= p, value, s.residual[i]), value, slope))
    return out


def standardised(fitted: Fitted, covariance: Floats) -> Standardised:
    """Standardise every parameter.

    Parameters
    ----------
    fitted : Fitted
        The fitted model.
    covariance : ndarray of shape (q, q)
        Covariance of the free parameters.

    Returns
    -------
    Standardised
        Values and standard errors. Covariances become correlations of what is left over after regression, variances
        the share of the total.
    """
    rows = len(fitted.structure.c)
    factor, full, variance = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    for g, group in enumerate(fitted.structure.groups):
        for at, by_factor, value, slope in _group(fitted, g, group):
            factor[at], full[at] = by_factor, value
            variance[at] = np.einsum("ij,jk,ik->i", slope, covariance, slope)
    with np.errstate(invalid="ignore"):
        se = np.sqrt(np.where(variance < 1e-18, 0.0, variance))
    return Standardised(factor, full, se)
