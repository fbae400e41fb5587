"""A page and its blocks, the same as HTML and as text. Every page is static: no script, no external address."""

import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from feedbackstudy.render.text import clean, escape, number
from feedbackstudy.render.untrusted import inlined

__all__ = ["Block", "Facts", "Notice", "Numbered", "Page", "Rendered", "Table", "Text", "table_of"]

_TEXT_WIDTH = 100
_BREAKABLE = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{NON-BREAKING HYPHEN}": "-"})
"""Once the lines are broken, text is as it would be typed, so that it can be searched."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph.

    Attributes
    ----------
    text : str
        Plain text; it is escaped when rendered.
    """

    text: str

    def html(self) -> str:
        """Return the paragraph as HTML."""
        return f"<p>{escape(self.text)}</p>"

    def plain(self) -> str:
        """Return the paragraph as wrapped text."""
        return textwrap.fill(clean(self.text), _TEXT_WIDTH)


@dataclass(frozen=True, slots=True)
class Notice:
    """A paragraph that must not be overlooked, such as "not fit to report".

    Attributes
    ----------
    text : str
        Plain text.
    tone : {"warning", "error", "good"}
        What the margin colour says; the tone is also written out as a word.
    """

    text: str
    tone: Literal["warning", "error", "good"] = "warning"

    def html(self) -> str:
        """Return the notice as HTML with an ARIA role."""
        word = {"warning": "Note", "error": "Stop", "good": "Holds"}[self.tone]
        return f'<p class="fs-{self.tone}" role="note"><strong>{word}.</strong> {escape(self.text)}</p>'

    def plain(self) -> str:
        """Return the notice as text behind a mark."""
        word = {"warning": "NOTE", "error": "STOP", "good": "HOLDS"}[self.tone]
        return textwrap.fill(f"{word}: {clean(self.text)}", _TEXT_WIDTH, subsequent_indent="  ")


@dataclass(frozen=True, slots=True)
class Facts:
    """Label and value pairs.

    Attributes
    ----------
    pairs : tuple of (str, str)
        In reading order.
    """

    pairs: tuple[tuple[str, str], ...]

    def html(self) -> str:
        """Return the facts as a definition list."""
        items = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in self.pairs)
        return f"<dl>{items}</dl>"

    def plain(self) -> str:
        """Return the facts as aligned lines."""
        width = min(30, max((len(label) for label, _ in self.pairs), default=0))
        hang = " " * (width + 2)
        return "\n".join(
            textwrap.fill(clean(f"{label:<{width}}  {value}"), _TEXT_WIDTH, subsequent_indent=hang)
            for label, value in self.pairs
        )


