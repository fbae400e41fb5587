"""Whether items share enough variance to be factored: KMO and Bartlett's test of sphericity."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from feedbackstudy.issues import Issue
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.covariances import refuse_singular
from feedbackstudy.psychometrics.efa import correlations_for
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.psychometrics.showing import with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, number, p_value, table_of

__all__ = ["Factorability", "factorability"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Factorability(Rendered):
    """Sampling adequacy and sphericity.

    Attributes
    ----------
    kmo : float
        Kaiser-Meyer-Olkin measure of all items.
    msa : dict of str to float
        The same for each item.
    chi_square, df, p : float, int, float
        Bartlett's test that the correlation matrix is an identity.
    n : int
        People used.
    issues : tuple of Issue
        Named conditions.
    matrix : Matrix
        The answers used.
    provenance : Provenance
        How the numbers were made.
    """

    kmo: float
    msa: dict[str, float]
    chi_square: float
    df: int
    p: float
    n: int
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return the sampling adequacy of each item."""
        return pd.DataFrame({"item": list(self.msa), "msa": list(self.msa.values())})

    def table(self) -> Table:
        """Return the sampling adequacy as a table."""
        return table_of([{"item": name, "MSA": value} for name, value in self.msa.items()])

    def page(self) -> Page:
        """Return both measures as a page."""
        note = f"Bartlett: chi-square({self.df}) = {number(self.chi_square, 2)}, {p_value(self.p)}; {self.n} people"
        blocks = with_notices(self.issues, self.table(), self.provenance.facts())
        return Page(f"Sampling adequacy: KMO = {number(self.kmo)}", note, blocks)

    def r_script(self) -> RScript:
        """Return a psych script that recomputes both measures.

        Returns
        -------
        RScript
            With the answers used as its data.
        """
        body = (
            f"library(psych)\nitems <- {r_vector(self.matrix.items)}\nR <- cor(responses[items])\n"
            'show("KMO", KMO(R)$MSA)\n'
            f'show("chi-square", cortest.bartlett(R, n = {self.n})$chisq)\n'
        )
        return RScript(made_by="psychometrics.factorability", body=body, data=self.matrix.frame(), name="factorability")


@one_thread()
def factorability(data: Items | Matrix, *, correlations: str = "pearson", missing: str = "listwise") -> Factorability:
    r"""Compute the Kaiser-Meyer-Olkin measure and Bartlett's test of sphericity.

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
    Factorability
        Overall and per-item measures, and the test.

    Notes
    -----
    KMO: :math:`\sum r_{ij}^2/(\sum r_{ij}^2+\sum q_{ij}^2)` over pairs, with the anti-image correlations q (Kaiser &
    Rice 1974). Bartlett (1951): :math:`\chi^2=-(n-1-(2p+5)/6)\log|R|`.
    """
    R, used, issues = correlations_for(item_matrix(data), correlations=correlations, missing=missing)
    refuse_singular(R, used.items)
    inverse = np.linalg.inv(R)
    root = np.sqrt(np.diag(inverse))
    partial = (inverse / np.outer(root, root)) ** 2
    simple = R**2
    np.fill_diagonal(partial, 0.0)
    np.fill_diagonal(simple, 0.0)
    msa = simple.sum(axis=0) / (simple.sum(axis=0) + partial.sum(axis=0))
    n, p = used.n_people, len(R)
    chi = -(n - 1 - (2 * p + 5) / 6) * float(np.linalg.slogdet(R)[1])
    df = p * (p - 1) // 2
    return Factorability(
        kmo=float(simple.sum() / (simple.sum() + partial.sum())),
        msa=dict(zip(used.items, msa.tolist(), strict=True)),
        chi_square=chi,
        df=df,
        p=float(stats.chi2.sf(chi, df)),
        n=n,
        issues=issues,
        matrix=used,
        provenance=origin("factorability", f"{correlations} correlations, {missing} deletion"),
    )
