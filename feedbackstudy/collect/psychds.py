"""Check a folder against Psych-DS 1.5.0, the rules for psychological datasets that people and machines can read.

Errors are what the official validator refuses; warnings are what it recommends. Nothing outside the folder is read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from feedbackstudy.collect.psychds_findings import recommend, refuse
from feedbackstudy.collect.psychds_metadata import Metadata, metadata_issues, read_metadata
from feedbackstudy.collect.psychds_tables import DataFile, table_issues
from feedbackstudy.issues import Issue, Issues, Severity

__all__ = ["validate"]

VERSION = "1.5.0"
_RECOMMENDED_FOLDERS = ("analysis", "results", "materials", "documentation")
_RECOMMENDED_FILES = (("README.md", "README.txt"), ("CHANGES.md", "CHANGES.txt"))
_IGNORE_FILE = ".psychds-ignore"


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A data file with the metadata that holds for it."""

    file: DataFile
    metadata: Metadata


def validate(folder: Path, *, recommendations: bool = True) -> Issues:
    """Check a dataset folder against Psych-DS.

    Parameters
    ----------
    folder : Path
        The dataset's root.
    recommendations : bool, default True
        Also report what is recommended but not required.

    Returns
    -------
    Issues
        Errors make the folder no Psych-DS dataset; warnings are recommendations.

    Notes
    -----
    Metadata are inherited: for a data file, keys of a ``file_metadata.json`` in its folder (or a folder above it, the
    nearest last) and then of its own sidecar (``X_data.json`` beside ``X_data.csv``) replace those of
    ``dataset_description.json``.
    """
    root = folder.resolve()
    if not root.is_dir():
        return Issues([refuse("no_folder", str(folder), "is not a folder.", "Give the dataset's root folder.")])
    described, issues = read_metadata(root / "dataset_description.json", root, required=True)
    compiled: list[_Compiled] = []
    for file in _data_files(root, issues):
        inherited = described
        for level in _levels(file.path, root):
            layer, found = read_metadata(level, root, required=False)
            issues += found
            inherited = inherited.over(layer)
        compiled.append(_Compiled(file, inherited))
    issues += metadata_issues(described, [entry.metadata for entry in compiled], root)
    issues += _variable_issues(compiled, described)
    issues += _recommended(root)
    unique = list(dict.fromkeys(issues))
    kept = unique if recommendations else [issue for issue in unique if issue.severity is Severity.ERROR]
    return Issues(kept)


def _data_files(root: Path, issues: list[Issue]) -> list[DataFile]:
    data = root / "data"
    if not data.is_dir():
        fix = "Make a folder data/ and put at least one *_data.csv file into it."
        issues.append(refuse("no_data_folder", "data/", "is missing.", fix))
        return []
    ignored = _ignore_patterns(root)
    files: list[DataFile] = []
    for path in sorted(data.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix not in {".csv", ".tsv"} or not path.is_file() or _is_ignored(name, ignored):
            continue
        file, found = table_issues(path, root)
        issues += found
        if file is not None:
            files.append(file)
    if not files:
        what = "holds no data file."
        fix = "Name it like study-one_data.csv: keyword-value pairs joined by '_', then '_data.csv' or '_data.tsv'."
        issues.append(refuse("no_data_file", "data/", what, fix))
    return files


def _ignore_patterns(root: Path) -> list[str]:
    path = root / _IGNORE_FILE
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _is_ignored(name: str, patterns: Iterable[str]) -> bool:
    return any(
        fnmatch(name, pattern.strip("/"))
        or fnmatch(name, f"{pattern.strip('/')}/*")
        or fnmatch(Path(name).name, pattern)
        for pattern in patterns
    )


def _levels(path: Path, root: Path) -> Iterator[Path]:
    """Yield the metadata files that may stand over a data file, the one that wins last."""
    folders = [folder for folder in path.parents if folder.is_relative_to(root)]
    for folder in reversed(folders):
        yield folder / "file_metadata.json"
    yield path.with_suffix(".json")


def _variable_issues(compiled: list[_Compiled], described: Metadata) -> list[Issue]:
    issues = []
    for entry in compiled:
        missing = [name for name in entry.file.columns if name not in entry.metadata.variables]
        if missing:
            what = f"columns {', '.join(missing)} are not listed in variableMeasured."
            fix = "Add a PropertyValue with name, description and unitText for each."
            issues.append(refuse("column_not_described", entry.file.name, what, fix))
    columns = {name for entry in compiled for name in entry.file.columns}
    listed = {name: None for entry in compiled for name in entry.metadata.variables} or dict.fromkeys(
        described.variables
    )
    absent = [name for name in listed if name not in columns]
    if absent and compiled:
        what = f"variables {', '.join(absent)} are listed in variableMeasured, but no data file has them."
        fix = "Remove them from the metadata, or restore the columns."
        issues.append(refuse("variable_without_column", "dataset_description.json", what, fix))
    return issues


def _recommended(root: Path) -> list[Issue]:
    wanted = [names for names in _RECOMMENDED_FILES if not any((root / name).is_file() for name in names)]
    missing = [" or ".join(names) for names in wanted]
    missing += [f"{name}/" for name in _RECOMMENDED_FOLDERS if not (root / name).is_dir()]
    missing += [] if (root / _IGNORE_FILE).is_file() else [_IGNORE_FILE]
    fix = "Add it where you have something to put there."
    return [recommend("recommended_absent", name, "is recommended and absent.", fix) for name in missing]
