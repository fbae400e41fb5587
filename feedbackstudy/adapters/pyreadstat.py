"""The typed door to pyreadstat: SPSS files with labels, user-missing codes and measure levels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pandas as pd

from feedbackstudy.adapters import quiet
from feedbackstudy.errors import FileFormatError, MissingExtraError

__all__ = ["SavFile", "read_sav", "write_sav"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavFile:
    """An SPSS file.

    Attributes
    ----------
    frame : DataFrame
        Values, with user-missing codes still in place.
    valid : DataFrame
        Whether a second reading, which hides user-missing codes, finds a value there.
    labels : mapping of str to str
        Column -> label.
    value_labels : mapping of str to mapping
        Column -> code -> label.
    missing : mapping of str to list
        Column -> user-missing codes and ranges, each ``{"lo": .., "hi": ..}``.
    measures : mapping of str to str
        Column -> measure level.
    """

    frame: pd.DataFrame
    valid: pd.DataFrame
    labels: Mapping[str, str]
    value_labels: Mapping[str, Mapping[object, str]]
    missing: Mapping[str, Sequence[Mapping[str, object]]]
    measures: Mapping[str, str]


def _pyreadstat() -> ModuleType:
    try:
        return import_module("pyreadstat")
    except ImportError as fault:
        raise MissingExtraError("SPSS files need pyreadstat: pip install feedbackstudy[spss].") from fault


def read_sav(path: Path) -> SavFile:
    """Read an SPSS file without turning user-missing codes into nothing.

    Parameters
    ----------
    path : Path
        The .sav or .zsav file.

    Returns
    -------
    SavFile
        Its content.

    Raises
    ------
    FileFormatError
        Where it is damaged or cut.
    MissingExtraError
        Where pyreadstat is not installed.
    """
    pyreadstat = _pyreadstat()
    try:
        with quiet("pyreadstat"):
            options = {"apply_value_formats": False, "disable_datetime_conversion": True}
            frame, meta = pyreadstat.read_sav(str(path), user_missing=True, **options)
            hidden, _ = pyreadstat.read_sav(str(path), user_missing=False, **options)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError, ValueError) as fault:
        raise FileFormatError(
            f"{path.name} is no whole SPSS file: it is damaged, cut, or of another format ({type(fault).__name__}). "
            "Export or copy it again."
        ) from fault
    if meta.number_rows is not None and meta.number_rows != len(frame):
        raise FileFormatError(
            f"{path.name} says that it has {meta.number_rows} rows, but {len(frame)} can be read: it was cut. "
            "Copy it again."
        )
    return SavFile(
        frame=frame,
        valid=hidden.notna(),
        labels={str(k): str(v or "") for k, v in meta.column_names_to_labels.items()},
        value_labels={str(k): dict(v) for k, v in meta.variable_value_labels.items()},
        missing={str(k): list(v) for k, v in meta.missing_ranges.items()},
        measures={str(k): str(v) for k, v in meta.variable_measure.items()},
    )


def write_sav(
    path: Path,
    frame: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    value_labels: Mapping[str, Mapping[float | str, str]],
    missing: Mapping[str, Sequence[float | str]],
    measures: Mapping[str, str],
    note: str = "",
) -> Path:
    """Write an SPSS file.

    Parameters
    ----------
    path : Path
        The .sav file.
    frame : DataFrame
        Numbers (NaN for system-missing) and text.
    labels : mapping of str to str
        Column -> label, at most 256 characters.
    value_labels : mapping of str to mapping
        Column -> code -> label, at most 120 characters.
    missing : mapping of str to sequence
        Column -> at most three user-missing codes; text for columns of text.
    measures : mapping of str to str
        Column -> ``"nominal"``, ``"ordinal"`` or ``"scale"``.
    note : str
        One line about the file.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    FileFormatError
        Where a name is not allowed in SPSS.
    """
    pyreadstat = _pyreadstat()
    try:
        with quiet("pyreadstat"):
            pyreadstat.write_sav(
                frame,
                str(path),
                column_labels={k: v for k, v in labels.items() if k in frame.columns},
                variable_value_labels={k: dict(v) for k, v in value_labels.items() if v},
                missing_ranges={k: list(v) for k, v in missing.items() if v},
                variable_measure=dict(measures),
                row_compress=True,
                note=[note[:80]] if note else None,
            )
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as fault:
        raise FileFormatError(f"{path.name} cannot be written as an SPSS file: {fault}.") from fault
    return path
