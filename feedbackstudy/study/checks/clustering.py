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
        ``study.one_cluster_each`` and ``study.clusters_of_one``.
    """
    if study.assignment.method != "stepped_wedge":
        yield from _one_each(study)
    people = study.units[-1].n if study.units else None
    for i, unit in enumerate(study.units[:-1]):
        if people is not None and unit.n == people:
            yield warning(
                study,
                ("units", i),
                "clusters_of_one",
                f"There are as many {unit.name!r} as people ({people}): each holds one person.",
                why="What clusters have in common cannot be told from what people are; they are no random factor then, "
                "in power as in the analysis.",
                fix=f"Plan fewer of {unit.name!r} than people, or leave the unit out.",
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
