"""A section of a document: what a result shows of itself, its picture, and its sentence."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

from feedbackstudy.analysis.estimate import Estimates
from feedbackstudy.errors import InputError
from feedbackstudy.render import Page, Rendered, escape
from feedbackstudy.report.drawing import can_draw
from feedbackstudy.report.figures import picture
from feedbackstudy.report.prose import sentence
from feedbackstudy.report.tables import table

__all__ = ["Section", "drawn", "page_html", "section"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a document with a heading of its own.

    Attributes
    ----------
    title : str
        The heading.
    body : callable
        Takes the section's id on the page, to be put before every id inside it, and returns HTML that is already
        escaped.
    kicker : str
        A small line over the heading; empty for none.
    key : str
        What the section's id is made from; the title by default.
    contents_note : str
        A small line in the table of contents; empty for none.
    is_card : bool
        Begins on a new sheet of paper.
    """

    title: str
    body: Callable[[str], str]
    kicker: str = ""
    key: str = ""
    contents_note: str = ""
    is_card: bool = False


@singledispatch
def section(result: object) -> Section:
    """Return a result as a section of a document; kinds of result may register their own.

    Parameters
    ----------
    result : object
        A result of the toolkit, a `Page` or a `Section`.

    Returns
    -------
    Section
        With its picture, where the kind of result has one.

    Raises
    ------
    InputError
        Where the object cannot be shown.
    """
    if not isinstance(result, Rendered):
        raise InputError(
            f"A {type(result).__name__} cannot stand in a document; give a result of the toolkit, or a Page(title, "
            "blocks=(Text(...),)) of your own."
        )
    page = result.marked_page()
    # A kind derived from one with a table may show more than that table holds; its page has it all.
    if type(result) in table.registry:
        return Section(title=page.title, body=lambda prefix: table(result).html() + drawn(result, prefix))
    return Section(title=page.title, body=lambda prefix: page_html(page) + drawn(result, prefix))


@section.register
def _(result: Section) -> Section:
    return result


@section.register
def _(result: Estimates) -> Section:
    """Return the table, the picture, and for answers to a study their sentences, one paragraph a hypothesis."""
    title = result.marked_page().title

    def body(prefix: str) -> str:
        names = dict.fromkeys(row.hypothesis for row in result) if result.answers else {}
        said = "".join(f"<p>{escape(sentence(result[name]))}</p>" for name in names)
        return table(result).html() + drawn(result, prefix) + said

    return Section(title=title, body=body)


@section.register
def _(result: Page) -> Section:
    return Section(title=result.title, body=lambda _: page_html(result))


def page_html(page: Page) -> str:
    """Return a page without its title, which the section already shows.

    Parameters
    ----------
    page : Page
        The page.

    Returns
    -------
    str
        HTML, escaped.
    """
    lead = f'<p class="fs-lead">{escape(page.subtitle)}</p>' if page.subtitle else ""
    return lead + "".join(block.html() for block in page.blocks)


def drawn(result: object, prefix: str) -> str:
    """Return the picture of a result as HTML, or nothing where its kind has none.

    Parameters
    ----------
    result : object
        Anything.
    prefix : str
        Put before every id of the picture.

    Returns
    -------
    str
        A ``<figure>`` or the empty string.
    """
    return picture(result, prefix=f"{prefix}-figure").html() if can_draw(result) else ""
