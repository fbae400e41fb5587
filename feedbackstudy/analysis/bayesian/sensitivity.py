"""Does the answer rest on the prior: power-scaling of prior and likelihood by importance weights."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from feedbackstudy.adapters import quiet
from feedbackstudy.analysis.bayesian.cell_contrast import Scale
from feedbackstudy.analysis.bayesian.r_power_scaling import power_scaling_script
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells
from feedbackstudy.analysis.carried import Way, carried
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Facts, Page, Rendered, number

__all__ = ["Sensitivity", "prior_sensitivity"]

_SENSITIVE_ABOVE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity(Rendered):
    """How much one contrast moves with the prior and with the data.

    Attributes
    ----------
    to_prior, to_likelihood : float
        Change of the posterior distribution (distance of cumulative distributions) for a unit change of the logarithm
        to base 2 of the power of prior or likelihood.
    prior : str
        The prior in words.
    script : RScript or callable or None
        The way out to R. No part of what two sensitivities are compared by.
    """

    to_prior: float
    to_likelihood: float
    prior: str
    script: Way = field(default=None, compare=False, repr=False)

    def r_script(self) -> RScript:
        """Return the contrast and both log densities of every draw for R.

        Returns
        -------
        RScript
            Weighs the draws anew with the package loo; shows the sensitivity ``to the prior`` and ``to the
            likelihood``.

        Raises
        ------
        DataError
            Where the figures were laid together without draws.
        """
        return carried(self.script, "The sensitivity to the prior")

    @property
    def diagnosis(self) -> str:
        """What the two figures say together, by the threshold .05 of Kallioinen et al."""
        if self.to_prior < _SENSITIVE_ABOVE:
            return "the answer does not rest on the prior"
        if self.to_likelihood < _SENSITIVE_ABOVE:
            return "the prior decides more than the data do: strong prior or weak data"
        return "prior and data pull against each other: the answer rests on both"

    @property
    def rests_on_prior(self) -> bool:
        """Whether the prior moves the answer by more than the threshold."""
        return self.to_prior >= _SENSITIVE_ABOVE

    def page(self) -> Page:
        """Return the figures and what they say as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        facts = Facts(
            (
                ("sensitivity to the prior", number(self.to_prior, 3)),
                ("sensitivity to the data", number(self.to_likelihood, 3)),
                ("diagnosis", self.diagnosis),
                ("prior", self.prior),
            )
        )
        return Page(title="Prior sensitivity", blocks=(facts,))


def prior_sensitivity(fit: SampledCells, weights: ArrayLike, *, scale: Scale | None = None) -> Sensitivity:
    """Return how much a contrast of cells moves with the prior and with the data.

    Parameters
    ----------
    fit : SampledCells
        The fitted model.
    weights : array_like, shape (cells,)
        The contrast.
    scale : str, optional
        Scale of the cells; by default the predictor's own.

    Returns
    -------
    Sensitivity
        From ArviZ: power-scaling by importance sampling (Kallioinen et al., 2024, Statistics and Computing 34, 57). The
        prior of parameters is scaled; that of the groups' effects given their spread is not.
    """
    import arviz as az  # type: ignore[import-untyped, unused-ignore]

    chains, model = fit.chains, fit.model
    contrast = fit.cells(scale, prior_draws=1).draws @ np.asarray(weights, dtype=np.float64)
    log_prior, log_likelihood = model.log_prior(fit.values), model.log_likelihood(fit.values).sum(axis=1)
    groups = {
        "posterior": {"contrast": contrast.reshape(chains, -1)},
        "log_prior": {"all": log_prior.reshape(chains, -1)},
        "log_likelihood": {"outcome": log_likelihood.reshape(chains, -1)},
    }
    with quiet("arviz"):
        tree = az.from_dict(groups)
        found = {group: float(az.psense(tree, group=group)["contrast"]) for group in ("prior", "likelihood")}
    return Sensitivity(
        to_prior=found["prior"],
        to_likelihood=found["likelihood"],
        prior=model.prior,
        script=partial(power_scaling_script, contrast, log_prior, log_likelihood),
    )
