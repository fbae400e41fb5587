"""Designs in shorthand: ``"2b*4w"`` is two levels between and four within participants."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import InputError

__all__ = ["FactorialDesign", "covariance", "parse"]

type Floats = NDArray[np.float64]

_TERM = re.compile(r"(\d+)([bw])\Z")


@dataclass(frozen=True, slots=True)
class FactorialDesign:
    """A crossing in the order in which the means are given.

    Attributes
    ----------
    text : str
        The shorthand.
    levels : tuple of int
        Levels of each factor.
    within : tuple of bool
        Whether each factor varies within participants.
    names : tuple of str
        Names of the factors.
    """

    text: str
    levels: tuple[int, ...]
    within: tuple[bool, ...]
    names: tuple[str, ...]

    @property
    def between(self) -> tuple[int, ...]:
        """Positions of the factors that vary between participants."""
        return tuple(i for i, is_within in enumerate(self.within) if not is_within)

    @property
    def repeated(self) -> tuple[int, ...]:
        """Positions of the factors that vary within participants."""
        return tuple(i for i, is_within in enumerate(self.within) if is_within)

    @property
    def groups(self) -> int:
        """Number of between-participants cells."""
        return int(np.prod([self.levels[i] for i in self.between], dtype=int))

    @property
    def occasions(self) -> int:
        """Number of within-participants cells."""
        return int(np.prod([self.levels[i] for i in self.repeated], dtype=int))

    def cell_names(self) -> tuple[str, ...]:
        """Return the cells in the order of the means, the last factor changing fastest.

        Returns
        -------
        tuple of str
            Such as ``"a1_b2"``.
        """
        steps = [[f"{name}{i + 1}" for i in range(k)] for name, k in zip(self.names, self.levels, strict=True)]
        return tuple("_".join(cell) for cell in product(*steps))

    def grid(self, values: Floats) -> Floats:
        """Arrange values in the order of the means as groups by occasions.

        Parameters
        ----------
        values : ndarray of shape (cells,)
            One value for each cell.

        Returns
        -------
        ndarray of shape (groups, occasions)
            The same values.
        """
        shaped = values.reshape(self.levels).transpose(*self.between, *self.repeated)
        return np.asarray(shaped.reshape(self.groups, self.occasions), dtype=np.float64)


def parse(text: str, names: Sequence[str] = ()) -> FactorialDesign:
    """Read a design in shorthand.

    Parameters
    ----------
    text : str
        Factors joined by ``*``: levels, then ``b`` (between) or ``w`` (within participants).
    names : sequence of str
        Names of the factors; ``a``, ``b``, ``c`` ... by default.

    Returns
    -------
    FactorialDesign
        The design.

    Raises
    ------
    InputError
        For a shorthand that cannot be read, or names that do not fit.
    """
    terms = [term.strip() for term in text.split("*")]
    matches = [_TERM.match(term) for term in terms]
    wrong = [term for term, match in zip(terms, matches, strict=True) if match is None or int(match[1]) < 2]
    if wrong or len(terms) > 6:
        raise InputError(
            f"The design {text!r} cannot be read at {', '.join(map(repr, wrong)) or 'more than six factors'}: write "
            "each factor as its number of levels (2 or more) and b or w, joined by *, such as '2b*4w'."
        )
    found = tuple(names) if names else tuple("abcdef"[: len(terms)])
    if len(found) != len(terms) or len(set(found)) != len(found):
        raise InputError(f"The design {text!r} needs {len(terms)} different factor names; given {list(found)}.")
    read = [match for match in matches if match is not None]
    return FactorialDesign(text, tuple(int(m[1]) for m in read), tuple(m[2] == "w" for m in read), found)


def covariance(design: FactorialDesign, sd: ArrayLike, r: ArrayLike) -> Floats:
    """Return the covariance of the occasions in each group.

    Parameters
    ----------
    design : FactorialDesign
        The design.
    sd : array_like
        One standard deviation, one for each occasion, or one for each cell in the order of the means.
    r : array_like
        One correlation, the upper triangle row by row, or the whole matrix, of the occasions.

    Returns
    -------
    ndarray of shape (groups, occasions, occasions)
        Positive definite.

    Raises
    ------
    InputError
        For numbers of the wrong length, a negative standard deviation, or correlations that cannot be.
    """
    m = design.occasions
    given = np.atleast_1d(np.asarray(sd, dtype=np.float64))
    if not (np.isfinite(given).all() and (given > 0).all()):
        raise InputError(f"sd = {given.tolist()} cannot be used: standard deviations are positive and finite numbers.")
    cells = design.groups * m
    if given.size not in {1, m, cells}:
        raise InputError(
            f"sd has {given.size} values; the design {design.text!r} takes 1, {m} (one for each occasion) or {cells} "
            "(one for each cell)."
        )
    spread = design.grid(given) if given.size == cells else np.broadcast_to(given, (design.groups, m))
    correlations = _correlations(m, r)
    return np.asarray(spread[:, :, None] * correlations * spread[:, None, :])


def _correlations(m: int, r: ArrayLike) -> Floats:
    given = np.asarray(r, dtype=np.float64)
    pairs = m * (m - 1) // 2
    matrix = np.eye(m)
    if given.ndim == 2 and given.shape == (m, m):
        matrix = given
    elif given.size == 1:
        matrix = np.where(matrix == 1, 1.0, float(given.reshape(-1)[0]))
    elif given.size == pairs:
        matrix[np.triu_indices(m, 1)] = given
        matrix = matrix + matrix.T - np.eye(m)
    else:
        raise InputError(
            f"r has {given.size} values; {m} occasions take one correlation, the {pairs} of the upper triangle row by "
            f"row, or a {m} x {m} matrix."
        )
    _refuse_impossible(matrix)
    return matrix


def _refuse_impossible(matrix: Floats) -> None:
    fine = np.isfinite(matrix).all() and np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1)
    smallest = float(np.linalg.eigvalsh(matrix).min()) if fine else float("nan")
    if not fine or smallest <= 1e-10:
        raise InputError(
            f"r is no correlation matrix that can occur (smallest eigenvalue {smallest:.3g}): it must be symmetric, "
            "with ones on its diagonal, and positive definite. Two of the correlations contradict a third, or one is "
            "1 or -1."
        )
