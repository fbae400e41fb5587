"""Explicit changes to answers before scoring, each with a line in the ledger: missing codes, shifted codes."""

from collections.abc import Mapping, Sequence

import numpy as np

from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames import LedgerEntry, MissingReason, Responses
from feedbackstudy.render import counted

__all__ = ["declare_missing", "shift_codes"]

_REASONS = {reason.label: reason for reason in MissingReason if reason is not MissingReason.ANSWERED}


def declare_missing(responses: Responses, codes: Mapping[float, str], items: Sequence[str] | None = None) -> Responses:
    """Turn missing codes such as -99 into missing answers with their reason.

    Parameters
    ----------
    responses : Responses
        The table.
    codes : mapping of float to str
        Code -> ``"skipped"``, ``"refused"``, ``"user_missing"`` or ``"not_asked"``.
    items : sequence of str, optional
        The items concerned; all by default.

    Returns
    -------
    Responses
        A new table with one ledger entry more.

    Raises
    ------
    DataError
        For a reason that does not exist.
    """
    frame, changed = responses.frame, 0
    reasons = {item: responses.reason(item).copy() for item in responses.items}
    for item in items if items is not None else responses.items:
        for code, reason in codes.items():
            if reason not in _REASONS:
                raise DataError(choices("Missing reason", reason, _REASONS))
            hit = (frame[item] == code).fillna(False).to_numpy(dtype=bool)  # noqa: FBT003
            if hit.any():
                frame[item] = frame[item].mask(hit)
                reasons[item][hit] = _REASONS[reason]
                changed += int(hit.sum())
    words = ", ".join(f"{code:g} = {reason}" for code, reason in codes.items())
    return _rebuilt(
        responses, frame, reasons, "scales.declare_missing", f"{changed} cells were missing codes ({words})."
    )


def shift_codes(responses: Responses, items: Sequence[str], *, by: float) -> Responses:
    """Add a constant to the answers of some items, as where 0 to 4 stands for 1 to 5.

    Parameters
    ----------
    responses : Responses
        The table.
    items : sequence of str
        The items concerned.
    by : float
        What to add.

    Returns
    -------
    Responses
        A new table with one ledger entry more.
    """
    frame = responses.frame
    for item in items:
        frame[item] = responses.column(item) + by
    reasons = {item: responses.reason(item) for item in responses.items}
    what = f"{by:+g} was added to every answer of {counted(len(items), 'item')} ({', '.join(items)})."
    return _rebuilt(responses, frame, reasons, "scales.shift_codes", what)


def _rebuilt(responses: Responses, frame: object, reasons: Mapping[str, np.ndarray], step: str, what: str) -> Responses:
    n = len(responses)
    return Responses.from_frame(
        frame,  # type: ignore[arg-type]
        items=responses.items,
        factors=responses.factors,
        clusters=responses.clusters,
        covariates=responses.covariates,
        reasons=reasons,
        already_reversed=responses.already_reversed,
        fielded=responses.fielded,
        ledger=responses.ledger.add(LedgerEntry(step=step, what=what, n_before=n, n_after=n)),
        design_hash=responses.design_hash,
        provenance=responses.provenance,
    )
