"""The scores by person and wave: who is in which condition, and what they answered when."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.compile import Column
from feedbackstudy.design.factors import Covariate
from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames import Scores
from feedbackstudy.named import Named
from feedbackstudy.render import counted
from feedbackstudy.scales.single import level_numbers
from feedbackstudy.study import Study
from feedbackstudy.study.placed import condition_of_people, condition_of_rows, refuse_two, refuse_unknown, varies_within

__all__ = ["Rows", "Waves", "condition_of_people", "rows_at"]

type Floats = NDArray[np.float64]
type Words = NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The rows of a wave: one for each person, or where factors vary within people one for each story.

    Attributes
    ----------
    participant : ndarray of str, shape (n,)
        Who answers.
    story : ndarray of str, shape (n,)
        What the wave's name is followed by in the column ``occasion``: empty, or the position such as ``".2"``.
    condition : ndarray of str, shape (n,)
        Key of the cell, or name of the arm.
    """

    participant: Words
    story: Words
    condition: Words

    def __len__(self) -> int:
        return int(self.participant.size)

    def at(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Rows":
        """Return some of the rows.

        Parameters
        ----------
        rows : ndarray
            A mask or positions.

        Returns
        -------
        Rows
            Those rows.
        """
        return Rows(participant=self.participant[rows], story=self.story[rows], condition=self.condition[rows])

    def named(self, occasion: str) -> tuple[tuple[str, str], ...]:
        """Return participant and occasion of every row, for the ledger.

        Parameters
        ----------
        occasion : str
            The wave.

        Returns
        -------
        tuple of (str, str)
            One a row.
        """
        return tuple((str(who), f"{occasion}{where}") for who, where in zip(self.participant, self.story, strict=True))


def rows_at(scores: Scores, study: Study, occasion: str) -> Rows:
    """Return everybody who is in the study, with their condition; one row for each story of the wave.

    Parameters
    ----------
    scores : Scores
        The scores.
    study : Study
        The study.
    occasion : str
        The wave of the outcome.

    Returns
    -------
    Rows
        Where all factors vary between people one row for each, also for those without an answer at the wave.

    Raises
    ------
    DataError
        For a condition that the study does not declare, or a participant who is in two of them.
    """
    frame, key = scores.frame, condition_of_rows(scores, study)
    participant = frame["participant"].astype("str")
    if not varies_within(study):
        first = key.groupby(participant, sort=False).first()
        refuse_two(key, participant)
        names = first.index.to_numpy(dtype=np.str_)
        return Rows(participant=names, story=np.full(names.size, "", dtype=np.str_), condition=first.to_numpy(np.str_))
    when = frame["occasion"].astype("str")
    here = (when == occasion) | when.str.startswith(f"{occasion}.")
    stories = when[here].str.slice(len(occasion)).to_numpy(dtype=np.str_)
    rows = Rows(
        participant=participant[here].to_numpy(dtype=np.str_),
        story=stories,
        condition=key[here].to_numpy(dtype=np.str_),
    )
    refuse_unknown(pd.Series(rows.condition), study)
    return rows


class Waves:
    """The scores as columns by participant and wave.

    Parameters
    ----------
    scores : Scores
        The scores.
    covariates : Named of Covariate, optional
        The declared covariates, whose codes become numbers; not needed where only scores are read.
    """

    def __init__(self, scores: Scores, covariates: Named[Covariate] | None = None) -> None:
        self.scores, self.covariates = scores, Named[Covariate]() if covariates is None else covariates
        frame = scores.frame
        self.frame = frame.assign(**{name: frame[name].astype("str") for name in ("participant", "occasion")})
        self._places = pd.MultiIndex.from_frame(self.frame[["participant", "occasion"]])

    def asked(self, score: str, occasion: str, rows: Rows) -> NDArray[np.bool_]:
        """Say who was asked; those without a row at the wave stayed away and count as asked.

        Parameters
        ----------
        score : str
            A score column.
        occasion : str
            The wave.
        rows : Rows
            Rows of that wave.

        Returns
        -------
        ndarray of bool
            One flag a row.

        Raises
        ------
        DataError
            For an unknown score or wave.
        """
        if score not in self.scores.names:
            raise DataError(choices("Score", score, self.scores.names))
        waves = self.frame["occasion"]
        if not ((waves == occasion) | waves.str.startswith(f"{occasion}.")).any():
            raise DataError(choices("Occasion", occasion, waves.unique()))
        at = self._at(occasion, rows)
        counts = self.scores.asked(score)
        return np.asarray(np.where(at < 0, 1, counts[at]) > 0, dtype=np.bool_)

    def values(self, column: Column, rows: Rows) -> Floats:
        """Return a column of numbers.

        Parameters
        ----------
        column : Column
            A score at a wave, or a covariate.
        rows : Rows
            Whose.

        Returns
        -------
        ndarray
            NaN where somebody has none; a story without a value of its own has that of the wave as a whole. Codes of a
            binary or ordinal covariate are the numbers they name, or places where they name none
            (`scales.single.level_numbers`).

        Raises
        ------
        DataError
            For an unknown column, text, a code that is not declared, or infinite values.
        """
        if column.name not in {*self.scores.names, *self.scores.covariates}:
            raise DataError(choices("Column", column.name, (*self.scores.names, *self.scores.covariates)))
        found = self._decoded(column.name, self.levels(column, rows))
        if not pd.api.types.is_numeric_dtype(found):
            raise DataError(f"{column.name!r} holds {found.dtype}; numbers are needed.")
        values = found.to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isinf(values).any():
            who = rows.participant[np.isinf(values)]
            raise DataError(
                f"{column} is infinite for {counted(len(who), 'participant')} ({', '.join(who[:5])}); mend the table."
            )
        return np.asarray(values, dtype=np.float64)

    def _decoded(self, name: str, found: "pd.Series[Any]") -> "pd.Series[Any]":
        """Return the codes of a binary or ordinal covariate as numbers, anything else as it stands."""
        declared = self.covariates.get(name)
        if declared is None or declared.kind not in {"binary", "ordinal"} or pd.api.types.is_numeric_dtype(found):
            return found
        numbers = level_numbers(declared) or {"0": 0.0, "1": 1.0}
        unknown = sorted(set(found.dropna().astype("str")) - set(numbers))
        if unknown:
            raise DataError(
                f"covariate {name!r} holds {', '.join(map(repr, unknown[:8]))}, which it does not declare; use the "
                f"codes {', '.join(numbers)}, or declare the level."
            )
        return found.astype("str").map(numbers).astype(np.float64)

    def words(self, name: str, rows: Rows) -> Words:
        """Return a column of names, such as that of a cluster.

        Parameters
        ----------
        name : str
            A column.
        rows : Rows
            Whose.

        Returns
        -------
        ndarray of str
            Empty text where somebody has none.
        """
        return self.levels(Column(name), rows).fillna("").astype(str).to_numpy(dtype=np.str_)

    def levels(self, column: Column, rows: Rows) -> "pd.Series[Any]":
        """Return a column as it stands: the wave's value, or for a person's own column the first that is there.

        Parameters
        ----------
        column : Column
            A column, at a wave or of the person.
        rows : Rows
            Whose.

        Returns
        -------
        Series
            One value a row.
        """
        values = self.frame[column.name]
        if column.occasion is not None:
            at = self._at(column.occasion, rows)
            return values.take(np.maximum(at, 0)).reset_index(drop=True).where(at >= 0)
        own = values.groupby(self.frame["participant"], sort=False).first().reindex(rows.participant)
        return own.reset_index(drop=True)

    def _at(self, occasion: str, rows: Rows) -> NDArray[np.int64]:
        """Return the position of each row's story at a wave, else of the wave as a whole; -1 where there is neither."""
        whole = pd.MultiIndex.from_arrays([rows.participant, np.full(len(rows), occasion)])
        at = self._places.get_indexer(whole)
        if (rows.story != "").any():
            told = np.char.add(np.full(len(rows), occasion), rows.story)
            own = self._places.get_indexer(pd.MultiIndex.from_arrays([rows.participant, told]))
            at = np.where(own >= 0, own, at)
        return np.asarray(at, dtype=np.int64)
