"""Cross-products of rows in groups, in every replicate, and what a run of fits has in common."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Products", "Repeated", "group_sums"]

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
        there = np.isfinite(y) & np.isfinite(x).all(axis=2)
        y0, x0 = np.where(there, y, 0.0), np.where(there[..., None], x, 0.0)
        sizes = [int(codes.max()) + 1 for codes in groups]
        both = list(zip(groups, sizes, strict=True))
        known = None if repeated is None else repeated.products
        if repeated is not None and known is not None and np.array_equal(known.there, there):
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
            repeated.products = made
        return made


@dataclass(slots=True, eq=False)
class Repeated:
    """What a run of fits has in common: the first columns of the design, and often the rows without a gap.

    Attributes
    ----------
    columns : int
        How many of the first columns are the same in all fits.
    products : Products or None
        Of the fit before; None at first.
    """

    columns: int
    products: Products | None = None


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
