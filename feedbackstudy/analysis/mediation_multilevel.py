"""Mediation among people within clusters: effects within and between clusters, kept apart by cluster means."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.mediation_design import PathDesign
from feedbackstudy.analysis.mediation_effects import Legs, effects_of
from feedbackstudy.analysis.mediation_frame import (
    PathColumns,
    cause_of,
    coded_causes,
    covariate_columns,
    read_roles,
    two_valued_of,
)
from feedbackstudy.analysis.mediation_moderation import Roles
from feedbackstudy.analysis.mediation_system import Effect, Equation, PathSystem
from feedbackstudy.errors import DataError

__all__ = ["multilevel_columns"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

_SAME = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One level of one variable: its column within clusters, or of cluster means."""

    name: str
    entries: Floats


def multilevel_columns(data: pd.DataFrame, roles: Roles) -> PathColumns:
    r"""Set up a path model within and between clusters.

    Parameters
    ----------
    data : DataFrame
        One row a person (or occasion) within a cluster.
    roles : Roles
        Which column plays which part; a cluster, no moderator.

    Returns
    -------
    PathColumns
        Effects "within" where the cause varies inside clusters (1-1-1), effects "between" where its cluster means
        vary (1-1-1, 2-1-1).

    Raises
    ------
    DataError
        Without a cluster, with a moderator, with fewer than three clusters, or where a mediator does not vary inside
        clusters.

    Notes
    -----
    Every predictor is split into its cluster mean and the deviation from it (Zhang, Zyphur & Preacher, 2009,
    Organizational Research Methods 12, 695-719): :math:`M_{ij} = i_M + a_W (X_{ij} - \bar X_j) + a_B \bar X_j + \dots`,
    :math:`Y_{ij} = i_Y + c_W (X_{ij} - \bar X_j) + c_B \bar X_j + b_W (M_{ij} - \bar M_j) + b_B \bar M_j + \dots`.
    Within: :math:`a_W b_W`; between: :math:`a_B b_B`. Slopes are the same in all clusters: where they are not, the
    average effect within also holds the covariance of the two slopes (Kenny, Korchmaros & Bolger, 2003). Cluster means
    are taken as they are observed, so between effects of small clusters are biased towards the within effects
    (Lüdtke et al., 2008).
    """
    if roles.cluster is None or roles.moderator is not None:
        raise DataError("A multilevel path needs 'cluster' and takes no moderator.")
    read = read_roles(data, roles)
    factor = read.groups[roles.cluster]
    if len(factor.levels) < 3:
        raise DataError(f"{roles.cluster!r} has {len(factor.levels)} cluster(s); effects between clusters need three.")
    cause, words = cause_of(read, roles)
    x = _split(words, cause.entries @ cause.weights, factor.codes)
    if len(cause.names) > 1:
        raise DataError(f"{roles.x!r} has more than two levels; a multilevel path takes a cause of two or of numbers.")
    mediators = {name: _split(name, read.covariates[name], factor.codes) for name in roles.mediators}
    flat = [name for name, parts in mediators.items() if "within" not in parts]
    if flat:
        raise DataError(
            f"Mediator {flat[0]!r} is the same for all rows of a cluster; 1-1-1 and 2-1-1 take mediators of persons. "
            "Average the rows by cluster first to study clusters only."
        )
    names, adjusted = covariate_columns(read, roles.covariates)
    built = _design(read.y, roles, words, x, mediators, names, adjusted)
    kind = "1-1-1" if "within" in x else "2-1-1"
    return PathColumns(
        design=built,
        cluster=factor.codes,
        kept=read.kept,
        x_sd=1.0,
        notes=(
            *read.notes,
            *coded_causes(read, roles),
            *two_valued_of(read, roles),
            *_notes(kind, len(factor.levels), roles, x),
        ),
    )


def _notes(kind: str, clusters: int, roles: Roles, x: dict[str, _Part]) -> tuple[str, ...]:
    found = [
        f"{kind} mediation in {clusters} clusters ({roles.cluster}): predictors are split into cluster means and "
        "deviations from them",
        "slopes are taken to be the same in all clusters; cluster means are taken as observed, without their "
        "sampling error",
    ]
    if "between" not in x:
        found.append(f"{roles.x} has the same mean in every cluster, so there are no effects between clusters")
    if kind == "2-1-1":
        found.append(f"{roles.x} does not vary inside clusters, so its effects run between clusters only")
    return tuple(found)


