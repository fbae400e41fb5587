"""The exceptions of feedbackstudy, and the one wording of "given, allowed, what to do".

Every error a user can cause derives from `InputError`; anything else that escapes is a fault of ours.
"""

import difflib
from collections.abc import Iterable

__all__ = [
    "DataError",
    "DeclarationError",
    "FeedbackstudyError",
    "FileFormatError",
    "InputError",
    "MissingExtraError",
    "NotFoundError",
    "UnsafePathError",
    "choices",
    "nearest",
]


class FeedbackstudyError(Exception):
    """Base of all exceptions raised by feedbackstudy."""


class InputError(FeedbackstudyError, ValueError):
    """The user's input cannot be used; the message says what, where, why and how to mend it."""


class DeclarationError(InputError):
    """A declaration (study, factor, scale, hypothesis, plan ...) contradicts itself or its grammar."""


class FileFormatError(InputError):
    """A file is not of the format, encoding, size or integrity that it must have."""


class DataError(InputError):
    """A table lacks a column, or holds values that the declared study does not allow."""


class NotFoundError(InputError):
    """A named thing does not exist; the message lists the nearest names that do."""


class UnsafePathError(InputError):
    """A path leaves the folder that it must stay in."""


class MissingExtraError(FeedbackstudyError, ImportError):
    """An optional dependency is needed; the message names the extra that installs it."""


def nearest(given: object, allowed: Iterable[str], n: int = 3) -> list[str]:
    """Return up to `n` allowed names that look like `given`, best first.

    Parameters
    ----------
    given : object
        The name that was given; anything not a string is compared by its text.
    allowed : iterable of str
        The names that exist.
    n : int, default 3
        At most so many suggestions.

    Returns
    -------
    list of str
        The nearest names, best first; empty where nothing resembles `given`.
    """
    names = sorted({str(name) for name in allowed})
    folded = {name.casefold(): name for name in names}
    hits = difflib.get_close_matches(str(given).casefold(), list(folded), n=n, cutoff=0.5)
    return [folded[hit] for hit in hits]


def choices(what: str, given: object, allowed: Iterable[str]) -> str:
    """Say that `given` is unknown, what it most likely was meant to be, and what is allowed.

    Parameters
    ----------
    what : str
        The kind of thing, as a noun: ``"Factor"``, ``"Dataset"``.
    given : object
        The value the user gave.
    allowed : iterable of str
        The values that are allowed; more than twelve are cut, and said to be.

    Returns
    -------
    str
        One or two sentences.
    """
    names = sorted({str(name) for name in allowed})
    close = nearest(given, names)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    listed = ", ".join(names[:12]) + (f" ... ({len(names)} in all)" if len(names) > 12 else "")
    return f"{what} {given!r} is unknown.{hint} Choose one of: {listed or '(none exist)'}."
