"""How good fit would look in samples of this size: the distribution of fit indices by simulation.

Fixed cutoffs for CFI or RMSEA ignore the number of items, the size of loadings and of the sample. Simulation from the
fitted
model shows what the indices do if the model is exactly true; simulation from a richer model, what they do if it is not.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import wishart

from feedbackstudy.errors import DataError
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.cfa.evaluation import collect
from feedbackstudy.psychometrics.cfa.indices import comparative, residual_indices, rmsea
from feedbackstudy.psychometrics.cfa.inference import Fitted
from feedbackstudy.psychometrics.cfa.likelihood import Likelihood, Moments, log_determinant
from feedbackstudy.psychometrics.cfa.optimise import minimise
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, Text, table_of

__all__ = ["SimulatedFit", "simulated_fit"]

type Floats = NDArray[np.float64]

_INDICES = ("chisq", "cfi", "rmsea", "srmr")
_GOOD_IS_HIGH = frozenset({"cfi"})
_STRICT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedFit(Rendered):
    """Fit indices of simulated samples beside those observed.

    Attributes
    ----------
    draws : DataFrame
        One row a sample that converged: chisq, cfi, rmsea, srmr.
    observed : mapping of str to float
        The same of the data.
    n_failed : int
        Samples in which the search did not settle.
    truth : {"model", "alternative"}
        What the samples were drawn from.
    provenance : Provenance
        Seed and conventions.
    """

    draws: pd.DataFrame
    observed: dict[str, float]
    n_failed: int
    truth: str
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return one row an index.

        Returns
        -------
        DataFrame
            index, observed, median, worst_5 (the value that five in a hundred samples fall short of), share_worse
            (samples
            that fit worse than the data).
        """
        rows = []
        for name in _INDICES:
            values = self.draws[name].to_numpy()
            high = name in _GOOD_IS_HIGH
            worse = values < self.observed[name] if high else values > self.observed[name]
            edge = np.quantile(values, _STRICT if high else 1 - _STRICT)
            rows.append((name, self.observed[name], float(np.median(values)), float(edge), float(np.mean(worse))))
        return pd.DataFrame(rows, columns=["index", "observed", "median", "worst_5", "share_worse"])

    def table(self) -> Table:
        """Return the indices as a table.

        Returns
        -------
        Table
            One row an index.
        """
        return table_of([{str(k): v for k, v in row.items()} for row in self.frame().to_dict("records")])

    def page(self) -> Page:
        """Return the indices as a page.

        Returns
        -------
        Page
            What was simulated, the table, origin.
        """
        said = {
            "model": "If the model were exactly true, samples of this size would fit like this.",
            "alternative": "If the alternative were true, this model would fit samples of this size like this.",
        }[self.truth]
        failed = f" {self.n_failed} samples did not converge and are left out." if self.n_failed else ""
        subtitle = f"{len(self.draws)} simulated samples"
        return Page("Fit by simulation", subtitle, (Text(said + failed), self.table(), self.provenance.facts()))


def _draw(fitted: Fitted, n_draws: int, rng: np.random.Generator) -> list[tuple[Floats, Floats]]:
    """Return sample means and covariances (divisor n) of every group for all draws, under normality."""
    out = []
    for n, at in zip(fitted.sample.counts, fitted.states, strict=True):
        sigma = at.state.sigma
        spread = wishart.rvs(df=n - 1, scale=sigma / n, size=n_draws, random_state=rng)
        p = len(sigma)
        means = at.state.mu + rng.normal(size=(n_draws, p)) @ np.linalg.cholesky(sigma / n).T
        out.append((means, np.reshape(spread, (n_draws, p, p))))
    return out


def _one(fitted: Fitted, moments: tuple[Moments, ...]) -> dict[str, float] | None:
    objective = Likelihood(groups=moments, means=fitted.means, weights=fitted.sample.shares)
    try:
        found = minimise(collect(objective, fitted.structure), fitted.theta)
    except np.linalg.LinAlgError:
        return None
    if not found.converged:
        return None
    n, p, groups = fitted.sample.n, fitted.structure.n_items, len(moments)
    chisq = 2.0 * n * found.evaluation.value
    base = sum(m.n * (float(np.log(np.diag(m.cov)).sum()) - m.log_det) for m in moments)
    at = Fitted(
        fitted.structure, fitted.sample, fitted.estimator, objective, found.theta, found.evaluation, fitted.means, ""
    )
    residuals = []
    for m, state in zip(moments, at.states, strict=True):
        gap = m.mean - state.state.mu if fitted.means else None
        scaled = None if gap is None else gap / np.sqrt(np.diag(m.cov))
        residuals.append((m.cov, state.state.sigma, gap, scaled))
    return {
        "chisq": chisq,
        "cfi": comparative(chisq, fitted.df, base, groups * p * (p - 1) / 2)["cfi"],
        "rmsea": rmsea(chisq, fitted.df, n, groups)[""],
        "srmr": residual_indices(residuals, fitted.sample.counts)["srmr_bentler"],
    }


def _refuse_unsuitable(fit: CFA) -> None:
    fitted = fit.fitted
    if not (fit.converged and fit.identified):
        raise DataError("The model did not converge or is not identified, so there is nothing to simulate from.")
    if not isinstance(fitted.objective, Likelihood) or fit.likelihood != "normal":
        raise DataError("Fit is simulated for maximum likelihood with complete continuous answers (ML, MLR, MLM) only.")


@one_thread()
def simulated_fit(fit: CFA, *, seed: int, n_draws: int = 500, alternative: CFA | None = None) -> SimulatedFit:
    """Simulate the fit indices that samples of this size would show.

    Parameters
    ----------
    fit : CFA
        The model, fitted by maximum likelihood to complete answers.
    seed : int
        Seed of the draws.
    n_draws : int, default 500
        Number of samples.
    alternative : CFA, optional
        A richer model of the same items and people to draw from; `fit` itself by default.

    Returns
    -------
    SimulatedFit
        Distribution of chi-square, CFI, RMSEA and SRMR, and where the data lie in it.

    Raises
    ------
    DataError
        If the model has no solution, or was fitted to ordinal or incomplete answers.

    Notes
    -----
    Sample covariances are drawn from the Wishart distribution of the implied covariance, means from the normal one,
    and the
    model is fitted to each. Normal data are assumed: with MLR compare uncorrected indices.
    """
    _refuse_unsuitable(fit)
    source = fit if alternative is None else alternative
    _refuse_unsuitable(source)
    if source.items != fit.items or source.fitted.sample.counts != fit.fitted.sample.counts:
        raise DataError("The alternative was fitted to other items or people; fit both to the same data.")
    groups = _draw(source.fitted, n_draws, np.random.default_rng(seed))
    found = []
    for k in range(n_draws):
        moments = tuple(
            Moments(n=n, mean=means[k], cov=covs[k], log_det=log_determinant(covs[k]))
            for n, (means, covs) in zip(fit.fitted.sample.counts, groups, strict=True)
        )
        found.append(_one(fit.fitted, moments))
    kept = [row for row in found if row is not None]
    return SimulatedFit(
        draws=pd.DataFrame(kept, columns=list(_INDICES)),
        observed={name: float(fit.fit[name]) for name in _INDICES},
        n_failed=n_draws - len(kept),
        truth="model" if alternative is None else "alternative",
        provenance=origin("simulated_fit", "normal answers; uncorrected maximum likelihood indices", seed=seed),
    )
