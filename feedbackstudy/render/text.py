"""Numbers and words as a reader sees them: cleaned, escaped, rounded.

Rounding happens here and in `report` only.
"""

import html
import math
import re

__all__ = ["bayes_factor", "clean", "counted", "escape", "interval", "number", "p_value", "probability", "unbroken"]

# C0 and C1 controls, bidirectional overrides and isolates, lone surrogates: they can rewrite what a reader sees.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: object) -> str:
    """Return `text` as a string without control characters or direction overrides.

    Parameters
    ----------
    text : object
        Anything with a string form.

    Returns
    -------
    str
        Safe to print on a terminal.
    """
    return _HARMFUL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def escape(text: object) -> str:
    """Return `text` safe to stand inside HTML text or a quoted attribute.

    Parameters
    ----------
    text : object
        Anything with a string form.

    Returns
    -------
    str
        Cleaned and HTML-escaped, quotes included.
    """
    return html.escape(clean(text), quote=True)


def number(value: object, decimals: int = 3, *, unit_interval: bool = False, fixed: bool = False) -> str:
    """Format one number for reading.

    Parameters
    ----------
    value : object
        A number; None, NaN and NA give an en dash, other objects their cleaned text.
    decimals : int, default 3
        Digits after the point for non-integers.
    unit_interval : bool, default False
        Drop the leading zero, as for p, r and proportions.
    fixed : bool, default False
        Write a number too small for the decimals as 0.00, which is enough where an interval stands beside it; otherwise
        it keeps three significant digits.

    Returns
    -------
    str
        The formatted number, with a true minus sign.
    """
    if type(value).__name__ == "bool" or not hasattr(value, "__float__"):  # numpy's bool counts too
        return "\N{EN DASH}" if value is None or str(value) in {"<NA>", "NaT"} else clean(value)
    real = float(value)
    if not math.isfinite(real):
        return "\N{EN DASH}" if math.isnan(real) else "\N{INFINITY}".rjust(1 + (real < 0), "\N{MINUS SIGN}")
    if hasattr(value, "__index__"):
        text = f"{int(real):,}"
    elif real != 0 and abs(real) < 0.5 * 10**-decimals and not fixed:
        text = f"{real:.2e}"
    else:
        text = f"{real:z,.{decimals}f}"  # z: a negative zero has no sign
    if unit_interval:
        text = re.sub(r"^(-?)0\.", r"\1.", text)
    return text.replace("-", "\N{MINUS SIGN}", 1) if text.startswith("-") else text


def counted(n: int, one: str, many: str = "") -> str:
    """Return a number with what is counted, in the singular for one.

    Parameters
    ----------
    n : int
        How many.
    one : str
        What there is one of, with its verb where that changes too: ``"person was"``.
    many : str, default ""
        What there are several or none of: ``"people were"``; `one` with an s where left out.

    Returns
    -------
    str
        ``"1 person was"``, ``"1,200 people were"``.
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def p_value(value: float | None) -> str:
    """Format a p value after APA: three decimals, no leading zero, never ".000".

    Parameters
    ----------
    value : float or None
        The p value.

    Returns
    -------
    str
        ``"p = .034"``, ``"p < .001"`` or ``"p \N{EN DASH}"``.
    """
    if value is None or math.isnan(value):
        return "p \N{EN DASH}"
    return "p < .001" if value < 0.001 else f"p = {number(float(value), 3, unit_interval=True)}"


def interval(low: float | None, high: float | None, decimals: int = 3) -> str:
    """Format an interval as ``[low, high]``.

    Parameters
    ----------
    low, high : float or None
        The limits.
    decimals : int, default 3
        Digits after the point.

    Returns
    -------
    str
        The bracketed interval.
    """
    return f"[{number(low, decimals)}, {number(high, decimals)}]"


def unbroken(text: str) -> str:
    """Return text that no line break may divide, such as ``"P(direction) = .535"``.

    Parameters
    ----------
    text : str
        A few words with a number.

    Returns
    -------
    str
        With no-break spaces and non-breaking hyphens.
    """
    return text.replace(" ", "\N{NO-BREAK SPACE}").replace("-", "\N{NON-BREAKING HYPHEN}")


def probability(value: float) -> str:
    """Format a probability with its relation sign, never as 1.000 or .000.

    Parameters
    ----------
    value : float
        The probability.

    Returns
    -------
    str
        ``"= .974"``, ``"> .999"`` or ``"< .001"``.
    """
    return "> .999" if value > 0.999 else "< .001" if value < 0.001 else f"= {number(value, unit_interval=True)}"


def bayes_factor(value: float) -> str:
    """Format a Bayes factor in favour of an effect; beyond a thousand its size says no more.

    Parameters
    ----------
    value : float
        The Bayes factor.

    Returns
    -------
    str
        ``"BF10 = 3.10"``, ``"BF10 > 1000"`` or ``"BF10 < 0.001"``.
    """
    if value > 1000:
        return "BF10 > 1000"
    return "BF10 < 0.001" if value < 0.001 else f"BF10 = {number(value, 2 if value >= 0.1 else 3)}"
