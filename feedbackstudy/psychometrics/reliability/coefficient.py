"""The record every reliability coefficient returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from feedbackstudy.issues import Issue
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.matrix import Matrix
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Table, interval, number, table_of

__all__ = ["Coefficient"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient(Rendered):
    """One reliability coefficient with its uncertainty.

    Attributes
    ----------
    coefficient : str
        Its name, such as ``"alpha"`` or ``"omega total"``.
    value : float
        The estimate.
    se : float
        Standard error; NaN where the interval does not rest on one.
    low, high : float
        Interval limits; NaN where no interval is offered.
    level : float
        Coverage of the interval.
    interval : str
        Kind of interval, such as ``"Feldt"`` or ``"bootstrap percentile"``.
    n_people, n_items : int
        What it rests on.
    also : Mapping of str to float
        Companions from the same matrix, by name.
    loadings : Mapping of str to float
        Loadings behind the coefficient; empty where there are none.
    issues : tuple of Issue
        Named conditions; an error among them makes the number unfit to report.
    matrix : Matrix
        The answers used.
    r_body : str
        What the R script computes.
    provenance : Provenance
        How the number was made.
    """

    coefficient: str
    value: float
    se: float
    low: float
    high: float
    level: float
    interval: str
    n_people: int
    n_items: int
    also: Mapping[str, float]
    loadings: Mapping[str, float] = field(default_factory=dict)
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    r_body: str = field(repr=False)
    provenance: Provenance

    @property
    def fit_to_report(self) -> bool:
        """Whether no issue forbids reporting the number."""
        return conditions.fit_to_report(self.issues)

    def row(self) -> dict[str, object]:
        """Return the coefficient as one row.

        Returns
        -------
        dict
            Coefficient, value, se, low, high, level, interval, n_people, n_items, fit_to_report.
        """
        names = ("coefficient", "value", "se", "low", "high", "level", "interval", "n_people", "n_items")
        return {**{name: getattr(self, name) for name in names}, "fit_to_report": self.fit_to_report}

    def frame(self) -> pd.DataFrame:
        """Return the coefficient and its companions, one row each.

        Returns
        -------
        DataFrame
            Companions have no interval.
        """
        blank = {"n_people": self.n_people, "n_items": self.n_items}
        rows = [self.row(), *({"coefficient": name, "value": value, **blank} for name, value in self.also.items())]
        return pd.DataFrame(rows)

    def table(self) -> Table:
        """Return the coefficient and its companions as a table.

        Returns
        -------
        Table
            Value and interval.
        """
        first = {"name": self.coefficient, "value": self.value, "ci": interval(self.low, self.high)}
        rows = [first, *({"name": name, "value": value, "ci": ""} for name, value in self.also.items())]
        return table_of(rows, {"name": "coefficient", "value": "estimate", "ci": f"{self.level:.0%} interval"})

    def page(self) -> Page:
        """Return the coefficient as a page."""
        blocks: list[Block] = list(conditions.notices(self.issues))
        if not self.fit_to_report:
            blocks.insert(0, Notice("This number is not fit to report.", "error"))
        blocks.append(self.table())
        if self.loadings:
            blocks.append(Facts(tuple((name, number(value)) for name, value in self.loadings.items())))
        blocks.append(self.provenance.facts())
        note = f"{self.n_people} people, {self.n_items} items, interval: {self.interval}"
        title = f"{self.coefficient} = {number(self.value)}"
        return Page(title, note, tuple(blocks))

    def r_script(self) -> RScript:
        """Return the R script that recomputes the number.

        Returns
        -------
        RScript
            With the answers used as its data.
        """
        name = self.coefficient.split("(")[0].strip().replace(" ", "_").lower()
        body = f"items <- {r_vector(self.matrix.items)}\n" + self.r_body
        return RScript(made_by=self.provenance.made_by, body=body, data=self.matrix.frame(), name=name)
