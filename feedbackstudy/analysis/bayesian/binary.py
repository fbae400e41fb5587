"""Yes or no, with covariates, random intercepts and slopes: the logistic model of cells."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit

from feedbackstudy.analysis.bayesian.cell_contrast import Scale
from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.cell_rows import CellRows
from feedbackstudy.analysis.bayesian.family import Family, StanOutcome
from feedbackstudy.analysis.bayesian.predictor import PredictorPrior
from feedbackstudy.analysis.bayesian.predictor_draws import Values
from feedbackstudy.analysis.bayesian.prior_laws import Parameter
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells, fitted
from feedbackstudy.errors import DataError

__all__ = ["Binary", "BinaryPrior", "binary"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryPrior(PredictorPrior):
    """Prior of the logistic model, in log odds; the level's is nearly flat over probabilities."""

    level_sd: float = 1.5
    cell_sd: float = 0.75
    covariate_sd: float = 0.75
    group_sd: float = 0.75
    slope_sd: float = 0.75


@dataclass(frozen=True, kw_only=True)
class Binary(Family):
    """Bernoulli outcomes with a logit link.

    Attributes
    ----------
    prior : BinaryPrior
        The prior.
    """

    prior: BinaryPrior = field(default_factory=BinaryPrior)
    scales: ClassVar[tuple[Scale, ...]] = ("log odds", "response")

    @property
    def words(self) -> str:
        """The likelihood in words."""
        return "logistic model of cells"

    @property
    def graph(self) -> Hashable:
        """All of the family that decides the graph."""
        return "binary"

    def check(self, rows: CellRows) -> None:  # noqa: D102
        found = np.unique(rows.y)
        if not np.isin(found, [0.0, 1.0]).all():
            raise DataError(
                f"A binary outcome is coded 0 (no) and 1 (yes); given {found[:6].tolist()}. Recode it and say which "
                "value means yes."
            )

    def own(self, rows: CellRows) -> tuple[Parameter, ...]:  # noqa: ARG002, D102
        return ()

    def observe(self, pm: Any, rows: CellRows, eta: Any, variables: Mapping[str, Any], outcome: Any) -> None:  # noqa: ANN401, ARG002, D102
        pm.Bernoulli("yes", logit_p=eta, observed=outcome)

    def stan(self, scale: Scale, rows: CellRows) -> StanOutcome:  # noqa: ARG002, D102
        outcome = StanOutcome(likelihood="y ~ bernoulli_logit(eta);")
        if scale == "log odds":
            return outcome
        return replace(outcome, cells="inv_logit(cells)", cells_in_r="plogis(cells)")

    def log_likelihood(self, rows: CellRows, eta: Floats, values: Values) -> Floats:  # noqa: ARG002, D102
        return np.asarray(log_expit(np.where(rows.y == 1, eta, -eta)), dtype=np.float64)

    def outcome(self, rows: CellRows, eta: Floats, values: Values, rng: np.random.Generator) -> Floats:  # noqa: ARG002, D102
        return np.asarray(rng.random(eta.shape) < expit(eta), dtype=np.float64)

    def cells(self, scale: Scale, rows: CellRows, values: Values) -> Floats:  # noqa: ARG002, D102
        cells = values["cells"]
        return np.asarray(cells if scale == "log odds" else expit(cells), dtype=np.float64)


def binary(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    *,
    seed: int,
    covariates: ArrayLike | None = None,
    covariate_sd: ArrayLike | None = None,
    groups: Mapping[str, ArrayLike] | None = None,
    slopes: Mapping[str, ArrayLike] | None = None,
    prior: BinaryPrior | None = None,
    **settings: Any,  # noqa: ANN401
) -> SampledCells:
    """Sample the logistic model of cells.

    Parameters
    ----------
    y : array_like of 0 and 1, shape (n,)
        Outcome.
    cell : array_like of int, shape (n,)
        Position of each row's cell.
    n_cells : int
        Cells.
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
    prior : BinaryPrior, optional
        The prior.
    **settings
        `draws`, `tune`, `chains`, `target_accept`, `progress`, as in `fitted`.

    Returns
    -------
    SampledCells
        Cells on the scales "log odds" and "response" (probability).
    """
    model = stated(Binary(prior=prior or BinaryPrior()), y, cell, n_cells, covariates=covariates,
                   covariate_sd=covariate_sd, groups=groups, slopes=slopes)  # fmt: skip
    return fitted(model, seed=seed, **settings)
