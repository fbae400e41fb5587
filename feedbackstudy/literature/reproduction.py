"""Reproduce a published analysis: read what was printed, compute it again, compare value by value."""

import hashlib
import importlib.util
import logging
import sys
import time
from collections.abc import Callable, Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from pandas import DataFrame

from feedbackstudy import shipped
from feedbackstudy.analysis.bayesian.sampling import progress_to
from feedbackstudy.datasets import is_present
from feedbackstudy.datasets import load as load_dataset
from feedbackstudy.datasets.record import MAX_BYTES, frame_of
from feedbackstudy.errors import DataError, FileFormatError, NotFoundError, choices
from feedbackstudy.files import inside, read_bounded
from feedbackstudy.literature.card import Reproduction
from feedbackstudy.literature.classes import grade_all
from feedbackstudy.literature.findings import Findings, Value
from feedbackstudy.literature.published import Published
from feedbackstudy.literature.rounding import push_through
from feedbackstudy.provenance import Provenance
from feedbackstudy.study import Study

__all__ = ["Findings", "Published", "Reproduction", "Value", "push_through", "reproduce", "reproductions"]

_FILES = ("published.yaml", "study.yaml", "analysis.py")
_LOG = logging.getLogger(__name__)


def reproductions() -> tuple[str, ...]:
    """List the published analyses that come with feedbackstudy, the quickest first.

    Returns
    -------
    tuple of str
        Keys for `reproduce`.
    """
    folders = [path.parent for path in shipped.folder("analyses").glob("*/published.yaml")]
    order = sorted((Published.load(folder / "published.yaml").seconds, folder.name) for folder in folders)
    return tuple(name for _, name in order)


def reproduce(key: str | Path, *, say: Callable[[str], object] | None = None) -> Reproduction:
    """Recompute a published analysis and grade every printed value.

    Parameters
    ----------
    key : str or Path
        A key of `reproductions`, or the path of a folder of your own (a `Path`, or text with a separator in it). The
        Python in such a folder runs with your rights; a line says so before.
    say : callable, optional
        Receives lines of text: one before the Python of a folder of your own runs (the log's warning by default), and
        how far a sampler is.

    Returns
    -------
    Reproduction
        The report card.

    Raises
    ------
    NotFoundError
        Where no such key, folder or file exists.
    DeclarationError
        Where ``published.yaml`` or ``study.yaml`` does not hold.
    DataError
        Where ``analysis.py`` returns values or choices that ``published.yaml`` does not declare, or asks for a column
        that the data do not have.
    """
    folder, own = _folder(key)
    published = Published.load(folder / "published.yaml")
    study = Study.load(folder / "study.yaml")
    absent = [name for name in published.rows if not is_present(name)]
    tables = _tables(published, folder, absent)
    if own:
        (say or _LOG.warning)(f"The Python in {folder / 'analysis.py'} will now run with your rights.")
    analyse = _analyse_function(folder)
    start = time.perf_counter()
    with progress_to(_Steps(say or _LOG.info)):
        findings = _run(analyse, {name: table for name, (table, _) in tables.items()}, study, folder)
    seconds = time.perf_counter() - start
    _agree(findings, published, folder)
    return Reproduction(
        published=published,
        grades=grade_all(published, findings.values),
        findings=findings,
        seconds=seconds,
        notes=_notes(published, findings, absent),
        provenance=Provenance(
            made_by="literature.reproduce",
            design_hash=study.design_hash,
            data_sha256=tuple((name, sha256) for name, (_, sha256) in tables.items()),
            seed=findings.seed,
        ),
    )


