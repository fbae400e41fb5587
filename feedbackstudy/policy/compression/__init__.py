"""Least squares and clustered standard errors from grouped sums: exact, in memory that does not grow with the rows."""

from feedbackstudy.policy.compression.compressing import compress_linear
from feedbackstudy.policy.compression.fitting import MarginFit
from feedbackstudy.policy.compression.model import LinearModel, Term

__all__ = ["LinearModel", "MarginFit", "Term", "compress_linear"]
