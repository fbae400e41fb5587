"""The posterior of path models with missing values: equal shares of those of several completed tables."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.path_posterior import PathPosterior
from feedbackstudy.analysis.mediation_system import PathSystem

__all__ = ["MixedPathPosterior", "mixed_paths"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixedPathPosterior(PathPosterior):
    """Draws from the posteriors of several completed tables, in equal shares.

    Attributes
    ----------
    parts : tuple of PathPosterior
        One for each table.
    systems : tuple of PathSystem
        The rows and equations of each table.
    """

    parts: tuple[PathPosterior, ...]
    systems: tuple[PathSystem, ...]

    def _leg_factor(self, leg: Floats) -> float | None:
        """Return the Bayes factor of one leg: the density at 0 is the mean of those of the tables."""
        factors = [part._leg_factor(leg) for part in self.parts]
        known = [factor for factor in factors if factor is not None]
        if len(known) < len(factors):
            return None
        return float(1 / np.mean([1 / factor for factor in known]))


def mixed_paths(parts: Sequence[PathPosterior], systems: Sequence[PathSystem]) -> MixedPathPosterior:
    """Mix the posteriors of completed tables in equal shares.

    Parameters
    ----------
    parts : sequence of PathPosterior
        The same equations on each completed table, with equally many draws.
    systems : sequence of PathSystem
        The tables.

    Returns
    -------
    MixedPathPosterior
        All draws, table after table.
    """
    own = {field.name: getattr(parts[0], field.name) for field in fields(PathPosterior)}
    own |= {
        "theta": np.concatenate([part.theta for part in parts]),
        "sigma": np.concatenate([part.sigma for part in parts]),
        "tau": np.concatenate([part.tau for part in parts]),
        "model": f"{parts[0].model}; equal shares of the posteriors of {len(parts)} completed tables",
    }
    return MixedPathPosterior(**own, parts=tuple(parts), systems=tuple(systems))
