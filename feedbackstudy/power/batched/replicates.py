"""Estimates of many simulated studies, and their diagnosis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.errors import InputError
from feedbackstudy.power.answer import made
from feedbackstudy.power.batched.simulated import SimulatedEffect, SimulatedPower
from feedbackstudy.power.noncentral import t_critical
from feedbackstudy.power.solving import probability

__all__ = ["Replicates", "combine"]

type Floats = NDArray[np.float64]


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
    if len(parts) == 1:
        return parts[0]
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
