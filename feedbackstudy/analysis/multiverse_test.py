"""Do all specifications together show more than chance makes? Sign flips of independent units, the same in each."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.errors import DataError
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Table, Text, interval, number, p_value

__all__ = ["JointMultiverseTest", "JointStatistic", "sign_flips"]

type Floats = NDArray[np.float64]

_BLOCK = 250
_FEW_UNITS = 12
_NAMES = ("median effect", "share significant", "mean t", "share P(direction) > .975")
_CERTAIN = float(special.ndtri(0.975))
_IN_R = """\
# Rows: what each unit adds to the effect of each specification; then its critical t, its posterior mean over standard
# deviation for one unit of effect, and its standard error.
table <- as.matrix(responses)
shares <- table[seq_len({units}), , drop = FALSE]
bound <- table[{units} + 1, ]
gain <- table[{units} + 2, ]
spread <- table[{units} + 3, ]
dominant <- function(z, bound) pmax(rowMeans(z > bound), rowMeans(z < -bound))
across <- function(limit, rows) matrix(limit, rows, ncol(shares), byrow = TRUE)
statistics <- function(effects) {{
  n <- nrow(effects)
  z <- effects / across(spread, n)
  cbind("median effect" = apply(effects, 1, median), "share significant" = dominant(z, across(bound, n)),
        "mean t" = rowMeans(z),
        "share P(direction) > .975" = dominant(effects * across(gain, n), across(qnorm(.975), n)))
}}
seen <- statistics(t(colSums(shares)))
set.seed({seed})
beyond <- 0
for (draw in seq_len({draws})) {{
  flipped <- statistics(t(colSums(shares * sample(c(-1, 1), {units}, replace = TRUE))))
  beyond <- beyond + (abs(flipped) >= abs(seen) - 1e-12)
}}
for (name in colnames(seen)) {{
  show(paste("observed", name), seen[1, name])
  show(paste("p", name), (1 + beyond[1, name]) / ({draws} + 1))
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointStatistic:
    """One statistic of all specifications at once.

    Attributes
    ----------
    name : str
        What it is.
    observed : float
        In the data.
    low, high : float
        Middle 95 % of it where there is no effect in any specification.
    p : float
        Share of flips at least as far from no effect, the data counted as one of them.
    """

    name: str
    observed: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointMultiverseTest(Rendered):
    """Joint tests of a multiverse. Make it with `Multiverse.joint_test`.

    Attributes
    ----------
    statistics : tuple of JointStatistic
        Median effect, share of significant specifications in the dominant direction, mean t, and (Bayesian) the share
        of specifications with P(direction) > .975 in the dominant direction.
    specifications, units, draws : int
        How many there are.
    alpha : float
        Level of a single specification.
    effects : ndarray, shape (specifications,)
        Effects in order.
    curve : tuple of ndarray, shape (specifications,)
        Lower and upper limit of the middle 95 % of the sorted effects where there is no effect.
    sums : ndarray, shape (units, specifications)
        What each unit adds to each effect.
    bounds, gains, errors : ndarray, shape (specifications,)
        Critical t of each specification, posterior mean over standard deviation for one unit of effect, and standard
        error.
    seed : int
        Of the flips.
    provenance : Provenance
        What made it.
    """

    statistics: tuple[JointStatistic, ...]
    specifications: int
    units: int
    draws: int
    alpha: float
    effects: Floats
    curve: tuple[Floats, Floats]
    sums: Floats
    bounds: Floats
    gains: Floats
    errors: Floats
    seed: int
    provenance: Provenance

    def r_script(self) -> RScript:
        """Return the same sign flips in base R.

        Returns
        -------
        RScript
            Shows ``observed`` of every statistic, equal to `statistics`, and ``p``, which is
            as close as other flips of the same number make it.
        """
        table = pd.DataFrame(
            np.vstack([self.sums, self.bounds, self.gains, self.errors]),
            columns=[f"s{k + 1}" for k in range(self.sums.shape[1])],
        )
        body = _IN_R.format(units=self.units, draws=self.draws, seed=self.seed)
        return RScript(made_by="Multiverse.joint_test", body=body, data=table, name="joint_test")

    def __getitem__(self, name: str) -> JointStatistic:
        """Return one statistic by its name."""
        for one in self.statistics:
            if one.name == name:
                return one
        raise DataError(f"No statistic {name!r} here; there are: {', '.join(one.name for one in self.statistics)}.")

    def page(self) -> Page:
        """Return the statistics.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple(
            (
                one.name,
                number(one.observed),
                interval(one.low, one.high),
                p_value(one.p).removeprefix("p ").removeprefix("= "),
            )
            for one in self.statistics
        )
        heads = ("statistic", "observed", "middle 95 % without effect", "p")
        blocks: list[Block] = [
            Facts((("specifications", str(self.specifications)), ("independent units", str(self.units)),
                   ("sign flips", str(self.draws)))),
            Table(heads, rows, "Joint tests"),
            Text(
                "Hypothesis: no specification has an effect. Each flip gives every unit's share in all effects a "
                "random sign, the same in all specifications, so that their dependence is kept; t divides an effect "
                "by the standard error of the table, for the data and for every flip, and posteriors are taken as "
                "normal, their mean in proportion to the effect. Two-sided. Several tests of "
                "one question: name the one that decides before looking; the median effect is the first choice."
            ),
        ]  # fmt: skip
        if self.units < _FEW_UNITS:
            blocks.append(Notice(f"Only {self.units} units: flips are coarse and p is rough.", tone="warning"))
        return Page(title="Joint test of a multiverse", blocks=(*blocks, self.provenance.facts()))


def sign_flips(
    shares: Floats,
    units: NDArray[np.int64],
    errors: Floats,
    df: Floats,
    gains: Floats,
    *,
    seed: int,
    draws: int,
    alpha: float,
    provenance: Provenance,
    count: int,
) -> JointMultiverseTest:
    r"""Flip the signs of units' shares.

    Parameters
    ----------
    shares : ndarray, shape (specifications, n)
        What each row adds to each effect, residuals taken without effect; rows sum to the effects.
    units : ndarray of int, shape (n,)
        Independent units.
    errors : ndarray, shape (specifications,)
        Standard error of each effect.
    df : ndarray, shape (specifications,)
        Degrees of freedom of each specification's t.
    gains : ndarray, shape (specifications,)
        Posterior mean over posterior standard deviation for one unit of effect.
    seed, draws : int
        Seed and number of the flips.
    alpha : float
        Level of a single specification.
    provenance : Provenance
        What made the multiverse.
    count : int
        Specifications.

    Returns
    -------
    JointMultiverseTest
        Four statistics.

    Raises
    ------
    DataError
        For fewer than 99 flips or fewer than five units.

    Notes
    -----
    The score (wild) bootstrap under the null (Kline and Santos, 2012, Journal of Econometric Methods 1, 23-41) with
    Rademacher signs, put to the statistics of Simonsohn, Simmons and Nelson (2020, Nature Human Behaviour 4,
    1208-1214). With :math:`\psi_{gk}` the share of unit g in effect k, :math:`d_k = \sum_g \psi_{gk}` and
    :math:`t_k = d_k / s_k` with the standard error of the specification, whose denominator no flip changes: the
    observed statistics are those of the table, and their distribution comes from the units whatever :math:`s_k` is.
    """
    if draws < 99:
        raise DataError(f"A joint test needs 99 sign flips at least; given {draws}.")
    sums = _by_unit(shares, units)
    size = len(sums)
    bound = np.where(np.isinf(df), special.ndtri(1 - alpha / 2), special.stdtrit(np.minimum(df, 1e8), 1 - alpha / 2))
    rng = np.random.default_rng(seed)
    flipped = np.empty((draws, len(_NAMES)))
    sorted_curves = np.empty((draws, shares.shape[0]), dtype=np.float32)
    for start in range(0, draws, _BLOCK):
        signs = rng.integers(0, 2, (min(_BLOCK, draws - start), size)) * 2.0 - 1.0
        effects = signs @ sums
        flipped[start : start + len(signs)] = _statistics(effects, errors, bound, gains)
        sorted_curves[start : start + len(signs)] = np.sort(effects, axis=1)
    seen = _statistics(sums.sum(axis=0)[None, :], errors, bound, gains)[0]
    low, high = np.quantile(flipped, [0.025, 0.975], axis=0)
    below, above = np.quantile(sorted_curves, [0.025, 0.975], axis=0)
    beyond = (np.abs(flipped) >= np.abs(seen) - 1e-12).sum(axis=0)
    return JointMultiverseTest(
        statistics=_said(seen, low, high, (1 + beyond) / (draws + 1)),
        specifications=count,
        units=size,
        draws=draws,
        alpha=alpha,
        effects=np.sort(sums.sum(axis=0)),
        curve=(below.astype(np.float64), above.astype(np.float64)),
        sums=sums,
        bounds=np.asarray(bound, dtype=np.float64),
        gains=gains,
        errors=errors,
        seed=seed,
        provenance=provenance,
    )


def _said(seen: Floats, low: Floats, high: Floats, p: Floats) -> tuple[JointStatistic, ...]:
    each = zip(_NAMES, seen.tolist(), low.tolist(), high.tolist(), p.tolist(), strict=True)
    return tuple(JointStatistic(name=name, observed=a, low=b, high=c, p=d) for name, a, b, c, d in each)


def _by_unit(shares: Floats, units: NDArray[np.int64]) -> Floats:
    codes = np.unique(units, return_inverse=True)[1]
    size = int(codes.max()) + 1
    if size < 5:
        raise DataError(f"{size} independent units are too few to flip signs.")
    sums = np.zeros((size, shares.shape[0]))
    np.add.at(sums, codes, shares.T)
    return sums


def _statistics(effects: Floats, errors: Floats, bound: Floats, gains: Floats) -> Floats:
    t = effects / errors
    return np.column_stack(
        [np.median(effects, axis=1), _dominant(t, bound), t.mean(axis=1), _dominant(effects * gains, _CERTAIN)]
    )


def _dominant(z: Floats, bound: Floats | float) -> Floats:
    """Return the share beyond the bound, in the direction in which it is larger."""
    return np.asarray(np.maximum((z > bound).mean(axis=1), (z < -bound).mean(axis=1)), dtype=np.float64)
