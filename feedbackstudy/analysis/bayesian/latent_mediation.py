"""Latent mediation, sampled: every effect is a product of paths within a draw."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.densities import IntervalKind, from_draws
from feedbackstudy.analysis.bayesian.gates import converged
from feedbackstudy.analysis.bayesian.latent_lavaan import effect_codes, latent_lavaan
from feedbackstudy.analysis.bayesian.latent_model import ACCEPT, Factor, LatentModel
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampling import Draws, Progress, sample
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.r_stan_latent import latent_code
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Table, Text, interval, number

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["LatentMediation", "latent_mediation", "latent_model"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class LatentMediation(Rendered):
    """Draws of a mediation between latent variables.

    Attributes
    ----------
    model : LatentModel
        The model.
    draws : Draws
        What the sampler drew, with the gates.
    notes : tuple of str
        What was left out or decided about the rows.
    provenance : Provenance or None
        What made it; None where it was made from arrays.
    """

    model: LatentModel
    draws: Draws
    notes: tuple[str, ...] = ()
    provenance: Provenance | None = None

    @cached_property
    def effects(self) -> dict[str, Floats]:
        """Draws of every effect, shape (chains, draws).

        Paths are named ``"a -> b"``, the treatment ``"treatment"``; ways through mediators by all their names;
        ``"direct"``, ``"indirect"`` (all ways together) and ``"total"`` are effects on the outcome.
        """
        values, factors = self.draws.variables, [factor.name for factor in self.model.factors]
        found = {f"treatment -> {name}": values[f"effect_{name}"] for name in factors[:-1]}
        for j, after in enumerate(factors):
            found |= {f"{before} -> {after}": values[f"path_{before}_{after}"] for before in factors[:j]}
        found["direct"] = values[f"effect_{factors[-1]}"]
        ways = {" -> ".join(("treatment", *chain)): self.model.product(chain, values) for chain in self.model.chains()}
        found |= ways
        found["indirect"] = np.asarray(sum(ways.values()), dtype=np.float64)
        found["total"] = found["direct"] + found["indirect"]
        return found

    def posterior(
        self,
        effect: str,
        *,
        level: float = 0.95,
        interval: IntervalKind = "HDI",
        rope: tuple[float, float] | None = None,
    ) -> Posterior:
        """Return the posterior of one effect.

        Parameters
        ----------
        effect : str
            One of the names of `effects`.
        level : float, default 0.95
            Probability inside the interval.
        interval : {"HDI", "equal-tailed"}, default "HDI"
            Kind of the interval.
        rope : tuple of (float, float), optional
            Region of practical equivalence.

        Returns
        -------
        Posterior
            In units of the first item of the last factor on the way.

        Raises
        ------
        NotFoundError
            For an effect that the model does not have.
        """
        if effect not in self.effects:
            raise NotFoundError(choices("Effect", effect, self.effects))
        drawn = self.effects[effect]
        quality = converged(drawn)
        return from_draws(
            drawn.ravel(), quantity=effect, level=level, interval=interval, rope=rope, engine="PyMC + nutpie",
            rhat=quality.rhat, ess=min(quality.ess_bulk, quality.ess_tail),
        )  # fmt: skip

    def pymc_model(self) -> "pymc.Model":
        """Return the PyMC model that was sampled, to inspect or extend.

        Returns
        -------
        pymc.Model
            A new copy.
        """
        return self.model.pymc_model()

    def r_script(self) -> RScript:
        """Return the same equations for lavaan, by maximum likelihood, and the same model for Stan.

        Returns
        -------
        RScript
            Data and code; ``.save(folder)`` writes both. Where rstan is installed the posterior is sampled anew: its
            figures follow in the order of `effects`.
        """
        script, codes = latent_lavaan(self.model), [code for _, code in effect_codes(self.model)]
        chains, draws = self.effects["total"].shape
        sampled = latent_code(self.model, codes, chains=chains, draws=draws, seed=self.draws.seed)
        return replace(script, body=script.body + sampled)

    @property
    def fit_to_report(self) -> bool:
        """Whether the gates of the sampler hold."""
        return self.draws.gates.hold

    def page(self) -> Page:
        """Return effects, prior and convergence as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        rows = []
        for name in self.effects:
            found = self.posterior(name)
            probability = number(found.prob_direction, unit_interval=True)
            rows.append((name, number(found.median), interval(found.low, found.high), probability))
        facts = Facts(
            (
                ("model", self.model.words),
                ("prior", self.model.prior),
                ("people", str(self.model.n)),
                ("seed", str(self.draws.seed)),
                ("reading", "the mediators were not randomised: the figures are consistent with mediation, no proof"),
            )
        )
        table = Table(("effect", "median", "95% HDI", "P(direction)"), tuple(rows))
        unfit = () if self.fit_to_report else (Notice("Not fit to report: a gate failed, see below.", tone="warning"),)
        blocks: list[Block] = [*unfit, facts, table, *map(Text, self.notes), *self.draws.gates.page().blocks]
        blocks += [] if self.provenance is None else [self.provenance.facts()]
        return Page(title="Mediation between latent variables", blocks=tuple(blocks))


