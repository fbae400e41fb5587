"""`write_responses`: responses in the layout of a survey platform, file by file as its export would hold them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.adapters.openpyxl import write_sheet
from feedbackstudy.adapters.pyreadstat import write_sav
from feedbackstudy.collect.platforms.cells import MISSING_CODES, cells_of, condition_keys
from feedbackstudy.collect.platforms.limesurvey import question_code
from feedbackstudy.collect.platforms.sav_columns import SavColumns, sav_columns
from feedbackstudy.collect.read_items import ItemSpec, code_text, item_specs
from feedbackstudy.collect.text_table import refuse_alike
from feedbackstudy.errors import InputError, choices
from feedbackstudy.files import staged_file, write_atomic
from feedbackstudy.frames import Responses
from feedbackstudy.study import Study

__all__ = ["MISSING_CODES", "write_responses"]

type Files = dict[str, Path] | Path
type Column = NDArray[np.object_]

PLATFORMS = ("qualtrics", "limesurvey", "plain", "xlsx", "sav")


def write_responses(responses: Responses, study: Study, folder: str | Path, *, platform: str = "plain") -> Files:
    """Write responses in the layout of a survey platform.

    Parameters
    ----------
    responses : Responses
        The answers, invented or real.
    study : Study
        The study they belong to.
    folder : str or Path
        Where the files go; they must be new.
    platform : {"plain", "xlsx", "sav", "qualtrics", "limesurvey"}
        One table for all waves, or one export for each wave as a platform gives it.

    Returns
    -------
    Path or dict of str to Path
        The file, or wave -> file; `collect.read` takes either.

    Raises
    ------
    InputError
        For an unknown platform, a file that exists, or an answer that is a code for a missing answer.

    Notes
    -----
    A skipped or not asked cell is empty. An answer refused is -98 and one missing by the user -99, in SPSS declared as
    user-missing; read other files back with ``missing=MISSING_CODES``. Beside invented answers lies a file saying so.
    Text tables are written raw, for programs; give people `write_spreadsheet`, as a spreadsheet program may run text
    that begins with ``=``. The sheet of ``xlsx`` holds text as text.
    """
    if platform not in PLATFORMS:
        raise InputError(choices("Platform", platform, PLATFORMS))
    where = Path(folder)
    specs = [spec for spec in item_specs(study) if spec.name in responses.items]
    if platform in {"qualtrics", "limesurvey"}:
        made: dict[str, Path] = {}
        base = responses.column("occasion").astype(str).str.partition(".")[0]
        for wave in study.waves:
            rows = (base == wave.name).to_numpy()
            if rows.any():
                asked = [spec for spec in specs if wave.name in spec.waves]
                text = (_qualtrics if platform == "qualtrics" else _limesurvey)(
                    responses, study, asked, rows, wave.name
                )
                made[wave.name] = _written(where / f"{wave.name}.csv", text, responses)
        return made
    if platform == "sav":
        return _sav(responses, study, specs, where / "responses.sav")
    names = list(responses.columns)
    columns = cells_of(responses, names, specs)
    if platform == "xlsx":
        path = _new(where / "responses.xlsx")
        with staged_file(path, private=True) as staged:
            write_sheet(staged, names, zip(*(columns[name] for name in names), strict=True))
        return _marked(path, responses)
    return _written(where / "responses.csv", _csv([names], columns, names), responses)


def _new(path: Path) -> Path:
    if path.exists():
        raise InputError(f"{path} exists already and is left alone; choose another folder.")
    return path


def _written(path: Path, text: str, responses: Responses) -> Path:
    write_atomic(_new(path), text, private=True)
    return _marked(path, responses)


def _marked(path: Path, responses: Responses) -> Path:
    """Write beside invented answers that nobody answered."""
    if responses.provenance.simulated:
        facts = dict(responses.provenance.facts().pairs)
        write_atomic(path.with_name(f"{path.name}.provenance.json"), json.dumps(facts, indent=2) + "\n")
    return path


def _csv(
    heads: Sequence[Sequence[str]],
    columns: Mapping[str, Column],
    names: Sequence[str],
    *,
    quote: int = csv.QUOTE_MINIMAL,
) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", quoting=quote)  # type: ignore[arg-type]
    writer.writerows(heads)
    writer.writerows(zip(*(columns[name] for name in names), strict=True))
    return stream.getvalue()


def _people(responses: Responses, study: Study, rows: NDArray[np.bool_], wave: str) -> dict[str, Column]:
    """Return what a survey carries along about people: embedded data, and covariates asked at this wave."""
    frame = responses.frame.loc[rows]
    carried: dict[str, Column] = {
        "fs_pid": frame["participant"].to_numpy(dtype=object),
        "fs_cond": condition_keys(frame, study),
        "fs_wave": frame["occasion"].to_numpy(dtype=object),
    }
    known = [c.name for c in study.covariates if c.known_from in {"roster", wave}]
    rest = [n for n in responses.covariates if n not in study.covariates.names and n != "duration_seconds"]
    for name in (*responses.clusters, *known, *rest):
        carried["fs_exemplar" if name == "exemplar" else name] = cells_of(responses, [name], [])[name][rows]
    return carried


def _qualtrics(
    responses: Responses, study: Study, specs: Sequence[ItemSpec], rows: NDArray[np.bool_], wave: str
) -> str:
    n = int(rows.sum())
    own = {
        "StartDate": "2026-05-04 10:00:00",
        "EndDate": "2026-05-04 10:05:00",
        "Status": "0",
        "Progress": "100",
        "Finished": "1",
        "RecordedDate": "2026-05-04 10:05:01",
        "DistributionChannel": "anonymous",
        "UserLanguage": "EN",
    }
    columns: dict[str, Column] = {name: np.full(n, text, dtype=object) for name, text in own.items()}
    columns["ResponseId"] = np.array([f"R_{wave}{i + 1:06d}" for i in range(n)], dtype=object)
    if "duration_seconds" in responses.covariates:
        columns["Duration (in seconds)"] = cells_of(responses, ["duration_seconds"], [])["duration_seconds"][rows]
    answers = cells_of(responses, [spec.name for spec in specs], specs)
    columns |= {name: values[rows] for name, values in answers.items()}
    columns |= _people(responses, study, rows, wave)
    names = list(columns)
    questions = {spec.name: f"{spec.measure}\n(one answer in each row) - {spec.text or spec.tag}" for spec in specs}
    qid = {measure: i for i, measure in enumerate(dict.fromkeys(spec.measure for spec in specs), start=1)}
    keys = {s.name: f"QID{qid[s.measure]}" + (f"_{s.position}" if s.position else "") for s in specs}
    told = [json.dumps({"ImportId": keys.get(name, name)}) for name in names]
    return _csv([names, [questions.get(name, name) for name in names], told], columns, names)


def _limesurvey(
    responses: Responses, study: Study, specs: Sequence[ItemSpec], rows: NDArray[np.bool_], wave: str
) -> str:
    n = int(rows.sum())
    columns: dict[str, Column] = {"id": np.array([str(i + 1) for i in range(n)], dtype=object)}
    own = {"submitdate": "2026-05-04 10:05:00", "lastpage": "3", "startlanguage": "en", "seed": "1"}
    columns |= {name: np.full(n, text, dtype=object) for name, text in own.items()}
    answers = cells_of(responses, [spec.name for spec in specs], specs)
    for spec in specs:
        code = question_code(spec.measure)
        columns[f"{code}[SQ{spec.position:03d}]" if spec.position else code] = answers[spec.name][rows]
    for name, values in _people(responses, study, rows, wave).items():
        columns[question_code(name)] = values
    if "duration_seconds" in responses.covariates:
        columns["interviewtime"] = cells_of(responses, ["duration_seconds"], [])["duration_seconds"][rows]
    refuse_alike(list(columns), "the question codes of the export")
    names = list(columns)
    return "\ufeff" + _csv([names], columns, names, quote=csv.QUOTE_ALL)


def _sav(responses: Responses, study: Study, specs: Sequence[ItemSpec], path: Path) -> Path:
    told: SavColumns = sav_columns(responses.columns, study, specs)
    frame = responses.frame
    missing: dict[str, list[float | str]] = {}
    columns: dict[str, object] = {}
    cells = cells_of(responses, list(responses.columns), specs)
    for name in responses.columns:
        if name in told.numbers:
            columns[name] = np.array([np.nan if c == "" else float(c) for c in cells[name]], dtype=np.float64)
        else:
            columns[name] = cells[name].astype(str)
        if name in responses.items:
            codes = sorted(MISSING_CODES)
            missing[name] = [*codes] if name in told.numbers else [code_text(code) for code in codes]
    with staged_file(_new(path), private=True) as staged:
        write_sav(
            staged,
            pd.DataFrame(columns, index=frame.index),
            labels=told.labels,
            value_labels=told.value_labels,
            missing=missing,
            measures=told.measures,
            note=responses.provenance.mark or "written by feedbackstudy",
        )
    return _marked(path, responses)
