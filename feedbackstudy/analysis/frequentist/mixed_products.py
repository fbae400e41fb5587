"""Cross-products of a linear mixed model, and all that its likelihood needs of them at given random covariances.

Rows of data are used once; each evaluation costs sums over the levels of one factor and algebra of the size of the
others.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse

from feedbackstudy.analysis.frequentist.mixed_pieces import OneInterceptProducts, Pieces, level_sums
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, RandomFactor, pattern
from feedbackstudy.errors import DataError

__all__ = ["CrossedProducts", "products_of"]

_MOST_CROSSED = 6000


class CrossedProducts:
    """Cross-products for any random effects: the factor with most levels by blocks, the others densely.

    Parameters
    ----------
    factors : sequence of RandomFactor
        The random effects.
    columns : ndarray, shape (n, m)
        Fixed columns with the outcome last.
    """

    def __init__(self, factors: Sequence[RandomFactor], columns: Floats) -> None:
        self.order: tuple[int, ...] = tuple(sorted(range(len(factors)), key=lambda k: -factors[k].levels))
        ordered = [factors[k] for k in self.order]
        self.patterns = tuple(pattern(len(f.terms), correlated=f.correlated) for f in ordered)
        self.levels = tuple(f.levels for f in ordered)
        widths = [f.levels * len(f.terms) for f in ordered[1:]]
        self.q, self.m = int(sum(widths)), columns.shape[1]
        if self.q > _MOST_CROSSED:
            raise DataError(
                f"The smaller grouping factors have {self.q} random effects together; at most {_MOST_CROSSED} are "
                "handled. Leave one factor or its slopes out."
            )
        self.starts = np.cumsum([0, *widths])
        head, d = ordered[0], len(ordered[0].terms)
        rest = [_indicators(f) for f in ordered[1:]]
        right = sparse.hstack([*rest, sparse.csr_array(columns)], format="csr") if rest else columns
        left = _indicators(head)
        crossed, gram = left.T @ right, right.T @ right
        self.cross: Floats = _dense(crossed).reshape(head.levels, d, -1)
        self.gram: Floats = _dense(gram)
        squares = (head.design[:, :, None] * head.design[:, None, :]).reshape(-1, d * d)
        self.blocks = level_sums(head, squares).reshape(head.levels, d, d)

    def start(self) -> Floats:
        """Return where the search begins: random effects as variable as the residual, and uncorrelated.

        Returns
        -------
        ndarray
            Entries of the triangular factors.
        """
        return np.concatenate([shape.start() for shape in self.patterns])

    def value(self, theta: Floats) -> tuple[float, Floats]:
        """Return the log determinant and the weighted cross-products.

        Parameters
        ----------
        theta : ndarray
            Entries of the triangular factors, factor after factor in `order`.

        Returns
        -------
        tuple of (float, ndarray)
            Without derivatives.
        """
        solved = self._solve(theta)
        return solved.log_det, solved.gram

    def pieces(self, theta: Floats) -> Pieces:
        """Return value and derivatives.

        Parameters
        ----------
        theta : ndarray
            Entries of the triangular factors, factor after factor in `order`.

        Returns
        -------
        Pieces
            By the identities of Woodbury, twice.
        """
        at = self._solve(theta)
        q, units = self.q, self.patterns[0].units
        head = at.inner_w - at.inner_r @ (at.joined @ at.tail[:, q:])
        kept = np.eye(q) - at.joined @ at.tail[:, :q]
        rest = at.tail[:, q:] - at.tail[:, :q] @ (at.joined @ at.tail[:, q:])
        forms = [np.einsum("ab,gbm->gam", unit, head) for unit in units]
        tails = [self._spread(k, unit, rest) for k, unit in self._units()]
        first = [np.tensordot(head, form, ([0, 1], [0, 1])) for form in forms] + [rest.T @ tail for tail in tails]
        middle = at.tail[:, :q] @ kept
        second = self._second(at, forms, tails, kept, middle)
        trace, traces = self._traces(at, units, kept, middle)
        stacked = np.concatenate([np.stack(first), second.reshape(-1, *at.gram.shape)])
        return Pieces(at.log_det, at.gram, stacked, trace, traces)

    def _solve(self, theta: Floats) -> "_Solved":
        q, d = self.q, self.patterns[0].size
        used = len(self.patterns[0].cells)
        factor = self.patterns[0].factor(theta[:used])
        both = np.concatenate([self.blocks, self.cross], axis=2)
        left = factor.T @ both
        inner = left[:, :, :d] @ factor + np.eye(d)
        solved = factor @ np.linalg.solve(inner, left)
        flat = self.cross.reshape(-1, self.cross.shape[2])
        tail = self.gram - flat.T @ solved[:, :, d:].reshape(flat.shape)
        remain = both - self.blocks @ solved
        log_det = float(np.linalg.slogdet(inner)[1].sum())
        joined = np.zeros((q, q))
        if q:
            scaling = self._factor(theta[used:])
            system = scaling.T @ tail[:q, :q] @ scaling + np.eye(q)
            lower = np.linalg.cholesky(system)
            log_det += 2 * float(np.log(np.diagonal(lower)).sum())
            half = linalg.solve_triangular(lower, scaling.T, lower=True)
            joined = half.T @ half
        gram = tail[q:, q:] - tail[q:, :q] @ joined @ tail[:q, q:]
        return _Solved(
            log_det, gram, tail[:q], joined, remain[:, :, :d], remain[:, :, d : d + q], remain[:, :, d + q :]
        )

    def _factor(self, theta: Floats) -> Floats:
        parts, used = [], 0
        for levels, shape in zip(self.levels[1:], self.patterns[1:], strict=True):
            size = len(shape.cells)
            parts.append(np.kron(np.eye(levels), shape.factor(theta[used : used + size])))
            used += size
        return np.asarray(linalg.block_diag(*parts), dtype=np.float64)

    def _units(self) -> list[tuple[int, Floats]]:
        return [(k, unit) for k, shape in enumerate(self.patterns[1:]) for unit in shape.units]

    def _spread(self, k: int, unit: Floats, matrix: Floats) -> Floats:
        """Apply the derivative of one covariance from the left: zero outside of its factor."""
        made = np.zeros_like(matrix)
        own = slice(int(self.starts[k]), int(self.starts[k + 1]))
        shape = (self.levels[k + 1], unit.shape[0], matrix.shape[1])
        made[own] = np.einsum("ab,gbm->gam", unit, matrix[own].reshape(shape)).reshape(-1, matrix.shape[1])
        return made

    def _second(self, at: "_Solved", forms: list[Floats], tails: list[Floats], kept: Floats, middle: Floats) -> Floats:
        size = len(forms) + len(tails)
        second = np.empty((size, size, self.m, self.m))
        lifted = [np.tensordot(at.inner_r, form, ([0, 1], [0, 1])) for form in forms]
        for r, form in enumerate(forms):
            for s, other in enumerate(forms):
                direct = np.tensordot(form, at.inner @ other, ([0, 1], [0, 1]))
                second[r, s] = direct - lifted[r].T @ at.joined @ lifted[s]
            for s, tail in enumerate(tails, start=len(forms)):
                second[r, s] = lifted[r].T @ kept @ tail
                second[s, r] = second[r, s].T
        for r, tail in enumerate(tails, start=len(forms)):
            for s, other in enumerate(tails, start=len(forms)):
                second[r, s] = tail.T @ middle @ other
        return second

    def _traces(self, at: "_Solved", units: Floats, kept: Floats, middle: Floats) -> tuple[Floats, Floats]:
        rest = self._units()
        size = len(units) + len(rest)
        trace, traces = np.empty(size), np.empty((size, size))
        lifted = [_sandwich(at.inner_r, unit) for unit in units]
        products = [unit @ at.inner for unit in units]
        bound = at.inner_r @ at.joined
        spread = [self._spread(k, unit, middle) for k, unit in rest]
        for r, unit in enumerate(units):
            trace[r] = np.trace(products[r], axis1=1, axis2=2).sum() - np.sum(at.joined * lifted[r])
            reduced = kept.T @ lifted[r] @ kept
            for s, other in enumerate(units):
                single = np.einsum("gab,gba->", products[r], products[s])
                turned = unit @ at.inner @ other
                mixed = np.einsum("gab,gbq,gaq->", turned, at.inner_r, bound)
                double = np.sum((at.joined @ lifted[r]) * (at.joined @ lifted[s]).T)
                traces[r, s] = single - 2 * mixed + double
            for s, (k, other) in enumerate(rest, start=len(units)):
                traces[r, s] = traces[s, r] = np.trace(self._spread(k, other, reduced))
        for r, one in enumerate(spread, start=len(units)):
            trace[r] = np.trace(one)
            for s, two in enumerate(spread, start=len(units)):
                traces[r, s] = np.sum(one * two.T)
        return trace, traces


class _Solved(NamedTuple):
    log_det: float
    gram: Floats
    tail: Floats
    joined: Floats
    inner: Floats
    inner_r: Floats
    inner_w: Floats


def _sandwich(inner: Floats, unit: Floats) -> Floats:
    made: Floats = np.tensordot(inner, np.einsum("ab,gbq->gaq", unit, inner), ([0, 1], [0, 1]))
    return made


def _indicators(factor: RandomFactor) -> "sparse.csr_array":
    n, d = factor.design.shape
    at = (factor.codes[:, None] * d + np.arange(d)).ravel()
    ends = np.arange(0, n * d + 1, d)
    return sparse.csr_array((factor.design.ravel(), at, ends), shape=(n, factor.levels * d))


def _dense(matrix: "sparse.csr_array | Floats") -> Floats:
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray(), dtype=np.float64)


def products_of(factors: Sequence[RandomFactor], columns: Floats) -> OneInterceptProducts | CrossedProducts:
    """Form the cross-products that the random effects need.

    Parameters
    ----------
    factors : sequence of RandomFactor
        The random effects.
    columns : ndarray, shape (n, m)
        Fixed columns with the outcome last.

    Returns
    -------
    OneInterceptProducts or CrossedProducts
        The cheaper of the two that fits.

    Raises
    ------
    DataError
        Where more random effects cross than can be handled.
    """
    if len(factors) == 1 and len(factors[0].terms) == 1 and np.all(factors[0].design == 1):
        return OneInterceptProducts(factors[0], columns)
    return CrossedProducts(factors, columns)
