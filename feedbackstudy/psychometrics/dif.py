"""Differential item functioning by ordinal logistic regression."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.ordinal import Ordinal, ordinal_items
from feedbackstudy.psychometrics.ordinal_logit import OrdinalLogit, ordinal_logit
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.psychometrics.showing import rows_of, with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, table_of

__all__ = ["DifferentialFunctioning", "dif"]

type Floats = NDArray[np.float64]

_MATCHES = ("total", "rest")


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferentialFunctioning(Rendered):
    """Whether items work alike in all groups.

    Attributes
    ----------
    results : DataFrame
        One row an item: ``item, uniform, uniform_p, nonuniform, nonuniform_p, total, total_p, total_p_adjusted, df,
        pseudo_r2, log_odds, flagged``. The three tests are likelihood ratio chi-squares; `pseudo_r2` is the gain in
        McFadden's index from matching score to the full model; `log_odds` is the shift of the second group against the
        first at equal matching score (two groups only).
    groups : tuple of str
        Groups, the first is the reference.
    match : str
        Matching score.
    anchors : tuple of str
        Items that make up the matching score in the end.
    level : float
        Adjusted p below which an item is flagged.
    n : int
        People used.
    issues : tuple of Issue
        Named conditions.
    matrix : Matrix
        The answers used.
    provenance : Provenance
        How the numbers were made.
    """

    results: pd.DataFrame
    groups: tuple[str, ...]
    match: str
    anchors: tuple[str, ...]
    level: float
    n: int
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    membership: NDArray[np.intp] = field(repr=False)
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return one row an item."""
        return self.results.copy()

    def table(self) -> Table:
        """Return one row an item as a table."""
        columns = {
            "item": "item", "uniform": "uniform chi-square", "uniform_p": "p", "nonuniform": "non-uniform chi-square",
            "nonuniform_p": "p ", "total_p_adjusted": "adjusted p", "pseudo_r2": "gain in R2", "log_odds": "log odds",
            "flagged": "flagged",
        }  # fmt: skip
        return table_of(rows_of(self.results), columns)

    def page(self) -> Page:
        """Return the items as a page."""
        matched = f"matched on the {self.match} score of {len(self.anchors)} items"
        note = f"{self.n} people in {', '.join(self.groups)}; {matched}"
        blocks = with_notices(self.issues, self.table(), self.provenance.facts())
        return Page(
            f"Differential item functioning: {int(self.results['flagged'].sum())} item(s) flagged", note, blocks
        )

    def r_script(self) -> RScript:
        """Return a MASS script that recomputes the tests.

        Returns
        -------
        RScript
            With the answers and the groups used as its data.
        """
        score = "rowSums(responses[anchors])"
        own = "" if self.match == "total" else " - ifelse(item %in% anchors, responses[[item]], 0)"
        body = (
            f"library(MASS)\nitems <- {r_vector(self.matrix.items)}\nanchors <- {r_vector(self.anchors)}\n"
            "g <- factor(responses$group_)\nfor (item in items) {\n"
            f"  y <- factor(responses[[item]], ordered = TRUE)\n  m <- scale({score}{own})[, 1]\n"
            "  fits <- list(polr(y ~ m), polr(y ~ m + g), polr(y ~ m * g))\n"
            "  ll <- sapply(fits, function(f) as.numeric(logLik(f)))\n"
            '  show(paste("uniform", item), 2 * (ll[2] - ll[1]))\n'
            '  show(paste("nonuniform", item), 2 * (ll[3] - ll[2]))\n}\n'
        )
        data = self.matrix.frame().assign(group_=self.membership)
        return RScript(made_by="psychometrics.dif", body=body, data=data, name="dif")


@one_thread()
def dif(
    data: Items | Matrix,
    group: ArrayLike | pd.Series,
    *,
    match: str = "total",
    level: float = 0.01,
    purify: bool = True,
) -> DifferentialFunctioning:
    r"""Test whether an item is answered differently by groups that match on the scale.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Ordinal codes scored in one direction, people by items.
    group : array of shape (n_people,)
        Group of each person; the first group met when sorted is the reference.
    match : {"total", "rest"}
        Matching score: sum of the anchor items, with or without the item itself.
    level : float, default 0.01
        Holm-adjusted p below which an item is flagged.
    purify : bool, default True
        Whether the item that differs most leaves the matching score and all items are tested again, until no item of
        the score is flagged.

    Returns
    -------
    DifferentialFunctioning
        Tests of uniform and non-uniform differences.

    Raises
    ------
    DataError
        For unusable answers, groups that do not fit the rows, or an unknown option.

    Notes
    -----
    Proportional odds models of the item on the score; plus group; plus group by score (Zumbo 1999). A flag is about
    statistical evidence; the gain in pseudo R2 and the log odds say whether it matters.
    """
    if match not in _MATCHES:
        raise DataError(choices("Match", match, _MATCHES))
    given = item_matrix(data, minimum=3)
    labels = pd.Series(np.asarray(group, dtype=object))
    if len(labels) != given.n_people:
        raise DataError(f"{len(labels)} group labels for {given.n_people} people; give one a person.")
    keep = labels.notna().to_numpy() & ~np.isnan(given.answers).any(axis=1)
    ordinal = ordinal_items(
        Matrix(answers=given.answers[keep], items=given.items, people=given.people[keep], issues=given.issues)
    )
    member, names = pd.factorize(labels[keep].astype(str), sort=True)
    _refuse_groups(member, names)
    results, anchors = _purified(ordinal, member, match=match, level=level, purify=purify)
    dropped = given.n_people - int(keep.sum())
    return DifferentialFunctioning(
        results=results,
        groups=tuple(str(name) for name in names),
        match=match,
        anchors=anchors,
        level=level,
        n=int(keep.sum()),
        issues=(*ordinal.issues, *_few_anchors(anchors, ordinal.items)),
        matrix=ordinal.matrix,
        membership=member,
        provenance=origin(
            "dif",
            f"{dropped} people without group or with a missing answer set aside",
            "proportional odds models, likelihood ratio tests, Holm adjustment over items",
            f"matching score purified of flagged items: {purify}",
        ),
    )


