"""`read`: from exports of a survey platform to `Responses`, with a line for everything that happened on the way."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.collect.consent import CONSENT, RE_CONSENT, WITHDRAWN
from feedbackstudy.collect.first_answer import first_answer
from feedbackstudy.collect.matching import match_waves, unmatched
from feedbackstudy.collect.plan_history import note_reading
from feedbackstudy.collect.read_asked import asked_reasons
from feedbackstudy.collect.read_file import FileRows, read_file
from feedbackstudy.collect.read_import import Import, ImportedFile
from feedbackstudy.collect.read_items import ItemSpec, item_specs
from feedbackstudy.collect.read_joining import (
    Rows,
    join_files,
    leave_out_absent,
    leave_out_duplicates,
    leave_out_no_people,
)
from feedbackstudy.collect.read_options import ReadOptions, options_of
from feedbackstudy.collect.read_people import add_people, cluster_names
from feedbackstudy.collect.read_wording import wording_issues
from feedbackstudy.collect.reading_file import curable
from feedbackstudy.errors import DataError, FeedbackstudyError, choices
from feedbackstudy.files import read_bounded
from feedbackstudy.frames import Responses
from feedbackstudy.issues import Issues
from feedbackstudy.provenance import SIMULATED, Provenance
from feedbackstudy.render import counted
from feedbackstudy.study import Study

__all__ = ["inspect", "read"]

type Source = str | Path | Mapping[str, str | Path] | Sequence[str | Path]

_FATAL = frozenset({"collect.unknown_answer", "collect.ambiguous_number", "collect.duplicate_person", "collect.no_id"})


def read(path: Source, study: Study, **options: object) -> Responses:
    """Read the answers to a study from an export.

    Parameters
    ----------
    path : str, Path, mapping or sequence
        The file: CSV, TSV or XLSX, an export of Qualtrics or LimeSurvey, or an SPSS file; .gz or .zip of one of these.
        Several waves as ``{"t0": file, "t1": file}``; the same file for each where it holds waves side by side
        (``t0_mood``, ``t1_mood``).
    study : Study
        The study; its waves, measures and conditions say what is looked for.
    **options : object
        What may be said about the file, as `ReadOptions` lists it: ``platform, occasion, participant, allocation,
        columns, labels, missing, decimal, thousands, encoding, delimiter, sheet, allow_ragged, max_megabytes,
        duplicates, same_case, pseudonym, not_fielded, open_answers, zone, wordings``. `reading_file` reads them from a
        file that the command line uses as well.

    Returns
    -------
    Responses
        One row for each participant and occasion, with a reason beside every missing answer; `issues` holds what was
        found, and the ledger names every row that was left out.

    Raises
    ------
    InputError
        Where the file cannot be read, or an error was found; `inspect` shows everything without raising.

    Notes
    -----
    Cells are read as text; only an empty cell is missing. Each cell of a text table is compared with the bytes of the
    file. Nothing is guessed: an encoding, a decimal mark or a label that is not certain is an error that says how to
    declare it.
    """
    made = inspect(path, study, **options)
    errors = made.issues.errors
    if made.responses is None or errors:
        listed = "\n".join(f"- {issue}" for issue in errors)
        raise DataError(
            "The answers cannot be used as they are; "
            f"{counted(len(errors), 'error was', 'errors were')} found:\n{listed}"
        )
    return made.responses


def inspect(path: Source, study: Study, **options: object) -> Import:
    """Read the answers to a study and return everything that was found.

    Parameters
    ----------
    path : str, Path, mapping or sequence
        As in `read`.
    study : Study
        The study.
    **options : object
        As in `read`.

    Returns
    -------
    Import
        The answers as far as they can be had, the findings, and how every column was understood.

    Raises
    ------
    InputError
        Where a file cannot be read at all.
    """
    how = options_of(options)
    specs = _fielded(study, how)
    sources = _sources(path, how)
    files = [read_file(file, study, specs, how, occasion) for occasion, file in sources]
    rows = join_files(files, specs)
    items = [spec.name for spec in specs]
    leave_out_no_people(rows, files)
    leave_out_absent(rows, files, items)
    leave_out_duplicates(rows, files, how.duplicates, items, planned=study.plan.duplicates)
    waves = match_waves(rows.participant, rows.occasion, study.waves.names, rows.keep)
    rows.issues += unmatched(waves)
    add_people(rows, files, study, how)
    asked_reasons(rows, files, study, specs, how)
    rows.issues += [issue for file in files for issue in wording_issues(file, specs, how)]
    times = _times(rows, files, how)
    made_by = Provenance(
        made_by="collect.read",
        conventions=_conventions(files),
        design_hash=study.design_hash,
        data_sha256=tuple((file.content.name, file.content.sha256) for file in files),
        simulated=any(_is_invented(file) for _, file in sources),
        answered_since=first_answer(times),
    )
    rows.issues += filter(None, [note_reading(study, made_by)])
    issues = curable(rows.issues)
    fatal = any(issue.code in _FATAL for issue in issues.errors) or not rows.keep.any()
    return Import(
        responses=None if fatal else _responses(rows, study, specs, how, made_by, issues),
        issues=issues,
        files=tuple(map(_told, files)),
        mapping=pd.concat([_mapping(file) for file in files], ignore_index=True),
        audit=_audit(files),
        times=times,
        provenance=made_by,
        waves=waves,
    )


def _fielded(study: Study, how: ReadOptions) -> tuple[ItemSpec, ...]:
    for name in how.not_fielded:
        if name not in study.measures.names:
            raise DataError(choices("Measure", name, study.measures.names))
    return item_specs(study)


def _sources(path: Source, how: ReadOptions) -> list[tuple[str | None, Path]]:
    if isinstance(path, str | Path):
        return [(how.occasion, Path(path))]
    if isinstance(path, Mapping):
        found: list[tuple[str | None, Path]] = [(str(name), Path(file)) for name, file in path.items()]
    else:
        found = [(how.occasion, Path(file)) for file in path]
    if not found:
        raise DataError("No file was given; give a path, or one for each wave: {'t0': ...}.")
    return found


def _conventions(files: Sequence[FileRows]) -> tuple[str, ...]:
    proved = sum(file.table.n_proved for file in files)
    platforms = ", ".join(dict.fromkeys(file.raw.platform for file in files))
    told = [f"read as {platforms}", "every cell read as text; only an empty cell is missing"]
    if proved:
        told.append(f"{proved:,} cells compared with the bytes of the files: equal")
    return tuple(told)


def _is_invented(path: Path) -> bool:
    """Say whether the file beside a table tells that nobody answered, as ours do."""
    beside = path.with_name(f"{path.name}.provenance.json")
    if not beside.is_file():
        return False
    try:
        return SIMULATED in json.dumps(json.loads(read_bounded(beside, 1_000_000)))
    except (FeedbackstudyError, ValueError, RecursionError):
        return False


def _responses(
    rows: Rows,
    study: Study,
    specs: Sequence[ItemSpec],
    how: ReadOptions,
    made_by: Provenance,
    issues: Issues,
) -> Responses:
    people = pd.factorize(rows.participant)[0]
    ranks = {wave: i for i, wave in enumerate(study.waves.names)}
    wave = np.array([ranks[str(name)] for name in rows.wave])
    order = np.lexsort((rows.occasion.astype(str), wave, people))
    order = order[rows.keep[order]]
    items = [spec for spec in specs if spec.kind != "open" or how.open_answers]
    extra = [name for name in ("period", "duration_seconds", CONSENT, RE_CONSENT, WITHDRAWN) if name in rows.columns]
    covariates = (*study.covariates.names, *extra)
    columns: dict[str, object] = {
        "participant": rows.participant[order],
        "arm": rows.columns["arm"][order],
        "occasion": rows.occasion[order],
    }
    for name in (*study.factors.names, *cluster_names(study), *covariates):
        columns[name] = rows.columns[name][order]
    for spec in items:
        values = rows.columns[spec.name][order]
        columns[spec.name] = _answers(values, is_number=spec.kind == "numbers")
    return Responses.from_frame(
        pd.DataFrame(columns),
        items=[spec.name for spec in items],
        factors=study.factors.names,
        clusters=cluster_names(study),
        covariates=covariates,
        reasons={spec.name: rows.reasons[spec.name][order] for spec in items},
        already_reversed=(),
        ledger=rows.ledger,
        design_hash=study.design_hash,
        provenance=made_by,
        issues=Issues(issue for issue in issues),
    )


def _answers(values: NDArray[np.float64] | NDArray[np.object_], *, is_number: bool) -> pd.Series:
    if not is_number:
        return pd.Series(values, dtype=object)
    return pd.Series(values.astype(np.float64), dtype="Float64")


def _told(file: FileRows) -> ImportedFile:
    return ImportedFile(
        name=file.content.name,
        sha256=file.content.sha256,
        platform=file.raw.platform,
        encoding=file.table.encoding,
        delimiter=file.table.delimiter,
        rows=len(file),
        cells_proved=file.table.n_proved,
    )


def _mapping(file: FileRows) -> pd.DataFrame:
    becomes = {place: target for target, place in file.columns.places.items()}
    gone = {*file.raw.identifiers}
    return pd.DataFrame(
        {
            "file": file.content.name,
            "column": list(file.raw.names),
            "becomes": [becomes.get(i, "") for i in range(len(file.raw.names))],
            "left_out": [
                "" if i in becomes else "identifies people" if name in gone else "not declared"
                for i, name in enumerate(file.raw.names)
            ],
            "question": [file.raw.questions.get(name, "") for name in file.raw.names],
        }
    )


def _audit(files: Sequence[FileRows]) -> pd.DataFrame:
    lines = [
        (file.content.name, name, text, value, count)
        for file in files
        for name, column in file.read.items()
        for text, (value, count) in column.table.items()
        if len(column.table) <= 200
    ]
    return pd.DataFrame(lines, columns=["file", "column", "text", "value", "cells"])


def _times(rows: Rows, files: Sequence[FileRows], how: ReadOptions) -> pd.DataFrame:
    parts = []
    for file in files:
        roles, names = file.raw.roles, file.raw.names
        texts = {
            label: file.table.texts(names.index(name)) if name else np.full(len(file), "", dtype=object)
            for label, name in (("started", roles.started), ("ended", roles.ended))
        }
        parts.append(pd.DataFrame({**texts, "zone": how.zone or file.raw.zone}))
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "occasion", rows.occasion)
    table.insert(0, "participant", rows.participant)
    return table[rows.keep].reset_index(drop=True)
