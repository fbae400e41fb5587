"""Several metrics at once: their joint covariance from stacked scores, and intervals that hold together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.frequentist.multivariate_t import beyond_any, simultaneous_quantile
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.arm_counts import counts_of_cells
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["JointEffects", "joint_effects", "together"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointEffects:
    """Adjusted effects on several metrics.

    Attributes
    ----------
    metrics : tuple of str
        Their names.
    estimates : ndarray, shape (m,)
        Coefficients of the treatment.
    covariance : ndarray, shape (m, m)
        Their joint cluster-robust covariance.
    clusters : int
        Clusters that any of them has.
    rows : tuple of int
        Applications of each.
    """

    metrics: tuple[str, ...]
    estimates: Floats
    covariance: Floats
    clusters: int
    rows: tuple[int, ...]


def joint_effects(
    stats: SufficientStats, metrics: Sequence[str] | None = None, *, by: str | None = None
) -> JointEffects:
    r"""Return the effects of a two-armed policy on several metrics with their joint covariance.

    Parameters
    ----------
    stats : SufficientStats
        With an adjusted model for each metric.
    metrics : sequence of str, optional
        Names; all metrics with an adjusted model by default.
    by : str, optional
        The clustering; the unit of assignment by default.

    Returns
    -------
    JointEffects
        Without reading any data again.

    Raises
    ------
    InputError
        Where applications are not clustered, or more than two arms are compared.
    DataError
        Where a treatment is aliased, or fewer than two clusters are seen.

    Notes
    -----
    :math:`\mathrm{Cov}(\hat\beta_a, \hat\beta_b) = \frac{G}{G-1} A_a S_a'S_b A_b` with the scores S of each metric
    stacked over the same clusters; a cluster without applications for a metric has the score 0.
    """
    cluster = by or (stats.plan.clusterings[0] if stats.plan.clusterings else None)
    if cluster is None:
        raise InputError(
            "Applications are independent in this plan; declare clusters for a joint covariance of metrics."
        )
    names = tuple(metrics or stats.fits)
    pulls: list[dict[object, float]] = []
    estimates, rows = [], []
    for name in names:
        if name not in stats.fits:
            raise InputError(f"Metric {name!r} has no adjusted model (its kind is {stats.plan.metric(name).kind!r}).")
        fit = stats.fits[name]
        labels = [column.label for column in fit.columns]
        if "treated" not in labels:
            raise InputError(
                "A joint covariance compares two arms; this plan has more, each with an effect of its own."
            )
        at = labels.index("treated")
        if not np.isfinite(fit.beta[at]):
            raise DataError(
                f"The treatment is aliased in the model of {name!r}: nothing tells it from what is adjusted for."
            )
        estimates.append(float(fit.beta[at]))
        rows.append(fit.rows)
        pulls.append(dict(zip(fit.groups[cluster], fit.scores[cluster] @ fit.inverse[:, at], strict=True)))
    every = sorted({group for pull in pulls for group in pull}, key=str)
    if len(every) < 2:
        raise DataError(f"There is one cluster of {cluster!r}: nothing says how much clusters differ.")
    stacked = np.array([[pull.get(group, 0.0) for pull in pulls] for group in every])
    g = len(every)
    covariance = g / (g - 1) * stacked.T @ stacked
    return JointEffects(
        metrics=names, estimates=np.array(estimates), covariance=covariance, clusters=g, rows=tuple(rows)
    )


def together(stats: SufficientStats, metrics: Sequence[str] | None = None, *, by: str | None = None) -> Effects:
    """Give several metrics intervals and p values that hold for all of them at once.

    Parameters
    ----------
    stats : SufficientStats
        With an adjusted model for each metric.
    metrics : sequence of str, optional
        Names; all metrics with an adjusted model by default.
    by : str, optional
        The clustering; the unit of assignment by default.

    Returns
    -------
    Effects
        Single-step max-t (Hothorn, Bretz & Westfall 2008): `low` and `high` are joint, `p` is the single one and
        `p_adjusted` that of the family.
    """
    joint, plan = joint_effects(stats, metrics, by=by), stats.plan
    se = np.sqrt(np.diag(joint.covariance))
    correlation, df = joint.covariance / np.outer(se, se), joint.clusters - 1.0
    half = simultaneous_quantile(plan.interval_level, correlation, df) * se
    rows = []
    for i, name in enumerate(joint.metrics):
        metric, size = plan.metric(name), abs(joint.estimates[i] / se[i])
        counts = counts_of_cells(stats.of(name), by="treated")
        rows.append(
            EffectEstimate(
                metric=name,
                label=metric.label,
                role=metric.role,
                contrast="under the policy minus without it",
                scale="absolute",
                estimate=float(joint.estimates[i]),
                se=float(se[i]),
                df=df,
                low=float(joint.estimates[i] - half[i]),
                high=float(joint.estimates[i] + half[i]),
                level=plan.interval_level,
                p=float(2 * special.stdtr(df, -size)),
                p_adjusted=beyond_any(float(size), correlation, df),
                n=joint.rows[i],
                n_clusters=joint.clusters,
                smallest_arm=counts.smallest_arm,
                fewest=counts.fewest,
                covariance=f"CR1 over {joint.clusters} clusters, joint over {len(joint.metrics)} metrics",
                method="adjusted linear model; intervals hold for all metrics at once",
            )
        )
    made = stats.provenance.derived("policy.together", conventions=("max-t over metrics from stacked scores",))
    return Effects(rows=tuple(rows), title=f"All metrics together: {plan.title}", provenance=made)
