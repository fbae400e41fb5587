"""The PyMC twin of a path model's exact posterior: the real model, to inspect, sample or extend."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.missing_paths import MixedPathPosterior
from feedbackstudy.analysis.bayesian.path_mixture import EquationPrior
from feedbackstudy.analysis.bayesian.path_posterior import PathPosterior
from feedbackstudy.analysis.bayesian.sampling import load_pymc
from feedbackstudy.analysis.mediation_system import Effect, PathSystem
from feedbackstudy.errors import DataError

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["models_of", "path_model"]

type Floats = NDArray[np.float64]


def path_model(
    system: PathSystem,
    effects: Sequence[Effect],
    *,
    priors: Sequence[EquationPrior | None] = (),
    cluster: NDArray[np.int64] | None = None,
    together: Sequence[int] = (),
) -> "pymc.Model":
    r"""Return the PyMC model of a path model, with every effect as a deterministic variable.

    Parameters
    ----------
    system : PathSystem
        Columns and equations, without missing values.
    effects : sequence of Effect
        What is computed from the coefficients.
    priors : sequence of EquationPrior or None, optional
        As in `path_posterior`.
    cluster : ndarray of int, shape (n,), optional
        Clusters with a random intercept in every equation.
    together : sequence of int, optional
        Equations whose residuals may be correlated.

    Returns
    -------
    pymc.Model
        Free variables of equation k: ``g{k}`` (coefficients on the orthogonal columns of QR, which changes nothing but
        the sampler's comfort), ``sigma{k}`` or its logarithm, ``tau{k}`` and ``z{k}`` with clusters. Deterministic:
        ``theta`` and one variable for each effect.

    Raises
    ------
    DataError
        For missing values.
    """
    if np.isnan(system.matrix).any():
        raise DataError("The PyMC model is written for complete rows; run the analysis with missing='listwise'.")
    pm = load_pymc()
    chosen = list(priors) or [None] * len(system.equations)
    with pm.Model() as model:
        found: list[Any] = []
        for k, prior in enumerate(chosen):
            before = [j for j in together if j < k] if k in together else []
            beta = _equation(pm, system, k, before, prior, cluster)
            own = beta[: len(system.equations[k].predictors)]
            for i, j in enumerate(before):
                own = own + beta[len(system.equations[k].predictors) + i] * found[j]
            found.append(own)
        theta = pm.Deterministic("theta", pm.math.concatenate(found))
        for effect in effects:
            pm.Deterministic(effect.name, _value(pm, effect, theta))
    return model


def models_of(
    posterior: PathPosterior, system: PathSystem, effects: Sequence[Effect]
) -> "tuple[Callable[[], pymc.Model], ...]":
    """Return what builds the model of each table that a posterior rests on.

    Parameters
    ----------
    posterior : PathPosterior
        The posterior.
    system : PathSystem
        The rows, where nothing was completed.
    effects : sequence of Effect
        What is computed from the coefficients.

    Returns
    -------
    tuple of callable
        One for each completed table; one where nothing was completed.
    """
    own = [(posterior, system)]
    if isinstance(posterior, MixedPathPosterior):
        own = list(zip(posterior.parts, posterior.systems, strict=True))
    return tuple(
        partial(path_model, rows, effects, priors=part.priors, cluster=part.cluster, together=part.together)
        for part, rows in own
    )


def _equation(
    pm: Any,  # noqa: ANN401
    system: PathSystem,
    k: int,
    before: Sequence[int],
    prior: EquationPrior | None,
    cluster: NDArray[np.int64] | None,
) -> Any:  # noqa: ANN401
    equation = system.equations[k]
    x = system.matrix[:, [*equation.predictors, *(system.equations[j].response for j in before)]]
    y = system.matrix[:, equation.response]
    q, r = np.linalg.qr(x)
    root = np.sqrt(len(y))
    g = pm.Flat(f"g{k}", shape=x.shape[1])
    beta = pm.math.dot(np.linalg.inv(r) * root, g)
    mean = pm.math.dot(q * root, g)
    if prior is not None:
        own = beta[: len(prior.precision)]
        pm.Potential(f"prior{k}", -0.5 * pm.math.dot(own, pm.math.dot(prior.precision, own)))
    if prior is None or prior.residual_sd is None:
        sigma = pm.math.exp(pm.Flat(f"log_sigma{k}"))
    else:
        sigma = pm.HalfNormal(f"sigma{k}", prior.residual_sd)
    if cluster is not None:
        names, code = np.unique(cluster, return_inverse=True)
        wide = prior.group_sd if prior is not None else None
        tau = pm.HalfFlat(f"tau{k}") if wide is None else pm.HalfNormal(f"tau{k}", wide)
        mean = mean + (tau * pm.Normal(f"z{k}", 0.0, 1.0, shape=names.size))[code]
    pm.Normal(f"y{k}", mean, sigma, observed=y)
    return beta


def _value(pm: Any, effect: Effect, theta: Any) -> Any:  # noqa: ANN401
    total: Any = 0.0
    for term in effect.terms:
        product: Any = term.weight
        for leg in term.legs:
            product = product * pm.math.dot(leg, theta)
        total = total + product
    return total
