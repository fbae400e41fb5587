"""Arms at several waves: comparisons, who dropped out, and what it would take to overturn the answer."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from feedbackstudy.analysis.bayesian.densities import hdi_of_draws
from feedbackstudy.analysis.dropout import DropoutRow
from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.analysis.longitudinal_answers import Constrained, WaveData
from feedbackstudy.analysis.longitudinal_elsewhere import bayesian_model, waves_script
from feedbackstudy.analysis.missing.delta import DeltaCurve
from feedbackstudy.analysis.wave_design import wave_cells
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Page, Rendered, Table, Text, interval, number, p_value

__all__ = ["Longitudinal", "WaveMean"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveMean:
    """The mean of an arm at a wave in the constrained model.

    Attributes
    ----------
    wave, arm : str
        Which; before treatment all arms share one mean.
    n : int
        Answers of the arm at the wave.
    observed : float or None
        Plain mean of these answers.
    estimate, low, high : float
        REML mean with its confidence interval.
    median, hdi_low, hdi_high : float or None
        Posterior median with its highest-density interval.
    """

    wave: str
    arm: str
    n: int
    observed: float | None
    estimate: float
    low: float
    high: float
    median: float | None = None
    hdi_low: float | None = None
    hdi_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Longitudinal(Rendered):
    """An analysis of several waves. Make it with `longitudinal` or `longitudinal_wide`.

    Attributes
    ----------
    data : WaveData
        Scores, arms, covariates.
    adjusted : Estimates
        Each wave among those who answered, adjusted for the first wave.
    constrained : Estimates
        Each wave by the constrained longitudinal model, in which everybody enters.
    model : Constrained
        That model.
    dropout : tuple of DropoutRow
        Who is missing, by wave and arm.
    deltas : tuple of DeltaCurve
        Last wave, one for each comparison in which somebody is missing.
    notes : tuple of str
        What was decided about the rows.
    provenance : Provenance
        What made it.
    """

    data: WaveData
    adjusted: Estimates
    constrained: Estimates
    model: Constrained
    dropout: tuple[DropoutRow, ...]
    deltas: tuple[DeltaCurve, ...]
    notes: tuple[str, ...]
    provenance: Provenance

    @property
    def fit_to_report(self) -> bool:
        """Whether every row may be reported."""
        return all(row.fit_to_report for row in (*self.adjusted, *self.constrained))

    def row(self, wave: str, arm: str, *, engine: str = "frequentist", model: str = "constrained") -> Estimate:
        """Return one comparison with the reference.

        Parameters
        ----------
        wave, arm : str
            Which.
        engine : {"frequentist", "bayesian"}
            Whose answer.
        model : {"constrained", "adjusted"}
            Which model.

        Returns
        -------
        Estimate
            The row.

        Raises
        ------
        NotFoundError
            For an unknown wave, arm, engine or model.
        """
        tables = {"constrained": self.constrained, "adjusted": self.adjusted}
        if model not in tables:
            raise NotFoundError(choices("Model", model, tables))
        known = {(row.term, row.hypothesis, row.engine): row for row in tables[model]}
        key = (wave, f"{arm} - {self.data.arms[self.data.reference]}", engine)
        if key not in known:
            raise NotFoundError(choices("Comparison", " / ".join(key), [" / ".join(one) for one in known]))
        return known[key]

    def delta(self, arm: str) -> DeltaCurve:
        """Return the delta-adjusted answers of one comparison at the last wave.

        Parameters
        ----------
        arm : str
            The arm.

        Returns
        -------
        DeltaCurve
            For a range of deltas.

        Raises
        ------
        NotFoundError
            Where there is none.
        """
        for curve in self.deltas:
            if curve.first == arm:
                return curve
        raise NotFoundError(choices("Arm with a delta curve", arm, [curve.first for curve in self.deltas]))

    def means(self) -> tuple[WaveMean, ...]:
        """Return the means of the arms at the waves, both ways.

        Returns
        -------
        tuple of WaveMean
            Arm after arm.
        """
        places = wave_cells(len(self.data.arms), len(self.data.waves))
        return tuple(
            self._mean(a, t, int(places[a, t])) for a in range(len(self.data.arms)) for t in range(len(self.data.waves))
        )

    def _mean(self, a: int, t: int, cell: int) -> WaveMean:
        weights = np.zeros(self.model.cells.means.size)
        weights[cell] = 1.0
        found = self.model.cells.contrast(weights)
        low, high = found.interval(self.data.level)
        values = self.data.Y[self.data.arm == a, t]
        known = values[~np.isnan(values)]
        mean = WaveMean(
            wave=self.data.waves[t],
            arm=self.data.arms[a],
            n=int(known.size),
            observed=float(known.mean()) if known.size else None,
            estimate=found.estimate,
            low=low,
            high=high,
        )
        if self.model.posterior is None:
            return mean
        drawn = self.model.posterior.draws[:, cell]
        shortest = hdi_of_draws(drawn, self.data.level)
        own = asdict(mean) | {"median": float(np.median(drawn)), "hdi_low": shortest[0], "hdi_high": shortest[1]}
        return WaveMean(**own)

    def frame(self) -> pd.DataFrame:
        """Return all comparisons.

        Returns
        -------
        DataFrame
            The columns of `Estimates`, after ``approach``: ``adjusted`` or ``constrained``.
        """
        parts = {"adjusted": self.adjusted.frame(), "constrained": self.constrained.frame()}
        return pd.concat(parts, names=["approach"]).reset_index(level="approach").reset_index(drop=True)

    def means_frame(self) -> pd.DataFrame:
        """Return the means as a table."""
        return pd.DataFrame([asdict(row) for row in self.means()])

    def dropout_frame(self) -> pd.DataFrame:
        """Return who is missing as a table."""
        return pd.DataFrame([asdict(row) for row in self.dropout])

    def delta_frame(self) -> pd.DataFrame:
        """Return the delta-adjusted answers as a table: one row for each comparison and delta."""
        names = ("deltas", "estimate", "se", "df", "low", "high", "p")
        parts = [
            pd.DataFrame({name: getattr(curve, name) for name in names}).assign(
                wave=curve.wave, first=curve.first, second=curve.second, shifted=curve.shifted
            )
            for curve in self.deltas
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(names))

    def r_script(self) -> RScript:
        """Return a script that computes every comparison anew, by both engines, and who dropped out.

        Returns
        -------
        RScript
            Constrained model: by nlme, with the covariance taken as known (degrees of freedom of Kenward and Roger, and
            the standard errors that go with them, are not there); its posterior drawn anew in base R, which agrees with
            ours within Monte-Carlo errors. Adjusted for the first wave: by least squares or lmerTest, and the exact
            posterior.
        """
        return waves_script(self.data, self.model.posterior)

    def pymc_model(self) -> Any:  # noqa: ANN401 - a type of PyMC, which only the Bayesian room imports
        """Return the constrained model with its priors, to sample or extend; the table's draws are by Gibbs sampling.

        Returns
        -------
        pymc.Model
            Data, priors and likelihood.

        Raises
        ------
        DataError
            Where the outcome has no limits, so that there is no prior.
        """
        return bayesian_model(self.data)

    def page(self) -> Page:
        """Return comparisons, dropout and tipping points.

        Returns
        -------
        Page
            Ready to render.
        """
        blocks: list[Block] = [
            Facts(
                (
                    ("people", number(len(self.data.participants))),
                    ("waves", ", ".join(self.data.waves)),
                    ("arms", ", ".join(self.data.arms)),
                    ("compared with", self.data.arms[self.data.reference]),
                )
            ),
            _comparisons("Adjusted for the first wave, complete pairs", self.adjusted, self.data.level),
            _comparisons("Constrained longitudinal model, everybody", self.constrained, self.data.level),
            _dropout(self.dropout, self.data),
            *(Text(_tipping(curve)) for curve in self.deltas),
            *(Text(note) for note in self.notes),
            self.provenance.facts(),
        ]
        return Page(
            title=f"{self.data.outcome.replace('_', ' ').capitalize()} over {len(self.data.waves)} waves",
            subtitle="Consistent where answers are missing at random given earlier ones; delta says how far off that "
            "may be.",
            blocks=tuple(blocks),
        )


def _comparisons(title: str, rows: Estimates, level: float) -> Table:
    cells = [
        (
            row.term,
            row.hypothesis,
            row.engine,
            number(row.estimate),
            interval(row.low, row.high),
            "" if row.df is None else number(row.df, 1),
            "" if row.p is None else p_value(row.p),
            "" if row.prob_direction is None else number(row.prob_direction, 3),
            number(row.n),
        )
        for row in rows
    ]
    return Table(
        ("wave", "comparison", "engine", "estimate", f"{level:.0%}", "df", "p", "P(direction)", "n"),
        tuple(cells),
        title,
    )


def _dropout(rows: tuple[DropoutRow, ...], data: WaveData) -> Table:
    cells = [
        (
            row.wave,
            row.arm,
            number(row.n),
            number(row.lost),
            f"{row.share:.0%}",
            "" if row.low is None else interval(row.low, row.high),
            "" if row.before_difference is None else number(row.before_difference),
            "" if row.before_low is None else interval(row.before_low, row.before_high),
        )
        for row in rows
    ]
    heads = (
        "wave",
        "arm",
        "n",
        "missing",
        "share",
        f"share minus {data.arms[data.reference]}",
        f"{data.waves[0]}: lost minus stayed",
        "interval",
    )
    return Table(heads, tuple(cells), "Who is missing")


def _tipping(curve: DeltaCurve) -> str:
    state = "significant" if curve.significant else "not significant"
    whose = {"first": curve.first, "second": curve.second, "both": "both arms"}[curve.shifted]
    found = [number(value) for value in curve.tipping if value is not None]
    if not found:
        return (
            f"{curve.first} - {curve.second} at {curve.wave} is {state} under missingness at random, and stays so for "
            f"every shift of the {curve.imputed} imputed scores in {whose} from {number(curve.deltas[0])} "
            f"to {number(curve.deltas[-1])}."
        )
    return (
        f"{curve.first} - {curve.second} at {curve.wave} is {state} under missingness at random; it tips over where "
        f"the {curve.imputed} imputed scores in {whose} are shifted by {' or '.join(found)}."
    )
