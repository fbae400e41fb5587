"""Cell quantities from several completed tables, pooled by Rubin's rules."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.missing.pooling import Pooled, joint_of, pooled
from feedbackstudy.errors import DataError

__all__ = ["PooledCells", "pooled_cells"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledCells(CellFit):
    """Pooled cell quantities that remember the fits of the completed tables.

    Attributes
    ----------
    fits : tuple of CellFit
        One for each completed table.
    """

    fits: tuple[CellFit, ...]

    def pooled(self, weights: Floats) -> Pooled:
        """Pool one contrast.

        Parameters
        ----------
        weights : ndarray, shape (cells,)
            Weights over the cells.

        Returns
        -------
        Pooled
            With its fraction of missing information.
        """
        return _pooled(self.fits, np.asarray(weights, dtype=np.float64))


def pooled_cells(fits: Sequence[CellFit]) -> PooledCells:
    """Pool the fits of completed tables.

    Parameters
    ----------
    fits : sequence of CellFit
        The same model fitted to each completed table.

    Returns
    -------
    PooledCells
        Means over tables with total variance; degrees of freedom of each contrast by Barnard and Rubin, of several at
        once by Reiter, whose statistic is D1.

    Raises
    ------
    DataError
        For fewer than two fits.
    """
    if len(fits) < 2:
        raise DataError(f"Pooling needs the fits of at least two completed tables; given {len(fits)}.")
    first = fits[0]
    means = np.stack([fit.means for fit in fits])
    centred = means - means.mean(axis=0)
    between = np.einsum("mi,mj->ij", centred, centred) / (len(fits) - 1)
    within = np.mean([fit.covariance for fit in fits], axis=0)
    covariance = within + (1 + 1 / len(fits)) * between
    sds = [fit.sd for fit in fits if fit.sd is not None]
    failed = sum(bool(fit.failures) for fit in fits)
    said = tuple(dict.fromkeys(note for fit in fits for note in fit.notes))

    def joint_scale(rows: Floats) -> float:
        f, _, _ = _joint(fits, rows)
        at = _independent(rows)
        q = at @ means.mean(axis=0)
        return f * len(at) / float(q @ np.linalg.solve(at @ covariance @ at.T, q))

    return PooledCells(
        means=means.mean(axis=0),
        covariance=covariance,
        df=lambda row: _pooled(fits, np.asarray(row, dtype=np.float64).ravel()).df,
        counts=first.counts,
        scale=first.scale,
        sd=float(np.sqrt(np.mean(np.square(sds)))) if len(sds) == len(fits) else None,
        n=first.n,
        model=f"{first.model}; {len(fits)} imputations pooled by Rubin's rules, df by Barnard and Rubin",
        notes=said,
        failures=(f"The fit failed in {failed} of {len(fits)} completed tables.",) if failed else (),
        joint_df=lambda rows: _joint(fits, rows)[1],
        joint_scale=joint_scale,
        fits=tuple(fits),
    )


def _pooled(fits: Sequence[CellFit], row: Floats) -> Pooled:
    used = row != 0
    estimates = [float(row[used] @ fit.means[used]) for fit in fits]
    variances = [float(row[used] @ fit.covariance[np.ix_(used, used)] @ row[used]) for fit in fits]
    return pooled(estimates, variances, df=float(np.mean([fit.df(row) for fit in fits])))


def _joint(fits: Sequence[CellFit], rows: Floats) -> tuple[float, float, int]:
    at = _independent(rows)
    df = float(np.mean([min(fit.df(row) for row in at) if fit.joint_df is None else fit.joint_df(at) for fit in fits]))
    estimates = np.stack([at @ fit.means for fit in fits])
    return joint_of(estimates, np.stack([at @ fit.covariance @ at.T for fit in fits]), df=df)


def _independent(rows: Floats) -> Floats:
    """Return the rows that do not depend on those before them."""
    at, kept = np.atleast_2d(rows), list[int]()
    for i in range(len(at)):
        if np.linalg.matrix_rank(at[[*kept, i]]) > len(kept):
            kept.append(i)
    return np.asarray(at[kept], dtype=np.float64)
