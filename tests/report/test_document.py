"""The document is one file: no script, no outside address, every picture described, whole or not there."""

from html.parser import HTMLParser

import numpy as np
import pytest

from feedbackstudy import report
from feedbackstudy.errors import FileFormatError, InputError
from feedbackstudy.render import Page, Text

PAYLOADS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "</style><script>alert(1)</script>",
    "$\\frac{1}{0}$ and $ alone",
    "\x1b]0;title\x07 \u202e reversed \ud800",
    "javascript:alert(1)",
    "url(https://example.org/x.png)",
    "{{7*7}} ${7*7} %s \\input{/etc/passwd}",
    "日本語 \N{GREEK SMALL LETTER ALPHA} \N{GRINNING FACE}",
)
LOADING = {"src", "href", "xlink:href", "srcset", "data", "action", "formaction", "poster", "background", "ping"}


ACTIVE = {"script", "iframe", "object", "embed", "link", "base", "form", "foreignobject", "image", "animate", "set"}


def unsafe(name, value):
    if name.startswith("on"):
        return True
    if name == "style":
        return "url(" in value.replace("url(#", "") or "@import" in value
    return name in LOADING and not value.startswith(("#", "data:image/png"))


def words_of(attributes):
    return attributes.get("alt") or attributes.get("aria-label")


