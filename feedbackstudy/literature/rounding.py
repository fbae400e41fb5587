"""How far a result can move when every rounded input moves by half a unit of its last place."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import DataError

__all__ = ["push_through"]

type Batch = Mapping[str, NDArray[np.float64]]


def push_through(
    function: Callable[[Batch], Mapping[str, ArrayLike]],
    inputs: Mapping[str, ArrayLike],
    decimals: Mapping[str, int],
    *,
    seed: int,
    draws: int = 4000,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Push the rounding of the inputs through a computation.

    Parameters
    ----------
    function : callable
        Takes a mapping like `inputs` whose arrays have one more axis in front, of length `draws`, and returns
        id -> array of `draws` results. All draws are computed at once.
    inputs : mapping of str to array
        The inputs as printed.
    decimals : mapping of str to int
        Printed decimals of each rounded input; an input left out is taken as exact.
    seed : int
        Seed of the draws; store it with the result.
    draws : int, default 4000
        Number of draws.
    level : float, default 0.95
        Probability inside the interval.

    Returns
    -------
    dict
        Id -> (low, high), the equal-tailed interval of the results: `Value.input_interval`.

    Raises
    ------
    DataError
        Where `decimals` names an input that does not exist, or a result has another shape than ``(draws,)``.

    Notes
    -----
    Each rounded input is uniform within half a unit of its last place on either side, independently of the others.
    """
    unknown = sorted(set(decimals) - set(inputs))
    if unknown:
        raise DataError(f"'decimals' names {unknown}, but the inputs are {sorted(inputs)}; use the same names.")
    rng = np.random.default_rng(seed)
    batch: dict[str, NDArray[np.float64]] = {}
    for name, given in inputs.items():
        exact = np.asarray(given, dtype=np.float64)
        spread = 0.5 * 10.0 ** -decimals[name] if name in decimals else 0.0
        batch[name] = exact + rng.uniform(-spread, spread, size=(draws, *exact.shape))
    tail = (1 - level) / 2
    intervals = {}
    for name, result in function(batch).items():
        values = np.asarray(result, dtype=np.float64)
        if values.shape != (draws,):
            raise DataError(f"result {name!r} has the shape {values.shape}; return one number a draw: ({draws},).")
        low, high = np.quantile(values, [tail, 1 - tail])
        intervals[name] = (float(low), float(high))
    return intervals
