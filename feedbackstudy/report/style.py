"""The house style of pictures: few inks that differ in grey print, and no text that could be read as mathematics."""

import math
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from feedbackstudy.adapters import quiet
from feedbackstudy.render import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BAND",
    "FAINT",
    "FIRST",
    "INK",
    "MUTED",
    "SECOND",
    "WIDTH",
    "bare",
    "house_style",
    "label",
    "plain",
    "ratio_scale",
    "ticks",
    "wrapped",
]

# Two inks that differ in hue for the colour-blind (blue and orange) and in lightness for grey print.
INK: Final = "#1b2126"
MUTED: Final = "#66707a"
FAINT: Final = "#c9d0d6"
BAND: Final = "#e9edf0"
FIRST: Final = "#0b4f7d"
SECOND: Final = "#e08a1e"
WIDTH: Final = 4.5
"""Width of a picture in inches: at this width 8-point text is still readable on a phone."""

_RC: Final[dict[Any, Any]] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8.5,
    "axes.unicode_minus": True,
    "hatch.linewidth": 0.6,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.solid_capstyle": "butt",
    "svg.fonttype": "none",
    "svg.hashsalt": "feedbackstudy",
    "text.color": INK,
    "text.usetex": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "xtick.major.size": 3.0,
    "xtick.major.width": 0.7,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 7.5,
    "ytick.major.size": 3.0,
    "ytick.major.width": 0.7,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style inside this block, and leave the user's own settings as they were.

    Yields
    ------
    None
        Nothing.
    """
    import matplotlib as mpl

    with mpl.rc_context(_RC), quiet("matplotlib"):
        yield


def plain(text: object) -> str:
    """Return `text` for a picture: cleaned, on one line, with every dollar sign kept a dollar sign.

    Parameters
    ----------
    text : object
        Anything with a string form.

    Returns
    -------
    str
        Text that matplotlib draws as it stands.
    """
    return " ".join(clean(text).split()).replace("$", r"\$")


def label(text: object, width: int = 24) -> str:
    """Return `text` shortened with an ellipsis to `width` characters, for the margin of a picture.

    Parameters
    ----------
    text : object
        Anything with a string form.
    width : int, default 24
        At most so many characters; the table beside the picture has the whole text.

    Returns
    -------
    str
        Text that matplotlib draws as it stands.
    """
    words = " ".join(clean(text).split())
    return plain(words if len(words) <= width else words[: width - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}")


def wrapped(text: object, width: int) -> str:
    """Return `text` broken into lines of at most `width` characters.

    Parameters
    ----------
    text : object
        Anything with a string form.
    width : int
        Characters to a line.

    Returns
    -------
    str
        Text that matplotlib draws as it stands.
    """
    return "\n".join(plain(line) for line in textwrap.wrap(" ".join(clean(text).split()), width)) or ""


def ticks(ax: "Axes", most: int = 5) -> None:
    """Put at most `most` intervals between ticks on the horizontal axis, so that a phone can show their numbers.

    Parameters
    ----------
    ax : Axes
        The axes; changed in place.
    most : int, default 5
        Number of intervals.
    """
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))


# Round ratios to put ticks at, by how many powers of ten the axis spans; 1 is in each.
_RATIOS: Final = (
    (0.75, (0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 4.0, 5.0)),
    (2.4, (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)),
    (float("inf"), (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)),
)


def ratio_scale(ax: "Axes") -> None:
    """Put the horizontal axis on a logarithmic scale with ticks at round ratios, 1 among them.

    Parameters
    ----------
    ax : Axes
        The axes, with everything on them already drawn; changed in place.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    ax.set_xscale("log")
    low, high = ax.get_xlim()
    span = math.log10(high / low)
    ratios = next(ratios for widest, ratios in _RATIOS if span < widest)
    inside = [tick for tick in ratios if low <= tick <= high]
    every = 1 + len(inside) // 8
    one = inside.index(1.0) % every if 1.0 in inside else 0
    ax.xaxis.set_major_locator(FixedLocator(inside[one::every]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())


def bare(ax: "Axes", *, keep: tuple[str, ...] = ("bottom",)) -> None:
    """Take away the frame of `ax` except the sides named, and the ticks of an axis whose side is gone.

    Parameters
    ----------
    ax : Axes
        The axes; changed in place.
    keep : tuple of str
        Names of the sides that stay.
    """
    for side, spine in ax.spines.items():
        spine.set_visible(side in keep)
    if "left" not in keep:
        ax.tick_params(axis="y", length=0)
