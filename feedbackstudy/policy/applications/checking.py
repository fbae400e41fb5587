"""What can be wrong with a table of applications, counted where the table lies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.policy.applications.deriving import NOT_STATED, RESPONDED, counts_for, moments, periods_of
from feedbackstudy.policy.declared import Metric, PolicyPlan

__all__ = ["Looked", "looked", "problems"]

type Frame = Any

_REASONS = {
    "disagreed": "no consent",
    "open": "no decision by the employer yet",
    "outside": "decided outside the window",
    "washout": "washout after the change-over",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looked:
    """Counts of one look over a table.

    Attributes
    ----------
    counts : mapping of str to int
        What was counted.
    statuses : mapping of str to int
        Status as written -> rows.
    groups : DataFrame
        Rows that count, by ``unit`` (where assigned), ``period`` and ``arm``.
    levels : mapping of str to mapping
        Column of equity groups -> level -> rows that count.
    named : tuple of str
        Up to five applications decided before they were made.
    """

    counts: Mapping[str, int]
    statuses: Mapping[str, int]
    groups: pd.DataFrame
    levels: Mapping[str, Mapping[str, int]]
    named: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.counts["rows"]

    @property
    def kept(self) -> int:
        """Rows that count."""
        return self.counts["kept"]

    def left_out(self) -> dict[str, int]:
        """Return the rows left out by the first reason that applies to each.

        Returns
        -------
        dict
            Reason -> rows; rows of a metric whose window has not passed stay, and are counted under its name.
        """
        found = {words: self.counts[key] for key, words in _REASONS.items()}
        censored = {
            f"{key.partition(':')[2]}: outcome window past the data's end": n
            for key, n in self.counts.items()
            if key.startswith("censored:")
        }
        return {reason: n for reason, n in (found | censored).items() if n}


def looked(frame: Frame, plan: PolicyPlan) -> Looked:
    """Count everything that a check asks about.

    Parameters
    ----------
    frame : Narwhals frame
        As derived.
    plan : PolicyPlan
        The plan.

    Returns
    -------
    Looked
        Counts.

    Raises
    ------
    DataError
        Where a column cannot be read as what it is used as.
    """
    import narwhals as nw

    kept = nw.col("fs_agreed") & nw.col("fs_counts") & nw.col("fs_inside") & ~nw.col("fs_washout")
    frame = frame.with_columns(kept.alias("fs_kept"))
    try:
        counts = _here(frame.select(*_asks(plan)))
        statuses = _here(frame.group_by("fs_status").agg(nw.len().alias("n")))
        groups = _here(_grouped(frame.filter(nw.col("fs_kept")), plan))
        levels = {
            column: _here(frame.filter(nw.col("fs_kept")).group_by(column).agg(nw.len().alias("n")))
            for column in plan.equity_groups
        }
        early = nw.col("fs_decided") < nw.col("fs_applied")
        named = _here(frame.filter(early.fill_null(value=False)).select("fs_id").head(5))
    except Exception as fault:  # each engine has errors of its own for a value it cannot convert
        if isinstance(fault, DataError):
            raise
        raise DataError(f"The table cannot be read as the plan's columns say: {str(fault).splitlines()[0]}") from fault
    row = counts.iloc[0]
    return Looked(
        counts={str(name): 0 if pd.isna(row[name]) else int(row[name]) for name in counts.columns},
        statuses={_text(s): int(n) for s, n in zip(statuses["fs_status"], statuses["n"], strict=True)},
        groups=groups,
        levels={c: {_text(v): int(n) for v, n in zip(f[c], f["n"], strict=True)} for c, f in levels.items()},
        named=tuple(sorted(map(str, named["fs_id"]))),
    )


def _text(value: object) -> str:
    return NOT_STATED if value is None or value != value else str(value)


def _here(frame: Frame) -> pd.DataFrame:
    import narwhals as nw

    if isinstance(frame, nw.LazyFrame):
        polars = frame.implementation.is_polars()
        frame = frame.collect() if polars else frame.collect(backend="pandas")
    found: pd.DataFrame = frame.to_pandas()
    return found


def _grouped(kept: Frame, plan: PolicyPlan) -> Frame:
    import narwhals as nw

    keys = [nw.col(plan.unit).alias("unit")] if plan.unit is not None else []
    selected = kept.select(*keys, "period", "arm")
    return selected.group_by(*[*(["unit"] if keys else []), "period", "arm"]).agg(nw.len().alias("n"))


def _asks(plan: PolicyPlan) -> Iterator[Any]:
    """Yield every count, all of which the engine answers in one pass."""
    import narwhals as nw

    def count(truth: Any) -> Any:  # noqa: ANN401
        return truth.fill_null(value=False).cast(nw.Int64).sum()

    c = nw.col
    yield nw.len().alias("rows")
    yield c("fs_id").n_unique().alias("ids")
    yield count(c("fs_id").is_null()).alias("no_id")
    yield count(c("fs_applied").is_null()).alias("no_applied")
    yield count(c("fs_decided") < c("fs_applied")).alias("early")
    decided = c("fs_state").is_in(["rejected", "hired"])
    yield count(decided & c("fs_decided").is_null()).alias("undated")
    yield count(c("fs_decided") >= moments(plan)[2]).alias("future")
    yield count(c("fs_kept")).alias("kept")
    yield count(~c("fs_agreed")).alias("disagreed")
    if plan.columns.consent is not None:
        yield count(c("fs_consent").is_null()).alias("silent")
    agreed, counted = c("fs_agreed"), c("fs_counts")
    yield count(agreed & ~counted).alias("open")
    yield count(agreed & counted & ~c("fs_inside")).alias("outside")
    yield count(agreed & counted & c("fs_inside") & c("fs_washout")).alias("washout")
    yield count(c("fs_kept") & c("arm").is_null()).alias("no_arm")
    if plan.columns.delivered_at is not None:
        yield count(c("fs_kept") & (c("fs_delivered") < c("fs_decided"))).alias("early_delivery")
    for name in plan.clusterings:
        yield count(c("fs_kept") & c(name).is_null()).alias(f"null:{name}")
    for metric in plan.metrics:
        yield from _asks_of(metric, plan, count)


def _asks_of(metric: Metric, plan: PolicyPlan, count: Any) -> Iterator[Any]:  # noqa: ANN401
    import narwhals as nw

    c, kept = nw.col, nw.col("fs_kept")
    if metric.within_days is not None:
        late = c("fs_when") + metric.within_days * 86_400_000_000.0 > moments(plan)[2]
        yield count(kept & late).alias(f"censored:{metric.name}")
    if metric.column.startswith("@"):
        return
    value = c(f"x_{metric.name}")
    fits = kept & counts_for(metric, plan) & ~value.is_null()
    yield count(fits).alias(f"values:{metric.name}")
    if metric.kind == "proportion":
        yield count(fits & (value != 0.0) & (value != 1.0)).alias(f"strange:{metric.name}")
    if metric.kind == "nps":
        yield count(fits & ((value < 0) | (value > 10) | (value != value.round(0)))).alias(f"strange:{metric.name}")
    if metric.kind == "ordinal":
        yield count(fits & ~value.is_in(list(metric.categories))).alias(f"strange:{metric.name}")
    if metric.kind == "time_to_event":
        yield count(fits & (value < c("fs_when"))).alias(f"negative:{metric.name}")
    if metric.kind in {"mean", "ratio"}:
        yield count(fits & (value < 0)).alias(f"negative:{metric.name}")
    if metric.per is not None and not metric.per.startswith("@"):
        yield count(fits & (c(f"x_{metric.name}_per") < 0)).alias(f"negative_per:{metric.name}")


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


def _warning(code: str, where: str, what: str, why: str, fix: str) -> Issue:
    return Issue(f"policy.{code}", Severity.WARNING, where, what, why, fix)


def _rows(seen: Looked, plan: PolicyPlan) -> Iterator[Issue]:
    n, columns = seen.counts, plan.columns
    unknown = {s: k for s, k in seen.statuses.items() if s not in columns.statuses and s != NOT_STATED}
    if unknown:
        yield _error("unknown_status", columns.status, f"The statuses {unknown} (rows of each) are none of "
                     f"{list(columns.statuses)}.", "Whether these were decided, and how, is unknown.",
                     "Say what each means under columns.statuses in the plan.")  # fmt: skip
    doubled = n["rows"] - n["no_id"] - n["ids"] + (1 if n["no_id"] else 0)
    if doubled > 0:
        yield _error("duplicate_application", columns.application, f"{doubled:,} rows repeat an application's key.",
                     "An application that counts twice makes every interval too short.",
                     "Keep one row an application; several interviews or mails belong into columns.")  # fmt: skip
    if n["no_id"] or n["no_applied"]:
        yield _error("no_key", f"{columns.application}, {columns.applied_at}", f"{n['no_id']:,} rows have no key and "
                     f"{n['no_applied']:,} no time of application.", "They can be neither counted nor ordered.",
                     "Complete them, or take them out before and say so.")  # fmt: skip
    if n["early"]:
        yield _error("decided_before_applied", columns.decided_at, f"{n['early']:,} applications were decided before "
                     "they were made.", "The order of times is what assigns them to the policy.",
                     "Look for swapped columns, time zones and imported records.", seen.named)  # fmt: skip
    if n["undated"]:
        yield _error("undated_decision", columns.decided_at, f"{n['undated']:,} applications are rejected or hired and "
                     "have no time of decision.", "They belong to no period and would silently go missing.",
                     "Complete the times; with Greenhouse use ATSSchema.greenhouse().")  # fmt: skip
    if n["future"]:
        yield _error("after_data_end", columns.decided_at, f"{n['future']:,} decisions lie after {plan.window.data_end}"
                     ", the end of the data.", "Outcome windows are cut off by that day.",
                     "Correct window.data_end in the plan, or the table.")  # fmt: skip
    if n.get("early_delivery"):
        yield _warning("delivered_before_decided", columns.delivered_at or "", f"{n['early_delivery']:,} messages were "
                       "sent before the decision they are about.", "They count as delivered in time.",
                       "Look whether another message was joined.")  # fmt: skip
    for name in plan.clusterings:
        if n[f"null:{name}"]:
            yield _error("no_cluster", name, f"{n[f'null:{name}']:,} applications name no {name}.",
                         "Without it nobody knows which applications belong together.",
                         "Complete the column, or take it out of the plan's clusters.")  # fmt: skip


def _left_out(seen: Looked, plan: PolicyPlan) -> Iterator[Issue]:
    n = seen.counts
    if n["kept"] == 0:
        yield _error("nothing_counts", "the table", f"None of {n['rows']:,} rows counts: {seen.left_out()}.",
                     "There is nothing to analyse.", "Look at the window, the statuses and the consent values.")  # fmt: skip
    if n.get("silent"):
        yield _warning("missing_consent", plan.columns.consent or "", f"{n['silent']:,} rows do not say whether they "
                       "may be analysed; they are left out.", "Silence is no consent, and who is silent may differ.",
                       "Ask for the record, or say in the plan which values mean yes.")  # fmt: skip
    for reason, count in seen.left_out().items():
        yield Issue("policy.left_out", Severity.NOTE, "the table", f"{count:,} of {n['rows']:,} rows: {reason}.",
                    "Results are about the other rows.", "Nothing; it is part of every report.")  # fmt: skip


def _treatment(seen: Looked, plan: PolicyPlan) -> Iterator[Issue]:
    n, groups, where = seen.counts, seen.groups, plan.unit or "treatment"
    if n["no_arm"]:
        what = "codes of no arm" if plan.experiment is not None else "units for which the plan has no start"
        yield _error("unknown_arm", where, f"{n['no_arm']:,} applications have {what}.",
                     "Whether the policy held for them is unknown.", "Add them to the plan's treatment.")  # fmt: skip
    known = groups[~groups["arm"].isna()]
    arms = set(known["arm"])
    quiet = plan.experiment.control if plan.experiment is not None else "before"
    if len(known) and arms == {quiet}:
        yield _error("nobody_treated", where, "No application that counts came under the policy.",
                     "There is nothing to compare.", "Look at start dates, codes of arms and the window.")  # fmt: skip
    elif len(known) and quiet not in arms:
        yield _error("everyone_treated", where, "Every application that counts came under the policy.",
                     "There is nothing to compare it with.", "Let the window begin before the change-over.")  # fmt: skip
    if plan.unit is not None and len(known):
        yield from _units(known, plan)
    present = set(groups["period"].astype(int)) if len(groups) else set()
    empty = [p for p in periods_of(plan) if p not in present]
    if empty and present:
        days = pd.to_datetime([periods_of(plan)[p] for p in empty], unit="us").strftime("%Y-%m-%d")
        yield _warning("empty_period", plan.columns.decided_at, f"No decision counts in the periods that begin on "
                       f"{', '.join(days[:12])}.", "A gap in time looks like a change.",
                       "Look whether an export is missing; the gap itself is analysed as it is.")  # fmt: skip


def _units(known: pd.DataFrame, plan: PolicyPlan) -> Iterator[Issue]:
    unit, count = str(plan.unit), known["unit"].nunique()
    if count < 2:
        yield _error("one_cluster", unit, f"All applications come from one {unit}: {known['unit'].iloc[0]}.",
                     "One cluster says nothing about how clusters differ.",
                     "Use an interrupted time series (policy.its), or a plan with more units.")  # fmt: skip
    if plan.experiment is not None:
        per = known.groupby("unit")["arm"].nunique()
        moved = sorted(map(str, per[per > 1].index))
        if moved:
            yield _error("changed_arm", unit, f"{len(moved)} of {count} units appear in more than one arm: "
                         f"{', '.join(moved[:5])}.", "A unit that changes arm was not assigned as the plan says.",
                         "Analyse by the arm that was drawn; a change over time is a roll-out.")  # fmt: skip
    elif plan.rollout is not None:
        absent = sorted(set(plan.rollout.start) - set(known["unit"].astype(str)))
        if absent:
            yield _warning("absent_unit", unit, f"The plan names units without an application: {', '.join(absent[:8])}.",
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
                         "A code for a missing answer would be averaged.", "Set such codes to missing.")  # fmt: skip
        below = n.get(f"negative:{metric.name}", 0) + n.get(f"negative_per:{metric.name}", 0)
        if below and (metric.kind != "mean" or metric.direction == "decrease"):
            stop = metric.kind != "mean"
            make = _error if stop else _warning
            yield make("negative_value", metric.column, f"{below:,} values of {metric.name!r} are below 0.",
                       "Costs, durations and denominators are not negative.",
                       "Look for corrections booked as rows, and for events before the decision.")  # fmt: skip
        if n.get(f"values:{metric.name}") == 0:
            yield _error("no_values", metric.column, f"No application that counts has a value of {metric.name!r} "
                         "within its window.", "There is nothing to estimate.",
                         f"Wait until its window has passed (data end {plan.window.data_end}), or shorten it.")  # fmt: skip
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
            yield _warning("group_of_one", column, f"{len(alone)} groups hold a single application.",
                           "A rate of one person is that person, and has no interval worth the name.",
                           "Merge groups as your rules say; disclosure hides them in any case.")  # fmt: skip
