"""Whether asking a check primed people, whether awareness moderates, and who failed which attention check."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from feedbackstudy.analysis.answer import Answer
from feedbackstudy.analysis.answering import Setting, answer_material, answer_question
from feedbackstudy.analysis.compile import Column, Question, compiled, question
from feedbackstudy.analysis.material import Material, gather
from feedbackstudy.analysis.waves import condition_of_people
from feedbackstudy.design.comparisons import Association
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.design.wording import contrast_in_words
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.frames import Scores
from feedbackstudy.frames.ledger import LedgerEntry
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study

__all__ = ["AttentionCheck", "attention_checks", "awareness_moderates", "primed"]

_ATTENTION = """\
counts <- t(as.matrix(responses[c("passed", "failed")]))
show("asked", sum(counts)); show("failed", sum(counts["failed", ]))
if (ncol(counts) > 1 && all(rowSums(counts) > 0))
  show("p", suppressWarnings(chisq.test(counts, correct = FALSE))$p.value)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionCheck:
    """One attention check: how many failed, whether that depends on the condition, and whether it may exclude.

    Attributes
    ----------
    check : str
        Its score column.
    occasion : str
        The wave that asks it.
    before_treatment : bool
        Whether it is asked before the treatment.
    asked, failed : int
        People who answered it, and who failed.
    p : float or None
        Chi square test of failing by condition; None where nobody or everybody failed.
    may_exclude : bool
        Asked before the treatment, or not seen to depend on it (p of .10 at least).
    conditions : tuple of (str, int, int)
        Condition, people who passed, people who failed.
    """

    check: str
    occasion: str
    before_treatment: bool
    asked: int
    failed: int
    p: float | None
    may_exclude: bool
    conditions: tuple[tuple[str, int, int], ...]

    def r_script(self) -> RScript:
        """Return base R code that tests failing by condition.

        Returns
        -------
        RScript
            Shows people asked, people who failed and, where both happened in several conditions, p of the chi square.
        """
        table = pd.DataFrame(self.conditions, columns=["condition", "passed", "failed"])
        return RScript(made_by="analysis.manipulation, attention", body=_ATTENTION, data=table, name="attention")


def attention_checks(scores: Scores, study: Study) -> Iterator[AttentionCheck]:
    """Look at every attention check.

    Parameters
    ----------
    scores : Scores
        The scores, before exclusions.
    study : Study
        The study.

    Yields
    ------
    AttentionCheck
        One for each check and wave.
    """
    placed = condition_of_people(scores, study)
    frame = scores.frame
    for measure in study.measures:
        if measure.role != "attention_check" or measure.name not in scores.names:
            continue
        for wave in measure.waves:
            here = (frame["occasion"].astype(str) == wave) & frame[measure.name].notna()
            failed = (frame.loc[here, measure.name] != _passing(measure)).to_numpy()
            cells = np.array([placed[name] for name in frame.loc[here, "participant"].astype(str)])
            conditions = _by_condition(failed, cells)
            p = _related(conditions)
            before = study.waves[wave].phase == "before"
            yield AttentionCheck(
                check=measure.name,
                occasion=wave,
                before_treatment=before,
                asked=int(here.sum()),
                failed=int(failed.sum()),
                p=p,
                may_exclude=before or p is None or p >= 0.10,
                conditions=conditions,
            )


def _passing(measure: Measure) -> float:
    """Return the code that passes, as `score` writes nominal answers: 1 for the first level."""
    codes = list(measure.levels)
    if measure.kind != "binary" and measure.passes in codes:
        return float(codes.index(str(measure.passes)) + 1)
    return float(str(measure.passes))


def _by_condition(failed: np.ndarray, cells: np.ndarray) -> tuple[tuple[str, int, int], ...]:
    return tuple(
        (str(key), int(np.sum((cells == key) & ~failed)), int(np.sum((cells == key) & failed)))
        for key in sorted(set(cells))
    )


def _related(conditions: tuple[tuple[str, int, int], ...]) -> float | None:
    table = np.array([counts for _, *counts in conditions]).T
    if len(conditions) < 2 or not table.sum(axis=1).all():
        return None
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def primed(study: Study, setting: Setting) -> tuple[dict[str, Answer], tuple[Issue, ...]]:
    """Compare people who were asked a manipulation check with those who were not, on what came later.

    Parameters
    ----------
    study : Study
        The study.
    setting : Setting
        Scores and engines.

    Returns
    -------
    tuple of (dict of str to Answer, tuple of Issue)
        What primes what -> answer. For checks put to half of the sample: the difference in each outcome of a hypothesis
        that is asked after the check, within conditions; in both engines for scores, in the frequentist one for counts
        and choices. What could not be answered.
    """
    found: dict[str, Answer] = {}
    issues: list[Issue] = []
    for measure in study.measures:
        if measure.role != "manipulation_check" or measure.placement != "half_sample":
            continue
        for outcome in _later_outcomes(study, measure):
            what = f"priming of {outcome} by {measure.name}"
            try:
                found[what] = _priming(study, setting, measure, outcome)
            except InputError as fault:
                issues.append(_not_answered(what, str(fault)))
    return found, tuple(issues)