class Reader(HTMLParser):
    """Collects what could load, run, or leave a reader without words."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.problems, self.policy, self.ids, self.targets, self.words = [], [], "", [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.problems += [f"<{tag}>"] if tag in ACTIVE else []
        self.problems += [f"{tag} {name}={value}" for name, value in given.items() if unsafe(name, value)]
        self.problems += [f"{tag} without words"] if tag in {"img", "svg"} and not words_of(given) else []
        self.targets += [given[name][1:] for name in ("href", "xlink:href") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]

    def handle_data(self, data):
        self.words.append(data)


def read(path):
    return Reader(path.read_text(encoding="utf-8"))


def everything(build, text=None):
    """One result of each kind; where `text` is given it stands in every slot that takes text."""
    if text is None:
        return [build["reproduction"](), build["posterior"](), build["frequencies"](), build["estimates"]()]
    safe = text.encode("utf-8", "replace").decode()
    estimates = build["estimates"](
        hypothesis=text, outcome=text, term=text, contrast=text, model=text, note=text, std_kind=text, family=text
    )
    posterior = build["posterior"](quantity=text, unit=text, engine=text)
    frequencies = build["frequencies"](
        title=text, category_label=text, groups=(text, f"b{text}"), categories=tuple(f"{text}{i}" for i in range(5))
    )
    value = {
        "id": "d",
        "quantity": safe,
        "published": "0.60",
        "seen_in": safe,
        "anchor": "A",
        "unit": safe,
        "note": safe,
    }
    published = build["published"](
        title=safe, citation=safe, doi=safe, kind=safe, method=safe, source_commit=safe, author_contact=safe,
        choices=({"id": "one-person", "text": safe},), values=(value,), claims=(safe,),
    )  # fmt: skip
    card = build["reproduction"](published, values={}, estimates=estimates, shows=(posterior, frequencies), claims=text)
    return [card, posterior, frequencies, estimates, Page(text, text, (Text(text),))]


def test_a_document_loads_nothing_runs_nothing_and_describes_every_picture(build, tmp_path):
    path = report.document(*everything(build), to=tmp_path / "report.html", title="All")

    page = read(path)

    assert page.problems == []
    assert page.policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert page.tags.count("svg") == 6
    assert "http:" not in path.read_text() and "https:" not in path.read_text()  # noqa: PT018


def test_every_id_is_its_own_and_every_link_has_its_target(build, tmp_path):
    page = read(report.document(*everything(build), *everything(build), to=tmp_path / "report.html"))

    assert len(page.ids) == len(set(page.ids))
    assert set(page.targets) <= set(page.ids)


@pytest.mark.parametrize("text", PAYLOADS)
def test_text_in_any_slot_stays_text(build, tmp_path, text):
    path = report.document(*everything(build, text), to=tmp_path / "report.html", title=text, lead=text, foot=text)

    page = read(path)

    assert page.problems == []
    assert page.tags.count("style") == 1
    assert not set("\x1b\x07\u202e") & set(path.read_text(encoding="utf-8"))


def test_the_same_results_give_the_same_bytes(build, tmp_path):
    one = report.document(*everything(build), to=tmp_path / "one.html").read_bytes()
    two = report.document(*everything(build), to=tmp_path / "two.html").read_bytes()

    assert one == two


def test_a_document_in_a_folder_that_cannot_be_made_is_refused_and_leaves_nothing(build, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    with pytest.raises(FileFormatError, match=r"cannot be written.*Choose a folder you may write to"):
        report.document(build["posterior"](), to=blocked / "report.html")

    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_fault_while_drawing_leaves_the_old_document_whole(build, tmp_path):
    path = tmp_path / "report.html"
    report.document(build["posterior"](), to=path)
    before = path.read_bytes()

    with pytest.raises(InputError, match="ndarray cannot stand in a document"):
        report.document(build["posterior"](), np.zeros(3), to=path)

    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["report.html"]


def test_a_document_can_be_read_by_whom_the_user_lets_read(build, tmp_path):
    ordinary = tmp_path / "ordinary"
    ordinary.touch()

    path = report.document(build["posterior"](), to=tmp_path / "report.html")

    assert path.stat().st_mode == ordinary.stat().st_mode


def test_a_document_of_nothing_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least one result"):
        report.document(to=tmp_path / "report.html")


def test_the_card_shows_what_was_printed_what_came_out_and_why(reproduction, tmp_path):
    words = " ".join(read(report.document(reproduction, to=tmp_path / "card.html")).words)

    for part in (
        "0.60",
        "0.5991",
        "10.6907",
        "conditional on: one-person",
        "One person of group 3 was left out.",
        "3 reproduced",
        "1 not computable",
        "decision flags: none",
        "No difference that matters was found, in students.",
        "C01",
        "notebook, cell 12",
        "anchor B",
        "sha256 abababababababab",
        "other software",
        "doi:10.1000/example",
    ):
        assert part in words, part


def test_an_unexplained_decision_flag_is_the_loudest_thing_on_the_card(build, tmp_path):
    published = build["published"](
        values=({"id": "d", "quantity": "d", "published": "0.60", "seen_in": "Table 2", "anchor": "A", "p": ".04"},)
    )
    from feedbackstudy.literature.findings import Value

    loud = build["reproduction"](published, values={"d": Value(value=0.6, p=0.06)})
    quiet = build["reproduction"](
        published, values={"d": Value(value=0.6, p=0.06, flag_explained="Theirs is one-sided.")}
    )

    words = " ".join(read(report.document(loud, to=tmp_path / "loud.html")).words)
    assert "decision flags: 1, worst: p vs alpha (not explained)" in words
    assert "Not fit to report as reproduced" in words
    words = " ".join(read(report.document(quiet, to=tmp_path / "quiet.html")).words)
    assert "decision flags: 1, worst: p vs alpha (explained)" in words
    assert "Theirs is one-sided." in words
    assert "Not fit to report" not in words


def test_the_check_of_a_study_keeps_what_it_can_and_cannot_say(tmp_path):
    from feedbackstudy.study import Study
    from feedbackstudy.study.template import new_study

    study = Study.load(new_study(tmp_path / "study", "vignette-2x2x2"))

    page = read(report.document(study, study.check(), to=tmp_path / "study.html"))

    words = " ".join(page.words)
    assert study.title in words
    assert all(text in words for text in study.can_say().cannot)
    assert page.problems == []
