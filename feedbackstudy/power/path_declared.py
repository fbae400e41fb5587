"""What a declared path compares: its contrast at the ends of its moderator, and whether the effect depends on that."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.mediation_cells import LevelModerator, at_level
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.power.path_effects import Comparison
from feedbackstudy.simulate.model import Model

if TYPE_CHECKING:
    from feedbackstudy.design.hypotheses import Hypothesis, Path, PathModerator

__all__ = ["comparison", "index_words", "refuse_categories"]

type Floats = NDArray[np.float64]


def comparison(model: Model, hypothesis: "Hypothesis", row: Floats) -> Comparison | None:
    """Read what a path compares.

    Parameters
    ----------
    model : Model
        Study and world as numbers.
    hypothesis : Hypothesis
        The declaration.
    row : ndarray of shape (cells,)
        Its contrast.

    Returns
    -------
    Comparison or None
        None where there is no path, or one route of it without moderator, whose legs need no common draws.

    Raises
    ------
    InputError
        For an effect that does not depend on its moderator, a contrast that is no comparison within the levels of a
        factor that moderates it, as `analyse` does.
    """
    path = hypothesis.path
    if path is None or (path.moderator is None and path.structure != "parallel"):
        return None
    twice = np.stack([row, row])
    declared = path.moderator
    if declared is None:
        if path.effect in {"total", "direct"}:
            return None  # a contrast of cells
        return Comparison(structure=path.structure, effect=path.effect, on=(), first=twice, direct=twice)
    _refuse_unchanged(path, declared)
    on = tuple(declared.on)
    if declared.by not in model.study.factors.names:
        return Comparison(structure=path.structure, effect=path.effect, on=on, first=twice, direct=twice)
    levels = tuple(sorted(model.study.factors[declared.by].codes()))
    held = [dict(cell.levels).get(declared.by) for cell in model.cells]
    level = np.array([-1 if code is None else levels.index(str(code)) for code in held], dtype=np.int64)
    moderator = LevelModerator(name=declared.by, levels=levels, cell_level=level, on=on)
    try:
        ends = np.stack([at_level(row, moderator, k) for k in (0, len(levels) - 1)])
    except DataError as fault:
        raise InputError(str(fault)) from fault
    # As in analyse, arms outside the crossing share the first level's slope.
    return Comparison(
        structure=path.structure,
        effect=path.effect,
        on=on,
        first=ends if "first" in on else twice,
        direct=ends if "direct" in on else twice,
        level=np.maximum(level, 0) if "second" in on else None,
        levels=len(levels),
    )


def _refuse_unchanged(path: "Path", declared: "PathModerator") -> None:
    moves = {"direct": {"direct"}, "total": {"first", "second", "direct"}}.get(path.effect, {"first", "second"})
    if not set(declared.on) & moves:
        raise InputError(
            f"The {path.effect} effect does not depend on {declared.by!r}: it is declared to act on "
            f"{', '.join(declared.on)} only. Name 'direct', or 'first' or 'second', to suit the effect."
        )


def refuse_categories(model: Model, name: str) -> None:
    """Refuse a nominal covariate where a slope on it, or its value, is asked for, as `analyse` does.

    Parameters
    ----------
    model : Model
        Study and world as numbers.
    name : str
        The measured variable.

    Raises
    ------
    InputError
        With what to declare instead.
    """
    covariate = model.study.covariates.get(name)
    if covariate is not None and covariate.kind == "nominal":
        raise InputError(
            f"{name!r} is nominal: its categories are no numbers, so it has no slope, and "
            "moderates no path; declare the category of interest as a binary covariate."
        )


def index_words(asked: Comparison, by: str, *, measured: bool) -> str:
    """Return what an effect of a path is, in words.

    Parameters
    ----------
    asked : Comparison
        What is compared.
    by : str
        The moderator.
    measured : bool
        Whether it is no factor.

    Returns
    -------
    str
        A few words.
    """
    if not asked.on:
        return f"{asked.effect} of parallel paths: interval from joint draws of all legs"
    between = f"{by}: last level minus first"
    if measured:
        between = f"per unit of {by}" if asked.per_unit else f"{by}: one sd above its mean minus one below"
    return f"index of moderated mediation ({asked.effect}, {between}): interval from joint draws of all legs"
