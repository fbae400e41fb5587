"""`analyse`: every declared hypothesis, by every declared engine, on the same rows; the declared criterion decides."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

from feedbackstudy.analysis.agreement import agreement
from feedbackstudy.analysis.allocated import held_against, refuse_other_design
from feedbackstudy.analysis.answer import Answer
from feedbackstudy.analysis.answering import Setting, answer_question
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.between_waves import differs_between_waves
from feedbackstudy.analysis.both_ways import pairs
from feedbackstudy.analysis.compile import Question, question
from feedbackstudy.analysis.deciding import decided, decides_with
from feedbackstudy.analysis.estimate import Estimate, Estimates, Status
from feedbackstudy.analysis.exclusions import exclude
from feedbackstudy.analysis.families import Tested, adjust_families, adjust_within
from feedbackstudy.analysis.plan_status import plan_status
from feedbackstudy.analysis.run_findings import (
    about_answers,
    before,
    covariates_after,
    not_to_be_decided,
    unanswered,
    without_rules,
)
from feedbackstudy.assign import Allocation
from feedbackstudy.design.comparisons import CellsVsArm
from feedbackstudy.errors import DataError, InputError, choices
from feedbackstudy.frames import Scores
from feedbackstudy.issues import Issue, Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.study import Study
from feedbackstudy.threads import one_thread

__all__ = ["analyse"]

type EngineName = Literal["frequentist", "bayesian"]

CONVENTIONS = (
    "every hypothesis is one set of weights over cell quantities; both engines get the same weights and rows",
    "averages over other factors are even, whatever the cell sizes",
    "standardised effects and SESOI in sd: pooled standard deviation within cells, unadjusted; interval of d by "
    "noncentral t",
    "d has the weights of its contrast; where the positive ones do not sum to 1, the note gives d of weights that do; "
    "an interaction is a difference of differences",
    "intervals are not adjusted for multiplicity; p values are, within the declared families",
    "factorial terms use the feedback arms only; arms outside enter contrasts with the pooled error",
)
_SEED = 20260103


def analyse(
    scores: Scores,
    study: Study,
    *,
    engine: EngineName | None = None,
    allocation: Allocation | None = None,
    registered: str | Path | None = None,
    seed: int | None = None,
) -> Estimates:
    """Answer every hypothesis of a study, both ways.

    Parameters
    ----------
    scores : Scores
        Scored answers.
    study : Study
        The study.
    engine : {"frequentist", "bayesian"}, optional
        One engine alone; the plan's engines by default.
    allocation : Allocation, optional
        Who was assigned what with which probability, held against the scores: where people are not in it or stand in
        another condition, nothing is decided. Where probabilities of people in one condition differ, rows
        are weighted by their inverse (frequentist scores only; whatever else is declared to decide then does not).
        `Answer.randomisation` tests contrasts by its scheme; a draw by a platform is named in every row.
    registered : str or Path, optional
        The record of the registration (``.registered.json``), against which the plan is held; the history beside the
        study is looked at in any case.
    seed : int, optional
        Seed of bootstraps and chains; the study's by default.

    Returns
    -------
    Estimates
        One row for each hypothesis, contrast and engine; the models behind them in `Estimates.answers`, the people left
        out in its ledger, whatever could not be done as declared among its issues, beside all that was found before.

    Raises
    ------
    InputError
        For scores that are not of this study, an unknown engine, or a study without hypotheses. A single hypothesis
        that cannot be answered does not stop the others: it is named among the issues.

    Notes
    -----
    Models: scores by least squares or, with clusters or exemplars, by REML with Satterthwaite's degrees of freedom,
    beside the exact posterior of the same model with priors on the scale; other outcomes by the model of their kind.
    Only a row that holds the declared criterion of its hypothesis gets a decision, and none does while `Study.check`
    finds errors. Data exist from their first answer on: a plan that was changed after that gives the status "amended",
    however the data are read, and one of which it cannot be told whether it was changed before or after gives
    "amended, when unknown". Where data come from an export and no registration is known, that is said.
    """
    _refuse(scores, study, engine)
    engines = (engine,) if engine is not None else tuple(study.plan.engines)
    left = exclude(scores, study)
    status, standing = plan_status(scores, study, registered)
    made = _made(scores, study, seed)
    weights = _inverse_probabilities(allocation, study)
    against = tuple(held_against(left.scores.frame, allocation)) if allocation is not None else ()
    setting = Setting(
        study=study,
        scores=left.scores,
        excluded=left.conditions,
        engines=engines,
        case_weights=weights,
        seed=study.seed if seed is None else seed,
        provenance=made,
        allocation=allocation,
        undeclared=not_to_be_decided(study, against),
    )
    with one_thread():
        answers, issues = _answered(study, setting)
    answers, unadjusted = _adjusted(without_rules(answers, left.unapplied), study)
    issues += (
        *against,
        *differs_between_waves(left.scores, study),
        *covariates_after(study),
        *unadjusted,
        *about_answers(answers, study),
        *standing,
        *before(scores, left.issues),
    )
    finished = {name: _finished(answer, study, made, status) for name, answer in answers.items()}
    return Estimates(
        rows=tuple(row for answer in finished.values() for row in answer.rows),
        title=f"Answers: {study.title}",
        provenance=made,
        answers=finished,
        issues=Issues(issues),
        ledger=left.scores.ledger,
    )


def _made(scores: Scores, study: Study, seed: int | None) -> Provenance:
    """Return what the run rests on: conventions, design, the scores' fingerprint and the seed."""
    return replace(
        scores.provenance.derived("analyse", conventions=CONVENTIONS),
        design_hash=study.design_hash,
        data_sha256=(*scores.provenance.data_sha256, ("scores", _fingerprint(scores))),
        seed=study.seed if seed is None else seed,
    )


