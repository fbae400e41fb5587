"""What every platform's export becomes first: text cells, names, questions, labels, and what each column is for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.collect.text_table import TextTable
from feedbackstudy.issues import Issue

__all__ = ["Raw", "Roles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Which column holds what a platform records of every answer; empty where it does not.

    Attributes
    ----------
    response : str
        Id of the response.
    participant : tuple of str
        Where the participant may stand, best first.
    status : str
        Real, preview, test, spam ...
    finished, duration, started, ended, language : str
        Whether complete; seconds; times; language.
    """

    response: str = ""
    participant: tuple[str, ...] = ("participant", "fs_pid")
    status: str = ""
    finished: str = ""
    duration: str = ""
    started: str = ""
    ended: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raw:
    """An export as text.

    Attributes
    ----------
    platform : str
        ``"qualtrics"``, ``"limesurvey"``, ``"spss"`` or ``"plain"``.
    table : TextTable
        The rows of data.
    names : tuple of str
        Name of each column.
    aliases : mapping of str to int
        Other names of columns, such as ImportIds -> place.
    questions : mapping of str to str
        Column -> text of its question.
    labels : mapping of str to mapping
        Column -> label -> code, where the file itself declares labels.
    reasons : mapping of str to ndarray
        Column -> `MissingReason` codes, where the file itself says why a cell is empty.
    excluded : mapping of str to ndarray of bool
        Why -> rows that are no answers of participants.
    identifiers : tuple of str
        Columns that identify people directly.
    metadata : tuple of str
        Columns of the platform that are no answers.
    roles : Roles
        What the platform's own columns hold.
    zone : str
        Time zone that the file declares.
    issues : tuple of Issue
        What was found.
    """

    platform: str
    table: TextTable
    names: tuple[str, ...]
    aliases: Mapping[str, int] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reasons: Mapping[str, NDArray[np.int8]] = field(default_factory=dict)
    excluded: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    roles: Roles = field(default_factory=Roles)
    zone: str = ""
    issues: tuple[Issue, ...] = ()
