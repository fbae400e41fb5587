"""What may leave: small cells, the cells that would give them away, and rounding."""

from feedbackstudy.policy.disclosure.passing import Disclosed, DisclosurePolicy
from feedbackstudy.policy.disclosure.suppression import Suppressed, suppress

__all__ = ["Disclosed", "DisclosurePolicy", "Suppressed", "suppress"]
