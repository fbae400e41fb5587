"""The Bayesian twin of a path model: each equation's exact posterior, effects multiplied draw by draw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.densities import from_draws
from feedbackstudy.analysis.bayesian.path_mixture import EquationPrior, Mixture, equation_posterior
from feedbackstudy.analysis.mediation_system import Effect, PathSystem, values
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.errors import DataError

__all__ = ["PathPosterior", "joint_factor", "path_posterior"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathPosterior:
    """Independent draws from the exact posterior.

    Attributes
    ----------
    theta : ndarray of shape (draws, size)
        Coefficients, equation after equation.
    sigma : ndarray of shape (draws, equations)
        Residual standard deviations.
    tau : ndarray of shape (draws, equations)
        Standard deviations between clusters; 0 without clusters.
    n : int
        Rows.
    mixtures : tuple of Mixture
        The posterior of each equation as a mixture of normals.
    model : str
        Model and prior in words.
    priors : tuple of EquationPrior or None
        Priors of the equations.
    cluster : ndarray of int, shape (n,), or None
        Clusters.
    together : tuple of int
        Equations whose residuals may be correlated.
    """

    theta: Floats
    sigma: Floats
    tau: Floats
    n: int
    mixtures: tuple[Mixture, ...]
    model: str
    priors: tuple[EquationPrior | None, ...] = ()
    cluster: NDArray[np.int64] | None = None
    together: tuple[int, ...] = ()

    def effect(
        self,
        effect: Effect,
        *,
        level: float = 0.95,
        rope: tuple[float, float] | None = None,
        scale: Floats | None = None,
        quantity: str = "",
    ) -> Posterior:
        """Return the posterior of one effect.

        Parameters
        ----------
        effect : Effect
            The effect.
        level : float, default 0.95
            Probability inside the highest-density interval.
        rope : tuple of float, optional
            Region of practical equivalence.
        scale : ndarray of shape (draws,), optional
            Divides every draw: for standardised effects.
        quantity : str, optional
            Its name; the effect's by default.

        Returns
        -------
        Posterior
            From products draw by draw.
        """
        drawn = self.draws((effect,))[:, 0]
        return from_draws(
            drawn if scale is None else drawn / scale,
            quantity=quantity or effect.name,
            level=level,
            rope=rope,
            engine="exact draws",
            ess=float(len(drawn)),
        )

    def draws(self, effects: Sequence[Effect]) -> Floats:
        """Return effects in every draw.

        Parameters
        ----------
        effects : sequence of Effect
            The effects.

        Returns
        -------
        ndarray of shape (draws, effects)
            Products and sums of the drawn coefficients.
        """
        return values(effects, self.theta)

    def bayes_factor(self, effect: Effect) -> tuple[float | None, str]:
        r"""Return the Bayes factor of an effect that is one product.

        Parameters
        ----------
        effect : Effect
            The effect.

        Returns
        -------
        tuple of (float or None, str)
            In favour of an effect, and a note that says how, or why there is none.

        Notes
        -----
        Each leg is in the model or out with probability one half, independently. Its Bayes factor is exact
        (Savage-Dickey: normal prior density at 0 over the posterior mixture's). An indirect effect exists where all
        legs are in: :math:`BF = \frac{\prod p_k / (1 - \prod p_k)}{2^{-K} / (1 - 2^{-K})}`, :math:`p_k =
        BF_k / (1 + BF_k)` (Nuijten, Wetzels, Matzke, Dolan & Wagenmakers, 2015, Behavior Research Methods 47, 85-97).
        """
        legs = effect.single
        if not legs:
            return None, "no Bayes factor: the effect is a sum of several products"
        factors = [self._leg_factor(leg) for leg in legs]
        if any(factor is None for factor in factors):
            return None, "no Bayes factor: the reference prior is flat; give a prior for the scales"
        odds = [factor for factor in factors if factor is not None]
        if len(odds) == 1:
            return odds[0], "Bayes factor by Savage-Dickey, exact"
        return joint_factor(odds), (
            f"Bayes factor: all {len(odds)} legs there against at least one absent, each with prior probability 1/2"
        )

    def weakest_leg(self, effect: Effect) -> float | None:
        """Return the smallest Bayes factor among the legs of an effect that is one product.

        Parameters
        ----------
        effect : Effect
            The effect.

        Returns
        -------
        float or None
            The evidence for the product where its other legs were certain; unlike `bayes_factor` it depends on no prior
            odds of the legs. None for sums of products and flat priors.
        """
        factors = [self._leg_factor(leg) for leg in effect.single or ()]
        known = [factor for factor in factors if factor is not None]
        return min(known) if known and len(known) == len(factors) else None

    def _leg_factor(self, leg: Floats) -> float | None:
        start = 0
        for mixture in self.mixtures:
            size = mixture.prior.shape[0]
            part = leg[start : start + size]
            if part.any():
                return mixture.bayes_factor(part)
            start += size
        return None


def joint_factor(factors: Sequence[float]) -> float:
    """Return the Bayes factor for all legs against at least one absent, each with prior probability one half.

    Parameters
    ----------
    factors : sequence of float
        Bayes factors of the legs.

    Returns
    -------
    float
        See `PathPosterior.bayes_factor`; that of the leg itself where there is one.
    """
    if len(factors) == 1:
        return factors[0]
    together = float(np.prod([1 / (1 + 1 / factor) for factor in factors]))
    apart = 1 - together
    if apart < 1e-12:  # the complement is summed where the product is one to rounding
        apart = float(sum(1 / (1 + factor) for factor in factors))
    return together / apart * float(2 ** len(factors) - 1)


def path_posterior(
    system: PathSystem,
    *,
    draws: int = 20_000,
    seed: int,
    priors: Sequence[EquationPrior | None] = (),
    cluster: NDArray[np.int64] | None = None,
    together: Sequence[int] = (),
    prior_words: str = "",
) -> PathPosterior:
    r"""Draw from the exact posterior of every equation.

    Parameters
    ----------
    system : PathSystem
        Columns and equations.
    draws : int, default 20000
        Independent draws.
    seed : int
        Seed.
    priors : sequence of EquationPrior or None, optional
        One for each equation; None is flat.
    cluster : ndarray of int, shape (n,), optional
        Cluster of each row: every equation then has a random intercept.
    together : sequence of int, optional
        Equations with the same predictors whose residuals may be correlated: parallel mediators.
    prior_words : str, optional
        The priors in words.

    Returns
    -------
    PathPosterior
        Draws, and the mixtures they come from.

    Raises
    ------
    DataError
        For predictors that determine each other, or no residual variance.

    Notes
    -----
    The equations are recursive with independent residuals, so their posteriors are independent and are drawn one by
    one. :math:`\beta \sim N(0, P^{-1})`, :math:`p(\sigma) \propto 1/\sigma`. Given :math:`\sigma` (and the ratio
    :math:`\tau^2/\sigma^2` of a random intercept) :math:`\beta` is normal; one decomposition diagonalises
    :math:`X'V^{-1}X` and P together, so every :math:`\sigma` of a grid costs nothing. Without a prior and without
    clusters this is the normal/inverse-chi-square posterior, whose :math:`\sigma` is drawn exactly.

    Correlated residuals of parallel mediators: each is regressed on the mediators before it too (flat slopes
    :math:`d`), which makes the residuals independent; :math:`\beta_j + \sum_k d_{jk} \beta_k` are the coefficients
    without them.
    """
    rng = np.random.default_rng(seed)
    chosen = list(priors) or [None] * len(system.equations)
    if len(chosen) != len(system.equations):
        raise DataError(f"Give one prior for each of the {len(system.equations)} equations; given {len(chosen)}.")
    theta, sigma = np.empty((draws, system.size)), np.empty((draws, len(system.equations)))
    tau = np.zeros_like(sigma)
    mixtures = []
    for k, prior in enumerate(chosen):
        predictors = system.equations[k].predictors
        before = tuple(j for j in together if j < k) if k in together else ()
        beta, sigma[:, k], tau[:, k] = _drawn(system, k, prior, cluster, before, draws, rng)
        own = beta[:, : len(predictors)]
        for i, j in enumerate(before):
            own = own + beta[:, len(predictors) + i, None] * theta[:, system.block(j)]
        theta[:, system.block(k)] = own
        mixtures.append(equation_posterior(*_arrays(system, k), prior, cluster))
    between = ", a random intercept for each cluster" if cluster is not None else ""
    words = prior_words or "reference prior: flat coefficients, p(sigma) proportional to 1/sigma"
    return PathPosterior(
        theta=theta,
        sigma=sigma,
        tau=tau,
        n=system.n,
        mixtures=tuple(mixtures),
        model=f"normal equations in causal order{between}; {words}; exact draws",
        priors=tuple(chosen),
        cluster=cluster,
        together=tuple(together),
    )


def _drawn(
    system: PathSystem,
    k: int,
    prior: EquationPrior | None,
    cluster: NDArray[np.int64] | None,
    before: tuple[int, ...],
    draws: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:
    """Draw one equation, the responses of the equations `before` being predictors as well."""
    more = tuple(system.equations[j].response for j in before)
    if cluster is None and prior is None:
        beta, sigma = _conjugate(system, k, more, draws, rng)
        return beta, sigma, np.zeros(draws)
    return equation_posterior(*_arrays(system, k, more), prior, cluster).draw(draws, rng)


def _arrays(system: PathSystem, k: int, more: tuple[int, ...] = ()) -> tuple[Floats, Floats]:
    equation = system.equations[k]
    return system.matrix[:, [*equation.predictors, *more]], system.matrix[:, equation.response]


def _conjugate(
    system: PathSystem, k: int, more: tuple[int, ...], draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    x, y = _arrays(system, k, more)
    q, r = np.linalg.qr(x)
    centre = np.linalg.solve(r, q.T @ y)
    rest = float(((y - x @ centre) ** 2).sum())
    sigma = np.sqrt(rest / rng.chisquare(len(y) - len(centre), draws))
    noise = rng.standard_normal((draws, len(centre)))
    return centre + sigma[:, None] * np.linalg.solve(r, noise.T).T, sigma
