"""What is measured: the scale library, batteries, scoring and the evidence behind every key."""

from feedbackstudy.scales.library import Library, library
from feedbackstudy.scales.library import find_scales as find
from feedbackstudy.scales.library import get_scale as get
from feedbackstudy.scales.library import list_scales as list
from feedbackstudy.scales.recode import declare_missing, shift_codes
from feedbackstudy.scales.scale import IncompleteScaleError, Scale
from feedbackstudy.scales.scoring import score

__all__ = [
    "IncompleteScaleError",
    "Library",
    "Scale",
    "declare_missing",
    "find",
    "get",
    "library",
    "list",
    "score",
    "shift_codes",
]
