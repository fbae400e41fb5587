"""The CONSORT flow: boxes whose every number is counted from one list of people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feedbackstudy.analysis.answer import Answer
from feedbackstudy.analysis.exclusions import exclude
from feedbackstudy.collect.accounting import FATES, Accounting, account
from feedbackstudy.frames import Responses, Scores
from feedbackstudy.render import number
from feedbackstudy.report.tables import Column, ReportTable, table
from feedbackstudy.study import Study

if TYPE_CHECKING:
    from feedbackstudy.assign import Allocation

__all__ = ["Box", "boxes", "consort"]

_LATER = {
    "concerned": "condition not in the question",
    "asked": "not asked",
    "listwise": "a value is missing",
    "impute": "cannot be imputed",
}
_DASH = "\N{EN DASH}"


def consort(
    scores: Scores,
    study: Study,
    answer: Answer,
    *,
    came: Responses | Scores | None = None,
    allocation: "Allocation | Mapping[str, str] | None" = None,
    received: Mapping[str, str] | None = None,
) -> Accounting:
    """Follow everybody to the model of one hypothesis.

    Parameters
    ----------
    scores : Scores
        The scores that were analysed.
    study : Study
        The study.
    answer : Answer
        The answer to the hypothesis: ``estimates.answers["h2"]``.
    came : Responses or Scores, optional
        The table as it was read: tells the conditions of people who were taken out, where no allocation does.
    allocation : Allocation or mapping of str to str, optional
        Who was randomised to what.
    received : mapping of str to str, optional
        Participant -> key of the condition received (``collect.delivered(...).received``).

    Returns
    -------
    Accounting
        With its table (`report.table`) and picture (`report.figure`).

    Notes
    -----
    After CONSORT 2010 (items 13a, 13b, 16). Rules that `analyse` applied because nobody had screened are counted as
    exclusions, like those of `screen`.
    """
    found = account(
        exclude(scores, study).scores,
        study,
        came=came if came is not None else scores,
        allocation=allocation,
        received=received,
        occasion=answer.problem.question.occasion,
        analysed=answer.problem.participants,
        later=answer.problem.ledger,
    )
    found._people["reason"] = found._people["reason"].replace(_LATER)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box of the flow.

    Attributes
    ----------
    title : str
        What the people have in common.
    n : int
        How many.
    reasons : tuple of (str, int)
        Parts of `n`, each with its number; empty where there is one reason only.
    """

    title: str
    n: int
    reasons: tuple[tuple[str, int], ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Return the box as lines of text.

        Returns
        -------
        tuple of str
            The title with n, then a line for each reason.
        """
        return (f"{self.title} (n = {number(self.n)})", *(f"{reason}: {number(n)}" for reason, n in self.reasons))


def boxes(flow: Accounting) -> tuple[tuple[Box, ...], dict[str, tuple[Box, ...]]]:
    """Return the boxes of a flow.

    Parameters
    ----------
    flow : Accounting
        Who became what.

    Returns
    -------
    tuple of Box
        Known by name, not randomised, randomised.
    dict of str to tuple of Box
        Condition -> allocated, left out, analysed.
    """
    out = tuple(flow.reasons("not_randomised").items())
    trunk = (
        Box(title="Assessed", n=flow.count()),
        Box(title="Not randomised", n=flow.count("not_randomised"), reasons=out),
        Box(title="Randomised" if flow.randomised else "In the table as read", n=flow.count(*FATES[1:])),
    )
    return trunk, {name: _arm(flow, name) for name in flow.conditions if flow.count(*FATES[1:], condition=name)}


def _arm(flow: Accounting, name: str) -> tuple[Box, ...]:
    got = flow.received(name)
    allocated = flow.count(*FATES[1:], condition=name)
    parts = () if got is None else (("received it", got), ("did not, or not recorded", allocated - got))
    never = flow.count("no_data", condition=name)
    lost = flow.lost(name) if flow.occasion else 0
    gone = tuple(part for part in (("no answers at all", never), (f"did not come to {flow.occasion}", lost)) if part[1])
    dropped = {**flow.reasons("excluded", condition=name)}
    for reason, n in flow.reasons("left_out", condition=name).items():
        dropped[reason] = dropped.get(reason, 0) + n
    return (
        Box(title="Allocated", n=allocated, reasons=parts),
        Box(title="Lost", n=never + lost, reasons=gone),
        Box(title="Not analysed", n=sum(dropped.values()), reasons=tuple(dropped.items())),
        Box(title="Analysed", n=flow.count("analysed", condition=name)),
    )


@table.register(Accounting)
def _accounting(result: Accounting) -> ReportTable:
    head = (
        "Allocated",
        "Received",
        "No data",
        "Excluded",
        f"Lost at {result.occasion}".strip(),
        "Left out",
        "Analysed",
    )
    frame = result.frame()
    rows = [(row[0], *(_cell(value) for value in row[1:])) for row in frame.itertuples(index=False, name=None)]
    total = [frame[name].sum() if frame[name].notna().all() else None for name in frame.columns[1:]]
    rows.append(("All", *(_cell(value) for value in total)))
    reasons = [f"{fate.replace('_', ' ').capitalize()}: {_listed(result, fate)}." for fate in FATES[:-1]
               if result.count(fate)]  # fmt: skip
    return ReportTable(
        title="Flow of participants",
        columns=(Column("Condition"), *(Column(title, "right") for title in head)),
        rows=tuple(rows),
        notes=(
            "Allocated = no data + excluded + left out + analysed; people lost may be analysed, where the plan treats "
            "missing answers.",
            *reasons,
            *result.notes(),
        ),
    )


def _cell(value: object) -> str:
    return _DASH if value is None or value != value else number(int(str(value).partition(".")[0]))


def _listed(flow: Accounting, fate: str) -> str:
    return ", ".join(f"{reason} {number(n)}" for reason, n in flow.reasons(fate).items())
