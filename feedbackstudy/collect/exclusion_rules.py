"""The one engine of the plan's exclusions: whom a declared rule catches, and whether it may take them out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from feedbackstudy.design.plan import Exclusion
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study
from feedbackstudy.study.checks.paths import asked_after_feedback

__all__ = ["Looked", "at_occasion", "caught_by", "in_words", "may_not", "measure_of_rule", "refused", "without_column"]

_UNRELATED = 0.10
"""A check asked after the treatment may exclude only where failing it is this far from related to the condition."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looked:
    """The column that a rule looks at.

    Attributes
    ----------
    participant, occasion : Series of str
        Whose row it is, and when.
    column : Series
        The column.
    asked : ndarray of bool
        Rows that were asked.
    target : object
        What the rule compares with, in the codes of this column.
    of_person : bool
        Whether the column belongs to the person (a covariate), so that one row that holds it is enough.
    """

    participant: pd.Series
    occasion: pd.Series
    column: pd.Series
    asked: NDArray[np.bool_]
    target: object
    of_person: bool = False


def caught_by(rule: Exclusion, looked: Looked) -> frozenset[str]:
    """Return the participants whom a rule catches.

    Parameters
    ----------
    rule : Exclusion
        The rule.
    looked : Looked
        The column it looks at.

    Returns
    -------
    frozenset of str
        Their names. An answer that is absent is caught by ``missing`` alone.
    """
    here = looked.asked.copy()
    if rule.occasion is not None:
        here &= at_occasion(looked.occasion, rule.occasion)
    if rule.exclude_if == "missing" and rule.occasion is None and looked.of_person:
        held = looked.column.notna().groupby(looked.participant).any()
        return frozenset(map(str, held.index[~held]))
    return frozenset(map(str, looked.participant[here & _hits(rule, looked)]))


def at_occasion(occasions: pd.Series, wave: str) -> NDArray[np.bool_]:
    """Say which rows belong to a wave, those of its stories included.

    Parameters
    ----------
    occasions : Series of str
        The column ``occasion``.
    wave : str
        The wave.

    Returns
    -------
    ndarray of bool
        One flag a row.
    """
    text = occasions.astype(str)
    return np.asarray(((text == wave) | text.str.startswith(f"{wave}.")).to_numpy(), dtype=np.bool_)


def _hits(rule: Exclusion, looked: Looked) -> NDArray[np.bool_]:
    missing = looked.column.isna().to_numpy(dtype=bool)
    if rule.exclude_if == "missing":
        return np.asarray(missing)
    if rule.exclude_if in {"below", "above"}:
        numbers = looked.column.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
        limit = float(str(rule.value))
        with np.errstate(invalid="ignore"):
            return np.asarray(numbers < limit if rule.exclude_if == "below" else numbers > limit)
    same = _same(looked.column, looked.target)
    return np.asarray(~missing & (same if rule.exclude_if == "equal" else ~same), dtype=np.bool_)


def _same(values: pd.Series, target: object) -> NDArray[np.bool_]:
    """Compare as numbers what is a number, and as text what is not."""
    as_text = values.astype(str).to_numpy(dtype=np.str_) == str(target)
    try:
        number = float(str(target))
    except ValueError:
        return np.asarray(as_text, dtype=np.bool_)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(as_text | (numbers == number), dtype=np.bool_)


def measure_of_rule(study: Study, rule: Exclusion) -> Measure | None:
    """Return the measure whose column or score a rule looks at.

    Parameters
    ----------
    study : Study
        The study.
    rule : Exclusion
        The rule.

    Returns
    -------
    Measure or None
        None for covariates and paradata.
    """
    return next((m for m in study.measures if rule.variable in {m.name, *m.columns}), None)


def in_words(rule: Exclusion) -> str:
    """Return a rule as a phrase.

    Parameters
    ----------
    rule : Exclusion
        The rule.

    Returns
    -------
    str
        Such as ``duration_seconds at t0 below 60``.
    """
    value = f" {rule.value:g}" if isinstance(rule.value, float) else f" {rule.value}" if rule.value is not None else ""
    when = f" at {rule.occasion}" if rule.occasion else ""
    return f"{rule.variable}{when} {rule.exclude_if.replace('_', ' ')}{value}"


