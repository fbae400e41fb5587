"""How strong an unmeasured common cause of mediator and outcome must be to explain an indirect effect."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.bayesian.densities import hdi_of_draws
from feedbackstudy.analysis.confounding_script import confounding_script
from feedbackstudy.analysis.frequentist.path_intervals import percentile
from feedbackstudy.analysis.mediation_system import Effect, PathSystem, Term, values
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Facts, Numbered, Page, Rendered, Table, Text, interval, number

if TYPE_CHECKING:
    from feedbackstudy.analysis.mediation_result import Mediation

__all__ = ["Confounding", "confounding", "robustness_value"]

type Floats = NDArray[np.float64]

_GRID = np.round(np.linspace(-0.9, 0.9, 37), 10)
_NOTES = (
    "only this leg is distorted: the cause is taken to be randomised, the other legs to be as estimated",
    "a measured covariate that correlates residuals this strongly is a yardstick for an unmeasured one",
)
_SOURCES = ("residual correlation: Imai, Keele & Yamamoto (2010)", "robustness value: Cinelli & Hazlett (2020)")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confounding(Rendered):
    """An indirect effect as it would be, were residuals of mediator and outcome correlated by a common cause.

    Attributes
    ----------
    effect : str
        The indirect effect.
    leg : str
        The distorted leg.
    rho : ndarray of shape (k,)
        Residual correlations that the common cause would make.
    estimate, low, high : ndarray of shape (k,)
        The effect at each, with its percentile interval.
    median, hdi_low, hdi_high : ndarray of shape (k,)
        The posterior at each.
    rho_zero : float
        Where the effect vanishes.
    rho_interval : float
        The smallest correlation, by size, at which the interval reaches 0; 0 where it holds 0 as it is.
    rho_hdi : float
        The same of the highest-density interval.
    robustness : float
        Share of the residual variance of mediator and of outcome that a common cause must explain, both alike, for the
        leg to vanish.
    robustness_alpha : float
        The same for the leg to lose significance.
    level : float
        Level of the intervals.
    notes : tuple of str
        Assumptions.
    provenance : Provenance
        Conventions.
    script : RScript
        The same in R.
    """

    effect: str
    leg: str
    rho: Floats
    estimate: Floats
    low: Floats
    high: Floats
    median: Floats
    hdi_low: Floats
    hdi_high: Floats
    rho_zero: float
    rho_interval: float
    rho_hdi: float
    robustness: float
    robustness_alpha: float
    level: float
    notes: tuple[str, ...]
    provenance: Provenance
    script: RScript

    def r_script(self) -> RScript:
        """Return base R code that recomputes curve and robustness values.

        Returns
        -------
        RScript
            With the rows used as its data; intervals of resampled rows are drawn anew.
        """
        return self.script

    def frame(self) -> pd.DataFrame:
        """Return the curve.

        Returns
        -------
        DataFrame
            ``rho, estimate, low, high, median, hdi_low, hdi_high``.
        """
        names = ("rho", "estimate", "low", "high", "median", "hdi_low", "hdi_high")
        return pd.DataFrame({name: getattr(self, name) for name in names})

    def page(self) -> Page:
        """Return the values at which the effect vanishes, and the curve.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        facts = Facts(
            (
                ("leg", self.leg),
                ("effect is 0 at residual correlation", number(self.rho_zero, unit_interval=True)),
                (f"{self.level:.0%} CI reaches 0 at", number(self.rho_interval, unit_interval=True)),
                (f"{self.level:.0%} HDI reaches 0 at", number(self.rho_hdi, unit_interval=True)),
                ("robustness value", number(self.robustness, unit_interval=True)),
                ("robustness value, significance", number(self.robustness_alpha, unit_interval=True)),
            )
        )
        words = (
            f"A common cause that explains {self.robustness:.1%} of what is left of the mediator and of the outcome "
            f"would make {self.effect} vanish; {self.robustness_alpha:.1%} would take the leg's significance."
        )
        shown = [i for i, r in enumerate(self.rho) if abs(round(float(r) * 10) - float(r) * 10) < 1e-9]
        rows = tuple(
            (
                number(float(self.rho[i]), 1),
                number(float(self.estimate[i])),
                interval(float(self.low[i]), float(self.high[i])),
                number(float(self.median[i])),
                interval(float(self.hdi_low[i]), float(self.hdi_high[i])),
            )
            for i in shown
        )
        head = ("residual correlation", "estimate", f"{self.level:.0%} CI", "median", f"{self.level:.0%} HDI")
        return Page(
            title=f"Unmeasured confounding of {self.leg}",
            subtitle=self.effect,
            blocks=(Text(words), facts, Table(head, rows), Numbered(self.notes), self.provenance.facts()),
        )


