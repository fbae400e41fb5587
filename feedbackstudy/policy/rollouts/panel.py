"""`Panel`: one metric by unit and period, with the declared start of every unit checked against the table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, InputError, choices
from feedbackstudy.policy.arm_counts import ArmCounts, arm_counts
from feedbackstudy.policy.declared import Metric, Rollout
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Page, Rendered, Table, number

__all__ = ["Panel", "panel_of"]

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel(Rendered):
    """One metric by unit and period.

    Attributes
    ----------
    metric : Metric
        What is measured.
    rollout : Rollout
        The declared roll-out.
    units : tuple of str
        Units, sorted by their start and then by name.
    periods : ndarray of int, shape (T,)
        Consecutive numbers of periods, as `period_number` counts.
    n : ndarray, shape (U, T)
        Applications of each cell; for a ratio the sum of its denominator.
    total, squares : ndarray, shape (U, T)
        Sum of the metric, and of its squares.
    rows : int
        Applications behind all cells that are used.
    people : ndarray, shape (U, T), or None
        Applications of each cell, where `n` is the denominator of a ratio; None where `n` says it.
    start : ndarray, shape (U,)
        Position among `periods` of each unit's first period under the policy; infinite where it never changes over,
        negative where it did before the first period.
    used : ndarray of bool, shape (U, T)
        False for empty cells, for washout and for anticipation.
    strata : ndarray of int, shape (U,)
        Stratum within which the order was drawn.
    notes : tuple of str
        What was left out.
    provenance : Provenance or None
        What made the cells.
    """

    metric: Metric
    rollout: Rollout
    units: tuple[str, ...]
    periods: NDArray[np.int64]
    n: Floats
    total: Floats
    squares: Floats
    rows: int
    start: Floats
    used: Bools
    strata: NDArray[np.intp]
    notes: tuple[str, ...] = ()
    provenance: Provenance | None = None
    people: Floats | None = None

    @property
    def treated(self) -> Bools:
        """Which cells lie under the policy, by the declared start."""
        return np.asarray(np.arange(self.periods.size) >= self.start[:, None])

    @property
    def event_time(self) -> Floats:
        """Periods since the start of each cell's unit; minus infinity where a unit never changes over."""
        return np.asarray(np.arange(self.periods.size) - self.start[:, None], dtype=np.float64)

    @property
    def baseline(self) -> float:
        """The metric in cells before the policy."""
        before = self.used & ~self.treated
        return float(self.total[before].sum() / self.n[before].sum())

    @property
    def counts(self) -> ArmCounts:
        """The fewest people before or under the policy."""
        return self.counts_where(np.ones_like(self.used))

    def counts_where(self, cells: Bools) -> ArmCounts:
        """Return the fewest people before or under the policy in some of the cells.

        Parameters
        ----------
        cells : ndarray of bool, shape (U, T) or one that stretches to it
            The cells; those that are not used do not count.

        Returns
        -------
        ArmCounts
            What a disclosure rule judges.
        """
        return self.counts_in(cells & self.used & ~self.treated, cells & self.used & self.treated)

    def counts_in(self, *parts: Bools) -> ArmCounts:
        """Return the fewest people in any of several sets of cells.

        Parameters
        ----------
        *parts : ndarray of bool, shape (U, T)
            The sets.

        Returns
        -------
        ArmCounts
            What a disclosure rule judges.
        """
        people = self.n if self.people is None else self.people
        sums = [[float(values[part].sum()) for part in parts] for values in (people, self.total, self.squares)]
        return arm_counts(*sums)

    def cells(self) -> pd.DataFrame:
        """Return the cells that are used, one row each.

        Returns
        -------
        DataFrame
            ``unit, period, start, treated, event_time`` (positions), ``n, sum, mean``.
        """
        u, t = np.nonzero(self.used)
        n, total = self.n[u, t], self.total[u, t]
        return pd.DataFrame(
            {
                "unit": u,
                "period": t,
                "start": self.start[u],
                "treated": self.treated[u, t],
                "event_time": self.event_time[u, t],
                "n": n,
                "sum": total,
                "mean": total / n,
            }
        )

    def page(self) -> Page:
        """Return who changed over when, without any number of a single cell.

        Returns
        -------
        Page
            Ready to render.
        """
        values, counts = np.unique(self.start, return_counts=True)
        lines = tuple((self._when(value), number(int(count))) for value, count in zip(values, counts, strict=True))
        facts = Facts(
            (
                ("units", number(len(self.units))),
                (f"{self.rollout.period}s", number(self.periods.size)),
                ("mechanism", self.rollout.mechanism),
                *(("left out", note) for note in self.notes),
            )
        )
        return Page(title="Roll-out", subtitle=self.metric.label, blocks=(facts, Table(("start", "units"), lines)))

    def _when(self, start: float) -> str:
        if np.isinf(start):
            return "never"
        return "before the first period" if start < 0 else f"{self.rollout.period} {int(start) + 1}"


