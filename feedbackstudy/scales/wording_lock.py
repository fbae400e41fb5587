"""The lock of a wording: hashes that prove which words were used, without the words."""

import hashlib
import unicodedata
from pathlib import Path

from feedbackstudy.declaration import Declaration, digest, from_document, to_document
from feedbackstudy.errors import FileFormatError
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.named import Code, Fixed

__all__ = ["WordingLock", "check_lock", "fingerprint_of", "lock_wording", "plain_text"]


class WordingLock(Declaration):
    """Hashes of a wording, without its words.

    Attributes
    ----------
    scale, form, language : str
        What they are the hashes of.
    modified : bool
        Whether the words depart from the published form.
    hashes : mapping of str to str
        Item column -> SHA-256 of its normalised text.
    """

    scale: Code
    form: Code
    language: str
    modified: bool = False
    hashes: Fixed[str, str]

    @property
    def fingerprint(self) -> str:
        """One digest over all items, for `Fielded.wording`."""
        return digest(dict(self.hashes))


def lock_wording(lock: WordingLock, path: Path) -> Path:
    """Write the hashes of a wording; the words themselves are not in the file.

    Parameters
    ----------
    lock : WordingLock
        ``wording.lock`` of loaded words.
    path : Path
        ``wording.lock`` of the scale.

    Returns
    -------
    Path
        `path`.
    """
    return to_document(lock, path)


def check_lock(lock: WordingLock, path: Path) -> Issues:
    """Hold a wording against a lock, item by item.

    Parameters
    ----------
    lock : WordingLock
        ``wording.lock`` of the words in use now.
    path : Path
        The lock of an earlier wave or another lab.

    Returns
    -------
    Issues
        One error for each item whose words differ; empty where all are the same.
    """
    locked = from_document(WordingLock, path)
    if (locked.scale, locked.form) != (lock.scale, lock.form):
        raise FileFormatError(f"{path}: locks {locked.scale!r} ({locked.form}), not {lock.scale!r} ({lock.form}).")
    then, now = locked.hashes, lock.hashes
    changed = [key for key in sorted({*then, *now}) if then.get(key) != now.get(key)]
    return Issues(
        Issue(
            "scales.wording_changed",
            Severity.ERROR,
            f"{path}: {key}",
            "the words differ from those that were locked.",
            "Scores of different words are not a repeated measure, and norms do not hold.",
            "Restore the words, or declare the modification in the pack and analyse the occasions apart.",
        )
        for key in changed
    )


def plain_text(text: str) -> str:
    """Normalise what a reader would not call a difference: Unicode form, white space, case, a final full stop.

    Parameters
    ----------
    text : str
        A wording.

    Returns
    -------
    str
        What is hashed.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).rstrip(" .")


def fingerprint_of(text: str) -> str:
    """Return the SHA-256 of a normalised wording.

    Parameters
    ----------
    text : str
        A wording.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(plain_text(text).encode("utf-8")).hexdigest()
