"""When people are asked: `Wave`, with the event its clock starts from."""

from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration
from feedbackstudy.named import Line, Name, Pair, Real

__all__ = ["Wave"]


class Wave(Declaration):
    """One occasion of asking. Waves are declared in the order in which they happen.

    Attributes
    ----------
    name : str
        Value in the column ``occasion``.
    anchor : {"interview", "decision", "feedback"}
        The event that the offset counts from. In a vignette study these are the events of the story.
    offset_days : float
        Days after the anchor when the wave opens; negative before it.
    window_days : tuple of float
        First and last day, counted from the offset, on which an answer still belongs to the wave.
    phase : {"before", "after"}
        Whether people answer before or after the feedback (or the moment at which it would have come).
    pseudo_date : {"random_participant", "matched_participant"} or None
        For arms without feedback in a wave anchored to feedback: each person of the arm takes over the feedback date of
        a random feedback participant, or of one of the same block.
    label : str
        Title that people read.
    """

    name: Name
    label: Line | None = None
    anchor: Literal["interview", "decision", "feedback"]
    offset_days: Real = 0.0
    window_days: Pair = (0.0, 0.0)
    phase: Literal["before", "after"]
    pseudo_date: Literal["random_participant", "matched_participant"] | None = None

    @model_validator(mode="after")
    def _time_runs_forward(self) -> Self:
        first, last = self.window_days
        if first > last:
            raise ValueError(f"wave {self.name!r}: the window {list(self.window_days)} ends before it begins.")
        if self.anchor == "feedback" and self.offset_days < 0 and self.phase == "after":
            raise ValueError(
                f"wave {self.name!r} lies {-self.offset_days:g} days before the feedback but says phase: after."
            )
        if self.anchor == "feedback" and self.offset_days > 0 and self.phase == "before":
            raise ValueError(
                f"wave {self.name!r} lies {self.offset_days:g} days after the feedback but says phase: before."
            )
        if self.pseudo_date and self.anchor != "feedback":
            raise ValueError(
                f"wave {self.name!r} is anchored to the {self.anchor}, which every arm has; a pseudo-date is for the "
                "anchor feedback only."
            )
        return self
