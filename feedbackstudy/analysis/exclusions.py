"""The plan's exclusions, applied to scores that still carry these people; what may not exclude does not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from feedbackstudy.analysis.waves import condition_of_people
from feedbackstudy.design.plan import Exclusion
from feedbackstudy.frames import Scores
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study
from feedbackstudy.study.checks.paths import asked_after_feedback

__all__ = ["Excluded", "exclude"]

_UNRELATED = 0.10
"""A check asked after the treatment may exclude only where failing it is this far from related to the condition."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Excluded:
    """Scores without the people whom the declared rules take out.

    Attributes
    ----------
    scores : Scores
        What is left; its ledger names everybody who is not, by rule.
    conditions : mapping of str to str
        Participant -> condition of those taken out here.
    issues : tuple of Issue
        Rules that were not applied, or must be read.
    """

    scores: Scores
    conditions: Mapping[str, str]
    issues: tuple[Issue, ...] = ()


def exclude(scores: Scores, study: Study) -> Excluded:
    """Apply the plan's exclusions, except where screening has already done so.

    Parameters
    ----------
    scores : Scores
        The scores.
    study : Study
        The study.

    Returns
    -------
    Excluded
        The scores that are analysed, who is not among them, and what must be known of it.

    Notes
    -----
    A manipulation check never excludes. What was asked after the treatment may exclude only where failing is unrelated
    to the condition (chi square test, p of .10 at least); otherwise the groups that remain cannot be compared. A check
    that somebody did not answer is not failed.
    """
    placed = condition_of_people(scores, study)
    gone: dict[str, str] = {}
    issues: list[Issue] = []
    for rule in study.plan.exclusions:
        if any(entry.step.endswith(f".{rule.name}") for entry in scores.ledger):
            continue
        caught = _caught(scores, study, rule)
        if caught is None:
            issues.append(_absent(study, rule))
            continue
        refusal = list(_may_not(study, rule, caught, placed))
        issues += refusal
        if any(issue.severity is Severity.ERROR for issue in refusal) or not caught:
            continue
        keep = ~scores.frame["participant"].astype(str).isin(caught).to_numpy()
        what = f"{len(caught)} participants by the rule {rule.name!r} ({_in_words(rule)}): {rule.because}"
        scores = scores.select(keep, step=f"analyse.{rule.name}", what=what)
        gone |= {name: placed[name] for name in caught}
    return Excluded(scores=scores, conditions=gone, issues=tuple(issues))


def _caught(scores: Scores, study: Study, rule: Exclusion) -> frozenset[str] | None:
    """Return the participants whom a rule catches; None where the scores do not hold what it looks at."""
    if rule.variable not in {*scores.names, *scores.covariates}:
        return None
    frame = scores.frame
    here = np.ones(len(frame), dtype=bool)
    if rule.occasion is not None:
        here &= (frame["occasion"].astype(str) == rule.occasion).to_numpy()
    asked = scores.asked(rule.variable) > 0 if rule.variable in scores.names else np.ones(len(frame), dtype=bool)
    values, column = frame[rule.variable], _measure(study, rule)
    hit = _hits(values.to_numpy(), values.isna().to_numpy(), rule, column)
    if rule.exclude_if == "missing" and rule.occasion is None and rule.variable in scores.covariates:
        everywhere = values.notna().groupby(frame["participant"].astype(str)).any()
        return frozenset(map(str, everywhere.index[~everywhere]))
    return frozenset(frame.loc[here & asked & hit, "participant"].astype(str))


def _hits(
    values: NDArray[np.generic], missing: NDArray[np.bool_], rule: Exclusion, measure: Measure | None
) -> NDArray[np.bool_]:
    if rule.exclude_if == "missing":
        return missing
    target: object = rule.value
    if measure is not None and measure.levels:
        codes = {code: i + 1 for i, code in enumerate(measure.levels)} if measure.kind != "binary" else {}
        wanted = measure.passes if rule.exclude_if == "fails" else rule.value
        target = codes.get(str(wanted), float(str(wanted)) if str(wanted).isdigit() else wanted)
    found = ~missing
    if rule.exclude_if in {"below", "above"}:
        numbers = np.where(missing, np.nan, values).astype(np.float64)
        limit = float(str(rule.value))
        with np.errstate(invalid="ignore"):
            return np.asarray(numbers < limit if rule.exclude_if == "below" else numbers > limit)
    same = np.array([_same(value, target) for value in values])
    return np.asarray(found & (same if rule.exclude_if == "equal" else ~same), dtype=np.bool_)


