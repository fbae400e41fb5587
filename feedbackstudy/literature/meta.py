"""Meta-analysis: equal and random effects, Wald and Knapp-Hartung, heterogeneity, prediction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, nan, tanh
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.errors import DataError, choices
from feedbackstudy.literature.heterogeneity import (
    TAU2_METHODS,
    Tau2Method,
    Weighted,
    estimate_tau2,
    q_profile,
    weighted,
)
from feedbackstudy.literature.pooling import Test, check_test, checked, conventions, t_quantile, two_sided
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Page, Rendered, Table, interval, number, p_value

__all__ = ["MetaAnalysis", "meta_analysis"]

type Array = NDArray[np.float64]
type Scale = Literal["identity", "exp", "tanh"]

SCALES: Mapping[str, Callable[[float], float]] = {"identity": float, "exp": exp, "tanh": tanh}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaAnalysis(Rendered):
    """One meta-analysis.

    Attributes
    ----------
    labels : tuple of str
        Names of the studies.
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances.
    measure : str
        Name of the effect size.
    scale : {"identity", "exp", "tanh"}
        How to show effects: as they are, as ratios (from logarithms), as correlations (from Fisher z).
    method : str
        Estimator of tau squared.
    test : {"wald", "knapp-hartung"}
        Standard error and reference distribution of the pooled estimate.
    level : float
        Level of all intervals.
    estimate, se : float
        Pooled effect and its standard error.
    df : float
        Degrees of freedom of its test; infinite for Wald.
    tau2, tau2_low, tau2_high : float
        Between-study variance with its Q-profile interval.
    se_tau2 : float
        Its standard error from the expected information (ML and REML; NaN otherwise).
    typical_variance : float
        (k - 1) / tr(P), the sampling variance of a typical study.
    q : float
        Cochran's statistic of heterogeneity.
    provenance : Provenance
        Conventions and versions.
    """

    labels: tuple[str, ...]
    yi: Array
    vi: Array
    measure: str
    scale: Scale
    method: Tau2Method
    test: Test
    level: float
    estimate: float
    se: float
    df: float
    tau2: float
    tau2_low: float
    tau2_high: float
    se_tau2: float
    typical_variance: float
    q: float
    provenance: Provenance

    @property
    def k(self) -> int:
        """Number of effects."""
        return len(self.yi)

    @property
    def study_low(self) -> Array:
        """Lower limits of the single studies (normal)."""
        return self.yi - t_quantile(self.level, inf) * np.sqrt(self.vi)

    @property
    def study_high(self) -> Array:
        """Upper limits of the single studies (normal)."""
        return self.yi + t_quantile(self.level, inf) * np.sqrt(self.vi)

    @property
    def weights(self) -> Array:
        """Shares of the studies in the pooled effect; they add up to 1."""
        precision = 1 / (self.vi + self.tau2)
        return np.asarray(precision / precision.sum())

    @property
    def low(self) -> float:
        """Lower limit of the pooled effect."""
        return self.estimate - t_quantile(self.level, self.df) * self.se

    @property
    def high(self) -> float:
        """Upper limit of the pooled effect."""
        return self.estimate + t_quantile(self.level, self.df) * self.se

    @property
    def statistic(self) -> float:
        """Test statistic of the pooled effect: z, or t for Knapp-Hartung."""
        return self.estimate / self.se

    @property
    def p(self) -> float:
        """Two-sided p value of the pooled effect."""
        return two_sided(self.statistic, self.df)

    @property
    def q_df(self) -> float:
        """Degrees of freedom of Q."""
        return float(self.k - 1)

    @property
    def q_p(self) -> float:
        """P value of Q."""
        return float(special.chdtrc(self.q_df, self.q))

    @property
    def i2(self) -> float:
        """Share of tau squared in the variance of a typical study (Higgins & Thompson 2002)."""
        return self.tau2 / (self.tau2 + self.typical_variance)

    @property
    def h2(self) -> float:
        """Variance of a typical study relative to its sampling variance."""
        return self.tau2 / self.typical_variance + 1

    @property
    def i2_q(self) -> float:
        """The I squared of programs that compute it from Q: (Q - df) / Q, cut off at zero."""
        return max(0.0, (self.q - self.q_df) / self.q) if self.q else 0.0

    @property
    def h2_q(self) -> float:
        """Q / df."""
        return self.q / self.q_df

    @property
    def prediction_normal(self) -> tuple[float, float]:
        """Where a new study's true effect lies: estimate +- z sqrt(se^2 + tau2)."""
        return self._around(inf)

    @property
    def prediction_t(self) -> tuple[float, float]:
        """The same with t on k - 2 degrees of freedom (Higgins, Thompson & Spiegelhalter 2009); NaN below 3 studies."""
        return self._around(self.k - 2.0) if self.k > 2 else (nan, nan)

    def _around(self, df: float) -> tuple[float, float]:
        reach = t_quantile(self.level, df) * (self.se**2 + self.tau2) ** 0.5
        return self.estimate - reach, self.estimate + reach

    def page(self) -> Page:
        """Return the pooled effect, heterogeneity and the studies.

        Returns
        -------
        Page
            Ready to render.
        """
        pairs = [
            (f"pooled {self.measure}", f"{number(self.estimate)} {interval(self.low, self.high)}, {p_value(self.p)}"),
            ("tau2", f"{number(self.tau2, 4)} {interval(self.tau2_low, self.tau2_high, 4)}"),
            ("I2 (from tau2)", f"{number(100 * self.i2, 1)}%"),
            ("I2 (from Q)", f"{number(100 * self.i2_q, 1)}%"),
            ("H2 (from tau2)", number(self.h2, 2)),
            ("Q", f"{number(self.q, 2)} on {number(self.q_df, 0)} df, {p_value(self.q_p)}"),
            ("prediction, normal", interval(*self.prediction_normal)),
            ("prediction, t(k - 2)", interval(*self.prediction_t)),
        ]
        if self.scale != "identity":
            back = SCALES[self.scale]
            shown = (number(back(value)) for value in (self.estimate, self.low, self.high))
            pairs.insert(1, (f"as {self.scale}", "{} [{}, {}]".format(*shown)))
        studies = zip(self.labels, self.yi, self.study_low, self.study_high, self.weights, strict=True)
        rows = tuple((s, number(y), interval(lo, hi), f"{number(100 * w, 1)}%") for s, y, lo, hi, w in studies)
        table = Table(("study", self.measure, f"{self.level:.0%} interval", "weight"), rows)
        title = f"Meta-analysis of {self.k} effects"
        return Page(title, TAU2_METHODS[self.method][1], (Facts(tuple(pairs)), table, self.provenance.facts()))


