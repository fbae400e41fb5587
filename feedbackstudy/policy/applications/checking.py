"""One look over a table of applications: everything that a check asks about, counted where the table lies."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from feedbackstudy.errors import DataError
from feedbackstudy.policy.applications.deriving import moments
from feedbackstudy.policy.applications.opening import DAY
from feedbackstudy.policy.applications.outcomes import counts_for, value_of
from feedbackstudy.policy.declared import Metric, PolicyPlan
from feedbackstudy.policy.declared.applications import NOT_STATED
from feedbackstudy.policy.started import delivery_metric

__all__ = ["Looked", "looked"]

type Frame = Any

_NAMED = 5
"""How many applications a finding names at most."""
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
        value; ``delivered``, the sum of the plan's metric of delivery, where there is one.
    levels : mapping of str to mapping
        Column of equity groups -> level -> rows that count.
    named : mapping of str to tuple of str
        What was counted as a fault -> keys of up to five applications; none where a key may name somebody.
    """

    counts: Mapping[str, int]
    statuses: Mapping[str, int]
    groups: pd.DataFrame
    levels: Mapping[str, Mapping[str, int]]
    named: Mapping[str, tuple[str, ...]]

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
        faults = dict(_faults(plan))
        counts = _here(frame.select(*_asks(plan), *(_count(truth).alias(name) for name, truth in faults.items())))
        statuses = _here(frame.filter(~nw.col("fs_status").is_null()).group_by("fs_status").agg(nw.len().alias("n")))
        groups = _here(_grouped(frame.filter(nw.col("fs_kept")), plan))
        levels = {
            column: _here(frame.filter(nw.col("fs_kept")).group_by(column).agg(nw.len().alias("n")))
            for column in plan.equity_groups
        }
        row = counts.iloc[0]
        named = {name: _keys(frame.filter(truth.fill_null(value=False))) for name, truth in faults.items() if row[name]}
        if row["rows"] - row["no_id"] > row["ids"] - (row["no_id"] > 0):
            named["doubled"] = _keys(frame.group_by("fs_id").agg(nw.len().alias("n")).filter(nw.col("n") > 1))
    except Exception as fault:  # each engine has errors of its own for a value it cannot convert
        if isinstance(fault, DataError):
            raise
        # Their messages quote the cell, which may name somebody; `from None` keeps them out of tracebacks, too.
        raise DataError(
            f"The table cannot be read as the plan's columns say ({type(fault).__name__}): a cell of a column that is "
            "used as times or numbers is neither. Look at these columns; the cell is not shown, it may be personal."
        ) from None
    return Looked(
        counts={str(name): 0 if pd.isna(row[name]) else int(row[name]) for name in counts.columns},
        statuses={str(s): int(n) for s, n in zip(statuses["fs_status"], statuses["n"], strict=True)},
        groups=groups,
        levels={c: {_text(v): int(n) for v, n in zip(f[c], f["n"], strict=True)} for c, f in levels.items()},
        named=named,
    )


def _keys(found: Frame) -> tuple[str, ...]:
    """Return the first keys of applications; none of them where one may be a name, an address or a number to call."""
    import narwhals as nw

    keys = _here(found.filter(~nw.col("fs_id").is_null()).select("fs_id").unique().sort("fs_id").head(_NAMED))
    shown = tuple(map(str, keys["fs_id"]))
    return shown if all(map(_is_code, shown)) else ()


def _is_code(key: str) -> bool:
    """Say whether a key is a record's number: digits with few letters, or hexadecimal as a UUID is."""
    if not re.fullmatch(r"(?=.*\d)[A-Za-z0-9._:/#-]{1,64}", key):
        return False
    return all(len(part) <= 3 for part in re.findall(r"[A-Za-z]+", key)) or bool(re.fullmatch(r"[0-9A-Fa-f-]+", key))


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
    of = delivery_metric(plan)
    if of is not None:
        known.append(nw.when(counts_for(of, plan)).then(value_of(of)).alias("delivered"))
    selected = kept.select(*keys, "period", "arm", *known)
    sums = [nw.col(f"v:{metric.name}").sum() for metric in plan.metrics]
    sums += [nw.col("delivered").sum()] if of is not None else []
    return selected.group_by(*[*(["unit"] if keys else []), "period", "arm"]).agg(nw.len().alias("n"), *sums)


