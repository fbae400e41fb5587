"""`screen`: the plan's rules on the answers as they came, everybody who is taken out named by rule."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from feedbackstudy.collect.consent import consenting
from feedbackstudy.collect.exclusion_rules import (
    Looked,
    at_occasion,
    caught_by,
    in_words,
    may_not,
    measure_of_rule,
    without_column,
)
from feedbackstudy.collect.paradata import paradata
from feedbackstudy.design.plan import PARADATA, Exclusion
from feedbackstudy.errors import DataError
from feedbackstudy.frames import LedgerEntry, MissingReason, Responses
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.render import Page, Rendered, counted, number
from feedbackstudy.scales import score
from feedbackstudy.study import Study
from feedbackstudy.study.placed import condition_of_people

__all__ = ["Screening", "screen", "screening"]

_FIX = "Carry the column along when reading the export, or take the rule out of the plan before the data are seen."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Screening(Rendered):
    """Screened answers with what must be read about them.

    Attributes
    ----------
    responses : Responses
        What is left; its ledger names everybody who is not, by rule.
    n_before : int
        Participants who came in; their answers are not kept here, since some of them may be erased.
    issues : Issues
        What was found while reading, rules that were refused, and rules to be read with care; the same as those of
        `responses`.
    """

    responses: Responses
    n_before: int
    issues: Issues

    def page(self) -> Page:
        """Return the row accounting and the findings.

        Returns
        -------
        Page
            Ready to render.
        """
        return Page(
            title="Screening",
            subtitle=f"{counted(self.n_before, 'participant')} before, {number(self.responses.n_participants)} after",
            blocks=(*self.responses.ledger.page().blocks, *(self.issues.page().blocks if self.issues else ())),
        )


def screen(responses: Responses, study: Study) -> Responses:
    """Apply the declared rules: consent, then the plan's exclusions.

    Parameters
    ----------
    responses : Responses
        The answers.
    study : Study
        The study, whose plan declares the rules.

    Returns
    -------
    Responses
        What is left; the ledger names everybody who is not, by rule, and says which rule was refused and why.
        Screening again changes nothing.

    Raises
    ------
    DataError
        Where a rule looks at something that the responses do not hold, or they belong to another design.

    See Also
    --------
    screening : The same with its findings as issues.
    """
    return screening(responses, study).responses


def screening(responses: Responses, study: Study) -> Screening:
    """Apply the declared rules, and return what must be read about them as well.

    Parameters
    ----------
    responses : Responses
        The answers.
    study : Study
        The study, whose plan declares the rules.

    Returns
    -------
    Screening
        The answers left, and the findings.

    Raises
    ------
    DataError
        As `screen`.

    Notes
    -----
    Every rule is held against the answers as they came, so the order of rules decides only which of several rules is
    named for somebody. A rule takes out all rows of a person. People without consent, or who withdrew, are erased
    before anything else: no step names them. A manipulation check takes nobody out. A rule about what came after the
    treatment is refused where being caught depends on the condition (chi-square test, p below .10), and else applied
    with a warning. An attention check that somebody did not answer is not failed.
    """
    if responses.design_hash and responses.design_hash != study.design_hash:
        raise DataError(
            f"The responses belong to the design {responses.design_hash[:12]}, the study given is "
            f"{study.design_hash[:12]}. Screen them with the study they were collected for; where the plan was amended "
            "since, read the export again with the amended study: it stays amended after data, whenever it is read."
        )
    agreed = consenting(responses, study)
    placed = condition_of_people(agreed, study) if study.factors or study.arms else {}
    screened, issues = agreed, list[Issue]()
    for rule in study.plan.exclusions:
        if any(entry.step == f"screen.{rule.name}" for entry in responses.ledger):
            continue
        if any(entry.step == f"screen.{rule.name}.refused" for entry in responses.ledger):
            continue
        screened, found = _applied(screened, agreed, study, rule, placed)
        issues += found
    carried = Issues([*agreed.issues, *issues])
    return Screening(responses=replace(screened, issues=carried), n_before=responses.n_participants, issues=carried)


def _noted(responses: Responses, step: str, what: str) -> Responses:
    entry = LedgerEntry(step=step, what=what, n_before=len(responses), n_after=len(responses))
    return replace(responses, ledger=responses.ledger.add(entry))


def _applied(
    screened: Responses, came: Responses, study: Study, rule: Exclusion, placed: Mapping[str, str]
) -> tuple[Responses, list[Issue]]:
    caught = caught_by(rule, _looked(came, study, rule))
    issues = list(may_not(study, rule, caught, placed, room="screen"))
    refused = [issue for issue in issues if issue.severity is Severity.ERROR]
    if refused:
        return _noted(screened, f"screen.{rule.name}.refused", refused[0].what), issues
    keep = ~screened.column("participant").astype(str).isin(caught).to_numpy()
    people = int(screened.column("participant")[~keep].nunique())
    also = len(caught) - people
    what = f"{counted(people, 'participant')} by the rule {rule.name!r} ({in_words(rule)}): {rule.because}"
    what += f" {counted(also, 'more was', 'more were')} taken out by an earlier rule." if also else ""
    what += "".join(f" {issue.what}" for issue in issues)
    return screened.select(keep, step=f"screen.{rule.name}", what=what), issues


def _looked(responses: Responses, study: Study, rule: Exclusion) -> Looked:
    """Return the column that a rule looks at: as answered, scored, or computed from the answers."""
    name, measure = rule.variable, measure_of_rule(study, rule)
    frame = responses.frame
    participant, occasion = frame["participant"].astype(str), frame["occasion"].astype(str)
    everywhere = np.ones(len(frame), dtype=bool)
    target: object = rule.value if measure is None or rule.exclude_if != "fails" else measure.passes
    if name in PARADATA:
        rows = everywhere if rule.occasion is None else at_occasion(occasion, rule.occasion)
        if name == "duration_seconds" and name not in responses.covariates:
            raise DataError(str(without_column(study, rule, room="screen", holder="responses", fix=_FIX)))
        column, asked = paradata(responses, study, name, rows), rows
    elif name in responses.items:
        column, asked = frame[name], responses.reason(name) != MissingReason.NOT_ASKED
    elif name in responses.covariates:
        column, asked = frame[name], everywhere
    elif measure is not None:
        scored = score(responses, [measure])
        column, asked = scored.frame[name], scored.asked(name) > 0
    else:
        raise DataError(str(without_column(study, rule, room="screen", holder="responses", fix=_FIX)))
    return Looked(
        participant=participant,
        occasion=occasion,
        column=column,
        asked=np.asarray(asked, dtype=np.bool_),
        target=target,
        of_person=name in responses.covariates and name not in PARADATA,
    )
