"""What stands behind the rows of one hypothesis: people, models, posteriors, robustness, and the way out to R."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.comparison import Loo
from feedbackstudy.analysis.bayesian.gaussian_sensitivity import PriorWidths
from feedbackstudy.analysis.bayesian.predictive import PredictiveCheck
from feedbackstudy.analysis.bayesian.prior_predictive import PriorPredictive
from feedbackstudy.analysis.bayesian.robustness import Robustness
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells
from feedbackstudy.analysis.bayesian.sensitivity import Sensitivity
from feedbackstudy.analysis.bayesian_model import CellPosterior
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.mediation_declared import DeclaredPath
from feedbackstudy.analysis.model_checks import (
    PriorShares,
    heavy_tailed,
    leave_one_out,
    predictive_check,
    prior_check,
    saved,
    sensitivity_to_prior,
)
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.posterior_rows import prior_scale
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.proportional import ProportionalCheck
from feedbackstudy.analysis.r_path import path_script
from feedbackstudy.analysis.r_script import analysis_script
from feedbackstudy.analysis.r_views import robustness_script
from feedbackstudy.analysis.randomisation import RandomisationTest
from feedbackstudy.analysis.redrawn import redrawn
from feedbackstudy.assign import Allocation
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Page, Rendered, Text, number

__all__ = ["Answer"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer(Rendered):
    """One hypothesis answered.

    Attributes
    ----------
    problem : Problem
        The rows that entered, with the ledger of those who did not.
    rows : tuple of Estimate
        Rows of the estimates table.
    classical : CellFit or None
        The frequentist model; None where it was not asked for, or for a path.
    bayesian : CellMixture, CellDraws or None
        The Bayesian one.
    path : DeclaredPath or None
        Both models of a path.
    posteriors : mapping of str to Posterior
        Contrast in words -> its posterior, ready to be drawn.
    undeclared : str
        What was done otherwise than the plan declares; such an answer does not decide. Empty where nothing was.
    faults : mapping of str to str
        Engine -> why it could not answer.
    provenance : Provenance
        What made it.
    allocation : Allocation or None
        Who was assigned what, where `analyse` was given it.
    adjusted : mapping of int to str
        Position among the frequentist rows -> what its `p_adjusted` is of: no effect, equivalence, non-inferiority.
    proportional : ProportionalCheck or None
        Of an ordinal outcome: whether one shift describes the effect at all thresholds.
    """

    problem: Problem
    rows: tuple[Estimate, ...]
    classical: CellFit | None = None
    bayesian: CellPosterior | None = None
    path: DeclaredPath | None = None
    posteriors: Mapping[str, Posterior]
    undeclared: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    provenance: Provenance
    allocation: Allocation | None = None
    adjusted: Mapping[int, str] = field(default_factory=dict)
    proportional: ProportionalCheck | None = None

    @property
    def name(self) -> str:
        """Name of the hypothesis."""
        return self.problem.question.hypothesis.name

    @property
    def posterior(self) -> Posterior:
        """The posterior of the (first) contrast.

        Raises
        ------
        DataError
            Where the Bayesian engine did not answer.
        """
        if not self.posteriors:
            raise DataError(f"Hypothesis {self.name!r} has no posterior here: the Bayesian engine was not asked.")
        return next(iter(self.posteriors.values()))

    def robustness(self, contrast: str | None = None) -> Robustness:
        """Return the Bayes factor of a contrast over a range of prior widths.

        Parameters
        ----------
        contrast : str, optional
            The contrast in words, as in the table; the first by default.

        Returns
        -------
        Robustness
            The curve, from the one fit.

        Raises
        ------
        DataError
            Where the model gives none.
        """
        at, wanted = self._contrast(contrast)
        if self.bayesian is None:
            raise DataError(f"Hypothesis {self.name!r}: a path has no curve over prior widths here.")
        weights = self.problem.weights[at]
        found = self.bayesian.robustness(
            weights, declared=prior_scale(self.problem), value=self.problem.question.value, quantity=wanted
        )
        return replace(found, script=partial(robustness_script, self.problem, self.bayesian, weights, found.scales))

    def randomisation(
        self, contrast: str | None = None, *, draws: int | None = 5000, seed: int = 1
    ) -> RandomisationTest:
        """Test a contrast by the assignments that the same scheme could have drawn: robustness, whatever decides.

        Parameters
        ----------
        contrast : str, optional
            The contrast in words, as in the table; the first by default.
        draws : int or None, default 5000
            Assignments to draw; None lists all there are.
        seed : int, default 1
            Fixes the draws.

        Returns
        -------
        RandomisationTest
            On the rows and covariates of this answer.

        Raises
        ------
        DataError
            Without an allocation or for one that the rows contradict, for a path, a slope or stories within people, and
            for a scheme that cannot be conditioned on who was in the conditions compared, where it assigned to others.
        """
        return redrawn(self.problem, self.rows, self.path, self.allocation, contrast=contrast, draws=draws, seed=seed)

    def r_script(self) -> RScript:
        """Return the same analysis for R.

        Returns
        -------
        RScript
            Data and code; ``.save(folder)`` writes both. An exact posterior is integrated anew from the rows, with its
            Bayes factor; a sampled one is sampled anew by Stan where rstan is installed.
        """
        if self.path is None:
            return analysis_script(self.problem, self.bayesian)
        return path_script(self.problem, self.path, bayesian=any(row.engine == "bayesian" for row in self.rows))

    def pymc_model(self, table: int | None = None) -> Any:  # noqa: ANN401 - a type of PyMC, which only the Bayesian room imports
        """Return the Bayesian model, to inspect or extend.

        Parameters
        ----------
        table : int, optional
            Which completed table, from 1; needed where the posterior averages those of several.

        Returns
        -------
        pymc.Model
            Data, priors and likelihood of the posterior in the table.

        Raises
        ------
        DataError
            Where no Bayesian model was fitted, or no table was chosen of several.
        """
        if self.path is not None:
            return self.path.mediation(self.provenance).pymc_model(table)
        if self.bayesian is not None:
            return self.bayesian.pymc_model(table)
        raise DataError(f"Hypothesis {self.name!r} has no PyMC model here.")

    def loo(self) -> Loo:
        """Return the expected log density of left-out rows (PSIS-LOO), of a sampled model.

        Returns
        -------
        Loo
            Its gate closes where a Pareto shape exceeds 0.7.
        """
        return leave_one_out(self.problem, self.bayesian)

    def prior_check(self, *, seed: int = 1, studies: int = 4000) -> PriorPredictive | PriorShares:
        """Return what the prior expects of whole studies, before any answer is looked at.

        Parameters
        ----------
        seed, studies : int
            Seed and number of drawn studies.

        Returns
        -------
        PriorPredictive or PriorShares
            For scores the share outside the scale; for other outcomes the shares of values.
        """
        return prior_check(self.problem, self.bayesian, seed=seed, studies=studies)

    def predictive_check(self, *, seed: int = 1, studies: int = 1000) -> PredictiveCheck:
        """Return studies drawn from the posterior, sampled or exact, beside the data.

        Parameters
        ----------
        seed, studies : int
            Seed and number of drawn studies.

        Returns
        -------
        PredictiveCheck
            Shares of values, and statistics that the model does not reproduce.
        """
        return predictive_check(self.problem, self.bayesian, seed=seed, studies=studies)

    def prior_sensitivity(self, contrast: str | None = None) -> Sensitivity | PriorWidths:
        """Return how far the posterior of a contrast depends on the prior.

        Parameters
        ----------
        contrast : str, optional
            The contrast in words, as in the table; the first by default.

        Returns
        -------
        Sensitivity or PriorWidths
            By power-scaling; for models solved exactly, the answers under wider and narrower priors.
        """
        at, wanted = self._contrast(contrast)
        return sensitivity_to_prior(self.problem, self.bayesian, self.problem.weights[at], wanted)

    def student_t(self, *, seed: int = 1) -> SampledCells:
        """Return the model with Student-t residuals on the same rows: robustness, whatever decides.

        Parameters
        ----------
        seed : int, default 1
            Seed of the chains.

        Returns
        -------
        SampledCells
            ``cells().contrast(answer.problem.weights[0])`` answers again.
        """
        return heavy_tailed(self.problem, seed=seed)

    def save_draws(self, folder: Path, name: str) -> Path:
        """Save the draws of a sampled model as zarr below a folder.

        Parameters
        ----------
        folder : Path
            The study's folder.
        name : str
            Name of the store, such as ``"draws/h1.zarr"``.

        Returns
        -------
        Path
            The store; people's answers are not in it.
        """
        return saved(self.problem, self.bayesian, folder, name, provenance=self.provenance)

    def _contrast(self, contrast: str | None) -> tuple[int, str]:
        names = list(self.posteriors)
        wanted = names[0] if contrast is None and names else contrast
        if wanted not in names:
            raise DataError(choices("Contrast", wanted, names))
        return names.index(wanted), wanted

    def page(self) -> Page:
        """Return the rows of people, the models and who is not among them.

        Returns
        -------
        Page
            Ready to render.
        """
        problem = self.problem
        facts = [("people", number(problem.n)), ("excluded", number(problem.excluded))]
        facts += [("left out for a missing value", number(problem.missing))]
        facts += [(key, number(int(n))) for key, n in zip(problem.cells, problem.counts, strict=True)]
        blocks: list[Block] = [Facts(tuple(facts)), *(Text(note) for note in problem.notes)]
        blocks += list(problem.ledger.page().blocks)
        if self.bayesian is not None:
            exact = isinstance(self.bayesian, CellMixture) and problem.question.kind == "cells"
            prior = Facts((("prior", self.bayesian.prior),))
            blocks += list(self.prior_check(studies=1000).page().blocks) if exact else [prior]
        blocks.append(self.provenance.facts())
        return Page(title=f"Hypothesis {self.name}", subtitle=problem.question.hypothesis.text, blocks=tuple(blocks))
