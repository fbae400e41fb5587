"""The texts about taking part, read from the study or its folder."""

from feedbackstudy.design.conduct import Passage
from feedbackstudy.errors import DeclarationError, FileFormatError
from feedbackstudy.files import inside, read_bounded
from feedbackstudy.study import Study

__all__ = ["passage_text"]

_MAX_BYTES = 200_000


def passage_text(study: Study, passage: Passage, name: str) -> str:
    """Return a text that participants read.

    Parameters
    ----------
    study : Study
        The study, whose folder holds files.
    passage : Passage
        The text, or where it is.
    name : str
        Its name, for messages.

    Returns
    -------
    str
        The text.

    Raises
    ------
    InputError
        Where the file cannot be read, or the study was not loaded from a folder.
    """
    if passage.file is None:
        return passage.text or ""
    if study.folder is None:
        raise DeclarationError(
            f"conduct.{name} lies in the file {passage.file!r}, and the study was not loaded from a folder. Load it "
            "with Study.load, or write the text itself."
        )
    try:
        return read_bounded(inside(study.folder, passage.file), _MAX_BYTES).decode("utf-8").strip()
    except UnicodeDecodeError as fault:
        raise FileFormatError(f"conduct.{name}: {passage.file} is not UTF-8 text; save it as such.") from fault
