"""The defensible alternatives of an analysis, declared by name before they are crossed."""

from itertools import product
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from feedbackstudy.declaration import Declaration, Many

__all__ = ["Alternatives", "ClusterHandling", "ModelName", "Specification"]

type ModelName = Literal["gaussian", "robust", "ordinal"]
type ClusterHandling = Literal["ignored", "robust", "random"]
type _Column = Annotated[str, Field(min_length=1)]


class Specification(Declaration):
    """One way through the alternatives.

    Attributes
    ----------
    outcome : str
        The score, as one way of scoring gives it.
    exclusions : tuple of str
        Rules that are applied together.
    covariates : tuple of str
        What is adjusted for.
    model : {"gaussian", "robust", "ordinal"}
        The likelihood.
    clusters : {"ignored", "robust", "random"}
        How clusters are handled.
    """

    outcome: _Column
    exclusions: Many[_Column] = ()
    covariates: Many[_Column] = ()
    model: ModelName = "gaussian"
    clusters: ClusterHandling = "ignored"

    @property
    def possible(self) -> bool:
        """Whether there is a fast model of it: random intercepts go with the normal model only."""
        return self.model == "gaussian" or self.clusters != "random"


class Alternatives(Declaration):
    """What could as well have been done; every combination is one specification.

    Attributes
    ----------
    outcomes : tuple of str
        Scores that measure the same; empty for the outcome that the hypothesis declares.
    exclusions : tuple of (tuple of str)
        Sets of rules, each set one alternative; the empty set keeps everybody. With a study the names are the plan's
        rules, with a data frame its columns of true and false (true is left out).
    covariates : tuple of (tuple of str)
        Sets of covariates. With a study the name of a score means its last measurement before the treatment.
    models : tuple of {"gaussian", "robust", "ordinal"}
        Normal; Student-t with 4 degrees of freedom; cumulative probit of ordered categories.
    clusters : tuple of {"ignored", "robust", "random"}
        Rows as if independent; cluster-robust errors; random intercepts. The Bayesian twin of both of the latter has
        random intercepts in the normal model.
    """

    outcomes: Many[_Column] = ()
    exclusions: Many[Many[_Column]] = ((),)
    covariates: Many[Many[_Column]] = ((),)
    models: Many[ModelName] = ("gaussian",)
    clusters: Many[ClusterHandling] = ("ignored",)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in ("exclusions", "covariates", "models", "clusters"):
            if not getattr(self, name):
                raise ValueError(f"{name} has no alternative; give one at least, such as [[]] for none of them.")
        for name in ("outcomes", "models", "clusters"):
            given = getattr(self, name)
            if len(set(given)) < len(given):
                raise ValueError(f"{name} names an alternative twice ({', '.join(given)}); each counts once.")
        for name in ("exclusions", "covariates"):
            sets = [frozenset(each) for each in getattr(self, name)]
            if len(set(sets)) < len(sets) or any(len(set(e)) < len(e) for e in getattr(self, name)):
                raise ValueError(f"{name} holds the same set, or a name within a set, twice; each counts once.")
        return self

    def crossed(self) -> tuple[Specification, ...]:
        """Return every combination, those that no fast model serves among them.

        Returns
        -------
        tuple of Specification
            In the order of the declaration, the last alternative changing fastest.
        """
        return tuple(
            Specification(outcome=outcome, exclusions=gone, covariates=adjusted, model=model, clusters=clusters)
            for outcome, gone, adjusted, model, clusters in product(
                self.outcomes, self.exclusions, self.covariates, self.models, self.clusters
            )
        )
