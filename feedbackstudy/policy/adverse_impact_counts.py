"""Two selection rates compared: ratio with score and log interval, exact and approximate tests, one-person shift."""

import math
from dataclasses import dataclass

from scipy import optimize, special, stats

from feedbackstudy.errors import InputError

__all__ = ["EXACT_LIMIT", "Compared", "compare_rates", "log_interval", "score_interval"]

_WIDEST = 30.0  # logarithms of ratios that are searched
EXACT_LIMIT = 40_000
"""Product of the groups' sizes up to which the unconditional exact tests are searched; it takes minutes beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Selection in a group against the reference.

    Attributes
    ----------
    ratio : float
        Impact ratio: the group's rate over the reference's.
    difference : float
        Difference of the rates.
    score_low, score_high : float
        Score interval of the ratio (Miettinen & Nurminen).
    log_low, log_high : float
        Interval on the logarithm (Katz); not a number without selections in both.
    p : dict of str to float
        Two-sided p values by test; not a number where one was not computed.
    one_person : float
        The ratio if one more of the group and one fewer of the reference had been selected.
    shortfall : float
        Selections that the group lacks to the common rate.
    shortfall_four_fifths : int
        Further selections with which its rate would reach four fifths of the reference's.
    """

    ratio: float
    difference: float
    score_low: float
    score_high: float
    log_low: float
    log_high: float
    p: dict[str, float]
    one_person: float
    shortfall: float
    shortfall_four_fifths: int


def compare_rates(a: int, n: int, b: int, m: int, *, level: float = 0.95) -> Compared:
    r"""Compare a group's selection with the reference's.

    Parameters
    ----------
    a, n : int
        Selected and all of the group.
    b, m : int
        Selected and all of the reference.
    level : float, default 0.95
        Level of intervals.

    Returns
    -------
    Compared
        All measures.

    Raises
    ------
    InputError
        Where nobody of the reference was selected: then there is no ratio.

    Notes
    -----
    Tests: ``z`` with variances of its own for each group (Wald), ``z_pooled``, ``fisher``, ``mid_p`` (Lancaster 1961:
    Fisher's p less half the probability of the observed table), ``boschloo`` and ``barnard`` (unconditional).
    """
    if b == 0:
        raise InputError("Nobody of the reference group was selected, so no ratio to its rate exists.")
    rate, reference = a / n, b / m
    low, high = score_interval(a, n, b, m, level=level)
    log_low, log_high = log_interval(a, n, b, m, level=level)
    common = (a + b) / (n + m)
    return Compared(
        ratio=rate / reference,
        difference=rate - reference,
        score_low=low,
        score_high=high,
        log_low=log_low,
        log_high=log_high,
        p=_tests(a, n, b, m),
        one_person=((a + 1) / n) / ((b - 1) / m) if b > 1 and a < n else math.nan,
        shortfall=n * common - a,
        shortfall_four_fifths=max(0, math.ceil(0.8 * reference * n - a - 1e-9)),
    )


def _tests(a: int, n: int, b: int, m: int) -> dict[str, float]:
    table = [[a, b], [n - a, m - b]]  # groups are columns: their totals are fixed in the unconditional tests
    rate, reference, common = a / n, b / m, (a + b) / (n + m)
    own = rate * (1 - rate) / n + reference * (1 - reference) / m
    pooled = common * (1 - common) * (1 / n + 1 / m)

    def wald(variance: float) -> float:
        return float(2 * special.ndtr(-abs(rate - reference) / math.sqrt(variance))) if variance > 0 else math.nan

    fisher = float(stats.fisher_exact(table).pvalue)
    seen = float(stats.hypergeom.pmf(a, n + m, a + b, n))
    exact = n * m <= EXACT_LIMIT and 0 < a + b < n + m
    return {
        "z": wald(own),
        "z_pooled": wald(pooled),
        "fisher": fisher,
        "mid_p": fisher - seen / 2,
        "boschloo": float(stats.boschloo_exact(table).pvalue) if exact else math.nan,
        "barnard": float(stats.barnard_exact(table).pvalue) if exact else math.nan,
    }


def log_interval(a: int, n: int, b: int, m: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a ratio of rates on the logarithm.

    Parameters
    ----------
    a, n, b, m : int
        Selected and all, of the group and of the reference.
    level : float, default 0.95
        Its level.

    Returns
    -------
    tuple of float
        Limits; not a number where either selected nobody.

    Notes
    -----
    Katz et al. (1978): variance 1/a - 1/n + 1/b - 1/m.
    """
    if a == 0 or b == 0:
        return math.nan, math.nan
    half = float(special.ndtri((1 + level) / 2)) * math.sqrt(max(1 / a - 1 / n + 1 / b - 1 / m, 0.0))
    centre = math.log((a / n) / (b / m))
    return math.exp(centre - half), math.exp(centre + half)


def score_interval(a: int, n: int, b: int, m: int, *, level: float = 0.95) -> tuple[float, float]:
    r"""Return the score interval of a ratio of rates.

    Parameters
    ----------
    a, n, b, m : int
        Selected and all, of the group and of the reference.
    level : float, default 0.95
        Its level.

    Returns
    -------
    tuple of float
        Limits: 0 below where nobody of the group was selected, infinite above where nobody of the reference was.

    Notes
    -----
    Miettinen & Nurminen (1985): all ratios :math:`\phi` with
    :math:`(\hat p_1 - \phi\hat p_2)^2 \le z^2 \frac{N}{N-1}
    (\tilde p_1\tilde q_1/n + \phi^2\tilde p_2\tilde q_2/m)`, where the rates with a tilde maximise the likelihood under
    :math:`p_1 = \phi p_2`. Koopman's (1984) interval is the same without N/(N-1).
    """
    z = float(special.ndtri((1 + level) / 2))
    rate, reference = a / n, b / m

    def score(log_ratio: float) -> float:
        phi = math.exp(log_ratio)
        total = n + m
        middle = n * phi + a + m + b * phi
        root = math.sqrt(max(middle**2 - 4 * total * phi * (a + b), 0.0))
        second = min(2 * (a + b) / (middle + root), 1.0)  # the smaller root, free of cancellation
        first = min(phi * second, 1.0)
        variance = (first * (1 - first) / n + phi**2 * second * (1 - second) / m) * total / (total - 1)
        gap = rate - phi * reference
        return gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gap) if gap else 0.0

    def where(level_of: float) -> float:
        return math.exp(optimize.brentq(lambda t: score(t) - level_of, -_WIDEST, _WIDEST, xtol=1e-13, rtol=1e-13))

    return 0.0 if a == 0 else where(z), math.inf if b == 0 else where(-z)
