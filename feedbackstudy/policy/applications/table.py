"""`ApplicationTable`: a table of applications of any engine, checked and made ready for a plan."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issues
from feedbackstudy.policy.applications.checking import Looked, looked
from feedbackstudy.policy.applications.deriving import derived, factors_of, wanted_of
from feedbackstudy.policy.applications.finding import problems
from feedbackstudy.policy.applications.opening import opened
from feedbackstudy.policy.applications.outcomes import outcomes
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.declared.applications import NOT_STATED
from feedbackstudy.policy.sufficient import Prepared, SufficientStats, compress_prepared
from feedbackstudy.provenance import Provenance

__all__ = ["ApplicationTable", "compress"]

type Frame = Any

_HELD = 200_000_000
"""Cells up to which rows that DuckDB prepared are held in memory: every metric asks several times."""


def _held(relation: Any) -> object:  # noqa: ANN401
    import duckdb

    return duckdb.from_arrow(relation.to_arrow_table(), connection=duckdb.connect())


@dataclass(frozen=True, slots=True, eq=False)
class ApplicationTable:
    """One row per application; nothing is read until a check or an aggregation asks.

    Attributes
    ----------
    source : Path, str, DuckDB relation or data frame
        Parquet (a file or a folder of files), CSV, TSV, or a frame of pandas, polars or another library that Narwhals
        knows.
    simulated : bool
        Whether the rows were invented; results stay marked.
    """

    source: object
    simulated: bool = False

    @classmethod
    def of(cls, source: object) -> Self:
        """Return the table as it is, or a source as a table.

        Parameters
        ----------
        source : ApplicationTable or anything it reads
            The source.

        Returns
        -------
        ApplicationTable
            The table.
        """
        return source if isinstance(source, cls) else cls(source)

    def check(self, plan: PolicyPlan) -> Issues:
        """Look for what would make the plan's answers wrong.

        Parameters
        ----------
        plan : PolicyPlan
            The plan.

        Returns
        -------
        Issues
            Errors stop `prepare`; warnings must be read; notes count the rows that are left out.

        Raises
        ------
        DataError
            For an absent column, or one that cannot be read as what it is used as.
        """
        return problems(looked(self._derived(plan), plan), plan)

    def prepare(self, plan: PolicyPlan) -> Prepared:
        """Return the applications that count, in the columns that compression reads.

        Parameters
        ----------
        plan : PolicyPlan
            The plan.

        Returns
        -------
        Prepared
            Lazy where the engine is; with the number of rows left out for each reason.

        Raises
        ------
        DataError
            Where a check finds an error; the message names each.
        """
        found = self._derived(plan)
        seen = looked(found, plan)
        errors = problems(seen, plan).errors
        if errors:
            raise DataError("The applications cannot be analysed as they are. " + " ".join(map(str, errors)))
        import narwhals as nw

        rows = outcomes(found, plan).filter(
            nw.col("fs_agreed") & nw.col("fs_counts") & nw.col("fs_inside") & ~nw.col("fs_washout")
        )
        factors = [
            nw.col(name) if name in plan.clusterings else nw.col(name).fill_null(NOT_STATED).alias(name)
            for name in factors_of(plan)
        ]
        numbers = [
            f"m_{metric.name}{end}"
            for metric in plan.metrics
            for column, end in ((metric.column, ""), (metric.per, "_per"), (metric.covariate, "_x"))
            if column is not None
        ]
        table = rows.select("period", "arm", "treated", *factors, *numbers).to_native()
        if type(table).__module__.partition(".")[0] in {"duckdb", "_duckdb"} and (
            seen.kept * (3 + len(factors) + len(numbers)) <= _HELD
        ):
            table = _held(table)
        elif type(table).__module__.startswith("pyspark."):
            table = table.cache()  # every metric asks several times, and the cluster would read the source for each
        return Prepared(table=table, rows=seen.left_out(), provenance=self._made(plan, seen))

    def _derived(self, plan: PolicyPlan) -> Frame:
        return derived(opened(self.source, wanted_of(plan), zone=plan.columns.zone), plan)

    def _made(self, plan: PolicyPlan, seen: Looked) -> Provenance:
        hashes: tuple[tuple[str, str], ...] = ()
        if isinstance(self.source, str | Path) and Path(self.source).is_file():
            from feedbackstudy.files import sha256_file

            hashes = ((Path(self.source).name, sha256_file(Path(self.source))),)
        return Provenance(
            made_by="policy.ApplicationTable.prepare",
            design_hash=plan.digest(),
            data_sha256=hashes,
            conventions=(f"{seen.rows:,} applications in the table, {seen.kept:,} count",),
            simulated=self.simulated,
        )


def compress(table: object, plan: PolicyPlan) -> SufficientStats:
    """Check a table of applications and reduce it to what the estimators need.

    Parameters
    ----------
    table : ApplicationTable, Path, str, DuckDB relation or data frame
        The table.
    plan : PolicyPlan
        The plan.

    Returns
    -------
    SufficientStats
        Restricted: it may hold cells of single people.

    Raises
    ------
    DataError
        Where a check finds an error.
    """
    return compress_prepared(ApplicationTable.of(table).prepare(plan), plan)
