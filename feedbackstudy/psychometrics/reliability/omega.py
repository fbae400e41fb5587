"""Omega total of one common factor, with delta-method, robust and bootstrap intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.covariances import correlation, covariance
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.one_factor import OneFactor, one_factor, one_factor_batch
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.reliability.coefficient import Coefficient
from feedbackstudy.psychometrics.reliability.resampling import bootstrap_covariances, percentile_limits
from feedbackstudy.psychometrics.threads import one_thread

__all__ = ["omega"]

type Floats = NDArray[np.float64]

_INTERVALS = ("robust", "delta", "bootstrap")
_DENOMINATORS = {
    "model": "the variance of the sum that the model implies divides (as lavaan and Mplus users compute it)",
    "observed": "the observed variance of the sum divides (McDonald 1999; the default of semTools' compRelSEM)",
}


@one_thread()
def omega(
    data: Items | Matrix,
    *,
    denominator: str = "model",
    interval: str = "robust",
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 1,
) -> Coefficient:
    r"""Compute omega total from a one-factor model.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Items scored in one direction, people by items; incomplete rows are set aside.
    denominator : {"model", "observed"}
        Whether the model-implied or the observed variance of the sum score divides. The two differ where the model
        does not fit, and papers rarely say which they print.
    interval : {"robust", "delta", "bootstrap"}
        Normal interval with the robust (MLR) or the normal-theory delta-method standard error, or percentiles over
        people drawn with replacement.
    level : float, default 0.95
        Coverage.
    draws : int, default 2000
        Bootstrap samples.
    seed : int, default 1
        Seed of the bootstrap.

    Returns
    -------
    Coefficient
        Omega; `also` holds the one with the other denominator, both standard errors, and the model's chi-square.

    Raises
    ------
    DataError
        For unusable or collinear answers, fewer than three items or an unknown option.

    Notes
    -----
    .. math:: \omega = \frac{(\sum_j\lambda_j)^2}{(\sum_j\lambda_j)^2 + \sum_j\psi_j}

    with the maximum likelihood estimates of one factor (McDonald 1999); standard errors by the delta method. For the
    observed denominator the variance of the sum is taken as known in them.
    """
    if interval not in _INTERVALS:
        raise DataError(choices("Interval", interval, _INTERVALS))
    if denominator not in _DENOMINATORS:
        raise DataError(choices("Denominator", denominator, _DENOMINATORS))
    matrix = item_matrix(data, minimum=3).complete
    fitted = _Fitted.of(matrix)
    value = fitted.omega(denominator)
    ses = {name: fitted.se(denominator, robust=name == "robust") for name in ("robust", "delta")}
    issues = [*matrix.issues, *fitted.issues(matrix.items)]
    if interval == "bootstrap":
        values = _bootstrap(matrix.answers, fitted.fit, denominator=denominator, draws=draws, seed=seed)
        low, high = percentile_limits(values, level)
        issues += _failed_draws(values)
    else:
        z = float(stats.norm.ppf(0.5 + level / 2.0))
        low, high = value - z * ses[interval], value + z * ses[interval]
    n, k = matrix.answers.shape
    return Coefficient(
        coefficient=f"omega total ({denominator} variance)",
        value=value,
        se=ses.get(interval, float("nan")),
        low=low,
        high=high,
        level=level,
        interval={"robust": "robust (MLR)", "delta": "delta method"}.get(interval, f"bootstrap percentile, {draws}"),
        n_people=n,
        n_items=k,
        also=fitted.companions(denominator, ses, n),
        loadings=dict(zip(matrix.items, (fitted.fit.loadings / np.sqrt(np.diag(fitted.S))).tolist(), strict=True)),
        issues=tuple(issues),
        matrix=matrix,
        r_body=_R_BODY,
        provenance=origin(
            "omega",
            "one factor, maximum likelihood, listwise deletion",
            _DENOMINATORS[denominator],
            seed=seed if interval == "bootstrap" else None,
        ),
    )


_R_BODY = """\
library(lavaan)
free <- paste0("l", seq_along(items), "*", items, collapse = " + ")
unique <- paste0(items, " ~~ u", seq_along(items), "*", items, collapse = "\\n")
sums <- c(paste0("l", seq_along(items), collapse = " + "), paste0("u", seq_along(items), collapse = " + "))
model <- sprintf("F =~ %s\\n%s\\nomega := (%s)^2 / ((%s)^2 + %s)", free, unique, sums[1], sums[1], sums[2])
for (estimator in c("ML", "MLR")) {
  fit <- cfa(model, data = responses, std.lv = TRUE, estimator = estimator)
  found <- subset(parameterEstimates(fit), lhs == "omega")
  show(paste("omega", estimator), found$est)
  show(paste("se", estimator), found$se)
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    """A one-factor fit with the covariance matrix it rests on."""

    S: Floats
    fit: OneFactor

    @classmethod
    def of(cls, matrix: Matrix) -> "_Fitted":
        n = matrix.n_people
        S = covariance(matrix) * ((n - 1) / n)
        if np.linalg.eigvalsh(S)[0] <= 1e-10 * np.trace(S):
            # The likelihood of a singular matrix is unbounded; name the items rather than fail in the optimiser.
            correlation(matrix, invertible=True)
        return cls(S=S, fit=one_factor(S, n=n, rows=matrix.answers))

    def omega(self, denominator: str) -> float:
        """Return omega with the given denominator."""
        common = float(self.fit.loadings.sum()) ** 2
        whole = common + float(self.fit.uniquenesses.sum()) if denominator == "model" else float(self.S.sum())
        return common / whole

    def se(self, denominator: str, *, robust: bool) -> float:
        """Return the delta-method standard error."""
        k = len(self.S)
        total = float(self.fit.loadings.sum())
        if denominator == "model":
            whole = total**2 + float(self.fit.uniquenesses.sum())
            by_loading = 2 * total / whole - 2 * total**3 / whole**2
            by_unique = -(total**2) / whole**2
        else:
            by_loading, by_unique = 2 * total / float(self.S.sum()), 0.0
        gradient = np.concatenate([np.full(k, by_loading), np.full(k, by_unique)])
        V = self.fit.robust if robust and self.fit.robust is not None else self.fit.expected
        return float(np.sqrt(gradient @ V @ gradient))

    def companions(self, denominator: str, ses: dict[str, float], n: int) -> dict[str, float]:
        """Return what is shown beside omega."""
        other = "observed" if denominator == "model" else "model"
        k = len(self.S)
        return {
            f"omega total ({other} variance)": self.omega(other),
            "robust SE": ses["robust"],
            "delta-method SE": ses["delta"],
            "chi-square of one factor": n * self.fit.discrepancy,
            "df": float(k * (k - 3) // 2),
        }

    def issues(self, items: tuple[str, ...]) -> list[Issue]:
        """Return what is wrong with the fit."""
        bad = [name for name, psi in zip(items, self.fit.uniquenesses, strict=True) if psi <= 0]
        found = conditions.heywood(bad, "the one-factor model")
        if not self.fit.converged:
            found.append(conditions.not_converged("The one-factor model", "its gradient did not vanish"))
        negative = [name for name, loading in zip(items, self.fit.loadings, strict=True) if loading < 0]
        return found + conditions.negative_item_rest(negative)


def _bootstrap(rows: Floats, fit: OneFactor, *, denominator: str, draws: int, seed: int) -> Floats:
    S = bootstrap_covariances(rows, draws=draws, seed=seed)
    sd = np.sqrt(rows.var(axis=0))
    # One common scale for all draws: equal units help the steps, and the sum score stays recoverable.
    lam, psi, converged = one_factor_batch(S / np.outer(sd, sd), start=fit.loadings / sd)
    common = (lam @ sd) ** 2
    whole = common + psi @ sd**2 if denominator == "model" else S.sum(axis=(1, 2))
    return np.where(converged & (psi > 0).all(axis=1), common / whole, np.nan)


def _failed_draws(values: Floats) -> list[Issue]:
    failed = int(np.isnan(values).sum())
    if not failed:
        return []
    return [
        Issue(
            code="psychometrics.bootstrap_draws_lost",
            severity=Severity.WARNING,
            where="bootstrap",
            what=f"{failed} of {len(values)} bootstrap samples had a Heywood case or did not converge; left out.",
            why="The interval describes the remaining samples only.",
            fix="Use the robust interval, or more people.",
        )
    ]
