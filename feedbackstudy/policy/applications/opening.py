"""An applications table of any engine, opened lazily: the columns that are needed, in three forms only."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedbackstudy.errors import DataError, FileFormatError, InputError, choices
from feedbackstudy.policy.applications.spark_opening import selected_by_spark
from feedbackstudy.policy.applications.wanted import Wanted, all_present, no_name, no_number, no_time, zoned

if TYPE_CHECKING:
    import duckdb

__all__ = ["DAY", "Wanted", "opened"]

type Frame = Any
"""A Narwhals frame, eager or lazy."""

DAY = 86_400_000_000.0
"""A day in microseconds: times are numbers of microseconds of the wall clock, which every engine compares alike."""

_READERS = {
    ".parquet": "read_parquet({0})",
    ".csv": "read_csv({0}, all_varchar = true, header = true)",
    ".tsv": "read_csv({0}, all_varchar = true, header = true, delim = '\t')",
}


def opened(source: object, wanted: Sequence[Wanted], *, zone: str | None) -> Frame:
    """Open a table.

    Parameters
    ----------
    source : Path, str, DuckDB relation or data frame
        Parquet, CSV or TSV files are opened by DuckDB; frames stay with their library.
    wanted : sequence of Wanted
        The columns.
    zone : str or None
        Time zone into whose wall clock times with a zone are turned.

    Returns
    -------
    Narwhals frame
        Nothing has been read yet where the engine is lazy.

    Raises
    ------
    DataError
        For an absent column, or a column in a form that cannot be what it is used as.
    InputError
        For a file that does not exist or whose kind is not read.
    """
    import narwhals as nw

    if isinstance(source, str | Path):
        source = _of_files(Path(source))
    if type(source).__module__.partition(".")[0] in {"duckdb", "_duckdb"}:
        return nw.from_native(_selected(source, wanted, zone))  # type: ignore[arg-type]
    frame: Frame = nw.from_native(source)
    if frame.implementation.is_pyspark() or frame.implementation.is_pyspark_connect():
        return nw.from_native(selected_by_spark(source, wanted, zone))
    schema = frame.collect_schema()
    all_present(list(schema.names()), wanted)
    return frame.select(*(_expressed(want, schema, zone).alias(want.alias) for want in wanted))


def _of_files(place: Path) -> "duckdb.DuckDBPyRelation":
    import duckdb

    if not place.exists():
        raise InputError(f"There is no file or folder {str(place)!r}.")
    files = place / "*.parquet" if place.is_dir() else place
    reader = _READERS.get(files.suffix.lower())
    if reader is None:
        raise InputError(choices("File kind", files.suffix or "(none)", _READERS))
    literal = "'" + str(files).replace("'", "''") + "'"
    try:
        return duckdb.connect().sql(f"SELECT * FROM {reader.format(literal)}")
    except duckdb.Error as fault:  # its message quotes lines of the file, which may name somebody
        raise FileFormatError(
            f"{place} cannot be read as {files.suffix} ({type(fault).__name__}): quotation marks, delimiters or "
            "the number of cells do not fit together. Export it again."
        ) from None


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _selected(
    relation: "duckdb.DuckDBPyRelation", wanted: Sequence[Wanted], zone: str | None
) -> "duckdb.DuckDBPyRelation":
    """Write the selection as SQL; every name is quoted, and no value of the table stands in it."""
    all_present(relation.columns, wanted)
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    parts = []
    for want in wanted:
        each = [_sql(column, types[column], want.form, zone) for column in want.columns]
        value = each[0] if len(each) == 1 else f"coalesce({', '.join(each)})"
        parts.append(f"{value} AS {_quoted(want.alias)}")
    return relation.project(", ".join(parts))


def _sql(column: str, kind: str, form: str, zone: str | None) -> str:
    name, text = _quoted(column), kind == "VARCHAR"
    given = f"nullif(trim({name}), '')" if text else name
    if form == "present":
        return f"({given} IS NOT NULL)::DOUBLE"
    if form == "name":
        if kind in {"DOUBLE", "FLOAT"}:
            raise DataError(no_name(column))
        return f"{given}::VARCHAR"
    if form == "time":
        return f"epoch_us({_sql_time(column, kind, given, zone)})::DOUBLE"
    if text:
        return f"CASE lower({given}) WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 ELSE {given}::DOUBLE END"
    return f"{name}::DOUBLE"


def _sql_time(column: str, kind: str, given: str, zone: str | None) -> str:
    if kind == "TIMESTAMP WITH TIME ZONE":
        where = "'" + zoned(column, zone).replace("'", "''") + "'"
        return f"timezone({where}, {given})"
    if kind != "VARCHAR" and not kind.startswith(("TIMESTAMP", "DATE")):
        raise DataError(no_time(column, kind))
    return f"{given}::TIMESTAMP"


def _expressed(want: Wanted, schema: Any, zone: str | None) -> Frame:  # noqa: ANN401
    import narwhals as nw

    each = [_expression(column, schema[column], want.form, zone) for column in want.columns]
    return each[0] if len(each) == 1 else nw.coalesce(*each)


def _expression(column: str, dtype: Any, form: str, zone: str | None) -> Frame:  # noqa: ANN401
    import narwhals as nw

    value: Frame = nw.col(column)
    if form == "present":
        return (~value.is_null()).cast(nw.Float64)
    if form == "name":
        if dtype.is_float():
            raise DataError(no_name(column))
        return value.cast(nw.String)
    if form == "time":
        return _time(column, dtype, zone).dt.timestamp("us").cast(nw.Float64)
    if dtype == nw.String:
        raise DataError(no_number(column))
    return value.cast(nw.Float64)


def _time(column: str, dtype: Any, zone: str | None) -> Frame:  # noqa: ANN401
    import narwhals as nw

    value: Frame = nw.col(column)
    if dtype == nw.String:
        return value.str.to_datetime()
    if dtype == nw.Date:
        return value.cast(nw.Datetime("us"))
    if dtype != nw.Datetime:
        raise DataError(no_time(column, str(dtype)))
    if dtype.time_zone is None:
        return value
    return value.dt.convert_time_zone(zoned(column, zone)).dt.replace_time_zone(None)
