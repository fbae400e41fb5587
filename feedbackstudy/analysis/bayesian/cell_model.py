"""A model of cells: one family of outcomes on the shared predictor, to be drawn forward, inspected or compiled."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.cell_rows import CellRows, cell_rows, in_units
from feedbackstudy.analysis.bayesian.centring import reliability
from feedbackstudy.analysis.bayesian.compiled import Compiled, compiled_once
from feedbackstudy.analysis.bayesian.family import Family
from feedbackstudy.analysis.bayesian.predictor import parameters, predictor, random_columns
from feedbackstudy.analysis.bayesian.predictor_draws import Values, cells_of_draws, effects, predictor_of
from feedbackstudy.analysis.bayesian.prior_laws import Parameter
from feedbackstudy.analysis.bayesian.sampling import load_pymc
from feedbackstudy.errors import DataError

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["CellModel", "stated"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CellModel:
    """A family on rows, before anything is fitted.

    Attributes
    ----------
    family : Family
        The family with its prior.
    rows : CellRows
        The rows, renumbered over the cells that hold data.
    counts : ndarray of int
        Rows of each cell, also of those without.
    """

    family: Family
    rows: CellRows
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        self.family.check(self.rows)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every parameter that has a law of its own."""
        shared = parameters(self.rows, self.family.prior, level=self.family.level)
        return (*shared, *self.family.own(self.rows))

    @property
    def prior(self) -> str:
        """The prior in words."""
        known = {p.name for p in parameters(self.rows, self.family.prior, level=self.family.level)}
        own = [f"{p.name} {p.law}" for p in self.parameters if p.name not in known]
        return "; ".join([self.family.prior.words(self.rows, level=self.family.level), *own])

    @property
    def words(self) -> str:
        """The model in words."""
        groups = [f"random intercepts{' and slopes' * (g.size > 1)} of {g.name}" for g in self.rows.groups]
        return ", ".join([self.family.words, *groups, "sampled by NUTS (PyMC + nutpie)"])

    @property
    def target_accept(self) -> float:
        """Acceptance that step sizes are tuned to: small steps where a spread between groups may be near zero."""
        return 0.99 if self.rows.groups else 0.9

    @property
    def lengths(self) -> tuple[int, int]:
        """Draws and warm-up draws of a chain: more where there are groups, whose spread takes many to know."""
        return (2000, 1500) if self.rows.groups else (1000, 1000)

    @property
    def centred(self) -> frozenset[str]:
        """Grouping factors large enough for their effects to be sampled partly centred."""
        rows, groups = self.family.rows_to_centre, self.family.groups_to_centre
        return frozenset(g.name for g in self.rows.groups if g.rows_per_group >= rows and g.count >= groups)

    @property
    def centring(self) -> dict[str, Floats]:
        """How far the effects of each of these factors are centred, by their reliability, shape (size,)."""
        return {g.name: reliability(self.rows, g) for g in self.rows.groups if g.name in self.centred}

    def with_outcome(self, y: ArrayLike) -> "CellModel":
        """Return the same model of another outcome.

        Parameters
        ----------
        y : array_like, shape (n,)
            The outcome.

        Returns
        -------
        CellModel
            New model; the old one is unchanged.
        """
        return CellModel(self.family, self.rows.with_outcome(y), self.counts)

    def pymc_model(self) -> "pymc.Model":
        """Return the PyMC model that is sampled, to inspect or extend.

        Returns
        -------
        pymc.Model
            Data, and the figures of the priors, are `pymc.Data`: `outcome`, `cell`, `<parameter>_prior` and so on.
        """
        pm = load_pymc()
        whole = self.rows.y.astype(np.int64) if self.family.whole else self.rows.y
        with pm.Model() as model:
            variables = {
                p.name: p.law.variable(pm, p.name, pm.Data(f"{p.name}_prior", p.law.figures), p.shape)
                for p in self.parameters
            }
            eta = predictor(pm, self.rows, variables, centring=self.centring)
            self.family.observe(pm, self.rows, eta, variables, pm.Data("outcome", whole))
        return model

    def data(self) -> dict[str, NDArray[Any]]:
        """Return all data of the graph by name.

        Returns
        -------
        dict of str to ndarray
            What `pymc_model` holds as `pymc.Data`.
        """
        found: dict[str, NDArray[Any]] = {"outcome": self.rows.y, "cell": self.rows.cell}
        found |= {f"{p.name}_prior": p.law.figures for p in self.parameters}
        found["covariates"] = self.rows.covariates
        for group in self.rows.groups:
            found[f"member_{group.name}"] = group.member
            found[f"columns_{group.name}"] = random_columns(group)
            found[f"held_{group.name}"] = 1.0 * group.held
        return found | {f"centring_{name}": share for name, share in self.centring.items()}

    def compiled(self) -> Compiled:
        """Return the compiled graph with these data.

        Returns
        -------
        Compiled
            Compiled the first time a graph of these shapes is needed in a process.
        """
        groups = tuple((g.name, g.count, g.size, g.name in self.centred, g.whole) for g in self.rows.groups)
        key = (self.family.graph, self.rows.n_cells, self.rows.covariates.shape[1], groups)
        return compiled_once(key, self.pymc_model).with_data(self.data())

    def forward(self, rng: np.random.Generator, size: int) -> dict[str, Floats]:
        """Draw all parameters from the prior: true forward draws, no sampler.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of chance.
        size : int
            Draws.

        Returns
        -------
        dict of str to ndarray, shape (size, ...)
            Parameters, cells and effects of groups.
        """
        values = {p.name: p.law.draw(rng, size, p.shape) for p in self.parameters}
        values["cells"] = cells_of_draws(self.rows, values, size)
        for group in self.rows.groups:
            values[f"effect_{group.name}"] = effects(group, values, rng)
        self.family.completed(self.rows, values)
        return values

    def outcome(self, values: Values, rng: np.random.Generator) -> Floats:
        """Draw outcomes of the rows.

        Parameters
        ----------
        values : mapping of str to ndarray, shape (s, ...)
            Parameters, from the prior or from the posterior.
        rng : numpy.random.Generator
            Source of chance.

        Returns
        -------
        ndarray, shape (s, n)
            One outcome a row and draw.
        """
        return self.family.outcome(self.rows, predictor_of(self.rows, values), values, rng)

    def log_likelihood(self, values: Values) -> Floats:
        """Return the log likelihood of each row and draw.

        Parameters
        ----------
        values : mapping of str to ndarray, shape (s, ...)
            Parameters.

        Returns
        -------
        ndarray, shape (s, n)
            Log likelihoods given the effects of the groups.
        """
        return self.family.log_likelihood(self.rows, predictor_of(self.rows, values), values)

    def log_prior(self, values: Values) -> Floats:
        """Return the log prior density of the parameters, effects of groups left out.

        Parameters
        ----------
        values : mapping of str to ndarray, shape (s, ...)
            Parameters.

        Returns
        -------
        ndarray, shape (s,)
            Log densities.
        """
        each = [p.law.log_density(values[p.name]) for p in self.parameters]
        return np.asarray(np.sum(each, axis=0), dtype=np.float64)


