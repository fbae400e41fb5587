"""One question answered by every declared analysis: all alternatives crossed, on the fast engines."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.contrast_mixture import (
    ContrastPosterior,
    approximate_contrast,
    exact_contrast,
    quantiles,
)
from feedbackstudy.analysis.bayesian.predictor import PredictorPrior
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.frequentist.linear_scores import ScoredContrast, least_squares, mixed, ordered, student
from feedbackstudy.analysis.material import as_clusters
from feedbackstudy.analysis.multiverse_declared import Alternatives, Specification
from feedbackstudy.analysis.multiverse_result import Multiverse, SpecificationRow
from feedbackstudy.analysis.multiverse_rows import MultiverseRows, rows_of_frame, rows_of_study
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.frames import Scores
from feedbackstudy.provenance import Provenance
from feedbackstudy.study import Study
from feedbackstudy.threads import one_thread

__all__ = ["multiverse", "multiverse_of_frame"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

_MOST = 20_000
_LIMITS = np.array([0.025, 0.5, 0.975])
CONVENTIONS = (
    "effects in pooled standard deviations within cells of the rows of each specification (ordinal: of the latent "
    "answer)",
    "normal model: least squares, CR2 or REML with Satterthwaite's degrees of freedom, beside the exact posterior; "
    "robust: Student-t with 4 df; ordinal: cumulative probit; the latter two with a posterior from the normal "
    "approximation of the likelihood",
    "95 % confidence and equal-tailed posterior intervals; priors on each score's scale; averages over other factors "
    "are even",
)


@one_thread()
def multiverse(scores: Scores, study: Study, hypothesis: str, alternatives: Alternatives) -> Multiverse:
    """Answer one hypothesis of a study by every declared analysis.

    Parameters
    ----------
    scores : Scores
        Scores of responses that were not screened, so that exclusions are still open.
    study : Study
        The study.
    hypothesis : str
        Name of a hypothesis that is a single contrast of cell means.
    alternatives : Alternatives
        What could as well have been done.

    Returns
    -------
    Multiverse
        Every specification with both answers; `joint_test` asks whether all together show an effect.

    Raises
    ------
    InputError
        For a hypothesis of another kind, names the study does not know, a covariate measured after the treatment, or
        more than 20,000 combinations. A specification that fails is named in `failed`.
    """
    if not isinstance(scores, Scores) or not isinstance(study, Study):
        raise DataError("multiverse takes Scores and a Study; for a data frame use analysis.multiverse_of_frame.")
    rows, full = rows_of_study(scores, study, hypothesis, alternatives)
    made = scores.provenance.derived("analysis.multiverse", conventions=CONVENTIONS)
    return _answered(rows, full, made)


@one_thread()
def multiverse_of_frame(
    data: pd.DataFrame,
    alternatives: Alternatives,
    *,
    factor: str,
    level: str,
    against: str,
    limits: Mapping[str, tuple[float, float]],
    crossed: Sequence[str] = (),
    clusters: Sequence[str] = (),
) -> Multiverse:
    """Answer one contrast of a data frame by every declared analysis.

    Parameters
    ----------
    data : DataFrame
        One row a person.
    alternatives : Alternatives
        What could as well have been done; `outcomes` names the scores, `exclusions` columns of true and false.
    factor, level, against : str
        Column of the treatment, and the two levels that are compared.
    limits : mapping of str to (float, float)
        Ends of the scale of each outcome, for the priors.
    crossed : sequence of str
        Other factors, averaged over evenly.
    clusters : sequence of str
        Columns of clusters, the one that holds people first.

    Returns
    -------
    Multiverse
        Every specification with both answers.

    Raises
    ------
    InputError
        For columns that cannot be used or more than 20,000 combinations.
    """
    rows = rows_of_frame(
        data, alternatives, factor=factor, level=level, against=against, crossed=crossed, limits=limits,
        clusters=clusters,
    )  # fmt: skip
    return _answered(rows, alternatives, Provenance(made_by="analysis.multiverse", conventions=CONVENTIONS))


def _answered(rows: MultiverseRows, given: Alternatives, made: Provenance) -> Multiverse:
    planned = given.crossed()
    if len(planned) > _MOST:
        raise DataError(f"The alternatives make {len(planned)} specifications; at most {_MOST} are crossed.")
    if set(given.clusters) - {"ignored"} and not rows.groups:
        raise DataError("There are no clusters to handle; name their columns, or leave 'clusters' at ignored.")
    impossible = tuple(one for one in planned if not one.possible)
    found: list[SpecificationRow] = []
    failed: list[tuple[Specification, str]] = []
    memo: dict[object, ContrastPosterior] = {}
    for one in planned:
        if not one.possible:
            continue
        try:
            found.append(_fit(rows, one, memo))
        except InputError as fault:
            failed.append((one, str(fault)))
    if not found:
        raise DataError(f"No specification could be fitted; the first failed because: {failed[0][1]}")
    return Multiverse(
        comparison=rows.comparison,
        alternatives=given,
        rows=tuple(found),
        impossible=impossible,
        failed=tuple(failed),
        units=_units(rows),
        sesoi=rows.sesoi,
        direction=rows.direction,
        table=rows,
        provenance=made,
    )


def _units(rows: MultiverseRows) -> Ints:
    """Return what is independent of each other: the first clusters, else the rows."""
    return as_clusters(next(iter(rows.groups.values()))) if rows.groups else np.arange(rows.n)


def _fit(rows: MultiverseRows, one: Specification, memo: dict[object, ContrastPosterior]) -> SpecificationRow:
    kept = _kept(rows, one)
    y = rows.outcomes[one.outcome][kept]
    cell = rows.cell[kept]
    if not np.bincount(cell, minlength=rows.weights.size)[rows.weights != 0].all():
        raise DataError("A cell of the contrast holds nobody.")
    used, cell = np.unique(cell, return_inverse=True)
    weights = rows.weights[used]
    blocks = [rows.covariates[name][kept] for name in one.covariates]
    covariates = np.column_stack(blocks) if blocks else np.empty((y.size, 0))
    covariates = covariates[:, np.ptp(covariates, axis=0) > 0] if y.size else covariates
    covariates = covariates - covariates.mean(axis=0)
    X = np.column_stack([np.eye(used.size)[cell], covariates])
    row = np.concatenate([weights, np.zeros(covariates.shape[1])])
    groups = {} if one.clusters == "ignored" else _grouped(rows, kept)
    classical = _classical(one, y, X, row, groups)
    unit = 1.0 if one.model == "ordinal" else _sd(y, cell, used.size)
    key = (one.outcome, one.exclusions, one.covariates, one.clusters != "ignored")
    if one.model != "gaussian":
        posterior = approximate_contrast(classical.estimate, classical.se, _prior_sd(rows, one, weights))
    elif key in memo:
        posterior = memo[key]
    else:
        memo[key] = posterior = exact_contrast(
            y, cell, weights, prior=CellPrior.of_scale(*rows.limits[one.outcome]),
            covariates=covariates if covariates.shape[1] else None, groups=groups,
        )  # fmt: skip
    return _row(rows, one, classical, posterior, unit, kept)


def _kept(rows: MultiverseRows, one: Specification) -> Ints:
    gone = np.isnan(rows.outcomes[one.outcome])
    for name in one.exclusions:
        gone = gone | rows.exclusions[name]
    for name in one.covariates:
        gone = gone | np.isnan(rows.covariates[name]).any(axis=1)
    if (~gone).sum() < 3:
        raise DataError("Fewer than three people are left.")
    return np.flatnonzero(~gone)


def _grouped(rows: MultiverseRows, kept: Ints) -> dict[str, Ints]:
    found = {}
    for name, codes in rows.groups.items():
        held = codes[kept] >= 0
        levels, new = np.unique(codes[kept][held], return_inverse=True)
        if 1 < levels.size < held.sum():
            found[name] = np.full(kept.size, -1, dtype=np.int64)
            found[name][held] = new
    if not found:
        single = all(np.unique(codes[kept][codes[kept] >= 0]).size < 2 for codes in rows.groups.values())
        raise DataError(
            "All these people are in one cluster, so nothing varies between clusters."
            if single
            else "No cluster holds several of these people."
        )
    return found


def _classical(one: Specification, y: Floats, X: Floats, row: Floats, groups: Mapping[str, Ints]) -> ScoredContrast:
    cluster = as_clusters(next(iter(groups.values()))) if one.clusters == "robust" else None
    if one.model == "robust":
        return student(y, X, row, cluster)
    if one.model == "ordinal":
        return ordered(y, X, row, cluster)
    return mixed(y, X, row, groups) if one.clusters == "random" else least_squares(y, X, row, cluster)


def _sd(y: Floats, cell: Ints, cells: int) -> float:
    means = np.bincount(cell, weights=y, minlength=cells) / np.bincount(cell, minlength=cells)
    return float(np.sqrt(np.sum((y - means[cell]) ** 2) / max(y.size - cells, 1)))


def _prior_sd(rows: MultiverseRows, one: Specification, weights: Floats) -> float:
    prior = CellPrior.of_scale(*rows.limits[one.outcome])
    unit = PredictorPrior().cell_sd if one.model == "ordinal" else prior.effect_sd
    return unit * float(np.sqrt(weights @ weights))


def _row(
    rows: MultiverseRows,
    one: Specification,
    classical: ScoredContrast,
    posterior: ContrastPosterior,
    unit: float,
    kept: Ints,
) -> SpecificationRow:
    mixture = posterior.in_units(unit)
    low, median, high = quantiles(mixture, _LIMITS)
    d, half = classical.estimate / unit, classical.critical * classical.se / unit
    above = mixture.above(0.0)
    shares = np.zeros(rows.n)
    shares[kept] = classical.shares / unit
    return SpecificationRow(
        specification=one,
        n=kept.size,
        estimate=classical.estimate,
        se=classical.se,
        df=classical.df,
        p=classical.p,
        unit=unit,
        d=d,
        d_low=d - half,
        d_high=d + half,
        median=float(median),
        lower=float(low),
        upper=float(high),
        prob_direction=max(above, 1 - above),
        log_bayes_factor=posterior.log_bayes_factor,
        mixture=mixture,
        shares=shares,
    )
