"""Grouped sums in DuckDB: a scan for each pass, in memory that does not grow with the rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.errors import DataError, InputError, choices
from feedbackstudy.policy.compression.covering import Cover, Sums
from feedbackstudy.policy.compression.engine import Counted, Effects
from feedbackstudy.policy.compression.model import LinearModel, summed

if TYPE_CHECKING:
    import duckdb

__all__ = ["DuckdbEngine"]

_READERS = {
    ".parquet": "read_parquet({0})",
    ".csv": "read_csv({0}, all_varchar = true, header = true)",
    ".tsv": "read_csv({0}, all_varchar = true, header = true, delim = '\t')",
}


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _literal(value: object) -> str:
    """Write a value as SQL; text is quoted, everything else is a number or a truth value."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    return f"{float(value)!r}::DOUBLE"  # type: ignore[arg-type]


def _product(names: Sequence[str], weight: str | None, *, residual: bool = False) -> str:
    parts = [*names, *(["e"] if residual else []), *([weight] if weight else [])]
    if not parts:
        return "count(*)::DOUBLE"
    return f"sum({' * '.join(parts)})::DOUBLE"


class DuckdbEngine:
    """DuckDB over files or a relation.

    Parameters
    ----------
    relation : duckdb.DuckDBPyRelation
        The table.
    names : mapping of str to str
        Column -> safe name.
    """

    def __init__(self, relation: "duckdb.DuckDBPyRelation", names: Mapping[str, str]) -> None:
        absent = [name for name in names if name not in relation.columns]
        if absent:
            raise DataError(choices("Column", absent[0], relation.columns))
        self._relation = relation
        self._names = dict(names)

    @classmethod
    def of_files(
        cls, path: Path | str, names: Mapping[str, str], *, threads: int | None = None, memory: str | None = None
    ) -> "DuckdbEngine":
        """Read Parquet, CSV or TSV files where they lie; cells of CSV are text until a column is used as a number.

        Parameters
        ----------
        path : Path or str
            One file, or a folder of Parquet files.
        names : mapping of str to str
            Column -> safe name.
        threads : int, optional
            Threads; all cores by default.
        memory : str, optional
            Upper limit such as ``"1GB"``; DuckDB spills to disk beyond it.

        Returns
        -------
        DuckdbEngine
            The engine on a connection of its own.

        Raises
        ------
        InputError
            For a file that does not exist or whose kind is not read.
        """
        import duckdb

        place = Path(path)
        if not place.exists():
            raise InputError(f"There is no file or folder {str(place)!r}.")
        files = place / "*.parquet" if place.is_dir() else place
        reader = _READERS.get(files.suffix.lower())
        if reader is None:
            raise InputError(choices("File kind", files.suffix or "(none)", _READERS))
        connection = duckdb.connect()
        connection.execute("SET preserve_insertion_order = false")
        if threads is not None:
            connection.execute(f"SET threads = {int(threads)}")
        if memory is not None:
            connection.execute(f"SET memory_limit = {_literal(memory)}")
        return cls(connection.sql(f"SELECT * FROM {reader.format(_literal(str(files)))}"), names)

    @property
    def words(self) -> str:
        """Name and version, for the provenance."""
        import duckdb

        return f"DuckDB {duckdb.__version__}"

    def _numbers(self, model: LinearModel) -> list[str]:
        extra = [model.weight] if model.weight is not None else []
        return [model.outcome, *model.numerics, *extra]

    def _typed(self, model: LinearModel) -> str:
        """Return a query of the model's columns under safe names; a number that is none becomes null."""
        numbers = set(self._numbers(model))
        parts = [
            f"try_cast({_name(column)} AS DOUBLE) AS {safe}" if safe in numbers else f"{_name(column)} AS {safe}"
            for column, safe in self._names.items()
        ]
        return f"SELECT {', '.join(parts)} FROM t"

    def _rows(self, model: LinearModel, centres: Mapping[str, float]) -> str:
        """Return a query of the complete rows, numerics less their centres."""
        all_columns = list(self._names.values())
        parts = [
            f"{safe} - {_literal(float(centres[safe]))} AS {safe}" if safe in centres else safe for safe in all_columns
        ]
        numbers = self._numbers(model)
        whole = [f"{safe} IS NOT NULL" for safe in all_columns] + [f"isfinite({safe})" for safe in numbers]
        return f"SELECT {', '.join(parts)} FROM ({self._typed(model)}) WHERE {' AND '.join(whole)}"

    def _ask(self, sql: str) -> "duckdb.DuckDBPyRelation":
        found = self._relation.query("t", sql)
        if found is None:  # only statements without a result give none
            raise DataError("DuckDB gave no result for a query of sums.")
        return found

    def count(self, model: LinearModel) -> Counted:
        """Look over the table.

        Parameters
        ----------
        model : LinearModel
            Over safe names.

        Returns
        -------
        Counted
            Rows, nulls, values that are no number, means and numbers of levels.
        """
        numbers = self._numbers(model)
        keys = list(dict.fromkeys((*model.factors, *model.clusters)))
        back = {safe: column for column, safe in self._names.items()}
        whole = " AND ".join(
            [f"{safe} IS NOT NULL" for safe in self._names.values()] + [f"isfinite({safe})" for safe in numbers]
        )
        asks = ["count(*)", f"count(*) FILTER (WHERE {whole})"]
        asks += [f"count(*) FILTER (WHERE {safe} IS NULL)" for safe in keys]
        asks += [f"count(*) FILTER (WHERE {safe}_raw IS NULL OR isnan({safe}))" for safe in numbers]
        asks += [
            f"count(*) FILTER (WHERE {safe}_raw IS NOT NULL AND ({safe} IS NULL OR isinf({safe})))" for safe in numbers
        ]
        asks += [f"avg({safe}) FILTER (WHERE isfinite({safe}))" for safe in numbers]
        asks += [f"approx_count_distinct({safe})" for safe in keys]
        raw = "".join(f", {_name(back[safe])} AS {safe}_raw" for safe in numbers)
        typed = self._typed(model).replace(" FROM t", f"{raw} FROM t")
        found = list(self._ask(f"SELECT {', '.join(asks)} FROM ({typed})").fetchall()[0])
        take = iter(found[2:])
        nulls = {back[safe]: int(next(take)) for safe in (*keys, *numbers)}
        unusable = {back[safe]: int(next(take)) for safe in numbers}
        means = {safe: next(take) for safe in numbers}
        return Counted(
            rows=int(found[0]),
            complete=int(found[1]),
            nulls=nulls,
            unusable=unusable,
            centres={safe: float(mean or 0.0) for safe, mean in means.items() if safe != model.weight},
            cardinality={safe: int(next(take)) for safe in keys},
        )

    def sums(self, model: LinearModel, centres: Mapping[str, float], covers: Sequence[Cover]) -> tuple[Sums, ...]:
        """Sum products within groups.

        Parameters
        ----------
        model : LinearModel
            Over safe names.
        centres : mapping of str to float
            Taken off numerics.
        covers : sequence of Cover
            The groupings.

        Returns
        -------
        tuple of Sums
            One for each cover.
        """
        return self._grouped(self._rows(model, centres), model.weight, covers, residual=False)

    def residual_sums(
        self, model: LinearModel, centres: Mapping[str, float], effects: Sequence[Effects], covers: Sequence[Cover]
    ) -> tuple[Sums, ...]:
        """Sum products with the residual within groups.

        Parameters
        ----------
        model : LinearModel
            Over safe names.
        centres : mapping of str to float
            Taken off numerics.
        effects : sequence of Effects
            Coefficients.
        covers : sequence of Cover
            The groupings.

        Returns
        -------
        tuple of Sums
            One for each cover.
        """
        fitted, joins = [], []
        for i, effect in enumerate(effects):
            slope = "".join(f" * r.{name}" for name in effect.term.numerics)
            if not effect.term.factors:
                fitted.append(f"{_literal(float(effect.frame['b'].iloc[0]))}{slope}")
                continue
            columns = [*effect.term.factors, "b"]
            values = ", ".join(
                "(" + ", ".join(_literal(cell) for cell in row) + ")"
                for row in effect.frame[columns].itertuples(index=False, name=None)
            )
            on = " AND ".join(f"r.{name} = j{i}.{name}" for name in effect.term.factors)
            joins.append(f"LEFT JOIN (VALUES {values}) AS j{i}({', '.join(columns)}) ON {on}")
            fitted.append(f"j{i}.b{slope}")
        query = (
            f"SELECT r.*, r.{model.outcome} - ({' + '.join(fitted)}) AS e "
            f"FROM ({self._rows(model, centres)}) AS r {' '.join(joins)}"
        )
        return self._grouped(query, model.weight, covers, residual=True)

    def _grouped(self, rows: str, weight: str | None, covers: Sequence[Cover], *, residual: bool) -> tuple[Sums, ...]:
        """Ask for all groupings that sum the same products in one scan."""
        found: dict[int, Sums] = {}
        for products in dict.fromkeys(cover.products for cover in covers):
            here = [i for i, cover in enumerate(covers) if cover.products == products]
            sums = ", ".join(f'{_product(p, weight, residual=residual)} AS "{summed(p)}"' for p in products)
            keys = sorted({key for i in here for key in covers[i].keys})
            if not keys:
                frame = self._ask(f"SELECT {sums} FROM ({rows})").df()
                found |= {i: Sums((), frame) for i in here}
                continue
            sets = ", ".join(f"({', '.join(covers[i].keys)})" for i in here)
            head = f"grouping_id({', '.join(keys)}) AS g, {', '.join(keys)}"
            frame = self._ask(f"SELECT {head}, {sums} FROM ({rows}) GROUP BY GROUPING SETS ({sets})").df()
            for i in here:
                mark = sum(1 << (len(keys) - 1 - j) for j, key in enumerate(keys) if key not in covers[i].keys)
                part = frame.loc[frame["g"] == mark, [*covers[i].keys, *map(summed, products)]]
                found[i] = Sums(covers[i].keys, part.reset_index(drop=True))
        return tuple(found[i] for i in range(len(covers)))
