"""Meta-regression: how effects differ with features of the studies; Egger's test and the funnel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.errors import DataError, choices
from feedbackstudy.literature.heterogeneity import Tau2Method, estimate_tau2, weighted
from feedbackstudy.literature.meta import MetaAnalysis
from feedbackstudy.literature.pooling import Test, check_test, checked, conventions, t_quantile, two_sided
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Page, Rendered, Table, interval, number, p_value

__all__ = ["Asymmetry", "Funnel", "MetaRegression", "egger", "funnel", "meta_regression"]

type Array = NDArray[np.float64]

_MODELS = ("rma", "lm")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaRegression(Rendered):
    """A mixed-effects meta-regression.

    Attributes
    ----------
    terms : tuple of str
        Intercept and moderators.
    estimate, se, low, high, statistic, p : ndarray, shape (p,)
        Coefficients and their tests.
    df : float
        Degrees of freedom of the tests; infinite for Wald.
    covariance : ndarray, shape (p, p)
        Of the coefficients.
    level : float
        Level of the intervals.
    tau2 : float
        Residual between-study variance.
    tau2_without : float
        Between-study variance without moderators.
    r2 : float
        Share of it that the moderators account for, cut off at zero; NaN where there is none to account for.
    qm, qm_df, qm_p : float
        Test of all moderators: chi square (Wald) or F (Knapp-Hartung).
    qe, qe_df, qe_p : float
        Test of residual heterogeneity.
    provenance : Provenance
        Conventions and versions.
    """

    terms: tuple[str, ...]
    estimate: Array
    se: Array
    low: Array
    high: Array
    statistic: Array
    p: Array
    df: float
    covariance: Array
    level: float
    tau2: float
    tau2_without: float
    r2: float
    qm: float
    qm_df: float
    qm_p: float
    qe: float
    qe_df: float
    qe_p: float
    provenance: Provenance

    def page(self) -> Page:
        """Return coefficients and heterogeneity.

        Returns
        -------
        Page
            Ready to render.
        """
        columns = zip(self.terms, self.estimate, self.se, self.low, self.high, self.p, strict=True)
        rows = tuple(
            (t, number(e, 4), number(s, 4), interval(lo, hi), p_value(float(p))) for t, e, s, lo, hi, p in columns
        )
        facts = Facts(
            (
                ("QM", f"{number(self.qm, 2)} on {number(self.qm_df, 0)} df, {p_value(self.qm_p)}"),
                ("QE", f"{number(self.qe, 2)} on {number(self.qe_df, 0)} df, {p_value(self.qe_p)}"),
                ("tau2", f"{number(self.tau2, 4)} (without moderators {number(self.tau2_without, 4)})"),
                ("pseudo R2", number(self.r2, 3)),
            )
        )
        table = Table(("term", "estimate", "se", f"{self.level:.0%} interval", "p"), rows)
        return Page("Meta-regression", "", (table, facts, self.provenance.facts()))


def meta_regression(
    yi: ArrayLike,
    vi: ArrayLike,
    moderators: Mapping[str, ArrayLike],
    *,
    method: Tau2Method = "REML",
    test: Test = "wald",
    level: float = 0.95,
) -> MetaRegression:
    r"""Regress effects on features of the studies.

    Parameters
    ----------
    yi, vi : array_like, shape (k,)
        Effects and sampling variances.
    moderators : mapping of str to array_like, shape (k,)
        Name -> numeric values (code categories as 0/1 yourself); an intercept is added.
    method : str, default "REML"
        Estimator of the residual tau squared.
    test : {"wald", "knapp-hartung"}, default "wald"
        As in `meta_analysis`.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    MetaRegression
        Coefficients, QM, QE and pseudo R squared.

    Raises
    ------
    DataError
        For missing values, a moderator without variation, moderators that determine each other, or too few studies.

    Notes
    -----
    :math:`R^2 = \max(0, (\tau^2_{without} - \tau^2) / \tau^2_{without})` (Raudenbush 2009), both by the same method.
    """
    check_test(test)
    y, v = checked(yi, vi, least=len(moderators) + 2)
    x = _design(moderators, len(y))
    k, p = x.shape
    m = p - 1
    tau2 = float(estimate_tau2(y, v, x, method))
    without = float(estimate_tau2(y, v, np.ones((k, 1)), method))
    fit = weighted(y, 1 / (v + tau2), x)
    qe = float(weighted(y, 1 / v, x).q)
    knapp_hartung = test == "knapp-hartung"
    covariance = fit.covariance * (float(fit.q) / (k - p) if knapp_hartung else 1.0)
    df = float(k - p) if knapp_hartung else float("inf")
    se = np.sqrt(np.diag(covariance))
    statistic = fit.beta / se
    reach = t_quantile(level, df) * se
    wald = float(fit.beta[1:] @ np.linalg.solve(covariance[1:, 1:], fit.beta[1:]))
    qm = wald / m if knapp_hartung else wald
    return MetaRegression(
        terms=("intercept", *moderators),
        estimate=fit.beta,
        se=se,
        low=fit.beta - reach,
        high=fit.beta + reach,
        statistic=statistic,
        p=np.array([two_sided(float(value), df) for value in statistic]),
        df=df,
        covariance=covariance,
        level=level,
        tau2=tau2,
        tau2_without=without,
        r2=max(0.0, (without - tau2) / without) if without > 0 else float("nan"),
        qm=qm,
        qm_df=float(m),
        qm_p=float(special.fdtrc(m, k - p, qm) if knapp_hartung else special.chdtrc(m, qm)),
        qe=qe,
        qe_df=float(k - p),
        qe_p=float(special.chdtrc(k - p, qe)),
        provenance=Provenance(made_by="literature.meta_regression", conventions=conventions(method, test)),
    )


def _design(moderators: Mapping[str, ArrayLike], k: int) -> Array:
    columns = [np.ones(k)]
    for name, given in moderators.items():
        values = np.asarray(given, dtype=np.float64)
        if values.shape != (k,) or not np.isfinite(values).all():
            raise DataError(
                f"Moderator {name!r} must hold one finite number for each of the {k} studies; leave out studies "
                "without a value yourself, and say so."
            )
        if np.ptp(values) == 0:
            raise DataError(f"Moderator {name!r} is {values[0]:g} in every study; it cannot explain any difference.")
        columns.append(values)
    x = np.column_stack(columns)
    if len(columns) == 1:
        raise DataError("No moderator is given; use meta_analysis for a model without moderators.")
    if np.linalg.matrix_rank(x / np.abs(x).max(axis=0)) < x.shape[1]:
        raise DataError(f"Moderators {list(moderators)} determine each other; leave one of them out.")
    return x


@dataclass(frozen=True, slots=True, kw_only=True)
class Asymmetry(Rendered):
    """Egger's test of funnel asymmetry.

    Attributes
    ----------
    model : {"rma", "lm"}
        Mixed-effects meta-regression, or weighted regression with multiplicative dispersion.
    statistic, df, p : float
        Test of the standard error as a predictor.
    limit, limit_low, limit_high : float
        Effect expected at a standard error of zero.
    provenance : Provenance
        Conventions and versions.
    """

    model: Literal["rma", "lm"]
    statistic: float
    df: float
    p: float
    limit: float
    limit_low: float
    limit_high: float
    provenance: Provenance

    def page(self) -> Page:
        """Return the test and the limit estimate.

        Returns
        -------
        Page
            Ready to render.
        """
        name = "z" if np.isinf(self.df) else f"t({self.df:.0f})"
        facts = Facts(
            (
                ("test", f"{name} = {number(self.statistic, 2)}, {p_value(self.p)}"),
                ("effect at se = 0", f"{number(self.limit)} {interval(self.limit_low, self.limit_high)}"),
                ("reads", "asymmetry has many causes; publication bias is one of them"),
            )
        )
        return Page("Egger's test of funnel asymmetry", "", (facts, self.provenance.facts()))


def egger(result: MetaAnalysis, *, model: Literal["rma", "lm"] = "rma") -> Asymmetry:
    """Test whether small studies have other effects than large ones.

    Parameters
    ----------
    result : MetaAnalysis
        The studies.
    model : {"rma", "lm"}, default "rma"
        "rma" regresses the effects on their standard errors in a mixed-effects model with the method of `result`; "lm"
        is the original weighted regression of Egger et al. (1997) in the form of Sterne & Egger (2005).

    Returns
    -------
    Asymmetry
        Test of the slope and the effect at a standard error of zero.

    Raises
    ------
    DataError
        For an unknown model, or standard errors that are all alike.
    """
    if model not in _MODELS:
        raise DataError(choices("Model of Egger's test", model, _MODELS))
    se = np.sqrt(result.vi)
    if model == "rma":
        fit = meta_regression(
            result.yi, result.vi, {"standard error": se}, method=result.method, test=result.test, level=result.level
        )
        beta, errors, df = fit.estimate, fit.se, fit.df
    else:
        x = _design({"standard error": se}, result.k)
        plain = weighted(result.yi, 1 / result.vi, x)
        df = float(result.k - 2)
        beta, errors = plain.beta, np.sqrt(np.diag(plain.covariance) * plain.q / df)
    statistic, reach = float(beta[1] / errors[1]), t_quantile(result.level, df) * float(errors[0])
    return Asymmetry(
        model=model,
        statistic=statistic,
        df=df,
        p=two_sided(statistic, df),
        limit=float(beta[0]),
        limit_low=float(beta[0]) - reach,
        limit_high=float(beta[0]) + reach,
        provenance=Provenance(
            made_by="literature.egger",
            conventions=("mixed-effects meta-regression" if model == "rma" else "weighted regression, t on k - 2 df",),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """The numbers of a funnel plot.

    Attributes
    ----------
    effect, se : ndarray, shape (k,)
        The studies.
    centre : float
        The pooled effect.
    level : float
        Level of the region.
    region_se, region_low, region_high : ndarray
        Where studies without heterogeneity and selection would lie, by standard error.
    """

    effect: Array
    se: Array
    centre: float
    level: float
    region_se: Array
    region_low: Array
    region_high: Array


def funnel(result: MetaAnalysis, *, level: float = 0.95) -> Funnel:
    """Return the numbers of a funnel plot.

    Parameters
    ----------
    result : MetaAnalysis
        The studies.
    level : float, default 0.95
        Level of the region around the pooled effect.

    Returns
    -------
    Funnel
        Studies and region.
    """
    se = np.sqrt(result.vi)
    grid = np.linspace(0.0, float(se.max()), 51)
    reach = t_quantile(level, float("inf")) * grid
    centre = result.estimate
    return Funnel(
        effect=result.yi,
        se=se,
        centre=centre,
        level=level,
        region_se=grid,
        region_low=centre - reach,
        region_high=centre + reach,
    )
