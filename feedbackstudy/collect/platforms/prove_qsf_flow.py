"""Who sees what in a Qualtrics survey: every way through its flow is followed and held against the study."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from feedbackstudy.assign.conditions import conditions_of
from feedbackstudy.collect.platforms.qsf_cells import QsfCells
from feedbackstudy.collect.platforms.qsf_survey import QsfDraw, QsfQuestion
from feedbackstudy.collect.platforms.questionnaire import Condition, Question
from feedbackstudy.collect.read_columns import CONDITION
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.issues import Issue, Severity

__all__ = ["FlowProof"]

_OTHERS = "People would see what belongs to another condition, or miss what they should see."
_SIZES = "Groups would not have the sizes that power and analysis count on."
_TRY = "Take it out of the survey, or try every condition by hand and say in the report that this was done."


@dataclass(frozen=True)
class FlowProof(QsfCells):
    """The survey flow held against the study.

    Attributes
    ----------
    where : str
        Name of the file, for the findings.
    """

    where: str

    def conditions(self) -> Iterator[Issue]:
        """Compare what the flow sets and draws with the declared conditions.

        Yields
        ------
        Issue
            One for each departure; what cannot be read is said to be not proven.
        """
        if not self.survey.flow:
            yield self._unproven("the file holds no survey flow, so nobody can tell who sees what.")
            return
        if self.stories:
            yield self._unproven("conditions vary within people, and who reads which story is not in the survey flow.")
            return
        scripts = [question.tag for question in self.survey.questions if question.script]
        for what in (*self.runs.unread, *self.survey.unread, *(f"the script of {tag}" for tag in scripts)):
            yield self._unproven(f"{what} cannot be read here.")
        if self.runs.found and self.cells:
            yield from self._reached()
        yield from self._draws()
        if self.exemplars and self.exemplar_field in self.given:
            yield from self._drawn_exemplars()

    def _unproven(self, what: str) -> Issue:
        return self._error("qsf.not_proven", f"not proven: {what}", _OTHERS, _TRY)

    def _error(self, code: str, what: str, why: str, fix: str, place: str = "") -> Issue:
        return Issue(code, Severity.ERROR, place or self.where, what, why, fix)

    def _reached(self) -> Iterator[Issue]:
        """Compare the cells in which runs are recorded with those declared, and how often each is reached."""
        total: dict[str, Fraction] = {}
        for run in self.runs.found:
            cell = self.cell_of(run)
            if cell is None:
                yield self._unproven("a run ends in a condition whose value cannot be read (piped text, a branch).")
                return
            total[cell or self.recorded(run)] = total.get(cell or self.recorded(run), Fraction(0)) + run.share
        wrong = sorted(set(total) - set(self.cells))
        absent = [key for key in self.cells if key not in total]
        if wrong or absent:
            parts = [f"never leads to {_listed(absent)}"] if absent else []
            parts += [f"records people in what is no cell: {_listed(wrong)}"] if wrong else []
            what = f"the survey flow {' and '.join(parts)}."
            fix = (
                "Draw once, before the first message, with one element for each cell, and set its data nowhere "
                "else; the keys are those of the checklist."
            )
            yield self._error("qsf.randomiser_cells", what, _SIZES, fix)
        elif not self.linked:
            yield from self._shares(total)

    def _shares(self, total: Mapping[str, Fraction]) -> Iterator[Issue]:
        conditions = conditions_of(self.study)
        declared = {cell.key: weight for cell, weight in zip(conditions.cells, conditions.weights, strict=True)}
        whole = sum(total.values(), Fraction(0))
        off = [key for key, share in total.items() if share / whole != declared.get(key)]
        if off:
            shown = ", ".join(f"{key}: {total[key] / whole}, declared {declared.get(key, 'none')}" for key in off[:4])
            what = f"the draw does not give the declared shares ({shown})."
            yield self._error("qsf.randomiser_shares", what, _SIZES, "Repeat elements in the declared ratio.")

    def _draws(self) -> Iterator[Issue]:
        names = [CONDITION, *self.levels, *([self.exemplar_field] if self.exemplars else [])]
        draws = [draw for draw in self.survey.draws if any(set(names) & set(element) for element in draw.elements)]
        if self.linked and self.cells:
            what = f"no randomiser sets {CONDITION}: the condition comes with the link."
            why = "That is how a draw that can be proved is brought into Qualtrics."
            yield Issue("qsf.no_randomiser", Severity.NOTE, self.where, what, why, "Nothing to do.")
        for name in names:
            of = [draw for draw in draws if any(name in element for element in draw.elements)]
            if len(of) > 1:
                what = f"{len(of)} randomisers set {name}; the last one wins."
                why = "The draw is not the declared one."
                yield self._error("qsf.two_randomisers", what, why, "Leave one of them.")
        for draw in draws:
            yield from self._draw(draw, names)

    def _draw(self, draw: QsfDraw, names: Sequence[str]) -> Iterator[Issue]:
        sets = ", ".join(name for name in names if any(name in element for element in draw.elements))
        if draw.subset != 1:
            given = "a number of its elements that cannot be read" if draw.subset is None else f"{draw.subset} of them"
            what = f"the randomiser that sets {sets} gives each person {given}; it must be one."
            yield self._error("qsf.randomiser_subset", what, _SIZES, "Set it to 1.")
        if not draw.evenly:
            what = f"the randomiser that sets {sets} does not present its elements evenly: sizes differ by chance."
            fix = "Tick 'Evenly present elements', or declare simple assignment and report it."
            yield Issue("qsf.randomiser_uneven", Severity.WARNING, self.where, what, _SIZES, fix)

    def _drawn_exemplars(self) -> Iterator[Issue]:
        """Compare the exemplars that runs in the feedback cells are recorded with."""
        total: dict[str, dict[str, Fraction]] = {}
        for run in self.runs.found:
            cell, name = self.cell_of(run), run.fields.get(self.exemplar_field)
            if name is None:
                yield self._unproven(f"{self.exemplar_field} gets a value that cannot be read.")
                return
            if cell and self.cells[cell]["arm"] == FEEDBACK:
                of = total.setdefault(cell, {})
                of[name or "nothing"] = of.get(name or "nothing", Fraction(0)) + run.share
        wrong = sorted({name for of in total.values() for name in of} - set(self.exemplars))
        absent = [name for name in self.exemplars if any(name not in of for of in total.values())]
        why = "Its messages would be shown to nobody, and the random factor would not be the declared one."
        fix = f"One element for each exemplar: {_listed(self.exemplars)}."
        if wrong or absent:
            parts = [f"records {self.exemplar_field} as {_listed(wrong)}, which is no exemplar"] if wrong else []
            parts += [f"does not lead to {_listed(absent)} in every cell"] if absent else []
            what = f"the survey flow {' and '.join(parts)}."
            yield self._error("qsf.exemplars", what, why, fix)
        elif any(len(set(of.values())) > 1 for of in total.values()):
            what = "exemplars are not equally likely within cells."
            yield Issue("qsf.exemplar_shares", Severity.WARNING, self.where, what, _SIZES, fix)

    def shown(self, question: Question, live: QsfQuestion) -> Iterator[Issue]:
        """Compare who sees a question with who should.

        Parameters
        ----------
        question : Question
            As declared.
        live : QsfQuestion
            As it is in the survey.

        Yields
        ------
        Issue
            Where somebody sees it who should not, or the other way round, or that cannot be told.
        """
        place = f"{self.where}: {live.tag}"
        for what in live.unread:
            yield self._error("qsf.not_proven", f"not proven: has {what}, which cannot be read here.", _OTHERS, _TRY,
                              place)  # fmt: skip
        if not self.runs.found or self.stories:
            return
        unsure = next((run.unsure[live.qid] for run in self.runs.found
                       if live.qid in run.unsure and live.qid not in run.shown), "")  # fmt: skip
        if unsure:
            what = f"not proven: who sees it cannot be told; {unsure}."
            yield self._error("qsf.not_proven", what, _OTHERS, _TRY, place)
            return
        lacking, besides = self._departures(question.shown, live)
        if not lacking and not besides:
            return
        if (
            not lacking
            and question.shown.cells
            and not question.shown.half
            and set(self.by_group(live).values()) == {1}
        ):
            what = f"is shown to everybody; the study shows it where {CONDITION} is {_listed(question.shown.cells)}."
            fix = "Set display logic, or a branch around its block."
            yield self._error("qsf.shown_to_all", what, _OTHERS, fix, place)
            return
        parts = [f"is not shown, or not always, to {_listed(lacking)}"] if lacking else []
        parts += [f"is shown to {_listed(besides)}, who should not see it"] if besides else []
        half = " (a random half should see it)" if question.shown.half else ""
        fix = "Correct its display logic, the branches around its block, or the order of the survey flow."
        yield self._error("qsf.shown_otherwise", f"{' and '.join(parts)}{half}.", _OTHERS, fix, place)

    def undeclared(self, declared: Collection[str]) -> Iterator[Issue]:
        """Name the questions that the study does not declare: an error where conditions differ in them.

        Parameters
        ----------
        declared : collection of str
            Ids of the questions that the study declares.

        Yields
        ------
        Issue
            One for each that some conditions see and others do not, and a note that names the others.
        """
        alike = []
        for live in (
            q for q in self.survey.questions if q.qid not in declared and self.runs.found and not self.stories
        ):
            shares = {cell: share for (cell, _), share in self.by_group(live).items()}
            sees = [cell or "people without a cell" for cell, share in shares.items() if share]
            if len(set(self.by_group(live).values())) > 1:
                what = f"is not declared, and is shown to {_listed(sees)} only, or more often than to others."
                fix = "Take it out, show it to everybody, or declare it as what varies."
                yield self._error("qsf.undeclared_differs", what, _OTHERS, fix, f"{self.where}: {live.tag}")
            else:
                alike.append(live.tag)
        if alike:
            what = (
                f"{_listed(alike)} are not declared; nothing is read from them, and conditions do not differ in them."
            )
            why = "Every condition sees the same of them, unless an answer decides."
            yield Issue("qsf.undeclared", Severity.NOTE, self.where, what, why, "Nothing to do.")

    def order(self, phases: Mapping[str, int]) -> Iterator[Issue]:
        """Compare the order in which questions are put with that of the study.

        Parameters
        ----------
        phases : mapping of str to int
            Question id -> its phase: consent, what is asked before a message, messages, what is asked after them,
            debriefing.

        Yields
        ------
        Issue
            Where something of a later phase is put before something of an earlier one.
        """
        tags = {question.qid: question.tag for question in self.survey.questions}
        turned: dict[str, None] = {}
        for run in self.runs.found:
            latest = ""
            for qid in (qid for qid in run.shown if qid in phases):
                if latest and phases[qid] < phases[latest]:
                    turned[f"{tags[latest]} before {tags[qid]}"] = None
                elif not latest or phases[qid] > phases[latest]:
                    latest = qid
        if turned:
            what = f"questions are put in another order than declared: {_listed(list(turned))}."
            why = "What is asked before the feedback cannot be its effect, and consent comes before everything."
            yield self._error("qsf.order", what, why, "Put the blocks of the survey flow into the order of the study.")

    def _departures(self, wanted: Condition, live: QsfQuestion) -> tuple[list[str], list[str]]:
        """Return who should see a question and does not, and who sees it and should not."""
        lacking, besides = [], []
        for (cell, exemplar), share in self.by_group(live).items():
            mine = (not wanted.cells or cell in wanted.cells) and wanted.exemplar in {"", exemplar}
            due = Fraction(0) if not mine else Fraction(1, 2) if wanted.half else Fraction(1)
            name = cell or "people without a cell"
            label = f"{name} with {exemplar}" if wanted.exemplar and exemplar else name
            if share < due:
                lacking.append(label)
            elif share > due:
                besides.append(label)
        return list(dict.fromkeys(lacking)), list(dict.fromkeys(besides))


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(keys[:6]) + (f" and {len(keys) - 6} more" if len(keys) > 6 else "")
