"""Mediation between latent variables from the columns of a user's table."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feedbackstudy.analysis.bayesian.latent_mediation import LatentMediation, latent_model
from feedbackstudy.analysis.bayesian.latent_mediation import latent_mediation as sampled
from feedbackstudy.analysis.bayesian.latent_model import ACCEPT, LatentModel
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.columns import Columns, as_number, column, read_columns
from feedbackstudy.analysis.mediation_frame import cause_of, coded_causes
from feedbackstudy.analysis.mediation_moderation import Roles
from feedbackstudy.errors import DataError
from feedbackstudy.provenance import Provenance

if TYPE_CHECKING:
    from feedbackstudy.analysis.bayesian.sampling import Progress

__all__ = ["latent_columns", "latent_mediation"]

type Items = Mapping[str, Sequence[str]]


def latent_mediation(
    data: pd.DataFrame,
    x: str,
    mediators: Items,
    y: Items,
    *,
    priors: Mapping[str, CellPrior],
    covariates: Sequence[str] = (),
    seed: int,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    target_accept: float = ACCEPT,
    progress: "Progress | None" = None,
) -> LatentMediation:
    r"""Sample what of an effect runs through latent mediators, measured by items.

    Parameters
    ----------
    data : DataFrame
        One row a person; it is not changed.
    x : str
        The cause: numbers, or two categories (second minus first).
    mediators : mapping of str to sequence of str
        Name of each mediator -> the columns of its items, mediators in causal order. The first item gives the unit.
    y : mapping of str to sequence of str
        The outcome, in the same way; one item makes it an observed variable.
    priors : mapping of str to CellPrior
        Prior of each mediator and of the outcome, from the response format of its items, such as
        ``{"intent": CellPrior.of_scale(1, 7)}``.
    covariates : sequence of str
        Columns of numbers, adjusted for in every equation.
    seed : int
        Seed of the chains.
    draws, tune, chains : int
        Draws and warm-up draws of each chain, and chains.
    target_accept : float, default 0.98
        Acceptance that the step size is tuned to.
    progress : callable, optional
        Called while chains run.

    Returns
    -------
    LatentMediation
        Draws of all paths and of their products, with the gates; `pymc_model` is the model, `r_script` the same
        equations in lavaan.

    Raises
    ------
    DataError
        For a column with two parts, text for numbers, a constant item or cause, more than one outcome, a missing prior.
    NotFoundError
        For a column that does not exist.

    Notes
    -----
    :math:`\eta = B\eta + \Gamma x + \zeta`, items :math:`\nu + \Lambda\eta + \epsilon`, first loadings 1 (Bollen, 1989,
    chapter 8); every mediator acts on all later ones. An indirect effect is the product of its paths within a draw.
    Rows with a missing value are left out, and counted. Mediators are not randomised: a common cause of mediator and
    outcome would look the same.
    """
    model, notes, conventions = latent_columns(data, x, mediators, y, priors=priors, covariates=covariates)
    found = sampled(
        model, seed=seed, draws=draws, tune=tune, chains=chains, target_accept=target_accept, progress=progress
    )
    made = Provenance(made_by="analysis.latent_mediation", seed=seed, conventions=conventions)
    return LatentMediation(model=found.model, draws=found.draws, notes=notes, provenance=made)


def latent_columns(
    data: pd.DataFrame,
    x: str,
    mediators: Items,
    y: Items,
    *,
    priors: Mapping[str, CellPrior],
    covariates: Sequence[str] = (),
) -> tuple[LatentModel, tuple[str, ...], tuple[str, ...]]:
    """State the model of a table without sampling it.

    Parameters
    ----------
    data : DataFrame
        One row a person.
    x : str
        The cause.
    mediators, y : mapping of str to sequence of str
        Latent variable -> columns of its items.
    priors : mapping of str to CellPrior
        Prior of each latent variable.
    covariates : sequence of str
        Columns of numbers.

    Returns
    -------
    tuple of (LatentModel, tuple of str, tuple of str)
        The model, what was left out or decided, and the conventions.

    Raises
    ------
    DataError
        As `latent_mediation`.
    """
    latent = _latent(mediators, y, priors)
    items = [item for own in latent.values() for item in own]
    numbers = pd.api.types.is_numeric_dtype(column(data, x)) and not pd.api.types.is_bool_dtype(data[x])
    for item in items:
        values = as_number(data, item, role="Item")
        if np.unique(values[~np.isnan(values)]).size < 2:
            raise DataError(f"Item {item!r} has one answer from all; it measures nothing here, leave it out.")
    read = read_columns(
        data,
        items[-1],
        factors=[] if numbers else [x],
        covariates=[*([x] if numbers else []), *covariates, *items[:-1]],
    )
    roles = Roles(x=x, mediators=tuple(mediators), y=next(iter(y)), structure="serial", covariates=tuple(covariates))
    cause, words = cause_of(read, roles)
    treatment = cause.entries @ cause.weights
    model = latent_model(
        treatment,
        {name: (_matrix(read, own), priors[name]) for name, own in latent.items()},
        covariates=np.column_stack([read.covariates[name] for name in covariates]) if covariates else None,
    )
    conventions = (
        f"cause: {words}",
        "each latent variable in the units of its first item; normal items and factors",
        "an indirect effect is the product of its paths within a draw",
    )
    return model, (*read.notes, *coded_causes(read, roles)), conventions


def _latent(mediators: Items, y: Items, priors: Mapping[str, CellPrior]) -> dict[str, tuple[str, ...]]:
    """Return the items of each latent variable in causal order."""
    for role, given in (("mediators", mediators), ("y", y)):
        if not isinstance(given, Mapping) or not given:
            raise DataError(f"'{role}' maps each latent variable to its items, such as {{'intent': ['i1', 'i2']}}.")
        for name, own in given.items():
            if isinstance(own, str) or not list(own):
                raise DataError(f"Give a list of items for {name!r}, such as ['i1', 'i2']; given {own!r}.")
    if len(y) != 1:
        raise DataError(f"One outcome is explained at a time; given {', '.join(map(str, y))}.")
    if twice := sorted(set(mediators) & set(y)):
        raise DataError(f"{twice[0]!r} is a mediator and the outcome; a variable has one part.")
    latent = {name: tuple(own) for name, own in (*mediators.items(), *y.items())}
    if lost := [name for name in latent if name not in priors]:
        raise DataError(
            f"No prior is given for {', '.join(lost)}; give a CellPrior for each of {', '.join(latent)}, such as "
            "CellPrior.of_scale(1, 7) for items from 1 to 7."
        )
    return latent


def _matrix(read: Columns, items: Sequence[str]) -> np.ndarray:
    return np.column_stack([read.y if item == read.outcome else read.covariates[item] for item in items])
