"""A declared path hypothesis, both ways: the contrast of cells travels through mediators to the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from feedbackstudy.analysis.bayesian.path_posterior import PathPosterior, path_posterior
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.frequentist.bootstrap import PathDraws, bootstrap_paths
from feedbackstudy.analysis.frequentist.path_fit import PathFit, delta, fit_paths
from feedbackstudy.analysis.frequentist.path_intervals import IntervalMethod, checked_draws
from feedbackstudy.analysis.mediation_answers import Asked, PathAnswer, answer_all
from feedbackstudy.analysis.mediation_cells import CellPath, LevelModerator, from_cells
from feedbackstudy.analysis.mediation_design import PathDesign
from feedbackstudy.analysis.mediation_priors import FLAT, equation_priors
from feedbackstudy.analysis.mediation_result import Mediation
from feedbackstudy.analysis.two_valued import path_notes
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance

__all__ = ["DeclaredPath", "assumptions", "declared_path"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeclaredPath:
    """The answers to a declared path.

    Attributes
    ----------
    main : PathAnswer
        The effect the hypothesis is about; with a moderator, its index of moderated mediation.
    others : tuple of PathAnswer
        All other effects, legs first.
    design : PathDesign
        Equations and effects.
    fit : PathFit
        Least squares.
    draws : PathDraws
        Bootstrap.
    posterior : PathPosterior
        Exact draws.
    model, model_bayesian : str
        The two models in words.
    n : int
        Rows.
    interval : str
        Kind of the frequentist interval.
    notes : tuple of str
        Assumptions and what was decided.
    """

    main: PathAnswer
    others: tuple[PathAnswer, ...]
    design: PathDesign
    fit: PathFit
    draws: PathDraws
    posterior: PathPosterior
    model: str
    model_bayesian: str
    n: int
    interval: str
    notes: tuple[str, ...]

    def mediation(self, provenance: Provenance) -> Mediation:
        """Return the same answers as a mediation analysis: with page, pictures, sensitivity and scripts.

        Parameters
        ----------
        provenance : Provenance
            What made the answers: study, seed, data.

        Returns
        -------
        Mediation
            Its main effect is that of the hypothesis.
        """
        order = {effect.name: i for i, effect in enumerate(self.design.effects)}
        answers = sorted((self.main, *self.others), key=lambda answer: order[answer.effect.name])
        return Mediation(
            answers=tuple(answers),
            design=self.design,
            fit=self.fit,
            delta=delta(self.design.effects, self.fit, level=self.main.level),
            draws=self.draws,
            posterior=self.posterior,
            n=self.n,
            n_given=self.n,
            interval=self.interval,
            level=self.main.level,
            standardised="effect over the outcome's sd within cells",
            correlated=True,
            notes=self.notes,
            failures=(),
            provenance=provenance,
            about=self.main.effect.name,
        )

    def __getitem__(self, name: str) -> PathAnswer:
        """Return one effect by its name."""
        every = (self.main, *self.others)
        for answer in every:
            if answer.effect.name == name:
                return answer
        raise DataError(choices("Effect", name, [answer.effect.name for answer in every]))


def declared_path(
    path: CellPath,
    *,
    effect: Literal["indirect", "direct", "total", "difference"] = "indirect",
    level: float = 0.95,
    n_boot: int = 5000,
    interval: IntervalMethod = "percentile",
    draws: int = 20_000,
    scales: Mapping[str, CellPrior] | None = None,
    sesoi: float | None = None,
    rope: tuple[float, float] | None = None,
    seed: int,
) -> DeclaredPath:
    r"""Answer a declared path hypothesis by bootstrap and by its exact posterior.

    Parameters
    ----------
    path : CellPath
        Complete rows, the contrast, the mediators. With clusters, clusters are drawn with replacement, and every
        Bayesian equation has a random intercept.
    effect : {"indirect", "direct", "total", "difference"}
        What the hypothesis is about.
    level : float, default 0.95
        Level of intervals.
    n_boot : int, default 5000
        Bootstrap draws.
    interval : {"percentile", "bca", "monte carlo"}
        Kind of interval.
    draws : int, default 20000
        Posterior draws.
    scales : mapping of str to CellPrior, optional
        Priors of mediators and outcome by name; flat, and no Bayes factor, without.
    sesoi : float, optional
        Smallest effect of interest in the outcome's units.
    rope : tuple of float, optional
        Region of practical equivalence; plus and minus the smallest effect by default.
    seed : int
        Seed of both engines.

    Returns
    -------
    DeclaredPath
        The effect and all others, both ways.

    Raises
    ------
    DataError
        For numbers that do not fit, a constant mediator, a moderator with one value, a contrast that is none within
        the levels of its moderator, collinear columns.

    Notes
    -----
    The estimand is that of `power.diagnose`: every cell has its own mean in every equation; a is the contrast of the
    cells' means of the (first) mediator, b the slope within cells, adjusted for the other mediators. ``"indirect"`` of
    a serial path is the way through all mediators in order, of a parallel path the sum over mediators,
    ``"difference"`` the first minus the second. Covariates, where the plan names some, enter every equation and leave
    the estimand of a randomised contrast as it is. Standardised effects are the effect over the outcome's pooled
    standard deviation within cells, as in a declared ``standardised_path``.
    """
    if interval == "delta":
        raise DataError("A declared path is answered by draws: choose 'percentile', 'bca' or 'monte carlo'.")
    checked_draws(interval, n_boot, level)
    built = from_cells(path)
    cluster = path.cluster
    together = built.side_by_side
    fit = fit_paths(built.system, vcov="ols" if cluster is None else "CR1", together=together, cluster=cluster)
    boot = bootstrap_paths(built.system, draws=n_boot, seed=seed, cluster=cluster, jackknife=interval == "bca")
    priors, words = equation_priors(built, scales) if scales is not None else ((), FLAT)
    posterior = path_posterior(
        built.system,
        draws=draws,
        seed=seed,
        priors=priors,
        cluster=cluster,
        together=together,
        prior_words=words,
    )
    around = None if sesoi is None else (-sesoi, sesoi)
    answers = answer_all(
        built, fit, boot, posterior, Asked(level=level, interval=interval, seed=seed, sesoi=sesoi, rope=rope or around)
    )
    main = _main(built, effect)
    chosen = next(answer for answer in answers if answer.effect.name == main)
    kind = {"percentile": "percentile bootstrap", "bca": "BCa bootstrap", "monte carlo": "Monte-Carlo interval"}
    how = f"{kind[interval]}, {len(boot.theta):,} draws of {boot.units}"
    return DeclaredPath(
        main=chosen,
        others=tuple(answer for answer in answers if answer is not chosen),
        design=built,
        fit=fit,
        draws=boot,
        posterior=posterior,
        model=f"{built.structure} mediation, least squares on cell means and slopes within cells; {how}",
        model_bayesian=f"{built.structure} mediation, {posterior.model}",
        n=built.system.n,
        interval=kind[interval],
        notes=(*assumptions(built, boot), *_of_levels(path), *_two_valued(path)),
    )


def _two_valued(path: CellPath) -> tuple[str, ...]:
    return path_notes(path.outcome, path.y, dict(zip(path.mediator_names, path.mediators.T, strict=True)))


def _main(built: PathDesign, effect: str) -> str:
    names = [e.name for e in built.effects]
    if effect == "difference" and built.structure != "parallel":
        raise DataError("Only a parallel path has two indirect effects to compare.")
    first, second = (f"{built.x} > {m} > {built.y}" for m in (*built.mediators, "")[:2])
    between = f"difference: ({first}) minus ({second})"
    wanted = {"indirect": built.full, "direct": "direct", "total": "total", "difference": between}[effect]
    moderation = built.moderation
    if moderation is None:
        return wanted
    # An index bears the name of the effect it is the change of.
    found = [name for name in names if name.startswith(f"index: {wanted},")]
    if not found:
        raise DataError(
            f"The {effect} effect does not depend on {moderation.name!r}: it is declared to act on "
            f"{', '.join(moderation.on)} only. Name 'direct', or 'first' or 'second', to suit the effect."
        )
    return found[-1]


def assumptions(built: PathDesign, boot: PathDraws) -> tuple[str, ...]:
    """Say what a path model takes for granted.

    Parameters
    ----------
    built : PathDesign
        Equations.
    boot : PathDraws
        Bootstrap.

    Returns
    -------
    tuple of str
        One sentence each.
    """
    found = [
        "mediators were measured, not assigned: an indirect effect is consistent with mediation and no proof of it"
    ]
    if built.structure == "serial":
        found.append(f"the order {' > '.join(built.mediators)} is assumed, not tested")
    if built.structure == "parallel":
        found.append("residuals of the mediators may be correlated, in both engines")
    if boot.lost:
        found.append(f"{boot.lost} bootstrap samples in which an equation was singular are left out")
    return tuple(found)


def _of_levels(path: CellPath) -> tuple[str, ...]:
    moderator = path.moderator
    if not isinstance(moderator, LevelModerator):
        return ()
    found = []
    if (moderator.cell_level < 0).any() and "second" in moderator.on:
        found.append(f"cells without a level of {moderator.name} share the mediator's slope of its first level")
    if len(moderator.levels) > 2:
        found.append(f"the index stands for the last level of {moderator.name} minus the first; all others are given")
    return tuple(found)
