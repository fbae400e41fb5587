"""Normal models of cell means, exactly: no sampler where one is not needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.cell_rows import CellRows, Grouping, cell_rows
from feedbackstudy.analysis.bayesian.gaussian_grid import Products, Quadrature, integrate
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.bayesian.predictor import parameters, predictor
from feedbackstudy.analysis.bayesian.prior_predictive import PriorPredictive, prior_predictive
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampling import load_pymc
from feedbackstudy.errors import DataError

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["GaussianCells", "gaussian_cells", "total_sd"]

type Floats = NDArray[np.float64]

_SMALLER_FACTOR_AT_MOST = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GaussianCells:
    """A normal model of cell means with covariates and up to two grouping factors, ready to be solved or sampled.

    Attributes
    ----------
    rows : CellRows
        The rows, cells without data left out and covariates in units of `covariate_sd`.
    present : ndarray of int
        Positions of the cells that hold data.
    n_cells : int
        Cells in all.
    covariate_sd : ndarray, shape (q,)
        Spread of each covariate that its prior refers to.
    prior : CellPrior
        The prior.
    """

    rows: CellRows
    present: NDArray[np.int64]
    n_cells: int
    covariate_sd: Floats
    prior: CellPrior

    def posterior(self, *, nodes: int = 32) -> CellMixture:
        r"""Solve the model.

        Parameters
        ----------
        nodes : int, default 32
            Quadrature nodes along each of two standard deviations; twice as many along a single one, at most 24 along
            three. 32 give the log marginal likelihood to 1e-6 or better.

        Returns
        -------
        CellMixture
            Posterior over all cells, with the log marginal likelihood; a cell without data refuses every contrast.

        Notes
        -----
        Given residual and group standard deviations the model is linear and normal: cells, coefficients and effects of
        the groups integrate in closed form from cross-products and group sums (Gelman et al., 2013, section 14.8;
        Woodbury's identity for the factor with more groups). The standard deviations, one to three, are integrated by
        Gauss-Legendre rules over the region that holds the posterior but for :math:`e^{-30}` of its height.
        """
        big, small = _by_size(self.rows.groups)
        done = integrate(_products(self.rows, self.prior, big, small), self.prior, nodes=nodes)
        return CellMixture(
            cells=self._over_all_cells(done),
            sds=total_sd(self.rows, done.sds),
            prior_cells=self.prior.cells(self.n_cells),
            counts=np.bincount(self.present[self.rows.cell], minlength=self.n_cells),
            n=self.rows.n,
            model=self._words(),
            prior=str(self.prior),
            log_marginal=done.log_marginal,
            variances=done.sds,
            notes=self._notes(),
            twin=self.pymc_model,
        )

    def pymc_model(self) -> "pymc.Model":
        """Return the same model, prior and rows for PyMC, to inspect, extend or sample.

        Returns
        -------
        pymc.Model
            `cells` are the cell means at the covariates' means.
        """
        pm = load_pymc()
        with pm.Model() as model:
            variables = {
                one.name: one.law.variable(pm, one.name, one.law.figures, one.shape)
                for one in parameters(self.rows, self.prior.predictor(), level=True)
            }
            sd = pm.HalfNormal("sd_residual", self.prior.residual_sd)
            mean = predictor(pm, self.rows, variables, centring={})
            pm.Normal("outcome", mean, sd, observed=self.rows.y)
        return model

    def prior_predictive(self, *, seed: int, studies: int = 4000) -> PriorPredictive:
        """Draw whole studies forward from the prior.

        Parameters
        ----------
        seed : int
            Seed of the draws.
        studies : int, default 4000
            Studies to draw.

        Returns
        -------
        PriorPredictive
            Shares outside the scale, and the spread that the prior expects within and between cells.
        """
        return prior_predictive(
            self.prior, n_cells=max(self.n_cells, 2), groups=len(self.rows.groups), studies=studies, seed=seed
        )

    def _over_all_cells(self, done: Quadrature) -> NormalCells:
        if self.present.size == self.n_cells:
            return NormalCells(weights=done.weights, means=done.means, covariances=done.covariances)
        count = done.weights.size
        means = np.full((count, self.n_cells), self.prior.middle)
        covariances = np.zeros((count, self.n_cells, self.n_cells))
        means[:, self.present] = done.means
        covariances[np.ix_(np.arange(count), self.present, self.present)] = done.covariances
        return NormalCells(weights=done.weights, means=means, covariances=covariances)

    def _words(self) -> str:
        q, names = self.rows.covariates.shape[1], [group.name for group in self.rows.groups]
        parts = ["normal model of cell means"]
        parts += [f"{q} covariate{'s' if q > 1 else ''}"] if q else []
        parts += [f"random intercepts of {' and '.join(names)}"] if names else []
        spreads = "standard deviation" if not names else "standard deviations"
        return f"{', '.join(parts)}; exact but for quadrature over the {spreads}"

    def _notes(self) -> tuple[str, ...]:
        notes = []
        empty = self.n_cells - self.present.size
        if empty:
            notes.append(f"{empty} cell(s) hold no data; a contrast that needs one is refused")
        for group in self.rows.groups:
            if group.count < 5:
                notes.append(
                    f"{group.name} has {group.count} groups: the spread between them rests on its prior to a large part"
                )
        return tuple(notes)


def gaussian_cells(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    *,
    prior: CellPrior,
    covariates: ArrayLike | None = None,
    covariate_sd: ArrayLike | None = None,
    groups: Mapping[str, ArrayLike] | None = None,
) -> GaussianCells:
    """State a normal model of cell means.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome.
    cell : array_like of int, shape (n,)
        Position of each row's cell.
    n_cells : int
        Cells.
    prior : CellPrior
        The prior, from the outcome's scale.
    covariates : array_like, shape (n, q), optional
        Covariates, centred; cell means are those at zero.
    covariate_sd : array_like, shape (q,), optional
        Spread of each covariate that the prior of its slope refers to, such as a quarter of its declared range; its
        standard deviation in these rows where left out (the outcome has no part in it).
    groups : mapping of str to array_like of int, shape (n,), optional
        Position of each row's group, for up to two nested or crossed factors.

    Returns
    -------
    GaussianCells
        Ready for `posterior` or `pymc_model`.

    Raises
    ------
    DataError
        For rows that do not fit, an outcome or covariate without spread, a grouping factor with a group for every row,
        more than two grouping factors, or two of which the smaller one is too large for quadrature.
    """
    position = np.asarray(cell, dtype=np.int64)
    if position.size and (position.min() < 0 or position.max() >= n_cells):
        raise DataError(f"Cells are positions from 0 to {n_cells - 1}; given {position.min()} to {position.max()}.")
    present, renumbered = np.unique(position, return_inverse=True)
    given = cell_rows(y, renumbered, present.size, covariates=covariates, groups=groups)
    if np.ptp(given.y) == 0:
        raise DataError(
            f"The outcome is {given.y[0]:g} in all {given.n} rows: nothing varies, nothing can be compared."
        )
    alone = [group.name for group in given.groups if group.count == int(group.held.sum())]
    if alone:
        raise DataError(
            f"Every row is a {alone[0]} of its own: spread between them cannot be told from the residual; leave it out."
        )
    if len(given.groups) > 2:
        raise DataError(
            f"{len(given.groups)} grouping factors ({', '.join(group.name for group in given.groups)}) are more than "
            "quadrature serves; the sampled model takes them."
        )
    _, small = _by_size(given.groups)
    if small is not None and small.count > _SMALLER_FACTOR_AT_MOST:
        raise DataError(
            f"The smaller grouping factor, {small.name}, has {small.count} groups; quadrature serves "
            f"{_SMALLER_FACTOR_AT_MOST} at most, the sampled model takes more."
        )
    spread = _spread(given.covariates, covariate_sd)
    rows = CellRows(
        y=given.y,
        cell=given.cell,
        n_cells=given.n_cells,
        covariates=given.covariates / spread,
        groups=given.groups,
    )
    return GaussianCells(rows=rows, present=present.astype(np.int64), n_cells=n_cells, covariate_sd=spread, prior=prior)


def total_sd(rows: CellRows, sds: Mapping[str, Floats]) -> Floats:
    """Return the standard deviation of a row around its cell, on every node.

    Parameters
    ----------
    rows : CellRows
        The rows.
    sds : mapping of str to ndarray, shape (k,)
        ``"residual"`` and the grouping factors.

    Returns
    -------
    ndarray, shape (k,)
        Root of the sum of variances, each counted by the share of rows that carry it.
    """
    share = {group.name: group.share for group in rows.groups}
    return np.asarray(np.sqrt(sum(share.get(name, 1.0) * sd**2 for name, sd in sds.items())), dtype=np.float64)


def _spread(covariates: Floats, given: ArrayLike | None) -> Floats:
    spread = covariates.std(axis=0, ddof=1) if given is None else np.asarray(given, dtype=np.float64)
    if spread.shape != (covariates.shape[1],) or not (np.isfinite(spread).all() and (spread > 0).all()):
        raise DataError(
            f"Each of the {covariates.shape[1]} covariates needs a positive spread; found {spread.tolist()}. A "
            "constant covariate says nothing; leave it out."
        )
    return np.asarray(spread, dtype=np.float64)


def _by_size(groups: tuple[Grouping, ...]) -> tuple[Grouping | None, Grouping | None]:
    ordered = sorted(groups, key=lambda group: group.count, reverse=True)
    return (ordered[0] if ordered else None), (ordered[1] if len(ordered) > 1 else None)


def _products(rows: CellRows, prior: CellPrior, big: Grouping | None, small: Grouping | None) -> Products:
    """Return cross-products of cells, coefficients and effects of the smaller factor, raw and by the larger one."""
    columns = [np.eye(rows.n_cells)[rows.cell], rows.covariates]
    columns += [small.indicators] if small is not None else []
    design = np.column_stack([*columns, rows.y - prior.middle])
    q = rows.covariates.shape[1]
    precision = np.zeros((rows.n_cells + q, rows.n_cells + q))
    precision[: rows.n_cells, : rows.n_cells] = np.linalg.inv(prior.cells(rows.n_cells).covariances[0])
    precision[rows.n_cells :, rows.n_cells :] = np.eye(q) / prior.slope_sd**2
    sizes, counts, by_size = np.zeros(0), np.zeros(0), np.zeros((0, *(design.shape[1],) * 2))
    if big is not None:
        sums = big.sums(design)
        sizes, at = np.unique(big.sizes, return_inverse=True)
        counts = np.bincount(at).astype(np.float64)
        by_size = np.stack([sums[at == k].T @ sums[at == k] for k in range(sizes.size)])
    return Products(
        whole=design.T @ design,
        n=rows.n,
        n_cells=rows.n_cells,
        middle=prior.middle,
        precision=precision,
        sizes=sizes.astype(np.float64),
        counts=counts,
        by_size=by_size,
        big="" if big is None else big.name,
        small="" if small is None else small.name,
        small_count=0 if small is None else small.count,
    )
