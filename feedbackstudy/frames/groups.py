"""One score by arm or condition: what each group was asked, what is missing, and how the values lie."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames.scores import Scores
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Notice, Page, Rendered, table_of

__all__ = ["ScoreGroups", "score_groups"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreGroups(Rendered):
    """The values of one score in each group. Make it with `score_groups`.

    Attributes
    ----------
    score : str
        The score column.
    occasion : str
        The occasion.
    groups : tuple of str
        Labels of the groups, in order.
    scored : tuple of ndarray
        The scores that exist in each group, shape (scored,).
    rows, asked : tuple of int
        Rows in each group, and how many of them were asked.
    low, high : float
        The range that the score can take; NaN where it has none.
    high_means : str
        What a high score means.
    provenance : Provenance or None
        What made the scores.
    """

    score: str
    occasion: str
    groups: tuple[str, ...]
    scored: tuple[NDArray[np.float64], ...]
    rows: tuple[int, ...]
    asked: tuple[int, ...]
    low: float
    high: float
    high_means: str
    provenance: Provenance | None = None

    def frame(self) -> pd.DataFrame:
        """Return one row for each group.

        Returns
        -------
        DataFrame
            ``group, rows, not_asked, missing, scored, mean, sd, q25, median, q75``.
        """
        records = []
        for group, values, rows, asked in zip(self.groups, self.scored, self.rows, self.asked, strict=True):
            some, spread = values.size > 0, values.size > 1
            quarters = np.quantile(values, [0.25, 0.5, 0.75]) if some else np.full(3, np.nan)
            records.append(
                {
                    "group": group,
                    "rows": rows,
                    "not_asked": rows - asked,
                    "missing": asked - values.size,
                    "scored": values.size,
                    "mean": float(values.mean()) if some else np.nan,
                    "sd": float(values.std(ddof=1)) if spread else np.nan,
                    "q25": quarters[0],
                    "median": quarters[1],
                    "q75": quarters[2],
                }
            )
        return pd.DataFrame(records)

    def page(self) -> Page:
        """Return the table of groups; a group that was not asked is said to be, never counted as missing.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = [{str(key): value for key, value in row.items()} for row in self.frame().to_dict("records")]
        unasked = [group for group, asked in zip(self.groups, self.asked, strict=True) if asked == 0]
        blocks: list[Block] = [table_of(rows, decimals=2)]
        if unasked:
            blocks.append(Notice(f"Not asked, so nothing is missing there: {', '.join(unasked)}."))
        high = f"; high means {self.high_means}" if self.high_means else ""
        return Page(title=f"{self.score} at {self.occasion}", subtitle=f"by group{high}", blocks=tuple(blocks))


def score_groups(
    scores: Scores, score: str, *, by: Sequence[str] = ("arm",), occasion: str | None = None
) -> ScoreGroups:
    """Split one score by arm, or by arm and factors.

    Parameters
    ----------
    scores : Scores
        Scored answers.
    score : str
        A score column.
    by : sequence of str, default ("arm",)
        Columns that make the groups; a factor that does not apply to an arm is left out of its label.
    occasion : str, optional
        The occasion; needed where the score was asked on more than one.

    Returns
    -------
    ScoreGroups
        Values, rows and people asked, by group.

    Raises
    ------
    DataError
        For an unknown score or column, or where the score has several occasions and none was given.
    """
    frame = scores.frame
    if score not in scores.names:
        raise DataError(choices("Score", score, scores.names))
    columns = ("arm", *scores.factors, *scores.clusters)
    for column in by:
        if column not in columns:
            raise DataError(choices("Group column", column, columns))
    asked = scores.asked(score) > 0
    here = _rows_of_occasion(frame["occasion"], asked, score, occasion)
    labels = pd.Series(
        [", ".join(str(part) for part in row if pd.notna(part)) for row in zip(*(frame[c] for c in by), strict=True)]
    )
    values = frame[score].to_numpy(dtype=np.float64, na_value=np.nan)
    groups = tuple(sorted(labels[here].unique()))
    masks = [here & (labels == group).to_numpy(dtype=bool) for group in groups]
    about = scores.about[score]
    return ScoreGroups(
        score=score,
        occasion=str(frame.loc[here, "occasion"].iloc[0]),
        groups=groups,
        scored=tuple(values[mask & ~np.isnan(values)] for mask in masks),
        rows=tuple(int(mask.sum()) for mask in masks),
        asked=tuple(int((mask & asked).sum()) for mask in masks),
        low=about.low,
        high=about.high,
        high_means=about.high_means,
        provenance=scores.provenance.derived("score_groups"),
    )


def _rows_of_occasion(
    occasions: pd.Series, asked: NDArray[np.bool_], score: str, occasion: str | None
) -> NDArray[np.bool_]:
    names = list(dict.fromkeys(occasions[asked].astype(str)))
    if occasion is None and len(names) != 1:
        raise DataError(f"Score {score!r} was asked at {', '.join(names) or 'no occasion'}; name one as occasion=...")
    chosen = names[0] if occasion is None else occasion
    if chosen not in set(occasions.astype(str)):
        raise DataError(choices("Occasion", chosen, occasions.astype(str).unique()))
    return (occasions.astype(str) == chosen).to_numpy(dtype=bool)
