"""Consent: people without it, or who withdrew, are erased; only their number stays."""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from feedbackstudy.errors import DataError
from feedbackstudy.frames import Ledger, LedgerEntry, Responses
from feedbackstudy.frames.ledger import ERASED
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.render import counted
from feedbackstudy.study import Study

__all__ = ["CONSENT", "RE_CONSENT", "WITHDRAWN", "consenting", "erase", "without_consent"]

CONSENT, RE_CONSENT, WITHDRAWN = "consent", "re_consent", "withdrawn"
"""Covariates that say whether somebody's answers may be used: agreed, agreed again after debriefing, took it back."""

_REASONS = {
    CONSENT: "no consent was given",
    RE_CONSENT: "after the debriefing they said that their answers may not be used",
    WITHDRAWN: "they took their consent back",
}
_LISTED = 10
"""A finding names this many people at most; one that names fewer names everybody whom it concerns."""

_YES, _NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})


def without_consent(responses: Responses) -> dict[str, frozenset[str]]:
    """Return who must be erased, by reason.

    Parameters
    ----------
    responses : Responses
        The answers; the covariates ``consent``, ``re_consent`` and ``withdrawn`` hold yes or no (1 or 0, true or
        false), at one occasion at least.

    Returns
    -------
    dict of str to frozenset of str
        ``consent``: people who never said yes, silence counting as no. ``re_consent``: people who said no after the
        debriefing; who left before that question was asked has not said no. ``withdrawn``: people who took their
        consent back. A reason whose column is absent is left out; nobody stands under two.

    Raises
    ------
    DataError
        For a value that is neither yes nor no.
    """
    found: dict[str, frozenset[str]] = {}
    gone: set[str] = set()
    for name in (CONSENT, RE_CONSENT, WITHDRAWN):
        if name not in responses.covariates:
            continue
        said = _said(responses, name)
        if name == CONSENT:
            agreed = {who for who, answer in said if answer} - {who for who, answer in said if answer is False}
            refused = {str(who) for who in responses.column("participant")} - agreed
        else:
            refused = {who for who, answer in said if answer is (name == WITHDRAWN)}
        found[name] = frozenset(refused - gone)
        gone |= refused
    return found


def _said(responses: Responses, name: str) -> list[tuple[str, bool | None]]:
    column = responses.column(name)
    words = column.astype(str).str.strip().str.casefold()
    known = column.notna() & (words != "")
    wrong = known & ~words.isin(_YES | _NO)
    if wrong.any():
        raise DataError(
            f"{counted(int(wrong.sum()), 'value')} of {name!r} {'is' if wrong.sum() == 1 else 'are'} neither yes nor "
            f"no, and nobody's consent is guessed. "
            "Code it as yes and no (or 1 and 0) when reading."
        )
    answers = [word in _YES if here else None for word, here in zip(words, known, strict=True)]
    return list(zip(responses.column("participant").astype(str), answers, strict=True))


def consenting(responses: Responses, study: Study) -> Responses:
    """Erase people who did not consent, said no after the debriefing, or withdrew.

    Parameters
    ----------
    responses : Responses
        The answers as they came.
    study : Study
        The study, which says whether consent is asked for.

    Returns
    -------
    Responses
        The answers of everybody else, with a step and a note for each reason. Doing it again changes nothing. Where
        the study asks for consent and real answers hold no column ``consent``, a step and a warning say so.
    """
    left = responses
    reasons = without_consent(responses)
    for name, people in reasons.items():
        step = f"screen.{name}"
        if people or not _taken(left, step):
            left = erase(left, people, why=_REASONS[name], step=step)
    asked = study.conduct.consent is not None and not responses.provenance.simulated
    if CONSENT in reasons or not asked or _taken(left, "screen.consent_unknown"):
        return left
    found = _unknown()
    entry = LedgerEntry(step=found.code, what=found.what, n_before=len(left), n_after=len(left))
    return replace(left, ledger=left.ledger.add(entry), issues=Issues([*left.issues, found]))


