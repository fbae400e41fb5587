"""Every way through a Qualtrics survey: which data are set on the way, and which questions are put."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations
from math import comb

from feedbackstudy.collect.platforms.qsf_flow import Branch, Draw, Element, Ends, Sets, Shows, Unread, elements_in
from feedbackstudy.collect.platforms.qsf_logic import Known, Logic
from feedbackstudy.collect.platforms.qsf_survey import QsfSurvey

__all__ = ["Run", "Runs", "runs"]

MOST_RUNS = 20_000
_PIPED = "${"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One way through the survey.

    Attributes
    ----------
    fields : mapping of str to (str or None)
        Embedded data as they are recorded; None where the value is not known here.
    share : Fraction
        How likely it is among the runs that begin alike.
    shown : tuple of str
        Ids of the questions that are put, in order.
    unsure : mapping of str to str
        Question -> why it cannot be told whether it is put.
    ended : bool
        Whether the survey ended before the end of its flow.
    """

    fields: Mapping[str, str | None]
    share: Fraction = Fraction(1)
    shown: tuple[str, ...] = ()
    unsure: Mapping[str, str] = field(default_factory=dict)
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """All ways through the survey.

    Attributes
    ----------
    found : tuple of Run
        The ways; empty where they are too many.
    unread : tuple of str
        What stands in the flow and cannot be read here.
    """

    found: tuple[Run, ...]
    unread: tuple[str, ...]


def runs(survey: QsfSurvey, starts: Sequence[Mapping[str, str]], chosen: Mapping[str, str]) -> Runs:
    """Follow the survey flow from each start.

    Parameters
    ----------
    survey : QsfSurvey
        The survey.
    starts : sequence of mapping
        The embedded data that the link brings, one mapping for each kind of person.
    chosen : mapping of str to str
        Question -> choice that everybody is taken to select (consent).

    Returns
    -------
    Runs
        The ways, and what could not be read.
    """
    walk = _Walk(survey, chosen)
    empty = dict.fromkeys(survey.fields, "")
    begun = [Run(fields={**empty, **start}) for start in starts]
    try:
        found = tuple(run for one in begun for run in walk.through(survey.flow, [one]))
    except _TooManyError:
        return Runs(found=(), unread=(f"more than {MOST_RUNS:,} ways through the survey", *dict.fromkeys(walk.unread)))
    return Runs(found=found, unread=tuple(dict.fromkeys(walk.unread)))


class _TooManyError(Exception):
    """There are more ways than can be followed."""


class _Walk:
    """Follows the flow, and keeps what it could not read."""

    def __init__(self, survey: QsfSurvey, chosen: Mapping[str, str]) -> None:
        self.blocks, self.chosen = survey.blocks, chosen
        self.logic = {question.qid: question.logic for question in survey.questions}
        self.unread: list[str] = []

    def through(self, elements: Iterable[Element], begun: Sequence[Run]) -> list[Run]:
        """Follow elements in order, from each run that has not ended."""
        found = list(begun)
        for element in elements:
            found = [after for run in found for after in ([run] if run.ended else self._step(element, run))]
            if len(found) > MOST_RUNS:
                raise _TooManyError
        return found

    def _step(self, element: Element, run: Run) -> list[Run]:
        match element:
            case Sets():
                return [self._set(element, run)]
            case Shows():
                return [self._show(element.block, run)]
            case Ends():
                return [replace(run, ended=True)]
            case Draw():
                return self._drawn(element, run)
            case Branch():
                return self._branched(element, run)
            case Unread():
                self.unread.append(f"the flow element {element.what}")
                return self._perhaps(element.inside, run, f"it stands in the flow element {element.what}")
            case _:
                return self.through(element.inside, [run])

    def _set(self, element: Sets, run: Run) -> Run:
        told = {name: None if _PIPED in value else value for name, value in element.values if value}
        return replace(run, fields={**run.fields, **told})

    def _show(self, name: str, run: Run) -> Run:
        block = self.blocks.get(name)
        if block is None:
            self.unread.append(f"the block {name}, which the file does not hold")
            return run
        known = Known(fields=run.fields, chosen=self.chosen)
        shown, unsure = list(run.shown), dict(run.unsure)
        for qid in block.questions:
            logic = self.logic.get(qid)
            put = True if logic is None else logic.holds(known)
            if put is None:
                unsure[qid] = f"its display logic ({logic}) cannot be read for every condition"
            elif put and block.unread:
                unsure[qid] = f"its block has {', '.join(block.unread)}"
            elif put:
                shown.append(qid)
        for condition in block.skips:
            if condition.holds(known) is not False:
                self.unread.append(f"skip logic ({condition})")
        return replace(run, shown=tuple(shown), unsure=unsure)

    def _drawn(self, draw: Draw, run: Run) -> list[Run]:
        n = len(draw.parts)
        if draw.subset is None or comb(n, draw.subset) > MOST_RUNS:
            self.unread.append("a randomiser whose number of elements cannot be read")
            return self._perhaps(draw.parts, run, "it stands in a randomiser that cannot be read")
        if draw.subset > 1 and any(not isinstance(e, Shows) for e in elements_in(draw.parts)):
            self.unread.append("a randomiser that puts several elements in random order, some of which set data")
        orders = [parts for chosen in combinations(draw.parts, draw.subset) for parts in _orders(chosen)]
        begun = replace(run, share=run.share / len(orders))
        return [after for parts in orders for after in self.through(parts, [begun])]

    def _branched(self, branch: Branch, run: Run) -> list[Run]:
        logic: Logic | None = branch.logic
        taken = logic.holds(Known(fields=run.fields, chosen=self.chosen)) if logic is not None else None
        if taken is None:
            return self._perhaps(branch.inside, run, f"the branch around it ({logic}) cannot be read")
        return self.through(branch.inside, [run]) if taken else [run]

    def _perhaps(self, inside: Sequence[Element], run: Run, why: str) -> list[Run]:
        """Follow what may or may not come: what it shows is unsure, what it sets is not known afterwards."""
        fields, unsure = dict(run.fields), dict(run.unsure)
        for after in self.through(inside, [run]):
            unsure |= dict.fromkeys(after.shown[len(run.shown) :], why) | dict(after.unsure)
            fields |= {name: None for name, value in after.fields.items() if run.fields.get(name, "") != value}
            if after.ended:
                self.unread.append(f"an end of the survey for some people only: {why}")
        return [replace(run, fields=fields, unsure=unsure)]


def _orders(parts: tuple[Element, ...]) -> list[tuple[Element, ...]]:
    """Return two orders that stand for all: any two parts come in either order in one of them."""
    return [parts, parts[::-1]] if len(parts) > 1 else [parts]