def robustness_value(t: float, df: float, *, alpha: float | None = None) -> float:
    r"""Return how much a confounder must explain of both sides to remove a coefficient.

    Parameters
    ----------
    t : float
        The coefficient's t.
    df : float
        Its degrees of freedom.
    alpha : float, optional
        Level at which it must lose significance; to be 0 itself without.

    Returns
    -------
    float
        Equal partial R squared with predictor and response.

    Notes
    -----
    :math:`RV = (\sqrt{f^4 + 4 f^2} - f^2)/2`, :math:`f = |t|/\sqrt{df}`, less
    :math:`t^*_{\alpha, df - 1}/\sqrt{df - 1}` for significance, and then
    :math:`(f^2 - 1/f^{*2}) / (1 + f^2)` where that binds (Cinelli & Hazlett, 2020, JRSS-B 82, 39-67).
    """
    f = abs(t) / np.sqrt(df)
    critical = 0.0 if alpha is None else float(special.stdtrit(df - 1, 1 - alpha / 2) / np.sqrt(df - 1))
    left = f - critical
    if left <= 0:
        return 0.0
    value = float((np.sqrt(left**4 + 4 * left**2) - left**2) / 2)
    if critical > 0 and f > 1 / critical:
        return float((f**2 - critical**2) / (1 + f**2))
    return value


def confounding(result: "Mediation", effect: str = "", *, leg: int = -1, rho: Floats | None = None) -> Confounding:
    r"""Recompute an indirect effect for residuals that a common cause correlates.

    Parameters
    ----------
    result : Mediation
        A mediation analysis.
    effect : str
        Name of an effect that is one product; the one through all mediators, or the first, by default.
    leg : int, default -1
        Which leg is distorted; the last (mediator to outcome) by default, never the first.
    rho : ndarray, optional
        Residual correlations; from -.9 to .9 by default.

    Returns
    -------
    Confounding
        Curve, and the values at which the effect vanishes.

    Raises
    ------
    DataError
        For an effect that is no product, a leg that is the first or is moderated, or correlations outside (-1, 1).

    Notes
    -----
    With residual correlation :math:`\rho` the leg would be :math:`b - \kappa \rho / \sqrt{1 - \rho^2}`, :math:`\kappa =
    s_e / s_m`: residual standard deviation of the response over that of the mediator given the equation's other
    predictors. For one mediator this is Imai, Keele & Yamamoto's (2010, Statistical Science 25, 51-71) curve; it
    vanishes at :math:`\rho = r_b`, the partial correlation of mediator and outcome. In draws, :math:`\kappa` stays at
    its estimate.
    """
    system, fit = result.design.system, result.fit
    chosen, position, index = _distorted(result, effect, leg)
    correlations = _GRID if rho is None else np.asarray(rho, dtype=np.float64)
    if not (np.abs(correlations) < 1).all():
        raise DataError(f"Residual correlations lie between -1 and 1; given {correlations.tolist()}.")
    k = _equation(system, index)
    kappa = _kappa(system, index, float(fit.sigma[k]))
    curve = _Curve(chosen, position, correlations / np.sqrt(1 - correlations**2))
    drawn = percentile(curve.at(result.draws.theta, kappa), level=result.level)
    posterior = curve.at(result.posterior.theta, kappa * result.posterior.sigma[:, k] / fit.sigma[k])
    spans = np.array([hdi_of_draws(posterior[:, i], result.level) for i in range(len(correlations))])
    df = float(fit.df[index]) if np.isfinite(fit.df[index]) else float(fit.n - 1)
    t = float(fit.theta[index]) / (kappa / np.sqrt(df))
    return Confounding(
        effect=chosen.name,
        leg=system.label(index),
        rho=correlations,
        estimate=curve.at(fit.theta[None], kappa)[0],
        low=drawn.low,
        high=drawn.high,
        median=np.median(posterior, axis=0),
        hdi_low=spans[:, 0],
        hdi_high=spans[:, 1],
        rho_zero=float(_to_correlation(float(fit.theta[index]) / kappa)),
        rho_interval=_reaches(correlations, drawn.low, drawn.high),
        rho_hdi=_reaches(correlations, spans[:, 0], spans[:, 1]),
        robustness=robustness_value(t, df),
        robustness_alpha=robustness_value(t, df, alpha=1 - result.level),
        level=result.level,
        notes=_NOTES,
        provenance=result.provenance.derived("analysis.confounding", conventions=_SOURCES),
        script=_script(result, chosen, (index, position), correlations, df),
    )


