"""Path models in causal order, and the record of their indirect effects' power."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import InputError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Page, Rendered, number, table_of

__all__ = ["IndirectEffect", "MediationPower", "Paths"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Paths:
    """Standardised path coefficients in causal order: the cause, the mediators, the outcome; each has variance 1.

    Attributes
    ----------
    rows : tuple of tuple of float
        For each mediator, then the outcome: the coefficients of all variables before it. The cause, one mediator and
        the outcome are ``((a,), (c, b))``; two mediators in series ``((a1,), (a2, d), (c, b1, b2))``.
    """

    rows: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        lengths = [len(row) for row in self.rows]
        if len(lengths) < 2 or lengths != list(range(1, len(lengths) + 1)):
            raise InputError(
                f"The path coefficients have rows of length {lengths}: give one for the first mediator, then one more "
                "for each later variable, such as ((a,), (c, b)) or ((a1,), (a2, d), (c, b1, b2))."
            )
        self.residuals()

    @property
    def matrix(self) -> Floats:
        """Coefficients of shape (variables, variables), strictly lower triangular."""
        size = len(self.rows) + 1
        found = np.zeros((size, size))
        for i, row in enumerate(self.rows, start=1):
            found[i, :i] = row
        return found

    def residuals(self) -> Floats:
        """Return the residual variances that give every variable variance 1.

        Returns
        -------
        ndarray of shape (variables,)
            The cause's is its whole variance.

        Raises
        ------
        InputError
            Where coefficients explain all of a variable, or more.
        """
        coefficients = self.matrix
        correlation = np.eye(len(coefficients))
        left = np.ones(len(coefficients))
        for i in range(1, len(coefficients)):
            row = coefficients[i, :i]
            correlation[i, :i] = correlation[:i, i] = correlation[:i, :i] @ row
            left[i] = 1 - row @ correlation[i, :i]
            if not left[i] > 0:
                raise InputError(
                    f"The paths into variable {i + 1} explain {1 - left[i]:.3f} of its variance of 1: the residual "
                    "variance would be negative. Use smaller standardised coefficients."
                )
        return left

    def indirect(self) -> tuple[tuple[int, ...], ...]:
        """Return every way from the cause to the outcome through at least one mediator.

        Returns
        -------
        tuple of tuple of int
            Positions of the variables.
        """
        last = len(self.rows)
        inner = [c for k in range(1, last) for c in combinations(range(1, last), k)]
        return tuple((0, *middle, last) for middle in inner)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndirectEffect:
    """One path, or its difference between the groups of a moderator.

    Attributes
    ----------
    path : str
        The variables it runs through.
    truth : float
        Product of its coefficients, or the difference of products.
    power_joint : float or None
        Share of replicates in which every leg is significant; None for a difference.
    power_interval : float
        Share in which the Monte-Carlo interval excludes 0.
    mcse_joint, mcse_interval : float or None
        Monte-Carlo standard errors.
    bias, rmse : float
        Of the estimated product.
    wrong_sign : float
        Share of wrong signs among intervals that exclude 0.
    """

    path: str
    truth: float
    power_joint: float | None
    power_interval: float
    mcse_joint: float | None
    mcse_interval: float
    bias: float
    rmse: float
    wrong_sign: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MediationPower(Rendered):
    """Power of indirect effects.

    Attributes
    ----------
    effects : tuple of IndirectEffect
        Paths of each group, then differences between the last and the first group.
    n : int
        Participants in all.
    alpha : float
        Level.
    engine : str
        How it was computed.
    replicates : int
        Simulated studies.
    provenance : Provenance
        Seed, conventions, versions.
    """

    effects: tuple[IndirectEffect, ...]
    n: int
    alpha: float
    engine: str
    replicates: int
    provenance: Provenance

    def __getitem__(self, path: str) -> IndirectEffect:
        """Return one path by its label."""
        for row in self.effects:
            if row.path == path:
                return row
        raise InputError(choices("The path", path, [row.path for row in self.effects]))

    def frame(self) -> pd.DataFrame:
        """Return one row for each path.

        Returns
        -------
        DataFrame
            Columns as the attributes of `IndirectEffect`.
        """
        return pd.DataFrame([{name: getattr(row, name) for name in IndirectEffect.__slots__} for row in self.effects])

    def page(self) -> Page:
        """Return the powers as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        rows = [{name: getattr(row, name) for name in IndirectEffect.__slots__} for row in self.effects]
        facts = (("participants", number(self.n)), ("replicates", number(self.replicates)), ("engine", self.engine))
        return Page(title="Power of indirect effects", blocks=(Facts(facts), table_of(rows), self.provenance.facts()))
