"""Batched rows of moderated mediation: the index between the last and the first level of a factor."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.mediation_cells import LevelModerator, at_level
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.power.answers import Answers
from feedbackstudy.power.clustered_rows import clustered_fit, least_squares
from feedbackstudy.power.path_rows import DRAWS, Legs, drawn_answers
from feedbackstudy.power.rows import Fits
from feedbackstudy.simulate.model import Model

if TYPE_CHECKING:
    from feedbackstudy.design.hypotheses import Hypothesis

__all__ = ["Moderated", "index_rows", "moderated_path"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moderated:
    """What a factor does to a path of one mediator.

    Attributes
    ----------
    first : ndarray of shape (2, cells)
        The contrast at the first and at the last level; the whole contrast twice where this leg is not moderated.
    level : ndarray of shape (cells,) or None
        Level of each cell, whose slopes of the outcome on the mediator differ; None where that leg is not moderated.
    levels : int
        How many there are.
    """

    first: Floats
    level: Ints | None
    levels: int


def moderated_path(model: Model, hypothesis: "Hypothesis", row: Floats) -> Moderated | None:
    """Read what a path's moderator does.

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
    Moderated or None
        None where there is no moderator.

    Raises
    ------
    InputError
        For a moderated path of several mediators, a measured moderator, or an effect that the moderator leaves alone.
    """
    path = hypothesis.path
    declared = None if path is None else path.moderator
    if path is None or declared is None:
        return None
    own = "use power.mediation, or give diagnose an 'analysis' of your own."
    if declared.by not in model.study.factors.names:
        raise InputError(f"a path moderated by a measured variable ({declared.by!r}) is not diagnosed from rows; {own}")
    if path.structure != "simple" or path.effect != "indirect":
        raise InputError(f"a moderated path is diagnosed for the indirect effect of one mediator; {own}")
    if not set(declared.on) & {"first", "second"}:
        raise InputError(f"the indirect effect does not depend on {declared.by!r}, which acts on the direct one only.")
    levels = tuple(sorted(model.study.factors[declared.by].codes()))
    held = [dict(cell.levels).get(declared.by) for cell in model.cells]
    level = np.array([-1 if code is None else levels.index(str(code)) for code in held], dtype=np.int64)
    moderator = LevelModerator(name=declared.by, levels=levels, cell_level=level, on=tuple(declared.on))
    turned = "first" in declared.on
    try:
        first = [at_level(row, moderator, k) if turned else row for k in (0, len(levels) - 1)]
    except DataError as fault:
        raise InputError(str(fault)) from fault
    # As in analyse, arms outside the crossing share the first level's slope.
    return Moderated(
        first=np.stack(first), level=np.maximum(level, 0) if "second" in declared.on else None, levels=len(levels)
    )


def index_rows(
    legs: Legs,
    mediator: Floats,
    y: Floats,
    moderator: Moderated,
    *,
    chance: np.random.Generator,
    level: float,
    truth: Floats,
) -> Answers:
    r"""Estimate the index of moderated mediation in every replicate.

    Parameters
    ----------
    legs : Legs
        How legs are estimated.
    mediator, y : ndarray of shape (replicates, n)
        Mediator and outcome.
    moderator : Moderated
        What the factor changes.
    chance : Generator
        A stream.
    level : float
        Of the interval.
    truth : ndarray of shape (replicates,)
        The true index.

    Returns
    -------
    Answers
        Interval and p from draws of the legs.

    Notes
    -----
    :math:`a_K b_K - a_1 b_1`, levels 1 to K (Hayes 2015, Multivariate Behavioral Research 50, 1-22). Legs of one
    equation are drawn with their covariance, :math:`\{v(s + t) - v(s - t)\}/4`, from t distributions, which few
    clusters need.
    """
    one, last = moderator.first
    a = _Pair.of(*(replace(legs, weights=row).first(mediator) for row in (one, last, one + last, last - one)))
    b = _slopes(legs, mediator, y, moderator)
    draws_a, draws_b = (pair.drawn(chance) for pair in (a, b))
    drawn = draws_a[1] * draws_b[1] - draws_a[0] * draws_b[0]
    estimate = a.last.estimate * b.last.estimate - a.one.estimate * b.one.estimate
    return drawn_answers(estimate, drawn, b.last, level=level, truth=truth)


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """A leg at the first and the last level, with their covariance."""

    one: Fits
    last: Fits
    covariance: Floats

    @classmethod
    def of(cls, one: Fits, last: Fits, both: Fits, apart: Fits) -> "_Pair":
        apart_variance = np.where(np.isfinite(apart.se), apart.se**2, 0.0)  # the same leg twice has no difference
        return cls(one, last, (both.se**2 - apart_variance) / 4)

    def drawn(self, chance: np.random.Generator) -> tuple[Floats, Floats]:
        df = np.where(np.isfinite(self.one.df), self.one.df, 1.0)[:, None]
        noise = chance.standard_normal((2, len(df), DRAWS)) * np.sqrt(df / chance.chisquare(df, (len(df), DRAWS)))
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = self.covariance / self.one.se
            rest = np.sqrt(np.maximum(self.last.se**2 - pull**2, 0.0))
        first = self.one.estimate[:, None] + self.one.se[:, None] * noise[0]
        return first, self.last.estimate[:, None] + pull[:, None] * noise[0] + rest[:, None] * noise[1]


def _slopes(legs: Legs, mediator: Floats, y: Floats, moderator: Moderated) -> _Pair:
    """Return the outcome's slopes on the mediator, within cells."""
    if moderator.level is None:
        slope = legs.further(y, [mediator])
        return _Pair(slope, slope, slope.se**2)
    inside = np.eye(moderator.levels)[moderator.level[legs.cell]]
    design = legs.design(np.concatenate([mediator[..., None] * inside, legs.covariates], axis=2))
    unit = np.eye(design.shape[2])[[len(legs.weights), len(legs.weights) + moderator.levels - 1]]

    def fit(weights: Floats) -> Fits:
        if legs.cluster is None:
            return least_squares(y, design, weights)
        return clustered_fit(y, design, weights, legs.cluster)

    return _Pair.of(fit(unit[0]), fit(unit[1]), fit(unit[0] + unit[1]), fit(unit[1] - unit[0]))
