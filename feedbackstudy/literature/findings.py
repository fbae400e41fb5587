"""What an analysis of published data hands back: values by id, estimates, and what can be drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from feedbackstudy.errors import DataError

if TYPE_CHECKING:
    from feedbackstudy.analysis.estimate import Estimate, Estimates

__all__ = ["Findings", "Value"]

_NONE: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One recomputed value, with everything that is needed to judge it against the printed one.

    Attributes
    ----------
    value : float or None
        The recomputed value at full precision; None where it cannot be computed, and `note` says what is missing.
    se : float or None
        Its standard error or posterior standard deviation; judges values printed near zero.
    low, high : float or None
        Its interval, compared with the printed interval for the decision "does it exclude the null?".
    p : float or None
        Its p value, compared with the printed one for the decision at alpha.
    bayes_factor : float or None
        Its Bayes factor, compared with the printed one by evidence band.
    mcse : float or None
        Monte-Carlo standard error of a value from simulation.
    rhat : float or None
        Split R-hat of the chains that it comes from.
    ess : float or None
        Effective sample size of those chains.
    input_interval : tuple of (float, float) or None
        Where the value can lie when every rounded input moves by half a unit (see `push_through`).
    other_definitions : mapping of str to float
        Documented formula -> value, where a field uses more than one formula for the same name.
    other_choice : mapping of str to float
        What could be done instead -> value, where a choice had to be made to match; shown side by side.
    note : str
        What a reader must know about how the value was made.
    flag_explained : str
        Why a decision flag on this value is no contradiction; empty where there is nothing to explain.
    """

    value: float | None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    bayes_factor: float | None = None
    mcse: float | None = None
    rhat: float | None = None
    ess: float | None = None
    input_interval: tuple[float, float] | None = None
    other_definitions: Mapping[str, float] = field(default_factory=lambda: _NONE)
    other_choice: Mapping[str, float] = field(default_factory=lambda: _NONE)
    note: str = ""
    flag_explained: str = ""

    def __post_init__(self) -> None:
        if self.value is None and not self.note:
            raise DataError("A Value without a number must say in 'note' which input or method is missing.")
        if self.input_interval is not None and not self.input_interval[0] <= self.input_interval[1]:
            raise DataError(f"input_interval {self.input_interval} is upside down; give (lowest, highest).")

    @classmethod
    def of(cls, row: "Estimate", *, note: str = "") -> Self:
        """Return an estimate as a value, with its interval, standard error, p value and Bayes factor.

        Parameters
        ----------
        row : Estimate
            A row of the estimates.
        note : str
            What a reader must know about it.

        Returns
        -------
        Value
            Ready for `Findings`.
        """
        return cls(
            value=row.estimate,
            se=row.se,
            low=row.low,
            high=row.high,
            p=row.p,
            bayes_factor=row.bayes_factor,
            rhat=row.rhat,
            ess=row.ess,
            note=note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What ``analyse(data, study)`` returns.

    Attributes
    ----------
    values : mapping of str to Value
        Id in ``published.yaml`` -> recomputed value. An id left out is reported as "not computable".
    estimates : Estimates or None
        The answers to the study's hypotheses, frequentist and Bayesian side by side.
    shows : tuple of object
        What `report.figure` can draw: a `MetaAnalysis`, a `Posterior`, `Frequencies`.
    choices : tuple of str
        Ids of the choices made to match (declared in ``published.yaml``) that this run made.
    claims : str
        What the result means for its claim, in one or two sentences.
    seed : int or None
        Seed of everything random in the analysis.
    """

    values: Mapping[str, Value]
    estimates: "Estimates | None" = None
    shows: tuple[object, ...] = ()
    choices: tuple[str, ...] = ()
    claims: str = ""
    seed: int | None = None
