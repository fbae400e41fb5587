"""What non-invariance does to a difference between conditions, in the units of the score.

A difference in mean scores between two conditions has two parts: people differ on the factor, or the items work differently.
With the items that are assumed to work alike (the anchors) tying the conditions together, the model tells them apart.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.cfa.estimate import record
from feedbackstudy.psychometrics.cfa.implied import implied
from feedbackstudy.psychometrics.cfa.levels import Place, restrictions
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.cfa.solve import solve
from feedbackstudy.psychometrics.cfa.table import build
from feedbackstudy.psychometrics.invariance import Invariance
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Notice, Page, Rendered, Table, table_of

__all__ = ["NonInvariance", "noninvariance"]

type Floats = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
_STEP = 1e-5  # of the numerical derivative of smooth functions of the estimates


@dataclass(frozen=True, slots=True, kw_only=True)
class NonInvariance(Rendered):
    """How much of a difference between conditions is the items' doing.

    Attributes
    ----------
    items : DataFrame
        factor, item, place, anchor, bias (expected answer here less expected answer under the reference's parameters, for the
        people here), se, low, high, dmacs (root mean square of that difference over the people here, in standard deviations).
    scores : DataFrame
        factor, place, part (``difference`` of mean scores implied by the model, ``construct``, ``measurement``), estimate,
        se, low, high, in units of the mean of the items, reversed items turned.
    factors : DataFrame
        factor, place, difference of factor means in standard deviations of the reference: under full invariance, and with the
        freed parameters.
    reference : str
        The place the others are compared with.
    fit : CFA
        The model with the freed parameters.
    freed : tuple of str
        Parameters that differ between places.
    issues : tuple of Issue
        Conditions of the fit.
    provenance : Provenance
        How the numbers were made.
    """

    items: pd.DataFrame
    scores: pd.DataFrame
    factors: pd.DataFrame
    reference: str
    fit: CFA = field(repr=False)
    freed: tuple[str, ...]
    issues: tuple[Issue, ...]
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return the parts of the differences.

        Returns
        -------
        DataFrame
            The same as `scores`.
        """
        return self.scores

    def table(self) -> Table:
        """Return the parts of the differences as a table.

        Returns
        -------
        Table
            One row a factor, place and part.
        """
        return table_of([{str(k): v for k, v in row.items()} for row in self.scores.to_dict("records")])

    def _verdicts(self) -> Iterator[Notice]:
        for (factor, place), part in self.scores.groupby(["factor", "place"], sort=False):
            value = part.set_index("part")
            bias, low, high = (float(value.loc["measurement", name]) for name in ("estimate", "low", "high"))
            total = float(value.loc["difference", "estimate"])
            text = (
                f"{factor}, {place} against {self.reference}: mean scores differ by {total:+.3f}, of which {bias:+.3f} "
                f"[{low:+.3f}, {high:+.3f}] comes from items that work differently."
            )
            yield Notice(text, "warning" if low > 0 or high < 0 else "good")

    def page(self) -> Page:
        """Return the effect as a page.

        Returns
        -------
        Page
            A sentence for each factor and place, the parts, the items, the factor means.
        """
        tables = [
            table_of([{str(k): v for k, v in row.items()} for row in frame.to_dict("records")], caption=caption)
            for frame, caption in ((self.items, "Items"), (self.factors, "Factor means"))
        ]
        freed = ", ".join(self.freed) or "none"
        blocks = (*conditions.notices(self.issues), *self._verdicts(), self.table(), *tables, self.provenance.facts())
        return Page("Effect of non-invariance on the difference in scores", f"freed: {freed}", blocks)


@dataclass(frozen=True, slots=True)
class _Parameters:
    """Measurement parameters and factor distribution of one place."""

    loadings: Floats
    intercepts: Floats
    residuals: Floats
    thresholds: Mapping[str, Floats]
    means: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads places' parameters out of a fit, at any value of the free parameters."""

    fit: CFA
    items: tuple[str, ...]
    factors: tuple[str, ...]
    places: tuple[Place, ...]
    codes: Mapping[str, Floats]

    def at(self, theta: Floats) -> list[_Parameters]:
        structure = self.fit.fitted.structure
        table = structure.table
        x = structure.parameters(theta)
        value = {(row.name, row.group): x[k] for k, row in enumerate(table.rows)}
        names = (*table.items, *table.factors)
        out = []
        for place in self.places:
            state = implied(structure, structure.groups[place.group], x)
            at = [names.index(place.names.get(f, f)) for f in self.factors]
            loadings = [[value.get(place.at(f, "=~", item), 0.0) for f in self.factors] for item in self.items]
            out.append(
                _Parameters(
                    loadings=np.array(loadings),
                    intercepts=np.array([value.get(place.at(item, "~1"), 0.0) for item in self.items]),
                    residuals=np.array([value.get(place.at(item, "~~", item), 0.0) for item in self.items]),
                    thresholds={item: self._tau(value, place, item) for item in self.codes},
                    means=state.eta[at],
                    covariance=state.V[np.ix_(at, at)],
                )
            )
        return out

    def _tau(self, value: Mapping[tuple[str, int], float], place: Place, item: str) -> Floats:
        return np.array([value[place.at(item, "|", f"t{t + 1}")] for t in range(len(self.codes[item]) - 1)])

    def expected(self, by: _Parameters, people: _Parameters) -> Floats:
        """Return the expected answers to all items by one place's parameters, for another place's people."""
        mean = by.intercepts + by.loadings @ people.means
        if not self.codes:
            return np.asarray(mean)
        variance = np.einsum("if,fg,ig->i", by.loadings, people.covariance, by.loadings) + by.residuals
        return np.array(
            [_answer(by.thresholds[item], self.codes[item], m, s) for item, m, s in zip(self.items, mean, np.sqrt(variance), strict=True)]
        )

    def dmacs(self, here: _Parameters, reference: _Parameters, deviations: Floats) -> Floats:
        """Return the root mean square difference of expected answers over the people here, in standard deviations."""
        if not self.codes:
            change = here.intercepts - reference.intercepts
            slope = here.loadings - reference.loadings
            mean = change + slope @ here.means
            spread = np.einsum("if,fg,ig->i", slope, here.covariance, slope)
            return np.asarray(np.sqrt(mean**2 + spread) / deviations)
        return np.array([self._ordinal_dmacs(k, here, reference) / deviations[k] for k in range(len(self.items))])

    def _ordinal_dmacs(self, k: int, here: _Parameters, reference: _Parameters) -> float:
        loaded = np.flatnonzero((here.loadings[k] != 0) | (reference.loadings[k] != 0))
        if len(loaded) != 1:
            return float("nan")
        f, item = int(loaded[0]), self.items[k]
        eta = here.means[f] + np.sqrt(here.covariance[f, f]) * _NODES
        answers = [
            _answer(p.thresholds[item], self.codes[item], p.intercepts[k] + p.loadings[k, f] * eta, np.sqrt(p.residuals[k]))
            for p in (here, reference)
        ]
        return float(np.sqrt(np.sum(_WEIGHTS * (answers[0] - answers[1]) ** 2) / _WEIGHTS.sum()))


