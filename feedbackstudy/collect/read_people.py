"""Condition, clusters and covariates of everybody: from the allocation and the waves, carried over a person's rows."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.collect.consent import CONSENT, RE_CONSENT, WITHDRAWN
from feedbackstudy.collect.matching import carried
from feedbackstudy.collect.read_conditions import allocation_frame, crossed, shown_conditions
from feedbackstudy.collect.read_file import FileRows
from feedbackstudy.collect.read_joining import Rows
from feedbackstudy.collect.read_options import YES_NO, ReadOptions
from feedbackstudy.collect.text_table import folded_name
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.study import Study
from feedbackstudy.study.texts import study_exemplars

__all__ = ["add_people", "cluster_names"]

type Texts = NDArray[np.object_]

_SHOWN = 10


def cluster_names(study: Study) -> tuple[str, ...]:
    """Return the columns of clusters, the nearest to people first, and exemplars.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    tuple of str
        As in invented data.
    """
    return (*reversed(study.units.names[:-1]), *(("exemplar",) if study_exemplars(study) else ()))


def add_people(rows: Rows, files: Sequence[FileRows], study: Study, options: ReadOptions) -> None:
    """Add the columns about people, and leave out who was never randomised.

    Parameters
    ----------
    rows : Rows
        All rows; columns are added.
    files : sequence of FileRows
        Their files.
    study : Study
        The study.
    options : ReadOptions
        The allocation, and labels of factors.
    """
    shown = [shown_conditions(file, study, options) for file in files]
    rows.issues += [issue for each in shown for issue in each.issues]
    people = pd.factorize(rows.participant)[0].astype(np.int64)
    within = [factor.name for factor in study.factors if factor.varies == "within"]
    columns: dict[str, Texts] = {}
    for name in ("arm", *study.factors.names, *cluster_names(study)):
        values = np.concatenate(
            [each.columns.get(name, np.full(len(f), None, dtype=object)) for each, f in zip(shown, files, strict=True)]
        )
        per_row = name in within or (name == "exemplar" and bool(within))
        columns[name] = values if per_row else _carried(rows, name, values, people)
    assigned = allocation_frame(study, options)
    if assigned is not None:
        _assign(rows, columns, assigned, study)
    _arms(columns, study)
    rows.columns |= columns
    _covariates(rows, study, people, assigned)
    _consent(rows, files, options)
    _without_condition(rows, columns, study, has_allocation=assigned is not None)
    _in_a_cell(rows, columns, study)


def _carried(rows: Rows, name: str, values: Texts, people: NDArray[np.int64]) -> Texts:
    filled, torn = carried(values, people, rows.keep)
    if torn.size:
        which = np.isin(people, torn) & rows.keep
        what = f"{counted(torn.size, 'person has', 'people have')} two values of {name}."
        why = "A person in two conditions belongs to neither; the comparison of groups would not be one."
        fix = "Find out which is right (the platform's log, the allocation), or give allocation=."
        rows.issues.append(Issue("collect.two_conditions", Severity.ERROR, name, what, why, fix, rows.who(which)))
    return filled


def _assign(rows: Rows, columns: dict[str, Texts], assigned: pd.DataFrame, study: Study) -> None:
    """Take the condition from the allocation; what the survey showed instead is a crossover."""
    known = np.isin(rows.participant.astype(str), assigned.index.to_numpy(dtype=str))
    stranger = ~known & rows.keep
    if stranger.any():
        what = f"{counted(len(set(rows.participant[stranger])), 'person is', 'people are')} not in the allocation."
        why = "They were not randomised by this study, so no group of it is theirs."
        fix = "Look for mistyped ids. They are left out, and the flow chart says 'not randomised'."
        who = rows.who(stranger)
        rows.issues.append(Issue("collect.not_in_allocation", Severity.WARNING, "allocation", what, why, fix, who))
    table = assigned.reindex(rows.participant.astype(str))
    other = np.zeros(len(rows), dtype=bool)
    within = {factor.name for factor in study.factors if factor.varies == "within"}
    for name in ("arm", *study.factors.names, *cluster_names(study)):
        if name not in assigned.columns or name in within:
            continue
        told = np.array([None if pd.isna(v) or v == "" else str(v) for v in table[name]], dtype=object)
        if name in {"arm", *study.factors.names}:
            other |= crossed(list(told), list(columns[name])) & rows.keep
        columns[name] = told if name == "arm" else np.where(told == None, columns[name], told)  # noqa: E711
    if other.any():
        what = f"{counted(len(set(rows.participant[other])), 'person was', 'people were')} shown another condition "
        what += "than assigned."
        why = "Analysed as assigned the comparison stays fair; what people got is another question."
        fix = "They stand as assigned. Report the number, and analyse as treated only beside it."
        who = rows.who(other)
        rows.issues.append(Issue("collect.crossover", Severity.WARNING, "allocation", what, why, fix, who))


def _arms(columns: dict[str, Texts], study: Study) -> None:
    """Say ``feedback`` where levels are there and no arm is, or where the study has one condition only."""
    arm = columns["arm"].copy()
    between = [factor.name for factor in study.factors if factor.varies == "between"]
    if not between and not study.arms:
        arm[:] = FEEDBACK
    for name in between:
        arm[(arm == None) & (columns[name] != None)] = FEEDBACK  # noqa: E711
    columns["arm"] = arm


def _covariates(rows: Rows, study: Study, people: NDArray[np.int64], assigned: pd.DataFrame | None) -> None:
    for covariate in study.covariates:
        name = covariate.name
        numeric = covariate.kind in {"continuous", "count"}
        if name in rows.columns:
            values = rows.columns[name]
            objects = np.array([None if v is None or v != v else v for v in values], dtype=object)
            keep = rows.keep if covariate.known_from == "roster" else rows.keep & (rows.wave == covariate.known_from)
            filled, torn = carried(objects, people, keep)
            if torn.size:
                which = np.isin(people, torn) & rows.keep
                what = f"{counted(torn.size, 'person has', 'people have')} two values of {name}."
                fix = "Find out which is right."
                why = "Adjustment needs one."
                found = Issue("collect.two_values", Severity.ERROR, name, what, why, fix, rows.who(which))
                rows.issues.append(found)
        elif assigned is not None and name in assigned.columns:
            told = assigned.reindex(rows.participant.astype(str))[name]
            filled = np.array([None if pd.isna(v) or v == "" else v for v in told], dtype=object)
        else:
            filled = np.full(len(rows), None, dtype=object)
            _absent(rows, name, covariate.known_from)
        rows.columns[name] = _floats(filled) if numeric else filled


def _floats(values: Texts) -> NDArray[np.float64]:
    return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)


def _absent(rows: Rows, name: str, known_from: str) -> None:
    what = f"The covariate {name!r} (known from: {known_from}) is in no file."
    why = "Models that adjust for it cannot be fitted."
    fix = "Give the file of that wave, an allocation with this column, or columns={'name in the file': 'covariate'}."
    rows.issues.append(Issue("collect.covariate_absent", Severity.ERROR, name, what, why, fix))


def _consent(rows: Rows, files: Sequence[FileRows], options: ReadOptions) -> None:
    """Take over what people said about their data; the labels of our questionnaires stand for their codes."""
    for name in (CONSENT, RE_CONSENT, WITHDRAWN):
        parts = [file.texts(name) for file in files]
        if all(part is None for part in parts):
            continue
        given = [
            np.full(len(file), None, dtype=object) if part is None else part
            for part, file in zip(parts, files, strict=True)
        ]
        told = {folded_name(label): code for code, label in YES_NO}
        told |= {folded_name(text): code for text, code in options.labels_of(name).items()}
        codes, different = pd.factorize(np.concatenate(given))
        plain = [told.get(folded_name(str(text)), str(text)) or None for text in different]
        rows.columns[name] = np.array([*plain, None], dtype=object)[codes]


def _without_condition(rows: Rows, columns: Mapping[str, Texts], study: Study, *, has_allocation: bool) -> None:
    lacking = (columns["arm"] == None) & rows.keep  # noqa: E711
    if not lacking.any():
        return
    people = len(set(rows.participant[lacking]))
    if lacking[rows.keep].all():
        what = "Nobody's condition is known: no column arm, fs_cond or of the factors "
        what += f"({', '.join(study.factors.names)}), and no allocation."
        fix = "Export the embedded data (fs_cond), or give allocation=."
        why = "Without it nothing can be compared."
        rows.issues.append(Issue("collect.no_condition", Severity.ERROR, "arm", what, why, fix))
    elif not has_allocation:
        what = f"{counted(people, 'person has', 'people have')} no condition."
        why = "They left before the draw, or the survey lost it; no group is theirs."
        fix = "Give allocation= where it is known. They are left out, and the flow chart says 'not randomised'."
        who = rows.who(lacking)
        rows.issues.append(Issue("collect.not_randomised", Severity.WARNING, "arm", what, why, fix, who))
    told = f"{counted(people, 'person was', 'people were')} not randomised, as far as the data say."
    rows.leave_out(lacking, "collect.not_randomised", told)


def _in_a_cell(rows: Rows, columns: Mapping[str, Texts], study: Study) -> None:
    """Refuse feedback without a level, levels outside the crossing, and cells that the study forbids."""
    names = [f.name for f in study.factors if f.varies == "between"]
    if not names:
        return
    table = pd.DataFrame({name: columns[name] for name in ("arm", *names)})[rows.keep].astype(object)
    places = np.flatnonzero(rows.keep)
    cells = {(c.arm, *(dict(c.levels).get(name) for name in names)) for c in study.crossing.cells()}
    keys = list(map(tuple, table.where(table.notna(), None).to_numpy(dtype=object)))
    codes, different = pd.factorize(np.array([*keys, None], dtype=object)[:-1])
    wrong = np.array([key not in cells for key in different], dtype=bool)[codes]
    if wrong.any():
        which = np.zeros(len(rows), dtype=bool)
        which[places[wrong]] = True
        shown = [":".join(map(str, key)) for key in different if key not in cells][:5]
        what = f"{counted(int(wrong.sum()), 'row is', 'rows are')} in a cell that the study does not have: "
        what += f"{', '.join(shown)}."
        why = "Levels outside the crossing, missing levels or forbidden combinations belong to no comparison."
        fix = "Mend the embedded data, or the declaration of the study."
        rows.issues.append(Issue("collect.no_such_cell", Severity.ERROR, "arm", what, why, fix, rows.who(which)))
