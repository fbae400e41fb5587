"""The bare-bones meta-analysis of correlations after Hunter and Schmidt."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from feedbackstudy.errors import DataError
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Page, Rendered, interval, number

__all__ = ["BareBones", "bare_bones"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BareBones(Rendered):
    """Mean correlation and how much of its spread is sampling error.

    Attributes
    ----------
    k, n : int
        Correlations and people.
    mean : float
        Mean correlation weighted by sample size.
    variance_observed, variance_error, variance_rho : float
        Observed variance, expected sampling-error variance, and their difference cut off at zero.
    percent_error : float
        Share of the observed variance that sampling error accounts for, as a percentage; above 100 is possible.
    low, high : float
        Confidence interval of the mean, from the observed standard deviation over root k.
    credibility_low, credibility_high : float
        Credibility interval: where most true correlations lie.
    level, credibility_level : float
        Their levels.
    provenance : Provenance
        Conventions and versions.
    """

    k: int
    n: int
    mean: float
    variance_observed: float
    variance_error: float
    variance_rho: float
    percent_error: float
    low: float
    high: float
    credibility_low: float
    credibility_high: float
    level: float
    credibility_level: float
    provenance: Provenance

    def page(self) -> Page:
        """Return mean, variances and intervals.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = Facts(
            (
                ("mean r", f"{number(self.mean)} {interval(self.low, self.high)}"),
                ("SD of observed r", number(self.variance_observed**0.5)),
                ("SD from sampling error", number(self.variance_error**0.5)),
                ("SD of true r", number(self.variance_rho**0.5)),
                ("sampling error", f"{number(self.percent_error, 1)}% of the observed variance"),
                (f"{self.credibility_level:.0%} credibility", interval(self.credibility_low, self.credibility_high)),
            )
        )
        subtitle = f"{self.k} correlations, {self.n:,} people; unreliability and range restriction are not corrected"
        return Page("Bare-bones meta-analysis", subtitle, (facts, self.provenance.facts()))


def bare_bones(r: ArrayLike, n: ArrayLike, *, level: float = 0.95, credibility_level: float = 0.80) -> BareBones:
    r"""Pool correlations by sample size and take sampling error out of their variance.

    Parameters
    ----------
    r, n : array_like, shape (k,)
        Correlations and sample sizes.
    level : float, default 0.95
        Level of the confidence interval.
    credibility_level : float, default 0.80
        Level of the credibility interval.

    Returns
    -------
    BareBones
        Mean and variances.

    Raises
    ------
    DataError
        For values outside [-1, 1], samples below 3, or fewer than two correlations.

    Notes
    -----
    :math:`\bar r = \sum n r / \sum n`, :math:`s_r^2 = \sum n (r - \bar r)^2 / \sum n`,
    :math:`s_e^2 = (1 - \bar r^2)^2 / (\bar n - 1)` with the mean sample size :math:`\bar n`
    (Hunter & Schmidt, 2004, Methods of Meta-Analysis, chapter 3).
    """
    values, sizes = np.asarray(r, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if values.ndim != 1 or values.shape != sizes.shape or len(values) < 2:
        shapes = f"{values.shape} and {sizes.shape}"
        raise DataError(f"Give one sample size for each of at least two correlations; given the shapes {shapes}.")
    if not ((np.abs(values) <= 1) & (sizes >= 3)).all():
        raise DataError("Correlations must lie between -1 and 1 and every sample have at least 3 people.")
    mean = float(np.average(values, weights=sizes))
    observed = float(np.average((values - mean) ** 2, weights=sizes))
    error = (1 - mean**2) ** 2 / (float(sizes.mean()) - 1)
    rho = max(0.0, observed - error)
    reach = float(special.ndtri((1 + level) / 2)) * (observed / len(values)) ** 0.5
    spread = float(special.ndtri((1 + credibility_level) / 2)) * rho**0.5
    return BareBones(
        k=len(values),
        n=int(sizes.sum()),
        mean=mean,
        variance_observed=observed,
        variance_error=error,
        variance_rho=rho,
        percent_error=100 * error / observed if observed else float("inf"),
        low=mean - reach,
        high=mean + reach,
        credibility_low=mean - spread,
        credibility_high=mean + spread,
        level=level,
        credibility_level=credibility_level,
        provenance=Provenance(
            made_by="literature.bare_bones",
            conventions=(
                "weights n; sampling error (1 - mean r^2)^2 / (mean n - 1); observed variance with divisor sum of n",
                "confidence interval from the observed SD / sqrt(k); no correction for artifacts",
            ),
        ),
    )
