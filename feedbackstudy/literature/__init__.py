"""What others found: meta-analysis, reproduction of published analyses, and checks of printed numbers."""

from feedbackstudy.literature.card import Reproduction
from feedbackstudy.literature.findings import Findings, Value
from feedbackstudy.literature.grim import Grim, grim
from feedbackstudy.literature.meta import MetaAnalysis, meta_analysis
from feedbackstudy.literature.published import Published
from feedbackstudy.literature.reproduction import reproduce, reproductions
from feedbackstudy.literature.statcheck import PrintedTest, check_test

__all__ = [
    "Findings",
    "Grim",
    "MetaAnalysis",
    "PrintedTest",
    "Published",
    "Reproduction",
    "Value",
    "check_test",
    "grim",
    "meta_analysis",
    "reproduce",
    "reproductions",
]
