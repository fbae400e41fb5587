"""Power for ordered categories and for binary outcomes on the log-odds scale, by large-sample approximations."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.noncentral import z_power
from feedbackstudy.power.solving import Range, positive, probability, question

__all__ = ["logistic", "ordinal", "shifted"]

type Floats = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(60)


def shifted(probabilities: Sequence[float], odds_ratio: float) -> Floats:
    """Return category probabilities after a common shift of all cumulative odds.

    Parameters
    ----------
    probabilities : sequence of float
        Probabilities of the categories, lowest first, in the first group.
    odds_ratio : float
        Odds of being above any threshold, second group over the first.

    Returns
    -------
    ndarray of shape (categories,)
        Probabilities in the second group.

    Raises
    ------
    InputError
        For probabilities that are not positive or do not sum to 1.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 1 or p.size < 2 or not (p > 0).all() or abs(p.sum() - 1) > 1e-6:
        raise InputError(
            f"The category probabilities {p.tolist()} cannot be used: give two or more, all above 0, that sum to 1."
        )
    below = np.cumsum(p)[:-1]
    moved = special.expit(special.logit(below) - math.log(odds_ratio))
    return np.diff(moved, prepend=0.0, append=1.0)


def ordinal(
    odds_ratio: float | None = None,
    n: float | None = None,
    *,
    control: Sequence[float],
    power: float | None = None,
    alpha: float | None = 0.05,
    ratio: float = 1.0,
) -> PowerAnswer:
    r"""Solve a comparison of two groups on ordered categories for its power, sample size, odds ratio or level.

    Parameters
    ----------
    odds_ratio : float or None
        Proportional odds ratio; solved for above 1.
    n : float or None
        Participants in the first group.
    control : sequence of float
        Category probabilities in the first group, lowest category first.
    power : float or None
        Wanted power.
    alpha : float or None, default 0.05
        Two-sided level.
    ratio : float, default 1
        Size of the second group over that of the first.

    Returns
    -------
    PowerAnswer
        The argument left None, and the power.

    Raises
    ------
    InputError
        For impossible arguments, or none or several left None.

    Notes
    -----
    Whitehead (1993), Statistics in Medicine 12, 2257-2271: the score test's information on :math:`\log OR` is
    :math:`n_1 n_2 N / [3 (N + 1)^2] (1 - \sum \bar p_j^3)`, with :math:`\bar p_j` the groups' even mean.
    """
    positive("odds_ratio", odds_ratio)
    positive("n", n, unit="participants in the first group")
    positive("ratio", ratio)
    shifted(control, 1.0)

    def information(odds_ratio: float, n: float) -> float:
        mean = (np.asarray(control) + shifted(control, odds_ratio)) / 2
        total = n * (1 + ratio)
        return n * n * ratio * total / (3 * (total + 1) ** 2) * (1 - float((mean**3).sum()))

    def power_at(odds_ratio: float, n: float, alpha: float) -> float:
        z = abs(math.log(odds_ratio)) * math.sqrt(information(odds_ratio, n))
        return float(z_power(z, alpha / 2, alternative="greater"))

    return question(
        "ordinal",
        power_at,
        given={"odds_ratio": odds_ratio, "n": n, "power": power, "alpha": alpha},
        ranges={
            "odds_ratio": Range(1.0, 1e3),
            "n": Range(1.0, 1e8, "participants in the first group"),
            "alpha": Range(1e-12, 1 - 1e-9),
        },
        title=f"Two groups on {len(control)} ordered categories",
        engine="approximate: Whitehead's score test, normal",
        conventions=(
            "proportional odds; the odds ratio is of being above any threshold, second group over first",
            "variance from the even mean of both groups' category probabilities",
            "two-sided test; rejections on the wrong side do not count as power",
            "n counts participants in the first group",
        ),
        details=lambda odds_ratio, n, alpha: {"se of the log odds ratio": information(odds_ratio, n) ** -0.5},  # noqa: ARG005
    )


def logistic(
    odds_ratio: float | None = None,
    n: float | None = None,
    *,
    p: float,
    predictor: Literal["normal", "binary"] = "normal",
    share: float = 0.5,
    r2: float = 0.0,
    power: float | None = None,
    alpha: float | None = 0.05,
) -> PowerAnswer:
    r"""Solve a predictor of a binary outcome for its power, sample size, odds ratio or level.

    Parameters
    ----------
    odds_ratio : float or None
        Odds ratio of one standard deviation, or of the second group against the first; solved for above 1.
    n : float or None
        Participants in all.
    p : float
        Probability of the outcome at the predictor's mean, or in the first group.
    predictor : {"normal", "binary"}
        Distribution of the predictor.
    share : float, default 0.5
        Share of the second group, for a binary predictor.
    r2 : float, default 0
        Share of the predictor that other predictors explain.
    power : float or None
        Wanted power.
    alpha : float or None, default 0.05
        Two-sided level.

    Returns
    -------
    PowerAnswer
        The argument left None, and the power.

    Raises
    ------
    InputError
        For impossible arguments, or none or several left None.

    Notes
    -----
    Wald test with the expected information under the alternative (Demidenko 2007), the predictor integrated out.
    """
    for name, value in (("p", p), ("share", share)):
        probability(name, value)
    positive("odds_ratio", odds_ratio)
    positive("n", n, unit="participants in all")
    if predictor not in ("normal", "binary") or not 0 <= r2 < 1:
        raise InputError(
            choices("The predictor", predictor, ("normal", "binary")) + f" r2 = {r2} must be 0 to below 1."
        )
    x = _NODES if predictor == "normal" else np.array([0.0, 1.0])
    weight = _WEIGHTS / _WEIGHTS.sum() if predictor == "normal" else np.array([1 - share, share])

    def error(odds_ratio: float, n: float) -> float:
        mean = special.expit(special.logit(p) + math.log(odds_ratio) * x)
        w = weight * mean * (1 - mean)
        total, first, second = w.sum(), w @ x, w @ x**2
        return math.sqrt(float(total / (total * second - first**2)) / (n * (1 - r2)))

    return question(
        "logistic",
        lambda odds_ratio, n, alpha: float(z_power(math.log(odds_ratio) / error(odds_ratio, n), alpha)),
        given={"odds_ratio": odds_ratio, "n": n, "power": power, "alpha": alpha},
        ranges={
            "odds_ratio": Range(1.0, 50.0),
            "n": Range(2.0, 1e8, "participants in all"),
            "alpha": Range(1e-12, 1 - 1e-9),
        },
        title=f"Logistic regression, {predictor} predictor",
        engine="approximate: Wald test with expected information under the alternative, normal",
        conventions=(
            "odds ratio of one standard deviation"
            if predictor == "normal"
            else "odds ratio of second against first group",
            f"probability {p:g} at the predictor's mean"
            if predictor == "normal"
            else f"probability {p:g} in the first group",
            "n counts participants in all; two-sided test",
        ),
        details=lambda odds_ratio, n, alpha: {"se of the log odds ratio": error(odds_ratio, n)},  # noqa: ARG005
    )
