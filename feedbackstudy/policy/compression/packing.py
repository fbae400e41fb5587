"""Several whole-number keys as one, since a GROUP BY over one column is faster than over many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Packing", "packing"]

type _Narwhals = Any
"""The module, or an expression of it."""

_SMALL, _MOST = 2**31 - 1, 2**62


@dataclass(frozen=True, slots=True)
class Packing:
    """Keys that stand as the digits of one number, each digit with its own base.

    Attributes
    ----------
    keys : tuple of str
        The keys, the slowest digit first.
    lows : tuple of int
        Least value of each.
    sizes : tuple of int
        Number of values from the least to the largest.
    """

    keys: tuple[str, ...]
    lows: tuple[int, ...]
    sizes: tuple[int, ...]

    def expression(self, nw: _Narwhals) -> _Narwhals:
        """Return the number.

        Parameters
        ----------
        nw : module
            Narwhals.

        Returns
        -------
        narwhals.Expr
            Of 32 bits where they suffice.
        """
        digits = [nw.col(key).cast(nw.Int64) - low for key, low in zip(self.keys, self.lows, strict=True)]
        number = reduce(lambda a, b: a * b[1] + b[0], zip(digits[1:], self.sizes[1:], strict=True), digits[0])
        return number.cast(nw.Int32 if np.prod(self.sizes, dtype=object) <= _SMALL else nw.Int64)

    def unpacked(self, numbers: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Return the keys of the numbers.

        Parameters
        ----------
        numbers : ndarray of int64, shape (groups,)
            Packed keys.

        Returns
        -------
        dict of str to ndarray
            The values of each key.
        """
        found, rest = {}, np.asarray(numbers, dtype=np.int64)
        for key, low, size in zip(reversed(self.keys), reversed(self.lows), reversed(self.sizes), strict=True):
            rest, digit = np.divmod(rest, size)
            found[key] = digit + low
        return found


def packing(keys: Sequence[str], ranges: Mapping[str, tuple[int, int]]) -> Packing | None:
    """Pack the keys whose least and largest values are known.

    Parameters
    ----------
    keys : sequence of str
        Keys of a GROUP BY.
    ranges : mapping of str to (int, int)
        Whole-number key -> its least and largest value.

    Returns
    -------
    Packing or None
        None where fewer than two keys are known, or the number would need more than 62 bits.
    """
    known = tuple(key for key in keys if key in ranges)
    sizes = tuple(ranges[key][1] - ranges[key][0] + 1 for key in known)
    if len(known) < 2 or np.prod(sizes, dtype=object) > _MOST:
        return None
    return Packing(known, tuple(ranges[key][0] for key in known), sizes)
