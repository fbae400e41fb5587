"""Design analysis for Bayes factors of t tests, by root finding instead of simulation."""

import math
from functools import lru_cache
from typing import Literal

from scipy import optimize

from feedbackstudy.analysis.bayesian.jzs import log_jzs_t as log_jzs
from feedbackstudy.errors import InputError
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.noncentral import nct_cdf
from feedbackstudy.power.solving import Range, one_of, positive, question

__all__ = ["bayes_factor_t", "log_jzs"]

type Prior = Literal["two-sided", "greater"]

_N = {"two": "participants in each group", "paired": "pairs", "one": "participants"}
_WIDEST_T = 60.0


@lru_cache(maxsize=256)
def _critical(evidence: float, n_effective: float, *, df: float, scale: float, alternative: Prior) -> float:
    """Return the t at which the Bayes factor equals `evidence`; NaN where it never does."""
    low = 0.0 if alternative == "two-sided" else -_WIDEST_T

    def excess(t: float) -> float:
        return float(log_jzs(t, n_effective, df=df, scale=scale, alternative=alternative)) - math.log(evidence)

    if excess(low) >= 0 or excess(_WIDEST_T) <= 0:
        return math.nan
    return float(optimize.brentq(excess, low, _WIDEST_T, xtol=1e-12))


def _exceedance(
    evidence: float, d: float, n_effective: float, *, df: float, scale: float, alternative: Prior
) -> tuple[float, float]:
    """Return the critical t for `evidence`, and the probability that the Bayes factor is larger."""
    critical = _critical(evidence, n_effective, df=df, scale=scale, alternative=alternative)
    if math.isnan(critical):
        smallest = log_jzs(0.0, n_effective, df=df, scale=scale, alternative=alternative)
        return critical, float(smallest > math.log(evidence))
    ncp = d * math.sqrt(n_effective)
    upper = 1 - float(nct_cdf(critical, df, ncp))
    return critical, upper + (float(nct_cdf(-critical, df, ncp)) if alternative == "two-sided" else 0.0)


def bayes_factor_t(
    d: float | None = None,
    n: float | None = None,
    *,
    threshold: float = 10.0,
    power: float | None = None,
    scale: float = math.sqrt(0.5),
    samples: Literal["two", "paired", "one"] = "two",
    alternative: Prior = "two-sided",
) -> PowerAnswer:
    """Solve a Bayes-factor t test for the probability of compelling evidence, the sample size or the effect.

    Parameters
    ----------
    d : float or None
        True standardised effect.
    n : float or None
        Participants in each group, pairs, or participants.
    threshold : float, default 10
        The Bayes factor that counts as compelling, above 1.
    power : float or None
        Wanted probability that the Bayes factor exceeds the threshold.
    scale : float, default sqrt(1/2)
        Scale of the Cauchy prior.
    samples : {"two", "paired", "one"}
        Which t test.
    alternative : {"two-sided", "greater"}
        Cauchy prior, or its positive half.

    Returns
    -------
    PowerAnswer
        The argument left None; misleading and inconclusive rates among the details.

    Raises
    ------
    InputError
        For impossible arguments, or none or several left None.

    Notes
    -----
    The Bayes factor rises with t, so its exceedance is that of one critical t, found once; the rest is noncentral t.
    """
    one_of("The kind of samples", samples, _N)
    one_of("The alternative", alternative, ("two-sided", "greater"))
    positive("threshold", threshold, least=1.0)
    positive("scale", scale)
    positive("n", n, least=1.0, unit=_N[samples])
    if power is None and d is not None and not math.isfinite(d):
        raise InputError(f"d = {d} cannot be used: give a finite number.")

    def beyond(evidence: float, d: float, n: float) -> tuple[float, float]:
        effective, df = (n / 2, 2 * n - 2) if samples == "two" else (n, n - 1)
        return _exceedance(evidence, d, effective, df=df, scale=scale, alternative=alternative)

    def details(d: float, n: float) -> dict[str, float]:
        return {
            "critical t": beyond(threshold, d, n)[0],
            "P(BF > threshold) without effect": beyond(threshold, 0.0, n)[1],
            "P(BF < 1/threshold) without effect": 1 - beyond(1 / threshold, 0.0, n)[1],
            "P(BF < 1/threshold) at d": 1 - beyond(1 / threshold, d, n)[1],
        }

    return question(
        "bayes_factor_t",
        lambda d, n: beyond(threshold, d, n)[1],
        given={"d": d, "n": n, "power": power},
        ranges={"d": Range(0.0, 20.0), "n": Range(2.0, 1e6, _N[samples])},
        title=f"Bayes factor above {threshold:g}, {'two-sided' if alternative == 'two-sided' else 'one-sided'} t test",
        engine="exact: critical t by root finding on the JZS Bayes factor, then noncentral t",
        conventions=(
            f"Cauchy prior of scale {scale:.4f} on d" + (", positive half" if alternative == "greater" else ""),
            "power is the probability that the Bayes factor exceeds the threshold",
            f"n counts {_N[samples]}",
        ),
        details=details,
    )