def _taken(responses: Responses, step: str) -> bool:
    return any(entry.step == step for entry in responses.ledger)


def _unknown() -> Issue:
    return Issue(
        code="screen.consent_unknown",
        severity=Severity.WARNING,
        where="column consent",
        what="The export holds no column 'consent': who agreed is not checked; the survey must end for who does not.",
        why="Answers of people who did not agree may not be used, and nothing here tells whether there are any.",
        fix="Export the question about consent, or make sure that nobody who said no could go on.",
    )


def erase(responses: Responses, participants: Collection[str], *, why: str, step: str = "collect.erased") -> Responses:
    """Take people out for good: no row, no name in the ledger or the findings, only a number.

    Parameters
    ----------
    responses : Responses
        The answers.
    participants : collection of str
        Whom; a name that the table does not hold is passed over, so that a list of withdrawals can be kept and used
        again.
    why : str
        The reason, without names.
    step : str, default "collect.erased"
        The ledger's step.

    Returns
    -------
    Responses
        The table without them. Files written before still hold them: erase those too.

    Notes
    -----
    Whom an earlier step has taken out already is erased as well, and counted once. A finding that concerned nobody
    else goes; one that concerned others too names only those, and its count of people is lowered. Counts of cells
    and rows in findings of the reading stay as they were; a note says so.
    """
    gone = frozenset(map(str, participants))
    keep = ~responses.column("participant").astype(str).isin(gone).to_numpy()
    present = frozenset(responses.column("participant")[~keep].astype(str))
    people = len(present | {who for entry in responses.ledger for who, _ in entry.rows if who in gone})
    last = LedgerEntry(
        step=step,
        what=f"{counted(people, 'participant')} erased: {why}",
        n_before=len(responses),
        n_after=int(np.count_nonzero(keep)),
        erased=people,
    )
    left = responses.select(keep, step=step, what=why)
    found = [issue for each in responses.issues for issue in _unnamed(each, gone)]
    if people:
        found.append(_told(people, why))
    return replace(left, ledger=_forgetful(responses.ledger, gone).add(last), issues=Issues(found))


def _told(people: int, why: str) -> Issue:
    return Issue(
        code="collect.erased",
        severity=Severity.NOTE,
        where="participant",
        what=f"{counted(people, 'participant was', 'participants were')} erased: {why.rstrip('.')}.",
        why="Their number is all that may be kept; counts of cells and rows in other findings still include theirs.",
        fix="Erase them from files that were written before.",
    )


def _unnamed(issue: Issue, gone: frozenset[str]) -> Iterator[Issue]:
    """Yield a finding without some people; nothing where it concerned nobody else."""
    left = tuple(who for who in issue.who if who not in gone)
    if issue.who and not left and len(issue.who) < _LISTED:
        return
    what = _lowered(issue, len(issue.who) - len(left))
    yield replace(
        issue, who=left, where=_scrubbed(issue.where, gone), what=_scrubbed(what, gone), fix=_scrubbed(issue.fix, gone)
    )


def _lowered(issue: Issue, by: int) -> str:
    """Lower the number of people with which a finding begins, where it is known to count those whom it names."""
    number, _, rest = issue.what.partition(" ")
    counts = by and len(issue.who) < _LISTED and number == str(len(issue.who))
    return f"{int(number) - by} {rest}" if counts else issue.what


def _scrubbed(text: str, gone: frozenset[str]) -> str:
    """Take names out of a sentence; a bare number or a very short word could be something else and stays."""
    names = [who for who in gone if len(who) > 2 and not who.isdigit() and who in text]
    for who in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(who)}(?!\w)", ERASED, text)
    return text


def _forgetful(ledger: Ledger, gone: frozenset[str]) -> Ledger:
    named = ledger.without(gone)
    return Ledger(tuple(replace(entry, what=_scrubbed(entry.what, gone)) for entry in named))
