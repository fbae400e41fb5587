"""Each item of a scale: distribution, relation to the rest, and what the scale loses without it."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.issues import Issue, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.covariances import correlation, covariance
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.one_factor import one_factor_batch
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.reliability.alpha import alpha_of
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.psychometrics.showing import rows_of, with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Block, Page, Rendered, Table, number, table_of

__all__ = ["ItemAnalysis", "item_analysis"]

type Floats = NDArray[np.float64]

_MOST_VALUES = 15  # with more distinct values a table of shares is not read any more


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAnalysis(Rendered):
    """Item statistics of one scale.

    Attributes
    ----------
    statistics : DataFrame
        One row an item: ``item, n, missing, mean, sd, skew, kurtosis, item_total, item_rest, item_total_corrected,
        smc, alpha_if_dropped, omega_if_dropped, mean_inter_item, floor, ceiling``.
    shares : DataFrame
        One row an item, one column a value: share of answers; empty where items have too many distinct values.
    inter_item : DataFrame
        Correlations of all items.
    alpha : float
        Alpha of all items.
    range : tuple of float
        Lowest and highest possible answer, as given or as found.
    range_found : bool
        Whether the range was taken from the data, so that floor and ceiling count the extremes found.
    issues : tuple of Issue
        Floor and ceiling, items against the rest, rows set aside.
    matrix : Matrix
        The answers used.
    provenance : Provenance
        How the numbers were made.
    """

    statistics: pd.DataFrame
    shares: pd.DataFrame
    inter_item: pd.DataFrame
    alpha: float
    range: tuple[float, float]
    range_found: bool
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return one row an item."""
        return self.statistics.copy()

    def table(self) -> Table:
        """Return the statistics that are read first, as a table."""
        columns = {
            "item": "item", "n": "n", "mean": "mean", "sd": "SD", "skew": "skew", "item_rest": "item-rest r",
            "alpha_if_dropped": "alpha if dropped", "omega_if_dropped": "omega if dropped", "floor": "floor",
            "ceiling": "ceiling",
        }  # fmt: skip
        return table_of(rows_of(self.statistics), columns)

    def page(self) -> Page:
        """Return the items as a page."""
        blocks: list[Block] = [*with_notices(self.issues, self.table())]
        if len(self.shares):
            rows = rows_of(self.shares.reset_index())
            blocks.append(table_of(rows, decimals=2, caption="Share of answers"))
        blocks.append(self.provenance.facts())
        low, high = self.range
        note = (
            f"alpha {number(self.alpha)}; range {low:g} to {high:g}{' (found in the data)' if self.range_found else ''}"
        )
        return Page(f"Items: {len(self.statistics)}", note, tuple(blocks))

    def r_script(self) -> RScript:
        """Return a psych script that recomputes the item statistics.

        Returns
        -------
        RScript
            With the answers used as its data.
        """
        body = (
            f"library(psych)\nitems <- {r_vector(self.matrix.items)}\n"
            "fit <- alpha(responses[items], check.keys = FALSE, warnings = FALSE)\n"
            "for (item in items) {\n"
            '  show(paste("item_rest", item), fit$item.stats[item, "r.drop"])\n'
            '  show(paste("item_total", item), fit$item.stats[item, "raw.r"])\n'
            '  show(paste("item_total_corrected", item), fit$item.stats[item, "r.cor"])\n'
            '  show(paste("alpha_if_dropped", item), fit$alpha.drop[item, "raw_alpha"])\n}\n'
        )
        return RScript(made_by="psychometrics.item_analysis", body=body, data=self.matrix.frame(), name="items")


@one_thread()
def item_analysis(
    data: Items | Matrix,
    *,
    lowest: float | None = None,
    highest: float | None = None,
    missing: str = "listwise",
    crowded: float = 0.15,
) -> ItemAnalysis:
    """Describe each item of a scale.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Items scored in one direction, people by items.
    lowest, highest : float, optional
        Ends of the answer scale; the extremes found by default, and said to be.
    missing : {"listwise", "pairwise"}
        Rows used for relations between items; means and shares use all answers to the item.
    crowded : float, default 0.15
        Share of answers at one end of the scale above which floor or ceiling is flagged.

    Returns
    -------
    ItemAnalysis
        Statistics, shares, inter-item correlations and flags.

    Notes
    -----
    Item-rest r: correlation with the sum of the other items. Corrected item-total r: the item's own variance is
    replaced by its squared multiple correlation, as in R's psych. Skew and kurtosis: the moment estimators with a bias
    correction (SAS and SPSS); kurtosis is in excess of the normal. Omega if dropped needs four items.
    """
    matrix = item_matrix(data)
    S = covariance(matrix, missing=missing)
    used = matrix.complete if missing == "listwise" else matrix
    R = correlation(matrix, missing=missing)
    low, high = _range(matrix.answers, lowest, highest)
    statistics = pd.DataFrame(
        {
            "item": matrix.items,
            **_moments(matrix.answers),
            **_relations(S, R),
            "floor": np.nanmean(np.where(np.isnan(matrix.answers), np.nan, matrix.answers <= low), axis=0),
            "ceiling": np.nanmean(np.where(np.isnan(matrix.answers), np.nan, matrix.answers >= high), axis=0),
        }
    )
    rest = statistics["item_rest"].to_numpy()
    against = [name for name, r in zip(matrix.items, rest, strict=True) if r < 0]
    issues = (*used.issues, *conditions.negative_item_rest(against), *_crowding(statistics, crowded))
    names = list(matrix.items)
    return ItemAnalysis(
        statistics=statistics,
        shares=_shares(matrix),
        inter_item=pd.DataFrame(R, index=names, columns=names),
        alpha=float(alpha_of(S)),
        range=(low, high),
        range_found=lowest is None or highest is None,
        issues=issues,
        matrix=used,
        provenance=origin("item_analysis", f"{missing} deletion for relations, all answers for means and shares"),
    )


