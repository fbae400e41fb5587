"""Random effects of a linear mixed model: grouping factors, their terms, and how parameters make covariances."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError

__all__ = ["Floats", "Integers", "Pattern", "RandomFactor", "pattern"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RandomFactor:
    """A grouping factor whose levels are drawn from a population.

    Attributes
    ----------
    name : str
        The factor, such as ``"interviewer"``; a nested one as ``"school:class"``.
    codes : ndarray of int, shape (n,)
        Level of each row, as 0, 1, ...; every level occurs. A row of no level has 0 here and zeros in `design`.
    levels : int
        How many levels there are.
    design : ndarray, shape (n, terms)
        What varies between levels: a column of ones for the intercept, a covariate for a slope.
    terms : tuple of str
        Names of the columns; ``"1"`` is the intercept.
    correlated : bool
        True where intercept and slopes of a level may correlate.
    """

    name: str
    codes: Integers
    levels: int
    design: Floats
    terms: tuple[str, ...]
    correlated: bool = True

    @classmethod
    def of(
        cls,
        name: str,
        groups: NDArray[np.generic],
        slopes: Sequence[tuple[str, Floats]] = (),
        *,
        intercept: bool = True,
        correlated: bool = True,
    ) -> "RandomFactor":
        """Make a factor: number the levels of a grouping and set its terms side by side.

        Parameters
        ----------
        name : str
            The factor.
        groups : ndarray, shape (n,)
            The level of each row: integers or anything that sorts. The integer -1 is no level: such a row carries no
            effect of the factor (a zero row of its design), as people who read no message have no exemplar.
        slopes : sequence of (str, ndarray)
            Name and values of each covariate whose effect varies between levels.
        intercept : bool, default True
            Let the intercept vary.
        correlated : bool, default True
            Let the terms of a level correlate.

        Returns
        -------
        RandomFactor
            Ready to be fitted.

        Raises
        ------
        DataError
            For a single level, or as many levels as rows where only the intercept varies, or no term at all.
        """
        held = _held(groups)
        rows = int(np.count_nonzero(held))
        codes, levels = np.zeros(held.size, dtype=np.int64), 0
        if rows == held.size:
            codes, levels = _numbered(np.asarray(groups))
        elif rows:
            codes[held], levels = _numbered(np.asarray(groups)[held])
        columns = [np.ones(codes.size)] if intercept else []
        columns += [np.asarray(values, dtype=np.float64) for _, values in slopes]
        terms = (("1",) if intercept else ()) + tuple(term for term, _ in slopes)
        if not columns:
            raise DataError(
                f'Nothing varies between the levels of {name!r}; name "1" for the intercept, or a covariate.'
            )
        if levels < 2:
            raise DataError(
                f"The grouping factor {name!r} has a single level, so no variance between its levels can be "
                "estimated. Leave it out of the model."
            )
        if levels * len(columns) >= rows:
            raise DataError(
                f"The grouping factor {name!r} has {levels} levels and {len(columns)} random term(s) for "
                f"{rows} rows: its variance cannot be told from the residual variance. It needs levels with "
                "several rows; leave it out, or leave out its slopes."
            )
        return cls(
            name=name,
            codes=codes,
            levels=levels,
            design=_design(columns, held, rows),
            terms=terms,
            correlated=correlated and len(columns) > 1,
        )


def _design(columns: list[Floats], held: NDArray[np.bool_], rows: int) -> Floats:
    stacked = columns[0][:, None] if len(columns) == 1 else np.stack(columns, axis=1)
    return stacked if rows == held.size else stacked * held[:, None]


def _held(groups: NDArray[np.generic]) -> NDArray[np.bool_]:
    given = np.asarray(groups)
    return np.asarray(given != -1) if given.dtype.kind == "i" else np.ones(given.shape, dtype=np.bool_)


def _numbered(groups: NDArray[np.generic]) -> tuple[Integers, int]:
    given = np.asarray(groups)
    if given.dtype.kind in "iu" and given.size and given.min() >= 0 and given.max() < 4 * given.size:
        counts = np.bincount(given)
        if counts.all():
            return given.astype(np.int64, copy=False), int(counts.size)
        used = counts > 0
        return np.asarray((np.cumsum(used) - 1)[given], dtype=np.int64), int(used.sum())
    levels, codes = np.unique(given, return_inverse=True)
    return np.asarray(codes, dtype=np.int64), int(levels.size)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pattern:
    r"""How the parameters of one factor make its relative covariance :math:`\Lambda\Lambda'`.

    Attributes
    ----------
    size : int
        Terms of the factor.
    cells : tuple of (int, int)
        Row and column in the factor :math:`\Lambda` of each parameter; the same list names the covariances.
    """

    size: int
    cells: tuple[tuple[int, int], ...]

    @cached_property
    def curvature(self) -> Floats:
        r"""Second derivatives of each covariance by the parameters; :math:`\lambda_r = \theta' S_r \theta / 2`."""
        k = len(self.cells)
        second = np.zeros((k, k, k))
        for r, (a, b) in enumerate(self.cells):
            for i, (row_i, column_i) in enumerate(self.cells):
                for j, (row_j, column_j) in enumerate(self.cells):
                    if column_i == column_j:
                        second[r, i, j] = (a == row_i) * (b == row_j) + (b == row_i) * (a == row_j)
        return second

    @cached_property
    def units(self) -> Floats:
        """The symmetric matrix of ones that each covariance multiplies, shape (covariances, size, size)."""
        made = np.zeros((len(self.cells), self.size, self.size))
        for r, (a, b) in enumerate(self.cells):
            made[r, a, b] = made[r, b, a] = 1.0
        return made

    def factor(self, theta: Floats) -> Floats:
        """Return the triangular factor.

        Parameters
        ----------
        theta : ndarray, shape (parameters,)
            Its entries.

        Returns
        -------
        ndarray, shape (size, size)
            Lower triangular.
        """
        made = np.zeros((self.size, self.size))
        for value, cell in zip(theta, self.cells, strict=True):
            made[cell] = value
        return made

    def start(self) -> Floats:
        """Return the parameters of the identity.

        Returns
        -------
        ndarray
            One on the diagonal, zero elsewhere.
        """
        return np.array([float(row == column) for row, column in self.cells])


@lru_cache(maxsize=64)
def pattern(size: int, *, correlated: bool) -> Pattern:
    """Return the pattern of a factor with `size` terms.

    Parameters
    ----------
    size : int
        Terms.
    correlated : bool
        False for a diagonal covariance.

    Returns
    -------
    Pattern
        Column by column, as in lme4.
    """
    if correlated:
        cells = tuple((row, column) for column in range(size) for row in range(column, size))
    else:
        cells = tuple((row, row) for row in range(size))
    return Pattern(size=size, cells=cells)
