"""Tables for a reader: after APA on paper, one block for each row on a phone, the same content as text."""

from dataclasses import dataclass
from functools import singledispatch
from typing import Literal

from feedbackstudy.errors import InputError
from feedbackstudy.render import Page, Rendered, Table, Text, clean, escape
from feedbackstudy.render.untrusted import inlined
from feedbackstudy.report.page_style import NOTEBOOK_CSS

__all__ = ["Cell", "Column", "ReportTable", "table"]

type Align = Literal["left", "right"]
type Tone = Literal["", "good", "fair", "poor", "quiet"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a report table.

    Attributes
    ----------
    title : str
        Its head.
    align : {"left", "right"}
        Numbers stand right.
    """

    title: str
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a report table.

    Attributes
    ----------
    text : str
        Ready-made text; a line break stays one.
    small : str
        A second, smaller line; empty for none.
    tone : {"", "good", "fair", "poor", "quiet"}
        Sets the text in a box, with a shade that repeats what the words say.
    """

    text: str
    small: str = ""
    tone: Tone = ""

    def html(self) -> str:
        """Return the cell's content, escaped.

        Returns
        -------
        str
            Inline HTML.
        """
        lines = escape(self.text).replace("\n", "<br>").replace("_", "_<wbr>")
        text = f'<span class="fs-tag fs-{self.tone}">{lines}</span>' if self.tone else lines
        small = escape(self.small).replace("\n", "<br>")
        return text + (f"<small>{small}</small>" if small else "")

    def plain(self) -> str:
        """Return the cell as one line of text.

        Returns
        -------
        str
            Both lines, the second in brackets.
        """
        text = self.text.replace("\n", "; ")
        return clean(f"{text} ({self.small.replace(chr(10), ', ')})" if self.small else text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable(Rendered):
    """A table of ready-made cells with a title and notes.

    Attributes
    ----------
    title : str
        Title in the table's head line.
    columns : tuple of Column
        The columns; the first names the row.
    rows : tuple of tuple of (str or Cell)
        As long as `columns`.
    notes : tuple of str
        Notes under the table.
    on_phone : {"stack", "keep"}
        On a narrow screen: one block for each row, or a table still (few and short columns).
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    notes: tuple[str, ...] = ()
    on_phone: Literal["stack", "keep"] = "stack"

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise InputError(f"Table {self.title!r}: a row has {len(row)} cells for {len(self.columns)} columns.")

    def html(self) -> str:
        """Return the table as HTML, escaped, with each cell knowing its column's title.

        Returns
        -------
        str
            A ``<figure>`` that holds the table and its notes.
        """
        head = "".join(f'<th scope="col"{_right(c)}>{escape(c.title)}</th>' for c in self.columns)
        body = "".join(f"<tr>{self._row(row)}</tr>" for row in self.rows)
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes).replace("<p>", "<p><em>Note.</em> ", 1)
        under = f'<div class="fs-notes">{notes}</div>' if notes else ""
        return (
            f'<div class="fs-table fs-{self.on_phone}"><table><caption>{escape(self.title)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{under}</div>"
        )

    def _row(self, row: tuple[str | Cell, ...]) -> str:
        cells = []
        for j, (column, given) in enumerate(zip(self.columns, row, strict=True)):
            cell = given if isinstance(given, Cell) else Cell(given)
            tag, scope = ("th", ' scope="row"') if j == 0 else ("td", "")
            title = escape(column.title)
            cells.append(f'<{tag}{scope}{_right(column)} data-label="{title}">{cell.html()}</{tag}>')
        return "".join(cells)

    def page(self) -> Page:
        """Return the table as a page, for the terminal.

        Returns
        -------
        Page
            Title, table and notes.
        """
        rows = tuple(tuple(c.plain() if isinstance(c, Cell) else c for c in row) for row in self.rows)
        body = Table(tuple(column.title for column in self.columns), rows)
        return Page(title=self.title, blocks=(body, *(Text(f"Note. {note}") for note in self.notes)))

    def _repr_html_(self) -> str:
        return f'<style>{NOTEBOOK_CSS}</style><div class="fs-report">{inlined(self.html())}</div>'


def _right(column: Column) -> str:
    return ' class="fs-right"' if column.align == "right" else ""


@singledispatch
def table(result: object) -> ReportTable:
    """Return a result as a table for a reader; each kind of result registers its own.

    Parameters
    ----------
    result : object
        A result of the toolkit.

    Returns
    -------
    ReportTable
        The table, which renders itself as HTML and as text.

    Raises
    ------
    InputError
        Where this kind of result has no table.
    """
    kinds = ", ".join(sorted(kind.__name__ for kind in table.registry if kind is not object))
    raise InputError(f"There is no table of a {type(result).__name__}; there is one of: {kinds}.")
