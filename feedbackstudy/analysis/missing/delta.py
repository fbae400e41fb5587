"""What if those who left would have scored lower: imputations shifted by delta, and where the conclusion tips."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.analysis.missing.chained import Gap, impute_chained
from feedbackstudy.analysis.missing.pooling import barnard_rubin
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance

__all__ = ["DeltaCurve", "Shifted", "delta_curve"]

type Floats = NDArray[np.float64]
type Shifted = Literal["first", "second", "both"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeltaCurve:
    """The difference of two arms at a wave, for a range of deltas.

    Attributes
    ----------
    wave, first, second : str
        The wave, the arm, and the arm it is compared with.
    shifted : str
        Whose imputed scores are shifted: ``"first"``, ``"second"`` or ``"both"``.
    deltas : ndarray, shape (k,)
        What is added to every imputed score, in the outcome's units.
    estimate, se, df, low, high, p : ndarray, shape (k,)
        Pooled difference of the arms, adjusted for the first wave, with its test.
    level : float
        Level of the interval.
    tipping : tuple of (float or None, float or None)
        Nearest delta below and above 0 at which the test at 1 - `level` tips over; None where it does not within the
        range.
    imputed : int
        Scores that are shifted in each table.
    m : int
        Imputations.
    outcome : str
        What was measured.
    provenance : Provenance or None
        What made it.
    """

    wave: str
    first: str
    second: str
    shifted: Shifted
    deltas: Floats
    estimate: Floats
    se: Floats
    df: Floats
    low: Floats
    high: Floats
    p: Floats
    level: float
    tipping: tuple[float | None, float | None]
    imputed: int
    m: int
    outcome: str = ""
    provenance: Provenance | None = None

    @property
    def at_zero(self) -> int:
        """Position of the delta nearest to 0: missing at random."""
        return int(np.argmin(np.abs(self.deltas)))

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at delta 0."""
        return bool(self.p[self.at_zero] < 1 - self.level)


def delta_curve(
    Y: ArrayLike,
    arm: ArrayLike,
    *,
    wave: int,
    arms: tuple[str, ...],
    waves: tuple[str, ...],
    first: int,
    second: int,
    deltas: ArrayLike,
    shifted: Shifted = "first",
    covariates: ArrayLike | None = None,
    level: float = 0.95,
    m: int = 50,
    seed: int,
) -> DeltaCurve:
    r"""Impute under missingness at random, shift, analyse and pool, for each delta.

    Parameters
    ----------
    Y : array_like, shape (n, waves)
        Scores; the first wave before treatment.
    arm : array_like of int, shape (n,)
        Arm of each person.
    wave : int
        Position of the wave that is compared.
    arms, waves : tuple of str
        Their names.
    first, second : int
        The difference is arm `first` minus arm `second`.
    deltas : array_like, shape (k,)
        Shifts in the outcome's units, rising.
    shifted : {"first", "second", "both"}
        Whose imputed scores are shifted.
    covariates : array_like, shape (n, q), optional
        Complete and centred; adjusted for.
    level : float, default 0.95
        Level of intervals; the test is at its complement.
    m : int, default 50
        Imputations.
    seed : int
        Seed.

    Returns
    -------
    DeltaCurve
        With the tipping points nearest to 0.

    Raises
    ------
    DataError
        Where nobody's score is missing in the arms that are shifted, or nothing can be imputed.

    Notes
    -----
    Pattern-mixture model: scores of those who left differ by delta from those of like people who stayed
    (Carpenter and Kenward, 2013, *Multiple imputation and its application*, chapter 10). Imputations by normal
    regressions within arms on all waves; each table by analysis of covariance on the first wave. Estimates are linear
    and residual sums of squares quadratic in delta, so that one fit of scores and one of the indicator of the imputed
    serve all deltas.
    """
    scores, group, steps = (np.asarray(x) for x in (Y, arm, deltas))
    scores, steps = scores.astype(np.float64), steps.astype(np.float64)
    if shifted not in ("first", "second", "both"):
        raise DataError(choices("Whose scores are shifted", shifted, ("first", "second", "both")))
    q = np.empty((len(scores), 0)) if covariates is None else np.asarray(covariates, dtype=np.float64)
    gone = np.isnan(scores[:, wave])
    whose = {"first": group == first, "second": group == second, "both": np.isin(group, (first, second))}[shifted]
    moved = gone & whose
    if not moved.any():
        raise DataError(f"Nobody's score at {waves[wave]} is missing in the arms that would be shifted.")
    tables = _imputed(scores, group, len(arms), q, m, seed)
    y, before = tables[:, :, wave], tables[:, :, 0]
    estimate, variance, df = _pooled(y, before, q, group, moved, (first, second), steps)
    return _curve(
        steps, estimate, variance, df, level,
        wave=waves[wave], first=arms[first], second=arms[second], shifted=shifted, imputed=int(moved.sum()), m=m,
    )  # fmt: skip


