"""The one thread of `feedbackstudy.threads`, under the name by which the estimators of this room know it."""

from feedbackstudy.threads import one_thread as one_thread

__all__ = ["one_thread"]
