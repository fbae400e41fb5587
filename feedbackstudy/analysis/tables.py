"""What must hold of counts and group figures before any engine sees them."""

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import DataError

__all__ = ["events_of", "group_figures", "no_zero_cell", "numbers", "one_number", "whole_numbers"]


def numbers(what: str, values: ArrayLike | None) -> NDArray[np.float64]:
    """Take numbers for numbers, and nothing else.

    Parameters
    ----------
    what : str
        What they are, for the message.
    values : array_like
        A number, or numbers of any shape.

    Returns
    -------
    ndarray
        The same as float.

    Raises
    ------
    DataError
        For text, truth values, nothing, or rows of several lengths.
    """
    try:
        given = np.asarray(values)
    except ValueError:  # rows of several lengths
        given = np.asarray(None)
    mixed = given.dtype.kind == "O" and all(isinstance(one, Real) for one in given.ravel())
    if given.dtype.kind not in "iuf" and not mixed:
        raise DataError(f"{what} must be numbers; given {values!r}.")
    return np.asarray(given, dtype=np.float64)


def one_number(what: str, value: float) -> float:
    """Take a number for a number, and nothing else.

    Parameters
    ----------
    what : str
        What it is, for the message.
    value : float
        A number of any type.

    Returns
    -------
    float
        The same.

    Raises
    ------
    DataError
        For text, a truth value, nothing, or several numbers.
    """
    found = numbers(what, value)
    if found.ndim:
        raise DataError(f"{what} must be one number; given {value!r}.")
    return float(found)


def whole_numbers(what: str, counts: ArrayLike) -> NDArray[np.float64]:
    """Check counts.

    Parameters
    ----------
    what : str
        What is counted, for the message.
    counts : array_like
        Counts of any shape.

    Returns
    -------
    ndarray
        The counts as float, ready for arithmetic.

    Raises
    ------
    DataError
        For a count that is negative, not whole or not finite.
    """
    values = np.asarray(counts, dtype=np.float64)
    bad = ~np.isfinite(values) | (values < 0) | (values != np.round(values))
    if bad.any():
        given = ", ".join(f"{value:g}" for value in values[bad][:5])
        raise DataError(f"Counts must be whole numbers of at least 0; {what} holds {given}.")
    return values


def events_of(where: str, events: ArrayLike, n: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Check events against the people they could have happened to.

    Parameters
    ----------
    where : str
        Which group, for the message.
    events, n : array_like
        Events and people, of one shape.

    Returns
    -------
    tuple of ndarray
        Events and people as float.

    Raises
    ------
    DataError
        For a group without people, or with more events than people.
    """
    x, size = whole_numbers(f"events of {where}", events), whole_numbers(f"n of {where}", n)
    if x.shape != size.shape:
        raise DataError(f"Give as many events as group sizes for {where}; given {x.shape} and {size.shape}.")
    if (size == 0).any():
        raise DataError(f"No people in {where} (n = 0): nothing can be compared; leave the group out and say so.")
    if (x > size).any():
        worst = int(np.argmax(x - size))
        raise DataError(f"More events than people in {where}: {x.flat[worst]:.0f} of {size.flat[worst]:.0f}.")
    return x, size


def no_zero_cell(what: str, cells: NDArray[np.float64]) -> None:
    """Refuse a zero cell where a logarithm is taken.

    Parameters
    ----------
    what : str
        The quantity that needs the logarithm.
    cells : ndarray, shape (cells, tables)
        Counts.

    Raises
    ------
    DataError
        Where a cell is zero; nothing is added to it silently.
    """
    if (cells <= 0).any():
        table = int(np.argwhere((cells <= 0).any(axis=0))[0][0])
        raise DataError(
            f"{what} does not exist where a cell is zero (cells of table {table + 1}: "
            f"{cells[:, table].astype(int).tolist()}). Compare differences, use an exact test, or a Bayesian prior."
        )


def group_figures(
    n: ArrayLike, mean: ArrayLike, sd: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Check the size, mean and standard deviation of groups.

    Parameters
    ----------
    n, mean, sd : array_like, shape (groups,)
        Figures of each group; `sd` with n - 1 in the denominator.

    Returns
    -------
    tuple of ndarray
        The three as float.

    Raises
    ------
    DataError
        For lengths that differ, a group of fewer than two people, a negative standard deviation, or a figure that is
        not finite.
    """
    sizes = np.atleast_1d(whole_numbers("n of the groups", n))
    means, sds = (np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (mean, sd))
    if not sizes.shape == means.shape == sds.shape or sizes.ndim != 1:
        raise DataError(f"Give n, mean and sd for each group; given {sizes.shape}, {means.shape} and {sds.shape}.")
    if (sizes < 2).any():
        raise DataError(f"A standard deviation needs at least two people; group {int(np.argmin(sizes)) + 1} has fewer.")
    if not (np.isfinite(means).all() and np.isfinite(sds).all()):
        raise DataError("Means and standard deviations must be finite numbers.")
    if (sds < 0).any():
        raise DataError(f"A standard deviation is never negative; group {int(np.argmin(sds)) + 1} has {sds.min():g}.")
    return sizes, means, sds