class _Steps:
    """Says each new step of a sampler, and every quarter of it, not every poll."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say, self._said = say, ""

    def __call__(self, what: str, share: float) -> None:
        line = f"      {what} ..." if share < 0.25 else f"      {what}: {int(4 * share) * 25}%"
        if line != self._said:
            self._said = line
            self._say(line)


def _folder(key: str | Path) -> tuple[Path, bool]:
    own = isinstance(key, Path) or "/" in key or "\\" in key or key.startswith(".")
    if own:
        folder = Path(key).expanduser().resolve()
    else:
        root = shipped.folder("analyses")
        names = [path.parent.name for path in root.glob("*/published.yaml")]
        if key not in names:
            raise NotFoundError(f"{choices('Analysis', key, names)} For a folder of your own give its path, ./{key}.")
        folder = inside(root, str(key))
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise NotFoundError(
            f"{folder} lacks {', '.join(missing)}; an analysis is a folder with {', '.join(_FILES)}. "
            "'feedbackstudy reproduce --new KEY' writes a commented one."
        )
    return folder, own


def _tables(published: Published, folder: Path, absent: list[str]) -> dict[str, tuple[DataFrame, str]]:
    tables: dict[str, tuple[DataFrame, str]] = {}
    for name in (*published.datasets, *published.rows):
        if name not in absent:
            dataset = load_dataset(name)
            tables[name] = (dataset.frame, dataset.sha256)
    for file in published.files:
        path = inside(folder, file.path)
        content = read_bounded(path, MAX_BYTES)
        found = hashlib.sha256(content).hexdigest()
        if file.sha256 is not None and found != file.sha256:
            raise FileFormatError(
                f"{path} was changed: its SHA-256 is {found}, published.yaml records {file.sha256}. Restore the file, "
                "or record the new hash if the change is meant."
            )
        tables[file.name] = (frame_of(content, path), found)
    return tables


class _Uncached(SourceFileLoader):
    """Compiles from source each time: nothing is written beside the analysis, nothing stale is run."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def _analyse_function(folder: Path) -> Callable[[Mapping[str, DataFrame], Study], object]:
    path = folder / "analysis.py"
    name = f"feedbackstudy_analysis_{folder.name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Uncached(name, str(path)))
    if spec is None or spec.loader is None:
        raise FileFormatError(f"{path} cannot be imported.")
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as fault:
        raise FileFormatError(f"{path}:{fault.lineno}: not valid Python: {fault.msg}.") from fault
    finally:
        del sys.modules[name]
    analyse = getattr(module, "analyse", None)
    if not callable(analyse):
        raise FileFormatError(f"{path} must define analyse(data, study) and return Findings.")
    function: Callable[[Mapping[str, DataFrame], Study], object] = analyse
    return function


def _run(
    analyse: Callable[[Mapping[str, DataFrame], Study], object],
    data: Mapping[str, DataFrame],
    study: Study,
    folder: Path,
) -> Findings:
    try:
        findings = analyse(data, study)
    except KeyError as fault:
        held = "; ".join(f"{name}: {', '.join(map(str, frame.columns))}" for name, frame in data.items())
        raise DataError(
            f"{folder / 'analysis.py'} asks for {fault.args[0]!r}, which the data do not have. They hold {held}."
        ) from fault
    if not isinstance(findings, Findings):
        raise DataError(
            f"{folder / 'analysis.py'}: analyse(data, study) returned a {type(findings).__name__}; return Findings."
        )
    return findings


def _agree(findings: Findings, published: Published, folder: Path) -> None:
    ids = [value.id for value in published.values]  # noqa: PD011 - not a frame
    for name in findings.values:  # noqa: PD011 - not a frame
        if name not in ids:
            raise DataError(f"{folder / 'analysis.py'} returns an undeclared value: {choices('Value', name, ids)}")
    declared = [choice.id for choice in published.choices]
    for name in findings.choices:
        if name not in declared:
            raise DataError(f"{folder / 'analysis.py'} made an undeclared choice: {choices('Choice', name, declared)}")


def _notes(published: Published, findings: Findings, absent: list[str]) -> tuple[str, ...]:
    notes = [
        f"The rows of {name} are not on this machine, so the check against them was left out; "
        f"'feedbackstudy datasets get {name}' says how to obtain them."
        for name in absent
    ]
    notes += [
        f"The declared choice {choice.id!r} was not made in this run."
        for choice in published.choices
        if choice.id not in findings.choices
    ]
    return tuple(notes)
