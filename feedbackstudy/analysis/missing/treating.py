"""The declared treatment of missing answers: what `analyse` asks for where the plan names another than listwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from feedbackstudy.analysis.bayesian_model import CellPosterior
from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.material import Material
from feedbackstudy.analysis.problem import Metric, Problem

__all__ = ["Treated", "Treatment", "treatment"]


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
    """

    problem: Problem
    classical: CellFit | None
    posterior: CellPosterior | None


class Treatment(Protocol):
    """What a treatment of missing values is called with."""

    def __call__(
        self, asked: Question, material: Material, *, metric: Metric, engines: tuple[str, ...], seed: int
    ) -> Treated:
        """Answer a question with its incomplete rows."""


_TREATMENTS: Mapping[str, Treatment] = {}
"""Declared method (``"fiml"``, ``"multiple_imputation"``) -> what carries it out."""


def treatment(method: str) -> Treatment | None:
    """Return what carries out a declared treatment of missing values.

    Parameters
    ----------
    method : str
        As in `Plan.missing`.

    Returns
    -------
    Treatment or None
        None where it is not built; complete cases then never decide, and every row says so.
    """
    return _TREATMENTS.get(method)