def _later_outcomes(study: Study, check: Measure) -> list[Column]:
    """Return the outcomes of hypotheses that are asked after the check: in a later wave, or later in the same one."""
    order = study.waves.names
    last = max(order.index(wave) for wave in check.waves)
    found: dict[Column, None] = {}
    for hypothesis in study.hypotheses:
        try:
            wave, measure = study.occasion_of(hypothesis), study.measure_of(hypothesis.outcome)
        except InputError:
            continue
        later_item = study.measures.names.index(measure.name) > study.measures.names.index(check.name)
        if order.index(wave) > last or (order.index(wave) == last and later_item):
            found[Column(hypothesis.outcome, wave)] = None
    return list(found)


def _priming(study: Study, setting: Setting, check: Measure, outcome: Column) -> Answer:
    hypothesis = Hypothesis(
        name="priming",
        text="Whether being asked the check changed what was answered later.",
        outcome=outcome.name,
        occasion=outcome.occasion,
        contrast=Association(predictor=outcome.name, occasion=outcome.occasion),
        direction="either",
        role="exploratory",
    )
    asked = replace(compiled(study, hypothesis), predictor=None)
    if asked.family != "gaussian" and "frequentist" in setting.engines:
        setting = replace(setting, engines=("frequentist",))
    material = gather(asked, setting.scores, study, excluded=setting.excluded)
    could = {cell.key for cell in study.crossing.cells() if check.asks(cell.arm)}
    flags = setting.scores.asked(check.columns[0]) > 0
    were = set(setting.scores.frame["participant"].astype(str)[flags])
    seen = np.array([name in were for name in material.participants])
    split, both = _halves(material, seen, could, asked.occasion)
    words = f"asked {check.title} minus not asked, within conditions"
    aside = sum(material.cells[i] in could for i in material.cell) - len(split)
    if both != could:
        words += f" ({len(both)} of {len(could)} conditions, those with both; {aside} rows of the others left aside)"
    weights = np.tile([1.0, -1.0], len(both)) / len(both)
    asked = replace(
        asked, kind="cells", cells=split.cells, weights=weights[None], outside=(), labels=(words,), phrase=words
    )
    return answer_material(asked, split, setting)


def _halves(material: Material, seen: np.ndarray, could: set[str], occasion: str) -> tuple[Material, set[str]]:
    """Split each condition that could be asked into those who were and those who were not, where it holds both.

    The ledger names the people of the other conditions.
    """
    both = {
        key
        for i, key in enumerate(material.cells)
        if key in could and np.unique(seen[(material.cell == i) & ~np.isnan(material.y)]).size == 2
    }
    if not both:
        raise DataError("no condition holds people who were asked the check and people who were not")
    keys = [key for key in material.cells if key in both]
    place = {key: 2 * i for i, key in enumerate(keys)}
    stays = np.array([material.cells[i] in both for i in material.cell], dtype=bool)
    keep = np.flatnonzero(stays)
    cell = np.array([place[material.cells[material.cell[i]]] + (not seen[i]) for i in keep], dtype=np.int64)
    names = tuple(f"{key}, {said}" for key in keys for said in ("asked", "not asked"))
    split = replace(material.at(keep), cells=names, cell=cell)
    if stays.all():
        return split, both
    stories = material.stories or ("",) * len(material)
    entry = LedgerEntry(
        step="analyse.priming",
        what=f"{int((~stays).sum())} of {len(material)} rows are of conditions without both halves, asked and not.",
        n_before=len(material),
        n_after=len(split),
        rows=tuple((material.participants[i], f"{occasion}{stories[i]}") for i in np.flatnonzero(~stays)),
    )
    return replace(split, ledger=material.ledger.add(entry)), both


def awareness_moderates(study: Study, setting: Setting) -> tuple[dict[str, Answer], tuple[Issue, ...]]:
    """Ask whether the effects of confirmatory hypotheses change with awareness of the hypothesis.

    Parameters
    ----------
    study : Study
        The study.
    setting : Setting
        Scores and engines.

    Returns
    -------
    tuple of (dict of str to Answer, tuple of Issue)
        What moderates what -> answer: for each measure of awareness and confirmatory contrast of cell means, how it
        changes for one unit of awareness; what could not be answered.
    """
    found: dict[str, Answer] = {}
    issues: list[Issue] = []
    for measure in study.measures:
        if measure.role != "awareness":
            continue
        for hypothesis in study.hypotheses:
            if not hypothesis.confirmatory:
                continue
            what = f"{measure.name} as moderator of {hypothesis.name}"
            try:
                asked = _moderated(question(study, hypothesis.name), measure, study)
                found |= {what: answer_question(asked, setting)} if asked is not None else {}
            except InputError as fault:
                issues.append(_not_answered(what, str(fault)))
    return found, tuple(issues)


def _moderated(asked: Question, awareness: Measure, study: Study) -> Question | None:
    if asked.kind != "cells" or len(asked.weights) != 1 or asked.value:
        return None
    column = Column(awareness.columns[0], awareness.waves[-1])
    words = contrast_in_words(asked.hypothesis.contrast, study.crossing)
    return replace(
        asked,
        # Declared for the contrast, not for how it changes.
        hypothesis=asked.hypothesis.model_copy(update={"sesoi": None}),
        plan=asked.plan.model_copy(update={"rope": None, "decides": {}}),
        kind="slopes",
        predictor=column,
        labels=tuple(f"slope on {column.name}, {label}" for label in asked.labels),
        phrase=f"{words}: how it changes for one unit of {awareness.title}",
    )


def _not_answered(what: str, why: str) -> Issue:
    return Issue(
        code="analysis.check_unanswered",
        severity=Severity.NOTE,
        where="study",
        what=f"Not answered: {what}. {why}",
        why="The check on the check is then not shown.",
        fix="Nothing, where the question does not arise.",
    )
