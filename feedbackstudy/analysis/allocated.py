"""An allocation held against data: whether the people are those who were assigned, and got what they were assigned."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.assign import Allocation
from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.study import Study

__all__ = ["held_against", "refuse_contradiction", "refuse_other_design"]

type Flags = NDArray[np.bool_]

_SHOWN = 10


def refuse_other_design(allocation: Allocation, study: Study) -> None:
    """Refuse an allocation of another design.

    Parameters
    ----------
    allocation : Allocation
        Who was assigned what.
    study : Study
        The study that is analysed.

    Raises
    ------
    DataError
        With both fingerprints.
    """
    if allocation.study.design_hash != study.design_hash:
        raise DataError(
            f"The allocation belongs to another design ({allocation.design_hash[:12]}) than the study "
            f"({study.design_hash[:12]}); give the one that was drawn for this study."
        )


def held_against(frame: pd.DataFrame, allocation: Allocation) -> Iterator[Issue]:
    """Yield where data contradict the allocation.

    Parameters
    ----------
    frame : DataFrame
        Rows of people: ``participant`` and whatever it has of ``arm``, factors, ``exemplar``, ``occasion``, ``period``
        and clusters.
    allocation : Allocation
        Who was assigned what.

    Yields
    ------
    Issue
        An error for people who were not assigned, and one for people who stand in another condition. Whoever was
        assigned and is not in the data dropped out, which is no contradiction.

    Notes
    -----
    Compared is what the allocation drew, and what the data say: arm, factors assigned between people (whoever is
    outside the crossing has no level), exemplars where both have one and people read one, the levels of each story by
    its position, and in a stepped wedge the factor by cluster and period. Measured factors, clusters and strata are not
    drawn. The drawn conditions themselves are read, not the columns beside them.
    """
    people = frame["participant"].astype(str)
    place = pd.Index(allocation.participants).get_indexer(pd.Index(people))
    stranger = place < 0
    if stranger.any():
        yield _strangers(people[stranger], allocation)
    differ = {name: flags for name, flags in _differences(frame, place, allocation) if flags.any()}
    if differ:
        yield _crossed(people, differ)


def refuse_contradiction(frame: pd.DataFrame, allocation: Allocation) -> None:
    """Refuse data that contradict the allocation.

    Parameters
    ----------
    frame : DataFrame
        As for `held_against`.
    allocation : Allocation
        Who was assigned what.

    Raises
    ------
    DataError
        With the first finding.
    """
    for issue in held_against(frame, allocation):
        raise DataError(f"{issue.what} {issue.why} {issue.fix} Concerned: {', '.join(issue.who)}.")


def _differences(frame: pd.DataFrame, place: NDArray[np.int64], allocation: Allocation) -> Iterator[tuple[str, Flags]]:
    """Yield each column with the rows of assigned people that say something else than was drawn."""
    known = place >= 0
    drawn = np.asarray(allocation.drawn, dtype=np.int64)[np.maximum(place, 0)]
    cells = allocation.conditions
    told = {"arm": [cell.arm for cell in cells]}
    for name in dict.fromkeys(name for cell in cells for name, _ in cell.levels):
        told[name] = [dict(cell.levels).get(name, "") for cell in cells]
    for name, levels in told.items():
        if name in frame.columns:
            said = _words(frame[name])
            yield name, known & (said != "") & (said != np.array(levels, dtype=object)[drawn])
    if "exemplar" in frame.columns and "exemplar" in allocation.frame.columns and not len(allocation.orders):
        said, own = _words(frame["exemplar"]), _words(allocation.frame["exemplar"])[np.maximum(place, 0)]
        yield "exemplar", known & (said != "") & (own != "") & (said != own)
    yield from _by_table(frame, _stories(frame), allocation.orders, ["participant", "position"], {"vignette"})
    periods = allocation.periods
    if len(periods) and {periods.columns[0], "period"} <= {*frame.columns}:
        yield from _by_table(frame, frame, periods, [str(periods.columns[0]), "period"], {"sequence", "exposure"})


def _by_table(
    frame: pd.DataFrame, keyed: pd.DataFrame | None, table: pd.DataFrame, key: list[str], apart: set[str]
) -> Iterator[tuple[str, Flags]]:
    """Compare the other columns of a table that the allocation drew with those of the data, row by row of its key."""
    if keyed is None or not len(table):
        return
    index = pd.MultiIndex.from_arrays([_words(table[name]) for name in key])
    at = index.get_indexer(pd.MultiIndex.from_arrays([_words(keyed[name]) for name in key]))
    for name in map(str, table.columns):
        if name in frame.columns and name not in {*key, *apart}:
            said, own = _words(frame[name]), _words(table[name])[np.maximum(at, 0)]
            yield name, (at >= 0) & (said != "") & (own != "") & (said != own)


def _stories(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Return participant and position of the story, where the data have occasions: ``t1.2`` is the second."""
    if "occasion" not in frame.columns:
        return None
    position = frame["occasion"].astype(str).str.extract(r"\.(\d+)$")[0]
    return pd.DataFrame({"participant": frame["participant"].astype(str), "position": position})


def _words(values: "pd.Series") -> NDArray[np.object_]:
    """Return levels as text, empty where there is none; whole numbers without decimals, all their digits kept."""
    codes, levels = pd.factorize(values)
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    said = [str(int(v)) if number and float(v).is_integer() else str(v) for v in levels]
    return np.array([*said, ""], dtype=object)[codes]


def _strangers(people: "pd.Series", allocation: Allocation) -> Issue:
    names = tuple(dict.fromkeys(people))
    places = " The allocation holds places that nobody has taken yet, not people." if allocation.placeholder else ""
    return Issue(
        code="analysis.not_in_allocation",
        severity=Severity.ERROR,
        where="allocation: participant",
        what=f"{counted(len(names), 'participant', 'participants')} of the data "
        f"{'is' if len(names) == 1 else 'are'} not in the allocation.{places}",
        why="They were not randomised by it: no group is theirs, and neither weights nor randomisation inference "
        "by this allocation are about these data.",
        fix="Give the allocation of these people with the names that the data have (pseudonyms), or take people who "
        "were not assigned out with a named rule.",
        who=names[:_SHOWN],
    )


def _crossed(people: "pd.Series", differ: dict[str, Flags]) -> Issue:
    names = tuple(dict.fromkeys(people[np.logical_or.reduce(list(differ.values()))]))
    each = ", ".join(f"{name} {people[flags].nunique()}" for name, flags in differ.items())
    return Issue(
        code="analysis.other_than_allocated",
        severity=Severity.ERROR,
        where="allocation",
        what=f"{counted(len(names), 'participant stands', 'participants stand')} in the data in another condition "
        f"than the allocation gave them ({each}).",
        why="Groups that were not drawn are not comparable by the draw, and probabilities of assignment are those of "
        "the condition drawn.",
        fix="Give the allocation that these data came from. Where people were shown something else than assigned, read "
        "the answers with it (fs.collect.read(..., allocation=...)): they stand as assigned, and the crossover is "
        "counted.",
        who=names[:_SHOWN],
    )
