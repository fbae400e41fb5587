"""What non-invariance does to a difference between conditions, in the units of the score.

A difference in mean scores between two conditions has two parts: people differ on the factor, or the items work
differently.
With the items that are assumed to work alike (the anchors) tying the conditions together, the model tells them apart.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from feedbackstudy.errors import DataError, choices
from feedbackstudy.psychometrics.cfa.estimate import record
from feedbackstudy.psychometrics.cfa.levels import Place, restrictions
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.cfa.solve import solve
from feedbackstudy.psychometrics.cfa.table import build
from feedbackstudy.psychometrics.invariance.answers import Reader
from feedbackstudy.psychometrics.invariance.effect_record import NonInvariance
from feedbackstudy.psychometrics.invariance.record import Invariance
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.threads import one_thread

__all__ = ["noninvariance"]

type Floats = NDArray[np.float64]

_STEP = 1e-5  # of the numerical derivative of smooth functions of the estimates


def _rates(function: Callable[[Floats], Floats], theta: Floats) -> Floats:
    """Return the derivatives of a vector function by central differences."""
    columns = []
    for k in range(len(theta)):
        step = np.zeros(len(theta))
        step[k] = _STEP
        columns.append((function(theta + step) - function(theta - step)) / (2 * _STEP))
    return np.array(columns).T


def _refit(result: Invariance, freed: frozenset[str]) -> CFA:
    """Fit the scalar level with the given parameters free."""
    first = result["scalar"].fit
    fitted = first.fitted
    table = fitted.structure.table
    place = result.places[0]
    back = {place.names.get(item, item): item for item in result.model.items}
    thresholds = {back[name]: n for name, n in table.options.thresholds.items() if name in back}
    overrides = restrictions("scalar", result.model, result.places, thresholds, freed)
    options = replace(table.options, overrides=overrides)
    solved = solve(build(table.model, options), fitted.sample, fitted.estimator, means=True, errors=fitted.errors)
    return record(solved, missing=first.missing, made_by="noninvariance")


def _freed(result: Invariance, anchors: Collection[str] | None) -> frozenset[str]:
    if anchors is None:
        return frozenset(result["scalar"].freed)
    for name in anchors:
        if name not in result.model.items:
            raise DataError(choices("Anchor", name, result.model.items))
    loadings = result.model.loadings()
    for factor, names in loadings.items():
        items = [name for name in names if name in result.model.items]
        if items and not set(items) & set(anchors):
            raise DataError(f"Factor {factor!r} has no anchor; name at least one of {', '.join(items)}.")
    others = [item for item in result.model.items if item not in anchors]
    return frozenset(
        [f"{f}=~{item}" for f, names in loadings.items() for item in others if item in names]
        + [f"{i}~1" for i in others]
    )


def _codes(result: Invariance) -> dict[str, Floats]:
    sample = result["scalar"].fit.fitted.sample
    if not sample.polychorics:
        return {}
    first = sample.polychorics[0]
    place = result.places[0]
    codes = dict(zip(first.items, first.categories, strict=True))
    return {item: np.array(codes[place.names.get(item, item)]) for item in result.model.items}


def _deviations(reader: Reader) -> list[Floats]:
    """Return the pooled observed standard deviations of the items, the reference with every other place."""
    sample = reader.fit.fitted.sample

    def column(place: Place, item: str) -> Floats:
        values = sample.answers[place.group][:, sample.items.index(place.names.get(item, item))]
        return np.asarray(values[~np.isnan(values)])

    def pooled(one: Floats, two: Floats) -> float:
        total = (len(one) - 1) * one.var(ddof=1) + (len(two) - 1) * two.var(ddof=1)
        return float(np.sqrt(total / (len(one) + len(two) - 2)))

    first = reader.places[0]
    return [
        np.array([pooled(column(first, item), column(place, item)) for item in reader.items])
        for place in reader.places[1:]
    ]


def _with_interval(estimate: float, se: float, level: float) -> dict[str, float]:
    half = float(ndtri(0.5 + level / 2)) * se
    return {"estimate": estimate, "se": se, "low": estimate - half, "high": estimate + half}


@one_thread()
def noninvariance(result: Invariance, *, anchors: Collection[str] | None = None, level: float = 0.95) -> NonInvariance:
    r"""Say how much of each difference in mean scores comes from items that work differently.

    Parameters
    ----------
    result : Invariance
        Levels that include the scalar one; the first group or wave is the reference.
    anchors : collection of str, optional
        Items assumed to work alike; all others get loadings and intercepts of their own in every place. By default the
        parameters that a search, or the user, freed.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    NonInvariance
        Differences of mean scores parted into construct and measurement, bias by item, factor means with and without
        the
        freed parameters.

    Raises
    ------
    DataError
        If nothing is free to differ, an anchor is unknown or a factor has none, or the model has no solution.

    Notes
    -----
    With :math:`E_r`, :math:`E_f` the expected answers by the parameters of the reference and of the place at hand, and
    :math:`\eta_r`, :math:`\eta_f` their people, the implied difference of an item's means is
    :math:`[E_r(\eta_f) - E_r(\eta_r)] + [E_f(\eta_f) - E_r(\eta_f)]`: construct and measurement. dMACS (Nye &
    Drasgow, 2011)
    is the root mean square of the second difference over the people at hand, in pooled standard deviations. Standard
    errors
    by the delta method. That the anchors work alike is an assumption no data can check alone.
    """
    freed = _freed(result, anchors)
    if not freed:
        raise DataError(
            "No parameter is free to differ: the scalar level was fitted in full. Run invariance(..., search=True), or "
            "name anchors= that are assumed to work alike."
        )
    fit = _refit(result, freed) if anchors is not None else result["scalar"].fit
    if not (fit.converged and fit.identified):
        raise DataError("The model with these parameters free has no solution; name more anchors.")
    lower = [f for f, names in result.model.loadings().items() if set(names) & set(result.model.items)]
    reader = Reader(fit=fit, items=result.model.items, factors=tuple(lower), places=result.places, codes=_codes(result))
    return NonInvariance(
        items=_item_frame(reader, freed, level),
        scores=_score_frame(reader, level),
        factors=_factor_frame(reader, result),
        reference=result.places[0].name,
        fit=fit,
        freed=tuple(sorted(freed)),
        issues=tuple(issue for issue in fit.issues if issue.severity != "note"),
        provenance=origin(
            "noninvariance",
            "score: mean of a factor's items, items with a negative loading in the reference turned",
            "difference = construct + measurement; standard errors by the delta method",
            "dMACS over the people of the place at hand, pooled standard deviation",
        ),
    )


def _bias(reader: Reader, theta: Floats) -> Floats:
    reference, *others = reader.at(theta)
    return np.concatenate([reader.expected(here, here) - reader.expected(reference, here) for here in others])


def _item_frame(reader: Reader, freed: frozenset[str], level: float) -> pd.DataFrame:
    theta, V = reader.fit.fitted.theta, reader.fit.covariance
    rates = _rates(lambda t: _bias(reader, t), theta)
    se = np.sqrt(np.einsum("ij,jk,ik->i", rates, V, rates)).reshape(len(reader.places) - 1, -1)
    bias = _bias(reader, theta).reshape(se.shape)
    reference, *others = reader.at(theta)
    rows = []
    for k, (here, place, sd) in enumerate(zip(others, reader.places[1:], _deviations(reader), strict=True)):
        dmacs = reader.dmacs(here, reference, sd)
        for j, item in enumerate(reader.items):
            factor = reader.factors[int(np.argmax(np.abs(reference.loadings[j])))]
            anchor = not any(name in freed for name in (f"{item}~1", *(f"{f}=~{item}" for f in reader.factors)))
            interval = _with_interval(float(bias[k, j]), float(se[k, j]), level)
            row: dict[str, object] = {"factor": factor, "item": item, "place": place.name, "anchor": anchor}
            row |= {"bias" if name == "estimate" else name: value for name, value in interval.items()}
            rows.append(row | {"dmacs": float(dmacs[j])})
    return pd.DataFrame(rows)


def _parts(reader: Reader, theta: Floats) -> Floats:
    """Return difference, construct and measurement of every factor's mean score in every other place, flat."""
    reference, *others = reader.at(theta)
    base = reader.expected(reference, reference)
    out = []
    for here in others:
        moved, full = reader.expected(reference, here), reader.expected(here, here)
        for f in range(len(reader.factors)):
            loaded = np.flatnonzero(reference.loadings[:, f])
            sign = np.sign(reference.loadings[loaded, f])
            parts = (full - base, moved - base, full - moved)
            out += [float(np.mean(sign * part[loaded])) for part in parts]
    return np.array(out)


