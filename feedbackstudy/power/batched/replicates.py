"""Estimates of many simulated studies, and what they say about the design, each figure with its Monte-Carlo error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.errors import InputError, NotFoundError, choices
from feedbackstudy.power.answer import made
from feedbackstudy.power.noncentral import t_critical
from feedbackstudy.power.solving import probability
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, number, table_of

__all__ = ["Replicates", "SimulatedEffect", "SimulatedPower", "combine"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedEffect:
    """What many replicates say about one contrast; each ``_mcse`` is a Monte-Carlo standard error.

    Attributes
    ----------
    label : str
        The contrast.
    truth : float
        Its true value.
    power, power_mcse : float
        Share of significant results among the fits that did not fail.
    power_low, power_high : float
        The same with failed fits counted as not significant, and as significant.
    bias, bias_mcse : float
        Mean estimate minus truth.
    rmse, rmse_mcse : float
        Root of the mean squared error.
    coverage, coverage_mcse : float
        Share of intervals that hold the truth.
    width, width_mcse : float
        Mean full width of the interval.
    type_s, type_s_mcse : float
        Share of wrong signs among significant results; NaN where the truth is 0.
    type_m, type_m_mcse : float
        Mean size of significant estimates over the truth; NaN where the truth is 0.
    equivalence, equivalence_mcse : float
        Share of replicates whose interval of level 1 - 2 alpha lies within the bounds; NaN without bounds.
    failed : int
        Fits that failed.
    replicates : int
        Fits in all.
    """

    label: str
    truth: float
    power: float
    power_mcse: float
    power_low: float
    power_high: float
    bias: float
    bias_mcse: float
    rmse: float
    rmse_mcse: float
    coverage: float
    coverage_mcse: float
    width: float
    width_mcse: float
    type_s: float
    type_s_mcse: float
    type_m: float
    type_m_mcse: float
    equivalence: float
    equivalence_mcse: float
    failed: int
    replicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPower(Rendered):
    """Figures of one simulated set of studies.

    Attributes
    ----------
    effects : tuple of SimulatedEffect
        One for each contrast.
    alpha : float
        Level of the tests.
    any_power, all_power : float
        Shares of replicates in which at least one, or every contrast is significant.
    engine : str
        How the replicates were made.
    provenance : Provenance
        Seed, conventions, versions.
    """

    effects: tuple[SimulatedEffect, ...]
    alpha: float
    any_power: float
    all_power: float
    engine: str
    provenance: Provenance

    def __getitem__(self, label: str) -> SimulatedEffect:
        """Return one contrast by its label."""
        for row in self.effects:
            if row.label == label:
                return row
        raise NotFoundError(choices("The contrast", label, [row.label for row in self.effects]))

    def frame(self) -> pd.DataFrame:
        """Return one row for each contrast.

        Returns
        -------
        DataFrame
            Columns as the attributes of `SimulatedEffect`.
        """
        return pd.DataFrame([{name: getattr(row, name) for name in SimulatedEffect.__slots__} for row in self.effects])

    def page(self) -> Page:
        """Return the figures as a page, each with its Monte-Carlo error.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        shown = ("power", "bias", "rmse", "coverage", "width", "type_s", "type_m", "equivalence")
        rows = [
            {"contrast": row.label, "truth": row.truth}
            | {name: f"{number(getattr(row, name))} ({number(getattr(row, name + '_mcse'), 4)})" for name in shown}
            | {"failed": f"{row.failed} of {row.replicates}"}
            for row in self.effects
        ]
        facts = Facts(
            (
                ("alpha", number(self.alpha, unit_interval=True)),
                ("power of any, of all", f"{number(self.any_power)}, {number(self.all_power)}"),
                ("engine", self.engine),
                ("in brackets", "Monte-Carlo standard error"),
            )
        )
        blocks: list[Block] = [facts, table_of(rows)]
        blocks += [
            Notice(
                f"{row.label}: {row.failed} fits failed; counted as not significant, the power is "
                f"{number(row.power_low)}, as significant {number(row.power_high)}."
            )
            for row in self.effects
            if row.failed
        ]
        return Page(title="Simulated power", blocks=(*blocks, self.provenance.facts()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replicates:
    """Estimates of many simulated studies.

    Attributes
    ----------
    labels : tuple of str
        The contrasts.
    truth : ndarray of shape (k,)
        Their true values.
    estimate, se, df : ndarray of shape (replicates, k)
        Estimate, standard error and degrees of freedom; infinite for a normal test.
    failed : ndarray of bool, shape (replicates,)
        Fits without an answer.
    engine : str
        How they were made.
    seed : int
        Seed of the draws.
    """

    labels: tuple[str, ...]
    truth: Floats
    estimate: Floats
    se: Floats
    df: Floats
    failed: NDArray[np.bool_]
    engine: str
    seed: int

    def p(self) -> Floats:
        """Return two-sided p values.

        Returns
        -------
        ndarray of shape (replicates, k)
            NaN where the fit failed.
        """
        t = -np.abs(self.estimate / self.se)
        normal = np.isinf(self.df)
        tail = special.ndtr(t) if normal.all() else special.stdtr(np.where(normal, 1e12, self.df), t)
        return np.where(self.failed[:, None], np.nan, 2 * tail)

    def significant(self, alpha: float = 0.05) -> NDArray[np.bool_]:
        """Return which contrasts are significant.

        Parameters
        ----------
        alpha : float, default 0.05
            Two-sided level.

        Returns
        -------
        ndarray of bool, shape (replicates, k)
            False where the fit failed.
        """
        if (self.df == self.df.flat[0]).all():
            bound = float(t_critical(self.df.flat[0], alpha))
            return np.asarray((np.abs(self.estimate) > bound * self.se) & ~self.failed[:, None])
        with np.errstate(invalid="ignore"):
            return np.asarray(self.p() < alpha)

    def power(self, alpha: float = 0.05) -> Floats:
        """Return the share of significant results among the fits that did not fail.

        Parameters
        ----------
        alpha : float, default 0.05
            Two-sided level.

        Returns
        -------
        ndarray of shape (k,)
            Power of each contrast.
        """
        return np.asarray(self.significant(alpha)[~self.failed].mean(axis=0))

    def diagnose(self, *, alpha: float = 0.05, bounds: ArrayLike | None = None) -> SimulatedPower:
        """Compute what the replicates say about the design.

        Parameters
        ----------
        alpha : float, default 0.05
            Two-sided level; intervals are of level 1 - alpha.
        bounds : array_like, optional
            Bound of equivalence of each contrast, without sign.

        Returns
        -------
        SimulatedPower
            One row for each contrast.

        Raises
        ------
        InputError
            For a level or bounds that cannot be, or where every fit failed.
        """
        probability("alpha", alpha)
        if self.failed.all():
            raise InputError(
                f"All {self.failed.size} fits failed: the design cannot estimate {', '.join(self.labels)}."
            )
        given = np.full(len(self.labels), np.nan) if bounds is None else np.broadcast_to(bounds, len(self.labels))
        if (np.asarray(given) <= 0).any():
            raise InputError(f"The bounds of equivalence {np.asarray(given).tolist()} must be positive, without sign.")
        kept = ~self.failed
        found = self.significant(alpha)[kept]
        rows = tuple(self._effect(j, found[:, j], alpha=alpha, bound=float(given[j])) for j in range(len(self.labels)))
        return SimulatedPower(
            effects=rows,
            alpha=alpha,
            any_power=float(found.any(axis=1).mean()),
            all_power=float(found.all(axis=1).mean()),
            engine=f"{self.engine}, {self.failed.size:,} replicates",
            provenance=made(
                "diagnose", ("two-sided tests; failed fits are left out of power and counted",), seed=self.seed
            ),
        )

    def _effect(self, j: int, found: NDArray[np.bool_], *, alpha: float, bound: float) -> SimulatedEffect:
        kept = ~self.failed
        estimate, se, df = self.estimate[kept, j], self.se[kept, j], self.df[kept, j]
        truth, n = float(self.truth[j]), int(kept.sum())
        half = se * _quantiles(df, alpha)
        error = estimate - truth
        rmse = math.sqrt(float((error**2).mean()))
        wrong = np.sign(estimate[found]) != np.sign(truth)
        size = np.abs(estimate[found]) / abs(truth) if truth else np.array([])
        inside = np.abs(estimate) + se * _quantiles(df, 2 * alpha) < bound
        lost = int(self.failed.sum())
        return SimulatedEffect(
            label=self.labels[j],
            truth=truth,
            **_share("power", found),
            power_low=float(found.sum() / (n + lost)),
            power_high=float((found.sum() + lost) / (n + lost)),
            **_mean("bias", error),
            rmse=rmse,
            rmse_mcse=float((error**2).std() / (2 * rmse * math.sqrt(n))) if rmse else 0.0,
            **_share("coverage", np.abs(error) <= half),
            **_mean("width", 2 * half),
            **_share("type_s", wrong if truth else wrong[:0]),
            **_mean("type_m", size),
            **_share("equivalence", inside if not math.isnan(bound) else inside[:0]),
            failed=lost,
            replicates=n + lost,
        )


def _quantiles(df: Floats, alpha: float) -> Floats:
    return t_critical(df[:1] if (df == df[0]).all() else df, alpha)


def _share(name: str, hits: NDArray[np.bool_]) -> dict[str, float]:
    if not hits.size:
        return {name: math.nan, f"{name}_mcse": math.nan}
    share = float(hits.mean())
    return {name: share, f"{name}_mcse": math.sqrt(share * (1 - share) / hits.size)}


def _mean(name: str, values: Floats) -> dict[str, float]:
    if values.size < 2:
        return {name: math.nan, f"{name}_mcse": math.nan}
    return {name: float(values.mean()), f"{name}_mcse": float(values.std(ddof=1) / math.sqrt(values.size))}


def combine(parts: Sequence[Replicates]) -> Replicates:
    """Join replicates of several designs, such as redrawn covariates, into one set.

    Parameters
    ----------
    parts : sequence of Replicates
        Of the same contrasts.

    Returns
    -------
    Replicates
        All of them, under the first one's seed and engine.

    Raises
    ------
    InputError
        Where the contrasts differ.
    """
    if not parts or any(part.labels != parts[0].labels for part in parts):
        raise InputError("Only replicates of the same contrasts can be joined into one set; give at least one part.")
    return Replicates(
        labels=parts[0].labels,
        truth=parts[0].truth,
        estimate=np.concatenate([part.estimate for part in parts]),
        se=np.concatenate([part.se for part in parts]),
        df=np.concatenate([part.df for part in parts]),
        failed=np.concatenate([part.failed for part in parts]),
        engine=f"{parts[0].engine}, {len(parts)} designs",
        seed=parts[0].seed,
    )
