"""Whether the hypotheses of a run may be called confirmatory: the plan against its registration and the data."""

from pathlib import Path

from feedbackstudy.analysis.estimate import Status
from feedbackstudy.analysis.run_findings import amended_since
from feedbackstudy.collect.registration import read_registration
from feedbackstudy.collect.standing import AFTER, AS_REGISTERED, BEFORE, LATE, NOT_REGISTERED, UNTOLD, standing
from feedbackstudy.frames import Scores
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.study import Study

__all__ = ["plan_status"]

_STATUS: dict[str, Status] = {AFTER: "amended", UNTOLD: "amended, when unknown", LATE: "registered after data"}
_CODES = {
    AFTER: ("analysis.amended", Severity.WARNING),
    UNTOLD: ("analysis.amended_unknown", Severity.WARNING),
    LATE: ("analysis.registered_after_data", Severity.WARNING),
    BEFORE: ("analysis.amended_before_data", Severity.NOTE),
    AS_REGISTERED: ("analysis.registration_not_shown", Severity.NOTE),
    NOT_REGISTERED: ("analysis.not_registered", Severity.WARNING),
}
_WHY = "Only what was fixed before there were data is confirmed by them."
_FIX = {
    AFTER: "Analyse with the study as it was, or say in the report what was changed, when and why.",
    UNTOLD: "Say in the report what was changed, when and why; a registration of the amended plan from before the data "
    "would show it.",
    LATE: "Report the hypotheses as exploratory, or say why the data cannot have had a part in the plan.",
    BEFORE: "Nothing to do; name both registrations in the report.",
    AS_REGISTERED: "Export the times of answers, and keep the history of the study beside it.",
    NOT_REGISTERED: "Give the record as registered=, or say in the report that nothing was registered.",
}


def plan_status(scores: Scores, study: Study, registered: str | Path | None) -> tuple[Status, tuple[Issue, ...]]:
    """Say what becomes of the roles of hypotheses, and why.

    Parameters
    ----------
    scores : Scores
        The scores.
    study : Study
        The study they are analysed with.
    registered : str, Path or None
        The record of the registration; what the history beside the study knows where it is not given.

    Returns
    -------
    tuple of (Status, tuple of Issue)
        The status of every hypothesis, empty where each keeps its declared role; and what must be read about it.
    """
    if scores.design_hash and scores.design_hash != study.design_hash:
        return "amended", (amended_since(scores, study),)
    made = scores.provenance
    if registered is None and made.simulated and made.answered_since is None:
        return "", ()
    found = standing(
        study,
        registered=None if registered is None else read_registration(registered),
        data=made,
        design_hash=scores.design_hash,
    )
    told = not found.shown or found.status != AS_REGISTERED
    if found.status == NOT_REGISTERED:
        told = made.answered_since is not None and any(h.confirmatory for h in study.hypotheses)
    return _STATUS.get(found.status, ""), (_issue(found.status, found.why),) if told else ()


def _issue(status: str, why: str) -> Issue:
    code, severity = _CODES[status]
    what = f"The plan is {status}. {why}" if status != NOT_REGISTERED else f"{why} Roles are those that are declared."
    return Issue(code=code, severity=severity, where="study", what=what, why=_WHY, fix=_FIX[status])
