"""`Scores`: one row per participant and occasion, one column per scale or subscale. All that an analysis sees."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.frames.checks import check_grammar, identified
from feedbackstudy.frames.ledger import Ledger, LedgerEntry
from feedbackstudy.issues import Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Notice, Page, Rendered, counted, number, table_of

__all__ = ["ScoreInfo", "Scores"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreInfo:
    """What a score column is.

    Attributes
    ----------
    name : str
        The column.
    measure, scale, subscale, form : str
        Where it comes from; empty where no scale made it.
    method : str
        How the items were combined: ``mean``, ``sum``, ``pomp``, ``difference`` ...
    low, high : float
        The range that the score can take; infinite where an end is open, NaN where none is known.
    high_means : str
        What a high score means.
    n_items : int
        Items behind it.
    minimum_answered : float
        Smallest share of the asked items that must be answered.
    occasions : tuple of str
        Where it was asked; empty for everywhere.
    forms : tuple of (str, str, str)
        Occasion, form and wording digest, where they were recorded.
    norms : bool
        Whether published norms may be used (form and wording as published).
    stamps : tuple of str
        What must stand beside the score: completed by whom, already reversed items, study-built and unvalidated.
    """

    name: str
    measure: str = ""
    scale: str = ""
    subscale: str = ""
    form: str = ""
    method: str = ""
    low: float = float("nan")
    high: float = float("nan")
    high_means: str = ""
    n_items: int = 0
    minimum_answered: float = float("nan")
    occasions: tuple[str, ...] = ()
    forms: tuple[tuple[str, str, str], ...] = ()
    norms: bool = False
    stamps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores(Rendered):
    """Scale scores with all that is needed to defend them. Make it with `fs.score` or `Scores.from_frame`.

    Attributes
    ----------
    names : tuple of str
        Score columns.
    factors, clusters, covariates : tuple of str
        Columns of the other kinds.
    about : mapping of str to ScoreInfo
        What each score column is.
    issues : Issues
        What reading, screening and scoring found.
    ledger : Ledger
        What happened to the rows.
    design_hash : str
        The study this table belongs to.
    provenance : Provenance
        What made the scores.
    """

    _frame: pd.DataFrame
    _answered: Mapping[str, NDArray[np.int16]]
    _asked: Mapping[str, NDArray[np.int16]]
    names: tuple[str, ...]
    factors: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    about: Mapping[str, ScoreInfo]
    issues: Issues
    ledger: Ledger = field(default_factory=Ledger)
    design_hash: str = ""
    provenance: Provenance

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        scores: Sequence[str],
        factors: Sequence[str] = (),
        clusters: Sequence[str] = (),
        covariates: Sequence[str] = (),
        about: Mapping[str, ScoreInfo] | None = None,
        answered: Mapping[str, NDArray[np.int16]] | None = None,
        asked: Mapping[str, NDArray[np.int16]] | None = None,
        issues: Issues | None = None,
        ledger: Ledger | None = None,
        design_hash: str = "",
        provenance: Provenance | None = None,
    ) -> "Scores":
        """Check a table of scores against the column grammar and take it in.

        Parameters
        ----------
        frame : DataFrame
            Columns ``participant, arm, occasion`` and all those named below, and no others. It is not changed.
        scores, factors, clusters, covariates : sequence of str
            The kind of every other column.
        about : mapping, optional
            Score column -> `ScoreInfo`.
        answered, asked : mapping, optional
            Score column -> number of items answered and asked, one a row.
        issues : Issues, optional
            What the scoring found.
        ledger : Ledger, optional
            Steps taken so far.
        design_hash : str, optional
            The study this table belongs to.
        provenance : Provenance, optional
            What made the scores.

        Returns
        -------
        Scores
            The checked table, columns in grammar order.

        Raises
        ------
        DataError
            For a column that is absent, doubled, of no kind or not a number.
        """
        check_grammar(frame, {"factors": factors, "clusters": clusters, "covariates": covariates, "scores": scores})
        for name in scores:
            if not pd.api.types.is_numeric_dtype(frame[name]):
                raise DataError(f"Score column {name!r} holds {frame[name].dtype}; a score is a number.")
        ordered = ["participant", "arm", "occasion", *factors, *clusters, *covariates, *scores]
        known = dict(about or {})
        return cls(
            _frame=identified(frame[ordered].reset_index(drop=True)),
            _answered=dict(answered or {}),
            _asked=dict(asked or {}),
            names=tuple(scores),
            factors=tuple(factors),
            clusters=tuple(clusters),
            covariates=tuple(covariates),
            about={name: known.get(name, ScoreInfo(name=name)) for name in scores},
            issues=issues if issues is not None else Issues(),
            ledger=ledger if ledger is not None else Ledger(),
            design_hash=design_hash,
            provenance=provenance or Provenance(made_by="Scores.from_frame", design_hash=design_hash),
        )

    def __len__(self) -> int:
        return len(self._frame)

    @property
    def frame(self) -> pd.DataFrame:
        """The table in grammar order; changing the copy you get leaves this one as it is."""
        return self._frame.copy(deep=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in grammar order."""
        return tuple(self._frame.columns)

    @property
    def n_participants(self) -> int:
        """Number of different participants."""
        return int(self._frame["participant"].nunique())

    def _known(self, name: str) -> str:
        if name not in self.names:
            raise NotFoundError(choices("Score", name, self.names))
        return name

    def asked(self, name: str) -> NDArray[np.int16]:
        """Return how many items of a score each row was asked; 0 says that the score is not missing but not asked.

        Parameters
        ----------
        name : str
            Score column.

        Returns
        -------
        ndarray of int16
            One count a row; 1 for a score that no scale made.
        """
        return self._asked.get(self._known(name), np.ones(len(self), dtype=np.int16))

    def answered(self, name: str) -> NDArray[np.int16]:
        """Return how many items of a score each row answered.

        Parameters
        ----------
        name : str
            Score column.

        Returns
        -------
        ndarray of int16
            One count a row; for a score that no scale made, 1 where there is a value.
        """
        here = self._answered.get(self._known(name))
        return here if here is not None else self._frame[name].notna().to_numpy().astype(np.int16)

    def prorated(self, name: str) -> NDArray[np.bool_]:
        """Return which scores stand on fewer answers than the scale has items.

        Parameters
        ----------
        name : str
            Score column.

        Returns
        -------
        ndarray of bool
            One flag a row.
        """
        full = max(self.about[self._known(name)].n_items, 1)
        scored = self._frame[name].notna().to_numpy()
        return np.asarray(scored & (self.answered(name) < full))

    def select(self, keep: NDArray[np.bool_], *, step: str, what: str) -> "Scores":
        """Keep some rows, and name the others in the ledger.

        Parameters
        ----------
        keep : ndarray of bool
            One flag a row.
        step : str
            The step, ``room.rule``.
        what : str
            One sentence: which rows were left out, and why.

        Returns
        -------
        Scores
            The rows kept, with one ledger entry more.
        """
        mask = np.asarray(keep, dtype=bool)
        gone = self._frame.loc[~mask, ["participant", "occasion"]]
        rows = tuple(zip(gone["participant"].astype(str), gone["occasion"].astype(str), strict=True))
        entry = LedgerEntry(step=step, what=what, n_before=len(self), n_after=int(mask.sum()), rows=rows)
        return replace(
            self,
            _frame=self._frame[mask].reset_index(drop=True),
            _answered={name: counts[mask] for name, counts in self._answered.items()},
            _asked={name: counts[mask] for name, counts in self._asked.items()},
            ledger=self.ledger.add(entry),
        )

    def counts(self) -> pd.DataFrame:
        """Count rows by score: not asked, missing, prorated, complete.

        Returns
        -------
        DataFrame
            One row per score: ``score, rows, not_asked, missing, prorated, complete, mean, sd``.
        """
        rows = []
        for name in self.names:
            values = self._frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            asked, scored, prorated = self.asked(name) > 0, ~np.isnan(values), self.prorated(name)
            kept = values[scored]
            rows.append(
                {
                    "score": name,
                    "rows": len(values),
                    "not_asked": int((~asked).sum()),
                    "missing": int((asked & ~scored).sum()),
                    "prorated": int(prorated.sum()),
                    "complete": int((scored & ~prorated).sum()),
                    "mean": float(kept.mean()) if kept.size else float("nan"),
                    "sd": float(kept.std(ddof=1)) if kept.size > 1 else float("nan"),
                }
            )
        return pd.DataFrame(rows)

    def page(self) -> Page:
        """Return what the scores are: counts, ranges, rules, stamps and findings.

        Returns
        -------
        Page
            Ready to render.
        """
        tallies = self.counts().to_dict("records")
        rules = [
            {
                "score": info.name,
                "from": " ".join(part for part in (info.scale, info.subscale, info.form) if part) or "-",
                "rule": info.method or "-",
                "range": _range(info.low, info.high),
                "high means": info.high_means or "-",
                "answered at least": number(info.minimum_answered, 2),
            }
            for info in self.about.values()
        ]
        stamped: dict[str, dict[str, None]] = {}
        for info in self.about.values():
            for stamp in info.stamps:
                stamped.setdefault(stamp, {})[info.scale or info.name] = None
        notices: tuple[Block, ...] = tuple(Notice(f"{stamp}: {', '.join(of)}.") for stamp, of in stamped.items())
        found: tuple[Block, ...] = self.issues.page().blocks if self.issues else ()
        return Page(
            title="Scores",
            subtitle=f"{counted(len(self), 'row')}, {counted(self.n_participants, 'participant')}",
            blocks=(
                table_of([{str(k): v for k, v in row.items()} for row in tallies], caption="Counts"),
                table_of(rules, caption="Scoring rules"),
                *notices,
                *found,
                self.provenance.facts(),
            ),
        )


def _range(low: float, high: float) -> str:
    """Word a range; a count has no upper end, other columns without a declared range have none at all."""
    if math.isnan(low) or math.isinf(low):
        return "any"
    return f"{number(low, 2)} and more" if math.isinf(high) else f"{number(low, 2)} to {number(high, 2)}"
