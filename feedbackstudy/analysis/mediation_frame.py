"""A path model from the columns of a user's table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.columns import Columns, as_number, column, read_columns
from feedbackstudy.analysis.mediation_cells import refuse_mediators
from feedbackstudy.analysis.mediation_design import PathDesign, design
from feedbackstudy.analysis.mediation_moderation import Basis, Roles, moderated
from feedbackstudy.analysis.two_valued import path_notes
from feedbackstudy.errors import DataError, choices

__all__ = [
    "PathColumns",
    "cause_of",
    "coded_causes",
    "covariate_columns",
    "path_columns",
    "read_roles",
    "two_valued_of",
]

type Floats = NDArray[np.float64]

_LEGS = ("first", "second", "direct")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathColumns:
    """A path model from a table.

    Attributes
    ----------
    design : PathDesign
        Equations and effects.
    cluster : ndarray of int, shape (n,), or None
        Cluster of each row.
    kept : ndarray of int, shape (n,)
        Positions of the rows used.
    x_sd : float
        Standard deviation of a measured cause, by which standardised effects are multiplied; 1 for one of two values
        or of categories.
    notes : tuple of str
        What was left out or decided.
    """

    design: PathDesign
    cluster: NDArray[np.int64] | None
    kept: NDArray[np.int64]
    x_sd: float
    notes: tuple[str, ...]


def read_roles(data: pd.DataFrame, roles: Roles) -> Columns:
    """Check the columns of a path model and keep the complete rows.

    Parameters
    ----------
    data : DataFrame
        The table; it is not changed.
    roles : Roles
        Which column plays which part.

    Returns
    -------
    Columns
        Complete rows.

    Raises
    ------
    DataError
        For a column named twice, text where numbers are needed, a constant column, a factor with one level.
    NotFoundError
        For a column that does not exist; the message names the nearest.
    """
    for name in roles.mediators:
        values = as_number(data, name, role="Mediator")
        if not np.nanstd(values) > 0:
            raise DataError(f"Mediator {name!r} has the same value in all rows; it carries nothing.")
    unknown = [leg for leg in roles.moderates if leg not in _LEGS]
    if unknown:
        raise DataError(choices("Leg", unknown[0], _LEGS))
    extra = (*((roles.moderator,) if roles.moderator else ()), *roles.covariates)
    numeric = [name for name in (roles.x, *extra) if _is_number(data, name)]
    return read_columns(
        data,
        roles.y,
        factors=[name for name in (roles.x, *extra) if name not in numeric],
        covariates=[*numeric, *roles.mediators],
        groups=[roles.cluster] if roles.cluster else [],
    )


def _is_number(data: pd.DataFrame, name: str) -> bool:
    found = column(data, name)
    return pd.api.types.is_numeric_dtype(found) and not pd.api.types.is_bool_dtype(found)


def path_columns(data: pd.DataFrame, roles: Roles, *, full: bool = False) -> PathColumns:
    """Set up the path model of a table.

    Parameters
    ----------
    data : DataFrame
        The table; it is not changed.
    roles : Roles
        Which column plays which part.
    full : bool, default False
        Whether the holes of mediators and outcome are filled for full information maximum likelihood, which says itself
        what it makes of variables of two values.

    Returns
    -------
    PathColumns
        Equations on complete rows.

    Raises
    ------
    DataError
        As `read_roles`; and for a cause of several categories without a contrast.
    """
    read = read_roles(data, roles)
    between = np.column_stack([read.covariates[name] for name in roles.mediators])
    refuse_mediators(read.y, between, roles.mediators, roles.structure)
    cause, words = cause_of(read, roles)
    first, last, stage, moderation = moderated(cause, read, roles)
    names, adjusted = covariate_columns(read, roles.covariates)
    built = design(
        x=words,
        y=roles.y,
        outcome=read.y,
        mediators=roles.mediators,
        between=between,
        structure=roles.structure,
        first=first,
        last=last,
        stage=stage,
        covariates=names,
        adjusted=adjusted,
        moderation=moderation,
    )
    numeric = read.covariates.get(roles.x)
    measured = numeric is not None and np.unique(numeric).size > 2
    return PathColumns(
        design=built,
        cluster=read.groups[roles.cluster].codes if roles.cluster else None,
        kept=read.kept,
        x_sd=float(numeric.std(ddof=1)) if numeric is not None and measured else 1.0,
        notes=(*read.notes, *coded_causes(read, roles), *(() if full else two_valued_of(read, roles))),
    )


def two_valued_of(read: Columns, roles: Roles) -> tuple[str, ...]:
    """Return what a reader must know of an outcome and mediators of two values.

    Parameters
    ----------
    read : Columns
        The columns.
    roles : Roles
        Which column plays which part.

    Returns
    -------
    tuple of str
        One for each of them; empty where there are none.
    """
    return path_notes(roles.y, read.y, {name: read.covariates[name] for name in roles.mediators})


def coded_causes(read: Columns, roles: Roles) -> tuple[str, ...]:
    """Say of a cause coded 1 and 2 what its effects compare.

    Parameters
    ----------
    read : Columns
        Complete rows.
    roles : Roles
        Names the cause.

    Returns
    -------
    tuple of str
        Empty for any other cause.
    """
    values = read.covariates.get(roles.x)
    if values is None or not np.array_equal(np.unique(values), [1.0, 2.0]):
        return ()
    return (
        f"{roles.x} is coded 1 and 2 and entered as a number: its effects are those of 2 against 1, and intercepts lie "
        "at 0, outside the codes",
    )


def cause_of(read: Columns, roles: Roles) -> tuple[Basis, str]:
    """Return the cause as columns beside a constant, and in words.

    Parameters
    ----------
    read : Columns
        Complete rows.
    roles : Roles
        Names the cause and its contrast.

    Returns
    -------
    tuple
        Columns with weights, and the comparison in words.

    Raises
    ------
    DataError
        For several categories without a contrast, or a contrast that does not fit.
    """
    if roles.x in read.covariates:
        if roles.contrast is not None:
            raise DataError(f"{roles.x!r} holds numbers, which need no contrast; leave 'contrast' out.")
        return Basis((roles.x,), read.covariates[roles.x][:, None], np.ones(1)), roles.x
    factor = read.factors[roles.x]
    given = dict(roles.contrast or {})
    if not given:
        if len(factor.levels) > 2:
            raise DataError(
                f"{roles.x!r} has {len(factor.levels)} levels ({', '.join(factor.levels)}); say what is compared by "
                f"'contrast', such as {{{factor.levels[1]!r}: 1, {factor.levels[0]!r}: -1}}."
            )
        given = {factor.levels[1]: 1.0, factor.levels[0]: -1.0}
    unknown = [level for level in given if level not in factor.levels]
    if unknown:
        raise DataError(choices(f"Level of {roles.x!r}", unknown[0], factor.levels))
    if abs(sum(given.values())) > 1e-9 or not any(given.values()):
        raise DataError(f"The weights of a contrast sum to 0 and are not all 0; given {given}.")
    dummies = (factor.codes[:, None] == np.arange(1, len(factor.levels))).astype(np.float64)
    weights = np.array([given.get(level, 0.0) for level in factor.levels[1:]])
    return Basis(tuple(f"{roles.x} {level}" for level in factor.levels[1:]), dummies, weights), _in_words(given)


def _in_words(weights: Mapping[str, float]) -> str:
    plus = " + ".join(_weighted(level, w) for level, w in weights.items() if w > 0)
    minus = " - ".join(_weighted(level, -w) for level, w in weights.items() if w < 0)
    return f"{plus} - {minus}"


def _weighted(level: str, weight: float) -> str:
    return level if weight == 1 else f"{weight:.3g} {level}"


def covariate_columns(read: Columns, names: Sequence[str]) -> tuple[tuple[str, ...], Floats | None]:
    """Return covariates as columns: numbers as they are, categories by indicators.

    Parameters
    ----------
    read : Columns
        Complete rows.
    names : sequence of str
        Covariates.

    Returns
    -------
    tuple of (tuple of str, ndarray or None)
        Names and values of the columns.
    """
    labels: list[str] = []
    columns: list[Floats] = []
    for name in names:
        if name in read.covariates:
            labels.append(name)
            columns.append(read.covariates[name])
            continue
        factor = read.factors[name]
        for k, level in enumerate(factor.levels[1:], start=1):
            labels.append(f"{name} {level}")
            columns.append((factor.codes == k).astype(np.float64))
    return tuple(labels), np.column_stack(columns) if columns else None
