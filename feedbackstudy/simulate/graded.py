"""Graded answers to parallel or congeneric items, and the score they make, as functions of a normal latent variable."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from feedbackstudy.errors import InputError
from feedbackstudy.simulate.hermite import step_coefficients

__all__ = ["Graded", "calibrated", "categorical"]

type Floats = NDArray[np.float64]

_REACH = 8.0
_STEPS = 1024


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Graded:
    r"""Items answered in categories, and their mean or sum.

    Attributes
    ----------
    cuts : ndarray
        Thresholds between neighbouring categories, in units of the item's latent standard deviation.
    values : ndarray
        Value of each category, rising, one more than `cuts`.
    loadings : ndarray
        Standardised loading of each item.
    unit : float
        The score is `unit` times the mean of the items, plus `origin`.
    origin : float
        Added to the score.

    Notes
    -----
    Item j: :math:`y_j = \lambda_j \eta + \sqrt{1 - \lambda_j^2}\,\varepsilon_j`; the answer is the category whose
    thresholds enclose :math:`y_j`.
    """

    cuts: Floats
    values: Floats
    loadings: Floats
    unit: float = 1.0
    origin: float = 0.0

    def item_coefficients(self, shift: float, loading: float) -> Floats:
        """Return the Hermite coefficients of the expected answer to an item.

        Parameters
        ----------
        shift : float
            Mean of the latent variable.
        loading : float
            The item's loading.

        Returns
        -------
        ndarray
            Coefficients of order 0, 1, 2 ...
        """
        return step_coefficients(self.cuts - loading * shift, self.values, loading)

    def coefficients(self, shift: float = 0.0) -> Floats:
        """Return the Hermite coefficients of the expected score, given the latent variable.

        Parameters
        ----------
        shift : float
            Mean of the latent variable.

        Returns
        -------
        ndarray
            Coefficients of order 0, 1, 2 ...; the first is the mean of the score.
        """
        kinds, counts = np.unique(self.loadings, return_counts=True)
        rows = np.array([self.item_coefficients(shift, float(kind)) for kind in kinds])
        found: Floats = self.unit * (counts @ rows) / len(self.loadings)
        found[0] += self.origin
        return found

    def variance(self, shift: float = 0.0) -> float:
        """Return the variance of the score.

        Parameters
        ----------
        shift : float
            Mean of the latent variable.

        Returns
        -------
        float
            Variance within a cell.
        """
        k = len(self.loadings)
        rows = np.array([self.item_coefficients(shift, float(loading)) for loading in self.loadings])
        own = sum(self._item_variance(shift * float(loading)) for loading in self.loadings)
        together = float((rows[:, 1:].sum(axis=0) ** 2).sum() - (rows[:, 1:] ** 2).sum())
        return self.unit**2 * (own + together) / k**2

    def reliability(self) -> float:
        """Return the reliability of the score: the share of its variance that the latent variable explains.

        Returns
        -------
        float
            1 for a single column that is the latent variable in categories.
        """
        if len(self.loadings) == 1 and self.loadings[0] == 1:
            return 1.0
        return float((self.coefficients()[1:] ** 2).sum() / self.variance())

    def _item_variance(self, shift: float) -> float:
        p = -np.diff(special.ndtr(np.concatenate([[np.inf], shift - self.cuts, [-np.inf]])))
        mean = float(p @ self.values)
        return float(p @ (self.values - mean) ** 2)

    def mean(self, shift: float) -> float:
        """Return the mean of the score.

        Parameters
        ----------
        shift : float
            Mean of the latent variable.

        Returns
        -------
        float
            Mean.
        """
        gains = np.diff(self.values)
        each = [special.ndtr(float(loading) * shift - self.cuts) @ gains for loading in self.loadings]
        return self.origin + self.unit * float(self.values[0] + np.mean(each))

    def shift_for(self, mean: float) -> float:
        """Return the latent mean at which the score has a mean.

        Parameters
        ----------
        mean : float
            Wanted mean of the score.

        Returns
        -------
        float
            Latent mean.

        Raises
        ------
        InputError
            Where no latent mean gives it: the score would leave its range.
        """
        low, high = self.mean(-_REACH), self.mean(_REACH)
        if not low < mean < high:
            raise InputError(
                f"a mean of {mean:g} lies outside what the score can reach ({low:.4g} to {high:.4g}); make the effect "
                "smaller, or move the mean away from the end of the scale."
            )
        return float(optimize.brentq(lambda shift: self.mean(shift) - mean, -_REACH, _REACH, xtol=1e-12))

    def answers(self, latent: Floats, chance: np.random.Generator) -> Floats:
        """Draw the answers to all items.

        Parameters
        ----------
        latent : ndarray of shape (n,)
            The latent variable.
        chance : Generator
            A stream.

        Returns
        -------
        ndarray of shape (n, items)
            Values of the categories.
        """
        noise = chance.standard_normal((len(latent), len(self.loadings)))
        y = self.loadings * latent[:, None] + np.sqrt(1 - self.loadings**2) * noise
        return np.asarray(self.values[np.searchsorted(self.cuts, y)])

    def tables(self) -> tuple[Floats, Floats]:
        """Return the distribution of the score at each of many values of the latent variable.

        Returns
        -------
        scores : ndarray of shape (m,)
            Possible scores; category values must be equally spaced.
        cumulative : ndarray of shape (steps, m)
            Distribution functions, one row for each value of `grid`.
        """
        k, n_values = len(self.loadings), len(self.values)
        size = k * (n_values - 1) + 1
        spectrum = np.ones((_STEPS, size // 2 + 1), dtype=np.complex128)
        kinds, counts = np.unique(self.loadings, return_counts=True)
        for loading, count in zip(kinds, counts, strict=True):
            rest = math.sqrt(max(1 - loading**2, 1e-12))
            above = special.ndtr((loading * self.grid()[:, None] - self.cuts) / rest)
            edges = np.concatenate([np.ones((_STEPS, 1)), above, np.zeros((_STEPS, 1))], axis=1)
            spectrum *= np.fft.rfft(-np.diff(edges, axis=1), size, axis=1) ** count
        mass = np.fft.irfft(spectrum, size, axis=1).clip(min=0.0)
        cumulative = np.cumsum(mass / mass.sum(axis=1, keepdims=True), axis=1)
        step = (self.values[-1] - self.values[0]) / (n_values - 1)
        means = self.values[0] + step * np.arange(size) / k
        return self.origin + self.unit * means, cumulative

    @staticmethod
    def grid() -> Floats:
        """Return the values of the latent variable at which `tables` are made.

        Returns
        -------
        ndarray
            From -8 to 8.
        """
        return np.linspace(-_REACH, _REACH, _STEPS)


def categorical(probabilities: Floats, values: Floats) -> Graded:
    """Return a single column whose categories have given probabilities.

    Parameters
    ----------
    probabilities : ndarray
        Probability of each category.
    values : ndarray
        Value of each category, rising.

    Returns
    -------
    Graded
        One item that is the latent variable in categories.
    """
    cuts = special.ndtri(np.cumsum(probabilities)[:-1])
    return Graded(cuts=np.asarray(cuts), values=values, loadings=np.ones(1))


def calibrated(
    values: Floats,
    *,
    mean: float,
    sd: float,
    n_items: int,
    reliability: float = 1.0,
    loadings: Floats | None = None,
) -> Graded:
    r"""Find thresholds and loadings that give a mean item score its mean, standard deviation and reliability.

    Parameters
    ----------
    values : ndarray
        Values of the categories, rising.
    mean, sd : float
        Of the mean over the items.
    n_items : int
        Number of items.
    reliability : float
        Of the score; ignored where `loadings` are given, and 1 only for a single item.
    loadings : ndarray, optional
        Standardised loadings, one for each item.

    Returns
    -------
    Graded
        The items.

    Raises
    ------
    InputError
        Where categories of this range cannot have such a mean, spread and reliability.

    Notes
    -----
    Thresholds lie at :math:`(b_j - a)/s` with :math:`b_j` half-way between neighbouring values. With k parallel items
    of variance V and covariance T the score has variance :math:`(V + (k - 1) T)/k` and reliability T over that, so
    :math:`V = sd^2 (k - (k - 1) \rho)` fixes a and s, and :math:`T = \rho\, sd^2` the loading.
    """
    middle = (values[1:] + values[:-1]) / 2
    fixed = np.ones(1) if n_items == 1 and reliability == 1 else loadings
    item_variance = sd**2 * (n_items - (n_items - 1) * reliability)

    def made(point: Floats) -> Graded:
        chosen = np.zeros(n_items) if fixed is None else fixed
        return Graded(cuts=(middle - point[0]) / math.exp(point[1]), values=values, loadings=chosen)

    def misfit(point: Floats) -> list[float]:
        items = made(np.asarray(point))
        found = items.variance() if fixed is not None else items._item_variance(0.0)
        wanted = sd**2 if fixed is not None else item_variance
        return [items.mean(0.0) - mean, math.sqrt(found) - math.sqrt(wanted)]

    if not values[0] < mean < values[-1]:
        raise InputError(f"a mean of {mean:g} lies outside the range {values[0]:g} to {values[-1]:g}.")
    start = np.array([mean, math.log(math.sqrt(item_variance))])
    solution = optimize.root(misfit, start, method="hybr", tol=1e-12)
    if np.abs(misfit(solution.x)).max() > 1e-8 * float(np.ptp(values)):
        most = math.sqrt((mean - values[0]) * (values[-1] - mean))
        raise InputError(
            f"answers from {values[0]:g} to {values[-1]:g} with mean {mean:g} cannot have a score with standard "
            f"deviation {sd:g} and reliability {reliability:g}: each of the {n_items} items would need a standard "
            f"deviation of {math.sqrt(item_variance):.3g} from thresholds evenly spread (at most {most:.3g} even if "
            "everybody chose an end). Make the standard deviation smaller, or the reliability larger."
        )
    items = made(solution.x)
    if fixed is not None:
        return items
    return Graded(cuts=items.cuts, values=values, loadings=np.full(n_items, _loading(items, reliability * sd**2)))


def _loading(items: Graded, covariance: float) -> float:
    """Return the common loading that gives two items their covariance."""

    def excess(loading: float) -> float:
        return float((items.item_coefficients(0.0, loading)[1:] ** 2).sum()) - covariance

    if excess(0.9999) < 0:
        raise InputError(
            f"no loading below 1 gives items a covariance of {covariance:.4g}: so few answer categories cannot be as "
            "reliable as declared. Lower the reliability, or raise the standard deviation."
        )
    return float(optimize.brentq(excess, 0.0, 0.9999, xtol=1e-13))
