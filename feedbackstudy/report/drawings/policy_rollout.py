"""A roll-out: who is under the policy when, one row for each unit."""

from typing import TYPE_CHECKING, Final

import numpy as np

from feedbackstudy.policy.rollouts.panel import Panel
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FAINT, FIRST, bare, label, plain, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["rollout_drawing"]

_ROW, _MOST_NAMES = 0.13, 40
_INKS: Final = ("#ffffff", BAND, FIRST)


@drawing.register(Panel)
def rollout_drawing(result: Panel) -> Drawing:
    """Return the picture of a roll-out.

    Parameters
    ----------
    result : Panel
        Cells by unit and period.

    Returns
    -------
    Drawing
        Its picture; it shows no number of any cell.
    """
    units, periods = result.used.shape
    never = int(np.isinf(result.start).sum())
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=min(0.7 + _ROW * units, 7.0),
        alt=f"{units} units over {periods} {result.rollout.period}s: {units - never} change over to the policy, "
        f"{never} never do; {int((~result.used).sum())} cells are empty or left out.",
        caption="Who is under the policy when. Dark: under it; light: not yet; white: empty or left out. "
        f"Mechanism: {result.rollout.mechanism}.",
    )


def _draw(result: Panel, ax: "Axes") -> None:
    from matplotlib.colors import ListedColormap

    state = np.where(result.used, 1 + result.treated, 0)
    ax.pcolormesh(
        np.arange(state.shape[1] + 1) + 0.5, np.arange(state.shape[0] + 1) - 0.5, state,
        cmap=ListedColormap(list(_INKS)), vmin=0, vmax=2, edgecolors=FAINT, linewidth=0.3,
    )  # fmt: skip
    ax.set_ylim(state.shape[0] - 0.5, -0.5)
    if state.shape[0] <= _MOST_NAMES:
        ax.set_yticks(range(state.shape[0]), [label(unit, 14) for unit in result.units], fontsize=6)
    else:
        ax.set_yticks([])
        ax.set_ylabel(plain(f"{state.shape[0]} units"))
    ax.set_xlabel(plain(result.rollout.period))
    ticks(ax, 8)
    bare(ax, keep=("bottom",))
