"""Cell means of counts with structural zeros, the share of zeros free in each cell."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.counts import POISSON_LIMIT, zero_inflated
from feedbackstudy.analysis.frequentist.generalised_words import named_cell
from feedbackstudy.analysis.frequentist.links import LINKS, Array
from feedbackstudy.analysis.frequentist.mixed_cells import cell_columns
from feedbackstudy.analysis.frequentist.mixed_structure import Floats
from feedbackstudy.analysis.frequentist.response_means import delta, spread_over

__all__ = ["zero_inflated_cells"]


def zero_inflated_cells(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    covariates: ArrayLike | None,
    *,
    scale: Literal["log rate", "response"] = "log rate",
    cell_names: Sequence[str] = (),
) -> CellFit:
    r"""Fit a zero-inflated negative binomial with a mean and a share of structural zeros for each cell.

    Parameters
    ----------
    y : array_like, shape (n,)
        Counts.
    cell : array_like of int, shape (n,)
        Cell of each row, 0 to `n_cells` - 1.
    n_cells : int
        Cells of the design; some may hold no data.
    covariates : array_like, shape (n, q), or None
        Centred covariates of the log mean.
    scale : {"log rate", "response"}, default "log rate"
        Log of the mean of those who are no structural zeros; or the expected count :math:`(1-\pi)\mu` of all, averaged
        over the covariates of all rows.
    cell_names : sequence of str
        Names of the cells, for messages; their positions where left out.

    Returns
    -------
    CellFit
        With the normal distribution as the reference.

    Raises
    ------
    DataError
        For values that are no counts, or a likelihood without maximum, such as a cell whose zeros the counts explain.

    Notes
    -----
    See `counts.zero_inflated`, a Poisson where its likelihood has the maximum there; expected counts by the delta
    method.
    """
    cells = np.asarray(cell, dtype=np.int64)
    X, counts = cell_columns(cells, n_cells, covariates)
    used = np.flatnonzero(counts)
    k, p = used.size, X.shape[1]
    names = [named_cell(int(at), cell_names) for at in used]
    fit = zero_inflated(y, np.ones(cells.size), count_design=X, zero_design=X[:, :k], zero_names=names)
    shared = X[:, k:] if p > k else np.zeros((1, 0))

    def expected(at: Array) -> Array:
        free = LINKS["logit"].cdf(-at[p : p + k])
        return np.asarray(free * np.exp(at[:k]) * np.exp(shared @ at[k:p]).mean())

    values: Floats
    if scale == "response":
        size = p + k
        values, covariance = delta(expected, np.concatenate([fit.count, fit.zero]), fit.covariance[:size, :size])
    else:
        values, covariance = fit.count[:k], fit.covariance[:k, :k]
    means, full = spread_over(used, counts.size, values, covariance)
    law = "negative binomial" if fit.log_theta is not None else "Poisson"
    what = "expected counts, structural zeros included" if scale == "response" else "log rates of the count part"
    return CellFit(
        means=means,
        covariance=full,
        df=lambda _: float("inf"),
        counts=counts,
        scale=scale,
        sd=None,
        n=fit.n,
        model=f"zero-inflated {law} model of counts (maximum likelihood; a share of zeros by cell); {what}",
        notes=(POISSON_LIMIT,) if fit.log_theta is None else (),
    )
