"""What can be counted in a message: words, sentences, reading ease."""

import re
from dataclasses import dataclass

__all__ = ["TextCounts", "count_text"]

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_SENTENCE = re.compile(r"[.!?]+(?=\s|$)")
_VOWELS = re.compile(r"[aeiouy]+")


@dataclass(frozen=True, slots=True)
class TextCounts:
    """The countable side of a text.

    Attributes
    ----------
    words, sentences, syllables : int
        Counts.
    """

    words: int
    sentences: int
    syllables: int

    @property
    def reading_ease(self) -> float:
        """Flesch's reading ease: 206.835 - 1.015 words a sentence - 84.6 syllables a word; NaN without words."""
        if not self.words:
            return float("nan")
        return 206.835 - 1.015 * self.words / self.sentences - 84.6 * self.syllables / self.words


def count_text(text: str) -> TextCounts:
    """Count words, sentences and syllables of an English text.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    TextCounts
        Counts; a text without a full stop is one sentence.

    Notes
    -----
    Syllables are groups of vowels (y counts), less a silent final e and the e of a final -ed after other letters than
    t and d, at least one a word: a rule for comparing versions of one text, not for single words, and for English only.
    """
    words = _WORD.findall(text)
    sentences = len(_SENTENCE.findall(text))
    return TextCounts(len(words), max(sentences, 1), sum(map(_syllables, words)))


def _syllables(word: str) -> int:
    folded = word.casefold()
    found = len(_VOWELS.findall(folded))
    silent = folded.endswith("e") and not folded.endswith(("le", "ee", "ye"))
    silent = silent or (folded.endswith("ed") and not folded.endswith(("ted", "ded", "eed")))
    return max(1, found - silent)
