"""What may leave the house: answers under pseudonyms, without what names somebody or was not to be shared."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from feedbackstudy.collect.free_text import redacted, scan_text
from feedbackstudy.collect.platforms.plain import IDENTIFYING
from feedbackstudy.collect.pseudonyms import PseudonymKey
from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames import Responses, Scores
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Page, Rendered, Text, counted, table_of
from feedbackstudy.scales.jobs import jobs_of, score_names
from feedbackstudy.study import Study

__all__ = ["Shared", "names_people", "shareable"]

_PLATFORM = frozenset({"ipaddress", "ipaddr", "refurl", "token", "responseid", "externalreference", "recipientemail",
                       "recipientfirstname", "recipientlastname", "locationlatitude", "locationlongitude"})  # fmt: skip
"""Columns by which survey platforms know people, folded."""

_FEW = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shared(Rendered):
    """A table that may be shared. Make it with `shareable`.

    Attributes
    ----------
    frame : DataFrame
        The table, participants under pseudonyms.
    dropped : mapping of str to str
        Column -> why it is not here.
    purposes : mapping of str to str
        Special-category column that is here -> for what purpose.
    issues : Issues
        What must be read before the table leaves.
    participants : tuple of str
        Pseudonyms of the people in the table.
    provenance : Provenance
        What made the table.
    """

    frame: pd.DataFrame
    dropped: Mapping[str, str]
    purposes: Mapping[str, str]
    issues: Issues
    participants: tuple[str, ...]
    provenance: Provenance

    def page(self) -> Page:
        """Return what is shared and what is not.

        Returns
        -------
        Page
            Ready to render.
        """
        rows: list[dict[str, object]] = [{"column": c, "not shared because": why} for c, why in self.dropped.items()]
        head = Text(f"{counted(len(self.frame), 'row')} of {counted(len(self.participants), 'person', 'people')}.")
        note = Text(
            "Pseudonymised data are personal data: who holds the key, or knows enough of a person, can tell who it is."
        )
        blocks = (head, *([table_of(rows)] if rows else []), note, *(self.issues.page().blocks if self.issues else ()))
        return Page(title="Table to share", blocks=blocks)


def shareable(
    table: Responses | Scores,
    study: Study,
    *,
    key: PseudonymKey,
    sensitive: Mapping[str, str] | None = None,
    free_text: Sequence[str] = (),
) -> Shared:
    """Return the table as it may be shared.

    Parameters
    ----------
    table : Responses or Scores
        The answers or scores.
    study : Study
        The study, which says what is sensitive and what is text.
    key : PseudonymKey
        Makes the pseudonyms; there is no way without one.
    sensitive : mapping of str to str, optional
        Special-category covariate -> purpose for which it is shared; all others stay out.
    free_text : sequence of str, optional
        Columns of text that come along, addresses and numbers blacked out; all others stay out.

    Returns
    -------
    Shared
        The table, and what is not in it.

    Raises
    ------
    DataError
        For an unknown column, or a special category without a purpose.
    """
    purposes = dict(sensitive or {})
    _known((*purposes, *free_text), table)
    empty = [name for name, purpose in purposes.items() if not purpose.strip()]
    if empty:
        raise DataError(f"{empty[0]!r} is a special category of personal data; say for what purpose it is shared.")
    frame = table.frame.copy()
    dropped = dict(_not_shared(table, study, purposes, free_text))
    issues: list[Issue] = []
    for name in frame.columns.difference([*dropped, "participant", *table.clusters]):
        column = frame[name]
        if not pd.api.types.is_numeric_dtype(column):
            scan = scan_text(column, frame["participant"].astype(str).map(key.code))
            issues += scan.issues()
            frame[name] = column.astype(object).map(redacted, na_action="ignore") if scan.found else column
    codes = key.codes(frame["participant"].astype(str).unique())
    frame["participant"] = frame["participant"].astype(str).map(codes)
    for name in table.clusters:
        column = frame[name].astype(object)
        frame[name] = column.map(lambda value, name=name: f"c{key.code(f'{name}:{value}')[1:]}", na_action="ignore")
    kept = frame.drop(columns=list(dropped))
    if dropped:
        issues.append(_told(dropped))
    return Shared(
        frame=kept,
        dropped=dropped,
        purposes=purposes,
        issues=Issues(issues),
        participants=tuple(dict.fromkeys(kept["participant"])),
        provenance=table.provenance.derived("shareable"),
    )


def _known(names: Sequence[str], table: Responses | Scores) -> None:
    for name in names:
        if name not in table.frame.columns:
            raise DataError(choices("Column", name, map(str, table.frame.columns)))


def _not_shared(
    table: Responses | Scores, study: Study, purposes: Mapping[str, str], free_text: Sequence[str]
) -> Iterator[tuple[str, str]]:
    open_items = _open_columns(study)
    special = _health_columns(study) | {c.name for c in study.covariates if c.sensitive}
    declared = {level for m in study.measures for level in m.levels} | {v for c in study.covariates for v in c.levels}
    asked = {*free_text, *table.clusters}
    stays = {"participant", "arm", "occasion", *table.factors}
    for name in (str(column) for column in table.frame.columns if column not in stays):
        if names_people(name):
            yield name, "names people"
        elif name in {"consent", "re_consent", "withdrawn"}:
            yield name, "everybody left has agreed"
        elif name in special and name not in purposes:
            yield name, "special category, no purpose given"
        elif name not in asked and (name in open_items or _is_text(table.frame[name], declared)):
            yield name, "free text"


def _open_columns(study: Study) -> frozenset[str]:
    found: set[str] = set()
    for job in jobs_of(study.measures)[0]:
        form = job.scale.form(job.form)
        places = {item.position for item in form.items if item.kind == "open"}
        found |= {column for place, column in job.asked(form).items() if place in places}
    return frozenset(found)


def _health_columns(study: Study) -> frozenset[str]:
    """Return items and scores of scales that say something like a state of health."""
    found: set[str] = set()
    for job in jobs_of(study.measures)[0]:
        if "health_like" in job.scale.sensitive:
            form = job.scale.form(job.form)
            found |= {*job.asked(form).values(), *score_names(job.scale, form, job.name, job.parts)}
    return frozenset(found)


def names_people(column: str) -> bool:
    """Say whether a column's name is one by which people are known.

    Parameters
    ----------
    column : str
        A column.

    Returns
    -------
    bool
        Whether it is an identifier of a platform, or a usual name for one.
    """
    folded = re.sub(r"[\W_]+", "", column.casefold())
    return folded in _PLATFORM or folded in {re.sub(r"[\W_]+", "", name) for name in IDENTIFYING}


def _is_text(column: pd.Series, declared: set[str]) -> bool:
    """Say whether a column holds words that no declaration knows, and more kinds of them than a choice offers."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return False
    words = {str(value) for value in column.dropna().unique()} - declared
    return len(words) > _FEW or any(" " in word.strip() for word in words)


def _told(dropped: Mapping[str, str]) -> Issue:
    listed = ", ".join(f"{name} ({why})" for name, why in dropped.items())
    return Issue(
        code="collect.not_shared",
        severity=Severity.NOTE,
        where="table to share",
        what=f"{counted(len(dropped), 'column stays', 'columns stay')} here: {listed}.",
        why="They name people, were not to be shared, or nobody asked for them.",
        fix="Nothing to do; name text or a special category to take it along.",
    )
