"""The rows behind one question: everybody it concerns, with what is missing still missing, by participant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.compile import SLOPE, Column, Question
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.errors import DataError, InputError, choices
from feedbackstudy.frames import Scores
from feedbackstudy.frames.ledger import Ledger, LedgerEntry
from feedbackstudy.study import Study

__all__ = ["Material", "conditions", "gather"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """Everybody whom a question concerns and who was asked, one row each; missing values are NaN.

    Attributes
    ----------
    participants : tuple of str
        Who they are.
    cells : tuple of str
        Keys of the conditions that `cell` counts in; all of the study's, in its order.
    cell : ndarray, shape (n,)
        The condition of each person.
    y : ndarray, shape (n,)
        The outcome, minus the earlier score where the question is about a change.
    numbers : mapping of str to ndarray, shape (n,)
        Covariates as columns of numbers, not centred; a nominal one has a column for each level but the first.
    predictor : ndarray, shape (n,), or None
        The measured variable of an association or moderation.
    steps : mapping of str to ndarray, shape (n,)
        The mediators, in order.
    groups : mapping of str to ndarray of str, shape (n,)
        Names of the clusters of each random factor.
    ledger : Ledger
        Who was left aside before: conditions that the question does not concern, people who were not asked.
    excluded : int
        People of these conditions whom a declared rule took out before.
    """

    participants: tuple[str, ...]
    cells: tuple[str, ...]
    cell: Ints
    y: Floats
    numbers: Mapping[str, Floats] = field(default_factory=dict)
    predictor: Floats | None = None
    steps: Mapping[str, Floats] = field(default_factory=dict)
    groups: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    ledger: Ledger
    excluded: int = 0

    def __len__(self) -> int:
        return len(self.participants)

    def at(self, rows: Ints) -> "Material":
        """Return some of the people, in this order.

        Parameters
        ----------
        rows : ndarray of int
            Their positions.

        Returns
        -------
        Material
            With the same ledger, which names nobody more.
        """
        return replace(
            self,
            participants=tuple(self.participants[i] for i in rows),
            cell=self.cell[rows],
            y=self.y[rows],
            numbers={name: values[rows] for name, values in self.numbers.items()},
            predictor=None if self.predictor is None else self.predictor[rows],
            steps={name: values[rows] for name, values in self.steps.items()},
            groups={name: values[rows] for name, values in self.groups.items()},
        )

    @property
    def absent(self) -> Mapping[str, NDArray[np.bool_]]:
        """What is missing for whom: a flag for each person, by column."""
        columns = {"the outcome": self.y} | dict(self.numbers)
        columns |= {"the predictor": self.predictor} if self.predictor is not None else {}
        return {name: np.isnan(values) for name, values in (columns | dict(self.steps)).items()}


def gather(asked: Question, scores: Scores, study: Study, *, excluded: Mapping[str, str] | None = None) -> Material:
    """Collect the rows of one question from the scores.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    scores : Scores
        The scores, after exclusions.
    study : Study
        The study.
    excluded : mapping of str to str, optional
        Participant -> condition of those whom a rule took out.

    Returns
    -------
    Material
        One row a person. Someone who stayed away from a wave is here with missing values; someone who was never asked
        (an arm that is not asked, the half of a sample that is not) is not, and the ledger names them.

    Raises
    ------
    DataError
        For an absent column or occasion, an unknown condition, or a question that nobody here was asked.
    """
    by_wave = _Waves(scores)
    placed = conditions(scores, study)
    concerned = _concerned(asked, study)
    people = placed.index[placed.isin(concerned)]
    ledger = _left(Ledger(), "analyse.concerned", "belong to conditions that the question does not concern",
                   placed.index, people, asked.occasion)  # fmt: skip
    was_asked = by_wave.asked(asked.hypothesis.outcome, _occasion(asked, scores), people)
    ledger = _left(ledger, "analyse.asked", f"were not asked for {asked.hypothesis.outcome}", people,
                   people[was_asked], asked.occasion)  # fmt: skip
    people = people[was_asked]
    if not len(people):
        raise DataError(f"Nobody in {', '.join(concerned)} was asked for {asked.hypothesis.outcome!r}.")
    keys = tuple(cell.key for cell in study.crossing.cells())
    y = by_wave.values(Column(asked.hypothesis.outcome, _occasion(asked, scores)), people)
    if asked.minus is not None:
        y = y - by_wave.values(asked.minus, people)
    return Material(
        participants=tuple(map(str, people)),
        cells=keys,
        cell=np.array([keys.index(key) for key in placed[people]], dtype=np.int64),
        y=y,
        numbers=_numbers(asked, study, by_wave, people),
        predictor=by_wave.values(asked.predictor, people) if asked.predictor is not None else None,
        steps={str(step): by_wave.values(step, people) for step in asked.steps},
        groups={name: _named(name, by_wave, people) for name in asked.groups if name in scores.clusters},
        ledger=ledger,
        excluded=sum(condition in concerned for condition in (excluded or {}).values()),
    )


def conditions(scores: Scores, study: Study) -> "pd.Series[str]":
    """Return the condition of each participant, as the key of a cell or the name of an arm.

    Parameters
    ----------
    scores : Scores
        The scores.
    study : Study
        The study.

    Returns
    -------
    Series of str
        Indexed by participant, in order of appearance.

    Raises
    ------
    DataError
        For a condition that the study does not declare, or a participant who is in two of them.
    """
    within = [factor.name for factor in study.factors if factor.varies == "within"]
    if within:
        raise InputError(
            f"The factor {within[0]!r} varies within people, and a table of scores has one row for each person and "
            "occasion; use analysis.lmm or analysis.anova on one row for each story."
        )
    frame = scores.frame
    missing = [name for name in study.factors.names if name not in scores.factors]
    if missing:
        raise DataError(f"The scores lack the factor {missing[0]!r} of the study; they hold {list(scores.factors)}.")
    inside = (frame["arm"] == FEEDBACK).to_numpy()
    levels = [frame[name].astype("str").where(frame[name].notna(), "") for name in study.factors.names]
    joined = [":".join(row) for row in zip(*levels, strict=True)] if levels else [FEEDBACK] * len(frame)
    key = pd.Series(joined, index=frame.index).where(inside, frame["arm"].astype("str"))
    known = {cell.key for cell in study.crossing.cells()}
    strange = sorted(set(key) - known)
    if strange:
        raise DataError(choices("Condition", strange[0], known))
    first = key.groupby(frame["participant"].astype("str"), sort=False).agg(["first", "nunique"])
    twice = first.index[first["nunique"] > 1]
    if len(twice):
        raise DataError(
            f"{len(twice)} participants are in more than one condition ({', '.join(map(str, twice[:5]))}); a factor "
            "between people has one level for each. Mend the table, or take these people out with a named rule."
        )
    return first["first"]


class _Waves:
    """The scores as columns by participant and wave."""

    def __init__(self, scores: Scores) -> None:
        self.scores = scores
        self.frame = scores.frame.assign(participant=scores.frame["participant"].astype("str"))
        self.occasion = self.frame["occasion"].astype("str")

    def asked(self, score: str, occasion: str, people: "pd.Index[str]") -> NDArray[np.bool_]:
        """Say who was asked; those without a row at the wave stayed away and count as asked."""
        if score not in self.scores.names:
            raise DataError(choices("Score", score, self.scores.names))
        here = (self.occasion == occasion).to_numpy()
        if not here.any():
            raise DataError(choices("Occasion", occasion, self.occasion.unique()))
        counts = pd.Series(self.scores.asked(score)[here], index=self.frame.loc[here, "participant"])
        return np.asarray(counts.reindex(people).fillna(1).to_numpy() > 0, dtype=np.bool_)

    def values(self, column: Column, people: "pd.Index[str]") -> Floats:
        """Return a column of numbers, NaN where somebody has none."""
        if column.name not in {*self.scores.names, *self.scores.covariates}:
            raise DataError(choices("Column", column.name, (*self.scores.names, *self.scores.covariates)))
        found = self._taken(column, people)
        if not pd.api.types.is_numeric_dtype(found):
            raise DataError(f"{column.name!r} holds {found.dtype}; numbers are needed.")
        values = found.to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isinf(values).any():
            who = people[np.isinf(values)]
            raise DataError(f"{column} is infinite for {len(who)} participants ({', '.join(who[:5])}); mend the table.")
        return np.asarray(values, dtype=np.float64)

    def words(self, name: str, people: "pd.Index[str]") -> NDArray[np.str_]:
        """Return a column of names; empty text where somebody has none."""
        return self._taken(Column(name), people).fillna("").astype(str).to_numpy(dtype=np.str_)

    def levels(self, name: str, people: "pd.Index[str]") -> "pd.Series[Any]":
        """Return a column as it stands."""
        return self._taken(Column(name), people)

    def _taken(self, column: Column, people: "pd.Index[str]") -> "pd.Series[Any]":
        """Take the wave's value, or for a person's own column the first that is not missing."""
        if column.occasion is None:
            return self.frame.groupby("participant", sort=False)[column.name].first().reindex(people)
        here = self.frame[self.occasion == column.occasion]
        return here.set_index("participant")[column.name].reindex(people)


def _occasion(asked: Question, scores: Scores) -> str:
    if asked.occasion:
        return asked.occasion
    known = scores.about[asked.hypothesis.outcome].occasions if asked.hypothesis.outcome in scores.about else ()
    raise DataError(
        f"Hypothesis {asked.hypothesis.name!r} does not say at which wave {asked.hypothesis.outcome!r} is looked at "
        f"({', '.join(known)}); name one as 'occasion'."
    )


def _concerned(asked: Question, study: Study) -> tuple[str, ...]:
    """Return the conditions whose people enter: feedback cells alone for factorial terms, else all that are asked."""
    measures = [study.measure_of(name) for name in (asked.hypothesis.outcome, *(step.name for step in asked.steps))]
    cells = study.crossing.cells()
    asks = [cell for cell in cells if all(measure.asks(cell.arm) for measure in measures)]
    _refuse_not_asked(asked, {cell.key for cell in asks})
    inside = asked.cells != (SLOPE,) and asked.inside
    return tuple(cell.key for cell in asks if cell.arm == FEEDBACK or not inside)


def _refuse_not_asked(asked: Question, asks: set[str]) -> None:
    if asked.cells == (SLOPE,):
        return
    used = [key for key, weight in zip(asked.cells, asked.weights.any(axis=0), strict=True) if weight]
    lost = [key for key in used if key not in asks]
    if lost:
        raise DataError(
            f"The question needs {asked.hypothesis.outcome!r} of {', '.join(lost)}, who are not asked; not asked is "
            "not missing, so nothing can be estimated or imputed there."
        )


def _named(name: str, waves: _Waves, people: "pd.Index[str]") -> NDArray[np.str_]:
    """Return the clusters' names; somebody who read no message shares none, and is a level of their own."""
    words = waves.words(name, people)
    if name != "exemplar":
        return words
    return np.where(words == "", np.array([f"none: {who}" for who in people], dtype=np.str_), words)


def _numbers(asked: Question, study: Study, waves: _Waves, people: "pd.Index[str]") -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for column in asked.covariates:
        if column == asked.predictor:
            continue
        declared = study.covariates.get(column.name)
        if declared is not None and declared.kind == "nominal":
            found |= _dummies(column.name, waves.levels(column.name, people), tuple(declared.levels))
        else:
            found[str(column)] = waves.values(column, people)
    return found


def _dummies(name: str, values: "pd.Series[Any]", levels: Sequence[str]) -> dict[str, Floats]:
    words = values.astype("str").where(values.notna())
    missing = words.isna().to_numpy()
    return {
        f"{name} {level}": np.where(missing, np.nan, (words == level).to_numpy().astype(np.float64))
        for level in levels[1:]
        if (words == level).any()
    }


def _left(
    ledger: Ledger, step: str, why: str, before: "pd.Index[str]", after: "pd.Index[str]", occasion: str
) -> Ledger:
    gone = before.difference(after, sort=False)
    if not len(gone):
        return ledger
    entry = LedgerEntry(
        step=step,
        what=f"{len(gone)} people {why}.",
        n_before=len(before),
        n_after=len(after),
        rows=tuple((str(name), occasion) for name in gone),
    )
    return ledger.add(entry)
