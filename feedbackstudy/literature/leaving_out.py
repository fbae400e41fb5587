"""How much a meta-analysis rests on any single study."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.literature.meta import MetaAnalysis
from feedbackstudy.literature.pooling import conventions, pool
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Page, Rendered, Table, number

__all__ = ["LeaveOneOut", "leave_one_out"]

type Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOneOut(Rendered):
    """The pooled effect without each study in turn.

    Attributes
    ----------
    labels : tuple of str
        The study left out.
    estimate, se, tau2, q : ndarray, shape (k,)
        What the others give.
    provenance : Provenance
        Conventions and versions.
    """

    labels: tuple[str, ...]
    estimate: Array
    se: Array
    tau2: Array
    q: Array
    provenance: Provenance

    def page(self) -> Page:
        """Return one row for each study left out.

        Returns
        -------
        Page
            Ready to render.
        """
        columns = zip(self.labels, self.estimate, self.se, self.tau2, self.q, strict=True)
        rows = tuple((name, number(e), number(s), number(t, 4), number(q, 2)) for name, e, s, t, q in columns)
        table = Table(("without", "estimate", "se", "tau2", "Q"), rows)
        low, high = float(self.estimate.min()), float(self.estimate.max())
        return Page(
            "Leave one out", f"estimates from {number(low)} to {number(high)}", (table, self.provenance.facts())
        )


def leave_one_out(result: MetaAnalysis) -> LeaveOneOut:
    """Pool again without each study in turn, all at once.

    Parameters
    ----------
    result : MetaAnalysis
        At least three studies.

    Returns
    -------
    LeaveOneOut
        One row for each study.
    """
    if result.k < 3:
        raise DataError(f"Leaving one of {result.k} studies out leaves too few; give at least 3.")
    others = ~np.eye(result.k, dtype=bool)
    y, v = (np.broadcast_to(a, others.shape)[others].reshape(result.k, -1) for a in (result.yi, result.vi))
    pooled = pool(y, v, method=result.method, test=result.test)
    return LeaveOneOut(
        labels=result.labels,
        estimate=pooled.estimate,
        se=pooled.se,
        tau2=pooled.tau2,
        q=pooled.q,
        provenance=Provenance(made_by="literature.leave_one_out", conventions=conventions(result.method, result.test)),
    )
