"""What a decision is worth: net benefit, expected loss, and the value of knowing more."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.declared import Utility

__all__ = ["Worth", "value_of_a_wave", "worth_of"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """Values for each application, in the currency of the plan.

    Attributes
    ----------
    net : float
        Expected net benefit of keeping the policy.
    p_worth : float
        Probability that it is above 0.
    loss_ship, loss_stop : float
        Expected loss of keeping the policy, and of giving it up, against knowing the truth.
    perfect : float
        Expected value of perfect information: the smaller of both losses.
    wave : float or None
        Expected value of one more wave of the size asked for, before its costs; None where none was asked for.
    currency : str
        The currency.
    applications : float or None
        Applications of a period, to multiply all of these with.
    """

    net: float
    p_worth: float
    loss_ship: float
    loss_stop: float
    perfect: float
    wave: float | None
    currency: str
    applications: float | None

    @property
    def values(self) -> tuple[tuple[str, float], ...]:
        """What each value is, and it, for each application."""
        found = [
            ("net benefit of keeping", self.net),
            ("expected loss of keeping", self.loss_ship),
            ("expected loss of giving up", self.loss_stop),
            ("perfect information", self.perfect),
        ]
        return (*found, *([("one more wave, before its costs", self.wave)] if self.wave is not None else []))

    def total(self, value: float) -> float | None:
        """Return a value for all applications of a period.

        Parameters
        ----------
        value : float
            For each application.

        Returns
        -------
        float or None
            None where the plan does not say how many applications there are.
        """
        return None if self.applications is None else self.applications * value


def worth_of(benefit: Floats, utility: Utility, *, more: float | None = None, messages: float = 1.0) -> Worth:
    r"""Value a policy by draws of its benefit.

    Parameters
    ----------
    benefit : ndarray, shape (draws,)
        Draws of how many more successes there are for each application; positive is better.
    utility : Utility
        Costs and values.
    more : float, optional
        Size of one more wave, as a multiple of the information there is now.
    messages : float, default 1
        Messages under the policy for each application that counts.

    Returns
    -------
    Worth
        For each application.

    Raises
    ------
    DataError
        For fewer than 100 draws, or draws that are not finite.

    Notes
    -----
    Net benefit :math:`b = v\delta - c m`. Loss of keeping: :math:`E[\max(0, -b)]`, of giving up: :math:`E[\max(0, b)]`;
    perfect information is worth the smaller one (Raiffa & Schlaifer 1961).
    """
    draws = np.asarray(benefit, dtype=np.float64)
    if draws.size < 100 or not np.isfinite(draws).all():
        raise DataError(f"The worth of a policy needs at least 100 finite draws; given {draws.size}.")
    net = utility.value_per_success * draws - utility.cost_per_message * messages
    ship, stop = float(np.maximum(0, -net).mean()), float(np.maximum(0, net).mean())
    return Worth(
        net=float(net.mean()),
        p_worth=float((net > 0).mean()),
        loss_ship=ship,
        loss_stop=stop,
        perfect=min(ship, stop),
        wave=value_of_a_wave(float(net.mean()), float(net.std()), more) if more is not None else None,
        currency=utility.currency,
        applications=utility.applications_per_period,
    )


def value_of_a_wave(mean: float, sd: float, more: float) -> float:
    r"""Return what one more wave of data is worth before it is seen.

    Parameters
    ----------
    mean, sd : float
        Net benefit as it is known now.
    more : float
        Information of the wave as a multiple of what there is now.

    Returns
    -------
    float
        Expected value of sample information for each application, by preposterior analysis.

    Raises
    ------
    InputError
        For a wave without information.

    Notes
    -----
    The posterior mean after the wave is normal about `mean` with :math:`s^2 = sd^2\, m / (1 + m)`; the value is
    :math:`s\,[\phi(u) - u\,\Phi(-u)]`, :math:`u = |mean|/s` (unit normal loss integral). It takes what is known now as
    normal with a flat prior behind it, so that m waves as large as all data carry m times their information.
    """
    if not more > 0:
        raise InputError(f"A wave of {more:g} times the present information tells nothing; give a number above 0.")
    s = sd * (more / (1 + more)) ** 0.5
    if s == 0:
        return 0.0
    u = abs(mean) / s
    return float(s * (np.exp(-u * u / 2) / np.sqrt(2 * np.pi) - u * special.ndtr(-u)))
