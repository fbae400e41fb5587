"""`World`: everything that is assumed true, declared; all that simulation and power go by."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, model_validator

from feedbackstudy.declaration import Declaration, Many, from_document
from feedbackstudy.errors import InputError
from feedbackstudy.files import write_atomic
from feedbackstudy.frames import Responses, Scores
from feedbackstudy.named import Fixed, Name, Named, Real
from feedbackstudy.render import Page, Rendered
from feedbackstudy.simulate.truths import (
    Attrition,
    Carelessness,
    CellMeans,
    Correlation,
    CovariateTruth,
    Icc,
    Interacts,
    Later,
    Leads,
    NonCompliance,
    Outcome,
    Prior,
    R,
    Share,
)
from feedbackstudy.simulate.varying import paths_of, varied
from feedbackstudy.study import Study
from feedbackstudy.yamlfile import Document, YamlValue

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
    within : float
        Where factors vary within people: correlation of a score with itself over two stories of one person.
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
    trend : mapping of str to float
        Score -> change in standard deviations from one period of a stepped wedge to the next, whatever people get.
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
    notes : tuple of str
        What stands behind the assumptions, and what could not be known.

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
    within: Share = 0.6
    icc: Fixed[Name, Icc] = Fixed()
    icc_convention: Literal["total", "residual"] = "total"
    exemplar: Icc = 0.0
    exemplar_by_cell: Icc = 0.0
    leads: Many[Leads] = ()
    interacts: Many[Interacts] = ()
    covariates: Named[CovariateTruth] = Named()
    drift: Fixed[Name, Real] = Fixed()
    trend: Fixed[Name, Real] = Fixed()
    fade_half_life: Real | None = None
    decision_after_days: Later = 7.0
    attrition: Attrition = Attrition()
    skipped: Share = 0.0
    non_compliance: NonCompliance = NonCompliance()
    carelessness: Carelessness = Carelessness()
    priors: Fixed[Name, Prior] = Fixed()
    effects: Literal["means", "priors"] = "means"
    notes: Many[str] = ()

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
        exemplars 2 % of variance; each factor shows in the score that checks it (1 standard deviation between its
        extreme levels) and in no other check; covariates correlate .2 with scores; 10 % are lost before each later
        wave and 1 % of answers, at random; 3 % answer carelessly. These are assumptions for planning and no evidence.
        """
        from feedbackstudy.simulate.assumed import assumed_fields

        return cls(**assumed_fields(study))

    @classmethod
    def from_data(cls, data: YamlValue | Responses | Scores, document: Document | Study | None = None) -> Self:
        """Return a world estimated from the data of a study, such as a pilot's: ``World.from_data(scores, study)``.

        Parameters
        ----------
        data : Responses or Scores
            Answers to the study; reliabilities and skipped answers need responses. Plain data, as read from YAML, are
            taken as the declaration of a world.
        document : Study
            The study; for plain data the file that they came from, if any.

        Returns
        -------
        World
            Means of cells, standard deviations, reliabilities (alpha), correlations within cells, stabilities, ICCs
            (one-way analysis of variance), covariates, attrition by cell; `notes` says what could not be estimated.

        Raises
        ------
        InputError
            Where the data do not belong to the study, or hold none of its scores, or no study is given.

        Notes
        -----
        Effects estimated from a small pilot are no basis for a sample size; take spreads and correlations from the
        data, and effects from what would matter: ``World.from_data(...).with_effects(study, {...})``.
        """
        if not isinstance(data, Responses | Scores):
            return super().from_data(data, None if isinstance(document, Study) else document)
        if not isinstance(document, Study):
            raise InputError("World.from_data(data, study) needs the study that the data belong to.")
        from feedbackstudy.simulate.estimating import estimated

        return cls(**dict(estimated(data, document)))

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
        """Write the world as YAML, with a line about every assumption.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Path
            The file written.
        """
        from feedbackstudy.simulate.world_file import world_text

        return write_atomic(Path(path), world_text(self))

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
        from feedbackstudy.simulate.world_page import world_page

        return world_page(self)

    def __str__(self) -> str:
        return Rendered.__str__(self)