def _script(result: "Mediation", effect: Effect, at: tuple[int, int], rho: Floats, df: float) -> RScript:
    draws = len(result.draws.theta) if result.draws.units == "rows" else 0
    index, position = at
    return confounding_script(
        result.design.system, effect, index=index, position=position, rho=rho, df=df, level=result.level, draws=draws
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """An effect with one leg moved by kappa times each step."""

    effect: Effect
    position: int
    steps: Floats

    def at(self, theta: Floats, kappa: float | Floats) -> Floats:
        legs = self.effect.terms[0].legs
        rest = Term(self.effect.terms[0].weight, _without(legs, self.position))
        parts = (
            Effect(name="others", kind="a", terms=(rest,)),
            Effect(name="leg", kind="b", terms=(Term(1.0, (legs[self.position],)),)),
        )
        found = values(parts, theta)
        size = np.broadcast_to(np.asarray(kappa, dtype=np.float64), found.shape[:1])
        return np.asarray(found[:, :1] * (found[:, 1:] - np.multiply.outer(size, self.steps)), dtype=np.float64)


def _distorted(result: "Mediation", effect: str, leg: int) -> tuple[Effect, int, int]:
    """Return the effect, the position of its distorted leg, and the place of that leg's coefficient."""
    if np.isnan(result.design.system.matrix).any():
        raise DataError("Sensitivity needs complete rows; run the analysis with missing='listwise' for it.")
    chosen = _product(result, effect)
    legs = chosen.terms[0].legs
    position = leg if leg >= 0 else len(legs) + leg
    if not 0 < position < len(legs):
        raise DataError(f"Leg {leg} of {chosen.name!r} cannot be distorted; choose 1 to {len(legs) - 1}, or -1.")
    at = np.flatnonzero(legs[position])
    if at.size != 1:
        raise DataError(f"The leg {position} of {chosen.name!r} depends on the moderator; choose an unmoderated leg.")
    return chosen, position, int(at[0])


def _product(result: "Mediation", name: str) -> Effect:
    products = [a.effect for a in result.answers if a.effect.kind == "indirect" and len(a.effect.single) > 1]
    if not name:
        if not products:
            raise DataError("No indirect effect is a single product; nothing can be recomputed.")
        return next((effect for effect in products if effect.name == result.design.full), products[0])
    for answer in result.answers:
        if answer.effect.name == name and len(answer.effect.single) > 1:
            return answer.effect
    raise DataError(choices("Indirect effect", name, [effect.name for effect in products]))


def _without(legs: tuple[Floats, ...], position: int) -> tuple[Floats, ...]:
    return tuple(other for i, other in enumerate(legs) if i != position)


def _equation(system: PathSystem, index: int) -> int:
    return int(np.searchsorted(system.offsets, index, side="right")) - 1


def _kappa(system: PathSystem, index: int, sigma: float) -> float:
    """Return the response's residual sd over the predictor's sd given the equation's other predictors."""
    k = _equation(system, index)
    predictors = list(system.equations[k].predictors)
    own = predictors[index - system.offsets[k]]
    others = [j for j in predictors if j != own]
    x, m = system.matrix[:, others], system.matrix[:, own]
    left = m - x @ np.linalg.lstsq(x, m, rcond=None)[0]
    return sigma / float(np.sqrt(left @ left / (system.n - len(predictors))))


def _to_correlation(step: float) -> float:
    return step / float(np.sqrt(1 + step**2))


def _reaches(rho: Floats, low: Floats, high: Floats) -> float:
    """Return the correlation nearest 0 at which an interval holds 0, by linear interpolation; NaN where none does."""
    holds = (low <= 0) & (high >= 0)
    fine = np.linspace(rho[0], rho[-1], 3601)
    inside = (np.interp(fine, rho, low) <= 0) & (np.interp(fine, rho, high) >= 0)
    if not holds.any() and not inside.any():
        return float("nan")
    at = fine[inside]
    return float(at[np.argmin(np.abs(at))]) if at.size else float(rho[holds][0])
