"""From a frequentist fit of cell means to rows of the estimates table."""

from dataclasses import replace

import numpy as np

from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.frequentist.cell_fit import CellFit, ContrastFit
from feedbackstudy.analysis.frequentist.effect_sizes import eta_squared, noncentral_t_limits
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.proportional import ProportionalCheck
from feedbackstudy.analysis.scaled_weights import with_scaled_d
from feedbackstudy.analysis.thresholds import Thresholds
from feedbackstudy.analysis.wording import Worded

__all__ = ["classical_rows", "noncentral_d", "noninferiority_p", "one_sided_p"]


def classical_rows(
    problem: Problem, fit: CellFit, worded: Worded, limits: Thresholds, *, checked: ProportionalCheck | None = None
) -> tuple[Estimate, ...]:
    """Answer a question with a frequentist fit.

    Parameters
    ----------
    problem : Problem
        The arrays, with the weights.
    fit : CellFit
        The model's cell quantities.
    worded : Worded
        The contrasts in words, and the scale of the estimate.
    limits : Thresholds
        Smallest effect of interest and region, on the scale of the model.
    checked : ProportionalCheck, optional
        Whether one shift describes an ordinal effect, which the note says.

    Returns
    -------
    tuple of Estimate
        One row for each contrast; where there are several, first their joint test. Nothing is decided yet.
    """
    single = tuple(
        with_scaled_d(
            _row(problem, fit, fit.contrast(weights, value=problem.question.value), text, worded, limits),
            problem,
            weights,
        )
        for weights, text in zip(problem.weights, worded.contrasts, strict=True)
    )
    rows = single if len(single) == 1 else (_joint(problem, fit, worded), *single)
    said = checked.words if checked is not None else ""
    return tuple(replace(row, note="; ".join(filter(None, (said, row.note)))) for row in rows)


def _row(problem: Problem, fit: CellFit, found: ContrastFit, text: str, worded: Worded, limits: Thresholds) -> Estimate:
    level = problem.question.plan.interval_level
    low, high = found.interval(level)
    row = Estimate(
        hypothesis=problem.question.hypothesis.name,
        outcome=problem.question.hypothesis.outcome,
        term=problem.question.term,
        contrast=text,
        engine="frequentist",
        model=fit.model,
        estimate=found.estimate,
        se=found.se,
        low=low,
        high=high,
        level=level,
        interval="CI",
        df=None if np.isinf(found.df) else found.df,
        statistic=found.statistic,
        statistic_name="z" if np.isinf(found.df) else "t",
        p=found.p,
        null=0.0,
        sesoi=limits.sesoi,
        p_equivalence=_equivalence_p(found, limits),
        p_noninferiority=None
        if limits.sesoi is None
        else noninferiority_p(found, limits.sesoi, problem.question.hypothesis.direction),
        n=fit.n,
        fit_to_report=not fit.failures,
        unfit="; ".join(fit.failures),
        note="; ".join((*fit.failures, *fit.notes)),
    )
    return _on_ratio_scale(row) if worded.ratio else _standardised(row, found, problem)


def _equivalence_p(found: ContrastFit, limits: Thresholds) -> float | None:
    """Return the larger p of the two one-sided tests against plus and minus the smallest effect of interest."""
    if limits.sesoi is None:
        return None
    return max(one_sided_p(found, -limits.sesoi), one_sided_p(found, limits.sesoi, upper=True))


def one_sided_p(found: ContrastFit, bound: float, *, upper: bool = False) -> float:
    """Test an effect against a bound, one-sided.

    Parameters
    ----------
    found : ContrastFit
        The contrast.
    bound : float
        The bound.
    upper : bool, default False
        True to show that the effect is below the bound, otherwise above it.

    Returns
    -------
    float
        p value.
    """
    distance = (found.estimate - bound) / found.se
    return found.above(-distance if upper else distance)


