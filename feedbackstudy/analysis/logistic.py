"""Logistic regression of a data frame: odds ratios, standardised probabilities, separation by name, clusters."""

from collections.abc import Sequence

import pandas as pd

from feedbackstudy.analysis.frequentist.clustered import Clustered
from feedbackstudy.analysis.generalised_model import GeneralisedModel, generalised_model
from feedbackstudy.analysis.model_parts import Random, read_model
from feedbackstudy.threads import one_thread

__all__ = ["logistic"]


@one_thread()
def logistic(
    data: pd.DataFrame,
    outcome: str,
    terms: Sequence[str],
    *,
    random: Random | None = None,
    cluster: str | None = None,
    vcov: Clustered | None = None,
    firth: bool = False,
    nodes: int = 1,
    categorical: Sequence[str] = (),
    level: float = 0.95,
) -> GeneralisedModel:
    r"""Fit a logistic regression to a data frame.

    Parameters
    ----------
    data : DataFrame
        One row for each answer. It is not changed; rows with a missing value are left out and counted.
    outcome : str
        Column of zeros and ones, or of false and true.
    terms : sequence of str
        Columns, and interactions as names joined by ``:``.
    random : mapping of str to sequence of str, optional
        Grouping factors with ``["1"]``: random intercepts, crossed or (named with ``:``) nested.
    cluster : str, optional
        Column of clusters of a sandwich covariance, instead of random effects.
    vcov : {"CR0", "CR1", "CR1S", "CR2", "CR3"}, optional
        Correction of that covariance; CR2 by default, as in `regression`. Degrees of freedom are Satterthwaite's and
        joint tests HTZ in every case; fewer than 40 clusters are noted.
    firth : bool, default False
        Firth's penalised likelihood, finite under separation.
    nodes : int, default 1
        Nodes of adaptive Gauss-Hermite quadrature for one grouping factor; 1 is Laplace's approximation.
    categorical : sequence of str
        Columns of numbers that are levels of a factor.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    GeneralisedModel
        `frame()`, `terms_frame()`, `means(scale="response")` for probabilities, `contrasts()` of log odds or (with
        ``scale="response"``) of probabilities, `r_script()`.

    Raises
    ------
    DataError
        For a table or terms that cannot be used, an outcome coded otherwise, or separation without `firth`.
    NotFoundError
        For an unknown column.

    Notes
    -----
    See `analysis.frequentist.generalised.fit_generalised`. Differences of standardised probabilities are risk
    differences averaged over the covariates of all rows (g-computation), with delta-method errors.
    """
    design = read_model(
        data,
        outcome,
        terms,
        kind="binary",
        random=random,
        cluster=cluster,
        categorical=categorical,
        level=level,
        vcov=vcov,
    )
    return generalised_model(
        design,
        "binomial",
        title="Logistic regression",
        made_by="analysis.logistic",
        random=random,
        cluster=cluster,
        vcov=vcov,
        firth=firth,
        nodes=nodes,
        level=level,
    )
