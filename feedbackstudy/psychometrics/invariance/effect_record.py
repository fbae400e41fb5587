"""The record of what non-invariance does to a difference between conditions."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from feedbackstudy.issues import Issue
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.cfa.result import CFA, records_of
from feedbackstudy.render import Block, Notice, Page, Rendered, Table, table_of

__all__ = ["NonInvariance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NonInvariance(Rendered):
    """How much of a difference between conditions is the items' doing.

    Attributes
    ----------
    items : DataFrame
        factor, item, place, anchor, bias (expected answer here less expected answer under the reference's parameters,
        for the
        people here), se, low, high, dmacs (root mean square of that difference over the people here, in standard
        deviations).
    scores : DataFrame
        factor, place, part (``difference`` of mean scores implied by the model, ``construct``, ``measurement``),
        estimate,
        se, low, high, in units of the mean of the items, reversed items turned.
    factors : DataFrame
        factor, place, difference of factor means in standard deviations of the reference: under full invariance, and
        with the
        freed parameters.
    reference : str
        The place the others are compared with.
    fit : CFA
        The model with the freed parameters.
    freed : tuple of str
        Parameters that differ between places.
    issues : tuple of Issue
        Conditions of the fit.
    provenance : Provenance
        How the numbers were made.
    """

    items: pd.DataFrame
    scores: pd.DataFrame
    factors: pd.DataFrame
    reference: str
    fit: CFA = field(repr=False)
    freed: tuple[str, ...]
    issues: tuple[Issue, ...]
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return the parts of the differences.

        Returns
        -------
        DataFrame
            The same as `scores`.
        """
        return self.scores

    def table(self) -> Table:
        """Return the parts of the differences as a table.

        Returns
        -------
        Table
            One row a factor, place and part.
        """
        return table_of(records_of(self.scores))

    def _verdicts(self) -> Iterator[Notice]:
        for (factor, place), part in self.scores.groupby(["factor", "place"], sort=False):
            rows = {str(row["part"]): row for row in records_of(part)}
            bias, low, high = (float(str(rows["measurement"][name])) for name in ("estimate", "low", "high"))
            total = float(str(rows["difference"]["estimate"]))
            text = (
                f"{factor}, {place} against {self.reference}: mean scores differ by {total:+.3f}, of which {bias:+.3f} "
                f"[{low:+.3f}, {high:+.3f}] comes from items that work differently."
            )
            yield Notice(text, "warning" if low > 0 or high < 0 else "good")

    def page(self) -> Page:
        """Return the effect as a page.

        Returns
        -------
        Page
            A sentence for each factor and place, the parts, the items, the factor means.
        """
        tables = [
            table_of(records_of(frame), caption=caption)
            for frame, caption in ((self.items, "Items"), (self.factors, "Factor means"))
        ]
        freed = ", ".join(self.freed) or "none"
        blocks: tuple[Block, ...] = (
            *conditions.notices(self.issues),
            *self._verdicts(),
            self.table(),
            *tables,
            self.provenance.facts(),
        )
        return Page("Effect of non-invariance on the difference in scores", f"freed: {freed}", blocks)