def panel_of(stats: SufficientStats, metric: str | None = None) -> Panel:
    """Arrange the cells of a metric by unit and period, and check the schedule against them.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out.
    metric : str, optional
        Name of the metric; the primary one by default.

    Returns
    -------
    Panel
        Cells by unit and period.

    Raises
    ------
    InputError
        Where the plan is an experiment.
    DataError
        For a unit without a declared start, a unit whose applications contradict its start, a period without any
        application, everyone treated throughout, or nobody treated at all.
    """
    plan = stats.plan
    rollout = plan.rollout
    if rollout is None:
        raise InputError(
            "The plan is an experiment; use policy.readout for it, or a plan with a treatment of kind: rollout."
        )
    declared = plan.metric(metric or plan.primary.name)
    cells = _of_known_units(stats.of(declared.name), rollout)
    weight = "per_sum" if declared.per is not None else "n"
    periods = _periods(cells, rollout)
    present = set(cells["unit"])
    units = tuple(sorted(present, key=lambda name: (_sortable(rollout.first_period(name)), name)))
    absent = sorted(set(rollout.start) - present)
    start = np.array([_sortable(rollout.first_period(name)) for name in units]) - periods[0]
    start[start >= periods.size] = np.inf
    _agree(cells, dict(zip(units, start + periods[0], strict=True)), rollout)
    table = {name: _grid(cells, name, units, periods) for name in {"n", weight, "sum", "sumsq"}}
    used, notes = _used(table[weight], start, rollout)
    if absent:
        notes = (*notes, f"{len(absent)} declared units have no applications: {', '.join(absent[:5])}")
    _contrasts(used, np.arange(periods.size) >= start[:, None])
    return Panel(
        metric=declared,
        rollout=rollout,
        units=units,
        periods=periods,
        n=table[weight],
        total=table["sum"],
        squares=table["sumsq"],
        rows=round(float(table["n"][used].sum())),
        start=start,
        used=used,
        strata=_strata(units, rollout),
        notes=notes,
        provenance=stats.provenance,
        people=table["n"] if declared.per is not None else None,
    )


def _of_known_units(cells: pd.DataFrame, rollout: Rollout) -> pd.DataFrame:
    cells = cells.assign(unit=cells[rollout.unit].astype(str))
    unknown = sorted(set(cells["unit"]) - set(rollout.start))
    if unknown:
        known = choices("Unit of the roll-out", unknown[0], rollout.start)
        raise DataError(f"{known} Declare when it starts, or 'never'.")
    return cells


def _sortable(period: int | None) -> float:
    return np.inf if period is None else float(period)


def _periods(cells: pd.DataFrame, rollout: Rollout) -> NDArray[np.int64]:
    found = np.unique(cells["period"].to_numpy().astype(np.int64))
    every = np.arange(found[0], found[-1] + 1)
    empty = np.setdiff1d(every, found)
    if empty.size:
        raise DataError(
            f"There is no application at all in {empty.size} {rollout.period}(s) between the first and the last, such "
            f"as number {empty[0] - found[0] + 1}: complete the table, or shorten the window of the plan."
        )
    if every.size < 2:
        raise DataError(f"All applications fall into one {rollout.period}: a roll-out needs a before and an after.")
    return np.asarray(every, dtype=np.int64)


def _agree(cells: pd.DataFrame, start: dict[str, float], rollout: Rollout) -> None:
    """Refuse applications whose treatment contradicts the declared start, outside of the washout."""
    period = cells["period"].to_numpy(dtype=np.float64)
    since = period - cells["unit"].map(start).to_numpy(dtype=np.float64)
    inside = (since >= 0) & (since < rollout.washout)
    wrong = (cells["treated"].to_numpy(dtype=np.float64) > 0) != (since >= 0)
    wrong &= ~inside & (cells["n"].to_numpy() > 0)
    if wrong.any():
        row = cells[wrong].iloc[0]
        said = "under" if row["treated"] > 0 else "without"
        raise DataError(
            f"Unit {row['unit']!r} has two start dates: the plan says {rollout.start[row['unit']]}, and the table "
            f"holds applications {said} the policy in {rollout.period} {int(row['period'])}, which contradicts it "
            f"({int(wrong.sum())} cells in all). Correct the date; where a unit changes within a {rollout.period}, "
            "declare washout: 1."
        )


def _grid(cells: pd.DataFrame, name: str, units: Sequence[str], periods: NDArray[np.int64]) -> Floats:
    wide = cells.pivot_table(index="unit", columns="period", values=name, aggfunc="sum", fill_value=0.0)
    return wide.reindex(index=list(units), columns=periods.tolist(), fill_value=0.0).to_numpy(dtype=np.float64)


def _used(n: Floats, start: Floats, rollout: Rollout) -> tuple[Bools, tuple[str, ...]]:
    since = np.arange(n.shape[1]) - start[:, None]
    washed = (since >= 0) & (since < rollout.washout)
    ahead = (since < 0) & (since >= -rollout.anticipation)
    notes = []
    for mask, words in ((washed, "washout"), (ahead, "anticipation")):
        if mask.any():
            notes.append(f"{words}: {int(mask.sum())} cells with {n[mask].sum():,.0f} applications are left out")
    empty = int((n <= 0).sum())
    if empty:
        notes.append(f"{empty} of {n.size} cells hold no applications")
    return (n > 0) & ~washed & ~ahead, tuple(notes)


def _contrasts(used: Bools, treated: Bools) -> None:
    if not (used & treated).any():
        raise DataError("Nobody is treated in the window: no unit starts before its end, so nothing can be compared.")
    if not (used & ~treated).any():
        raise DataError("Everyone is treated from the first period on: nothing says what would have happened without.")


def _strata(units: Sequence[str], rollout: Rollout) -> NDArray[np.intp]:
    if not rollout.strata:
        return np.zeros(len(units), dtype=np.intp)
    return np.asarray(np.unique([rollout.strata[unit] for unit in units], return_inverse=True)[1], dtype=np.intp)
