"""Which law the counts of a question follow: the declared one, the same for both engines."""

from typing import Literal, NamedTuple

import numpy as np

from feedbackstudy.analysis.classical_model import slope_columns
from feedbackstudy.analysis.frequentist.counts import POISSON_LIMIT, zero_inflated
from feedbackstudy.analysis.frequentist.generalised import GeneralisedFit, fit_generalised
from feedbackstudy.analysis.frequentist.generalised_mixed import GeneralisedMixedFit, fit_generalised_mixed
from feedbackstudy.analysis.frequentist.mixed_cells import cell_columns
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.errors import DataError

__all__ = ["CountLaw", "count_law"]

type Law = Literal["poisson", "negative binomial", "zero-inflated", "zero-inflated poisson"]

_LAWS: dict[str, Law] = {
    "": "negative binomial",
    "poisson": "poisson",
    "negative binomial": "negative binomial",
    "zero-inflated": "zero-inflated",
}
_AT_LIMIT = (
    "The counts vary no more than a Poisson allows, so the likelihood of the negative binomial has its maximum there: "
    "both engines use the Poisson model."
)


class CountLaw(NamedTuple):
    """Law of the counts, and why it is not the declared one where it is not."""

    name: Law
    note: str = ""


def count_law(problem: Problem) -> CountLaw:
    """Return the law that both engines give the counts of a question.

    Parameters
    ----------
    problem : Problem
        Rows of a question about a count.

    Returns
    -------
    CountLaw
        The law that its measure declares; for a negative binomial whose likelihood has its maximum at the Poisson,
        the Poisson, as the frequentist engine has it; with structural zeros likewise.
    """
    name = _LAWS[problem.question.distribution]
    if name == "zero-inflated" and not problem.groups and problem.question.kind not in {"slope", "slopes"}:
        return _with_zeros(problem)
    if name != "negative binomial":
        return CountLaw(name)
    if problem.question.kind in {"slope", "slopes"}:
        adjusted, slopes = slope_columns(problem)
        design = np.hstack([slopes, adjusted])
    else:
        design, _ = cell_columns(problem.cell, len(problem.cells), problem.covariates)
    factors = [RandomFactor.of(group, codes) for group, codes in problem.groups.items()]
    fit: GeneralisedFit | GeneralisedMixedFit
    try:
        if factors:
            fit = fit_generalised_mixed(problem.y, design, name, factors)
        else:
            fit = fit_generalised(problem.y, design, name)
    except DataError:
        # without a frequentist answer there is nothing to agree with; the prior keeps the declared law proper
        return CountLaw(name)
    return CountLaw("poisson", _AT_LIMIT) if fit.poisson_limit else CountLaw(name)


def _with_zeros(problem: Problem) -> CountLaw:
    design, counts = cell_columns(problem.cell, len(problem.cells), problem.covariates)
    zeros = design[:, : int(np.count_nonzero(counts))]
    try:
        fit = zero_inflated(problem.y, np.ones(problem.n), count_design=design, zero_design=zeros)
    except DataError:
        return CountLaw("zero-inflated")
    return CountLaw("zero-inflated poisson", POISSON_LIMIT) if fit.log_theta is None else CountLaw("zero-inflated")
