"""The smallest effect of interest and the region of practical equivalence, in the units of the estimate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from feedbackstudy.analysis.compile import Question
from feedbackstudy.design.hypotheses import RATIOS
from feedbackstudy.design.plan import ByRope, Rope

__all__ = ["Measured", "Thresholds", "measured_by", "thresholds"]

type Measured = Literal["points", "probability", "rate", "rating", "log odds", "log rate", "latent"]

_ROUNDED = 1 + 1e-9
_LOGISTIC_SD = float(np.pi / np.sqrt(3))
_DEFAULT: Mapping[str, Measured] = {"binary": "log odds", "count": "log rate", "ordinal": "latent"}
_BY_UNIT: Mapping[tuple[str, str], Measured] = {
    ("binary", "percentage_points"): "probability",
    ("binary", "raw"): "probability",
    ("count", "raw"): "rate",
    ("ordinal", "raw"): "rating",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What an estimate is held against, in the estimate's units (ratios as their logarithm).

    Attributes
    ----------
    sesoi : float or None
        Smallest effect of interest, without sign.
    rope : tuple of (float, float) or None
        Region of practical equivalence.
    notes : tuple of str
        How they were converted, or why they could not be.
    """

    sesoi: float | None = None
    rope: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


def measured_by(asked: Question) -> Measured:
    """Return what the estimate of a question is measured in: what its smallest effect is stated in, where it can be.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.

    Returns
    -------
    str
        ``"points"`` of the measure, ``"probability"``, ``"rate"``, expected ``"rating"``, or the scale of the model.
    """
    family = asked.family or "gaussian"
    smallest = asked.hypothesis.sesoi
    unit = smallest.unit if smallest is not None else ""
    return _BY_UNIT.get((family, unit), _DEFAULT.get(family, "points"))


def thresholds(asked: Question, *, sd: float | None, sd_x: float | None = None) -> Thresholds:
    r"""Convert smallest effect and region into the units of the estimate.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    sd : float or None
        Pooled standard deviation of the outcome within cells; of the latent variable for an ordinal outcome.
    sd_x : float, optional
        The predictor's, for slopes.

    Returns
    -------
    Thresholds
        None where nothing is declared, or where the unit cannot be converted, which a note says. Where the plan's
        region reaches beyond the smallest effect of the hypothesis, an effect would be of interest and negligible at
        once: it ends there, and a note says so.

    Notes
    -----
    A slope's "sd" is standardised on both sides. r of a difference between means becomes
    :math:`d = 2r / \sqrt{1 - r^2}`; d becomes a log odds ratio by :math:`\pi / \sqrt 3`.
    """
    units = _units(asked, sd, sd_x)
    notes: list[str] = []
    sesoi = _smallest(asked, units, notes)
    return Thresholds(sesoi=sesoi, rope=_region(asked, units, sesoi, notes), notes=tuple(notes))


def _smallest(asked: Question, units: Mapping[str, Callable[[float], float]], notes: list[str]) -> float | None:
    declared = asked.hypothesis.sesoi
    if declared is None:
        return None
    if declared.unit not in units:
        notes.append(f"the smallest effect in {declared.unit} cannot be put on the scale of this estimate")
        return None
    size = abs(units[declared.unit](declared.value))
    if declared.unit == "sd" and asked.kind in {"cells", "path"} and asked.family in {"gaussian", None}:
        notes.append(f"SESOI {declared.value:g} sd = {size:.3g} points, by the pooled sd within cells")
    return size


def _region(
    asked: Question, units: Mapping[str, Callable[[float], float]], sesoi: float | None, notes: list[str]
) -> tuple[float, float] | None:
    rope = _declared_rope(asked)
    if rope is None:
        return (-sesoi, sesoi) if sesoi else None
    if rope.unit not in units:
        notes.append(f"the ROPE in {rope.unit} cannot be put on the scale of this estimate")
        return None
    low, high = units[rope.unit](rope.low), units[rope.unit](rope.high)
    beyond = sesoi is not None and (high > sesoi * _ROUNDED or -low > sesoi * _ROUNDED)
    if sesoi is None or not beyond:
        return low, high
    if isinstance(asked.criterion, ByRope) and asked.criterion.rope is not None:
        notes.append(
            f"the declared ROPE [{low:.3g}, {high:.3g}] reaches beyond the smallest effect of interest, {sesoi:.3g}"
        )
        return low, high
    notes.append(
        f"the plan's ROPE [{low:.3g}, {high:.3g}] reaches beyond the smallest effect of this hypothesis and ends "
        f"there, at {sesoi:.3g}"
    )
    return max(low, -sesoi), min(high, sesoi)


def _declared_rope(asked: Question) -> Rope | None:
    criterion = asked.criterion
    if isinstance(criterion, ByRope) and criterion.rope is not None:
        return criterion.rope
    return asked.plan.rope


def _units(asked: Question, sd: float | None, sd_x: float | None) -> dict[str, Callable[[float], float]]:
    """Return declared unit -> conversion into the estimate's unit."""
    scale = measured_by(asked)
    log_ratios: dict[str, Callable[[float], float]] = dict.fromkeys(RATIOS, np.log) | {"log_ratio": float}
    if scale in {"probability", "rate", "rating"}:
        own: dict[str, Callable[[float], float]] = {"raw": float}
        return own | ({"percentage_points": lambda v: v / 100} if scale == "probability" else {})
    if scale == "log odds":
        return {
            "odds_ratio": log_ratios["odds_ratio"],
            "log_ratio": float,
            "sd": lambda v: v * _LOGISTIC_SD,
            "r": lambda v: 2 * v / np.sqrt(1 - v * v) * _LOGISTIC_SD,
        }
    if scale == "log rate":
        return {"rate_ratio": log_ratios["rate_ratio"], "log_ratio": float}
    spread = sd if sd is not None else 1.0
    if scale == "latent":
        return {"sd": lambda v: v * spread, "odds_ratio": lambda v: float(np.log(v)) * spread / _LOGISTIC_SD}
    return _of_points(asked, spread, sd_x)


def _of_points(asked: Question, sd: float, sd_x: float | None) -> dict[str, Callable[[float], float]]:
    if asked.kind == "path":
        return {"raw": float, "sd": lambda v: v * sd, "standardised_path": lambda v: v * sd}
    if asked.kind in {"slope", "slopes"}:
        ratio = sd / sd_x if sd_x else sd
        return {"raw": float, "sd": lambda v: v * ratio, "r": lambda v: v * ratio}
    return {
        "raw": float,
        "sd": lambda v: v * sd,
        "r": lambda v: 2 * v / np.sqrt(1 - v * v) * sd,
        "percentage_points": lambda v: v / 100,
    }
