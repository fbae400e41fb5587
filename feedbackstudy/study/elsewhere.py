"""Keys that people look for in study.yaml and that stand in another file."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ASSUMPTIONS", "IN_THE_WORLD"]

ASSUMPTIONS = (
    "metric", "outcomes", "means", "effect_scale", "correlation", "correlations", "stability", "stability_shape",
    "within", "icc", "icc_convention", "exemplar", "exemplar_by_cell", "leads", "interacts", "drift", "trend",
    "fade_half_life", "decision_after_days", "attrition", "skipped", "non_compliance", "carelessness", "priors",
    "effects", "notes",
)  # fmt: skip
"""What a World assumes and a Study does not know."""

IN_THE_WORLD: Mapping[str, str] = MappingProxyType(
    {
        key: f"{key!r} is an assumption and no part of the plan; it belongs in world.yaml. Write one with "
        "`feedbackstudy simulate STUDY --save-world world.yaml`, change it there, and give it back with "
        "--world world.yaml."
        for key in ASSUMPTIONS
    }
)
"""Key -> where it belongs."""
