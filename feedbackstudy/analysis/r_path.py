"""The way out to R of a declared path: least squares with the bootstrap, lavaan, and the exact posterior."""

from dataclasses import replace

import pandas as pd

from feedbackstudy.analysis.bayesian.missing_paths import MixedPathPosterior
from feedbackstudy.analysis.mediation_declared import DeclaredPath
from feedbackstudy.analysis.mediation_lavaan import lavaan_paths
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.r_path_bayes import path_posterior_code
from feedbackstudy.analysis.r_path_estimates import path_columns, path_estimates_code
from feedbackstudy.analysis.r_script import question_rows
from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["path_script"]


def path_script(problem: Problem, path: DeclaredPath, *, bayesian: bool = True, seed: int = 1) -> RScript:
    """Return a declared path as an R script with its data.

    Parameters
    ----------
    problem : Problem
        The rows; completed tables are pooled as `missing.paths` pools them.
    path : DeclaredPath
        The answers.
    bayesian : bool, default True
        Whether with the posterior.
    seed : int, default 1
        Of R's own draws.

    Returns
    -------
    RScript
        Shows of the main effect ``estimate``, ``se``, ``CI low``, ``CI high`` and ``p`` by least squares and a
        bootstrap of rows, or of whole clusters, in R; ``est.e1`` and ``se.e1`` by lavaan where rows are complete and in
        no clusters; then median, posterior sd, low, high, P(direction) and log Bayes factor of the exact posterior.
    """
    system, effects, level = path.design.system, [("", path.main.effect)], path.main.level
    clusters = path.posterior.cluster is not None
    body = path_estimates_code(system, effects, level=level, draws=len(path.draws.theta), seed=seed, clusters=clusters)
    if not clusters and not isinstance(path.posterior, MixedPathPosterior):
        body += lavaan_paths(replace(path.design, effects=(path.main.effect,)), correlated=True).body
    if bayesian:
        body += path_posterior_code(system, path.posterior, effects, level=level, seed=seed)
    columns = path_columns(system, path.posterior).drop(columns="imputation", errors="ignore")
    data = pd.concat([question_rows(problem).reset_index(drop=True), columns], axis=1)
    name = problem.question.hypothesis.name
    return RScript(made_by=f"analyse, hypothesis {name}", body=body, data=data, name=name)
