"""The study's folder: its file, and the texts it names, which stay inside."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.design.conduct import Conduct, Passage
from feedbackstudy.errors import FileFormatError, UnsafePathError
from feedbackstudy.files import inside, read_bounded, sha256_file, write_atomic
from feedbackstudy.scales.completion import COMPLETIONS_FILE

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["carry_completions", "carry_files", "carry_passages", "prove_passages", "study_file"]

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


def prove_passages(conduct: Conduct, folder: Path, *, where: Callable[..., str]) -> None:
    """Refuse a text file that lies outside the study folder, is absent or was changed.

    Parameters
    ----------
    conduct : Conduct
        Names the texts.
    folder : Path
        The study folder.
    where : callable
        Keys from the top of the study file -> file, line and place.

    Raises
    ------
    InputError
        Naming file, line, the text and what to do.
    """
    for name, passage in conduct.passages():
        if passage.file is not None:
            _prove(where("conduct", *name.split(".")), passage.file, passage, folder)


def _prove(place: str, file: str, passage: Passage, folder: Path) -> None:
    try:
        path = inside(folder, file)
    except UnsafePathError as fault:
        raise UnsafePathError(f"{place}: {fault}") from fault
    if not path.is_file():
        raise FileFormatError(f"{place}: the file {file!r} does not exist in {folder}.")
    if passage.sha256 is not None and sha256_file(path) != passage.sha256:
        raise FileFormatError(
            f"{place}: {file!r} is not the text that was declared: its sha256 is {sha256_file(path)}, declared "
            f"is {passage.sha256}. Restore the file, or declare the new text by its hash."
        )


def carry_files(study: "Study", target: Path) -> None:
    """Copy every file that a study names into the folder it is saved to.

    Parameters
    ----------
    study : Study
        Names texts, completed scales and messages of the researcher's own.
    target : Path
        The folder.

    Raises
    ------
    InputError
        Where a file exists in neither folder, or a different one of that name lies in the target.
    """
    carry_passages(study.conduct, study.folder, target)
    carry_completions(study.folder, target)
    own = study.messages.own if study.messages else None
    if own is not None and not _carry("messages.own", own, study.folder, target):
        raise FileFormatError(f"messages.own: put the file {own!r} into {target} first.")


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
        if not _carry(f"conduct.{name}", passage.file, source, target):
            raise FileFormatError(f"conduct.{name}: put the file {passage.file!r} into {target} first.")


def carry_completions(source: Path | None, target: Path) -> None:
    """Copy what the researcher completed about scales into the folder a study is saved to.

    Parameters
    ----------
    source : Path or None
        The folder the study was read from; None where it was made in memory.
    target : Path
        The folder it is saved to.

    Raises
    ------
    InputError
        Where different completions lie in the target.
    """
    _carry("measures", COMPLETIONS_FILE, source, target)


def _carry(place: str, file: str, source: Path | None, target: Path) -> bool:
    """Copy a file of the study folder; say whether it lies in the target now."""
    there = inside(target, file)
    here = inside(source, file) if source is not None else None
    if here is None or not here.is_file():
        return there.is_file()
    content = read_bounded(here, MAX_PASSAGE_BYTES)
    if not there.exists():
        there.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(there, content)
    elif read_bounded(there, MAX_PASSAGE_BYTES) != content:
        raise FileFormatError(f"{place}: {there} exists with another text; remove it or save into another folder.")
    return True
