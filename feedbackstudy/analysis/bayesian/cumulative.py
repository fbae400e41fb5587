"""Ordered ratings: the cumulative model with thresholds that are ordered by construction."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit, logit, ndtr, ndtri

from feedbackstudy.analysis.bayesian.cell_contrast import Scale
from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.cell_rows import CellRows
from feedbackstudy.analysis.bayesian.family import Family, StanOutcome
from feedbackstudy.analysis.bayesian.predictor import PredictorPrior
from feedbackstudy.analysis.bayesian.predictor_draws import Values, spread
from feedbackstudy.analysis.bayesian.prior_laws import Dirichlet, Parameter
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells, fitted
from feedbackstudy.analysis.bayesian.sampling import load_tensors
from feedbackstudy.errors import DataError

__all__ = ["Cumulative", "CumulativePrior", "cumulative"]

type Floats = NDArray[np.float64]
type Link = Literal["probit", "logit"]

_EDGE = 40.0
"""Beyond every threshold: the distribution functions are 0 and 1 there to double precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativePrior(PredictorPrior):
    """Prior of the cumulative model, in units of the latent distribution.

    Attributes
    ----------
    people : float
        Weight, in people, of the prior of the share of each category in an average cell; 1 is uniform over all shares.
    """

    people: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Cumulative(Family):
    r"""Cumulative model of ordered categories.

    Attributes
    ----------
    categories : int
        Categories; outcomes are positions from 0.
    link : {"probit", "logit"}
        Latent normal or logistic distribution.
    prior : CumulativePrior
        The prior.
    lowest : float
        Rating of the first category, for expected ratings.

    Notes
    -----
    :math:`P(y \le k) = F(c_k - \eta)`. Shares :math:`\pi` of the categories in an average cell are Dirichlet and the
    free parameters; thresholds are :math:`c_k = F^{-1}(\pi_1 + \dots + \pi_k)`. So they are ordered in every draw, from
    the prior as from the posterior, and no category is favoured before the data.
    """

    categories: int
    link: Link = "probit"
    prior: CumulativePrior = field(default_factory=CumulativePrior)
    lowest: float = 1.0
    scales: ClassVar[tuple[Scale, ...]] = ("latent", "response")
    level: ClassVar[bool] = False

    @property
    def words(self) -> str:
        """The likelihood in words."""
        return f"cumulative {self.link} of {self.categories} ordered categories"

    @property
    def graph(self) -> Hashable:
        """All of the family that decides the graph."""
        return "cumulative", self.link, self.categories

    def check(self, rows: CellRows) -> None:  # noqa: D102
        if self.categories < 3 or rows.n_cells < 2:
            raise DataError(
                f"A cumulative model needs at least three categories and two cells; given {self.categories} and "
                f"{rows.n_cells}. Two categories are a binary outcome."
            )
        whole = rows.y == np.round(rows.y)
        if not whole.all() or rows.y.min() < 0 or rows.y.max() >= self.categories:
            raise DataError(
                f"Ratings are positions from 0 to {self.categories - 1}; given {rows.y.min():g} to {rows.y.max():g}"
                f"{'' if whole.all() else ', not all whole'}."
            )

    def own(self, rows: CellRows) -> tuple[Parameter, ...]:  # noqa: ARG002, D102
        weights = (self.prior.people,) * self.categories
        return (Parameter(name="shares", law=Dirichlet(weights), shape=(self.categories,)),)

    def observe(self, pm: Any, rows: CellRows, eta: Any, variables: Mapping[str, Any], outcome: Any) -> None:  # noqa: ANN401, ARG002, D102
        pt = load_tensors()
        below = pt.cumsum(variables["shares"])[:-1]
        normal = self.link == "probit"
        thresholds = -np.sqrt(2.0) * pt.erfcinv(2 * below) if normal else pt.log(below) - pt.log1p(-below)
        thresholds = pm.Deterministic("thresholds", thresholds)
        pm.CustomDist(
            "rating", eta, thresholds, logp=_normal_logp if normal else _logistic_logp,
            random=_draw_normal if normal else _draw_logistic, observed=outcome, dtype="int64",
            signature="(n),(k)->(n)",
        )  # fmt: skip

    def completed(self, rows: CellRows, values: dict[str, Floats]) -> None:  # noqa: ARG002, D102
        below = np.cumsum(values["shares"], axis=1)[:, :-1]
        above = np.cumsum(values["shares"][:, ::-1], axis=1)[:, ::-1][:, 1:]
        low = ndtri(below) if self.link == "probit" else logit(below)
        high = -ndtri(above) if self.link == "probit" else -logit(above)
        values["thresholds"] = np.clip(np.where(below < 0.5, low, high), -_EDGE, _EDGE)

    def stan(self, scale: Scale, rows: CellRows) -> StanOutcome:  # noqa: ARG002, D102
        k, probit = self.categories, self.link == "probit"
        below = f"cumulative_sum(shares)[1:{k - 1}]"
        derived = f"vector[{k - 1}] thresholds = {'inv_Phi' if probit else 'logit'}({below});"
        above = "Phi" if probit else "inv_logit"
        rating = " + ".join([f"{self.lowest:.17g}", *(f"{above}(cells - thresholds[{j}])" for j in range(1, k))])
        in_r, inverse = ("pnorm", "qnorm") if probit else ("plogis", "qlogis")
        part = f"{in_r}(cells - {inverse}(pmin(rowSums(shares[, seq_len(k), drop = FALSE]), 1)))"
        rating_in_r = f'Reduce("+", lapply(seq_len({k - 1}), function(k) {part}), {self.lowest:.17g})'
        return StanOutcome(
            likelihood=f"y ~ ordered_{'probit' if probit else 'logistic'}(eta, thresholds);",
            cells="cells" if scale == "latent" else rating,
            derived=derived,
            first=1,
            cells_in_r="cells" if scale == "latent" else rating_in_r,
            variance="" if scale != "latent" else "1" if probit else "pi^2 / 3",
        )

    def log_likelihood(self, rows: CellRows, eta: Floats, values: Values) -> Floats:  # noqa: D102
        edges = _edges(values["thresholds"])
        k = rows.y.astype(np.int64)
        upper, lower = edges[:, k + 1] - eta, edges[:, k] - eta
        if self.link == "logit":
            return np.asarray(log_expit(upper) + log_expit(-lower) + np.log(-np.expm1(lower - upper)), dtype=np.float64)
        flip = lower + upper > 0
        a, b = np.where(flip, -lower, upper), np.where(flip, -upper, lower)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(ndtr(a) - ndtr(b)), dtype=np.float64)

    def outcome(self, rows: CellRows, eta: Floats, values: Values, rng: np.random.Generator) -> Floats:  # noqa: ARG002, D102
        noise = rng.standard_normal(eta.shape) if self.link == "probit" else rng.logistic(size=eta.shape)
        latent = eta + noise
        found = np.zeros(eta.shape)
        for threshold in values["thresholds"].T:
            found += latent > threshold[:, None]
        return found

    def cells(self, scale: Scale, rows: CellRows, values: Values) -> Floats:  # noqa: ARG002, D102
        if scale == "latent":
            return np.asarray(values["cells"], dtype=np.float64)
        return self.expected(values["cells"], values["thresholds"])

    def expected(self, latent: Floats, thresholds: Floats) -> Floats:
        r"""Return expected ratings.

        Parameters
        ----------
        latent : ndarray, shape (s, m)
            Places on the latent scale.
        thresholds : ndarray, shape (s, k)
            Thresholds.

        Returns
        -------
        ndarray, shape (s, m)
            :math:`lowest + \sum_k P(y > k)`.
        """
        above = ndtr if self.link == "probit" else expit
        return np.asarray(
            self.lowest + above(latent[:, :, None] - thresholds[:, None, :]).sum(axis=2), dtype=np.float64
        )

    def sds(self, scale: Scale, rows: CellRows, values: Values) -> Floats | None:  # noqa: D102
        if scale != "latent":
            return None
        unit = 1.0 if self.link == "probit" else np.pi**2 / 3
        return np.sqrt(unit + spread(rows, values))


