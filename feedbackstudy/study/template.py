"""A study folder to start from: `new_study` copies a template that passes `study check`."""

import shutil
import tempfile
from importlib import resources
from pathlib import Path

from feedbackstudy.errors import FileFormatError, NotFoundError, choices
from feedbackstudy.scales.wording import WORDINGS_FOLDER

__all__ = ["DEFAULT_TEMPLATE", "new_study", "plan_templates", "template_folder", "templates"]

DEFAULT_TEMPLATE = "vignette-2x2x2"
_IGNORED = f"""# Wording packs hold words under other people's copyright.
# Commit wording.lock instead: it holds hashes only.
/{WORDINGS_FOLDER}/
# Answers of people never go into version control: raw exports, tables made from them, and what is noted about exports.
# What may be shared is written by `feedbackstudy share`; add that folder by hand (git add -f) after reading it.
/raw/
/data/
/exports/
/.feedbackstudy/
*.csv
*.csv.*
*.tsv
*.xlsx
*.sav
*.zsav
*.zip
*.gz
# Secrets: who comes next in a sealed list, and the key of the pseudonyms.
sealed.json
*.key
"""
_RESTRICTED = """# Applications and sufficient statistics are about people and stay where they may be kept.
# Commit plan.yaml and looks.ledger.
*.parquet
*.csv
*.lock
/applications/
/statistics*/
"""


def templates() -> tuple[str, ...]:
    """Return the names of the templates.

    Returns
    -------
    tuple of str
        Names to give to `new_study`.
    """
    return tuple(sorted(entry.name for entry in _folder().iterdir() if (entry / "study.yaml").is_file()))


def plan_templates() -> tuple[str, ...]:
    """Return the names of the templates of policy plans, which hold ``plan.yaml`` instead of a study.

    Returns
    -------
    tuple of str
        Names to give to `new_study`.
    """
    return tuple(sorted(entry.name for entry in _folder().iterdir() if (entry / "plan.yaml").is_file()))


def _folder() -> Path:
    return Path(str(resources.files("feedbackstudy"))) / "templates"


def template_folder(template: str) -> Path:
    """Return the folder of a template, to read it where it lies: ``Study.load(template_folder("second-chance"))``.

    Parameters
    ----------
    template : str
        One of `templates` or `plan_templates`.

    Returns
    -------
    Path
        The folder, which is not to be changed; `new_study` makes a copy.

    Raises
    ------
    NotFoundError
        For an unknown template.
    """
    names = (*templates(), *plan_templates())
    if template not in names:
        raise NotFoundError(choices("Template", template, names))
    return _folder() / template


def new_study(folder: str | Path, template: str = DEFAULT_TEMPLATE) -> Path:
    """Make a study folder from a template, whole or not at all.

    Parameters
    ----------
    folder : str or Path
        The folder to make; it must not exist, or be empty.
    template : str, default "vignette-2x2x2"
        One of `templates` or `plan_templates`.

    Returns
    -------
    Path
        The folder, with a ``.gitignore`` that keeps wording packs (``wordings/``), answers of people and secrets out of
        version control.

    Raises
    ------
    InputError
        For an unknown template, a folder that holds something, or one that cannot be written.
    """
    source = template_folder(template)
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileFormatError(
            f"{target} exists and is not an empty folder; nothing was written. Name a folder that does not exist yet."
        )
    try:
        if target.exists():
            _fill(target, source)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as made:
                _copied(source, Path(made) / target.name).rename(target)
    except OSError as fault:
        raise FileFormatError(
            f"{target} cannot be made: {fault.strerror or fault}. Choose a folder you may write to."
        ) from fault
    return target


def _copied(source: Path, staged: Path) -> Path:
    """Copy a template, with what keeps private files out of version control."""
    shutil.copytree(source, staged)
    ignored = _RESTRICTED if (staged / "plan.yaml").is_file() else _IGNORED
    (staged / ".gitignore").write_text(ignored, encoding="utf-8")
    return staged


def _fill(target: Path, source: Path) -> None:
    """Fill a folder that exists and is empty, such as the one people stand in; leave it empty where that fails."""
    moved: list[Path] = []
    with tempfile.TemporaryDirectory(prefix=".new.", dir=target) as made:
        try:
            for entry in sorted(_copied(source, Path(made) / "study").iterdir()):
                moved.append(entry.rename(target / entry.name))
        except OSError:
            for path in moved:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            raise
