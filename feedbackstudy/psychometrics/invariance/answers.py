"""Expected answers by the parameters of one place for the people of another."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from feedbackstudy.psychometrics.cfa.implied import implied
from feedbackstudy.psychometrics.cfa.levels import Place
from feedbackstudy.psychometrics.cfa.result import CFA

__all__ = ["Parameters", "Reader"]

type Floats = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(61)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Measurement parameters and factor distribution of one place."""

    loadings: Floats
    intercepts: Floats
    residuals: Floats
    thresholds: Mapping[str, Floats]
    means: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads places' parameters out of a fit, at any value of the free parameters."""

    fit: CFA
    items: tuple[str, ...]
    factors: tuple[str, ...]
    places: tuple[Place, ...]
    codes: Mapping[str, Floats]

    def at(self, theta: Floats) -> list[Parameters]:
        """Return the parameters of every place at values of the free parameters.

        Parameters
        ----------
        theta : ndarray of shape (n_free,)
            Free parameters.

        Returns
        -------
        list of Parameters
            In the order of the places.
        """
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
                Parameters(
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

    def expected(self, by: Parameters, people: Parameters) -> Floats:
        """Return the expected answers to all items by one place's parameters, for another place's people.

        Parameters
        ----------
        by : Parameters
            Loadings, intercepts, residual variances and thresholds come from here.
        people : Parameters
            Means and covariance of the factors come from here.

        Returns
        -------
        ndarray of shape (n_items,)
            Means of continuous items; of ordinal items, expected codes.
        """
        mean = by.intercepts + by.loadings @ people.means
        if not self.codes:
            return np.asarray(mean)
        variance = np.einsum("if,fg,ig->i", by.loadings, people.covariance, by.loadings) + by.residuals
        return np.array(
            [
                _answer(by.thresholds[item], self.codes[item], m, s)
                for item, m, s in zip(self.items, mean, np.sqrt(variance), strict=True)
            ]
        )

    def dmacs(self, here: Parameters, reference: Parameters, deviations: Floats) -> Floats:
        """Return the root mean square difference of expected answers over the people here, in standard deviations.

        Parameters
        ----------
        here : Parameters
            The place compared; its people are those the differences are taken over.
        reference : Parameters
            The place it is compared with.
        deviations : ndarray of shape (n_items,)
            Standard deviation of each item.

        Returns
        -------
        ndarray of shape (n_items,)
            NaN for an ordinal item that does not load on exactly one factor.
        """
        if not self.codes:
            change = here.intercepts - reference.intercepts
            slope = here.loadings - reference.loadings
            mean = change + slope @ here.means
            spread = np.einsum("if,fg,ig->i", slope, here.covariance, slope)
            return np.asarray(np.sqrt(mean**2 + spread) / deviations)
        return np.array([self._ordinal_dmacs(k, here, reference) / deviations[k] for k in range(len(self.items))])

    def _ordinal_dmacs(self, k: int, here: Parameters, reference: Parameters) -> float:
        loaded = np.flatnonzero((here.loadings[k] != 0) | (reference.loadings[k] != 0))
        if len(loaded) != 1:
            return float("nan")
        f, item = int(loaded[0]), self.items[k]
        eta = here.means[f] + np.sqrt(here.covariance[f, f]) * _NODES
        answers = [
            _answer(
                p.thresholds[item], self.codes[item], p.intercepts[k] + p.loadings[k, f] * eta, np.sqrt(p.residuals[k])
            )
            for p in (here, reference)
        ]
        return float(np.sqrt(np.sum(_WEIGHTS * (answers[0] - answers[1]) ** 2) / _WEIGHTS.sum()))


def _answer(tau: Floats, codes: Floats, mean: Floats, sd: Floats) -> Floats:
    """Return the expected code of a latent response cut at thresholds."""
    below = ndtr((tau - np.asarray(mean)[..., None]) / np.asarray(sd)[..., None])
    return np.asarray(codes[-1] - below @ np.diff(codes))
