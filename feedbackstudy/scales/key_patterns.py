"""From the signs of correlations to what went wrong with a key: items, evidence, proposal; nothing is flipped."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.scales.signs import correlations

__all__ = ["Finding", "Pattern", "explained", "read_pattern", "sign_findings"]

_CLEAR = 0.15
"""A first-component loading nearer to 0 than this does not tell a direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One contradiction between data and key.

    Attributes
    ----------
    kind : str
        ``already_reversed``, ``reversed_twice``, ``not_reversed``, ``swapped``, ``outside_format``, ``shifted``,
        ``wrong_constant``, ``constant``, ``copied`` ...
    items : tuple of str
        The items concerned.
    evidence : str
        What the data show.
    fix : str
        What to do; nothing is done by itself.
    """

    kind: str
    items: tuple[str, ...]
    evidence: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pattern:
    """Directions of the items of one score.

    Attributes
    ----------
    part : str
        The score.
    items : tuple of str
        Item columns.
    expected : ndarray of int
        +1, or -1 where the key will reverse an answer as it came.
    observed : ndarray of int
        +1 or -1 after the first component of the correlations; 0 where it is not clear.
    loadings : ndarray of float
        Loadings on that component, turned to agree with the key as far as they can.
    rest : ndarray of float
        Correlation of each keyed item with the sum of the other keyed items.
    n : int
        Complete rows.
    """

    part: str
    items: tuple[str, ...]
    expected: NDArray[np.int8]
    observed: NDArray[np.int8]
    loadings: NDArray[np.float64]
    rest: NDArray[np.float64]
    n: int


def read_pattern(values: NDArray[np.float64], items: Sequence[str], reverse: Sequence[bool], part: str) -> Pattern:
    """Read the direction of each item from complete rows.

    Parameters
    ----------
    values : ndarray of float, shape (rows, items)
        Complete answers as they came.
    items : sequence of str
        Item columns.
    reverse : sequence of bool
        The items that scoring would reverse.
    part : str
        The score.

    Returns
    -------
    Pattern
        Expected and observed directions.
    """
    expected = np.where(np.asarray(reverse), -1, 1).astype(np.int8)
    table = correlations(values)
    weights, vectors = np.linalg.eigh(table)
    loadings = vectors[:, -1] * np.sqrt(max(float(weights[-1]), 0.0))
    agree = float((loadings * expected).sum())
    # With as many items turned as not, a key that fits nowhere is a tie: then the straight items give the direction.
    if abs(agree) < _CLEAR * len(items):
        agree = float(loadings[expected > 0].sum())
    loadings = loadings if agree >= 0 else -loadings
    observed = np.where(np.abs(loadings) < _CLEAR, 0, np.sign(loadings)).astype(np.int8)
    keyed = values * expected
    centred = keyed - keyed.mean(axis=0)
    total = centred.sum(axis=1)
    rest = np.array([_corr(centred[:, i], total - centred[:, i]) for i in range(len(items))])
    return Pattern(
        part=part,
        items=tuple(items),
        expected=expected,
        observed=observed,
        loadings=loadings,
        rest=rest,
        n=len(values),
    )


def _corr(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / scale) if scale > 0 else 0.0


def explained(values: NDArray[np.float64], homes: Sequence[Sequence[int]], reverse: Sequence[bool]) -> int:
    """Count the items that run with their own score, and with no other score more.

    Parameters
    ----------
    values : ndarray of float, shape (rows, items)
        Complete answers as they came.
    homes : sequence of sequence of int
        For each score, the columns that belong to it.
    reverse : sequence of bool
        The columns that the key reverses.

    Returns
    -------
    int
        At most the number of items that belong to a score.
    """
    keyed = np.where(np.asarray(reverse), -values, values)
    sums = [keyed[:, list(home)].sum(axis=1) for home in homes]
    good = 0
    for own, home in enumerate(homes):
        for item in home:
            column = keyed[:, item]
            with_own = _corr(column, sums[own] - column)
            others = [_corr(column, total) for place, total in enumerate(sums) if place != own]
            good += with_own > max([0.0, *others])
    return good


def sign_findings(pattern: Pattern, turned: Sequence[str], stamped: Sequence[str]) -> list[Finding]:
    """Name what the directions say about the key.

    Parameters
    ----------
    pattern : Pattern
        Directions of the items of one score.
    turned : sequence of str
        Items that scoring would reverse now.
    stamped : sequence of str
        Items that the form reverses and that are stated, or printed, to be reversed already.

    Returns
    -------
    list of Finding
        Empty where every clear direction is as expected.
    """
    wrong = [
        item
        for item, expected, observed in zip(pattern.items, pattern.expected, pattern.observed, strict=True)
        if observed and observed != expected
    ]
    if not wrong:
        return []
    evidence = _evidence(pattern, wrong)
    alike = bool((pattern.observed > 0).all() or (pattern.observed < 0).all())
    straight = [item for item in pattern.items if item not in turned]
    if turned and straight and (set(wrong) == set(turned) or alike):
        return [_already(turned, _evidence(pattern, turned))]
    if stamped and set(wrong) == set(stamped):
        return [_twice(stamped, evidence)]
    too_much = [item for item in wrong if item in turned]
    too_little = [item for item in wrong if item not in turned]
    if len(too_much) == 1 and len(too_little) == 1:
        return [_swapped((too_much[0], too_little[0]), evidence)]
    return _separately(too_much, too_little, pattern)


def _evidence(pattern: Pattern, items: Sequence[str]) -> str:
    shown = ", ".join(f"{item} item-rest r {pattern.rest[pattern.items.index(item)]:+.2f}" for item in items)
    return f"after keying: {shown} ({pattern.n:,} complete rows, score {pattern.part})"


def _already(items: Sequence[str], evidence: str) -> Finding:
    listed = ", ".join(map(repr, items))
    return Finding(
        kind="already_reversed",
        items=tuple(items),
        evidence=f"{evidence}; before keying all items run the same way",
        fix=f"If they were reversed before they came here, say so: responses.stated(already_reversed=[{listed}]). "
        "If the form prints reversed codes for them, use the form that says so.",
    )


def _twice(items: Sequence[str], evidence: str) -> Finding:
    return Finding(
        kind="reversed_twice",
        items=tuple(items),
        evidence=f"{evidence}; they are stated or printed to be reversed already, yet run against the others",
        fix="They were reversed twice, or never: take the statement back with "
        "responses.stated(already_reversed=[...]), or use the form without precoded items.",
    )


def _swapped(items: tuple[str, str], evidence: str) -> Finding:
    return Finding(
        kind="swapped",
        items=items,
        evidence=f"{evidence}; {items[0]} runs with the others although the key reverses it, {items[1]} against them",
        fix="Their columns are probably exchanged, or the items stand in another order: compare the wording with the "
        "column names, then rename the columns.",
    )


def _separately(too_much: Sequence[str], too_little: Sequence[str], pattern: Pattern) -> list[Finding]:
    found = []
    if too_much:
        found.append(
            Finding(
                kind="not_as_keyed",
                items=tuple(too_much),
                evidence=_evidence(pattern, too_much) + "; the key reverses them, but they run with the others",
                fix="They were reversed upstream, or the form is another one; say which with "
                "responses.stated(already_reversed=[...]) or another form.",
            )
        )
    if too_little:
        found.append(
            Finding(
                kind="not_reversed",
                items=tuple(too_little),
                evidence=_evidence(pattern, too_little)
                + "; the key leaves them as they are, but they run against the others",
                fix="Look at their wording: another form, codes turned round, or a wrong column.",
            )
        )
    return found
