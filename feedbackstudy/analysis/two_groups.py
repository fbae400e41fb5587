"""Two groups, or two occasions of the same people, read from a data frame."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.columns import read_columns
from feedbackstudy.analysis.crossed import cells_of
from feedbackstudy.analysis.occasions import repeated
from feedbackstudy.errors import DataError, NotFoundError, choices

__all__ = ["TwoGroups", "two_groups"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoGroups:
    """Outcomes of two groups, or of the same people twice.

    Attributes
    ----------
    first, second : ndarray
        Outcomes; in the same order of people where paired.
    labels : tuple of (str, str)
        The two levels.
    paired : bool
        Whether they are the same people.
    notes : tuple of str
        What was left out.
    """

    first: Floats
    second: Floats
    labels: tuple[str, str]
    paired: bool
    notes: tuple[str, ...]

    @property
    def comparison(self) -> str:
        """The comparison in words."""
        return f"{self.labels[0]} minus {self.labels[1]}"

    @property
    def frame(self) -> pd.DataFrame:
        """The rows used, for R: ``.y, .group`` (1 or 2), pairs in the same order."""
        sizes = [self.first.size, self.second.size]
        return pd.DataFrame({".y": np.r_[self.first, self.second], ".group": np.repeat([1, 2], sizes)})


def two_groups(
    data: pd.DataFrame,
    outcome: str,
    group: str,
    *,
    participant: str | None = None,
    groups: tuple[str, str] | None = None,
) -> TwoGroups:
    """Read two groups.

    Parameters
    ----------
    data : DataFrame
        One row for each person, or two with `participant`.
    outcome, group : str
        Columns of the outcome and of the two groups or occasions.
    participant : str, optional
        Column that names people who were measured twice; makes the groups paired.
    groups : tuple of (str, str), optional
        The two levels, in the order of subtraction; needed where there are more.

    Returns
    -------
    TwoGroups
        The outcomes.

    Raises
    ------
    DataError
        For a table that `read_columns` refuses, more than two levels without `groups`, fewer than two values.
    NotFoundError
        For an unknown column or level.
    """
    named = [participant] if participant is not None else []
    read = read_columns(data, outcome, factors=[group], groups=named)
    factor = read.factors[group]
    labels = tuple(groups) if groups is not None else factor.levels
    for label in labels:
        if label not in factor.levels:
            raise NotFoundError(choices(f"Level of {group!r}", label, factor.levels))
    if len(labels) != 2 or labels[0] == labels[1]:
        raise DataError(
            f"{group!r} has {len(labels)} levels ({', '.join(labels)}); name two with groups=('first', 'second')."
        )
    a, b = (factor.levels.index(label) for label in labels)
    notes = read.notes
    unused = int((~np.isin(factor.codes, (a, b))).sum())
    if unused:
        notes += (f"{unused} rows of other levels of {group} are not part of this comparison.",)
    if participant is None:
        first, second = read.y[factor.codes == a], read.y[factor.codes == b]
    else:
        wide = repeated(read, participant, (), [group])
        occasions = cells_of([factor])
        first, second = (wide.Y[:, occasions.labels.index(label)] for label in labels)
        notes += wide.notes
    if min(first.size, second.size) < 2:
        raise DataError(f"Each group needs two people; {labels[0]} has {first.size}, {labels[1]} has {second.size}.")
    return TwoGroups(
        first=first, second=second, labels=(labels[0], labels[1]), paired=participant is not None, notes=notes
    )