def _fingerprint(scores: Scores) -> str:
    """Return the SHA-256 of the table, blind to the order of its rows and columns."""
    frame = scores.frame.sort_values(["participant", "occasion"])
    lines = frame[sorted(frame.columns)].to_csv(index=False, lineterminator="\n")
    return sha256(lines.encode()).hexdigest()


def _refuse(scores: Scores, study: Study, engine: str | None) -> None:
    if not isinstance(scores, Scores):
        raise DataError(f"analyse takes Scores (fs.score makes them); given {type(scores).__name__}.")
    if not isinstance(study, Study):
        raise DataError(f"analyse takes a Study; given {type(study).__name__}.")
    if engine is not None and engine not in {"frequentist", "bayesian"}:
        raise InputError(choices("Engine", engine, ("frequentist", "bayesian")))
    if not study.hypotheses:
        raise InputError("The study declares no hypothesis, so there is nothing to answer; use the direct functions.")


def _inverse_probabilities(allocation: Allocation | None, study: Study) -> dict[str, float] | None:
    """Return inverse probabilities by participant, where people of one condition had different ones."""
    if allocation is None:
        return None
    refuse_other_design(allocation, study)
    weights = allocation.ipw()
    spread = weights.groupby(list(allocation.drawn)).agg(lambda given: given.max() - given.min())
    if float(spread.max()) < 1e-9:
        return None
    return {str(name): float(weight) for name, weight in weights.items()}


def _answered(study: Study, setting: Setting) -> tuple[dict[str, Answer], tuple[Issue, ...]]:
    answers: dict[str, Answer] = {}
    issues: list[Issue] = []
    for hypothesis in study.hypotheses:
        try:
            answers[hypothesis.name] = answer_question(question(study, hypothesis.name), setting)
        except InputError as fault:
            issues.append(unanswered(study, hypothesis.name, str(fault)))
            continue
        issues += [
            unanswered(study, hypothesis.name, f"The {engine} engine cannot answer: {why}", by=engine)
            for engine, why in answers[hypothesis.name].faults.items()
        ]
    return answers, tuple(issues)


