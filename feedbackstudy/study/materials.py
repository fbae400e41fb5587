"""What people meet, on the study's page: how they are assigned, the messages, the stories, the texts around them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from feedbackstudy.design.message_balance import balance_messages
from feedbackstudy.design.message_set import MessageSet
from feedbackstudy.errors import FeedbackstudyError, InputError
from feedbackstudy.files import inside, read_bounded
from feedbackstudy.render import Block, Facts, Notice, Table
from feedbackstudy.study.folder import MAX_PASSAGE_BYTES
from feedbackstudy.study.texts import study_messages, within_crossing

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["assignment_blocks", "message_blocks", "passage_blocks", "vignette_blocks"]

_METHODS = {
    "complete": "complete: group sizes are fixed beforehand",
    "simple": "simple: a die for each, group sizes vary",
    "permuted_blocks": "permuted blocks, for people who arrive one by one",
    "minimisation": "minimisation (Pocock and Simon)",
    "stepped_wedge": "stepped wedge: clusters cross over step by step",
}


def assignment_blocks(study: "Study") -> Iterator[Block]:
    """Yield who is assigned, by what, with which probabilities.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Block
        Facts.
    """
    stated = study.assignment
    if not any(factor.mode != "measured" for factor in study.factors) and not study.arms:
        return
    clusters = {f.title: f.assigned_to for f in study.factors if f.assigned_to and f.varies == "between"}
    whole = ", ".join(f"{title} to units of {unit}" for title, unit in clusters.items())
    sizes = ", ".join(f"{key}: {value:g}" for key, value in (stated.probabilities or stated.ratio).items())
    wedge = stated.wedge
    steps = f"{wedge.factor}, {wedge.sequences} sequences, {wedge.periods} periods" if wedge is not None else ""
    within = [f.title for f in study.factors if f.varies == "within"]
    pairs = [
        ("assigned by", "the survey platform" if stated.randomised_by == "platform" else "us, before people begin"),
        ("method", _METHODS[stated.method]),
        ("to units as a whole", whole),
        ("strata" if stated.method != "minimisation" else "balanced on", ", ".join(stated.by)),
        ("probabilities" if stated.probabilities else "sizes relative to the others", sizes),
        ("block sizes", ", ".join(map(str, stated.block_sizes))),
        ("steps", steps),
        ("order within people", f"{stated.order}: {', '.join(within)}" if within else ""),
    ]
    yield Facts(tuple((label, value) for label, value in pairs if value))


def vignette_blocks(study: "Study") -> Iterator[Block]:
    """Yield how stories are dealt, where something varies within people.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Block
        Facts.
    """
    crossing = within_crossing(study)
    if not crossing.factors:
        return
    possible = len(crossing.cells())
    stated = study.vignettes
    pairs = [("stories that can occur", f"{possible:,}, from {', '.join(crossing.factors.names)}")]
    if stated is None:
        pairs.append(("dealt", "every person reads each of them"))
    else:
        told = f"{stated.size or possible:,}, {'all that can occur' if stated.size is None else 'a D-optimal fraction'}"
        extra = "".join(f", {' with '.join(pair)}" for pair in stated.interactions)
        pairs += [("told", told), ("each person reads", f"{stated.per_person}")]
        pairs += [("chosen to estimate", stated.model.replace("_", " ") + extra)]
    yield Facts(tuple(pairs))


def message_blocks(study: "Study") -> Iterator[Block]:
    """Yield the messages: how many, from where, what else differs between their cells, and one exemplar's texts.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Block
        Facts, texts, findings; a notice where the messages cannot be made.
    """
    try:
        made = study_messages(study)
    except InputError as fault:
        yield Notice(f"The messages cannot be made: {fault}", "error")
        return
    if made is None:
        return
    own = sum(message.own for message in made.messages)
    yield Facts(
        (
            ("messages", f"{len(made.messages)}: {len(made.messages) - own} of ours (CC0), {own} of your own"),
            ("exemplars (a random factor)", ", ".join(made.exemplars)),
            ("the text changes with", ", ".join(made.factors) or "nothing"),
            ("fingerprint", made.fingerprint),
        )
    )
    yield _texts(made)
    for issue in balance_messages(made).issues:
        yield Notice(f"{issue.what} {issue.why} {issue.fix}")


def _texts(made: MessageSet) -> Table:
    first = made.exemplars[0]
    rows = tuple(
        (", ".join(level for _, level in m.levels) or "all", str(m.counts.words), m.text)
        for m in made.messages
        if m.exemplar == first
    )
    rest = ", ".join(made.exemplars[1:])
    caption = f"Messages of {first}" + (f"; {rest} tell of other candidates in the same cells" if rest else "")
    return Table(("cell", "words", "what people read"), rows, caption)


def passage_blocks(study: "Study") -> Iterator[Block]:
    """Yield the texts about taking part, as people read them.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Block
        A table; a text that cannot be read is named as such.
    """
    rows = []
    for name, passage in study.conduct.passages():
        text = passage.text or ""
        if passage.file is not None:
            text = _read(study, passage.file)
        rows.append((name.replace("_", "-"), text))
    if rows:
        yield Table(("text", "what people read"), tuple(rows), "Before and after taking part")


def _read(study: "Study", file: str) -> str:
    if study.folder is None:
        return f"in the file {file} of the study folder"
    try:
        return read_bounded(inside(study.folder, file), MAX_PASSAGE_BYTES).decode("utf-8")
    except (FeedbackstudyError, UnicodeDecodeError):
        return f"the file {file} cannot be read"
