"""A study folder to start from: `new_study` copies a template that passes `study check`."""

import shutil
import tempfile
from importlib import resources
from pathlib import Path

from feedbackstudy.errors import FileFormatError, NotFoundError, choices

__all__ = ["new_study", "templates"]


def templates() -> tuple[str, ...]:
    """Return the names of the templates.

    Returns
    -------
    tuple of str
        Names to give to `new_study`.
    """
    return tuple(sorted(entry.name for entry in _folder().iterdir() if (entry / "study.yaml").is_file()))


def _folder() -> Path:
    return Path(str(resources.files("feedbackstudy"))) / "templates"


def new_study(folder: str | Path, template: str = "vignette-2x2x2") -> Path:
    """Make a study folder from a template, whole or not at all.

    Parameters
    ----------
    folder : str or Path
        The folder to make; it must not exist, or be empty.
    template : str, default "vignette-2x2x2"
        One of `templates`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        For an unknown template, a folder that holds something, or one that cannot be written.
    """
    names = templates()
    if template not in names:
        raise NotFoundError(choices("Template", template, names))
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileFormatError(
            f"{target} exists and is not an empty folder; nothing was written. Name a folder that does not exist yet."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as made:
            staged = Path(made) / target.name
            shutil.copytree(_folder() / template, staged)
            if target.exists():
                target.rmdir()
            staged.rename(target)
    except OSError as fault:
        raise FileFormatError(
            f"{target} cannot be made: {fault.strerror or fault}. Choose a folder you may write to."
        ) from fault
    return target
