"""Normal outcomes of cells with any number of crossed or nested random intercepts and slopes."""

from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.analysis.bayesian.cell_contrast import Scale
from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.cell_rows import CellRows
from feedbackstudy.analysis.bayesian.family import Family, StanOutcome
from feedbackstudy.analysis.bayesian.predictor import PredictorPrior
from feedbackstudy.analysis.bayesian.predictor_draws import Values, spread
from feedbackstudy.analysis.bayesian.prior_laws import HalfNormal, Parameter
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells, fitted
from feedbackstudy.errors import DataError

__all__ = ["Normals", "NormalsPrior", "crossed"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalsPrior(PredictorPrior):
    """Prior of a normal model, in units of the outcome.

    Attributes
    ----------
    residual_sd : float
        Scale of the half-normal prior of the residual standard deviation.
    """

    residual_sd: float

    @classmethod
    def of(cls, prior: CellPrior) -> Self:
        """Take over the prior that the exact model has.

        Parameters
        ----------
        prior : CellPrior
            Prior from the scale of the outcome.

        Returns
        -------
        NormalsPrior
            The same prior.
        """
        return cls(**asdict(prior.predictor()), residual_sd=prior.residual_sd)


@dataclass(frozen=True, kw_only=True)
class Normals(Family):
    """Normal outcomes.

    Attributes
    ----------
    prior : NormalsPrior
        The prior.
    """

    prior: NormalsPrior
    scales: ClassVar[tuple[Scale, ...]] = ("response",)
    whole: ClassVar[bool] = False

    @property
    def words(self) -> str:
        """The likelihood in words."""
        return "normal model of cells"

    @property
    def graph(self) -> Hashable:
        """All of the family that decides the graph."""
        return "normal"

    def check(self, rows: CellRows) -> None:  # noqa: D102
        if np.ptp(rows.y) == 0:
            raise DataError(f"The outcome is {rows.y[0]:g} in all {rows.n} rows: nothing varies.")

    def own(self, rows: CellRows) -> tuple[Parameter, ...]:  # noqa: ARG002, D102
        return (Parameter(name="sd_residual", law=HalfNormal(self.prior.residual_sd)),)

    def observe(self, pm: Any, rows: CellRows, eta: Any, variables: Mapping[str, Any], outcome: Any) -> None:  # noqa: ANN401, ARG002, D102
        pm.Normal("score", eta, variables["sd_residual"], observed=outcome)

    def stan(self, scale: Scale, rows: CellRows) -> StanOutcome:  # noqa: ARG002, D102
        return StanOutcome(likelihood="y ~ normal(eta, sd_residual);", variance='taken("sd_residual")^2')

    def log_likelihood(self, rows: CellRows, eta: Floats, values: Values) -> Floats:  # noqa: D102
        return np.asarray(stats.norm.logpdf(rows.y, eta, values["sd_residual"][:, None]), dtype=np.float64)

    def outcome(self, rows: CellRows, eta: Floats, values: Values, rng: np.random.Generator) -> Floats:  # noqa: ARG002, D102
        return np.asarray(eta + values["sd_residual"][:, None] * rng.standard_normal(eta.shape), dtype=np.float64)

    def cells(self, scale: Scale, rows: CellRows, values: Values) -> Floats:  # noqa: ARG002, D102
        return np.asarray(values["cells"], dtype=np.float64)

    def sds(self, scale: Scale, rows: CellRows, values: Values) -> Floats | None:  # noqa: ARG002, D102
        return np.sqrt(values["sd_residual"] ** 2 + spread(rows, values))


def crossed(
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
    """Sample a normal model of cells; needed beyond two grouping factors, for large crossed ones, and for slopes.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome.
    cell : array_like of int, shape (n,)
        Position of each row's cell.
    n_cells : int
        Cells.
    prior : CellPrior
        The prior, from the outcome's scale; the exact model's, so that both answer the same question.
    seed : int
        Seed of the chains.
    covariates : array_like, shape (n, q), optional
        Covariates, centred.
    covariate_sd : array_like, shape (q,), optional
        Spread of each covariate that its prior refers to; by default that in these rows.
    groups : mapping of str to array_like of int, optional
        Grouping factors of random intercepts, crossed or nested (levels of a nested factor have numbers of their own).
    slopes : mapping of str to array_like, optional
        Columns whose coefficients vary over the groups of a factor.
    **settings
        `draws`, `tune`, `chains`, `target_accept`, `progress`, as in `fitted`.

    Returns
    -------
    SampledCells
        Cells on the scale "response".
    """
    model = stated(Normals(prior=NormalsPrior.of(prior)), y, cell, n_cells, covariates=covariates,
                   covariate_sd=covariate_sd, groups=groups, slopes=slopes)  # fmt: skip
    return fitted(model, seed=seed, **settings)