def cumulative(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    *,
    categories: int,
    seed: int,
    link: Link = "probit",
    lowest: float = 1.0,
    covariates: ArrayLike | None = None,
    covariate_sd: ArrayLike | None = None,
    groups: Mapping[str, ArrayLike] | None = None,
    slopes: Mapping[str, ArrayLike] | None = None,
    prior: CumulativePrior | None = None,
    **settings: Any,  # noqa: ANN401
) -> SampledCells:
    """Sample the cumulative model of ordered ratings.

    Parameters
    ----------
    y : array_like of int, shape (n,)
        Position of each rating's category, from 0.
    cell : array_like of int, shape (n,)
        Position of each row's cell.
    n_cells : int
        Cells.
    categories : int
        Categories of the response format, whether used or not.
    seed : int
        Seed of the chains.
    link : {"probit", "logit"}, default "probit"
        Latent distribution.
    lowest : float, default 1
        Rating of the first category, for expected ratings.
    covariates : array_like, shape (n, q), optional
        Covariates, centred.
    covariate_sd : array_like, shape (q,), optional
        Spread of each covariate that its prior refers to; by default that in these rows.
    groups : mapping of str to array_like of int, optional
        Grouping factors of random intercepts.
    slopes : mapping of str to array_like, optional
        Columns whose coefficients vary over the groups of a factor.
    prior : CumulativePrior, optional
        The prior.
    **settings
        `draws`, `tune`, `chains`, `target_accept`, `progress`, as in `fitted`.

    Returns
    -------
    SampledCells
        Cells on the scales "latent" and "response" (expected rating).
    """
    family = Cumulative(categories=categories, link=link, prior=prior or CumulativePrior(), lowest=lowest)
    model = stated(family, y, cell, n_cells, covariates=covariates, covariate_sd=covariate_sd, groups=groups,
                   slopes=slopes)  # fmt: skip
    return fitted(model, seed=seed, **settings)


