"""The parts of a `World`: what is assumed of one score, one effect, one covariate, and of the ways data go wrong."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.named import Code, Fixed, Name, Real

__all__ = [
    "Attrition",
    "Carelessness",
    "CellMeans",
    "Correlation",
    "CovariateTruth",
    "Icc",
    "Interacts",
    "Later",
    "Leads",
    "NonCompliance",
    "Outcome",
    "Prior",
    "R",
    "Share",
    "Spread",
]


def _share(value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError(f"{value:g} is no share; give a number from 0 to below 1.")
    return value


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError(f"{value:g} cannot be a spread; give a number above 0 (a variance is never negative).")
    return value


def _correlation(value: float) -> float:
    if not -1 < value < 1:
        raise ValueError(f"{value:g} is no correlation; give a number between -1 and 1, both excluded.")
    return value


def _icc(value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError(
            f"an ICC of {value:g} is impossible: it is a share of variance from 0 to below 1. At 1 everybody in a "
            "cluster would answer alike."
        )
    return value


def _later(days: float) -> float:
    if days < 0:
        raise ValueError(f"{days:g} days: this cannot come before the interview; give 0 or more.")
    return days


type Later = Annotated[Real, AfterValidator(_later)]
"""Days after the interview, from 0."""
type Share = Annotated[Real, AfterValidator(_share)]
"""A proportion from 0 to below 1."""
type Spread = Annotated[Real, AfterValidator(_positive)]
"""A standard deviation or another number above 0."""
type R = Annotated[Real, AfterValidator(_correlation)]
"""A correlation."""
type Icc = Annotated[Real, AfterValidator(_icc)]
"""An intraclass correlation."""


class Outcome(Declaration):
    """The assumed distribution of one score before anything was done to people.

    Attributes
    ----------
    name : str
        Score column.
    mean, sd : float or None
        Of the score. Left out: the middle of its range and a fifth of it; 0 and 1 without a range; 2 and 2.5 for
        counts; 30 and 30 for times. A sum's are those of the sum.
    reliability : float or None
        Of a scale score; .80 where left out, 1 for single columns.
    loadings : tuple of float
        Standardised loadings of the items, instead of a reliability; one for each item.
    probabilities : mapping of str to float
        Code -> probability, for binary, ordinal and nominal columns; even where left out.
    icc : mapping of str to float
        Unit -> intraclass correlation, instead of the world's.
    stability : float or None
        Correlation with itself over waves, instead of the world's.
    """

    name: Name
    mean: Real | None = None
    sd: Spread | None = None
    reliability: Real | None = None
    loadings: Many[R] = ()
    probabilities: Fixed[Code, Real] = Fixed()
    icc: Fixed[Name, Icc] = Fixed()
    stability: R | None = None

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.reliability is not None and not 0 < self.reliability <= 1:
            raise ValueError(
                f"outcome {self.name!r}: a reliability of {self.reliability:g}; give one above 0, up to 1."
            )
        if self.reliability is not None and self.loadings:
            raise ValueError(f"outcome {self.name!r}: loadings fix the reliability; give one of them.")
        if any(loading <= 0 for loading in self.loadings):
            raise ValueError(f"outcome {self.name!r}: loadings are above 0 (reversed items are turned by their key).")
        total = sum(self.probabilities.values())
        if self.probabilities and (abs(total - 1) > 1e-9 or min(self.probabilities.values()) <= 0):
            raise ValueError(
                f"outcome {self.name!r}: probabilities {dict(self.probabilities)} must be above 0 and sum to 1, "
                f"found {total:g}."
            )
        return self


class CellMeans(Declaration):
    """Where the cells of one score stand, relative to the score's mean.

    Attributes
    ----------
    outcome : str
        Score column.
    occasion : str or None
        The wave; every wave after the feedback that asks it where left out.
    cells : mapping of str to float
        Cell key (``"same_day:general"``) or arm -> deviation from the score's mean; 0 where not named.
    unit : {"sd", "raw"}
        Standard deviations within cells, or units of the score (for a binary column: of its probability).
    """

    outcome: Name
    occasion: Name | None = None
    cells: Fixed[str, Real]
    unit: Literal["sd", "raw"] = "sd"


class Correlation(Declaration):
    """The correlation of two scores within cells, at the same wave.

    Attributes
    ----------
    between : tuple of str
        Two score columns or covariates.
    r : float
        The correlation.
    """

    between: Many[Name]
    r: R

    @model_validator(mode="after")
    def _two(self) -> Self:
        if len(set(self.between)) != 2:
            raise ValueError(f"a correlation is one between two different things; found {list(self.between)}.")
        return self


class Leads(Declaration):
    """A path from one score to another: the part of a mediation that is not the manipulation.

    Attributes
    ----------
    outcome : str
        Score that is changed.
    occasion : str
        Its wave.
    by : str
        The score that changes it.
    by_occasion : str
        The wave of that score; the same or an earlier one.
    slope : float
        Change of the outcome in standard deviations for one of `by`, the others that lead to the outcome held still.
    """

    outcome: Name
    occasion: Name
    by: Name
    by_occasion: Name
    slope: R


class Interacts(Declaration):
    """An effect that depends on what somebody brings along.

    Attributes
    ----------
    outcome : str
        Score that is changed.
    occasion : str or None
        Its wave; every wave after the feedback where left out.
    factor, level, against : str
        The difference that depends.
    by : str
        A covariate.
    slope : float
        How much the difference grows, in standard deviations of the outcome, for one standard deviation of `by`.
    """

    outcome: Name
    occasion: Name | None = None
    factor: Name
    level: Code
    against: Code
    by: Name
    slope: Real


class CovariateTruth(Declaration):
    """What is assumed of a covariate.

    Attributes
    ----------
    name : str
        Covariate.
    mean, sd : float or None
        Of a continuous or count covariate; 0 and 1, or 2 and 2.5 where left out.
    probabilities : mapping of str to float
        Code -> probability for the other kinds; even where left out.
    r : float
        Correlation with every score, unless a `Correlation` says otherwise; 0 for nominal covariates.
    """

    name: Name
    mean: Real | None = None
    sd: Spread | None = None
    probabilities: Fixed[Code, Real] = Fixed()
    r: R = 0.0

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        total = sum(self.probabilities.values())
        if self.probabilities and (abs(total - 1) > 1e-9 or min(self.probabilities.values()) <= 0):
            raise ValueError(f"covariate {self.name!r}: probabilities must be above 0 and sum to 1, found {total:g}.")
        return self


class Attrition(Declaration):
    r"""Who does not come back.

    Attributes
    ----------
    share : float
        Of those still there, the share lost before each wave after the first.
    by_cell : mapping of str to float
        Cell key or arm -> its own share.
    because_of : str or None
        A score. People low on it leave more often where `strength` is negative.
    at : {"before", "now"}
        The score at the last wave, which is known (missing at random), or at the wave that is missed (not at random:
        because of the outcome).
    strength : float
        Correlation of the readiness to stay away with that score.

    Notes
    -----
    Somebody leaves where a normal readiness exceeds its threshold:
    :math:`P = \Phi[(\Phi^{-1}(share) + \rho z) / \sqrt{1 - \rho^2}]`, z being the standardised score.
    """

    share: Share = 0.0
    by_cell: Fixed[str, Share] = Fixed()
    because_of: Name | None = None
    at: Literal["before", "now"] = "before"
    strength: R = 0.0

    @model_validator(mode="after")
    def _has_a_reason(self) -> Self:
        if bool(self.strength) != bool(self.because_of):
            raise ValueError(
                "attrition: 'because_of' (a score) and 'strength' (a correlation other than 0) belong together."
            )
        return self


class NonCompliance(Declaration):
    """Who does not get what was assigned.

    Attributes
    ----------
    share : float
        Of the people in each cell of the crossing.
    by_cell : mapping of str to float
        Cell key -> its own share.
    instead : str
        What they get: ``"nothing"`` (they stay at the score's mean), or an arm or cell whose means they take over.
    """

    share: Share = 0.0
    by_cell: Fixed[str, Share] = Fixed()
    instead: str = "nothing"


class Carelessness(Declaration):
    """Who does not read the questions.

    Attributes
    ----------
    share : float
        Of all people, in all waves.
    straight : float
        Of the careless, the share that gives one answer to all items; the others answer at random.
    passes : float
        Probability that an attentive person passes an attention check.
    """

    share: Share = 0.0
    straight: Annotated[Real, AfterValidator(lambda value: value if value == 1 else _share(value))] = 0.5
    passes: Annotated[Real, AfterValidator(lambda value: value if value == 1 else _share(value))] = 0.98


class Prior(Declaration):
    """How sure one is of a hypothesis' effect: a normal prior.

    Attributes
    ----------
    mean, sd : float
        Of the effect, in the unit of `unit`.
    unit : {"sd", "raw"}
        Standard deviations, or units of the score.
    """

    mean: Real
    sd: Spread
    unit: Literal["sd", "raw"] = "sd"
