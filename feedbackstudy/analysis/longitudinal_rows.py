"""Scores of a study, or of a table with a column for each wave, as people by waves."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.columns import as_factor, as_number
from feedbackstudy.analysis.compile import Column
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.longitudinal_answers import WaveData
from feedbackstudy.analysis.waves import Rows, Waves, rows_at
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames import Scores
from feedbackstudy.study import Study

__all__ = ["from_scores", "from_wide", "labels_of"]

type Floats = NDArray[np.float64]


def from_scores(
    scores: Scores,
    study: Study,
    outcome: str,
    *,
    by: str | None,
    reference: str | None,
    waves: Sequence[str] | None,
    covariates: Sequence[str] | None,
) -> tuple[WaveData, tuple[str, ...]]:
    """Read the scores of a study.

    Parameters
    ----------
    scores : Scores
        The scores.
    study : Study
        The study.
    outcome : str
        A score column.
    by : str or None
        ``"arm"`` or a factor.
    reference : str or None
        Arm or level that the others are compared with.
    waves, covariates : sequence of str, or None
        Names.

    Returns
    -------
    tuple of (WaveData, tuple of str)
        People by waves, and what was decided about the rows.

    Raises
    ------
    DataError
        As `longitudinal`.
    """
    if any(factor.varies == "within" for factor in study.factors):
        raise DataError("Factors vary within people here; waves of several stories are compared by analysis.lmm.")
    names = _wave_names(scores, study, outcome, waves)
    table, everybody = Waves(scores, study.covariates), rows_at(scores, study, names[0])
    labels, order = _labels(study, by, everybody)
    asked = np.logical_and.reduce([table.asked(outcome, wave, everybody) for wave in names])
    kept = np.flatnonzero((labels != "") & asked)
    if not kept.size:
        raise DataError(f"Nobody in {', '.join(order)} was asked for {outcome!r} at {', '.join(names)}.")
    rows, labels = everybody.at(kept), labels[kept]
    order = tuple(name for name in order if (labels == name).any())
    notes = _unasked(int(((np.isin(labels_of(everybody, study, by), order)) & ~asked).sum()))
    chosen = _chosen(study, covariates)
    about = scores.about.get(outcome)
    limits = (about.low, about.high) if about is not None and np.isfinite([about.low, about.high]).all() else None
    groups, said = _groups(scores, study, table, rows)
    data = _data(
        outcome,
        names,
        order,
        _reference(study, by, reference, order),
        tuple(map(str, rows.participant)),
        np.column_stack([table.values(Column(outcome, wave), rows) for wave in names]),
        labels,
        {name: table.values(Column(name), rows) for name in chosen},
        limits,
        study.plan.interval_level,
        groups,
    )
    return data[0], (*notes, *said, *data[1])


def from_wide(
    data: pd.DataFrame,
    waves: Sequence[str],
    arm: str,
    *,
    participant: str | None,
    reference: str | None,
    covariates: Sequence[str],
    limits: tuple[float, float] | None,
    level: float,
    outcome: str,
) -> tuple[WaveData, tuple[str, ...]]:
    """Read a table with a column for each wave.

    Parameters
    ----------
    data : DataFrame
        One row a person.
    waves : sequence of str
        Columns of the scores, the first before treatment.
    arm : str
        Column of the arms.
    participant : str or None
        Column of the participants' names.
    reference : str or None
        The arm that the others are compared with.
    covariates : sequence of str
        Columns of numbers.
    limits : tuple of float, or None
        Ends of the scale.
    level : float
        Level of intervals.
    outcome : str
        What was measured.

    Returns
    -------
    tuple of (WaveData, tuple of str)
        People by waves, and what was decided about the rows.

    Raises
    ------
    DataError
        As `longitudinal_wide`.
    """
    if isinstance(waves, str) or len(waves) < 2 or len(set(waves)) < len(waves):
        raise DataError(f"Give the columns of at least two different waves as a list; given {waves!r}.")
    factor = as_factor(data, arm, role="Arm")
    if (factor.codes < 0).any():
        raise DataError(f"{arm!r} is missing in {int((factor.codes < 0).sum())} rows; the arm of everybody is known.")
    names = data[participant].astype("str") if participant is not None else pd.Series(range(len(data))).astype("str")
    if names.duplicated().any():
        raise DataError(f"{participant!r} names {int(names.duplicated().sum())} people twice; give one row a person.")
    if reference is not None and reference not in factor.levels:
        raise DataError(choices("Arm", reference, factor.levels))
    return _data(
        outcome,
        tuple(waves),
        factor.levels,
        reference or factor.levels[-1],
        tuple(names),
        np.column_stack([as_number(data, wave, role="Wave") for wave in waves]),
        np.array(factor.levels)[factor.codes],
        {name: as_number(data, name, role="Covariate") for name in covariates},
        limits,
        level,
        {},
    )


def _data(
    outcome: str,
    waves: tuple[str, ...],
    arms: tuple[str, ...],
    reference: str,
    participants: tuple[str, ...],
    Y: Floats,
    labels: NDArray[np.str_],
    covariates: dict[str, Floats],
    limits: tuple[float, float] | None,
    level: float,
    groups: dict[str, NDArray[np.int64]],
) -> tuple[WaveData, tuple[str, ...]]:
    """Check and put together; who has no score at all, or no covariate, is left out and counted."""
    if len(arms) < 2:
        raise DataError(f"There is one arm only ({', '.join(arms)}); nothing can be compared.")
    check_level(level)
    _within_limits(outcome, Y, limits)
    X = np.column_stack(list(covariates.values())) if covariates else np.empty((len(Y), 0))
    silent, lacking = np.isnan(Y).all(axis=1), np.isnan(X).any(axis=1)
    kept = np.flatnonzero(~silent & ~lacking)
    notes = [f"{int(silent.sum())} people have no score at any wave and are left out"] * bool(silent.any())
    lost = int((lacking & ~silent).sum())
    notes += [f"{lost} people lack a covariate ({', '.join(covariates)}) and are left out"] * bool(lost)
    if not kept.size:
        raise DataError("Nobody has a score and all covariates; leave a covariate out.")
    X = X[kept] - X[kept].mean(axis=0)
    constant = [name for j, name in enumerate(covariates) if np.ptp(X[:, j]) == 0]
    if constant:
        raise DataError(f"Covariate {constant[0]!r} is the same for everybody; leave it out.")
    order = np.lexsort((np.array(participants)[kept],))
    kept, X = kept[order], X[order]
    return (
        WaveData(
            outcome=outcome,
            waves=waves,
            arms=arms,
            reference=arms.index(reference),
            participants=tuple(participants[i] for i in kept),
            Y=Y[kept],
            arm=np.array([arms.index(label) for label in labels[kept]], dtype=np.int64),
            covariates=X,
            covariate_names=tuple(covariates),
            groups={name: codes[kept] for name, codes in groups.items()},
            prior=None if limits is None else CellPrior.of_scale(*limits),
            level=level,
        ),
        tuple(notes),
    )


def _within_limits(outcome: str, Y: Floats, limits: tuple[float, float] | None) -> None:
    if limits is None:
        return
    outside = (limits[0] > Y) | (limits[1] < Y)
    if outside.any():
        raise DataError(
            f"{outcome!r} must lie between {limits[0]:g} and {limits[1]:g}; {int(outside.sum())} scores do not. Mend "
            "them, or declare the scale's real range."
        )


def _wave_names(scores: Scores, study: Study, outcome: str, waves: Sequence[str] | None) -> tuple[str, ...]:
    if outcome not in scores.names:
        raise DataError(choices("Score", outcome, scores.names))
    declared = [wave.name for wave in study.waves]
    held = set(scores.frame.loc[scores.frame[outcome].notna(), "occasion"].astype("str"))
    names = tuple(name for name in declared if name in held) if waves is None else tuple(waves)
    for name in names:
        if name not in declared:
            raise DataError(choices("Wave", name, declared))
    phases = {wave.name: wave.phase for wave in study.waves}
    if len(names) < 2 or [phases[name] for name in names] != ["before", *["after"] * (len(names) - 1)]:
        said = ", ".join(f"{name} ({phases[name]})" for name in names)
        raise DataError(
            f"{outcome!r} is compared over one wave before treatment and one or more after it; here: {said or 'none'}. "
            "Name them as waves=[...]."
        )
    return names


def labels_of(rows: Rows, study: Study, by: str | None) -> NDArray[np.str_]:
    """Return the arm or level of each row.

    Parameters
    ----------
    rows : Rows
        People.
    study : Study
        The study.
    by : str or None
        ``"arm"`` or a factor; arms where there are several, else the first factor.

    Returns
    -------
    ndarray of str
        Empty where somebody has none.
    """
    return _labels(study, by, rows)[0]


def _labels(study: Study, by: str | None, rows: Rows) -> tuple[NDArray[np.str_], tuple[str, ...]]:
    cells = {cell.key: cell for cell in study.crossing.cells()}
    chosen = by if by is not None else "arm" if study.arms else study.factors.names[0]
    if chosen == "arm":
        order = tuple(dict.fromkeys(cell.arm for cell in cells.values()))
        return np.array([cells[key].arm for key in rows.condition], dtype=np.str_), order
    if chosen not in study.factors.names:
        raise DataError(choices("What to compare by", chosen, ("arm", *study.factors.names)))
    order = tuple(study.factors[chosen].codes())
    levels = {key: dict(cell.levels).get(chosen, "") if cell.arm == FEEDBACK else "" for key, cell in cells.items()}
    return np.array([levels[key] for key in rows.condition], dtype=np.str_), order


def _reference(study: Study, by: str | None, reference: str | None, order: tuple[str, ...]) -> str:
    if reference is not None:
        if reference not in order:
            raise DataError(choices("Reference", reference, order))
        return reference
    factor = study.factors[by] if by is not None and by in study.factors.names else None
    declared = factor.reference if factor is not None else None
    return declared if declared in order and declared is not None else order[-1]


def _chosen(study: Study, covariates: Sequence[str] | None) -> tuple[str, ...]:
    if covariates is not None:
        return tuple(covariates)
    kinds = {covariate.name: covariate.kind for covariate in study.covariates}
    return tuple(name for name in study.plan.covariates if kinds.get(name, "nominal") != "nominal")


def _unasked(count: int) -> tuple[str, ...]:
    return (f"{count} people were not asked at every wave and are not concerned",) if count else ()


def _groups(
    scores: Scores, study: Study, table: Waves, rows: Rows
) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
    names = [unit.name for unit in study.units[:-1] if unit.name in scores.clusters]
    found = {name: np.unique(table.words(name, rows), return_inverse=True)[1].astype(np.int64) for name in names}
    found = {name: codes for name, codes in found.items() if 1 < codes.max() + 1 < codes.size}
    if not found:
        return {}, ()
    return found, (
        f"{' and '.join(found)} enters the comparisons wave by wave as a random factor, and not the constrained model, "
        "whose standard errors hold where arms are assigned within it",
    )
