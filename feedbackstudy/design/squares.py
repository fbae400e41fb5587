"""Latin and Williams squares: orders in which things are shown, so that neither place nor predecessor is confounded."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DeclarationError

__all__ = ["latin_square", "orders", "williams_square"]


def latin_square(k: int) -> NDArray[np.int64]:
    """Return the cyclic Latin square: each thing stands once in each place.

    Parameters
    ----------
    k : int
        Number of things, at least 2.

    Returns
    -------
    ndarray of shape (k, k)
        One order in each row.
    """
    _at_least_two(k)
    return (np.arange(k)[:, None] + np.arange(k)) % k


def williams_square(k: int) -> NDArray[np.int64]:
    """Return Williams' orders: each thing once in each place, and after each other thing equally often.

    Parameters
    ----------
    k : int
        Number of things, at least 2.

    Returns
    -------
    ndarray of shape (k, k) or (2 k, k)
        One order in each row: one square for even k, where each ordered pair of neighbours occurs once, two for odd k,
        where each occurs twice.

    Notes
    -----
    Williams (1949), Australian Journal of Scientific Research A 2, 149-168. The first order is 0, k - 1, 1, k - 2, ...;
    the others add 1 (modulo k); for odd k the reversed orders follow.
    """
    _at_least_two(k)
    first = [i // 2 if i % 2 == 0 else k - 1 - i // 2 for i in range(k)]
    square = (np.array(first) + np.arange(k)[:, None]) % k
    return square if k % 2 == 0 else np.vstack([square, square[:, ::-1]])


def orders(k: int, kind: Literal["williams", "latin"]) -> NDArray[np.int64]:
    """Return the orders of a kind; a single thing has one order.

    Parameters
    ----------
    k : int
        Number of things.
    kind : {"williams", "latin"}
        Which square.

    Returns
    -------
    ndarray
        One order in each row.
    """
    if k == 1:
        return np.zeros((1, 1), dtype=np.int64)
    return williams_square(k) if kind == "williams" else latin_square(k)


def _at_least_two(k: int) -> None:
    if k < 2:
        raise DeclarationError(f"A square of {k} has no order to balance; give at least two things.")
