"""What was found in the answers of a file, one finding for each measure and kind."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.collect.quoting import in_lines, quoted_number, quoted_texts
from feedbackstudy.collect.read_items import ItemSpec
from feedbackstudy.collect.read_values import Misread
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

__all__ = ["value_issues"]

_SHOWN, _ROWS = 6, 10
_MISSING_CODES = frozenset({-1.0, -9.0, -66.0, -77.0, -88.0, -99.0, -999.0, 9.0, 66.0, 77.0, 88.0, 98.0, 99.0, 999.0})


def value_issues(
    where: str, found: Sequence[tuple[ItemSpec, str, Misread]], lines: NDArray[np.int64]
) -> Iterator[Issue]:
    """Say what stood in the columns besides declared codes.

    Parameters
    ----------
    where : str
        Name of the file.
    found : sequence of tuple
        Item, its column in the file, and what was misread.
    lines : ndarray of int
        Line of the file in which each row stands.

    Yields
    ------
    Issue
        Errors for texts and numbers that are no codes; notes for what was mapped.
    """
    by_measure: dict[str, list[tuple[ItemSpec, str, Misread]]] = {}
    for each in found:
        by_measure.setdefault(each[0].measure, []).append(each)
    for measure, group in by_measure.items():
        place = f"{where}: {measure}"
        yield from _texts(place, group, lines)
        yield from _numbers(place, group)
        yield from _mapped(place, group)


def _added[T: (str, float)](parts: Sequence[Mapping[T, int]]) -> dict[T, int]:
    total: dict[T, int] = {}
    for part in parts:
        for key, count in part.items():
            total[key] = total.get(key, 0) + count
    return total


def _listed(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    return ", ".join(columns[:_SHOWN]) + more


def _texts(place: str, group: Sequence[tuple[ItemSpec, str, Misread]], lines: NDArray[np.int64]) -> Iterator[Issue]:
    concerned = [(spec, column, misread) for spec, column, misread in group if misread.unknown]
    if concerned:
        unknown = _added([misread.unknown for _, _, misread in concerned])
        shown = quoted_texts(unknown, {label for _, _, misread in concerned for label in misread.known})
        rows = sorted({int(lines[i]) for _, _, misread in concerned for i in misread.at})[:_ROWS]
        mixed = any(misread.n_codes and not spec.words for spec, _, misread in concerned)
        yield Issue(
            "collect.unknown_answer",
            Severity.ERROR,
            place,
            f"{counted(sum(unknown.values()), 'cell')} of {_listed([c for _, c, _ in concerned])} with neither codes "
            f"({concerned[0][0].allowed}) nor known labels: {shown}, first in {in_lines(rows)}."
            + (" Other cells of these columns hold codes." if mixed else ""),
            "Taken as missing they would vanish silently, and a guess would invent answers.",
            "Export codes instead of labels, or say what each text means: labels={'" + concerned[0][0].measure + "': "
            "{'text': code}}.",
        )
    halves = [column for _, column, m in group if m.half]
    if halves:
        yield Issue(
            "collect.half_labels",
            Severity.ERROR,
            place,
            f"{_listed(halves)} hold codes in some rows and labels in others.",
            "Two exports were pasted together, or recodes changed while people answered; codes may mean two things.",
            "Export all responses once more, as codes.",
        )


def _numbers(place: str, group: Sequence[tuple[ItemSpec, str, Misread]]) -> Iterator[Issue]:
    concerned = [(spec, column, misread) for spec, column, misread in group if misread.outside]
    if not concerned:
        return
    outside = _added([misread.outside for _, _, misread in concerned])
    spec = concerned[0][0]
    shown = ", ".join(f"{quoted_number(value)} ({n})" for value, n in sorted(outside.items())[:_SHOWN])
    likely = sorted(value for value in outside if value in _MISSING_CODES)
    hint = f" Is {likely[0]:g} a code for a missing answer?" if likely else _shifted(spec, outside)
    fix = (
        f"Declare it: missing={{{likely[0]:g}: 'skipped'}}."
        if likely
        else "Mend the codes in the platform or the declaration of the scale; scales.shift_codes moves codes openly."
    )
    yield Issue(
        "collect.out_of_range",
        Severity.ERROR,
        place,
        f"{counted(sum(outside.values()), 'cell')} of {_listed([c for _, c, _ in concerned])} outside {spec.allowed}: "
        f"{shown}.{hint}",
        "Scores, reversal and reliability would be wrong, and nothing in them would show it.",
        fix,
    )


def _shifted(spec: ItemSpec, outside: Mapping[float, int]) -> str:
    if len(spec.codes) < 3 or spec.low is None or spec.high is None:
        return ""
    step = spec.codes[1] - spec.codes[0]
    if set(outside) == {spec.low - step}:
        return f" Are all codes shifted by {step:g}, or does the scale begin at {spec.low - step:g}?"
    if set(outside) == {spec.high + step}:
        return f" Are all codes shifted by {step:g}, or does the scale end at {spec.high + step:g}?"
    return " Was another response format fielded?"


def _mapped(place: str, group: Sequence[tuple[ItemSpec, str, Misread]]) -> Iterator[Issue]:
    labels = sum(m.n_labels for _, _, m in group if not m.n_codes or m.n_labels)
    missing = _added([m.missing for _, _, m in group])
    truths = sum(m.truths for _, _, m in group)
    if labels:
        what = f"{counted(labels, 'label was', 'labels were')} mapped to codes by the labels that the study, the "
        what += "file or you declare."
        why = "Scoring needs codes."
        yield Issue("collect.labels_mapped", Severity.NOTE, place, what, why, "Nothing to do.")
    if truths:
        what = f"{counted(truths, 'cell')} TRUE or FALSE read as 1 and 0."
        yield Issue("collect.truth_values", Severity.NOTE, place, what, "The study declares 0 and 1.", "Nothing to do.")
    if missing:
        words = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in missing.items())
        what = f"{counted(sum(missing.values()), 'cell holds a missing code', 'cells hold missing codes')}: {words}."
        why = "They are no answers, and the reason is kept."
        yield Issue("collect.missing_codes", Severity.NOTE, place, what, why, "Nothing to do.")
