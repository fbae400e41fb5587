"""Mediation between latent variables: a measurement model of items, and equations among the factors behind them."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.compiled import Compiled, compiled_once
from feedbackstudy.analysis.bayesian.prior_laws import HalfNormal, Normal, Parameter
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampling import load_pymc, load_tensors

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["ACCEPT", "Factor", "LatentModel"]

type Floats = NDArray[np.float64]

_LOADING_SD, _PATH_SD = 0.5, 0.5
ACCEPT = 0.98
"""Acceptance that step sizes are tuned to: where a factor hardly carries its items, its spread may be near zero."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factor:
    """A latent variable and its items.

    Attributes
    ----------
    name : str
        Its name.
    items : ndarray, shape (n, k)
        Answers, keyed in the factor's direction; the first item gives the factor its unit. With one item the factor is
        that item, measured without error.
    prior : CellPrior
        Prior from the response format of the items.
    """

    name: str
    items: Floats
    prior: CellPrior

    @property
    def size(self) -> int:
        """Items."""
        return int(self.items.shape[1])


@dataclass(frozen=True, eq=False)
class LatentModel:
    r"""Factors in causal order: mediators, then the outcome.

    Attributes
    ----------
    treatment : ndarray, shape (n,)
        The treatment, centred; its unit is the difference that effects refer to.
    factors : tuple of Factor
        Mediators in order, then the outcome; each depends on the treatment and on all before it.
    covariates : ndarray, shape (n, q)
        Covariates of every equation, centred, in units of their standard deviation.

    Notes
    -----
    Factors :math:`\eta = B\eta + \Gamma e + \zeta` and items :math:`y = \nu + \Lambda\eta + \epsilon` are normal, so
    the factors integrate out: items are :math:`N(\nu + \Lambda A\Gamma e, \Lambda A\Psi A'\Lambda' + \Theta)` with
    :math:`A = (I - B)^{-1}` (Bollen, 1989, Structural equations with latent variables, chapter 8). The likelihood needs
    cross-products of items and exogenous columns only; its cost does not grow with the people.
    """

    treatment: Floats
    factors: tuple[Factor, ...]
    covariates: Floats

    @property
    def n(self) -> int:
        """People."""
        return int(self.treatment.size)

    @property
    def words(self) -> str:
        """The model in words."""
        sizes = ", ".join(f"{f.name} ({f.size} item{'s' * (f.size > 1)})" for f in self.factors)
        kind = "simple" if len(self.factors) == 2 else "serial"
        return f"{kind} mediation between latent variables {sizes}, sampled by NUTS (PyMC + nutpie)"

    @property
    def prior(self) -> str:
        """The prior in words."""
        return "; ".join(f"{p.name} {p.law}" for p in self.parameters)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every parameter, with its prior from the response formats."""
        q, found = self.covariates.shape[1], []
        for factor in self.factors:
            f, prior = factor.name, factor.prior
            found += [
                Parameter(
                    name=f"intercept_{f}", law=Normal(prior.middle, float(np.hypot(prior.middle_sd, prior.effect_sd))),
                    shape=(factor.size,),
                ),
                Parameter(name=f"factor_sd_{f}", law=HalfNormal(prior.residual_sd)),
                Parameter(name=f"effect_{f}", law=Normal(0.0, float(np.sqrt(2.0)) * prior.effect_sd)),
            ]  # fmt: skip
            if factor.size > 1:
                found += [
                    Parameter(name=f"loading_{f}", law=Normal(1.0, _LOADING_SD), shape=(factor.size - 1,)),
                    Parameter(name=f"item_sd_{f}", law=HalfNormal(prior.residual_sd), shape=(factor.size,)),
                ]
            found += [Parameter(name=f"covariate_{f}", law=Normal(0.0, prior.slope_sd), shape=(q,))] if q else []
        for before, after in combinations(self.factors, 2):
            unit = after.prior.residual_sd / before.prior.residual_sd
            found.append(Parameter(name=f"path_{before.name}_{after.name}", law=Normal(0.0, _PATH_SD * unit)))
        return tuple(found)

    @cached_property
    def _exogenous(self) -> Floats:
        return np.column_stack([np.ones(self.n), self.treatment, self.covariates])

    def data(self) -> dict[str, NDArray[Any]]:
        """Return all data of the graph by name.

        Returns
        -------
        dict of str to ndarray
            Rows of the triangle of a QR decomposition of all people's columns, people, and the figures of the priors.

        Notes
        -----
        The triangle has the cross-products of the people's rows. From differences of cross-products themselves, a chain
        far out can find a density without bound.
        """
        columns = [self._exogenous, *(factor.items for factor in self.factors)]
        triangle = np.linalg.qr(np.concatenate(columns, axis=1), mode="r")
        rows = np.zeros((triangle.shape[1], triangle.shape[1]))
        rows[: len(triangle)] = triangle
        causes, items = np.hsplit(rows, [self._exogenous.shape[1]])
        return {"causes": causes, "items": items, "people": np.array(float(self.n))} | {
            f"{p.name}_prior": p.law.figures for p in self.parameters
        }

    def pymc_model(self) -> "pymc.Model":
        """Return the PyMC model that is sampled, to inspect or extend.

        Returns
        -------
        pymc.Model
            The likelihood of all items is the potential `likelihood`.
        """
        pm, pt = load_pymc(), load_tensors()
        given = self.data()
        with pm.Model() as model:
            data = {name: pm.Data(name, value) for name, value in given.items()}
            free = {p.name: p.law.variable(pm, p.name, data[f"{p.name}_prior"], p.shape) for p in self.parameters}
            coefficients, covariance = self._implied(pt, free)
            root = pt.linalg.cholesky(covariance)
            rest = data["items"].T - pt.dot(coefficients, data["causes"].T)
            squares = pt.sum(pt.linalg.solve_triangular(root, rest, lower=True) ** 2)
            log_det = 2 * pt.sum(pt.log(pt.diagonal(root)))
            size = sum(f.size for f in self.factors)
            pm.Potential("likelihood", -0.5 * (data["people"] * (size * np.log(2 * np.pi) + log_det) + squares))
        return model

    def compiled(self) -> Compiled:
        """Return the compiled graph with these data.

        Returns
        -------
        Compiled
            Compiled the first time a graph of these shapes is needed in a process.
        """
        key: Hashable = ("latent", tuple((f.name, f.size) for f in self.factors), self.covariates.shape[1])
        return compiled_once(key, self.pymc_model).with_data(self.data())

    def _implied(self, xp: Any, values: Mapping[str, Any]) -> tuple[Any, Any]:  # noqa: ANN401
        """Return item coefficients on the exogenous columns and item covariance, in PyTensor or numpy (one draw)."""
        loadings, structural = self._reduced(xp, values)
        effects = xp.stack([
            xp.concatenate([
                xp.stack([values[f"effect_{f.name}"]]),
                *([values[f"covariate_{f.name}"]] if self.covariates.shape[1] else []),
            ])
            for f in self.factors
        ])  # fmt: skip
        intercepts = xp.concatenate([values[f"intercept_{f.name}"] for f in self.factors])
        carried = xp.dot(loadings, structural)
        coefficients = xp.concatenate([intercepts[:, None], xp.dot(carried, effects)], axis=1)
        scaled = carried * xp.stack([values[f"factor_sd_{f.name}"] for f in self.factors])
        errors = xp.concatenate([
            values[f"item_sd_{f.name}"] if f.size > 1 else np.zeros(1) for f in self.factors
        ])  # fmt: skip
        return coefficients, xp.dot(scaled, scaled.T) + xp.diag(errors**2)

    def _reduced(self, xp: Any, values: Mapping[str, Any]) -> tuple[Any, Any]:  # noqa: ANN401
        """Return loadings, shape (items, factors), and the factors' dependence on all disturbances."""
        count, blocks = len(self.factors), []
        for j, factor in enumerate(self.factors):
            one = np.ones(1)
            column = xp.concatenate([one, values[f"loading_{factor.name}"]]) if factor.size > 1 else xp.stack([1.0])
            blocks.append(column[:, None] * np.eye(count)[j])
        rows: list[Any] = []
        for j, factor in enumerate(self.factors):
            row = xp.stack([float(j == i) for i in range(count)])
            for i, before in enumerate(self.factors[:j]):
                row = row + values[f"path_{before.name}_{factor.name}"] * rows[i]
            rows.append(row)
        return xp.concatenate(blocks), xp.stack(rows)

    def forward(self, rng: np.random.Generator) -> dict[str, Floats]:
        """Draw all parameters once from the prior.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of chance.

        Returns
        -------
        dict of str to ndarray
            Parameters.
        """
        return {p.name: p.law.draw(rng, 1, p.shape)[0] for p in self.parameters}

    def invented(self, values: Mapping[str, Floats], rng: np.random.Generator) -> "LatentModel":
        """Draw the items of the same people, person by person, factor by factor.

        Parameters
        ----------
        values : mapping of str to ndarray
            One value of every parameter.
        rng : numpy.random.Generator
            Source of chance.

        Returns
        -------
        LatentModel
            The same people with invented items.
        """
        scores: dict[str, Floats] = {}
        made = []
        for factor in self.factors:
            f = factor.name
            score = values[f"effect_{f}"] * self.treatment + values[f"factor_sd_{f}"] * rng.standard_normal(self.n)
            score += self.covariates @ values[f"covariate_{f}"] if self.covariates.shape[1] else 0.0
            score += sum((values[f"path_{g}_{f}"] * scores[g] for g in scores), np.zeros(self.n))
            scores[f] = score
            loading = np.concatenate([np.ones(1), values.get(f"loading_{f}", np.zeros(0))])
            noise = values.get(f"item_sd_{f}", np.zeros(1)) * rng.standard_normal((self.n, factor.size))
            items = values[f"intercept_{f}"] + score[:, None] * loading + noise
            made.append(Factor(name=f, items=np.asarray(items, dtype=np.float64), prior=factor.prior))
        return LatentModel(self.treatment, tuple(made), self.covariates)

    def log_likelihood(self, values: Mapping[str, Floats]) -> float:
        """Return the log likelihood of all items at one value of the parameters, person by person.

        Parameters
        ----------
        values : mapping of str to ndarray
            One value of every parameter.

        Returns
        -------
        float
            Log likelihood.
        """
        coefficients, covariance = self._implied(np, values)
        items = np.concatenate([factor.items for factor in self.factors], axis=1)
        rest = items - self._exogenous @ coefficients.T
        _, log_det = np.linalg.slogdet(covariance)
        squares = (rest @ np.linalg.inv(covariance) * rest).sum()
        return float(-0.5 * (self.n * (items.shape[1] * np.log(2 * np.pi) + log_det) + squares))

    def chains(self) -> tuple[tuple[str, ...], ...]:
        """Return every way from the treatment to the outcome through mediators, shortest first.

        Returns
        -------
        tuple of tuple of str
            Names of factors, the outcome last.
        """
        *mediators, outcome = (factor.name for factor in self.factors)
        return tuple((*way, outcome) for k in range(1, len(mediators) + 1) for way in combinations(mediators, k))

    def product(self, chain: Sequence[str], values: Mapping[str, Floats]) -> Floats:
        """Return the product of the paths along one way.

        Parameters
        ----------
        chain : sequence of str
            Factors on the way, the outcome last.
        values : mapping of str to ndarray
            Draws.

        Returns
        -------
        ndarray
            One product a draw.
        """
        found = np.asarray(values[f"effect_{chain[0]}"], dtype=np.float64)
        for before, after in pairwise(chain):
            found = found * values[f"path_{before}_{after}"]
        return found
