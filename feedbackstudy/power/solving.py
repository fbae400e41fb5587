"""Solve a test's power for whichever argument was left open."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from scipy import optimize

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answer import PowerAnswer, made

__all__ = [
    "Range",
    "above_alpha",
    "correlation",
    "one_of",
    "one_open",
    "positive",
    "probability",
    "question",
    "solve",
    "whole",
]

_TOLERANCE = 1e-12
_HALVES_A_TURN = 60


@dataclass(frozen=True, slots=True)
class Range:
    """Where an argument may lie while power is solved for it; power must rise (or fall) throughout.

    Attributes
    ----------
    low, high : float
        Limits.
    unit : str
        Of what the argument counts; empty for an effect or a probability.
    """

    low: float
    high: float
    unit: str = ""


def one_open(name: str, given: Mapping[str, float | None]) -> str:
    """Return the one argument that is None.

    Parameters
    ----------
    name : str
        The function, for the message.
    given : mapping of str to float or None
        The arguments of which exactly one may be open.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    InputError
        Where none or several are open.
    """
    opened = [key for key, value in given.items() if value is None]
    if len(opened) != 1:
        state = f"{' and '.join(opened)} are all open" if opened else "all of them are given"
        raise InputError(
            f"power.{name} solves for one argument: leave exactly one of {', '.join(given)} as None; {state}."
        )
    return opened[0]


def positive(name: str, value: float | None, *, least: float = 0.0, unit: str = "") -> None:
    """Refuse a number that is not finite and above `least`; None passes, it is to be solved for.

    Parameters
    ----------
    name : str
        The argument.
    value : float or None
        What was given.
    least : float, default 0
        The value must be larger.
    unit : str
        What the argument counts, for the message.

    Raises
    ------
    InputError
        Where it is not.
    """
    if value is not None and not (math.isfinite(value) and value > least):
        raise InputError(f"{name} = {value} cannot be used: give a finite number larger than {least:g}{_of(unit)}.")


def whole(name: str, value: int, *, least: int = 1, unit: str = "") -> None:
    """Refuse a count that is not a whole number of at least `least`.

    Parameters
    ----------
    name : str
        The argument.
    value : int
        What was given.
    least : int, default 1
        The smallest possible count.
    unit : str
        What is counted.

    Raises
    ------
    InputError
        Where it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} = {value!r} cannot be used: give a whole number of at least {least}{_of(unit)}.")


def probability(name: str, value: float | None) -> None:
    """Refuse a probability that does not lie between 0 and 1, both excluded; None passes.

    Parameters
    ----------
    name : str
        The argument.
    value : float or None
        What was given.

    Raises
    ------
    InputError
        Where it does not.
    """
    if value is not None and not 0 < value < 1:
        raise InputError(f"{name} = {value} cannot be used: give a probability between 0 and 1, both excluded.")


def correlation(name: str, value: float | None) -> None:
    """Refuse a correlation that does not lie between -1 and 1, both excluded; None passes.

    Parameters
    ----------
    name : str
        The argument.
    value : float or None
        What was given.

    Raises
    ------
    InputError
        Where it does not.
    """
    if value is not None and not -1 < value < 1:
        raise InputError(f"{name} = {value} cannot be used: a correlation lies between -1 and 1, both excluded.")


def _of(unit: str) -> str:
    return f" ({unit})" if unit else ""


def one_of(what: str, value: str, allowed: Iterable[str]) -> None:
    """Refuse a word that is not among those allowed.

    Parameters
    ----------
    what : str
        The kind of thing, as a noun.
    value : str
        What was given.
    allowed : iterable of str
        The words.

    Raises
    ------
    InputError
        Where it is not; the message names the nearest.
    """
    words = tuple(allowed)
    if value not in words:
        raise InputError(choices(what, value, words))


def above_alpha(power: float, alpha: float | None) -> None:
    """Refuse a target power that is not above the level of the test.

    Parameters
    ----------
    power : float
        The target.
    alpha : float or None
        The level; None passes.

    Raises
    ------
    InputError
        Where a test of a true null hypothesis would already reach the target.
    """
    if alpha is not None and power <= alpha:
        raise InputError(
            f"The target power {power:g} is not above alpha = {alpha:g}: a test without any effect already rejects "
            "that often. Give a target such as 0.8 or 0.9."
        )


