"""A dataset: its rows, its codebook with a unit for every column, where it comes from, and its hash."""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from feedbackstudy.declaration import Declaration
from feedbackstudy.errors import DataError, FileFormatError
from feedbackstudy.files import inside, read_bounded
from feedbackstudy.render import Block, Facts, Page, Rendered, Table, Text, number, table_of

__all__ = ["Dataset", "Variable", "check_columns", "frame_of", "read_description", "read_folder"]

MAX_BYTES = 50_000_000
_SHOWN_ROWS = 6


class Variable(Declaration):
    """One column of a dataset.

    Attributes
    ----------
    name : str
        The column's name.
    description : str
        What it holds.
    unit : str
        Its unit; "label" for categories, "text" or "name" for words.
    minimum, maximum : float or None
        Limits of possible values.
    """

    name: str
    description: str
    unit: str
    minimum: float | None = None
    maximum: float | None = None

    @classmethod
    def from_property(cls, data: dict[str, object]) -> Self:
        """Build the variable from a schema.org ``PropertyValue``.

        Parameters
        ----------
        data : dict
            Entry of ``variableMeasured``.

        Returns
        -------
        Variable
            The column's entry in the codebook.
        """
        low, high = data.get("minValue"), data.get("maxValue")
        return cls(
            name=str(data.get("name", "")),
            description=str(data.get("description", "")),
            unit=str(data.get("unitText", "")),
            minimum=float(low) if isinstance(low, int | float) else None,
            maximum=float(high) if isinstance(high, int | float) else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(Rendered):
    """A table with everything that is needed to use and to cite it.

    Attributes
    ----------
    key : str
        Its name in the catalogue.
    title, description : str
        What it is.
    citation, licence : str
        How to cite it, and on which terms it may be used.
    sources : tuple of str
        Where the figures were read.
    variables : tuple of Variable
        The codebook, in the order of the columns.
    sha256 : str
        SHA-256 of the data file.
    path : Path
        The data file.
    table : DataFrame
        The rows as read; use `frame` for a copy of your own.
    """

    key: str
    title: str
    description: str
    citation: str
    licence: str
    sources: tuple[str, ...]
    variables: tuple[Variable, ...]
    sha256: str
    path: Path
    table: pd.DataFrame

    @property
    def frame(self) -> pd.DataFrame:
        """The rows, as a copy that may be changed."""
        return self.table.copy()

    @property
    def codebook(self) -> pd.DataFrame:
        """The columns with description, unit and limits: one row a column."""
        return pd.DataFrame([variable.model_dump() for variable in self.variables]).set_index("name")

    def page(self) -> Page:
        """Return title, source, codebook and the first rows.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = [("rows", f"{len(self.table):,}"), ("citation", self.citation), ("licence", self.licence)]
        facts += [("source", source) for source in self.sources] + [("sha256", self.sha256)]
        codebook = Table(
            ("column", "description", "unit", "limits"),
            tuple((v.name, v.description, v.unit, _limits(v)) for v in self.variables),
            "Codebook",
        )
        rows = self.table.head(_SHOWN_ROWS).to_dict("records")
        blocks: tuple[Block, ...] = (
            Text(self.description),
            Facts(tuple(facts)),
            codebook,
            table_of([{str(k): v for k, v in row.items()} for row in rows], caption=f"First {len(rows)} rows"),
        )
        return Page(self.title, f"datasets.load({self.key!r})", blocks)


def _limits(variable: Variable) -> str:
    low, high = variable.minimum, variable.maximum
    if low is None and high is None:
        return ""
    return f"{'' if low is None else number(low, 0)} to {'' if high is None else number(high, 0)}".strip()


def read_description(folder: Path) -> dict[str, object]:
    """Read ``dataset_description.json``.

    Parameters
    ----------
    folder : Path
        The dataset's folder.

    Returns
    -------
    dict
        Its content.

    Raises
    ------
    FileFormatError
        Where the file is absent or no JSON object.
    """
    path = folder / "dataset_description.json"
    try:
        data = json.loads(read_bounded(path, 5_000_000).decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise FileFormatError(f"{path} is not UTF-8 JSON: {fault}.") from fault
    if not isinstance(data, dict):
        raise FileFormatError(f"{path} must hold one JSON object.")
    return data


def frame_of(content: bytes, where: Path) -> pd.DataFrame:
    """Parse CSV bytes; an empty cell is missing, every other text stays as it is.

    Parameters
    ----------
    content : bytes
        The file's content, UTF-8.
    where : Path
        Its name, for messages.

    Returns
    -------
    DataFrame
        The rows.

    Raises
    ------
    FileFormatError
        Where it cannot be parsed.
    """
    try:
        return pd.read_csv(io.BytesIO(content), keep_default_na=False, na_values=[""])
    except (ValueError, pd.errors.ParserError) as fault:
        raise FileFormatError(f"{where} is not a readable CSV file: {fault}") from fault


def check_columns(frame: pd.DataFrame, variables: tuple[Variable, ...], where: Path) -> None:
    """Refuse a table whose columns differ from its codebook.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    variables : tuple of Variable
        The codebook.
    where : Path
        The file, for messages.

    Raises
    ------
    DataError
        Naming the columns that are missing or undescribed.
    """
    given, declared = [str(name) for name in frame.columns], [variable.name for variable in variables]
    missing = [name for name in declared if name not in given]
    extra = [name for name in given if name not in declared]
    if missing or extra:
        raise DataError(
            f"{where}: columns and codebook differ; missing from the file: {missing or 'none'}, missing from the "
            f"codebook: {extra or 'none'}. Restore the file or describe the column in dataset_description.json."
        )


def read_folder(folder: Path) -> Dataset:
    """Read one dataset folder, refusing a data file that differs from its recorded hash.

    Parameters
    ----------
    folder : Path
        A folder with ``dataset_description.json`` and ``data/``.

    Returns
    -------
    Dataset
        The record.

    Raises
    ------
    FileFormatError
        Where the description is incomplete or a byte of the data file was changed.
    DataError
        Where columns and codebook differ.
    """
    about = read_description(folder)
    path, recorded = _distribution(about, folder)
    content = read_bounded(path, MAX_BYTES)
    found = hashlib.sha256(content).hexdigest()
    if found != recorded:
        raise FileFormatError(
            f"{path} was changed: its SHA-256 is {found}, dataset_description.json records {recorded}. "
            "Restore the file (reinstall feedbackstudy, or take it from version control); nothing was loaded."
        )
    variables = _variables(about, folder)
    frame = frame_of(content, path)
    check_columns(frame, variables, path)
    return Dataset(
        key=folder.name,
        title=str(about.get("name", folder.name)),
        description=str(about.get("description", "")),
        citation=str(about.get("citation", "")),
        licence=str(about.get("license", "")),
        sources=_texts(about.get("isBasedOn")),
        variables=variables,
        sha256=found,
        path=path,
        table=frame,
    )


def _distribution(about: dict[str, object], folder: Path) -> tuple[Path, str]:
    entries = about.get("distribution")
    entry = entries[0] if isinstance(entries, list) and len(entries) == 1 else None
    if not isinstance(entry, dict) or not {"contentUrl", "sha256"} <= set(entry):
        raise FileFormatError(
            f"{folder / 'dataset_description.json'}: 'distribution' must name exactly one data file with its "
            "'contentUrl' (a path below the folder) and 'sha256'."
        )
    return inside(folder, str(entry["contentUrl"])), str(entry["sha256"])


def _variables(about: dict[str, object], folder: Path) -> tuple[Variable, ...]:
    entries = about.get("variableMeasured")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FileFormatError(
            f"{folder / 'dataset_description.json'}: 'variableMeasured' must list one PropertyValue for each column."
        )
    return tuple(Variable.from_property(entry) for entry in entries)


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
