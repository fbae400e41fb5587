"""By what the same data are known again: counts must be equal, sums equal up to the order in which they were added."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.declaration import digest
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["DataPrint", "print_of", "same_data"]

type DataPrint = Mapping[str, object]
"""``counts``: a hash; ``sums``: a hash of each table -> column -> a step and hashes of rounded totals."""

_SIZES = {
    "sum": ("n", "sumsq"),
    "sumsq": ("sumsq", "sumsq"),
    "per_sum": ("n", "per_sumsq"),
    "per_sumsq": ("per_sumsq", "per_sumsq"),
    "cross": ("sumsq", "per_sumsq"),
    "x_sum": ("n", "x_sumsq"),
    "x_sumsq": ("x_sumsq", "x_sumsq"),
    "xy": ("sumsq", "x_sumsq"),
}
"""Column of sums -> two columns whose geometric mean bounds what was added up (Cauchy and Schwarz)."""
_TURNS = ((math.sqrt(5) - 1) / 2, math.sqrt(2) - 1)
_STEP = 1e-10


def print_of(stats: SufficientStats) -> DataPrint:
    r"""Return what is written down of the data of a look.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.

    Returns
    -------
    mapping
        Plain data. No sum stands in it.

    Notes
    -----
    Engines add in the order in which their threads finish, so the last digits of a sum differ between runs and no
    rounding of single sums is safe. Counts are exact and are hashed. Each column of sums becomes two totals weighted by
    cell with weights that never repeat; a total is rounded down on two grids whose edges lie half a step apart, of
    :math:`10^{-10}` of what was added. Two runs over the same rows agree on one grid at least, and another row changes
    both totals by more.
    """
    counts, sums = [], {}
    for name, frame in _tables(stats):
        exact = [column for column in frame.columns if column not in _SIZES]
        counts.append([name, *([str(c), *_exactly(frame[c])] for c in exact)])
        sums[name] = {
            column: [step, *(grid for total in totals for grid in _grids(total, step))]
            for column, totals in _totals(frame)
            for step in (_step(frame, column),)
        }
    return {"counts": digest(counts), "sums": sums}


def same_data(known: object, stats: SufficientStats) -> bool:
    """Say whether statistics come from the data that were written down.

    Parameters
    ----------
    known : mapping
        Of `print_of`, as a ledger gives it back.
    stats : SufficientStats
        The statistics.

    Returns
    -------
    bool
        Whether all counts are equal, and all sums but for the order of adding.
    """
    if not isinstance(known, Mapping):
        return False
    now, sums = print_of(stats), known.get("sums")
    if not isinstance(sums, Mapping) or known.get("counts") != now["counts"]:
        return False
    for name, frame in _tables(stats):
        then = sums.get(name, {})
        for column, totals in _totals(frame):
            kept = then.get(column)
            if kept is None or not _agree(kept, totals):
                return False
    return True


def _agree(kept: list[float | str], totals: tuple[float, ...]) -> bool:
    step, grids = float(kept[0]), kept[1:]
    return all(
        any(a == b for a, b in zip(_grids(total, step), grids[2 * i : 2 * i + 2], strict=True))
        for i, total in enumerate(totals)
    )


def _tables(stats: SufficientStats) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield every table of sums in one order of its rows."""
    tables = {f"{name}": frame for name, frame in stats.cells.items()}
    tables |= {f"{name} by {column}": frame for (name, column), frame in stats.subgroups.items()}
    for name in sorted(tables):
        frame = tables[name]
        keys = list(frame.columns[: list(frame.columns).index("n")])
        yield name, frame.sort_values(keys, ignore_index=True, key=lambda c: c if c.dtype.kind in "if" else c.map(str))


def _exactly(values: pd.Series) -> list[str]:
    return [repr(float(v)) for v in values] if values.dtype.kind in "iufb" else [str(v) for v in values]


def _totals(frame: pd.DataFrame) -> Iterator[tuple[str, tuple[float, ...]]]:
    place = np.arange(1, len(frame) + 1, dtype=np.float64)
    weights = [np.modf(place * turn)[0] - 0.5 for turn in _TURNS]
    for column in frame.columns:
        if column in _SIZES:
            values = frame[column].to_numpy(dtype=np.float64)
            yield str(column), tuple(math.fsum(weight * values) for weight in weights)


def _step(frame: pd.DataFrame, column: str) -> float:
    """Return a power of two near the share of what was added that adding in another order cannot move."""
    one, two = (frame[name].to_numpy(dtype=np.float64) for name in _SIZES[column])
    size: NDArray[np.float64] = np.sqrt(np.abs(one * two))
    return float(2.0 ** round(math.log2(_STEP * max(float(size.sum()), 1e-200))))


def _grids(total: float, step: float) -> tuple[str, str]:
    place = total / step
    return digest(math.floor(place))[:32], digest(math.floor(place + 0.5))[:32]
