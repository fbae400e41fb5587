"""The decision flag: would a reader decide differently on the recomputed value? Independent of its class."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import pairwise

from feedbackstudy.literature.findings import Value
from feedbackstudy.literature.printed import number_of, rounds_to, split_p
from feedbackstudy.literature.published import Published, PublishedValue

__all__ = ["BAYES_FACTOR_BANDS", "decision_flags"]

BAYES_FACTOR_BANDS = (1 / 100, 1 / 30, 1 / 10, 1 / 3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Evidence bands after Jeffreys (1961) as relabelled by Lee & Wagenmakers (2013)."""


def decision_flags(published: Published, values: Mapping[str, Value]) -> dict[str, tuple[str, ...]]:
    """Say for each value which decisions change when the recomputed value replaces the printed one.

    Parameters
    ----------
    published : Published
        The printed values.
    values : mapping of str to Value
        Id -> recomputed value.

    Returns
    -------
    dict
        Id -> names of the flags raised; ids without a flag are left out.

    Notes
    -----
    Sign: the two lie on different sides of the null (a recomputed value that rounds to the printed one never differs).
    p: one is at most alpha, the other above. Interval: one excludes the null, the other does not. Bayes factor: another
    evidence band. Ranking: a printed order is not strictly kept.
    """
    alpha = number_of(published.alpha)
    ranking = _broken_rankings(published, values)
    raised: dict[str, tuple[str, ...]] = {}
    for printed in published.values:
        value = values.get(printed.id)
        if value is None or value.value is None:
            continue
        checks = {
            "sign": _sign_differs(printed, value.value),
            "p vs alpha": _p_differs(printed, value, alpha),
            "interval vs null": _interval_differs(printed, value),
            "Bayes-factor band": _band_differs(printed, value),
            "ranking": printed.id in ranking,
        }
        names = tuple(name for name, differs in checks.items() if differs)
        if names:
            raised[printed.id] = names
    return raised


def _sign_differs(printed: PublishedValue, value: float) -> bool:
    null = number_of(printed.no_effect)
    if printed.published is None:
        return not (value > null if printed.direction == "positive" else value < null)
    if rounds_to(value, printed.published):
        return False
    return (number_of(printed.published) - null) * (value - null) < 0


def _p_differs(printed: PublishedValue, value: Value, alpha: float) -> bool:
    if printed.p is None or value.p is None:
        return False
    sign, text = split_p(printed.p)
    bound = number_of(text)
    if (sign == "<" and bound > alpha) or (sign == ">" and bound < alpha):
        return False
    return (sign != ">" and bound <= alpha) != (value.p <= alpha)


def _interval_differs(printed: PublishedValue, value: Value) -> bool:
    if printed.low is None or printed.high is None or value.low is None or value.high is None:
        return False
    null = number_of(printed.no_effect)
    printed_excludes = not number_of(printed.low) <= null <= number_of(printed.high)
    return printed_excludes != (not value.low <= null <= value.high)


def _band_differs(printed: PublishedValue, value: Value) -> bool:
    if (
        printed.bayes_factor is None
        or value.bayes_factor is None
        or rounds_to(value.bayes_factor, printed.bayes_factor)
    ):
        return False
    theirs, mine = number_of(printed.bayes_factor), value.bayes_factor
    return bisect_right(BAYES_FACTOR_BANDS, theirs) != bisect_right(BAYES_FACTOR_BANDS, mine)


def _broken_rankings(published: Published, values: Mapping[str, Value]) -> set[str]:
    broken: set[str] = set()
    for ranking in published.rankings:
        for above, below in pairwise(ranking):
            higher, lower = values.get(above), values.get(below)
            if higher is None or lower is None or higher.value is None or lower.value is None:
                continue
            if higher.value <= lower.value:
                broken |= {above, below}
    return broken
