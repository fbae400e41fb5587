"""The tables of a report card: values as printed beside values as recomputed, and both results of every choice."""

from collections import Counter
from collections.abc import Mapping, Sequence

from feedbackstudy.literature.classes import Grade, ReportClass
from feedbackstudy.literature.published import Choice
from feedbackstudy.render import Block, Facts, Numbered, Table, number, unbroken

__all__ = ["WORDS", "choice_table", "meanings", "places", "printed", "recomputed", "value_blocks"]

_OFTEN, _LONG = 2, 24
_DASH = "\N{EN DASH}"
_HEAD = ("quantity", "printed", "recomputed", "class", "decision flag", "seen in")

WORDS: Mapping[str, str] = {
    "conditional": "the value comes out only with a choice made to match, see below",
    "decision flag": "would a reader decide differently on the recomputed value (another sign, the other side of "
    "alpha, an interval that no longer excludes the null, another order or band)?",
}
"""What the words beside a class mean."""


def places(grades: Sequence[Grade]) -> dict[str, str]:
    """Return a letter for each place that is named again and again; a note spells it out once.

    Parameters
    ----------
    grades : sequence of Grade
        The rows of a card.

    Returns
    -------
    dict of str to str
        Place -> ``"[a]"``.
    """
    counts = Counter(grade.published.seen_in for grade in grades)
    often = [place for place, count in counts.items() if count > _OFTEN and len(place) > _LONG]
    return {place: f"[{chr(ord('a') + i)}]" for i, place in enumerate(often[:26])}


def printed(grade: Grade) -> str:
    """Return the printed value as it stands in print.

    Parameters
    ----------
    grade : Grade
        A row of a card.

    Returns
    -------
    str
        The text; a direction where no number was printed.
    """
    if grade.report_class is ReportClass.NOT_SCORED:
        return "not shown"
    text = grade.published.published
    return text.replace("-", "\N{MINUS SIGN}") if text else f"{grade.published.direction} (no number)"


def recomputed(grade: Grade, value: float | None) -> str:
    """Return a value with two decimals more than were printed, so that rounding can be seen.

    Parameters
    ----------
    grade : Grade
        The row whose printed value sets the decimals.
    value : float or None
        The value.

    Returns
    -------
    str
        The number, or a dash.
    """
    if value is None:
        return _DASH
    if grade.published.published is None:
        return number(value)
    decimals = len(grade.published.published.partition(".")[2])
    return number(value, decimals + 2) if decimals or value != round(value) else number(round(value))


def value_blocks(grades: Sequence[Grade]) -> tuple[Block, ...]:
    """Lay out every value of a card, with its notes below.

    Parameters
    ----------
    grades : sequence of Grade
        The rows of the card.

    Returns
    -------
    tuple of Block
        The table, numbered notes, and what the words in it mean.
    """
    where, notes = places(grades), dict[str, int]()
    rows = tuple(_row(grade, where, notes) for grade in grades)
    used = meanings(grades) | {letter: place for place, letter in where.items()}
    return Table(_HEAD, rows, "Values as printed and as recomputed"), Numbered(tuple(notes)), Facts(tuple(used.items()))


def meanings(grades: Sequence[Grade]) -> dict[str, str]:
    """Return every word that the classes and flags of a card use, with its meaning.

    Parameters
    ----------
    grades : sequence of Grade
        The rows of the card.

    Returns
    -------
    dict of str to str
        Word -> meaning; classes that do not occur are left out.
    """
    used = {str(name): name.meaning for name in ReportClass if any(grade.report_class is name for grade in grades)}
    used |= {"conditional": WORDS["conditional"]} if any(grade.conditional for grade in grades) else {}
    return used | {"decision flag": WORDS["decision flag"]}


def _row(grade: Grade, where: Mapping[str, str], notes: dict[str, int]) -> tuple[str, ...]:
    value, paper = grade.value, grade.published
    reproduced = grade.report_class is ReportClass.REPRODUCED
    said = [paper.note, value.note if value else "", "" if reproduced else grade.reason]
    marks = [notes.setdefault(text, len(notes) + 1) for text in dict.fromkeys(said) if text]
    quantity = paper.quantity + (f" ({paper.unit})" if paper.unit else "")
    return (
        f"{quantity} {unbroken(str(marks))}" if marks else quantity,
        printed(grade),
        recomputed(grade, value.value if value else None),
        str(grade.report_class) + (", conditional" if grade.conditional else ""),
        ", ".join(grade.flags) or "none",
        f"{paper.anchor}: {where.get(paper.seen_in, paper.seen_in)}",
    )


def choice_table(choice: Choice, grades: Sequence[Grade]) -> Table | None:
    """Set the results under a choice made to match beside those under the other choice.

    Parameters
    ----------
    choice : Choice
        The choice.
    grades : sequence of Grade
        The rows of the card.

    Returns
    -------
    Table or None
        One line for each value that rests on the choice; None where the analysis gives no other result.
    """
    resting = [grade for grade in grades if choice.id in grade.published.conditional_on and grade.value]
    others = dict.fromkeys(name for grade in resting if grade.value for name in grade.value.other_choice)
    if not others:
        return None
    rows = tuple(
        (
            grade.published.quantity,
            printed(grade),
            recomputed(grade, grade.value.value),
            *(recomputed(grade, grade.value.other_choice.get(name)) for name in others),
        )
        for grade in resting
        if grade.value
    )
    return Table(("quantity", "printed", "with this choice", *others), rows, "Both results")
