"""All specifications of a multiverse with both answers, and what they say together."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_contrast import exponential
from feedbackstudy.analysis.bayesian.contrast_mixture import averaged, quantiles
from feedbackstudy.analysis.bayesian.normal_mixture import NormalMixture
from feedbackstudy.analysis.multiverse_declared import Alternatives, Specification
from feedbackstudy.analysis.multiverse_rows import MultiverseRows
from feedbackstudy.analysis.multiverse_script import multiverse_script
from feedbackstudy.analysis.multiverse_test import JointMultiverseTest, sign_flips
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Table, Text, interval, number, probability

__all__ = ["AveragedPosterior", "Multiverse", "SpecificationRow"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

_SHOWN = 12
_KINDS = ("outcome", "exclusions", "covariates", "model", "clusters")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpecificationRow:
    """One specification, answered both ways.

    Attributes
    ----------
    specification : Specification
        What was done.
    n : int
        Rows that entered.
    estimate, se, df, p : float
        Frequentist answer, in units of the score.
    unit : float
        What one standard deviation is, in the same units.
    d, d_low, d_high : float
        The same in standard deviations, with its 95 % confidence interval.
    median, lower, upper : float
        Posterior median in standard deviations, with its 95 % equal-tailed interval.
    prob_direction : float
        Posterior probability of the sign of the median.
    log_bayes_factor : float
        Natural logarithm of the Bayes factor for an effect.
    mixture : NormalMixture
        The posterior in standard deviations.
    shares : ndarray, shape (n,)
        What each row adds to d where there is no effect; 0 for rows that did not enter.
    """

    specification: Specification
    n: int
    estimate: float
    se: float
    df: float
    p: float
    unit: float
    d: float
    d_low: float
    d_high: float
    median: float
    lower: float
    upper: float
    prob_direction: float
    log_bayes_factor: float
    mixture: NormalMixture
    shares: Floats

    @property
    def bayes_factor(self) -> float:
        """Bayes factor for an effect against none."""
        return exponential(self.log_bayes_factor)

    def choice(self, kind: str) -> str:
        """Return one choice in words.

        Parameters
        ----------
        kind : str
            ``"outcome"``, ``"exclusions"``, ``"covariates"``, ``"model"`` or ``"clusters"``.

        Returns
        -------
        str
            Names joined by a plus; ``"none"`` for the empty set.
        """
        chosen = getattr(self.specification, kind)
        return chosen if isinstance(chosen, str) else " + ".join(chosen) or "none"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AveragedPosterior:
    """The posterior averaged over specifications with equal weights.

    Attributes
    ----------
    median, lower, upper : float
        In standard deviations, with the 95 % equal-tailed interval.
    prob_direction : float
        Probability of the sign of the median.
    prob_sesoi : float or None
        Probability of an effect beyond the smallest one of interest, in the expected direction.
    """

    median: float
    lower: float
    upper: float
    prob_direction: float
    prob_sesoi: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Multiverse(Rendered):
    """One question answered by every declared analysis. Make it with `multiverse` or `multiverse_of_frame`.

    Attributes
    ----------
    comparison : str
        The question.
    alternatives : Alternatives
        What was crossed.
    rows : tuple of SpecificationRow
        In the order of the crossing.
    impossible : tuple of Specification
        Combinations that have no fast model: random intercepts beside a likelihood that is not normal.
    failed : tuple of (Specification, str)
        Specifications that the data could not carry, and why.
    units : ndarray, shape (n,)
        Units that are independent of each other, for the joint test.
    sesoi : float or None
        Smallest effect of interest in standard deviations.
    direction : str
        Expected sign.
    table : MultiverseRows
        The rows that all specifications share.
    provenance : Provenance
        What made it.
    """

    comparison: str
    alternatives: Alternatives
    rows: tuple[SpecificationRow, ...]
    impossible: tuple[Specification, ...]
    failed: tuple[tuple[Specification, str], ...]
    units: Ints
    sesoi: float | None
    direction: str
    table: MultiverseRows
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def effects(self) -> Floats:
        """Effects in standard deviations, one for each specification."""
        return np.array([row.d for row in self.rows])

    @property
    def median_effect(self) -> float:
        """Median of the effects over specifications."""
        return float(np.median(self.effects))

    def share_significant(self, alpha: float = 0.05) -> float:
        """Return the share of specifications with p below alpha and the sign of the median effect.

        Parameters
        ----------
        alpha : float, default 0.05
            Level.

        Returns
        -------
        float
            The share.
        """
        sign = np.sign(self.median_effect)
        return float(np.mean([row.p < alpha and np.sign(row.d) == sign for row in self.rows]))

    def share_certain(self, probability: float = 0.975) -> float:
        """Return the share of specifications whose posterior has the sign of the median effect with this probability.

        Parameters
        ----------
        probability : float, default 0.975
            Least probability of direction.

        Returns
        -------
        float
            The share.
        """
        sign = np.sign(self.median_effect)
        return float(np.mean([row.prob_direction > probability and np.sign(row.median) == sign for row in self.rows]))

    def posterior(self) -> AveragedPosterior:
        """Return the posterior averaged over specifications, each with the same weight.

        Returns
        -------
        AveragedPosterior
            Specifications use the same people, so this is a summary over choices and no sum of evidence.
        """
        mixture = averaged([row.mixture for row in self.rows])
        low, median, high = quantiles(mixture, np.array([0.025, 0.5, 0.975]))
        above = mixture.above(0.0)
        beyond = None
        if self.sesoi is not None:
            down = self.direction == "negative" or (self.direction != "positive" and median < 0)
            beyond = mixture.below(-self.sesoi) if down else mixture.above(self.sesoi)
        return AveragedPosterior(
            median=float(median),
            lower=float(low),
            upper=float(high),
            prob_direction=max(above, 1 - above),
            prob_sesoi=beyond,
        )

    def joint_test(self, *, seed: int, draws: int = 1999, alpha: float = 0.05) -> JointMultiverseTest:
        """Test whether all specifications together are what chance makes where there is no effect in any.

        Parameters
        ----------
        seed : int
            Seed of the sign flips.
        draws : int, default 1999
            Sign flips.
        alpha : float, default 0.05
            Level at which a single specification counts as significant.

        Returns
        -------
        JointMultiverseTest
            Tests of the median effect, of the share of significant specifications, of the mean t, and of the share of
            posteriors that are certain of the direction.
        """
        figures = [(row.df, row.se / row.unit, row.mixture.mean, row.mixture.sd) for row in self.rows]
        shares, (df, errors, centres, sds) = np.array([row.shares for row in self.rows]), np.array(figures).T
        effects = np.abs(shares.sum(axis=1))  # a prior draws towards nothing: no posterior mean is larger
        gains = np.minimum(np.abs(centres), effects) / np.where(effects == 0, 1.0, effects) / sds
        return sign_flips(
            shares, self.units, errors, df, gains,
            seed=seed, draws=draws, alpha=alpha, provenance=self.provenance, count=len(self),
        )  # fmt: skip

    def r_script(self) -> RScript:
        """Return a script that fits every specification anew: base R, clubSandwich, lmerTest, ordinal.

        Returns
        -------
        RScript
            Frequentist answers, numbered from 1 in the order of `rows`.
        """
        return multiverse_script(self.table, [row.specification for row in self.rows])

    def frame(self) -> pd.DataFrame:
        """Return all specifications, unrounded.

        Returns
        -------
        DataFrame
            One row each: the choices, then both answers.
        """
        names = [f.name for f in fields(SpecificationRow) if f.name not in ("specification", "mixture", "shares")]
        return pd.DataFrame(
            [
                {kind: row.choice(kind) for kind in _KINDS} | {name: getattr(row, name) for name in names}
                for row in self.rows
            ]
        ).assign(bayes_factor=[row.bayes_factor for row in self.rows])

    def by_choice(self) -> pd.DataFrame:
        """Return the median effect and the share of significant specifications for each alternative.

        Returns
        -------
        DataFrame
            One row for each alternative of a choice that has several: choice, alternative, specifications, median_d,
            share_significant, median_posterior.
        """
        table = self.frame()
        parts = []
        for kind in _KINDS:
            if table[kind].nunique() < 2:
                continue
            for alternative, part in table.groupby(kind, sort=False):
                sign = np.sign(self.median_effect)
                parts.append(
                    {
                        "choice": kind,
                        "alternative": str(alternative),
                        "specifications": len(part),
                        "median_d": float(part["d"].median()),
                        "share_significant": float(((part["p"] < 0.05) & (np.sign(part["d"]) == sign)).mean()),
                        "median_posterior": float(part["median"].median()),
                    }
                )
        columns = ["choice", "alternative", "specifications", "median_d", "share_significant", "median_posterior"]
        return pd.DataFrame(parts, columns=columns)

    def page(self) -> Page:
        """Return shares, medians, the averaged posterior, and what each choice does.

        Returns
        -------
        Page
            Ready to render.
        """
        post, effects = self.posterior(), self.effects
        pairs = [
            ("specifications", f"{len(self)}"),
            ("median effect", f"{number(self.median_effect)} sd, from {number(float(effects.min()))} to "
                              f"{number(float(effects.max()))}"),
            ("p < .05 with its sign", f"{self.share_significant():.1%}"),
            ("P(direction) > .975 with its sign", f"{self.share_certain():.1%}"),
            ("posterior, averaged", f"{number(post.median)} {interval(post.lower, post.upper)}, "
                                    f"P(direction) {probability(post.prob_direction)}"),
        ]  # fmt: skip
        pairs += [("P(beyond SESOI), averaged", number(post.prob_sesoi, unit_interval=True))] if post.prob_sesoi else []
        rows = tuple(
            (str(r["choice"]), str(r["alternative"]), str(r["specifications"]), number(r["median_d"]),
             f"{r['share_significant']:.0%}", number(r["median_posterior"]))
            for r in self.by_choice().to_dict("records")
        )  # fmt: skip
        blocks: list[Block] = [Facts(tuple(pairs))]
        heads = ("choice", "alternative", "specifications", "median d", "p < .05", "median posterior")
        blocks += [Table(heads, rows, "What each choice does")] if rows else []
        blocks += self._left_out()
        blocks += [
            Text("Specifications share their people: their number is no evidence. The joint test takes all at once."),
            self.provenance.facts(),
        ]
        return Page(title="Multiverse", subtitle=self.comparison, blocks=tuple(blocks))

    def _left_out(self) -> list[Block]:
        said: list[Block] = []
        if self.impossible:
            words = f"{len(self.impossible)} combinations are not crossed: random intercepts go with the normal model."
            said.append(Text(words))
        for one, why in self.failed[:_SHOWN]:
            said.append(Notice(f"Not fitted: {one.model_dump()}. {why}", tone="warning"))
        if len(self.failed) > _SHOWN:
            said.append(Notice(f"{len(self.failed) - _SHOWN} more were not fitted; see `failed`.", tone="warning"))
        return said
