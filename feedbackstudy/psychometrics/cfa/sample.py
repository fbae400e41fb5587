"""The rows a model is fitted to: checked, parted into groups, with their moments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.psychometrics.cfa.likelihood import Moments, log_determinant
from feedbackstudy.psychometrics.cfa.missing import Patterns, expectation_maximisation
from feedbackstudy.psychometrics.matrix import Items, item_matrix
from feedbackstudy.psychometrics.polychoric import Polychorics, thresholds_and_polychorics

__all__ = ["Sample", "read_sample"]

type Floats = NDArray[np.float64]

type Labels = "pd.Series[Any]"

_COLLINEAR = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Checked rows and their moments, by group.

    Attributes
    ----------
    items : tuple of str
        Observed variables in the model's order.
    group : str or None
        Column that parts the groups.
    names : tuple of str
        Group names in order of appearance; one empty name where there is no group.
    answers : tuple of ndarray
        Rows used.
    moments : tuple of Moments
        Means and covariances, divisor n; with missing answers the unrestricted estimates of greatest likelihood.
    patterns : tuple of Patterns
        Rows by missing pattern; empty without full information.
    polychorics : tuple of Polychorics
        Thresholds and correlations; empty for continuous items.
    n_given : int
        Rows before any was set aside.
    issues : tuple of Issue
        What was found.
    frame : DataFrame
        The rows used, with the group column, for the R script.
    """

    items: tuple[str, ...]
    group: str | None
    names: tuple[str, ...]
    answers: tuple[Floats, ...]
    moments: tuple[Moments, ...]
    patterns: tuple[Patterns, ...]
    polychorics: tuple[Polychorics, ...]
    n_given: int
    issues: tuple[Issue, ...]
    frame: pd.DataFrame

    @property
    def n(self) -> int:
        """People used."""
        return sum(len(values) for values in self.answers)

    @property
    def shares(self) -> tuple[float, ...]:
        """Each group's share of the people."""
        return tuple(n / self.n for n in self.counts)

    @property
    def counts(self) -> tuple[int, ...]:
        """People used by group."""
        return tuple(len(values) for values in self.answers)


def read_sample(
    data: Items, items: Sequence[str], *, group: str | None = None, missing: str = "listwise", ordinal: bool = False
) -> Sample:
    """Check rows, part them into groups and compute their moments.

    Parameters
    ----------
    data : DataFrame or array
        One row a person.
    items : sequence of str
        Observed variables of the model.
    group : str, optional
        Column that parts the groups.
    missing : {"listwise", "fiml"}
        Rows used.
    ordinal : bool, default False
        Estimate thresholds and polychoric correlations.

    Returns
    -------
    Sample
        Rows and moments.

    Raises
    ------
    DataError
        For an absent item or group column, text, infinite values, a constant or all-missing item, a group that is too
        small or lacks a category, or collinear items.
    """
    if missing not in {"listwise", "fiml"}:
        raise DataError(choices("Missing rule", missing, ("listwise", "fiml")))
    matrix = item_matrix(data, items=items, minimum=1)
    labels = _labels(data, group, matrix.n_people)
    answered = ~np.isnan(matrix.answers)
    keep = answered.all(axis=1) if missing == "listwise" else answered.any(axis=1)
    keep &= labels.notna().to_numpy()
    issues = [*matrix.issues, *_set_aside(keep, answered, labels, missing)]
    frame = matrix.frame()[keep]
    if not len(frame):
        raise DataError(
            f"No row is left to fit the model to: of {len(keep)} rows none is complete on {', '.join(items)}."
        )
    names = ("",) if group is None else tuple(dict.fromkeys(labels[keep].astype(str)))
    parts = [frame if group is None else frame[(labels[keep].astype(str) == name).to_numpy()] for name in names]
    values = tuple(np.ascontiguousarray(part.to_numpy(np.float64)) for part in parts)
    _refuse_groups(values, names, matrix.items, group)
    full = missing == "fiml" and bool((~answered[keep]).any())
    patterns = tuple(Patterns.of(v) for v in values) if full else ()
    sample = Sample(
        items=matrix.items,
        group=group,
        names=names,
        answers=values,
        moments=() if ordinal else tuple(_moments(values, patterns, names, matrix.items)),
        patterns=patterns,
        polychorics=(),
        n_given=matrix.n_people,
        issues=tuple(issues),
        frame=frame if group is None else frame.assign(**{group: labels[keep].astype(str).to_numpy()}),
    )
    return _with_polychorics(sample) if ordinal else sample


def _labels(data: Items, group: str | None, n: int) -> Labels:
    if group is None:
        return pd.Series([0] * n, dtype=object)
    if not isinstance(data, pd.DataFrame):
        raise DataError(f"Groups by {group!r} need a DataFrame with that column; an array has none.")
    if group not in data.columns:
        raise DataError(choices("Group column", group, map(str, data.columns)))
    return data[group].astype(object).reset_index(drop=True)


