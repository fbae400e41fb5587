"""Effects within subgroups that were named beforehand, shrunken towards each other."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.readout import readout
from feedbackstudy.policy.rollouts.panel import panel_of
from feedbackstudy.policy.rollouts.two_way import fit_two_way, row_of
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["shrunken", "subgroups"]

type Floats = NDArray[np.float64]


def shrunken(estimates: Floats, se: Floats) -> tuple[Floats, Floats, float, float]:
    r"""Shrink independent estimates towards their mean.

    Parameters
    ----------
    estimates, se : ndarray, shape (k,)
        Estimates and standard errors.

    Returns
    -------
    tuple of (ndarray, ndarray, float, float)
        Shrunken estimates, their standard errors, the mean, and the standard deviation between them.

    Notes
    -----
    Empirical Bayes with :math:`\tau^2` by REML:
    :math:`\hat\theta_j = w_j y_j + (1 - w_j)\hat\mu`, :math:`w_j = \tau^2/(\tau^2 + s_j^2)`, with the variance
    :math:`w_j s_j^2 + (1 - w_j)^2 \mathrm{Var}(\hat\mu)` (Morris 1983).
    """
    y, v = np.asarray(estimates, dtype=np.float64), np.asarray(se, dtype=np.float64) ** 2

    def criterion(log_tau: float) -> float:
        w = 1 / (v + np.exp(2 * log_tau))
        mu = float(w @ y / w.sum())
        return float(-np.log(w).sum() + np.log(w.sum()) + w @ (y - mu) ** 2)

    scale = float(np.sqrt(v.mean()))
    found = optimize.minimize_scalar(criterion, bounds=(np.log(1e-4 * scale), np.log(1e3 * scale)), method="bounded")
    tau = float(np.exp(found.x))
    if criterion(np.log(1e-4 * scale)) <= criterion(np.log(tau)) + 1e-9:
        tau = 0.0
    w = 1 / (v + tau**2)
    mu, own = float(w @ y / w.sum()), tau**2 * w
    variance = own * v + (1 - own) ** 2 / w.sum()
    return own * y + (1 - own) * mu, np.sqrt(variance), mu, tau


def subgroups(stats: SufficientStats, column: str, metric: str | None = None) -> Effects:
    """Estimate the effect within each level of a declared subgroup column, and shrink them.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out, or of an experiment.
    column : str
        A column that the plan names under `subgroups`.
    metric : str, optional
        Name of the metric; the primary one by default.

    Returns
    -------
    Effects
        For each level the estimate of its own cells (two-way fixed effects, or the difference of arms; the model's
        standard error) and the shrunken one. Levels share
        units, so their errors are taken as independent only in shrinking, and that is said.

    Raises
    ------
    NotFoundError
        For a column that was not named beforehand.
    DataError
        For fewer than two levels with an effect.
    """
    plan = stats.plan
    name = metric or plan.primary.name
    if column not in plan.subgroups:
        raise NotFoundError(f"{choices('Subgroup', column, plan.subgroups)} Subgroups are named before anybody looks.")
    rows: list[EffectEstimate] = []
    failed: list[str] = []
    for level in sorted(stats.subgroups[name, column][column].unique(), key=str):
        try:
            own = _within(stats, column, level)
            found = _of_rollout(own, name) if plan.rollout is not None else _of_experiment(own, name)
        except DataError as fault:
            failed.append(f"{column} = {level}: {fault}")
            continue
        rows += [replace(row, contrast=f"{column} = {level}: {row.contrast}", decides=False) for row in found]
    if len(rows) < 2:
        raise DataError(f"{column!r} has {len(rows)} levels with an effect; subgroups need two. {' '.join(failed)}")
    rows[0] = replace(rows[0], warnings=(*rows[0].warnings, *failed))
    made = stats.provenance.derived("policy.rollouts.subgroups", conventions=("empirical Bayes shrinkage, REML",))
    return Effects(rows=(*rows, *_shrunken_rows(rows)), title=f"Subgroups by {column}: {plan.title}", provenance=made)


def _within(stats: SufficientStats, column: str, level: object) -> SufficientStats:
    """Return the statistics of one level alone."""
    frames = {m: frame for (m, by), frame in stats.subgroups.items() if by == column}
    return replace(stats, cells={m: frame[frame[column] == level] for m, frame in frames.items()})


def _of_rollout(stats: SufficientStats, metric: str) -> list[EffectEstimate]:
    panel = panel_of(stats, metric)
    treated = panel.cells()["treated"].to_numpy(dtype=np.float64)[:, None]
    fit = fit_two_way(panel, treated)
    row = row_of(
        panel,
        fit.effect(np.eye(fit.beta.size)[0]),
        level=stats.plan.interval_level,
        method="two-way fixed effects within the subgroup",
        covariance=f"CR2 over {fit.clusters} units, Satterthwaite's degrees of freedom",
    )
    return [row]


def _of_experiment(stats: SufficientStats, metric: str) -> list[EffectEstimate]:
    rows = readout(stats, draws=100)[metric].rows
    return [replace(row, verdict="") for row in rows if row.scale == "absolute" and row.se is not None]


def _shrunken_rows(rows: list[EffectEstimate]) -> list[EffectEstimate]:
    estimates = np.array([row.estimate for row in rows])
    means, se, _, tau = shrunken(estimates, np.array([row.se or np.nan for row in rows]))
    note = f"SD between subgroups {tau:.4g}; their errors are taken as independent in shrinking"
    found = []
    for row, estimate, own in zip(rows, means, se, strict=True):
        half = float(special.ndtri((1 + row.level) / 2)) * own
        found.append(
            replace(
                row, estimate=float(estimate), se=float(own), df=None, low=float(estimate - half),
                high=float(estimate + half), p=None, method="shrunken towards the mean of the subgroups",
                covariance="empirical Bayes, normal interval", warnings=(note,),
            )
        )  # fmt: skip
    return found
