"""One self-contained HTML file: no script, no outside address, for screen, phone and paper, written whole or not."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from feedbackstudy.errors import InputError
from feedbackstudy.files import write_atomic
from feedbackstudy.provenance import is_simulated
from feedbackstudy.render import clean, escape
from feedbackstudy.report.page_style import PAGE_CSS
from feedbackstudy.report.sections import Section, section

__all__ = ["document", "render_document"]

CONTENT_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
)


def document(*results: object, to: str | Path, title: str = "Report", lead: str = "", foot: str = "") -> Path:
    """Write results as one HTML file that needs nothing else.

    Parameters
    ----------
    *results : object
        What the report holds, in reading order: any result of the toolkit, a `Page` or a `Section` of your own.
    to : str or Path
        The file to write; its folder is made if absent.
    title : str
        Title of the document.
    lead : str
        A paragraph under the title.
    foot : str
        A paragraph at the end.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        Where nothing was given, or a thing that cannot be shown.
    FileFormatError
        Where the file cannot be written; what was there before is untouched.
    """
    if not results:
        raise InputError("report.document was given nothing to write; pass at least one result.")
    marks = ["Some of what follows rests on simulated data; each such part says so."] * any(map(is_simulated, results))
    lead = " ".join(text for text in (lead, *marks) if text)
    page = render_document([section(result) for result in results], title=title, lead=lead, foot=foot)
    return write_atomic(Path(to), page)


def render_document(sections: Iterable[Section], *, title: str, lead: str = "", foot: str = "") -> str:
    """Return sections as one HTML document.

    Parameters
    ----------
    sections : iterable of Section
        In reading order.
    title : str
        Title of the document.
    lead, foot : str
        A paragraph under the title and one at the end; empty for none.

    Returns
    -------
    str
        The document, from ``<!doctype html>`` on.
    """
    placed = _with_own_ids(sections)
    contents = "".join(_entry(name, part) for name, part in placed)
    body = "".join(_section(name, part) for name, part in placed)
    under = f'<footer class="fs-foot"><p>{escape(foot)}</p></footer>' if foot else ""
    intro = f"<p>{escape(lead)}</p>" if lead else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light">'
        f"<title>{escape(title)}</title><style>{PAGE_CSS}</style></head>"
        '<body class="fs-report"><div class="fs-shell">'
        f'<header class="fs-head"><h1>{escape(title)}</h1>{intro}</header>'
        f'<nav class="fs-contents" aria-label="Contents"><h2>Contents</h2><ol>{contents}</ol></nav>'
        f"<main>{body}</main>{under}</div></body></html>\n"
    )


def _section(name: str, part: Section) -> str:
    kicker = f'<p class="fs-kicker">{escape(part.kicker)}</p>' if part.kicker else ""
    kind = " fs-card" if part.is_card else ""
    return (
        f'<section class="fs-section{kind}" id="{name}">{kicker}<h2>{escape(part.title)}</h2>'
        f"{part.body(name)}</section>\n"
    )


def _entry(name: str, part: Section) -> str:
    note = f"<small>{escape(part.contents_note)}</small>" if part.contents_note else ""
    return f'<li><a href="#{name}">{escape(part.title)}</a>{note}</li>'


def _with_own_ids(sections: Iterable[Section]) -> list[tuple[str, Section]]:
    placed: list[tuple[str, Section]] = []
    used: set[str] = set()
    for part in sections:
        stem = re.sub(r"[^a-z0-9]+", "-", clean(part.key or part.title).casefold()).strip("-") or "section"
        name, n = stem, 2
        while name in used:
            name, n = f"{stem}-{n}", n + 1
        used.add(name)
        placed.append((name, part))
    return placed
