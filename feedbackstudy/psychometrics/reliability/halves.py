"""Split halves, Guttman's lambdas and the greatest lower bound."""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.issues import Issue, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.covariances import correlation, covariance, refuse_singular
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.reliability.bound import greatest_lower_bound
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.psychometrics.showing import with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, table_of

__all__ = ["SplitHalves", "split_half"]

type Floats = NDArray[np.float64]

_ALL_SPLITS = 20  # items up to which every split into halves is looked at: 92,378 splits
_SAMPLED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitHalves(Rendered):
    """Split-half reliabilities and lower bounds.

    Attributes
    ----------
    coefficients : dict of str to float
        Name -> value: ``maximum``, ``minimum``, ``mean`` and ``median`` of Guttman's coefficient over all splits,
        ``mean Spearman-Brown``, ``odd-even Spearman-Brown``, ``lambda 1`` ... ``lambda 6``, ``mu 0`` ... ``mu 3``
        and ``GLB``.
    best_half : tuple of str
        Items of one half of the best split.
    n_splits : int
        Splits looked at.
    all_splits : bool
        Whether these are all; otherwise a random part, and the extremes are bounds only.
    duality_gap : float
        How far the GLB can at most lie from its true value.
    n_people : int
        People used.
    issues : tuple of Issue
        Named conditions.
    matrix : Matrix
        The answers used.
    provenance : Provenance
        How the numbers were made.
    """

    coefficients: dict[str, float]
    best_half: tuple[str, ...]
    n_splits: int
    all_splits: bool
    duality_gap: float
    n_people: int
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return one row a coefficient."""
        return pd.DataFrame({"coefficient": list(self.coefficients), "value": list(self.coefficients.values())})

    def table(self) -> Table:
        """Return the coefficients as a table."""
        return table_of([{"coefficient": name, "estimate": value} for name, value in self.coefficients.items()])

    def page(self) -> Page:
        """Return the coefficients as a page."""
        how = "all" if self.all_splits else "a random part of all"
        note = f"{self.n_people} people, {self.matrix.n_items} items; {how} splits: {self.n_splits}"
        blocks = with_notices(self.issues, self.table(), self.provenance.facts())
        return Page("Split halves and lower bounds", note, blocks)

    def r_script(self) -> RScript:
        """Return a psych script that recomputes the split halves.

        Returns
        -------
        RScript
            With the answers used as its data.
        """
        body = f"items <- {r_vector(self.matrix.items)}\n" + _R_BODY
        return RScript(made_by="psychometrics.split_half", body=body, data=self.matrix.frame(), name="split_half")


_R_BODY = """\
library(psych)
S <- cor(responses[items])
fit <- splitHalf(S, brute = TRUE)
show("maximum", fit$maxrb)
show("minimum", fit$minrb)
if (length(items) %% 2 == 0) show("mean", fit$meanr) # with an odd number psych averages half of the splits
show("lambda 2", fit$lambda2)
show("lambda 6", fit$lambda6)
"""


@one_thread()
def split_half(data: Items | Matrix, *, standardised: bool = True, seed: int = 1) -> SplitHalves:
    r"""Compute split-half reliabilities, Guttman's lambdas and the greatest lower bound.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Items scored in one direction, people by items; incomplete rows are set aside.
    standardised : bool, default True
        Whether items are brought to unit variance first (as psych does) or kept in their own metric.
    seed : int, default 1
        Seed of the splits drawn where there are too many to look at all.

    Returns
    -------
    SplitHalves
        Coefficients, best split, and the certificate of the GLB.

    Raises
    ------
    DataError
        For unusable or collinear answers.

    Notes
    -----
    A split into halves A and B has :math:`4\,\mathrm{cov}(A,B)/\sigma_T^2` (Guttman 1945), the largest of which is
    lambda 4, and :math:`2r_{AB}/(1+r_{AB})` (Spearman-Brown). Halves differ by at most one item; with an odd number of
    items all of those splits count (psych 2.2.9 averages over half of them). ``mu 0`` to ``mu 3``: ten Berge & Zegers
    (1978). GLB: the semidefinite problem itself is solved, see `greatest_lower_bound`.
    """
    matrix = item_matrix(data, minimum=3).complete
    S = correlation(matrix) if standardised else covariance(matrix)
    refuse_singular(correlation(matrix), matrix.items)
    signs, complete = _splits(len(S), seed)
    halves = _Halves.of(S, signs)
    bound = greatest_lower_bound(S)
    split = halves.lambda4
    best = int(np.argmax(split))
    odd_even = _Halves.of(S, np.where(np.arange(len(S)) % 2 == 0, 1.0, -1.0)[None]).spearman_brown[0]
    coefficients = {
        "maximum": float(split.max()),
        "minimum": float(split.min()),
        "mean": float(split.mean()),
        "median": float(np.median(split)),
        "mean Spearman-Brown": float(halves.spearman_brown.mean()),
        "odd-even Spearman-Brown": float(odd_even),
        **_lambdas(S, float(split.max())),
        **_mus(S),
        "GLB": bound.value,
    }
    return SplitHalves(
        coefficients=coefficients,
        best_half=tuple(name for name, s in zip(matrix.items, signs[best], strict=True) if s > 0),
        n_splits=len(signs),
        all_splits=complete,
        duality_gap=bound.gap,
        n_people=matrix.n_people,
        issues=(*matrix.issues, *([] if complete else [_sampled(len(S), len(signs))])),
        matrix=matrix,
        provenance=origin(
            "split_half",
            "correlations" if standardised else "covariances",
            "listwise deletion",
            "halves that differ by at most one item",
            seed=None if complete else seed,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Halves:
    spearman_brown: Floats
    lambda4: Floats

    @classmethod
    def of(cls, S: Floats, signs: Floats) -> "_Halves":
        total = float(S.sum())
        half = (signs + 1.0) / 2.0
        within_a = np.einsum("si,ij,sj->s", half, S, half, optimize=True)
        other = 1.0 - half
        within_b = np.einsum("si,ij,sj->s", other, S, other, optimize=True)
        between = (total - within_a - within_b) / 2.0
        r = between / np.sqrt(within_a * within_b)
        return cls(2 * r / (1 + r), 4.0 * between / total)


def _splits(k: int, seed: int) -> tuple[Floats, bool]:
    """Return sign vectors of splits into halves that differ by at most one item, each split once."""
    size = k // 2
    if k <= _ALL_SPLITS:
        chosen = [c for c in combinations(range(k), size) if k % 2 or 0 in c]
        signs = -np.ones((len(chosen), k))
        signs[np.arange(len(chosen))[:, None], np.array(chosen)] = 1.0
        return signs, True
    order = np.random.default_rng(seed).permuted(np.tile(np.arange(k), (_SAMPLED, 1)), axis=1)
    return np.where(order < size, 1.0, -1.0), False


def _sampled(k: int, n: int) -> Issue:
    return Issue(
        code="psychometrics.splits_sampled",
        severity=Severity.NOTE,
        where=f"{k} items",
        what=f"{k} items have too many splits; {n} drawn at random were looked at.",
        why="The largest and smallest split-half values, and lambda 4, are then bounds on the true extremes.",
        fix="Read lambda 4 as at least the value shown.",
    )


def _lambdas(S: Floats, lambda4: float) -> dict[str, float]:
    k, total = len(S), float(S.sum())
    off = S - np.diag(np.diag(S))
    squares = off**2
    lambda1 = 1.0 - float(np.trace(S)) / total
    residual = 1.0 / np.diag(np.linalg.inv(S))
    return {
        "lambda 1": lambda1,
        "lambda 2": lambda1 + float(np.sqrt(k / (k - 1) * squares.sum())) / total,
        "lambda 3": lambda1 * k / (k - 1),
        "lambda 4": lambda4,
        "lambda 5": lambda1 + 2.0 * float(np.sqrt(squares.sum(axis=0).max())) / total,
        "lambda 6": 1.0 - float(residual.sum()) / total,
    }


def _mus(S: Floats) -> dict[str, float]:
    """Return the ten Berge & Zegers series, each at least as near to the reliability as the one before."""
    k, total = len(S), float(S.sum())
    off = S - np.diag(np.diag(S))
    out: dict[str, float] = {}
    for r in range(4):
        chain = float((off ** (2**r)).sum()) * k / (k - 1)
        for lower in range(r - 1, -1, -1):
            chain = float((off ** (2**lower)).sum()) + np.sqrt(max(chain, 0.0))
        out[f"mu {r}"] = float(chain) / total
    return out
