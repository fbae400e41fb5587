"""Mediation with missing mediators or outcomes: every row whose cause and covariates are known is used."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.path_augmented import augmented_paths, failures_of
from feedbackstudy.analysis.bayesian.path_posterior import PathPosterior
from feedbackstudy.analysis.columns import as_number
from feedbackstudy.analysis.frequentist.bootstrap import PathDraws
from feedbackstudy.analysis.frequentist.path_fiml import fit_fiml
from feedbackstudy.analysis.frequentist.path_fit import PathFit
from feedbackstudy.analysis.mediation_frame import PathColumns, path_columns
from feedbackstudy.analysis.mediation_moderation import Roles
from feedbackstudy.analysis.two_valued import path_notes
from feedbackstudy.errors import DataError

__all__ = ["FimlPaths", "fiml_paths"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FimlPaths:
    """A path model fitted to incomplete rows, both ways.

    Attributes
    ----------
    columns : PathColumns
        Equations; NaN where a mediator or the outcome is missing.
    fit : PathFit
        By full-information maximum likelihood.
    posterior : PathPosterior
        By data augmentation.
    outcome_sd : float
        Standard deviation of the outcome by maximum likelihood.
    outcome_sd_draws : ndarray of shape (draws,)
        The same in every posterior draw.
    failures : tuple of str
        Gates of the draws that do not hold.
    """

    columns: PathColumns
    fit: PathFit
    posterior: PathPosterior
    outcome_sd: float
    outcome_sd_draws: Floats
    failures: tuple[str, ...]

    def normal_draws(self, draws: int, *, seed: int) -> PathDraws:
        """Draw coefficients from their normal sampling distribution.

        Parameters
        ----------
        draws : int
            How many.
        seed : int
            Seed.

        Returns
        -------
        PathDraws
            Coefficients; the outcome's standard deviation stays at its estimate.
        """
        rng = np.random.default_rng(seed)
        roots, vectors = np.linalg.eigh(self.fit.covariance)
        factor = vectors * np.sqrt(np.maximum(roots, 0.0))
        theta = self.fit.theta + rng.standard_normal((draws, self.fit.theta.size)) @ factor.T
        system = self.columns.design.system
        return PathDraws(
            theta=theta,
            spread=np.full((draws, len(system.columns)), self.outcome_sd),
            jackknife=np.empty((0, system.size)),
            jackknife_spread=np.empty((0, len(system.columns))),
            lost=0,
            units="coefficients (normal)",
        )


def fiml_paths(data: pd.DataFrame, roles: Roles, *, refused: Mapping[str, object], draws: int, seed: int) -> FimlPaths:
    """Fit a path model to rows with missing mediators or outcomes.

    Parameters
    ----------
    data : DataFrame
        The table; it is not changed.
    roles : Roles
        Which column plays which part.
    refused : mapping of str to object
        Choices that were made and do not go with incomplete rows.
    draws : int
        Posterior draws.
    seed : int
        Seed.

    Returns
    -------
    FimlPaths
        Both ways.

    Raises
    ------
    DataError
        For a moderator, clusters, priors or a robust covariance, or a column without any value.
    """
    if refused:
        raise DataError(
            f"missing='fiml' takes neither moderator, cluster, priors nor vcov; given {', '.join(sorted(refused))}. "
            "Use missing='listwise', or multiple imputation."
        )
    holes = {name: as_number(data, name) for name in (*roles.mediators, roles.y)}
    for name, values in holes.items():
        if np.isnan(values).all():
            raise DataError(f"{name!r} is missing in all {len(data)} rows.")
    filled = data.assign(
        **{name: np.where(np.isnan(values), np.nanmean(values), values) for name, values in holes.items()}
    )
    columns = path_columns(filled, roles, full=True)
    values = columns.design.system.matrix.copy()
    for name, numbers in holes.items():
        values[:, columns.design.system.columns.index(name)] = numbers[columns.kept]
    system = replace(columns.design.system, matrix=values)
    design = replace(columns.design, system=system)
    fit = fit_fiml(system)
    drawn = augmented_paths(system, draws=draws, seed=seed)
    failures, worst = failures_of(drawn, design.effects)
    entered = {name: numbers[columns.kept] for name, numbers in holes.items()}
    gone = ", ".join(f"{name} {int(np.isnan(numbers).sum())}" for name, numbers in entered.items())
    notes = (
        f"full information: rows with missing values enter ({gone}; {fit.patterns} patterns), assuming joint "
        "normality and values missing at random given the variables of the model",
        f"posterior by data augmentation: worst R-hat {worst.rhat:.4f}, smallest effective sample size "
        f"{min(worst.ess_bulk, worst.ess_tail):.0f}",
    )
    seen = {name: numbers[~np.isnan(numbers)] for name, numbers in entered.items()}
    two = path_notes(roles.y, seen[roles.y], {name: seen[name] for name in roles.mediators}, full=True)
    return FimlPaths(
        columns=replace(columns, design=design, notes=(*columns.notes, *notes, *two)),
        fit=fit.fit,
        posterior=drawn.posterior,
        outcome_sd=fit.outcome_sd,
        outcome_sd_draws=drawn.outcome_sd,
        failures=failures,
    )
