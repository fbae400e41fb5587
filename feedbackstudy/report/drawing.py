"""What a picture of a result is: a size, a function that draws on axes, and the same content in words."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING

from feedbackstudy.errors import InputError
from feedbackstudy.report.style import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Drawing", "can_draw", "drawing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture that has not been drawn yet.

    Attributes
    ----------
    draw : callable
        Draws on the axes it is given.
    height : float
        Height in inches at the house width.
    alt : str
        What the picture shows, in words, with its main numbers: for readers who do not see it.
    caption : str
        The line under the picture: how to read it.
    width : float
        Width in inches.
    """

    draw: "Callable[[Axes], None]"
    height: float
    alt: str
    caption: str
    width: float = WIDTH


@singledispatch
def drawing(result: object) -> Drawing:
    """Return the picture of a result; each kind of result registers its own.

    Parameters
    ----------
    result : object
        A result of the toolkit.

    Returns
    -------
    Drawing
        Its picture, not drawn yet.

    Raises
    ------
    InputError
        Where this kind of result has no picture.
    """
    kinds = ", ".join(sorted(kind.__name__ for kind in drawing.registry if kind is not object))
    raise InputError(f"There is no picture of a {type(result).__name__}; there is one of: {kinds}.")


def can_draw(result: object) -> bool:
    """Say whether this kind of result has a picture.

    Parameters
    ----------
    result : object
        Anything.

    Returns
    -------
    bool
        True where `drawing` knows it.
    """
    return drawing.dispatch(type(result)) is not drawing.dispatch(object)
