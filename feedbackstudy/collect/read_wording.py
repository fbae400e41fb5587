"""The questions of an export held against the words of the study: changed, or turned round by a "not"."""

import difflib
import re
from collections.abc import Iterator, Sequence
from html import unescape

from feedbackstudy.collect.read_file import FileRows
from feedbackstudy.collect.read_items import ItemSpec
from feedbackstudy.collect.read_options import ReadOptions
from feedbackstudy.issues import Issue, Severity

__all__ = ["plain_words", "says_otherwise", "wording_issues"]

_TAG = re.compile(r"<[^<>]{1,200}>")
_WORD = re.compile(r"[^\W\d_]+")
_NOT = frozenset(
    [
        "not",
        "no",
        "never",
        "nobody",
        "nothing",
        "none",
        "hardly",
        "cannot",
        "dont",
        "doesnt",
        "didnt",
        "isnt",
        "arent",
        "wasnt",
        "wont",
        "nicht",
        "kein",
        "keine",
        "nie",
    ]
)
_LONGEST = 2000


def wording_issues(file: FileRows, specs: Sequence[ItemSpec], options: ReadOptions) -> Iterator[Issue]:
    """Hold the questions of a file against the words of the study.

    Parameters
    ----------
    file : FileRows
        The file, whose platform exports questions.
    specs : sequence of ItemSpec
        The study's items; those of study-built scales bring their words.
    options : ReadOptions
        The words of published scales, by measure.

    Yields
    ------
    Issue
        A warning for changed words, an error where a negation was added or taken away. No text is quoted.
    """
    for spec in specs:
        place = file.columns.places.get(spec.name)
        ours = options.wordings.get(spec.measure, {}).get(spec.name, spec.text)
        if place is None or not ours:
            continue
        name = file.raw.names[place]
        asked = file.raw.questions.get(name, "")
        if asked:
            yield from says_otherwise(asked, ours, f"{file.table.where}: {name}", spec.name)


def says_otherwise(asked: str, ours: str, where: str, item: str) -> Iterator[Issue]:
    """Compare one question with its declared words.

    Parameters
    ----------
    asked : str
        As the platform has it, with a stem before the first ``" - "`` in a matrix.
    ours : str
        As the study has it.
    where, item : str
        For the message.

    Yields
    ------
    Issue
        At most one.
    """
    wanted = _words(ours)
    parts = [asked, *asked.split(" - ", 1)[1:]]
    best = max((_words(part) for part in parts), key=lambda words: _alike(words, wanted))
    if best == wanted or _holds(_words(asked), wanted):
        return
    likeness = _alike(best, wanted)
    turned = {word for word in best if word in _NOT} ^ {word for word in wanted if word in _NOT}
    if turned and likeness > 0.5:
        what = f"the question of {item} and the declared words differ in a negation ({', '.join(sorted(turned))})."
        why = "Agreement then means the opposite, and the key turns the wrong items."
        fix = "Correct the survey before launch; after data came in, declare a form of its own with its own key."
        yield Issue("collect.wording_turned", Severity.ERROR, where, what, why, fix)
        return
    what = f"the question of {item} is not worded as declared (likeness {likeness:.2f} of 1)."
    why = "Another wording is another item: published norms and keys may not hold, or columns were swapped."
    fix = "Compare both; correct the survey, or declare the modification in the wording pack."
    yield Issue("collect.wording_differs", Severity.WARNING, where, what, why, fix)


def plain_words(text: str) -> str:
    """Return what people read of a text: without tags, with single blanks.

    Parameters
    ----------
    text : str
        HTML or plain text.

    Returns
    -------
    str
        One line.
    """
    return " ".join(unescape(_TAG.sub(" ", text)).replace("\xa0", " ").split())


def _words(text: str) -> list[str]:
    plain = plain_words(text[:_LONGEST]).replace("'", "").replace("\u2019", "")
    return _WORD.findall(plain.casefold())


def _alike(a: list[str], b: list[str]) -> float:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def _holds(whole: list[str], part: list[str]) -> bool:
    """Say whether a question ends with the declared words, behind the stem of a matrix."""
    return len(part) > 2 and whole[-len(part) :] == part
