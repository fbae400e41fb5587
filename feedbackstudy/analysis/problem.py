"""One question as arrays: complete rows, centred covariates, coded cells and groups. Both engines get the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.compile import Question, without_model
from feedbackstudy.analysis.material import NO_LEVEL, Material
from feedbackstudy.errors import DataError
from feedbackstudy.frames.ledger import Ledger, LedgerEntry

__all__ = ["Metric", "Problem", "complete_cases", "posed"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What is known of an outcome before there are numbers.

    Attributes
    ----------
    low, high : float
        Ends of its scale; infinite or NaN where it has none.
    categories : tuple of float
        Codes of an ordinal outcome, lowest first; empty otherwise.
    unit : str
        What one unit is, in words.
    """

    low: float = float("nan")
    high: float = float("nan")
    categories: tuple[float, ...] = ()
    unit: str = ""

    @property
    def bounded(self) -> bool:
        """Whether both ends are finite, so that priors can be stated on the scale."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """The arrays that both engines are given.

    Attributes
    ----------
    question : Question
        The compiled hypothesis.
    participants : tuple of str
        One a row.
    cells : tuple of str
        Keys of the conditions that hold rows or could; the columns of `weights`.
    cell : ndarray, shape (n,)
        Position in `cells` of each row.
    weights : ndarray, shape (contrasts, cells)
        The question's weights over these cells; shape (1, 1) for an association.
    y : ndarray, shape (n,)
        The outcome.
    covariates : ndarray, shape (n, q)
        Each minus its mean over these rows.
    covariate_names : tuple of str
        What they are.
    predictor : ndarray, shape (n,), or None
        Minus its mean.
    steps : ndarray, shape (n, k)
        Mediators.
    groups : mapping of str to ndarray, shape (n,)
        Codes of the random factors with several levels, some of several rows; -1 for a row that carries no effect of
        the factor, such as somebody who read no message.
    group_levels : mapping of str to tuple of str
        Their names.
    case_weights : ndarray, shape (n,), or None
        Inverse probabilities of assignment, where they differ.
    metric : Metric
        The outcome's scale.
    ledger : Ledger
        Everybody who is not here, and why.
    excluded, missing : int
        People a rule took out, and people left out for a missing value.
    notes : tuple of str
        What was decided about the rows.
    """

    question: Question
    participants: tuple[str, ...]
    cells: tuple[str, ...]
    cell: Ints
    weights: Floats
    y: Floats
    covariates: Floats
    covariate_names: tuple[str, ...] = ()
    predictor: Floats | None = None
    steps: Floats
    groups: Mapping[str, Ints] = field(default_factory=dict)
    group_levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    case_weights: Floats | None = None
    metric: Metric = field(default_factory=Metric)
    ledger: Ledger
    excluded: int = 0
    missing: int = 0
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.y.size)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Rows whose outcome somebody gave; the others are imputed and no raw points."""
        return np.ones(self.n, dtype=np.bool_)

    @property
    def counts(self) -> Ints:
        """Rows in each cell."""
        return np.bincount(self.cell, minlength=len(self.cells)).astype(np.int64)

    @property
    def lone_cells(self) -> tuple[str, ...]:
        """Cells that the question weighs and that hold a single answer, which tells nothing of the spread there."""
        used = zip(self.question.cells, self.question.weights.any(axis=0), strict=True)
        weighed = {key for key, any_ in used if any_}
        answered = np.bincount(self.cell[self.observed], minlength=len(self.cells))
        return tuple(self.cells[i] for i in np.flatnonzero(answered == 1) if self.cells[i] in weighed)

    @property
    def sd(self) -> float:
        """Pooled standard deviation of the outcome within cells, unadjusted: the unit of standardised effects."""
        return self.within_sd(self.y)

    def within_sd(self, values: Floats) -> float:
        """Return the pooled standard deviation of a column within cells.

        Parameters
        ----------
        values : ndarray, shape (n,)
            The column.

        Returns
        -------
        float
            Root of the sum of squares within cells over n minus the number of cells.
        """
        k = len(self.cells)
        means = np.bincount(self.cell, weights=values, minlength=k) / np.maximum(self.counts, 1)
        return float(np.sqrt(np.sum((values - means[self.cell]) ** 2) / max(self.n - k, 1)))


