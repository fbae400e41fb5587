"""Covariances of least-squares coefficients that let the error variance differ: HC0 to HC4, and Welch's per cell."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError

__all__ = ["Heteroscedastic", "PerCell", "heteroscedastic", "per_cell"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]
type Heteroscedastic = Literal["HC0", "HC1", "HC2", "HC3", "HC4"]

_FULL = 1 - 1e-9


def heteroscedastic(
    X: Floats, residuals: Floats, inverse: Floats, kind: Heteroscedastic, *, weights: Floats | None = None
) -> Floats:
    r"""Return a heteroscedasticity-consistent covariance.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Design.
    residuals : ndarray, shape (n,)
        Residuals of the fit.
    inverse : ndarray, shape (p, p)
        Inverse of the (weighted) cross-products of X.
    kind : {"HC0", "HC1", "HC2", "HC3", "HC4"}
        The correction.
    weights : ndarray, shape (n,), optional
        Weights of the fit.

    Returns
    -------
    ndarray, shape (p, p)
        Covariance of the coefficients.

    Raises
    ------
    DataError
        For HC2 to HC4 where one row determines a coefficient alone (a cell of one row).

    Notes
    -----
    :math:`V = B X' \mathrm{diag}(\omega_i) X B` with :math:`\omega_i = e_i^2` (HC0), :math:`e_i^2 n/(n-p)` (HC1),
    :math:`e_i^2/(1-h_i)` (HC2), :math:`e_i^2/(1-h_i)^2` (HC3) and :math:`e_i^2/(1-h_i)^{\min(4, n h_i/p)}` (HC4);
    MacKinnon & White (1985), Journal of Econometrics 29, 305-325; Cribari-Neto (2004), Computational Statistics & Data
    Analysis 45, 215-233.
    """
    n, p = X.shape
    scaled = X if weights is None else X * weights[:, None]
    leverage = np.einsum("ij,jk,ik->i", scaled, inverse, X)
    omega = residuals**2
    if kind == "HC1":
        omega = omega * n / (n - p)
    elif kind != "HC0":
        if (leverage > _FULL).any():
            raise DataError(
                f"{kind} does not exist: row {int(leverage.argmax())} determines a coefficient alone, as in a cell of "
                "one row. Use the classical covariance or HC1, or merge the cell."
            )
        power = {"HC2": 1.0, "HC3": 2.0}.get(kind, np.minimum(4.0, n * leverage / p))
        omega = omega / (1 - leverage) ** power
    half = scaled @ inverse
    return np.asarray((half * omega[:, None]).T @ half, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PerCell:
    """Cell means whose variances differ between cells.

    Attributes
    ----------
    covariance : ndarray, shape (p, p)
        Of the coefficients: cells first, then covariates.
    X, inverse : ndarray
        Design and inverse of its cross-products.
    leverage : ndarray, shape (n,)
        Diagonal of the hat matrix.
    variance : ndarray, shape (n,)
        Estimated error variance of each row: that of its cell.
    counts : ndarray, shape (cells,)
        Rows in each cell.
    """

    covariance: Floats
    X: Floats
    inverse: Floats
    leverage: Floats
    variance: Floats
    counts: Integers

    def df(self, row: Floats) -> float:
        r"""Return the Satterthwaite degrees of freedom of one contrast.

        Parameters
        ----------
        row : ndarray, shape (p,)
            Weights over the coefficients.

        Returns
        -------
        float
            Degrees of freedom; without covariates those of Welch (1947).

        Notes
        -----
        The variance estimate is a quadratic form :math:`y' Q y`, :math:`Q = (I-H) G (I-H)`; its degrees of freedom are
        :math:`(\mathrm{tr}\, Q\Phi)^2 / \mathrm{tr}\, (Q\Phi)^2` with the estimated variances in :math:`\Phi`.
        """
        X, B, phi = self.X, self.inverse, self.variance
        g = (X @ (B @ row)) ** 2 / (1 - self.leverage)
        S = (X * phi[:, None]).T @ X
        r = np.hstack([X, X * phi[:, None]])
        T = np.block([[B @ S @ B, -B], [-B, np.zeros_like(B)]])
        own = np.einsum("ij,jk,ik->i", r, T, r)
        W = (r * g[:, None]).T @ r
        expected = g @ (phi + own)
        spread = (g**2) @ (phi**2 + 2 * phi * own) + np.trace(W @ T @ W @ T)
        return float(expected**2 / spread)

    def johansen(self, rows: Floats) -> tuple[float, float]:
        r"""Return factor and denominator degrees of freedom of the joint test of several contrasts of cell means.

        Parameters
        ----------
        rows : ndarray, shape (q, cells)
            Linearly independent weights over the cells, without covariates in the model.

        Returns
        -------
        tuple of float
            Factor on the Wald statistic over q, and degrees of freedom.

        Notes
        -----
        Johansen (1980), Biometrika 67, 85-92: :math:`F = Q / c`, :math:`c = q + 2A - 6A/(q+2)`, on q and
        :math:`q(q+2)/(3A)` degrees of freedom; for all differences of one factor this is Welch's (1951) test.
        """
        k, q = self.counts.size, len(rows)
        V = self.covariance[:k, :k]
        share = np.diag(V @ rows.T @ np.linalg.solve(rows @ V @ rows.T, rows))
        A = float((share**2 / (self.counts - 1)).sum())
        return q / (q + 2 * A - 6 * A / (q + 2)), q * (q + 2) / (3 * A)


def per_cell(X: Floats, residuals: Floats, inverse: Floats, cell: Integers) -> PerCell:
    r"""Return the covariance of cell means and slopes with a variance of its own for each cell.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Indicators of the cells, then covariates.
    residuals : ndarray, shape (n,)
        Residuals of the fit.
    inverse : ndarray, shape (p, p)
        Inverse of the cross-products of X.
    cell : ndarray of int, shape (n,)
        Cell of each row; every cell holds a row.

    Returns
    -------
    PerCell
        Without covariates :math:`s_c^2 / n_c`; with covariates HC2, which is the same thing there.

    Raises
    ------
    DataError
        For a cell with fewer than two rows, or without any spread.
    """
    counts = np.bincount(cell).astype(np.int64)
    if (counts < 2).any():
        raise DataError(
            f"Welch's variances need two rows in each cell; cell {int(counts.argmin())} holds {int(counts.min())}."
        )
    leverage = np.einsum("ij,jk,ik->i", X, inverse, X)
    variances = np.bincount(cell, residuals**2) / np.bincount(cell, 1 - leverage)
    if not (variances > 0).all():
        raise DataError(f"Cell {int(variances.argmin())} has no spread at all; Welch's variances cannot be used.")
    covariance = heteroscedastic(X, residuals, inverse, "HC2")
    return PerCell(
        covariance=covariance,
        X=X,
        inverse=inverse,
        leverage=leverage,
        variance=variances[cell],
        counts=counts,
    )
