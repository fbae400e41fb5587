"""Whether clusters can tell what they are compared by: more of them than conditions, and more than one person each."""

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from feedbackstudy.design.factors import Factor
from feedbackstudy.issues import Issue
from feedbackstudy.study.checks.finding import error, warning
from feedbackstudy.study.checks.names import contrasted, sound_hypotheses

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["check_clustering"]


def check_clustering(study: "Study") -> Iterator[Issue]:
    """Yield clusters that cannot be told from their conditions, or hold one person each.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        ``study.one_cluster_each``, ``study.clusters_of_one`` and ``study.more_units_than_they_hold``.
    """
    if study.assignment.method != "stepped_wedge":
        yield from _one_each(study)
    for i, unit in enumerate(study.units):
        outer = study.units.get(unit.nested_in or "")
        if outer is not None and outer.n is not None and unit.n is not None:
            yield from _emptied(study, i, (outer.name, outer.n), (unit.name, unit.n))


def _emptied(study: "Study", at: int, outer: tuple[str, int], inner: tuple[str, int]) -> Iterator[Issue]:
    """Yield where units that contain others are more than these, or as many."""
    (name, n), (held, m) = outer, inner
    lowest = at == len(study.units) - 1
    if n > m:
        yield error(
            study,
            ("units", at),
            "more_units_than_they_hold",
            f"There are {n} of {name!r} for {m} of {held!r} that are nested in them.",
            why="Some would be empty; nobody could be assigned, asked or compared there.",
            fix=f"Plan fewer of {name!r} or more of {held!r}; 'n' counts all units of the study, not those within one.",
        )
    if n == m:
        yield warning(
            study,
            ("units", study.units.names.index(name)),
            "clusters_of_one",
            f"There are as many {name!r} as {'people' if lowest else repr(held)} ({n}): each holds one "
            f"{'person' if lowest else held}.",
            why="What clusters have in common cannot be told from what people are; they are no random factor then, "
            "in power as in the analysis."
            if lowest
            else f"What {name!r} have in common cannot be told from what {held!r} are like.",
            fix=f"Plan fewer of {name!r} than {'people' if lowest else f'of {held!r}'}, or leave the unit out.",
        )


def _one_each(study: "Study") -> Iterator[Issue]:
    for unit in study.units[:-1]:
        given = [f for f in study.factors if f.assigned_to == unit.name and f.varies == "between"]
        conditions = prod(len(factor.levels) for factor in given)
        if not given or unit.n is None or unit.n > conditions:
            continue
        compared = _compared(study, given)
        if compared:
            yield error(
                study,
                ("units", study.units.names.index(unit.name)),
                "one_cluster_each",
                f"{unit.n} of {unit.name!r} get {conditions} conditions ({', '.join(f.name for f in given)}), which "
                f"{', '.join(compared)} compare: one {unit.name} for each.",
                why="What a condition does cannot be told from what its one cluster is like; the analysis refuses it.",
                fix=f"Plan at least {2 * conditions} of {unit.name!r} (better 8 or more for each condition), or assign "
                f"{', '.join(f.name for f in given)} to people.",
            )


def _compared(study: "Study", given: list[Factor]) -> list[str]:
    """Return the hypotheses that compare levels of these factors."""
    names = {factor.name for factor in given}
    return [
        hypothesis.name for _, hypothesis in sound_hypotheses(study) if names & set(contrasted(hypothesis.contrast))
    ]
