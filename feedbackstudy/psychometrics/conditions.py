"""Named conditions that several rooms meet, and how a page shows them."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import Notice

__all__ = ["fit_to_report", "heywood", "negative_item_rest", "not_converged", "not_positive_definite", "notices"]


def notices(issues: Iterable[Issue]) -> tuple[Notice, ...]:
    """Return one notice for each issue, for the head of a page.

    Parameters
    ----------
    issues : iterable of Issue
        What a result carries.

    Returns
    -------
    tuple of Notice
        Errors first.
    """
    order = list(Severity)
    ranked = sorted(issues, key=lambda issue: order.index(issue.severity))
    return tuple(
        Notice(f"{i.what} {i.why} {i.fix}", "error" if i.severity is Severity.ERROR else "warning") for i in ranked
    )


def fit_to_report(issues: Iterable[Issue]) -> bool:
    """Say whether no issue is an error.

    Parameters
    ----------
    issues : iterable of Issue
        What a result carries.

    Returns
    -------
    bool
        False where a number must not be reported.
    """
    return all(issue.severity is not Severity.ERROR for issue in issues)


def not_positive_definite(R: NDArray[np.float64], what: str) -> list[Issue]:
    """Return an issue where a correlation matrix has a root that is not positive.

    Parameters
    ----------
    R : ndarray
        Correlation matrix.
    what : str
        What the matrix holds, as a noun phrase.

    Returns
    -------
    list of Issue
        One or none.
    """
    smallest = float(np.linalg.eigvalsh(R)[0])
    if smallest > 1e-10:
        return []
    return [
        Issue(
            code="psychometrics.not_positive_definite",
            severity=Severity.WARNING,
            where=what,
            what=f"The matrix of {what} is not positive definite (smallest eigenvalue {smallest:.2e}).",
            why="No population has such correlations; anything that inverts the matrix would be meaningless.",
            fix="Look for copied or collinear items, sparse tables and small samples.",
        )
    ]


def heywood(items: Iterable[str], what: str) -> list[Issue]:
    """Return an issue that names the items whose unique variance reached zero.

    Parameters
    ----------
    items : iterable of str
        Items at the boundary.
    what : str
        The model, as a noun phrase.

    Returns
    -------
    list of Issue
        One or none.
    """
    names = list(items)
    if not names:
        return []
    return [
        Issue(
            code="psychometrics.heywood",
            severity=Severity.ERROR,
            where=", ".join(names),
            what=f"Heywood case in {what}: no unique variance is left in {', '.join(names)}.",
            why="The solution lies at the boundary of what is possible; its loadings and fit are not interpretable.",
            fix="Extract fewer factors, drop a redundant item, or collect more people.",
        )
    ]


def not_converged(what: str, detail: str) -> Issue:
    """Return the issue of an estimate whose iterations did not settle.

    Parameters
    ----------
    what : str
        The estimate.
    detail : str
        What the optimiser said.

    Returns
    -------
    Issue
        An error: the number is not fit to report.
    """
    return Issue(
        code="psychometrics.not_converged",
        severity=Severity.ERROR,
        where=what,
        what=f"{what} did not converge ({detail}).",
        why="The value shown is where the iterations stopped, not an estimate.",
        fix="Use fewer factors or items, or more people.",
    )


def negative_item_rest(items: Iterable[str]) -> list[Issue]:
    """Return an issue for items that run against the rest of their scale.

    Parameters
    ----------
    items : iterable of str
        Items with a negative item-rest correlation.

    Returns
    -------
    list of Issue
        One or none.
    """
    names = list(items)
    if not names:
        return []
    return [
        Issue(
            code="psychometrics.negative_item_rest",
            severity=Severity.WARNING,
            where=", ".join(names),
            what=f"{', '.join(names)} correlate(s) negatively with the rest of the items.",
            why="An item that is keyed the other way and was not reversed lowers every reliability coefficient.",
            fix="Check the scoring key and reverse the item before estimating.",
        )
    ]