def may_not(
    study: Study, rule: Exclusion, caught: frozenset[str], placed: Mapping[str, str], *, room: str
) -> Iterator[Issue]:
    """Yield why a rule may not take people out, or what must be known where it does.

    Parameters
    ----------
    study : Study
        The study.
    rule : Exclusion
        The rule.
    caught : frozenset of str
        Whom it catches.
    placed : mapping of str to str
        Participant -> condition.
    room : str
        First part of the issues' codes.

    Yields
    ------
    Issue
        An error refuses the rule, a warning stands beside it.

    Notes
    -----
    A manipulation check never excludes. What was asked after the treatment may exclude only where failing is unrelated
    to the condition (chi square test, p of .10 at least); otherwise the groups that remain cannot be compared.
    """
    measure = measure_of_rule(study, rule)
    if measure is not None and measure.role == "manipulation_check" and study.conduct.published is None:
        yield refused(
            study,
            rule,
            f"The rule {rule.name!r} looks at the manipulation check {rule.variable!r} and was not applied; "
            f"{counted(len(caught), 'person', 'people')} whom it names stay in the analysis.",
            "Who notices a manipulation depends on the manipulation, so the groups that remain cannot be compared.",
            "Take the rule out of the plan; analysis.manipulation shows the check by factor.",
            room=room,
        )
        return
    if not (study.factors or study.arms) or not _after(study, rule):
        return
    p = _related(caught, placed)
    if p < _UNRELATED:
        yield refused(
            study,
            rule,
            f"The rule {rule.name!r} looks at what came after the treatment, and who is caught depends on the "
            f"condition (chi square p = {p:.3g}); it was not applied: "
            f"{counted(len(caught), 'person stays', 'people stay')} in the analysis.",
            "What the treatment changed takes out other people in each group, so that chance no longer balances them.",
            "Exclude by what came before the treatment; show results without these people as one of the multiverse.",
            room=room,
        )
    else:
        yield Issue(
            code=f"{room}.exclusion_after_treatment",
            severity=Severity.WARNING,
            where=study.where("plan", "exclusions"),
            what=f"The rule {rule.name!r} looks at what came after the treatment; it was applied, because who is "
            f"caught is not seen to depend on the condition (chi square p = {p:.3g}).",
            why="A test that finds no relation does not prove that there is none.",
            fix="Show the results without the rule beside these.",
            who=tuple(sorted(caught)),
        )


def _after(study: Study, rule: Exclusion) -> bool:
    occasion = rule.occasion
    if occasion is not None:
        wave = study.waves.get(occasion)
        return wave is not None and wave.phase == "after"
    return asked_after_feedback(study, rule.variable)


def _related(caught: frozenset[str], placed: Mapping[str, str]) -> float:
    """Return the p value of condition against being caught; 1 where only one condition can be."""
    keys = sorted(set(placed.values()))
    table = np.zeros((2, len(keys)))
    for name, key in placed.items():
        table[int(name in caught), keys.index(key)] += 1
    if len(keys) < 2 or not table.sum(axis=1).all():
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def refused(study: Study, rule: Exclusion, what: str, why: str, fix: str, *, room: str) -> Issue:
    """Return the finding that a rule was not applied.

    Parameters
    ----------
    study : Study
        The study.
    rule : Exclusion
        The rule.
    what, why, fix : str
        As of `Issue`.
    room : str
        First part of the code.

    Returns
    -------
    Issue
        An error.
    """
    return Issue(
        code=f"{room}.exclusion_refused",
        severity=Severity.ERROR,
        where=study.where("plan", "exclusions", study.plan.exclusions.names.index(rule.name)),
        what=what,
        why=why,
        fix=fix,
    )


def without_column(study: Study, rule: Exclusion, *, room: str, holder: str, fix: str) -> Issue:
    """Return the finding that a rule looks at something that is not there.

    Parameters
    ----------
    study : Study
        The study.
    rule : Exclusion
        The rule.
    room : str
        First part of the code.
    holder : str
        What does not hold the column: ``"scores"``.
    fix : str
        What to do.

    Returns
    -------
    Issue
        An error.
    """
    return Issue(
        code=f"{room}.exclusion_without_column",
        severity=Severity.ERROR,
        where=study.where("plan", "exclusions", study.plan.exclusions.names.index(rule.name)),
        what=f"The rule {rule.name!r} looks at {rule.variable!r}, which the {holder} do not hold, and no step of their "
        "ledger says that it was applied; nobody was taken out by it.",
        why="The declared plan was not carried out.",
        fix=fix,
    )
