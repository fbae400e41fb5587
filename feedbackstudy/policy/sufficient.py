"""`SufficientStats`: what is left of millions of applications, and all that any estimator is given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.policy.compression import LinearModel, MarginFit, Term, compress_linear
from feedbackstudy.policy.compression.compressing import engine_for
from feedbackstudy.policy.compression.covering import Cover
from feedbackstudy.policy.compression.model import summed
from feedbackstudy.policy.declared import Metric, PolicyPlan
from feedbackstudy.policy.declared.applications import NOT_STATED
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Page, Rendered, Table, number

__all__ = ["Prepared", "SufficientStats", "compress_prepared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An applications table made ready for one plan; nothing has been read yet where the engine is lazy.

    Attributes
    ----------
    table : object
        A frame of any engine, or a relation: one row for each application that counts. Its columns are ``period``
        (whole number), ``arm`` (text), ``treated`` (0 or 1), the columns of clusters, strata, factors and subgroups,
        and for each metric ``m_<name>`` with ``m_<name>_per`` (denominator) and ``m_<name>_x`` (covariate): numbers,
        null where the application does not count for the metric.
    rows : mapping of str to int
        What happened to the rows on the way: reason -> rows left out.
    provenance : Provenance
        What made it.
    """

    table: object
    rows: Mapping[str, int] = field(default_factory=dict)
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SufficientStats(Rendered):
    """Sums by cell and fitted adjusted models; restricted, because a cell of one person is that person.

    Attributes
    ----------
    plan : PolicyPlan
        The plan it was made for.
    cells : mapping of str to DataFrame
        Metric -> one row for each cell: its keys (clusters, ``period``, ``arm``, ``treated``, strata), ``n``, ``sum``,
        ``sumsq``; for ratios ``per_sum``, ``per_sumsq``, ``cross``; with a covariate ``x_sum``, ``x_sumsq``, ``xy``;
        for ordered ratings ``k0, k1 ...`` in the order of the categories.
    subgroups : mapping of (str, str) to DataFrame
        Metric and column of subgroups or equity groups -> the same by unit, period, arm and level.
    fits : mapping of str to MarginFit
        Metric -> the adjusted linear model.
    rows : mapping of str to int
        Reason -> rows left out before the cells.
    nested : mapping of (str, str) to mapping
        Columns of equity groups that lie within others (fine, coarse) -> level of the fine one -> that which holds it.
    contacts : mapping of str to mapping
        Column of people -> the counts of `Movers`, where they were taken from the table.
    provenance : Provenance
        What made it.
    """

    plan: PolicyPlan
    cells: Mapping[str, pd.DataFrame]
    subgroups: Mapping[tuple[str, str], pd.DataFrame]
    fits: Mapping[str, MarginFit]
    rows: Mapping[str, int]
    nested: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    contacts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    provenance: Provenance

    def of(self, metric: str) -> pd.DataFrame:
        """Return the cells of a metric.

        Parameters
        ----------
        metric : str
            Its name.

        Returns
        -------
        DataFrame
            A copy.

        Raises
        ------
        NotFoundError
            With the nearest names.
        """
        if metric not in self.cells:
            raise NotFoundError(choices("Metric", metric, self.cells))
        return self.cells[metric].copy()

    def save(self, folder: str | Path) -> Path:
        """Write the statistics to a new folder, marked as restricted.

        Parameters
        ----------
        folder : str or Path
            A folder that does not exist yet.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        FileFormatError
            Where the folder exists, or cannot be written.
        """
        from feedbackstudy.policy.sufficient_saving import save_stats

        return save_stats(self, folder)

    @classmethod
    def load(cls, folder: str | Path) -> "SufficientStats":
        """Read statistics that were saved.

        Parameters
        ----------
        folder : str or Path
            The folder.

        Returns
        -------
        SufficientStats
            The statistics.

        Raises
        ------
        FileFormatError
            For files that are missing, changed, or of a newer version.
        """
        from feedbackstudy.policy.sufficient_saving import load_stats

        return load_stats(folder)

    def page(self) -> Page:
        """Return what the statistics hold, without any of the numbers of a cell.

        Returns
        -------
        Page
            Ready to render.
        """
        head = ("metric", "cells", "clusters", "adjusted model")
        unit = self.plan.clusterings[0] if self.plan.clusterings else ""
        lines = tuple(
            (
                self.plan.metrics[name].label,
                number(len(frame)),
                number(frame[unit].nunique()) if unit else "applications are independent",
                f"{self.fits[name].rank} columns, {self.fits[name].engine}" if name in self.fits else "-",
            )
            for name, frame in self.cells.items()
        )
        left = Facts(tuple((reason, f"{n:,} rows left out") for reason, n in self.rows.items() if n))
        return Page(
            title=f"Sufficient statistics: {self.plan.title}",
            subtitle="Restricted: cells may hold single people. Results leave through a disclosure rule only.",
            blocks=(Table(head, lines), *((left,) if left.pairs else ()), self.provenance.facts()),
        )


def compress_prepared(prepared: Prepared, plan: PolicyPlan) -> SufficientStats:
    """Reduce a prepared table to sums by cell and one adjusted model for each metric.

    Parameters
    ----------
    prepared : Prepared
        The table.
    plan : PolicyPlan
        The plan.

    Returns
    -------
    SufficientStats
        All that the estimators are given.

    Raises
    ------
    DataError
        For an absent column, a value that is no number, or a metric without any application.
    """
    cells, groups, fits = {}, {}, {}
    engine = ""
    for metric in plan.metrics:
        keys = _keys(plan)
        cells[metric.name], engine = _cells(prepared.table, metric, keys)
        for column in dict.fromkeys((*plan.subgroups, *plan.equity_groups)):
            own = (*((plan.unit,) if plan.unit else ()), "period", "arm", "treated", column)
            groups[metric.name, column], _ = _cells(prepared.table, metric, own)
        if metric.kind in {"proportion", "mean", "nps", "ordinal"}:
            fits[metric.name] = compress_linear(prepared.table, _adjusted(metric, plan))
    made = prepared.provenance.derived("policy.compress", conventions=(f"sums by {engine}",))
    return SufficientStats(
        plan=plan, cells=cells, subgroups=groups, fits=fits, rows=prepared.rows, nested=_nested(prepared.table, plan),
        provenance=made,
    )  # fmt: skip


