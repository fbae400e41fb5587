"""Readout for people with a frame and no plan."""

from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from feedbackstudy.errors import DataError, InputError, choices
from feedbackstudy.named import Fixed, Named
from feedbackstudy.policy.applications.opening import Wanted, opened
from feedbackstudy.policy.declared import ApplicationColumns, Experiment, Metric, PolicyArm, PolicyPlan, Window
from feedbackstudy.policy.direct_values import checked_values
from feedbackstudy.policy.effect import Effects
from feedbackstudy.policy.inference.cell_regression import Correction
from feedbackstudy.policy.readout import readout as readout_of_stats
from feedbackstudy.policy.sufficient import Prepared, SufficientStats, compress_prepared
from feedbackstudy.provenance import Provenance

__all__ = ["readout"]

type Frame = Any
type Kind = Literal["proportion", "mean", "ratio", "nps"]

_NOBODYS = ApplicationColumns(
    application="row", applied_at="at", decided_at="until", status="state", statuses=Fixed({"rejected": "rejected"})
)
_ANY_TIME = Window(first="2000-01-01", last="2000-01-01", data_end="2000-01-01")


def readout(
    data: object,
    *,
    outcome: str | None = None,
    arm: str | None = None,
    control: str | int | None = None,
    unit: str | None = None,
    kind: Kind = "proportion",
    per: str | None = None,
    covariate: str | None = None,
    randomised: bool = True,
    level: float = 0.95,
    draws: int = 10_000,
    correction: Correction | None = None,
    seed: int = 1,
) -> Effects:
    """Compare arms: from sufficient statistics of a plan, or from any table without one.

    Parameters
    ----------
    data : SufficientStats, Path, str, DuckDB relation or data frame
        Statistics answer all metrics of their plan, and nothing else may be given but `draws` and
        `correction`. A table is compressed
        first, wherever it lies.
    outcome, arm : str, optional
        Columns of the outcome and of the arm; needed with a table.
    control : str or int, optional
        The arm that others are compared with, as the column says it; needed with a table.
    unit : str, optional
        Column of the units that were assigned; None where each row was.
    kind : {"proportion", "mean", "ratio", "nps"}, default "proportion"
        What is computed.
    per : str, optional
        Denominator column of a ratio.
    covariate : str, optional
        A column known beforehand that reduces variance (CUPED).
    randomised : bool, default True
        Whether chance decided about arms.
    level : float, default .95
        Level of intervals.
    draws : int, default 10000
        Draws of randomisation inference, which leads below 12 units.
    correction : {"CR0", "CR1", "CR2", "CR3"}, optional
        Correction of clustered errors for leverage; by default CR2 below 50 clusters and CR1 above.
    seed : int, default 1
        Their seed.

    Returns
    -------
    Effects
        Absolute, relative, and per 1,000 where the metric is a share; rows without a value are counted in the warnings.

    Raises
    ------
    InputError
        Where a table comes without its columns, or statistics with some.
    DataError
        For an absent column, an unknown control, one arm only, a row without arm or unit, or a value that the kind does
        not have.
    """
    if isinstance(data, SufficientStats):
        if any(given is not None for given in (outcome, arm, control, unit, per, covariate)):
            raise InputError(
                "Statistics belong to a plan that names outcome, arm and unit; give them with tables only."
            )
        return readout_of_stats(data, draws=draws, correction=correction)
    if outcome is None or arm is None or control is None:
        raise InputError("With a table name the columns of 'outcome' and 'arm', and the 'control'.")
    metric = Metric(
        name="outcome", label=outcome, kind=kind, column=outcome, per=per, covariate=covariate, role="primary"
    )
    wanted = [Wanted("fs_arm", (arm,), "name")] + ([Wanted(unit, (unit,), "name")] if unit is not None else [])
    for column, alias in ((outcome, "m_outcome"), (per, "m_outcome_per"), (covariate, "m_outcome_x")):
        wanted += [Wanted(alias, (column,), "number")] if column is not None else []
    frame = opened(data, wanted, zone=None)
    codes, control = _codes(frame, arm, str(control)), str(control)
    numbers = {"m_outcome": outcome, "m_outcome_per": per, "m_outcome_x": covariate}
    given = {alias: column for alias, column in numbers.items() if column is not None}
    missing = checked_values(frame, kind, given, units={unit: unit} if unit is not None else {})
    plan = PolicyPlan(
        title=f"{outcome} by {arm}",
        columns=_NOBODYS,
        window=_ANY_TIME,
        treatment=Experiment(
            column=arm,
            unit=unit,
            arms=Named(PolicyArm(name=f"arm_{i}", label=code, code=code) for i, code in enumerate(codes)),
            control=f"arm_{codes.index(control)}",
            mechanism="randomised" if randomised else "observational",
        ),
        metrics=Named((metric,)),
        interval_level=level,
        seed=seed,
    )
    prepared = Prepared(
        table=_prepared(frame, codes, control, kind), rows=missing, provenance=Provenance(made_by="policy.readout")
    )
    found = readout_of_stats(compress_prepared(prepared, plan), draws=draws, correction=correction)
    said = tuple(f"{n:,} rows left out: {why}" for why, n in missing.items())
    return replace(found, rows=tuple(replace(row, warnings=(*row.warnings, *said)) for row in found.rows))


def _codes(frame: Frame, arm: str, control: str) -> list[str]:
    import narwhals as nw

    counted = frame.group_by("fs_arm").agg(nw.len().alias("n"))
    if isinstance(counted, nw.LazyFrame):
        counted = counted.collect()
    codes = counted.to_pandas()["fs_arm"]
    if codes.isna().any():
        raise DataError(
            f"Column {arm!r} does not say the arm of every row; complete it, or take the rows out and say so."
        )
    found = sorted(map(str, codes))
    if control not in found:
        raise DataError(choices(f"Control in {arm!r}", control, found))
    if len(found) < 2:
        raise DataError(f"Column {arm!r} holds one arm only, {found[0]!r}: there is nothing to compare it with.")
    return found


def _prepared(frame: Frame, codes: list[str], control: str, kind: Kind) -> object:
    import narwhals as nw

    name: Frame = nw.lit(None, nw.String)
    for i, code in enumerate(codes):
        name = nw.when(nw.col("fs_arm") == code).then(nw.lit(f"arm_{i}")).otherwise(name)
    treated = (nw.col("fs_arm") != control).cast(nw.Float64)
    made = frame.with_columns(name.alias("arm"), treated.alias("treated"), nw.lit(0, nw.Int64).alias("period"))
    if kind == "nps":
        raw = nw.col("m_outcome")
        top = nw.when(raw >= 9).then(nw.lit(1.0)).otherwise(nw.when(raw <= 6).then(nw.lit(-1.0)).otherwise(nw.lit(0.0)))
        made = made.with_columns(nw.when(~raw.is_null()).then(top).alias("m_outcome"))
    native: object = made.to_native()
    return native if not isinstance(native, pd.DataFrame) else native.reset_index(drop=True)
