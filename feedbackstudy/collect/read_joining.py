"""All files of a study as one table of rows, with a line in the ledger for every row that is left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.collect.read_file import FileRows, row_names
from feedbackstudy.collect.read_items import ItemSpec
from feedbackstudy.frames import Ledger, LedgerEntry, MissingReason
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

__all__ = ["Rows", "join_files", "leave_out_absent", "leave_out_duplicates", "leave_out_no_people"]

type Texts = NDArray[np.object_]
type Flags = NDArray[np.bool_]

_SHOWN = 10


@dataclass(slots=True, kw_only=True)
class Rows:
    """All rows of all files.

    Attributes
    ----------
    participant, occasion : ndarray of object
        Who and when.
    names : list of str
        Name of each row for the ledger.
    file : ndarray of int
        Place of the file that each row comes from.
    keep : ndarray of bool
        Rows not left out so far.
    columns : dict
        Column -> values.
    reasons : dict
        Item -> reason codes; not asked where the file does not have the item.
    ledger : Ledger
        What was left out.
    issues : list of Issue
        What was found.
    """

    participant: Texts
    occasion: Texts
    names: list[str]
    file: NDArray[np.int64]
    keep: Flags
    columns: dict[str, NDArray[np.float64] | Texts] = field(default_factory=dict)
    reasons: dict[str, NDArray[np.int8]] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    issues: list[Issue] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.participant)

    @property
    def wave(self) -> Texts:
        """The wave of each row, without the position of a story."""
        codes, different = pd.factorize(self.occasion)
        return np.array([str(text).partition(".")[0] for text in different], dtype=object)[codes]

    def leave_out(self, gone: Flags, step: str, what: str) -> None:
        """Leave rows out, and name each in the ledger.

        Parameters
        ----------
        gone : ndarray of bool
            Which; rows left out before are passed over.
        step : str
            The ledger's step.
        what : str
            Which rows, and why.
        """
        gone = gone & self.keep
        before = int(self.keep.sum())
        rows = tuple((self.names[i], str(self.occasion[i])) for i in np.flatnonzero(gone))
        self.keep &= ~gone
        self.ledger = self.ledger.add(
            LedgerEntry(step=step, what=what, n_before=before, n_after=before - len(rows), rows=rows)
        )

    def who(self, which: Flags) -> tuple[str, ...]:
        """Return whom a finding concerns.

        Parameters
        ----------
        which : ndarray of bool
            Rows.

        Returns
        -------
        tuple of str
            At most ten.
        """
        return tuple(dict.fromkeys(self.names[i] for i in np.flatnonzero(which)[: 5 * _SHOWN]))[:_SHOWN]


def join_files(files: Sequence[FileRows], specs: Sequence[ItemSpec]) -> Rows:
    """Put the rows of all files under each other.

    Parameters
    ----------
    files : sequence of FileRows
        The files.
    specs : sequence of ItemSpec
        The study's items.

    Returns
    -------
    Rows
        Nothing is left out yet.
    """
    n = sum(map(len, files))
    made = Rows(
        participant=np.concatenate([f.participant for f in files]),
        occasion=np.concatenate([f.occasion for f in files]),
        names=[name for f in files for name in row_names(f)],
        file=np.repeat(np.arange(len(files)), [len(f) for f in files]),
        keep=np.ones(n, dtype=bool),
        issues=[issue for f in files for issue in f.issues],
    )
    what = f"{counted(n, 'response')} in {counted(len(files), 'file')} {'was' if n == 1 else 'were'} read."
    made.ledger = made.ledger.add(LedgerEntry(step="collect.read", what=what, n_before=n, n_after=n))
    words = {spec.name for spec in specs if spec.kind != "numbers"}
    for name in dict.fromkeys(name for f in files for name in f.read):
        parts = [_part(f, name, is_text=name in words) for f in files]
        made.columns[name] = np.concatenate([values for values, _ in parts])
        made.reasons[name] = np.concatenate([reasons for _, reasons in parts])
    return made


def _part(file: FileRows, name: str, *, is_text: bool) -> tuple[NDArray[np.float64] | Texts, NDArray[np.int8]]:
    column = file.read.get(name)
    if column is not None:
        return column.answers, column.reasons
    empty: NDArray[np.float64] | Texts = (
        np.full(len(file), None, dtype=object) if is_text else np.full(len(file), np.nan)
    )
    return empty, np.full(len(file), MissingReason.NOT_ASKED, dtype=np.int8)


def leave_out_no_people(rows: Rows, files: Sequence[FileRows]) -> None:
    """Leave out previews, tests and spam, and rows without an id.

    Parameters
    ----------
    rows : Rows
        All rows.
    files : sequence of FileRows
        Their files.
    """
    starts = np.cumsum([0, *map(len, files)])
    kinds = dict.fromkeys(why for file in files for why in file.raw.excluded)
    for why in kinds:
        gone = np.zeros(len(rows), dtype=bool)
        for file, start in zip(files, starts, strict=False):
            if why in file.raw.excluded:
                gone[start : start + len(file)] = file.raw.excluded[why]
        n = int(gone.sum())
        what = f"{counted(n, 'response has', 'responses have')} the status {why!r}: "
        what += "it is no participant." if n == 1 else "they are no participants."
        rows.leave_out(gone, f"collect.status_{why.lower().replace(' ', '_')}", what)
        reason = "Previews, tests and spam are not data."
        rows.issues.append(Issue("collect.status_excluded", Severity.NOTE, "Status", what, reason, "Nothing to do."))
    blank = (rows.participant == "") & rows.keep
    if blank.any():
        what = f"{counted(int(blank.sum()), 'response has', 'responses have')} no participant id."
        why = "It is not known whose answers they are, so waves and conditions cannot be matched."
        fix = "Fill the ids in from the platform's log, or leave these rows out of the file and say so."
        rows.issues.append(Issue("collect.no_id", Severity.ERROR, "participant", what, why, fix, rows.who(blank)))
        rows.leave_out(blank, "collect.no_id", what)


def leave_out_absent(rows: Rows, files: Sequence[FileRows], items: Sequence[str]) -> None:
    """Leave out rows without any answer where a file holds waves side by side: the person was not there.

    Parameters
    ----------
    rows : Rows
        All rows.
    files : sequence of FileRows
        Their files.
    items : sequence of str
        Item columns.
    """
    wide = np.array([file.columns.wide for file in files], dtype=bool)[rows.file]
    if not wide.any():
        return
    answered = np.zeros(len(rows), dtype=bool)
    for item in items:
        if item in rows.reasons:
            answered |= rows.reasons[item] == MissingReason.ANSWERED
    gone = wide & ~answered
    what = f"{counted(int((gone & rows.keep).sum()), 'row', 'rows')} of waves side by side without any answer: the "
    what += "person was not there."
    rows.leave_out(gone, "collect.absent_wave", what)


def leave_out_duplicates(
    rows: Rows, files: Sequence[FileRows], rule: str | None, items: Sequence[str], *, planned: str | None = None
) -> None:
    """Leave out responses that stand twice, and where a rule is declared, all but one of those that differ.

    Parameters
    ----------
    rows : Rows
        All rows.
    files : sequence of FileRows
        Their files.
    rule : str or None
        ``"first"``, ``"last"``, ``"most_complete"``, or None for no rule.
    items : sequence of str
        Item columns, for the last rule.
    planned : str or None
        The rule that the plan declares; it holds where `rule` is None.
    """
    identity = pd.DataFrame({"participant": rows.participant, "occasion": rows.occasion})
    twice = np.zeros(len(rows), dtype=bool)
    twice[rows.keep] = identity[rows.keep].duplicated(keep=False).to_numpy()
    if not twice.any():
        return
    same = _same_cells(rows, files, twice)
    if same.any():
        what = f"{counted(int(same.sum()), 'response stands', 'responses stand')} in the file twice, cell by cell; one "
        what += "of each was kept."
        why = "An export was appended to itself; counted twice they would look like more people."
        who = rows.who(same)
        rows.leave_out(same, "collect.duplicate_rows", what)
        fix = "Nothing to do, but look how the file came about."
        rows.issues.append(Issue("collect.duplicate_rows", Severity.WARNING, "participant", what, why, fix, who))
    left = rows.keep & twice
    left[left] = identity[left].duplicated(keep=False).to_numpy()
    if left.any():
        if rule is not None and planned is not None and rule != planned:
            rows.issues.append(_not_as_planned(rule, planned))
        _by_rule(rows, identity, left, rule or planned, items, is_planned=(rule or planned) == planned)


def _same_cells(rows: Rows, files: Sequence[FileRows], twice: Flags) -> Flags:
    same = np.zeros(len(rows), dtype=bool)
    start = 0
    for file in files:
        here = np.flatnonzero(twice[start : start + len(file)])
        if here.size:
            cells = pd.DataFrame({j: np.asarray(c.codes)[here] for j, c in enumerate(file.table.columns)})
            same[start + here] = cells.duplicated(keep="first").to_numpy()
        start += len(file)
    return same


def _not_as_planned(rule: str, planned: str) -> Issue:
    what = f"The plan declares the rule {planned!r} for people who answered twice; {rule!r} was given and applied."
    why = "Which answer counts can change results, so the plan settles it before the data are seen."
    fix = "Leave duplicates out, or amend the plan and say why."
    return Issue("collect.duplicates_not_as_planned", Severity.WARNING, "participant", what, why, fix)


def _by_rule(
    rows: Rows, identity: pd.DataFrame, left: Flags, rule: str | None, items: Sequence[str], *, is_planned: bool
) -> None:
    n_times = int(identity[left].drop_duplicates().shape[0])
    what = f"{counted(n_times, 'time')} a participant answered the same occasion more than once "
    what += f"({counted(int(left.sum()), 'response')})."
    who = rows.who(left)
    if rule is None:
        why = "Only one of them can count, and which one is a decision that can change results."
        fix = "Declare the rule in the plan before looking at outcomes (duplicates: first, last or most_complete), or "
        fix += "give it when reading: duplicates='first'."
        rows.issues.append(Issue("collect.duplicate_person", Severity.ERROR, "participant", what, why, fix, who))
        return
    ordered = identity[left].assign(place=np.flatnonzero(left))
    if rule == "most_complete":
        answered = sum(
            (rows.reasons[item] == MissingReason.ANSWERED).astype(np.int64) for item in items if item in rows.reasons
        )
        ordered["answers"] = -np.asarray(answered)[left]
        ordered = ordered.sort_values(["answers", "place"], kind="stable")
    kept = ordered.drop_duplicates(["participant", "occasion"], keep="last" if rule == "last" else "first")["place"]
    gone = left.copy()
    gone[kept.to_numpy()] = False
    source = "of the plan" if is_planned else "given when reading"
    told = f"{what} By the rule {rule!r} {source}, {counted(int(gone.sum()), 'was', 'were')} left out."
    rows.leave_out(gone, "collect.duplicates", told)
    why = "Only one answer of a person at an occasion can count."
    fix = "Report the rule." if is_planned else "Report the rule, and that no plan declared it (plan.duplicates)."
    rows.issues.append(Issue("collect.duplicates", Severity.WARNING, "participant", told, why, fix, who))
