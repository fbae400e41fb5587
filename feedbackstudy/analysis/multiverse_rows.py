"""The rows that all specifications of a multiverse share: every outcome, covariate, exclusion and cluster by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.columns import FactorColumn, as_factor, as_number, column
from feedbackstudy.analysis.compile import Column, Question, compiled
from feedbackstudy.analysis.exclusions import exclude
from feedbackstudy.analysis.material import NO_LEVEL, Material, gather
from feedbackstudy.analysis.multiverse_declared import Alternatives
from feedbackstudy.analysis.thresholds import thresholds
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.frames import Scores
from feedbackstudy.study import Study

__all__ = ["MultiverseRows", "rows_of_frame", "rows_of_study"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MultiverseRows:
    """One row a person; whatever is missing is NaN.

    Attributes
    ----------
    comparison : str
        What is compared.
    cells : tuple of str
        Names of the cells.
    cell : ndarray, shape (n,)
        The cell of each row.
    weights : ndarray, shape (cells,)
        The contrast.
    outcomes : mapping of str to ndarray, shape (n,)
        Scores by name.
    limits : mapping of str to (float, float)
        Ends of the scale of each score, for its prior.
    covariates : mapping of str to ndarray, shape (n, q)
        Columns of each covariate by its name.
    exclusions : mapping of str to ndarray of bool, shape (n,)
        Whom each rule would take out.
    groups : mapping of str to ndarray, shape (n,)
        Codes of the clusters, the one that holds people first.
    sesoi : float or None
        Smallest effect of interest in standard deviations.
    direction : str
        Expected sign.
    """

    comparison: str
    cells: tuple[str, ...]
    cell: Ints
    weights: Floats
    outcomes: Mapping[str, Floats]
    limits: Mapping[str, tuple[float, float]]
    covariates: Mapping[str, Floats]
    exclusions: Mapping[str, Flags]
    groups: Mapping[str, Ints]
    sesoi: float | None = None
    direction: str = ""

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.cell.size)


def rows_of_study(
    scores: Scores, study: Study, hypothesis: str, alternatives: Alternatives
) -> tuple[MultiverseRows, Alternatives]:
    """Collect the rows of one hypothesis of a study.

    Parameters
    ----------
    scores : Scores
        Scores before exclusions.
    study : Study
        The study.
    hypothesis : str
        Name of the hypothesis.
    alternatives : Alternatives
        The declaration.

    Returns
    -------
    tuple of (MultiverseRows, Alternatives)
        The rows, and the alternatives with the outcome filled in.

    Raises
    ------
    InputError
        For a hypothesis that is not a single contrast of cells, or a name that the study does not know.
    """
    asked = compiled(study, study.hypotheses[hypothesis])
    if asked.kind != "cells" or len(asked.weights) != 1 or asked.minus is not None:
        raise DataError(
            f"Hypothesis {hypothesis!r} is not a single contrast of cell means; a multiverse crosses analyses of one."
        )
    full = alternatives.model_copy(update={"outcomes": alternatives.outcomes or (asked.hypothesis.outcome,)})
    _known(study, full)
    asks = {name: _other(study, asked, name) for name in full.outcomes}
    gathered = {name: gather(one, scores, study) for name, one in asks.items()}
    people = sorted({p for one in gathered.values() for p in zip(one.participants, _stories(one), strict=True)})
    place = {who: i for i, who in enumerate(people)}
    first = next(iter(gathered.values()))
    cell = np.full(len(people), -1, dtype=np.int64)
    outcomes = {}
    for name, one in gathered.items():
        at = np.array([place[who] for who in zip(one.participants, _stories(one), strict=True)])
        cell[at] = one.cell
        outcomes[name] = np.full(len(people), np.nan)
        outcomes[name][at] = one.y
    held = sorted(np.unique(cell), key=lambda i: first.cells[i])
    keys = tuple(first.cells[i] for i in held)
    column_of = {key: i for i, key in enumerate(asked.cells)}
    weights = np.array([asked.weights[0, column_of[key]] for key in keys])
    lost = [key for key, i in column_of.items() if asked.weights[0, i] and key not in keys]
    if lost:
        raise DataError(f"The contrast needs {', '.join(lost)}, where nobody has answered.")
    return MultiverseRows(
        comparison=f"{hypothesis}: {asked.term}",
        cells=keys,
        cell=np.array([held.index(i) for i in cell], dtype=np.int64),
        weights=weights,
        outcomes=outcomes,
        limits={name: _limits(study, scores, name) for name in full.outcomes},
        covariates=_covariates(full, asks, scores, study, place),
        exclusions=_caught(full, scores, study, people),
        groups={name: _codes(gathered, name, place) for name in first.groups},
        sesoi=thresholds(asked, sd=1.0).sesoi,
        direction=asked.hypothesis.direction,
    ), full


def _stories(one: Material) -> tuple[str, ...]:
    return one.stories or ("",) * len(one)


def _known(study: Study, given: Alternatives) -> None:
    rules = [rule.name for rule in study.plan.exclusions]
    scored = [name for measure in study.measures for name in measure.columns]
    named = (
        ("Exclusion rule", [name for each in given.exclusions for name in each], rules),
        ("Score", list(given.outcomes), scored),
        ("Covariate", [name for each in given.covariates for name in each], [*study.covariates.names, *scored]),
    )
    for what, names, known in named:
        for name in names:
            if name not in known:
                raise NotFoundError(choices(what, name, known))


def _other(study: Study, asked: Question, outcome: str) -> Question:
    """Return the question about another score, without covariates."""
    if outcome == asked.hypothesis.outcome:
        return replace(asked, covariates=())
    changed = asked.hypothesis.model_copy(update={"outcome": outcome, "baseline": None})
    return replace(compiled(study, changed), covariates=())


def _limits(study: Study, scores: Scores, name: str) -> tuple[float, float]:
    about, measure = scores.about.get(name), study.measure_of(name)
    if about is not None and about.low < about.high:
        return float(about.low), float(about.high)
    if measure.limits is not None:
        return measure.limits
    if measure.kind == "ordinal" and measure.levels:
        return 1.0, float(len(measure.levels))
    raise DataError(f"Score {name!r} has no limits, so no prior can be stated on its scale; declare its 'range'.")


def _covariates(
    given: Alternatives,
    asks: Mapping[str, Question],
    scores: Scores,
    study: Study,
    place: Mapping[tuple[str, str], int],
) -> dict[str, Floats]:
    found = {}
    for name in dict.fromkeys(name for each in given.covariates for name in each):
        wanted = Column(name) if name in study.covariates.names else Column(name, _before(study, name))
        blocks: dict[str, Floats] = {}
        for one in asks.values():
            material = gather(replace(one, covariates=(wanted,)), scores, study)
            at = [place[who] for who in zip(material.participants, _stories(material), strict=True)]
            for key, values in material.numbers.items():
                blocks.setdefault(key, np.full(len(place), np.nan))[at] = values
        found[name] = np.column_stack(list(blocks.values()))
    return found


def _before(study: Study, name: str) -> str:
    asked = study.measure_of(name).waves
    before = [wave.name for wave in study.waves if wave.phase == "before" and wave.name in asked]
    if not before:
        raise DataError(
            f"{name!r} is not measured before the treatment ({', '.join(asked)}); adjusting for what the treatment may "
            "have changed answers another question."
        )
    return before[-1]


def _caught(given: Alternatives, scores: Scores, study: Study, people: Sequence[tuple[str, str]]) -> dict[str, Flags]:
    found = {}
    for rule in study.plan.exclusions:
        if not any(rule.name in each for each in given.exclusions):
            continue
        alone = study.model_copy(update={"plan": study.plan.model_copy(update={"exclusions": (rule,)})})
        done = exclude(scores, alone)
        if done.issues:
            raise DataError(f"The rule {rule.name!r} cannot be an alternative here. {done.issues[0].what}")
        if any(entry.step.endswith(f".{rule.name}") for entry in scores.ledger):
            raise DataError(
                f"The rule {rule.name!r} was applied when the responses were screened, so keeping these people is no "
                "alternative any more; score responses that were not screened."
            )
        found[rule.name] = np.array([who in done.conditions for who, _ in people])
    return found


def _codes(gathered: Mapping[str, Material], name: str, place: Mapping[tuple[str, str], int]) -> Ints:
    words = np.full(len(place), "", dtype=object)
    for one in gathered.values():
        at = [place[who] for who in zip(one.participants, _stories(one), strict=True)]
        words[at] = one.groups[name]
    held = words != NO_LEVEL
    codes = np.full(words.size, -1, dtype=np.int64)
    codes[held] = np.unique(words[held].astype(str), return_inverse=True)[1]
    return codes


def rows_of_frame(
    data: pd.DataFrame,
    alternatives: Alternatives,
    *,
    factor: str,
    level: str,
    against: str,
    crossed: Sequence[str] = (),
    limits: Mapping[str, tuple[float, float]],
    clusters: Sequence[str] = (),
) -> MultiverseRows:
    """Collect the rows of a data frame.

    Parameters
    ----------
    data : DataFrame
        One row a person.
    alternatives : Alternatives
        The declaration; it names the outcomes.
    factor, level, against : str
        Column of the treatment, and the two levels that are compared.
    crossed : sequence of str
        Other factors; the contrast is averaged evenly over their levels.
    limits : mapping of str to (float, float)
        Ends of each outcome's scale.
    clusters : sequence of str
        Columns of clusters, the one that holds people first.

    Returns
    -------
    MultiverseRows
        The rows.

    Raises
    ------
    DataError
        For columns that cannot be used.
    NotFoundError
        For an unknown column or level.
    """
    if not alternatives.outcomes:
        raise DataError("Name the outcome, or the scores that are alternatives of it, as 'outcomes' of Alternatives.")
    factors = {name: as_factor(data, name) for name in (factor, *crossed)}
    treated = factors[factor]
    for name in (level, against):
        if name not in treated.levels:
            raise NotFoundError(choices(f"Level of {factor}", name, treated.levels))
    if any((one.codes < 0).any() for one in factors.values()):
        raise DataError("A row without a condition cannot be placed; leave such rows out before, so that it is seen.")
    cell, keys, weights = _crossed(list(factors.values()), level, against)
    outcomes = {name: _score(data, name, limits) for name in alternatives.outcomes}
    adjusted = dict.fromkeys(name for each in alternatives.covariates for name in each)
    rules = dict.fromkeys(name for each in alternatives.exclusions for name in each)
    return MultiverseRows(
        comparison=f"{factor}: {level} - {against}",
        cells=keys,
        cell=cell,
        weights=weights,
        outcomes=outcomes,
        limits={name: (float(limits[name][0]), float(limits[name][1])) for name in alternatives.outcomes},
        covariates={name: as_number(data, name, role="Covariate")[:, None] for name in adjusted},
        exclusions={name: _flag(data, name) for name in rules},
        groups={name: _whole(data, name) for name in clusters},
    )


def _score(data: pd.DataFrame, name: str, limits: Mapping[str, tuple[float, float]]) -> Floats:
    y = as_number(data, name, role="Outcome")
    if name not in limits:
        raise DataError(
            f"Give the ends of the scale of {name!r} in 'limits', such as {{{name!r}: (1, 7)}}; priors are stated on "
            "the scale, never taken from the data."
        )
    outside = (y < limits[name][0]) | (y > limits[name][1])
    if outside.any():
        raise DataError(
            f"{int(outside.sum())} values of {name!r} lie outside {limits[name]}; mend them or the declared ends."
        )
    return y


def _crossed(factors: Sequence[FactorColumn], level: str, against: str) -> tuple[Ints, tuple[str, ...], Floats]:
    joined = np.array([":".join(one.levels[c] for one, c in zip(factors, codes, strict=True))
                       for codes in zip(*(one.codes for one in factors), strict=True)])  # fmt: skip
    keys, cell = np.unique(joined, return_inverse=True)
    first = np.array([key.split(":")[0] for key in keys])
    plus, minus = first == level, first == against
    rest = {side: {key.partition(":")[2] for key in keys[flag]} for side, flag in (("+", plus), ("-", minus))}
    if rest["+"] != rest["-"]:
        raise DataError(
            f"{level} and {against} do not occur with the same levels of the other factors; an even average over them "
            "would compare different things."
        )
    return cell.astype(np.int64), tuple(map(str, keys)), plus / plus.sum() - minus / minus.sum()


def _flag(data: pd.DataFrame, name: str) -> Flags:
    found = column(data, name, role="Exclusion")
    if not pd.api.types.is_bool_dtype(found) or found.isna().any():
        raise DataError(f"Exclusion {name!r} must be a column of true and false without gaps; it is {found.dtype}.")
    return np.asarray(found.to_numpy(dtype=bool))


def _whole(data: pd.DataFrame, name: str) -> Ints:
    codes = as_factor(data, name, role="Cluster").codes
    if (codes < 0).any():
        raise DataError(f"Cluster {name!r} is missing in {int((codes < 0).sum())} rows; a row needs its cluster.")
    return codes
