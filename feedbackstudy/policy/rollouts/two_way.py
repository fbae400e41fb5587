"""Two-way fixed effects on cells, exactly as on the rows behind them, and what that estimate is an average of."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.guardrails import judged
from feedbackstudy.policy.inference.cell_regression import CellRegression, Correction, Effect, fit_cells
from feedbackstudy.policy.rollouts.panel import Panel, panel_of
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.render import Facts, Notice, Page, Rendered, number

__all__ = ["PARALLEL", "TwoWayDiagnosis", "diagnose_two_way", "fit_two_way", "fixed_effects", "row_of", "two_way"]

type Floats = NDArray[np.float64]

PARALLEL = "without the policy, units would have moved in parallel (no anticipation beyond what is declared)"


def fixed_effects(panel: Panel) -> Floats:
    """Return the dummies of units and periods of the cells that are used.

    Parameters
    ----------
    panel : Panel
        The cells.

    Returns
    -------
    ndarray, shape (cells, columns)
        An intercept, units but the first, periods but the first; only those that occur.
    """
    u, t = np.nonzero(panel.used)
    units, periods = np.unique(u), np.unique(t)
    one = np.ones((u.size, 1))
    return np.hstack([one, u[:, None] == units[None, 1:], t[:, None] == periods[None, 1:]]).astype(np.float64)


def fit_two_way(panel: Panel, extra: Floats, *, correction: Correction = "CR2") -> CellRegression:
    """Fit columns beside the effects of units and periods.

    Parameters
    ----------
    panel : Panel
        The cells.
    extra : ndarray, shape (cells used, k)
        The columns; they come first among the coefficients.
    correction : {"CR0", "CR1", "CR2", "CR3"}, default "CR2"
        Correction for leverage; clusters are the units.

    Returns
    -------
    CellRegression
        Least squares weighted by applications.
    """
    u, t = np.nonzero(panel.used)
    design = np.hstack([extra, fixed_effects(panel)])
    return fit_cells(design, panel.n[u, t], panel.total[u, t], u.tolist(), correction=correction)


def row_of(panel: Panel, effect: Effect, *, level: float, method: str, covariance: str) -> EffectEstimate:
    """Return an answer about a roll-out.

    Parameters
    ----------
    panel : Panel
        The cells.
    effect : Effect
        The estimate.
    level : float
        Level of the interval.
    method, covariance : str
        How it was made, in words.

    Returns
    -------
    EffectEstimate
        On the absolute scale.
    """
    low, high = effect.interval(level)
    counts = panel.counts
    return EffectEstimate(
        metric=panel.metric.name,
        label=panel.metric.label,
        role=panel.metric.role,
        contrast="under the policy minus without it",
        scale="absolute",
        estimate=effect.estimate,
        se=effect.se,
        df=effect.df,
        low=low,
        high=high,
        level=level,
        p=effect.p,
        baseline=panel.baseline,
        n=panel.rows,
        n_clusters=int(panel.used.any(axis=1).sum()),
        smallest_arm=counts.smallest_arm,
        fewest=counts.fewest,
        covariance=covariance,
        method=method,
        assumptions=(PARALLEL,),
        warnings=panel.notes,
    )


def two_way(stats: SufficientStats, metric: str | None = None, *, correction: Correction = "CR2") -> Effects:
    r"""Estimate one effect for all units and periods by two-way fixed effects.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out.
    metric : str, optional
        Name of the metric; the primary one by default.
    correction : {"CR0", "CR1", "CR2", "CR3"}, default "CR2"
        Correction for leverage.

    Returns
    -------
    Effects
        From the cells, with the verdict of a guardrail, and beside it the model adjusted as the plan says, where it was
        fitted (CR1 by unit).

    Raises
    ------
    DataError
        Where unit and period already say who is treated.

    Notes
    -----
    :math:`y_{it} = \alpha_i + \gamma_t + \delta D_{it}` weighted by applications, equal to the regression on rows. It
    is an average of effects with weights that may be negative where effects differ over time
    (`diagnose_two_way`; Goodman-Bacon 2021; de Chaisemartin & D'Haultfoeuille 2020).
    """
    panel = panel_of(stats, metric)
    level = stats.plan.interval_level
    diagnosis = diagnose_two_way(panel)
    treated = panel.cells()["treated"].to_numpy(dtype=np.float64)[:, None]
    fit = fit_two_way(panel, treated, correction=correction)
    effect = fit.effect(np.eye(fit.beta.size)[0])
    words = f"{correction} over {fit.clusters} units, " + (
        "Satterthwaite's degrees of freedom" if correction in {"CR2", "CR3"} else "units - 1 degrees of freedom"
    )
    method = "two-way fixed effects, weighted by applications"
    row = row_of(panel, effect, level=level, method=method, covariance=words)
    warned = (*row.warnings, *((diagnosis.words,) if diagnosis.negative > 0 else ()))
    rows = [
        replace(
            judged(row, panel.metric), warnings=warned, assumptions=(PARALLEL, "one effect for all units and periods")
        ),
        *_adjusted(stats, row),
    ]
    made = stats.provenance.derived("policy.rollouts.two_way", conventions=("cells weighted by applications",))
    return Effects(rows=tuple(rows), title=f"Two-way fixed effects: {stats.plan.title}", provenance=made)


def _adjusted(stats: SufficientStats, row: EffectEstimate) -> list[EffectEstimate]:
    fit, unit = stats.fits.get(row.metric), stats.plan.unit
    held = [*stats.plan.adjust, *(["its covariate"] if stats.plan.metric(row.metric).covariate else [])]
    rollout = stats.plan.rollout
    if fit is None or unit is None or not held or (rollout is not None and rollout.washout + rollout.anticipation):
        return []
    at = fit.position("treated")
    se = float(np.sqrt(fit.clustered(unit)[at, at]))
    effect = Effect(estimate=float(fit.beta[at]), se=se, df=len(fit.groups[unit]) - 1.0)
    low, high = effect.interval(row.level)
    return [
        replace(
            row, estimate=effect.estimate, se=se, df=effect.df, low=low, high=high, p=effect.p, n=fit.rows,
            covariance=f"CR1 over {len(fit.groups[unit])} units, units - 1 degrees of freedom",
            method=f"two-way fixed effects on rows, adjusted for {', '.join(held)}",
        )
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoWayDiagnosis(Rendered):
    """What the estimate of two-way fixed effects is an average of.

    Attributes
    ----------
    weights : ndarray, shape (U, T)
        Weight of the effect of each treated cell; they sum to 1.
    negative : float
        Sum of the sizes of negative weights.
    negative_cells, treated_cells : int
        How many treated cells have a negative weight, of how many.
    smallest_sd : float
        Smallest standard deviation of effects over treated cells with which the average effect could be 0 although the
        estimate is what it is.
    """

    weights: Floats
    negative: float
    negative_cells: int
    treated_cells: int
    smallest_sd: float

    @property
    def words(self) -> str:
        """One sentence."""
        return (
            f"{self.negative_cells} of {self.treated_cells} treated cells enter with a negative weight (together "
            f"-{self.negative:.2f}): where effects change over time this average misleads"
        )

    def page(self) -> Page:
        """Return the diagnosis.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = Facts(
            (
                ("treated cells", number(self.treated_cells)),
                ("with a negative weight", number(self.negative_cells)),
                ("sum of negative weights", number(-self.negative, 3)),
                ("effects could average 0 if their SD were", number(self.smallest_sd, 4)),
            )
        )
        tone = Notice(f"{self.words}.") if self.negative else Notice("No negative weights.", tone="good")
        return Page(title="What two-way fixed effects average", blocks=(facts, tone))


def diagnose_two_way(panel: Panel) -> TwoWayDiagnosis:
    r"""Decompose the estimate of two-way fixed effects into the effects of treated cells.

    Parameters
    ----------
    panel : Panel
        The cells.

    Returns
    -------
    TwoWayDiagnosis
        Weights of the cells.

    Raises
    ------
    DataError
        Where unit and period already say who is treated.

    Notes
    -----
    :math:`w_{it} = n_{it}\tilde D_{it} / \sum_{D=1} n\tilde D`, :math:`\tilde D` the residual of treatment on units
    and periods; smallest standard deviation: :math:`|\hat\delta| / \sigma(w/s)`, s the share of applications
    (de Chaisemartin & D'Haultfoeuille 2020, American Economic Review 110, 2964-2996, theorem 1 and corollary 1).
    """
    u, t = np.nonzero(panel.used)
    n, d = panel.n[u, t], panel.treated[u, t].astype(np.float64)
    root = np.sqrt(n)
    basis, _ = np.linalg.qr(root[:, None] * fixed_effects(panel))
    left = root * d - basis @ (basis.T @ (root * d))
    spread = float(left @ left)
    if spread < 1e-10 * max(float(n @ d), 1.0):
        raise DataError(
            "Unit and period already say who is treated: all start at once, or none is left to compare with."
        )
    scaled = root * left * d
    weights = np.zeros(panel.n.shape)
    weights[u, t] = scaled / scaled.sum()
    estimate = float(left @ (panel.total[u, t] / root)) / spread
    treated = d > 0
    share = n[treated] / n[treated].sum()
    ratio = weights[u, t][treated] / share
    sd = float(np.sqrt(share @ (ratio - 1) ** 2))
    own = weights[u, t][treated]
    return TwoWayDiagnosis(
        weights=weights,
        negative=float(-own[own < 0].sum()),
        negative_cells=int((own < 0).sum()),
        treated_cells=int(treated.sum()),
        smallest_sd=abs(estimate) / sd if sd > 0 else float("inf"),
    )
