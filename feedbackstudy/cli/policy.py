"""`feedbackstudy policy`: check a table of applications, reduce it, look as planned, report, adverse impact."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session

if TYPE_CHECKING:
    from feedbackstudy.issues import Issues
    from feedbackstudy.policy.declared import PolicyPlan
    from feedbackstudy.policy.spillover import Movers
    from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["add", "run"]

_HELP = "test what a change of policy changed: tables of applications, looks, reports"
_LEDGER = "looks.ledger"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> list[argparse.ArgumentParser]:
    """Add the commands.

    Parameters
    ----------
    commands : subparsers action
        Where commands are registered.

    Returns
    -------
    list of ArgumentParser
        The parsers added.
    """
    group = commands.add_parser("policy", help=_HELP, description=f"{_HELP.capitalize()}.", allow_abbrev=False)
    verbs = group.add_subparsers(title="verbs", metavar="VERB", required=True)
    check = _verb(verbs, "check", "check a plan, and a table of applications against it", _check)
    _plan_of(check)
    check.add_argument("--table", type=Path, metavar="FILE", help="Parquet (file or folder), CSV or TSV")
    compress = _verb(
        verbs, "compress", "reduce a table to sufficient statistics, in a folder marked restricted", _compress
    )
    _plan_of(compress)
    compress.add_argument("--table", type=Path, metavar="FILE", required=True, help="Parquet, CSV or TSV")
    compress.add_argument("--out", type=Path, metavar="DIR", required=True, help="the folder to make")
    compress.add_argument("--simulated", action="store_true", help="say in the statistics that the rows were invented")
    looking = _verb(verbs, "run", "take one of the planned looks and show disclosed results", run)
    report = _verb(verbs, "report", "take one of the planned looks and write page, memo and numbers", run)
    for sub in (looking, report):
        _plan_of(sub)
        given = sub.add_mutually_exclusive_group(required=True)
        given.add_argument("--table", type=Path, metavar="FILE", help="Parquet, CSV or TSV")
        given.add_argument("--stats", type=Path, metavar="DIR", help="statistics of 'policy compress'")
        sub.add_argument("--look", type=int, metavar="N", required=True, help="number of the look, counted from 1")
        sub.add_argument("--amend", metavar="REASON", help="why the plan differs from that of the last look")
        sub.add_argument("--out", type=Path, metavar="DIR", required=sub is report, help="folder for the report")
        sub.add_argument("--simulated", action="store_true", help="say on every page that the rows were invented")
    impact = _verb(verbs, "adverse-impact", "compare selection rates: GROUP=SELECTED/TOTAL ...", _impact)
    impact.add_argument("groups", nargs="+", metavar="GROUP=SELECTED/TOTAL", help="such as women=2/10 men=15/25")
    impact.add_argument("--reference", metavar="GROUP", help="the group to compare with; the highest rate by default")
    impact.add_argument("--test", default="mid_p", metavar="NAME", help="the test that decides; mid_p by default")
    return [check, compress, looking, report, impact]


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, words: str, run_it: object
) -> argparse.ArgumentParser:
    sub = verbs.add_parser(name, help=words, description=f"{words.capitalize()}.", allow_abbrev=False)
    sub.add_argument("--json", action="store_true", help="print JSON")
    sub.set_defaults(run=run_it)
    return sub


def _plan_of(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("plan", type=Path, metavar="PLAN", help="the YAML file, or the folder that holds plan.yaml")


def _loaded(given: argparse.Namespace) -> "tuple[PolicyPlan, Path]":
    from feedbackstudy.policy.declared import PolicyPlan

    path: Path = given.plan / "plan.yaml" if given.plan.is_dir() else given.plan
    return PolicyPlan.load(path), path.parent


def _check(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.issues import Issues
    from feedbackstudy.policy.applications import ApplicationTable

    plan, _ = _loaded(given)
    issues = Issues() if given.table is None else ApplicationTable(given.table).check(plan)
    if session.as_json:
        session.give({"title": plan.title, "digest": plan.digest(), "issues": [issue.to_dict() for issue in issues]})
    else:
        session.show(issues)
        session.say(f"Plan {plan.digest()[:16]}: {plan.title}")
    return _code(issues)


def _code(issues: "Issues") -> int:
    if issues.errors:
        return Exit.BAD_INPUT
    return Exit.FINDINGS if issues.warnings else Exit.FINE


def _compress(given: argparse.Namespace, session: Session) -> int:
    from dataclasses import replace

    from feedbackstudy.policy.applications import ApplicationTable, compress
    from feedbackstudy.policy.look_ledger import note_statistics

    plan, beside = _loaded(given)
    stats = compress(ApplicationTable(given.table, simulated=given.simulated), plan)
    stats = replace(stats, contacts={found.who: found.counts for found in _movers(given, plan)})
    folder = stats.save(given.out)
    note_statistics(beside / _LEDGER, stats)
    if session.as_json:
        session.give({"folder": folder, "plan": plan.design_hash, "rows_left_out": dict(stats.rows)})
    else:
        session.show(stats)
        session.say(f"Written to {folder}; keep it where the applications themselves may be kept.")
    return Exit.FINE


def run(given: argparse.Namespace, session: Session) -> int:
    """Take a look, and show or write what may be shown.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        An exit code.
    """
    from feedbackstudy.errors import InputError
    from feedbackstudy.policy.assembling import assemble
    from feedbackstudy.policy.looks import plan_look, take_look

    plan, folder = _loaded(given)
    stats, issues = _seen(given, plan)
    if given.out is not None and given.out.exists():
        raise InputError(f"{given.out} exists; nothing is overwritten, and no look was taken. Name another folder.")
    # Nothing is spent by a look that fails: it is written down after estimating, and before anything is shown.
    look = plan_look(folder / _LEDGER, stats, given.look, amend=given.amend)
    results = assemble(stats, look=look, movers=_movers(given, plan))
    take_look(folder / _LEDGER, stats, look, amend=given.amend)
    files = _written(given.out, results, issues) if given.out is not None else {}
    if session.as_json:
        parts = [{"title": part.title, "rows": _rows(part.frame())} for part in results.parts]
        head = {"look": look.number, "level": look.level, "registered": look.registered, "amended": look.amended}
        session.give(head | {"tuned": dict(look.tuned), "action": results.action, "parts": parts, "files": files})
    elif files:
        for path in files.values():
            session.show(path)
    else:
        session.show(results)
    if not look.registered:
        session.say("The plan was not registered before the data; 'feedbackstudy preregister' does that.")
    return Exit.FINE


def _seen(given: argparse.Namespace, plan: "PolicyPlan") -> "tuple[SufficientStats, Issues]":
    """Return the statistics of a look, from a table or as they were saved, and what a check found."""
    from dataclasses import replace

    from feedbackstudy.errors import InputError
    from feedbackstudy.policy.applications import ApplicationTable, compress
    from feedbackstudy.policy.started import delivery_as_declared
    from feedbackstudy.policy.sufficient import SufficientStats

    if given.stats is None:
        table = ApplicationTable(given.table, simulated=given.simulated)
        return compress(table, plan), table.check(plan)
    stats = SufficientStats.load(given.stats)
    if stats.plan.design_hash != plan.design_hash:
        raise InputError(
            f"{given.stats} was made for plan {stats.plan.design_hash[:16]}, not for {plan.design_hash[:16]} "
            f"({given.plan}). Make the statistics again for this plan."
        )
    if given.simulated:
        stats = replace(stats, provenance=replace(stats.provenance, simulated=True))
    return stats, delivery_as_declared(stats)


def _movers(given: argparse.Namespace, plan: "PolicyPlan") -> "tuple[Movers, ...]":
    """Count candidates who are seen on both sides of a roll-out, where the table is given; statistics hold them."""
    from feedbackstudy.policy.applications import ApplicationTable
    from feedbackstudy.policy.contacts import movers_of

    if getattr(given, "stats", None) is not None or plan.rollout is None or plan.columns.candidate is None:
        return ()
    return (movers_of(ApplicationTable(given.table, simulated=given.simulated), plan),)


def _rows(frame: "object") -> list[dict[str, object]]:
    import json

    rows: list[dict[str, object]] = json.loads(frame.to_json(orient="records"))  # type: ignore[attr-defined]
    return rows


def _written(folder: Path, results: "object", issues: "Issues") -> dict[str, str]:
    from feedbackstudy.report.policy_report import PolicyReport

    report = PolicyReport(results=results, issues=issues)  # type: ignore[arg-type]
    made = {
        "page": report.html(folder / "report.html"),
        "memo": report.memo(folder / "memo.docx"),
        "numbers": report.csv(folder / "numbers.csv"),
    }
    return {name: str(path) for name, path in made.items()}


def _impact(given: argparse.Namespace, session: Session) -> int:
    import re

    from feedbackstudy.errors import InputError
    from feedbackstudy.policy.adverse_impact import adverse_impact

    selected, total = {}, {}
    for text in given.groups:
        found = re.fullmatch(r"(.+)=(\d+)/(\d+)", text)
        if found is None or found[1] in total:
            raise InputError(f"{text!r} is not GROUP=SELECTED/TOTAL with a group of its own, such as women=2/10.")
        selected[found[1]], total[found[1]] = int(found[2]), int(found[3])
    result = adverse_impact(selected=selected, total=total, reference=given.reference, test=given.test)
    if session.as_json:
        session.give({"reference": result.reference, "test": result.test, "groups": _rows(result.frame())})
    else:
        session.show(result)
        session.say("These numbers have passed no disclosure rule; keep small groups to yourself.")
    return Exit.FINE
