"""Scores with outliers: Student-t outcomes of cells, whose tails the data choose."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.analysis.bayesian.cell_contrast import Scale
from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.cell_rows import CellRows
from feedbackstudy.analysis.bayesian.crossed import Normals, NormalsPrior
from feedbackstudy.analysis.bayesian.family import StanOutcome
from feedbackstudy.analysis.bayesian.predictor_draws import Values
from feedbackstudy.analysis.bayesian.prior_laws import Parameter, ShiftedGamma
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells, fitted

__all__ = ["Students", "student"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Students(Normals):
    r"""Student-t outcomes.

    Attributes
    ----------
    prior : NormalsPrior
        The prior; `residual_sd` scales the spread parameter of the t distribution.
    df_shape, df_rate, df_start : float
        Gamma prior of the degrees of freedom above their lower bound. The default has median 19 and reaches from very
        heavy tails to nearly normal ones (Juarez and Steel, 2010, Journal of Business and Economic Statistics 28,
        52-66; here with a finite variance).
    """

    df_shape: float = 2.0
    df_rate: float = 0.1
    df_start: float = 2.0

    @property
    def words(self) -> str:
        """The likelihood in words."""
        return "Student-t model of cells"

    @property
    def graph(self) -> Hashable:
        """All of the family that decides the graph."""
        return "student"

    def own(self, rows: CellRows) -> tuple[Parameter, ...]:  # noqa: D102
        law = ShiftedGamma(self.df_shape, self.df_rate, self.df_start)
        return (*Normals.own(self, rows), Parameter(name="df", law=law))

    def observe(self, pm: Any, rows: CellRows, eta: Any, variables: Mapping[str, Any], outcome: Any) -> None:  # noqa: ANN401, ARG002, D102
        pm.StudentT("score", nu=variables["df"], mu=eta, sigma=variables["sd_residual"], observed=outcome)

    def stan(self, scale: Scale, rows: CellRows) -> StanOutcome:  # noqa: ARG002, D102
        return StanOutcome(likelihood="y ~ student_t(df, eta, sd_residual);", variance='taken("sd_residual")^2')

    def log_likelihood(self, rows: CellRows, eta: Floats, values: Values) -> Floats:  # noqa: D102
        scale, df = values["sd_residual"][:, None], values["df"][:, None]
        return np.asarray(stats.t.logpdf(rows.y, df, eta, scale), dtype=np.float64)

    def outcome(self, rows: CellRows, eta: Floats, values: Values, rng: np.random.Generator) -> Floats:  # noqa: ARG002, D102
        noise = rng.standard_t(np.broadcast_to(values["df"][:, None], eta.shape))
        return np.asarray(eta + values["sd_residual"][:, None] * noise, dtype=np.float64)

    def notes(self, scale: Scale, rows: CellRows) -> tuple[str, ...]:
        """Return what a reader of the cells must know.

        Parameters
        ----------
        scale : str
            The scale.
        rows : CellRows
            The rows.

        Returns
        -------
        tuple of str
            Notes.
        """
        note = "standardised by the spread parameter of the t distribution, which outliers do not move"
        return (*Normals.notes(self, scale, rows), note)


def student(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    *,
    prior: CellPrior,
    seed: int,
    covariates: ArrayLike | None = None,
    covariate_sd: ArrayLike | None = None,
    groups: Mapping[str, ArrayLike] | None = None,
    slopes: Mapping[str, ArrayLike] | None = None,
    **settings: Any,  # noqa: ANN401
) -> SampledCells:
    """Sample the Student-t model of cells.

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
    seed : int
        Seed of the chains.
    covariates : array_like, shape (n, q), optional
        Covariates, centred.
    covariate_sd : array_like, shape (q,), optional
        Spread of each covariate that its prior refers to; by default that in these rows.
    groups : mapping of str to array_like of int, optional
        Grouping factors of random intercepts.
    slopes : mapping of str to array_like, optional
        Columns whose coefficients vary over the groups of a factor.
    **settings
        `draws`, `tune`, `chains`, `target_accept`, `progress`, as in `fitted`.

    Returns
    -------
    SampledCells
        Cells on the scale "response": centres of the t distributions.
    """
    model = stated(Students(prior=NormalsPrior.of(prior)), y, cell, n_cells, covariates=covariates,
                   covariate_sd=covariate_sd, groups=groups, slopes=slopes)  # fmt: skip
    return fitted(model, seed=seed, **settings)