def _adjusted(answers: dict[str, Answer], study: Study) -> tuple[dict[str, Answer], tuple[Issue, ...]]:
    """Adjust the frequentist rows within hypotheses and families."""
    tested = {name: adjust_within(_tested(answer)) for name, answer in answers.items()}
    tested = {name: one for name, one in tested.items() if one.rows}
    found, issues = adjust_families(study.plan, tested) if tested else ({}, ())
    changed = {
        name: replace(answer, rows=_merged(answer.rows, found[name].rows), adjusted=found[name].adjusted)
        if name in found
        else answer
        for name, answer in answers.items()
    }
    lost = {family for issue in issues if "joint" in issue.code for family in [issue.where.rpartition(".")[2]]}
    unfit = {name for family in study.plan.families if family.name in lost for name in family.hypotheses}
    return {
        name: replace(answer, undeclared=answer.undeclared or "its family could not be adjusted as declared")
        if name in unfit
        else answer
        for name, answer in changed.items()
    }, issues


def _tested(answer: Answer) -> Tested:
    rows = tuple(row for row in answer.rows if row.engine == "frequentist")
    weights = answer.problem.weights if answer.classical is not None else None
    each = isinstance(answer.problem.question.hypothesis.contrast, CellsVsArm)
    first = len(rows) - (0 if weights is None else len(weights))
    leading = tuple(range(first, len(rows))) if each and weights is not None else (0,) if rows else ()
    asked = answer.problem.question
    return Tested(
        rows=rows,
        leading=leading,
        fit=answer.classical,
        weights=weights,
        cells=answer.problem.cells,
        same=(
            asked.hypothesis.outcome,
            asked.occasion,
            asked.kind,
            asked.minus,
            answer.problem.participants,
            asked.covariates,
        ),
    )


def _merged(rows: tuple[Estimate, ...], adjusted: tuple[Estimate, ...]) -> tuple[Estimate, ...]:
    new = iter(adjusted)
    return tuple(next(new) if row.engine == "frequentist" else row for row in rows)


def _finished(answer: Answer, study: Study, made: Provenance, amended: Status) -> Answer:
    """Compare the engines, decide, and stamp every row."""
    asked = answer.problem.question
    status: Status = amended or asked.hypothesis.role
    if answer.undeclared and status == "confirmatory":
        status = "not as declared"
    rows = _decided(_compared(answer), answer, asked)
    stamped = tuple(
        replace(
            row,
            status=status,
            population=study.conduct.population,
            realism=study.conduct.realism,
            note=made.marked(row.note),
        )
        for row in rows
    )
    return replace(answer, rows=stamped)


def _compared(answer: Answer) -> tuple[Estimate, ...]:
    alpha = answer.problem.question.plan.alpha
    widths = _prior_widths(answer)
    weakest = answer.path.main.weakest_leg if answer.path is not None else None
    said: list[Estimate] = []
    for classical, bayesian in pairs(answer.rows):
        if classical is None or bayesian is None:
            said += [row for row in (classical, bayesian) if row is not None]
            continue
        width = widths.get(classical.contrast)
        words = str(agreement(classical, bayesian, alpha=alpha, prior_sd=width, weakest_leg=weakest))
        said += [replace(classical, agreement=words), replace(bayesian, agreement=words)]
    return tuple(said)


def _prior_widths(answer: Answer) -> dict[str, float]:
    """Return the prior's standard deviation of each contrast, where the model states it in closed form."""
    prior = answer.bayesian.prior_cells if answer.bayesian is not None else None
    if not isinstance(prior, NormalCells):
        return {}
    pairs_of = zip(answer.posteriors, answer.problem.weights, strict=True)
    return {contrast: prior.project(weights).sd for contrast, weights in pairs_of}


def _decided(rows: Iterable[Estimate], answer: Answer, asked: Question) -> Iterator[Estimate]:
    """Decide on the rows that stand for the hypothesis: all at once where it asks so, else each contrast."""
    if answer.undeclared:
        yield from (replace(row, decides="", decision="") for row in rows)
        return
    each = isinstance(asked.hypothesis.contrast, CellsVsArm)
    joint = len(asked.weights) > 1
    seen = {"frequentist": 0, "bayesian": 0}
    for row in rows:
        at = seen[row.engine]
        seen[row.engine] += 1
        leads = (at > 0 if each else at == 0) if joint else True
        of = answer.adjusted.get(at, "") if row.engine == "frequentist" else ""
        yield decided(row, asked, adjusted=of) if leads and row.engine == decides_with(asked.criterion) else row
