"""Findings of a run of `analyse`: what was not answered, not declared, not sound, and therefore decides nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from feedbackstudy.analysis.answer import Answer
from feedbackstudy.analysis.deciding import decides_with
from feedbackstudy.design.plan import ByBayesFactor
from feedbackstudy.frames import Scores
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import number, p_value
from feedbackstudy.study import Study
from feedbackstudy.study.checks.paths import asked_after_feedback

__all__ = [
    "about_answers",
    "amended_since",
    "before",
    "covariates_after",
    "not_to_be_decided",
    "unanswered",
    "undecided",
    "without_rules",
]


def not_to_be_decided(study: Study, against: Sequence[Issue] = ()) -> dict[str, str]:
    """Return which hypotheses are not decided, whatever their answer, and why.

    Parameters
    ----------
    study : Study
        The study.
    against : sequence of Issue
        Where data contradict the allocation.

    Returns
    -------
    dict of str to str
        Hypothesis -> the errors of `Study.check` that concern it (those of its own, and those of no other hypothesis),
        and that the data are not those of the allocation.
    """
    found: dict[str, list[Issue]] = {name: [] for name in study.hypotheses.names}
    for issue in study.check().errors:
        own = {name for name in found if _concerns(issue, name)}
        for name in own or set(found):
            found[name].append(issue)
    drawn = (
        f"the data contradict the allocation ({' '.join(issue.what for issue in against).rstrip('.')})"
        if against
        else ""
    )
    why = {name: "; ".join(filter(None, (_faults(issues), drawn))) for name, issues in found.items()}
    return {name: words for name, words in why.items() if words}


def without_rules(answers: Mapping[str, Answer], unapplied: Mapping[str, frozenset[str] | None]) -> dict[str, Answer]:
    """Mark the answers whose rows hold people whom a declared exclusion names that was not applied.

    Parameters
    ----------
    answers : mapping of str to Answer
        The answers.
    unapplied : mapping of str to frozenset of str
        Rule -> whom it names; None where that cannot be told, which concerns every answer.

    Returns
    -------
    dict of str to Answer
        Those answers are not made as declared and do not decide; the others are as they were.
    """
    marked = {}
    for name, answer in answers.items():
        people = set(answer.problem.participants)
        held = {rule: None if who is None else len(who & people) for rule, who in unapplied.items()}
        words = [
            f"the plan's exclusion {rule!r} was not applied, and "
            + ("whom it names cannot be told" if n is None else f"{n} of the rows' people are named by it")
            for rule, n in held.items()
            if n != 0
        ]
        why = "; ".join(filter(None, (answer.undeclared, *words)))
        marked[name] = replace(answer, undeclared=why) if words else answer
    return marked


def _concerns(issue: Issue, hypothesis: str) -> bool:
    place = issue.where.rpartition(": ")[2]
    return place == f"hypotheses.{hypothesis}" or place.startswith(f"hypotheses.{hypothesis}.")


def _faults(issues: list[Issue]) -> str:
    if not issues:
        return ""
    named = "; ".join(f"{issue.code} at {issue.where}: {issue.what}".rstrip(".") for issue in issues)
    return f"study.check() finds {len(issues)} error(s) in the declaration ({named}), which must be mended first"


def unanswered(study: Study, name: str, why: str, *, by: str = "") -> Issue:
    """Name a hypothesis that is not, or by one engine not, answered.

    Parameters
    ----------
    study : Study
        The study.
    name : str
        The hypothesis.
    why : str
        What stood in the way, as whole sentences.
    by : str, default ""
        The engine that could not answer; empty for all.

    Returns
    -------
    Issue
        An error where a confirmatory hypothesis loses the answer that decides.
    """
    hypothesis = study.hypotheses[name]
    decides = by in {"", decides_with(study.plan.decides.get(name))}
    return Issue(
        code="analysis.unanswered" if not by else f"analysis.unanswered_{by}",
        severity=Severity.ERROR if hypothesis.confirmatory and decides else Severity.WARNING,
        where=study.where("hypotheses", study.hypotheses.names.index(name)),
        what=f"Hypothesis {name!r} ({hypothesis.role}) is {'partly' if by else 'not'} answered. {why}",
        why="A declared hypothesis without an answer must be reported as one.",
        fix="Mend what the finding names; where nothing can be mended, report the hypothesis as not answered.",
    )


def before(scores: Scores, found: Iterable[Issue]) -> Iterator[Issue]:
    """Carry over what was found before the questions were answered.

    Parameters
    ----------
    scores : Scores
        The scores, with the findings of reading, screening and scoring.
    found : iterable of Issue
        What the analysis says of the plan's rules.

    Yields
    ------
    Issue
        What the analysis says, and every finding of the scores, but for what screening said of a rule of which the
        analysis says the same.
    """
    found = tuple(found)
    yield from found
    said = {(issue.code.removeprefix("analysis."), issue.where) for issue in found}
    for issue in scores.issues:
        if not issue.code.startswith("screen.") or (issue.code.removeprefix("screen."), issue.where) not in said:
            yield issue


def covariates_after(study: Study) -> Iterator[Issue]:
    """Warn of covariates that the treatment may have changed.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        One for each covariate of the plan that is asked after the feedback only.
    """
    for name in study.plan.covariates:
        if asked_after_feedback(study, name):
            yield Issue(
                code="analysis.covariate_after_treatment",
                severity=Severity.WARNING,
                where=study.where("plan", "covariates"),
                what=f"Every model adjusts for {name!r}, which is asked after the feedback only.",
                why="Feedback may have changed it; adjusting for it removes part of the effect or creates one.",
                fix="Adjust for what was known before the feedback; changing the plan now makes it amended.",
            )


def about_answers(answers: Mapping[str, Answer], study: Study) -> Iterator[Issue]:
    """Name the answers that decide nothing, and those that one number does not describe.

    Parameters
    ----------
    answers : mapping of str to Answer
        The answers.
    study : Study
        The study.

    Yields
    ------
    Issue
        One for each.
    """
    yield from undecided(answers, study)
    yield from _not_proportional(answers, study)
    yield from _lone(answers, study)


def _not_proportional(answers: Mapping[str, Answer], study: Study) -> Iterator[Issue]:
    """Name ordinal hypotheses whose effect differs between thresholds, so that one number does not describe it."""
    for name, answer in answers.items():
        checked = answer.proportional
        if checked is not None and checked.differs:
            yield Issue(
                code="analysis.effect_differs_between_thresholds",
                severity=Severity.WARNING,
                where=study.where("hypotheses", study.hypotheses.names.index(name)),
                what=f"{name!r}: the effect differs between thresholds: chi square({checked.df}) = "
                f"{number(checked.statistic, 2)}, {p_value(checked.p)}.",
                why="Estimate, test and Bayes factor are of one shift of all answers; an effect that moves answers "
                "apart, or turns round between categories, can be missed or misread by it.",
                fix="Look at the shares of the categories (rating_shares), and report the effect at each threshold, "
                "which the note of the answer gives.",
            )


def _lone(answers: Mapping[str, Answer], study: Study) -> Iterator[Issue]:
    """Name hypotheses that compare a cell of one row, whose spread cannot be estimated."""
    for name, answer in answers.items():
        cells = answer.problem.lone_cells if answer.problem.question.kind == "cells" else ()
        if cells:
            yield Issue(
                code="analysis.cell_of_one",
                severity=Severity.WARNING,
                where=study.where("hypotheses", study.hypotheses.names.index(name)),
                what=f"{name!r} compares {', '.join(cells)}, of which there is one answer only.",
                why="One answer tells nothing of the spread in its cell; error, test and posterior would rest on "
                "the assumption that it is the spread of the other cells.",
                fix="Collect more answers there, or ask about cells that have some; until then the answer is not fit "
                "to report and decides nothing.",
            )


def undecided(answers: Mapping[str, Answer], study: Study) -> Iterator[Issue]:
    """Name the confirmatory hypotheses whose answer was not made as declared and therefore decides nothing.

    Parameters
    ----------
    answers : mapping of str to Answer
        The answers.
    study : Study
        The study.

    Yields
    ------
    Issue
        One for each.
    """
    for name, answer in answers.items():
        why = answer.undeclared or _unresolved(answer)
        if not why or study.plan.decides.get(name) is None:
            continue
        yield Issue(
            code="analysis.not_decided",
            severity=Severity.ERROR,
            where=study.where("hypotheses", study.hypotheses.names.index(name)),
            what=f"Hypothesis {name!r} is answered but not decided: {why}.",
            why="A decision on another analysis than the declared one would be a choice made after seeing the data.",
            fix="Carry the declared analysis out elsewhere and add it with analysis.custom, or report an amended plan.",
        )


def _unresolved(answer: Answer) -> str:
    """Return why a Bayes factor that decides has no number."""
    if not isinstance(answer.problem.question.criterion, ByBayesFactor):
        return ""
    rows = [row for row in answer.rows if row.engine == "bayesian"]
    if not rows or rows[0].bayes_factor is not None:
        return ""
    return f"the Bayes factor that decides has no number ({rows[0].note})"


def amended_since(scores: Scores, study: Study) -> Issue:
    """Say that the study was changed after the scores were made.

    Parameters
    ----------
    scores : Scores
        The scores.
    study : Study
        The study as it is now.

    Returns
    -------
    Issue
        A warning with both fingerprints.
    """
    return Issue(
        code="analysis.amended",
        severity=Severity.WARNING,
        where="study",
        what=f"The scores were made under another declaration (design hash {scores.design_hash[:12]}) than that of the "
        f"study they are analysed with ({study.design_hash[:12]}).",
        why="A plan that was changed after there were data is amended: its decisions are not those that were declared.",
        fix="Analyse with the study as it was, or say in the report what was changed, when and why.",
    )
