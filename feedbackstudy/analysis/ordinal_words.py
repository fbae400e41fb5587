"""Words for cumulative models: what was fitted, what a reader must know, and conventions."""

from math import isfinite

from feedbackstudy.analysis.frequentist.clustered import FEW_CLUSTERS
from feedbackstudy.analysis.frequentist.cumulative import CumulativeFit
from feedbackstudy.analysis.frequentist.cumulative_mixed import CumulativeMixedFit
from feedbackstudy.render import number

__all__ = ["conventions", "fit_facts", "fit_notes", "model_words"]

MANY_CATEGORIES = 12
"""More categories than rating scales have: the outcome is then a measurement rather than a rating."""


def fit_notes(
    fit: CumulativeFit | CumulativeMixedFit, given: tuple[str, ...], used: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a reader must know of a model, and why nothing of it may be reported.

    Parameters
    ----------
    fit : CumulativeFit or CumulativeMixedFit
        The model.
    given, used : tuple of str
        Categories that the column has, and those that complete rows hold.

    Returns
    -------
    tuple of (tuple of str, tuple of str)
        Notes and failures.
    """
    notes: tuple[str, ...] = ()
    unused = [level for level in given if level not in used]
    if unused:
        notes += (f"No complete row holds the categories {', '.join(unused)}; they have no threshold.",)
    if len(used) > MANY_CATEGORIES:
        notes += (
            f"The outcome has {len(used)} categories, each with a threshold of its own; a cumulative model is meant "
            "for ratings. For a measurement use analysis.regression or analysis.lmm, or put its values into classes.",
        )
    if isinstance(fit, CumulativeFit):
        return notes + _clusters(fit), ()
    notes += ("The fit is singular: a variance between levels is estimated as zero.",) if fit.singular else ()
    return notes, () if fit.converged else ("The search did not converge.",)


def _clusters(fit: CumulativeFit) -> tuple[str, ...]:
    if fit.clusters is None:
        return ()
    uncorrected = "CR1 with t on clusters - 1 degrees of freedom, and no correction for few clusters (no CR2 or CR3)"
    if fit.clusters >= FEW_CLUSTERS:
        return (f"The covariance over {fit.clusters} clusters is {uncorrected}.",)
    return (
        f"Warning: {fit.clusters} clusters are few (fewer than {FEW_CLUSTERS}), and the covariance is {uncorrected}: "
        "standard errors are likely too small and p values too low. Use random intercepts of the clusters (random=), "
        "the Bayesian model, or analysis.regression of the ratings with CR2 beside it.",
    )


def model_words(fit: CumulativeFit | CumulativeMixedFit, categories: int) -> str:
    """Say what was fitted and how.

    Parameters
    ----------
    fit : CumulativeFit or CumulativeMixedFit
        The model.
    categories : int
        How many.

    Returns
    -------
    str
        In one sentence.
    """
    words = f"Cumulative {fit.link} model of {categories} categories"
    if isinstance(fit, CumulativeFit):
        sandwich = "" if fit.clusters is None else f", covariance over {fit.clusters} clusters (CR1)"
        return f"{words} by maximum likelihood{sandwich}"
    how = "Laplace's approximation" if fit.quadrature == 1 else f"adaptive quadrature with {fit.quadrature} nodes"
    return f"{words} with random intercepts of {', '.join(fit.factors)} by {how}"


def fit_facts(fit: CumulativeFit | CumulativeMixedFit) -> tuple[tuple[str, str], ...]:
    """Return what else is shown of a model.

    Parameters
    ----------
    fit : CumulativeFit or CumulativeMixedFit
        The model.

    Returns
    -------
    tuple of (str, str)
        Log likelihood and AIC; with random intercepts their standard deviations.
    """
    facts = [("log likelihood, AIC", f"{number(fit.log_likelihood)}, {number(fit.aic, 1)}")]
    if isinstance(fit, CumulativeMixedFit):
        facts += [(f"SD of {name}", number(float(sd))) for name, sd in zip(fit.factors, fit.sd, strict=True)]
    return tuple(facts)


def conventions(link: str, level: float, df: float) -> tuple[str, ...]:
    """Return how the numbers are to be read.

    Parameters
    ----------
    link : str
        Of the model.
    level : float
        Level of the intervals.
    df : float
        Degrees of freedom of t and F; infinite where the normal distribution and chi square are the reference.

    Returns
    -------
    tuple of str
        Direction, ratio, intervals and tests.
    """
    wald, test = "Wald intervals", "Wald's chi square"
    if isfinite(df):
        wald, test = f"Wald intervals by t on {df:g} degrees of freedom (clusters - 1)", "F on as many"
    ratio = "ratio: odds of a higher answer; " if link == "logit" else ""
    return (
        f"P(Y <= k) = F(threshold - effects), {link}: a positive effect moves answers up",
        f"{ratio}in SD: over the standard deviation of the latent answer, random effects included",
        f"{level:.0%} {wald}; terms by {test}, type III, whatever the coding",
    )
