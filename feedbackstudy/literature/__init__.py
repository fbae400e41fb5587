"""What others found: meta-analysis, reproduction of published analyses, and checks of printed numbers."""

from feedbackstudy.literature.card import Reproduction
from feedbackstudy.literature.consistency import grim, recompute
from feedbackstudy.literature.findings import Findings, Value
from feedbackstudy.literature.meta import MetaAnalysis, meta_analysis
from feedbackstudy.literature.published import Published
from feedbackstudy.literature.reproduction import reproduce, reproductions

__all__ = [
    "Findings",
    "MetaAnalysis",
    "Published",
    "Reproduction",
    "Value",
    "grim",
    "meta_analysis",
    "recompute",
    "reproduce",
    "reproductions",
]
