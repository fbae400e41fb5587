"""Estimates in pairs: the two engines' answers to one contrast on one line, what made them in numbered notes below."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from feedbackstudy.render import (
    Block,
    Numbered,
    Table,
    Text,
    bayes_factor,
    interval,
    number,
    p_value,
    probability,
    unbroken,
)

if TYPE_CHECKING:
    from feedbackstudy.analysis.estimate import Estimate

__all__ = [
    "DECISIONS",
    "answers",
    "differences",
    "own_note",
    "pairs",
    "probabilities",
    "shared_notes",
    "tests",
    "what_decides",
]

DECISIONS = (
    "A decision stands where the study declared the one criterion that decides. 'Robustness' marks a second look at "
    "the same hypothesis, which never decides; a dash marks a hypothesis that nothing decides."
)
"""What a reader must know of the column of decisions."""

_HEAD = ("contrast", "n", "frequentist", "Bayesian", "decision")
_DASH = "\N{EN DASH}"
_SEPARATOR = "; "


def pairs(rows: Iterable["Estimate"]) -> "Iterator[tuple[Estimate | None, Estimate | None]]":
    """Pair the two engines' answers to each contrast.

    Parameters
    ----------
    rows : iterable of Estimate
        In reading order.

    Yields
    ------
    tuple of (Estimate or None, Estimate or None)
        Frequentist and Bayesian; an answer that stands alone is paired with None.
    """
    rows = list(rows)
    for contrast in dict.fromkeys((row.hypothesis, row.contrast) for row in rows):
        same = [row for row in rows if (row.hypothesis, row.contrast) == contrast]
        yield from zip_longest(*([row for row in same if row.engine == name] for name in ("frequentist", "bayesian")))


def answers(rows: Sequence["Estimate"], *, caption: str = "", mark: str = "") -> tuple[Block, ...]:
    """Lay estimates out, one line for each contrast.

    Parameters
    ----------
    rows : sequence of Estimate
        In reading order.
    caption : str
        A line above the table.
    mark : str
        What the page says of all rows already, and their notes need not repeat.

    Returns
    -------
    tuple of Block
        The table, its numbered notes, and how to read a decision; a sentence where there is no row.
    """
    if not rows:
        return (Text("No estimates."),)
    decided = what_decides(rows)
    rows = [replace(row, note=row.note.removeprefix(mark).lstrip()) for row in rows]
    notes: dict[str, int] = {}
    shared = shared_notes(rows)
    own = [replace(row, note=own_note(row, shared)) for row in rows]
    lines = tuple(_line([row for row in pair if row is not None], decided, notes) for pair in pairs(own))
    said = (Text(f"All answers: {_SEPARATOR.join(part.rstrip('.') for part in shared)}."),) if shared else ()
    blocks: tuple[Block, ...] = (*said, Table(_HEAD, lines, caption), Numbered(tuple(notes)))
    blocks += tuple(Text(text) for text in differences(rows))
    return (*blocks, Text(DECISIONS)) if decided else blocks


def differences(rows: Iterable["Estimate"]) -> tuple[str, ...]:
    """Say where the two engines do not agree, and why.

    Parameters
    ----------
    rows : iterable of Estimate
        The rows.

    Returns
    -------
    tuple of str
        One sentence for each contrast on which they differ in size or conclusion.
    """
    found: dict[str, None] = {}
    for row in rows:
        verdict, _, reason = row.agreement.partition(": ")
        if verdict in {"magnitude", "conflict"}:
            found[f"The two answers differ ({verdict}) on {row.contrast}: {reason}."] = None
    return tuple(found)


def shared_notes(rows: Sequence["Estimate"]) -> tuple[str, ...]:
    """Return what the notes of all rows say, so that it is said once.

    Parameters
    ----------
    rows : sequence of Estimate
        The rows.

    Returns
    -------
    tuple of str
        In the order of the first row; empty for a single row.
    """
    if len(rows) < 2:
        return ()
    first, *others = (row.note.split(_SEPARATOR) for row in rows)
    return tuple(dict.fromkeys(part for part in first if part and all(part in other for other in others)))


def own_note(row: "Estimate", shared: Sequence[str]) -> str:
    """Return the note of a row without what is said for all of them.

    Parameters
    ----------
    row : Estimate
        The row.
    shared : sequence of str
        As `shared_notes` found.

    Returns
    -------
    str
        What is left.
    """
    return _SEPARATOR.join(part for part in row.note.split(_SEPARATOR) if part not in shared)


def _line(pair: list["Estimate"], decided: set[tuple[str, str]], notes: dict[str, int]) -> tuple[str, ...]:
    marks = sorted(notes.setdefault(text, len(notes) + 1) for row in pair if (text := _note(row)))
    of = {row.engine: row for row in pair}
    named = f"{pair[0].hypothesis}: {pair[0].contrast}" if pair[0].status else pair[0].contrast
    return (
        f"{named} {unbroken(str(marks))}" if marks else named,
        " and ".join(dict.fromkeys(number(row.n) for row in pair)),
        _answer(of.get("frequentist")),
        _answer(of.get("bayesian")),
        _decision(pair, decided),
    )


def _note(row: "Estimate") -> str:
    words = "; ".join(part for part in (row.model, row.note) if part).replace(".; ", "; ")  # notes may be sentences
    return f"{row.engine.capitalize()}: {words}" if words else ""


def _answer(row: "Estimate | None") -> str:
    if row is None:
        return _DASH
    span = f"{row.level:.0%} {row.interval} {interval(row.low, row.high)}" if row.level is not None else ""
    return "; ".join(
        filter(None, (number(row.estimate), unbroken(span), *map(unbroken, (*tests(row), *probabilities(row)))))
    )


def _decision(pair: list["Estimate"], decided: set[tuple[str, str]]) -> str:
    if not all(row.fit_to_report for row in pair):
        return "not fit to report"
    deciding = next((row for row in pair if row.decides), None)
    if deciding is not None:
        amended = f", {deciding.status}" if deciding.status.startswith(("amended", "registered")) else ""
        return f"{deciding.decision} (criterion: {unbroken(deciding.decides)}{amended})"
    if pair[0].status == "exploratory":
        return "exploratory"
    if pair[0].status == "not as declared":
        return "not decided: not made as declared"
    return "robustness" if (pair[0].hypothesis, pair[0].term) in decided else _DASH


def tests(row: "Estimate") -> list[str]:
    """Return the p values of a row in words.

    Parameters
    ----------
    row : Estimate
        The row.

    Returns
    -------
    list of str
        Such as ``["p = .553", "equivalence p < .001"]``.
    """
    parts = [p_value(row.p)] if row.p is not None else []
    parts += [f"adjusted {p_value(row.p_adjusted)}"] if row.p_adjusted is not None else []
    return parts + ([f"equivalence {p_value(row.p_equivalence)}"] if row.p_equivalence is not None else [])


def probabilities(row: "Estimate") -> list[str]:
    """Return the posterior probabilities of a row in words, and its Bayes factor.

    Parameters
    ----------
    row : Estimate
        The row.

    Returns
    -------
    list of str
        Such as ``["P(direction) = .535", "BF10 = 0.03"]``.
    """
    named = (("P(direction)", row.prob_direction), ("P(beyond SESOI)", row.prob_sesoi), ("P(in ROPE)", row.prob_rope))
    parts = [f"{name} {probability(value)}" for name, value in named if value is not None]
    return parts + ([bayes_factor(row.bayes_factor)] if row.bayes_factor is not None else [])


def what_decides(rows: Iterable["Estimate"]) -> set[tuple[str, str]]:
    """Return hypothesis and term of every row that decides: other rows of the same two are a second look.

    Parameters
    ----------
    rows : iterable of Estimate
        All rows.

    Returns
    -------
    set of (str, str)
        Hypothesis and term.
    """
    return {(row.hypothesis, row.term) for row in rows if row.decides}
