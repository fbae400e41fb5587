"""Careless answering: long strings, invariability, outliers, inconsistency; missing answers allowed throughout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.careless_indices import (
    average_string,
    even_odd,
    invariability,
    long_string,
    mahalanobis,
    pair_consistency,
    person_total,
)
from feedbackstudy.psychometrics.covariances import correlation, covariance
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.showing import with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, table_of

__all__ = ["DEFAULT_RULES", "Careless", "careless"]

type Floats = NDArray[np.float64]

DEFAULT_RULES: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "longstring_share": (">", 0.5),
        "mahalanobis_p": ("<", 0.001),
        "even_odd": ("<", 0.0),
        "synonyms": ("<", 0.0),
        "antonyms": (">", 0.0),
    }
)
"""Index -> comparison and limit that flags a person. A convention to start from, not a finding: say it in the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Careless(Rendered):
    """Indices of careless answering, one row a person.

    Attributes
    ----------
    indices : DataFrame
        Indexed by person: ``answered, longstring, longstring_share, average_string, irv, mahalanobis, mahalanobis_p,
        even_odd, synonyms, antonyms, person_total`` and ``flags``, the number of rules that flag the person.
    rules : Mapping of str to (str, float)
        The rules applied.
    synonyms, antonyms : tuple of (str, str)
        Item pairs that correlate beyond the limit.
    issues : tuple of Issue
        What could not be computed, and why.
    matrix : Matrix
        The answers used.
    provenance : Provenance
        How the numbers were made.
    """

    indices: pd.DataFrame
    rules: Mapping[str, tuple[str, float]]
    synonyms: tuple[tuple[str, str], ...]
    antonyms: tuple[tuple[str, str], ...]
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return one row a person."""
        return self.indices.copy()

    def flagged(self, *, at_least: int = 1) -> pd.DataFrame:
        """Return the people whom several rules flag, most flags first.

        Parameters
        ----------
        at_least : int, default 1
            Fewest flags.

        Returns
        -------
        DataFrame
            Their rows.
        """
        rows = self.indices[self.indices["flags"] >= at_least]
        return rows.sort_values("flags", ascending=False, kind="stable")

    def table(self) -> Table:
        """Return one row a rule with the number of people it flags."""
        rows = []
        for name, (sign, limit) in self.rules.items():
            values = self.indices[name]
            flagged = (values > limit) if sign == ">" else (values < limit)
            rows.append(
                {
                    "index": name,
                    "rule": f"{sign} {limit:g}",
                    "people": int(values.notna().sum()),
                    "flagged": int(flagged.sum()),
                    "median": float(values.median()) if values.notna().any() else float("nan"),
                }
            )
        return table_of(rows)

    def page(self) -> Page:
        """Return the rules and how many people they flag as a page."""
        counts = self.indices["flags"]
        one, two = int((counts >= 1).sum()), int((counts >= 2).sum())
        note = f"{len(counts)} people; {one} with one flag or more, {two} with two or more"
        kinds = {"synonyms": self.synonyms, "antonyms": self.antonyms}
        pairs = table_of(
            [{"kind": kind, "pairs": ", ".join("-".join(p) for p in found) or "none"} for kind, found in kinds.items()]
        )
        blocks = with_notices(self.issues, self.table(), pairs, self.provenance.facts())
        return Page("Careless answering", note, blocks)


@one_thread()
def careless(
    data: Items | Matrix,
    *,
    scales: Mapping[str, Sequence[str]] | None = None,
    reverse: Sequence[str] = (),
    answer_range: tuple[float, float] | None = None,
    synonym_limit: float = 0.6,
    rules: Mapping[str, tuple[str, float]] | None = None,
) -> Careless:
    """Compute indices of careless answering for each person.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Answers as given (not reversed), columns in the order of presentation.
    scales : Mapping of str to sequence of str, optional
        Subscale -> its items, for even-odd consistency; left out where not given.
    reverse : sequence of str, default ()
        Items keyed the other way; even-odd consistency reverses them, every other index takes answers as given.
    answer_range : tuple of float, optional
        Lowest and highest possible answer, for reversing; the extremes found by default.
    synonym_limit : float, default 0.6
        Item pairs correlating above it are synonyms; below minus it, antonyms.
    rules : Mapping, optional
        Index -> (``"<"`` or ``">"``, limit); `DEFAULT_RULES` otherwise.

    Returns
    -------
    Careless
        Indices, flags and the item pairs used.

    Raises
    ------
    DataError
        For unusable answers or rules, or a scale that names unknown items.

    Notes
    -----
    Each index uses the answers there are; an index that needs more of them is missing for that person. No rule removes
    anybody: removal is a decision of the plan.
    """
    matrix = item_matrix(data, constant="accept")
    chosen = DEFAULT_RULES if rules is None else rules
    R, issues = _correlations(matrix)
    synonyms, antonyms = _pairs(R, synonym_limit)
    places = _positions(matrix.items, scales)
    keyed = _keyed(matrix, reverse, answer_range)
    indices = _indices(matrix, synonyms, antonyms).assign(even_odd=even_odd(keyed, places))
    indices["flags"] = _flags(indices, chosen)
    named = [tuple((matrix.items[a], matrix.items[b]) for a, b in pairs) for pairs in (synonyms, antonyms)]
    return Careless(
        indices=indices,
        rules=dict(chosen),
        synonyms=named[0],
        antonyms=named[1],
        issues=(
            *matrix.issues,
            *issues,
            *_unkeyed(keyed, places, matrix.items),
            *_few_pairs(len(synonyms), len(antonyms), synonym_limit),
        ),
        matrix=matrix,
        provenance=origin(
            "careless",
            "answers as given, columns in order of presentation"
            + (f"; reversed for even-odd only: {', '.join(reverse)}" if reverse else ""),
            "irv: standard deviation with divisor answers - 1; Mahalanobis: squared distance on the answers there are",
            "a missing answer ends a string",
            "even-odd: correlation of subscale half means over subscales, stepped up by Spearman-Brown",
        ),
    )


def _indices(matrix: Matrix, synonyms: list[tuple[int, int]], antonyms: list[tuple[int, int]]) -> pd.DataFrame:
    """Return every index that takes answers as given; even-odd consistency is filled in by the caller."""
    X = matrix.answers
    string = long_string(X)
    distance, tail = mahalanobis(X)
    return pd.DataFrame(
        {
            "answered": (~np.isnan(X)).sum(axis=1),
            "longstring": string,
            "longstring_share": string / matrix.n_items,
            "average_string": average_string(X),
            "irv": invariability(X),
            "mahalanobis": distance,
            "mahalanobis_p": tail,
            "even_odd": np.nan,
            "synonyms": pair_consistency(X, synonyms),
            "antonyms": pair_consistency(X, antonyms),
            "person_total": person_total(X),
        },
        index=matrix.people,
    )


def _correlations(matrix: Matrix) -> tuple[Floats, list[Issue]]:
    try:
        return correlation(matrix, missing="pairwise"), []
    except DataError as error:
        blank = np.full((matrix.n_items, matrix.n_items), np.nan)
        issue = Issue(
            code="psychometrics.no_synonyms",
            severity=Severity.WARNING,
            where="item pairs",
            what="Synonyms and antonyms could not be looked for.",
            why=str(error),
            fix="Leave the item out.",
        )
        return blank, [issue]


def _pairs(R: Floats, limit: float) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    first, second = np.triu_indices(len(R), 1)
    r = R[first, second]
    both = list(zip(first.tolist(), second.tolist(), r.tolist(), strict=True))
    return [(a, b) for a, b, v in both if v > limit], [(a, b) for a, b, v in both if v < -limit]


def _positions(items: tuple[str, ...], scales: Mapping[str, Sequence[str]] | None) -> list[list[int]]:
    place = {name: at for at, name in enumerate(items)}
    out = []
    for scale, names in (scales or {}).items():
        unknown = [name for name in names if name not in place]
        if unknown:
            raise DataError(f"Scale {scale!r}: " + choices("Item", unknown[0], items))
        out.append([place[name] for name in names])
    return out


def _keyed(matrix: Matrix, reverse: Sequence[str], answer_range: tuple[float, float] | None) -> Floats:
    unknown = [name for name in reverse if name not in matrix.items]
    if unknown:
        raise DataError(choices("Item", unknown[0], matrix.items))
    X = matrix.answers.copy()
    low, high = answer_range or (float(np.nanmin(X)), float(np.nanmax(X)))
    at = [matrix.items.index(name) for name in reverse]
    X[:, at] = low + high - X[:, at]
    return X


def _unkeyed(X: Floats, places: Sequence[Sequence[int]], items: tuple[str, ...]) -> list[Issue]:
    """Name items that still run against their own scale: even-odd consistency would call attentive people careless."""
    found: list[str] = []
    for place in places:
        if len(place) > 2:
            part = Matrix(answers=X[:, place], items=tuple(items[j] for j in place), people=pd.RangeIndex(len(X)))
            S = covariance(part, missing="pairwise")
            rest = S.sum(axis=1) - np.diag(S)
            found += [items[j] for j, value in zip(place, rest, strict=True) if value < 0]
    return conditions.negative_item_rest(found)


def _flags(indices: pd.DataFrame, rules: Mapping[str, tuple[str, float]]) -> "pd.Series[int]":
    total = pd.Series(0, index=indices.index)
    for name, (sign, limit) in rules.items():
        if name not in indices.columns:
            raise DataError(choices("Index", name, map(str, indices.columns)))
        if sign not in {"<", ">"}:
            raise DataError(f"Rule of {name!r} compares by {sign!r}; use '<' or '>'.")
        total += ((indices[name] > limit) if sign == ">" else (indices[name] < limit)).astype(int)
    return total


def _few_pairs(synonyms: int, antonyms: int, limit: float) -> list[Issue]:
    short = [f"{n} {kind}" for n, kind in ((synonyms, "synonym"), (antonyms, "antonym")) if n < 3]
    if not short:
        return []
    return [
        Issue(
            code="psychometrics.few_item_pairs",
            severity=Severity.NOTE,
            where="item pairs",
            what=f"Only {' and '.join(short)} pair(s) correlate beyond {limit:g}.",
            why="Consistency over fewer than three pairs cannot be computed; the index is missing for everybody.",
            fix="Lower synonym_limit, and say so.",
        )
    ]
