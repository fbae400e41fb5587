"""From bytes to UTF-8: the encoding is read off the file or declared, and never guessed."""

import codecs
from dataclasses import dataclass

import numpy as np

from feedbackstudy.errors import FileFormatError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

__all__ = ["Utf8", "to_utf8"]

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1", "iso8859-15", "mac-roman")
_NO_TEXT = np.array([(b < 32 and b not in {9, 10, 13}) or b == 127 for b in range(256)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Utf8:
    """Text as UTF-8 bytes.

    Attributes
    ----------
    data : bytes
        Without byte-order mark and control characters.
    encoding : str
        What the file was in.
    issues : tuple of Issue
        What was found.
    """

    data: bytes
    encoding: str
    issues: tuple[Issue, ...]


def to_utf8(data: bytes, where: str, encoding: str | None = None) -> Utf8:
    """Decode a text file.

    Parameters
    ----------
    data : bytes
        The file.
    where : str
        Its name, for messages.
    encoding : str, optional
        What the file is in; by its byte-order mark, else UTF-8, where left out.

    Returns
    -------
    Utf8
        The text.

    Raises
    ------
    FileFormatError
        With the place of the first byte that is not of the encoding.
    """
    given = encoding or next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    if given.lower().replace("_", "-") not in _ENCODINGS:
        raise FileFormatError(choices("Encoding", given, _ENCODINGS))
    if not given.startswith("utf-16") and b"\x00" in data[:400] and data[:400].count(b"\x00") > len(data[:400]) // 4:
        raise FileFormatError(
            f"{where} looks like UTF-16 without a byte-order mark: every other byte is NUL. Give encoding='utf-16-le' "
            "(or 'utf-16-be'), or save it as UTF-8."
        )
    try:
        text = data.decode(given)
    except UnicodeDecodeError as fault:
        line = data[: fault.start].count(b"\n") + 1
        raise FileFormatError(
            f"{where} is not {given} text: byte {fault.start} (0x{data[fault.start]:02x}, line {line}) does not belong "
            "to it. Nothing is guessed, because a wrong guess changes names and answers. Where the file comes from an "
            'older Excel or Windows program, give encoding="cp1252" and look at the umlauts; otherwise export it as '
            "UTF-8."
        ) from fault
    plain = text.removeprefix("\ufeff").encode("utf-8") if given not in {"utf-8"} or text[:1] == "\ufeff" else data
    return _without_control(plain, where, given)


def _without_control(data: bytes, where: str, encoding: str) -> Utf8:
    buffer = np.frombuffer(data, dtype=np.uint8)
    bad = _NO_TEXT[buffer]
    if not bad.any():
        return Utf8(data=data, encoding=encoding, issues=())
    first = int(np.flatnonzero(bad)[0])
    line = data[:first].count(b"\n") + 1
    found = Issue(
        "collect.control_characters",
        Severity.WARNING,
        where,
        f"{counted(int(bad.sum()), 'control character')} (such as NUL) {'was' if bad.sum() == 1 else 'were'} taken "
        f"out; the first stands in line {line}.",
        "They are no part of an answer, and Word, Excel and spreadsheets fail on them.",
        "Nothing needs doing; look at line {line} where you want to know how they came in.".replace(
            "{line}", str(line)
        ),
    )
    return Utf8(data=buffer[~bad].tobytes(), encoding=encoding, issues=(found,))
