"""How items become a score: the method, the missing rule, composites and what must never be computed."""

import math
from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.named import Fixed, Line, Name, Real

__all__ = ["Composite", "Method", "MissingRule", "Scoring", "Total"]

type Method = Literal["mean", "sum", "pomp"]


class MissingRule(Declaration):
    """How many of the asked items must be answered, and what stands in for the rest.

    Attributes
    ----------
    minimum_answered : float
        Smallest share of the asked items, above 0 up to 1; compared after rounding up to whole items.
    prorate : bool
        Whether an incomplete scale is scored by the mean of its answered items (a sum is scaled up to its full
        number of items). Without it every asked item must be answered.
    """

    minimum_answered: Real = 1.0
    prorate: bool = False

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if not 0 < self.minimum_answered <= 1:
            raise ValueError(f"minimum_answered {self.minimum_answered} must lie above 0 and at most at 1.")
        if not self.prorate and self.minimum_answered < 1:
            raise ValueError(
                f"minimum_answered is {self.minimum_answered} without prorating: the sum of some items would leave "
                "the scale's range. Set prorate: true, or minimum_answered: 1."
            )
        return self

    def least(self, asked: int) -> int:
        """Return how many of the asked items must be answered.

        Parameters
        ----------
        asked : int
            Items asked.

        Returns
        -------
        int
            At least 1.
        """
        return max(1, math.ceil(self.minimum_answered * asked - 1e-9))


class Scoring(Declaration):
    """How the items of a subscale are combined.

    Attributes
    ----------
    method : {"mean", "sum", "pomp"}
        The record's own method. POMP is the percent of the maximum possible: 0 at the lowest, 100 at the highest.
    also : tuple of str
        Methods that the source allows besides; the user names one to get it.
    value_map : mapping of str to float
        Code -> value, applied after the range check and before combining.
    missing : MissingRule
        How many items must be answered.
    """

    method: Method
    also: Many[Method] = ()
    value_map: Fixed[str, Real] = Fixed()
    missing: MissingRule = MissingRule()


class Composite(Declaration):
    """A weighted sum of subscale scores.

    Attributes
    ----------
    name : str
        Its name.
    weights : mapping of str to float
        Subscale or earlier composite -> weight.
    high_score_means : str
        What a high score says.
    note : str
        What to mind.
    """

    name: Name
    weights: Fixed[Name, Real]
    high_score_means: Line
    note: str = ""


class Total(Declaration):
    """One score over the items of all subscales.

    Attributes
    ----------
    name : str
        Its name.
    high_score_means : str
        What a high score says.
    """

    name: Name
    high_score_means: Line