def noninferiority_p(found: ContrastFit, bound: float, direction: str) -> float:
    """Test that an effect is not worse than the smallest effect of interest against the expected direction.

    Parameters
    ----------
    found : ContrastFit
        The contrast.
    bound : float
        The smallest effect of interest, without sign.
    direction : str
        ``"negative"`` where low values are hoped for; otherwise high ones are.

    Returns
    -------
    float
        One-sided p value: below the bound for a negative direction, above minus the bound otherwise.
    """
    if direction == "negative":
        return one_sided_p(found, bound, upper=True)
    return one_sided_p(found, -bound)


def _standardised(row: Estimate, found: ContrastFit, problem: Problem) -> Estimate:
    """Add the estimate in pooled standard deviations, or a slope standardised on both sides."""
    if problem.question.family not in {"gaussian", None}:
        return row
    level = problem.question.plan.interval_level
    if problem.question.kind in {"slope", "slopes"} and problem.predictor is not None:
        unit = problem.within_sd(problem.predictor) / problem.sd
        low, high = found.interval(level)
        return replace(
            row,
            std_estimate=found.estimate * unit,
            std_low=low * unit,
            std_high=high * unit,
            std_kind="standardised slope",
        )
    low, high = noncentral_d(found, problem.sd, level)
    return replace(row, std_estimate=found.estimate / problem.sd, std_low=low, std_high=high, std_kind="d")


def noncentral_d(found: ContrastFit, sd: float, level: float) -> tuple[float, float]:
    r"""Return the confidence interval of a standardised contrast.

    Parameters
    ----------
    found : ContrastFit
        The contrast.
    sd : float
        The standard deviation it is divided by.
    level : float
        Level of the interval.

    Returns
    -------
    tuple of float
        Lower and upper limit of d.

    Notes
    -----
    The noncentrality parameters under which the observed t is at the tails, times :math:`s / SD` with :math:`s` the
    contrast's standard error (Steiger and Fouladi, 1997); exact for independent rows and equal variances.
    """
    if np.isinf(found.df):
        low, high = found.interval(level)
        return low / sd, high / sd
    # Mirrored for a negative t, whose distribution scipy does not always reach.
    low, high = noncentral_t_limits(abs(found.statistic), found.df, level)
    low, high = (low, high) if found.statistic >= 0 else (-high, -low)
    return low * found.se / sd, high * found.se / sd


def _on_ratio_scale(row: Estimate) -> Estimate:
    """Turn a logarithm into the ratio; the standard error stays that of the logarithm, which the note says."""
    low, high, sesoi = row.low, row.high, row.sesoi
    return replace(
        row,
        estimate=float(np.exp(row.estimate)),
        low=None if low is None else float(np.exp(low)),
        high=None if high is None else float(np.exp(high)),
        null=1.0,
        sesoi=None if sesoi is None else float(np.exp(sesoi)),
        note="; ".join(filter(None, (row.note, "standard error and test are those of the logarithm"))),
    )


def _joint(problem: Problem, fit: CellFit, worded: Worded) -> Estimate:
    """Return the joint test of all contrasts, with partial eta squared as the estimate."""
    found = fit.joint(problem.weights)
    chi, level = np.isinf(found.df2), problem.question.plan.interval_level
    sized = None if chi else eta_squared(found.f, found.df, found.df2, level=level)
    estimate = found.f * found.df / (found.f * found.df + fit.n) if sized is None else sized.estimate
    low, high = (None, None) if sized is None else (sized.low, sized.high)
    return Estimate(
        hypothesis=problem.question.hypothesis.name,
        outcome=problem.question.hypothesis.outcome,
        term=problem.question.term,
        contrast=worded.joint,
        engine="frequentist",
        model=fit.model,
        estimate=estimate,
        low=low,
        high=high,
        level=None if low is None else level,
        interval="none" if low is None else "CI",
        df=found.df,
        df2=None if chi else found.df2,
        statistic=found.f * found.df if chi else found.f,
        statistic_name="chi square" if chi else "F",
        p=found.p,
        std_estimate=estimate,
        std_low=low,
        std_high=high,
        std_kind="partial eta squared",
        null=0.0,
        n=fit.n,
        fit_to_report=not fit.failures,
        unfit="; ".join(fit.failures),
        note="; ".join((*fit.failures, *fit.notes)),
    )
