"""The comparisons a hypothesis can name: plain structure, which `feedbackstudy.design.contrasts` turns into weights.

Signs are part of the name: *level* minus *against*, feedback minus arm. An interaction of two factors is the difference
of their differences, not half of it.
"""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.named import Code, Fixed, Name, Real

__all__ = [
    "ArmVsArm",
    "Association",
    "CellWeight",
    "CellsVsArm",
    "Comparison",
    "FeedbackVsArm",
    "Interaction",
    "MainEffect",
    "MeanVsValue",
    "Moderation",
    "SimpleEffect",
    "Trend",
    "WeightedCells",
]


class _Kind(Declaration):
    """A declaration that always writes its `kind`, also where that is the default."""

    kind: str

    @model_serializer(mode="wrap")
    def _with_kind(self, inner: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {"kind": self.kind, **inner(self)}


class MainEffect(_Kind):
    """A factor's effect, averaged evenly over the cells of all other factors.

    Attributes
    ----------
    factor : str
        The factor.
    level, against : str or None
        *level* minus *against*; without `against` the factor's reference. Without both, all levels at once.
    """

    kind: Literal["main_effect"] = "main_effect"
    factor: Name
    level: Code | None = None
    against: Code | None = None

    @model_validator(mode="after")
    def _against_needs_level(self) -> Self:
        _distinct(self.factor, self.level, self.against)
        return self


class SimpleEffect(_Kind):
    """A factor's effect within chosen levels of others.

    Attributes
    ----------
    factor : str
        The factor.
    level, against : str or None
        As for a main effect.
    at : mapping of str to str
        Other factor -> the level at which the effect is looked at.
    """

    kind: Literal["simple_effect"] = "simple_effect"
    factor: Name
    level: Code | None = None
    against: Code | None = None
    at: Fixed[Name, Code]

    @model_validator(mode="after")
    def _is_simple(self) -> Self:
        _distinct(self.factor, self.level, self.against)
        if not self.at or self.factor in self.at:
            raise ValueError(
                f"a simple effect of {self.factor!r} needs 'at': the levels of other factors; found {dict(self.at)}."
            )
        return self


class Interaction(_Kind):
    """How the effect of one factor differs between levels of another.

    Attributes
    ----------
    factors : tuple of str
        The factors, for all their levels at once; or give `levels`.
    levels : mapping of str to tuple of str
        Factor -> (level, against): the difference of differences, one number.
    at : mapping of str to str
        Levels of further factors at which to look; averaged evenly over them otherwise.
    """

    kind: Literal["interaction"] = "interaction"
    factors: Many[Name] = ()
    levels: Fixed[Name, Many[Code]] = Fixed()
    at: Fixed[Name, Code] = Fixed()

    @model_validator(mode="after")
    def _factors_or_levels(self) -> Self:
        names = self.factors or tuple(self.levels)
        if bool(self.factors) == bool(self.levels) or len(set(names)) < 2:
            raise ValueError(
                "an interaction needs at least two different factors, under 'factors' (all levels) or under 'levels' "
                f"(factor: [level, against]), not both; found factors {list(self.factors)}, levels {dict(self.levels)}."
            )
        for name, pair in self.levels.items():
            if len(pair) != 2 or pair[0] == pair[1]:
                raise ValueError(f"interaction, {name}: give [level, against], found {list(pair)}.")
        both = sorted(set(names) & set(self.at))
        if both:
            raise ValueError(f"interaction: {both[0]!r} cannot both interact and be held at one level.")
        return self


class Trend(_Kind):
    """A polynomial trend over an ordered factor.

    Attributes
    ----------
    factor : str
        A factor with `scores`, or with an `order` (then its steps count as equal). The size of a linear trend, and a
        smallest effect declared for it, count for one unit of the scores (one step), not from the first to the last.
    degree : {1, 2, 3}
        Linear, quadratic or cubic.
    at : mapping of str to str
        Levels of other factors at which to look.
    """

    kind: Literal["trend"] = "trend"
    factor: Name
    degree: Literal[1, 2, 3] = 1
    at: Fixed[Name, Code] = Fixed()


class FeedbackVsArm(_Kind):
    """Feedback, pooled evenly over its cells, minus an arm outside the crossing.

    Attributes
    ----------
    arm : str
        The arm.
    at : mapping of str to str
        Pool only the feedback cells with these levels.
    """

    kind: Literal["feedback_vs_arm"] = "feedback_vs_arm"
    arm: Name
    at: Fixed[Name, Code] = Fixed()


class CellsVsArm(_Kind):
    """Each feedback cell minus an arm outside the crossing, all at once (Dunnett's family).

    Attributes
    ----------
    arm : str
        The arm.
    """

    kind: Literal["cells_vs_arm"] = "cells_vs_arm"
    arm: Name


class ArmVsArm(_Kind):
    """One arm outside the crossing minus another.

    Attributes
    ----------
    arm, against : str
        *arm* minus *against*.
    """

    kind: Literal["arm_vs_arm"] = "arm_vs_arm"
    arm: Name
    against: Name

    @model_validator(mode="after")
    def _two_arms(self) -> Self:
        if self.arm == self.against:
            raise ValueError(f"arm {self.arm!r} is compared with itself.")
        return self


class CellWeight(Declaration):
    """The weight of some cells' mean in a contrast of one's own.

    Attributes
    ----------
    weight : float
        The weight.
    at : mapping of str to str
        The feedback cells with these levels, pooled evenly; or give `arm`.
    arm : str or None
        An arm outside the crossing.
    """

    weight: Real
    at: Fixed[Name, Code] = Fixed()
    arm: Name | None = None

    @model_validator(mode="after")
    def _cells_or_arm(self) -> Self:
        if self.arm and self.at:
            raise ValueError(f"arm {self.arm!r} has no level on any factor; give 'arm' or 'at', not both.")
        return self


class WeightedCells(_Kind):
    """A contrast of one's own: weights over cell means that sum to zero.

    Attributes
    ----------
    cells : tuple of CellWeight
        The weights; a cell that is not named has weight 0.
    """

    kind: Literal["weights"] = "weights"
    cells: Many[CellWeight]

    @model_validator(mode="after")
    def _sums_to_zero(self) -> Self:
        total = math.fsum(cell.weight for cell in self.cells)
        if abs(total) > 1e-9 or not any(cell.weight for cell in self.cells):
            raise ValueError(
                f"the weights {[cell.weight for cell in self.cells]} sum to {total:g}; a contrast's weights are not "
                "all 0 and sum to 0 (for a mean against a fixed value use kind: mean_vs_value)."
            )
        return self


class MeanVsValue(_Kind):
    """The mean of some cells minus a fixed value, such as 0 for scores that already are differences.

    Attributes
    ----------
    value : float
        The fixed value.
    at : mapping of str to str
        The feedback cells, pooled evenly; all of them by default.
    arm : str or None
        An arm outside the crossing instead.
    """

    kind: Literal["mean_vs_value"] = "mean_vs_value"
    value: Real = 0.0
    at: Fixed[Name, Code] = Fixed()
    arm: Name | None = None


class Association(_Kind):
    """The slope of the outcome on something measured: never an effect of assignment.

    Attributes
    ----------
    predictor : str
        A covariate or a measure's score.
    occasion : str or None
        The wave that asks the predictor.
    """

    kind: Literal["association"] = "association"
    predictor: Name
    occasion: Name | None = None


class Moderation(_Kind):
    """How a factor's effect changes with something measured.

    Attributes
    ----------
    factor : str
        The factor.
    level, against : str or None
        As for a main effect.
    by : str
        The moderator: a covariate or a measure's score.
    occasion : str or None
        The wave that asks the moderator.
    """

    kind: Literal["moderation"] = "moderation"
    factor: Name
    level: Code | None = None
    against: Code | None = None
    by: Name
    occasion: Name | None = None

    @model_validator(mode="after")
    def _against_needs_level(self) -> Self:
        _distinct(self.factor, self.level, self.against)
        return self


def _distinct(factor: str, level: str | None, against: str | None) -> None:
    if against and not level:
        raise ValueError(f"{factor}: 'against' is given without 'level'; name both.")
    if level and level == against:
        raise ValueError(f"{factor}: the level {level!r} is compared with itself.")


type Comparison = Annotated[
    MainEffect
    | SimpleEffect
    | Interaction
    | Trend
    | FeedbackVsArm
    | CellsVsArm
    | ArmVsArm
    | WeightedCells
    | MeanVsValue
    | Association
    | Moderation,
    Field(discriminator="kind"),
]
"""Any comparison; its `kind` says which."""
