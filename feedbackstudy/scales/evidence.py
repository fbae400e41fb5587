"""What is known about a scale. A figure recalled from memory has no number here, so it can never be reported."""

from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.errors import DataError
from feedbackstudy.named import Fixed, Line, Real

__all__ = ["Band", "Evidence", "Fit", "Norm", "Recalled", "Reliability", "Structure"]

type Seen = Literal["verified", "completed", "own_data"]


class _Sourced(Declaration):
    """A figure with its sample, source and status."""

    sample: Line
    n: int | None = None
    source: Line
    status: Seen

    def cite(self) -> str:
        """Return sample, size and source in brackets.

        Returns
        -------
        str
            Ready to stand after a number.
        """
        size = f", N = {self.n:,}" if self.n is not None else ""
        return f"({self.sample}{size}; {self.source})"


class Reliability(_Sourced):
    """A reliability coefficient: one value, or the range reported.

    Attributes
    ----------
    statistic : str
        Which coefficient: ``alpha``, ``omega_total``, ``retest_r`` ...
    value : float or None
        The coefficient.
    low, high : float or None
        The range over samples, where no single value was reported.
    subscale : str
        Whose it is; empty for the scale.
    """

    statistic: Literal["alpha", "omega", "omega_total", "retest_r"]
    value: Real | None = None
    low: Real | None = None
    high: Real | None = None
    subscale: str = ""

    @model_validator(mode="after")
    def _one_or_range(self) -> Self:
        if (self.value is None) == (self.low is None) or (self.low is None) != (self.high is None):
            raise ValueError(f"reliability in {self.sample!r}: give either 'value', or 'low' and 'high'.")
        for figure in (self.value, self.low, self.high):
            if figure is not None and not -1 <= figure <= 1:
                raise ValueError(f"reliability in {self.sample!r}: {figure} lies outside -1 to 1.")
        return self


class Norm(_Sourced):
    """Mean and spread of the score in a population.

    Attributes
    ----------
    metric : {"sum", "mean"}
        How the items were combined.
    mean, sd : float or None
        Mean and standard deviation.
    percentiles : mapping of str to float
        Percentile -> score.
    subscale : str
        Whose it is; empty for the scale.
    form : str
        The form it was collected with; empty where not recorded.
    """

    metric: Literal["sum", "mean"]
    mean: Real | None = None
    sd: Real | None = None
    percentiles: Fixed[str, Real] = Fixed()
    subscale: str = ""
    form: str = ""

    @model_validator(mode="after")
    def _rising_percentiles(self) -> Self:
        marks = sorted((float(mark), score) for mark, score in self.percentiles.items())
        scores = [score for _, score in marks]
        if scores != sorted(scores) or any(not 0 < mark < 100 for mark, _ in marks):
            raise ValueError(f"norm {self.sample!r}: percentiles lie between 0 and 100 and their scores must not fall.")
        if self.sd is not None and self.sd <= 0:
            raise ValueError(f"norm {self.sample!r}: a standard deviation of {self.sd} is not possible.")
        return self


class Band(Declaration):
    """A named range of scores, as its author drew it.

    Attributes
    ----------
    label : str
        What the author calls it, in our own words.
    low, high : float
        The range, on the scale's metric.
    metric : {"sum", "mean"}
        How the items were combined.
    source : str
        Where it was seen.
    """

    label: Line
    low: Real
    high: Real
    metric: Literal["sum", "mean"]
    source: Line


class Fit(Declaration):
    """Fit of a factor model.

    Attributes
    ----------
    model : str
        The model.
    sample : str
        The sample.
    n : int or None
        Its size.
    estimator : str
        Estimator.
    indices : mapping of str to float
        Index -> value.
    """

    model: Line
    sample: Line
    n: int | None = None
    estimator: str = ""
    indices: Fixed[str, Real]


class Structure(Declaration):
    """The factor structure as published or recomputed.

    Attributes
    ----------
    model : str
        What holds, in one line.
    fits : tuple of Fit
        Fit of models.
    loadings, item_rest, item_means, item_sds : tuple of float
        One value per item, in the order of the form.
    notes : tuple of str
        Replications, alternatives, invariance.
    source : str
        Where it was seen.
    status : {"verified", "completed", "own_data"}
        How it is known.
    """

    model: str
    fits: Many[Fit] = ()
    loadings: Many[Real] = ()
    item_rest: Many[Real] = ()
    item_means: Many[Real] = ()
    item_sds: Many[Real] = ()
    notes: Many[str] = ()
    source: str
    status: Seen


class Recalled(Declaration):
    """Something recalled from memory: words only, to be checked at the source before anybody uses it.

    Attributes
    ----------
    what : str
        What was recalled.
    consult : str
        Where to check it.
    """

    what: Line
    consult: str = ""

    def cite(self) -> str:
        """Refuse to be reported.

        Raises
        ------
        DataError
            Always.
        """
        raise DataError(
            f"{self.what!r} is from memory and is never printed as evidence. Read it off the source "
            f"({self.consult or 'see the citation'}) and enter it in scales/complete.yaml with page and name."
        )


class Evidence(Declaration):
    """What is known about a scale.

    Attributes
    ----------
    reliability : tuple of Reliability
        Coefficients seen at a source.
    norms : tuple of Norm
        Norms seen at a source.
    bands : tuple of Band
        The author's bands of scores.
    structure : Structure or None
        The factor structure.
    notes : tuple of str
        Further facts seen at a source.
    from_memory : tuple of Recalled
        Recalled, not seen: shown as such, never reported.
    """

    reliability: Many[Reliability] = ()
    norms: Many[Norm] = ()
    bands: Many[Band] = ()
    structure: Structure | None = None
    notes: Many[str] = ()
    from_memory: Many[Recalled] = ()

    @model_validator(mode="after")
    def _nothing_is_recalled(self) -> Self:
        figures: tuple[_Sourced, ...] = (*self.reliability, *self.norms)
        texts = [*self.notes, *(band.source for band in self.bands)]
        texts += [text for figure in figures for text in (figure.source, figure.sample)]
        if self.structure is not None:
            texts += [self.structure.model, self.structure.source, *self.structure.notes]
        for text in texts:
            if "from memory" in text.casefold():
                raise ValueError(f"{text!r} stands among the evidence, but is from memory; write it under from_memory.")
        return self

    @property
    def is_empty(self) -> bool:
        """Whether nothing was seen at a source."""
        return not (self.reliability or self.norms or self.structure)
