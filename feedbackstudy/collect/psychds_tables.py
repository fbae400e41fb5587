"""The Psych-DS rules for one data file: its name, its header, its rows."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.collect.psychds_findings import recommend, refuse
from feedbackstudy.issues import Issue

if TYPE_CHECKING:
    import _csv

__all__ = ["DataFile", "table_issues"]

_NAME = re.compile(r"([a-z]+-[a-zA-Z0-9]+)(_[a-z]+-[a-zA-Z0-9]+)*_data\.(csv|tsv)\Z")
_KEYWORDS = frozenset(("study", "site", "subject", "session", "task", "condition", "trial", "stimulus", "description"))
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file that could be read.

    Attributes
    ----------
    path : Path
        Where it lies.
    name : str
        Its path below the dataset's root.
    columns : tuple of str
        Its header.
    """

    path: Path
    name: str
    columns: tuple[str, ...]


def table_issues(path: Path, root: Path) -> tuple[DataFile | None, list[Issue]]:
    """Check one table below ``data/``.

    Parameters
    ----------
    path : Path
        The file.
    root : Path
        The dataset's root.

    Returns
    -------
    tuple
        The data file (None where its name makes it none, or it cannot be read) and the findings.
    """
    name = path.relative_to(root).as_posix()
    if not path.resolve().is_relative_to(root):
        return None, [refuse("outside", name, "is a link that leaves the dataset.", "Put the file itself here.")]
    if not _NAME.match(path.name):
        what = "is a table, but its name makes it no data file."
        fix = "Name it like study-one_task-rating_data.csv, or list it in .psychds-ignore."
        return None, [recommend("not_a_data_file", name, what, fix)]
    issues = _keyword_issues(path.name, name)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)
            header = next(rows, [])
            issues += _header_issues(header, name) + _row_issues(rows, header, name)
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        issues.append(refuse("unreadable", name, f"cannot be read: {fault}.", "Save it as UTF-8 CSV."))
        return None, issues
    return DataFile(path, name, tuple(header)), issues


def _keyword_issues(file_name: str, where: str) -> list[Issue]:
    words = [part.partition("-")[0] for part in file_name.rpartition("_data.")[0].split("_")]
    unofficial = [word for word in words if word not in _KEYWORDS]
    if not unofficial:
        return []
    what = f"uses the unofficial keyword(s) {', '.join(unofficial)}."
    return [recommend("unofficial_keyword", where, what, f"Use one of: {', '.join(sorted(_KEYWORDS))}.")]


def _header_issues(header: list[str], where: str) -> list[Issue]:
    if not any(cell.strip() for cell in header):
        fix = "Write the column names into the first line."
        return [refuse("no_header", where, "has no header line.", fix)]
    twice = sorted({cell for cell in header if header.count(cell) > 1})
    issues = []
    if twice:
        what = f"has the column(s) {', '.join(map(repr, twice))} more than once."
        issues.append(refuse("duplicate_column", where, what, "Give every column a name of its own."))
    if any(not cell.strip() for cell in header):
        what = "has a column without a name."
        issues.append(refuse("unnamed_column", where, what, "Name every column."))
    return issues


def _row_issues(rows: "_csv.Reader", header: list[str], where: str) -> list[Issue]:
    ragged: list[int] = []
    seen: set[str] = set()
    repeated: list[str] = []
    n_rows, id_column = 0, header.index("row_id") if "row_id" in header else None
    for n_rows, row in enumerate(rows, start=1):  # noqa: B007
        if len(row) != len(header):
            ragged.append(rows.line_num)
        elif id_column is not None:
            value = row[id_column]
            repeated += [value] if value in seen else []
            seen.add(value)
    issues = []
    if ragged:
        lines = ", ".join(map(str, ragged[:_SHOWN])) + (f" ... ({len(ragged)} in all)" if len(ragged) > _SHOWN else "")
        what = f"has rows that are longer or shorter than the header ({len(header)} columns) at line {lines}."
        issues.append(refuse("ragged_rows", where, what, "Quote cells that hold the separator."))
    if repeated:
        what = f"repeats row_id {', '.join(map(repr, repeated[:_SHOWN]))}."
        issues.append(refuse("row_id_not_unique", where, what, "Give every row an id of its own."))
    if n_rows == 0:
        issues.append(recommend("empty_file", where, "has no rows.", "Add the data or remove the file."))
    return issues
