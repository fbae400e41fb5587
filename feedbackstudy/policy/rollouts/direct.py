"""Difference in differences for people with a table and no plan."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from feedbackstudy.errors import DataError, MissingExtraError
from feedbackstudy.named import Fixed, Named
from feedbackstudy.policy.declared import ApplicationColumns, Metric, PolicyPlan, Rollout, Window
from feedbackstudy.policy.direct_values import checked_values
from feedbackstudy.policy.effect import Effects
from feedbackstudy.policy.rollouts.readout import Leading, read_rollout
from feedbackstudy.policy.sufficient import Prepared, SufficientStats, compress_prepared
from feedbackstudy.provenance import Provenance

__all__ = ["did", "did_stats"]

_FIRST = 2000 * 12
_WORDS = "no plan was declared beforehand: which estimator and which columns decide was chosen when the data were there"


def did(
    table: object,
    *,
    outcome: str,
    unit: str,
    period: str,
    treated: str,
    kind: Literal["proportion", "mean"] = "mean",
    mechanism: Literal["randomised", "observational"] = "observational",
    strata: Mapping[str, str] | None = None,
    leading: Leading | None = None,
    level: float = 0.95,
    seed: int = 1,
    draws: int = 5000,
) -> Effects:
    """Estimate what changed when units came under a policy one after the other.

    Parameters
    ----------
    table : object
        A frame of any engine or a DuckDB relation, one row for each application (or observation).
    outcome, unit, period, treated : str
        Columns: a number; the unit that changes over; consecutive whole numbers of time; 0 before and 1 from the start
        on.
    kind : {"proportion", "mean"}, default "mean"
        Whether the outcome is a share (0 or 1) or a mean.
    mechanism : {"randomised", "observational"}, default "observational"
        Whether chance decided the order of the units.
    strata : mapping of str to str, optional
        Unit -> stratum within which the order was drawn.
    leading : str, optional
        As in `read_rollout`.
    level : float, default .95
        Level of intervals.
    seed : int, default 1
        Seed of schedules.
    draws : int, default 5000
        Schedules for randomisation inference.

    Returns
    -------
    Effects
        As `read_rollout`; every row says that no plan was declared.

    Raises
    ------
    DataError
        For absent columns, periods that are no whole numbers, a unit that goes back, or a share that is not 0 or 1.
    """
    from dataclasses import replace

    stats = did_stats(
        table, outcome=outcome, unit=unit, period=period, treated=treated, kind=kind, mechanism=mechanism,
        strata=strata, level=level, seed=seed,
    )  # fmt: skip
    found = read_rollout(stats, leading=leading, draws=draws)
    said = (*(f"{n:,} rows left out: {why}" for why, n in stats.rows.items()), _WORDS)
    return replace(found, rows=tuple(replace(row, warnings=(*row.warnings, *said)) for row in found.rows))


def did_stats(
    table: object,
    *,
    outcome: str,
    unit: str,
    period: str,
    treated: str,
    kind: Literal["proportion", "mean"] = "mean",
    mechanism: Literal["randomised", "observational"] = "observational",
    strata: Mapping[str, str] | None = None,
    level: float = 0.95,
    seed: int = 1,
) -> SufficientStats:
    """Compress a table for all estimators of roll-outs.

    Parameters
    ----------
    table : object
        As in `did`.
    outcome, unit, period, treated : str
        As in `did`.
    kind : {"proportion", "mean"}, default "mean"
        As in `did`.
    mechanism : {"randomised", "observational"}, default "observational"
        As in `did`.
    strata : mapping of str to str, optional
        As in `did`.
    level : float, default .95
        Level of intervals.
    seed : int, default 1
        Seed of schedules.

    Returns
    -------
    SufficientStats
        Sums by unit and period; its plan is made from the table, months standing for periods.

    Raises
    ------
    DataError
        As in `did`.
    """
    named, first = _renamed(table, {"outcome": outcome, "unit": unit, "period": period, "treated": treated})
    missing = checked_values(named, kind, {"m_outcome": outcome}, units={})
    start = _starts(first)
    units = {name: str(strata[name]) for name in start} if strata else {}
    plan = PolicyPlan(
        title=f"{outcome} by {unit}",
        columns=ApplicationColumns(
            application="row",
            applied_at="applied",
            decided_at="decided",
            status="status",
            statuses=Fixed({"R": "rejected"}),
        ),
        window=Window(first="2000-01-01", last="2000-01-01", data_end="2000-01-01"),
        treatment=Rollout(unit="unit", start=Fixed(start), mechanism=mechanism, strata=Fixed(units)),
        metrics=Named([Metric(name="outcome", label=outcome, kind=kind, column="outcome", role="primary")]),
        interval_level=level,
        seed=seed,
    )
    made = Provenance(made_by="policy.did", seed=seed)
    return compress_prepared(Prepared(table=named, rows=missing, provenance=made), plan)


def _renamed(table: object, columns: Mapping[str, str]) -> tuple[object, pd.DataFrame]:
    """Return the table under the names of a prepared one, and the treatment by unit and period."""
    try:
        import narwhals as nw
    except ImportError as fault:
        raise MissingExtraError("Tables are read with narwhals: pip install 'feedbackstudy[policy]'.") from fault
    frame: Any = nw.from_native(table).lazy()  # type: ignore[call-overload]
    absent = [name for name in columns.values() if name not in frame.collect_schema().names()]
    if absent:
        raise DataError(f"The table has no column {absent[0]!r}; it has {frame.collect_schema().names()[:12]}.")
    if columns["period"] in columns.values() and not frame.collect_schema()[columns["period"]].is_integer():
        raise DataError(f"Periods are consecutive whole numbers; {columns['period']!r} holds something else.")
    as_treated = nw.col(columns["treated"]).cast(nw.Float64)
    made = frame.select(
        nw.col(columns["unit"]).cast(nw.String).alias("unit"),
        nw.col(columns["period"]).alias("number"),
        as_treated.alias("treated"),
        nw.col(columns["outcome"]).cast(nw.Float64).alias("m_outcome"),
    )
    cells: pd.DataFrame = (
        made.group_by("unit", "number").agg(nw.col("treated").min().alias("low"), nw.col("treated").max().alias("high"))
        .collect().to_pandas()
    )  # fmt: skip
    if cells[["unit", "number", "high"]].isna().any().any():
        raise DataError("Unit, period and treatment are never null; complete the table, or leave those rows out.")
    if not cells[["low", "high"]].isin([0.0, 1.0]).all().all():
        raise DataError(
            f"{columns['treated']!r} is 0 or 1; given {sorted(set(cells['low']) | set(cells['high']))[:6]}."
        )
    offset = _FIRST - int(cells["number"].min())
    made = made.with_columns(
        (nw.col("number") + offset).alias("period"),
        nw.when(nw.col("treated") > 0).then(nw.lit("policy")).otherwise(nw.lit("before")).alias("arm"),
    )
    cells["period"] = cells["number"].astype(np.int64) + offset
    return nw.to_native(made), cells


def _starts(cells: pd.DataFrame) -> dict[str, str]:
    mixed = cells[cells["low"] < cells["high"]]
    if len(mixed):
        row = mixed.iloc[0]
        raise DataError(f"Unit {row['unit']!r} is treated and untreated in period {row['number']}: two start dates.")
    start: dict[str, str] = {}
    for unit, own in cells.sort_values("period").groupby("unit", sort=True):
        treated = own["high"].to_numpy() > 0
        if (np.diff(treated.astype(int)) < 0).any():
            raise DataError(
                f"Unit {unit!r} goes back after it has changed over; a roll-out of units that stay is needed."
            )
        if not treated.any():
            start[str(unit)] = "never"
            continue
        first = int(own["period"].to_numpy()[treated.argmax()])
        start[str(unit)] = dt.date(first // 12, first % 12 + 1, 1).isoformat()
    return start
