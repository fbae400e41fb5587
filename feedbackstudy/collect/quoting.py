"""Which cells a message may quote: numbers, codes and words of questionnaires; what people typed is only measured."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from heapq import nlargest

from feedbackstudy.errors import nearest
from feedbackstudy.render import clean

__all__ = ["in_lines", "quoted", "quoted_number", "quoted_texts", "unknown_cell"]

_SHOWN = 6
_LIKE_A_PHONE = 7
_NUMBER = re.compile(r"[+-]?[\d.,]*\d[\d.,]*%?")
_CODE = re.compile(r"[A-Za-z]{0,2}\d{1,3}|\W|[A-Za-z]")
_GAPS = re.compile(r"[\s_/()\[\]\-\N{EN DASH}.,:;!?#'\"]+")
_LIKE = 0.8
_WORD = re.compile(r"\w+")
# Words that answer a closed question in some questionnaire, and what programs write where nothing was said.
_ANSWERS = frozenset(
    _WORD.findall("""
    a at do i it no nor not of or to very all any both each less many more most much none only some too yes
    one two three four five six seven eight nine ten zero first last
    agree agreed disagree disagreed strongly somewhat slightly moderately completely totally fully partly rather quite
    extremely neither neutral undecided unsure never rarely seldom sometimes often usually mostly always true false
    likely unlikely satisfied dissatisfied good bad poor fair better worse same late later early low medium high
    know don t dont na nan null nil missing empty blank refused skipped unknown answer applicable prefer say other
    male female diverse div ref value name num error
    ja nein nicht stimme stimmt zu gar voll ganz eher kaum teils trifft etwas sehr weder noch keine angabe
    nie selten manchmal oft meist immer weiss weiß richtig falsch fehlt weiblich eins zwei drei vier fünf sechs sieben
    """)
)


def quoted(text: str, known: Collection[str] = ()) -> str:
    """Return a cell as a message may show it.

    Parameters
    ----------
    text : str
        The cell.
    known : collection of str
        Codes and labels that the study or the file declares for this column.

    Returns
    -------
    str
        The cell between quotation marks where it is a short number, a short code, or made of words like the declared
        ones or like answers of any questionnaire; otherwise ``"a text of 21 characters"``.

    Notes
    -----
    A name typed into a closed question is not to be told from a label by its form. So a text is shown for what it
    resembles, and never because it looks harmless.
    """
    plain = clean(text)
    return repr(plain[:60]) if _may_be_shown(plain.strip(), known) else f"a text of {len(text)} characters"


def _may_be_shown(text: str, known: Collection[str]) -> bool:
    if sum(letter.isdigit() for letter in text) >= _LIKE_A_PHONE or "@" in text:
        return False
    if _NUMBER.fullmatch(text) or _CODE.fullmatch(text):
        return True
    folded = text.casefold()
    labels = [label.casefold() for label in known]
    if folded in labels or difflib.get_close_matches(folded, labels, n=1, cutoff=_LIKE):
        return True
    words = {word for label in labels for word in _GAPS.split(label) if len(word) > 1} | _ANSWERS
    parts = [part for part in _GAPS.split(folded) if part]
    return len(parts) <= 8 and all(_is_word(part, words) for part in parts)


def _is_word(part: str, words: Collection[str]) -> bool:
    if part in words or _NUMBER.fullmatch(part) or _CODE.fullmatch(part):
        return True
    return len(part) > 4 and bool(difflib.get_close_matches(part, words, n=1, cutoff=_LIKE))


def quoted_number(value: float) -> str:
    """Return a number as a message may show it.

    Parameters
    ----------
    value : float
        The number of a cell.

    Returns
    -------
    str
        Itself, or its length where it may be a telephone number.
    """
    text = f"{value:.12g}"
    digits = sum(letter.isdigit() for letter in text.partition("e")[0])
    return text if digits < _LIKE_A_PHONE else f"a number of {digits} digits"


def quoted_texts(counts: Mapping[str, int], known: Collection[str] = ()) -> str:
    """Return the commonest of some cells as a message may show them.

    Parameters
    ----------
    counts : mapping of str to int
        Text -> cells that hold it.
    known : collection of str
        As in `quoted`.

    Returns
    -------
    str
        ``"'five' (2), a text of 21 characters (1)"``, and how many texts there are beyond the six commonest.
    """
    shown: dict[str, int] = {}
    for text in nlargest(_SHOWN, counts, key=counts.__getitem__):
        told = quoted(text, known)
        shown[told] = shown.get(told, 0) + counts[text]
    more = len(counts) - _SHOWN
    rest = f" and {more:,} other texts" if more > 1 else " and another text" if more == 1 else ""
    return ", ".join(f"{told} ({n:,})" for told, n in shown.items()) + rest


def unknown_cell(what: str, text: str, allowed: Collection[str]) -> str:
    """Say that a cell holds none of the names that it may, and which is like it.

    Parameters
    ----------
    what : str
        The kind of thing, as a noun: ``"Occasion"``.
    text : str
        The cell; quoted as `quoted` says.
    allowed : collection of str
        What it may hold.

    Returns
    -------
    str
        One or two sentences.
    """
    close = nearest(clean(text)[:60], allowed)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    names = list(dict.fromkeys(allowed))
    listed = ", ".join(names[:12]) + (f" ... ({len(names)} in all)" if len(names) > 12 else "")
    return f"{what} {quoted(text, allowed)} is unknown.{hint} Choose one of: {listed}."


def in_lines(lines: Iterable[int]) -> str:
    """Return where some cells stand.

    Parameters
    ----------
    lines : iterable of int
        Lines of the file.

    Returns
    -------
    str
        ``"line 4"`` or ``"lines 4, 9"``.
    """
    listed = sorted(set(map(int, lines)))
    return f"line{'' if len(listed) == 1 else 's'} {', '.join(map(str, listed))}"
