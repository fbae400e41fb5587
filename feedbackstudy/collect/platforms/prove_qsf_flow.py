"""Who sees what in a Qualtrics survey: every way through its flow is followed and held against the study."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from feedbackstudy.assign.conditions import conditions_of
from feedbackstudy.collect.platforms.qsf_flow import Branch, elements_in
from feedbackstudy.collect.platforms.qsf_runs import Run, Runs, runs
from feedbackstudy.collect.platforms.qsf_survey import QsfDraw, QsfQuestion, QsfSurvey
from feedbackstudy.collect.platforms.questionnaire import Condition, Question
from feedbackstudy.collect.read_columns import CONDITION, EXEMPLAR
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.study import Study
from feedbackstudy.study.texts import study_exemplars

__all__ = ["FlowProof"]

_OTHERS = "People would see what belongs to another condition, or miss what they should see."
_SIZES = "Groups would not have the sizes that power and analysis count on."
_TRY = "Take it out of the survey, or try every condition by hand and say in the report that this was done."


@dataclass(frozen=True)
class FlowProof:
    """The survey flow held against the study.

    Attributes
    ----------
    survey : QsfSurvey
        The survey.
    study : Study
        The study.
    where : str
        Name of the file, for the findings.
    """

    survey: QsfSurvey
    study: Study
    where: str

    @cached_property
    def _cells(self) -> dict[str, dict[str, str]]:
        """Cells by key: the embedded data that stand for each."""
        return {cell.key: {"arm": cell.arm, **dict(cell.levels)} for cell in self.study.crossing.cells()}

    @cached_property
    def _exemplars(self) -> tuple[str, ...]:
        return study_exemplars(self.study)

    @cached_property
    def _exemplar_field(self) -> str:
        return EXEMPLAR if EXEMPLAR in self.survey.fields or "exemplar" not in self.survey.fields else "exemplar"

    @property
    def _stories(self) -> bool:
        return any(factor.varies == "within" for factor in self.study.factors)

    @property
    def _levels(self) -> tuple[str, ...]:
        return ("arm", *(factor.name for factor in self.study.factors))

    @cached_property
    def _set(self) -> frozenset[str]:
        """Fields to which the flow itself gives a value."""
        return frozenset(name for name, _ in self.survey.given)

    @cached_property
    def _apart(self) -> tuple[str, ...]:
        """Fields that carry arm and levels one by one, where these and not the key say the condition."""
        instead = CONDITION not in self._set and self._set.issuperset(self._levels)
        return self._levels if CONDITION not in self.survey.fields or instead else ()

    @cached_property
    def _linked(self) -> bool:
        """Whether the condition comes with the link."""
        return not self._set & {CONDITION, *self._apart}

    @cached_property
    def _runs(self) -> Runs:
        consent = next((q for q in self.survey.questions if q.tag == "consent" and q.choice_of("1")), None)
        chosen = {consent.qid: consent.choice_of("1")} if consent is not None else {}
        return runs(self.survey, self._starts(), chosen)

    def _starts(self) -> list[dict[str, str]]:
        """Return what links bring: the condition and the exemplar, unless the flow itself sets them."""
        carried = [name for name in self._apart or (CONDITION,) if name not in self._set]
        starts: list[dict[str, str]] = [
            {name: key if name == CONDITION else levels.get(name, "") for name in carried}
            for key, levels in self._cells.items()
        ]
        branches = (e.logic for e in elements_in(self.survey.flow) if isinstance(e, Branch) and e.logic is not None)
        if CONDITION in self._set and any(leaf.left == CONDITION for logic in branches for leaf in logic.leaves):
            starts += [{CONDITION: key} for key in self._cells]
        starts = starts or [{}]
        if self._exemplars and self._exemplar_field not in self._set:
            starts = [{**start, self._exemplar_field: name} for start in starts for name in self._exemplars]
        return [dict(pairs) for pairs in dict.fromkeys(tuple(start.items()) for start in starts)]

    def _cell_of(self, run: Run) -> str | None:
        """Return the cell that a run is recorded in; "" where it is none, None where that is not known."""
        if not self._apart:
            key = run.fields.get(CONDITION, "")
            told = {name: run.fields[name] for name in self._levels if run.fields.get(name, "") != ""}
            if key is None or None in told.values():
                return None
            return key if told.items() <= self._cells.get(key, {"arm": ""}).items() and key in self._cells else ""
        told = {name: run.fields.get(name, "") for name in self._apart}
        if None in told.values():
            return None
        mine = {name: value for name, value in told.items() if value or name == "arm"}
        return next((key for key, levels in self._cells.items() if mine == levels), "")

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
        if self._stories:
            yield self._unproven("conditions vary within people, and who reads which story is not in the survey flow.")
            return
        scripts = [question.tag for question in self.survey.questions if question.script]
        for what in (*self._runs.unread, *self.survey.unread, *(f"the script of {tag}" for tag in scripts)):
            yield self._unproven(f"{what} cannot be read here.")
        if self._runs.found and self._cells:
            yield from self._reached()
        yield from self._draws()
        if self._exemplars and self._exemplar_field in self._set:
            yield from self._drawn_exemplars()

    def _unproven(self, what: str) -> Issue:
        return self._error("qsf.not_proven", f"not proven: {what}", _OTHERS, _TRY)

    def _error(self, code: str, what: str, why: str, fix: str, place: str = "") -> Issue:
        return Issue(code, Severity.ERROR, place or self.where, what, why, fix)

    def _reached(self) -> Iterator[Issue]:
        """Compare the cells in which runs are recorded with those declared, and how often each is reached."""
        total: dict[str, Fraction] = {}
        for run in self._runs.found:
            cell = self._cell_of(run)
            if cell is None:
                yield self._unproven("a run ends in a condition whose value cannot be read (piped text, a branch).")
                return
            total[cell or self._recorded(run)] = total.get(cell or self._recorded(run), Fraction(0)) + run.share
        wrong = sorted(set(total) - set(self._cells))
        absent = [key for key in self._cells if key not in total]
        if wrong or absent:
            parts = [f"never leads to {_listed(absent)}"] if absent else []
            parts += [f"records people in what is no cell: {_listed(wrong)}"] if wrong else []
            what = f"the survey flow {' and '.join(parts)}."
            fix = (
                "Draw once, before the first message, with one element for each cell, and set its data nowhere "
                "else; the keys are those of the checklist."
            )
            yield self._error("qsf.randomiser_cells", what, _SIZES, fix)
        elif not self._linked:
            yield from self._shares(total)

    def _recorded(self, run: Run) -> str:
        """Return in words the condition that a run without a cell is recorded in."""
        names = self._apart or (CONDITION, *(name for name in self._levels if run.fields.get(name)))
        told = {name: run.fields.get(name) or "nothing" for name in names}
        return ", ".join(f"{name} = {value}" for name, value in told.items())

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
        names = [CONDITION, *self._levels, *([self._exemplar_field] if self._exemplars else [])]
        draws = [draw for draw in self.survey.draws if any(set(names) & set(element) for element in draw.elements)]
        if self._linked and self._cells:
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
        for run in self._runs.found:
            cell, name = self._cell_of(run), run.fields.get(self._exemplar_field)
            if name is None:
                yield self._unproven(f"{self._exemplar_field} gets a value that cannot be read.")
                return
            if cell and self._cells[cell]["arm"] == FEEDBACK:
                of = total.setdefault(cell, {})
                of[name or "nothing"] = of.get(name or "nothing", Fraction(0)) + run.share
        wrong = sorted({name for of in total.values() for name in of} - set(self._exemplars))
        absent = [name for name in self._exemplars if any(name not in of for of in total.values())]
        why = "Its messages would be shown to nobody, and the random factor would not be the declared one."
        fix = f"One element for each exemplar: {_listed(self._exemplars)}."
        if wrong or absent:
            parts = [f"records {self._exemplar_field} as {_listed(wrong)}, which is no exemplar"] if wrong else []
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
        if not self._runs.found or self._stories:
            return
        unsure = next((run.unsure[live.qid] for run in self._runs.found
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
            and set(self._by_group(live).values()) == {1}
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

    def _by_group(self, live: QsfQuestion) -> dict[tuple[str, str], Fraction]:
        """Return how likely a question is put to the people of each cell and exemplar."""
        groups = self._groups
        return {
            group: sum((run.share for run in found if live.qid in run.shown), Fraction(0))
            / sum((run.share for run in found), Fraction(0))
            for group, found in groups.items()
        }

    @cached_property
    def _groups(self) -> dict[tuple[str, str], list[Run]]:
        found: dict[tuple[str, str], list[Run]] = {}
        for run in self._runs.found:
            name = run.fields.get(self._exemplar_field) or "" if self._exemplars else ""
            found.setdefault((self._cell_of(run) or "", name), []).append(run)
        return found

    def _departures(self, wanted: Condition, live: QsfQuestion) -> tuple[list[str], list[str]]:
        """Return who should see a question and does not, and who sees it and should not."""
        lacking, besides = [], []
        for (cell, exemplar), share in self._by_group(live).items():
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
