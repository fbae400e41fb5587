"""The parts of a path model, and how a moderator enters its equations."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.columns import Columns
from feedbackstudy.analysis.mediation_design import Cause, Stage
from feedbackstudy.analysis.mediation_effects import Moderation, Structure
from feedbackstudy.errors import DataError

__all__ = ["Basis", "Roles", "moderated"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Which column plays which part.

    Attributes
    ----------
    x, y : str
        Cause and outcome.
    mediators, covariates : tuple of str
        Names.
    structure : {"simple", "parallel", "serial"}
        How the mediators stand.
    moderator : str or None
        What the path may depend on.
    moderates : tuple of {"first", "second", "direct"}
        The legs it changes.
    cluster : str or None
        Units that contain rows.
    contrast : mapping of str to float, optional
        Weights over the levels of a cause of categories.
    at : tuple of float
        Values of a numeric moderator at which effects are given; mean and one standard deviation around it, or its
        two values, by default.
    """

    x: str
    y: str
    mediators: tuple[str, ...]
    structure: Structure
    covariates: tuple[str, ...] = ()
    moderator: str | None = None
    moderates: tuple[str, ...] = ()
    cluster: str | None = None
    contrast: Mapping[str, float] | None = None
    at: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """A variable as columns beside a constant.

    Attributes
    ----------
    names : tuple of str
        Names of the columns.
    entries : ndarray of shape (n, columns)
        Their values.
    weights : ndarray of shape (columns,)
        Its effect as a weighted sum of their coefficients.
    """

    names: tuple[str, ...]
    entries: Floats
    weights: Floats


def moderated(cause: Basis, read: Columns, roles: Roles) -> tuple[Cause, Cause, Stage | None, Moderation | None]:
    """Return the cause in both kinds of equation, the mediators' slopes, and the values of the moderator.

    Parameters
    ----------
    cause : Basis
        The cause.
    read : Columns
        Complete rows.
    roles : Roles
        Names the moderator and the legs it changes.

    Returns
    -------
    tuple
        For the mediators' equations, for the outcome's; slopes; values.
    """
    one = np.ones((len(read.y), 1))
    plain = Cause(
        columns=("1", *cause.names),
        entries=np.column_stack([one, cause.entries]),
        constant=1,
        weights=np.concatenate([[0.0], cause.weights]),
        by=np.empty((0, 1 + len(cause.names))),
    )
    if roles.moderator is None:
        return plain, plain, None, None
    names, values, steps, moderation = _moderator(read, roles)
    average = np.zeros(len(names)) if moderation.at else steps.mean(axis=0)
    stage = Stage(
        columns=("", *names),
        entries=np.column_stack([one, values]),
        weights=np.concatenate([[1.0], average]),
        by=np.column_stack([np.ones(len(steps)), steps]),
    )
    additive = Cause(
        columns=(*plain.columns, *names),
        entries=np.column_stack([plain.entries, values]),
        constant=1,
        weights=np.concatenate([plain.weights, np.zeros(len(names))]),
        by=np.empty((0, len(plain.columns) + len(names))),
    )
    full = _crossed(additive, cause, names, values, np.vstack([average, steps]))
    on = roles.moderates
    # An equation that the moderator does not enter stays without it, as in the usual numbered models.
    outcome = full if "direct" in on else additive if "second" in on else plain
    return full if "first" in on else plain, outcome, stage if "second" in on else None, moderation


def _crossed(base: Cause, cause: Basis, names: tuple[str, ...], values: Floats, steps: Floats) -> Cause:
    """Add the products of cause and moderator; `steps` holds the moderator on average and at its values."""
    products = [cause.entries[:, i] * values[:, j] for i in range(len(cause.names)) for j in range(len(names))]
    labels = tuple(f"{c} x {m}" for c in cause.names for m in names)
    rows = [np.concatenate([base.weights, np.outer(cause.weights, step).ravel()]) for step in steps]
    return Cause(
        columns=(*base.columns, *labels),
        entries=np.column_stack([base.entries, *products]),
        constant=base.constant,
        weights=rows[0],
        by=np.stack(rows[1:]),
    )


def _moderator(read: Columns, roles: Roles) -> tuple[tuple[str, ...], Floats, Floats, Moderation]:
    """Return a moderator's columns, its values as weights over them (rows), and their labels."""
    name = str(roles.moderator)
    if not roles.moderates:
        raise DataError(f"Say which legs {name!r} changes: moderates=['first'], ['second'], ['direct'] or several.")
    if name in read.factors:
        if roles.at:
            raise DataError(f"{name!r} holds categories: effects are given at each of its levels; leave 'at' out.")
        factor = read.factors[name]
        values = (factor.codes[:, None] == np.arange(1, len(factor.levels))).astype(np.float64)
        steps = np.vstack([np.zeros(len(factor.levels) - 1), np.eye(len(factor.levels) - 1)])
        labels = tuple(f"{name} {level}" for level in factor.levels)
        moderation = Moderation(name=name, labels=labels, at=(), on=roles.moderates)
        return tuple(f"{name} {level}" for level in factor.levels[1:]), values, steps, moderation
    w = read.covariates[name]
    mean = float(w.mean())
    at, labels = _values(name, w, roles.at)
    moderation = Moderation(name=name, labels=labels, at=at, on=roles.moderates, mean=mean)
    return (name,), (w - mean)[:, None], (np.array(at) - mean)[:, None], moderation


def _values(name: str, w: Floats, given: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Return the values of a numeric moderator at which effects are given, and their labels."""
    mean, sd, distinct = float(w.mean()), float(w.std(ddof=1)), np.unique(w)
    if given:
        if len(set(given)) < max(2, len(given)) or min(given) < distinct[0] or max(given) > distinct[-1]:
            raise DataError(
                f"Give at least two different values of {name!r} between {distinct[0]:g} and {distinct[-1]:g}, the "
                f"observed range; given {list(given)}."
            )
        at = tuple(sorted(map(float, given)))
        return at, tuple(f"{name} = {value:.4g}" for value in at)
    if distinct.size == 2:
        at = (float(distinct[0]), float(distinct[1]))
        return at, tuple(f"{name} = {value:.4g}" for value in at)
    words = (" (mean - 1 sd)", " (mean)", " (mean + 1 sd)")
    at = (mean - sd, mean, mean + sd)
    return at, tuple(f"{name} = {value:.4g}{more}" for value, more in zip(at, words, strict=True))
