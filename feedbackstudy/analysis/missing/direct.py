"""Full information: the likelihood of all that was answered, without completing anything."""

from dataclasses import replace

import numpy as np

from feedbackstudy.analysis.bayesian.missing_mixture import mixed_over_tables
from feedbackstudy.analysis.bayesian_model import CellPosterior, bayesian_fit
from feedbackstudy.analysis.classical_model import classical_fit
from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.fiml_cells import fiml_cells
from feedbackstudy.analysis.material import Material
from feedbackstudy.analysis.missing.completing import completed
from feedbackstudy.analysis.missing.imputing import imputed_problem
from feedbackstudy.analysis.missing.treating import Asking, Incomplete, Treated
from feedbackstudy.analysis.problem import complete_cases, posed
from feedbackstudy.errors import DataError, InputError

__all__ = ["full_information"]

_TABLES = 40
"""Draws of the missing values over which the posterior is averaged."""


def full_information(asked: Question, material: Material, asking: Asking) -> Treated:
    """Answer a question by the likelihood of all answered values.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    material : Material
        Everybody who was asked, missing values still missing.
    asking : Asking
        Scale, engines, seed and what helps.

    Returns
    -------
    Treated
        Scores without random factors: normal likelihood with the outcome's other waves as saturated correlates, and
        the exact posterior averaged over draws of the missing values. Any other model where only outcomes are missing:
        the model itself on the rows that have one, whose likelihood is then the full one.

    Raises
    ------
    DataError
        Where covariates or predictors are missing in a model that has no such likelihood here.
    """
    gone = {name: int(mask.sum()) for name, mask in material.absent.items() if mask.any()}
    plain = (
        asked.family == "gaussian" and asked.kind == "cells" and not any(_varies(v) for v in material.groups.values())
    )
    if plain and asking.case_weights is None:
        return _normal(asked, material, asking)
    others = {name: count for name, count in gone.items() if name != "the outcome"}
    if others or (asking.not_asked is not None and asking.not_asked.any()):
        where = ", ".join(f"{name} {count}" for name, count in others.items())
        raise DataError(
            f"full information is built for missing outcomes in this model, and here other values are missing "
            f"({where}); declare multiple_imputation"
        )
    return _rows_with_outcome(asked, material, asking)


def _varies(names: np.ndarray) -> bool:
    return 1 < len(np.unique(names)) < len(names)


def _rows_with_outcome(asked: Question, material: Material, asking: Asking) -> Treated:
    kept, missing, said = complete_cases(material, asked.occasion)
    note = (
        "full information: rows without the outcome carry none about this model, given condition, covariates and "
        "groups; missing at random given these"
    )
    problem = posed(
        asked, kept, metric=asking.metric, case_weights=asking.case_weights, missing=missing, notes=(*said, note)
    )
    faults: dict[str, str] = {}
    classical: CellFit | None = None
    posterior: CellPosterior | None = None
    try:
        classical = classical_fit(problem) if "frequentist" in asking.engines else None
    except InputError as fault:
        faults["frequentist"] = str(fault)
    try:
        posterior = bayesian_fit(problem, seed=asking.seed) if "bayesian" in asking.engines else None
    except InputError as fault:
        faults["bayesian"] = str(fault)
    if classical is None and posterior is None:
        raise DataError(" ".join(faults.values()))
    return Treated(problem=problem, classical=classical, posterior=posterior, faults=faults)


def _normal(asked: Question, material: Material, asking: Asking) -> Treated:
    done = completed(
        asked,
        replace(material, groups={}),
        auxiliary=asking.auxiliary,
        not_asked=asking.not_asked,
        m=_TABLES,
        seed=asking.seed,
        score_kind="normal",
    )
    # Draws of a bounded score may leave its scale, as the normal model of it does.
    free = replace(asking, metric=replace(asking.metric, low=float("-inf"), high=float("inf")))
    problem = imputed_problem(asked, done, free)
    problem = replace(
        problem, metric=asking.metric, tables=tuple(replace(t, metric=asking.metric) for t in problem.tables)
    )
    incomplete = _incomplete(material, problem.cells, asking)
    classical = posterior = None
    faults: dict[str, str] = {}
    if "frequentist" in asking.engines:
        classical = fiml_cells(
            incomplete.y,
            incomplete.cell,
            len(incomplete.cells),
            covariates=incomplete.covariates,
            auxiliary=incomplete.auxiliary,
        )
    if "bayesian" in asking.engines:
        try:
            posterior = mixed_over_tables([bayesian_fit(table, seed=asking.seed) for table in problem.tables])
        except InputError as fault:
            faults["bayesian"] = str(fault)
    said = (
        *(note for note in done.notes if not note.startswith("multiple imputation")),
        _words(material, asking),
    )
    known = replace(problem, notes=said, incomplete=incomplete)
    return Treated(problem=known, classical=classical, posterior=posterior, faults=faults)


def _incomplete(material: Material, cells: tuple[str, ...], asking: Asking) -> Incomplete:
    kept = np.ones(len(material), dtype=np.bool_) if asking.not_asked is None else ~asking.not_asked
    place = {key: i for i, key in enumerate(cells)}
    numbers = [values[kept] for values in material.numbers.values() if np.nanstd(values) > 0]
    helping = [values[kept] for values in asking.auxiliary.values()]
    nothing = np.empty((int(kept.sum()), 0))
    return Incomplete(
        participants=tuple(np.array(material.participants)[kept].tolist()),
        cells=cells,
        cell=np.array([place[material.cells[i]] for i in material.cell[kept]], dtype=np.int64),
        y=material.y[kept],
        covariates=np.column_stack(numbers) if numbers else nothing,
        auxiliary=np.column_stack(helping) if helping else nothing,
    )


def _words(material: Material, asking: Asking) -> str:
    gaps = ", ".join(f"{name} {int(mask.sum())}" for name, mask in material.absent.items() if mask.any())
    helped = f", helped by {', '.join(asking.auxiliary)}" if asking.auxiliary else ""
    return (
        f"full information: all {len(material)} rows enter with what they hold (missing: {gaps}){helped}; joint "
        f"normality, missing at random given these; the posterior averages over {_TABLES} draws of the missing values"
    )
