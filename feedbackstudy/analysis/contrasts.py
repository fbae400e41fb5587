"""Marginal means and contrasts of a data frame: planned, pairwise, simple effects, interactions, trends."""

from collections.abc import Sequence

import pandas as pd

from feedbackstudy.analysis.contrasts_fit import fit_frame
from feedbackstudy.analysis.contrasts_of import Method, Planned, contrasts_of, options
from feedbackstudy.analysis.contrasts_result import Contrasts
from feedbackstudy.analysis.crossed import listed
from feedbackstudy.analysis.frequentist.adjust import Family
from feedbackstudy.analysis.frequentist.clustered import Clustered
from feedbackstudy.analysis.frequentist.linear import Covariance
from feedbackstudy.analysis.margins import Averaging
from feedbackstudy.analysis.outside import Control
from feedbackstudy.threads import one_thread

__all__ = ["contrasts"]


@one_thread()
def contrasts(
    data: pd.DataFrame,
    outcome: str,
    planned: Planned | None = None,
    *,
    participant: str | None = None,
    between: Sequence[str] = (),
    within: Sequence[str] = (),
    covariates: Sequence[str] = (),
    of: Sequence[str] | None = None,
    by: Sequence[str] = (),
    method: Method = "pairwise",
    reference: str | None = None,
    weights: Averaging = "equal",
    adjust_for: Family = "holm",
    vcov: Covariance | Clustered = "classical",
    cluster: str | None = None,
    control: Control | None = None,
    row_weights: str | None = None,
    delta: float | None = None,
    level: float = 0.95,
) -> Contrasts:
    r"""Estimate marginal means and test contrasts of them.

    Parameters
    ----------
    data : DataFrame
        One row for each participant, or for each participant and occasion. It is not changed.
    outcome : str
        Column of the outcome.
    planned : mapping of str to mapping of str to float, optional
        Name of a contrast -> weights of the marginal means (levels of `of` joined by ``:``; a comparison arm by its
        name); without it the means of `of` are compared by `method`.
    participant : str, optional
        Column that names participants; needed with `within`.
    between, within, covariates : sequence of str
        The design; covariates are held at their mean.
    of : sequence of str, optional
        Factors whose means are wanted, all by default; the others are averaged over.
    by : sequence of str
        Factors at each of whose levels the comparison is repeated (simple effects).
    method : {"pairwise", "reference", "consecutive", "effect", "polynomial", "interaction"}, default "pairwise"
        All pairs; each with one (Dunnett); each with the one before; each with the mean of all; trends; differences
        of differences over all factors in `of`.
    reference : str, optional
        The one, for "reference"; the first by default. With `control` it may be a comparison arm.
    weights : {"equal", "proportional", "observed"}, default "equal"
        How other factors are averaged over.
    adjust_for : str, default "holm"
        "none", "holm", "bonferroni", "hochberg", "hommel", "fdr_bh", "fdr_by", "tukey", "mvt" or "dunnett"; the
        family is what is compared at one level of `by`.
    vcov : {"classical", "welch", "HC0" to "HC4", "CR0" to "CR3"}, default "classical"
        Covariance of the means. Within factors: the covariance of occasions is always free.
    cluster : str, optional
        Column of clusters; CR2 with Satterthwaite degrees of freedom unless another CR is named.
    control : mapping of str to str or sequence of str, optional
        Comparison arms outside the crossing, as in `anova`.
    row_weights : str, optional
        Column of inverse probabilities of assignment (`Allocation.ipw`), where these differ between participants;
        needs "HC0" to "HC4" or a cluster.
    delta : float, optional
        Smallest effect of interest: adds tests of equivalence and of non-inferiority.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Contrasts
        `means_frame()`, `frame()`, `r_script()`.

    Raises
    ------
    DataError
        For a table or options that cannot be used, or weights that are all zero.
    NotFoundError
        For an unknown column, cell, method or adjustment.

    Notes
    -----
    :math:`t = w'\hat\mu / \sqrt{w' V w}`. Standardised: over the root mean square within cells, its interval from
    :math:`SE_d^2 = SE^2/s^2 + d^2/(2\,df)`. Values as those of R's emmeans (docs/analysis-reference.md).
    """
    options(adjust_for, weights, delta, level)
    listed(between=between, within=within, covariates=covariates, of=of or (), by=by)
    fitted = fit_frame(
        data,
        outcome,
        participant,
        between,
        within,
        covariates,
        vcov=vcov,
        cluster=cluster,
        control=control,
        row_weights=row_weights,
    )
    return contrasts_of(
        fitted,
        outcome,
        planned,
        of=of,
        by=by,
        method=method,
        reference=reference,
        weights=weights,
        adjust_for=adjust_for,
        delta=delta,
        level=level,
        made_by="analysis.contrasts",
        counted="participants",
    )
