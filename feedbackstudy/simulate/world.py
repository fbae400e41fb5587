"""`World`: everything that is assumed true, declared; all that simulation and power go by."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, model_validator

from feedbackstudy.declaration import Declaration, Many, from_document, to_document
from feedbackstudy.named import Fixed, Name, Named, Real
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, number, table_of
from feedbackstudy.simulate.truths import (
    Attrition,
    Carelessness,
    CellMeans,
    Correlation,
    CovariateTruth,
    Icc,
    Interacts,
    Leads,
    NonCompliance,
    Outcome,
    Prior,
    R,
    Share,
)
from feedbackstudy.simulate.varying import paths_of, varied
from feedbackstudy.study import Study

__all__ = ["World"]


def _at_least_one(n: int) -> int:
    if n < 1:
        raise ValueError(f"n = {n}; nobody would be there. Give at least 1.")
    return n


class World(Rendered, Declaration):
    r"""The assumed truth of a study.

    Attributes
    ----------
    n : mapping of str to int
        Unit -> number, instead of the study's own.
    metric : {"score", "latent"}
        Whether means in standard deviations, correlations and ICCs are those of the scores that an analyst sees, or of
        the latent variables behind them (scores then show them attenuated).
    outcomes : Named of Outcome
        Distribution of each score.
    means : tuple of CellMeans
        Effects, as deviations of cells; later entries for a score and wave replace earlier ones.
    effect_scale : float
        All deviations are multiplied by it; 0 is a world without effects.
    correlation : float
        Of two scores of one person at one wave, unless `correlations` says otherwise.
    correlations : tuple of Correlation
        Single correlations.
    stability : float
        Correlation of a score with itself at another wave; two scores at two waves correlate by the product.
    stability_shape : {"constant", "autoregressive"}
        Whether the stability is the same for all pairs of waves, or is raised to the number of waves between.
    icc : mapping of str to float
        Unit -> share of variance between its units, for every score.
    icc_convention : {"total", "residual"}
        Whether effects in standard deviations are in units of the total or of the within-cluster standard deviation.
    exemplar, exemplar_by_cell : float
        Shares of variance, after the feedback, between the exemplars of the messages in all cells alike, and between
        an exemplar's texts in different cells: effects that differ from exemplar to exemplar.
    leads : tuple of Leads
        Paths between scores, in causal order.
    interacts : tuple of Interacts
        Effects that depend on a covariate.
    covariates : Named of CovariateTruth
        What is assumed of covariates.
    drift : mapping of str to float
        Score -> change in standard deviations over 30 days since the interview, whatever people get.
    fade_half_life : float or None
        Days after the feedback in which effects halve; None where they last.
    decision_after_days : float
        Days from interview to decision.
    attrition : Attrition
        Who does not come back.
    skipped : float
        Share of single answers left out.
    non_compliance : NonCompliance
        Who does not get what was assigned.
    carelessness : Carelessness
        Who does not read.
    priors : mapping of str to Prior
        Hypothesis -> prior of its effect, for assurance.
    effects : {"means", "priors"}
        Whether effects are those of `means`, or are drawn from `priors` anew in every invented study; other contrasts
        stay as `means` has them. Power is then assurance.

    Notes
    -----
    Within a cell all latent variables are standard normal. Scores are functions of them (thresholds for graded answers,
    lognormal rates for counts), calibrated so that each score has its mean, standard deviation and reliability, and
    pairs their correlations, exactly in the population.
    """

    n: Fixed[Name, Annotated[int, AfterValidator(_at_least_one)]] = Fixed()
    metric: Literal["score", "latent"] = "score"
    outcomes: Named[Outcome] = Named()
    means: Many[CellMeans] = ()
    effect_scale: Real = 1.0
    correlation: R = 0.3
    correlations: Many[Correlation] = ()
    stability: R = 0.6
    stability_shape: Literal["constant", "autoregressive"] = "constant"
    icc: Fixed[Name, Icc] = Fixed()
    icc_convention: Literal["total", "residual"] = "total"
    exemplar: Icc = 0.0
    exemplar_by_cell: Icc = 0.0
    leads: Many[Leads] = ()
    interacts: Many[Interacts] = ()
    covariates: Named[CovariateTruth] = Named()
    drift: Fixed[Name, Real] = Fixed()
    fade_half_life: Real | None = None
    decision_after_days: Real = 7.0
    attrition: Attrition = Attrition()
    skipped: Share = 0.0
    non_compliance: NonCompliance = NonCompliance()
    carelessness: Carelessness = Carelessness()
    priors: Fixed[Name, Prior] = Fixed()
    effects: Literal["means", "priors"] = "means"

    @model_validator(mode="after")
    def _shares_leave_something(self) -> Self:
        total = sum(self.icc.values()) + self.exemplar + self.exemplar_by_cell
        if total >= 1:
            raise ValueError(
                f"the ICCs {dict(self.icc)} and the exemplars' share sum to {total:g}; they must stay below 1."
            )
        if self.effects == "priors" and not self.priors:
            raise ValueError("effects: priors, but there are no priors; give 'priors' (hypothesis -> mean and sd).")
        if self.fade_half_life is not None and self.fade_half_life <= 0:
            raise ValueError(f"fade_half_life is {self.fade_half_life:g}; give days above 0, or leave it out.")
        return self

    @classmethod
    def assumed(cls, study: Study) -> Self:
        """Return a world to start from: every hypothesis true by its smallest effect of interest.

        Parameters
        ----------
        study : Study
            The study.

        Returns
        -------
        World
            With all assumptions written out, to be read, doubted and changed.

        Raises
        ------
        InputError
            Where the hypotheses' effects contradict each other.

        Notes
        -----
        Effects: the declared smallest effect in the declared direction, 0 for ``negligible``, .2 standard deviations
        where none is declared; the cell means are the smallest (least squares) that give all of these. Paths: each step
        is the root of the declared product, .3 where none is. Scores: middle of the range, a fifth of it as standard
        deviation, reliability .80, correlation .3, stability .6, ICC .05 for every unit that contains participants,
        exemplars 2 % of variance; covariates correlate .2 with scores; 10 % are lost before each later wave and 1 % of
        answers, at random; 3 % answer carelessly. These are assumptions for planning and no evidence.
        """
        from feedbackstudy.simulate.assumed import assumed_fields

        return cls(**assumed_fields(study))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a world from YAML.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        World
            The world.
        """
        return from_document(cls, Path(path))

    def save(self, path: str | Path) -> Path:
        """Write the world as YAML.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Path
            The file written.
        """
        return to_document(self, Path(path))

    def vary(self, changes: Mapping[str, object]) -> Self:
        """Return a world with some assumptions changed.

        Parameters
        ----------
        changes : mapping of str to object
            Path -> new value: ``"attrition.share"``, ``"n.student"``, ``"outcomes.usefulness.sd"``, ``"effect_scale"``.

        Returns
        -------
        World
            A checked copy.

        Raises
        ------
        NotFoundError
            For a path that does not exist; the message has the nearest that do.
        """
        return varied(self, changes)

    def paths(self) -> tuple[str, ...]:
        """Return the paths that `vary` can change.

        Returns
        -------
        tuple of str
            Dotted paths to single values.
        """
        return paths_of(self)

    def drawn(self, study: Study, chance: np.random.Generator) -> Self:
        """Return a world with the effects of `priors` drawn at random; see `World.with_effects`.

        Parameters
        ----------
        study : Study
            The study.
        chance : Generator
            A stream.

        Returns
        -------
        World
            A possible world.
        """
        effects = {name: prior.mean + prior.sd * float(chance.standard_normal()) for name, prior in self.priors.items()}
        units = {name: prior.unit for name, prior in self.priors.items()}
        return type(self)(**{**dict(self.with_effects(study, effects, units=units)), "effects": "means"})

    def with_effects(
        self, study: Study, effects: Mapping[str, float], *, units: Mapping[str, str] | None = None
    ) -> Self:
        """Return a world in which some hypotheses have given effects and all other contrasts stay as they are.

        Parameters
        ----------
        study : Study
            The study.
        effects : mapping of str to float
            Hypothesis -> value of its contrast, signed.
        units : mapping of str to str, optional
            Hypothesis -> ``"sd"`` (default) or ``"raw"``.

        Returns
        -------
        World
            A changed copy.
        """
        from feedbackstudy.simulate.assumed import with_effects

        return type(self)(**{**dict(self), "means": with_effects(study, self, effects, units or {})})

    def page(self) -> Page:
        """Return the assumptions as a page.

        Returns
        -------
        Page
            Ready to render.
        """
        simple = {
            name: value
            for name, value in dict(self).items()
            if isinstance(value, int | float | str) and not isinstance(value, bool)
        }
        facts = Facts(
            tuple((name.replace("_", " "), v if isinstance(v, str) else number(v)) for name, v in simple.items())
        )
        scores = [{"score": o.name, "mean": o.mean, "sd": o.sd, "reliability": o.reliability} for o in self.outcomes]
        cells = [
            {
                "score": m.outcome,
                "occasion": m.occasion or "after feedback",
                "cell": key,
                "deviation": value,
                "unit": m.unit,
            }
            for m in self.means
            for key, value in m.cells.items()
        ]
        notes = [
            ("attrition", ", ".join(f"{k} {v}" for k, v in dict(self.attrition).items() if v)),
            ("icc", ", ".join(f"{k} {v:g}" for k, v in self.icc.items())),
            ("carelessness", ", ".join(f"{k} {v:g}" for k, v in dict(self.carelessness).items())),
        ]
        blocks: list[Block] = [
            facts,
            Facts(tuple((k, v) for k, v in notes if v)),
            Notice("Assumed for planning; no evidence."),
        ]
        blocks += [table_of(scores, caption="Scores")] if scores else []
        blocks += [table_of(cells, caption="Cell means, as deviations")] if cells else []
        return Page(title="World", subtitle="what is assumed true", blocks=tuple(blocks))

    def __str__(self) -> str:
        return Rendered.__str__(self)
