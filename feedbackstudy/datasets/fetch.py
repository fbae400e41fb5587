"""Fetch a table from its authors' repository: whole, verified and converted, or not at all."""

import hashlib
import http.client
import importlib.util
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

import feedbackstudy
from feedbackstudy.datasets.convert import convert
from feedbackstudy.datasets.external import External, Original, data_folder, externals, load_external, verify
from feedbackstudy.datasets.record import Dataset
from feedbackstudy.errors import FileFormatError, InputError, NotFoundError, UnsafePathError, choices
from feedbackstudy.files import inside, read_bounded, write_atomic

__all__ = ["get", "obtain"]

MAX_BYTES = 20_000_000
TIMEOUT = 30.0
_CHUNK = 1 << 16
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

type Progress = Callable[[str, int, int | None], object]


def get(key: str, *, progress: Progress | None = None, timeout: float = TIMEOUT) -> Dataset:
    """Fetch a table that may not be passed on, for your own use.

    Parameters
    ----------
    key : str
        A key of `list_datasets` whose status is "to be fetched".
    progress : callable, optional
        Called with the file's path, the bytes so far, and the bytes in all (None where the server does not say).
    timeout : float, default 30
        Seconds without an answer before giving up.

    Returns
    -------
    Dataset
        The converted table, verified against the recorded content; it stays in the data folder for later.

    Raises
    ------
    NotFoundError
        Where the key is unknown, or names a table that comes with feedbackstudy.
    FileFormatError
        Where the network fails, a file is cut short, too large, of another layout or of another content. Nothing is
        left behind, and what was there before stays.
    UnsafePathError
        Where the data folder lies inside a checkout of feedbackstudy: rows must never get into version control.
    """
    known = externals()
    if key not in known:
        raise NotFoundError(f"{choices('Table to be fetched', key, known)} Shipped tables need no fetching: load(key).")
    obtain(known[key], progress=progress, timeout=timeout)
    return load_external(known[key])


def obtain(external: External, *, progress: Progress | None = None, timeout: float = TIMEOUT) -> Path:
    """Download, verify, convert, verify again and write one external table.

    Parameters
    ----------
    external : External
        What to fetch.
    progress : callable, optional
        As in `get`.
    timeout : float, default 30
        As in `get`.

    Returns
    -------
    Path
        The CSV file in the data folder.
    """
    folder = data_folder()
    _not_in_checkout(folder)
    target = inside(folder, f"{external.key}.csv")
    files = {original.path: _original(external, original, progress, timeout) for original in external.originals}
    content = convert(external.conversion, files, [variable.name for variable in external.variables])
    verify(external, content, f"the table converted from {external.origin}")
    return write_atomic(target, content)


def _not_in_checkout(folder: Path) -> None:
    root = Path(feedbackstudy.__file__).resolve().parents[1]
    if (root / "pyproject.toml").is_file() and folder.resolve().is_relative_to(root):
        raise UnsafePathError(
            f"The data folder {folder} lies inside the checkout {root}; rows that may not be passed on must not get "
            "into version control. Set $FEEDBACKSTUDY_DATA to a folder elsewhere."
        )


def _original(external: External, original: Original, progress: Progress | None, timeout: float) -> bytes:
    if external.installed:
        content = _from_package(external.repository, original.path)
    else:
        content = _download(_address(external, original), original.path, progress, timeout)
    found = hashlib.sha256(content).hexdigest()
    if original.sha256 is not None and found != original.sha256:
        raise FileFormatError(
            f"{original.path} of {external.repository} has the SHA-256 {found}, recorded is {original.sha256}: it is "
            "not the file that was read. Nothing was written; try again, and report it if it stays so."
        )
    return content


def _from_package(package: str, path: str) -> bytes:
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        raise NotFoundError(f"The package {package!r} is not installed, so its file {path} cannot be read.")
    return read_bounded(inside(Path(places[0]), path), MAX_BYTES)


def _address(external: External, original: Original) -> str:
    parts = (external.repository, external.commit, original.path)
    return "/".join([external.host.rstrip("/"), *(urllib.parse.quote(part) for part in parts if part)])


def _allowed(address: str) -> bool:
    parts = urllib.parse.urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


class _StayEncrypted(urllib.request.HTTPRedirectHandler):
    """Follows a redirection only where the first request might have gone too."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not _allowed(newurl):
            raise FileFormatError(f"{req.full_url} points on to {newurl}, which is not https; nothing was fetched.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(address: str, name: str, progress: Progress | None, timeout: float) -> bytes:
    if not _allowed(address):
        raise FileFormatError(f"{address} is not an https address; nothing was fetched.")
    opener = urllib.request.build_opener(_StayEncrypted())
    try:
        with opener.open(address, timeout=timeout) as answer:
            return _receive(answer, name, progress)
    except InputError:
        raise
    except (OSError, http.client.HTTPException) as fault:
        reason = f"HTTP {fault.code}" if isinstance(fault, urllib.error.HTTPError) else fault
        raise FileFormatError(
            f"{address} could not be fetched: {reason}. Nothing was written. Check the connection (behind a proxy set "
            "https_proxy) and run the same command again, or fetch the file elsewhere and follow the steps by hand "
            "that datasets.load names."
        ) from fault


def _receive(answer: http.client.HTTPResponse, name: str, progress: Progress | None) -> bytes:
    declared = answer.headers.get("Content-Length")
    total = int(declared) if declared is not None and declared.isdigit() else None
    received = bytearray()
    while chunk := answer.read(_CHUNK):
        received += chunk
        if len(received) > MAX_BYTES:
            raise FileFormatError(f"{name} is larger than the {MAX_BYTES:,} bytes accepted; nothing was written.")
        if progress is not None:
            progress(name, len(received), total)
    if total is not None and len(received) != total:
        raise FileFormatError(
            f"{name}: the connection was cut after {len(received):,} of {total:,} bytes; nothing was written. "
            "Run the same command again."
        )
    return bytes(received)