def meta_analysis(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    labels: Sequence[object] | None = None,
    method: Tau2Method = "REML",
    test: Test = "wald",
    level: float = 0.95,
    measure: str = "effect",
    scale: Scale = "identity",
) -> MetaAnalysis:
    r"""Pool independent effects.

    Parameters
    ----------
    yi, vi : array_like, shape (k,)
        Effects and their sampling variances.
    labels : sequence, optional
        Names of the studies; running numbers by default.
    method : {"REML", "DL", "PM", "ML", "EB", "HE", "SJ", "HS", "EE"}, default "REML"
        Estimator of tau squared, abbreviated as in metafor; "EE" is the equal-effects model.
    test : {"wald", "knapp-hartung"}, default "wald"
        Normal test, or the t test on k - 1 degrees of freedom with the variance of Knapp & Hartung (2003), not cut off
        below at the Wald variance.
    level : float, default 0.95
        Level of all intervals.
    measure : str, default "effect"
        Name of the effect size, for tables and the forest plot.
    scale : {"identity", "exp", "tanh"}, default "identity"
        How the pooled effect is shown; the numbers themselves are never transformed.

    Returns
    -------
    MetaAnalysis
        Pooled effect, heterogeneity, prediction intervals and the studies.

    Raises
    ------
    DataError
        For values that cannot be pooled, or an unknown method, test or scale.

    Notes
    -----
    :math:`I^2 = \tau^2 / (\tau^2 + \tilde v)` with the typical sampling variance :math:`\tilde v = (k - 1) / tr(P)`,
    as in metafor; the version from Q is given besides, because other programs print that one.

    Examples
    --------
    >>> result = meta_analysis([0.1, 0.3, 0.35], [0.03, 0.02, 0.05], method="EE")
    >>> round(result.estimate, 3)
    0.245
    """
    y, v = checked(yi, vi)
    check_test(test)
    if scale not in SCALES:
        raise DataError(choices("Scale", scale, SCALES))
    if y.ndim != 1:
        raise DataError(f"meta_analysis takes one row of effects; given {y.shape}. Use pool for many at once.")
    k, ones = len(y), np.ones((len(y), 1))
    names = tuple(str(label) for label in labels) if labels is not None else tuple(map(str, range(1, k + 1)))
    if len(names) != k:
        raise DataError(f"{len(names)} labels for {k} effects; give one for each.")
    tau2 = float(estimate_tau2(y, v, ones, method))
    fit, fixed = weighted(y, 1 / (v + tau2), ones), weighted(y, 1 / v, ones)
    knapp_hartung = float(fit.q) / (k - 1) if test == "knapp-hartung" else 1.0
    tau2_low, tau2_high = q_profile(y, v, ones, level)
    return MetaAnalysis(
        labels=names,
        yi=y,
        vi=v,
        measure=measure,
        scale=scale,
        method=method,
        test=test,
        level=level,
        estimate=float(fit.beta[0]),
        se=(float(fit.covariance[0, 0]) * knapp_hartung) ** 0.5,
        df=k - 1.0 if test == "knapp-hartung" else inf,
        tau2=tau2,
        tau2_low=tau2_low,
        tau2_high=tau2_high,
        se_tau2=_se_tau2(fit, method),
        typical_variance=(k - 1) / float(fixed.trace_p),
        q=float(fixed.q),
        provenance=Provenance(made_by="literature.meta_analysis", conventions=conventions(method, test)),
    )


def _se_tau2(fit: Weighted, method: str) -> float:
    information = {"REML": float(fit.trace_pp), "ML": float((fit.weights**2).sum())}.get(method)
    return (2 / information) ** 0.5 if information is not None else nan
