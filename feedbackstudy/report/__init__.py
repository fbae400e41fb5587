"""Words, tables, pictures and documents: the only place that draws, and with `render` the only one that rounds."""

import feedbackstudy.report.card
import feedbackstudy.report.claims
import feedbackstudy.report.mediation_words
import feedbackstudy.report.psychometric_tables
import feedbackstudy.report.result_tables  # noqa: F401  (they register their tables and sections)
from feedbackstudy.report.amendments import Amendments, amendments
from feedbackstudy.report.consort import consort
from feedbackstudy.report.document import document
from feedbackstudy.report.explorer import Explorer, explorer
from feedbackstudy.report.figures import alt_text, figure
from feedbackstudy.report.policy_registration import PolicyRegistration, policy_amendments, policy_registration
from feedbackstudy.report.policy_report import PolicyReport
from feedbackstudy.report.preregistration import Preregistration, preregistration
from feedbackstudy.report.prose import sentence
from feedbackstudy.report.sections import Section, section
from feedbackstudy.report.styling import styled
from feedbackstudy.report.tables import ReportTable, table

__all__ = [
    "Amendments",
    "Explorer",
    "PolicyRegistration",
    "PolicyReport",
    "Preregistration",
    "ReportTable",
    "Section",
    "alt_text",
    "amendments",
    "consort",
    "document",
    "explorer",
    "figure",
    "policy_amendments",
    "policy_registration",
    "preregistration",
    "section",
    "sentence",
    "styled",
    "table",
]