def latent_mediation(
    model: LatentModel,
    *,
    seed: int,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    target_accept: float = ACCEPT,
    progress: Progress | None = None,
) -> LatentMediation:
    """Sample a mediation between latent variables.

    Parameters
    ----------
    model : LatentModel
        As `latent_model` states it.
    seed : int
        Seed of the chains.
    draws, tune, chains : int
        Draws and warm-up draws of each chain, and chains.
    target_accept : float, default 0.98
        Acceptance that the step size is tuned to.
    progress : callable, optional
        As in `sampling.sample`.

    Returns
    -------
    LatentMediation
        Draws of paths and of their products.
    """
    drawn = sample(
        model.compiled, seed=seed, draws=draws, tune=tune, chains=chains, target_accept=target_accept, progress=progress
    )
    return LatentMediation(model=model, draws=drawn)


def latent_model(
    treatment: ArrayLike,
    factors: Mapping[str, tuple[ArrayLike, CellPrior]],
    *,
    covariates: ArrayLike | None = None,
) -> LatentModel:
    """State a mediation between latent variables.

    Parameters
    ----------
    treatment : array_like, shape (n,)
        The treatment, such as 0 and 1.
    factors : mapping of str to (array_like of shape (n, k), CellPrior)
        Items and prior of each factor: mediators in causal order, then the outcome.
    covariates : array_like, shape (n, q), optional
        Covariates of every equation.

    Returns
    -------
    LatentModel
        Ready to be drawn forward or fitted.

    Raises
    ------
    DataError
        For missing or infinite values, a treatment or covariate that does not vary, or fewer than two factors.
    """
    x = np.asarray(treatment, dtype=np.float64)
    if x.ndim != 1 or not np.isfinite(x).all() or np.ptp(x) == 0:
        raise DataError("The treatment must be one finite column that varies.")
    z = np.zeros((x.size, 0)) if covariates is None else _matrix("covariates", covariates, x.size)
    spread = z.std(axis=0, ddof=1)
    if (spread == 0).any():
        raise DataError("A covariate that does not vary says nothing; leave it out.")
    if len(factors) < 2:
        raise DataError(f"Mediation needs a mediator and an outcome; given {list(factors)}.")
    made = tuple(
        Factor(name=name, items=_items(name, items, x.size), prior=prior) for name, (items, prior) in factors.items()
    )
    return LatentModel(x - x.mean(), made, (z - z.mean(axis=0)) / spread)


def _items(name: str, items: ArrayLike, n: int) -> Floats:
    if not name.isidentifier():
        raise DataError(f"Factor {name!r} needs a name of letters, digits and '_', such as 'self_efficacy'.")
    found = _matrix(f"items of {name!r}", items, n)
    constant = np.flatnonzero(np.ptp(found, axis=0) == 0)
    if constant.size:
        raise DataError(f"Items of {name!r} at positions {constant.tolist()} have one answer from all; leave them out.")
    return found


def _matrix(what: str, given: ArrayLike, n: int) -> Floats:
    values = np.asarray(given, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[0] != n or not np.isfinite(values).all():
        raise DataError(f"The {what} must be finite, with one row for each of the {n} people; given {values.shape}.")
    return values
