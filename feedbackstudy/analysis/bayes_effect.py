"""The Bayes factor of one effect as a result: its prior, its posterior, and what another width would have said."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from feedbackstudy.analysis.bayesian.cell_contrast import exponential
from feedbackstudy.analysis.bayesian.robustness import Robustness
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.reported import Reported, without_numbers
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Notice, Page, bayes_factor, interval, number

__all__ = ["EffectBayesFactor", "IntervalFactors"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalFactors:
    """Bayes factors of an effect inside and outside an interval, each against no effect at all.

    Attributes
    ----------
    low, high : float
        The interval, in the units of the effect.
    log_inside, log_outside : float
        Natural logarithms.
    """

    low: float
    high: float
    log_inside: float
    log_outside: float

    @property
    def inside(self) -> float:
        """Bayes factor of an effect inside the interval against none."""
        return exponential(self.log_inside)

    @property
    def outside(self) -> float:
        """Bayes factor of an effect outside the interval against none."""
        return exponential(self.log_outside)

    @property
    def inside_over_outside(self) -> float:
        """Bayes factor of inside against outside: evidence for a negligible effect where the interval is narrow."""
        return exponential(self.log_inside - self.log_outside)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EffectBayesFactor(Reported):
    """The Bayes factor of one effect.

    Attributes
    ----------
    title : str
        What was compared.
    statistic : str
        Name of the test statistic: ``"t"`` or ``"r"``.
    value : float
        Its value.
    df : float or None
        Degrees of freedom of t.
    n : tuple of int
        Rows, or rows of each group.
    log_bayes_factor : float
        Natural logarithm of the Bayes factor for an effect against none.
    prior : str
        The prior in words.
    posterior : Posterior
        Of the effect, given that there is one.
    curve : Robustness
        The Bayes factor over a range of prior widths.
    within : IntervalFactors or None
        Bayes factors of an interval, where one was asked for.
    notes : tuple of str
        What was left out, and in which direction the difference is taken.
    provenance : Provenance
        What made it.
    script : RScript
        The same in R.
    model : callable
        Makes the PyMC model.
    """

    title: str
    statistic: str
    value: float
    df: float | None
    n: tuple[int, ...]
    log_bayes_factor: float
    prior: str
    posterior: Posterior
    curve: Robustness
    within: IntervalFactors | None
    notes: tuple[str, ...]
    provenance: Provenance
    script: RScript
    model: Callable[[], Any]

    @property
    def bayes_factor(self) -> float:
        """Bayes factor for an effect against none; infinite beyond what a float holds."""
        return exponential(self.log_bayes_factor)

    def robustness(self) -> Robustness:
        """Return the Bayes factor over a range of prior widths.

        Returns
        -------
        Robustness
            From a fifth to five times the width that was used.
        """
        return self.curve

    def r_script(self) -> RScript:
        """Return the same Bayes factor in R.

        Returns
        -------
        RScript
            With its data; needs the package BayesFactor.
        """
        return self.script

    def pymc_model(self) -> Any:  # noqa: ANN401 - a type of PyMC, which only the Bayesian room imports
        """Return the model with an effect, to sample or extend; the table's numbers are by quadrature.

        Returns
        -------
        pymc.Model
            Data, prior and likelihood; the flat priors of location and scale are improper.
        """
        return self.model()

    @property
    def failures(self) -> tuple[str, ...]:
        """Why it is not fit to report; empty where it is."""
        return without_numbers(
            {
                "Bayes factor": self.log_bayes_factor,
                "posterior": self.posterior.median,
                "credible limit": self.posterior.low + self.posterior.high,
            }
        )

    def frame(self) -> pd.DataFrame:
        """Return the result as a table of one row.

        Returns
        -------
        DataFrame
            Columns ``statistic, value, df, bayes_factor, log_bayes_factor, effect, low, high, level, prior``.
        """
        return pd.DataFrame(
            [
                {
                    "statistic": self.statistic,
                    "value": self.value,
                    "df": self.df,
                    "bayes_factor": self.bayes_factor,
                    "log_bayes_factor": self.log_bayes_factor,
                    "effect": self.posterior.median,
                    "low": self.posterior.low,
                    "high": self.posterior.high,
                    "level": self.posterior.level,
                    "prior": self.prior,
                }
            ]
        )

    def page(self) -> Page:
        """Return the result as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        df = "" if self.df is None else f"({self.df:g})"
        post = self.posterior
        pairs = [
            (f"{self.statistic}{df}", number(self.value)),
            ("n", " and ".join(map(str, self.n))),
            ("Bayes factor", bayes_factor(self.bayes_factor)),
            ("prior", self.prior),
            (
                post.quantity,
                f"median {number(post.median)}, {post.level:.0%} {post.interval_kind} {interval(post.low, post.high)}",
            ),
        ]
        if self.within is not None:
            where = interval(self.within.low, self.within.high)
            pairs += [
                (f"in {where} against 0", bayes_factor(self.within.inside)),
                (f"outside {where} against 0", bayes_factor(self.within.outside)),
                ("in against outside", bayes_factor(self.within.inside_over_outside)),
            ]
        low, high = float(self.curve.bayes_factors.min()), float(self.curve.bayes_factors.max())
        widths = f"widths {self.curve.scales[0]:.3g} to {self.curve.scales[-1]:.3g}"
        pairs.append((widths, f"{bayes_factor(low)} to {bayes_factor(high)}"))
        blocks: list[Block] = [
            *self.stops(),
            Facts(tuple(pairs)),
            *(Notice(note) for note in self.notes),
            self.provenance.facts(),
        ]
        return Page(title=self.title, subtitle="Bayes factor for an effect against none", blocks=tuple(blocks))
