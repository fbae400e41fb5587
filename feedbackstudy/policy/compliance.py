"""Assigned beside delivered: what assignment did, and what feedback did that assignment brought about."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.arm_counts import counts_of_cells, with_counts
from feedbackstudy.policy.compliance_design import Assigned, assigned
from feedbackstudy.policy.declared import Metric
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.render import Facts, Notice, Page, Rendered, Text, number

__all__ = ["Compliance", "compliance", "is_sum", "ratio_interval", "row_of"]

_ASSUMED = (
    "assignment is as good as drawn by chance, given what is held constant",
    "being assigned works through timely feedback alone",
    "nobody gets timely feedback because their site was not assigned",
)
_WEAK = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance(Rendered):
    """Assignment, delivery, and the effect of delivery on those who get it when assigned.

    Attributes
    ----------
    effects : Effects
        Effect of assignment on the outcome and on delivery; the effect of delivery with Wald's and with Anderson and
        Rubin's interval.
    first_stage_f : float
        Cluster-robust F of assignment on delivery.
    shape : {"interval", "two rays", "everything"}
        Shape of Anderson and Rubin's set; with two rays, `low` and `high` are the ends of the gap between them.
    """

    effects: Effects
    first_stage_f: float
    shape: str

    def page(self) -> Page:
        """Return the answers as a page.

        Returns
        -------
        Page
            Ready to render; it has not passed a disclosure rule.
        """
        page = self.effects.page()
        facts = Facts((("first stage F", number(self.first_stage_f, 1)), ("Anderson-Rubin set", self.shape)))
        blocks = [*page.blocks[:1], facts, Text("Assumed: " + "; ".join(_ASSUMED) + "."), *page.blocks[1:]]
        if self.first_stage_f < _WEAK:
            blocks.insert(1, Notice(f"Assignment hardly moved delivery (F below {_WEAK:g}): Wald's interval misleads."))
        return replace(page, blocks=tuple(blocks))


def compliance(stats: SufficientStats, *, outcome: str | None = None, delivery: str | None = None) -> Compliance:
    r"""Set the effect of assignment beside the effect of what was delivered.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    outcome : str, optional
        A metric; the primary one by default.
    delivery : str, optional
        A metric of role fidelity and kind proportion; by default the plan's only one that counts the same applications
        as the outcome.

    Returns
    -------
    Compliance
        Four rows, and the strength of the first stage.

    Raises
    ------
    InputError
        Where the metrics count different applications, or the plan names no delivery.
    DataError
        Where assignment did not change delivery at all.

    Notes
    -----
    The instrument is assignment of the unit (of the unit in its period in a roll-out). With coefficients a on the
    outcome and b on delivery and their cluster-robust (CR2) covariance V, the effect is :math:`a/b`; its error is
    :math:`\sqrt{V_{aa} - 2 (a/b) V_{ab} + (a/b)^2 V_{bb}}/|b|`, as two-stage least squares. Anderson and Rubin's set
    holds every :math:`\beta` with :math:`(a - \beta b)^2 \le t^2 (V_{aa} - 2\beta V_{ab} + \beta^2 V_{bb})`; it keeps
    its level however weak the first stage is. F is :math:`b^2 / V_{bb}`.
    """
    plan = stats.plan
    y = plan.metrics[outcome] if outcome is not None else plan.primary
    d = _delivery(stats, delivery, y.of)
    if y.of != d.of:
        raise InputError(
            f"{y.name!r} counts {y.of} applications and {d.name!r} {d.of} ones; give both the same 'of' in the plan."
        )
    cells, notes = _joined(stats, y, d)
    on_outcome = assigned(cells, plan, total="y", n="n")
    on_delivery = assigned(cells, plan, total="d", n="n")
    if not abs(on_delivery.estimate) > 1e-12:
        raise DataError(f"Assignment did not change {d.label!r} at all: nothing can be said about what delivery did.")
    level, b = plan.interval_level, on_delivery.estimate
    vbb = on_delivery.variance
    rows = [row_of(y, on_outcome, "assigned minus not assigned", "effect of assignment (ITT)", level)]
    rows.append(row_of(d, on_delivery, "assigned minus not assigned", "effect of assignment on delivery", level))
    f = math.inf if vbb == 0 else b**2 / vbb
    wald = _wald(rows[0], on_outcome, on_delivery, notes, f)
    low, high, shape = ratio_interval(
        on_outcome.estimate, b, on_outcome.variance, float(on_outcome.pulls @ on_delivery.pulls), vbb,
        critical=float(special.stdtrit(on_outcome.df, (1 + level) / 2)),
    )  # fmt: skip
    exact = replace(wald, method="effect of delivery (CACE), Anderson and Rubin's set", se=None, low=low, high=high,
                    warnings=(*notes, *(() if shape == "interval" else (f"the set is {shape}",))), p=rows[0].p,
                    fit_to_report=shape == "interval")  # fmt: skip
    if plan.estimand == "CACE":
        exact = replace(exact, decides=y.role == "primary")
    else:
        rows[0] = replace(rows[0], decides=y.role == "primary")
    made = stats.provenance.derived("policy.compliance", conventions=("assignment is the instrument",))
    title = f"Assigned and delivered: {y.label}"
    first, second = (counts_of_cells(stats.of(metric.name), by="treated") for metric in (y, d))
    counted = (with_counts(rows[0], first), with_counts(rows[1], second))
    told = Effects(
        rows=(*counted, *(with_counts(row, first, second) for row in (exact, wald))), title=title, provenance=made
    )
    return Compliance(effects=told, first_stage_f=f, shape=shape)


def _delivery(stats: SufficientStats, name: str | None, of: str) -> Metric:
    if name is not None:
        return stats.plan.metrics[name]
    every = [m for m in stats.plan.metrics if m.role == "fidelity" and m.kind == "proportion"]
    found = [m for m in every if m.of == of] or every
    if len(found) != 1:
        raise InputError(
            f"The plan has {len(found)} fidelity metrics of kind proportion ({[m.name for m in found]}); name the one "
            "that says whether the feedback was delivered, as delivery='...'."
        )
    return found[0]


def _joined(stats: SufficientStats, y: Metric, d: Metric) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return cells that hold sums of both; delivery is scaled to the applications whose outcome is known."""
    first, second = stats.of(y.name), stats.of(d.name)
    keys = [c for c in first.columns if c in second.columns and not is_sum(c)]
    both = first[[*keys, "n", "sum"]].merge(second[[*keys, "n", "sum"]], on=keys, suffixes=("", "_d"), how="left")
    lost = both["n_d"].isna() | (both["n_d"] == 0)
    if lost.any():
        raise DataError(f"{int(lost.sum())} cells of {y.name!r} hold no application whose delivery is known.")
    scaled = both["sum_d"] * both["n"] / both["n_d"]
    notes: tuple[str, ...] = ()
    if not np.array_equal(both["n"], both["n_d"]):
        notes = (
            "outcome and delivery are not known of the same applications: in each cell the share delivered was taken "
            "to be the same",
        )
    return both.assign(y=both["sum"], d=scaled), notes


