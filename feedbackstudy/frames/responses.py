"""`Responses`: one row per participant and occasion, one column per item, a reason beside every missing answer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.frames.checks import check_grammar, check_reasons, identified
from feedbackstudy.frames.fielded import Fielded
from feedbackstudy.frames.ledger import Ledger, LedgerEntry
from feedbackstudy.frames.reasons import MissingReason
from feedbackstudy.frames.responses_page import responses_page
from feedbackstudy.issues import Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Page, Rendered

__all__ = ["Responses"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Responses(Rendered):
    """What people answered, as they answered it. Make it with `Responses.from_frame` or `Responses.of_items`.

    Attributes
    ----------
    items : tuple of str
        Item columns.
    factors, clusters, covariates : tuple of str
        Columns of the other kinds.
    already_reversed : frozenset of str or None
        Items whose codes were reversed before they came here; None where nobody has said. Scoring never reverses
        these again, and stamps them on every score.
    fielded : tuple of Fielded
        Forms and wordings by measure and occasion.
    ledger : Ledger
        What happened to the rows.
    design_hash : str
        The study this table belongs to; empty where none is declared.
    provenance : Provenance
        What made the table.
    issues : Issues
        What was found while the answers were read.
    """

    _frame: pd.DataFrame
    _reasons: NDArray[np.int8]
    items: tuple[str, ...]
    factors: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    already_reversed: frozenset[str] | None = None
    fielded: tuple[Fielded, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)
    design_hash: str = ""
    provenance: Provenance
    issues: Issues = field(default_factory=Issues)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        items: Sequence[str],
        factors: Sequence[str] = (),
        clusters: Sequence[str] = (),
        covariates: Sequence[str] = (),
        reasons: Mapping[str, Sequence[int] | NDArray[np.int8]] | pd.DataFrame | None = None,
        already_reversed: Iterable[str] | None = None,
        fielded: Sequence[Fielded] = (),
        ledger: Ledger | None = None,
        design_hash: str = "",
        provenance: Provenance | None = None,
        issues: Issues | None = None,
    ) -> "Responses":
        """Check a table against the column grammar and take it in.

        Parameters
        ----------
        frame : DataFrame
            Columns ``participant, arm, occasion`` and all those named below, and no others. It is not changed.
        items, factors, clusters, covariates : sequence of str
            The kind of every other column.
        reasons : mapping or DataFrame, optional
            Item -> `MissingReason` codes. An NA without a code is taken as skipped.
        already_reversed : iterable of str, optional
            Items whose codes were reversed upstream; an empty list says "as answered"; None says nothing.
        fielded : sequence of Fielded, optional
            Forms and wordings by measure and occasion.
        ledger : Ledger, optional
            Steps taken so far.
        design_hash : str, optional
            The study this table belongs to.
        provenance : Provenance, optional
            What made the table.
        issues : Issues, optional
            What was found while the answers were read.

        Returns
        -------
        Responses
            The checked table, columns in grammar order.

        Raises
        ------
        DataError
            For an absent, unnamed or duplicated column, an arm that is null, a participant twice at an occasion,
            or a reason beside an answer.
        """
        kinds = {"factors": factors, "clusters": clusters, "covariates": covariates, "items": items}
        check_grammar(frame, kinds)
        names = tuple(items)
        ordered = ["participant", "arm", "occasion", *factors, *clusters, *covariates, *names]
        clean = identified(frame[ordered].reset_index(drop=True))
        stated = None if already_reversed is None else frozenset(already_reversed)
        unknown = sorted((stated or frozenset()) - set(names))
        if unknown:
            raise DataError(choices("Already reversed item", unknown[0], names))
        steps = ledger if ledger is not None else Ledger()
        if steps.entries and steps.entries[-1].n_after != len(clean):
            raise DataError(
                f"The table has {len(clean)} rows, but its ledger ends with {steps.entries[-1].n_after}. "
                "Add the step that explains the difference."
            )
        return cls(
            _frame=clean,
            _reasons=check_reasons(clean, names, reasons),
            items=names,
            factors=tuple(factors),
            clusters=tuple(clusters),
            covariates=tuple(covariates),
            already_reversed=stated,
            fielded=tuple(fielded),
            ledger=steps,
            design_hash=design_hash,
            provenance=provenance or Provenance(made_by="Responses.from_frame", design_hash=design_hash),
            issues=issues if issues is not None else Issues(),
        )

    @classmethod
    def of_items(
        cls, frame: pd.DataFrame, items: Sequence[str] | None = None, *, already_reversed: Iterable[str] | None = None
    ) -> "Responses":
        """Take in a bare table of answers: one row a person, one arm, one occasion.

        Parameters
        ----------
        frame : DataFrame
            Item columns; the index names the participants.
        items : sequence of str, optional
            The columns to take; all by default.
        already_reversed : iterable of str, optional
            As in `from_frame`.

        Returns
        -------
        Responses
            With arm and occasion both ``"all"``.
        """
        names = list(map(str, frame.columns)) if items is None else list(items)
        absent = [name for name in names if name not in frame.columns]
        if absent:
            raise DataError(choices("Item column", absent[0], map(str, frame.columns)))
        identity = pd.DataFrame({"participant": frame.index.map(str), "arm": "all", "occasion": "all"})
        table = pd.concat([identity, frame[names].reset_index(drop=True)], axis="columns")
        return cls.from_frame(table, items=names, already_reversed=already_reversed)

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

    def column(self, name: str) -> pd.Series:
        """Return one column.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Series
            The column.

        Raises
        ------
        NotFoundError
            With the nearest names.
        """
        if name not in self._frame.columns:
            raise NotFoundError(choices("Column", name, self.columns))
        return self._frame[name]

    @property
    def reasons(self) -> pd.DataFrame:
        """`MissingReason` codes beside the answers, one column per item; 0 where there is an answer."""
        return pd.DataFrame({name: self.reason(name) for name in self.items})

    def reason(self, item: str) -> NDArray[np.int8]:
        """Return the reason codes of one item.

        Parameters
        ----------
        item : str
            Item column.

        Returns
        -------
        ndarray of int8
            A read-only view, one code a row.
        """
        if item not in self.items:
            raise NotFoundError(choices("Item", item, self.items))
        codes: NDArray[np.int8] = self._reasons[self.items.index(item)]
        return codes

    def with_not_asked(self, items: Collection[str], rows: NDArray[np.bool_], *, why: str) -> "Responses":
        """Mark empty cells as never asked.

        Parameters
        ----------
        items : collection of str
            Item columns.
        rows : ndarray of bool
            The rows that were not asked.
        why : str
            What says so, for the ledger.

        Returns
        -------
        Responses
            A new table; the rows stay the same.

        Raises
        ------
        DataError
            Where such a cell holds an answer.
        """
        codes = self._reasons.copy()
        for item in items:
            here = self.items.index(item)
            answered = rows & (codes[here] == MissingReason.ANSWERED)
            if answered.any():
                who = ", ".join(self._frame.loc[answered, "participant"].head(10))
                raise DataError(
                    f"Item {item!r} was not asked ({why}), but {int(answered.sum())} rows hold an answer "
                    f"(participants {who}). Mend the declaration or the data."
                )
            codes[here, rows] = MissingReason.NOT_ASKED
        codes.setflags(write=False)
        entry = LedgerEntry(step="responses.not_asked", what=why, n_before=len(self), n_after=len(self))
        return replace(self, _reasons=codes, ledger=self.ledger.add(entry))

    def select(self, keep: NDArray[np.bool_], *, step: str, what: str) -> "Responses":
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
        Responses
            The rows kept, with one ledger entry more.
        """
        mask = np.asarray(keep, dtype=bool)
        if mask.shape != (len(self),):
            raise DataError(f"Step {step!r} gave {mask.shape} flags for {len(self)} rows; give one flag a row.")
        gone = self._frame.loc[~mask, ["participant", "occasion"]]
        rows = tuple(zip(gone["participant"].astype(str), gone["occasion"].astype(str), strict=True))
        entry = LedgerEntry(step=step, what=what, n_before=len(self), n_after=int(mask.sum()), rows=rows)
        codes = np.ascontiguousarray(self._reasons[:, mask])
        codes.setflags(write=False)
        return replace(
            self, _frame=self._frame[mask].reset_index(drop=True), _reasons=codes, ledger=self.ledger.add(entry)
        )

    def stated(self, *, already_reversed: Iterable[str]) -> "Responses":
        """Say which items were reversed before the data came here.

        Parameters
        ----------
        already_reversed : iterable of str
            Item columns; an empty list says that all answers are as given.

        Returns
        -------
        Responses
            The same table with the statement.
        """
        stated = frozenset(already_reversed)
        for name in sorted(stated - set(self.items)):
            raise DataError(choices("Already reversed item", name, self.items))
        return replace(self, already_reversed=stated)

    def long(self) -> pd.DataFrame:
        """Return one row per participant, occasion and item.

        Returns
        -------
        DataFrame
            The identifying columns, then ``item, response, reason``; not-asked cells are left out.
        """
        keys = [name for name in self.columns if name not in self.items]
        parts = []
        for item in self.items:
            part = self._frame[keys].assign(item=item, response=self._frame[item])
            codes = self.reason(item)
            labels = np.array([reason.label for reason in MissingReason], dtype=object)[codes]
            parts.append(part.assign(reason=labels)[codes != MissingReason.NOT_ASKED])
        return pd.concat(parts, ignore_index=True) if parts else self._frame[keys].head(0)

    def page(self) -> Page:
        """Return what the table holds: rows by arm and occasion, cells by reason, the steps so far.

        Returns
        -------
        Page
            Ready to render.
        """
        return responses_page(self, MissingReason.counts(self._reasons))
