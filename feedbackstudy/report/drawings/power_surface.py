"""Power over two arguments: lines of equal power, the target's the thickest."""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.power import PowerGrid
from feedbackstudy.render import number
from feedbackstudy.report.drawing import Drawing
from feedbackstudy.report.style import INK, bare, plain, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["surface_drawing"]

type Floats = NDArray[np.float64]

_LEVELS: Final = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
_SHADES: Final = ("#ffffff", "#eef3f7", "#dfe9f0", "#cfdde8", "#bdd1df", "#a8c3d5", "#8fb1c8", "#769fbb", "#5d8cad")


def surface_drawing(result: PowerGrid) -> Drawing:
    """Return the picture of a grid over two arguments.

    Parameters
    ----------
    result : PowerGrid
        The grid; the first of several names is drawn, and arguments beyond two at their first value.

    Returns
    -------
    Drawing
        Its picture.
    """
    name, (across, up, *rest) = result.names[0], result.vary
    held = {path: result.values(path)[0] for path in rest}
    table = result[name].at(held).frame().pivot_table(index=up, columns=across, values=result.figure)
    x, y = table.columns.to_numpy(np.float64), table.index.to_numpy(np.float64)
    z = table.to_numpy(np.float64)
    words = result.figure.replace("_", " ")
    at = f", {', '.join(f'{path} = {value:g}' for path, value in held.items())}" if held else ""
    others = f" The table also holds {', '.join(result.names[1:])}." if len(result.names) > 1 else ""
    return Drawing(
        draw=lambda ax: _draw(x, y, z, ax, names=(across, up, words), target=result.target),
        height=3.2,
        alt=_alt(x, y, z, names=(across, up, words), target=result.target),
        caption=f"{words.capitalize()} of {name} over {across} and {up}{at}. Lines join equal values; the thick one is "
        f"the target, {number(result.target, 2)}; darker is higher. {result.engine}.{others}",
    )


def _draw(x: Floats, y: Floats, z: Floats, ax: "Axes", *, names: tuple[str, str, str], target: float) -> None:
    across, up, _ = names
    inside = float(np.nanmin(z)) >= 0 and float(np.nanmax(z)) <= 1
    levels = np.array(_LEVELS) if inside else np.linspace(np.nanmin(z), np.nanmax(z) + 1e-12, len(_LEVELS))
    if min(z.shape) > 1:
        ax.contourf(x, y, z, levels=levels, colors=_SHADES, extend="neither")
        thin = ax.contour(x, y, z, levels=[v for v in levels if v != target], colors=INK, linewidths=0.5)
        ax.clabel(thin, fontsize=7, fmt=lambda value: f"{value:.2f}".lstrip("0"))
        if np.nanmin(z) < target < np.nanmax(z):
            thick = ax.contour(x, y, z, levels=[target], colors=INK, linewidths=2.0)
            ax.clabel(thick, fontsize=8, fmt=lambda value: f"{value:.2f}".lstrip("0"))
    ax.set_xlabel(plain(across))
    ax.set_ylabel(plain(up))
    ticks(ax, 6)
    bare(ax, keep=("bottom", "left"))


def _alt(x: Floats, y: Floats, z: Floats, *, names: tuple[str, str, str], target: float) -> str:
    across, up, words = names
    parts = []
    for value, row in zip(y, z, strict=True):
        enough = np.flatnonzero(row >= target)
        where = f"from {across} = {x[enough[0]]:g} on" if len(enough) else "nowhere in the range"
        parts.append(f"{up} = {value:.4g}: {where}")
    return f"{words.capitalize()} over {across} and {up}. {number(target, 2)} is reached at {'; '.join(parts)}."
