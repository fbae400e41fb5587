"""Who applied where and when: the counts by person, unit and period that spillover is judged by, from the table."""

from typing import Any

import pandas as pd

from feedbackstudy.errors import InputError
from feedbackstudy.policy.applications import ApplicationTable
from feedbackstudy.policy.applications.deriving import derived, wanted_of
from feedbackstudy.policy.applications.opening import Wanted, opened
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.spillover import Movers
from feedbackstudy.provenance import Provenance

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
    column, counts = _counts(table, plan, who)
    found: pd.DataFrame = _collected(counts).rename(columns={"fs_who": column, "fs_unit": "unit"})
    return found.sort_values([column, "unit", "period"], ignore_index=True)


def _counts(table: object, plan: PolicyPlan, who: str | None) -> tuple[str, Frame]:
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
    ).with_columns(nw.col(unit).alias("fs_unit"))
    return column, kept.group_by("fs_who", "fs_unit", "period", "treated").agg(nw.len().alias("n"))


def _collected(frame: Frame) -> pd.DataFrame:
    import narwhals as nw

    whole = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    found: pd.DataFrame = whole.to_pandas()
    return found


def movers_of(table: object, plan: PolicyPlan, who: str | None = None) -> Movers:
    """Count people of the table who meet the policy in one unit and are without it in another, where the table lies.

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
    import narwhals as nw

    column, counts = _counts(table, plan, who)
    free = counts.filter(nw.col("treated") <= 0)
    met = counts.filter(nw.col("treated") > 0).group_by("fs_who", "fs_unit").agg(nw.col("period").min().alias("met"))
    pairs = free.join(met.rename({"fs_unit": "fs_other"}), on="fs_who", how="inner")
    reached = pairs.filter((nw.col("fs_unit") != nw.col("fs_other")) & (nw.col("period") >= nw.col("met")))
    once = reached.select("fs_who", "fs_unit", "period", "n").unique()
    units = counts.select("fs_who", "fs_unit").unique().group_by("fs_who").agg(nw.len().alias("units"))
    people = _collected(units.group_by("units").agg(nw.len().alias("people")))
    # Of no row at all, engines say null or 0.
    after = _collected(once.select(nw.col("fs_who").n_unique().alias("people"), nw.col("n").sum())).fillna(0)
    total = _collected(free.select(nw.col("n").sum()))["n"].fillna(0).sum()
    return Movers(
        who=column,
        people=int(people["people"].sum()),
        several_units=int(people.loc[people["units"] > 1, "people"].sum()),
        contaminated=int(after["people"].iloc[0]),
        rows_contaminated=float(after["n"].iloc[0]),
        rows_untreated=float(total),
        provenance=Provenance(
            made_by="policy.movers_of", design_hash=plan.digest(), simulated=ApplicationTable.of(table).simulated
        ),
    )
