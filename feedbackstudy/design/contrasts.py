"""The weights of a named comparison over cell means.

A comparison is compiled once, here; every engine applies the same matrix to the same cell means. Weights belong to
cells by name, so neither the order of levels nor a coding scheme can change a number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.declaration import Declaration
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.comparisons import (
    ArmVsArm,
    CellsVsArm,
    Comparison,
    FeedbackVsArm,
    Interaction,
    MainEffect,
    MeanVsValue,
    Moderation,
    SimpleEffect,
    Trend,
    WeightedCells,
)
from feedbackstudy.design.crossing import Cell, Crossing
from feedbackstudy.design.factors import Factor
from feedbackstudy.errors import DeclarationError

__all__ = ["Weights", "difference_unit", "weights"]

type Row = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """A comparison as numbers.

    Attributes
    ----------
    matrix : ndarray of shape (k, n_cells)
        One row for each contrast; k > 1 where all levels are compared at once.
    labels : tuple of str
        What each row compares.
    cells : tuple of Cell
        The columns.
    value : float
        The fixed value that is subtracted; 0 for contrasts.
    """

    matrix: NDArray[np.float64]
    labels: tuple[str, ...]
    cells: tuple[Cell, ...]
    value: float = 0.0

    def of(self, means: Mapping[str, float]) -> NDArray[np.float64]:
        """Apply the weights to cell means.

        Parameters
        ----------
        means : mapping of str to float
            Cell key -> mean; cells of weight 0 may be left out.

        Returns
        -------
        ndarray of shape (k,)
            The estimates.
        """
        used = self.matrix.any(axis=0)
        vector = np.array([means[c.key] if use else 0.0 for c, use in zip(self.cells, used, strict=True)])
        estimates: NDArray[np.float64] = self.matrix @ vector - self.value
        return estimates


def weights(comparison: Comparison, crossing: Crossing) -> Weights:
    """Compile a comparison to weights over cell means.

    Parameters
    ----------
    comparison : Comparison
        What is compared.
    crossing : Crossing
        The design.

    Returns
    -------
    Weights
        One row, or several where all levels are compared at once.

    Raises
    ------
    InputError
        For an absent factor, level or arm, or a comparison that needs a cell which cannot occur.

    Notes
    -----
    Averages over other factors are even (unweighted cell means), whatever the cell sizes. A trend's estimate is the
    coefficient of the highest power of the scores in the least-squares polynomial of that degree through the level
    means. For a moderation the weights apply to the cells' slopes.
    """
    compiled = _COMPILERS.get(type(comparison))
    if compiled is None:
        raise DeclarationError(
            f"A comparison of kind {comparison.kind!r} is a slope and has no weights over cell means; choose one of: "
            f"{', '.join(sorted(str(kind.model_fields['kind'].default) for kind in _COMPILERS))}."
        )
    return compiled(comparison, crossing)


def _in_crossing(crossing: Crossing, parts: Mapping[str, tuple[Row, tuple[str, ...]]]) -> Weights:
    """Cross the rows given for some factors with even averages over the rest."""
    for name in parts:
        crossing.factors[name]
    rows: list[Row] = []
    names: list[tuple[str, ...]] = []
    for factor in crossing.factors:
        even = (np.full((1, len(factor.levels)), 1 / len(factor.levels)), ("",))
        part, labels = parts.get(factor.name, even)
        rows.append(part)
        names.append(labels)
    full: Row = np.ones((1, 1))
    for row in rows:
        full = np.kron(full, row).astype(np.float64)
    kept = crossing.cells()
    _refuse_impossible(full, crossing)
    matrix = np.zeros((len(full), len(kept)))
    columns = [i for i, cell in enumerate(crossing.full()) if not crossing.is_forbidden(cell)]
    matrix[:, : len(columns)] = full[:, columns]
    joined = tuple(" x ".join(filter(None, combination)) for combination in product(*names))
    return Weights(_frozen(matrix), joined, kept)


def _refuse_impossible(full: Row, crossing: Crossing) -> None:
    needed = [cell.key for cell, used in zip(crossing.full(), full.any(axis=0), strict=True) if used]
    lost = [c.key for c in crossing.full() if crossing.is_forbidden(c) and c.key in needed]
    if lost:
        raise DeclarationError(
            f"The comparison is not estimable: it needs the cells {', '.join(lost)}, which are declared as forbidden. "
            "Compare within levels where all cells occur (kind: simple_effect), or give weights over cells that do."
        )


def _frozen(matrix: Row) -> Row:
    matrix.flags.writeable = False
    return matrix


def _steps(factor: Factor, level: str | None, against: str | None) -> tuple[Row, tuple[str, ...]]:
    """Return one row for level minus against, or every other level minus the reference (else the first by name)."""
    codes = factor.codes()
    base = against or factor.reference
    if level is None:
        first = base or min(codes)
        others = sorted(set(codes) - {first})
        rows = [[float(code == other) - float(code == first) for code in codes] for other in others]
        return np.array(rows), tuple(f"{other} - {first}" for other in others)
    if base is None:
        raise DeclarationError(
            f"Factor {factor.name!r} has no reference level; say what {level!r} is compared with ('against'), or give "
            "the factor a 'reference'."
        )
    for code in (level, base):
        factor.level(code)
    if level == base:
        raise DeclarationError(f"Factor {factor.name!r}: {level!r} is the reference and would be compared with itself.")
    row = np.array([[float(code == level) - float(code == base) for code in codes]])
    return row, (f"{level} - {base}",)


def _held(crossing: Crossing, at: Mapping[str, str]) -> dict[str, tuple[Row, tuple[str, ...]]]:
    """Return an indicator row for each factor that is held at one level."""
    held: dict[str, tuple[Row, tuple[str, ...]]] = {}
    for name, code in at.items():
        factor = crossing.factors[name]
        factor.level(code)
        held[name] = (np.array([[float(each == code) for each in factor.codes()]]), (f"at {code}",))
    return held


def _effect(effect: MainEffect | SimpleEffect | Moderation, crossing: Crossing) -> Weights:
    at = effect.at if isinstance(effect, SimpleEffect) else {}
    steps = _steps(crossing.factors[effect.factor], effect.level, effect.against)
    return _in_crossing(crossing, {effect.factor: steps, **_held(crossing, at)})


def _interaction(comparison: Interaction, crossing: Crossing) -> Weights:
    pairs = {name: (pair[0], pair[1]) for name, pair in comparison.levels.items()}
    parts = {
        name: _steps(crossing.factors[name], *pairs.get(name, (None, None))) for name in comparison.factors or pairs
    }
    return _in_crossing(crossing, parts | _held(crossing, comparison.at))


def difference_unit(comparison: Comparison, row: Row) -> float:
    r"""Return what a contrast is where two weighted averages of cells differ by 1.

    Parameters
    ----------
    comparison : Comparison
        The declared comparison.
    row : ndarray, shape (cells,)
        Its weights.

    Returns
    -------
    float
        Of a trend the sum of its positive weights :math:`\sum_j |w_j| / 2`, which depends on the unit of the scores, as
        a slope does; 1 for every other comparison, whose size follows from its definition.
    """
    return float(row[row > 0].sum()) if isinstance(comparison, Trend) and np.any(row > 0) else 1.0


def _trend(comparison: Trend, crossing: Crossing) -> Weights:
    factor = crossing.factors[comparison.factor]
    if not (factor.scores or factor.order):
        raise DeclarationError(
            f"Factor {factor.name!r} has neither scores nor an order; a trend needs one of them to know which level "
            "comes next."
        )
    if comparison.degree >= len(factor.levels):
        raise DeclarationError(
            f"A trend of degree {comparison.degree} needs {comparison.degree + 1} levels; {factor.name!r} has "
            f"{len(factor.levels)}."
        )
    scores = np.array([factor.scores.get(code, float(i)) for i, code in enumerate(factor.codes())])
    powers = np.vander(scores - scores.mean(), comparison.degree + 1, increasing=True)
    row = np.linalg.pinv(powers)[-1:]
    label = {1: "linear", 2: "quadratic", 3: "cubic"}[comparison.degree]
    return _in_crossing(crossing, {factor.name: (row, (f"{factor.name}, {label}",)), **_held(crossing, comparison.at)})


def _pool(crossing: Crossing, at: Mapping[str, str], arm: str | None = None) -> Row:
    """Return even weights over the cells with these levels, or over one arm."""
    columns = crossing.cells()
    if arm == FEEDBACK:
        arm = None
    if arm is not None:
        crossing.arms[arm]
        return np.array([float(cell.arm == arm) for cell in columns])
    _held(crossing, at)
    chosen = np.array([float(cell.has(at)) for cell in columns])
    if not chosen.any():
        raise DeclarationError(f"No cell has the levels {dict(at)}: all of them are declared as forbidden.")
    pooled: Row = chosen / chosen.sum()
    return pooled


def _one(crossing: Crossing, row: Row, label: str, value: float = 0.0) -> Weights:
    return Weights(_frozen(np.atleast_2d(row)), (label,), crossing.cells(), value)


def _feedback_vs_arm(comparison: FeedbackVsArm, crossing: Crossing) -> Weights:
    row = _pool(crossing, comparison.at) - _pool(crossing, {}, comparison.arm)
    return _one(crossing, row, f"{_place(comparison.at)} - {comparison.arm}")


def _cells_vs_arm(comparison: CellsVsArm, crossing: Crossing) -> Weights:
    base = _pool(crossing, {}, comparison.arm)
    columns = crossing.cells()
    inside = [i for i, cell in enumerate(columns) if cell.arm == FEEDBACK]
    matrix = np.eye(len(columns))[inside] - base
    return Weights(_frozen(matrix), tuple(f"{columns[i].key} - {comparison.arm}" for i in inside), columns)


def _arm_vs_arm(comparison: ArmVsArm, crossing: Crossing) -> Weights:
    row = _pool(crossing, {}, comparison.arm) - _pool(crossing, {}, comparison.against)
    return _one(crossing, row, f"{comparison.arm} - {comparison.against}")


def _weighted(comparison: WeightedCells, crossing: Crossing) -> Weights:
    row = sum((cell.weight * _pool(crossing, cell.at, cell.arm) for cell in comparison.cells), np.zeros(1))
    label = " ".join(f"{cell.weight:+g} {cell.arm or _place(cell.at)}" for cell in comparison.cells)
    return _one(crossing, row, label)


def _mean(comparison: MeanVsValue, crossing: Crossing) -> Weights:
    row = _pool(crossing, comparison.at, comparison.arm)
    return _one(crossing, row, f"{comparison.arm or _place(comparison.at)} - {comparison.value:g}", comparison.value)


def _place(at: Mapping[str, str]) -> str:
    return "feedback" + "".join(f", {code}" for code in at.values())


_COMPILERS: Mapping[type[Declaration], Callable[..., Weights]] = {
    MainEffect: _effect,
    SimpleEffect: _effect,
    Moderation: _effect,
    Interaction: _interaction,
    Trend: _trend,
    FeedbackVsArm: _feedback_vs_arm,
    CellsVsArm: _cells_vs_arm,
    ArmVsArm: _arm_vs_arm,
    WeightedCells: _weighted,
    MeanVsValue: _mean,
}
