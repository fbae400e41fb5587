"""How many components to keep: Velicer's minimum average partial."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.issues import Issue
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.covariances import refuse_singular
from feedbackstudy.psychometrics.efa import correlations_for
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.psychometrics.showing import with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, table_of

__all__ = ["AveragePartial", "minimum_average_partial"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragePartial(Rendered):
    """Average squared partial correlation after removing components.

    Attributes
    ----------
    components : int
        Number of components with the smallest average.
    averages : ndarray
        Averages after removing 0, 1, 2, ... components.
    n : int
        People used.
    issues : tuple of Issue
        Named conditions.
    matrix : Matrix
        The answers used.
    provenance : Provenance
        How the numbers were made.
    """

    components: int
    averages: Floats
    n: int
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return one row a number of components removed."""
        return pd.DataFrame({"components": np.arange(len(self.averages)), "average": self.averages})

    def table(self) -> Table:
        """Return the averages as a table."""
        rows = [{"components removed": j, "average squared partial r": v} for j, v in enumerate(self.averages.tolist())]
        return table_of(rows, decimals=5)

    def page(self) -> Page:
        """Return the decision and the averages as a page."""
        blocks = with_notices(self.issues, self.table(), self.provenance.facts())
        return Page(f"Minimum average partial: {self.components} component(s)", f"{self.n} people", blocks)

    def r_script(self) -> RScript:
        """Return a psych script that recomputes the averages.

        Returns
        -------
        RScript
            psych starts with one component removed.
        """
        most = len(self.averages) - 1
        body = (
            f"library(psych)\nitems <- {r_vector(self.matrix.items)}\n"
            f'fit <- vss(cor(responses[items]), n = {most}, n.obs = {self.n}, rotate = "none", plot = FALSE)\n'
            f'for (j in seq_len({most})) show(paste("average", j), fit$map[j])\n'
        )
        return RScript(made_by="psychometrics.minimum_average_partial", body=body, data=self.matrix.frame(), name="map")


@one_thread()
def minimum_average_partial(
    data: Items | Matrix, *, correlations: str = "pearson", missing: str = "listwise"
) -> AveragePartial:
    """Find the number of components after which the least systematic relation is left.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Answers, people by items.
    correlations : {"pearson", "polychoric"}
        Which correlations.
    missing : {"listwise", "pairwise"}
        Rows used.

    Returns
    -------
    AveragePartial
        Count and averages.

    Notes
    -----
    Velicer (1976): principal components are removed one by one; the average squared partial correlation of the items
    falls while common variance is removed and rises when unique variance is.
    """
    R, used, issues = correlations_for(item_matrix(data, minimum=3), correlations=correlations, missing=missing)
    refuse_singular(R, used.items)
    averages = _averages(R)
    return AveragePartial(
        components=int(np.argmin(averages)),
        averages=averages,
        n=used.n_people,
        issues=issues,
        matrix=used,
        provenance=origin("minimum_average_partial", f"{correlations} correlations, {missing} deletion"),
    )


def _averages(R: Floats) -> Floats:
    p = len(R)
    values, vectors = np.linalg.eigh(R)
    components = (vectors * np.sqrt(values))[:, ::-1]
    left, out = R.copy(), []
    for j in range(p - 1):
        variance = np.diag(left)
        if (variance <= 1e-10).any():
            break
        partial = left / np.sqrt(np.outer(variance, variance))
        out.append((float((partial**2).sum()) - p) / (p * (p - 1)))
        left = left - np.outer(components[:, j], components[:, j])
    return np.array(out)
