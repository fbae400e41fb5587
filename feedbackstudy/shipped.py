"""Where the shipped folders lie: in the checkout, or in the installed copy."""

from pathlib import Path

from feedbackstudy.errors import NotFoundError, choices

__all__ = ["FOLDERS", "folder"]

FOLDERS = ("analyses", "datasets", "notebooks")

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_shipped"


def folder(name: str) -> Path:
    """Return the folder of shipped datasets, analyses or notebooks.

    Parameters
    ----------
    name : {"analyses", "datasets", "notebooks"}
        Which of the three.

    Returns
    -------
    Path
        The folder in the checkout that this package runs from; otherwise the copy inside the installed package.

    Raises
    ------
    NotFoundError
        For another name, or where the installation lacks the folder.

    Notes
    -----
    The place of an installed package may hold a foreign folder called ``datasets`` (a package of that name exists),
    so a checkout is recognised by its ``pyproject.toml``.
    """
    if name not in FOLDERS:
        raise NotFoundError(choices("Shipped folder", name, FOLDERS))
    checkout = _PACKAGE.parent
    candidates = [checkout / name] if (checkout / "pyproject.toml").is_file() else []
    candidates.append(_INSTALLED / name)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    looked = " and ".join(map(str, candidates))
    raise NotFoundError(f"The folder {name!r} is not part of this installation (looked in {looked}); reinstall it.")
