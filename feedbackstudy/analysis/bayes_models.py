"""Bayes factors of several models of one outcome as a result: against each other, term by term, by prior width."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.analysis.bayesian.cell_contrast import exponential
from feedbackstudy.analysis.bayesian.robustness import Robustness, widths_around
from feedbackstudy.analysis.reported import Reported, without_numbers
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Notice, Page, Table, bayes_factor, number

__all__ = ["BayesFactors", "ModelEvidence"]

type Floats = NDArray[np.float64]

_INCLUSION = ("term", "prior", "posterior", "log_inclusion", "inclusion_bayes_factor")

MOST_ERROR = 0.2
"""Relative error of its integral above which a Bayes factor is not reported: our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEvidence:
    """The evidence for one model.

    Attributes
    ----------
    name : str
        Its terms, joined by ``" + "``.
    terms : tuple of str
        Its terms; empty for the null model.
    log_bayes_factor : float
        Natural logarithm of the Bayes factor against the model that all are compared with.
    error : float
        Estimated relative error of the integral; 0 where none can be seen.
    log_bic_factor : float
        The same by the BIC approximation; NaN with a random factor.
    """

    name: str
    terms: tuple[str, ...]
    log_bayes_factor: float
    error: float
    log_bic_factor: float = float("nan")

    @property
    def bayes_factor(self) -> float:
        """Bayes factor; infinite beyond what a float holds."""
        return exponential(self.log_bayes_factor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BayesFactors(Reported):
    """Bayes factors of several models.

    Attributes
    ----------
    title : str
        What was explained.
    rows : tuple of ModelEvidence
        The models, the null model among them.
    against : str
        Name of the model that all are compared with.
    prior : str
        The prior in words.
    prior_scale : float
        Its width.
    n : int
        Rows that entered.
    notes : tuple of str
        What was left out, and what the null model holds.
    provenance : Provenance
        What made it.
    script : RScript
        The same in R.
    evidence_at : callable
        Takes the terms of a model and a prior width, and returns its log Bayes factor against the null model.
    model_of : callable
        Takes the terms of a model and makes it for PyMC.
    """

    title: str
    rows: tuple[ModelEvidence, ...]
    against: str
    prior: str
    prior_scale: float
    n: int
    notes: tuple[str, ...]
    provenance: Provenance
    script: RScript
    evidence_at: Callable[[tuple[str, ...], float], float]
    model_of: Callable[[tuple[str, ...]], Any]

    @property
    def failures(self) -> tuple[str, ...]:
        """Why it is not fit to report; empty where it is."""
        rough = [f"{row.name} ({row.error:.0%})" for row in self.rows if row.error > MOST_ERROR]
        said = (f"the relative error of the integral is above {MOST_ERROR:.0%}: {', '.join(rough)}",) if rough else ()
        return said + without_numbers({f"Bayes factor of {row.name}": row.log_bayes_factor for row in self.rows})

    def __getitem__(self, name: str) -> ModelEvidence:
        """Return one model by its name, the order of its terms aside."""
        wanted = frozenset(part.strip() for part in name.split("+"))
        for row in self.rows:
            if row.name == name or (row.terms and frozenset(row.terms) == wanted):
                return row
        raise NotFoundError(choices("Model", name, [row.name for row in self.rows]))

    @property
    def best(self) -> ModelEvidence:
        """The model with most evidence."""
        return max(self.rows, key=lambda row: row.log_bayes_factor)

    @property
    def probabilities(self) -> Mapping[str, float]:
        """Posterior probability of each model, all being equally probable before."""
        logs = np.array([row.log_bayes_factor for row in self.rows])
        found = np.exp(logs - special.logsumexp(logs))
        return {row.name: float(value) for row, value in zip(self.rows, found, strict=True)}

    def compared_with(self, name: str) -> "BayesFactors":
        """Return the same models compared with another one.

        Parameters
        ----------
        name : str
            Name of the model in the denominator.

        Returns
        -------
        BayesFactors
            Errors of both integrals added in quadrature.

        Raises
        ------
        NotFoundError
            For a model that is not among them.
        """
        base = self[name]
        rows = tuple(
            replace(
                row,
                log_bayes_factor=row.log_bayes_factor - base.log_bayes_factor,
                log_bic_factor=row.log_bic_factor - base.log_bic_factor,
                error=0.0 if row is base else float(np.hypot(row.error, base.error)),
            )
            for row in self.rows
        )
        return replace(self, rows=rows, against=base.name)

    def inclusion(self, *, matched: bool = True) -> pd.DataFrame:
        """Return the evidence for each term, averaged over the models.

        Parameters
        ----------
        matched : bool, default True
            Compare models with the term, but without any interaction that holds it, with the same models without it;
            otherwise all models that hold the term with all that do not.

        Returns
        -------
        DataFrame
            Columns ``term, prior, posterior, log_inclusion, inclusion_bayes_factor``; prior and posterior are the
            probabilities of the models with the term among those compared.

        Notes
        -----
        Posterior over prior odds of inclusion, every model being equally probable before (Hinne et al., 2020, Advances
        in Methods and Practices in Psychological Science 3, 200-215); matched models as in JASP.
        """
        terms = list(dict.fromkeys(term for row in self.rows for term in row.terms))
        return pd.DataFrame([self._inclusion(term, matched) for term in terms])

    def _inclusion(self, term: str, matched: bool) -> dict[str, object]:
        logs = {frozenset(row.terms): row.log_bayes_factor for row in self.rows}
        if matched:
            holders = [
                m for m in logs if term in m and not any(_holds(other, term) for other in m) and m - {term} in logs
            ]
            others = [m - {term} for m in holders]
        else:
            holders = [m for m in logs if term in m]
            others = [m for m in logs if term not in m]
        if not holders or not others:
            nothing = float("nan")
            return dict(zip(_INCLUSION, (term, nothing, nothing, nothing, nothing), strict=True))
        with_it = special.logsumexp([logs[m] for m in holders])
        without = special.logsumexp([logs[m] for m in others])
        log_factor = float(with_it - without - np.log(len(holders) / len(others)))
        before = len(holders) / (len(holders) + len(others))
        after = float(special.expit(with_it - without))
        return dict(zip(_INCLUSION, (term, before, after, log_factor, exponential(log_factor)), strict=True))

    def robustness(self, name: str, *, against: str | None = None, scales: ArrayLike | None = None) -> Robustness:
        """Return the Bayes factor of two models over a range of prior widths.

        Parameters
        ----------
        name : str
            The model.
        against : str, optional
            The model it is compared with; by default the one of this table.
        scales : array_like, optional
            Widths of the prior of all fixed effects; fifteen from a fifth to five times the one used where left out.

        Returns
        -------
        Robustness
            The curve.

        Raises
        ------
        NotFoundError
            For a model that is not among them.
        """
        model, base = self[name], self[against or self.against]
        widths = widths_around(self.prior_scale, points=15) if scales is None else np.asarray(scales, dtype=np.float64)

        def at(width: float) -> float:
            return self.evidence_at(model.terms, width) - self.evidence_at(base.terms, width)

        return Robustness(
            quantity=f"{model.name} against {base.name}",
            family="cauchy",
            alternative="two-sided",
            scales=widths,
            log_bayes_factors=np.array([at(float(width)) for width in widths]),
            declared=self.prior_scale,
            log_declared=at(self.prior_scale),
            note="every width integrated anew",
            script=self.script,
        )

    def r_script(self) -> RScript:
        """Return the same Bayes factors in R.

        Returns
        -------
        RScript
            With its data; needs the package BayesFactor, which draws where several effects have priors of their own.
        """
        return self.script

    def pymc_model(self, name: str) -> Any:  # noqa: ANN401 - a type of PyMC, which only the Bayesian room imports
        """Return one of the models, to sample or extend; the table's numbers are by quadrature.

        Parameters
        ----------
        name : str
            Its name, the order of its terms aside.

        Returns
        -------
        pymc.Model
            Data, prior and likelihood; the flat priors of intercept and scale are improper.

        Raises
        ------
        NotFoundError
            For a model that was not compared.
        """
        return self.model_of(self[name].terms)

    def frame(self) -> pd.DataFrame:
        """Return the models as a table.

        Returns
        -------
        DataFrame
            Columns ``model, bayes_factor, log_bayes_factor, error, probability, bic_bayes_factor``, in the given order.
        """
        shares = self.probabilities
        return pd.DataFrame(
            [
                {
                    "model": row.name,
                    "bayes_factor": row.bayes_factor,
                    "log_bayes_factor": row.log_bayes_factor,
                    "error": row.error,
                    "probability": shares[row.name],
                    "bic_bayes_factor": exponential(row.log_bic_factor),
                }
                for row in self.rows
            ]
        )

    def page(self) -> Page:
        """Return the models as a page, best first.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        shares = self.probabilities
        ordered = sorted(self.rows, key=lambda row: row.log_bayes_factor, reverse=True)
        models = tuple(
            (
                row.name,
                f"{row.bayes_factor:.4g}",
                f"{row.error:.1e}" if row.error else "none seen",
                number(shares[row.name], unit_interval=True),
            )
            for row in ordered
        )
        terms = tuple(
            (str(row["term"]), bayes_factor(float(row["inclusion_bayes_factor"])))
            for row in self.inclusion().to_dict("records")
            if np.isfinite(row["inclusion_bayes_factor"]) or row["inclusion_bayes_factor"] == np.inf
        )
        head = ("model", f"BF against {self.against}", "relative error", "P(model)")
        blocks: list[Block] = [*self.stops(), Table(head, models)]
        if terms:
            blocks.append(Table(("term", "inclusion over matched models"), terms))
        blocks += [Notice(note) for note in self.notes]
        blocks.append(self.provenance.facts())
        return Page(title=self.title, subtitle=f"prior: {self.prior}; {self.n} rows", blocks=tuple(blocks))


def _holds(interaction: str, term: str) -> bool:
    parts, wanted = set(interaction.split(":")), set(term.split(":"))
    return wanted < parts
