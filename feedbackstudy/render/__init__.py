"""The one place where results become HTML or text: escape, format a number, lay out a page."""

from feedbackstudy.render.page import Block, Facts, Notice, Numbered, Page, Rendered, Table, Text, table_of
from feedbackstudy.render.text import clean, escape, interval, number, p_value, unbroken

__all__ = [
    "Block",
    "Facts",
    "Notice",
    "Numbered",
    "Page",
    "Rendered",
    "Table",
    "Text",
    "clean",
    "escape",
    "interval",
    "number",
    "p_value",
    "table_of",
    "unbroken",
]