def _split(name: str, values: Floats, codes: Ints) -> dict[str, _Part]:
    sizes = np.bincount(codes)
    mean = (np.bincount(codes, weights=values) / sizes)[codes]
    within = values - mean
    scale = float(values.std()) or 1.0
    found = {}
    if np.abs(within).max() > _SAME * scale:
        found["within"] = _Part(f"{name} (within)", within)
    if np.ptp(mean) > 1e-9 * scale:
        found["between"] = _Part(f"{name} (between)", mean)
    return found


def _design(
    y: Floats,
    roles: Roles,
    words: str,
    x: dict[str, _Part],
    mediators: dict[str, dict[str, _Part]],
    names: Sequence[str],
    adjusted: Floats | None,
) -> PathDesign:
    columns: list[tuple[str, Floats]] = [("1", np.ones(len(y)))]
    at: dict[str, int] = {}
    for parts in (x, *mediators.values()):
        for part in parts.values():
            at[part.name] = len(columns)
            columns.append((part.name, part.entries))
    responses = []
    for name, parts in mediators.items():
        responses.append(len(columns))
        columns.append((name, np.sum([part.entries for part in parts.values()], axis=0)))
    covered = tuple(range(len(columns), len(columns) + len(names)))
    if adjusted is not None:
        columns += [(name, adjusted[:, j]) for j, name in enumerate(names)]
    columns.append((roles.y, y))
    base = (0, *(at[part.name] for part in x.values()), *covered)
    own = [tuple(at[part.name] for part in parts.values()) for parts in mediators.values()]
    equations = _equations(roles.structure, [*responses, len(columns) - 1], base, own)
    system = PathSystem(
        columns=tuple(name for name, _ in columns),
        matrix=np.column_stack([values for _, values in columns]),
        constant=(0,),
        equations=equations,
    )
    effects = tuple(e for level in x for e in _effects(system, at, level, roles, words, x, mediators))
    route = "total indirect" if roles.structure == "parallel" else " > ".join((words, *roles.mediators, roles.y))
    return PathDesign(
        system=system,
        effects=effects,
        structure=roles.structure,
        x=words,
        y=roles.y,
        mediators=roles.mediators,
        covariates=tuple(names),
        moderation=None,
        full=f"{route} ({'within' if 'within' in x else 'between'})",
    )


def _equations(
    structure: str, responses: list[int], base: tuple[int, ...], own: list[tuple[int, ...]]
) -> tuple[Equation, ...]:
    found = []
    for j, response in enumerate(responses):
        last = j == len(responses) - 1
        before = tuple(i for parts in own[:j] for i in parts) if structure == "serial" or last else ()
        found.append(Equation(response=response, predictors=(*base, *before)))
    return tuple(found)


def _effects(
    system: PathSystem,
    at: dict[str, int],
    level: str,
    roles: Roles,
    words: str,
    x: dict[str, _Part],
    mediators: dict[str, dict[str, _Part]],
) -> list[Effect]:
    """Return the effects of one level; mediators without variance between clusters have none there."""
    if any(level not in parts for parts in mediators.values()):
        return []
    last = len(mediators)
    column = [at[parts[level].name] for parts in mediators.values()]
    cause = at[x[level].name]
    pairs = [(j, k) for k in range(last) for j in range(k)] if roles.structure == "serial" else []
    legs = Legs(
        a=tuple((system.leg(j, [cause], [1.0]),) for j in range(last)),
        b=tuple((system.leg(last, [column[j]], [1.0]),) for j in range(last)),
        direct=(system.leg(last, [cause], [1.0]),),
        d={(j, k): system.leg(k, [column[j]], [1.0]) for j, k in pairs},
    )
    found = effects_of(legs, x=words, y=roles.y, mediators=roles.mediators, structure=roles.structure, moderation=None)
    return [replace(effect, name=f"{effect.name} ({level})") for effect in found]
