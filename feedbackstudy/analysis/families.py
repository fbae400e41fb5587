"""Multiplicity: p values of a declared family adjusted together, and contrasts of one hypothesis among themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.deciding import deciding_p
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.frequentist.adjust import adjusted_for_number
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.multivariate_t import beyond_any
from feedbackstudy.design.plan import Family, Plan
from feedbackstudy.issues import Issue, Severity

__all__ = ["Tested", "adjust_families", "adjust_within"]

type Floats = NDArray[np.float64]

_JOINT = frozenset({"tukey", "dunnett", "mvt"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tested:
    """The frequentist rows of a hypothesis, with what a joint adjustment needs.

    Attributes
    ----------
    rows : tuple of Estimate
        The joint test first where there are several contrasts.
    leading : tuple of int
        Positions of the rows that stand for the hypothesis in its family.
    fit : CellFit or None
        The model behind them; None for paths.
    weights : ndarray, shape (contrasts, cells), or None
        The contrasts of the single rows.
    cells : tuple of str
        What the columns of `weights` are.
    same : object
        Equal for hypotheses that were answered by one model on the same rows.
    adjusted : mapping of int to str
        Position of a row with `p_adjusted` -> of what it is, as `deciding_p` says.
    """

    rows: tuple[Estimate, ...]
    leading: tuple[int, ...]
    fit: CellFit | None = None
    weights: Floats | None = None
    cells: tuple[str, ...] = ()
    same: object = None
    adjusted: Mapping[int, str] = field(default_factory=dict)


def adjust_within(tested: Tested) -> Tested:
    """Adjust the single contrasts of one hypothesis among themselves, by their joint distribution.

    Parameters
    ----------
    tested : Tested
        Rows of a hypothesis.

    Returns
    -------
    Tested
        The same where it has one contrast; otherwise the single rows carry p adjusted by the multivariate t
        distribution (Dunnett's test where all are compared with one arm), with the hypothesis as their family.
    """
    if tested.fit is None or tested.weights is None or len(tested.weights) < 2:
        return tested
    first = len(tested.rows) - len(tested.weights)
    p = _single_step(tested.fit, tested.weights)
    rows = tuple(
        replace(row, p_adjusted=float(p[i - first]), family=f"contrasts of {row.hypothesis} (multivariate t)")
        if i >= first
        else row
        for i, row in enumerate(tested.rows)
    )
    return replace(tested, rows=rows, adjusted=dict.fromkeys(range(first, len(rows)), "no effect"))


def adjust_families(plan: Plan, tested: Mapping[str, Tested]) -> tuple[dict[str, Tested], tuple[Issue, ...]]:
    """Adjust the p values of every declared family.

    Parameters
    ----------
    plan : Plan
        The plan.
    tested : mapping of str to Tested
        Hypothesis -> its rows.

    Returns
    -------
    tuple of (dict, tuple of Issue)
        The rows with `p_adjusted` and `family`; families that could not be adjusted as declared. What is adjusted is
        the p that decides: of no effect, or of equivalence, which `family` then says.
    """
    found, issues = dict(tested), []
    for family in plan.families:
        absent = [name for name in family.hypotheses if name not in tested]
        if absent:
            issues.append(_incomplete(family, absent))
        here = {name: tested[name] for name in family.hypotheses if name in tested}
        if not here or family.method == "none":
            continue
        criteria = {name: plan.decides.get(name) for name in here}
        places = [(name, i) for name, one in here.items() for i in one.leading if one.rows[i].p is not None]
        own = [deciding_p(here[name].rows[i], criteria[name]) for name, i in places]
        adjusted_p = _together(family, here, places, own, len(absent))
        if adjusted_p is None:
            issues.append(_not_joint(family))
            continue
        for (name, i), (_, kind), p in zip(places, own, adjusted_p, strict=True):
            rows = list(found[name].rows)
            words = (
                f"{family.name} ({family.method})"
                if kind == "no effect"
                else f"{family.name} ({family.method}, {kind})"
            )
            rows[i] = replace(rows[i], p_adjusted=float(p), family=words)
            found[name] = replace(found[name], rows=tuple(rows), adjusted={**found[name].adjusted, i: kind})
    return found, tuple(issues)


def _together(
    family: Family,
    here: Mapping[str, Tested],
    places: Sequence[tuple[str, int]],
    own: Sequence[tuple[float, str]],
    absent: int,
) -> Floats | None:
    """Return adjusted p values; unanswered members count as p = 1, so that the family stays as large as declared."""
    p = np.array([value for value, _ in own] + [1.0] * absent, dtype=np.float64)
    if family.method not in _JOINT:
        return adjusted_for_number(p, family.method)[: len(places)]
    if any(kind != "no effect" for _, kind in own):
        return None
    parts = list(here.values())
    one_model = absent == 0 and all(
        part.fit is not None and part.weights is not None and part.same == parts[0].same for part in parts
    )
    if not one_model:
        return None
    cells = parts[0].cells
    stacked = np.vstack([_aligned(here[name], cells)[i - _first(here[name])] for name, i in places])
    fit = parts[0].fit
    return None if fit is None else _single_step(fit, stacked)


def _first(tested: Tested) -> int:
    return len(tested.rows) - (0 if tested.weights is None else len(tested.weights))


def _aligned(tested: Tested, cells: tuple[str, ...]) -> Floats:
    weights = tested.weights if tested.weights is not None else np.zeros((0, len(cells)))
    column = {key: i for i, key in enumerate(tested.cells)}
    return np.asarray(weights[:, [column[key] for key in cells]], dtype=np.float64)


def _single_step(fit: CellFit, weights: Floats) -> Floats:
    """Return p values adjusted by the largest of the correlated t statistics, on their smallest degrees of freedom."""
    found = [fit.contrast(row) for row in weights]
    used = np.flatnonzero(np.abs(weights).sum(axis=0))
    covariance = weights[:, used] @ fit.covariance[np.ix_(used, used)] @ weights[:, used].T
    sd = np.sqrt(np.diag(covariance))
    correlation, df = covariance / np.outer(sd, sd), min(one.df for one in found)
    return np.array([beyond_any(abs(one.statistic), correlation, df) for one in found])


def _incomplete(family: Family, absent: Sequence[str]) -> Issue:
    return Issue(
        code="analysis.family_incomplete",
        severity=Severity.ERROR,
        where=f"plan.families.{family.name}",
        what=f"{', '.join(absent)} of the family {family.name!r} gave no p value and count as p = 1.",
        why="A family that shrinks after the fact is adjusted less than was declared.",
        fix="See why they are not answered, above.",
    )


def _not_joint(family: Family) -> Issue:
    return Issue(
        code="analysis.family_without_joint_distribution",
        severity=Severity.ERROR,
        where=f"plan.families.{family.name}",
        what=f"The family {family.name!r} is adjusted by {family.method}, but its hypotheses are not contrasts of one "
        "model on the same rows; nothing was adjusted, and none of them is decided.",
        why="The joint distribution of their statistics is not known.",
        fix="Declare holm for families over several outcomes; changing it now makes the plan amended.",
    )
