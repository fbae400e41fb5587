"""What may leave: small cells, the cells that would give them away, and rounding."""

from feedbackstudy.collect.suppression import Suppressed, suppress
from feedbackstudy.policy.disclosure.disclosed import Disclosed, DisclosedEffects, DisclosedEvents, DisclosedImpact
from feedbackstudy.policy.disclosure.passing import DisclosurePolicy

__all__ = [
    "Disclosed",
    "DisclosedEffects",
    "DisclosedEvents",
    "DisclosedImpact",
    "DisclosurePolicy",
    "Suppressed",
    "suppress",
]
