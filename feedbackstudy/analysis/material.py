"""The rows behind one question: everybody it concerns, with what is missing still missing, by participant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.compile import SLOPE, Column, Question
from feedbackstudy.analysis.waves import Rows, Waves, rows_at
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.errors import DataError
from feedbackstudy.frames import Scores
from feedbackstudy.frames.ledger import Ledger, LedgerEntry
from feedbackstudy.study import Study

__all__ = ["NO_LEVEL", "Material", "as_clusters", "gather", "refuse_not_asked"]

NO_LEVEL = "(no level)"
"""Stands for a random factor that a row has no part in; empty text means that the level is missing."""

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """Everybody whom a question concerns and who was asked, one row each; missing values are NaN.

    Attributes
    ----------
    participants : tuple of str
        Who they are.
    stories : tuple of str
        Position of the story, such as ``".2"``; empty text where people answer once.
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
        Names of the clusters of each random factor; `NO_LEVEL` where a row carries no effect of it.
    ledger : Ledger
        Who was left aside before: conditions that the question does not concern, people who were not asked.
    excluded : int
        People of these conditions whom a declared rule took out before.
    """

    participants: tuple[str, ...]
    stories: tuple[str, ...] = ()
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
            stories=tuple(self.stories[i] for i in rows) if self.stories else (),
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


def as_clusters(codes: Ints) -> Ints:
    """Return the codes of a random factor as clusters: a row of no level (-1) is a cluster of its own.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Level of each row, from 0.

    Returns
    -------
    ndarray, shape (n,)
        No code is negative.
    """
    alone = codes < 0
    return np.where(alone, codes.max() + np.cumsum(alone), codes).astype(np.int64)


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
        One row a person, or a story where factors vary within people. Someone who stayed away from a wave is here with
        missing values; someone who was never asked (an arm that is not asked, the half of a sample that is not) is not,
        and the ledger names them.

    Raises
    ------
    DataError
        For an absent column or occasion, an unknown condition, or a question that nobody here was asked.
    """
    waves, occasion = Waves(scores, study.covariates), _occasion(asked, scores)
    concerned = _concerned(asked, study)
    everybody = rows_at(scores, study, occasion)
    inside = np.isin(everybody.condition, concerned)
    ledger = _left(Ledger(), "analyse.concerned", "belong to conditions that the question does not concern",
                   everybody, inside, occasion)  # fmt: skip
    rows = everybody.at(inside)
    was_asked = waves.asked(asked.hypothesis.outcome, occasion, rows)
    ledger = _left(ledger, "analyse.asked", f"were not asked for {asked.hypothesis.outcome}", rows, was_asked, occasion)
    rows = rows.at(was_asked)
    if not len(rows):
        raise DataError(f"Nobody in {', '.join(concerned)} was asked for {asked.hypothesis.outcome!r}.")
    keys = tuple(cell.key for cell in study.crossing.cells())
    y = waves.values(Column(asked.hypothesis.outcome, occasion), rows)
    if asked.minus is not None:
        y = y - waves.values(asked.minus, rows)
    return Material(
        participants=tuple(map(str, rows.participant)),
        stories=tuple(map(str, rows.story)),
        cells=keys,
        cell=np.array([keys.index(key) for key in rows.condition], dtype=np.int64),
        y=y,
        numbers=_numbers(asked, study, waves, rows),
        predictor=waves.values(asked.predictor, rows) if asked.predictor is not None else None,
        steps={str(step): waves.values(step, rows) for step in asked.steps},
        groups=_groups(asked, scores, waves, rows),
        ledger=ledger,
        excluded=_taken_out(excluded or {}, concerned, study),
    )


def _taken_out(excluded: Mapping[str, str], concerned: tuple[str, ...], study: Study) -> int:
    """Count the people whom a rule took out of these conditions; all of them where people are in several."""
    if any(factor.varies == "within" for factor in study.factors):
        return len(excluded)
    return sum(condition in concerned for condition in excluded.values())


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
    refuse_not_asked(asked, study)
    inside = asked.cells != (SLOPE,) and asked.inside
    cells = {cell.key: cell.arm for cell in study.crossing.cells()}
    return tuple(key for key in cells if key in _asking(asked, study) and (cells[key] == FEEDBACK or not inside))


def _asking(asked: Question, study: Study) -> set[str]:
    """Return the conditions that are asked for the outcome and every mediator."""
    measures = [study.measure_of(name) for name in (asked.hypothesis.outcome, *(step.name for step in asked.steps))]
    return {cell.key for cell in study.crossing.cells() if all(measure.asks(cell.arm) for measure in measures)}


def refuse_not_asked(asked: Question, study: Study) -> None:
    """Refuse a comparison with conditions that are not asked for its outcome or a mediator.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    study : Study
        The study.

    Raises
    ------
    DataError
        With the conditions named.
    """
    if asked.cells == (SLOPE,):
        return
    asks = _asking(asked, study)
    used = [key for key, weight in zip(asked.cells, asked.weights.any(axis=0), strict=True) if weight]
    lost = [key for key in used if key not in asks]
    if lost:
        scores = ", ".join(repr(name) for name in (asked.hypothesis.outcome, *(step.name for step in asked.steps)))
        raise DataError(
            f"It is not estimable: the question needs {scores} of {', '.join(lost)}, who are not asked; not asked is "
            "not missing, so nothing can be estimated or imputed there."
        )


def _groups(asked: Question, scores: Scores, waves: Waves, rows: Rows) -> dict[str, NDArray[np.str_]]:
    """Return the clusters' names by random factor; people are one where they answer to several stories."""
    found = {name: _named(name, waves, rows) for name in asked.groups if name in scores.clusters}
    if (rows.story != "").any():
        found["participant"] = rows.participant
    return found


def _named(name: str, waves: Waves, rows: Rows) -> NDArray[np.str_]:
    """Return the clusters' names; somebody who read no message has no exemplar, which is not a missing one."""
    words = waves.words(name, rows)
    return np.where(words == "", NO_LEVEL, words) if name == "exemplar" else words


def _numbers(asked: Question, study: Study, waves: Waves, rows: Rows) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for column in asked.covariates:
        if column == asked.predictor:
            continue
        declared = study.covariates.get(column.name)
        if declared is not None and declared.kind == "nominal":
            found |= _dummies(column.name, waves.levels(column, rows), tuple(declared.levels))
        else:
            found[str(column)] = waves.values(column, rows)
    if study.assignment.method == "stepped_wedge" and "period" in waves.scores.covariates:
        periods = waves.levels(Column("period"), rows)
        found |= _dummies("period", periods.map("{:g}".format), [f"{p:g}" for p in sorted(periods.dropna().unique())])
    return found


def _dummies(name: str, values: "pd.Series[Any]", levels: Sequence[str]) -> dict[str, Floats]:
    words = values.astype("str").where(values.notna())
    missing = words.isna().to_numpy()
    return {
        f"{name} {level}": np.where(missing, np.nan, (words == level).to_numpy().astype(np.float64))
        for level in levels[1:]
        if (words == level).any()
    }


def _left(ledger: Ledger, step: str, why: str, before: Rows, stay: NDArray[np.bool_], occasion: str) -> Ledger:
    if stay.all():
        return ledger
    gone = before.at(~stay)
    entry = LedgerEntry(
        step=step,
        what=f"{len(gone)} {'stories' if (gone.story != '').any() else 'people'} {why}.",
        n_before=len(before),
        n_after=int(stay.sum()),
        rows=gone.named(occasion),
    )
    return ledger.add(entry)
