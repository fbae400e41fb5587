"""A world estimated from data: means, spreads, correlations, ICCs, attrition; and what could not be estimated."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, DeclarationError, choices
from feedbackstudy.frames import MissingReason, Responses, Scores
from feedbackstudy.named import Fixed, Named
from feedbackstudy.scales import score
from feedbackstudy.simulate.compiling import compiled
from feedbackstudy.simulate.correlations import containing
from feedbackstudy.simulate.covariates import covariate_numbers
from feedbackstudy.simulate.traits import Trait, read_traits
from feedbackstudy.simulate.truths import Attrition, CellMeans, Correlation, CovariateTruth, Outcome
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["estimated"]

type Floats = NDArray[np.float64]

_FEWEST = 10  # people below whom a correlation, a spread or a share is not taken from the data
_WEAKER = 0.95


@dataclass(slots=True)
class _Found:
    """Data in the shape of estimation, and what is said on the way."""

    study: Study
    frame: pd.DataFrame
    traits: tuple[Trait, ...]
    notes: list[str] = field(default_factory=list)

    def at(self, name: str, occasion: str) -> pd.DataFrame:
        """Return participant, cell, clusters and a score, rows with an answer only, what cells explain taken off."""
        rows = self.frame[(self.frame["occasion"] == occasion) & self.frame[name].notna()].set_index("participant")
        made = pd.DataFrame({"cell": rows["_cell"], "y": rows[name].astype(float)})
        made["left"] = made["y"] - made.groupby("cell")["y"].transform("mean")
        return made


def estimated(data: Responses | Scores, study: Study) -> World:
    """Estimate a world.

    Parameters
    ----------
    data : Responses or Scores
        Answers to the study, or to a pilot of it.
    study : Study
        The study.

    Returns
    -------
    World
        Its `notes` say what the data could not tell.

    Raises
    ------
    InputError
        Where the data do not belong to the study, or hold none of its scores.
    """
    scores = score(data, tuple(study.measures)) if isinstance(data, Responses) else data
    found = _read(scores, study)
    outcomes, means = _outcomes(found, data if isinstance(data, Responses) else None)
    if not outcomes:
        raise DataError(f"The data hold no score of the study with {_FEWEST} answers; nothing can be estimated.")
    fields: dict[str, Any] = {
        "n": Fixed(_numbers(found)),
        "outcomes": Named(outcomes),
        "means": tuple(means),
        "icc": Fixed(),
        "covariates": Named(_covariates(found)),
        "correlations": tuple(_correlations(found)),
        "attrition": _attrition(found),
        "skipped": _skipped(found, data),
    }
    found.notes.append(
        "Not estimated and left at their defaults: drift, trend, fading, non-compliance, carelessness, exemplars, "
        "paths."
    )
    return _holding(World(**fields), found)


def _read(scores: Scores, study: Study) -> _Found:
    traits, _ = read_traits(study, World())
    frame = scores.frame.copy()
    keys = [cell.key for cell in study.crossing.cells()]
    levels = [name for name in study.factors.names if name in frame.columns]
    absent = [name for name in study.factors.names if name not in frame.columns]
    if absent:
        raise DataError(f"The data lack the factor {absent[0]!r}: {choices('Column', absent[0], frame.columns)}")
    inside = frame["arm"].astype(str) == "feedback"
    joined = [":".join(map(str, row)) for row in frame[levels].itertuples(index=False)]
    frame["_cell"] = np.where(inside & bool(levels), joined, frame["arm"].astype(str))
    foreign = sorted(set(frame["_cell"]) - set(keys))
    if foreign:
        raise DataError(f"The data hold a cell that the study does not have: {choices('Cell', foreign[0], keys)}")
    return _Found(study, frame, tuple(trait for trait in traits if trait.name in frame.columns))


def _numbers(found: _Found) -> dict[str, int]:
    names = found.study.units.names
    numbers = {names[-1] if names else "participant": int(found.frame["participant"].nunique())}
    return numbers | {u: int(found.frame[u].nunique()) for u in containing(found.study) if u in found.frame.columns}


def _outcomes(found: _Found, responses: Responses | None) -> tuple[list[Outcome], list[CellMeans]]:
    outcomes, means = [], []
    for trait in found.traits:
        waves = [w for w in trait.measure.waves if len(found.at(trait.name, w)) >= _FEWEST]
        if not waves or trait.nominal:
            found.notes.append(f"{trait.name}: too few answers, or categories without order; assumed as by default.")
            continue
        parts = [found.at(trait.name, wave) for wave in waves]
        sd = float(np.sqrt(np.mean([_spread(part) for part in parts])))
        if not sd > 0:
            found.notes.append(f"{trait.name}: everybody answered alike; its distribution is assumed as by default.")
            continue
        centre = {w: float(part.groupby("cell")["y"].mean().mean()) for w, part in zip(waves, parts, strict=True)}
        base = centre[waves[0]]
        outcomes.append(_outcome(found, trait, waves, base=base, sd=sd, responses=responses))
        for wave, part in zip(waves, parts, strict=True):
            cells = {str(key): (float(m) - base) / sd for key, m in part.groupby("cell")["y"].mean().items()}
            means.append(CellMeans(outcome=trait.name, occasion=wave, cells=Fixed(cells)))
    return outcomes, means


def _spread(part: pd.DataFrame) -> float:
    return float((part["left"] ** 2).sum() / max(len(part) - part["cell"].nunique(), 1))


def _outcome(
    found: _Found, trait: Trait, waves: Sequence[str], *, base: float, sd: float, responses: Responses | None
) -> Outcome:
    given: dict[str, Any] = {"name": trait.name, "icc": Fixed(_iccs(found, trait.name, waves))}
    pairs = [_correlated(found, (trait.name, a), (trait.name, b)) for a, b in combinations(waves, 2)]
    known = [r for r in pairs if r is not None]
    if known:
        given["stability"] = float(np.clip(np.mean(known), -0.99, 0.99))
    if trait.measure.kind in {"binary", "ordinal"}:
        values = found.at(trait.name, waves[0])["y"].to_numpy()
        counts = np.array([(np.isclose(values, value)).sum() for value in trait.codes]) + 0.5
        shares = counts / counts.sum()
        given["probabilities"] = Fixed({str(c): float(s) for c, s in zip(trait.codes.values(), shares, strict=True)})
        return Outcome(**given)
    if trait.measure.kind == "scale":
        alpha = _alpha(trait, waves[0], responses)
        if alpha is None:
            found.notes.append(f"{trait.name}: its reliability needs the items; .80 is assumed.")
        given["reliability"] = 0.8 if alpha is None else alpha
    return Outcome(**given, mean=base, sd=sd)


def _alpha(trait: Trait, wave: str, responses: Responses | None) -> float | None:
    if responses is None or len(trait.columns) < 2:
        return None
    rows = responses.frame[responses.frame["occasion"] == wave]
    items = rows[list(trait.columns)].apply(pd.to_numeric, errors="coerce").dropna().to_numpy(dtype=float)
    if len(items) < _FEWEST:
        return None
    items = np.where(np.array(trait.turned), trait.low + trait.high - items, items)
    cov, k = np.cov(items.T), items.shape[1]
    alpha = float(k / (k - 1) * (1 - np.trace(cov) / cov.sum())) if cov.sum() > 0 else 0.0
    return float(np.clip(alpha, 0.05, 0.99))


def _correlated(found: _Found, first: tuple[str, str], second: tuple[str, str]) -> float | None:
    """Return the correlation of two scores within cells; None where fewer than ten people have both."""
    a, b = found.at(*first)["left"], found.at(*second)["left"]
    both = pd.concat([a, b], axis=1, join="inner")
    if len(both) < _FEWEST or both.std().min() <= 0:
        return None
    return float(np.corrcoef(both.to_numpy(dtype=float).T)[0, 1])


def _correlations(found: _Found) -> list[Correlation]:
    made: list[Correlation] = []
    named = [trait for trait in found.traits if not trait.nominal]
    for a, b in combinations(named, 2):
        waves = [w for w in a.measure.waves if w in b.measure.waves]
        known = [r for w in waves if (r := _correlated(found, (a.name, w), (b.name, w))) is not None]
        if known:
            made.append(Correlation(between=(a.name, b.name), r=float(np.clip(np.mean(known), -0.98, 0.98))))
        elif waves:
            found.notes.append(f"{a.name} and {b.name}: too few people answered both; their correlation is assumed.")
    for covariate in found.study.covariates:
        if covariate.kind == "nominal" or covariate.name not in found.frame.columns:
            continue
        values = _numbers_of(found, covariate.name)
        for trait in named:
            part = found.at(trait.name, trait.measure.waves[-1])["left"]
            both = pd.concat([part, values], axis=1, join="inner").dropna()
            if len(both) >= _FEWEST and both.std().min() > 0:
                r = float(np.clip(np.corrcoef(both.to_numpy(dtype=float).T)[0, 1], -0.98, 0.98))
                made.append(Correlation(between=(covariate.name, trait.name), r=r))
    return made


def _numbers_of(found: _Found, name: str) -> pd.Series:
    """Return a covariate of each participant as a number; categories as they are analysed."""
    people = found.frame.drop_duplicates("participant").set_index("participant")[name]
    numbers = covariate_numbers(found.study.covariates[name])
    if numbers:
        return people.astype(str).map(numbers)
    return pd.to_numeric(people, errors="coerce").astype(float)


def _covariates(found: _Found) -> list[CovariateTruth]:
    made = []
    for covariate in found.study.covariates:
        if covariate.name not in found.frame.columns:
            found.notes.append(f"{covariate.name}: not in the data; assumed as by default.")
            continue
        values = _numbers_of(found, covariate.name).dropna()
        numbers = covariate_numbers(covariate)
        if numbers:
            counts = np.array([(values == number).sum() for number in numbers.values()]) + 0.5
            shares = Fixed({code: float(c / counts.sum()) for code, c in zip(numbers, counts, strict=True)})
            made.append(CovariateTruth(name=covariate.name, probabilities=shares))
        elif len(values) >= _FEWEST and values.std() > 0:
            made.append(CovariateTruth(name=covariate.name, mean=float(values.mean()), sd=float(values.std())))
    return made


def _iccs(found: _Found, name: str, waves: Sequence[str]) -> dict[str, float]:
    """Return the share of each unit by one-way analysis of variance of what cells leave; outer shares taken off."""
    made: dict[str, float] = {}
    outer = 0.0
    for unit in reversed(containing(found.study)):
        if unit not in found.frame.columns:
            continue
        of = found.frame.drop_duplicates("participant").set_index("participant")[unit]
        each = [r for wave in waves if (r := _one_way(found.at(name, wave)["left"], of)) is not None]
        if not each:
            found.notes.append(f"{name}: its ICC by {unit} needs two units with more than one person; 0 is assumed.")
            continue
        value = float(np.mean(each))
        if value < outer:
            found.notes.append(f"{name}: the estimated share of variance by {unit} is negative; 0 is assumed.")
        made[unit] = float(np.clip(value - outer, 0.0, 0.9))
        outer = max(outer, value)
    return made


def _one_way(left: pd.Series, of: pd.Series) -> float | None:
    groups = left.groupby(of.reindex(left.index))
    sizes = groups.size().to_numpy(dtype=float)
    n, k = sizes.sum(), len(sizes)
    if k < 2 or n <= k:
        return None
    between = float((sizes * (groups.mean().to_numpy() - left.mean()) ** 2).sum() / (k - 1))
    within = float(groups.var(ddof=0).to_numpy() @ sizes / (n - k))
    size = (n - (sizes**2).sum() / n) / (k - 1)
    total = between + (size - 1) * within
    return (between - within) / total if total > 0 else None


def _attrition(found: _Found) -> Attrition:
    """Return the mean share lost before each wave after the first, and the cells' own."""
    waves = [w for w in found.study.waves.names if (found.frame["occasion"] == w).any()]
    there = {w: found.frame[found.frame["occasion"] == w].set_index("participant")["_cell"] for w in waves}
    lost: dict[str, list[float]] = {}
    for before, after in pairwise(waves):
        gone = ~there[before].index.isin(there[after].index)
        for cell in sorted(set(there[before])):
            lost.setdefault(cell, []).append(float(gone[(there[before] == cell).to_numpy()].mean()))
    shares = {cell: min(float(np.mean(values)), 0.99) for cell, values in lost.items()}
    if not any(shares.values()):
        return Attrition()
    found.notes.append(
        "Attrition is taken to be at random within cells; whether it has to do with answers is not estimated."
    )
    return Attrition(share=float(np.mean(list(shares.values()))), by_cell=Fixed(shares))