def _score_frame(reader: Reader, level: float) -> pd.DataFrame:
    theta, V = reader.fit.fitted.theta, reader.fit.covariance
    values, rates = _parts(reader, theta), _rates(lambda t: _parts(reader, t), theta)
    se = np.sqrt(np.einsum("ij,jk,ik->i", rates, V, rates))
    rows = []
    labels = [
        (f, place.name, part)
        for place in reader.places[1:]
        for f in reader.factors
        for part in ("difference", "construct", "measurement")
    ]
    for (factor, place, part), value, error in zip(labels, values, se, strict=True):
        rows.append(
            {"factor": factor, "place": place, "part": part, **_with_interval(float(value), float(error), level)}
        )
    return pd.DataFrame(rows)


def _factor_frame(reader: Reader, result: Invariance) -> pd.DataFrame:
    full = next(level.fit for level in result.levels if level.name == "scalar")
    plain = replace(reader, fit=full)
    free_at, full_at = reader.at(reader.fit.fitted.theta), plain.at(full.fitted.theta)
    rows = []
    for k, place in enumerate(reader.places[1:], start=1):
        for f, factor in enumerate(reader.factors):
            row: dict[str, object] = {"factor": factor, "place": place.name}
            for name, at in (("std_full_invariance", full_at), ("std_freed", free_at)):
                row[name] = float((at[k].means[f] - at[0].means[f]) / np.sqrt(at[0].covariance[f, f]))
            rows.append(row)
    return pd.DataFrame(rows)
