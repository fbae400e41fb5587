"""Numbers as they are printed: text that keeps its decimals, and what rounds to it."""

import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator

__all__ = ["Printed", "PrintedP", "decimals_of", "number_of", "printed_number", "rounds_to", "split_p", "unit_of"]

_NUMBER = re.compile(r"[-+]?(\d+(,\d{3})*(\.\d*)?|\.\d+)([eE][-+]?\d+)?\Z")
_P = re.compile(r"([<>=]?)\s*(.+)\Z", re.DOTALL)
_NOISE = 12
"""Significant digits that survive the last-bit noise of floating point; rounding a tie must not depend on the rest."""


def printed_number(text: object) -> str:
    """Check that `text` is a number written as text.

    Parameters
    ----------
    text : object
        What stands in the file.

    Returns
    -------
    str
        The text, with a typographic minus turned into a hyphen.

    Raises
    ------
    ValueError
        Where it is a bare number (its decimals are lost) or not a number.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        raise ValueError(f"write the number {text!r} in quotes, exactly as printed, so that its decimals are kept.")  # noqa: TRY004
    plain = str(text).strip().replace("\N{MINUS SIGN}", "-")
    if not _NUMBER.match(plain):
        raise ValueError(
            f"{text!r} is not a number; give the number alone, in quotes, as printed (for example '0.60' or '-.16'). "
            "An interval is two values, low and high; a sign or order without a number is 'direction'."
        )
    return plain


def decimals_of(text: str) -> int:
    """Return the number of decimals that a printed number shows.

    Parameters
    ----------
    text : str
        A number as printed: ``"0.60"``, ``".083"``, ``"1.028e-05"``.

    Returns
    -------
    int
        Digits after the decimal point (2, 3 and 8 in the examples); negative for ``"6e4"``.
    """
    exponent = Decimal(text.replace(",", "")).as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _printed_p(text: object) -> str:
    match = _P.match(str(text).strip()) if isinstance(text, str) else None
    if match is None:
        return printed_number(text)
    return f"{match.group(1)}{printed_number(match.group(2))}"


def split_p(text: str) -> tuple[str, str]:
    """Split a printed p value into its comparison and its number.

    Parameters
    ----------
    text : str
        ``".051"``, ``"=.051"`` or ``"<.001"``.

    Returns
    -------
    tuple of (str, str)
        ``("=", ".051")``, ``("<", ".001")``.
    """
    return (text[0], text[1:]) if text[0] in "<>=" else ("=", text)


def number_of(text: str) -> float:
    """Return a printed number as a float.

    Parameters
    ----------
    text : str
        A number as printed, thousands separated by commas or not.

    Returns
    -------
    float
        Its value.
    """
    return float(text.replace(",", ""))


def unit_of(text: str) -> Fraction:
    """Return one unit of the last printed place, exactly.

    Parameters
    ----------
    text : str
        A number as printed.

    Returns
    -------
    Fraction
        1/100 for ``"0.60"``.
    """
    return Fraction(10) ** -decimals_of(text)


def rounds_to(value: float, text: str) -> bool:
    """Say whether a number rounds to the printed one, half-up (away from zero) or half-even.

    Parameters
    ----------
    value : float
        The recomputed number at full precision.
    text : str
        The number as printed.

    Returns
    -------
    bool
        True where either rule of rounding gives the printed digits.
    """
    step = Decimal(1).scaleb(-decimals_of(text))
    target = Decimal(text.replace(",", ""))
    exact = Decimal(f"{value:.{_NOISE}g}")
    return any(exact.quantize(step, rounding=rule) == target for rule in (ROUND_HALF_UP, ROUND_HALF_EVEN))


type Printed = Annotated[str, BeforeValidator(printed_number)]
"""A number as printed, written as text so that its decimals are kept."""
type PrintedP = Annotated[str, BeforeValidator(_printed_p)]
"""A p value as printed: ``".051"``, ``"= .051"``, ``"< .001"``."""
