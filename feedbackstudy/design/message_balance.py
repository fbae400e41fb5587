"""What else differs between the levels of a factor: length, reading ease, points named, pilot ratings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from feedbackstudy.design.message_set import MessageSet
from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.render import Page, Rendered, Text, table_of

__all__ = ["MessageBalance", "balance_messages"]

MOST_WORDS_APART = 0.10
MOST_EASE_APART = 10.0
MOST_RATING_APART = 0.5

_PLAIN = {
    "words": "number of words",
    "reading_ease": "reading ease",
    "strengths": "number of strengths",
    "deficits": "number of shortcomings",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageBalance(Rendered):
    """The balance table and what it finds.

    Attributes
    ----------
    frame : DataFrame
        One row for each level of each factor that changes the text, and for each exemplar.
    issues : Issues
        Pairs that are confounded.
    """

    frame: pd.DataFrame
    issues: Issues

    def page(self) -> Page:
        """Return the table, then what is confounded.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = [{str(k): v for k, v in row.items()} for row in self.frame.to_dict("records")]
        found = self.issues.page().blocks if self.issues else (Text("No pair is confounded."),)
        table = table_of(rows, decimals=1, caption="Means per message")
        return Page(title="Balance of the messages", blocks=(table, *found))


def balance_messages(
    messages: MessageSet, pilot: pd.DataFrame | None = None, *, meant: Mapping[str, str] | None = None
) -> MessageBalance:
    """Compare the messages between the levels of each factor.

    Parameters
    ----------
    messages : MessageSet
        The texts.
    pilot : DataFrame, optional
        Pilot ratings: a column ``message`` and one numeric column for each rating; one row for each rater and message.
    meant : mapping of str to str, optional
        Rating -> factor that is meant to change it; its difference is a manipulation check, not a confound.

    Returns
    -------
    MessageBalance
        Table and findings.

    Raises
    ------
    DataError
        For a rating of a message that does not exist, or a rating that is no number.

    Notes
    -----
    Warnings: mean words more than 10 % apart, mean reading ease more than 10 points, any difference in the number of
    strengths or shortcomings (unless the factor is valence), pilot means more than half a standard deviation apart,
    and levels of two factors that never meet.
    """
    frame = messages.frame
    ratings = _ratings(messages, pilot)
    columns = ["words", "reading_ease", "strengths", "deficits", *ratings.columns]
    frame = frame.join(ratings, on="message") if len(ratings.columns) else frame
    spread = _spread(pilot, list(ratings.columns))
    rows: list[dict[str, object]] = []
    found: list[Issue] = []
    for factor in (*messages.factors, "exemplar"):
        means = frame.groupby(factor, sort=True)[columns].mean()
        sizes = frame.groupby(factor, sort=True).size()
        rows += [
            {"factor": factor, "level": level, "messages": int(sizes[level]), **means.loc[level].to_dict()}
            for level in means.index
        ]
        if factor != "exemplar":
            found += _properties(factor, means, messages.valence, (spread, meant or {}))
    found += _pairs(frame, (*messages.factors, "exemplar"))
    return MessageBalance(frame=pd.DataFrame(rows), issues=Issues(found))


def _ratings(messages: MessageSet, pilot: pd.DataFrame | None) -> pd.DataFrame:
    if pilot is None:
        return pd.DataFrame()
    if "message" not in pilot.columns:
        raise DataError(choices("Column of pilot ratings", "message", map(str, pilot.columns)))
    names = [message.name for message in messages.messages]
    for name in pilot["message"]:
        if name not in names:
            raise DataError(choices("Rated message", name, names))
    wrong = [c for c in pilot.columns if c != "message" and not pd.api.types.is_numeric_dtype(pilot[c])]
    if wrong:
        raise DataError(f"The pilot column {wrong[0]!r} holds {pilot[wrong[0]].dtype}; a rating is a number.")
    means = pilot.groupby("message").mean()
    return means.rename(columns={column: f"pilot {column}" for column in means.columns})


def _spread(pilot: pd.DataFrame | None, columns: list[str]) -> dict[str, float]:
    if pilot is None:
        return {}
    return {column: float(pilot[column.removeprefix("pilot ")].std(ddof=1)) for column in columns}


def _properties(
    factor: str, means: pd.DataFrame, valence: str | None, pilot: tuple[Mapping[str, float], Mapping[str, str]]
) -> Iterator[Issue]:
    spread, meant = pilot
    limits: dict[str, float] = {
        "words": MOST_WORDS_APART * float(means["words"].mean()),
        "reading_ease": MOST_EASE_APART,
    }
    if factor != valence:
        limits |= {"strengths": 0.0, "deficits": 0.0}
    limits |= {
        column: MOST_RATING_APART * sd
        for column, sd in spread.items()
        if meant.get(column.removeprefix("pilot ")) != factor
    }
    for column, limit in limits.items():
        values = means[column]
        apart = float(values.max() - values.min())
        if apart > limit + 1e-9:
            yield _confounded(factor, column, values)


def _confounded(factor: str, column: str, values: pd.Series) -> Issue:
    listed = ", ".join(f"{level} {value:.1f}" for level, value in values.items())
    return Issue(
        "design.confounded_message",
        Severity.WARNING,
        f"messages: {factor} and {column.replace('_', ' ')}",
        f"The {_PLAIN.get(column, f'{column} rating')} of messages differs with {factor}: {listed}.",
        f"An effect of {factor} could as well be an effect of {column.replace('_', ' ')}.",
        "Even the texts out, or state the difference and its direction in the report.",
    )


def _pairs(frame: pd.DataFrame, factors: tuple[str, ...]) -> Iterator[Issue]:
    for a, b in combinations(factors, 2):
        counts = pd.crosstab(frame[a], frame[b])
        rows, columns = np.nonzero(counts.to_numpy() == 0)
        named = [f"{counts.index[i]} with {counts.columns[j]}" for i, j in zip(rows, columns, strict=True)]
        if not named:
            continue
        yield Issue(
            "design.confounded_pair",
            Severity.WARNING,
            f"messages: {a} and {b}",
            f"These never occur together: {', '.join(named[:6])}{' ...' if len(named) > 6 else ''}.",
            f"What differs between levels of {a} is then partly what differs between levels of {b}.",
            "Write the missing texts, or compare only within levels that occur together.",
        )
