"""What may be said about an export before it is read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from feedbackstudy.collect.text_bytes import MAX_MEGABYTES
from feedbackstudy.errors import InputError, choices
from feedbackstudy.frames import MissingReason

if TYPE_CHECKING:
    from feedbackstudy.assign import Allocation

__all__ = ["DUPLICATES", "YES_NO", "ReadOptions", "options_of"]

PLATFORMS = ("qualtrics", "limesurvey", "spss", "plain")
YES_NO = (("1", "Yes, I agree"), ("0", "No, I do not agree"))
"""Codes and labels of consent and re-consent in the questionnaires that we write."""

DUPLICATES = ("first", "last", "most_complete")
_REASONS = {reason.label: reason for reason in MissingReason if reason is not MissingReason.ANSWERED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What may be said about an export before it is read; everything else is read off the file or refused.

    Attributes
    ----------
    platform : str or None
        ``"qualtrics"``, ``"limesurvey"``, ``"spss"`` or ``"plain"``; recognised by the header where left out.
    occasion : str or None
        The wave that a single file holds.
    participant : str or None
        The column that names people.
    allocation : Allocation, DataFrame, path or None
        Who was assigned to what: ours, or a contact list of `Allocation.contacts`.
    columns : mapping of str to str
        Column of the file (or its ImportId) -> column of the study, where names differ.
    labels : mapping of str to mapping
        Measure, item, covariate or factor -> text -> code, for exports with labels or answer codes such as ``A1``; and
        ``{"Status": {text: 0}}`` for words of Qualtrics' column Status that are not known.
    missing : mapping of float to str
        Code -> ``"skipped"``, ``"refused"``, ``"user_missing"`` or ``"not_asked"``, such as ``{-99: "skipped"}``.
    decimal, thousands : str or None
        How numbers are written, where it is not plain.
    encoding, delimiter, sheet : str or None
        How the file is written.
    allow_ragged : bool
        Whether records shorter than the header are filled up.
    max_megabytes : float
        Largest file.
    duplicates : str or None
        Which of several answers of a participant at an occasion counts: ``"first"``, ``"last"``, ``"most_complete"``;
        as the plan declares (``plan.duplicates``) where left out.
    same_case : bool
        Whether ids that differ only in case are the same person.
    pseudonym : callable or None
        Id -> pseudonym, applied before anything is said about anybody.
    not_fielded : sequence of str
        Measures that were declared but not put before people.
    open_answers : bool
        Whether open answers come along; they are left out otherwise.
    zone : str or None
        Time zone of the file's times, such as ``"Europe/Berlin"``.
    wordings : mapping of str to mapping
        Measure -> item column -> text, to hold against the questions of the file.
    """

    platform: str | None = None
    occasion: str | None = None
    participant: str | None = None
    allocation: "Allocation | pd.DataFrame | str | Path | None" = None
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    missing: Mapping[float, str] = field(default_factory=dict)
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    allow_ragged: bool = False
    max_megabytes: float = MAX_MEGABYTES
    duplicates: str | None = None
    same_case: bool = False
    pseudonym: Callable[[str], str] | None = None
    not_fielded: Sequence[str] = ()
    open_answers: bool = False
    zone: str | None = None
    wordings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        allowed = (("platform", self.platform, PLATFORMS), ("duplicates", self.duplicates, DUPLICATES))
        for name, value, known in (
            *allowed,
            ("decimal", self.decimal, (".", ",")),
            ("thousands", self.thousands, (".", ",", " ", "'")),
        ):
            if value is not None and value not in known:
                raise InputError(choices(f"Value of {name}", value, known))
        if self.decimal is not None and self.decimal == self.thousands:
            raise InputError(f"decimal and thousands are both {self.decimal!r}; they cannot be the same mark.")
        for reason in self.missing.values():
            if reason not in _REASONS:
                raise InputError(choices("Missing reason", reason, _REASONS))

    @property
    def missing_codes(self) -> dict[float, MissingReason]:
        """Code -> reason."""
        return {float(code): _REASONS[reason] for code, reason in self.missing.items()}

    def labels_of(self, *names: str) -> dict[str, str]:
        """Return the labels declared for an item or its measure.

        Parameters
        ----------
        *names : str
            Measure first, then item.

        Returns
        -------
        dict
            Text -> code.
        """
        found: dict[str, str] = {}
        for name in names:
            for text, code in self.labels.get(name, {}).items():
                number = isinstance(code, int | float) and not isinstance(code, bool)
                found[text] = str(int(code)) if number and float(code).is_integer() else str(code)  # type: ignore[call-overload, arg-type]
        return found


def options_of(given: Mapping[str, object]) -> ReadOptions:
    """Check what was said about an export.

    Parameters
    ----------
    given : mapping
        Option -> value.

    Returns
    -------
    ReadOptions
        The options.

    Raises
    ------
    InputError
        For an unknown option, with the nearest.
    """
    names = [each.name for each in fields(ReadOptions)]
    for name in given:
        if name not in names:
            raise InputError(choices("Option of collect.read", name, names))
    return ReadOptions(**given)  # type: ignore[arg-type]
