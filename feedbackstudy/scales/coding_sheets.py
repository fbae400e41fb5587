"""The coding sheet for feedback messages: anchors for two raters, whose scores join the data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import model_validator

from feedbackstudy.declaration import Declaration, from_document
from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames import Scores
from feedbackstudy.named import Fixed, Line, Name, Named
from feedbackstudy.render import Page, Rendered, Table, Text, counted, number, table_of

__all__ = ["Agreement", "CodedMessages", "CodingSheet", "Dimension", "coding_sheet", "join_codes"]

_FILE = Path(__file__).with_name("coding_sheet.yaml")


class Dimension(Declaration):
    """One aspect of a message, with an anchor for every code.

    Attributes
    ----------
    name : str
        Its name.
    asks : str
        The question to the rater.
    anchors : mapping of str to str
        Code -> what a message of that code looks like.
    """

    name: Name
    asks: Line
    anchors: Fixed[str, Line]

    @model_validator(mode="after")
    def _codes_count_up(self) -> Self:
        codes = [int(code) for code in self.anchors if code.isdigit()]
        if len(codes) < 2 or codes != list(range(codes[0], codes[0] + len(self.anchors))):
            raise ValueError(f"dimension {self.name!r}: anchors must count up in whole numbers, at least two.")
        return self

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes."""
        return tuple(map(int, self.anchors))


class CodingSheet(Rendered, Declaration):
    """What raters of messages are given.

    Attributes
    ----------
    name : str
        Its name.
    instruction : str
        What stands above it.
    dimensions : Named of Dimension
        What is rated.
    """

    name: Line
    instruction: Line
    dimensions: Named[Dimension]

    def page(self) -> Page:
        """Return the sheet, ready to print for raters.

        Returns
        -------
        Page
            One table a dimension.
        """
        tables = [Table(("code", "anchor"), tuple(d.anchors.items()), f"{d.name}: {d.asks}") for d in self.dimensions]
        note = Text("Study-built, unvalidated (CC0). Two raters, blind to the arm, each on their own.")
        return Page(title="Coding sheet for feedback messages", blocks=(Text(self.instruction), *tables, note))

    def code(self, ratings: pd.DataFrame) -> "CodedMessages":
        """Check ratings and average them over raters.

        Parameters
        ----------
        ratings : DataFrame
            One row per message and rater: columns ``message, rater`` and one per dimension.

        Returns
        -------
        CodedMessages
            One row per message, with the agreement of the raters.

        Raises
        ------
        DataError
            For an absent column, a message rated twice by a rater, or a code without an anchor.
        """
        needed = ["message", "rater", *self.dimensions.names]
        absent = [name for name in needed if name not in ratings.columns]
        if absent:
            raise DataError(choices("Column of ratings", absent[0], map(str, ratings.columns)))
        table = ratings[needed].copy()
        twice = table.duplicated(["message", "rater"])
        if twice.any():
            first = table.loc[twice, ["message", "rater"]].iloc[0]
            raise DataError(f"Rater {first['rater']!r} rated message {first['message']!r} twice; keep one rating.")
        for dimension in self.dimensions:
            _check_codes(table[dimension.name], dimension)
        means = table.groupby("message", sort=False)[list(self.dimensions.names)].mean()
        raters = table.groupby("message", sort=False)["rater"].nunique()
        agreement = tuple(_agreement(table, dimension.name) for dimension in self.dimensions)
        return CodedMessages(_means=means, n_raters=raters, agreement=agreement)


