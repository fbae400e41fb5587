"""Multiple imputation of a declared question: every completed table analysed by the same engines, then pooled."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

import numpy as np

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.missing_mixture import mixed_over_tables
from feedbackstudy.analysis.bayesian_model import CellPosterior, bayesian_fit
from feedbackstudy.analysis.classical_model import classical_fit
from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.imputed_cells import PooledCells, pooled_cells
from feedbackstudy.analysis.material import Material
from feedbackstudy.analysis.missing.completing import Completed, completed
from feedbackstudy.analysis.missing.treating import Asking, ImputedProblem, Treated
from feedbackstudy.analysis.model_key import model_key
from feedbackstudy.analysis.problem import Problem, complete_cases, posed
from feedbackstudy.errors import DataError, InputError

__all__ = ["IMPUTATIONS", "SAMPLED", "imputed_problem", "multiple_imputation"]

IMPUTATIONS = 20
SAMPLED = 5
"""Completed tables that are given to a sampler, each with its own chains."""
_NODES = 16
"""Quadrature nodes for each table: their error (1e-4 of the spread) is far below the spread between tables."""


def multiple_imputation(asked: Question, material: Material, asking: Asking) -> Treated:
    """Answer a question by multiple imputation.

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
        Frequentist: Rubin's rules with Barnard and Rubin's degrees of freedom; Bayesian: equal shares of the posteriors
        of the completed tables, exact where the model is, five tables where it is sampled. Where only outcomes are
        missing and nothing but the model's own columns tells of them, rows without an outcome have no part in the
        posterior, which is then that of the others, with nothing drawn.

    Raises
    ------
    DataError
        Where nothing can be imputed, or no engine can answer.
    """
    done = completed(
        asked,
        material,
        auxiliary=asking.auxiliary,
        not_asked=asking.not_asked,
        m=IMPUTATIONS,
        seed=asking.seed,
    )
    problem = replace(imputed_problem(asked, done, asking), alone=_alone(asked, material, done, asking))
    key = ("imputed", *model_key(problem))
    if key not in asking.models:
        asking.models[key] = _models(problem, asking)
    classical, posterior, faults = asking.models[key]
    if classical is None and posterior is None:
        raise DataError(" ".join(faults.values()))
    said = (*_missing_information(problem, classical), *_posterior_words(posterior, problem))
    return Treated(
        problem=replace(problem, notes=(*problem.notes, *said)), classical=classical, posterior=posterior, faults=faults
    )


def imputed_problem(asked: Question, done: Completed, asking: Asking) -> ImputedProblem:
    """Turn completed rows into arrays.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    done : Completed
        The completed rows.
    asking : Asking
        Scale and weights.

    Returns
    -------
    ImputedProblem
        The first table, which knows all of them.
    """
    tables = tuple(
        posed(
            asked, one, metric=asking.metric, case_weights=asking.case_weights, missing=done.left_out, notes=done.notes
        )
        for one in done.materials
    )
    own = {field.name: getattr(tables[0], field.name) for field in fields(Problem)}
    return ImputedProblem(**own, tables=tables, imputed=done.imputed)


def _alone(asked: Question, material: Material, done: Completed, asking: Asking) -> Problem | None:
    """Return the rows with an outcome, where those without say nothing about the model: no need to draw theirs."""
    others = any(mask.any() for name, mask in material.absent.items() if name != "the outcome")
    if others or done.helped or done.left_out:
        return None
    kept, _, _ = complete_cases(material, asked.occasion)
    return posed(asked, kept, metric=asking.metric, case_weights=asking.case_weights)


def _models(problem: ImputedProblem, asking: Asking) -> tuple[CellFit | None, CellPosterior | None, dict[str, str]]:
    faults: dict[str, str] = {}
    classical = _tried("frequentist", asking, faults, lambda: pooled_cells([classical_fit(t) for t in problem.tables]))
    posterior = _tried("bayesian", asking, faults, lambda: _posterior(problem.tables, problem.alone, asking.seed))
    return classical, posterior, faults


def _tried[T](engine: str, asking: Asking, faults: dict[str, str], fit: Callable[[], T]) -> T | None:
    if engine not in asking.engines:
        return None
    try:
        return fit()
    except InputError as fault:
        faults[engine] = str(fault)
        return None


def _posterior(tables: Sequence[Problem], alone: Problem | None, seed: int) -> CellPosterior:
    if alone is not None:
        return bayesian_fit(alone, seed=seed)
    first = bayesian_fit(tables[0], seed=seed, nodes=_NODES)
    last = SAMPLED if isinstance(first, CellDraws) else len(tables)
    seeds = np.random.SeedSequence(seed).generate_state(last)
    rest = [
        bayesian_fit(table, seed=int(own), nodes=_NODES) for table, own in zip(tables[1:last], seeds[1:], strict=True)
    ]
    return mixed_over_tables([first, *rest])


def _missing_information(problem: Problem, classical: CellFit | None) -> tuple[str, ...]:
    if not isinstance(classical, PooledCells):
        return ()
    shares = [classical.pooled(row).fmi for row in problem.weights]
    if len(shares) == 1:
        return (f"fraction of missing information {shares[0]:.2f}",)
    return (f"fractions of missing information {', '.join(f'{share:.2f}' for share in shares)}",)


def _posterior_words(posterior: CellPosterior | None, problem: ImputedProblem) -> tuple[str, ...]:
    if posterior is None or posterior.n == problem.n:
        return ()
    return (
        f"the posterior needs no imputation: only outcomes are missing, so that of the {posterior.n} rows with an "
        "outcome is that of all (missing at random given condition, covariates and groups)",
    )
