"""Other ways the same answers could be keyed, and which of them gives the printed mean, SD and alpha."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import InputError
from feedbackstudy.scales.coefficients import alpha_of

__all__ = ["Keying", "Printed", "try_keyings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """Figures as a paper prints them; their decimals say how exactly they must be met.

    Attributes
    ----------
    mean, sd, alpha : str or None
        Such as ``"29.48"``, ``"5.13"``, ``".87"``.
    """

    mean: str | None = None
    sd: str | None = None
    alpha: str | None = None

    def __post_init__(self) -> None:
        for name, text in self.given().items():
            try:
                Decimal(text)
            except InvalidOperation as fault:
                raise InputError(
                    f"Printed {name} {text!r} is not a number; write it as printed, such as '.87'."
                ) from fault

    def given(self) -> dict[str, str]:
        """Return the figures that were given.

        Returns
        -------
        dict
            Name -> text.
        """
        pairs = {"mean": self.mean, "sd": self.sd, "alpha": self.alpha}
        return {name: text for name, text in pairs.items() if text is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keying:
    """One way to key the items, and what it gives.

    Attributes
    ----------
    name : str
        What was tried.
    reverses : tuple of str
        Items reversed.
    shift : float
        What was added to every answer first.
    n : int
        Complete rows.
    mean, sd, alpha : float
        Of the score over complete rows.
    reproduces : tuple of str
        The printed figures that it meets to their printed decimals.
    misses : tuple of str
        Those that it does not.
    """

    name: str
    reverses: tuple[str, ...]
    shift: float
    n: int
    mean: float
    sd: float
    alpha: float
    reproduces: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()


def try_keyings(
    items: NDArray[np.float64],
    names: Sequence[str],
    keys: Mapping[str, Sequence[bool]],
    *,
    low: float,
    high: float,
    shifts: Sequence[float],
    summed: bool,
    printed: Printed,
) -> tuple[Keying, ...]:
    """Key the same complete answers in every way, and hold each against the printed figures.

    Parameters
    ----------
    items : ndarray of float, shape (rows, items)
        Complete answers as they came.
    names : sequence of str
        Item columns.
    keys : mapping of str to sequence of bool
        What is tried -> the items reversed.
    low, high : float
        Declared range.
    shifts : sequence of float
        What may have to be added to every answer; 0 among them.
    summed : bool
        Whether the score is a sum.
    printed : Printed
        The published figures; may be empty.

    Returns
    -------
    tuple of Keying
        Best first: most printed figures met, then highest alpha.
    """
    tried: dict[tuple[tuple[bool, ...], float], Keying] = {}
    for name, key in keys.items():
        for shift in shifts:
            turned = np.asarray(key, dtype=bool)
            if (tuple(key), shift) in tried:
                continue
            moved = items + shift
            table = np.where(turned, low + high - moved, moved)
            label = name + (f", every answer {shift:+g}" if shift else "")
            tried[(tuple(key), shift)] = _keying(table, label, names, turned, shift, summed=summed, printed=printed)
    order = sorted(tried.values(), key=lambda k: (-len(k.reproduces), -np.nan_to_num(k.alpha, nan=-9.0)))
    return tuple(order)


def _keying(
    table: NDArray[np.float64],
    label: str,
    names: Sequence[str],
    turned: NDArray[np.bool_],
    shift: float,
    *,
    summed: bool,
    printed: Printed,
) -> Keying:
    scores = table.sum(axis=1) if summed else table.mean(axis=1)
    found = {
        "mean": float(scores.mean()) if len(scores) else float("nan"),
        "sd": float(scores.std(ddof=1)) if len(scores) > 1 else float("nan"),
        "alpha": _alpha(table),
    }
    given = printed.given()
    met = tuple(name for name, text in given.items() if _as_printed(found[name], text))
    return Keying(
        name=label,
        reverses=tuple(n for n, flag in zip(names, turned, strict=True) if flag),
        shift=shift,
        n=len(table),
        mean=found["mean"],
        sd=found["sd"],
        alpha=found["alpha"],
        reproduces=met,
        misses=tuple(name for name in given if name not in met),
    )


def _alpha(items: NDArray[np.float64]) -> float:
    """Return alpha of complete keyed items; NaN below two items or rows, or without variance."""
    if min(items.shape) < 2:
        return float("nan")
    S = np.cov(items, rowvar=False)
    return float(alpha_of(S)) if S.sum() > 0 else float("nan")


def _as_printed(value: float, text: str) -> bool:
    """Say whether a value rounds to the printed one; both ways of rounding a half are accepted."""
    exponent = Decimal(text).as_tuple().exponent
    half = 0.5 * 10.0 ** (exponent if isinstance(exponent, int) else 0)
    return bool(abs(value - float(text)) <= half * (1 + 1e-9))
