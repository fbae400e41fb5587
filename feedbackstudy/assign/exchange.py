"""Files exchanged with survey platforms: links with tokens, and CSV that no spreadsheet runs."""

import csv
import hmac
import io
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from feedbackstudy.errors import DataError, FileFormatError, InputError
from feedbackstudy.files import read_bounded

__all__ = ["TOKEN", "TOKEN_CHARACTERS", "check_link", "csv_rows", "csv_text", "token_of"]

MOST_BYTES = 200_000_000
TOKEN_CHARACTERS = 24
TOKEN = "{token}"


def token_of(key: bytes, participant: str) -> str:
    """Return the personal part of a link.

    Parameters
    ----------
    key : bytes
        The secret of an export.
    participant : str
        Whose link it is.

    Returns
    -------
    str
        Hexadecimal digits that tell nothing about the participant.
    """
    return hmac.new(key, participant.encode("utf-8"), sha256).hexdigest()[:TOKEN_CHARACTERS]


def check_link(link: str) -> None:
    """Refuse an address that cannot carry a token safely.

    Parameters
    ----------
    link : str
        The address, with ``{token}`` once.

    Raises
    ------
    InputError
        Saying what it must look like.
    """
    parts = urlsplit(link)
    if parts.scheme != "https" or not parts.hostname or link.count(TOKEN) != 1 or TOKEN in parts.netloc:
        raise InputError(
            f"The link {link[:80]!r} must be an https address with {TOKEN} once, after the host, such as "
            "'https://survey.example.org/s?p={token}'."
        )
    if not link.isprintable() or any(c in link for c in " \"'<>"):
        raise InputError("The link holds blanks, quotes or unprintable characters; encode them as an address does.")


def csv_text(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows as CSV, refusing cells that a spreadsheet would run.

    Parameters
    ----------
    rows : sequence of mapping
        At least one, all with the same keys.

    Returns
    -------
    str
        The file's text.

    Raises
    ------
    DataError
        For a cell that begins like a formula.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        for name, value in row.items():
            if value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
                raise DataError(f"The {name} {value!r} begins like a formula, which spreadsheets run; rename it.")
        writer.writerow(row)
    return out.getvalue()


def csv_rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV file of ours.

    Parameters
    ----------
    path : Path
        The file.
    needed : sequence of str
        Columns that it must have.

    Returns
    -------
    list of dict
        One mapping for each row.

    Raises
    ------
    FileFormatError
        Where it is not UTF-8, lacks a column, or a row has too many or too few cells.
    """
    try:
        text = read_bounded(path, MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise FileFormatError(f"{path} is not UTF-8 text; save it with the encoding UTF-8.") from fault
    reader = csv.DictReader(io.StringIO(text))
    absent = [name for name in needed if name not in (reader.fieldnames or [])]
    if absent:
        raise FileFormatError(f"{path} lacks the column {absent[0]!r}; it has {reader.fieldnames}.")
    rows = list(reader)
    uneven = [i for i, row in enumerate(rows, start=2) if None in row or None in row.values()]
    if uneven or not rows:
        where = f"line {uneven[0]} has another number of cells than the head" if uneven else "it has no rows"
        raise FileFormatError(f"{path}: {where}.")
    return rows