def _imputed(Y: Floats, arm: NDArray[np.int64], arms: int, q: Floats, m: int, seed: int) -> Floats:
    columns = [Gap(name=f"wave {t + 1}", values=Y[:, t], kind="normal") for t in range(Y.shape[1])]
    columns += [Gap(name=f"covariate {j + 1}", values=q[:, j], kind="normal") for j in range(q.shape[1])]
    return impute_chained(columns, arm, arms, m=m, seed=np.random.SeedSequence([seed, 80]))


def _pooled(
    y: Floats,
    before: Floats,
    q: Floats,
    arm: NDArray[np.int64],
    moved: NDArray[np.bool_],
    compared: tuple[int, int],
    deltas: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Return pooled estimates, total variances and degrees of freedom, one a delta."""
    m, n = y.shape
    arms = int(arm.max()) + 1
    fixed = np.broadcast_to(np.column_stack([np.eye(arms)[arm], q]), (m, n, arms + q.shape[1]))
    X = np.concatenate([fixed, (before - before.mean(axis=1, keepdims=True))[:, :, None]], axis=2)
    weights = np.zeros(X.shape[2])
    weights[list(compared)] = 1.0, -1.0
    inverse = np.linalg.inv(np.swapaxes(X, 1, 2) @ X)
    targets = np.stack([y, np.broadcast_to(moved.astype(np.float64), y.shape)], axis=2)
    beta = inverse @ (np.swapaxes(X, 1, 2) @ targets)
    left = targets - X @ beta
    slopes = np.einsum("p,mpk->mk", weights, beta)
    squares = np.einsum("mnk,mnl->mkl", left, left)
    at = np.stack([np.ones_like(deltas), deltas])
    each = slopes @ at
    df = n - X.shape[2]
    spread = np.einsum("kd,mkl,ld->md", at, squares, at) / df
    within = (spread * np.einsum("p,mpq,q->m", weights, inverse, weights)[:, None]).mean(axis=0)
    between = each.var(axis=0, ddof=1)
    total = within + (1 + 1 / m) * between
    nu = np.array([barnard_rubin(b, t, m, df) for b, t in zip(between, total, strict=True)])
    return each.mean(axis=0), total, nu


def _curve(deltas: Floats, estimate: Floats, variance: Floats, df: Floats, level: float, **words: object) -> DeltaCurve:
    se = np.sqrt(variance)
    half = special.stdtrit(df, (1 + level) / 2) * se
    t = np.abs(estimate / se)
    excess = np.abs(estimate) - half
    return DeltaCurve(
        deltas=deltas,
        estimate=estimate,
        se=se,
        df=df,
        low=estimate - half,
        high=estimate + half,
        p=2 * special.stdtr(df, -t),
        level=level,
        tipping=(_crossing(deltas, excess, below=True), _crossing(deltas, excess, below=False)),
        **words,  # type: ignore[arg-type]
    )


def _crossing(deltas: Floats, excess: Floats, *, below: bool) -> float | None:
    """Return the delta nearest to 0 on one side at which the sign turns, by linear interpolation."""
    zero = int(np.argmin(np.abs(deltas)))
    path = range(zero, 0, -1) if below else range(zero, deltas.size - 1)
    step = -1 if below else 1
    for i in path:
        a, b = excess[i], excess[i + step]
        if (a > 0) != (b > 0):
            return float(deltas[i] + (deltas[i + step] - deltas[i]) * a / (a - b))
    return None
