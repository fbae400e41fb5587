"""How far the effects of groups are centred for the sampler: by the reliability of what each group's rows say."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from feedbackstudy.analysis.bayesian.cell_rows import CellRows, Grouping
from feedbackstudy.analysis.bayesian.predictor import random_columns

__all__ = ["reliability"]

type Floats = NDArray[np.float64]


def reliability(rows: CellRows, group: Grouping) -> Floats:
    r"""Return a lower limit of the reliability of each random coefficient over the groups of a factor.

    Parameters
    ----------
    rows : CellRows
        The rows.
    group : Grouping
        The factor.

    Returns
    -------
    ndarray, shape (size,)
        From 0, where groups differ no more than by chance, to 1; 0 where the coefficients cannot be estimated within
        groups, and for fewer than three groups.

    Notes
    -----
    Residuals of cells and covariates are regressed on the random columns within each group. With sampling variances
    :math:`v_g` from the pooled residual variance, the limit is :math:`w = 1 - q \bar v / \mathrm{var}(b_g)`, at least
    0; q is the 99 % quantile of chi square over its degrees of freedom, groups less one. Effects are sampled as
    :math:`\sigma^{1-w} u` with :math:`u \sim N(0, \sigma^{2w})`: centred ones (w = 1) funnel where :math:`\sigma` may
    be near zero, those in standard units (w = 0) are tied to :math:`\sigma` where the data fix each effect
    (Papaspiliopoulos, Roberts and Skoeld, 2007, Statistical Science 22, 59-73). The outcome is taken as it is coded,
    whatever its family: w decides the coordinates of the sampler, never the model.
    """
    design = np.column_stack([np.eye(rows.n_cells)[rows.cell], rows.covariates])
    residual = rows.y - design @ np.linalg.lstsq(design, rows.y, rcond=None)[0]
    columns = random_columns(group)
    products = (columns[:, :, None] * columns[:, None, :]).reshape(rows.n, -1)
    within = group.sums(products).reshape(-1, group.size, group.size)
    full = np.linalg.matrix_rank(within) == group.size
    free = int(group.sizes[full].sum()) - group.size * int(full.sum())
    if full.sum() < 3 or free < 1:
        return np.zeros(group.size)
    inverse = np.linalg.inv(within[full])
    moments = group.sums(columns * residual[:, None])[full]
    found = np.einsum("gij,gj->gi", inverse, moments)
    squares = group.sums(residual[:, None] ** 2)[full, 0] - (found * moments).sum(axis=1)
    noise = np.diagonal(inverse, axis1=1, axis2=2).mean(axis=0) * max(float(squares.sum()), 0.0) / free
    chance = noise * stats.chi2.ppf(0.99, full.sum() - 1) / (full.sum() - 1)
    least = np.maximum(chance, np.finfo(np.float64).tiny)
    return np.asarray(1 - chance / np.maximum(found.var(axis=0, ddof=1), least), dtype=np.float64)
