"""How every check of a study words a finding."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from feedbackstudy.errors import choices
from feedbackstudy.issues import Issue, Severity

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["absent", "error", "note", "said_once", "warning"]

_UNKNOWN = "unknown_"

type Location = tuple[str | int, ...]


def error(study: "Study", at: Location, code: str, what: str, *, why: str, fix: str) -> Issue:
    """Return a finding that stops the work.

    Parameters
    ----------
    study : Study
        The study.
    at : tuple of str or int
        Where in it.
    code : str
        Kind of finding, without the room.
    what, why, fix : str
        The finding, why it matters, what to do.

    Returns
    -------
    Issue
        The finding.
    """
    return Issue(f"study.{code}", Severity.ERROR, study.where(*at), what, why, fix)


def warning(study: "Study", at: Location, code: str, what: str, *, why: str, fix: str) -> Issue:
    """Return a finding that must be read before going on; arguments as for `error`.

    Parameters
    ----------
    study : Study
        The study.
    at : tuple of str or int
        Where in it.
    code : str
        Kind of finding, without the room.
    what, why, fix : str
        The finding, why it matters, what to do.

    Returns
    -------
    Issue
        The finding.
    """
    return Issue(f"study.{code}", Severity.WARNING, study.where(*at), what, why, fix)


def note(study: "Study", at: Location, code: str, what: str, *, why: str, fix: str) -> Issue:
    """Return a finding for the record; arguments as for `error`.

    Parameters
    ----------
    study : Study
        The study.
    at : tuple of str or int
        Where in it.
    code : str
        Kind of finding, without the room.
    what, why, fix : str
        The finding, why it matters, what to do.

    Returns
    -------
    Issue
        The finding.
    """
    return Issue(f"study.{code}", Severity.NOTE, study.where(*at), what, why, fix)


def absent(study: "Study", at: Location, kind: str, given: Iterable[str], allowed: Iterable[str]) -> Iterator[Issue]:
    """Yield an error for each name that does not exist.

    Parameters
    ----------
    study : Study
        The study.
    at : tuple of str or int
        Where the names stand.
    kind : str
        What they should name: ``"factor"``, ``"level"``, ``"score"``, ``"wave"`` ...
    given : iterable of str
        The names given.
    allowed : iterable of str
        The names that exist.

    Yields
    ------
    Issue
        ``study.unknown_<kind>``.
    """
    known = list(allowed)
    for name in given:
        if name not in known:
            yield error(
                study,
                at,
                f"{_UNKNOWN}{kind}",
                _unknown(kind.capitalize(), name, known),
                why=f"What refers to this {kind} cannot be assigned, asked or computed.",
                fix=f"Where the {kind} {name!r} was removed on purpose, remove this mention too; where it was renamed, "
                "write the new name; else use one of the names given, or declare it.",
            )


def said_once(issues: Iterable[Issue]) -> list[Issue]:
    """Return findings with each unknown name said once, however often it is mentioned.

    Parameters
    ----------
    issues : iterable of Issue
        The findings of all checks.

    Returns
    -------
    list of Issue
        Each different finding once, in order; a name that does not exist lists the places that mention it.
    """
    found: dict[object, list[Issue]] = {}
    for issue in issues:
        unknown = issue.code.startswith(f"study.{_UNKNOWN}")
        found.setdefault((issue.code, issue.what, issue.fix) if unknown else issue, []).append(issue)
    return [_with_mentions(same) for same in found.values()]


def _with_mentions(same: list[Issue]) -> Issue:
    first, places = same[0], list(dict.fromkeys(issue.where for issue in same))
    if len(places) == 1:
        return first
    what = f"{first.what} It is mentioned in {len(places)} places: {'; '.join(places)}."
    fix = first.fix.replace("remove this mention too", "remove these mentions too")
    return replace(first, what=what, fix=fix.replace("write the new name;", "write the new name in each of them;"))


def _unknown(kind: str, name: str, known: list[str]) -> str:
    """Say that a name is unknown; names that differ in their number only, such as h1 and h2, are no slips."""
    stem = name.rstrip("0123456789")
    if stem != name and any(other.rstrip("0123456789") == stem for other in known):
        return f"{kind} {name!r} is unknown. There are: {', '.join(known)}."
    return choices(kind, name, known)
