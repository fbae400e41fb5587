"""From a file to `Raw`: which platform wrote it is read off its header."""

from pathlib import Path

from feedbackstudy.collect.platforms.limesurvey import limesurvey, looks_like_limesurvey
from feedbackstudy.collect.platforms.plain import plain, workbook_table
from feedbackstudy.collect.platforms.qualtrics import looks_like_qualtrics, qualtrics
from feedbackstudy.collect.platforms.raw import Raw
from feedbackstudy.collect.platforms.spss import spss
from feedbackstudy.collect.read_options import ReadOptions
from feedbackstudy.collect.text_bytes import Content
from feedbackstudy.collect.text_table import TextTable, text_table
from feedbackstudy.errors import FileFormatError

__all__ = ["raw_of"]


def raw_of(content: Content, path: Path, options: ReadOptions) -> Raw:
    """Read the content of an export as text.

    Parameters
    ----------
    content : Content
        What the file holds.
    path : Path
        The file, for its suffix.
    options : ReadOptions
        What is known about it.

    Returns
    -------
    Raw
        Its cells.

    Raises
    ------
    FileFormatError
        Where the content is not of a format that is read.
    """
    if content.kind in {"pickle", "numpy"}:
        raise FileFormatError(
            f"{content.name} is a {content.kind} file: opening it can run a stranger's program, so it is never "
            "opened. Save the table as CSV."
        )
    if content.kind == "sav" or options.platform == "spss" or path.suffix.lower() in {".sav", ".zsav"}:
        if content.kind != "sav":
            raise FileFormatError(f"{content.name} does not begin like an SPSS file; it is damaged or something else.")
        return spss(content)
    return _of_table(_table(path, content, options), options)


def _table(path: Path, content: Content, options: ReadOptions) -> TextTable:
    if content.kind == "xlsx":
        if path.suffix.lower() in {".csv", ".tsv", ".txt"}:
            raise FileFormatError(
                f"{content.name} is called a text table, but looks like Excel (zip). Rename it to .xlsx, or "
                "export it as CSV."
            )
        return workbook_table(content, options.sheet)
    if path.suffix.lower() == ".xlsx":
        raise FileFormatError(f"{content.name} is called a workbook, but is none. If it is a text table, rename it.")
    return text_table(
        content, encoding=options.encoding, delimiter=options.delimiter, allow_ragged=options.allow_ragged
    )


def _of_table(table: TextTable, options: ReadOptions) -> Raw:
    platform = options.platform
    if platform == "qualtrics" or (platform is None and looks_like_qualtrics(table)):
        return qualtrics(table, options.labels_of("Status"))
    if platform == "limesurvey" or (platform is None and looks_like_limesurvey(table)):
        return limesurvey(table)
    return plain(table)