def stated(
    family: Family,
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    *,
    covariates: ArrayLike | None = None,
    covariate_sd: ArrayLike | None = None,
    groups: Mapping[str, ArrayLike] | None = None,
    slopes: Mapping[str, ArrayLike] | None = None,
) -> CellModel:
    """State a model of cells.

    Parameters
    ----------
    family : Family
        The family with its prior.
    y : array_like, shape (n,)
        Outcome.
    cell : array_like of int, shape (n,)
        Position of each row's cell.
    n_cells : int
        Cells; those without rows are left out of the model, and contrasts that need one are refused.
    covariates : array_like, shape (n, q), optional
        Covariates, centred.
    covariate_sd : array_like, shape (q,), optional
        Spread of each covariate that its prior refers to; by default that in these rows.
    groups : mapping of str to array_like of int, optional
        Grouping factors of random intercepts.
    slopes : mapping of str to array_like, optional
        Columns whose coefficients vary over the groups of a factor.

    Returns
    -------
    CellModel
        Ready to be drawn forward or fitted.

    Raises
    ------
    DataError
        For rows that do not fit, or a covariate without spread.
    """
    position = np.asarray(cell, dtype=np.int64)
    if position.size and (position.min() < 0 or position.max() >= n_cells):
        raise DataError(f"Cells are positions from 0 to {n_cells - 1}; given {position.min()} to {position.max()}.")
    present, renumbered = np.unique(position, return_inverse=True)
    rows = cell_rows(y, renumbered, present.size, covariates=covariates, groups=groups, slopes=slopes)
    counts = np.bincount(position, minlength=n_cells).astype(np.int64)
    return CellModel(family, in_units(rows, covariate_sd), counts)
