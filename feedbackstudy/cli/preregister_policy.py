"""`feedbackstudy preregister` of a policy plan."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session

if TYPE_CHECKING:
    from feedbackstudy.policy.declared import PolicyPlan

__all__ = ["plan_at", "preregister_plan"]

_LEDGER = "looks.ledger"


def plan_at(path: Path) -> Path | None:
    """Return the file of the policy plan that a path names.

    Parameters
    ----------
    path : Path
        A folder or a YAML file.

    Returns
    -------
    Path or None
        The file; None where the path names a study, or nothing.
    """
    if path.is_dir():
        plan = path / "plan.yaml"
        return plan if plan.is_file() and not (path / "study.yaml").is_file() else None
    if not path.is_file():
        return None
    from feedbackstudy.yamlfile import read

    data = read(path).data
    return path if isinstance(data, dict) and {"treatment", "window", "columns"} <= set(data) else None


def preregister_plan(plan_file: Path, given: argparse.Namespace, session: Session, *, answers: dict[str, str]) -> int:
    """Fill the form from a policy plan, or compare with what was registered.

    Parameters
    ----------
    plan_file : Path
        The plan.
    given : Namespace
        The arguments of `feedbackstudy preregister`.
    session : Session
        Where to speak.
    answers : dict of str to str
        Key of a gap -> its text.

    Returns
    -------
    int
        An exit code.
    """
    from feedbackstudy.errors import InputError
    from feedbackstudy.policy.declared import PolicyPlan
    from feedbackstudy.report.policy_registration import policy_registration

    plan, ledger = PolicyPlan.load(plan_file), plan_file.parent / _LEDGER
    if given.data or given.commitment:
        raise InputError(
            "--data and --commitment belong to a study. Whether a policy plan met data is told by looks.ledger beside "
            "it, where 'policy compress' and 'policy run' write."
        )
    if given.against is not None:
        return _compare(given.against, plan, ledger, session)
    made = policy_registration(plan, given.form, answers=answers)
    files = made.write(given.out, ledger=ledger) if given.out is not None else ()
    if session.as_json:
        items = [{"key": i.key, "title": i.title, "text": i.text, "gap": i.is_gap} for i in made.items]
        session.give({"design_hash": plan.design_hash, "items": items, "files": files})
    elif files:
        session.show("\n".join(map(str, files)))
    else:
        session.show(made.text())
    for item in made.gaps:
        session.say(f"To fill in ({item.key}): {item.asks}")
    if files:
        session.say(f"Written into {ledger}: from now on a changed plan needs a reason. Keep it with the plan.")
    return Exit.FINDINGS if made.gaps else Exit.FINE


def _compare(registered: Path, plan: "PolicyPlan", ledger: Path, session: Session) -> int:
    from feedbackstudy.policy.look_ledger import read_ledger
    from feedbackstudy.report.policy_registration import policy_amendments

    found = policy_amendments(registered, plan, ledger=read_ledger(ledger))
    if session.as_json:
        changes = [{"where": w, "registered": a, "now": b} for w, a, b in found.changes]
        session.give({"status": found.status, "why": found.standing.why, "changes": changes})
    else:
        session.show(found)
    return Exit.FINDINGS if found.changes else Exit.FINE
