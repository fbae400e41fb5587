"""Every wave compared twice: adjusted for the first wave, and by the constrained longitudinal model; both engines."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.longitudinal_waves import waves_posterior
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.constrained_waves import WavesFit, constrained_waves
from feedbackstudy.analysis.frequentist.linear import fit_cells
from feedbackstudy.analysis.frequentist.mixed_cells import mixed_cells
from feedbackstudy.analysis.wave_design import wave_cells, wave_columns
from feedbackstudy.errors import DataError

__all__ = ["Constrained", "WaveData", "adjusted_rows", "constrained", "constrained_rows", "standardised_design"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaveData:
    """Scores of people at several waves.

    Attributes
    ----------
    outcome : str
        What was measured.
    waves, arms : tuple of str
        Names; the first wave is before treatment.
    reference : int
        Position of the arm that the others are compared with.
    participants : tuple of str
        Who.
    Y : ndarray, shape (n, waves)
        Scores; NaN where missing.
    arm : ndarray of int, shape (n,)
        Arm of each person.
    covariates : ndarray, shape (n, q)
        Complete and centred.
    covariate_names : tuple of str
        Names.
    groups : mapping of str to ndarray of int
        Random factors of the comparisons wave by wave.
    prior : CellPrior or None
        From the scale; None where it has no limits.
    level : float
        Level of all intervals.
    """

    outcome: str
    waves: tuple[str, ...]
    arms: tuple[str, ...]
    reference: int
    participants: tuple[str, ...]
    Y: Floats
    arm: NDArray[np.int64]
    covariates: Floats
    covariate_names: tuple[str, ...] = ()
    groups: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    prior: CellPrior | None = None
    level: float = 0.95

    @property
    def others(self) -> tuple[int, ...]:
        """Positions of the arms that are compared with the reference."""
        return tuple(a for a in range(len(self.arms)) if a != self.reference)

    def contrast(self, a: int) -> str:
        """Return the comparison of an arm in words.

        Parameters
        ----------
        a : int
            Position of the arm.

        Returns
        -------
        str
            Such as ``"feedback - silence"``.
        """
        return f"{self.arms[a]} - {self.arms[self.reference]}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constrained:
    """The constrained longitudinal model, both ways.

    Attributes
    ----------
    fit : WavesFit
        REML.
    cells : CellFit
        Its means.
    posterior : CellDraws or None
        Draws of the same means; None without a scale.
    """

    fit: WavesFit
    cells: CellFit
    posterior: CellDraws | None


def constrained(data: WaveData, *, seed: int, draws: int = 1500) -> Constrained:
    """Fit the constrained longitudinal model both ways.

    Parameters
    ----------
    data : WaveData
        Scores.
    seed : int
        Seed of the draws.
    draws : int, default 1500
        Draws of each of four chains.

    Returns
    -------
    Constrained
        Both engines' means of arms at waves.
    """
    fit, cells = constrained_waves(data.Y, data.arm, len(data.arms), covariates=data.covariates)
    if data.prior is None:
        return Constrained(fit=fit, cells=cells, posterior=None)
    posterior = waves_posterior(
        data.Y, standardised_design(data), cells.means.size, prior=data.prior, seed=seed, draws=draws
    )
    return Constrained(fit=fit, cells=cells, posterior=posterior)


def standardised_design(data: WaveData) -> Floats:
    """Return the columns of the constrained model, covariates in standard deviations.

    Parameters
    ----------
    data : WaveData
        Scores.

    Returns
    -------
    ndarray, shape (n, waves, p)
        Indicators of the means first.
    """
    spread = data.covariates.std(axis=0, ddof=1) if data.covariates.shape[1] else 1.0
    return wave_columns(data.arm, len(data.arms), len(data.waves), data.covariates / spread)


def constrained_rows(data: WaveData, found: Constrained) -> tuple[Estimate, ...]:
    """Compare the arms at every later wave by the constrained model.

    Parameters
    ----------
    data : WaveData
        Scores.
    found : Constrained
        The model.

    Returns
    -------
    tuple of Estimate
        Wave after wave; each comparison by both engines.
    """
    places = wave_cells(len(data.arms), len(data.waves))
    rows: list[Estimate] = []
    for t in range(1, len(data.waves)):
        for a in data.others:
            weights = np.zeros(found.cells.means.size)
            weights[places[a, t]], weights[places[data.reference, t]] = 1.0, -1.0
            rows += _pair(data, t, a, weights, found.cells, found.posterior)
    return tuple(rows)


def adjusted_rows(data: WaveData) -> tuple[Estimate, ...]:
    """Compare the arms at every later wave among those who answered, adjusted for the first wave.

    Parameters
    ----------
    data : WaveData
        Scores.

    Returns
    -------
    tuple of Estimate
        Wave after wave; each comparison by both engines.

    Raises
    ------
    DataError
        Where an arm has fewer than two people with both scores.
    """
    rows: list[Estimate] = []
    for t in range(1, len(data.waves)):
        both = ~np.isnan(data.Y[:, [0, t]]).any(axis=1)
        counts = np.bincount(data.arm[both], minlength=len(data.arms))
        if (counts < 2).any():
            few = [data.arms[a] for a in np.flatnonzero(counts < 2)]
            raise DataError(
                f"{', '.join(few)} has fewer than two people with scores at {data.waves[0]} and {data.waves[t]}; leave "
                "the arm or the wave out."
            )
        classical, posterior = _adjusted(data, t, both)
        for a in data.others:
            weights = np.zeros(len(data.arms))
            weights[a], weights[data.reference] = 1.0, -1.0
            rows += [
                replace(row, note="; ".join(filter(None, (row.note, _lost(both)))))
                for row in _pair(data, t, a, weights, classical, posterior)
            ]
    return tuple(rows)


def _adjusted(data: WaveData, t: int, both: NDArray[np.bool_]) -> tuple[CellFit, CellMixture | None]:
    y, arm, size = data.Y[both, t], data.arm[both], len(data.arms)
    X = np.column_stack([data.Y[both, 0], data.covariates[both]])
    X = X - X.mean(axis=0)
    groups = {name: codes[both] for name, codes in data.groups.items()}
    classical = mixed_cells(y, arm, size, X, groups) if groups else fit_cells(y, arm, size, covariates=X)
    if data.prior is None:
        return classical, None
    return classical, gaussian_cells(y, arm, size, prior=data.prior, covariates=X, groups=groups).posterior()


def _lost(both: NDArray[np.bool_]) -> str:
    lost = int((~both).sum())
    return f"{lost} of {both.size} people have not both scores and are left out" if lost else ""


def _pair(
    data: WaveData,
    t: int,
    a: int,
    weights: Floats,
    classical: CellFit,
    posterior: CellMixture | CellDraws | None,
) -> list[Estimate]:
    found = classical.contrast(weights)
    low, high = found.interval(data.level)
    text = f"{data.outcome} at {data.waves[t]}: {data.contrast(a)}"
    row = Estimate(
        hypothesis=data.contrast(a),
        outcome=data.outcome,
        term=data.waves[t],
        contrast=text,
        engine="frequentist",
        model=classical.model,
        estimate=found.estimate,
        se=found.se,
        low=low,
        high=high,
        level=data.level,
        interval="CI",
        df=None if np.isinf(found.df) else found.df,
        statistic=found.statistic,
        statistic_name="t",
        p=found.p,
        n=classical.n,
        null=0.0,
        fit_to_report=not classical.failures,
        unfit="; ".join(classical.failures),
        note="; ".join((*classical.failures, *classical.notes)),
    )
    return [row] if posterior is None else [row, _twin(row, weights, posterior, data.level)]


def _twin(row: Estimate, weights: Floats, posterior: CellMixture | CellDraws, level: float) -> Estimate:
    found = posterior.contrast(weights, quantity=row.contrast, level=level)
    gates = posterior.gates
    failures = gates.failures if gates is not None else ()
    return replace(
        row,
        engine="bayesian",
        model=f"{posterior.model}; prior: {posterior.prior}",
        estimate=found.posterior.median,
        se=found.sd,
        low=found.posterior.low,
        high=found.posterior.high,
        interval=found.posterior.interval_kind,
        df=None,
        statistic=None,
        statistic_name="",
        p=None,
        prob_direction=found.posterior.prob_direction,
        bayes_factor=found.bayes_factor,
        rhat=None if gates is None else gates.rhat,
        ess=None if gates is None else min(gates.ess_bulk, gates.ess_tail),
        n=posterior.n,
        fit_to_report=not failures,
        unfit="; ".join(failures),
        note="; ".join(filter(None, (*failures, *posterior.notes, found.bayes_factor_note))),
    )
