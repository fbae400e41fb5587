"""What is wrong with a table of applications, and what it means for the answers."""

from collections.abc import Iterator, Mapping

import pandas as pd

from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.policy.applications.checking import Looked
from feedbackstudy.policy.applications.deriving import RESPONDED, periods_of
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.started import delivery_metric, misfits

__all__ = ["problems"]


def problems(seen: Looked, plan: PolicyPlan) -> Issues:
    """Turn counts into findings.

    Parameters
    ----------
    seen : Looked
        The counts.
    plan : PolicyPlan
        The plan.

    Returns
    -------
    Issues
        Worst first.
    """
    return Issues(
        [*_rows(seen, plan), *_left_out(seen, plan), *_treatment(seen, plan), *_metrics(seen, plan), *_groups(seen)]
    )


def _error(code: str, where: str, what: str, why: str, fix: str, who: tuple[str, ...] = ()) -> Issue:
    return Issue(f"policy.{code}", Severity.ERROR, where, what, why, fix, who)


def _warning(code: str, where: str, what: str, why: str, fix: str, who: tuple[str, ...] = ()) -> Issue:
    return Issue(f"policy.{code}", Severity.WARNING, where, what, why, fix, who)


def _who(seen: Looked, *faults: str) -> tuple[str, ...]:
    """Return the applications that a finding names: their keys, which are record numbers, a few and in order."""
    return tuple(dict.fromkeys(key for fault in faults for key in seen.named.get(fault, ())))[:5]


def _rows(seen: Looked, plan: PolicyPlan) -> Iterator[Issue]:
    n, columns, decided = seen.counts, plan.columns, ", ".join(plan.columns.decided)
    unknown = {s: k for s, k in seen.statuses.items() if s not in columns.statuses}
    if unknown:
        yield _error("unknown_status", columns.status, f"The statuses {unknown} (rows of each) are none of "
                     f"{list(columns.statuses)}.", "Whether these were decided, and how, is unknown.",
                     "Say what each means under columns.statuses in the plan.",
                     _who(seen, "unknown_status"))  # fmt: skip
    if n["no_status"] and columns.null_status is None:
        yield _error("no_status", columns.status, f"{n['no_status']:,} rows have no status.",
                     "Whether these were decided, and how, is unknown.",
                     "Complete them, or say what a missing status means, as columns.null_status: active.",
                     _who(seen, "no_status"))  # fmt: skip
    doubled = n["rows"] - n["no_id"] - n["ids"] + (1 if n["no_id"] else 0)
    if doubled > 0:
        yield _error("duplicate_application", columns.application, f"{doubled:,} rows repeat an application's key.",
                     "An application that counts twice makes every interval too short.",
                     "Keep one row an application; several interviews or mails belong into columns.",
                     _who(seen, "doubled"))  # fmt: skip
    if n["no_id"] or n["no_applied"]:
        yield _error("no_key", f"{columns.application}, {columns.applied_at}", f"{n['no_id']:,} rows have no key and "
                     f"{n['no_applied']:,} no time of application.", "They can be neither counted nor ordered.",
                     "Complete them, or take them out before and say so.", _who(seen, "no_applied"))  # fmt: skip
    if n["early"]:
        yield _error("decided_before_applied", decided, f"{n['early']:,} applications were decided before "
                     "they were made.", "The order of times is what assigns them to the policy.",
                     "Look for swapped columns, time zones and imported records.", _who(seen, "early"))  # fmt: skip
    yield from _times(seen, plan)
    if any(not keys for keys in seen.named.values()):
        yield Issue("policy.keys_not_shown", Severity.NOTE, columns.application, "Some findings do not say which "
                    "applications they are about: a key that is no record number may name somebody.",
                    "Findings are read by others.", "Name a column of record numbers as columns.application, or look "
                    "for the rows in the table by what each finding says.")  # fmt: skip


def _times(seen: Looked, plan: PolicyPlan) -> Iterator[Issue]:
    n, columns, decided = seen.counts, plan.columns, ", ".join(plan.columns.decided)
    if n["undated"]:
        yield _error("undated_decision", decided, f"{n['undated']:,} applications are rejected or hired and "
                     "have no time of decision.", "They belong to no period and would silently go missing.",
                     "Complete the times; where hires have a column of their own, name both under "
                     "columns.decided_from (platform: greenhouse does).", _who(seen, "undated"))  # fmt: skip
    if n["future"]:
        yield _error("after_data_end", decided, f"{n['future']:,} decisions lie after {plan.window.data_end}"
                     ", the end of the data.", "Outcome windows are cut off by that day.",
                     "Correct window.data_end in the plan, or the table.", _who(seen, "future"))  # fmt: skip
    if n.get("early_delivery"):
        yield _warning("delivered_before_decided", columns.delivered_at or "", f"{n['early_delivery']:,} messages were "
                       "sent before the decision they are about.", "They count as delivered in time.",
                       "Look whether another message was joined.", _who(seen, "early_delivery"))  # fmt: skip
    for name in plan.clusterings:
        if n[f"null:{name}"]:
            yield _error("no_cluster", name, f"{n[f'null:{name}']:,} applications name no {name}.",
                         "Without it nobody knows which applications belong together.",
                         "Complete the column, or take it out of the plan's clusters.",
                         _who(seen, f"null:{name}"))  # fmt: skip


