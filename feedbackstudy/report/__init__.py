"""Words, tables, pictures and documents: the only place that draws, and with `render` the only one that rounds."""

from feedbackstudy.report import card, result_tables
from feedbackstudy.report.document import document
from feedbackstudy.report.figures import alt_text, figure
from feedbackstudy.report.prose import sentence
from feedbackstudy.report.sections import Section, section
from feedbackstudy.report.tables import ReportTable, table

__all__ = [
    "ReportTable",
    "Section",
    "alt_text",
    "card",
    "document",
    "figure",
    "result_tables",
    "section",
    "sentence",
    "table",
]
