"""The column Status of Qualtrics: codes, words, words of other languages, and an error for what is not known."""

import time

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.collect.platforms.qualtrics_status import NO_PEOPLE, STATUS, status_rows
from feedbackstudy.errors import InputError
from feedbackstudy.issues import Severity


def told(*texts, question="IP-Adresse", declared=None):
    return status_rows(pd.Categorical(texts), "t0.csv", question, declared or {})


def test_codes_and_english_words_say_the_same():
    for code, word in STATUS.items():
        for text in (code, word, word.upper(), f" {word} "):
            made = told(text, "0")
            assert made.issues == ()
            assert {why: list(rows) for why, rows in made.excluded.items()} == (
                {word: [True, False]} if code in NO_PEOPLE else {}
            )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Umfragevorschau", "1"),
        ("Vorschau der Umfrage", "1"),
        ("Aper\u00e7u de l'enqu\u00eate", "1"),
        ("Vista previa de la encuesta", "1"),
        ("Anteprima sondaggio", "1"),
        ("Spam aus Vorschau", "9"),
        ("Importierter Spam", "8"),
    ],
)
def test_a_preview_in_another_language_is_left_out_and_said(text, code):
    made = told(text, "0", text)

    assert list(made.excluded[STATUS[code]]) == [True, False, True]
    (note,) = made.issues
    assert (note.code, note.severity) == ("collect.status_in_words", Severity.NOTE)
    assert STATUS[code] in note.what


@pytest.mark.parametrize(
    "text", ["IP-Adresse", "ip adresse", "Adresse IP", "Direcci\u00f3n IP", "Indirizzo IP", "IP-adres"]
)
def test_an_ordinary_response_in_another_language_is_kept_without_a_warning(text):
    made = told(text, text)

    assert made.excluded == {}
    assert [issue.severity for issue in made.issues] == [Severity.NOTE]


def test_the_header_tells_what_ordinary_responses_are_called():
    assert told("\u00d3r\u00ed", question="\u00d3r\u00ed").issues[0].severity is Severity.NOTE
    assert told("\u00d3r\u00ed", question="").issues[0].severity is Severity.ERROR
    assert told("", question="").issues[0].severity is Severity.ERROR


def test_what_is_not_known_is_one_error_and_can_be_declared():
    (issue,) = told("Befragung", "0", "Umleitung", "Befragung").issues
    assert (issue.code, issue.severity) == ("collect.unknown_status", Severity.ERROR)
    assert issue.what.startswith("3 rows have a status that Qualtrics does not define")
    made = told("Befragung", "0", declared={"befragung": "1"})
    assert made.issues == ()
    assert list(made.excluded["Survey Preview"]) == [True, False]
    with pytest.raises(InputError, match="Status '3' is unknown"):
        told("Befragung", declared={"Befragung": "3"})


def test_a_hundred_thousand_states_are_one_finding_at_once():
    start = time.monotonic()
    made = told(*(f"s{i}" for i in np.arange(100_000)))

    assert len(made.issues) == 1
    assert len(str(made.issues[0])) < 1500
    assert time.monotonic() - start < 3