def _left_out(seen: Looked, plan: PolicyPlan) -> Iterator[Issue]:
    n = seen.counts
    if n["kept"] == 0:
        yield _error(
            "nothing_counts",
            "the table",
            f"None of {n['rows']:,} rows counts: {seen.left_out()}.",
            "There is nothing to analyse.",
            "Look at window, statuses and consent values.",
        )
    if n.get("silent"):
        yield _warning("missing_consent", plan.columns.consent or "", f"{n['silent']:,} rows do not say whether they "
                       "may be analysed; they are left out.", "Silence is no consent, and who is silent may differ.",
                       "Ask for the record, or say in the plan which values mean yes.",
                       _who(seen, "silent"))  # fmt: skip
    for reason, count in seen.left_out().items():
        yield Issue("policy.left_out", Severity.NOTE, "the table", f"{count:,} of {n['rows']:,} rows: {reason}.",
                    "Results are about the other rows.", "Nothing; it is part of every report.")  # fmt: skip


def _treatment(seen: Looked, plan: PolicyPlan) -> Iterator[Issue]:
    n, groups, where = seen.counts, seen.groups, plan.unit or "treatment"
    if n["no_arm"]:
        what = "codes of no arm" if plan.experiment is not None else "units for which the plan has no start"
        yield _error("unknown_arm", where, f"{n['no_arm']:,} applications have {what}.",
                     "Whether the policy held for them is unknown.", "Add them to the plan's treatment.",
                     _who(seen, "no_arm"))  # fmt: skip
    known = groups[~groups["arm"].isna()]
    arms = set(known["arm"])
    quiet = plan.experiment.control if plan.experiment is not None else "before"
    if len(known) and arms == {quiet}:
        yield _error("nobody_treated", where, "No application that counts came under the policy.",
                     "There is nothing to compare.", "Look at start dates, codes of arms and the window.")  # fmt: skip
    elif len(known) and quiet not in arms:
        yield _error(
            "everyone_treated",
            where,
            "Every application that counts came under the policy.",
            "There is nothing to compare it with.",
            "Let the window begin earlier.",
        )
    if plan.unit is not None and len(known):
        yield from _units(known, plan)
    yield from _gaps(seen, plan)
    of = delivery_metric(plan)
    if of is not None:
        yield from misfits(known.rename(columns={f"v:{of.name}": "n", "n": "rows", "delivered": "yes"}), plan)


def _gaps(seen: Looked, plan: PolicyPlan) -> Iterator[Issue]:
    """Name periods without applications: a roll-out cannot do without one between others, an experiment can."""
    groups, begins, where = seen.groups, periods_of(plan), ", ".join(plan.columns.decided)
    counts = groups.drop(columns=["unit", "arm"], errors="ignore").groupby("period").sum() if len(groups) else groups
    present = set(counts.index[counts["n"] > 0].astype(int)) if len(groups) else set()
    empty = [p for p in begins if p not in present]
    inside = [p for p in empty if present and min(present) < p < max(present)]
    if empty and present and (plan.rollout is None or not inside):
        yield _warning("empty_period", where, "No decision counts in the periods that begin on "
                       f"{_days(empty, begins)}.", "A gap in time looks like a change.",
                       "Look whether an export is missing; the other periods are analysed as they are.")  # fmt: skip
    elif inside:
        yield _error("empty_period", where, f"No decision counts in the periods that begin on {_days(inside, begins)}.",
                     "A roll-out is followed from period to period, and a gap looks like a change.",
                     "Complete the table, or shorten the window of the plan.")  # fmt: skip
    if plan.rollout is None or inside:
        return
    for metric in plan.metrics:
        own = set(counts.index[counts[f"v:{metric.name}"] > 0].astype(int)) if len(groups) else set()
        gaps = [p for p in begins if own and p not in own and min(own) < p < max(own)]
        if gaps:
            yield _error("empty_period", metric.column, f"{metric.name!r} is known of nobody in the periods that begin "
                         f"on {_days(gaps, begins)}.", "A roll-out is followed from period to period.",
                         "Complete the column, shorten the window, or take the metric out.")  # fmt: skip


def _days(periods: list[int], begins: Mapping[int, float]) -> str:
    return ", ".join(pd.to_datetime([begins[p] for p in periods[:12]], unit="us").strftime("%Y-%m-%d"))