def _nested(table: object, plan: PolicyPlan) -> dict[tuple[str, str], dict[str, str]]:
    """Find columns of groups that lie within others; who is not stated may be anywhere."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for first, second in combinations(plan.equity_groups, 2):
        model = LinearModel(outcome="treated", terms=(Term((first, second)),))
        pairs, _ = _summed(table, model, (first, second), {"n": ()})
        for fine, coarse in ((first, second), (second, first)):
            stated = pairs[[fine, coarse]].astype(str)
            stated = stated[stated[fine] != NOT_STATED]
            if len(stated) and not stated[fine].duplicated().any() and len(set(stated[coarse])) > 1:
                found[fine, coarse] = dict(zip(stated[fine], stated[coarse], strict=True))
    return found


def _keys(plan: PolicyPlan) -> tuple[str, ...]:
    strata = plan.experiment.strata if plan.experiment is not None else ()
    return tuple(dict.fromkeys((*plan.clusterings, "period", "arm", "treated", *strata)))


def _adjusted(metric: Metric, plan: PolicyPlan) -> LinearModel:
    """Return the linear model of a metric: treatment, fixed effects of a roll-out or strata, adjustment."""
    rollout = plan.rollout
    factors = (
        [rollout.unit, "period"] if rollout is not None else list(plan.experiment.strata if plan.experiment else ())
    )
    factors += [name for name in plan.adjust if name not in factors]
    treat = Term((), ("treated",)) if rollout is not None or _two_arms(plan) else Term(("arm",))
    references = {} if treat.numerics else {"arm": plan.experiment.control if plan.experiment else ""}
    covariate = (Term((), (f"m_{metric.name}_x",)),) if metric.covariate is not None else ()
    return LinearModel(
        outcome=f"m_{metric.name}",
        terms=(treat, *covariate, *(Term((name,)) for name in factors)),
        clusters=plan.clusterings,
        references=references,
    )


def _two_arms(plan: PolicyPlan) -> bool:
    return plan.experiment is not None and len(plan.experiment.arms) == 2


def _wanted(metric: Metric) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name of each sum and the product that it is a sum of."""
    y, per, x = f"m_{metric.name}", f"m_{metric.name}_per", f"m_{metric.name}_x"
    yield "n", ()
    yield "sum", (y,)
    yield "sumsq", (y, y)
    if metric.per is not None:
        yield from (("per_sum", (per,)), ("per_sumsq", (per, per)), ("cross", (per, y)))
    if metric.covariate is not None:
        yield from (("x_sum", (x,)), ("x_sumsq", (x, x)), ("xy", (x, y)))


def _cells(table: object, metric: Metric, keys: tuple[str, ...]) -> tuple[pd.DataFrame, str]:
    wanted = list(_wanted(metric))
    numbers = dict.fromkeys(name for _, product in wanted for name in product)
    outcome = f"m_{metric.name}"
    slopes = tuple(Term((), (name,)) for name in numbers if name != outcome)
    frame, engine = _summed(table, LinearModel(outcome=outcome, terms=(Term(keys), *slopes)), keys, dict(wanted))
    if metric.kind == "ordinal":
        rated = LinearModel(outcome="treated", terms=(Term((*(k for k in keys if k != "treated"), outcome)),))
        short = tuple(k for k in keys if k != "treated")
        counts, _ = _summed(table, rated, (*short, outcome), {"n": ()})
        frame = _with_categories(frame, counts, short, metric)
    return frame, engine


def _summed(
    table: object, model: LinearModel, keys: tuple[str, ...], wanted: Mapping[str, tuple[str, ...]]
) -> tuple[pd.DataFrame, str]:
    safe, names = model.aliased()
    engine = engine_for(table, names)
    products = {name: tuple(sorted(names[part] for part in product)) for name, product in wanted.items()}
    cover = Cover(tuple(names[key] for key in keys), tuple(sorted(set(products.values()))))
    (found,) = engine.sums(safe, {}, (cover,))
    data = {key: found.frame[names[key]] for key in keys}
    data |= {name: found.frame[summed(product)].astype(np.float64) for name, product in products.items()}
    frame = pd.DataFrame(data)
    return frame.sort_values(list(keys), ignore_index=True), engine.words


def _with_categories(cells: pd.DataFrame, counts: pd.DataFrame, keys: tuple[str, ...], metric: Metric) -> pd.DataFrame:
    outcome = f"m_{metric.name}"
    codes = counts[outcome].astype(np.float64)
    strange = sorted(set(codes) - set(metric.categories))
    if strange:
        raise DataError(f"Metric {metric.name!r}: the codes {strange[:10]} are none of {list(metric.categories)}.")
    for k, category in enumerate(metric.categories):
        part = counts[codes == category].set_index(list(keys))["n"]
        index = pd.MultiIndex.from_frame(cells[list(keys)]) if len(keys) > 1 else pd.Index(cells[keys[0]])
        cells[f"k{k}"] = part.reindex(index, fill_value=0.0).to_numpy()
    return cells
