"""A declared path whose mediators, covariates or outcome are missing for some people."""

from collections.abc import Callable

from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.material import Material
from feedbackstudy.analysis.mediation_declared import DeclaredPath
from feedbackstudy.analysis.missing.completing import completed
from feedbackstudy.analysis.missing.imputing import IMPUTATIONS, imputed_problem
from feedbackstudy.analysis.missing.paths import imputed_path
from feedbackstudy.analysis.missing.treating import Asking, ImputedProblem
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.thresholds import thresholds
from feedbackstudy.errors import DataError

__all__ = ["path_with_gaps"]


def path_with_gaps(
    asked: Question,
    material: Material,
    asking: Asking,
    method: str,
    answer: Callable[[Problem, int, int, int], DeclaredPath],
) -> tuple[ImputedProblem, DeclaredPath]:
    """Impute what a path needs, answer it in every table, and pool.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    material : Material
        Everybody who was asked, missing values still missing.
    asking : Asking
        Scale, seed and what helps.
    method : str
        As in `Plan.missing`.
    answer : callable
        Takes a table, numbers of bootstrap and posterior draws, and a seed.

    Returns
    -------
    tuple of (ImputedProblem, DeclaredPath)
        The tables, and the pooled answers.

    Raises
    ------
    DataError
        Where the plan declares full information, or nothing can be imputed.
    """
    if method != "multiple_imputation":
        raise DataError(
            "a path that starts at cells is answered by multiple imputation; full information serves paths of a data "
            "frame (analysis.mediation with missing='fiml')"
        )
    if asked.family != "gaussian":
        raise DataError(f"the outcome is {asked.family}; products of linear paths are answered for scores only")
    done = completed(
        asked,
        material,
        auxiliary=asking.auxiliary,
        not_asked=asking.not_asked,
        m=IMPUTATIONS,
        seed=asking.seed,
    )
    problem = imputed_problem(asked, done, asking)
    sd_x = None if problem.predictor is None else problem.within_sd(problem.predictor)
    limits = thresholds(asked, sd=problem.sd, sd_x=sd_x)
    return problem, imputed_path(problem, answer, sesoi=limits.sesoi, rope=limits.rope, seed=asking.seed)
