"""The catalogue: what there is, and loading one of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from feedbackstudy import shipped
from feedbackstudy.datasets.external import External, externals, find, load_external
from feedbackstudy.datasets.record import Dataset, read_description, read_folder
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.files import inside
from feedbackstudy.render import Page, Rendered, Table, Text

__all__ = ["Catalogue", "Entry", "is_present", "list_datasets", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the catalogue.

    Attributes
    ----------
    key : str
        Name for `load`.
    title : str
        What it is.
    status : str
        "shipped", "on this machine" or "to be fetched".
    """

    key: str
    title: str
    status: str


@dataclass(frozen=True, slots=True)
class Catalogue(Rendered):
    """All datasets: those that come with feedbackstudy, and those that a user fetches.

    Attributes
    ----------
    entries : tuple of Entry
        Shipped ones first, each group by key.
    """

    entries: tuple[Entry, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The names for `load`."""
        return tuple(entry.key for entry in self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, key: object) -> bool:
        return key in self.keys

    def page(self) -> Page:
        """Return one row for each dataset.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple((entry.key, entry.title, entry.status) for entry in self.entries)
        shipped_here = sum(entry.status == "shipped" for entry in self.entries)
        note = Text(
            "datasets.load(key) loads one. Tables 'to be fetched' may not be passed on; datasets.get(key) fetches them "
            "from their authors' repository for your own use."
        )
        subtitle = f"{shipped_here} come with feedbackstudy, {len(rows) - shipped_here} can be fetched"
        return Page("Datasets", subtitle, (Table(("key", "title", "status"), rows), note))


def list_datasets() -> Catalogue:
    """List every dataset that `load` knows.

    Returns
    -------
    Catalogue
        Key, title and where it is; renders as a table.
    """
    root = shipped.folder("datasets")
    folders = sorted(path.parent for path in root.glob("*/dataset_description.json"))
    entries = [
        Entry(key=folder.name, title=str(read_description(folder).get("name", folder.name)), status="shipped")
        for folder in folders
    ]
    entries += [
        Entry(key=key, title=external.title, status="on this machine" if find(external) else "to be fetched")
        for key, external in sorted(externals().items())
    ]
    return Catalogue(tuple(entries))


def load(key: str) -> Dataset:
    """Load one dataset, verified against its recorded hash.

    Parameters
    ----------
    key : str
        A key of `list_datasets`.

    Returns
    -------
    Dataset
        Rows (`frame`), `codebook`, citation, licence and hash.

    Raises
    ------
    NotFoundError
        Where no such dataset exists, or it must be fetched first; the message says how.
    FileFormatError
        Where the data file differs from its recorded hash by as little as a byte.
    """
    external = externals().get(key)
    return load_external(external) if external is not None else read_folder(_shipped_folder(key))


def is_present(key: str) -> bool:
    """Say whether a dataset can be loaded on this machine.

    Parameters
    ----------
    key : str
        A key of `list_datasets`.

    Returns
    -------
    bool
        True for shipped tables, and for external ones that were fetched.

    Raises
    ------
    NotFoundError
        Where no such dataset exists.
    """
    external: External | None = externals().get(key)
    return find(external) is not None if external is not None else bool(_shipped_folder(key))


def _shipped_folder(key: str) -> Path:
    root = shipped.folder("datasets")
    known = [path.parent.name for path in root.glob("*/dataset_description.json")]
    if key not in known:
        raise NotFoundError(choices("Dataset", key, [*known, *externals()]))
    return inside(root, key)
