"""Count models of a data frame: Poisson, negative binomial, and with more zeros than those."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from feedbackstudy.analysis.frequentist.clustered import Clustered
from feedbackstudy.analysis.generalised_model import GeneralisedModel, generalised_model
from feedbackstudy.analysis.model_parts import Random, read_model
from feedbackstudy.analysis.zero_inflated import ZeroInflatedModel, zero_inflated_model
from feedbackstudy.errors import DataError, choices
from feedbackstudy.threads import one_thread

__all__ = ["count"]

_TITLES = {
    "poisson": "Poisson regression",
    "negative binomial": "Negative binomial regression",
    "zero-inflated": "Zero-inflated negative binomial regression",
    "zero-inflated poisson": "Zero-inflated Poisson regression",
}


@one_thread()
def count(
    data: pd.DataFrame,
    outcome: str,
    terms: Sequence[str],
    *,
    family: Literal["poisson", "negative binomial", "zero-inflated", "zero-inflated poisson"] = "negative binomial",
    zero_terms: Sequence[str] = (),
    random: Random | None = None,
    cluster: str | None = None,
    vcov: Clustered | None = None,
    nodes: int = 1,
    categorical: Sequence[str] = (),
    level: float = 0.95,
) -> GeneralisedModel | ZeroInflatedModel:
    r"""Fit a regression of counts to a data frame.

    Parameters
    ----------
    data : DataFrame
        One row for each answer. It is not changed; rows with a missing value are left out and counted.
    outcome : str
        Column of counts.
    terms : sequence of str
        Columns, and interactions as names joined by ``:``.
    family : {"poisson", "negative binomial", "zero-inflated", "zero-inflated poisson"}, default "negative binomial"
        Distribution; the last two mix structural zeros with a negative binomial (a Poisson where the counts vary no
        more than that, which a note says) or with a Poisson.
    zero_terms : sequence of str
        For the zero-inflated: the terms, among `terms`, that move the odds of a structural zero; none by default.
    random : mapping of str to sequence of str, optional
        Grouping factors with ``["1"]``: random intercepts, crossed or (named with ``:``) nested.
    cluster : str, optional
        Column of clusters of a sandwich covariance, instead of random effects.
    vcov : {"CR0", "CR1", "CR1S", "CR2", "CR3"}, optional
        Correction of that covariance; CR2 by default, as in `regression`. Degrees of freedom are Satterthwaite's and
        joint tests HTZ in every case; fewer than 40 clusters are noted.
    nodes : int, default 1
        Nodes of adaptive Gauss-Hermite quadrature for one grouping factor; 1 is Laplace's approximation.
    categorical : sequence of str
        Columns of numbers that are levels of a factor.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    GeneralisedModel or ZeroInflatedModel
        `frame()`, `terms_frame()`, `means(scale="response")` for expected counts, `contrasts()`, `r_script()`.

    Raises
    ------
    DataError
        For a table or terms that cannot be used, values that are no counts, or a likelihood without maximum.
    NotFoundError
        For an unknown column.

    Notes
    -----
    See `analysis.frequentist.generalised.fit_generalised` and
    `analysis.frequentist.counts.zero_inflated`. A Poisson that is overdispersed says so. With random
    intercepts a negative binomial differs from ``glmer.nb`` by a few hundredths of log likelihood, because that one
    approximates with the expected curvature; `nodes` of 15 or more settle it, see
    `analysis.frequentist.generalised_mixed.fit_generalised_mixed`.
    """
    if family not in _TITLES:
        raise DataError(choices("family", family, _TITLES))
    inflated = family.startswith("zero-inflated")
    if zero_terms and not inflated:
        raise DataError(f"'zero_terms' belong to family=\"zero-inflated\"; given family={family!r}.")
    design = read_model(
        data,
        outcome,
        terms,
        kind="count",
        random=random,
        cluster=cluster,
        categorical=categorical,
        level=level,
        vcov=vcov,
    )
    if inflated:
        if random or cluster is not None or nodes != 1:
            raise DataError("The zero-inflated model has neither random effects nor a sandwich covariance here.")
        law: Literal["negative binomial", "poisson"] = "poisson" if family.endswith("poisson") else "negative binomial"
        return zero_inflated_model(design, zero_terms, title=_TITLES[family], level=level, law=law)
    return generalised_model(
        design,
        family,
        title=_TITLES[family],
        made_by="analysis.count",
        random=random,
        cluster=cluster,
        vcov=vcov,
        firth=False,
        nodes=nodes,
        level=level,
    )
