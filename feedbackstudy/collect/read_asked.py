"""Why a cell is empty: not asked of this arm at this wave, or skipped; and which items an export lacks."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from feedbackstudy.collect.read_file import FileRows
from feedbackstudy.collect.read_items import ItemSpec
from feedbackstudy.collect.read_joining import Rows
from feedbackstudy.collect.read_options import ReadOptions
from feedbackstudy.frames import MissingReason
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study

__all__ = ["asked_reasons"]


def asked_reasons(
    rows: Rows, files: Sequence[FileRows], study: Study, specs: Sequence[ItemSpec], options: ReadOptions
) -> None:
    """Lay over the reasons what the study asks of whom, and name items that an export lacks.

    Parameters
    ----------
    rows : Rows
        All rows, with arms; reasons are changed.
    files : sequence of FileRows
        Their files.
    study : Study
        The study.
    specs : sequence of ItemSpec
        Its items.
    options : ReadOptions
        What was not fielded, and whether open answers come along.
    """
    wave_codes, waves = pd.factorize(rows.wave)
    arm_codes, arms = pd.factorize(rows.columns["arm"])
    for measure in study.measures:
        group = [s for s in specs if s.measure == measure.name and (s.kind != "open" or options.open_answers)]
        _filled(rows, group)
        at_wave = np.isin(waves.astype(str), measure.waves)[wave_codes]
        of_arm = np.append([measure.asks(str(arm)) for arm in arms], [False]).astype(bool)[arm_codes]
        asked = at_wave & of_arm
        if measure.name in options.not_fielded:
            asked = np.zeros(len(rows), dtype=bool)
        else:
            _lacking(rows, files, measure, group, at_wave)
        _uninvited(rows, measure, group, asked)
        _lay_over(rows, measure, group, asked)


def _filled(rows: Rows, group: Sequence[ItemSpec]) -> None:
    """Give items that no file has a column without answers."""
    for spec in group:
        if spec.name not in rows.columns:
            empty = np.full(len(rows), np.nan) if spec.kind == "numbers" else np.full(len(rows), None, dtype=object)
            rows.columns[spec.name] = empty
            rows.reasons[spec.name] = np.full(len(rows), MissingReason.NOT_ASKED, dtype=np.int8)


def _lacking(
    rows: Rows, files: Sequence[FileRows], measure: Measure, group: Sequence[ItemSpec], at_wave: np.ndarray
) -> None:
    for i, file in enumerate(files):
        if not (at_wave & (rows.file == i) & rows.keep).any():
            continue
        absent = [spec.name for spec in group if spec.name not in file.columns.places]
        if absent:
            what = f"lacks {len(absent)} of {counted(len(group), 'column')} of {measure.name!r}: "
            what += f"{', '.join(absent[:12])}."
            why = "The scale cannot be scored, or is scored from too few items. Was the export cut at 255 columns?"
            fix = (
                "Export all columns; where names differ, say columns={'name in the file': 'item'}; where the measure "
                f"was not put before people, say not_fielded=['{measure.name}']."
            )
            rows.issues.append(Issue("collect.items_absent", Severity.ERROR, file.table.where, what, why, fix))


def _uninvited(rows: Rows, measure: Measure, group: Sequence[ItemSpec], asked: np.ndarray) -> None:
    answered = np.zeros(len(rows), dtype=bool)
    for spec in group:
        answered |= rows.reasons[spec.name] == MissingReason.ANSWERED
    which = answered & ~asked & rows.keep
    if which.any():
        what = f"{counted(int(which.sum()), 'row holds', 'rows hold')} answers to {measure.name!r} that the study "
        what += "does not ask for."
        why = "The wrong people saw the question, or the wave or arm of these rows is wrong."
        fix = "Compare the display logic with the study (waves, asked_of). The answers are kept."
        rows.issues.append(
            Issue("collect.answered_not_asked", Severity.WARNING, measure.name, what, why, fix, rows.who(which))
        )


def _lay_over(rows: Rows, measure: Measure, group: Sequence[ItemSpec], asked: np.ndarray) -> None:
    shown = asked
    if measure.placement in {"half_sample", "pilot"}:
        some = np.zeros(len(rows), dtype=bool)
        for spec in group:
            some |= rows.reasons[spec.name] == MissingReason.ANSWERED
        shown = asked & some
    for spec in group:
        reasons = rows.reasons[spec.name]
        empty = reasons != MissingReason.ANSWERED
        reasons[empty & ~shown] = MissingReason.NOT_ASKED
        lost = empty & shown & (reasons == MissingReason.NOT_ASKED)
        reasons[lost] = MissingReason.SKIPPED
