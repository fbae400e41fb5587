"""Responses of LimeSurvey: question codes with brackets or dots, answer codes or full answers."""

import re
from collections.abc import Sequence

from feedbackstudy.collect.platforms.plain import IDENTIFYING, header_of
from feedbackstudy.collect.platforms.raw import Raw, Roles
from feedbackstudy.collect.text_table import TextTable, folded_name, refuse_alike
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

__all__ = ["limesurvey", "looks_like_limesurvey", "question_code", "subquestion_key"]

_OWN = [
    "id",
    "submitdate",
    "lastpage",
    "startlanguage",
    "seed",
    "token",
    "startdate",
    "datestamp",
    "ipaddr",
    "refurl",
    "interviewtime",
]
_R_MARK = re.compile(r"^(?:X\.U\.FEFF\.|X\.\.\.|ï\.\.|\ufeff)")
_BRACKET = re.compile(r"^(?P<q>[A-Za-z][A-Za-z0-9]*)\[(?P<s>[A-Za-z0-9]+)\](?P<rest>.*)$")
_DOT = re.compile(r"^(?P<q>[A-Za-z][A-Za-z0-9]*)\.(?P<s>[A-Za-z0-9]+)\.$")
_LONGEST = 20


def question_code(name: str) -> str:
    """Return the question code of a measure: LimeSurvey allows letters and digits, at most 20.

    Parameters
    ----------
    name : str
        Name of the measure.

    Returns
    -------
    str
        Without underscores; a longer name is cut and ends with two letters of its own check sum.
    """
    plain = name.replace("_", "")
    if len(plain) <= _LONGEST:
        return plain
    total = sum((i + 1) * ord(letter) for i, letter in enumerate(name)) % (26 * 26)
    return plain[: _LONGEST - 2] + chr(97 + total // 26) + chr(97 + total % 26)


def subquestion_key(name: str) -> tuple[str, str] | None:
    """Split the name of a column into question and subquestion.

    Parameters
    ----------
    name : str
        ``ARR[SQ001]``, ``ARR.SQ001.`` or ``ARR[1]``.

    Returns
    -------
    tuple of (str, str) or None
        Question code and number (or code) of the subquestion; None for a column without.
    """
    hit = _BRACKET.match(name) or _DOT.match(name)
    if hit is None:
        return None
    part = hit.group("s")
    number = re.fullmatch(r"(?:SQ)?0*(\d+)", part)
    return hit.group("q"), number.group(1) if number else part


def looks_like_limesurvey(table: TextTable) -> bool:
    """Say whether a table has the header of a LimeSurvey export.

    Parameters
    ----------
    table : TextTable
        With its header.

    Returns
    -------
    bool
        Whether its first record names LimeSurvey's own columns.
    """
    names = {_R_MARK.sub("", name.strip()) for name in table.row(0)}
    return "submitdate" in names and bool(names & {"lastpage", "startlanguage", "seed"})


def limesurvey(table: TextTable) -> Raw:
    """Take in an export of LimeSurvey.

    Parameters
    ----------
    table : TextTable
        With its header.

    Returns
    -------
    Raw
        As text; ``ARR.SQ001.`` and ``ARR[SQ001]`` have the same name.

    Raises
    ------
    FileFormatError
        Where no response follows, or two columns have the same name.
    """
    given, body = header_of(table)
    names = tuple(_plain_name(name) for name in given)
    refuse_alike(names, table.where)
    issues = [*table.issues]
    if "submitdate" in names:
        open_ended = int((body.texts(names.index("submitdate")) == "").sum())
        if open_ended:
            what = f"{open_ended:,} of {counted(len(body), 'response')} not completed (submitdate is empty), and kept."
            why = "People who broke off differ from those who finished."
            fix = "Exclude them only by a rule of the plan."
            issues.append(Issue("collect.incomplete", Severity.NOTE, table.where, what, why, fix))
    return Raw(
        platform="limesurvey",
        table=body,
        names=names,
        identifiers=tuple(n for n in names if n in {"ipaddr", "refurl"} or folded_name(n) in IDENTIFYING),
        metadata=tuple(n for n in names if n in _OWN or _is_time(n)),
        roles=_roles(names),
        issues=tuple(issues),
    )


def _is_time(name: str) -> bool:
    return bool(re.fullmatch(r"(groupTime\d+|\w+Time)", name))


def _roles(names: Sequence[str]) -> Roles:
    def first(*wanted: str) -> str:
        return next((name for name in wanted if name in names), "")

    return Roles(
        response=first("id"),
        participant=("participant", "fs_pid", "fspid", "token"),
        finished=first("submitdate"),
        duration=first("duration_seconds", "interviewtime"),
        started=first("startdate"),
        ended=first("submitdate"),
        language=first("startlanguage"),
    )


def _plain_name(name: str) -> str:
    plain = _R_MARK.sub("", name)
    hit = _DOT.match(plain)
    return f"{hit.group('q')}[{hit.group('s')}]" if hit else plain
