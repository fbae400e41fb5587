"""Cell means of counts with structural zeros, the share of zeros free in each cell."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.counts import POISSON_LIMIT, zero_inflated
from feedbackstudy.analysis.frequentist.links import LINKS, Array
from feedbackstudy.analysis.frequentist.mixed_cells import cell_columns
from feedbackstudy.analysis.frequentist.mixed_structure import Floats
from feedbackstudy.analysis.frequentist.response_means import delta, spread_over
from feedbackstudy.errors import DataError

__all__ = ["zero_inflated_cells"]

_AT_END = 12.0  # log odds beyond which a share is 0 or 1 to five digits


def zero_inflated_cells(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    covariates: ArrayLike | None,
    *,
    scale: Literal["log rate", "response"] = "log rate",
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
    fit = zero_inflated(y, np.ones(cells.size), count_design=X, zero_design=X[:, :k])
    at_end = np.flatnonzero(np.abs(fit.zero) > _AT_END)
    if at_end.size:
        raise DataError(
            f"The share of structural zeros comes to nothing or to one in {at_end.size} cell(s) (positions "
            f"{used[at_end].tolist()}), so the likelihood has no maximum: no more zeros there than the counts explain. "
            "Declare the negative binomial, or read the Bayesian answer, whose prior keeps the share inside."
        )
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
