"""Whether the two engines say the same of a contrast, and why where they do not."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from feedbackstudy.analysis.estimate import Estimate

__all__ = ["Agreement", "agreement"]

type Verdict = Literal["agree", "magnitude", "conflict"]

_AGAINST, _FOR = 1 / 3, 3.0
_APART = 0.5
"""Estimates that are further apart than this share of the standard error differ in magnitude."""
_INSIDE, _UNSURE = 0.95, 0.9
"""Posterior mass that shows equivalence, and mass that does not: an interval of 90 % goes with two one-sided tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The two answers to one contrast, compared.

    Attributes
    ----------
    verdict : {"agree", "magnitude", "conflict"}
        Same conclusion and size; same conclusion, other size or certainty; different conclusions.
    reason : str
        Why.
    """

    verdict: Verdict
    reason: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.reason}"


def agreement(
    classical: Estimate,
    bayesian: Estimate,
    *,
    alpha: float,
    prior_sd: float | None = None,
    weakest_leg: float | None = None,
) -> Agreement:
    """Compare the two engines' answers to one contrast.

    Parameters
    ----------
    classical, bayesian : Estimate
        The answers, on one scale.
    alpha : float
        Error rate of the plan.
    prior_sd : float, optional
        Standard deviation of the prior of the contrast, to say how much it pulls.
    weakest_leg : float, optional
        For a path, the Bayes factor of its least supported leg, which is compared instead of that of the product.

    Returns
    -------
    Agreement
        Verdict and reason. Unadjusted p is compared, because the posterior is not adjusted either.

    Notes
    -----
    A conflict is: opposite signs that both engines are sure of; a p below alpha where the Bayes factor speaks against
    an effect (Lindley, 1957, Biometrika 44, 187-192) or nearly all of the posterior lies in the region of practical
    equivalence; a p above alpha where the Bayes factor is 3 or more; equivalence shown by one, an effect by the other.

    The Bayes factor of a product of K legs sets "all there" against "at least one absent", which before the data has
    odds of 1 to :math:`2^K - 1`; with legs of a Bayes factor of 3 each it exceeds 3, though no more than
    :math:`(3/4)^K` of the posterior probability is on "all there". What p and it say then differs by the definition of
    those odds alone, so the weakest leg, which needs none, is compared.
    """
    if weakest_leg is not None:
        bayesian = replace(bayesian, bayes_factor=weakest_leg)
    found = _conflict(classical, bayesian, alpha) or _magnitude(classical, bayesian, alpha, prior_sd)
    return found or Agreement(verdict="agree", reason=_alike(classical, alpha))


def _conflict(classical: Estimate, bayesian: Estimate, alpha: float) -> Agreement | None:
    p, factor, inside = classical.p, bayesian.bayes_factor, bayesian.prob_rope
    significant = p is not None and p < alpha
    if significant and _sure(bayesian) and _sign(classical) * _sign(bayesian) < 0:
        return Agreement(
            verdict="conflict",
            reason="opposite signs: the prior or the rows differ; look at both models before anything",
        )
    if significant and factor is not None and factor < _AGAINST:
        return Agreement(
            verdict="conflict",
            reason=f"Lindley: p = {p:.3g} rejects exactly zero, while the Bayes factor ({factor:.2g}) finds zero more "
            "likely than the sizes its prior expects; a narrower prior would be less against an effect",
        )
    if not significant and p is not None and factor is not None and factor >= _FOR:
        return Agreement(
            verdict="conflict",
            reason=f"p = {p:.3g} does not reject zero, while the Bayes factor ({factor:.2g}) favours an effect of the "
            "sizes its prior expects; look at how it changes with the width of the prior",
        )
    if significant and inside is not None and inside > _INSIDE:
        return Agreement(
            verdict="conflict",
            reason=f"SESOI: the effect differs from zero, but {inside:.0%} of the posterior lies where effects are too "
            "small to matter: both hold",
        )
    if classical.p_equivalence is not None and classical.p_equivalence < alpha and (factor or 0.0) >= _FOR:
        return Agreement(
            verdict="conflict",
            reason="SESOI: the effect is shown to be smaller than the smallest of interest, and to differ from zero: "
            "both hold",
        )
    return None


def _magnitude(classical: Estimate, bayesian: Estimate, alpha: float, prior_sd: float | None) -> Agreement | None:
    excludes = _excludes(bayesian)
    significant = classical.p is not None and classical.p < alpha
    pull = _pull(classical, prior_sd)
    if excludes is not None and classical.p is not None and excludes != significant:
        which = "p" if significant else "the credible interval"
        return Agreement(verdict="magnitude", reason=f"only {which} excludes no effect{pull}")
    inside, equivalent = bayesian.prob_rope, classical.p_equivalence
    if inside is not None and equivalent is not None:
        if equivalent < alpha and inside < _UNSURE:
            reason = f"only the equivalence test shows an effect too small to matter; the ROPE holds {inside:.0%}{pull}"
            return Agreement(verdict="magnitude", reason=reason)
        if equivalent >= alpha and inside > _INSIDE:
            reason = (
                f"only the posterior shows an effect too small to matter; equivalence has p = {equivalent:.3g}{pull}"
            )
            return Agreement(verdict="magnitude", reason=reason)
    apart = abs(_plain(classical) - _plain(bayesian)) / classical.se if classical.se else 0.0
    if apart > _APART:
        return Agreement(verdict="magnitude", reason=f"the estimates are {apart:.1f} standard errors apart{pull}")
    return None


def _plain(row: Estimate) -> float:
    """Return the estimate on the scale of its standard error, which for a ratio is that of the logarithm."""
    return math.log(row.estimate) if row.null == 1.0 and row.estimate > 0 else row.estimate


def _pull(classical: Estimate, prior_sd: float | None) -> str:
    if prior_sd is None or not classical.se or classical.null == 1.0:
        return ""
    share = classical.se**2 / (classical.se**2 + prior_sd**2)
    return f"; prior width: its sd of {prior_sd:.3g} draws the estimate {share:.0%} towards no effect"


def _alike(classical: Estimate, alpha: float) -> str:
    if classical.p is None:
        return "the estimates are close to each other"
    if classical.p < alpha:
        return "both exclude no effect, on the same side"
    return "neither excludes no effect"


def _sure(row: Estimate) -> bool:
    return row.prob_direction is not None and row.prob_direction > 0.975


def _sign(row: Estimate) -> float:
    return 1.0 if row.estimate >= (row.null or 0.0) else -1.0


def _excludes(row: Estimate) -> bool | None:
    if row.low is None or row.high is None or row.null is None:
        return None
    return not row.low <= row.null <= row.high
