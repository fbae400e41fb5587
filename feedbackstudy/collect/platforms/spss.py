"""Responses in SPSS files: value labels, user-missing codes with their reason, decimals kept exactly."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.adapters.pyreadstat import read_sav
from feedbackstudy.collect.platforms.plain import IDENTIFYING
from feedbackstudy.collect.platforms.raw import Raw, Roles
from feedbackstudy.collect.read_items import code_text
from feedbackstudy.collect.text_bytes import Content
from feedbackstudy.collect.text_table import TextTable, categorical, folded_name, refuse_alike
from feedbackstudy.errors import FileFormatError
from feedbackstudy.frames import MissingReason
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

__all__ = ["spss"]

_REFUSED = ("refus", "no answer", "verweigert", "declin", "prefer not")


def spss(content: Content) -> Raw:
    """Take in an SPSS file.

    Parameters
    ----------
    content : Content
        The file.

    Returns
    -------
    Raw
        Numbers as exact text; user-missing codes as empty cells with a reason.

    Raises
    ------
    FileFormatError
        Where the file is damaged, holds no row, or two variables differ only in case.
    """
    with tempfile.TemporaryDirectory(prefix="feedbackstudy-") as folder:
        copy = Path(folder) / "responses.sav"
        copy.write_bytes(content.data)
        file = read_sav(copy)
    names = tuple(str(name) for name in file.frame.columns)
    refuse_alike(names, content.name)
    if not len(file.frame):
        raise FileFormatError(f"{content.name} holds variables and no cases. Nobody answered yet, or a filter was on.")
    columns, reasons, issues = [], {}, []
    for name in names:
        column = file.frame[name]
        hidden, codes = _user_missing(column, file.missing.get(name, ()), file.value_labels.get(name, {}))
        _agree(content.name, name, hidden, column, file.valid[name])
        columns.append(categorical(np.where(hidden, "", _as_text(column))))
        if hidden.any():
            reasons[name] = codes
            issues.append(_said(content.name, name, column[hidden], file.value_labels.get(name, {})))
    lines = np.arange(1, len(file.frame) + 1, dtype=np.int64)
    table = TextTable(where=content.name, columns=tuple(columns), lines=lines, n_proved=0)
    return Raw(
        platform="spss",
        table=table,
        names=names,
        questions={name: text for name, text in file.labels.items() if text},
        labels={name: _labels(told) for name, told in file.value_labels.items()},
        reasons=reasons,
        identifiers=tuple(name for name in names if folded_name(name) in IDENTIFYING),
        roles=Roles(duration="duration_seconds" if "duration_seconds" in names else ""),
        issues=tuple(issues),
    )


def _agree(where: str, name: str, hidden: NDArray[np.bool_], column: pd.Series, valid: pd.Series) -> None:
    """Hold our reading of user-missing codes against that of the library."""
    if not pd.api.types.is_numeric_dtype(column):
        return
    ours = ~hidden & column.notna().to_numpy()
    if not np.array_equal(ours, valid.to_numpy(dtype=bool)):
        raise FileFormatError(
            f"{where}: two readings of {name} disagree about which codes are user-missing. Please report it, with the "
            "missing values that SPSS declares for this variable."
        )


def _labels(told: Mapping[object, str]) -> dict[str, str]:
    return {label: code_text(code) if isinstance(code, int | float) else str(code) for code, label in told.items()}


def _as_text(column: pd.Series) -> NDArray[np.object_]:
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=np.float64)
        different, places = np.unique(values, return_inverse=True)
        texts = np.array(["" if np.isnan(v) else code_text(v) for v in different], dtype=object)
        return texts[places]
    return np.array(["" if v is None or v != v else str(v).rstrip() for v in column], dtype=object)


def _user_missing(
    column: pd.Series, ranges: Sequence[Mapping[str, object]], labels: Mapping[object, str]
) -> tuple[NDArray[np.bool_], NDArray[np.int8]]:
    hidden = np.zeros(len(column), dtype=bool)
    for each in ranges:
        low, high = each["lo"], each["hi"]
        if isinstance(low, str):
            hidden |= (column.astype(str).str.rstrip() == low.rstrip()).to_numpy()
        else:
            values = column.to_numpy(dtype=np.float64)
            hidden |= (values >= float(low)) & (values <= float(high))  # type: ignore[arg-type]
    codes = np.where(hidden, np.int8(MissingReason.USER_MISSING), np.int8(0)).astype(np.int8)
    for code, label in labels.items():
        if any(word in label.casefold() for word in _REFUSED):
            codes[hidden & (column == code).to_numpy()] = MissingReason.REFUSED
    return hidden, codes


def _said(where: str, name: str, hidden: pd.Series, labels: Mapping[object, str]) -> Issue:
    counts = hidden.value_counts()
    told = [
        f"{code_text(code) if isinstance(code, float) else code}"
        + (f" ({labels[code]})" if code in labels else "")
        + f": {n}"
        for code, n in counts.items()
    ]
    what = f"{counted(len(hidden), 'cell')} of {name} user-missing in SPSS: {', '.join(told[:6])}."
    why = "They are no answers; the reason is kept beside each."
    return Issue("collect.user_missing", Severity.NOTE, where, what, why, "Nothing to do.")