def complete_cases(material: Material, occasion: str) -> tuple[Material, int, tuple[str, ...]]:
    """Keep the people who have every value, and name the others.

    Parameters
    ----------
    material : Material
        Everybody concerned.
    occasion : str
        The wave of the outcome, for the ledger.

    Returns
    -------
    tuple of (Material, int, tuple of str)
        The complete rows; how many people are left out; what to say of it.

    Raises
    ------
    DataError
        Where nobody is complete.
    """
    absent = dict(material.absent) | {name: names == "" for name, names in material.groups.items()}
    lost = np.logical_or.reduce(list(absent.values()))
    if lost.all():
        where = ", ".join(f"{name} {int(mask.sum())}" for name, mask in absent.items() if mask.any())
        raise DataError(f"None of the {len(material)} people asked has every value that is needed (missing: {where}).")
    if not lost.any():
        return material, 0, ()
    where = ", ".join(f"{name} {int(mask.sum())}" for name, mask in absent.items() if mask.any())
    what = (
        f"{int(lost.sum())} of {len(material)} {_units(material)} are left out because a value is missing (listwise): "
        f"{where}."
    )
    stories = material.stories or ("",) * len(material)
    rows = tuple((material.participants[i], f"{occasion}{stories[i]}") for i in np.flatnonzero(lost))
    entry = LedgerEntry(
        step="analyse.listwise", what=what, n_before=len(material), n_after=int((~lost).sum()), rows=rows
    )
    kept = material.at(np.flatnonzero(~lost))
    return replace(kept, ledger=material.ledger.add(entry)), int(lost.sum()), (what,)


def _units(material: Material) -> str:
    return "stories" if any(material.stories) else "people"


def posed(
    asked: Question,
    material: Material,
    *,
    metric: Metric,
    case_weights: Mapping[str, float] | None = None,
    missing: int = 0,
    notes: tuple[str, ...] = (),
) -> Problem:
    """Turn complete rows into arrays.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    material : Material
        Complete rows.
    metric : Metric
        The outcome's scale.
    case_weights : mapping of str to float, optional
        Participant -> inverse probability of assignment.
    missing : int, default 0
        People left out for a missing value.
    notes : tuple of str
        What was said so far.

    Returns
    -------
    Problem
        The arrays. Rows are in the order of participants' names, cells in that of their keys, so that neither the
        order of the table nor that of the levels can change a digit.

    Raises
    ------
    DataError
        For a missing value, an outcome or predictor that does not vary, values outside the scale, or a cell that has
        weight but no people.
    """
    stories = material.stories or ("",) * len(material)
    order = np.lexsort((np.array(stories), np.array(material.participants)))
    material = material.at(order)
    held = [key for i, key in enumerate(material.cells) if (material.cell == i).any()]
    cells = tuple(sorted(held))
    place = {key: i for i, key in enumerate(cells)}
    cell = np.array([place[material.cells[i]] for i in material.cell], dtype=np.int64)
    _refuse(asked, material, held, metric)
    numbers = {name: x for name, x in material.numbers.items() if np.ptp(x) > 0}
    constant = [
        f"{name} is the same for all and is not adjusted for" for name in material.numbers if name not in numbers
    ]
    groups, said = _groups(material)
    return Problem(
        question=asked,
        participants=material.participants,
        cells=cells,
        cell=cell,
        weights=_weights(asked, cells),
        y=material.y,
        covariates=_centred(list(numbers.values()), len(material)),
        covariate_names=tuple(numbers),
        predictor=None if material.predictor is None else material.predictor - material.predictor.mean(),
        steps=np.column_stack(list(material.steps.values())) if material.steps else np.empty((len(material), 0)),
        groups={name: codes for name, (codes, _) in groups.items()},
        group_levels={name: levels for name, (_, levels) in groups.items()},
        case_weights=_case_weights(material, case_weights),
        metric=metric,
        ledger=material.ledger,
        excluded=material.excluded,
        missing=missing,
        notes=(*notes, *constant, *said, *_told(material)),
    )


