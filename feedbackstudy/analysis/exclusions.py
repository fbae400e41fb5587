"""The plan's exclusions, applied to scores that still carry these people; what may not exclude does not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from feedbackstudy.collect.exclusion_rules import (
    Looked,
    caught_by,
    in_words,
    may_not,
    measure_of_rule,
    refused,
    without_column,
)
from feedbackstudy.design.plan import Exclusion
from feedbackstudy.frames import Scores
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.scales.single import level_numbers
from feedbackstudy.study import Study
from feedbackstudy.study.placed import condition_of_people

__all__ = ["Excluded", "exclude"]

_WHY_REFUSED = "The declared plan was not carried out, because the rule would make the groups incomparable."
_FIX_REFUSED = "Take the rule out of the plan, and say so among the deviations."
_FIX = "Screen the responses before they are scored (fs.screen), or carry the column along as a covariate."


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
    unapplied : mapping of str to frozenset of str
        Rule that was not applied -> whom it names; None where the scores do not tell.
    """

    scores: Scores
    conditions: Mapping[str, str]
    issues: tuple[Issue, ...] = ()
    unapplied: Mapping[str, frozenset[str] | None] = field(default_factory=dict)


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
    unapplied: dict[str, frozenset[str] | None] = {}
    for rule in study.plan.exclusions:
        if any(entry.step.endswith(f".{rule.name}") for entry in scores.ledger):
            continue
        looked = _looked(scores, study, rule)
        said = [entry.what for entry in scores.ledger if entry.step == f"screen.{rule.name}.refused"]
        if said and looked is None:
            issues.append(refused(study, rule, said[0], _WHY_REFUSED, _FIX_REFUSED, room="analysis"))
            unapplied[rule.name] = None
            continue
        if looked is None:
            issues.append(without_column(study, rule, room="analysis", holder="scores", fix=_FIX))
            unapplied[rule.name] = None
            continue
        caught = caught_by(rule, looked)
        refusal = list(may_not(study, rule, caught, placed, room="analysis"))
        issues += refusal
        if any(issue.severity is Severity.ERROR for issue in refusal):
            unapplied[rule.name] = caught
            continue
        if not caught:
            continue
        keep = ~scores.frame["participant"].astype(str).isin(caught).to_numpy()
        what = f"{len(caught)} participants by the rule {rule.name!r} ({in_words(rule)}): {rule.because}"
        scores = scores.select(keep, step=f"analyse.{rule.name}", what=what)
        gone |= {name: placed[name] for name in caught}
    return Excluded(scores=scores, conditions=gone, issues=tuple(issues), unapplied=unapplied)


def _looked(scores: Scores, study: Study, rule: Exclusion) -> Looked | None:
    """Return the column a rule looks at; None where the scores do not hold it."""
    if rule.variable not in {*scores.names, *scores.covariates}:
        return None
    frame = scores.frame
    is_score = rule.variable in scores.names
    return Looked(
        participant=frame["participant"].astype(str),
        occasion=frame["occasion"].astype(str),
        column=frame[rule.variable],
        asked=scores.asked(rule.variable) > 0 if is_score else np.ones(len(frame), dtype=bool),
        target=_target(study, rule),
        of_person=not is_score,
    )


def _target(study: Study, rule: Exclusion) -> object:
    """Return what a rule compares with, in the numbers that scoring gives to levels."""
    measure = measure_of_rule(study, rule)
    if measure is None or not measure.levels:
        return rule.value
    wanted = measure.passes if rule.exclude_if == "fails" else rule.value
    return level_numbers(measure).get(str(wanted), wanted)
