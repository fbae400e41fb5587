"""What a template left to be edited, and words about the design that count something else than the design has."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.issues import Issue
from feedbackstudy.render import counted
from feedbackstudy.study.checks.finding import Location, note

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["check_leftovers"]

_MARK = "EDIT:"
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_ONE_OF = re.compile(rf"\bone of (?:the )?({'|'.join(_NUMBERS[1:])}|[0-9]+)\b", re.IGNORECASE)


def check_leftovers(study: "Study") -> Iterator[Issue]:
    """Yield marks of a template that were not taken out, and counts in words that contradict the design.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        ``study.template_mark`` and ``study.count_in_words``.
    """
    marked = [line for line, text in enumerate(_lines(study), 1) if _MARK in text]
    stated = [name for name in ("title", "question") if _MARK in str(getattr(study, name))]
    if marked or stated:
        places = f"lines {', '.join(map(str, marked))}" if marked else " and ".join(stated)
        yield note(
            study,
            ("title",),
            "template_mark",
            f"The template's mark {_MARK!r} still stands in {places}.",
            why="What stands there describes the template's study and not yours.",
            fix="Rewrite these places for your study, then remove the marks.",
        )
    yield from _counts(study)


def _lines(study: "Study") -> list[str]:
    """Return the lines of the file that the study was read from, comments included."""
    if study.folder is None:
        return []
    path = study.folder / study.where("title").split(":")[0]
    return path.read_text(encoding="utf-8-sig").splitlines() if path.is_file() else []


def _counts(study: "Study") -> Iterator[Issue]:
    feedback = [cell for cell in study.crossing.cells() if cell.arm == FEEDBACK]
    right = {len(feedback), len(feedback) + len(study.arms)} | {len(factor.levels) for factor in study.factors}
    texts: list[tuple[Location, str]] = [(("title",), study.title), (("question",), study.question)]
    texts += [(("conduct", *name.split(".")), passage.text or "") for name, passage in study.conduct.passages()]
    for at, text in texts:
        for found in _ONE_OF.finditer(text):
            word = found.group(1).casefold()
            count = int(word) if word.isdigit() else _NUMBERS.index(word) + 1
            if count not in right:
                yield note(
                    study,
                    at,
                    "count_in_words",
                    f"{'.'.join(map(str, at))} says {found.group(0)!r}; the design has "
                    f"{counted(len(feedback), 'kind')} of "
                    "feedback.",
                    why="People would be told something else than what was done.",
                    fix="Change the words, or the design.",
                )
