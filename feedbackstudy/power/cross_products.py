"""Cross-products of rows in groups, in every replicate, and what a run of fits has in common."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Design", "Products", "Repeated", "group_sums"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Flags = NDArray[np.bool_]

_FEW = 100


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Cross-products of design X, group indicators Z and outcome y, rows with a gap left out.

    Attributes
    ----------
    xx, zx, zz : ndarray of shape (replicates, p, p), (replicates, q, p), (replicates, q, q)
        :math:`X'X`, :math:`Z'X`, :math:`Z'Z`.
    xy, zy, yy : ndarray of shape (replicates, p), (replicates, q), (replicates,)
        :math:`X'y`, :math:`Z'y`, :math:`y'y`.
    there : ndarray of bool, shape (replicates, n)
        Rows without a gap.
    part : ndarray of shape (q,)
        Grouping of each column of Z.
    """

    xx: Floats
    zx: Floats
    zz: Floats
    xy: Floats
    zy: Floats
    yy: Floats
    there: Flags
    part: Ints

    @property
    def rows(self) -> Floats:
        """How many rows have no gap."""
        return self.there.sum(axis=1).astype(np.float64)

    @classmethod
    def of(cls, y: Floats, x: Floats, groups: Sequence[Ints], repeated: "Repeated | None" = None) -> "Products":
        """Add up.

        Parameters
        ----------
        y : ndarray of shape (replicates, n)
            Outcome.
        x : ndarray of shape (replicates, n, p)
            Design.
        groups : sequence of ndarray of shape (n,)
            Group of each row, one array for each grouping.
        repeated : Repeated, optional
            What was added up before, which is put to use and kept.

        Returns
        -------
        Products
            Of each replicate.
        """
        sizes = [int(codes.max()) + 1 for codes in groups]
        both = list(zip(groups, sizes, strict=True))
        known = None if repeated is None else repeated.products
        held = None if repeated is None or repeated.design is None else repeated.design.of(x)
        finite, x0 = (np.isfinite(x).all(axis=2), x) if held is None else (held.finite, held.filled)
        there = np.isfinite(y) & finite
        y0, same = np.where(there, y, 0.0), known is not None and np.array_equal(known.there, there)
        if held is None or not same:
            x0 = np.where(there[..., None], x, 0.0)
        if known is not None and same and held is not None:
            xx, zx, zz = known.xx, known.zx, known.zz
        elif repeated is not None and known is not None and same:
            new = x0[..., repeated.columns :]
            xx, zx, zz = known.xx.copy(), known.zx.copy(), known.zz
            xx[:, repeated.columns :] = np.swapaxes(new, 1, 2) @ x0
            xx[:, :, repeated.columns :] = np.swapaxes(xx[:, repeated.columns :], 1, 2)
            zx[..., repeated.columns :] = np.concatenate([group_sums(new, codes, k) for codes, k in both], axis=1)
        else:
            xx = np.swapaxes(x0, 1, 2) @ x0
            zx = np.concatenate([group_sums(x0, codes, k) for codes, k in both], axis=1)
            present = there.astype(np.float64)
            zz = np.block([[_pairs(present, a, b, k, m) for b, m in both] for a, k in both])
        zy = np.concatenate([group_sums(y0, codes, k) for codes, k in both], axis=1)
        xy, yy = (np.swapaxes(x0, 1, 2) @ y0[..., None])[..., 0], (y0[:, None] @ y0[..., None])[:, 0, 0]
        made = cls(xx, zx, zz, xy, zy, yy, there, np.repeat(np.arange(len(groups)), sizes))
        if repeated is not None:
            repeated.products, repeated.design = made, Design(x, finite, x0)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A design as it was added up.

    Attributes
    ----------
    given : ndarray of shape (replicates, n, p)
        The design.
    finite : ndarray of bool, shape (replicates, n)
        Rows in which it has no gap.
    filled : ndarray of shape (replicates, n, p)
        The design, 0 in rows with a gap in it or in the outcome.
    """

    given: Floats
    finite: Flags
    filled: Floats

    def of(self, x: Floats) -> "Design | None":
        """Return itself for the very same design.

        Parameters
        ----------
        x : ndarray
            A design.

        Returns
        -------
        Design or None
            None for another array, whatever it holds.
        """
        return self if self.given is x else None


@dataclass(slots=True, eq=False)
class Repeated:
    """What a run of fits has in common: the first columns of the design or all of it, and often the rows without a gap.

    Attributes
    ----------
    columns : int
        How many of the first columns are the same in all fits.
    products : Products or None
        Of the fit before; None at first.
    design : Design or None
        Of the fit before: where the next one has the same array, only the outcome is added up anew.
    kept : object
        What a fit made of the same products, for the next one.
    """

    columns: int
    products: Products | None = None
    design: Design | None = None
    kept: object = None


def group_sums(values: Floats, codes: Ints, k: int) -> Floats:
    """Add up rows by group.

    Parameters
    ----------
    values : ndarray of shape (replicates, n) or (replicates, n, q)
        What is added.
    codes : ndarray of shape (n,)
        Group of each row; rows of none (-1) are in no sum.
    k : int
        Groups.

    Returns
    -------
    ndarray of shape (replicates, k) or (replicates, k, q)
        The sums.
    """
    if k <= _FEW:  # a product with indicators is faster than sorting
        inside = np.eye(k + 1)[codes][:, :k]
        return np.asarray(values @ inside if values.ndim == 2 else inside.T @ values)
    order = np.argsort(codes, kind="stable")
    order = order[codes[order] >= 0]
    held = codes[order]
    starts = np.flatnonzero(np.diff(held, prepend=-1))
    found = np.zeros((len(values), k, *values.shape[2:]))
    found[:, held[starts]] = np.add.reduceat(values[:, order], starts, axis=1)
    return found


def _pairs(there: Floats, first: Ints, second: Ints, k: int, m: int) -> Floats:
    """Count the rows that are in both a group of the first and of the second grouping."""
    if first is second:
        return np.asarray(np.eye(k) * group_sums(there, first, k)[:, None])
    both = np.where((first >= 0) & (second >= 0), first * m + second, -1)
    return group_sums(there, both, k * m).reshape(len(there), k, m)
