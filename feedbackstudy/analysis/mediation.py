"""Mediation from a data frame: simple, parallel, serial, moderated, multilevel; both ways, from one call."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.path_posterior import PathPosterior, path_posterior
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.frequentist.bootstrap import bootstrap_paths
from feedbackstudy.analysis.frequentist.path_fit import Covariance, delta, fit_paths
from feedbackstudy.analysis.frequentist.path_intervals import IntervalMethod, checked_draws
from feedbackstudy.analysis.mediation_answers import Asked, answer_all
from feedbackstudy.analysis.mediation_declared import assumptions
from feedbackstudy.analysis.mediation_effects import Structure
from feedbackstudy.analysis.mediation_frame import PathColumns, path_columns
from feedbackstudy.analysis.mediation_moderation import Roles
from feedbackstudy.analysis.mediation_multilevel import multilevel_columns
from feedbackstudy.analysis.mediation_priors import FLAT, equation_priors
from feedbackstudy.analysis.mediation_result import Mediation
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance

if TYPE_CHECKING:
    from feedbackstudy.analysis.mediation_fiml import FimlPaths

__all__ = ["mediation"]

_FEW_CLUSTERS = 20
_KINDS = {
    "percentile": "percentile bootstrap",
    "bca": "bias-corrected and accelerated bootstrap",
    "monte carlo": "Monte-Carlo interval",
    "delta": "delta method",
}


def mediation(
    data: pd.DataFrame,
    x: str,
    mediators: str | Sequence[str],
    y: str,
    *,
    structure: Structure | None = None,
    moderator: str | None = None,
    moderates: Sequence[Literal["first", "second", "direct"]] = (),
    at: Sequence[float] = (),
    covariates: Sequence[str] = (),
    contrast: Mapping[str, float] | None = None,
    cluster: str | None = None,
    multilevel: bool = False,
    missing: Literal["listwise", "fiml"] = "listwise",
    interval: IntervalMethod | None = None,
    level: float = 0.95,
    n_boot: int = 5000,
    draws: int = 20_000,
    vcov: Covariance | None = None,
    correlated: bool = True,
    priors: Mapping[str, CellPrior] | None = None,
    sesoi: float | None = None,
    rope: tuple[float, float] | None = None,
    seed: int,
) -> Mediation:
    r"""Decompose an effect into what runs through mediators and what does not, both ways.

    Parameters
    ----------
    data : DataFrame
        One row a person; it is not changed.
    x : str
        The cause: numbers, or categories (of more than two, `contrast` says what is compared).
    mediators : str or sequence of str
        The mediators, in causal order where serial.
    y : str
        The outcome.
    structure : {"simple", "parallel", "serial"}, optional
        How several mediators stand; one mediator is simple.
    moderator : str, optional
        A column that the path may depend on.
    moderates : sequence of {"first", "second", "direct"}
        The legs it changes; must be given with a moderator.
    at : sequence of float
        Values of a numeric moderator at which effects are given; its mean and one standard deviation around it by
        default (the two values of one that has two).
    covariates : sequence of str
        Adjusted for in every equation.
    contrast : mapping of str to float, optional
        Weights over the levels of `x` that sum to 0; second minus first level of two by default.
    cluster : str, optional
        Column of clusters: these are drawn with replacement, standard errors are cluster-robust, and every Bayesian
        equation has a random intercept.
    multilevel : bool, default False
        Whether to keep effects within and between clusters apart (1-1-1, or 2-1-1 where `x` belongs to the cluster).
    missing : {"listwise", "fiml"}
        Leave incomplete rows out, or use every row whose cause and covariates are known (full-information maximum
        likelihood and data augmentation, both under multivariate normality and missing at random).
    interval : {"percentile", "bca", "monte carlo", "delta"}, optional
        Kind of the frequentist interval; percentile by default, Monte Carlo with FIML. p is always its own inversion.
    level : float, default 0.95
        Level of intervals, highest-density intervals included.
    n_boot, draws : int
        Bootstrap draws and posterior draws.
    vcov : {"ols", "ml", "HC3", "CR1"}, optional
        Covariance behind `coefficients`, the delta method, joint significance and the Monte-Carlo interval; least
        squares by default, CR1 with clusters.
    correlated : bool, default True
        Whether residuals of parallel mediators may be correlated.
    priors : mapping of str to CellPrior, optional
        Prior of each mediator and of the outcome from its scale, such as ``{"intent": CellPrior.of_scale(1, 7)}``; a
        flat reference prior, and no Bayes factor, without.
    sesoi : float, optional
        Smallest effect of interest in the outcome's units.
    rope : tuple of float, optional
        Region of practical equivalence; plus and minus the smallest effect by default.
    seed : int
        Seed of both engines.

    Returns
    -------
    Mediation
        Legs, direct, total, every indirect effect, sums, differences, conditional effects and indices.

    Raises
    ------
    DataError
        For columns that cannot play their part: named twice, constant, text for numbers, collinear, one level, one
        cluster; and for choices that do not fit together.
    NotFoundError
        For a column that does not exist.

    Notes
    -----
    Each equation is a linear regression (Hayes, 2018); a is the cause's slope on a mediator, b the mediator's slope on
    the outcome given the cause and the other mediators. Indirect effects are products, conditional effects and the
    index of moderated mediation (Hayes, 2015, Multivariate Behavioral Research 50, 1-22) follow from the slopes of
    the products with the moderator. The posterior is that of the same equations, multiplied draw by draw.

    An equation holds the moderator only where one of its legs is moderated. The standardised effect is the effect
    over the outcome's standard deviation, times the cause's where that is measured (partially and completely
    standardised). Nothing here makes an effect causal: mediators are measured, so a common cause of mediator and
    outcome would look the same; `Mediation.sensitivity` says how strong it must be.
    """
    roles = _roles(x, mediators, y, structure, moderator, moderates, at, covariates, contrast, cluster)
    chosen = _interval(interval, missing, n_boot, level)
    around = None if sesoi is None else (-sesoi, sesoi)
    if missing == "fiml":
        from feedbackstudy.analysis.mediation_fiml import fiml_paths

        refused = {"multilevel": multilevel, "cluster": cluster, "moderator": moderator, "priors": priors, "vcov": vcov}
        found = fiml_paths(data, roles, refused={k: v for k, v in refused.items() if v}, draws=draws, seed=seed)
        asked = Asked(
            level=level,
            interval=chosen,
            seed=seed,
            sesoi=sesoi,
            rope=rope or around,
            x_sd=found.columns.x_sd,
            outcome_sd=(found.outcome_sd, found.outcome_sd_draws),
        )
        return _from_fiml(data, found, asked, n_boot)
    if multilevel and priors is not None:
        raise DataError("A multilevel path takes the reference prior only; leave 'priors' out.")
    columns = multilevel_columns(data, roles) if multilevel else path_columns(data, roles)
    asked = Asked(level=level, interval=chosen, seed=seed, sesoi=sesoi, rope=rope or around, x_sd=columns.x_sd)
    return _answered(data, columns, asked, _Engines(n_boot, draws, vcov, priors, correlated=correlated))


class _Engines:
    """How both engines are run."""

    __slots__ = ("correlated", "draws", "n_boot", "priors", "vcov")

    def __init__(
        self,
        n_boot: int,
        draws: int,
        vcov: Covariance | None,
        priors: Mapping[str, CellPrior] | None,
        *,
        correlated: bool,
    ) -> None:
        self.n_boot, self.draws, self.vcov, self.priors, self.correlated = n_boot, draws, vcov, priors, correlated


def _roles(
    x: str,
    mediators: str | Sequence[str],
    y: str,
    structure: Structure | None,
    moderator: str | None,
    moderates: Sequence[str],
    at: Sequence[float],
    covariates: Sequence[str],
    contrast: Mapping[str, float] | None,
    cluster: str | None,
) -> Roles:
    names = (mediators,) if isinstance(mediators, str) else tuple(mediators)
    if not names:
        raise DataError(f"Name at least one mediator between {x!r} and {y!r}; given {list(names)}.")
    if structure is None and len(names) > 1:
        raise DataError(f"{len(names)} mediators stand 'parallel' or 'serial'; say which by 'structure'.")
    if isinstance(covariates, str) or isinstance(moderates, str):
        raise DataError("Give covariates and moderates as lists, such as ['baseline'] and ['first'].")
    if (moderates or len(at)) and moderator is None:
        raise DataError(f"moderates={list(moderates)} and at={list(at)} need the name of a moderator.")
    return Roles(
        x=x,
        y=y,
        mediators=names,
        structure=structure or "simple",
        covariates=tuple(covariates),
        moderator=moderator,
        moderates=tuple(moderates),
        at=tuple(at),
        cluster=cluster,
        contrast=contrast,
    )


def _interval(interval: IntervalMethod | None, missing: str, n_boot: int, level: float) -> IntervalMethod:
    if missing not in ("listwise", "fiml"):
        raise DataError(choices("Handling of missing values", missing, ("listwise", "fiml")))
    chosen: IntervalMethod = interval or ("monte carlo" if missing == "fiml" else "percentile")
    checked_draws(chosen, n_boot, level)
    if missing == "fiml" and chosen not in ("monte carlo", "delta"):
        raise DataError(f"FIML gives 'monte carlo' or 'delta' intervals; {chosen!r} would refit every sample by EM.")
    return chosen


def _answered(data: pd.DataFrame, columns: PathColumns, asked: Asked, engines: _Engines) -> Mediation:
    built, cluster = columns.design, columns.cluster
    _refuse_clusters(cluster)
    vcov = engines.vcov or ("ols" if cluster is None else "CR1")
    together = built.side_by_side if engines.correlated else ()
    fit = fit_paths(built.system, vcov=vcov, together=together, cluster=cluster)
    boot = bootstrap_paths(
        built.system, draws=engines.n_boot, seed=asked.seed, cluster=cluster, jackknife=asked.interval == "bca"
    )
    scales, words = equation_priors(built, engines.priors) if engines.priors is not None else ((), FLAT)
    posterior = path_posterior(
        built.system,
        draws=engines.draws,
        seed=asked.seed,
        priors=scales,
        cluster=cluster,
        together=together,
        prior_words=words,
    )
    return Mediation(
        answers=answer_all(built, fit, boot, posterior, asked),
        design=built,
        fit=fit,
        delta=delta(built.effects, fit, level=asked.level),
        draws=boot,
        posterior=posterior,
        n=built.system.n,
        n_given=len(data),
        interval=_KINDS[asked.interval],
        level=asked.level,
        standardised=_standardised(asked.x_sd),
        correlated=engines.correlated,
        notes=(*assumptions(built, boot), *columns.notes, *_clusters(cluster)),
        failures=(),
        provenance=_provenance(asked, vcov),
    )


def _from_fiml(data: pd.DataFrame, found: "FimlPaths", asked: Asked, n_boot: int) -> Mediation:
    built = found.columns.design
    boot = found.normal_draws(n_boot, seed=asked.seed)
    posterior: PathPosterior = found.posterior
    return Mediation(
        answers=answer_all(built, found.fit, boot, posterior, asked),
        design=built,
        fit=found.fit,
        delta=delta(built.effects, found.fit, level=asked.level),
        draws=boot,
        posterior=posterior,
        n=built.system.n,
        n_given=len(data),
        interval=_KINDS[asked.interval],
        level=asked.level,
        standardised=_standardised(asked.x_sd),
        correlated=True,
        notes=(*assumptions(built, boot), *found.columns.notes),
        failures=found.failures,
        method="full information maximum likelihood",
        provenance=_provenance(asked, "observed information of the saturated normal model (FIML)"),
    )


def _refuse_clusters(cluster: NDArray[np.int64] | None) -> None:
    if cluster is not None and np.unique(cluster).size < 2:
        raise DataError("All rows belong to one cluster; leave 'cluster' out, or give the clusters' column.")


def _clusters(cluster: NDArray[np.int64] | None) -> tuple[str, ...]:
    if cluster is None:
        return ()
    sizes = np.bincount(cluster)
    found = []
    if sizes.size < _FEW_CLUSTERS:
        found.append(
            f"{sizes.size} clusters: a bootstrap of so few tends to give intervals that are too narrow; compare the "
            "posterior"
        )
    if (sizes == 1).any():
        found.append(f"{int((sizes == 1).sum())} clusters hold one row")
    return tuple(found)


def _standardised(x_sd: float) -> str:
    if x_sd == 1.0:
        return "effect over the outcome's sd (partially standardised)"
    return "effect times the cause's sd over the outcome's sd (completely standardised)"


def _provenance(asked: Asked, vcov: str) -> Provenance:
    return Provenance(
        made_by="analysis.mediation",
        conventions=(
            f"a: cause on mediator; b: mediator on outcome given cause and other mediators; covariance {vcov}",
            f"{_KINDS[asked.interval]}; p by inversion of the same interval; joint significance: largest p of the legs",
            "highest-density intervals of products draw by draw",
        ),
        seed=asked.seed,
    )