def _told(material: Material) -> tuple[str, ...]:
    if not any(material.stories):
        return ()
    return (f"n counts {len(material)} stories, told to {len(set(material.participants))} people",)


def _centred(columns: list[Floats], n: int) -> Floats:
    if not columns:
        return np.empty((n, 0))
    matrix = np.column_stack(columns)
    return np.asarray(matrix - matrix.mean(axis=0), dtype=np.float64)


def _weights(asked: Question, cells: tuple[str, ...]) -> Floats:
    if asked.kind == "slope":
        return np.ones((1, 1))
    column = {key: i for i, key in enumerate(asked.cells)}
    return np.asarray(asked.weights[:, [column[key] for key in cells]], dtype=np.float64)


def _groups(material: Material) -> tuple[dict[str, tuple[Ints, tuple[str, ...]]], list[str]]:
    """Code the random factors; one that cannot be told from the residual or has one level is said to be left out."""
    found: dict[str, tuple[Ints, tuple[str, ...]]] = {}
    said = []
    for name, words in material.groups.items():
        held = words != NO_LEVEL
        levels, places = np.unique(words[held], return_inverse=True)
        codes = np.full(len(words), -1, dtype=np.int64)
        codes[held] = places
        if len(levels) < 2:
            said.append(f"one {name} only, so it is no random factor")
        elif len(levels) == held.sum():
            said.append(f"every {name} has one row, so it cannot be told from the residual")
        elif any(np.array_equal(codes, other) for other, _ in found.values()):
            said.append(f"{name} groups the rows as another factor does and is left out")
        else:
            found[name] = (codes, tuple(map(str, levels)))
            if not held.all():
                said.append(f"{int((~held).sum())} rows without {name} carry no effect of it")
    return found, said


def _case_weights(material: Material, given: Mapping[str, float] | None) -> Floats | None:
    if given is None:
        return None
    unknown = [name for name in material.participants if name not in given]
    if unknown:
        raise DataError(
            f"The allocation holds no probability for {len(unknown)} participants ({', '.join(unknown[:5])}); people "
            "who were not assigned cannot be weighted. Take them out with a named rule, or leave 'allocation' out."
        )
    return np.array([given[name] for name in material.participants], dtype=np.float64)


def _refuse(asked: Question, material: Material, held: list[str], metric: Metric) -> None:
    name = asked.hypothesis.outcome
    if asked.family is None:
        raise DataError(without_model(asked))
    if asked.kind != "slope":
        used = [key for key, weight in zip(asked.cells, asked.weights.any(axis=0), strict=True) if weight]
        empty = [key for key in used if key not in held]
        if empty:
            raise DataError(
                f"The contrast needs {', '.join(empty)}, where nobody has complete answers to {name!r}; compare cells "
                "that hold people."
            )
    if any(mask.any() for mask in material.absent.values()):
        raise DataError(f"The rows of {asked.hypothesis.name!r} hold missing values; complete them first.")
    if len(material) < 3 or np.ptp(material.y) == 0:
        raise DataError(f"{name!r} is {material.y[0]:g} for all {len(material)} people; nothing varies.")
    if material.predictor is not None and np.ptp(material.predictor) == 0:
        raise DataError(f"{asked.predictor} is {material.predictor[0]:g} for all {len(material)} people.")
    outside = (material.y < metric.low) | (material.y > metric.high)
    if asked.minus is None and outside.any():
        who = [material.participants[i] for i in np.flatnonzero(outside)[:5]]
        raise DataError(
            f"{name!r} must lie between {metric.low:g} and {metric.high:g}; {int(outside.sum())} people have other "
            f"values ({', '.join(who)}). Mend them, or declare the scale's real range."
        )
