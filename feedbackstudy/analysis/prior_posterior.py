"""Prior and posterior of one contrast on one axis: how much the Bayes factor owes to which."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import integrate, stats

from feedbackstudy.analysis.answer import Answer
from feedbackstudy.analysis.bayesian.cell_contrast import exponential
from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.carried import Way, carried
from feedbackstudy.analysis.posterior_rows import prior_scale
from feedbackstudy.analysis.r_views import density_script
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Page, Rendered, Text, bayes_factor, number

__all__ = ["PriorPosterior", "prior_posterior"]

type Floats = NDArray[np.float64]

_POINTS = 2001
_EVERY = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriorPosterior(Rendered):
    """Prior and posterior density of one contrast, with their values where there is no effect.

    Attributes
    ----------
    quantity : str
        What the contrast is.
    unit : str
        Unit of the axis.
    prior_words : str
        The prior.
    grid, prior, posterior : ndarray, shape (m,)
        Values of the effect, and both densities there.
    prior_at_null, posterior_at_null : float
        Densities at 0; their ratio is the Bayes factor for an effect.
    log_bayes_factor : float or None
        Its natural logarithm; None where it would be mostly Monte-Carlo error, as `note` says.
    note : str
        How it was computed.
    provenance : Provenance
        What made it.
    script : RScript or callable or None
        The way out to R.
    """

    quantity: str
    unit: str
    prior_words: str
    grid: Floats
    prior: Floats
    posterior: Floats
    prior_at_null: float
    posterior_at_null: float
    log_bayes_factor: float | None
    note: str
    provenance: Provenance
    script: Way = None

    def r_script(self) -> RScript:
        """Return both densities for R.

        Returns
        -------
        RScript
            For exact models the Bayes factor and both densities at 0 and at every hundredth point of `grid`; for
            sampled ones the script of the answer, which samples the model anew.

        Raises
        ------
        DataError
            As `Answer.r_script`.
        """
        return carried(self.script, f"The densities of {self.quantity!r}")

    @property
    def bayes_factor(self) -> float | None:
        """Bayes factor for an effect against none; infinite beyond what a float holds, None where it is not told."""
        return None if self.log_bayes_factor is None else exponential(self.log_bayes_factor)

    @property
    def words(self) -> str:
        """The Bayes factor in words."""
        factor = self.bayes_factor
        return bayes_factor(factor) if factor is not None else "no Bayes factor: too few draws near no effect"

    def frame(self) -> pd.DataFrame:
        """Return both densities.

        Returns
        -------
        DataFrame
            Columns effect, prior, posterior.
        """
        return pd.DataFrame({"effect": self.grid, "prior": self.prior, "posterior": self.posterior})

    def page(self) -> Page:
        """Return the Bayes factor and the two densities it is the ratio of.

        Returns
        -------
        Page
            Ready to render.
        """
        blocks: list[Block] = [
            Facts(
                (
                    ("prior", self.prior_words),
                    ("prior density at 0", number(self.prior_at_null)),
                    ("posterior density at 0", number(self.posterior_at_null)),
                    ("their ratio", self.words),
                )
            ),
            Text(self.note),
            self.provenance.facts(),
        ]
        return Page(title="Prior and posterior", subtitle=self.quantity, blocks=tuple(blocks))


def prior_posterior(answer: Answer, contrast: str | None = None) -> PriorPosterior:
    r"""Return prior and posterior of one contrast, as the Bayes factor in the table compares them.

    Parameters
    ----------
    answer : Answer
        One hypothesis answered: ``estimates.answer("h1")``.
    contrast : str, optional
        The contrast in words, as in the table; the first by default.

    Returns
    -------
    PriorPosterior
        For exact models on the standardised scale, under the Cauchy prior that the table's Bayes factor has; for
        sampled ones on the model's scale, under the model's own prior, which the note says.

    Raises
    ------
    DataError
        Where the hypothesis has no such contrast, no posterior of cells, or no proper prior.

    Notes
    -----
    The Bayes factor is :math:`p(\delta = 0) / p(\delta = 0 \mid y)` (Dickey, 1971). Under the Cauchy prior the
    posterior is the prior times the likelihood of the effect, all else integrated out.
    """
    names = list(answer.posteriors)
    wanted = names[0] if contrast is None and names else contrast
    if wanted not in names:
        raise DataError(choices("Contrast", wanted, names))
    if answer.bayesian is None:
        raise DataError(f"Hypothesis {answer.name!r} is a path; its posterior is drawn beside the bootstrap instead.")
    weights = answer.problem.weights[names.index(wanted)]
    if isinstance(answer.bayesian, CellMixture):
        return _under_cauchy(answer, answer.bayesian, weights, wanted)
    return _under_own(answer, weights, wanted)


def _under_cauchy(answer: Answer, fit: CellMixture, weights: Floats, quantity: str) -> PriorPosterior:
    scale, value = prior_scale(answer.problem), answer.problem.question.value
    evidence = fit.evidence(weights, value=value)
    around = fit.standardised(weights, value=value).posterior
    wide = max(abs(around.grid[0]), abs(around.grid[-1]), 3 * scale)
    grid = np.linspace(-wide, wide, _POINTS)
    prior = stats.cauchy.pdf(grid, scale=scale)
    log_factor = evidence.cauchy(scale)
    density = np.exp(np.log(prior) + evidence.log_ratio(grid) - log_factor)
    inside = float(integrate.trapezoid(density, grid))
    if not 0.98 < inside < 1.02:
        raise DataError(f"The posterior of {quantity!r} is too narrow or too wide to be drawn (mass {inside:.3f}).")
    at_null = float(stats.cauchy.pdf(0.0, scale=scale))
    return PriorPosterior(
        quantity=quantity,
        unit="standard deviations within cells",
        prior_words=f"Cauchy, scale {scale:g}",
        grid=grid,
        prior=prior,
        posterior=density,
        prior_at_null=at_null,
        posterior_at_null=at_null * exponential(-log_factor),
        log_bayes_factor=log_factor,
        script=partial(density_script, answer.problem, fit, weights, tuple(grid[::_EVERY].tolist())),
        note="Only the prior of this contrast is a Cauchy distribution; all else keeps the model's prior. By "
        "quadrature.",
        provenance=answer.provenance,
    )


def _under_own(answer: Answer, weights: Floats, quantity: str) -> PriorPosterior:
    if answer.bayesian is None:
        raise DataError(f"Hypothesis {answer.name!r} has no posterior of cells.")
    found = answer.bayesian.contrast(weights, value=answer.problem.question.value, quantity=quantity)
    drawn = found.posterior
    if drawn.prior_density is None:
        raise DataError(f"The model of {answer.name!r} has no proper prior of this contrast.")
    at_null = float(np.interp(0.0, drawn.grid, drawn.prior_density))
    told = found.log_bayes_factor
    after = float(np.interp(0.0, drawn.grid, drawn.density)) if told is None else at_null * exponential(-told)
    scale = answer.bayesian.scale
    return PriorPosterior(
        quantity=quantity,
        unit="units of the outcome" if scale == "response" else f"{scale} scale",
        prior_words="the model's own",
        grid=np.asarray(drawn.grid),
        prior=np.asarray(drawn.prior_density),
        posterior=np.asarray(drawn.density),
        prior_at_null=at_null,
        posterior_at_null=after,
        log_bayes_factor=told,
        script=answer.r_script,
        note=f"Under the model's own prior, where the table may have a Cauchy prior of the standardised effect: "
        f"{found.bayes_factor_note}.",
        provenance=answer.provenance,
    )
