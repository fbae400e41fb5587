"""The assumptions of a world as a page."""

from typing import TYPE_CHECKING

from feedbackstudy.render import Block, Facts, Notice, Page, number, table_of

if TYPE_CHECKING:
    from feedbackstudy.simulate.world import World

__all__ = ["world_page"]


def world_page(world: "World") -> Page:
    """Return the assumptions as a page.

    Parameters
    ----------
    world : World
        The world.

    Returns
    -------
    Page
        Ready to render.
    """
    simple = {
        name: value
        for name, value in dict(world).items()
        if isinstance(value, int | float | str) and not isinstance(value, bool)
    }
    facts = Facts(tuple((name.replace("_", " "), v if isinstance(v, str) else number(v)) for name, v in simple.items()))
    scores = [{"score": o.name, "mean": o.mean, "sd": o.sd, "reliability": o.reliability} for o in world.outcomes]
    cells = [
        {
            "score": m.outcome,
            "occasion": m.occasion or "after feedback",
            "cell": key,
            "deviation": value,
            "unit": m.unit,
        }
        for m in world.means
        for key, value in m.cells.items()
    ]
    notes = [
        ("attrition", ", ".join(f"{k} {v}" for k, v in dict(world.attrition).items() if v)),
        ("icc", ", ".join(f"{k} {v:g}" for k, v in world.icc.items())),
        ("carelessness", ", ".join(f"{k} {v:g}" for k, v in dict(world.carelessness).items())),
    ]
    blocks: list[Block] = [
        facts,
        Facts(tuple((k, v) for k, v in notes if v)),
        Notice("Assumed for planning; no evidence."),
    ]
    blocks += [table_of(scores, caption="Scores")] if scores else []
    blocks += [table_of(cells, caption="Cell means, as deviations")] if cells else []
    blocks += [Notice(note) for note in world.notes]
    return Page(title="World", subtitle="what is assumed true", blocks=tuple(blocks))
