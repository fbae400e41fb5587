"""The one place where results become HTML or text: escape, format a number, lay out a page."""

from feedbackstudy.render.page import Block, Facts, Notice, Numbered, Page, Rendered, Table, Text, table_of
from feedbackstudy.render.text import (
    bayes_factor,
    clean,
    counted,
    escape,
    interval,
    number,
    p_value,
    probability,
    unbroken,
)

__all__ = [
    "Block",
    "Facts",
    "Notice",
    "Numbered",
    "Page",
    "Rendered",
    "Table",
    "Text",
    "bayes_factor",
    "clean",
    "counted",
    "escape",
    "interval",
    "number",
    "p_value",
    "probability",
    "table_of",
    "unbroken",
]
