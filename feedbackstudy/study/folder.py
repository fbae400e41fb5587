"""The study's folder: its file, and the texts it names, which stay inside."""

from pathlib import Path

from feedbackstudy.design.conduct import Conduct, Passage
from feedbackstudy.errors import FileFormatError
from feedbackstudy.files import inside, read_bounded, sha256_file, write_atomic

__all__ = ["carry_passages", "prove_passages", "study_file"]

STUDY_FILE = "study.yaml"
MAX_PASSAGE_BYTES = 1_000_000


def study_file(path: Path) -> Path:
    """Return the YAML file that a path argument means.

    Parameters
    ----------
    path : Path
        The file, or its folder.

    Returns
    -------
    Path
        The file, which need not exist yet.
    """
    return path if path.suffix.casefold() in {".yaml", ".yml"} and not path.is_dir() else path / STUDY_FILE


def prove_passages(conduct: Conduct, folder: Path) -> None:
    """Refuse a text file that lies outside the study folder, is absent or was changed.

    Parameters
    ----------
    conduct : Conduct
        Names the texts.
    folder : Path
        The study folder.

    Raises
    ------
    InputError
        Naming the text, the file and what to do.
    """
    for name, passage in conduct.passages():
        if passage.file is not None:
            _prove(name, passage.file, passage, folder)


def _prove(name: str, file: str, passage: Passage, folder: Path) -> None:
    path = inside(folder, file)
    if not path.is_file():
        raise FileFormatError(f"conduct.{name}: the file {file!r} does not exist in {folder}.")
    if passage.sha256 is not None and sha256_file(path) != passage.sha256:
        raise FileFormatError(
            f"conduct.{name}: {file!r} is not the text that was declared: its sha256 is {sha256_file(path)}, declared "
            f"is {passage.sha256}. Restore the file, or declare the new text by its hash."
        )


def carry_passages(conduct: Conduct, source: Path | None, target: Path) -> None:
    """Copy the texts a study names into the folder it is saved to.

    Parameters
    ----------
    conduct : Conduct
        Names the texts.
    source : Path or None
        The folder the study was read from; None where it was made in memory.
    target : Path
        The folder it is saved to.

    Raises
    ------
    InputError
        Where a text exists in neither folder, or a different text of that name lies in the target.
    """
    for name, passage in conduct.passages():
        if passage.file is None:
            continue
        there = inside(target, passage.file)
        here = inside(source, passage.file) if source is not None else None
        if here is None or not here.is_file():
            if not there.is_file():
                raise FileFormatError(f"conduct.{name}: put the file {passage.file!r} into {target} first.")
            continue
        content = read_bounded(here, MAX_PASSAGE_BYTES)
        if not there.exists():
            write_atomic(there, content)
        elif read_bounded(there, MAX_PASSAGE_BYTES) != content:
            raise FileFormatError(
                f"conduct.{name}: {there} exists with another text; remove it or save into another folder."
            )
