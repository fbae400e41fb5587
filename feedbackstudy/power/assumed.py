"""What was assumed, as blocks of a page: the same for a diagnosis, a solution and a curve."""

from feedbackstudy.render import Block, Facts, Notice

__all__ = ["assumed_blocks"]

_WORDS = "Assumed for planning, and no evidence. The figures hold for these assumptions and for nothing else:"


def assumed_blocks(assumed: tuple[tuple[str, str], ...]) -> list[Block]:
    """Return what was assumed as blocks.

    Parameters
    ----------
    assumed : tuple of (str, str)
        Labels and words.

    Returns
    -------
    list of Block
        Empty where nothing is known about it.
    """
    return [Notice(_WORDS), Facts(assumed)] if assumed else []
