"""Named conditions of a fitted model: what makes its numbers unfit to report."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.issues import Issue, Severity
from feedbackstudy.psychometrics.cfa.inference import Fitted
from feedbackstudy.psychometrics.cfa.standard import residual_variances
from feedbackstudy.psychometrics.cfa.structure import Structure

__all__ = ["free_names", "improper", "not_converged", "unidentified"]

type Floats = NDArray[np.float64]

_FLAT = 1e-9  # smallest eigenvalue, relative to unit diagonal, of an information matrix that identifies its parameters
_SHOWN = 6


def free_names(structure: Structure) -> list[str]:
    """Return a name for every free parameter: its first row, with the group where there are several.

    Parameters
    ----------
    structure : Structure
        The model.

    Returns
    -------
    list of str
        In the order of the columns of ``structure.K``.
    """
    rows = structure.table.rows
    names = []
    for column in structure.K.T:
        row = rows[int(np.flatnonzero(column)[0])]
        names.append(row.name + (f" (group {row.group + 1})" if structure.table.n_groups > 1 else ""))
    return names


def not_converged(iterations: int, gradient: float) -> Issue:
    """Return the issue of a search that did not settle.

    Parameters
    ----------
    iterations : int
        Steps of the search.
    gradient : float
        Largest absolute element of the gradient where it stopped.

    Returns
    -------
    Issue
        An error named ``cfa.not_converged``.
    """
    return Issue(
        code="cfa.not_converged",
        severity=Severity.ERROR,
        where="model",
        what=f"The optimiser did not converge ({iterations} iterations, largest gradient {gradient:.1e}).",
        why="The values shown are where the search stopped, not estimates; fit and standard errors are withheld.",
        fix="Simplify the model, check reversed items, give start() values, or collect more people.",
    )


def unidentified(structure: Structure, information: Floats, df: int) -> Issue | None:
    """Return an issue where the data cannot determine the parameters.

    Parameters
    ----------
    structure : Structure
        The model.
    information : ndarray
        Expected information at the estimates.
    df : int
        Degrees of freedom.

    Returns
    -------
    Issue or None
        Which parameters are not determined.
    """
    why = "Different values of these parameters fit equally well, so no estimate of them means anything."
    fix = "Fix a loading or variance of each factor, give factors at least three items, or drop free parameters."
    if df < 0:
        return Issue(
            code="cfa.unidentified",
            severity=Severity.ERROR,
            where="model",
            what=f"The model has {structure.n_free} free parameters, {-df} more than there are moments.",
            why=why,
            fix=fix,
        )
    scale = np.sqrt(np.maximum(np.diag(information), np.finfo(float).tiny))
    roots, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    flat = np.flatnonzero(roots < _FLAT)
    if not len(flat):
        return None
    weight = np.abs(vectors[:, flat]).max(axis=1)
    order = np.argsort(-weight)
    names = [free_names(structure)[k] for k in order[:_SHOWN] if weight[k] > 0.1]
    return Issue(
        code="cfa.unidentified",
        severity=Severity.ERROR,
        where=", ".join(names),
        what=f"The model is not identified: {len(flat)} direction(s) of its parameters leave the fit unchanged, among "
        f"them {', '.join(names)}.",
        why=why,
        fix=fix,
    )


def _group_name(fitted: Fitted, g: int) -> str:
    return f" in group {fitted.sample.names[g]!r}" if len(fitted.sample.names) > 1 else ""


def _negative_variances(fitted: Fitted, g: int) -> Iterator[Issue]:
    values, _ = residual_variances(fitted, g)
    names = (*fitted.structure.table.items, *fitted.structure.table.factors)
    bad = [name for name, value in zip(names, values, strict=True) if value < -1e-8]
    if bad:
        shown = ", ".join(f"{name} ({values[names.index(name)]:.3f})" for name in bad)
        yield Issue(
            code="cfa.heywood",
            severity=Severity.ERROR,
            where=", ".join(bad),
            what=f"Heywood case{_group_name(fitted, g)}: the estimated variance is negative for {shown}.",
            why="No population has a negative variance; loadings and fit are not interpretable.",
            fix="Look for too few items or people, an outlier or a wrong model; never fix it to zero unseen.",
        )


def _not_positive_definite(fitted: Fitted, g: int) -> Iterator[Issue]:
    V, p = fitted.states[g].state.V, fitted.structure.n_items
    for what, matrix in (
        ("covariance matrix of the factors", V[p:, p:]),
        ("residual covariance matrix", _residual(fitted, g)),
    ):
        if len(matrix) < 2 or np.any(np.diag(matrix) < 0):
            continue
        sd = np.sqrt(np.where(np.diag(matrix) > 0, np.diag(matrix), 1.0))
        smallest = float(np.linalg.eigvalsh(matrix / np.outer(sd, sd))[0])
        if smallest < -1e-8:
            yield Issue(
                code="cfa.not_positive_definite",
                severity=Severity.ERROR,
                where=what,
                what=f"The {what}{_group_name(fitted, g)} is not positive definite (smallest root {smallest:.3f}).",
                why="Some combination would have a negative variance, such as a correlation of factors beyond one.",
                fix="Join factors that cannot be told apart, drop correlated residuals, or collect more people.",
            )


def _residual(fitted: Fitted, g: int) -> Floats:
    p = fitted.structure.n_items
    values, _ = residual_variances(fitted, g)
    out = np.diag(values[:p])
    cells = fitted.structure.groups[g].all["S"]
    inner = (cells.i < p) & (cells.j < p) & (cells.i != cells.j)
    out[cells.i[inner], cells.j[inner]] = out[cells.j[inner], cells.i[inner]] = fitted.x[cells.rows[inner]]
    return out


def _saddle(fitted: Fitted) -> Iterator[Issue]:
    try:
        np.linalg.cholesky(fitted.information)
    except np.linalg.LinAlgError:
        yield Issue(
            code="cfa.information_not_positive_definite",
            severity=Severity.ERROR,
            where="standard errors",
            what="The information matrix at the estimates is not positive definite.",
            why="The estimates are not a minimum, so their standard errors do not exist.",
            fix="Simplify the model or give start() values.",
        )


def _too_few_people(fitted: Fitted) -> Iterator[Issue]:
    for g, n in enumerate(fitted.sample.counts):
        free = int(np.any(fitted.structure.groups[g].K != 0, axis=0).sum())
        if n <= free:
            yield Issue(
                code="cfa.fewer_people_than_parameters",
                severity=Severity.WARNING,
                where="data",
                what=f"{n} people{_group_name(fitted, g)} for {free} free parameters.",
                why="Chi-square, standard errors and robust corrections are large-sample results, not valid here.",
                fix="Use a smaller model or collect more people.",
            )


def improper(fitted: Fitted) -> list[Issue]:
    """Return the conditions of a converged, identified solution.

    Parameters
    ----------
    fitted : Fitted
        The fitted model.

    Returns
    -------
    list of Issue
        Heywood cases, matrices that are not positive definite, a saddle point, too few people.
    """
    found = [*_saddle(fitted), *_too_few_people(fitted)]
    for g in range(len(fitted.sample.names)):
        found += [*_negative_variances(fitted, g), *_not_positive_definite(fitted, g)]
    return found