def _check_codes(column: pd.Series, dimension: Dimension) -> None:
    wrong = column[column.notna() & ~column.isin(list(dimension.codes))]
    if len(wrong):
        listed = ", ".join(repr(code) if isinstance(code, str) else str(code) for code in wrong.unique()[:5])
        raise DataError(
            f"Dimension {dimension.name!r} holds codes without an anchor: {listed} ({counted(len(wrong), 'rating')}). "
            f"Codes run from {dimension.codes[0]} to {dimension.codes[-1]}."
        )


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far raters agree on one dimension.

    Attributes
    ----------
    dimension : str
        The dimension.
    pairs : int
        Messages rated by two or more raters (their first two, by name).
    exact, within_one : float
        Share of pairs with the same code, and at most one code apart.
    """

    dimension: str
    pairs: int
    exact: float
    within_one: float


def _agreement(table: pd.DataFrame, dimension: str) -> Agreement:
    given = table.dropna(subset=[dimension]).sort_values("rater", kind="stable")
    pairs = given.groupby("message", sort=False)[dimension].agg(list)
    gaps = np.array([abs(codes[0] - codes[1]) for codes in pairs if len(codes) > 1], dtype=np.float64)
    if not gaps.size:
        return Agreement(dimension, 0, float("nan"), float("nan"))
    return Agreement(dimension, int(gaps.size), float((gaps == 0).mean()), float((gaps <= 1).mean()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CodedMessages(Rendered):
    """Codes of messages, averaged over raters.

    Attributes
    ----------
    n_raters : Series
        Raters by message.
    agreement : tuple of Agreement
        By dimension. Intraclass correlations are in ``psychometrics``.
    """

    _means: pd.DataFrame = field(repr=False)
    n_raters: pd.Series
    agreement: tuple[Agreement, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """One row a message (the index), one column a dimension."""
        return self._means.copy(deep=False)

    def page(self) -> Page:
        """Return the agreement by dimension, and how many messages had a single rater.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = [
            {"dimension": a.dimension, "pairs": a.pairs, "same code": a.exact, "within one": a.within_one}
            for a in self.agreement
        ]
        alone = int((self.n_raters < 2).sum())
        return Page(
            title="Coded messages",
            subtitle=f"{number(len(self._means))} messages, {number(alone)} of them with a single rater",
            blocks=(table_of(rows, decimals=2), Text("Coding sheet: study-built, unvalidated.")),
        )


@lru_cache(maxsize=1)
def coding_sheet() -> CodingSheet:
    """Return the coding sheet for feedback messages.

    Returns
    -------
    CodingSheet
        Specificity, framing, actionability and empathy, with anchors.
    """
    return from_document(CodingSheet, _FILE)


def join_codes(
    scores: Scores, coded: CodedMessages, *, by: str, as_: Literal["covariate", "fidelity"] = "covariate"
) -> Scores:
    """Join the codes of messages to the people who received them.

    Parameters
    ----------
    scores : Scores
        The scores; a covariate, cluster or factor column names the message each row received.
    coded : CodedMessages
        The codes.
    by : str
        That column. A row without a message (null) gets no code.
    as_ : {"covariate", "fidelity"}
        What the codes are for; fidelity columns are named ``fidelity_<dimension>``.

    Returns
    -------
    Scores
        With one covariate more for each dimension.

    Raises
    ------
    DataError
        Where the column does not exist, or names a message without codes.
    """
    table = scores.frame
    allowed: Sequence[str] = (*scores.covariates, *scores.clusters, *scores.factors)
    if by not in allowed:
        raise DataError(choices("Message column", by, allowed))
    unknown = sorted(set(table[by].dropna()) - set(coded.frame.index))
    if unknown:
        raise DataError(
            f"{counted(len(unknown), 'message has', 'messages have')} no codes, such as {unknown[0]!r}; code them or "
            f"leave them out."
        )
    prefix = "fidelity_" if as_ == "fidelity" else "message_"
    added = {f"{prefix}{name}": table[by].map(coded.frame[name]) for name in coded.frame.columns}
    return Scores.from_frame(
        table.assign(**added),
        scores=scores.names,
        factors=scores.factors,
        clusters=scores.clusters,
        covariates=(*scores.covariates, *added),
        about=scores.about,
        answered={name: scores.answered(name) for name in scores.names},
        asked={name: scores.asked(name) for name in scores.names},
        issues=scores.issues,
        ledger=scores.ledger,
        design_hash=scores.design_hash,
        provenance=scores.provenance,
    )
