"""A long table made one row per participant: repeated outcomes side by side, with what does not change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.columns import Columns
from feedbackstudy.analysis.crossed import Cells, between_levels, cells_of, one_row_each
from feedbackstudy.errors import DataError

__all__ = ["Repeated", "repeated"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Repeated:
    """Outcomes of participants at all occasions.

    Attributes
    ----------
    Y : ndarray, shape (participants, occasions)
        Outcomes.
    occasions : Cells
        The crossing of the within factors; one occasion where there is none.
    people : Columns
        One row for each complete participant: between factors and covariates (`y` is the mean over occasions).
    names : tuple of str
        The participants.
    notes : tuple of str
        Who was left out.
    """

    Y: Floats
    occasions: Cells
    people: Columns
    names: tuple[str, ...]
    notes: tuple[str, ...]


def repeated(read: Columns, participant: str | None, between: Sequence[str], within: Sequence[str]) -> Repeated:
    """Lay the outcomes of each participant side by side.

    Parameters
    ----------
    read : Columns
        Checked columns in long form.
    participant : str or None
        Group column that names participants; None where each row is one.
    between, within : sequence of str
        Factors that differ between participants, and that participants pass through.

    Returns
    -------
    Repeated
        Participants with an outcome at every occasion.

    Raises
    ------
    DataError
        For a participant in two between levels, with two rows at one occasion, or whose covariate changes; where
        nobody is complete.
    """
    if participant is None:
        return _one_row_each(read, within)
    who = read.groups[participant]
    occasions = cells_of([read.factors[name] for name in within]) if within else _once(read.n)
    one_row_each(who, occasions)
    levels = {name: between_levels(who, read.factors[name]) for name in between}
    Y = np.full((len(who.levels), len(occasions.labels)), np.nan)
    Y[who.codes, occasions.cell] = read.y
    first = np.full(len(who.levels), -1, dtype=np.int64)
    first[who.codes[::-1]] = np.arange(read.n)[::-1]
    covariates = {name: _constant(name, x, who.codes, first, who.levels) for name, x in read.covariates.items()}
    complete = np.flatnonzero(~np.isnan(Y).any(axis=1))
    if complete.size < 2:
        raise DataError(f"Only {complete.size} participant(s) have an outcome at all {Y.shape[1]} occasions.")
    people = replace(
        read,
        y=Y[complete].mean(axis=1),
        factors={name: replace(read.factors[name], codes=codes).at(complete) for name, codes in levels.items()},
        covariates={name: x[complete] for name, x in covariates.items()},
        groups={name: group.at(first[complete]) for name, group in read.groups.items()},
        kept=read.kept[first[complete]],
    )
    lost = len(who.levels) - complete.size
    notes = (
        (
            f"{lost} of {len(who.levels)} participants left out because an occasion is missing; a mixed model "
            "(analysis.lmm) would keep them.",
        )
        if lost
        else ()
    )
    names = tuple(who.levels[i] for i in complete)
    return Repeated(Y=Y[complete], occasions=occasions, people=people, names=names, notes=notes)


def _one_row_each(read: Columns, within: Sequence[str]) -> Repeated:
    if within:
        raise DataError("Within factors need 'participant', the column that says whose row it is.")
    names = tuple(str(i) for i in read.kept)
    return Repeated(Y=read.y[:, None], occasions=_once(read.n), people=read, names=names, notes=())


def _once(n: int) -> Cells:
    return Cells(
        names=(), levels=(), labels=("",), cell=np.zeros(n, dtype=np.int64), counts=np.array([n], dtype=np.int64)
    )


def _constant(
    name: str, x: Floats, codes: NDArray[np.int64], first: NDArray[np.int64], people: tuple[str, ...]
) -> Floats:
    values = x[first]
    changed = np.flatnonzero(x != values[codes])
    if changed.size:
        raise DataError(
            f"Covariate {name!r} changes within participant {people[codes[changed[0]]]}; an analysis of variance takes "
            "one value for each participant. Use analysis.lmm for covariates that change."
        )
    return values