def _answer(tau: Floats, codes: Floats, mean: Floats, sd: Floats) -> Floats:
    """Return the expected code of a latent response cut at thresholds."""
    below = ndtr((tau - np.asarray(mean)[..., None]) / np.asarray(sd)[..., None])
    return np.asarray(codes[-1] - below @ np.diff(codes))


def _rates(function: object, theta: Floats) -> Floats:
    """Return the derivatives of a vector function by central differences."""
    columns = []
    for k in range(len(theta)):
        step = np.zeros(len(theta))
        step[k] = _STEP
        columns.append((function(theta + step) - function(theta - step)) / (2 * _STEP))  # type: ignore[operator]
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
        [f"{f}=~{item}" for f, names in loadings.items() for item in others if item in names] + [f"{i}~1" for i in others]
    )


def _codes(result: Invariance) -> dict[str, Floats]:
    sample = result["scalar"].fit.fitted.sample
    if not sample.polychorics:
        return {}
    first = sample.polychorics[0]
    place = result.places[0]
    codes = dict(zip(first.items, first.categories, strict=True))
    return {item: np.array(codes[place.names.get(item, item)]) for item in result.model.items}


def _deviations(reader: _Reader) -> list[Floats]:
    """Return the pooled observed standard deviations of the items, the reference with every other place."""
    sample = reader.fit.fitted.sample

    def column(place: Place, item: str) -> Floats:
        values = sample.values[place.group][:, sample.items.index(place.names.get(item, item))]
        return np.asarray(values[~np.isnan(values)])

    def pooled(one: Floats, two: Floats) -> float:
        total = (len(one) - 1) * one.var(ddof=1) + (len(two) - 1) * two.var(ddof=1)
        return float(np.sqrt(total / (len(one) + len(two) - 2)))

    first = reader.places[0]
    return [
        np.array([pooled(column(first, item), column(place, item)) for item in reader.items]) for place in reader.places[1:]
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
        Differences of mean scores parted into construct and measurement, bias by item, factor means with and without the
        freed parameters.

    Raises
    ------
    DataError
        If nothing is free to differ, an anchor is unknown or a factor has none, or the model has no solution.

    Notes
    -----
    With :math:`E_r`, :math:`E_f` the expected answers by the parameters of the reference and of the place at hand, and
    :math:`\eta_r`, :math:`\eta_f` their people, the implied difference of an item's means is
    :math:`[E_r(\eta_f) - E_r(\eta_r)] + [E_f(\eta_f) - E_r(\eta_f)]`: construct and measurement. dMACS (Nye & Drasgow, 2011)
    is the root mean square of the second difference over the people at hand, in pooled standard deviations. Standard errors
    by the delta method. That the anchors work alike is an assumption no data can check alone.
    """
    freed = _freed(result, anchors)
    if not freed:
        raise DataError(
            "No parameter is free to differ: the scalar level was fitted in full. Run invariance(..., search=True), or name "
            "anchors= that are assumed to work alike."
        )
    fit = _refit(result, freed) if anchors is not None else result["scalar"].fit
    if not (fit.converged and fit.identified):
        raise DataError("The model with these parameters free has no solution; name more anchors.")
    lower = [f for f, names in result.model.loadings().items() if set(names) & set(result.model.items)]
    reader = _Reader(
        fit=fit, items=result.model.items, factors=tuple(lower), places=result.places, codes=_codes(result)
    )
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


def _bias(reader: _Reader, theta: Floats) -> Floats:
    reference, *others = reader.at(theta)
    return np.concatenate([reader.expected(here, here) - reader.expected(reference, here) for here in others])


def _item_frame(reader: _Reader, freed: frozenset[str], level: float) -> pd.DataFrame:
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


def _parts(reader: _Reader, theta: Floats) -> Floats:
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


def _score_frame(reader: _Reader, level: float) -> pd.DataFrame:
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
        rows.append({"factor": factor, "place": place, "part": part, **_with_interval(float(value), float(error), level)})
    return pd.DataFrame(rows)


def _factor_frame(reader: _Reader, result: Invariance) -> pd.DataFrame:
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