def _refuse_groups(member: NDArray[np.intp], names: pd.Index) -> None:
    if len(names) < 2:
        raise DataError(f"Only the group {list(names)!r} has complete answers; give two groups or more.")
    sizes = np.bincount(member)
    if sizes.min() < 10:
        raise DataError(f"Group {names[int(sizes.argmin())]!r} has {int(sizes.min())} people; ten or more are needed.")


def _few_anchors(anchors: tuple[str, ...], items: tuple[str, ...]) -> list[Issue]:
    if 2 * len(anchors) >= len(items):
        return []
    return [
        Issue(
            code="psychometrics.few_anchors",
            severity=Severity.WARNING,
            where=", ".join(anchors),
            what=f"Only {len(anchors)} of {len(items)} items are left in the matching score.",
            why="People are matched on few items, perhaps the ones that differ; the tests then say little.",
            fix="Compare with purify=False, and judge by the size of the differences.",
        )
    ]


def _purified(
    ordinal: Ordinal, member: NDArray[np.intp], *, match: str, level: float, purify: bool
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Take the worst flagged anchor out of the score and test again, until no anchor is flagged."""
    anchors = np.ones(len(ordinal.items), dtype=bool)
    while True:
        results = _tested(ordinal, member, anchors, match=match, level=level)
        flagged = results["flagged"].to_numpy(dtype=bool) & anchors
        # One at a time: a single strong difference shifts the score and makes sound items look different.
        if not purify or not flagged.any() or anchors.sum() <= 2:
            return results, tuple(name for name, keep in zip(ordinal.items, anchors, strict=True) if keep)
        worst = int(np.argmax(np.where(flagged, results["total"].to_numpy(), -np.inf)))
        anchors[worst] = False


def _tested(
    ordinal: Ordinal, member: NDArray[np.intp], anchors: NDArray[np.bool_], *, match: str, level: float
) -> pd.DataFrame:
    dummies = (member[:, None] == np.arange(1, member.max() + 1)).astype(np.float64)
    score = ordinal.matrix.answers[:, anchors].sum(axis=1)
    rows = []
    for j, name in enumerate(ordinal.items):
        own = ordinal.matrix.answers[:, j] if match == "rest" and anchors[j] else 0.0
        rows.append({"item": name, **_item_tests(ordinal.positions[:, j], score - own, dummies)})
    frame = pd.DataFrame(rows)
    frame["total_p_adjusted"] = _holm(frame["total_p"].to_numpy())
    return frame.assign(flagged=frame["total_p_adjusted"] < level)


def _item_tests(y: NDArray[np.intp], score: Floats, dummies: Floats) -> dict[str, float]:
    z = ((score - score.mean()) / score.std(ddof=1))[:, None]
    k = dummies.shape[1]
    fits: list[OrdinalLogit] = [
        ordinal_logit(y, np.hstack(parts)) for parts in ([z], [z, dummies], [z, dummies, z * dummies])
    ]
    ll = [fit.log_likelihood if fit.converged else float("nan") for fit in fits]
    null = ordinal_logit(y, np.empty((len(y), 0))).log_likelihood
    uniform, nonuniform = 2 * (ll[1] - ll[0]), 2 * (ll[2] - ll[1])
    return {
        "uniform": uniform,
        "uniform_p": float(stats.chi2.sf(uniform, k)),
        "nonuniform": nonuniform,
        "nonuniform_p": float(stats.chi2.sf(nonuniform, k)),
        "total": uniform + nonuniform,
        "total_p": float(stats.chi2.sf(uniform + nonuniform, 2 * k)),
        "df": float(2 * k),
        "pseudo_r2": (ll[2] - ll[0]) / -null,
        "log_odds": float(fits[1].slopes[1]) if k == 1 else float("nan"),
    }


def _holm(p: Floats) -> Floats:
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    out = np.empty_like(p)
    out[order] = np.minimum(stepped, 1.0)
    return out
