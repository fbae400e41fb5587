"""Assurance: the expected power where the effect itself is uncertain."""

import inspect
from collections.abc import Callable

from scipy import integrate, special, stats

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answer import PowerAnswer, made
from feedbackstudy.power.solving import Range, one_open, positive, probability, solve

__all__ = ["assurance"]

_FAR = 8.0  # standard deviations of the prior, beyond which nothing is left


def assurance(
    test: Callable[..., PowerAnswer],
    mean: float,
    sd: float,
    *,
    effect: str = "d",
    size: str = "n",
    n: float | None = None,
    target: float | None = None,
    alpha: float = 0.05,
    **arguments: object,
) -> PowerAnswer:
    r"""Average a test's power over a normal prior of the effect, or find the size for a wanted average.

    Parameters
    ----------
    test : callable
        A function of this room with the effect among its arguments, such as `t_test`.
    mean, sd : float
        Prior mean and standard deviation of the effect.
    effect : str, default ``"d"``
        Name of the effect among the arguments of `test`.
    size : str, default ``"n"``
        Name of the size to give or to solve for, such as ``"clusters"``.
    n : float or None
        The size.
    target : float or None
        Wanted assurance.
    alpha : float, default 0.05
        Two-sided level; only rejections on the side of the prior mean count.
    **arguments
        Further arguments of `test`.

    Returns
    -------
    PowerAnswer
        ``"power"`` is the assurance; the power at the prior mean is among the details.

    Raises
    ------
    InputError
        For impossible arguments, an unknown argument name, or a target above what any size reaches.

    Notes
    -----
    :math:`\int P(\theta) \phi(\theta)\,d\theta` (Spiegelhalter & Freedman 1986; O'Hagan et al. 2005), by adaptive
    quadrature. However large the study, assurance stays below the prior probability of an effect on that side.
    """
    known = inspect.signature(test).parameters
    for name in (effect, size, *arguments):
        if name not in known:
            raise InputError(choices(f"The argument of {getattr(test, '__name__', 'the test')}", name, known))
    positive("sd", sd)
    positive("mean", mean)
    positive(size, n)
    probability("alpha", alpha)
    probability("target", target)
    opened = one_open("assurance", {size: n, "target": target})

    def power_at(theta: float, x: float) -> float:
        asked = {**arguments, effect: theta, size: x, "alpha": alpha / 2, "alternative": "greater"}
        return test(**asked).power

    def expected(x: float) -> float:
        def weighted(z: float) -> float:
            return float(stats.norm.pdf(z)) * power_at(mean + sd * z, x)

        return float(integrate.quad(weighted, -_FAR, _FAR, epsabs=1e-9, epsrel=1e-9, limit=200)[0])

    ceiling = float(special.ndtr(mean / sd))
    if target is not None and target >= ceiling:
        raise InputError(
            f"An assurance of {target:g} is out of reach: the prior gives the effect this sign with probability "
            f"{ceiling:.4f} only, and no study can be surer than that."
        )
    found = float(n) if n is not None else solve(expected, target or 0.0, name=size, within=Range(3.0, 1e6))
    return PowerAnswer(
        question="Assurance: power averaged over the prior of the effect",
        solved="power" if opened == "target" else size,
        values={"prior mean": mean, "prior sd": sd, size: found, "alpha": alpha, "power": expected(found)},
        details={"power at the prior mean": power_at(mean, found), "largest assurance": ceiling},
        engine="exact: adaptive quadrature over the prior",
        provenance=made(
            "assurance",
            (
                f"effect {effect!r} ~ normal(mean, sd)",
                "two-sided test; only rejections on the side of the prior mean count",
            ),
        ),
    )
