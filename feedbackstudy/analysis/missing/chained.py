"""Multiple imputation by chained equations: all completed tables move together, one regression at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.missing.regressions import Group, NormalState, ProbitState
from feedbackstudy.errors import DataError

__all__ = ["Gap", "Kind", "impute_chained"]

type Floats = NDArray[np.float64]
type Kind = Literal["score", "normal", "binary"]

_DONORS = 5
_LEVELS, _ROWS_A_LEVEL = 10, 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gap:
    """A column to be completed, or one that helps to complete others.

    Attributes
    ----------
    name : str
        What it is.
    values : ndarray, shape (n,)
        NaN where missing.
    kind : {"score", "normal", "binary"}
        ``"score"`` takes values of people with like predictions (predictive mean matching), ``"normal"`` draws from the
        normal distribution around the prediction, ``"binary"`` from a probit model and holds 0 and 1.
    """

    name: str
    values: Floats
    kind: Kind = "score"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where a value is missing."""
        return np.isnan(self.values)


def impute_chained(
    columns: Sequence[Gap],
    cell: NDArray[np.int64],
    n_cells: int,
    *,
    m: int = 20,
    iterations: int = 20,
    seed: int | np.random.SeedSequence,
    groups: Mapping[str, NDArray[np.int64]] | None = None,
    by_cell: bool = False,
) -> Floats:
    r"""Complete the columns of a table m times.

    Parameters
    ----------
    columns : sequence of Gap
        The columns.
    cell : ndarray of int, shape (n,)
        Condition of each row; always known.
    n_cells : int
        Conditions.
    m : int, default 20
        Completed tables.
    iterations : int, default 20
        Rounds over the columns.
    seed : int or SeedSequence
        Seed.
    groups : mapping of str to ndarray of int, shape (n,), optional
        Random factors; each regression then has random intercepts.
    by_cell : bool, default False
        Whether slopes differ between cells, as a question about slopes within cells needs.

    Returns
    -------
    ndarray, shape (m, n, columns)
        Completed tables; observed values as they were.

    Raises
    ------
    DataError
        For a column without any value, one that nobody in a condition has, a binary column with other values than 0 and
        1, too few rows for the regressions, or fewer than two tables.

    Notes
    -----
    Each column with gaps is regressed on an indicator of each cell and all other columns, in every table at once:
    coefficients and variances are drawn from their posterior (Gibbs steps with random intercepts where there are
    groups), then the missing values given them (van Buuren, 2018, *Flexible imputation of missing data*, sections 3.2,
    4.5 and 7.6). Binary columns follow a probit model by latent normal variables (Albert and Chib, 1993). Predictive
    mean matching is of type 1 with five donors. Tables start from values drawn at random from the column, columns go
    from the fewest gaps to the most. With groups the
    other columns' means over their levels are predictors too, so that slopes between levels may differ from those
    within (Grund, Luedtke and Robitzsch, 2018), where there are ten levels and three rows in most.
    """
    _refuse(columns, cell, n_cells, m, by_cell=by_cell)
    rng = np.random.default_rng(seed)
    centre, scale = _standards(columns)
    filled = np.stack([_started(one, cell, m, rng) for one in columns], axis=2)
    filled = (filled - centre) / scale
    indicators = np.eye(n_cells)[cell]
    states = _states(columns, m, groups or {}, centre, scale)
    means = _averaging(groups or {})
    gaps = sorted(states, key=lambda j: int(columns[j].missing.sum()))
    for _ in range(iterations if len(gaps) > 1 or groups or columns[gaps[0]].kind == "binary" else 1):
        for j in gaps:
            others = np.delete(filled, j, axis=2)
            design = _design(indicators, others, means, by_cell=by_cell)
            filled[:, columns[j].missing, j] = _drawn(columns[j], states[j], design, filled[0, :, j], rng)
    done = filled * scale + centre
    for j, one in enumerate(columns):
        if one.kind != "normal":
            done[:, one.missing, j] = _exact(done[:, one.missing, j], one.values[~one.missing])
        done[:, ~one.missing, j] = one.values[~one.missing]
    return done


def _exact(drawn: Floats, observed: Floats) -> Floats:
    """Return the observed values that draws stand for, free of the rounding that standardising brought."""
    known = np.unique(observed)
    above = np.clip(np.searchsorted(known, drawn), 1, max(known.size - 1, 1))
    if known.size == 1:
        return np.full_like(drawn, known[0])
    low, high = known[above - 1], known[above]
    return np.asarray(np.where(drawn - low < high - drawn, low, high), dtype=np.float64)


def _refuse(columns: Sequence[Gap], cell: NDArray[np.int64], n_cells: int, m: int, *, by_cell: bool) -> None:
    if m < 2:
        raise DataError(f"Multiple imputation needs at least two completed tables, better 20 and more; given m = {m}.")
    if not any(one.missing.any() for one in columns):
        raise DataError("No value is missing, so there is nothing to impute.")
    p = n_cells + (len(columns) - 1) * (n_cells if by_cell else 1)
    for one in columns:
        _refuse_column(one, cell, n_cells, p)


