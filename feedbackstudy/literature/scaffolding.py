"""A commented folder for the reproduction of one's own paper; it runs as it stands."""

import re
import tempfile
from importlib import resources
from pathlib import Path

from feedbackstudy.errors import DataError, FileFormatError
from feedbackstudy.files import inside, write_atomic

__all__ = ["scaffold"]

_FILES = {
    "README.md": "README.md",
    "published.yaml": "published.yaml",
    "study.yaml": "study.yaml",
    "analysis.py": "analysis.py.txt",
}
_KEY = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*\Z")


def scaffold(key: str, folder: Path) -> Path:
    """Write a commented analysis folder for a paper of your own.

    Parameters
    ----------
    key : str
        Name of the analysis, such as ``"doe2024"``: small letters, digits, ``_`` and ``-``.
    folder : Path
        Where to make the folder `key`.

    Returns
    -------
    Path
        The new folder.

    Raises
    ------
    DataError
        Where the key cannot be a folder's name.
    FileFormatError
        Where the folder exists already, or cannot be written; nothing half-made is left behind.
    """
    if not _KEY.match(key):
        raise DataError(f"{key!r} is not a key; use small letters, digits, '_' and '-', such as doe2024.")
    target = inside(folder, key)
    if target.exists():
        raise FileFormatError(f"{target} exists already; choose another key or folder. Nothing was changed.")
    source = resources.files("feedbackstudy.literature") / "scaffold"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{key}.") as staging:
            made = Path(staging) / key
            for name, template in _FILES.items():
                text = (source / template).read_text(encoding="utf-8").replace("KEY", key)
                write_atomic(made / name, text)
            made.rename(target)
    except OSError as fault:
        raise FileFormatError(f"{target} cannot be written: {fault.strerror or fault}.") from fault
    return target
