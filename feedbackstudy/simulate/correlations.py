"""Correlations of a person's scores, and what of them lies between clusters and exemplars."""

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DeclarationError
from feedbackstudy.simulate.hermite import latent_correlation
from feedbackstudy.simulate.slots import Slot
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["containing", "latent_matrix", "share_matrix", "square_root", "target_matrix"]

type Floats = NDArray[np.float64]


def target_matrix(study: Study, world: World, slots: tuple[Slot, ...]) -> Floats:
    """Return the declared correlations of all slots.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        The world.
    slots : tuple of Slot
        The latent variables.

    Returns
    -------
    ndarray of shape (slots, slots)
        Of scores or of latent variables, as the world's metric says.
    """
    order = {wave: i for i, wave in enumerate(study.waves.names)}
    single = {frozenset(c.between): c.r for c in world.correlations}
    matrix = np.eye(len(slots))
    for i, a in enumerate(slots):
        for j in range(i):
            matrix[i, j] = matrix[j, i] = _declared(world, order, single, a, slots[j])
    _lay_paths(world, slots, matrix)
    return matrix


def _declared(world: World, order: dict[str, int], single: dict[frozenset[str], float], a: Slot, b: Slot) -> float:
    if a.nominal or b.nominal:
        return 0.0
    known = single.get(frozenset((a.name, b.name)))
    if not (a.occasion and b.occasion):
        covariates = [slot.name for slot in (a, b) if not slot.occasion]
        if known is not None or len(covariates) == 2:
            return known or 0.0
        said = world.covariates.get(covariates[0])
        return said.r if said is not None else 0.0
    same = 1.0 if a.name == b.name else (world.correlation if known is None else known)
    gap = abs(order[a.occasion] - order[b.occasion])
    if gap == 0:
        return same
    kept = [
        s.stability for s in (world.outcomes.get(a.name), world.outcomes.get(b.name)) if s and s.stability is not None
    ]
    base = float(np.mean(kept)) if kept else world.stability
    return same * (base**gap if world.stability_shape == "autoregressive" else base)


def _lay_paths(world: World, slots: tuple[Slot, ...], matrix: Floats) -> None:
    """Let each outcome's regression on all that leads to it, also from afar, have the declared slopes."""
    place = {(slot.name, slot.occasion): i for i, slot in enumerate(slots)}
    slopes: dict[int, dict[int, float]] = {}
    for lead in world.leads:
        for key in ((lead.outcome, lead.occasion), (lead.by, lead.by_occasion)):
            if key not in place:
                raise DeclarationError(f"world, leads: {key[0]!r} is not asked at {key[1]!r}.")
        slopes.setdefault(place[lead.outcome, lead.occasion], {})[place[lead.by, lead.by_occasion]] = lead.slope
    for outcome, direct in slopes.items():
        behind = _ancestors(outcome, slopes)
        if outcome in behind:
            raise DeclarationError(f"world, leads: {slots[outcome].name!r} leads to itself.")
        beta = np.array([direct.get(k, 0.0) for k in behind])
        joint = matrix[np.ix_(behind, behind)] @ beta
        if float(beta @ joint) >= 1:
            raise DeclarationError(f"world, leads: the slopes to {slots[outcome].name!r} explain all of its variance.")
        matrix[outcome, behind] = matrix[behind, outcome] = joint


def _ancestors(outcome: int, slopes: dict[int, dict[int, float]]) -> list[int]:
    found: list[int] = []
    todo = list(slopes.get(outcome, ()))
    while todo:
        each = todo.pop()
        if each not in found:
            found.append(each)
            todo += slopes.get(each, ())
    return sorted(found)


def latent_matrix(slots: tuple[Slot, ...], target: Floats, *, scored: bool) -> Floats:
    """Return the latent correlations behind declared ones.

    Parameters
    ----------
    slots : tuple of Slot
        The latent variables.
    target : ndarray
        Declared correlations.
    scored : bool
        Whether they are those of scores.

    Returns
    -------
    ndarray
        Correlations of the latent variables.

    Raises
    ------
    DeclarationError
        Where two unreliable scores cannot correlate that much, or the correlations cannot hold together.
    """
    _refuse_indefinite(slots, target, "the declared correlations")
    if not scored:
        return target
    rows, columns = np.tril_indices(len(slots), -1)
    series = np.array([slot.measurement.coefficients() for slot in slots])
    sd = np.array([slot.sd for slot in slots])
    wanted = target[rows, columns] * sd[rows] * sd[columns]
    found = latent_correlation(series[rows], series[columns], wanted)
    if np.isnan(found).any():
        bad = int(np.flatnonzero(np.isnan(found))[0])
        a, b = slots[rows[bad]], slots[columns[bad]]
        raise DeclarationError(
            f"world: the scores {_label(a)} and {_label(b)} cannot correlate {target[rows[bad], columns[bad]]:.3g}: "
            f"with reliabilities {a.measurement.reliability():.2f} and {b.measurement.reliability():.2f} (and so few "
            "categories) what they measure would have to correlate more than 1. Lower the correlation, or raise the "
            "reliabilities."
        )
    latent = np.eye(len(slots))
    latent[rows, columns] = latent[columns, rows] = found
    _refuse_indefinite(slots, latent, "the correlations of what the scores measure (the declared ones, disattenuated)")
    return latent


