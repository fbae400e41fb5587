"""Single columns without categories: continuous values, counts and times, as functions of a normal latent variable."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import InputError
from feedbackstudy.simulate.hermite import ORDER, growth_coefficients

__all__ = ["Growing", "Linear", "lasting", "overdispersed"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A continuous column: mean plus standard deviation times the latent variable.

    Attributes
    ----------
    at, sd : float
        Mean and standard deviation.
    """

    at: float
    sd: float

    def coefficients(self, shift: float = 0.0) -> Floats:
        """Return the Hermite coefficients of the score; see `Graded.coefficients`.

        Parameters
        ----------
        shift : float
            Mean of the latent variable.

        Returns
        -------
        ndarray of shape (ORDER + 1,)
            Coefficients of order 0, 1, 2 ...; the first is the mean.
        """
        found = np.zeros(ORDER + 1)
        found[:2] = self.mean(shift), self.sd
        return found

    def variance(self, shift: float = 0.0) -> float:
        """Return the variance, whatever the shift.

        Parameters
        ----------
        shift : float
            Mean of the latent variable; it changes nothing.

        Returns
        -------
        float
            Variance within a cell.
        """
        del shift
        return self.sd**2

    def reliability(self) -> float:
        """Return 1: the column is the latent variable."""
        return 1.0

    def mean(self, shift: float) -> float:
        """Return the mean at a latent mean.

        Parameters
        ----------
        shift : float
            Mean of the latent variable.

        Returns
        -------
        float
            Mean of the column.
        """
        return self.at + self.sd * shift

    def shift_for(self, mean: float) -> float:
        """Return the latent mean at which the column has a mean.

        Parameters
        ----------
        mean : float
            Wanted mean of the column.

        Returns
        -------
        float
            Latent mean.
        """
        return (mean - self.at) / self.sd

    def answers(self, latent: Floats, chance: np.random.Generator) -> Floats:
        """Return the column, as one item.

        Parameters
        ----------
        latent : ndarray of shape (n,)
            The latent variable.
        chance : Generator
            A stream; nothing is drawn from it.

        Returns
        -------
        ndarray of shape (n, 1)
            Values.
        """
        del chance
        return (self.at + self.sd * latent)[:, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing:
    r"""A count (Poisson with a lognormal mean) or a time (lognormal).

    Attributes
    ----------
    at : float
        Mean.
    rate : float
        Standard deviation of the logarithm of the expected count or of the time.
    whole : bool
        Whether it is a count.

    Notes
    -----
    Counts have variance :math:`m + m^2 (e^{\sigma^2} - 1)`; a latent shift of d multiplies the mean by
    :math:`e^{\sigma d}`.
    """

    at: float
    rate: float
    whole: bool

    def coefficients(self, shift: float = 0.0) -> Floats:
        """Return the Hermite coefficients of the expected value; see `Graded.coefficients`.

        Parameters
        ----------
        shift : float
            Mean of the latent variable.

        Returns
        -------
        ndarray of shape (ORDER + 1,)
            Coefficients of order 0, 1, 2 ...; the first is the mean.
        """
        return growth_coefficients(self.mean(shift), self.rate)

    def variance(self, shift: float = 0.0) -> float:
        """Return the variance at a latent mean.

        Parameters
        ----------
        shift : float
            Mean of the latent variable.

        Returns
        -------
        float
            Variance within a cell.
        """
        mean = self.mean(shift)
        return mean**2 * math.expm1(self.rate**2) + (mean if self.whole else 0.0)

    def reliability(self) -> float:
        """Return the share of the variance that the latent variable explains."""
        return float((self.coefficients()[1:] ** 2).sum() / self.variance())

    def mean(self, shift: float) -> float:
        """Return the mean at a latent mean.

        Parameters
        ----------
        shift : float
            Mean of the latent variable.

        Returns
        -------
        float
            Mean of the column.
        """
        return self.at * math.exp(self.rate * shift)

    def shift_for(self, mean: float) -> float:
        """Return the latent mean at which the column has a mean.

        Parameters
        ----------
        mean : float
            Wanted mean of the column.

        Returns
        -------
        float
            Latent mean.

        Raises
        ------
        InputError
            Where the mean is not above 0.
        """
        if mean <= 0:
            raise InputError(f"a mean of {mean:g} is impossible for a count or a time; it must be above 0.")
        return math.log(mean / self.at) / self.rate

    def answers(self, latent: Floats, chance: np.random.Generator) -> Floats:
        """Draw the column, as one item.

        Parameters
        ----------
        latent : ndarray of shape (n,)
            The latent variable.
        chance : Generator
            A stream; only counts draw from it.

        Returns
        -------
        ndarray of shape (n, 1)
            Counts or times.
        """
        expected = self.at * np.exp(self.rate * latent - self.rate**2 / 2)
        return (chance.poisson(expected).astype(np.float64) if self.whole else expected)[:, None]


def overdispersed(mean: float, sd: float) -> Growing:
    """Return a count with this mean and standard deviation.

    Parameters
    ----------
    mean, sd : float
        Of the count.

    Returns
    -------
    Growing
        Poisson with a lognormal mean.

    Raises
    ------
    InputError
        Where the variance is not above the mean, which people who differ always produce.
    """
    if sd**2 <= mean:
        raise InputError(
            f"a count with mean {mean:g} needs a standard deviation above {math.sqrt(mean):.4g} (that of a Poisson "
            f"count among people who do not differ); found {sd:g}."
        )
    return Growing(at=mean, rate=math.sqrt(math.log1p((sd**2 - mean) / mean**2)), whole=True)


def lasting(mean: float, sd: float) -> Growing:
    """Return a lognormal time with this mean and standard deviation.

    Parameters
    ----------
    mean, sd : float
        Of the time.

    Returns
    -------
    Growing
        Lognormal.
    """
    return Growing(at=mean, rate=math.sqrt(math.log1p((sd / mean) ** 2)), whole=False)