def _units(known: pd.DataFrame, plan: PolicyPlan) -> Iterator[Issue]:
    unit, count = str(plan.unit), known["unit"].nunique()
    if count < 2:
        alone = plan.rollout is not None and len(plan.rollout.start) == 1
        make, name = (_warning if alone else _error), known["unit"].iloc[0]
        fix = (
            f"'policy run' reads it as an interrupted time series, as policy.interrupted(stats, {str(name)!r}) does."
            if alone
            else "Plan more units; or declare a roll-out of this unit alone, for policy.interrupted."
        )
        yield make("one_cluster", unit, f"All applications come from one {unit}: {name}.",
                   "One cluster says nothing about how clusters differ.", fix)  # fmt: skip
    if plan.experiment is not None:
        per = known.groupby("unit")["arm"].nunique()
        moved = sorted(map(str, per[per > 1].index))
        if moved:
            yield _error("changed_arm", unit, f"{len(moved)} of {count} units appear in more than one arm: "
                         f"{', '.join(moved[:5])}.", "A unit that changes arm was not assigned as the plan says.",
                         "Analyse by the arm that was drawn; a change over time is a roll-out.")  # fmt: skip
        single = sorted(str(arm) for arm, n in known.groupby("arm")["unit"].nunique().items() if n == 1)
        if single and count > 1:
            make = _error if len(single) == known["arm"].nunique() else _warning
            yield make("one_cluster_in_arm", unit, f"One {unit} alone makes up {_and(single)}.",
                       "How its units differ is then unknown.", "Assign two units to each at least.")  # fmt: skip
    elif plan.rollout is not None:
        absent = sorted(set(plan.rollout.start) - set(known["unit"].astype(str)))
        if absent:
            yield _warning("absent_unit", unit, f"Units of the plan without an application: {', '.join(absent[:8])}.",
                           "Draws of the roll-out are over the units that are there.",
                           "Look for misspelt names, or take them out of the plan.")  # fmt: skip


def _metrics(seen: Looked, plan: PolicyPlan) -> Iterator[Issue]:
    n = seen.counts
    present = {metric.column for metric in plan.metrics}
    for metric in plan.metrics:
        strange = n.get(f"strange:{metric.name}", 0)
        if strange:
            allowed = {"proportion": "0 or 1", "nps": "0 to 10"}.get(metric.kind, str(list(metric.categories)))
            yield _error("strange_value", metric.column, f"{strange:,} values of {metric.name!r} are not {allowed}.",
                         "A code for a missing answer would be averaged.", "Set such codes to missing.",
                         _who(seen, f"strange:{metric.name}"))  # fmt: skip
        below = n.get(f"negative:{metric.name}", 0) + n.get(f"negative_per:{metric.name}", 0)
        if below:
            excuse = ", or say 'may_be_negative: true' in the metric" if metric.kind in {"mean", "ratio"} else ""
            yield _error("negative_value", metric.column, f"{below:,} values of {metric.name!r} are below 0.",
                         "Costs, durations and denominators are not negative.", "Look for corrections booked as rows "
                         f"and for events before the decision{excuse}.",
                         _who(seen, f"negative:{metric.name}", f"negative_per:{metric.name}"))  # fmt: skip
        if n.get(f"values:{metric.name}") == 0:
            yield _error(
                "no_values",
                metric.column,
                f"No application that counts has a value of {metric.name!r} within its window.",
                "There is nothing to estimate.",
                f"Wait until its window has passed ({plan.window.data_end}), or shorten it.",
            )
        censored = n.get(f"censored:{metric.name}", 0)
        if censored and censored == n["kept"]:
            yield _error("window_past_data", metric.column, f"The window of {metric.within_days} days of "
                         f"{metric.name!r} reaches past {plan.window.data_end} for every application.",
                         "Not one outcome is known yet.", "Wait, or shorten within_days.")  # fmt: skip
        elif censored:
            yield _warning("window_past_data", metric.column, f"{censored:,} of {n['kept']:,} applications are left "
                           f"out of {metric.name!r}: {metric.within_days} days after their decision lie past "
                           f"{plan.window.data_end}.", "Late decisions are missing, and late is mostly treated.",
                           "Let the window's last day end earlier, or wait.")  # fmt: skip
        if metric.responders_only and f"{RESPONDED}{metric.column}" not in present:
            yield _warning("response_rate", metric.column, f"{metric.name!r} is known of responders only, and no "
                           f"metric has the column '{RESPONDED}{metric.column}'.",
                           "The policy may change who answers.",
                           "Add that metric as co_primary; bounds need it.")  # fmt: skip


def _groups(seen: Looked) -> Iterator[Issue]:
    for column, levels in seen.levels.items():
        alone = sorted(level for level, n in levels.items() if n == 1)
        if alone:
            yield _warning("group_of_one", column, f"{_number(len(alone), 'group')} a single application.",
                           "A rate of one person is that person, and has no interval worth the name.",
                           "Merge groups as your rules say; disclosure hides them in any case.")  # fmt: skip


def _number(count: int, noun: str) -> str:
    return f"1 {noun} holds" if count == 1 else f"{count:,} {noun}s hold"


def _and(names: list[str]) -> str:
    return f"arm {names[0]!r}" if len(names) == 1 else "each of the arms " + ", ".join(map(repr, names))
