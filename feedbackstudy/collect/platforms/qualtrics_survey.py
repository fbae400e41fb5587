"""A questionnaire as Qualtrics imports it: Advanced-Format text, every choice with its own recode value."""

from collections.abc import Iterator
from html import escape

from feedbackstudy.collect.platforms.questionnaire import Question, WaveForm

__all__ = ["plain_html", "qualtrics_survey"]


def qualtrics_survey(form: WaveForm) -> str:
    """Write the questionnaire of a wave.

    Parameters
    ----------
    form : WaveForm
        What is asked.

    Returns
    -------
    str
        Text to import under Tools > Import/Export > Import Survey. Every question has a block of its own, so that
        display logic can be set for whole blocks.

    Notes
    -----
    ``[[AdvancedChoices]]`` with ``[[Choice:5]]`` and ``[[AdvancedAnswers]]`` with ``[[Answer:5]]`` fix recode values;
    plain ``[[Choices]]`` would number them from 1. The format knows no survey flow, embedded data, display logic or
    validation: the checklist beside it does.
    """
    lines = ["[[AdvancedFormat]]", ""]
    for question in form.questions:
        lines += [f"[[Block:{form.wave.name} {question.name}]]", ""]
        lines += [*_question(question), ""]
    return "\n".join(lines) + "\n"


def plain_html(text: str) -> str:
    """Return a text that no platform takes for tags or marks of its own.

    Parameters
    ----------
    text : str
        What people read.

    Returns
    -------
    str
        One line of HTML.
    """
    return escape(text.strip(), quote=False).replace("[[", "&#91;&#91;").replace("\r", "").replace("\n", "<br>")


def _question(question: Question) -> Iterator[str]:
    kinds = {
        "text": "DB",
        "choice": "MC:SingleAnswer:Vertical",
        "matrix": "Matrix",
        "number": "TE:SingleLine",
        "open": "TE:Essay",
    }
    yield f"[[Question:{kinds[question.kind]}]]"
    yield f"[[ID:{question.name}]]"
    yield plain_html(question.stem) or "&nbsp;"
    if question.kind == "choice":
        yield "[[AdvancedChoices]]"
        for code, label in question.answers:
            yield f"[[Choice:{code}]]"
            yield plain_html(label)
    if question.kind == "matrix":
        yield "[[AdvancedChoices]]"
        for position, _, words in question.rows:
            yield f"[[Choice:{position}]]"
            yield plain_html(words)
        yield "[[AdvancedAnswers]]"
        for code, label in question.answers:
            yield f"[[Answer:{code}]]"
            yield plain_html(label)