def _refuse_column(one: Gap, cell: NDArray[np.int64], n_cells: int, p: int) -> None:
    if one.missing.all():
        raise DataError(f"{one.name} is missing in all {one.values.size} rows; nothing can be imputed from nothing.")
    if not one.missing.any():
        return
    seen = np.bincount(cell[~one.missing], minlength=n_cells)
    empty = np.flatnonzero((seen == 0) & (np.bincount(cell, minlength=n_cells) > 0))
    if empty.size:
        raise DataError(
            f"Nobody in {empty.size} of the {n_cells} conditions has {one.name}; nothing of their own tells what "
            "they would have answered, so it is not imputed. Leave these conditions out of the question."
        )
    if int(seen.sum()) < p + 5:
        raise DataError(
            f"{one.name} is known for {int(seen.sum())} rows, too few to be regressed on {p} columns; give fewer "
            "covariates or auxiliary columns."
        )
    if one.kind == "binary" and not np.isin(one.values[~one.missing], (0.0, 1.0)).all():
        raise DataError(f"{one.name} is declared binary and holds other values than 0 and 1.")


def _standards(columns: Sequence[Gap]) -> tuple[Floats, Floats]:
    """Return centre and scale of each column; a binary one stays as it is."""
    centre = np.array([0.0 if one.kind == "binary" else np.nanmean(one.values) for one in columns])
    scale = np.array([1.0 if one.kind == "binary" else np.nanstd(one.values) for one in columns])
    return centre, np.where(scale > 0, scale, 1.0)


def _started(one: Gap, cell: NDArray[np.int64], m: int, rng: np.random.Generator) -> Floats:
    table = np.tile(one.values, (m, 1))
    for k in np.unique(cell[one.missing]):
        at = np.flatnonzero(one.missing & (cell == k))
        table[:, at] = rng.choice(one.values[~one.missing & (cell == k)], size=(m, at.size))
    return table


def _states(
    columns: Sequence[Gap], m: int, groups: Mapping[str, NDArray[np.int64]], centre: Floats, scale: Floats
) -> dict[int, NormalState | ProbitState]:
    found: dict[int, NormalState | ProbitState] = {}
    for j, one in enumerate(columns):
        if not one.missing.any():
            continue
        made = [Group.of(codes, ~one.missing) for codes in groups.values()]
        if one.kind == "binary":
            found[j] = ProbitState(m=m, groups=made, seen=~one.missing, y=one.values[~one.missing])
        else:
            y = (one.values[~one.missing] - centre[j]) / scale[j]
            found[j] = NormalState(m=m, groups=made, seen=~one.missing, y=y)
    return found


def _averaging(groups: Mapping[str, NDArray[np.int64]]) -> list[Floats]:
    """Return what turns rows into means of their level, of factors with enough levels and rows in them."""
    found = []
    for codes in groups.values():
        sizes = np.unique(codes, return_counts=True)[1]
        if sizes.size >= _LEVELS and np.median(sizes) >= _ROWS_A_LEVEL:
            member = np.unique(codes)[:, None] == codes
            found.append(member / sizes[:, None])
    return found


def _design(indicators: Floats, others: Floats, means: list[Floats], *, by_cell: bool) -> Floats:
    m, n, q = others.shape
    parts = [np.broadcast_to(indicators, (m, *indicators.shape)), others]
    for average in means:
        back = (average > 0).T.astype(np.float64)
        parts.append(back @ (average @ others))
    if by_cell and indicators.shape[1] > 1:
        crossed = others[:, :, None, :] * indicators[None, :, 1:, None]
        parts.append(crossed.reshape(m, n, -1) if q else others)
    return np.concatenate(parts, axis=2)


def _drawn(
    one: Gap, state: NormalState | ProbitState, design: Floats, values: Floats, rng: np.random.Generator
) -> Floats:
    if isinstance(state, ProbitState):
        return state.step(design, rng)
    expected, predicted, drawn = state.step(design, rng)
    if one.kind == "normal":
        return drawn
    return _matched(expected, predicted, values[~one.missing], rng)


def _matched(expected: Floats, predicted: Floats, observed: Floats, rng: np.random.Generator) -> Floats:
    """Return values of donors: of each gap's five nearest observed predictions, one at random."""
    m, n = expected.shape
    donors = min(_DONORS, n)
    order = np.argsort(expected, axis=1)
    ranked = np.take_along_axis(expected, order, axis=1)
    place = np.stack([np.searchsorted(ranked[i], predicted[i]) for i in range(m)])
    window = np.clip(place - donors, 0, max(n - 2 * donors, 0))[:, :, None] + np.arange(min(2 * donors, n))
    flat = window.reshape(m, -1)
    near = np.take_along_axis(ranked, flat, axis=1).reshape(window.shape)
    closest = np.argsort(np.abs(near - predicted[:, :, None]), axis=2)[:, :, :donors]
    pick = rng.integers(0, donors, size=(*predicted.shape, 1))
    chosen = np.take_along_axis(window, np.take_along_axis(closest, pick, axis=2), axis=2)[:, :, 0]
    return np.asarray(observed[np.take_along_axis(order, chosen, axis=1)], dtype=np.float64)
