"""What kind of response a row of Qualtrics is: a participant's, or a preview, a test, spam; in codes or in words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.collect.quoting import quoted_texts
from feedbackstudy.collect.text_table import folded_name
from feedbackstudy.errors import InputError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

__all__ = ["NO_PEOPLE", "STATUS", "StatusRows", "status_rows"]

STATUS: Mapping[str, str] = {
    "0": "IP Address",
    "1": "Survey Preview",
    "2": "Survey Test",
    "4": "Imported",
    "8": "Spam",
    "9": "Survey Preview Spam",
    "12": "Imported Spam",
    "16": "Offline",
    "17": "Offline Preview",
    "32": "EX",
    "40": "EX Spam",
    "48": "EX Offline",
    "132": "Reimported",
    "256": "Synthetic",
}
"""Code of the column Status -> the word that label exports write."""

NO_PEOPLE = frozenset({"1", "2", "8", "9", "12", "17", "40", "256"})
"""Codes of rows that are no answers of participants."""

_WORDS = {folded_name(word): code for code, word in STATUS.items()} | {"surveypreview": "1", "surveytest": "2"}
# Label exports write the status in the language of whoever exports. A label with one of these words can mean one thing.
_SPAM = re.compile("spam")
_PREVIEW = re.compile(
    "preview|vorschau|aper\u00e7u|pr\u00e9visuali|vista previa|previsuali|anteprima|voorbeeld|voorvertoning|"
    "pr\u00e9via|pr\u00e9-visuali|f\u00f6rhandsgranskning"
)
_ORDINARY = re.compile(r"(?<![^\W\d_])ip(?![^\W\d_])")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StatusRows:
    """What the column Status says.

    Attributes
    ----------
    excluded : mapping of str to ndarray of bool
        Why -> rows that are no answers of participants.
    issues : tuple of Issue
        Words that were understood by what they contain, and an error for those that were not.
    """

    excluded: Mapping[str, NDArray[np.bool_]]
    issues: tuple[Issue, ...]


def status_rows(column: pd.Categorical, where: str, question: str, declared: Mapping[str, str]) -> StatusRows:
    """Tell participants from previews, tests and spam.

    Parameters
    ----------
    column : Categorical
        Cells of the column Status.
    where : str
        Name of the file.
    question : str
        What the second header row calls the column of IP addresses: label exports call ordinary responses the same.
    declared : mapping of str to str
        Label -> code, as the user says.

    Returns
    -------
    StatusRows
        Rows by reason, and what was found.

    Raises
    ------
    InputError
        Where a label is declared to be a code that Qualtrics does not have.
    """
    for code in declared.values():
        if code not in STATUS:
            raise InputError(choices("Status", code, STATUS))
    said = {folded_name(text): code for text, code in declared.items()}
    codes = np.asarray(column.codes)
    counts = np.bincount(codes, minlength=len(column.categories))
    status: NDArray[np.object_] = np.full(len(column.categories), "", dtype=object)
    understood: dict[str, dict[str, int]] = {}
    unknown: dict[str, int] = {}
    texts = [str(text).strip() for text in column.categories.to_numpy(dtype=object)]
    for k in np.flatnonzero(counts):
        text = texts[k]
        plain = text if text in STATUS else said.get(folded_name(text)) or _WORDS.get(folded_name(text), "")
        status[k] = plain or _by_its_words(text, question)
        if not status[k]:
            unknown[text] = unknown.get(text, 0) + int(counts[k])
        elif not plain:
            understood.setdefault(status[k], {})[text] = int(counts[k])
    rows = status[codes]
    excluded = {STATUS[code]: rows == code for code in dict.fromkeys(status) if code in NO_PEOPLE}
    issues = [_understood(where, code, texts) for code, texts in understood.items()]
    return StatusRows(excluded=excluded, issues=(*issues, *([_unknown(where, unknown)] if unknown else ())))


def _by_its_words(text: str, question: str) -> str:
    plain = " ".join(text.casefold().split())
    if _SPAM.search(plain):
        return "9" if _PREVIEW.search(plain) else "8"
    if _PREVIEW.search(plain):
        return "1"
    same = bool(plain) and folded_name(text) == folded_name(question)
    return "0" if same or _ORDINARY.search(plain) else ""


def _understood(where: str, code: str, texts: Mapping[str, int]) -> Issue:
    shown = quoted_texts(texts, (*STATUS.values(), "Umfragevorschau", "IP-Adresse", "Adresse IP"))
    what = f"The status {shown} was understood as {STATUS[code]!r}, by its words."
    why = "Label exports write the status in the language of whoever exports."
    return Issue("collect.status_in_words", Severity.NOTE, where, what, why, "Nothing to do where that is right.")


def _unknown(where: str, unknown: Mapping[str, int]) -> Issue:
    rows = counted(sum(unknown.values()), "row has", "rows have")
    what = f"{rows} a status that Qualtrics does not define: {quoted_texts(unknown, tuple(STATUS.values()))}."
    reason = "They may be previews or tests in another language, and would count as participants."
    fix = "Export the status as numbers ('Use numeric values'), or say what it means: labels={'Status': {'text': 0}}, "
    fix += "0 for participants, 1 for previews, 2 for tests."
    return Issue("collect.unknown_status", Severity.ERROR, where, what, reason, fix)
