"""What scoring notices about the items of a score: constant, empty or copied columns, and a key the data contradict."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from feedbackstudy.frames import MissingReason
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.scales.cells import Cells
from feedbackstudy.scales.form import ResponseFormat
from feedbackstudy.scales.signs import MIN_ROWS, read_signs, sample_rows

__all__ = ["column_findings", "key_findings", "shift_finding"]


def column_findings(cells: Sequence[Cells], scale: str) -> list[Issue]:
    """Name items without an answer, without variation, and copies of one another.

    Parameters
    ----------
    cells : sequence of Cells
        The items.
    scale : str
        The scale, for messages.

    Returns
    -------
    list of Issue
        Findings; an empty item is an error where 30 or more people were asked.
    """
    found: list[Issue] = []
    for cell in cells:
        asked = int(np.count_nonzero(cell.codes != MissingReason.NOT_ASKED))
        given = int(np.count_nonzero(cell.codes == MissingReason.ANSWERED))
        if asked and not given:
            found.append(_empty(cell.item, asked, scale))
        elif given >= MIN_ROWS and cell.low == cell.high:
            found.append(
                Issue(
                    "scales.constant_item",
                    Severity.WARNING,
                    f"item {cell.item}",
                    f"all {given} answers are {cell.low:g}.",
                    "A constant item adds nothing and lowers reliability; often a default or a wrong column.",
                    "Check the export; report reliability with and without the item.",
                )
            )
    return found + _copies(cells, scale)


def _empty(item: str, asked: int, scale: str) -> Issue:
    return Issue(
        "scales.empty_item",
        Severity.ERROR if asked >= MIN_ROWS else Severity.WARNING,
        f"item {item}",
        f"none of the {asked} people asked has an answer (scale {scale}).",
        "Scores without it would belong to another scale.",
        "Find the column in the export; if it was never fielded, say so with responses.with_not_asked(...).",
    )


def _copies(cells: Sequence[Cells], scale: str) -> list[Issue]:
    if not cells:
        return []
    rows = sample_rows(cells[0].codes == MissingReason.ANSWERED)
    found = []
    looks = [cell.values[rows] for cell in cells]
    for (a, first), (b, second) in combinations(zip(cells, looks, strict=True), 2):
        if not np.array_equal(first, second, equal_nan=True):
            continue
        given = first[~np.isnan(first)]
        if given.size >= MIN_ROWS and given.min() < given.max() and np.array_equal(a.values, b.values, equal_nan=True):
            found.append(
                Issue(
                    "scales.copied_item",
                    Severity.WARNING,
                    f"items {a.item} and {b.item}",
                    f"every answer is the same in both (scale {scale}).",
                    "One is a copy of the other: the item is counted twice and another one is lost.",
                    "Check the column mapping of the export.",
                )
            )
    return found


def shift_finding(cells: Sequence[Cells], answers: ResponseFormat, scale: str) -> list[Issue]:
    """Say so where all items together look shifted by one step.

    Parameters
    ----------
    cells : sequence of Cells
        The items.
    answers : ResponseFormat
        The declared answers.
    scale : str
        The scale, for messages.

    Returns
    -------
    list of Issue
        One error with the fix, or nothing.
    """
    step = answers.step or 1.0
    low, high = min((c.low for c in cells), default=np.inf), max((c.high for c in cells), default=-np.inf)
    for by in (step, -step):
        fits = answers.min <= low + by and high + by <= answers.max
        if fits and (low < answers.min or high > answers.max):
            items = ", ".join(repr(c.item) for c in cells[:2]) + (", ..." if len(cells) > 2 else "")
            return [
                Issue(
                    "scales.shifted_codes",
                    Severity.ERROR,
                    f"scale {scale}",
                    f"observed {low:g} to {high:g}, declared {answers.min:g} to {answers.max:g}: "
                    f"all shifted by {-by:g}?",
                    "Reversing shifted codes gives values that no one answered.",
                    f"If so, say it: scales.shift_codes(responses, [{items}], by={by:g}).",
                )
            ]
    return []


def key_findings(
    cells: Sequence[Cells], reverse: Sequence[bool], *, scale: str, part: str, stated: bool
) -> list[Issue]:
    """Hold the signs of correlations against the key.

    Parameters
    ----------
    cells : sequence of Cells
        The items of one score.
    reverse : sequence of bool
        The items that scoring would reverse now.
    scale, part : str
        For messages.
    stated : bool
        Whether somebody has said which items were reversed upstream.

    Returns
    -------
    list of Issue
        An error where every item to reverse looks reversed already and nobody has said anything; else a warning.
    """
    if len(cells) < 2:
        return []
    rows = sample_rows(cells[0].codes == MissingReason.ANSWERED)
    signs = read_signs(np.column_stack([cell.values[rows] for cell in cells]), reverse)
    if signs is None:
        return []
    turned = [i for i, flag in enumerate(reverse) if flag]
    wrong = signs.against(reverse)
    others = signs.against([not flag for flag in reverse])
    mixed = 0 < len(turned) < len(cells)
    if mixed and wrong == turned and not others:
        return [_reversed_already([cells[i].item for i in turned], signs.n, scale, part, stated=stated)]
    if wrong or others:
        return [_against([cells[i].item for i in sorted({*wrong, *others})], signs.n, scale, part)]
    return []


def _reversed_already(items: Sequence[str], n: int, scale: str, part: str, *, stated: bool) -> Issue:
    listed = ", ".join(items)
    return Issue(
        "scales.reversed_already",
        Severity.WARNING if stated else Severity.ERROR,
        f"scale {scale} ({part})",
        f"all items to reverse ({listed}) run against the others once they are reversed ({n} complete rows).",
        "They look reversed before they came here; reversing twice would undo the key.",
        f"Say which it is: responses.stated(already_reversed=[{', '.join(map(repr, items))}]) or "
        "already_reversed=[] for answers as given; scales.key_audit(responses, ...) shows the evidence.",
    )


def _against(items: Sequence[str], n: int, scale: str, part: str) -> Issue:
    return Issue(
        "scales.key_contradicted",
        Severity.WARNING,
        f"scale {scale} ({part})",
        f"items {', '.join(items)} run against the others after keying ({n} complete rows).",
        "The key, the form or the column order may be wrong; nothing was flipped.",
        "Look at scales.key_audit(responses, ...), then mend the form, the columns or the statement.",
    )
