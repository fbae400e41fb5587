"""Responses of Qualtrics: three header rows or two, in any language, keyed by ImportId."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from feedbackstudy.collect.platforms.qualtrics_status import StatusRows, status_rows
from feedbackstudy.collect.platforms.raw import Raw, Roles
from feedbackstudy.collect.text_table import TextTable, folded_name
from feedbackstudy.errors import FileFormatError
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

__all__ = ["looks_like_qualtrics", "qualtrics"]

_METADATA = [
    "StartDate",
    "EndDate",
    "Status",
    "IPAddress",
    "Progress",
    "Finished",
    "RecordedDate",
    "ResponseId",
    "RecipientLastName",
    "RecipientFirstName",
    "RecipientEmail",
    "ExternalReference",
    "LocationLatitude",
    "LocationLongitude",
    "DistributionChannel",
    "UserLanguage",
    "Duration_(in_seconds)",
    "ResponseID",
    "ResponseSet",
    "Name",
    "ExternalDataReference",
    "EmailAddress",
]
_IDENTIFIERS = [
    "IPAddress",
    "RecipientLastName",
    "RecipientFirstName",
    "RecipientEmail",
    "ExternalReference",
    "LocationLatitude",
    "LocationLongitude",
    "Name",
    "ExternalDataReference",
    "EmailAddress",
]
_DURATION = "Duration (in seconds)"


def looks_like_qualtrics(table: TextTable) -> bool:
    """Say whether a table has the header of a Qualtrics export.

    Parameters
    ----------
    table : TextTable
        With its header.

    Returns
    -------
    bool
        Whether its first record names Qualtrics' own columns, or its third holds ImportIds.
    """
    first = set(table.row(0))
    if "ResponseId" in first and first & {"Status", "Finished", "RecordedDate", "Progress"}:
        return True
    if "ResponseID" in first and first & {"ResponseSet", "Finished", "Status"}:
        return True
    return len(table) > 2 and _import_ids(table.row(2)) is not None


def _import_ids(row: Sequence[str]) -> list[dict[str, object]] | None:
    """Return row 3 parsed, None where it is not one of ImportIds; the words of row 2 are in any language."""
    found: list[dict[str, object]] = []
    for i, cell in enumerate(row):
        if not cell and i == len(row) - 1:
            found.append({})
            continue
        if len(cell) > 5000 or not cell.startswith("{"):
            return None
        try:
            told = json.loads(cell)
        except (json.JSONDecodeError, RecursionError):
            return None
        if not isinstance(told, dict) or "ImportId" not in told:
            return None
        found.append(told)
    return found if any(found) else None


def qualtrics(table: TextTable, statuses: Mapping[str, str] | None = None) -> Raw:
    """Take in an export of Qualtrics.

    Parameters
    ----------
    table : TextTable
        With all its header rows.
    statuses : mapping of str to str, optional
        Label of the column Status -> code of Qualtrics, as the user says.

    Returns
    -------
    Raw
        As text, without header rows, keyed by export tag with ImportIds as other names.

    Raises
    ------
    FileFormatError
        Where no response follows, or two columns have the same tag and no ImportId tells them apart.
    """
    tags = [tag.strip() for tag in table.row(0)]
    told = _import_ids(table.row(2)) if len(table) > 2 else None
    n_head = 3 if told is not None else 2
    texts = list(table.row(1)) if len(table) > 1 else [""] * len(tags)
    body = table.rows(slice(n_head, None))
    if len(tags) > 1 and not tags[-1] and not any(body.texts(len(tags) - 1)):
        body = body.without_columns([len(tags) - 1])
        tags, texts, told = tags[:-1], texts[:-1], told[:-1] if told is not None else None
    if not len(body):
        raise FileFormatError(f"{table.where} holds {n_head} header rows and no responses. Nobody answered yet.")
    names, aliases = _names(tags, told, table.where)
    questions = dict(zip(names, texts, strict=True))
    status = StatusRows(excluded={}, issues=(_no_status(table.where),))
    if "Status" in names:
        column = body.columns[names.index("Status")]
        status = status_rows(column, table.where, questions.get("IPAddress", ""), statuses or {})
    issues = [*table.issues, *_matrix(names, told, table.where), *status.issues, _read_as(table.where, n_head)]
    return Raw(
        platform="qualtrics",
        table=body,
        names=tuple(names),
        aliases=aliases,
        questions=questions,
        excluded=status.excluded,
        identifiers=tuple(name for name in names if name in _IDENTIFIERS),
        metadata=tuple(name for name in names if name.replace(" ", "_") in _METADATA or name.endswith("_DO")),
        roles=_roles(names),
        zone=_zone(told),
        issues=tuple(issues),
    )


def _roles(names: Sequence[str]) -> Roles:
    def first(*wanted: str) -> str:
        return next((name for name in wanted if name in names), "")

    return Roles(
        response=first("ResponseId", "ResponseID"),
        status=first("Status"),
        finished=first("Finished"),
        duration=first(_DURATION, "duration_seconds"),
        started=first("StartDate"),
        ended=first("EndDate"),
        language=first("UserLanguage"),
    )


def _read_as(where: str, n_head: int) -> Issue:
    kind = "three header rows (tag, question, ImportId)" if n_head == 3 else "the two header rows of the legacy format"
    what = f"The file was read as an export of Qualtrics with {kind}; header rows are no responses."
    return Issue("collect.qualtrics", Severity.NOTE, where, what, "So that each row is one answer.", "Nothing to do.")


def _key(told: Mapping[str, object]) -> str:
    choice = told.get("choiceId")
    return str(told.get("ImportId", "")) + (f"_{choice}" if choice is not None else "")


def _names(
    tags: Sequence[str], told: Sequence[Mapping[str, object]] | None, where: str
) -> tuple[list[str], dict[str, int]]:
    keys = [_key(each) for each in told] if told is not None else [""] * len(tags)
    times = Counter(map(folded_name, tags))
    names: list[str] = []
    for i, (tag, key) in enumerate(zip(tags, keys, strict=True)):
        if times[folded_name(tag)] == 1 and tag:
            names.append(tag)
            continue
        if not key:
            twice = [str(j + 1) for j, other in enumerate(tags) if folded_name(other) == folded_name(tag)]
            raise FileFormatError(
                f"{where}: the columns {' and '.join(twice)} have the same name {tag!r}, and no ImportId tells them "
                "apart. Give each question an export tag of its own in Qualtrics, and export again."
            )
        names.append(f"{tag}#{key}" if key not in names else f"{tag}#{key}#{i}")
    aliases = {key: i for i, key in enumerate(keys) if key and key not in names}
    return names, aliases


def _number(text: str) -> str:
    digits = text.rpartition("_")[2]
    return digits if digits.isdigit() else ""


def _matrix(names: Sequence[str], told: Sequence[Mapping[str, object]] | None, where: str) -> Iterator[Issue]:
    """Warn where rows of a matrix are numbered otherwise in the tag than in the ImportId."""
    if told is None:
        return
    found = []
    for name, each in zip(names, told, strict=True):
        key = _key(each)
        if _number(name) and _number(key) and _number(name) != _number(key) and key.startswith("QID"):
            found.append(f"{name} = {key}")
    if found:
        what = f"{counted(len(found), 'column')} numbered otherwise by the tag than by Qualtrics: "
        what += f"{', '.join(found[:5])}."
        why = "Recoded or moved rows of a matrix can stand under another item's name."
        fix = "Compare the question text of these columns with the items; give columns= where one is wrong."
        yield Issue("collect.matrix_recode", Severity.WARNING, where, what, why, fix)


def _zone(told: Sequence[Mapping[str, object]] | None) -> str:
    zones = {str(each["timeZone"]) for each in told or () if each.get("timeZone")}
    return zones.pop() if len(zones) == 1 else ""


def _no_status(where: str) -> Issue:
    what = "has no column Status, so previews and tests cannot be told from people."
    why = "Answers of your own previews would count as data."
    fix = "Export with the column Status ('Remove columns' off), or say that there were none."
    return Issue("collect.no_status", Severity.WARNING, where, what, why, fix)
