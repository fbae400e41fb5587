"""The contrasts of a question as a reader would say them, with the scale of the estimate."""

from collections.abc import Mapping
from dataclasses import dataclass

from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.problem import Metric
from feedbackstudy.analysis.thresholds import Measured, measured_by
from feedbackstudy.design.wording import contrast_in_words
from feedbackstudy.study import Study

__all__ = ["Worded", "worded"]

_SCALES: Mapping[Measured, str] = {
    "probability": "difference of probabilities",
    "rate": "difference of expected counts",
    "rating": "difference of expected ratings",
    "log odds": "odds ratio",
    "log rate": "rate ratio",
    "latent": "on the latent scale",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """Contrasts in words.

    Attributes
    ----------
    contrasts : tuple of str
        One for each row of weights.
    joint : str
        All of them at once; empty where there is one.
    measured : str
        What the estimate is measured in.
    """

    contrasts: tuple[str, ...]
    joint: str
    measured: Measured

    @property
    def ratio(self) -> bool:
        """Whether the estimate is the exponential of the model's contrast."""
        return self.measured in {"log odds", "log rate"}


def worded(asked: Question, study: Study, metric: Metric) -> Worded:
    """Put a question into words.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    study : Study
        The study, for the labels.
    metric : Metric
        The outcome's scale.

    Returns
    -------
    Worded
        Contrasts with outcome and scale.
    """
    measured = measured_by(asked)
    outcome = asked.hypothesis.outcome.replace("_", " ") + (f" at {asked.occasion}" if asked.occasion else "")
    change = f", change since {asked.minus.occasion}" if asked.minus is not None else ""
    path = asked.hypothesis.path
    apart = path.moderator.by if path is not None and path.moderator is not None else ""
    words = asked.phrase or contrast_in_words(asked.hypothesis.contrast, study.crossing, apart=apart)
    scale = _SCALES.get(measured) or _points(asked, metric)
    several = len(asked.labels) > 1
    contrasts = asked.labels if several else (words,)
    return Worded(
        contrasts=tuple(f"{outcome}{change}: {text} ({scale})" for text in contrasts),
        joint=f"{outcome}{change}: {words} (partial eta squared)" if several else "",
        measured=measured,
    )


def _points(asked: Question, metric: Metric) -> str:
    unit = metric.unit or "points"
    if metric.bounded:
        unit += f" of {metric.low:g} to {metric.high:g}"
    sloped = asked.predictor is not None and asked.kind != "path" and not asked.phrase
    return f"{unit} for one unit of {asked.predictor}" if sloped else unit
