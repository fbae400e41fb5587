"""The scheme of a study: its declared assignment applied to the people who are there."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from feedbackstudy.assign.clusters import SplitPlot, WholeClusters
from feedbackstudy.assign.conditions import Conditions
from feedbackstudy.assign.minimise import Minimisation
from feedbackstudy.assign.roster import Roster
from feedbackstudy.assign.schemes import Complete, PermutedBlocks, Scheme, Simple, Weights, block_unit
from feedbackstudy.design.chance import exact
from feedbackstudy.errors import DataError, DeclarationError
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["block_issues", "scheme_of"]


def scheme_of(study: "Study", conditions: Conditions, roster: Roster) -> Scheme:
    """Return the scheme by which the people of a roster are assigned.

    Parameters
    ----------
    study : Study
        The study.
    conditions : Conditions
        What is assigned.
    roster : Roster
        Who is assigned.

    Returns
    -------
    Scheme
        It draws a condition for each row of the roster.

    Raises
    ------
    InputError
        Where there are more conditions than units, or the method cannot assign such units.
    """
    if conditions.cluster is None:
        _enough(len(roster.frame), len(conditions.cells), "participants")
        return _direct(study, conditions.weights, [roster.codes([name]) for name in roster.strata], roster)
    members = roster.codes([conditions.cluster])
    firsts = [members.index(cluster) for cluster in range(max(members) + 1)]
    outer_by, inner_by = _levels_of_strata(roster, conditions.cluster)
    codes = roster.codes(outer_by)
    strata = [codes[i] for i in firsts]
    outer_weights = conditions.weights if conditions.whole_clusters else conditions.outer()[1]
    _enough(len(firsts), len(outer_weights), f"units of {conditions.cluster}")
    outer = _for_clusters(study, outer_weights, _renumbered(strata), len(firsts))
    if conditions.whole_clusters:
        if inner_by:
            raise DataError(
                f"{inner_by[0]!r} differs within {conditions.cluster!r}, which is assigned as a whole; a stratum must "
                "be the same for all its people."
            )
        return WholeClusters(outer=outer, members=members)
    return SplitPlot(outer=outer, inner=conditions.outer()[2], members=members, strata=roster.codes(inner_by))


def _direct(study: "Study", weights: Weights, by: Sequence[tuple[int, ...]], roster: Roster) -> Scheme:
    stated = study.assignment
    n = len(roster.frame)
    strata = roster.codes(roster.strata)
    match stated.method:
        case "simple":
            return Simple(weights=weights, n=n)
        case "permuted_blocks":
            unit = block_unit(weights)
            return PermutedBlocks(weights=weights, strata=strata, sizes=tuple(stated.block_sizes) or (unit, 2 * unit))
        case "minimisation":
            return Minimisation(
                weights=weights,
                levels=tuple(zip(*by, strict=True)),
                importance=tuple(stated.importance.get(name, 1.0) for name in roster.strata),
                probability=exact(stated.probability),
                imbalance=stated.imbalance,
            )
        case "stepped_wedge":
            raise DeclarationError(
                "A stepped wedge assigns clusters; give the stepping factor its unit ('assigned_to')."
            )
        case _:
            return Complete(weights=(weights,) * (max(strata) + 1), blocks=strata)


def _for_clusters(study: "Study", weights: Weights, strata: tuple[int, ...], n: int) -> Scheme:
    method = study.assignment.method
    if method == "simple":
        return Simple(weights=weights, n=n)
    if method in {"permuted_blocks", "minimisation"}:
        raise DeclarationError(
            f"method: {method} is for people who arrive one by one; clusters are known beforehand. Use method: "
            "complete, with the clusters' strata under 'by'."
        )
    return Complete(weights=(weights,) * (max(strata) + 1), blocks=strata)


def _levels_of_strata(roster: Roster, cluster: str) -> tuple[list[str], list[str]]:
    """Tell strata of clusters from strata of their people; the cluster itself is no stratum of clusters."""
    outer: list[str] = []
    inner: list[str] = []
    for name in roster.strata:
        if name == cluster:
            continue
        constant = bool((roster.frame.groupby(cluster)[name].nunique() == 1).all())
        (outer if constant else inner).append(name)
    return outer, inner


def _renumbered(codes: Sequence[int]) -> tuple[int, ...]:
    seen: dict[int, int] = {}
    return tuple(seen.setdefault(code, len(seen)) for code in codes)


def _enough(units: int, conditions: int, what: str) -> None:
    if units < conditions:
        raise DeclarationError(
            f"There are {conditions} conditions for {units} {what}; some would stay empty. Plan more units or fewer "
            "conditions."
        )


def block_issues(conditions: Conditions, roster: Roster, scheme: Scheme) -> list[Issue]:
    """Say where strata are smaller than the number of conditions, or than one permuted block.

    Parameters
    ----------
    conditions : Conditions
        What is assigned.
    roster : Roster
        Who is assigned.
    scheme : Scheme
        How.

    Returns
    -------
    list of Issue
        One note at most.
    """
    if isinstance(scheme, PermutedBlocks):
        return _unfilled(roster, scheme)
    if not isinstance(scheme, Complete) or len(scheme.weights) < 2:
        return []
    sizes = [len(units) for units in scheme.members()]
    small = sum(size < len(conditions.cells) for size in sizes)
    single = sum(size == 1 for size in sizes)
    if not small:
        return []
    return [
        Issue(
            "assign.small_blocks",
            Severity.WARNING if single else Severity.NOTE,
            f"assignment: by {', '.join(roster.strata)}",
            f"{small} of {counted(len(sizes), 'block')} {'holds' if small == 1 else 'hold'} fewer people than there "
            f"are conditions ({len(conditions.cells)})"
            + (f"; {single} {'holds' if single == 1 else 'hold'} one person." if single else "."),
            "Conditions cannot be compared within such a block; they are balanced over the blocks together.",
            "Use fewer or coarser strata where blocks are to be compared within.",
        )
    ]


def _unfilled(roster: Roster, scheme: PermutedBlocks) -> list[Issue]:
    sizes, least = Counter(scheme.strata), min(scheme.sizes)
    small = sum(size < least for size in sizes.values())
    if not small or not roster.strata:
        return []
    return [
        Issue(
            "assign.unfilled_blocks",
            Severity.WARNING,
            f"assignment: by {', '.join(roster.strata)}",
            f"{small} of {counted(len(sizes), 'stratum', 'strata')} {'holds' if small == 1 else 'hold'} fewer people "
            f"than one block of {least}.",
            "A block that is not filled balances nothing: conditions are as even there as chance makes them.",
            "Use fewer or coarser strata, smaller blocks, or method: complete where everybody is known beforehand.",
        )
    ]