def _known(metric: Metric, plan: PolicyPlan) -> Any:  # noqa: ANN401
    """Return whether a metric has a value, as far as the columns of the table alone say."""
    import narwhals as nw

    fits = counts_for(metric, plan)
    return fits if metric.column.startswith("@") else fits & ~nw.col(f"x_{metric.name}").is_null()


def _count(truth: Any) -> Any:  # noqa: ANN401
    import narwhals as nw

    return truth.fill_null(value=False).cast(nw.Int64).sum()


def _asks(plan: PolicyPlan) -> Iterator[Any]:
    """Yield every count that is no fault; with the faults, the engine answers all in one pass."""
    import narwhals as nw

    c = nw.col
    yield nw.len().alias("rows")
    yield c("fs_id").n_unique().alias("ids")
    yield _count(c("fs_id").is_null()).alias("no_id")
    yield _count(c("fs_kept")).alias("kept")
    yield _count(~c("fs_agreed")).alias("disagreed")
    agreed, counted = c("fs_agreed"), c("fs_counts")
    if plan.columns.null_status is None:
        counted = counted | c("fs_status").is_null()  # an error of its own, never taken for an open application
    yield _count(agreed & ~counted).alias("open")
    counted = c("fs_counts")
    yield _count(agreed & counted & ~c("fs_inside")).alias("outside")
    yield _count(agreed & counted & c("fs_inside") & c("fs_washout")).alias("washout")
    for metric in plan.metrics:
        if metric.within_days is not None:
            late = c("fs_when") + metric.within_days * DAY > moments(plan)[2]
            yield _count(c("fs_kept") & late).alias(f"censored:{metric.name}")
        if not metric.column.startswith("@"):
            yield _count(c("fs_kept") & _known(metric, plan)).alias(f"values:{metric.name}")


def _faults(plan: PolicyPlan) -> Iterator[tuple[str, Any]]:
    """Yield every fault of a row with the truth that says which rows have it."""
    import narwhals as nw

    c = nw.col
    yield "no_applied", c("fs_applied").is_null()
    yield "no_status", c("fs_status").is_null()
    yield "unknown_status", ~c("fs_status").is_null() & ~c("fs_status").is_in(list(plan.columns.statuses))
    yield "early", c("fs_decided") < c("fs_applied")
    yield "undated", c("fs_state").is_in(["rejected", "hired"]) & c("fs_decided").is_null()
    yield "future", c("fs_decided") >= moments(plan)[2]
    if plan.columns.consent is not None:
        yield "silent", c("fs_consent").is_null()
    yield "no_arm", c("fs_kept") & c("arm").is_null()
    if plan.columns.delivered_at is not None:
        yield "early_delivery", c("fs_kept") & (c("fs_delivered") < c("fs_decided"))
    for name in plan.clusterings:
        yield f"null:{name}", c("fs_kept") & c(name).is_null()
    for metric in plan.metrics:
        yield from _faults_of(metric, plan)


def _faults_of(metric: Metric, plan: PolicyPlan) -> Iterator[tuple[str, Any]]:
    import narwhals as nw

    if metric.column.startswith("@"):
        return
    c = nw.col
    value, fits = c(f"x_{metric.name}"), c("fs_kept") & _known(metric, plan)
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
            yield f"{name}:{metric.name}", fits & rules[metric.kind]()
    if metric.per is not None and not metric.per.startswith("@"):
        yield f"negative_per:{metric.name}", fits & (c(f"x_{metric.name}_per") < 0)
