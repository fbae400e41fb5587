"""Consent: people without it, or who withdrew, are erased; only their number stays."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd

from feedbackstudy.errors import DataError
from feedbackstudy.frames import LedgerEntry, Responses

__all__ = ["CONSENT", "RE_CONSENT", "WITHDRAWN", "erase", "without_consent"]

CONSENT, RE_CONSENT, WITHDRAWN = "consent", "re_consent", "withdrawn"
"""Covariates that say whether somebody's answers may be used: agreed, agreed again after debriefing, took it back."""

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
            f"{int(wrong.sum())} values of {name!r} are neither yes nor no, and nobody's consent is guessed. "
            "Code it as yes and no (or 1 and 0) when reading."
        )
    answers = [word in _YES if here else None for word, here in zip(words, known, strict=True)]
    return list(zip(responses.column("participant").astype(str), answers, strict=True))


def erase(responses: Responses, participants: Collection[str], *, why: str, step: str = "collect.erased") -> Responses:
    """Take people out for good: no row, no name in the ledger, only a number.

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
    """
    gone = frozenset(map(str, participants))
    keep = ~responses.column("participant").astype(str).isin(gone).to_numpy()
    people = responses.column("participant")[~pd.Series(keep)].nunique()
    left = responses.select(keep, step=step, what=why)
    last = LedgerEntry(
        step=step,
        what=f"{people} participants erased: {why}",
        n_before=len(responses),
        n_after=int(np.count_nonzero(keep)),
        erased=int(people),
    )
    return replace(left, ledger=responses.ledger.without(gone).add(last))
