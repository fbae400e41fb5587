"""Who applied where and when: the counts by person, unit and period that spillover is judged by, from the table."""

from typing import Any

import pandas as pd

from feedbackstudy.errors import InputError
from feedbackstudy.policy.applications import ApplicationTable
from feedbackstudy.policy.applications.deriving import derived, wanted_of
from feedbackstudy.policy.applications.opening import Wanted, opened
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.spillover import Movers, movers

__all__ = ["contacts_of", "movers_of"]

type Frame = Any


def contacts_of(table: object, plan: PolicyPlan, who: str | None = None) -> pd.DataFrame:
    """Count applications by person, unit, period and treatment with one GROUP BY where the table lies.

    Parameters
    ----------
    table : ApplicationTable, Path, str, DuckDB relation or data frame
        The applications.
    plan : PolicyPlan
        Of a roll-out.
    who : str, optional
        Column of the people; that of candidates by default.

    Returns
    -------
    DataFrame
        The column `who`, ``unit, period, treated, n``, for `movers`; applications that count, of known people. It names
        people, so it stays inside.

    Raises
    ------
    InputError
        Where the plan is an experiment, or names no column of candidates.
    DataError
        For an absent column.
    """
    import narwhals as nw

    if plan.rollout is None:
        raise InputError("Contacts are counted between the units of a roll-out, and this plan is an experiment.")
    column = who or plan.columns.candidate
    if column is None:
        raise InputError("The plan names no column of candidates; give the column of the people as 'who'.")
    source, unit = ApplicationTable.of(table).source, plan.rollout.unit
    wanted = (*wanted_of(plan), Wanted("fs_who", (column,), "name"))
    frame: Frame = derived(opened(source, wanted, zone=plan.columns.zone), plan)
    kept = frame.filter(
        nw.col("fs_agreed") & nw.col("fs_counts") & nw.col("fs_inside") & ~nw.col("fs_washout"),
        ~nw.col("fs_who").is_null() & ~nw.col("treated").is_null(),
    )
    counts = kept.group_by("fs_who", unit, "period", "treated").agg(nw.len().alias("n"))
    if isinstance(counts, nw.LazyFrame):
        counts = counts.collect()
    found: pd.DataFrame = counts.to_pandas().rename(columns={"fs_who": column, unit: "unit"})
    return found.sort_values([column, "unit", "period"], ignore_index=True)


def movers_of(table: object, plan: PolicyPlan, who: str | None = None) -> Movers:
    """Count people of the table who meet the policy in one unit and are without it in another.

    Parameters
    ----------
    table : ApplicationTable, Path, str, DuckDB relation or data frame
        The applications.
    plan : PolicyPlan
        Of a roll-out.
    who : str, optional
        Column of the people; that of candidates by default.

    Returns
    -------
    Movers
        For `assemble`; no person is named.

    Raises
    ------
    InputError
        As `contacts_of`.
    """
    return movers(None, who or plan.columns.candidate or "", counts=contacts_of(table, plan, who))
