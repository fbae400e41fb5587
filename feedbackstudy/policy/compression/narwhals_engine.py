"""Grouped sums through Narwhals: the same lines for pandas, polars and PySpark, eager or lazy."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import pandas as pd

from feedbackstudy.errors import DataError, choices
from feedbackstudy.policy.compression.covering import Cover, Sums
from feedbackstudy.policy.compression.engine import Counted, Effects, merged
from feedbackstudy.policy.compression.model import LinearModel, Product, summed
from feedbackstudy.policy.compression.packing import packing

__all__ = ["NarwhalsEngine"]

_PACKED = "packed"

type Frame = Any
"""A Narwhals frame, eager or lazy: its expression language is the same for both."""


class NarwhalsEngine:
    """Any data frame that Narwhals knows.

    Parameters
    ----------
    native : object
        The frame of pandas, polars or PySpark.
    names : mapping of str to str
        Column -> safe name.
    """

    def __init__(self, native: object, names: Mapping[str, str]) -> None:
        import narwhals as nw

        self._nw = nw
        self._frame: Frame = nw.from_native(native)
        present = list(self._frame.collect_schema().names())
        absent = [name for name in names if name not in present]
        if absent:
            raise DataError(choices("Column", absent[0], present))
        self._names = dict(names)
        self._ranges: dict[str, tuple[int, int]] = {}

    @property
    def words(self) -> str:
        """Name and version, for the provenance."""
        implementation = self._frame.implementation
        version = ".".join(map(str, implementation._backend_version())) if implementation.is_polars() else ""
        return f"{str(implementation).rpartition('.')[2].lower()} {version}".strip() + " through Narwhals"

    def _collected(self, frame: Frame) -> pd.DataFrame:
        """Bring a small result here, as pandas."""
        eager = frame
        if isinstance(frame, self._nw.LazyFrame):
            polars = frame.implementation.is_polars()
            eager = frame.collect(engine="streaming") if polars else frame.collect(backend="pandas")
        found: pd.DataFrame = eager.to_pandas()
        return found

    def _numbers(self, model: LinearModel) -> list[str]:
        extra = [model.weight] if model.weight is not None else []
        return [model.outcome, *model.numerics, *extra]

    def _typed(self, model: LinearModel) -> Frame:
        nw, numbers = self._nw, set(self._numbers(model))
        schema = self._frame.collect_schema()
        texts = [c for c, safe in self._names.items() if safe in numbers and schema[c] == nw.String]
        if texts:
            raise DataError(
                f"Column {texts[0]!r} holds text and is used as a number. Convert it where it is read, so that nothing "
                "is guessed, or use it as a factor."
            )
        return self._frame.select(
            *(
                nw.col(column).cast(nw.Float64).alias(safe) if safe in numbers else nw.col(column).alias(safe)
                for column, safe in self._names.items()
            )
        )

    def _whole(self, model: LinearModel) -> Frame:
        nw = self._nw
        present = [~nw.col(safe).is_null() for safe in self._names.values()]
        return reduce(lambda a, b: a & b, [*present, *(nw.col(safe).is_finite() for safe in self._numbers(model))])

    def _rows(self, model: LinearModel, centres: Mapping[str, float]) -> Frame:
        nw = self._nw
        whole = self._typed(model).filter(self._whole(model))
        if not centres:
            return whole
        return whole.with_columns(*((nw.col(safe) - float(centre)).alias(safe) for safe, centre in centres.items()))

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
        nw, numbers = self._nw, self._numbers(model)
        keys = list(dict.fromkeys((*model.factors, *model.clusters)))
        back = {safe: column for column, safe in self._names.items()}
        finite = {safe: nw.when(nw.col(safe).is_finite()).then(nw.col(safe)) for safe in numbers}
        asks = [nw.len().alias("rows"), self._whole(model).cast(nw.Int64).sum().alias("complete")]
        asks += [nw.col(safe).null_count().alias(f"null_{safe}") for safe in (*keys, *numbers)]
        asks += [nw.col(safe).is_nan().cast(nw.Int64).sum().alias(f"nan_{safe}") for safe in numbers]
        asks += [nw.col(safe).is_finite().cast(nw.Int64).sum().alias(f"fine_{safe}") for safe in numbers]
        asks += [finite[safe].mean().alias(f"mean_{safe}") for safe in numbers]
        asks += [nw.col(safe).n_unique().alias(f"levels_{safe}") for safe in keys]
        typed = self._typed(model)
        schema = typed.collect_schema()
        whole = [safe for safe in keys if schema[safe].is_integer()]
        asks += [nw.col(safe).min().alias(f"least_{safe}") for safe in whole]
        asks += [nw.col(safe).max().alias(f"largest_{safe}") for safe in whole]
        looked = self._collected(typed.select(*asks))
        found = {str(name): looked[name].iloc[0] for name in looked.columns}
        self._ranges = {safe: (int(found[f"least_{safe}"]), int(found[f"largest_{safe}"])) for safe in whole
                        if pd.notna(found[f"least_{safe}"])}  # fmt: skip
        rows = int(found["rows"])
        absent = {safe: int(found[f"null_{safe}"]) for safe in (*keys, *numbers)}
        if not self._frame.implementation.is_pandas_like():  # there NaN and null are one
            absent |= {safe: absent[safe] + int(found[f"nan_{safe}"]) for safe in numbers}
        nulls = {back[safe]: n for safe, n in absent.items()}
        return Counted(
            rows=rows,
            complete=int(found["complete"]),
            nulls=nulls,
            unusable={back[s]: rows - nulls[back[s]] - int(found[f"fine_{s}"]) for s in numbers},
            centres={
                safe: float(found[f"mean_{safe}"]) if pd.notna(found[f"mean_{safe}"]) else 0.0
                for safe in numbers
                if safe != model.weight
            },
            cardinality={safe: int(found[f"levels_{safe}"]) for safe in keys},
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
        nw, rows = self._nw, self._rows(model, centres)
        error = nw.col(model.outcome)
        for i, effect in enumerate(merged(effects)):
            slopes = [nw.col(name) for name in effect.term.numerics]
            if not effect.term.factors:
                error = error - reduce(lambda a, b: a * b, slopes, nw.lit(float(effect.frame["b"].iloc[0])))
                continue
            table = effect.frame.rename(columns={"b": f"b{i}"})
            rows = rows.join(self._small(table, rows), on=list(effect.term.factors), how="inner")
            error = error - reduce(lambda a, b: a * b, slopes, nw.col(f"b{i}"))
        return self._grouped(rows.with_columns(error.alias("e")), model.weight, covers, residual=True)

    def _small(self, table: pd.DataFrame, like: Frame) -> Frame:
        """Return a small table as a frame of the same engine."""
        nw, implementation = self._nw, like.implementation
        if implementation.is_pyspark():
            session = like.to_native().sparkSession
            return nw.from_native(session.createDataFrame(table))
        schema = like.collect_schema()
        data = {str(name): table[name].tolist() for name in table.columns}
        small = nw.from_dict(data, backend="pandas" if implementation.is_pandas() else "polars")
        small = small.with_columns(*(nw.col(name).cast(schema[name]) for name in data if name in schema.names()))
        return small.lazy() if isinstance(like, nw.LazyFrame) else small

    def _grouped(self, rows: Frame, weight: str | None, covers: Sequence[Cover], *, residual: bool) -> tuple[Sums, ...]:
        """Prepare every product as a column, then group by each cover's keys."""
        if not covers:
            return ()
        nw = self._nw
        asked, packed = [], [packing(cover.keys, self._ranges) for cover in covers]
        for cover, pack in zip(covers, packed, strict=True):
            names = [summed(p) for p in cover.products]
            products = [self._product(p, weight, residual=residual).alias(summed(p)) for p in cover.products]
            alone = [key for key in cover.keys if pack is None or key not in pack.keys]
            keys = alone if pack is None else [_PACKED, *alone]
            extra = [] if pack is None else [pack.expression(nw).alias(_PACKED)]
            prepared = rows.select(*extra, *alone, *products)
            sums = [nw.col(name).sum() for name in names]
            grouped = prepared.group_by(*keys).agg(*sums) if keys else prepared.select(*sums)
            asked.append(grouped.select(*keys, *names))
        return tuple(
            Sums(cover.keys, frame if pack is None else frame.assign(**pack.unpacked(frame.pop(_PACKED).to_numpy())))
            for cover, pack, frame in zip(covers, packed, self._all_collected(asked), strict=True)
        )

    def _all_collected(self, frames: Sequence[Frame]) -> list[pd.DataFrame]:
        """Bring several results here; polars computes what they share once."""
        if frames and isinstance(frames[0], self._nw.LazyFrame) and frames[0].implementation.is_polars():
            import polars as pl

            return [frame.to_pandas() for frame in pl.collect_all([frame.to_native() for frame in frames])]
        return [self._collected(frame) for frame in frames]

    def _product(self, names: Product, weight: str | None, *, residual: bool) -> Frame:
        nw = self._nw
        parts = [*names, *(["e"] if residual else []), *([weight] if weight else [])]
        return reduce(lambda a, b: a * b, [nw.col(name) for name in parts]) if parts else nw.lit(1.0)
