"""The columns of a path that starts at a contrast of cells, moderated by a factor or by a measured variable."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.mediation_design import Cause, PathDesign, Stage, design
from feedbackstudy.analysis.mediation_effects import Moderation, Structure
from feedbackstudy.errors import DataError, choices

__all__ = ["CellPath", "LevelModerator", "ValueModerator", "at_level", "by_values", "from_cells", "refuse_mediators"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelModerator:
    """A factor of the design that a path may depend on.

    Attributes
    ----------
    name : str
        The factor.
    levels : tuple of str
        Its levels; differences are each level minus the first.
    cell_level : ndarray of int, shape (cells,)
        Level of each cell; -1 for a cell outside the crossing.
    on : tuple of {"first", "second", "direct"}
        The parts it changes.
    """

    name: str
    levels: tuple[str, ...]
    cell_level: Ints
    on: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValueModerator:
    """A covariate or score that a path may depend on.

    Attributes
    ----------
    name : str
        The variable.
    values : ndarray of shape (n,)
        Its values.
    on : tuple of {"first", "second", "direct"}
        The parts it changes.
    """

    name: str
    values: Floats
    on: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellPath:
    """Complete rows of a path that starts at a contrast of cells.

    Attributes
    ----------
    y : ndarray of shape (n,)
        Outcome.
    outcome : str
        Its name.
    mediators : ndarray of shape (n, k)
        Mediators, in causal order where serial.
    mediator_names : sequence of str
        Their names.
    cell : ndarray of int, shape (n,)
        Cell of each row.
    weights : ndarray of shape (cells,)
        The contrast; it sums to 0.
    contrast : str
        The contrast in words: the cause.
    structure : {"simple", "parallel", "serial"}
        How the mediators stand.
    covariates : ndarray of shape (n, q), optional
        Adjusted for in every equation.
    covariate_names : sequence of str
        Their names.
    cluster : ndarray of int, shape (n,), optional
        Cluster of each row.
    moderator : LevelModerator or ValueModerator, optional
        What the path may depend on.
    """

    y: Floats
    outcome: str
    mediators: Floats
    mediator_names: Sequence[str]
    cell: Ints
    weights: Floats
    contrast: str
    structure: Structure
    covariates: Floats | None = None
    covariate_names: Sequence[str] = ()
    cluster: Ints | None = None
    moderator: LevelModerator | ValueModerator | None = None


def from_cells(path: CellPath) -> PathDesign:
    """Set up the equations of a path that starts at a contrast of cells.

    Parameters
    ----------
    path : CellPath
        Complete rows.

    Returns
    -------
    PathDesign
        Every cell has its own mean in every equation.

    Raises
    ------
    DataError
        For numbers that do not fit, a constant mediator, a moderator with one value, a contrast that is none within
        the levels of its moderator.
    """
    row, cell = np.asarray(path.weights, dtype=np.float64), path.cell
    between = np.asarray(path.mediators, dtype=np.float64).reshape(len(path.y), -1)
    refuse_mediators(path.y, between, path.mediator_names, path.structure)
    if abs(float(row.sum())) > 1e-9 or not row.any():
        raise DataError(f"A path starts at a comparison: its weights sum to 0 and are not all 0; given {row.tolist()}.")
    held = np.flatnonzero(np.bincount(cell, minlength=row.size))
    empty = sorted(set(np.flatnonzero(row).tolist()) - set(held.tolist()))
    if empty:
        raise DataError(f"The contrast needs {len(empty)} cell(s) that hold no complete rows (positions {empty}).")
    plain = Cause(
        columns=tuple(f"cell {j}" for j in held),
        entries=(cell[:, None] == held).astype(np.float64),
        constant=len(held),
        weights=row[held],
        by=np.empty((0, len(held))),
    )
    first, last, stage, moderation = plain, plain, None, None
    if path.moderator is not None:
        first, last, stage, moderation = _moderated(plain, path.moderator, row, held, cell)
    return design(
        x=path.contrast,
        y=path.outcome,
        outcome=np.asarray(path.y, dtype=np.float64),
        mediators=tuple(path.mediator_names),
        between=between,
        structure=path.structure,
        first=first,
        last=last,
        stage=stage,
        covariates=tuple(path.covariate_names),
        adjusted=path.covariates,
        moderation=moderation,
    )


def refuse_mediators(y: Floats, between: Floats, names: Sequence[str], structure: Structure) -> None:
    """Refuse mediators that cannot carry anything.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Outcome.
    between : ndarray of shape (n, k)
        Mediators.
    names : sequence of str
        Their names.
    structure : {"simple", "parallel", "serial"}
        How they stand.

    Raises
    ------
    DataError
        For a number of names or mediators that does not fit, values that are not finite, a mediator that is constant
        or a copy of the outcome.
    """
    if structure not in ("simple", "parallel", "serial"):
        raise DataError(choices("Structure", structure, ("simple", "parallel", "serial")))
    if between.shape[1] != len(names) or (structure == "simple") != (len(names) == 1) or not names:
        raise DataError(
            f"A {structure} path with {between.shape[1]} column(s) of mediators, named {list(names)}: simple has one "
            "mediator, parallel and serial at least two, each with a name."
        )
    if not (np.isfinite(y).all() and np.isfinite(between).all()):
        raise DataError("Mediators and outcome must be finite; complete the rows first.")
    for j, name in enumerate(names):
        if np.ptp(between[:, j]) == 0:
            raise DataError(f"Mediator {name!r} is {between[0, j]:g} in all rows; it carries nothing.")
        if np.array_equal(between[:, j], y):
            raise DataError(f"Mediator {name!r} holds the same values as the outcome; name another column.")


def _moderated(
    plain: Cause, moderator: LevelModerator | ValueModerator, row: Floats, held: Ints, cell: Ints
) -> tuple[Cause, Cause, Stage | None, Moderation]:
    unknown = set(moderator.on) - {"first", "second", "direct"}
    if unknown or not moderator.on:
        raise DataError(f"A moderator acts on 'first', 'second' or 'direct'; given {list(moderator.on)}.")
    if isinstance(moderator, LevelModerator):
        return _by_levels(plain, moderator, row, held, cell)
    return by_values(plain, moderator)


def _by_levels(
    plain: Cause, moderator: LevelModerator, row: Floats, held: Ints, cell: Ints
) -> tuple[Cause, Cause, Stage | None, Moderation]:
    count = len(moderator.levels)
    if count < 2:
        raise DataError(f"Moderator {moderator.name!r} has one level; a path cannot depend on it.")
    by = np.stack([at_level(row, moderator, k) for k in range(count)])[:, held]
    found = moderator.cell_level[cell]
    inside = [(found == k).astype(np.float64) for k in range(count)]
    if "second" in moderator.on and (found < 0).any():
        inside[0] = inside[0] + (found < 0)  # arms outside the crossing share the first level's slope
    weights = np.full(count, 1 / count)
    labels = tuple(f"{moderator.name} {name}" for name in moderator.levels)
    stage = Stage(columns=labels, entries=np.column_stack(inside), weights=weights, by=np.eye(count))
    return (
        replace(plain, by=by) if "first" in moderator.on else plain,
        replace(plain, by=by) if "direct" in moderator.on else plain,
        stage if "second" in moderator.on else None,
        Moderation(name=moderator.name, labels=labels, at=(), on=moderator.on),
    )


def at_level(row: Floats, moderator: LevelModerator, level: int) -> Floats:
    """Return the contrast within one level, in the size of the whole: its positive weights have the same sum.

    Parameters
    ----------
    row : ndarray of shape (cells,)
        The contrast.
    moderator : LevelModerator
        The factor.
    level : int
        Position of the level.

    Returns
    -------
    ndarray of shape (cells,)
        The contrast itself where the moderator changes neither the first part nor the direct one.

    Raises
    ------
    DataError
        Where the contrast is no comparison within the level.
    """
    if "first" not in moderator.on and "direct" not in moderator.on:
        return row
    own = np.where(moderator.cell_level == level, row, 0.0)
    positive = float(own[own > 0].sum())
    if not positive > 0 or abs(float(own.sum())) > 1e-9:
        raise DataError(
            f"The contrast is no comparison within {moderator.name} {moderator.levels[level]}: its weights there sum "
            f"to {float(own.sum()):g}. A path can be moderated by {moderator.name!r} only where the same comparison "
            "is made at each of its levels."
        )
    return np.asarray(own * (float(row[row > 0].sum()) / positive), dtype=np.float64)


def by_values(plain: Cause, moderator: ValueModerator) -> tuple[Cause, Cause, Stage | None, Moderation]:
    """Let a measured variable moderate a path: at its mean, a standard deviation around it, or its two values.

    Parameters
    ----------
    plain : Cause
        The cause without moderator.
    moderator : ValueModerator
        The variable; it enters minus its mean.

    Returns
    -------
    tuple
        The cause in the mediators' equations and in the outcome's, the mediators' slopes, and the values chosen. An
        equation whose leg is not moderated still holds the moderator itself.

    Raises
    ------
    DataError
        For a moderator that does not vary.
    """
    w = np.asarray(moderator.values, dtype=np.float64)
    if w.shape != (len(plain.entries),) or not np.isfinite(w).all() or np.ptp(w) == 0:
        raise DataError(f"Moderator {moderator.name!r} must hold finite values that vary, one for each row.")
    mean, sd = float(w.mean()), float(w.std(ddof=1))
    distinct = np.unique(w)
    at = (float(distinct[0]), float(distinct[1])) if distinct.size == 2 else (mean - sd, mean, mean + sd)
    words = ("", "") if distinct.size == 2 else (" (mean - 1 sd)", " (mean)", " (mean + 1 sd)")
    labels = tuple(f"{moderator.name} = {value:.4g}{more}" for value, more in zip(at, words, strict=True))
    centred = w - mean
    steps = np.array(at) - mean

    def moderated(base: Cause) -> Cause:
        nothing = np.zeros(base.weights.size)
        return Cause(
            columns=(*base.columns, *(f"{name} x {moderator.name}" for name in base.columns)),
            entries=np.column_stack([base.entries, base.entries * centred[:, None]]),
            constant=base.constant,
            weights=np.concatenate([base.weights, nothing]),
            by=np.stack([np.concatenate([base.weights, step * base.weights]) for step in steps]),
        )

    def additive(base: Cause) -> Cause:
        return Cause(
            columns=(*base.columns, moderator.name),
            entries=np.column_stack([base.entries, centred]),
            constant=base.constant,
            weights=np.concatenate([base.weights, [0.0]]),
            by=np.empty((0, base.weights.size + 1)),
        )

    stage = Stage(
        columns=("", moderator.name),
        entries=np.column_stack([np.ones(len(w)), centred]),
        weights=np.array([1.0, 0.0]),
        by=np.column_stack([np.ones(len(at)), steps]),
    )
    return (
        moderated(plain) if "first" in moderator.on else additive(plain),
        moderated(plain) if "direct" in moderator.on else additive(plain),
        stage if "second" in moderator.on else None,
        Moderation(name=moderator.name, labels=labels, at=at, on=moderator.on, mean=mean),
    )
