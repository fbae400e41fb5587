"""What others found: meta-analysis, reproduction of published analyses, and checks of printed numbers."""

from feedbackstudy.literature.bare_bones import BareBones, bare_bones
from feedbackstudy.literature.card import Reproduction
from feedbackstudy.literature.findings import Findings, Value
from feedbackstudy.literature.grim import Grim, grim, grim_all
from feedbackstudy.literature.leaving_out import LeaveOneOut, leave_one_out
from feedbackstudy.literature.meta import MetaAnalysis, meta_analysis
from feedbackstudy.literature.metaregression import Asymmetry, Funnel, MetaRegression, egger, funnel, meta_regression
from feedbackstudy.literature.pooling import Pooled, pool
from feedbackstudy.literature.published import Published
from feedbackstudy.literature.reproduction import reproduce, reproductions
from feedbackstudy.literature.rounding import push_through
from feedbackstudy.literature.scaffolding import scaffold
from feedbackstudy.literature.statcheck import PrintedTest, check_test, check_tests

__all__ = [
    "Asymmetry",
    "BareBones",
    "Findings",
    "Funnel",
    "Grim",
    "LeaveOneOut",
    "MetaAnalysis",
    "MetaRegression",
    "Pooled",
    "PrintedTest",
    "Published",
    "Reproduction",
    "Value",
    "bare_bones",
    "check_test",
    "check_tests",
    "egger",
    "funnel",
    "grim",
    "grim_all",
    "leave_one_out",
    "meta_analysis",
    "meta_regression",
    "pool",
    "push_through",
    "reproduce",
    "reproductions",
    "scaffold",
]
