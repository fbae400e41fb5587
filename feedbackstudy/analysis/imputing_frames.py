"""`impute` and `pool`: multiple imputation of a data frame, and Rubin's rules for any analysis of its tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.analysis.columns import as_factor, as_number
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.missing.chained import Gap, Kind, impute_chained
from feedbackstudy.analysis.missing.pooling import Pooled, pooled
from feedbackstudy.analysis.r_imputed import POOL
from feedbackstudy.analysis.tables import numbers, one_number
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript, r_number, r_string
from feedbackstudy.render import Facts, Page, Rendered, Table, Text, interval, number, p_value
from feedbackstudy.threads import one_thread

__all__ = ["Imputed", "PooledEstimate", "impute", "pool"]

_SEED = 20260103
_KINDS = ("score", "normal", "binary")
_MEANS = """\
tables <- split(responses, responses$imputation)
for (name in setdiff(names(responses), "imputation")) {
  columns <- lapply(tables, `[[`, name); n <- length(columns[[1]])
  say <- show; show <- function(what, value) say(paste(name, what), value)
  pool(vapply(columns, mean, 1), vapply(columns, var, 1) / n, n - 1); show <- say
}
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imputed(Rendered):
    """A table completed several times. Make it with `impute`.

    Attributes
    ----------
    data : DataFrame
        The table as it was given.
    columns : tuple of str
        Columns of the imputation model.
    tables : ndarray, shape (m, rows, columns)
        Their completed values.
    notes : tuple of str
        What was imputed from what.
    provenance : Provenance
        What made it.
    """

    data: pd.DataFrame
    columns: tuple[str, ...]
    tables: NDArray[np.float64]
    notes: tuple[str, ...]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.tables)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return (self.frame(i) for i in range(len(self)))

    def frame(self, table: int) -> pd.DataFrame:
        """Return one completed table.

        Parameters
        ----------
        table : int
            Its position.

        Returns
        -------
        DataFrame
            As the table that was given, gaps of the columns filled.

        Raises
        ------
        NotFoundError
            For a position that does not exist.
        """
        if not 0 <= table < len(self):
            raise NotFoundError(f"There are {len(self)} completed tables, 0 to {len(self) - 1}; given {table}.")
        return self.data.assign(**{name: self.tables[table][:, j] for j, name in enumerate(self.columns)})

    def r_script(self) -> RScript:
        """Return the completed tables for R, with the mean of each column pooled by Rubin's rules.

        Returns
        -------
        RScript
            Tables one below the other, told apart by ``imputation``; columns of the imputation model are ``v1``, ``v2``
            in their order. ``pool(estimates, variances, df)`` pools any other quantity.
        """
        rows = len(self.data)
        table = pd.DataFrame({"imputation": np.repeat(np.arange(1, len(self) + 1), rows)})
        for j in range(len(self.columns)):
            table[f"v{j + 1}"] = self.tables[:, :, j].ravel()
        said = "".join(f"# v{j} is {r_string(name)}\n" for j, name in enumerate(self.columns, start=1))
        return RScript(made_by="analysis.impute", body=said + POOL + _MEANS, data=table, name="imputed")

    def page(self) -> Page:
        """Return what was imputed, with means before and after.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = []
        for j, name in enumerate(self.columns):
            values = self.data[name].to_numpy(dtype=np.float64, na_value=np.nan)
            gone = np.isnan(values)
            rows.append(
                (
                    name,
                    number(int(gone.sum())),
                    number(float(np.nanmean(values))),
                    number(float(self.tables[:, gone, j].mean())) if gone.any() else "",
                )
            )
        return Page(
            title=f"{len(self)} completed tables of {len(self.data)} rows",
            subtitle="Analyse each (iterate over it) and give estimates and standard errors to pool.",
            blocks=(
                Table(("column", "imputed", "mean observed", "mean imputed"), tuple(rows)),
                *(Text(note) for note in self.notes),
                self.provenance.facts(),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledEstimate(Rendered):
    """One quantity pooled over completed tables. Make it with `pool`.

    Attributes
    ----------
    pooled : Pooled
        Estimate, standard error, degrees of freedom, fraction of missing information.
    low, high, level : float
        Interval.
    p : float
        Two-sided p value of zero.
    estimates, errors : tuple of float
        What was pooled: an estimate and its standard error from each table.
    df_complete : float
        Degrees of freedom that a complete table has.
    """

    pooled: Pooled
    low: float
    high: float
    level: float
    p: float
    estimates: tuple[float, ...]
    errors: tuple[float, ...]
    df_complete: float

    def r_script(self) -> RScript:
        """Return base R code that pools the same estimates.

        Returns
        -------
        RScript
            Shows estimate, standard error, degrees of freedom, p, fraction of missing information and the interval.
        """
        tail = (1 + self.level) / 2
        body = POOL + (
            f"found <- pool(responses$estimate, responses$se^2, {r_number(self.df_complete)})\n"
            f'limit <- qt({r_number(tail)}, found["df"]) * found["se"]\n'
            'show("low", found["estimate"] - limit); show("high", found["estimate"] + limit)\n'
        )
        table = pd.DataFrame({"estimate": self.estimates, "se": self.errors})
        return RScript(made_by="analysis.pool", body=body, data=table, name="pooled")

    def page(self) -> Page:
        """Return the estimate.

        Returns
        -------
        Page
            Ready to render.
        """
        at = self.pooled
        return Page(
            title=f"Pooled over {at.m} completed tables",
            subtitle="Rubin's rules, degrees of freedom by Barnard and Rubin.",
            blocks=(
                Facts(
                    (
                        ("estimate", number(at.estimate)),
                        ("standard error", number(at.se)),
                        (f"{self.level:.0%} CI", interval(self.low, self.high)),
                        ("df", number(at.df, 1)),
                        ("p", p_value(self.p)),
                        ("fraction of missing information", number(at.fmi, 2)),
                    )
                ),
            ),
        )


@one_thread()
def impute(
    data: pd.DataFrame,
    columns: Sequence[str],
    *,
    within: Sequence[str] = (),
    groups: Sequence[str] = (),
    kinds: "dict[str, Kind] | None" = None,
    slopes_within: bool = False,
    m: int = 20,
    seed: int = _SEED,
) -> Imputed:
    """Complete the gaps of a table several times.

    Parameters
    ----------
    data : DataFrame
        The table. It is not changed.
    columns : sequence of str
        Columns of numbers that take part: those with gaps, and all that tell of them.
    within : sequence of str, optional
        Factors whose combinations are the conditions: known for everybody; each condition has its own mean.
    groups : sequence of str, optional
        Columns that name clusters, which become random intercepts.
    kinds : dict of str to str, optional
        How a column is drawn: ``"score"`` (predictive mean matching, the default), ``"normal"``, ``"binary"``.
    slopes_within : bool, default False
        Whether slopes between the columns differ between conditions, as interactions need.
    m : int, default 20
        Completed tables.
    seed : int
        Seed.

    Returns
    -------
    Imputed
        Iterate over it for the completed tables.

    Raises
    ------
    DataError
        Where nothing is missing or nothing can be imputed, or a condition or cluster is unknown.
    NotFoundError
        For an unknown column or kind.
    """
    if isinstance(columns, str) or not columns:
        raise DataError(f"Give the columns as a list of names; given {columns!r}.")
    asked = dict(kinds or {})
    for name, kind in asked.items():
        if name not in columns or kind not in _KINDS:
            raise NotFoundError(choices("Kind of a column", f"{name}: {kind}", [f"{c}: ..." for c in columns]))
    gaps = [Gap(name=name, values=as_number(data, name), kind=asked.get(name, _kind(data, name))) for name in columns]
    cell, sizes = _conditions(data, within)
    tables = impute_chained(
        gaps, cell, sizes, m=m, seed=seed, by_cell=slopes_within, groups={g: _codes(data, g) for g in groups}
    )
    told = ", ".join(f"{one.name} {int(one.missing.sum())} ({one.kind})" for one in gaps if one.missing.any())
    return Imputed(
        data=data.copy(deep=False),
        columns=tuple(columns),
        tables=tables,
        notes=(f"chained equations, missing at random given these columns: {told}",),
        provenance=Provenance(made_by="analysis.impute", seed=seed),
    )


def pool(estimates: ArrayLike, se: ArrayLike, *, df: float = float("inf"), level: float = 0.95) -> PooledEstimate:
    """Pool the estimates of one quantity from completed tables.

    Parameters
    ----------
    estimates : array_like, shape (m,)
        One for each table.
    se : array_like, shape (m,)
        Their standard errors.
    df : float, default inf
        Degrees of freedom that a complete table has.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    PooledEstimate
        With interval, test and fraction of missing information.

    Raises
    ------
    DataError
        For fewer than two tables, standard errors that are not positive, or what is no number.
    """
    check_level(level)
    values, errors = numbers("Estimates", estimates), numbers("Standard errors", se)
    df = one_number("Degrees of freedom", df)
    if not (np.isfinite(errors) & (errors > 0)).all():
        raise DataError(f"Standard errors are positive and finite; given {errors.tolist()[:8]}.")
    found = pooled(values, np.square(errors), df=df)
    finite = np.isfinite(found.df)
    tail = (1 + level) / 2
    quantile = float(special.stdtrit(found.df, tail) if finite else special.ndtri(tail))
    t = -abs(found.estimate / found.se)
    return PooledEstimate(
        pooled=found,
        low=found.estimate - quantile * found.se,
        high=found.estimate + quantile * found.se,
        level=level,
        p=float(2 * (special.stdtr(found.df, t) if finite else special.ndtr(t))),
        estimates=tuple(values.tolist()),
        errors=tuple(errors.tolist()),
        df_complete=df,
    )


def _kind(data: pd.DataFrame, name: str) -> Kind:
    known = data[name].dropna().unique()
    return "binary" if set(known) <= {0, 1} and len(known) == 2 else "score"


def _conditions(data: pd.DataFrame, within: Sequence[str]) -> tuple[NDArray[np.int64], int]:
    if not within:
        return np.zeros(len(data), dtype=np.int64), 1
    joined = np.stack([_codes(data, name) for name in within], axis=1)
    levels, cell = np.unique(joined, axis=0, return_inverse=True)
    return cell.ravel().astype(np.int64), len(levels)


def _codes(data: pd.DataFrame, name: str) -> NDArray[np.int64]:
    factor = as_factor(data, name)
    if (factor.codes < 0).any():
        raise DataError(
            f"{name!r} is missing in {int((factor.codes < 0).sum())} rows; conditions and clusters are not imputed. "
            "Leave these rows out and say so."
        )
    return factor.codes.astype(np.int64)
