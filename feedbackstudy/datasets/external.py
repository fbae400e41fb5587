"""Tables that may not be passed on: where they come from, how they are converted, and how to recognise them.

Their repositories name no licence (or say "illustration only"), so the rows never travel with feedbackstudy. The
registry pins repository, commit and path; a converted table is recognised by a hash of its content.
"""

import functools
import hashlib
import io
import os
from pathlib import Path

import pandas as pd
import platformdirs
from pydantic import Field

from feedbackstudy import yamlfile
from feedbackstudy.datasets.record import MAX_BYTES, Dataset, Variable, check_columns, frame_of
from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.errors import FileFormatError, NotFoundError
from feedbackstudy.files import inside, read_bounded

__all__ = [
    "External",
    "Original",
    "content_sha256",
    "data_folder",
    "externals",
    "find",
    "how_to_obtain",
    "load_external",
    "verify",
]

VARIABLE = "FEEDBACKSTUDY_DATA"


class Original(Declaration):
    """One file as its authors posted it.

    Attributes
    ----------
    path : str
        Its path in the repository or installed package.
    sha256 : str or None
        SHA-256 of its bytes; None where it was never recorded, so that only the converted content is verified.
    """

    path: str
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class External(Declaration):
    """What is known about a table that is not passed on.

    Attributes
    ----------
    key, title, description, citation, licence : str
        As of any dataset; `licence` says why it does not travel with feedbackstudy.
    repository : str
        ``owner/name`` of the repository; for `installed` tables the package's name.
    commit : str
        The commit that is read.
    host : str
        Address of the raw files; empty where the file is part of an installed package.
    originals : tuple of Original
        The files that the conversion reads.
    conversion : str
        Name of the conversion.
    steps : str
        What the conversion does, in words.
    layout_seen : str
        Where the layout of the originals was read, and what of the conversion was checked on real rows.
    rows : int
        Number of rows after conversion.
    content_sha256 : str
        Hash of the converted content (see `content_sha256`).
    numbered_here : tuple of str
        Running numbers that the conversion gives; they are not part of the hash.
    variables : tuple of Variable
        The codebook.
    """

    key: str
    title: str
    description: str
    citation: str
    licence: str
    repository: str
    commit: str = ""
    host: str = "https://raw.githubusercontent.com"
    originals: Many[Original] = Field(min_length=1)
    conversion: str
    steps: str
    layout_seen: str
    rows: int
    content_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    numbered_here: Many[str] = ()
    variables: Many[Variable] = Field(min_length=1)

    @property
    def installed(self) -> bool:
        """The original is part of an installed package, so nothing is downloaded."""
        return not self.host

    @property
    def origin(self) -> str:
        """Where the originals lie, in words."""
        files = ", ".join(original.path for original in self.originals)
        at = f" at commit {self.commit}" if self.commit else ""
        return f"{self.repository}{at}: {files}"


@functools.cache
def externals() -> dict[str, External]:
    """Read the registry.

    Returns
    -------
    dict
        Key -> entry.
    """
    document = yamlfile.read(Path(__file__).with_name("external.yaml"))
    entries = document.data if isinstance(document.data, list) else []
    read = [External.from_data(entry, document) for entry in entries]
    return {entry.key: entry for entry in read}


def data_folder() -> Path:
    """Return the folder that holds a user's own copies: ``$FEEDBACKSTUDY_DATA``, else the user's data folder.

    Returns
    -------
    Path
        The folder; it need not exist.
    """
    given = os.environ.get(VARIABLE, "").strip()
    return Path(given).expanduser() if given else platformdirs.user_data_path("feedbackstudy", appauthor=False)


def find(external: External) -> Path | None:
    """Look for the converted table in the data folder.

    Parameters
    ----------
    external : External
        Registry entry.

    Returns
    -------
    Path or None
        ``KEY.csv`` there, or None.
    """
    path = inside(data_folder(), f"{external.key}.csv")
    return path if path.is_file() else None


def content_sha256(content: bytes, numbered_here: tuple[str, ...] = ()) -> str:
    """Hash a CSV table blind to the order of its rows and to running numbers given by the conversion.

    Parameters
    ----------
    content : bytes
        A CSV file.
    numbered_here : tuple of str
        Columns left out.

    Returns
    -------
    str
        64 hexadecimal digits.

    Notes
    -----
    The cells are compared as text. Header first, then the rows sorted, cells joined by the unit separator.
    """
    table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    kept = table[[name for name in table.columns if name not in numbered_here]]
    lines = sorted("\x1f".join(row) for row in kept.to_numpy(dtype=str))
    return hashlib.sha256("\n".join(["\x1f".join(kept.columns), *lines]).encode("utf-8")).hexdigest()


def load_external(external: External) -> Dataset:
    """Load a table that the user has obtained.

    Parameters
    ----------
    external : External
        Registry entry.

    Returns
    -------
    Dataset
        The record.

    Raises
    ------
    NotFoundError
        Where it is not there, with the exact way to obtain it.
    FileFormatError
        Where its content differs from the recorded one.
    """
    path = find(external)
    if path is None:
        raise NotFoundError(how_to_obtain(external))
    content = read_bounded(path, MAX_BYTES)
    frame = frame_of(content, path)
    check_columns(frame, external.variables, path)
    verify(external, content, str(path))
    return Dataset(
        key=external.key,
        title=external.title,
        description=external.description,
        citation=external.citation,
        licence=external.licence,
        sources=(external.origin,),
        variables=external.variables,
        sha256=hashlib.sha256(content).hexdigest(),
        path=path,
        table=frame,
    )


def verify(external: External, content: bytes, where: str) -> None:
    """Refuse a converted table whose content is not the recorded one.

    Parameters
    ----------
    external : External
        Registry entry.
    content : bytes
        The converted CSV.
    where : str
        What is being checked, for the message.

    Raises
    ------
    FileFormatError
        With both hashes.
    """
    found = content_sha256(content, external.numbered_here)
    if found != external.content_sha256:
        raise FileFormatError(
            f"{where} does not hold the recorded table {external.key!r}: its content hash is {found}, recorded is "
            f"{external.content_sha256}. Remove the file and run 'feedbackstudy datasets get {external.key}' again; "
            "if that fails too, the authors' file has changed: please report it."
        )


def how_to_obtain(external: External) -> str:
    """Say exactly how to obtain a table that is not here.

    Parameters
    ----------
    external : External
        Registry entry.

    Returns
    -------
    str
        The command, and the steps by hand.
    """
    return (
        f"Dataset {external.key!r} does not come with feedbackstudy ({external.licence}) and is not in "
        f"{data_folder()}. Run 'feedbackstudy datasets get {external.key}' (or "
        f"feedbackstudy.datasets.get({external.key!r})), which reads {external.origin}. By hand: {external.steps} "
        f"Save the table as {external.key}.csv in that folder, or set "
        f"${VARIABLE} to the folder that has it."
    )
