"""A multiverse as a specification curve: effects in order, both ways, above a panel of the choices behind each."""

from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.analysis.multiverse_result import Multiverse, SpecificationRow
from feedbackstudy.analysis.multiverse_test import JointMultiverseTest
from feedbackstudy.render import interval, number, p_value
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FAINT, FIRST, INK, MUTED, SECOND, bare, label, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["joint_test_drawing", "specification_curve_drawing"]

_CHOICES = ("outcome", "exclusions", "covariates", "model", "clusters")
_CURVE, _ROW, _GAP = 2.3, 0.155, 0.6
_MANY = 250  # specifications above which marks are drawn as an image


@drawing.register(Multiverse)
def specification_curve_drawing(result: Multiverse) -> Drawing:
    """Return the specification curve of a multiverse.

    Parameters
    ----------
    result : Multiverse
        The specifications.

    Returns
    -------
    Drawing
        Its picture.
    """
    panel = _panel(result)
    post = result.posterior()
    band = " Band: smaller than the smallest effect of interest." if result.sesoi is not None else ""
    return Drawing(
        draw=lambda ax: _draw(result, panel, ax),
        height=_CURVE + 0.5 + _ROW * sum(len(names) + _GAP for names in panel.values()),
        alt=f"Specification curve of {len(result)} analyses of {result.comparison}: effects from "
        f"{number(float(result.effects.min()))} to {number(float(result.effects.max()))} sd, median "
        f"{number(result.median_effect)}; {result.share_significant():.0%} with p < .05 and "
        f"{result.share_certain():.0%} with P(direction) > .975 in its direction. Posterior averaged over "
        f"specifications {number(post.median)} {interval(post.lower, post.upper)}.",
        caption=f"Effects of {len(result)} specifications in order: estimate in standard deviations with 95 % CI (dark "
        "blue where p < .05, grey otherwise), posterior median in orange. Below: the choices that made each. Dotted "
        f"line: no effect.{band} Specifications share their people, so their number is no evidence.",
        width=6.2,
    )


def _panel(result: Multiverse) -> dict[str, list[str]]:
    """Return the alternatives of each choice that has several, in the order of the declaration."""
    found = {kind: list(dict.fromkeys(row.choice(kind) for row in result.rows)) for kind in _CHOICES}
    return {kind: names for kind, names in found.items() if len(names) > 1}


def _draw(result: Multiverse, panel: dict[str, list[str]], ax: "Axes") -> None:
    ax.set_axis_off()
    rows = sorted(result.rows, key=lambda row: row.d)
    share = _CURVE / (_CURVE + _ROW * sum(len(names) + _GAP for names in panel.values()))
    _curve(result, rows, ax.inset_axes((0.0, 1 - share, 1.0, share)))
    if panel:
        _choices(rows, panel, ax.inset_axes((0.0, 0.0, 1.0, 1 - share)))


def _curve(result: Multiverse, rows: list[SpecificationRow], ax: "Axes") -> None:
    x = np.arange(len(rows))
    many = len(rows) > _MANY
    effects = np.array([row.d for row in rows])
    certain = np.array([row.p < 0.05 for row in rows])
    low, high = (np.array([getattr(row, name) for row in rows]) for name in ("d_low", "d_high"))
    if result.sesoi is not None:
        ax.axhspan(-result.sesoi, result.sesoi, color=BAND, linewidth=0, zorder=0)
    ax.axhline(0.0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    wide = 0.5 if many else 1.0
    for flag, ink, name in ((~certain, MUTED, "p \N{GREATER-THAN OR EQUAL TO} .05"), (certain, FIRST, "p < .05")):
        if not flag.any():
            continue
        ax.vlines(x[flag], low[flag], high[flag], color=ink, linewidth=wide, alpha=0.25, zorder=2, rasterized=many)
        ax.plot(
            x[flag], effects[flag], linestyle="none", marker="o", color=ink, markersize=2.2, zorder=4, label=name,
            rasterized=many,
        )  # fmt: skip
    ax.plot(
        x, [row.median for row in rows], linestyle="none", marker="D", color=SECOND, markersize=1.6, zorder=3,
        label="posterior median", rasterized=many,
    )  # fmt: skip
    ax.set_xlim(-0.5 - 0.01 * len(rows), len(rows) - 0.5 + 0.01 * len(rows))
    ax.set_xticks([])
    ax.set_ylabel("effect in sd")
    ax.legend(loc="upper left", ncols=3, handletextpad=0.3, columnspacing=1.0, fontsize=7)
    bare(ax, keep=("left",))


def _choices(rows: list[SpecificationRow], panel: dict[str, list[str]], ax: "Axes") -> None:
    y, marks, names = 0.0, [], []
    many = len(rows) > _MANY
    certain = np.array([row.p < 0.05 for row in rows])
    for kind, alternatives in panel.items():
        made = np.array([row.choice(kind) for row in rows])
        ax.text(-0.005, y + 0.15, kind, transform=ax.get_yaxis_transform(), ha="right", va="center", fontsize=6.4,
                color=INK, fontweight="bold")  # fmt: skip
        y += 1.0
        for name in alternatives:
            here = np.flatnonzero(made == name)
            for flag, ink in ((~certain[here], MUTED), (certain[here], FIRST)):
                ax.plot(
                    here[flag], np.full(int(flag.sum()), y), linestyle="none", marker="|", markersize=5.2, color=ink,
                    alpha=0.35 if many else 0.9, markeredgewidth=0.5 if many else 0.9, rasterized=many,
                )  # fmt: skip
            marks.append(y)
            names.append(label(name, 30))
            y += 1.0
        ax.axhline(y - 0.35, color=FAINT, linewidth=0.5)
    ax.set_yticks(marks, names, fontsize=6.2)
    ax.set_ylim(y - 0.3, -0.5)
    ax.set_xlim(-0.5 - 0.01 * len(rows), len(rows) - 0.5 + 0.01 * len(rows))
    ax.set_xticks([])
    ax.set_xlabel("specifications, in the order of their effects")
    bare(ax, keep=())


@drawing.register(JointMultiverseTest)
def joint_test_drawing(result: JointMultiverseTest) -> Drawing:
    """Return the curve that was seen over the curves that chance makes.

    Parameters
    ----------
    result : JointMultiverseTest
        The test.

    Returns
    -------
    Drawing
        Its picture.
    """
    said = "; ".join(f"{one.name} {number(one.observed)}, {p_value(one.p)}" for one in result.statistics)
    return Drawing(
        draw=lambda ax: _draw_test(result, ax),
        height=2.7,
        alt=f"Effects of {result.specifications} specifications in order, over the middle 95 % of what {result.draws} "
        f"sign flips of {result.units} units make without effect. {said}.",
        caption="Blue: effects in order. Grey: middle 95 % of the effect at each rank where no specification has an "
        f"effect. Joint tests: {said}.",
        width=5.2,
    )


def _draw_test(result: JointMultiverseTest, ax: "Axes") -> None:
    x = np.arange(result.specifications)
    ax.fill_between(x, *result.curve, color=FAINT, alpha=0.6, linewidth=0, zorder=1)
    ax.axhline(0.0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=2)
    ax.plot(x, result.effects, color=FIRST, linewidth=1.7, zorder=3)
    first = result.statistics[0]
    ax.text(0.02, 0.96, wrapped(f"{first.name}: {p_value(first.p)}", 40), transform=ax.transAxes, va="top", fontsize=8)
    ax.set_xlabel("rank of the specification")
    ax.set_ylabel("effect in sd")
    bare(ax, keep=("bottom", "left"))
