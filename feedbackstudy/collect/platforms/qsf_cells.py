"""Which conditions a Qualtrics survey leads to: its links and draws, and every way through its flow by cell."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from feedbackstudy.collect.platforms.qsf_flow import Branch, elements_in
from feedbackstudy.collect.platforms.qsf_runs import Run, Runs, runs
from feedbackstudy.collect.platforms.qsf_survey import QsfQuestion, QsfSurvey
from feedbackstudy.collect.read_columns import CONDITION, EXEMPLAR
from feedbackstudy.study import Study
from feedbackstudy.study.texts import study_exemplars

__all__ = ["QsfCells"]


@dataclass(frozen=True)
class QsfCells:
    """A survey and the conditions of the study.

    Attributes
    ----------
    survey : QsfSurvey
        The survey.
    study : Study
        The study.
    """

    survey: QsfSurvey
    study: Study

    @cached_property
    def cells(self) -> dict[str, dict[str, str]]:
        """Cells by key: the embedded data that stand for each."""
        return {cell.key: {"arm": cell.arm, **dict(cell.levels)} for cell in self.study.crossing.cells()}

    @cached_property
    def exemplars(self) -> tuple[str, ...]:
        """The declared exemplars of messages; empty where there are none."""
        return study_exemplars(self.study)

    @cached_property
    def exemplar_field(self) -> str:
        """The field that carries the exemplar."""
        return EXEMPLAR if EXEMPLAR in self.survey.fields or "exemplar" not in self.survey.fields else "exemplar"

    @property
    def stories(self) -> bool:
        """Whether conditions vary within people."""
        return any(factor.varies == "within" for factor in self.study.factors)

    @property
    def levels(self) -> tuple[str, ...]:
        """The fields that can carry arm and levels one by one."""
        return ("arm", *(factor.name for factor in self.study.factors))

    @cached_property
    def given(self) -> frozenset[str]:
        """Fields to which the flow itself gives a value."""
        return frozenset(name for name, _ in self.survey.given)

    @cached_property
    def apart(self) -> tuple[str, ...]:
        """Fields that carry arm and levels one by one, where these and not the key say the condition."""
        instead = CONDITION not in self.given and self.given.issuperset(self.levels)
        return self.levels if CONDITION not in self.survey.fields or instead else ()

    @cached_property
    def linked(self) -> bool:
        """Whether the condition comes with the link."""
        return not self.given & {CONDITION, *self.apart}

    @cached_property
    def runs(self) -> Runs:
        """Every way through the survey, of people who consent."""
        consent = next((q for q in self.survey.questions if q.tag == "consent" and q.choice_of("1")), None)
        chosen = {consent.qid: consent.choice_of("1")} if consent is not None else {}
        return runs(self.survey, self._starts(), chosen)

    def _starts(self) -> list[dict[str, str]]:
        """Return what links bring: the condition and the exemplar, unless the flow itself sets them."""
        carried = [name for name in self.apart or (CONDITION,) if name not in self.given]
        starts: list[dict[str, str]] = [
            {name: key if name == CONDITION else levels.get(name, "") for name in carried}
            for key, levels in self.cells.items()
        ]
        branches = (e.logic for e in elements_in(self.survey.flow) if isinstance(e, Branch) and e.logic is not None)
        if CONDITION in self.given and any(leaf.left == CONDITION for logic in branches for leaf in logic.leaves):
            starts += [{CONDITION: key} for key in self.cells]
        starts = starts or [{}]
        if self.exemplars and self.exemplar_field not in self.given:
            starts = [{**start, self.exemplar_field: name} for start in starts for name in self.exemplars]
        return [dict(pairs) for pairs in dict.fromkeys(tuple(start.items()) for start in starts)]

    def cell_of(self, run: Run) -> str | None:
        """Return the cell that a run is recorded in.

        Parameters
        ----------
        run : Run
            A way through the survey.

        Returns
        -------
        str or None
            Its key; empty where it is no cell, None where that is not known.
        """
        if not self.apart:
            key = run.fields.get(CONDITION, "")
            told = {name: run.fields[name] for name in self.levels if run.fields.get(name, "") != ""}
            if key is None or None in told.values():
                return None
            return key if told.items() <= self.cells.get(key, {"arm": ""}).items() and key in self.cells else ""
        told = {name: run.fields.get(name, "") for name in self.apart}
        if None in told.values():
            return None
        mine = {name: value for name, value in told.items() if value or name == "arm"}
        return next((key for key, levels in self.cells.items() if mine == levels), "")

    def recorded(self, run: Run) -> str:
        """Return in words the condition that a run without a cell is recorded in.

        Parameters
        ----------
        run : Run
            A way through the survey.

        Returns
        -------
        str
            Fields and values.
        """
        names = self.apart or (CONDITION, *(name for name in self.levels if run.fields.get(name)))
        told = {name: run.fields.get(name) or "nothing" for name in names}
        return ", ".join(f"{name} = {value}" for name, value in told.items())

    def by_group(self, live: QsfQuestion) -> dict[tuple[str, str], Fraction]:
        """Return how likely a question is put to people.

        Parameters
        ----------
        live : QsfQuestion
            The question.

        Returns
        -------
        dict
            (cell, exemplar) -> share of the people recorded there to whom it is put.
        """
        groups = self._groups
        return {
            group: sum((run.share for run in found if live.qid in run.shown), Fraction(0))
            / sum((run.share for run in found), Fraction(0))
            for group, found in groups.items()
        }

    @cached_property
    def _groups(self) -> dict[tuple[str, str], list[Run]]:
        found: dict[tuple[str, str], list[Run]] = {}
        for run in self.runs.found:
            name = run.fields.get(self.exemplar_field) or "" if self.exemplars else ""
            found.setdefault((self.cell_of(run) or "", name), []).append(run)
        return found
