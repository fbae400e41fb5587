"""`EffectEstimate`: one answer about a policy, whatever the method, in one set of columns."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

import pandas as pd

from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Facts, Notice, Numbered, Page, Rendered, Table, interval, number, p_value

__all__ = ["ArmPeople", "EffectEstimate", "Effects", "Scale"]

type Scale = Literal["absolute", "relative", "per_1000", "log odds", "ratio", "superiority"]

_LISTS = ("arms", "compared")  # what a disclosure rule needs and no table can hold


class ArmPeople(NamedTuple):
    """The people of one arm behind an answer.

    Attributes
    ----------
    arm : str
        Name of the arm.
    people : int
        Applications.
    sides : tuple of int
        Applications that a share counts, and does not count; of other whole numbers the most that can differ from 0;
        empty where nothing is counted.
    control : bool
        Whether all other arms are compared with it.
    """

    arm: str
    people: int
    sides: tuple[int, ...]
    control: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectEstimate:
    """One answer.

    Attributes
    ----------
    metric : str
        Name of the metric.
    label : str
        What it is called.
    role : str
        What it is for.
    contrast : str
        What is compared with what.
    scale : {"absolute", "relative", "per_1000", "log odds", "ratio", "superiority"}
        Scale of the estimate; superiority is the probability that a rating is higher, .5 where arms are alike.
    estimate : float
        The estimate.
    se : float or None
        Its standard error.
    df : float or None
        Degrees of freedom of t; None where the reference is not t.
    low, high : float or None
        Limits of the interval.
    level : float
        Level of the interval.
    p : float or None
        Two-sided p value.
    p_adjusted : float or None
        Adjusted over the secondary metrics.
    baseline : float or None
        The metric under the comparison.
    n : int
        Applications.
    n_clusters : int or None
        Independent units; None where applications are.
    smallest_arm : int or None
        Applications of the smallest arm; a disclosure rule hides numbers of which it is not known.
    fewest : int or None
        Fewest applications of an arm that a share counts, or does not count; None where nothing is counted.
    arms : tuple of ArmPeople
        All arms of an experiment; empty elsewhere. A disclosure rule protects them together.
    compared : tuple of str
        The arms whose people this answer rests on; empty where it rests on all.
    covariance : str
        How the standard error was made.
    method : str
        The estimator in words.
    decides : bool
        Whether this row is what the plan named; all others are robustness.
    verdict : str
        For guardrails: ``"within the margin"``, ``"breached"`` or ``"undecided"``; empty otherwise.
    assumptions : tuple of str
        What must hold for the number to be an effect.
    warnings : tuple of str
        What a reader must know beside it.
    fit_to_report : bool
        False where a check failed; `warnings` says which.
    """

    metric: str
    label: str
    role: str
    contrast: str
    scale: Scale
    estimate: float
    se: float | None = None
    df: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    p: float | None = None
    p_adjusted: float | None = None
    baseline: float | None = None
    n: int
    n_clusters: int | None = None
    smallest_arm: int | None = None
    fewest: int | None = None
    arms: tuple[ArmPeople, ...] = ()
    compared: tuple[str, ...] = ()
    covariance: str = ""
    method: str
    decides: bool = False
    verdict: str = ""
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    fit_to_report: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects(Rendered):
    """A table of answers that renders itself.

    Attributes
    ----------
    rows : tuple of EffectEstimate
        In reading order.
    title : str
        What the table is about.
    provenance : Provenance or None
        What made it.
    """

    rows: tuple[EffectEstimate, ...]
    title: str = "Effects of the policy"
    provenance: Provenance | None = None

    def __iter__(self) -> Iterator[EffectEstimate]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, metric: str) -> "Effects":
        """Return the answers about one metric."""
        rows = tuple(row for row in self.rows if row.metric == metric)
        if not rows:
            raise NotFoundError(choices("Metric", metric, {row.metric for row in self.rows}))
        return Effects(rows=rows, title=self.title, provenance=self.provenance)

    def one(self, metric: str, scale: Scale = "absolute") -> EffectEstimate:
        """Return the first answer about a metric on a scale.

        Parameters
        ----------
        metric : str
            Name of the metric.
        scale : str, default "absolute"
            Scale of the estimate.

        Returns
        -------
        EffectEstimate
            The answer.
        """
        found = [row for row in self[metric].rows if row.scale == scale]
        if not found:
            raise NotFoundError(choices("Scale", scale, {row.scale for row in self[metric].rows}))
        return found[0]

    def frame(self) -> pd.DataFrame:
        """Return all columns, one row for each answer.

        Returns
        -------
        DataFrame
            Columns as the attributes of `EffectEstimate`, without `arms` and `compared`, which are lists.
        """
        names = [field.name for field in fields(EffectEstimate) if field.name not in _LISTS]
        return pd.DataFrame([[getattr(row, name) for name in names] for row in self.rows], columns=names)

    def page(self) -> Page:
        """Return the answers as a page.

        Returns
        -------
        Page
            Ready to render; it has not passed a disclosure rule.
        """
        notes: dict[str, int] = {}
        lines = tuple(self._line(row, notes) for row in self.rows)
        unfit = dict.fromkeys(
            f"Not fit to report: {row.label}, {row.contrast}: {'; '.join(row.warnings)}."
            for row in self.rows
            if not row.fit_to_report
        )
        blocks: list[Block] = [Notice(text, tone="error") for text in unfit]
        head = ("metric", "contrast", "scale", "estimate", "interval", "p", "n", "clusters", "reads as")
        blocks += [Table(head, lines), Numbered(tuple(notes))]
        blocks += [self.provenance.facts()] if self.provenance is not None else [Facts(())]
        return Page(title=self.title, blocks=tuple(blocks))

    @staticmethod
    def _line(row: EffectEstimate, notes: dict[str, int]) -> tuple[str, ...]:
        texts = ("; ".join(filter(None, (row.method, row.covariance))), *row.assumptions, *row.warnings)
        marks = sorted(notes.setdefault(text, len(notes) + 1) for text in texts if text)
        p = p_value(row.p) if row.p is not None else "-"
        if row.p_adjusted is not None:
            p += f", adjusted {p_value(row.p_adjusted)}"
        return (
            f"{row.label} ({row.role}) {marks if marks else ''}".rstrip(),
            row.contrast,
            row.scale.replace("_", " "),
            number(row.estimate, 4),
            interval(row.low, row.high, 4) if row.low is not None else "-",
            p,
            number(row.n),
            number(row.n_clusters) if row.n_clusters is not None else "-",
            row.verdict or ("decides" if row.decides else "robustness"),
        )
