"""One file, read against the study: who, when, in which condition, and what they answered."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.collect.platforms.raw import Raw
from feedbackstudy.collect.platforms.recognise import raw_of
from feedbackstudy.collect.quoting import unknown_cell
from feedbackstudy.collect.read_columns import ColumnMap, map_columns
from feedbackstudy.collect.read_findings import value_issues
from feedbackstudy.collect.read_items import ItemSpec, covariate_spec
from feedbackstudy.collect.read_numbers import Marks, marks_of
from feedbackstudy.collect.read_options import ReadOptions
from feedbackstudy.collect.read_probe import refuse_at_once
from feedbackstudy.collect.read_values import Misread, ReadColumn, counted_texts, read_column
from feedbackstudy.collect.text_bytes import Content, read_content
from feedbackstudy.collect.text_table import TextTable, folded_name
from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.study import Study

__all__ = ["FileRows", "file_labels", "read_file", "row_names"]

type Texts = NDArray[np.object_]

_SHOWN = 10
_DAY = 86_400.0


@dataclass(slots=True, kw_only=True)
class FileRows:
    """The rows of one file.

    Attributes
    ----------
    content : Content
        The file.
    raw : Raw
        Its cells.
    columns : ColumnMap
        Which column is which.
    participant, occasion : ndarray of object
        Who, and when; ``""`` where the id is empty.
    read : dict of str to ReadColumn
        Items, covariates and numbers.
    issues : list of Issue
        What was found.
    """

    content: Content
    raw: Raw
    columns: ColumnMap
    participant: Texts
    occasion: Texts
    read: dict[str, ReadColumn] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.raw.table)

    @property
    def table(self) -> TextTable:
        """The cells."""
        return self.raw.table

    def texts(self, target: str) -> Texts | None:
        """Return the cells of a column of the study.

        Parameters
        ----------
        target : str
            Its name.

        Returns
        -------
        ndarray of object or None
            None where the file does not have it.
        """
        place = self.columns.places.get(target)
        return None if place is None else self.table.texts(place)


def read_file(
    path: Path, study: Study, specs: Sequence[ItemSpec], options: ReadOptions, occasion: str | None
) -> FileRows:
    """Read one file against the study.

    Parameters
    ----------
    path : Path
        The file.
    study : Study
        The study.
    specs : sequence of ItemSpec
        Its items.
    options : ReadOptions
        What is known about the file.
    occasion : str or None
        The wave it holds; read off a column where left out.

    Returns
    -------
    FileRows
        Every row of the file, those included that will be left out.

    Raises
    ------
    InputError
        Where the file cannot be read, or nobody can be told apart in it.
    """
    content = read_content(path, max_megabytes=options.max_megabytes)
    refuse_at_once(content, path, study, specs, options, occasion)
    raw = raw_of(content, path, options)
    columns = map_columns(raw, specs, study, options, occasion=occasion)
    issues = [*raw.issues, *columns.issues]
    rows = FileRows(
        content=content,
        raw=raw,
        columns=columns,
        participant=_participants(raw, columns, options, issues),
        occasion=_occasions(raw, columns, study, occasion),
        issues=issues,
    )
    _read_answers(rows, study, specs, options)
    _unasked_columns(rows)
    return rows


def _participants(raw: Raw, columns: ColumnMap, options: ReadOptions, issues: list[Issue]) -> Texts:
    where = raw.table.where
    place = columns.places.get("participant")
    if place is None and raw.roles.response:
        place = raw.names.index(raw.roles.response)
        what = f"has no column for participants, so each response ({raw.roles.response}) counts as a person."
        why = "Somebody who answered twice counts twice, and waves cannot be matched."
        fix = "Pass the id into the survey (fs_pid), or say participant='column'."
        issues.append(Issue("collect.response_as_person", Severity.WARNING, where, what, why, fix))
    if place is None:
        raise DataError(
            f"{where}: no column names the participants (participant or fs_pid). Say participant='column'. "
            f"{choices('Column', 'participant', raw.names)}"
        )
    given = [str(text) for text in raw.table.columns[place].categories.to_numpy(dtype=object)]
    plain = [unicodedata.normalize("NFC", text).strip() for text in given]
    if options.same_case:
        plain = [text.casefold() for text in plain]
    codes = np.asarray(raw.table.columns[place].codes)
    mended = np.array([a != b for a, b in zip(given, plain, strict=True)], dtype=bool)[codes]
    if mended.any():
        what = f"{counted(int(mended.sum()), 'id was', 'ids were')} rid of blanks around or brought into one "
        what += "Unicode form (NFC)."
        why = "The same person would count as two."
        issues.append(Issue("collect.ids_mended", Severity.NOTE, where, what, why, "Nothing to do."))
    if any("@" in text and "." in text for text in plain) and options.pseudonym is None:
        what = f"{counted(sum('@' in text for text in plain), 'id looks', 'ids look')} like an e-mail address."
        why = "Every result, ledger and message would name people."
        fix = "Give pseudonym= (a keyed pseudonym of collect), or pass another id into the survey."
        issues.append(Issue("collect.email_as_id", Severity.ERROR, where, what, why, fix))
        plain = [f"person {i + 1}" for i in range(len(plain))]
    if options.pseudonym is not None:
        plain = [options.pseudonym(text) if text else "" for text in plain]
    return np.array(plain, dtype=object)[codes]


def _occasions(raw: Raw, columns: ColumnMap, study: Study, given: str | None) -> Texts:
    waves = study.waves.names
    n = len(raw.table)
    place = columns.places.get("occasion")
    if given is not None:
        if given not in waves:
            raise DataError(choices("Wave", given, waves))
        if place is None:
            return np.full(n, given, dtype=object)
    if place is None:
        if len(waves) == 1:
            return np.full(n, waves[0], dtype=object)
        raise DataError(
            f"{raw.table.where}: the study has the waves {', '.join(waves)}, and no column 'occasion' says which this "
            "is. Give occasion='t0', or the files of all waves: collect.read({'t0': ..., 't1': ...}, study)."
        )
    texts = raw.table.texts(place)
    found = {text: count for _, text, count in counted_texts(raw.table.columns[place])}
    for text in found:
        if text.partition(".")[0] not in waves or (given is not None and text.partition(".")[0] != given):
            told = unknown_cell("Occasion", text, waves if given is None else [given])
            raise DataError(f"{raw.table.where}: {told} It stands in {counted(found[text], 'row')}.")
    return texts


def _read_answers(rows: FileRows, study: Study, specs: Sequence[ItemSpec], options: ReadOptions) -> None:
    raw, places, where = rows.raw, rows.columns.places, rows.table.where
    wanted = [spec for spec in specs if spec.name in places and (spec.kind != "open" or options.open_answers)]
    wanted += [covariate_spec(covariate) for covariate in study.covariates if covariate.name in places]
    wanted += [
        ItemSpec(name=name, measure=name, position=0, kind="numbers", low=low, labels={})
        for name, low in (("duration_seconds", None), ("period", 1.0))
        if name in places
    ]
    marks = _marks(rows, wanted, options)
    missing = options.missing_codes
    found: list[tuple[ItemSpec, str, Misread]] = []
    for spec in wanted:
        place = places[spec.name]
        name = raw.names[place]
        labels = {**file_labels(raw, name, spec), **options.labels_of(spec.measure, spec.name)}
        rows.issues += _disagreeing(where, raw, name, spec)
        made = read_column(
            raw.table.columns[place], spec, marks, labels=labels, missing=missing, where=rows.table.where
        )
        if name in raw.reasons:
            empty = made.reasons != 0
            made.reasons[empty] = np.where(raw.reasons[name][empty] != 0, raw.reasons[name][empty], made.reasons[empty])
        rows.read[spec.name] = made
        found.append((spec, name, made.misread))
    rows.issues += value_issues(where, found, rows.table.lines)
    rows.issues += _durations(rows)


def _durations(rows: FileRows) -> Iterator[Issue]:
    if "duration_seconds" not in rows.read:
        return
    seconds = rows.read["duration_seconds"].answers.astype(np.float64)
    odd = (seconds < 0) | (seconds > _DAY)
    if odd.any():
        what = f"{counted(int(odd.sum()), 'questionnaire')} took less than no time or more than a day; nothing was "
        what += "changed."
        why = "A clock was wrong, or somebody came back another day; rules about speed would hit or miss them."
        fix = "Exclude only by a rule of the plan."
        names = row_names(rows)
        who = tuple(names[i] for i in np.flatnonzero(odd)[:_SHOWN])
        yield Issue("collect.odd_duration", Severity.WARNING, rows.table.where, what, why, fix, who)


def file_labels(raw: Raw, name: str, spec: ItemSpec) -> dict[str, str]:
    """Return what the labels of a file mean in the study.

    Parameters
    ----------
    raw : Raw
        The file.
    name : str
        Its column.
    spec : ItemSpec
        What the study declares.

    Returns
    -------
    dict
        Text -> code of the study: labels where codes are numbers, the file's numbers where the study has words.
    """
    told = raw.labels.get(name, {})
    if not spec.words:
        return dict(told)
    ours = {folded_name(word): word for word in spec.words}
    ours |= {folded_name(label): code for code, label in spec.labels.items()}
    return {code: ours[folded_name(label)] for label, code in told.items() if folded_name(label) in ours}


def _disagreeing(where: str, raw: Raw, name: str, spec: ItemSpec) -> Iterator[Issue]:
    """Find labels of the file that stand at another code than in the study."""
    if spec.words:
        return
    ours = {folded_name(label): code for code, label in spec.labels.items()}
    other = [
        f"{label!r} is {code} in the file and {ours[folded_name(label)]} in the study"
        for label, code in raw.labels.get(name, {}).items()
        if folded_name(label) in ours and ours[folded_name(label)] != code
    ]
    if other:
        what = f"the labels of {name} stand at other codes than declared: {'; '.join(other[:3])}."
        why = "Scores would be shifted or turned round."
        fix = "Recode in the platform, or declare the response format that was fielded."
        yield Issue("collect.labels_disagree", Severity.ERROR, where, what, why, fix)


def _marks(rows: FileRows, wanted: Sequence[ItemSpec], options: ReadOptions) -> Marks:
    places = rows.columns.places
    texts: set[str] = set()
    for spec in wanted:
        if spec.kind == "numbers":
            texts |= {text for _, text, _ in counted_texts(rows.table.columns[places[spec.name]])}
    marks, found = marks_of(
        texts, rows.table.delimiter, rows.table.where, decimal=options.decimal, thousands=options.thousands
    )
    rows.issues += found
    return marks


def _unasked_columns(rows: FileRows) -> None:
    where = rows.table.where
    rows.issues += _dropped(where, rows.raw.identifiers, rows.columns, rows.raw.names)
    if rows.columns.unused:
        shown = ", ".join(rows.columns.unused[:_SHOWN])
        more = f" and {len(rows.columns.unused) - _SHOWN} more" if len(rows.columns.unused) > _SHOWN else ""
        what = f"{counted(len(rows.columns.unused), 'column')} left out that nothing declares: {shown}{more}."
        why = "An item under a name of its own would be missing."
        fix = "Where one is an item, say columns={'name in the file': 'item'}."
        rows.issues.append(Issue("collect.columns_left_out", Severity.NOTE, where, what, why, fix))


def _dropped(where: str, identifiers: Sequence[str], columns: ColumnMap, names: Sequence[str]) -> Iterator[Issue]:
    used = {names[place] for place in columns.places.values()}
    gone = [name for name in identifiers if name not in used]
    if gone:
        shown = ", ".join(gone[: 2 * _SHOWN]) + (
            f" and {len(gone) - 2 * _SHOWN} more" if len(gone) > 2 * _SHOWN else ""
        )
        what = f"{counted(len(gone), 'column')} left out unread, by which people could be told: {shown}."
        why = "Results and shared data must not tell who somebody is."
        yield Issue("collect.identifiers_dropped", Severity.NOTE, where, what, why, "Nothing to do.")


def row_names(rows: FileRows) -> list[str]:
    """Return a name for every row: its participant, or its line.

    Parameters
    ----------
    rows : FileRows
        A file.

    Returns
    -------
    list of str
        ``"row 12"`` where the id is empty.
    """
    lines = rows.table.lines
    return [str(who) if who else f"row {line}" for who, line in zip(rows.participant, lines, strict=True)]