def _edges(thresholds: Floats) -> Floats:
    edge = np.full((thresholds.shape[0], 1), _EDGE * 10)
    return np.concatenate([-edge, thresholds, edge], axis=1)


def _tensor_edges(value: Any, eta: Any, thresholds: Any) -> tuple[Any, Any]:  # noqa: ANN401
    pt = load_tensors()
    edges = pt.concatenate([[-_EDGE * 10], thresholds, [_EDGE * 10]])
    k = pt.cast(value, "int64")
    return edges[k + 1] - eta, edges[k] - eta


def _logistic_logp(value: Any, eta: Any, thresholds: Any) -> Any:  # noqa: ANN401
    pt = load_tensors()
    upper, lower = _tensor_edges(value, eta, thresholds)
    return -pt.softplus(-upper) - pt.softplus(lower) + pt.log1mexp(lower - upper)


def _normal_logp(value: Any, eta: Any, thresholds: Any) -> Any:  # noqa: ANN401
    pt = load_tensors()
    upper, lower = _tensor_edges(value, eta, thresholds)
    flip = lower + upper > 0
    a, b = pt.switch(flip, -lower, upper), pt.switch(flip, -upper, lower)
    root = np.sqrt(0.5)
    return pt.log(0.5 * (pt.erfc(-a * root) - pt.erfc(-b * root)))


def _draw_normal(eta: Floats, thresholds: Floats, rng: np.random.Generator, size: Any = None) -> Any:  # noqa: ANN401, ARG001
    return _categories(eta + rng.standard_normal(eta.shape), thresholds)


def _draw_logistic(eta: Floats, thresholds: Floats, rng: np.random.Generator, size: Any = None) -> Any:  # noqa: ANN401, ARG001
    return _categories(eta + rng.logistic(size=eta.shape), thresholds)


def _categories(latent: Floats, thresholds: Floats) -> Any:  # noqa: ANN401
    return (latent[..., :, None] > thresholds[..., None, :]).sum(axis=-1)
