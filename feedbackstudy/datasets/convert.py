"""From the files that authors posted to our tables: what is kept, renamed, rounded and dropped, one function each.

Every function takes path -> bytes and returns the converted frame. A layout other than the one read is an error.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from feedbackstudy import yamlfile
from feedbackstudy.errors import FileFormatError

__all__ = ["CONVERSIONS", "convert"]

type Files = Mapping[str, bytes]


def convert(conversion: str, files: Files, columns: Sequence[str]) -> bytes:
    """Convert posted files to our table.

    Parameters
    ----------
    conversion : str
        A name in `CONVERSIONS`.
    files : mapping of str to bytes
        Path of each original -> its content, in the order of the registry.
    columns : sequence of str
        Columns to keep, in order.

    Returns
    -------
    bytes
        The table as CSV, UTF-8, line feeds.

    Raises
    ------
    FileFormatError
        Where a file has another layout than the one known.
    """
    try:
        frame = CONVERSIONS[conversion](files)[list(columns)]
    except (KeyError, ValueError, UnicodeDecodeError) as fault:
        raise FileFormatError(
            f"The posted file(s) {', '.join(files)} have another layout than the one known to {conversion!r}: {fault}. "
            "Nothing was written."
        ) from fault
    return frame.to_csv(index=False, lineterminator="\n").encode("utf-8")


def _read(content: bytes, separator: str = ",") -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), sep=separator)


def _yes_no(column: pd.Series) -> pd.Series:
    return column.map({"Yes": 1, "No": 0, "yes": 1, "no": 0}).astype(int)


_CLASS_COLUMNS = {
    "manyclasses_course_id": "course_id",
    "manyclasses_institution_id": "institution_id",
    "IncentiveCondition": "incentivised",
    "Class_Discipline": "discipline",
    "Class_Format": "format",
    "Class_Size": "class_size",
    "Class_Level": "level",
    "Quiz_NumberOfDayDelay_BetweenDueDateandDelayedFeedback": "delay_days",
    "Quiz_TypeOfFeedbackContent": "feedback_content",
    "Quiz_Difficulty_AveragePercentCorrect": "quiz_prop_correct",
    "Exam_Difficulty_AveragePercentCorrect": "exam_prop_correct",
    "Class_NumberOfTreatmentQuizzes": "n_quizzes",
    "Quiz_CumulativeNumberofQuizQuestions": "n_quiz_items",
}


def _classes(content: bytes) -> pd.DataFrame:
    table = _read(content)[list(_CLASS_COLUMNS)].rename(columns=_CLASS_COLUMNS)
    return table.assign(incentivised=_yes_no(table["incentivised"])).sort_values("course_id")


def _manyclasses_classes(files: Files) -> pd.DataFrame:
    (content,) = files.values()
    return _classes(content)


def _manyclasses_timing(files: Files) -> pd.DataFrame:
    outcomes, classes = files.values()
    names = {
        "manyclasses_institution_id": "institution_id",
        "manyclasses_course_id": "course_id",
        "manyclasses_student_id": "student",
        "z_diff": "delta_z",
    }
    table = _read(outcomes)[list(names)].rename(columns=names)
    table["student"] = pd.factorize(table["student"])[0] + 1
    incentive = _classes(classes).set_index("course_id")["incentivised"]
    table["incentivised"] = table["course_id"].map(incentive).astype(int)
    return table.sort_values(["course_id", "student"], kind="stable")


_JUIJN_RATINGS = ("original", "dp_mitigated", "dp_perfect", "eqo_mitigated", "eqo_perfect")
_JUIJN_GROUPS = (
    (1, "outcome_only"),
    (2, "outcome_and_process_sensitive"),
    (3, "outcome_and_process_no_sensitive"),
)
_JUIJN_FIRST_RATING, _JUIJN_BLOCKS, _JUIJN_GENDER = 8, 6, 40
_JUIJN_COLUMNS = 42
_JUIJN_HEADER_ROWS = 2


def _juijn(files: Files) -> pd.DataFrame:
    """Six blocks of five ratings (three amounts of information x order A, B), in the order of the survey's columns."""
    (content,) = files.values()
    raw = pd.read_csv(io.BytesIO(content), sep="\t", dtype=str).iloc[_JUIJN_HEADER_ROWS:]
    first = str(raw.columns[_JUIJN_FIRST_RATING])
    if raw.shape[1] != _JUIJN_COLUMNS or first != "ORIG A DIST_1" or str(raw.columns[_JUIJN_GENDER]) != "gender ":
        raise ValueError(f"expected {_JUIJN_COLUMNS} columns with the ratings from 'ORIG A DIST_1' on, found {first!r}")
    parts = []
    for block in range(_JUIJN_BLOCKS):
        start = _JUIJN_FIRST_RATING + block * len(_JUIJN_RATINGS)
        ratings = raw.iloc[:, start : start + len(_JUIJN_RATINGS)].set_axis(list(_JUIJN_RATINGS), axis=1)
        complete = ratings.dropna().astype(int)
        group, information = _JUIJN_GROUPS[block // 2]
        complete.insert(0, "group", group)
        complete.insert(1, "information", information)
        complete.insert(2, "version", "AB"[block % 2])
        complete["gender"] = raw.iloc[:, _JUIJN_GENDER].reindex(complete.index).map(_juijn_gender)
        parts.append(complete)
    table = pd.concat(parts).sort_index(kind="stable").sort_values("group", kind="stable").reset_index(drop=True)
    table.insert(0, "participant", table.index + 1)
    return table.assign(in_published=_juijn_in_published(table))


def _juijn_gender(text: object) -> str:
    return {"Male": "male", "Female": "female"}.get(str(text), "other")


def _juijn_in_published(table: pd.DataFrame) -> pd.Series:
    """Mark the row of group 3 without which the published values come out (original 1, dp 6.0, eqo 2.5)."""
    dp, eqo = table[["dp_mitigated", "dp_perfect"]].mean(axis=1), table[["eqo_mitigated", "eqo_perfect"]].mean(axis=1)
    left_out = (table["group"] == _JUIJN_GROUPS[-1][0]) & (table["original"] == 1) & (dp == 6.0) & (eqo == 2.5)
    return 1 - (left_out & (left_out.cumsum() == 1)).astype(int)


def _nagy(files: Files) -> pd.DataFrame:
    (content,) = files.values()
    table = _rounded(content).rename(columns={"out_1": "stress_factor", "out_2": "boredom_factor"})
    for name in ("mindset", "intervention", "gender"):
        table[name] = table[name].str.lower()
    return table.assign(participant=table.index + 1)


_YEO_COLUMNS = {
    "Study ID": "study_id",
    "Study": "study",
    "Year": "year",
    "r": "r",
    "z": "z",
    "N": "n",
    "v": "v",
    "Emotion": "emotion",
}


def _appraisals() -> dict[str, str]:
    document = yamlfile.read(Path(__file__).with_name("appraisals.yaml"))
    groups = document.data if isinstance(document.data, dict) else {}
    return {
        str(label): appraisal for appraisal, labels in groups.items() if isinstance(labels, list) for label in labels
    }


def _yeo_ong(files: Files) -> pd.DataFrame:
    (content,) = files.values()
    raw = _read(content)
    raw = raw[raw["included"] == "yes"]
    appraisals = _appraisals()
    unknown = sorted(set(raw["Appraisal"]) - set(appraisals))
    if unknown:
        raise ValueError(f"appraisal labels {unknown[:5]} belong to none of the 47 appraisals")
    table = raw[list(_YEO_COLUMNS)].rename(columns=_YEO_COLUMNS)
    table["appraisal"] = raw["Appraisal"].map(appraisals)
    table["appraisal_label_in_source"] = raw["Appraisal"]
    table["experimental"] = _yes_no(raw["exp"])
    return table


def _rounded(content: bytes) -> pd.DataFrame:
    """Round to six decimals, which undoes 32-bit floats that were written with 64-bit digits."""
    table = _read(content)
    floats = list(table.select_dtypes("float").columns)
    table[floats] = table[floats].round(6)
    return table


def _as_posted(files: Files) -> pd.DataFrame:
    (content,) = files.values()
    return _rounded(content)


CONVERSIONS: Mapping[str, Callable[[Files], pd.DataFrame]] = {
    "manyclasses_timing": _manyclasses_timing,
    "manyclasses_classes": _manyclasses_classes,
    "juijn": _juijn,
    "nagy": _nagy,
    "yeo_ong": _yeo_ong,
    "as_posted": _as_posted,
}
"""Conversion name -> function; the registry names them."""