def _label(slot: Slot) -> str:
    return f"{slot.name}@{slot.occasion}" if slot.occasion else slot.name


def _refuse_indefinite(slots: tuple[Slot, ...], matrix: Floats, what: str) -> None:
    values, vectors = np.linalg.eigh(matrix)
    if values[0] > 1e-10:
        return
    worst = np.argsort(-np.abs(vectors[:, 0]))[:4]
    names = ", ".join(_label(slots[i]) for i in sorted(worst))
    raise DeclarationError(
        f"world: {what} cannot hold together: the matrix is not positive definite (smallest eigenvalue "
        f"{values[0]:.4g}), mostly because of {names}. Bring their correlations nearer to each other; nothing was "
        "changed silently."
    )


def containing(study: Study) -> tuple[str, ...]:
    """Return the units that contain the participants, the nearest first.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    tuple of str
        Empty where participants are in nothing.
    """
    found: list[str] = []
    above = study.units[-1].nested_in if study.units else None
    while above is not None and above not in found:
        found.append(above)
        above = study.units[above].nested_in
    return tuple(found)


def share_matrix(
    study: Study, world: World, slots: tuple[Slot, ...], latent: Floats, *, exemplars: bool
) -> dict[str, Floats]:
    """Split the latent covariance into persons, clusters and exemplars.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        The world.
    slots : tuple of Slot
        The latent variables.
    latent : ndarray
        Latent correlations.
    exemplars : bool
        Whether the study has messages.

    Returns
    -------
    dict
        Level -> square root of its covariance, so that all levels together have `latent`.

    Raises
    ------
    DeclarationError
        Where clusters would have more than all variance.
    """
    rest = latent.copy()
    roots: dict[str, Floats] = {}
    texts = [("exemplar", world.exemplar), ("text", world.exemplar_by_cell)] if exemplars else []
    levels = [*containing(study), *(level for level, share in texts if share)]
    for level in levels:
        shares = np.array([_share(world, slot, level) for slot in slots])
        part = _latent_share(slots, shares, scored=world.metric == "score")
        part = np.sqrt(part)[:, None] * latent * np.sqrt(part)
        if part.any():
            rest -= part
            roots[level] = square_root(part)
    if any(factor.varies == "within" for factor in study.factors):
        told = np.array([slot.after and not slot.nominal for slot in slots], dtype=np.float64)
        own = np.where(told > 0, 1 - _latent_share(slots, told * world.within, scored=world.metric == "score"), 0.0)
        part = np.sqrt(own)[:, None] * latent * np.sqrt(own)
        rest -= part
        roots["story"] = square_root(part)
    left = np.linalg.eigvalsh(rest)[0]
    if left < -1e-10:
        raise DeclarationError(
            f"world: the clusters' shares {dict(world.icc)} leave persons with negative variance (smallest eigenvalue "
            f"{left:.4g}); ICCs of scores grow when unreliability is taken off them. Lower the ICCs, or, where stories "
            "vary within people, bring 'within' and the correlations with what was asked before nearer to each other."
        )
    return {"person": square_root(rest), **roots}


def _share(world: World, slot: Slot, level: str) -> float:
    if slot.nominal or not slot.occasion:
        return 0.0
    if level in {"exemplar", "text"}:
        share = world.exemplar if level == "exemplar" else world.exemplar_by_cell
        return share if slot.after else 0.0
    said = world.outcomes.get(slot.name)
    return said.icc[level] if said is not None and level in said.icc else world.icc.get(level, 0.0)


def _latent_share(slots: tuple[Slot, ...], shares: Floats, *, scored: bool) -> Floats:
    if not scored:
        return shares
    series = np.array([slot.measurement.coefficients() for slot in slots])
    found = latent_correlation(series, series, shares * np.array([slot.variance for slot in slots]))
    for slot, share, value in zip(slots, shares, found, strict=True):
        if np.isnan(value):
            raise DeclarationError(
                f"world: an ICC of {share:g} is impossible for {_label(slot)}: it exceeds the score's reliability "
                f"{slot.measurement.reliability():.2f}."
            )
    return np.where(shares == 0, 0.0, found)


def square_root(matrix: Floats) -> Floats:
    """Return a matrix whose product with its transpose is the given one.

    Parameters
    ----------
    matrix : ndarray
        Positive semidefinite.

    Returns
    -------
    ndarray
        Eigenvectors times roots of eigenvalues.
    """
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(values.clip(min=0.0)))
