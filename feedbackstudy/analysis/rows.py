"""From an engine's record to a row of the estimates table, with the decision that the plan's criterion gives."""

from dataclasses import replace
from typing import Any

from feedbackstudy.analysis.bayesian.gates import Gates
from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.design.plan import ByBayesFactor, ByP, ByRope

__all__ = ["bayesian_row", "decided", "frequentist_row"]


def frequentist_row(
    asked: Question,
    *,
    contrast: str,
    model: str,
    estimate: float,
    null: float | None = 0.0,
    robustness: bool = False,
    **columns: Any,  # noqa: ANN401
) -> Estimate:
    """Return the frequentist answer to a question.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    contrast : str
        What is compared, with the scale of the estimate.
    model : str
        Model and method in words.
    estimate : float
        The estimate.
    null : float or None, default 0
        The estimate that means "no effect": 1 for ratios, one half for probabilities of superiority.
    robustness : bool, default False
        A second look at the same contrast (another scale or model): it never decides.
    **columns
        Further columns of `Estimate`.

    Returns
    -------
    Estimate
        The row, with its decision where the plan's criterion is one of this engine.
    """
    columns.setdefault("interval", "CI" if columns.get("low") is not None else "none")
    row = Estimate(
        hypothesis=asked.hypothesis.name,
        outcome=asked.hypothesis.outcome,
        term=columns.pop("term", ", ".join(asked.labels)),
        contrast=contrast,
        engine="frequentist",
        model=model,
        estimate=estimate,
        null=null,
        **columns,
    )
    return row if robustness else decided(row, asked)


def bayesian_row(
    asked: Question,
    posterior: Posterior,
    *,
    contrast: str,
    model: str,
    se: float | None = None,
    bayes_factor: float | None = None,
    sesoi: float | None = None,
    gates: Gates | None = None,
    n: int | None = None,
    robustness: bool = False,
    note: str = "",
    term: str = "",
    std_kind: str = "",
) -> Estimate:
    """Return the Bayesian answer to a question.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    posterior : Posterior
        The posterior of the contrast.
    contrast : str
        What is compared, with the scale of the estimate.
    model : str
        Model, prior and method in words.
    se : float, optional
        Posterior standard deviation.
    bayes_factor : float, optional
        In favour of an effect.
    sesoi : float, optional
        Smallest effect of interest on the scale of the estimate.
    gates : Gates, optional
        Convergence of the draws; a failed gate makes the row unfit to report.
    n : int, optional
        Units that entered.
    robustness : bool, default False
        As in `frequentist_row`.
    note, term, std_kind : str
        As in `Estimate`; a `std_kind` says that the estimate itself is standardised.

    Returns
    -------
    Estimate
        The row, with its decision where the plan's criterion is one of this engine.
    """
    failures = gates.failures if gates is not None else ()
    row = Estimate(
        hypothesis=asked.hypothesis.name,
        outcome=asked.hypothesis.outcome,
        term=term or ", ".join(asked.labels),
        contrast=contrast,
        engine="bayesian",
        model=model,
        estimate=posterior.median,
        se=se,
        low=posterior.low,
        high=posterior.high,
        level=posterior.level,
        interval=posterior.interval_kind,
        std_estimate=posterior.median if std_kind else None,
        std_low=posterior.low if std_kind else None,
        std_high=posterior.high if std_kind else None,
        std_kind=std_kind,
        null=posterior.null,
        sesoi=sesoi,
        prob_direction=posterior.prob_direction,
        prob_rope=posterior.prob_rope,
        bayes_factor=bayes_factor,
        rhat=posterior.rhat,
        ess=posterior.ess,
        n=n,
        fit_to_report=not failures,
        note="; ".join(filter(None, (*failures, note))),
    )
    return row if robustness else decided(row, asked)


def decided(row: Estimate, asked: Question) -> Estimate:
    """Return the row with its decision, where it holds the criterion that the plan named.

    Parameters
    ----------
    row : Estimate
        A row.
    asked : Question
        The hypothesis it answers.

    Returns
    -------
    Estimate
        The same row where the criterion is another engine's, absent from the row, or the row is unfit to report.
    """
    if not row.fit_to_report:
        return row
    criterion, alpha = asked.criterion, asked.plan.alpha
    if isinstance(criterion, ByP) and row.p is not None:
        p = row.p if row.p_adjusted is None else row.p_adjusted
        verdict = _side(row, asked) if p < alpha else "not supported"
        words = f"p < {alpha:g}" + (" (adjusted)" if row.p_adjusted is not None else "")
        return replace(row, decides=words, decision=verdict)
    if isinstance(criterion, ByBayesFactor) and row.bayes_factor is not None:
        verdict = _by_factor(row, asked, criterion.threshold)
        return replace(row, decides=f"BF10 > {criterion.threshold:g}", decision=verdict)
    if isinstance(criterion, ByRope) and row.prob_rope is not None:
        inside = "negligible" if row.prob_rope > criterion.mass else "undecided"
        verdict = _side(row, asked) if row.prob_rope < 1 - criterion.mass else inside
        return replace(row, decides=f"mass in or out of the ROPE > {criterion.mass:g}", decision=verdict)
    return row


def _by_factor(row: Estimate, asked: Question, threshold: float) -> str:
    factor = row.bayes_factor if row.bayes_factor is not None else 1.0
    if factor >= threshold:
        return _side(row, asked)
    return "evidence for no effect" if factor <= 1 / threshold else "undecided"


def _side(row: Estimate, asked: Question) -> str:
    """Return what an effect that was found means for the direction that was declared."""
    expected = asked.hypothesis.direction
    found = "positive" if row.estimate > (row.null or 0.0) else "negative"
    return "supported" if expected in {"either", found} else "contradicted"