def _range(answers: Floats, lowest: float | None, highest: float | None) -> tuple[float, float]:
    low = float(np.nanmin(answers)) if lowest is None else float(lowest)
    high = float(np.nanmax(answers)) if highest is None else float(highest)
    return low, high


def _moments(answers: Floats) -> dict[str, Floats]:
    n = (~np.isnan(answers)).sum(axis=0)
    mean = np.nanmean(answers, axis=0)
    deviation = answers - mean
    m2, m3, m4 = (np.nanmean(deviation**power, axis=0) for power in (2, 3, 4))
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = m3 / m2**1.5 * np.sqrt(n * (n - 1.0)) / (n - 2.0)
        kurtosis = ((n + 1.0) * (m4 / m2**2 - 3.0) + 6.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0))
    return {
        "n": n,
        "missing": len(answers) - n,
        "mean": mean,
        "sd": np.sqrt(m2 * n / (n - 1.0)),
        "skew": skew,
        "kurtosis": kurtosis,
    }


def _relations(S: Floats, R: Floats) -> dict[str, Floats]:
    k = len(S)
    variance, by_total, total = np.diag(S), S.sum(axis=1), float(S.sum())
    sd = np.sqrt(variance)
    rest_variance = total - 2 * by_total + variance
    smc = _squared_multiple(R)
    common_total = float(R.sum()) - float((1.0 - smc).sum())
    # With fewer people than items the common variance of the sum can come out negative; no such correlation exists.
    corrected = (R.sum(axis=1) - 1.0 + smc) / np.sqrt(common_total) if common_total > 0 else np.full(k, np.nan)
    return {
        "item_total": by_total / (sd * np.sqrt(total)),
        "item_rest": (by_total - variance) / (sd * np.sqrt(rest_variance)),
        "item_total_corrected": corrected,
        "smc": smc,
        "alpha_if_dropped": _alpha_without(S) if k > 2 else np.full(k, np.nan),
        "omega_if_dropped": _omega_without(R, sd) if k > 3 else np.full(k, np.nan),
        "mean_inter_item": (R.sum(axis=1) - 1.0) / (k - 1),
    }


def _squared_multiple(R: Floats) -> Floats:
    # Collinear items explain each other fully: their squared multiple correlation is one.
    return np.asarray(1.0 - 1.0 / np.maximum(np.diag(np.linalg.pinv(R, hermitian=True)), 1.0))


def _alpha_without(S: Floats) -> Floats:
    k = len(S)
    trace = np.trace(S) - np.diag(S)
    total = S.sum() - 2 * S.sum(axis=1) + np.diag(S)
    return np.asarray((k - 1) / (k - 2) * (1.0 - trace / total))


def _omega_without(R: Floats, sd: Floats) -> Floats:
    k = len(R)
    keep = np.array([[i for i in range(k) if i != j] for j in range(k)])
    part = R[keep[:, :, None], keep[:, None, :]]
    loadings, unique, converged = one_factor_batch(part)
    scale = sd[keep]
    common = (loadings * scale).sum(axis=1) ** 2
    omega = common / (common + (unique * scale**2).sum(axis=1))
    return np.where(converged & (unique > 0).all(axis=1), omega, np.nan)


def _shares(matrix: Matrix) -> pd.DataFrame:
    values = np.unique(matrix.answers[~np.isnan(matrix.answers)])
    if len(values) > _MOST_VALUES:
        return pd.DataFrame()
    counts = (matrix.answers[:, :, None] == values).sum(axis=0)
    shares = counts / counts.sum(axis=1, keepdims=True)
    return pd.DataFrame(shares, index=pd.Index(matrix.items, name="item"), columns=[f"{value:g}" for value in values])


def _crowding(statistics: pd.DataFrame, crowded: float) -> list[Issue]:
    found = []
    for end in ("floor", "ceiling"):
        high = statistics[statistics[end] > crowded]
        if len(high):
            named = ", ".join(f"{row.item} ({getattr(row, end):.0%})" for row in high.itertuples())
            found.append(
                Issue(
                    code=f"psychometrics.{end}",
                    severity=Severity.NOTE,
                    where=", ".join(high["item"]),
                    what=f"More than {crowded:.0%} of the answers lie at the {end} of: {named}.",
                    why="People beyond the end of the scale cannot be told apart, and change there cannot be seen.",
                    fix="Report it; use an ordinal model rather than a linear one for such items.",
                )
            )
    return found
