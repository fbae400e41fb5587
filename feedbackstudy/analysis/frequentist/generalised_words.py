"""Words for logistic, count and ordered models: what was fitted, what a reader must know, what a cell is called."""

from collections.abc import Sequence

from feedbackstudy.analysis.frequentist.clustered import few_clusters
from feedbackstudy.analysis.frequentist.generalised import GeneralisedFit
from feedbackstudy.analysis.frequentist.generalised_mixed import GeneralisedMixedFit

__all__ = ["family_words", "fit_words", "generalised_notes", "named_cell"]

_OVERDISPERSED = 1.5


def family_words(fit: GeneralisedFit | GeneralisedMixedFit) -> str:
    """Name the model that was fitted.

    Parameters
    ----------
    fit : GeneralisedFit or GeneralisedMixedFit
        The model.

    Returns
    -------
    str
        Such as ``"negative binomial model"``; its limit is named as such.
    """
    names = {"binomial": "logistic model", "poisson": "Poisson model"}
    limit = ", the limit of the negative binomial," if fit.poisson_limit else ""
    return names.get(fit.family, f"{fit.family} model") + limit


def fit_words(fit: GeneralisedFit | GeneralisedMixedFit) -> str:
    """Say how a model was fitted.

    Parameters
    ----------
    fit : GeneralisedFit or GeneralisedMixedFit
        The model.

    Returns
    -------
    str
        In a few words.
    """
    if isinstance(fit, GeneralisedMixedFit):
        how = "Laplace" if fit.quadrature == 1 else f"adaptive quadrature, {fit.quadrature} nodes"
        return f"random intercepts of {', '.join(fit.factors)}, {how}"
    if fit.clusters is not None:
        return f"maximum likelihood, {fit.clustered} covariance over {fit.clusters} clusters"
    return "Firth's penalised likelihood" if fit.penalised else "maximum likelihood"


def named_cell(at: int, names: Sequence[str]) -> str:
    """Return what a message calls a cell.

    Parameters
    ----------
    at : int
        Its position.
    names : sequence of str
        Names of all cells, or none.

    Returns
    -------
    str
        ``"the cell NAME"``, or its position where there are no names.
    """
    return f"the cell {names[at]}" if names else f"the cell at position {at}"


def generalised_notes(fit: GeneralisedFit | GeneralisedMixedFit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a reader must know of a model, and why nothing of it may be reported.

    Parameters
    ----------
    fit : GeneralisedFit or GeneralisedMixedFit
        The model.

    Returns
    -------
    tuple of (tuple of str, tuple of str)
        Notes and failures.
    """
    notes = []
    if fit.poisson_limit:
        notes.append(
            "The counts vary no more than a Poisson distribution allows, so the negative binomial has its maximum "
            "where it is a Poisson: the Poisson model is reported."
        )
    if isinstance(fit, GeneralisedMixedFit):
        notes += ["The fit is singular: a variance between levels is estimated as zero."] if fit.singular else []
        return tuple(notes), () if fit.converged else ("The search did not converge.",)
    if fit.clusters is not None and fit.clustered is not None:
        notes += few_clusters(fit.clusters, fit.clustered)
    elif fit.family == "poisson":
        notes += _spread_notes(fit)
    if fit.penalised:
        notes.append("Firth's penalty pulls log odds towards zero; intervals are Wald's on the penalised estimates.")
    return tuple(notes), ()


def _spread_notes(fit: GeneralisedFit) -> list[str]:
    """Say where the standard errors of a Poisson model are too small or too large."""
    if fit.dispersion > _OVERDISPERSED:
        cure = "" if fit.poisson_limit else " Use the negative binomial."
        much = f"The counts vary {fit.dispersion:.2g} times as much as a Poisson allows"
        return [f"{much}: standard errors are too small.{cure}"]
    if fit.dispersion < 1 / _OVERDISPERSED:
        much = f"The counts vary {fit.dispersion:.2g} times as much as a Poisson expects"
        return [f"{much}: standard errors are larger than need be."]
    return []
