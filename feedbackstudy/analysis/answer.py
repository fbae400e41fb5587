"""What stands behind the rows of one hypothesis: people, models, posteriors, robustness, and the way out to R."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from feedbackstudy.analysis.bayesian.robustness import Robustness
from feedbackstudy.analysis.bayesian_model import CellPosterior
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.mediation_declared import DeclaredPath
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.posterior_rows import prior_scale
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.r_script import analysis_script
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
        names = list(self.posteriors)
        wanted = names[0] if contrast is None and names else contrast
        if wanted not in names:
            raise DataError(choices("Contrast", wanted, names))
        if self.bayesian is None:
            raise DataError(f"Hypothesis {self.name!r}: a path has no curve over prior widths here.")
        return self.bayesian.robustness(
            self.problem.weights[names.index(wanted)],
            declared=prior_scale(self.problem),
            value=self.problem.question.value,
            quantity=wanted,
        )

    def r_script(self) -> RScript:
        """Return the same frequentist analysis for R.

        Returns
        -------
        RScript
            Data and code; ``.save(folder)`` writes both.
        """
        return analysis_script(self.problem)

    def pymc_model(self) -> Any:  # noqa: ANN401 - a type of PyMC, which only the Bayesian room imports
        """Return the Bayesian model, to inspect or extend.

        Returns
        -------
        pymc.Model
            Data, priors and likelihood of the posterior in the table.

        Raises
        ------
        DataError
            Where no Bayesian model was fitted.
        """
        if self.bayesian is not None:
            return self.bayesian.pymc_model()
        raise DataError(f"Hypothesis {self.name!r} has no PyMC model here.")

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
        blocks.append(self.provenance.facts())
        return Page(title=f"Hypothesis {self.name}", subtitle=problem.question.hypothesis.text, blocks=tuple(blocks))
