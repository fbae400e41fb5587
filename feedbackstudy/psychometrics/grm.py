"""The graded response model of ordinal items: discriminations, difficulties, information, trait estimates."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.grm_fit import GradedFit, category_probabilities, fit_graded
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.ordinal import Ordinal, ordinal_items
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.psychometrics.showing import rows_of, with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, number, table_of

__all__ = ["GradedResponse", "graded_response"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedResponse(Rendered):
    """A fitted graded response model.

    Attributes
    ----------
    parameters : DataFrame
        One row an item and parameter: ``item, parameter, estimate, se``; ``a`` is the discrimination, ``b1``, ``b2``
        ... the trait values at which answers above a category become as likely as not.
    log_likelihood, aic, bic : float
        Marginal log-likelihood and criteria.
    reliability : float
        Marginal reliability of the trait estimates, averaged over the standard normal trait.
    empirical_reliability : float
        Variance of the estimates over it plus their mean squared standard error.
    scores : DataFrame
        Indexed by person: ``theta`` (posterior mean) and ``se`` (posterior standard deviation).
    n : int
        People used.
    fit : GradedFit
        Slopes, intercepts and quadrature.
    categories : tuple of tuple of float
        Codes in use.
    issues : tuple of Issue
        Named conditions.
    matrix : Matrix
        The answers used.
    provenance : Provenance
        How the numbers were made.
    """

    parameters: pd.DataFrame
    log_likelihood: float
    aic: float
    bic: float
    reliability: float
    empirical_reliability: float
    scores: pd.DataFrame
    n: int
    fit: GradedFit = field(repr=False)
    categories: tuple[tuple[float, ...], ...]
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    provenance: Provenance

    @property
    def fit_to_report(self) -> bool:
        """Whether no issue forbids reporting the model."""
        return conditions.fit_to_report(self.issues)

    def information(self, theta: ArrayLike | None = None) -> pd.DataFrame:
        """Return Fisher information by trait value.

        Parameters
        ----------
        theta : array, optional
            Trait values; -3 to 3 in steps of one half by default.

        Returns
        -------
        DataFrame
            ``theta``, one column an item, ``test`` (their sum) and ``se`` (its inverse root).
        """
        at = np.linspace(-3.0, 3.0, 13) if theta is None else np.asarray(theta, dtype=np.float64)
        parts = zip(self.matrix.items, self.fit.slopes, self.fit.intercepts, strict=True)
        columns = {name: _item_information(float(a), d, at) for name, a, d in parts}
        frame = pd.DataFrame({"theta": at, **columns})
        test = frame[list(columns)].sum(axis=1)
        return frame.assign(test=test, se=1.0 / np.sqrt(test))

    def frame(self) -> pd.DataFrame:
        """Return one row a parameter."""
        return self.parameters.copy()

    def table(self) -> Table:
        """Return one row an item with its parameters."""
        wide = self.parameters.pivot_table(index="item", columns="parameter", values="estimate", sort=False)
        return table_of(rows_of(wide.loc[list(self.matrix.items)].reset_index()))

    def page(self) -> Page:
        """Return parameters, information and reliability as a page."""
        rows = rows_of(self.information(np.arange(-3.0, 3.5))[["theta", "test", "se"]])
        blocks = with_notices(
            self.issues, self.table(), table_of(rows, caption="Test information"), self.provenance.facts()
        )
        note = (
            f"{self.n} people; log-likelihood {number(self.log_likelihood, 2)}, AIC {number(self.aic, 1)}, "
            f"BIC {number(self.bic, 1)}, marginal reliability {number(self.reliability)}"
        )
        return Page(f"Graded response model of {self.matrix.n_items} items", note, blocks)

    def r_script(self) -> RScript:
        """Return a mirt script that refits the model.

        Returns
        -------
        RScript
            With the answers used as its data.
        """
        body = (
            f"library(mirt)\nitems <- {r_vector(self.matrix.items)}\n"
            f'fit <- mirt(responses[items], 1, itemtype = "graded", quadpts = {len(self.fit.nodes)}, TOL = 1e-7)\n'
            'show("log-likelihood", extract.mirt(fit, "logLik"))\n'
            "found <- coef(fit, IRTpars = TRUE, simplify = TRUE)$items\n"
            "for (i in items) for (p in colnames(found)) show(paste(i, p), found[i, p])\n"
        )
        return RScript(made_by="psychometrics.graded_response", body=body, data=self.matrix.frame(), name="grm")


@one_thread()
def graded_response(
    data: Items | Matrix, *, missing: str = "pairwise", nodes: int = 101, width: float = 6.0
) -> GradedResponse:
    r"""Fit a graded response model by marginal maximum likelihood.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Ordinal codes scored in one direction, people by items.
    missing : {"pairwise", "listwise"}
        By default every answer given is used (missing at random given the others); listwise keeps complete rows only.
    nodes : int, default 101
        Quadrature nodes. Twenty-one nodes, a common default, miss the log-likelihood of five items by half a unit.
    width : float, default 6
        The nodes reach from minus to plus this trait value.

    Returns
    -------
    GradedResponse
        Parameters with standard errors, information, trait estimates.

    Raises
    ------
    DataError
        For unusable or non-ordinal answers.

    Notes
    -----
    .. math:: P(X_j \ge c \mid \theta) = \mathrm{logit}^{-1}\{a_j(\theta - b_{jc})\}

    (Samejima 1969) with a standard normal trait. Standard errors from the observed information; those of b by the delta
    method.
    """
    if nodes < 11:
        raise DataError(
            f"{nodes} quadrature nodes are too few to integrate the trait; give 11 or more (101 by default)."
        )
    given = item_matrix(data, minimum=3)
    answered = ~np.isnan(given.answers).all(axis=1)
    rows = Matrix(
        answers=given.answers[answered], items=given.items, people=given.people[answered], issues=given.issues
    )
    ordinal = ordinal_items(rows, missing=missing, minimum=3)
    fit = fit_graded(ordinal, nodes=nodes, width=width)
    n, k = ordinal.matrix.n_people, int(ordinal.counts.sum())
    theta = fit.posterior @ fit.nodes
    se = np.sqrt(np.maximum(fit.posterior @ fit.nodes**2 - theta**2, 0.0))
    return GradedResponse(
        parameters=_parameters(ordinal, fit),
        log_likelihood=fit.log_likelihood,
        aic=-2 * fit.log_likelihood + 2 * k,
        bic=-2 * fit.log_likelihood + k * float(np.log(n)),
        reliability=_marginal_reliability(fit),
        empirical_reliability=float(theta.var(ddof=1) / (theta.var(ddof=1) + (se**2).mean())),
        scores=pd.DataFrame({"theta": theta, "se": se}, index=ordinal.matrix.people),
        n=n,
        fit=fit,
        categories=ordinal.categories,
        issues=(*ordinal.issues, *_fit_issues(fit, ordinal.items)),
        matrix=ordinal.matrix,
        provenance=origin(
            "graded_response",
            f"marginal maximum likelihood, {nodes} nodes from {-width:g} to {width:g}, standard normal trait",
            "all answers given are used" if missing == "pairwise" else "listwise deletion",
        ),
    )


def _fit_issues(fit: GradedFit, items: tuple[str, ...]) -> list[Issue]:
    found = conditions.negative_item_rest([name for name, a in zip(items, fit.slopes, strict=True) if a < 0])
    if not fit.converged:
        found.append(conditions.not_converged("The graded response model", f"{fit.cycles} cycles"))
    return found


def _parameters(ordinal: Ordinal, fit: GradedFit) -> pd.DataFrame:
    rows, start = [], 0
    for j, name in enumerate(ordinal.items):
        a, d = float(fit.slopes[j]), fit.intercepts[j]
        size = len(d) + 1
        V = fit.covariance[start : start + size, start : start + size]
        start += size
        rows.append({"item": name, "parameter": "a", "estimate": a, "se": float(np.sqrt(V[0, 0]))})
        for c, intercept in enumerate(d):
            gradient = np.zeros(size)
            gradient[0], gradient[c + 1] = intercept / a**2, -1.0 / a
            se = float(np.sqrt(gradient @ V @ gradient))
            rows.append({"item": name, "parameter": f"b{c + 1}", "estimate": float(-intercept / a), "se": se})
    return pd.DataFrame(rows)


def _item_information(a: float, d: Floats, theta: Floats) -> Floats:
    P = category_probabilities(a, d, theta)
    above = expit(a * theta[None, :] + d[:, None])
    density = above * (1.0 - above)
    padded = np.concatenate([np.zeros((1, len(theta))), density, np.zeros((1, len(theta)))])
    return np.asarray((a * (padded[:-1] - padded[1:])) ** 2 / P).sum(axis=0)


def _marginal_reliability(fit: GradedFit) -> float:
    weights = np.exp(-0.5 * fit.nodes**2)
    total = sum(_item_information(float(a), d, fit.nodes) for a, d in zip(fit.slopes, fit.intercepts, strict=True))
    return float((weights * total / (total + 1.0)).sum() / weights.sum())
