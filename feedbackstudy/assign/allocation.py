"""The result of an assignment: who gets what, with which probability, and what else could have been drawn."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from feedbackstudy.assign.contacts import export_contacts
from feedbackstudy.assign.permuting import Permutations, count_assignments, permute
from feedbackstudy.assign.schedule import Dates, Schedule, make_schedule
from feedbackstudy.assign.schemes import Scheme
from feedbackstudy.declaration import digest
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.crossing import Cell
from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Notice, Page, Rendered, Table, number
from feedbackstudy.study import Study

__all__ = ["Allocation"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation(Rendered):
    """Who gets what. Make it with `assign`, or `import_assignment` where a platform drew.

    Attributes
    ----------
    study : Study
        What was assigned.
    conditions : tuple of Cell
        What people could get: cells of the assigned factors and arms, or the sequences of a stepped wedge.
    drawn : tuple of int
        The condition of each participant.
    scheme : Scheme
        How it was drawn.
    method : str
        The same in words.
    orders : DataFrame
        For factors that vary within: ``participant, position, vignette`` and the factors; empty otherwise.
    periods : DataFrame
        For a stepped wedge: cluster, ``sequence, period``, the factor and ``exposure``; empty otherwise.
    origin : {"feedbackstudy", "platform"}
        Who drew.
    algorithm : int
        Version of the algorithm.
    seed : int or None
        Its seed; None where a platform drew.
    placeholder : bool
        Whether the participants are places that nobody has taken yet.
    issues : Issues
        What must be known.
    provenance : Provenance
        What made the allocation.
    """

    _frame: pd.DataFrame
    study: Study
    conditions: tuple[Cell, ...]
    drawn: tuple[int, ...]
    scheme: Scheme
    method: str
    orders: pd.DataFrame
    periods: pd.DataFrame
    origin: Literal["feedbackstudy", "platform"] = "feedbackstudy"
    algorithm: int
    seed: int | None
    placeholder: bool = False
    issues: Issues
    provenance: Provenance

    def __len__(self) -> int:
        return len(self._frame)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per participant: ``participant, arm``, factors, clusters, strata, ``exemplar``, place in the deck."""
        return self._frame.copy(deep=False)

    @property
    def participants(self) -> tuple[str, ...]:
        """Names, in the order of the roster."""
        return tuple(self._frame["participant"])

    @property
    def design_hash(self) -> str:
        """The study this belongs to."""
        return self.study.design_hash

    @property
    def fingerprint(self) -> str:
        """SHA-256 of who gets what."""
        tables = [frame.astype(object).where(frame.notna(), "").astype(str) for frame in (self._frame, self.orders)]
        return digest([table.to_dict("records") for table in tables])

    def cell_of(self, participant: str) -> Cell:
        """Return what somebody gets.

        Parameters
        ----------
        participant : str
            Name in the roster.

        Returns
        -------
        Cell
            Condition.
        """
        return self.conditions[self.drawn[self.participants.index(participant)]]

    @property
    def probabilities(self) -> pd.DataFrame:
        """Probability of each condition for each participant; the index is the participant, a column each condition."""
        keys = [cell.key for cell in self.conditions]
        return pd.DataFrame(
            self.scheme.probabilities(), index=pd.Index(self.participants, name="participant"), columns=keys
        )

    def ipw(self) -> pd.Series:
        """Return the inverse of each participant's probability of what they got.

        Returns
        -------
        Series
            Weights for inverse-probability weighting, by participant.
        """
        table = self.scheme.probabilities()
        chosen = table[np.arange(len(self)), list(self.drawn)]
        return pd.Series(1 / chosen, index=pd.Index(self.participants, name="participant"), name="weight")

    def permutations(self, n: int | None = 2000, *, seed: int = 1) -> Permutations:
        """Return other assignments that the same scheme could have drawn, for randomisation inference.

        Parameters
        ----------
        n : int or None
            How many; None for all there are, where they can be listed.
        seed : int
            Fixes the draws; they share no stream with any assignment.

        Returns
        -------
        Permutations
            Index of the condition for each participant, one row an assignment.
        """
        return permute(self.scheme, n, seed=seed)

    def possible(self) -> int | None:
        """Return how many assignments the scheme could have drawn; None where they cannot be counted at once."""
        return count_assignments(self.scheme)

    def counts(self) -> pd.DataFrame:
        """Count participants by condition.

        Returns
        -------
        DataFrame
            ``condition, expected, assigned``.
        """
        assigned = np.bincount(self.drawn, minlength=len(self.conditions))
        expected = self.scheme.probabilities().sum(axis=0)
        keys = [cell.key for cell in self.conditions]
        return pd.DataFrame({"condition": keys, "expected": expected, "assigned": assigned})

    def page(self) -> Page:
        """Return how people were assigned, how many got what, and what must be known.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = [("participants", number(len(self))), ("method", self.method), ("design hash", self.design_hash[:16])]
        facts += [("algorithm", f"version {self.algorithm}")] if self.origin == "feedbackstudy" else []
        facts += [("fingerprint", self.fingerprint)]
        told = (
            Notice("Randomised by platform: the draw itself cannot be proved here; its result was audited.")
            if self.origin == "platform"
            else Notice(
                "Whoever knows the seed and the study can compute this list. Where assigners must not know what comes "
                "next, use a sealed ledger instead."
            )
        )
        rows = tuple(
            (str(r["condition"]), number(float(r["expected"]), 2), number(int(r["assigned"])))
            for r in self.counts().to_dict("records")
        )
        found = self.issues.page().blocks if self.issues else ()
        return Page(
            title="Allocation" + (" (randomised by platform)" if self.origin == "platform" else ""),
            subtitle=self.study.title,
            blocks=(
                Facts(tuple(facts)),
                told,
                *found,
                Table(("condition", "expected", "assigned"), rows, "Who gets what"),
                self.provenance.facts(),
            ),
        )

    def levels(self, participant: str) -> dict[str, str]:
        """Return arm and levels of somebody, as their questionnaire needs them.

        Parameters
        ----------
        participant : str
            Name in the roster.

        Returns
        -------
        dict of str to str
            ``arm``, the assigned factors, and ``exemplar`` where there is one; empty text for none.
        """
        cell = self.cell_of(participant)
        row = self._frame.iloc[self.participants.index(participant)]
        found = {"arm": cell.arm} | (dict(cell.levels) if cell.arm == FEEDBACK else {})
        if "exemplar" in self._frame.columns and pd.notna(row["exemplar"]):
            found["exemplar"] = str(row["exemplar"])
        return found

    def export(self, path: str | Path, *, link: str, secret: str | None = None) -> Path:
        """Write a contact list: participant, condition, personal link.

        Parameters
        ----------
        path : str or Path
            A CSV file.
        link : str
            Address of the survey with ``{token}``; https only.
        secret : str, optional
            Fixes the tokens; drawn by default.

        Returns
        -------
        Path
            The file, for the platform alone: it tells conditions.
        """
        return export_contacts(self, path, link=link, secret=secret)

    def schedule(
        self,
        roster: pd.DataFrame | None = None,
        interview_dates: Dates | None = None,
        *,
        decision_dates: Dates | None = None,
        decision_days: float = 0.0,
    ) -> Schedule:
        """Say who gets which message when, and when each wave is due.

        Parameters
        ----------
        roster : DataFrame, optional
            ``participant`` with a column ``interview_date``, and ``decision_date`` where it is known.
        interview_dates : mapping or Series, optional
            Participant -> date of the interview, instead of the roster's column.
        decision_dates : mapping or Series, optional
            Participant -> date of the decision, instead of the roster's column.
        decision_days : float, default 0
            Days from interview to decision where no dates are given.

        Returns
        -------
        Schedule
            One row for each message and wave.

        Raises
        ------
        InputError
            Where somebody has no date, or dates contradict each other.
        """
        dates = {"interview_date": interview_dates, "decision_date": decision_dates}
        for name, given in dates.items():
            if given is None and roster is not None and name in roster.columns:
                dates[name] = dict(zip(roster["participant"].astype(str), roster[name], strict=True))
        if dates["interview_date"] is None:
            raise DataError("No interview dates: give them, or a roster with the column 'interview_date'.")
        return make_schedule(
            self, dates["interview_date"], decision_dates=dates["decision_date"], decision_days=decision_days
        )
