"""How wrong a significant result would be: errors of sign (type S) and of size (type M)."""

import math

import numpy as np
from scipy import integrate, special, stats

from feedbackstudy.errors import InputError
from feedbackstudy.power.answer import PowerAnswer, made
from feedbackstudy.power.noncentral import nct_cdf, t_critical
from feedbackstudy.power.solving import Range, one_open, probability, solve

__all__ = ["type_s_m"]


def type_s_m(
    effect: float,
    se: float | None = None,
    *,
    power: float | None = None,
    alpha: float = 0.05,
    df: float = math.inf,
) -> PowerAnswer:
    r"""Compute how often a significant estimate has the wrong sign, and by how much it exaggerates.

    Parameters
    ----------
    effect : float
        True effect.
    se : float or None
        Standard error of the estimate; None finds the one of the given power.
    power : float or None
        Power of the study, where `se` is not given.
    alpha : float, default 0.05
        Two-sided level.
    df : float, default infinity
        Degrees of freedom of the t test.

    Returns
    -------
    PowerAnswer
        Details: ``"type S"`` and ``"type M"``.

    Raises
    ------
    InputError
        For impossible arguments, or not exactly one of `se` and `power`.

    Notes
    -----
    Gelman & Carlin (2014), Perspectives on Psychological Science 9, 641-651; closed form for the normal as in Lu, Qiu &
    Deng (2019). Finite df: noncentral t about the true standard error, :math:`E(|T|)` beyond the bounds over
    :math:`\delta`, by quadrature.
    """
    opened = one_open("type_s_m", {"se": se, "power": power})
    probability("alpha", alpha)
    if not (math.isfinite(effect) and effect != 0):
        raise InputError(
            f"effect = {effect} cannot be used: without an effect there is no sign or size to be wrong about."
        )
    if se is not None and not (math.isfinite(se) and se > 0):
        raise InputError(f"se = {se} cannot be used: a standard error is positive and finite.")
    if not df > 0:
        raise InputError(f"df = {df} cannot be used: degrees of freedom are positive; infinity for a normal test.")
    bound = float(t_critical(df, alpha))

    def tails(ncp: float) -> tuple[float, float]:
        return 1 - float(nct_cdf(bound, df, ncp)), float(nct_cdf(-bound, df, ncp))

    if power is not None:
        probability("power", power)
        if power <= alpha:
            raise InputError(f"power = {power} is not above alpha = {alpha}: no standard error gives it.")
        se = abs(effect) / solve(lambda x: sum(tails(x)), power, name="effect / se", within=Range(0.0, 60.0))
    ncp = abs(effect) / float(se or 0.0)
    right, wrong = tails(ncp)
    size = _normal_size(ncp, bound) if math.isinf(df) else _t_size(ncp, bound, df)
    return PowerAnswer(
        question="Errors of sign and size among significant results",
        solved=opened,
        values={"effect": effect, "se": float(se or 0.0), "alpha": alpha, "power": right + wrong},
        details={"type S": wrong / (right + wrong), "type M": size / (right + wrong) / ncp},
        engine="exact: normal" if math.isinf(df) else "exact: noncentral t by quadrature",
        provenance=made(
            "type_s_m",
            (
                "type S: P(wrong sign | significant); type M: E|estimate| / |effect| among significant results",
                f"two-sided test, df = {df:g}",
            ),
        ),
    )


def _normal_size(ncp: float, bound: float) -> float:
    """Return E(|Z|; |Z| > bound) for Z normal about ncp."""
    upper, lower = bound - ncp, -bound - ncp
    density = stats.norm.pdf([upper, lower])
    return float(density[0] + ncp * special.ndtr(-upper) + density[1] - ncp * special.ndtr(lower))


def _t_size(ncp: float, bound: float, df: float) -> float:
    """Return E(|estimate| / se; significant): the estimate is normal, its estimated error a chi."""

    def at(s: float) -> float:
        return _normal_size(ncp, bound * s) * float(stats.chi.pdf(s * math.sqrt(df), df)) * math.sqrt(df)

    low, high = np.sqrt(stats.chi2.ppf([1e-13, 1 - 1e-13], df) / df).tolist()
    return float(integrate.quad(at, low, high, epsabs=1e-12, epsrel=1e-10, limit=200)[0])
