"""Who is studied, and what they are nested in."""

from typing import Annotated

from pydantic import AfterValidator

from feedbackstudy.declaration import Declaration
from feedbackstudy.named import Line, Name

__all__ = ["Units"]


def _at_least_one(n: int) -> int:
    if n < 1:
        raise ValueError(f"n = {n}; plan at least one unit, or leave n out.")
    return n


class Units(Declaration):
    """One level of the study's nesting; the lowest level is the participants.

    Attributes
    ----------
    name : str
        What one unit is, in the singular (``candidate``, ``interviewer``, ``site``); column name of clusters.
    label : str
        Title that people read.
    n : int or None
        Planned number, always of *these* units in all.
    nested_in : str or None
        The unit that contains this one.
    """

    name: Name
    label: Line | None = None
    n: Annotated[int, AfterValidator(_at_least_one)] | None = None
    nested_in: Name | None = None
