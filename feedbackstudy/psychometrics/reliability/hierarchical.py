"""Omega hierarchical: how much of a total score one general factor carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.covariances import refuse_singular
from feedbackstudy.psychometrics.efa import correlations_for
from feedbackstudy.psychometrics.extraction import Extraction, extract, refuse_too_many
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.parallel import one_minres_factor
from feedbackstudy.psychometrics.rotation import rotate
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.psychometrics.showing import rows_of
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Notice, Page, Rendered, Table, number, table_of

__all__ = ["HierarchicalOmega", "omega_hierarchical"]

type Floats = NDArray[np.float64]

_METHODS = ("schmid-leiman", "bifactor")


@dataclass(frozen=True, slots=True, kw_only=True)
class HierarchicalOmega(Rendered):
    """Omega hierarchical with the solution behind it.

    Attributes
    ----------
    value : float
        Omega hierarchical: share of the total score's variance due to the general factor.
    total : float
        Omega total: share due to all common factors.
    explained_common : float
        Share of the common variance that the general factor explains (ECV).
    also : Mapping of str to float
        Asymptotic omega hierarchical (of an endless test) and standardised alpha.
    general : ndarray of shape (n_items,)
        Loadings on the general factor.
    groups : ndarray of shape (n_items, n_factors)
        Loadings on the group factors.
    subscales : DataFrame
        One row a group factor: omega total, hierarchical and group of the items that load most on it.
    method : str
        ``"schmid-leiman"`` or ``"bifactor"``.
    extraction : str
        Extraction method.
    n : int
        People used.
    issues : tuple of Issue
        Named conditions.
    matrix : Matrix
        The answers used.
    provenance : Provenance
        How the numbers were made.
    """

    value: float
    total: float
    explained_common: float
    also: Mapping[str, float]
    general: Floats
    groups: Floats
    subscales: pd.DataFrame
    method: str
    extraction: str
    n: int
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    provenance: Provenance

    @property
    def fit_to_report(self) -> bool:
        """Whether no issue forbids reporting the number."""
        return conditions.fit_to_report(self.issues)

    def frame(self) -> pd.DataFrame:
        """Return general and group loadings, one row an item."""
        columns = {"item": list(self.matrix.items), "general": self.general}
        frame = pd.DataFrame(columns | {f"group{j + 1}": self.groups[:, j] for j in range(self.groups.shape[1])})
        communality = self.general**2 + (self.groups**2).sum(axis=1)
        return frame.assign(communality=communality, general_share=self.general**2 / communality)

    def table(self) -> Table:
        """Return the loadings as a table."""
        return table_of(rows_of(self.frame()))

    def page(self) -> Page:
        """Return the coefficients, subscales and loadings as a page."""
        rows = [
            {"coefficient": "omega hierarchical", "estimate": self.value},
            {"coefficient": "omega total (observed variance)", "estimate": self.total},
            {"coefficient": "explained common variance", "estimate": self.explained_common},
            *({"coefficient": name, "estimate": value} for name, value in self.also.items()),
        ]
        parts = rows_of(self.subscales)
        stop = () if self.fit_to_report else (Notice("This number is not fit to report.", "error"),)
        blocks = (
            *stop,
            *conditions.notices(self.issues),
            table_of(rows),
            table_of(parts, caption="Items of each group factor"),
            self.table(),
            self.provenance.facts(),
        )
        note = f"{self.n} people, {len(self.general)} items, {self.groups.shape[1]} group factors ({self.method})"
        return Page(f"omega hierarchical = {number(self.value)}", note, blocks)

    def r_script(self) -> RScript:
        """Return a psych script that recomputes the Schmid-Leiman coefficients.

        Returns
        -------
        RScript
            With the answers used as its data. psych offers no other way to the same numbers by bifactor rotation.
        """
        body = (
            f"library(psych)\nitems <- {r_vector(self.matrix.items)}\n"
            f"fit <- omega(cor(responses[items]), nfactors = {self.groups.shape[1]}, n.obs = {self.n}, "
            f'fm = "{self.extraction}", rotate = "oblimin", flip = FALSE, plot = FALSE)\n'
            'show("omega hierarchical", fit$omega_h)\nshow("omega total", fit$omega.tot)\n'
            'show("explained common variance", fit$ECV)\n'
        )
        return RScript(made_by="psychometrics.omega_hierarchical", body=body, data=self.matrix.frame(), name="omega_h")


@one_thread()
def omega_hierarchical(
    data: Items | Matrix,
    *,
    factors: int = 3,
    method: str = "schmid-leiman",
    extraction: str = "minres",
    correlations: str = "pearson",
    missing: str = "listwise",
    starts: int = 30,
    seed: int = 1,
) -> HierarchicalOmega:
    r"""Compute omega hierarchical from a general factor and group factors.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Items scored in one direction, people by items.
    factors : int, default 3
        Group factors; three is the fewest that settle a general factor without a further assumption.
    method : {"schmid-leiman", "bifactor"}
        Schmid-Leiman transformation of an oblimin solution, or a bifactor rotation of one factor more.
    extraction : {"minres", "ml", "pa"}
        Extraction method.
    correlations : {"pearson", "polychoric"}
        Which correlations.
    missing : {"listwise", "pairwise"}
        Rows used.
    starts : int, default 30
        Rotation starts.
    seed : int, default 1
        Seed of the random starts.

    Returns
    -------
    HierarchicalOmega
        Coefficients, loadings and subscales.

    Raises
    ------
    DataError
        For unusable or collinear answers or an unknown option.

    Notes
    -----
    On standardised items :math:`\omega_h = (\sum_j g_j)^2 / 1^\top R 1` and
    :math:`\omega_t = 1 - \sum_j u_j / 1^\top R 1` (Zinbarg, Revelle, Yovel & Li 2005). Schmid-Leiman: with the loadings
    :math:`\gamma` of the factors on one second-order factor, :math:`g = \Lambda\gamma` and group loadings
    :math:`\Lambda\,\mathrm{diag}(\sqrt{1-\gamma^2})`. Oblimin without Kaiser normalisation, as in R's psych.
    """
    if method not in _METHODS:
        raise DataError(choices("Method", method, _METHODS))
    if factors < 2:
        raise DataError(f"{factors} group factor(s) asked for; a general factor needs two or more beside it.")
    R, used, issues = correlations_for(item_matrix(data, minimum=4), correlations=correlations, missing=missing)
    refuse_singular(R, used.items)
    extra = 1 if method == "bifactor" else 0
    refuse_too_many(len(R), factors + extra)
    found = extract(R, factors + extra, method=extraction)
    if method == "bifactor":
        turned = rotate(found.loadings, "bifactor", kaiser=False, starts=starts, seed=seed)
        general, groups = turned.loadings[:, 0], turned.loadings[:, 1:]
        more: list[Issue] = []
    else:
        general, groups, more = _schmid_leiman(found, starts=starts, seed=seed)
    return _record(
        R, used, found, general, groups, issues=(*issues, *more), method=method, extraction=extraction, seed=seed
    )


def _record(
    R: Floats,
    used: Matrix,
    found: Extraction,
    general: Floats,
    groups: Floats,
    *,
    issues: tuple[Issue, ...],
    method: str,
    extraction: str,
    seed: int,
) -> HierarchicalOmega:
    variance = float(R.sum())
    value = float(general.sum()) ** 2 / variance
    total = 1.0 - float(found.uniquenesses.sum()) / variance
    common = float((general**2).sum())
    k = len(R)
    heywood = conditions.heywood(
        [name for name, at in zip(used.items, found.at_boundary, strict=True) if at], "the extraction"
    )
    return HierarchicalOmega(
        value=value,
        total=total,
        explained_common=common / (common + float((groups**2).sum())),
        also={
            "asymptotic omega hierarchical": value / total,
            "standardised alpha": k / (k - 1) * (1 - k / variance),
        },
        general=general,
        groups=groups,
        subscales=_subscales(R, general, groups, found.uniquenesses),
        method=method,
        extraction=extraction,
        n=used.n_people,
        issues=(*issues, *heywood),
        matrix=used,
        provenance=origin(
            "omega_hierarchical",
            f"{method}, {extraction}, standardised items",
            "the observed variance of the sum of standardised items divides",
            seed=seed,
        ),
    )


def _schmid_leiman(found: Extraction, *, starts: int, seed: int) -> tuple[Floats, Floats, list[Issue]]:
    turned = rotate(found.loadings, "oblimin", kaiser=False, starts=starts, seed=seed)
    issues: list[Issue] = []
    if len(turned.phi) == 2:
        r = float(turned.phi[0, 1])
        gamma = np.full(2, np.sqrt(max(r, 0.0)))
        issues.append(_two_factors(r))
    else:
        gamma = one_minres_factor(turned.phi[None])[0]
        gamma = gamma if gamma.sum() >= 0 else -gamma
    return turned.loadings @ gamma, turned.loadings * np.sqrt(1.0 - gamma**2), issues


def _two_factors(r: float) -> Issue:
    return Issue(
        code="psychometrics.two_group_factors",
        severity=Severity.WARNING,
        where="2 group factors",
        what=f"Two factors correlate {r:.3f}; their loadings on the general factor were set equal.",
        why="With two group factors the general factor is not identified without this assumption.",
        fix="Use three or more group factors if theory allows.",
    )


def _subscales(R: Floats, general: Floats, groups: Floats, unique: Floats) -> pd.DataFrame:
    member = np.abs(groups).argmax(axis=1)
    rows = []
    for j in range(groups.shape[1]):
        at = np.flatnonzero(member == j)
        variance = float(R[np.ix_(at, at)].sum()) if len(at) else float("nan")
        rows.append(
            {
                "group": f"group{j + 1}",
                "n_items": len(at),
                "total": 1.0 - float(unique[at].sum()) / variance,
                "hierarchical": float(general[at].sum()) ** 2 / variance,
                "specific": float(groups[at, j].sum()) ** 2 / variance,
            }
        )
    return pd.DataFrame(rows)
