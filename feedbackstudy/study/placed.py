"""In which condition people are: read from a table of responses or scores, refused where it cannot be."""

import pandas as pd

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames import Responses, Scores
from feedbackstudy.render import counted
from feedbackstudy.study.declared import Study

__all__ = ["condition_of_people", "condition_of_rows", "refuse_two", "refuse_unknown", "varies_within"]


def varies_within(study: Study) -> bool:
    """Say whether a factor varies within people.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    bool
        Whether one does.
    """
    return any(factor.varies == "within" for factor in study.factors)


def condition_of_rows(table: Responses | Scores, study: Study) -> "pd.Series[str]":
    """Return the condition of each row.

    Parameters
    ----------
    table : Responses or Scores
        The table.
    study : Study
        The study.

    Returns
    -------
    Series
        Key of the cell, or name of the arm.

    Raises
    ------
    DataError
        For a factor that the table lacks, or a condition that the study does not declare.
    """
    frame = table.frame
    missing = [name for name in study.factors.names if name not in table.factors]
    if missing:
        kind = "scores" if isinstance(table, Scores) else "responses"
        raise DataError(f"The {kind} lack the factor {missing[0]!r} of the study; they hold {list(table.factors)}.")
    inside = (frame["arm"] == FEEDBACK).to_numpy()
    levels = [frame[name].astype("str").where(frame[name].notna(), "") for name in study.factors.names]
    joined = [":".join(row) for row in zip(*levels, strict=True)] if levels else [FEEDBACK] * len(frame)
    key = pd.Series(joined, index=frame.index, dtype=object).where(inside, frame["arm"].astype("str"))
    if not varies_within(study):
        refuse_unknown(key, study)
    return key


def condition_of_people(table: Responses | Scores, study: Study) -> dict[str, str]:
    """Return the condition of each participant; where factors vary within people, what differs between them.

    Parameters
    ----------
    table : Responses or Scores
        The table.
    study : Study
        The study.

    Returns
    -------
    dict of str to str
        Participant -> key of the cell, name of the arm, or the levels of the factors between people.

    Raises
    ------
    DataError
        As `condition_of_rows`, and for somebody who is in two conditions.
    """
    frame = table.frame
    participant = frame["participant"].astype("str")
    if varies_within(study):
        between = [f.name for f in study.factors if f.varies == "between" and f.name in table.factors]
        parts = [frame["arm"].astype("str"), *(frame[name].astype("str") for name in between)]
        key = pd.Series([":".join(row) for row in zip(*parts, strict=True)], index=frame.index, dtype=object)
    else:
        key = condition_of_rows(table, study)
        refuse_two(key, participant)
    first = key.groupby(participant, sort=False).first()
    return {str(name): str(value) for name, value in first.items()}


def refuse_unknown(key: "pd.Series[str]", study: Study) -> None:
    """Refuse a condition that the study does not declare.

    Parameters
    ----------
    key : Series
        Conditions.
    study : Study
        The study.

    Raises
    ------
    DataError
        Naming it and the nearest.
    """
    known = {cell.key for cell in study.crossing.cells()}
    strange = sorted(set(key) - known)
    if strange:
        raise DataError(choices("Condition", strange[0], known))


def refuse_two(key: "pd.Series[str]", participant: "pd.Series[str]") -> None:
    """Refuse people who are in more than one condition.

    Parameters
    ----------
    key : Series
        Condition of each row.
    participant : Series
        Whose row it is.

    Raises
    ------
    DataError
        Naming some of them.
    """
    counts = key.groupby(participant, sort=False).nunique()
    twice = counts.index[counts > 1]
    if len(twice):
        raise DataError(
            f"{counted(len(twice), 'participant is', 'participants are')} in more than one condition "
            f"({', '.join(map(str, twice[:5]))}); a factor "
            "between people has one level for each. Mend the table, or take these people out with a named rule."
        )
