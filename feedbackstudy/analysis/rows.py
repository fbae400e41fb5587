"""From an engine's record to a row of the estimates table, with the decision that the plan's criterion gives."""

from typing import Any

from feedbackstudy.analysis.bayesian.gates import Gates
from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.deciding import decided
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.posterior import Posterior

__all__ = ["bayesian_row", "frequentist_row"]


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
        unfit="; ".join(failures),
        note="; ".join(filter(None, (*failures, note))),
    )
    return row if robustness else decided(row, asked)
