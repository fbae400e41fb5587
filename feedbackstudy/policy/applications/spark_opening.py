"""The columns that are needed of a Spark frame, written as Spark's own SQL: Narwhals has no moments of time there."""

from collections.abc import Sequence
from typing import Any

from feedbackstudy.errors import DataError
from feedbackstudy.policy.applications.wanted import Wanted, all_present, no_name, no_number, no_time, zoned

__all__ = ["selected_by_spark"]

_EPOCH = "TIMESTAMP_NTZ '1970-01-01 00:00:00'"
_PARTS = (("DAY", 86_400_000_000), ("HOUR", 3_600_000_000), ("MINUTE", 60_000_000), ("SECOND", 1_000_000))


def selected_by_spark(native: Any, wanted: Sequence[Wanted], zone: str | None) -> object:  # noqa: ANN401
    """Select columns of a Spark frame in the forms in which they are needed.

    Parameters
    ----------
    native : pyspark.sql.DataFrame
        The frame.
    wanted : sequence of Wanted
        The columns.
    zone : str or None
        Time zone into whose wall clock times with a zone are turned; Spark's session zone plays no part.

    Returns
    -------
    pyspark.sql.DataFrame
        Lazy; every name is quoted, and no value of the table stands in a query.

    Raises
    ------
    DataError
        For an absent column, or one in a form that cannot be what it is used as.
    """
    kinds = {field.name: field.dataType.simpleString() for field in native.schema.fields}
    all_present(kinds, wanted)
    parts = []
    for want in wanted:
        each = [_sql(column, kinds[column], want.form, zone) for column in want.columns]
        value = each[0] if len(each) == 1 else f"coalesce({', '.join(each)})"
        parts.append(f"{value} AS {_quoted(want.alias)}")
    selected: object = native.selectExpr(*parts)
    return selected


def _quoted(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"


def _sql(column: str, kind: str, form: str, zone: str | None) -> str:
    name = _quoted(column)
    if form == "present":
        return f"CAST({name} IS NOT NULL AS DOUBLE)"
    if form == "name":
        if kind in {"double", "float"} or kind.startswith("decimal"):
            raise DataError(no_name(column))
        return f"CAST({name} AS STRING)"
    if form == "time":
        return _sql_time(column, kind, zone)
    if kind == "string":
        raise DataError(no_number(column))
    return f"CAST({name} AS DOUBLE)"


def _sql_time(column: str, kind: str, zone: str | None) -> str:
    """Return microseconds of the wall clock."""
    name = _quoted(column)
    if kind == "timestamp":
        where = zoned(column, zone).replace("\\", "\\\\").replace("'", "\\'")
        return f"CAST(unix_micros(from_utc_timestamp({name}, '{where}')) AS DOUBLE)"
    if kind == "date":
        return f"CAST(unix_date({name}) AS DOUBLE) * 86400000000.0D"
    if kind not in {"timestamp_ntz", "string"}:
        raise DataError(no_time(column, kind))
    moment = f"to_timestamp_ntz({name})" if kind == "string" else name
    past = f"({moment} - {_EPOCH})"
    return " + ".join(f"CAST(extract({part} FROM {past}) AS DOUBLE) * {size}.0D" for part, size in _PARTS)
