"""An assignment that a survey platform made: read, checked against the declaration, and marked as such for ever."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.assign.assigning import conditions_for
from feedbackstudy.assign.conditions import Conditions
from feedbackstudy.assign.roster import Roster, read_roster
from feedbackstudy.assign.schemes import Simple
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.errors import DataError, DeclarationError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import counted, p_value
from feedbackstudy.study.texts import study_exemplars

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["import_assignment"]

ALPHA_COUNTS = 0.001
FEWEST_EXPECTED = 5.0


def import_assignment(study: "Study", assigned: pd.DataFrame) -> Allocation:
    """Take in an assignment that a survey platform made, and audit it.

    Parameters
    ----------
    study : Study
        The study; its ratio or probabilities say what the platform was told to do.
    assigned : DataFrame
        One row for each person, in order of arrival: ``participant, arm``, the assigned factors (empty outside the
        crossing), ``exemplar`` where there are messages, and strata and clusters.

    Returns
    -------
    Allocation
        Marked as randomised by platform; its issues hold the audit.

    Raises
    ------
    InputError
        Where a column is absent, a person stands twice, or somebody is in no condition of the study.

    Notes
    -----
    Audit: empty conditions; group sizes against the declared probabilities (chi-squared, p < .001 as is usual for a
    sample-ratio mismatch; small expected numbers are said); runs of the same condition in order of arrival (Wald and
    Wolfowitz, normal approximation, two largest conditions). Probabilities are those declared: whether the platform
    kept to them for each person cannot be seen.
    """
    if study.assignment.method == "stepped_wedge":
        raise DeclarationError("A stepped wedge is not drawn by a survey platform; assign the clusters here.")
    conditions = conditions_for(study)
    needed = ("participant", "arm", *conditions.factors)
    for name in needed:
        if name not in assigned.columns:
            raise DataError(choices("Column of the assignment", name, map(str, assigned.columns)) + " It is needed.")
    people = read_roster(study, assigned, replace(conditions, cluster=None))
    drawn = _drawn(assigned, conditions, people)
    frame = assigned.reset_index(drop=True)[list(needed)].astype("str").assign(participant=people.frame["participant"])
    for name in people.frame.columns[1:]:
        if name not in frame.columns:
            frame[name] = people.frame[name]
    found = list(_audit(conditions, drawn))
    exemplars = study_exemplars(study)
    if exemplars:
        frame["exemplar"] = _exemplars(assigned, exemplars, frame["arm"])
    return Allocation(
        _frame=frame,
        study=study,
        conditions=conditions.cells,
        drawn=drawn,
        scheme=Simple(weights=tuple(map(Fraction, conditions.weights)), n=len(frame)),
        method="by the survey platform, as simple assignment with the declared probabilities",
        orders=pd.DataFrame(columns=["participant", "position", "vignette"]),
        periods=pd.DataFrame(columns=["sequence", "period", "exposure"]),
        origin="platform",
        algorithm=0,
        seed=None,
        issues=Issues([*people.issues, *found]),
        provenance=Provenance(
            made_by="import_assignment",
            design_hash=study.design_hash,
            conventions=("randomised by platform", "sample ratio: chi-squared against the declared probabilities"),
        ),
    )


def _drawn(assigned: pd.DataFrame, conditions: Conditions, people: Roster) -> tuple[int, ...]:
    keys = {cell.key: i for i, cell in enumerate(conditions.cells)}
    arms = {cell.arm for cell in conditions.cells}
    drawn = []
    for who, row in zip(people.frame["participant"], assigned.to_dict("records"), strict=True):
        arm = str(row["arm"])
        levels = {name: "" if pd.isna(row[name]) else str(row[name]) for name in conditions.factors}
        if arm not in arms:
            raise DataError(f"{who}: {choices('Arm', arm, arms)}")
        if arm != FEEDBACK and any(levels.values()):
            raise DataError(f"{who} is in the arm {arm!r} and also has levels {levels}; an arm outside has none.")
        key = ":".join(levels.values()) if arm == FEEDBACK and levels else arm
        if key not in keys:
            raise DataError(f"{who} is in no condition of the study: {choices('Cell', key, keys)}")
        drawn.append(keys[key])
    return tuple(drawn)


def _exemplars(assigned: pd.DataFrame, exemplars: tuple[str, ...], arms: pd.Series) -> pd.Series:
    if "exemplar" not in assigned.columns:
        raise DataError("The study has messages, so the assignment needs the column 'exemplar'; it is absent.")
    column = assigned["exemplar"].reset_index(drop=True)
    inside = arms == FEEDBACK
    for value in column[inside]:
        if pd.isna(value) or str(value) not in exemplars:
            raise DataError(choices("Exemplar", value, exemplars))
    return column.where(inside).astype("str")


def _audit(conditions: Conditions, drawn: tuple[int, ...]) -> Iterator[Issue]:
    counts = np.bincount(drawn, minlength=len(conditions.cells))
    expected = np.array([float(weight) for weight in conditions.weights]) * len(drawn)
    keys = [cell.key for cell in conditions.cells]
    yield Issue(
        "assign.by_platform",
        Severity.NOTE,
        "assignment",
        f"{counted(len(drawn), 'person was', 'people were')} randomised by platform.",
        "The draw cannot be repeated or proved; platforms allow their counts to be edited.",
        "Say 'randomised by platform' in the report, and keep the platform's log.",
    )
    empty = [key for key, count in zip(keys, counts, strict=True) if not count]
    if empty:
        yield Issue(
            "assign.empty_cell",
            Severity.ERROR,
            "assignment",
            f"Nobody is in {', '.join(empty)}.",
            "What needs these conditions cannot be estimated.",
            "Look for a wrong setting of the platform before more people come.",
        )
    yield from _ratio(keys, counts, expected)
    yield from _runs(drawn, counts)


def _ratio(keys: list[str], counts: np.ndarray, expected: np.ndarray) -> Iterator[Issue]:
    if len(keys) < 2:
        return
    p = float(stats.chisquare(counts, expected).pvalue)
    small = expected.min() < FEWEST_EXPECTED
    if p < ALPHA_COUNTS:
        worst = int(np.abs(counts - expected).argmax())
        yield Issue(
            "assign.sample_ratio",
            Severity.ERROR,
            "assignment",
            f"Group sizes are not as declared ({p_value(p)}); furthest off: {keys[worst]} with {counts[worst]} "
            f"instead of {expected[worst]:.1f}." + (" Expected numbers are small." if small else ""),
            "Something besides chance chose who is in which group, or people were lost by group.",
            "Find out why before any analysis; a correction afterwards is a guess.",
        )


def _runs(drawn: tuple[int, ...], counts: np.ndarray) -> Iterator[Issue]:
    """Test the order of arrivals within the two largest conditions."""
    a, b = (int(i) for i in np.argsort(counts, kind="stable")[::-1][:2])
    line = np.array([i for i in drawn if i in {a, b}])
    n1, n2 = int((line == a).sum()), int((line == b).sum())
    n = n1 + n2
    if min(n1, n2) < 10:
        return
    runs = 1 + int((line[1:] != line[:-1]).sum())
    mean = 1 + 2 * n1 * n2 / n
    sd = (2 * n1 * n2 * (2 * n1 * n2 - n) / (n**2 * (n - 1))) ** 0.5
    p = float(2 * stats.norm.sf(abs(runs - mean) / sd))
    if p < ALPHA_COUNTS:
        yield Issue(
            "assign.not_random_order",
            Severity.WARNING,
            "assignment",
            f"Conditions follow each other in {runs} runs where {mean:.0f} are expected ({p_value(p)}).",
            "The next condition could be guessed, or was given in turn or by batches.",
            "Ask how the platform draws ('evenly present' gives turns), and report it.",
        )
