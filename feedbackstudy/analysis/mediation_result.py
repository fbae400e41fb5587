"""What a mediation analysis says: every effect, both ways, with what it takes for granted."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from feedbackstudy.analysis.bayesian.one_table import of_one_table
from feedbackstudy.analysis.bayesian.path_posterior import PathPosterior
from feedbackstudy.analysis.frequentist.bootstrap import PathDraws
from feedbackstudy.analysis.frequentist.path_fit import DeltaEffects, PathFit
from feedbackstudy.analysis.mediation_answers import PathAnswer
from feedbackstudy.analysis.mediation_design import PathDesign
from feedbackstudy.analysis.mediation_tables import effect_row, effects_table, equations_table
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import (
    Block,
    Facts,
    Notice,
    Numbered,
    Page,
    Rendered,
    Text,
    interval,
    number,
    p_value,
)

if TYPE_CHECKING:
    from feedbackstudy.analysis.bayesian.robustness import Robustness
    from feedbackstudy.analysis.confounding import Confounding
    from feedbackstudy.analysis.mediation_views import ConditionalEffects, EffectDraws
    from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["Mediation"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mediation(Rendered):
    """Effects of a path model, by bootstrap and by exact posterior.

    Attributes
    ----------
    answers : tuple of PathAnswer
        Every effect: legs, indirect, direct, total, conditional, indices, differences.
    design : PathDesign
        Equations.
    fit : PathFit
        Coefficients, by `method`.
    delta : DeltaEffects
        Effects with normal-theory standard errors, from `fit`.
    draws : PathDraws
        Of the bootstrap, or of the coefficients' normal distribution.
    posterior : PathPosterior
        Exact draws.
    n, n_given : int
        Rows used, and rows of the table.
    interval : str
        Kind of the frequentist interval.
    level : float
        Level of all intervals.
    standardised : str
        What standardised effects are, in words.
    correlated : bool
        Whether residuals of parallel mediators may be correlated.
    notes : tuple of str
        Assumptions, and what was left out or decided.
    failures : tuple of str
        Why nothing of this may be reported; empty where it may.
    provenance : Provenance
        Conventions, seed, versions.
    about : str
        Name of the effect that a declared hypothesis is about; empty for the indirect one.
    method : str
        How the equations were estimated.
    """

    answers: tuple[PathAnswer, ...]
    design: PathDesign
    fit: PathFit
    delta: DeltaEffects
    draws: PathDraws
    posterior: PathPosterior
    n: int
    n_given: int
    interval: str
    level: float
    standardised: str
    correlated: bool
    notes: tuple[str, ...]
    failures: tuple[str, ...]
    provenance: Provenance
    about: str = ""
    method: str = "least squares"

    @property
    def fit_to_report(self) -> bool:
        """Whether nothing forbids reporting."""
        return not self.failures

    @property
    def main(self) -> PathAnswer:
        """The effect the model is about: the index of moderated mediation, or else the (total) indirect effect."""
        if self.about:
            return self[self.about]
        index = [a for a in self.answers if a.effect.kind == "index" and f"index: {self.design.full}" in a.effect.name]
        if index:
            return index[-1]
        wanted = (self.design.full, f"{self.design.full} (at the mean)", f"{self.design.full} (average over levels)")
        return next(a for a in self.answers if a.effect.name in wanted)

    def __getitem__(self, name: str) -> PathAnswer:
        """Return one effect by its name."""
        for answer in self.answers:
            if answer.effect.name == name:
                return answer
        raise DataError(choices("Effect", name, [a.effect.name for a in self.answers]))

    def frame(self) -> pd.DataFrame:
        """Return one row for each effect, both ways.

        Returns
        -------
        DataFrame
            ``effect, kind, at``; ``estimate, se`` (draws), ``se_delta``, ``low, high, p``, ``p_joint``;
            ``p_equivalence``; ``std_estimate, std_low, std_high``; ``median, sd, hdi_low, hdi_high, prob_direction,
            prob_sesoi, prob_rope, bayes_factor``.
        """
        return pd.DataFrame([effect_row(a, float(self.delta.se[i])) for i, a in enumerate(self.answers)])

    def coefficients(self) -> pd.DataFrame:
        """Return every coefficient of every equation.

        Returns
        -------
        DataFrame
            ``response, predictor, estimate, se, df, t, p`` by least squares; ``median, sd, low, high`` (equal tails)
            of the posterior; ``r2`` of the equation.
        """
        system, tail = self.design.system, (1 - self.level) / 2
        low, median, high = np.quantile(self.posterior.theta, [tail, 0.5, 1 - tail], axis=0)
        p = self.fit.p
        rows = []
        for k, equation in enumerate(system.equations):
            for i, column in enumerate(equation.predictors, start=system.offsets[k]):
                rows.append(
                    {
                        "response": system.columns[equation.response],
                        "predictor": system.columns[column],
                        "estimate": float(self.fit.theta[i]),
                        "se": float(self.fit.se[i]),
                        "df": float(self.fit.df[i]),
                        "t": float(self.fit.theta[i] / self.fit.se[i]),
                        "p": float(p[i]),
                        "median": float(median[i]),
                        "sd": float(self.posterior.theta[:, i].std(ddof=1)),
                        "low": float(low[i]),
                        "high": float(high[i]),
                        "r2": float(self.fit.r2[k]),
                    }
                )
        return pd.DataFrame(rows)

    def sensitivity(self, effect: str = "", *, leg: int = -1) -> "Confounding":
        """Say how strong an unmeasured common cause of mediator and outcome must be to explain an indirect effect.

        Parameters
        ----------
        effect : str
            Name of an effect that is one product; the one through all mediators, or the first, by default.
        leg : int, default -1
            Which leg the common cause distorts; the last (mediator to outcome) by default.

        Returns
        -------
        Confounding
            The effect over the residual correlation, and the values at which it vanishes.
        """
        from feedbackstudy.analysis.confounding import confounding

        return confounding(self, effect, leg=leg)

    def robustness(self, effect: str = "", *, fold: float = 5.0, points: int = 21) -> "Robustness":
        """Return an effect's Bayes factor over the width of the prior of its legs.

        Parameters
        ----------
        effect : str
            Name of an effect that is one product; the main one by default.
        fold : float, default 5
            From the declared prior standard deviations / fold to those x fold.
        points : int, default 21
            Widths.

        Returns
        -------
        Robustness
            See `analysis.bayesian.path_robustness.path_robustness`; ``report.figure`` draws it.
        """
        from feedbackstudy.analysis.bayesian.path_robustness import path_robustness

        drawn, asked = self.posterior, self[effect] if effect else self.main
        found = path_robustness(
            self.design.system, asked.effect, priors=drawn.priors, cluster=drawn.cluster, fold=fold, points=points
        )
        return replace(found, script=self.r_script)

    def density(self, effect: str = "") -> "EffectDraws":
        """Return one effect's bootstrap draws beside its posterior, for a picture.

        Parameters
        ----------
        effect : str
            Name of the effect; the main one by default.

        Returns
        -------
        EffectDraws
            ``report.figure`` draws it.
        """
        from feedbackstudy.analysis.mediation_views import effect_draws

        return effect_draws(self, effect)

    def conditional(self, effect: str = "") -> "ConditionalEffects":
        """Return an effect over the values of its moderator, for a picture.

        Parameters
        ----------
        effect : str
            Name of the effect without its value; the indirect one by default.

        Returns
        -------
        ConditionalEffects
            ``report.figure`` draws it.
        """
        from feedbackstudy.analysis.mediation_views import conditional_effects

        return conditional_effects(self, effect)

    def pymc_model(self, table: int | None = None) -> Any:  # noqa: ANN401
        """Return the PyMC model whose posterior the exact draws are from, to inspect or extend.

        Parameters
        ----------
        table : int, optional
            Which completed table, from 1; needed where the posterior averages those of several.

        Returns
        -------
        pymc.Model
            Every effect is a deterministic variable of its name.

        Raises
        ------
        DataError
            Where no table was chosen of several.
        """
        from feedbackstudy.analysis.bayesian.path_pymc import models_of

        effects = [answer.effect for answer in self.answers]
        return of_one_table(models_of(self.posterior, self.design.system, effects), table)

    def r_script(self) -> "RScript":
        """Return a script with its data that computes the same effects, in lavaan and by their exact posterior.

        Returns
        -------
        RScript
            ``.save(folder)`` writes it.
        """
        from feedbackstudy.analysis.mediation_lavaan import mediation_script

        effects = [(f".e{i}", effect) for i, effect in enumerate(self.design.effects, start=1)]
        return mediation_script(self, effects)

    def sentence(self) -> str:
        """Return the main finding in words.

        Returns
        -------
        str
            Never causal: mediators were measured.
        """
        a = self.main
        shown = (
            f"{a.effect.name}: {number(a.estimate)}, {a.level:.0%} CI {interval(a.low, a.high)}, {p_value(a.p)}; "
            f"posterior median {number(a.posterior.median)}, {a.level:.0%} HDI "
            f"{interval(a.posterior.low, a.posterior.high)}"
        )
        there, also = a.low > 0 or a.high < 0, a.posterior.low > 0 or a.posterior.high < 0
        what = "moderated mediation" if a.effect.kind == "index" else "mediation"
        if there and also:
            return f"{shown}. Both answers are consistent with {what}."
        if there or also:
            return f"{shown}. One answer is consistent with {what}, the other leaves no effect open."
        return f"{shown}. No effect is left open by both answers; neither shows {what}."

    def page(self) -> Page:
        """Return equations, effects and notes as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        stop = tuple(Notice(f"Not fit to report: {text}", tone="error") for text in self.failures)
        facts = Facts(
            (
                ("rows", f"{self.n:,} of {self.n_given:,}" if self.n != self.n_given else f"{self.n:,}"),
                (
                    "frequentist",
                    f"{self.method}; {self.interval}, {len(self.draws.theta):,} draws of {self.draws.units}",
                ),
                ("Bayesian", f"{self.posterior.model}; {len(self.posterior.theta):,}"),
                ("standardised", self.standardised),
            )
        )
        said = () if stop else (Text(self.sentence()),)
        blocks: list[Block] = [*stop, *said, facts, equations_table(self.design, self.fit, self.method)]
        blocks += [
            effects_table(self.answers, self.level, self.interval),
            Numbered(self.notes),
            self.provenance.facts(),
        ]
        design = self.design
        beside = design.structure == "parallel"
        middle = (f"({', '.join(design.mediators)})",) if beside else design.mediators
        return Page(
            title=f"{design.structure.capitalize()} mediation: {' > '.join((design.x, *middle, design.y))}",
            subtitle="Consistent with mediation is the most that measured mediators can be.",
            blocks=tuple(blocks),
        )
