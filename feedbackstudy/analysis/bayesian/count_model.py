"""Counts with covariates, random intercepts and slopes: Poisson, negative binomial, and zero-inflated."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, gammaln, log_expit

from feedbackstudy.analysis.bayesian.cell_contrast import Scale
from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.cell_rows import CellRows
from feedbackstudy.analysis.bayesian.family import Family, StanOutcome
from feedbackstudy.analysis.bayesian.predictor import PredictorPrior, cells_of, parameters
from feedbackstudy.analysis.bayesian.predictor_draws import Values, cells_of_draws
from feedbackstudy.analysis.bayesian.prior_laws import Normal, Parameter
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells, fitted
from feedbackstudy.errors import DataError

__all__ = ["CountPrior", "Counts", "count_model"]

type Floats = NDArray[np.float64]
type CountLaw = Literal["Poisson", "negative binomial"]

_TYPICAL = float(np.log(5.0))
_ZERO_INFLATED = """\
for (i in 1:N) {
    real counted = log1m_inv_logit(zero_cells[cell[i]]) + LAW;
    target += y[i] == 0 ? log_sum_exp(log_inv_logit(zero_cells[cell[i]]), counted) : counted;
  }"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountPrior(PredictorPrior):
    """Prior of the count model, in logarithms of the expected count; `level` is the logarithm of a typical count.

    Attributes
    ----------
    log_size_sd : float
        Standard deviation of the logarithm of the negative binomial's size, around 0.
    zero_sd : float
        Standard deviation of the common log odds of a structural zero, around 0.
    zero_cell_sd : float
        Standard deviation of a cell's deviation from it.
    """

    level: float = _TYPICAL
    level_sd: float = 1.0
    cell_sd: float = 0.5
    log_size_sd: float = 1.0
    zero_sd: float = 1.5
    zero_cell_sd: float = 0.75

    @property
    def zeros(self) -> PredictorPrior:
        """Prior of the log odds of a structural zero."""
        return PredictorPrior(level=0.0, level_sd=self.zero_sd, cell_sd=self.zero_cell_sd)