def _same(value: object, target: object) -> bool:
    try:
        return float(value) == float(target)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value) == str(target)


def _measure(study: Study, rule: Exclusion) -> Measure | None:
    return next((m for m in study.measures if rule.variable in {m.name, *m.columns}), None)


def _in_words(rule: Exclusion) -> str:
    value = f" {rule.value}" if rule.value is not None else ""
    when = f" at {rule.occasion}" if rule.occasion else ""
    return f"{rule.variable}{when} {rule.exclude_if.replace('_', ' ')}{value}"


def _may_not(study: Study, rule: Exclusion, caught: frozenset[str], placed: Mapping[str, str]) -> Iterator[Issue]:
    measure = _measure(study, rule)
    if measure is not None and measure.role == "manipulation_check" and study.conduct.published is None:
        yield _refused(
            study,
            rule,
            f"The rule {rule.name!r} looks at the manipulation check {rule.variable!r} and was not applied; "
            f"{len(caught)} people whom it names are in the analysis.",
            "Who notices a manipulation depends on the manipulation, so the groups that remain cannot be compared.",
            "Take the rule out of the plan; analysis.manipulation shows the check by factor.",
        )
        return
    if not (study.factors or study.arms) or not _after(study, rule):
        return
    p = _related(caught, placed)
    if p < _UNRELATED:
        yield _refused(
            study,
            rule,
            f"The rule {rule.name!r} looks at what came after the treatment, and who is caught depends on the "
            f"condition (chi square p = {p:.3g}); it was not applied: the {len(caught)} people are in the analysis.",
            "What the treatment changed takes out other people in each group, so that chance no longer balances them.",
            "Exclude by what came before the treatment; show results without these people as one of the multiverse.",
        )
    else:
        yield Issue(
            code="analysis.exclusion_after_treatment",
            severity=Severity.WARNING,
            where=study.where("plan", "exclusions"),
            what=f"The rule {rule.name!r} looks at what came after the treatment; it was applied, because who is "
            f"caught is not seen to depend on the condition (chi square p = {p:.3g}).",
            why="A test that finds no relation does not prove that there is none.",
            fix="Show the results without the rule beside these.",
            who=tuple(sorted(caught)),
        )


def _after(study: Study, rule: Exclusion) -> bool:
    occasion = rule.occasion
    if occasion is not None:
        wave = study.waves.get(occasion)
        return wave is not None and wave.phase == "after"
    return asked_after_feedback(study, rule.variable)


def _related(caught: frozenset[str], placed: Mapping[str, str]) -> float:
    """Return the p value of condition against being caught; 1 where only one condition can be."""
    keys = sorted(set(placed.values()))
    table = np.zeros((2, len(keys)))
    for name, key in placed.items():
        table[int(name in caught), keys.index(key)] += 1
    if len(keys) < 2 or not table.sum(axis=1).all():
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def _refused(study: Study, rule: Exclusion, what: str, why: str, fix: str) -> Issue:
    return Issue(
        code="analysis.exclusion_refused",
        severity=Severity.ERROR,
        where=study.where("plan", "exclusions", study.plan.exclusions.names.index(rule.name)),
        what=what,
        why=why,
        fix=fix,
    )


def _absent(study: Study, rule: Exclusion) -> Issue:
    return Issue(
        code="analysis.exclusion_without_column",
        severity=Severity.ERROR,
        where=study.where("plan", "exclusions", study.plan.exclusions.names.index(rule.name)),
        what=f"The rule {rule.name!r} looks at {rule.variable!r}, which the scores do not hold, and no step of their "
        "ledger says that it was applied; nobody was taken out by it.",
        why="The declared plan was not carried out.",
        fix="Screen the responses before they are scored (fs.screen), or carry the column along as a covariate.",
    )
