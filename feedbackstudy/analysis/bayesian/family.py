"""Families of outcomes: what a row is like, given its predictor."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_contrast import Scale
from feedbackstudy.analysis.bayesian.cell_rows import CellRows
from feedbackstudy.analysis.bayesian.predictor import PredictorPrior
from feedbackstudy.analysis.bayesian.predictor_draws import Values
from feedbackstudy.analysis.bayesian.prior_laws import Parameter

__all__ = ["Family", "StanOutcome"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StanOutcome:
    """A family in Stan, given its parameters, `cells` and the predictor `eta` of each row.

    Attributes
    ----------
    likelihood : str
        Statements of the model block.
    cells : str
        The cells on the scale asked for, a vector.
    derived : str
        Statements of the block of transformed parameters.
    first : int
        Number in `y` of an outcome that the rows count as 0: categories count from 1 in Stan.
    cells_in_r : str
        The cells on that scale in R, from `cells` and the family's own parameters, one row a draw.
    variance : str
        R code of the variance within cells beside that of random effects; ``taken(name)`` gives draws of a parameter.
        Empty where `sds` is None.
    """

    likelihood: str
    cells: str = "cells"
    derived: str = ""
    first: int = 0
    cells_in_r: str = "cells"
    variance: str = ""


class Family(ABC):
    """What the outcome of a row is like, given its predictor.

    Attributes
    ----------
    prior : PredictorPrior
        Prior of the predictor and of the family's own parameters.
    scales : tuple of str
        Scales on which the cells can be read, the predictor's own first.
    whole : bool
        Whether outcomes are whole numbers.
    level : bool
        Whether the predictor has a level of its own.
    rows_to_centre : float
        Median rows of a group from which its effects are sampled partly centred, not in standard units: with so many
        the data may say more of an effect than its prior does.
    groups_to_centre : int
        Groups from which that is done: fewer do not say how reliable they are.
    """

    prior: PredictorPrior
    scales: ClassVar[tuple[Scale, ...]]
    whole: ClassVar[bool] = True
    level: ClassVar[bool] = True
    rows_to_centre: ClassVar[float] = 50.0
    groups_to_centre: ClassVar[int] = 15

    @property
    @abstractmethod
    def words(self) -> str:
        """The likelihood in words."""

    @property
    @abstractmethod
    def graph(self) -> Hashable:
        """All of the family that decides the graph."""

    @abstractmethod
    def check(self, rows: CellRows) -> None:
        """Raise DataError where the outcome cannot be of this family.

        Parameters
        ----------
        rows : CellRows
            The rows.
        """

    @abstractmethod
    def own(self, rows: CellRows) -> tuple[Parameter, ...]:
        """Return the parameters beside those of the predictor.

        Parameters
        ----------
        rows : CellRows
            The rows.

        Returns
        -------
        tuple of Parameter
            With their priors.
        """

    @abstractmethod
    def observe(self, pm: Any, rows: CellRows, eta: Any, variables: Mapping[str, Any], outcome: Any) -> None:  # noqa: ANN401
        """Add the likelihood to the model that is open.

        Parameters
        ----------
        pm : module
            PyMC.
        rows : CellRows
            The rows.
        eta : tensor, shape (n,)
            The predictor.
        variables : mapping of str to tensor
            The parameters.
        outcome : tensor, shape (n,)
            The outcome, as data of the graph.
        """

    @abstractmethod
    def stan(self, scale: Scale, rows: CellRows) -> StanOutcome:
        """Return the same likelihood in Stan.

        Parameters
        ----------
        scale : str
            One of `scales`.
        rows : CellRows
            The rows.

        Returns
        -------
        StanOutcome
            The outcome is `y`, its cell `cell`, counted from 1.
        """

    @abstractmethod
    def log_likelihood(self, rows: CellRows, eta: Floats, values: Values) -> Floats:
        """Return the log likelihood of each row and draw.

        Parameters
        ----------
        rows : CellRows
            The rows.
        eta : ndarray, shape (s, n)
            The predictor.
        values : mapping of str to ndarray
            Draws of the parameters.

        Returns
        -------
        ndarray, shape (s, n)
            Log likelihoods.
        """

    @abstractmethod
    def outcome(self, rows: CellRows, eta: Floats, values: Values, rng: np.random.Generator) -> Floats:
        """Draw an outcome of each row for each draw.

        Parameters
        ----------
        rows : CellRows
            The rows.
        eta : ndarray, shape (s, n)
            The predictor.
        values : mapping of str to ndarray
            Draws of the parameters.
        rng : numpy.random.Generator
            Source of chance.

        Returns
        -------
        ndarray, shape (s, n)
            Outcomes.
        """

    @abstractmethod
    def cells(self, scale: Scale, rows: CellRows, values: Values) -> Floats:
        """Return the cells on a scale, random effects and covariates at zero.

        Parameters
        ----------
        scale : str
            One of `scales`.
        rows : CellRows
            The rows.
        values : mapping of str to ndarray
            Draws of the parameters.

        Returns
        -------
        ndarray, shape (s, cells)
            Cells.
        """

    def sds(self, scale: Scale, rows: CellRows, values: Values) -> Floats | None:  # noqa: ARG002
        """Return the standard deviation within cells, draw by draw.

        Parameters
        ----------
        scale : str
            One of `scales`.
        rows : CellRows
            The rows.
        values : mapping of str to ndarray
            Draws of the parameters.

        Returns
        -------
        ndarray, shape (s,), or None
            None where the scale has none.
        """
        return None

    def completed(self, rows: CellRows, values: dict[str, Floats]) -> None:  # noqa: B027
        """Add what follows from drawn parameters, such as thresholds.

        Parameters
        ----------
        rows : CellRows
            The rows.
        values : dict of str to ndarray
            Forward draws; changed in place.
        """

    def notes(self, scale: Scale, rows: CellRows) -> tuple[str, ...]:
        """Return what a reader of the cells must know.

        Parameters
        ----------
        scale : str
            One of `scales`.
        rows : CellRows
            The rows.

        Returns
        -------
        tuple of str
            Notes.
        """
        if rows.groups and scale != self.scales[0]:
            return ("cells are those of a typical group: random effects at zero, not averaged over groups",)
        return ()
