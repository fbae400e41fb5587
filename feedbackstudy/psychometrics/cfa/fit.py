"""The fit of a model by lavaan's names."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from feedbackstudy.psychometrics.cfa.baseline import baseline_test
from feedbackstudy.psychometrics.cfa.corrected import Corrected, corrected
from feedbackstudy.psychometrics.cfa.indices import comparative, residual_indices, rmsea
from feedbackstudy.psychometrics.cfa.inference import Fitted, moment_count
from feedbackstudy.psychometrics.cfa.leastsquares import LeastSquares, weighted
from feedbackstudy.psychometrics.cfa.likelihood import Likelihood, log_determinant
from feedbackstudy.psychometrics.cfa.moments import continuous_vector, normal_weight, sample_vector
from feedbackstudy.psychometrics.cfa.residuals import implied_correlations, sample_covariance
from feedbackstudy.psychometrics.cfa.robust import Test

__all__ = ["fit_measures"]

type Floats = NDArray[np.float64]

_ROBUST = ("cfi", "tli", "nnfi", "rni")


def _chisquares(test: Test, prefix: str = "") -> Iterator[tuple[str, float]]:
    yield f"{prefix}chisq", test.chisq
    yield f"{prefix}df", test.df
    yield f"{prefix}pvalue", test.p
    if test.kind != "standard":
        yield f"{prefix}chisq.scaled", test.scaled
        yield f"{prefix}df.scaled", test.df_scaled
        yield f"{prefix}pvalue.scaled", test.p_scaled
        yield f"{prefix}chisq.scaling.factor", test.factor


def _minimum(fitted: Fitted) -> float:
    n = fitted.people if fitted.estimator.likelihood else fitted.sample.n
    return fitted.test.chisq / (2 * n)


def _scaled_rmsea(fitted: Fitted, test: Test) -> dict[str, float]:
    """Return RMSEA of the scaled test; a mean-corrected one keeps chi-square and corrects its expectation."""
    n, groups = fitted.people, len(fitted.sample.names)
    if test.kind in {"mean", "yuan_bentler", "mean_variance"}:
        return rmsea(test.chisq, test.mean_factor * test.df, n, groups)
    return rmsea(test.scaled, test.df_scaled, n, groups)


def _robust_comparative(test: Test, base: Test, special: Corrected | None) -> dict[str, float]:
    if special is not None:
        chisq, k, base_chisq, base_k = special.chisq, special.expected, special.baseline, special.baseline_expected
    else:
        chisq, k = test.chisq, test.mean_factor * test.df
        base_chisq, base_k = base.chisq, base.mean_factor * base.df
    over, base_over = chisq - k, base_chisq - base_k
    worst = max(over, base_over, 0.0)
    tli = 1.0 - (over / test.df) / (base_over / base.df) if test.df > 0 else 1.0
    return {
        "cfi": 1.0 - max(over, 0.0) / worst if worst > 0 else 1.0,
        "tli": tli,
        "nnfi": tli,
        "rni": 1.0 - over / base_over if base_over != 0 else float("nan"),
    }


def _robust_rmsea(fitted: Fitted, test: Test, special: Corrected | None) -> dict[str, float]:
    n, groups = fitted.people, len(fitted.sample.names)
    if test.df <= 0:
        return rmsea(0.0, 0.0, n, groups)
    if special is not None:
        factor = special.expected / test.df
        return rmsea(special.chisq / factor, test.df, n, groups, factor=factor)
    found = rmsea(test.scaled, test.df_scaled, n, groups, factor=test.factor)
    point = rmsea(test.chisq / test.mean_factor, test.df, n, groups, factor=test.mean_factor)
    return {**found, "": point[""]}


def _rmsea_names(values: dict[str, float], suffix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        yield f"rmsea{'.' if name else ''}{name}{suffix}", value


def _log_likelihoods(fitted: Fitted) -> tuple[float, float]:
    """Return the log-likelihood of the model and of the unrestricted moments."""
    if fitted.sample.patterns:
        model = free = 0.0
        for g, data in enumerate(fitted.sample.patterns):
            m, state = fitted.sample.moments[g], fitted.states[g].state
            model -= data.n * (data.value(state.mu, state.sigma) + data.constant)
            free -= data.n * (data.value(m.mean, m.cov) + data.constant)
        return model, free
    if not isinstance(fitted.objective, Likelihood):
        return float("nan"), float("nan")
    model = free = 0.0
    for m, at, n in zip(fitted.objective.groups, fitted.states, fitted.sample.counts, strict=True):
        p = len(m.mean)
        gap = m.mean - at.state.mu if fitted.means else np.zeros(p)
        P = np.linalg.inv(at.state.sigma)
        constant = p * np.log(2 * np.pi)
        model -= (
            0.5 * n * (constant + log_determinant(at.state.sigma) + float(np.sum(P * m.cov)) + float(gap @ P @ gap))
        )
        free -= 0.5 * n * (constant + m.log_det + p)
    return model, free


def _information_criteria(fitted: Fitted) -> Iterator[tuple[str, float]]:
    n, q = fitted.sample.n, fitted.structure.n_free
    model, free = _log_likelihoods(fitted)
    yield "logl", model
    yield "unrestricted.logl", free
    yield "aic", -2 * model + 2 * q
    yield "bic", -2 * model + q * np.log(n)
    yield "bic2", -2 * model + q * np.log((n + 2) / 24)
    if fitted.estimator.test == "yuan_bentler":
        moments = moment_count(fitted.structure, fitted.sample, means=fitted.means)
        yield "scaling.factor.h1", fitted.saturated_trace / moments
        yield "scaling.factor.h0", fitted.model_trace / q if q else float("nan")


def _goodness(fitted: Fitted) -> float:
    """Return GFI: one minus the weighted share of the moments that the residuals hold, averaged over people."""
    total = 0.0
    for g, group in enumerate(fitted.structure.groups):
        if isinstance(fitted.objective, LeastSquares):
            target = fitted.objective.groups[g]
            s, W = target.s, target.weight
            sigma = fitted.objective.vector(fitted.structure, group, fitted.x).sigma
        else:
            m = fitted.objective.groups[g] if isinstance(fitted.objective, Likelihood) else fitted.sample.moments[g]
            s = sample_vector(m.mean, m.cov, means=fitted.means)
            sigma = continuous_vector(fitted.structure, group, fitted.x, means=fitted.means).sigma
            W = normal_weight(np.linalg.inv(fitted.states[g].state.sigma), means=fitted.means)
        e = s - sigma
        share = fitted.sample.counts[g] / fitted.sample.n
        total += share * (1.0 - float(e @ weighted(W, e)) / float(s @ weighted(W, s)))
    return total


def _absolute(fitted: Fitted, test: Test) -> Iterator[tuple[str, float]]:
    n, q = fitted.people, fitted.structure.n_free
    moments = moment_count(fitted.structure, fitted.sample, means=fitted.means)
    nan = float("nan")
    residuals = residual_indices(_residual_groups(fitted), fitted.sample.counts)
    yield "srmr", residuals["srmr_bentler_nomean" if fitted.sample.polychorics else "srmr_bentler"]
    yield from residuals.items()
    if fitted.sample.polychorics:
        yield "wrmr", float(np.sqrt(test.chisq / (moments / len(fitted.sample.names))))
    if not fitted.sample.patterns:
        gfi = _goodness(fitted)
        yield "gfi", gfi
        yield "agfi", 1.0 - moments / test.df * (1.0 - gfi) if test.df > 0 else nan
        yield "pgfi", test.df / moments * gfi
    yield "mfi", float(np.exp(-0.5 * (test.chisq - test.df) / n))
    for name, alpha in (("cn_05", 0.05), ("cn_01", 0.01)):
        yield name, float(chdtri(test.df, alpha)) / (test.chisq / n) + 1.0 if test.df > 0 and test.chisq > 0 else nan
    yield "ecvi", test.chisq / n + 2.0 * q / n


def _residual_groups(fitted: Fitted) -> list[tuple[Floats, Floats, Floats | None, Floats | None]]:
    found: list[tuple[Floats, Floats, Floats | None, Floats | None]] = []
    for g, (m, at) in enumerate(zip(fitted.sample.moments, fitted.states, strict=True)):
        if fitted.sample.polychorics and isinstance(fitted.objective, LeastSquares):
            tau = fitted.sample.polychorics[g].tau
            vector = fitted.objective.vector(fitted.structure, fitted.structure.groups[g], fitted.x).sigma
            sigma, gap = implied_correlations(fitted, g), tau - vector[: len(tau)]
            found.append((m.cov, sigma, gap, gap))
            continue
        cov = sample_covariance(fitted, g)
        difference = m.mean - at.state.mu
        gaps = (difference, difference / np.sqrt(np.diag(cov))) if fitted.means else (None, None)
        found.append((cov, at.state.sigma, *gaps))
    return found


def fit_measures(fitted: Fitted) -> dict[str, float]:
    """Return every fit measure.

    Parameters
    ----------
    fitted : Fitted
        The fitted model.

    Returns
    -------
    dict
        By lavaan's names, in its order.
    """
    test, base = fitted.test, baseline_test(fitted)
    scaled = fitted.estimator.scaled
    special = corrected(fitted)
    robust = special is not None or (scaled and not fitted.sample.polychorics)
    n, groups = fitted.people, len(fitted.sample.names)
    out: dict[str, float] = {"npar": float(fitted.structure.n_free), "fmin": _minimum(fitted)}
    out.update(_chisquares(test))
    out.update(_chisquares(base, "baseline."))
    out.update(comparative(test.chisq, test.df, base.chisq, base.df))
    if scaled:
        found = comparative(test.scaled, test.df_scaled, base.scaled, base.df_scaled)
        out.update({f"{name}.scaled": value for name, value in found.items()})
    if robust or scaled:
        nothing = dict.fromkeys(_ROBUST, float("nan"))
        values = _robust_comparative(test, base, special) if robust else nothing
        out.update({f"{name}.robust": value for name, value in values.items()})
    if fitted.estimator.likelihood:
        out.update(_information_criteria(fitted))
    out["ntotal"] = float(fitted.sample.n)
    out.update(_rmsea_names(rmsea(test.chisq, test.df, n, groups)))
    if scaled:
        out.update(_rmsea_names(_scaled_rmsea(fitted, test), ".scaled"))
    if robust:
        out.update(_rmsea_names(_robust_rmsea(fitted, test, special), ".robust"))
    out.update(_absolute(fitted, test))
    return out
