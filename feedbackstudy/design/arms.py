"""Off-crossing arms: groups that get no feedback and therefore have no level on the feedback factors."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from feedbackstudy.declaration import Declaration
from feedbackstudy.named import Line, Name, Real

__all__ = ["FEEDBACK", "Arm"]

FEEDBACK = "feedback"
"""The value of the column ``arm`` for everyone inside the crossing."""


def _not_feedback(name: str) -> str:
    if name == FEEDBACK:
        raise ValueError(
            f"an arm cannot be called {FEEDBACK!r}: that word marks everyone inside the crossing; name the arm after "
            "what its people get, such as 'silence' or 'decision_only'."
        )
    return name


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError(f"a weight of {value} would leave the arm empty; give a number above 0.")
    return value


class Arm(Declaration):
    """A group outside the crossing of the factors.

    Attributes
    ----------
    name : str
        Value in the column ``arm``.
    told : {"nothing", "decision", "other"}
        What its people hear.
    label : str
        Title that people read.
    definition : str
        What exactly happens, so that somebody else could do it again.
    weight : float
        Size relative to one cell of the crossing.
    """

    name: Annotated[Name, AfterValidator(_not_feedback)]
    told: Literal["nothing", "decision", "other"]
    label: Line | None = None
    definition: str = ""
    weight: Annotated[Real, AfterValidator(_positive)] = 1.0

    @property
    def title(self) -> str:
        """The label, or the name made readable."""
        return self.label or self.name.replace("_", " ")