def _skipped(found: _Found, data: Responses | Scores) -> float:
    if not isinstance(data, Responses):
        found.notes.append("The share of skipped answers needs responses; none is assumed.")
        return 0.0
    codes = np.concatenate([np.asarray(data.reason(item)) for item in data.items])
    asked = codes != MissingReason.NOT_ASKED
    return float(min((codes == MissingReason.SKIPPED).sum() / max(asked.sum(), 1), 0.99))


def _holding(world: World, found: _Found) -> World:
    """Return the world with its notes, correlations drawn towards 0 as far as needed to hold together."""
    shrunk = 1.0
    while True:
        pairs = tuple(Correlation(between=c.between, r=c.r * shrunk) for c in world.correlations)
        rows = Named(
            o if o.stability is None else Outcome(**{**dict(o), "stability": o.stability * shrunk})
            for o in world.outcomes
        )
        tried = World(**{**dict(world), "correlations": pairs, "outcomes": rows})
        try:
            compiled(found.study, tried)
        except DeclarationError as fault:
            if shrunk < 0.05 or not ("correlat" in str(fault) or "hold together" in str(fault)):
                raise
            shrunk *= _WEAKER
            continue
        if shrunk < 1:
            found.notes.append(
                f"The estimated correlations could not hold together with the reliabilities; all were multiplied by "
                f"{shrunk:.2f}."
            )
        return World(**{**dict(tried), "notes": tuple(found.notes)})
