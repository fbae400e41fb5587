"""Marginal means and contrasts of fitted cells, whatever model fitted them."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.contrasts_fit import FittedCells
from feedbackstudy.analysis.contrasts_result import ContrastRow, Contrasts, MeanRow
from feedbackstudy.analysis.frequentist.adjust import ADJUSTMENTS, Family, adjust, adjustment
from feedbackstudy.analysis.frequentist.cell_fit import CellFit, ContrastFit
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.margins import Averaging, Comparison, Weighted, compared, margins
from feedbackstudy.analysis.tables import one_number
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.provenance import Provenance

__all__ = ["Method", "Planned", "contrasts_of", "mean_rows", "options"]

type Floats = NDArray[np.float64]
type Planned = Mapping[str, Mapping[str, float]]
type Method = Comparison | Literal["interaction"]

_AVERAGES: Mapping[str, str] = {
    "equal": "other factors averaged with equal weight for each level",
    "proportional": "other factors averaged by the share of rows of their levels",
    "observed": "cells averaged by their own rows",
}


def contrasts_of(
    fitted: FittedCells,
    outcome: str,
    planned: Planned | None = None,
    *,
    of: Sequence[str] | None = None,
    by: Sequence[str] = (),
    method: Method = "pairwise",
    reference: str | None = None,
    weights: Averaging = "equal",
    adjust_for: Family = "holm",
    delta: float | None = None,
    level: float = 0.95,
    made_by: str,
    counted: Literal["participants", "rows"] = "rows",
) -> Contrasts:
    """Estimate marginal means and test contrasts of cells that a model has fitted.

    Parameters
    ----------
    fitted : FittedCells
        The cells.
    outcome : str
        What was measured.
    planned : mapping of str to mapping of str to float, optional
        Name of a contrast -> weights of the marginal means.
    of, by : sequence of str
        Factors whose means are wanted, and those at each of whose levels they are looked at.
    method : str, default "pairwise"
        Which comparisons, as in `analysis.contrasts`.
    reference : str, optional
        For "reference".
    weights : {"equal", "proportional", "observed"}, default "equal"
        How other factors are averaged over.
    adjust_for : str, default "holm"
        Adjustment for multiplicity.
    delta : float, optional
        Smallest effect of interest.
    level : float, default 0.95
        Level of the intervals.
    made_by : str
        The public function, for the provenance.
    counted : {"participants", "rows"}, default "rows"
        What the n of the cells counts.

    Returns
    -------
    Contrasts
        Means and tests.

    Raises
    ------
    DataError
        For weights or options that cannot be used.
    NotFoundError
        For an unknown factor, level, mean or method.
    """
    options(adjust_for, weights, delta, level)
    adjust_for = adjustment(adjust_for)  # type: ignore[assignment]
    wanted = list(of) if of is not None else [name for name in fitted.cells.names if name not in by]
    families = _families(fitted, wanted, by, method, reference, weights, planned)
    means = [row for family in families for row in mean_rows(fitted.fit, family[0], family[1], level)]
    rows = [row for f in families for row in _tests(fitted.fit, f, adjust_for, delta, level)]
    labels = [f"{label} | {place}" if place else label for place, _, found in families for label in found.labels]
    stacked = np.vstack([found.rows for _, _, found in families])
    return Contrasts(
        outcome=outcome,
        means=tuple(means),
        rows=tuple(rows),
        n=fitted.n,
        level=level,
        delta=delta,
        notes=(*fitted.notes, *_not_zero(labels, stacked)),
        failures=fitted.failures,
        provenance=Provenance(
            made_by=made_by,
            conventions=_conventions(fitted, weights, adjust_for, level, by, delta),
        ),
        script=fitted.script(labels, stacked, adjust_for if len(families) == 1 else "several"),
        counted=counted,
    )


def options(adjust_for: str, weights: str, delta: float | None, level: float) -> None:
    """Refuse options of contrasts that cannot be used.

    Parameters
    ----------
    adjust_for, weights : str
        Adjustment for multiplicity; how other factors are averaged over.
    delta : float or None
        Smallest effect of interest.
    level : float
        Level of the intervals.

    Raises
    ------
    DataError
        For a delta or level out of range.
    NotFoundError
        For an unknown adjustment or kind of weights.
    """
    adjustment(adjust_for)
    if weights not in _AVERAGES:
        raise NotFoundError(choices("Weights", weights, _AVERAGES))
    if delta is not None and not (np.isfinite(one_number("delta", delta)) and delta > 0):
        raise DataError(f"delta is the smallest effect of interest, above 0; given {delta}.")
    check_level(level)


type _Family = tuple[str, Weighted, Weighted]


def _families(
    fitted: FittedCells,
    of: Sequence[str],
    by: Sequence[str],
    method: Method,
    reference: str | None,
    weights: Averaging,
    planned: Planned | None,
) -> list[_Family]:
    """Return place, means and contrasts of each level of `by`."""
    cells = fitted.cells
    arms = cells.labels[int(np.prod([len(levels) for levels in cells.levels])) :]
    found = []
    for place in margins(cells, by).labels if by else ("",):
        at = dict(zip(by, _split(cells.levels, cells.names, by, place), strict=True)) if by else {}
        means = margins(cells, of, weights=weights, at=at)
        if not by and arms:
            unit = np.eye(len(cells.labels))[len(cells.labels) - len(arms) :]
            means = Weighted(labels=means.labels + arms, rows=np.vstack([means.rows, unit]))
        if planned is not None:
            compare = _planned(means, planned)
        elif method == "interaction":
            compare = _interaction(fitted, of, weights, at)
        else:
            compare = compared(means, method, reference=reference)
        found.append((place, means, compare))
    return found


def _split(levels: Sequence[tuple[str, ...]], names: Sequence[str], by: Sequence[str], label: str) -> tuple[str, ...]:
    """Return the levels of a label; levels may hold colons, so labels are built and compared, not cut."""
    options = product(*(levels[names.index(name)] for name in by))
    return next(option for option in options if ":".join(option) == label)


def _planned(means: Weighted, planned: Planned) -> Weighted:
    if not isinstance(planned, Mapping):
        raise DataError(f"'planned' maps the name of each contrast to the weights of its means; given {planned!r}.")
    if not planned:
        raise DataError("'planned' is empty; name at least one contrast, or leave it out.")
    rows = []
    for name, given in planned.items():
        if not isinstance(given, Mapping):
            raise DataError(f"Contrast {name!r} is a mapping from a mean to its weight, such as {{'a': 1, 'b': -1}}.")
        row = np.zeros(len(means.labels))
        for label, weight in given.items():
            if label not in means.labels:
                raise NotFoundError(choices(f"Mean in contrast {name!r}", label, means.labels))
            row[means.labels.index(label)] = float(weight)
        if not np.isfinite(row).all() or not row.any():
            raise DataError(f"Contrast {name!r} has weights that are all zero or not finite: {dict(given)}.")
        rows.append(row @ means.rows)
    return Weighted(labels=tuple(planned), rows=np.array(rows))


def _interaction(fitted: FittedCells, of: Sequence[str], weights: Averaging, at: Mapping[str, str]) -> Weighted:
    if len(of) < 2:
        raise DataError(f"An interaction contrast needs at least two factors in 'of'; given {list(of)}.")
    cells = fitted.cells
    means = margins(cells, of, weights=weights, at=dict(at))
    labels = [""]
    rows: Floats = np.ones((1, 1))
    for name in of:
        levels = cells.levels[cells.names.index(name)]
        pairs = compared(Weighted(labels=levels, rows=np.eye(len(levels))), "pairwise")
        rows = np.asarray(np.kron(rows, pairs.rows), dtype=np.float64)
        labels = [f"{a} x ({b})" if a else f"({b})" for a in labels for b in pairs.labels]
    return Weighted(labels=tuple(labels), rows=rows @ means.rows)


def mean_rows(fit: CellFit, place: str, means: Weighted, level: float) -> list[MeanRow]:
    """Return marginal means with their intervals.

    Parameters
    ----------
    fit : CellFit
        The cells.
    place : str
        Level of the factors at which they are looked at; empty for none.
    means : Weighted
        Their names and weights.
    level : float
        Level of the intervals.

    Returns
    -------
    list of MeanRow
        One for each.
    """
    rows = []
    for label, row in zip(means.labels, means.rows, strict=True):
        found = fit.contrast(row)
        low, high = found.interval(level)
        name = f"{label} | {place}" if place else label
        rows.append(MeanRow(cell=name, mean=found.estimate, se=found.se, df=found.df, low=low, high=high))
    return rows


def _tests(fit: CellFit, family: _Family, method: str, delta: float | None, level: float) -> list[ContrastRow]:
    place, means, compare = family
    found = [fit.contrast(row) for row in compare.rows]
    used = np.abs(compare.rows).sum(axis=0) > 0
    covariance = compare.rows[:, used] @ fit.covariance[np.ix_(used, used)] @ compare.rows[:, used].T
    statistics, p = np.array([one.statistic for one in found]), np.array([one.p for one in found])
    adjusted = adjust(
        statistics,
        p,
        min(one.df for one in found),
        method,
        covariance=covariance,
        means=len(means.labels),
        level=level,
    )
    return [
        _row(label, place, one, float(q), adjusted.quantile, fit, delta, level)
        for label, one, q in zip(compare.labels, found, adjusted.p, strict=True)
    ]


def _row(
    label: str,
    place: str,
    found: ContrastFit,
    p_adjusted: float,
    quantile: float | None,
    fit: CellFit,
    delta: float | None,
    level: float,
) -> ContrastRow:
    low, high = found.interval(level)
    if quantile is not None:
        low, high = found.estimate - quantile * found.se, found.estimate + quantile * found.se
    sd, reach = fit.sd, 0.0
    d = None if sd is None else found.estimate / sd
    if d is not None and sd is not None:
        tail = (1 + level) / 2
        reach = float(special.ndtri(tail) if np.isinf(found.df) else special.stdtrit(found.df, tail))
        of_sd = 0.0 if _latent(fit) else d**2 / (2 * found.df)
        reach *= float(np.sqrt((found.se / sd) ** 2 + of_sd))
    return ContrastRow(
        contrast=label,
        by=place,
        estimate=found.estimate,
        se=found.se,
        df=found.df,
        statistic=found.statistic,
        p=found.p,
        p_adjusted=p_adjusted,
        low=low,
        high=high,
        d=d,
        d_low=None if d is None else d - reach,
        d_high=None if d is None else d + reach,
        p_equivalence=None if delta is None else found.above((delta - abs(found.estimate)) / found.se),
        p_noninferiority=None if delta is None else found.above((found.estimate + delta) / found.se),
    )


def _latent(fit: CellFit) -> bool:
    """Say whether the standard deviation is that of a latent answer, which the link fixes and no data estimate."""
    return fit.scale in ("log odds", "latent")


def _standardised(fitted: FittedCells) -> tuple[str, ...]:
    if fitted.fit.sd is None:
        return ()
    if _latent(fitted.fit):
        over = "the standard deviation of the latent answer, random effects included, taken as known"
        return (f"d over {over}; its interval from SE/s",)
    return (f"d over {fitted.spread}; its interval from SE²/s² + d²/(2 df)",)


def _not_zero(labels: Sequence[str], rows: Floats) -> tuple[str, ...]:
    off = [label for label, total in zip(labels, rows.sum(axis=1), strict=True) if abs(total) > 1e-9]
    if not off:
        return ()
    return (f"Weights do not sum to zero, so these are no differences: {', '.join(off)}.",)


def _conventions(
    fitted: FittedCells, weights: str, adjust_for: str, level: float, by: Sequence[str], delta: float | None
) -> tuple[str, ...]:
    family = f" within each level of {', '.join(by)}" if by else ""
    simultaneous = adjust_for in ("tukey", "mvt", "dunnett", "bonferroni")
    said = [
        fitted.fit.model,
        _AVERAGES[weights],
        f"p adjusted by {ADJUSTMENTS[adjust_for]}{family}",
        f"{level:.0%} intervals {'simultaneous for the family' if simultaneous else 'for each contrast alone'}",
        *_standardised(fitted),
    ]
    if delta is not None:
        said.append(f"equivalence and non-inferiority at {delta:g}, not adjusted for their number")
    return tuple(said)
