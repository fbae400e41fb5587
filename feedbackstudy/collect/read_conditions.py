"""Who was in which condition: by the allocation, or as the survey carried it along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.collect.quoting import in_lines, quoted_texts, unknown_cell
from feedbackstudy.collect.read_columns import CONDITION
from feedbackstudy.collect.read_file import FileRows, file_labels
from feedbackstudy.collect.read_items import ItemSpec
from feedbackstudy.collect.read_numbers import Marks
from feedbackstudy.collect.read_options import ReadOptions
from feedbackstudy.collect.read_values import Misread, read_column
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.study import Study
from feedbackstudy.study.texts import study_exemplars

__all__ = ["Shown", "allocation_frame", "crossed", "shown_conditions"]

type Texts = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Columns of the condition, row by row; None where the file does not say.

    Attributes
    ----------
    columns : mapping of str to ndarray
        ``arm``, the factors, ``exemplar`` and clusters, as far as the file has them.
    issues : tuple of Issue
        Unknown levels.
    """

    columns: Mapping[str, Texts]
    issues: tuple[Issue, ...]


def shown_conditions(rows: FileRows, study: Study, options: ReadOptions) -> Shown:
    """Read the condition off a file.

    Parameters
    ----------
    rows : FileRows
        The file.
    study : Study
        The study.
    options : ReadOptions
        Labels declared for factors.

    Returns
    -------
    Shown
        Levels as codes; labels are mapped to codes.
    """
    issues: list[Issue] = []
    arms = {FEEDBACK: "Feedback", **{arm.name: arm.title for arm in study.arms}}
    kinds: dict[str, Mapping[str, str]] = {"arm": arms}
    kinds |= {factor.name: factor.levels for factor in study.factors}
    exemplars = study_exemplars(study)
    if exemplars:
        kinds["exemplar"] = {name: name for name in exemplars}
    columns: dict[str, Texts] = {}
    for name, levels in kinds.items():
        found = _levels(rows, name, levels, options, issues)
        if found is not None:
            columns[name] = found
    _from_keys(rows, study, columns, issues)
    for unit in study.units.names[:-1]:
        texts = rows.texts(unit)
        if texts is not None:
            columns[unit] = np.array([text.strip() or None for text in texts], dtype=object)
    return Shown(columns=columns, issues=tuple(issues))


def _levels(
    rows: FileRows, name: str, levels: Mapping[str, str], options: ReadOptions, issues: list[Issue]
) -> Texts | None:
    place = rows.columns.places.get(name)
    if place is None:
        return None
    spec = ItemSpec(name=name, measure=name, position=0, kind="words", words=tuple(levels), labels=dict(levels))
    labels = {**file_labels(rows.raw, rows.raw.names[place], spec), **options.labels_of(name)}
    labels = {label: code for label, code in labels.items() if code in levels}
    where = rows.table.where
    made = read_column(rows.table.columns[place], spec, Marks(), labels=labels, missing={}, where=where)
    if made.misread.unknown:
        issues.append(_unknown(f"{where}: {name}", name, made.misread, rows.table.lines, levels))
    return np.asarray(made.answers, dtype=object)


def _unknown(where: str, name: str, found: Misread, lines: NDArray[np.int64], levels: Mapping[str, str]) -> Issue:
    names = tuple(dict.fromkeys((*levels, *levels.values())))
    cells, where_in = sum(found.unknown.values()), in_lines(lines[i] for i in found.at)
    if len(found.unknown) == 1:
        what = f"{unknown_cell(f'Level of {name}', next(iter(found.unknown)), names)} It stands in "
    else:
        what = f"{counted(len(found.unknown), 'text is', 'texts are')} no level of {name}: "
        what += f"{quoted_texts(found.unknown, names)}. The levels "
        what += f"are {', '.join(names[:12])}{' ...' if len(names) > 12 else ''}. They stand in "
    return Issue(
        "collect.unknown_level",
        Severity.ERROR,
        where,
        f"{what}{counted(cells, 'row')}, first in {where_in}.",
        "People in a level that does not exist would fall out of every comparison.",
        f"Mend them in the platform, or say what each means: labels={{'{name}': {{'text of the cell': 'level'}}}}.",
    )


def _from_keys(rows: FileRows, study: Study, columns: dict[str, Texts], issues: list[Issue]) -> None:
    """Take arm and levels from the one word that our questionnaires carry along, where they are not given apart."""
    cells = {cell.key: cell for cell in study.crossing.cells()}
    found = _levels(rows, CONDITION, {key: key for key in cells}, ReadOptions(), issues)
    if found is None:
        return
    codes, keys = pd.factorize(found)
    for name in ("arm", *study.factors.names):
        told = [cells[str(key)].arm if name == "arm" else dict(cells[str(key)].levels).get(name) for key in keys]
        columns.setdefault(name, np.array([*told, None], dtype=object)[codes])


def allocation_frame(study: Study, options: ReadOptions) -> pd.DataFrame | None:
    """Return who was assigned to what.

    Parameters
    ----------
    study : Study
        The study.
    options : ReadOptions
        The allocation: ours, a table, or the path of a contact list.

    Returns
    -------
    DataFrame or None
        Indexed by participant; None where no allocation was given.

    Raises
    ------
    DataError
        Where columns are absent or somebody stands twice.
    """
    given = options.allocation
    if given is None:
        return None
    if isinstance(given, str | Path):
        from feedbackstudy.assign.contacts import read_contacts

        frame = read_contacts(given)
    else:
        frame = given if isinstance(given, pd.DataFrame) else given.frame
    assigned = [f.name for f in study.factors if f.varies == "between" and f.mode != "measured"]
    for name in ("participant", "arm", *assigned):
        if name not in frame.columns:
            raise DataError(choices("Column of the allocation", name, map(str, frame.columns)) + " It is needed.")
    table = frame.astype({"participant": "str"}).copy()
    names = table["participant"].str.strip()
    if options.same_case:
        names = names.str.casefold()
    table["participant"] = names if options.pseudonym is None else names.map(options.pseudonym)
    twice = table["participant"].duplicated()
    if twice.any():
        raise DataError(f"The allocation names {counted(int(twice.sum()), 'person', 'people')} twice; take each once.")
    return table.set_index("participant")


def crossed(assigned: Sequence[object], shown: Sequence[object]) -> NDArray[np.bool_]:
    """Say where somebody was shown something else than assigned.

    Parameters
    ----------
    assigned, shown : sequence
        Levels, None where not known.

    Returns
    -------
    ndarray of bool
        True where both are known and differ.
    """
    return np.array([a is not None and b is not None and a != b for a, b in zip(assigned, shown, strict=True)])
