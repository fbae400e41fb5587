"""The declared treatment of missing answers: what `analyse` asks for where the plan names another than listwise."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian_model import CellPosterior
from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.material import Material
from feedbackstudy.analysis.problem import Metric, Problem

__all__ = ["Asking", "ImputedProblem", "Incomplete", "Models", "Treated", "Treatment"]

type Floats = NDArray[np.float64]
type Models = MutableMapping[object, tuple[CellFit | None, CellPosterior | None, Mapping[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asking:
    """What a treatment is told beside the rows.

    Attributes
    ----------
    metric : Metric
        The outcome's scale.
    engines : tuple of str
        The engines asked for.
    seed : int
        Seed of imputations and chains.
    case_weights : mapping of str to float, or None
        Participant -> inverse probability of assignment.
    auxiliary : mapping of str to ndarray, shape (n,)
        Columns that help to tell what is missing and have no part in the model.
    not_asked : ndarray of bool, shape (n,), or None
        Rows that were not asked for something the question needs: never imputed.
    models : mutable mapping
        Models fitted so far, by what questions must share to be put to one.
    """

    metric: Metric
    engines: tuple[str, ...]
    seed: int
    case_weights: Mapping[str, float] | None = None
    auxiliary: Mapping[str, Floats] = field(default_factory=dict)
    not_asked: NDArray[np.bool_] | None = None
    models: Models = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Incomplete:
    """Rows as they were answered, for the likelihood of all that is known.

    Attributes
    ----------
    participants : tuple of str
        One a row.
    cells : tuple of str
        The conditions, as in the completed tables.
    cell : ndarray of int, shape (n,)
        Position in `cells` of each row.
    y : ndarray, shape (n,)
        Outcome; NaN where missing.
    covariates : ndarray, shape (n, q)
        Not centred; NaN where missing.
    auxiliary : ndarray, shape (n, a)
        Columns that help and have no part in the model; NaN where missing.
    """

    participants: tuple[str, ...]
    cells: tuple[str, ...]
    cell: NDArray[np.int64]
    y: Floats
    covariates: Floats
    auxiliary: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImputedProblem(Problem):
    """A completed table that knows the others; its own arrays are those of the first.

    Attributes
    ----------
    tables : tuple of Problem
        All completed tables.
    imputed : ndarray of bool, shape (n,)
        Rows whose outcome is imputed.
    alone : Problem or None
        The rows whose outcome was given, where the posterior rests on these; None where it averages the tables.
    incomplete : Incomplete or None
        The rows before anything was completed, where the frequentist answer is their likelihood.
    """

    tables: tuple[Problem, ...]
    imputed: NDArray[np.bool_]
    alone: Problem | None = None
    incomplete: Incomplete | None = None

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Rows whose outcome somebody gave; the others are imputed and no raw points."""
        return ~self.imputed

    @property
    def sd(self) -> float:
        """Pooled standard deviation of the outcome within cells: root of the mean variance over the tables."""
        return float(np.sqrt(np.mean([table.sd**2 for table in self.tables])))

    def within_sd(self, values: Floats) -> float:
        """Return the pooled standard deviation of a column within cells.

        Parameters
        ----------
        values : ndarray, shape (n,)
            The column; for the predictor and the outcome the tables are averaged.

        Returns
        -------
        float
            As `Problem.within_sd`.
        """
        if values is self.y:
            return self.sd
        if values is self.predictor:
            each = [table.within_sd(table.predictor) ** 2 for table in self.tables if table.predictor is not None]
            return float(np.sqrt(np.mean(each)))
        return Problem.within_sd(self, values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Treated:
    """A question answered with its incomplete rows.

    Attributes
    ----------
    problem : Problem
        The rows that entered, as the estimates' words, counts and standard deviation need them.
    classical : CellFit or None
        Frequentist cell quantities, uncertainty about the missing values included; None where not asked for.
    posterior : CellMixture, CellDraws or None
        Bayesian ones.
    faults : mapping of str to str
        Engine -> why it cannot answer.
    """

    problem: Problem
    classical: CellFit | None
    posterior: CellPosterior | None
    faults: Mapping[str, str] = field(default_factory=dict)


class Treatment(Protocol):
    """What a treatment of missing values is called with."""

    def __call__(self, asked: Question, material: Material, asking: Asking) -> Treated:
        """Answer a question with its incomplete rows."""
