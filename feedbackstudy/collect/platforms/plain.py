"""Plain tables: CSV, TSV and XLSX with one header row."""

import numpy as np

from feedbackstudy.adapters.openpyxl import sheet_rows
from feedbackstudy.collect.platforms.raw import Raw, Roles
from feedbackstudy.collect.spreadsheet import unescaped
from feedbackstudy.collect.text_bytes import Content
from feedbackstudy.collect.text_table import TextTable, categorical, folded_name, refuse_alike
from feedbackstudy.errors import FileFormatError
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

__all__ = ["IDENTIFYING", "header_of", "plain", "workbook_table"]

IDENTIFYING = frozenset(
    [
        "name",
        "firstname",
        "lastname",
        "first_name",
        "last_name",
        "surname",
        "givenname",
        "given_name",
        "fullname",
        "full_name",
        "email",
        "e-mail",
        "email_address",
        "emailaddress",
        "mail",
        "ip",
        "ipaddress",
        "ip_address",
        "ipaddr",
        "phone",
        "telephone",
        "mobile",
        "address",
        "street",
        "latitude",
        "longitude",
        "lat",
        "lon",
        "lng",
        "locationlatitude",
        "locationlongitude",
        "recipientlastname",
        "recipientfirstname",
        "recipientemail",
        "externalreference",
        "externaldatareference",
        "refurl",
        "birthdate",
        "date_of_birth",
        "dateofbirth",
        "dob",
        "iban",
        "ssn",
        "vorname",
        "nachname",
        "telefon",
        "handy",
        "strasse",
        "geburtsdatum",
    ]
)
"""Header cells, without case and blanks, that name people directly."""

_SHOWN = 5


def header_of(table: TextTable) -> tuple[tuple[str, ...], TextTable]:
    """Split off the first record as header; an unnamed empty last column is dropped.

    Parameters
    ----------
    table : TextTable
        The table with its header.

    Returns
    -------
    tuple
        Names, and the rows below.

    Raises
    ------
    FileFormatError
        Where no row follows.
    """
    names = tuple(name.strip() for name in table.row(0))
    body = table.rows(slice(1, None))
    last = len(names) - 1
    if last > 0 and not names[last] and not any(table.texts(last)):
        names, body = names[:last], body.without_columns([last])
    if not len(body):
        raise FileFormatError(
            f"{table.where} holds a header and no responses. Nobody answered yet, or a filter of the export was on."
        )
    return names, body


def workbook_table(content: Content, sheet: str | None = None) -> TextTable:
    """Read a sheet of a workbook as text.

    Parameters
    ----------
    content : Content
        The workbook.
    sheet : str, optional
        The sheet.

    Returns
    -------
    TextTable
        Blank rows are left out.

    Raises
    ------
    FileFormatError
        Where it is no workbook, or empty.
    """
    chosen, rows, formulas = sheet_rows(content.data, content.name, sheet)
    where = f"{content.name}[{chosen}]"
    kept = [(i, row) for i, row in enumerate(rows, 1) if any(row)]
    if not kept:
        raise FileFormatError(f"{where}: the sheet is empty.")
    width = max(len(row) for _, row in kept)
    filled = [row + [""] * (width - len(row)) for _, row in kept]
    used = [j for j in range(width) if any(row[j] for row in filled)]
    columns = tuple(categorical([row[j] for row in filled]) for j in used)
    issues: tuple[Issue, ...] = ()
    if formulas:
        what = f"{counted(len(formulas), 'cell holds a formula', 'cells hold formulas')} "
        what += f"({', '.join(formulas[:_SHOWN])}), not evaluated."
        why = "A formula is no answer, and evaluating text from a file would run somebody else's instructions."
        fix = "Save the values in place of the formulas, and read the file again."
        issues = (Issue("collect.formula", Severity.ERROR, where, what, why, fix),)
    lines = np.array([i for i, _ in kept], dtype=np.int64)
    return TextTable(where=where, columns=columns, lines=lines, n_proved=0, issues=issues)


def plain(table: TextTable) -> Raw:
    """Take in a plain table.

    Parameters
    ----------
    table : TextTable
        With its header.

    Returns
    -------
    Raw
        As text.
    """
    names, body = unescaped(*header_of(table))
    refuse_alike(names, table.where)
    return Raw(
        platform="plain",
        table=body,
        names=names,
        identifiers=tuple(name for name in names if folded_name(name) in IDENTIFYING),
        roles=Roles(duration="duration_seconds" if "duration_seconds" in names else ""),
        issues=body.issues,
    )