@dataclass(frozen=True, slots=True)
class Numbered:
    """Numbered notes, to which the cells of a table refer as ``[1]``.

    Attributes
    ----------
    notes : tuple of str
        In order; empty renders as nothing.
    """

    notes: tuple[str, ...]

    def html(self) -> str:
        """Return the notes as an ordered list."""
        items = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f'<ol class="fs-numbered">{items}</ol>' if items else ""

    def plain(self) -> str:
        """Return the notes as wrapped lines behind their numbers."""
        return "\n".join(
            textwrap.fill(f"[{i}] {clean(note)}", _TEXT_WIDTH, subsequent_indent="    ")
            for i, note in enumerate(self.notes, start=1)
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ready-made text.

    Attributes
    ----------
    head : tuple of str
        Column titles.
    rows : tuple of tuple of str
        Cells, one tuple a row, as long as `head`.
    caption : str
        A line above the table; empty for none.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""

    def html(self) -> str:
        """Return the table as HTML inside a block that scrolls sideways on a narrow screen."""
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in self.head)
        rows = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in self.rows)
        return (
            f'<div class="fs-scroll" tabindex="0"><table>{caption}<thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )

    def plain(self) -> str:
        """Return the table as aligned text; over-long cells are wrapped within their column."""
        if not self.head:
            return clean(self.caption)
        grid = [tuple(clean(c) for c in row) for row in (self.head, *self.rows)]
        widths = [min(36, max(len(row[j]) for row in grid)) for j in range(len(self.head))]
        lines: list[str] = [clean(self.caption)] if self.caption else []
        for i, row in enumerate(grid):
            wrapped = [textwrap.wrap(c, w) or [""] for c, w in zip(row, widths, strict=True)]
            for depth in range(max(map(len, wrapped))):
                cells = [(part[depth] if depth < len(part) else "") for part in wrapped]
                lines.append("  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip())
            if i == 0:
                lines.append("  ".join("-" * w for w in widths))
        return "\n".join(lines).translate(_BREAKABLE)


type Block = Text | Notice | Facts | Table | Numbered


def table_of(
    records: Sequence[Mapping[str, object]] | Iterable[Mapping[str, object]],
    columns: Mapping[str, str] | None = None,
    *,
    decimals: int = 3,
    caption: str = "",
) -> Table:
    """Lay records out as a table, formatting every number once.

    Parameters
    ----------
    records : iterable of mapping
        One mapping a row.
    columns : mapping, optional
        Key in the record -> title to show, in order; all keys of the first record by default.
    decimals : int, default 3
        Digits after the point.
    caption : str
        A line above the table.

    Returns
    -------
    Table
        Ready to render.
    """
    rows = list(records)
    titles = dict(columns) if columns is not None else {key: key for key in (rows[0] if rows else {})}
    cells = tuple(tuple(number(row.get(key), decimals) for key in titles) for row in rows)
    return Table(tuple(titles.values()), cells, caption)


# A notebook styles the tables and lists of its outputs by rules of its own; the class thrice outweighs them.
_STYLE = (
    ".fs{font:15px/1.5 system-ui,sans-serif;max-width:60rem;color:inherit}"
    ".fs h3{margin:.2em 0;font-size:1.15em}.fs .fs-sub{opacity:.75;margin:.1em 0 .6em}"
    ".fs dl{display:grid;grid-template-columns:minmax(8rem,14rem) minmax(0,1fr);gap:.15em 1em;margin:.5em 0}"
    ".fs dt{opacity:.75;font-weight:inherit;float:none;width:auto;margin:0;padding:0;overflow-wrap:anywhere}"
    ".fs dd{margin:0;padding:0;float:none;width:auto}"
    ".fs table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.93em;margin:0;table-layout:auto}"
    ".fs tr{background:none}.fs caption{text-align:left;font-weight:600;padding:.3em 0}"
    ".fs th,.fs td{text-align:left;vertical-align:top;padding:.25em .7em .25em 0;border-bottom:1px solid #8884;"
    "max-width:26rem;white-space:normal}"
    ".fs .fs-scroll{overflow-x:auto;margin:.5em 0}"
    ".fs ol{margin:.3em 0 .8em;padding-left:2em;font-size:.9em;opacity:.85}"
    ".fs [role=note]{border-left:.3em solid #b58900;padding:.2em .7em;margin:.6em 0}"
    ".fs .fs-error{border-color:#c0392b!important}.fs .fs-good{border-color:#2e7d32!important}"
).replace(".fs ", ".fs.fs.fs ")


@dataclass(frozen=True, slots=True)
class Page:
    """What a result shows of itself: a title and blocks, the same as HTML and as text.

    Attributes
    ----------
    title : str
        One line.
    subtitle : str
        One line under it; empty for none.
    blocks : tuple of Block
        In reading order.
    """

    title: str
    subtitle: str = ""
    blocks: tuple[Block, ...] = ()

    def html(self, *, style: bool = True) -> str:
        """Return the page as one escaped HTML block.

        Parameters
        ----------
        style : bool, default True
            Include the style sheet; a report that holds many pages includes it once itself.

        Returns
        -------
        str
            A ``<section class="fs">``.
        """
        sheet = f"<style>{_STYLE}</style>" if style else ""
        subtitle = f'<p class="fs-sub">{escape(self.subtitle)}</p>' if self.subtitle else ""
        body = "".join(block.html() for block in self.blocks)
        return f'{sheet}<section class="fs"><h3>{escape(self.title)}</h3>{subtitle}{body}</section>'

    def text(self) -> str:
        """Return the page as plain text.

        Returns
        -------
        str
            Title, rule, subtitle and blocks.
        """
        title = clean(self.title)
        parts = [f"{title}\n{'=' * len(title)}", clean(self.subtitle), *(block.plain() for block in self.blocks)]
        return "\n\n".join(part for part in parts if part)


class Rendered(ABC):
    """Mix-in of everything that shows itself: define `page`, get notebook HTML, notebook text and terminal text."""

    __slots__ = ()

    @abstractmethod
    def page(self) -> Page:
        """Return what to show."""

    def marked_page(self) -> Page:
        """Return the page under the mark of its provenance, where it has one: that the data were simulated.

        Returns
        -------
        Page
            What notebooks, terminals and documents show.
        """
        page = self.page()
        mark = getattr(getattr(self, "provenance", None), "mark", "")
        return replace(page, blocks=(Notice(mark), *page.blocks)) if mark else page

    def _repr_html_(self) -> str:
        return inlined(self.marked_page().html())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        """Give IPython the page also where it shows text, and not the record's repr, which may name a folder."""
        return {"text/html": self._repr_html_(), "text/plain": str(self)}

    def __str__(self) -> str:
        return self.marked_page().text()
