"""One look over a table of applications: everything that a check asks about, counted where the table lies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from feedbackstudy.errors import DataError
from feedbackstudy.policy.applications.deriving import moments
from feedbackstudy.policy.applications.opening import DAY
from feedbackstudy.policy.applications.outcomes import counts_for
from feedbackstudy.policy.declared import Metric, PolicyPlan
from feedbackstudy.policy.declared.applications import NOT_STATED

__all__ = ["Looked", "looked"]

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
        Status as written -> rows; those without one are in the counts.
    groups : DataFrame
        Rows that count, by ``unit`` (where assigned), ``period`` and ``arm``: ``n``, and ``v:<metric>`` of those with a
        value.
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
        statuses = _here(frame.filter(~nw.col("fs_status").is_null()).group_by("fs_status").agg(nw.len().alias("n")))
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
        # Their messages quote the cell, which may name somebody; `from None` keeps them out of tracebacks, too.
        raise DataError(
            f"The table cannot be read as the plan's columns say ({type(fault).__name__}): a cell of a column that is "
            "used as times or numbers is neither. Look at these columns; the cell is not shown, it may be personal."
        ) from None
    row = counts.iloc[0]
    return Looked(
        counts={str(name): 0 if pd.isna(row[name]) else int(row[name]) for name in counts.columns},
        statuses={str(s): int(n) for s, n in zip(statuses["fs_status"], statuses["n"], strict=True)},
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
    known = [
        _known(metric, plan).fill_null(value=False).cast(nw.Int64).alias(f"v:{metric.name}") for metric in plan.metrics
    ]
    selected = kept.select(*keys, "period", "arm", *known)
    sums = [nw.col(f"v:{metric.name}").sum() for metric in plan.metrics]
    return selected.group_by(*[*(["unit"] if keys else []), "period", "arm"]).agg(nw.len().alias("n"), *sums)


def _known(metric: Metric, plan: PolicyPlan) -> Any:  # noqa: ANN401
    """Return whether a metric has a value, as far as the columns of the table alone say."""
    import narwhals as nw

    fits = counts_for(metric, plan)
    return fits if metric.column.startswith("@") else fits & ~nw.col(f"x_{metric.name}").is_null()


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
    yield count(c("fs_status").is_null()).alias("no_status")
    yield count(c("fs_decided") < c("fs_applied")).alias("early")
    decided = c("fs_state").is_in(["rejected", "hired"])
    yield count(decided & c("fs_decided").is_null()).alias("undated")
    yield count(c("fs_decided") >= moments(plan)[2]).alias("future")
    yield count(c("fs_kept")).alias("kept")
    yield count(~c("fs_agreed")).alias("disagreed")
    if plan.columns.consent is not None:
        yield count(c("fs_consent").is_null()).alias("silent")
    agreed, counted = c("fs_agreed"), c("fs_counts")
    if plan.columns.null_status is None:
        counted = counted | c("fs_status").is_null()  # an error of its own, never taken for an open application
    yield count(agreed & ~counted).alias("open")
    counted = c("fs_counts")
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
        late = c("fs_when") + metric.within_days * DAY > moments(plan)[2]
        yield count(kept & late).alias(f"censored:{metric.name}")
    if metric.column.startswith("@"):
        return
    value = c(f"x_{metric.name}")
    fits = kept & _known(metric, plan)
    yield count(fits).alias(f"values:{metric.name}")
    strange = {
        "proportion": lambda: (value != 0.0) & (value != 1.0),
        "nps": lambda: (value < 0) | (value > 10) | (value != value.round(0)),
        "ordinal": lambda: ~value.is_in(list(metric.categories)),
    }
    below = {"time_to_event": lambda: value < c("fs_when")}
    if not metric.may_be_negative:
        below |= {"mean": lambda: value < 0, "ratio": lambda: value < 0}
    for name, rules in (("strange", strange), ("negative", below)):
        if metric.kind in rules:
            yield count(fits & rules[metric.kind]()).alias(f"{name}:{metric.name}")
    if metric.per is not None and not metric.per.startswith("@"):
        yield count(fits & (c(f"x_{metric.name}_per") < 0)).alias(f"negative_per:{metric.name}")
