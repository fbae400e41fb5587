"""A notebook that nobody has trusted yet drops our style sheet; the most needed styles stand in the elements."""

import re
from html.parser import HTMLParser

import feedbackstudy as fs
from feedbackstudy.render import Facts, Notice, Page, Table
from feedbackstudy.render.untrusted import inlined


class Elements(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        self.found.append((tag, dict(attrs)))


def test_cells_notes_and_labels_carry_their_own_style_once():
    page = Page("t", blocks=(Table(("a",), (("b",),), "c"), Notice("n"), Facts((("d", "e"),))))

    elements = Elements(inlined(page.html())).found

    styled = {tag: attributes["style"] for tag, attributes in elements if "style" in attributes}
    assert styled["td"].startswith("text-align:left")
    assert "border-left" in styled["p"]
    assert {"table", "tr", "th", "td", "caption", "dt", "p"} <= set(styled)
    # JupyterLab floats labels; one that wraps into a second line must not push the next label beside its value.
    assert "clear:left" in styled["dt"]


def test_a_result_in_a_notebook_is_styled_and_its_document_is_not():
    table = fs.report.table(fs.claims.list())

    assert "style=" in re.sub(r"<style>.*?</style>", "", table._repr_html_(), flags=re.DOTALL)
    assert "style=" not in table.html()
    Elements(table._repr_html_())


def test_text_that_looks_like_an_element_stays_text():
    page = Page("t", blocks=(Table(("<td>",), (('<td class="fs-right">',),)),))

    assert "&lt;td&gt;" in inlined(page.html())
    assert sum(tag == "td" for tag, _ in Elements(inlined(page.html())).found) == 1
