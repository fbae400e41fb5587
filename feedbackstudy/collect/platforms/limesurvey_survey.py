"""A questionnaire as LimeSurvey imports it: tab-separated structure with settings, groups, questions and answers."""

from collections.abc import Iterator, Sequence

from feedbackstudy.collect.platforms.limesurvey import question_code
from feedbackstudy.collect.platforms.qualtrics_survey import plain_html
from feedbackstudy.collect.platforms.questionnaire import Condition, Question, WaveForm
from feedbackstudy.errors import InputError

__all__ = ["answer_codes", "limesurvey_survey"]

HEAD = (
    "id",
    "related_id",
    "class",
    "type/scale",
    "name",
    "relevance",
    "text",
    "help",
    "language",
    "validation",
    "mandatory",
    "other",
    "default",
    "same_default",
    "hidden",
)
_CARRIED = ("fspid", "fscond", "fsexemplar")


def answer_codes(codes: Sequence[str]) -> dict[str, str]:
    """Return the answer codes of LimeSurvey for codes of the study.

    Parameters
    ----------
    codes : sequence of str
        Codes of the study.

    Returns
    -------
    dict
        The same where all are letters and digits, at most five; ``A1, A2 ...`` otherwise.
    """
    if all(code.isalnum() and code.isascii() and len(code) <= 5 for code in codes):
        return {code: code for code in codes}
    return {code: f"A{i}" for i, code in enumerate(codes, 1)}


def limesurvey_survey(form: WaveForm, *, title: str, number: int, language: str = "en") -> str:
    """Write the questionnaire of a wave.

    Parameters
    ----------
    form : WaveForm
        What is asked.
    title : str
        Title of the survey.
    number : int
        Its number in LimeSurvey, six digits.
    language : str, default "en"
        Language of the words.

    Returns
    -------
    str
        The file's content; save it as UTF-8 with byte-order mark under a name that ends in .txt.

    Raises
    ------
    InputError
        Where two questions would get the same code.
    """
    _distinct(form)
    rows = [*_settings(title, number, language), *_carried(form, language)]
    for i, question in enumerate(form.questions, start=2):
        relevance = _relevance(question.shown)
        name = f"{form.wave.name} {question.name}"
        rows.append({"class": "G", "type/scale": str(i), "name": name, "relevance": relevance, "language": language})
        rows += _question(question, language)
    lines = ["\t".join(HEAD)]
    lines += ["\t".join(row.get(name, "") for name in HEAD) for row in rows]
    return "\ufeff" + "\n".join(lines) + "\n"


def _distinct(form: WaveForm) -> None:
    codes = [question_code(question.name) for question in form.questions]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise InputError(
            f"Two questions of {form.wave.name} would get the code {twice[0]!r} (letters and digits, at most "
            "20); rename one measure."
        )


def _text(words: str) -> str:
    """Return HTML in which the expression engine finds no braces, and the file no tab."""
    return plain_html(words).replace("{", "&#123;").replace("}", "&#125;").replace("\t", " ")


def _settings(title: str, number: int, language: str) -> Iterator[dict[str, str]]:
    settings = {
        "sid": str(number),
        "gsid": "1",
        "language": language,
        "format": "G",
        "anonymized": "N",
        "datestamp": "Y",
        "savetimings": "Y",
        "ipaddr": "N",
        "refurl": "N",
        "allowprev": "N",
    }
    for name, value in settings.items():
        yield {"class": "S", "name": name, "text": value}
    yield {"class": "SL", "name": "surveyls_title", "text": _text(title), "language": language}


def _carried(form: WaveForm, language: str) -> Iterator[dict[str, str]]:
    """Yield hidden questions that keep who it is and which cell, out of the participant list."""
    yield {"class": "G", "type/scale": "1", "name": "carried", "relevance": "1", "language": language}
    for i, name in enumerate(_CARRIED, start=1):
        yield _hidden(name, f"{{TOKEN:ATTRIBUTE_{i}}}", language)
    yield _hidden("fswave", f"{{'{form.wave.name}'}}", language)
    if any(question.shown.half for question in form.questions):
        # Drawn once: an expression is worked out anew on every page.
        yield _hidden("fshalf", "{if(is_empty(fshalf.NAOK), rand(0, 1), fshalf.NAOK)}", language)


def _hidden(name: str, expression: str, language: str) -> dict[str, str]:
    return {
        "class": "Q",
        "type/scale": "*",
        "name": name,
        "relevance": "1",
        "text": expression,
        "language": language,
        "hidden": "1",
    }


def _relevance(shown: Condition) -> str:
    parts = []
    if shown.cells:
        parts.append("(" + " or ".join(f'fscond.NAOK == "{key}"' for key in shown.cells) + ")")
    if shown.exemplar:
        parts.append(f'fsexemplar.NAOK == "{shown.exemplar}"')
    if shown.half:
        parts.append("fshalf.NAOK == 1")
    return " and ".join(parts) or "1"


def _question(question: Question, language: str) -> Iterator[dict[str, str]]:
    kind = {"text": "X", "choice": "L", "matrix": "F", "number": "N", "open": "T"}[question.kind]
    yield {
        "class": "Q",
        "type/scale": kind,
        "name": question_code(question.name),
        "relevance": "1",
        "text": _text(question.stem),
        "language": language,
        "mandatory": "Y" if question.required else "N",
        "other": "N",
    }
    for position, _, words in question.rows:
        row = {"class": "SQ", "type/scale": "0", "name": f"SQ{position:03d}", "relevance": "1", "text": _text(words)}
        yield {**row, "language": language}
    codes = answer_codes([code for code, _ in question.answers])
    for code, label in question.answers:
        yield {"class": "A", "type/scale": "0", "name": codes[code], "text": _text(label), "language": language}