def _set_aside(keep: NDArray[np.bool_], answered: NDArray[np.bool_], labels: Labels, missing: str) -> list[Issue]:
    dropped = int((~keep).sum())
    if not dropped:
        return []
    no_group = int(labels.isna().sum())
    rule = "have a missing answer (listwise deletion)" if missing == "listwise" else "answered no item at all"
    what = f"{dropped} of {len(keep)} people were set aside: they {rule}"
    what += f", or have no group ({no_group})." if no_group else "."
    share = float(answered.all(axis=1).mean())
    return [
        Issue(
            code="cfa.rows_set_aside",
            severity=Severity.NOTE,
            where="data",
            what=what,
            why=f"Estimates hold for the people kept; {share:.1%} of all rows are complete.",
            fix='Use missing="fiml" with ML or MLR to keep incomplete rows.' if missing == "listwise" else "Nothing.",
        )
    ]


def _refuse_groups(
    values: tuple[Floats, ...], names: tuple[str, ...], items: tuple[str, ...], group: str | None
) -> None:
    for name, part in zip(names, values, strict=True):
        where = f"Group {name!r} of {group!r}" if group else "The data"
        if len(part) < 2:
            raise DataError(
                f"{where} has {len(part)} person; a covariance needs at least two, and a model many more. "
                "Join the group with another or leave it out."
            )
        seen = ~np.isnan(part)
        for j, item in enumerate(items):
            column = part[seen[:, j], j]
            if len(column) < 2 or np.ptp(column) == 0:
                raise DataError(
                    f"{where}: item {item!r} is constant or unanswered among its {len(part)} people, so it has no "
                    "variance. Leave the item out or join the groups."
                )


def _moments(
    values: tuple[Floats, ...], patterns: tuple[Patterns, ...], names: tuple[str, ...], items: tuple[str, ...]
) -> list[Moments]:
    found = []
    for g, part in enumerate(values):
        where = f"in group {names[g]!r}" if len(names) > 1 else "in the data"
        if patterns:
            try:
                found.append(expectation_maximisation(patterns[g]))
            except np.linalg.LinAlgError:
                raise DataError(
                    f"The answers {where} do not determine a covariance matrix: some items are never answered together "
                    "or are collinear. Leave one of them out."
                ) from None
            continue
        mean = part.mean(axis=0)
        centred = part - mean
        cov = centred.T @ centred / len(part)
        _refuse_collinear(cov, len(part), items, where)
        found.append(Moments(n=len(part), mean=mean, cov=cov, log_det=log_determinant(cov)))
    return found


def _refuse_collinear(cov: Floats, n: int, items: tuple[str, ...], where: str) -> None:
    sd = np.sqrt(np.diag(cov))
    roots, vectors = np.linalg.eigh(cov / np.outer(sd, sd))
    if roots[0] > _COLLINEAR:
        return
    if n <= len(items):
        raise DataError(
            f"There are {n} people for {len(items)} items {where}: the covariance matrix is singular, no factor model "
            "can be fitted by these estimators. Use fewer items or more people."
        )
    involved = [item for item, weight in zip(items, np.abs(vectors[:, 0]), strict=True) if weight > 0.05]
    raise DataError(
        f"The items {', '.join(involved)} are collinear {where}: a weighted sum of them is constant, so the covariance "
        "matrix is singular. Leave one of them out."
    )


def _with_polychorics(sample: Sample) -> Sample:
    """Estimate thresholds and polychorics per group; every group must use the same categories."""
    found = []
    for part in sample.answers:
        frame = pd.DataFrame(part, columns=list(sample.items))
        found.append(thresholds_and_polychorics(frame))
    for j, item in enumerate(sample.items):
        used = [p.categories[j] for p in found]
        everything = sorted(set().union(*used))
        for name, codes in zip(sample.names, used, strict=True):
            lacking = [f"{code:g}" for code in everything if code not in codes]
            if lacking:
                raise DataError(
                    f"Group {name!r} of {sample.group!r} has nobody in categor{'y' if len(lacking) == 1 else 'ies'} "
                    f"{', '.join(lacking)} of item {item!r}, so its thresholds differ in number between groups. "
                    "Join that category with its neighbour in all groups, or use a continuous estimator."
                )
    moments = tuple(
        Moments(n=len(v), mean=np.zeros(len(sample.items)), cov=p.R, log_det=0.0)
        for v, p in zip(sample.answers, found, strict=True)
    )
    ignored = {"psychometrics.rows_set_aside"}
    extra = [i for p in found for i in p.issues if i.code not in ignored and i not in sample.issues]
    return replace(sample, polychorics=tuple(found), moments=moments, issues=(*sample.issues, *extra))
