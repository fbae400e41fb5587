"""What can be drawn at all: the things that a simulation takes, and no more people than memory holds."""

import os

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["memory_of_machine", "refuse_other_kinds", "refuse_too_many"]

_COPIES = 8  # arrays of the size of the scores that live at once while they are drawn and answered
_UNKNOWN = 8 * 2**30  # taken as the memory of a machine that does not tell


def refuse_other_kinds(study: object, world: object) -> None:
    """Refuse what is no study or no world, such as the path of its file.

    Parameters
    ----------
    study : object
        What was given as the study.
    world : object
        What was given as the world.

    Raises
    ------
    DataError
        The message says how to load one.
    """
    for word, kind, given in (("study", Study, study), ("world", World, world)):
        if not isinstance(given, kind):
            path = isinstance(given, str | os.PathLike)
            load = f"{kind.__name__}.load({str(given)!r})" if path else f"{kind.__name__}.load(path)"
            also = " or World.assumed(study)" if kind is World else ""
            raise DataError(
                f"The {word} is {'a path' if path else 'of type ' + type(given).__name__} and not a {kind.__name__}. "
                f"Load it first: {load}{also}."
            )


def memory_of_machine() -> int:
    """Return the memory of this machine in bytes; 8 GiB where the system does not tell.

    Returns
    -------
    int
        Bytes.
    """
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return _UNKNOWN


def refuse_too_many(model: Model, *, scores_of: int = 0) -> None:
    """Refuse more people than the memory of this machine holds, before anything is drawn.

    Parameters
    ----------
    model : Model
        Study and world as numbers.
    scores_of : int, default 0
        Invented studies whose scores are drawn together; 0 where one is drawn item by item.

    Raises
    ------
    InputError
        With the number of people, the memory that they need, that of the machine, and how many would fit.

    Notes
    -----
    Eight arrays of studies x people x columns x 8 bytes live at once.
    """
    (unit, people), memory = next(iter(model.numbers.items())), memory_of_machine()
    items = [len(slot.trait.columns) if slot.trait is not None and not scores_of else 1 for slot in model.slots]
    each = _COPIES * 8 * max(scores_of, 1) * sum(items)
    if people * each <= memory:
        return
    what = f"the scores of {scores_of} invented studies at once" if scores_of else "the answers to all items"
    raise InputError(
        f"n.{unit} = {people:,} is more than this machine can draw: {what} need about {people * each / 2**30:,.0f} "
        f"GiB, and the memory is {memory / 2**30:,.1f} GiB. Give at most n.{unit} = {memory // each:,}; for so many "
        "people the exact functions answer, such as power.t_test."
    )