def solve(power_at: Callable[[float], float], target: float, *, name: str, within: Range) -> float:
    """Find where the power reaches the target.

    Parameters
    ----------
    power_at : callable
        Argument -> power, monotone within the range.
    target : float
        The power that is wanted.
    name : str
        The argument, for the message.
    within : Range
        Where to look.

    Returns
    -------
    float
        The argument; the lower limit where that already is enough.

    Raises
    ------
    InputError
        Where no value within the range reaches the target; the message says how far the power gets.
    """
    low, high = within.low, within.high
    at_low, at_high = power_at(low), power_at(high)
    if at_low >= target and at_high >= target:
        return low
    if (at_low - target) * (at_high - target) > 0:
        best = max(at_low, at_high)
        raise InputError(
            f"No {name} between {low:g} and {high:g}{_of(within.unit)} reaches a power of {target:g}; it gets to "
            f"{best:.4g}. Change another argument."
        )
    if low > 0 and high / low > 16 and at_low < target:
        low, high = _bracket(power_at, target, low, high=high)
    root = optimize.brentq(lambda x: power_at(x) - target, low, high, xtol=_TOLERANCE, rtol=1e-13, maxiter=200)
    return float(root)


def _bracket(power_at: Callable[[float], float], target: float, low: float, *, high: float) -> tuple[float, float]:
    """Double from below, so that no power is computed far above the answer."""
    upper = low
    for _ in range(_HALVES_A_TURN):
        low, upper = upper, min(2 * upper, high)
        if power_at(upper) >= target:
            break
    return low, upper


def question(
    name: str,
    power_at: Callable[..., float],
    *,
    given: Mapping[str, float | None],
    ranges: Mapping[str, Range],
    title: str,
    engine: str,
    conventions: tuple[str, ...],
    details: Callable[..., Mapping[str, float]] | None = None,
    notes: tuple[str, ...] = (),
) -> PowerAnswer:
    """Answer a question about one test: power where that is open, else the open argument.

    Parameters
    ----------
    name : str
        The public function.
    power_at : callable
        The arguments by name, power and those with another meaning excepted -> power.
    given : mapping of str to float or None
        The arguments, ``"power"`` and ``"alpha"`` among them; exactly one is None.
    ranges : mapping of str to Range
        Where each argument may be looked for.
    title : str
        The test in words.
    engine : str
        How the power is computed.
    conventions : tuple of str
        Which formulas were used.
    details : callable, optional
        The same arguments -> what lies behind the power.
    notes : tuple of str
        What a reader must know.

    Returns
    -------
    PowerAnswer
        Every argument with the power at the solution; for counts also the next whole number and its power.

    Raises
    ------
    InputError
        For no or several open arguments, an impossible target, or a target out of reach.
    """
    opened = one_open(name, given)
    known = {key: float(value) for key, value in given.items() if value is not None}
    probability("alpha", known.get("alpha"))
    target = known.pop("power", None)
    extra: dict[str, float] = {}
    if target is not None:
        probability("power", target)
        above_alpha(target, known.get("alpha"))
        within = ranges[opened]
        known[opened] = solve(lambda x: power_at(**known, **{opened: x}), target, name=opened, within=within)
        if within.unit:
            up = float(math.ceil(known[opened] - 1e-9))
            extra = {f"{opened}, whole": up, f"power at whole {opened}": float(power_at(**{**known, opened: up}))}
    values = {key: known[key] for key in given if key != "power"} | {"power": float(power_at(**known))}
    shown = dict(details(**known)) if details is not None else {}
    if details is not None and "people in all" in shown and f"{opened}, whole" in extra:
        whole_people = details(**{**known, opened: extra[f"{opened}, whole"]})  # nobody is a fraction of a person
        shown["people in all"] = whole_people["people in all"]
    return PowerAnswer(
        question=title,
        solved=opened,
        values=values,
        details=extra | shown,
        engine=engine,
        notes=notes,
        provenance=made(name, conventions),
    )