def is_sum(column: str) -> bool:
    """Say whether a column of cells is a sum rather than a key.

    Parameters
    ----------
    column : str
        Its name.

    Returns
    -------
    bool
        True for counts, sums, squares and categories.
    """
    return column in {"n", "sum", "sumsq", "per_sum", "per_sumsq", "cross", "x_sum", "x_sumsq", "xy"} or (
        column[:1] == "k" and column[1:].isdigit()
    )


def row_of(metric: Metric, found: Assigned, contrast: str, method: str, level: float) -> EffectEstimate:
    """Write an effect of assignment as an answer.

    Parameters
    ----------
    metric : Metric
        The metric.
    found : Assigned
        The effect.
    contrast, method : str
        In words.
    level : float
        Level of the interval.

    Returns
    -------
    EffectEstimate
        On the absolute scale.
    """
    se = math.sqrt(found.variance)
    half = float(special.stdtrit(found.df, (1 + level) / 2)) * se
    return EffectEstimate(
        metric=metric.name,
        label=metric.label,
        role=metric.role,
        contrast=contrast,
        scale="absolute",
        estimate=found.estimate,
        se=se,
        df=found.df,
        low=found.estimate - half,
        high=found.estimate + half,
        level=level,
        p=float(2 * special.stdtr(found.df, -abs(found.estimate / se))) if se > 0 else None,
        baseline=found.baseline,
        n=found.rows,
        n_clusters=found.clusters,
        covariance=found.words,
        method=method,
        assumptions=_ASSUMED[:1],
    )


def _wald(itt: EffectEstimate, y: Assigned, d: Assigned, notes: tuple[str, ...], f: float) -> EffectEstimate:
    effect = y.estimate / d.estimate
    variance = y.variance - 2 * effect * float(y.pulls @ d.pulls) + effect**2 * d.variance
    se = math.sqrt(max(variance, 0.0)) / abs(d.estimate)
    half = float(special.stdtrit(y.df, (1 + itt.level) / 2)) * se
    weak = () if f >= _WEAK else (f"first stage F is {f:.1f}: this interval misleads, read Anderson and Rubin's",)
    return replace(
        itt,
        contrast="delivered minus not delivered, among those who get it when assigned",
        estimate=effect,
        se=se,
        low=effect - half,
        high=effect + half,
        p=float(2 * special.stdtr(y.df, -abs(effect / se))) if se > 0 else None,
        method="effect of delivery (CACE), Wald / two-stage least squares",
        assumptions=_ASSUMED,
        warnings=(*notes, *weak),
        fit_to_report=not weak,
    )


def ratio_interval(
    a: float, b: float, vaa: float, vab: float, vbb: float, *, critical: float
) -> tuple[float | None, float | None, str]:
    """Return the set of ratios that a test does not reject (Fieller's and Anderson and Rubin's).

    Parameters
    ----------
    a, b : float
        Numerator and denominator.
    vaa, vab, vbb : float
        Their covariance.
    critical : float
        Critical value of t.

    Returns
    -------
    tuple of (float or None, float or None, str)
        Ends and ``"interval"``; the ends of the gap and ``"two rays"``; or nothing and ``"everything"``.
    """
    square = b**2 - critical**2 * vbb
    linear = a * b - critical**2 * vab
    constant = a**2 - critical**2 * vaa
    inside = linear**2 - square * constant
    if square > 0:
        root = math.sqrt(max(inside, 0.0))
        return (linear - root) / square, (linear + root) / square, "interval"
    if inside <= 0 or square == 0:
        return None, None, "everything"
    root = math.sqrt(inside)
    ends = sorted(((linear - root) / square, (linear + root) / square))
    return ends[0], ends[1], "two rays"
