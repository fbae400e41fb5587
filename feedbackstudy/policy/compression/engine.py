"""What an engine must be able to do, and the choice of one for a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from feedbackstudy.policy.compression.covering import Cover, Sums
from feedbackstudy.policy.compression.model import LinearModel, Term

__all__ = ["Counted", "Effects", "Engine", "merged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What one look over the table says before anything is summed.

    Attributes
    ----------
    rows : int
        Rows of the table.
    complete : int
        Rows with a value in every column of the model.
    nulls : mapping of str to int
        Column -> rows without a value.
    unusable : mapping of str to int
        Numeric column -> values that are no finite number.
    centres : mapping of str to float
        Numeric column -> its mean over its values; taken off before anything is multiplied.
    cardinality : mapping of str to int
        Factor or cluster -> number of different values, estimated by some engines: it chooses groupings, no number.
    """

    rows: int
    complete: int
    nulls: Mapping[str, int]
    unusable: Mapping[str, int]
    centres: Mapping[str, float]
    cardinality: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """The coefficients of one term, as a table that can be joined.

    Attributes
    ----------
    term : Term
        The term.
    frame : DataFrame
        The term's factors, and ``b``; one row where the term has no factor.
    """

    term: Term
    frame: pd.DataFrame


def merged(effects: Sequence[Effects], *, most: int = 10_000) -> tuple[Effects, ...]:
    """Add up coefficients that stand before the same numerics, so that fewer tables are joined to the rows.

    Parameters
    ----------
    effects : sequence of Effects
        One for each term.
    most : int, default 10,000
        Rows that a merged table may have.

    Returns
    -------
    tuple of Effects
        The same sum for every row: tables are crossed and their coefficients added, largest first into the fullest
        table with room.

    Notes
    -----
    For engines whose joins are built per row of the large table, such as polars. DuckDB joins several small tables
    faster than one wide one and does not use this.
    """
    groups: list[Effects] = []
    for effect in sorted(effects, key=lambda e: -len(e.frame)):
        room = [
            (-len(other.frame), i)
            for i, other in enumerate(groups)
            if sorted(other.term.numerics) == sorted(effect.term.numerics)
            and len(other.frame) * len(effect.frame) <= most
            and not set(other.term.factors) & set(effect.term.factors)
        ]
        if not room:
            groups.append(effect)
            continue
        i = min(room)[1]
        both = groups[i].frame.rename(columns={"b": "b_"}).merge(effect.frame, how="cross")
        both["b"] += both.pop("b_")
        term = Term((*groups[i].term.factors, *effect.term.factors), effect.term.numerics)
        groups[i] = Effects(term, both)
    return tuple(groups)


class Engine(Protocol):
    """An engine that groups and adds up."""

    @property
    def words(self) -> str:
        """Name and version, for the provenance."""
        ...

    def count(self, model: LinearModel) -> Counted:
        """Look over the table.

        Parameters
        ----------
        model : LinearModel
            Over safe names.

        Returns
        -------
        Counted
            Rows, nulls, values that are no number, means and numbers of levels.
        """
        ...

    def sums(self, model: LinearModel, centres: Mapping[str, float], covers: Sequence[Cover]) -> tuple[Sums, ...]:
        """Sum products within groups, over complete rows; weighted where declared.

        Parameters
        ----------
        model : LinearModel
            Over safe names.
        centres : mapping of str to float
            Taken off numerics.
        covers : sequence of Cover
            The groupings.

        Returns
        -------
        tuple of Sums
            One for each cover.
        """
        ...

    def residual_sums(
        self, model: LinearModel, centres: Mapping[str, float], effects: Sequence[Effects], covers: Sequence[Cover]
    ) -> tuple[Sums, ...]:
        """Sum products of numerics with the residual within groups; weighted where declared.

        Parameters
        ----------
        model : LinearModel
            Over safe names.
        centres : mapping of str to float
            Taken off numerics.
        effects : sequence of Effects
            Coefficients.
        covers : sequence of Cover
            The groupings.

        Returns
        -------
        tuple of Sums
            One for each cover.
        """
        ...
