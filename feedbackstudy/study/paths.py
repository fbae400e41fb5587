"""The path to a place in a declaration, as people write it."""

from collections.abc import Sequence

__all__ = ["path_in_words"]


def path_in_words(declared: object, location: Sequence[str | int]) -> str:
    """Return a path with the names of declared things in place of their positions.

    Parameters
    ----------
    declared : object
        Where the path begins.
    location : sequence of str or int
        Keys and indices from there.

    Returns
    -------
    str
        Such as ``"hypotheses.h1.sesoi"``.
    """
    words: list[str] = []
    target = declared
    for part in location:
        inside = isinstance(part, int) and isinstance(target, tuple)
        target = target[part] if inside else getattr(target, str(part), None)  # type: ignore[index]
        words.append(str(getattr(target, "name", part)) if inside else str(part))
    return ".".join(words)
