"""Weights over cells: marginal means, effects of factors, differences of levels, trends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.crossed import Cells
from feedbackstudy.errors import DataError, NotFoundError, choices

__all__ = ["Averaging", "Comparison", "Weighted", "compared", "effect", "margins"]

type Floats = NDArray[np.float64]
type Averaging = Literal["equal", "proportional", "observed"]
type Comparison = Literal["pairwise", "reference", "consecutive", "effect", "polynomial"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighted:
    """Rows of weights with their names.

    Attributes
    ----------
    labels : tuple of str
        What each row is.
    rows : ndarray, shape (k, cells)
        Weights.
    """

    labels: tuple[str, ...]
    rows: Floats


def effect(cells: Cells, parts: Sequence[str]) -> Floats:
    """Return contrasts of unweighted cell means whose joint test is a main effect or interaction (type III).

    Parameters
    ----------
    cells : Cells
        Crossed cells, perhaps with comparison arms behind them.
    parts : sequence of str
        The factors of the effect.

    Returns
    -------
    ndarray, shape (df, cells)
        Weights; zero on comparison arms.
    """
    rows = np.ones((1, 1))
    for name, levels in zip(cells.names, cells.levels, strict=True):
        k = len(levels)
        rows = np.kron(rows, np.eye(k)[:-1] - np.eye(k)[1:] if name in parts else np.full((1, k), 1 / k))
    return _padded(rows, cells)


def margins(
    cells: Cells, of: Sequence[str], *, weights: Averaging = "equal", at: Mapping[str, str] | None = None
) -> Weighted:
    """Return the weights of marginal means.

    Parameters
    ----------
    cells : Cells
        Crossed cells, perhaps with comparison arms behind them.
    of : sequence of str
        Factors whose combinations of levels are wanted; the others are averaged over.
    weights : {"equal", "proportional", "observed"}, default "equal"
        Each cell alike; each combination of the other factors by its share of all rows; each cell by its own rows.
    at : mapping of str to str, optional
        Factor -> level at which the others are looked at.

    Returns
    -------
    Weighted
        One row for each combination.

    Raises
    ------
    NotFoundError
        For an unknown factor, level or kind of weights.
    DataError
        For a factor twice.
    """
    fixed = dict(at or {})
    for name in (*of, *fixed):
        if name not in cells.names:
            raise NotFoundError(choices("Factor", name, cells.names))
    if len({*of, *fixed}) < len(of) + len(fixed):
        raise DataError(f"A factor is named twice in {[*of, *fixed]}.")
    if weights not in ("equal", "proportional", "observed"):
        raise NotFoundError(choices("Weights", weights, ("equal", "proportional", "observed")))
    sizes = tuple(len(levels) for levels in cells.levels)
    counts = cells.counts[: int(np.prod(sizes))].reshape(sizes).astype(np.float64)
    others = tuple(i for i, name in enumerate(cells.names) if name not in of and name not in fixed)
    kept = tuple(i for i in range(len(sizes)) if i not in others)
    shares = {"equal": np.ones(sizes), "observed": counts}.get(
        weights, np.broadcast_to(counts.sum(axis=kept, keepdims=True), sizes)
    )
    labels, rows = [], []
    for chosen in product(*(cells.levels[cells.names.index(name)] for name in of)):
        mask = _at(cells, dict(zip(of, chosen, strict=True)) | fixed)
        row = (mask * shares).ravel()
        labels.append(":".join(chosen))
        rows.append(row / row.sum())
    return Weighted(labels=tuple(labels), rows=_padded(np.array(rows), cells))


def _at(cells: Cells, place: Mapping[str, str]) -> Floats:
    mask = np.ones(tuple(len(levels) for levels in cells.levels))
    for name, level in place.items():
        axis = cells.names.index(name)
        if level not in cells.levels[axis]:
            raise NotFoundError(choices(f"Level of {name!r}", level, cells.levels[axis]))
        chosen = np.array([float(x == level) for x in cells.levels[axis]])
        mask = mask * chosen.reshape([-1 if i == axis else 1 for i in range(mask.ndim)])
    return mask


def compared(means: Weighted, method: Comparison, *, reference: str | None = None) -> Weighted:
    """Return contrasts of some means.

    Parameters
    ----------
    means : Weighted
        The means, in order.
    method : {"pairwise", "reference", "consecutive", "effect", "polynomial"}
        All pairs; each against one; each against the one before; each against the mean of all; orthogonal trends in
        integer weights.
    reference : str, optional
        Label of the one, the first by default.

    Returns
    -------
    Weighted
        One row for each contrast.

    Raises
    ------
    NotFoundError
        For an unknown method or reference.
    DataError
        For fewer than two means.
    """
    k = len(means.labels)
    if k < 2:
        raise DataError(f"A comparison needs two means; there is {means.labels}.")
    first = means.labels[0] if reference is None else reference
    if first not in means.labels:
        raise NotFoundError(choices("Reference", first, means.labels))
    made: dict[str, Callable[[], tuple[list[str], Floats]]] = {
        "pairwise": lambda: _pairs(means.labels),
        "reference": lambda: _against(means.labels, means.labels.index(first)),
        "consecutive": lambda: _consecutive(means.labels),
        "effect": lambda: ([f"{label} - mean" for label in means.labels], np.eye(k) - 1 / k),
        "polynomial": lambda: _polynomial(k),
    }
    if method not in made:
        raise NotFoundError(choices("Method", method, made))
    labels, rows = made[method]()
    return Weighted(labels=tuple(labels), rows=rows @ means.rows)


def _pairs(labels: Sequence[str]) -> tuple[list[str], Floats]:
    pairs = list(combinations(range(len(labels)), 2))
    unit = np.eye(len(labels))
    return [f"{labels[i]} - {labels[j]}" for i, j in pairs], np.array([unit[i] - unit[j] for i, j in pairs])


def _against(labels: Sequence[str], place: int) -> tuple[list[str], Floats]:
    others = [i for i in range(len(labels)) if i != place]
    unit = np.eye(len(labels))
    return [f"{labels[i]} - {labels[place]}" for i in others], np.array([unit[i] - unit[place] for i in others])


def _consecutive(labels: Sequence[str]) -> tuple[list[str], Floats]:
    unit = np.eye(len(labels))
    return [f"{b} - {a}" for a, b in pairwise(labels)], unit[1:] - unit[:-1]


def _polynomial(k: int) -> tuple[list[str], Floats]:
    """Return orthogonal trends over equally spaced levels, each in its smallest whole numbers."""
    powers = np.vander(np.arange(k) - (k - 1) / 2, min(k, 7), increasing=True)
    basis, triangle = np.linalg.qr(powers)
    trends = (basis * np.sign(np.diag(triangle))).T[1:]
    rows = []
    for trend in trends:
        smallest = np.abs(trend[np.abs(trend) > 1e-9]).min()
        whole = [f for f in range(1, 200) if np.abs(trend / smallest * f - np.round(trend / smallest * f)).max() < 1e-6]
        rows.append(np.round(trend / smallest * whole[0]) if whole else trend / smallest)
    names = ("linear", "quadratic", "cubic", "quartic", "degree 5", "degree 6")
    return list(names[: len(rows)]), np.array(rows)


def _padded(rows: Floats, cells: Cells) -> Floats:
    outside = len(cells.labels) - rows.shape[1]
    return np.hstack([rows, np.zeros((len(rows), outside))])