@dataclass(frozen=True, kw_only=True)
class Counts(Family):
    """Counts with a log link.

    Attributes
    ----------
    law : {"Poisson", "negative binomial"}
        Law of the counts; the second leaves room for more spread than their mean.
    zero_inflated : bool
        Whether each cell has a share of structural zeros beside its counts.
    prior : CountPrior
        The prior.
    """

    law: CountLaw = "negative binomial"
    zero_inflated: bool = False
    prior: CountPrior = field(default_factory=CountPrior)
    scales: ClassVar[tuple[Scale, ...]] = ("log rate", "response", "log odds")

    @property
    def words(self) -> str:
        """The likelihood in words."""
        return f"{'zero-inflated ' * self.zero_inflated}{self.law} model of cells"

    @property
    def graph(self) -> Hashable:
        """All of the family that decides the graph."""
        return "counts", self.law, self.zero_inflated

    def check(self, rows: CellRows) -> None:  # noqa: D102
        if (rows.y < 0).any() or (rows.y != np.round(rows.y)).any():
            raise DataError(f"Counts are whole and not negative; given {rows.y.min():g} to {rows.y.max():g}.")

    def own(self, rows: CellRows) -> tuple[Parameter, ...]:  # noqa: D102
        found: list[Parameter] = []
        if self.law == "negative binomial":
            found.append(Parameter(name="log_size", law=Normal(0.0, self.prior.log_size_sd)))
        if self.zero_inflated:
            found += parameters(rows, self.prior.zeros, level=True, prefix="zero_")
        return tuple(found)

    def observe(self, pm: Any, rows: CellRows, eta: Any, variables: Mapping[str, Any], outcome: Any) -> None:  # noqa: ANN401, D102
        mean = pm.math.exp(eta)
        figures = {"mu": mean} if self.law == "Poisson" else {"mu": mean, "alpha": pm.math.exp(variables["log_size"])}
        if not self.zero_inflated:
            law = pm.Poisson if self.law == "Poisson" else pm.NegativeBinomial
            law("count", **figures, observed=outcome)
            return
        zero = pm.Deterministic("zero_cells", cells_of(pm, rows, variables, prefix="zero_"))
        cell = pm.modelcontext(None)["cell"]
        law = pm.ZeroInflatedPoisson if self.law == "Poisson" else pm.ZeroInflatedNegativeBinomial
        law("count", psi=pm.math.sigmoid(-zero[cell]), **figures, observed=outcome)

    def completed(self, rows: CellRows, values: dict[str, Floats]) -> None:  # noqa: D102
        if self.zero_inflated:
            values["zero_cells"] = cells_of_draws(rows, values, values["cells"].shape[0], prefix="zero_")

    def stan(self, scale: Scale, rows: CellRows) -> StanOutcome:  # noqa: D102
        poisson = self.law == "Poisson"
        cells = {"log rate": "cells", "response": "exp(cells)", "log odds": "zero_cells"}[scale]
        if not self.zero_inflated:
            law = "poisson_log(eta)" if poisson else "neg_binomial_2_log(eta, exp(log_size))"
            return StanOutcome(likelihood=f"y ~ {law};", cells=cells, cells_in_r=cells)
        spread = "zero_level" if rows.n_cells == 1 else "zero_level + basis * zero_deviation"
        zero = f"rep_vector({spread}, 1)" if rows.n_cells == 1 else spread
        law = "poisson_log_lpmf(y[i] | eta[i])" if poisson else "neg_binomial_2_log_lpmf(y[i] | eta[i], exp(log_size))"
        return StanOutcome(
            likelihood=_ZERO_INFLATED.replace("LAW", law),
            cells="exp(cells) .* inv_logit(-zero_cells)" if scale == "response" else cells,
            cells_in_r="exp(cells) * plogis(-zero_cells)" if scale == "response" else cells,
            derived=f"vector[{rows.n_cells}] zero_cells = {zero};",
        )

    def log_likelihood(self, rows: CellRows, eta: Floats, values: Values) -> Floats:  # noqa: D102
        y = rows.y
        if self.law == "Poisson":
            found = y * eta - np.exp(eta) - gammaln(y + 1)
        else:
            log_size = values["log_size"][:, None]
            size, total = np.exp(log_size), np.logaddexp(log_size, eta)
            found = gammaln(y + size) - gammaln(size) - gammaln(y + 1) + size * (log_size - total) + y * (eta - total)
        if self.zero_inflated:
            zero = values["zero_cells"][:, rows.cell]
            found = found + log_expit(-zero)
            found = np.where(y == 0, np.logaddexp(log_expit(zero), found), found)
        return np.asarray(found, dtype=np.float64)

    def outcome(self, rows: CellRows, eta: Floats, values: Values, rng: np.random.Generator) -> Floats:  # noqa: D102
        mean = np.exp(eta)
        if self.law == "negative binomial":
            size = np.broadcast_to(np.exp(values["log_size"])[:, None], eta.shape)
            mean = rng.gamma(size, mean / size)
        found = rng.poisson(np.minimum(mean, 1e15)).astype(np.float64)
        if self.zero_inflated:
            found[rng.random(eta.shape) < expit(values["zero_cells"][:, rows.cell])] = 0.0
        return found

    def cells(self, scale: Scale, rows: CellRows, values: Values) -> Floats:  # noqa: ARG002, D102
        if scale == "log odds":
            if not self.zero_inflated:
                raise DataError(
                    "Only a zero-inflated model has log odds of a structural zero; give zero_inflated=True."
                )
            return np.asarray(values["zero_cells"], dtype=np.float64)
        if scale == "log rate":
            return np.asarray(values["cells"], dtype=np.float64)
        expected = np.exp(values["cells"])
        return np.asarray(expected * expit(-values["zero_cells"]) if self.zero_inflated else expected, dtype=np.float64)


def count_model(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    *,
    seed: int,
    law: CountLaw = "negative binomial",
    zero_inflated: bool = False,
    covariates: ArrayLike | None = None,
    covariate_sd: ArrayLike | None = None,
    groups: Mapping[str, ArrayLike] | None = None,
    slopes: Mapping[str, ArrayLike] | None = None,
    prior: CountPrior | None = None,
    **settings: Any,  # noqa: ANN401
) -> SampledCells:
    """Sample a model of counts.

    Parameters
    ----------
    y : array_like of int, shape (n,)
        Counts.
    cell : array_like of int, shape (n,)
        Position of each row's cell.
    n_cells : int
        Cells.
    seed : int
        Seed of the chains.
    law : {"Poisson", "negative binomial"}, default "negative binomial"
        Law of the counts.
    zero_inflated : bool, default False
        Whether each cell has a share of structural zeros.
    covariates : array_like, shape (n, q), optional
        Covariates of the counts, centred.
    covariate_sd : array_like, shape (q,), optional
        Spread of each covariate that its prior refers to; by default that in these rows.
    groups : mapping of str to array_like of int, optional
        Grouping factors of random intercepts of the counts.
    slopes : mapping of str to array_like, optional
        Columns whose coefficients vary over the groups of a factor.
    prior : CountPrior, optional
        The prior; its default suits counts of a few.
    **settings
        `draws`, `tune`, `chains`, `target_accept`, `progress`, as in `fitted`.

    Returns
    -------
    SampledCells
        Cells on the scales "log rate", "response" (expected count) and, where zero-inflated, "log odds" of a structural
        zero.
    """
    family = Counts(law=law, zero_inflated=zero_inflated, prior=prior or CountPrior())
    model = stated(family, y, cell, n_cells, covariates=covariates, covariate_sd=covariate_sd, groups=groups,
                   slopes=slopes)  # fmt: skip
    return fitted(model, seed=seed, **settings)
