"""Where a number comes from: what was declared, which data, which seed, which versions."""

import platform
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import metadata

from feedbackstudy.render import Facts

__all__ = ["SIMULATED", "Provenance", "is_simulated", "versions"]

SIMULATED = "Simulated data: nobody answered."
"""What every page, sentence, table and picture of a result of invented data says."""

_NAMED = ("feedbackstudy", "numpy", "scipy", "pandas", "statsmodels", "pingouin", "pymc", "nutpie", "arviz")


def versions(*packages: str) -> dict[str, str]:
    """Return the installed versions of Python and of the packages that make our numbers.

    Parameters
    ----------
    *packages : str
        Names to look up; the whole statistics stack by default.

    Returns
    -------
    dict
        Name -> version; a package that is not installed is left out. Nothing is imported.
    """
    found = {name: _installed(name) for name in packages or _NAMED}
    return {"python": platform.python_version()} | {name: text for name, text in found.items() if text}


@lru_cache(maxsize=256)
def _installed(name: str) -> str:
    """Return an installed version, empty where there is none; every result asks, so the metadata is read once."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made a result.

    Attributes
    ----------
    made_by : str
        The public verb or function, such as ``"literature.reproduce"``.
    conventions : tuple of str
        Which of several textbook formulas was used: which f, which ICC, which interval.
    design_hash : str
        Digest of the study, empty where none was declared.
    data_sha256 : tuple of (str, str)
        Dataset or file name and its hash.
    seed : int or None
        Seed of the random streams, None where nothing is random.
    versions : dict
        Versions of Python and packages.
    simulated : bool
        True where the data behind the result were invented; whatever is derived from them stays marked.
    answered_since : tuple of (str, str) or None
        Not before and not after which moment (UTC) the first answer was given, each empty where the data do not say;
        None for what was not read from a file.
    """

    made_by: str
    conventions: tuple[str, ...] = ()
    design_hash: str = ""
    data_sha256: tuple[tuple[str, str], ...] = ()
    seed: int | None = None
    versions: dict[str, str] = field(default_factory=versions)
    simulated: bool = False
    answered_since: tuple[str, str] | None = None

    @property
    def mark(self) -> str:
        """`SIMULATED` where the data were invented, otherwise the empty string."""
        return SIMULATED if self.simulated else ""

    def derived(self, made_by: str, *, conventions: tuple[str, ...] = ()) -> "Provenance":
        """Return the provenance of what is made from this: same study, data, seed and mark, today's versions.

        Parameters
        ----------
        made_by : str
            The public verb or function that makes it.
        conventions : tuple of str
            Its conventions.

        Returns
        -------
        Provenance
            A new record.
        """
        return replace(self, made_by=made_by, conventions=conventions, versions=versions())

    def marked(self, note: str = "") -> str:
        """Return a note that begins with the mark of invented data, where there is one.

        Parameters
        ----------
        note : str
            The note so far.

        Returns
        -------
        str
            The note, marked once.
        """
        return note if not self.mark or self.mark in note else f"{self.mark} {note}".rstrip()

    def facts(self) -> Facts:
        """Return the provenance as label and value pairs.

        Returns
        -------
        Facts
            Ready to render.
        """
        pairs = [("data", self.mark)] if self.simulated else []
        pairs += [("made by", self.made_by)]
        pairs += [("convention", text) for text in self.conventions]
        pairs += [("design hash", self.design_hash[:16])] if self.design_hash else []
        pairs += [(f"data {name}", f"sha256 {value[:16]}...") for name, value in self.data_sha256]
        pairs += [("seed", str(self.seed))] if self.seed is not None else []
        pairs += [("versions", ", ".join(f"{name} {version}" for name, version in self.versions.items()))]
        return Facts(tuple(pairs))


def is_simulated(result: object) -> bool:
    """Say whether a result rests on invented data.

    Parameters
    ----------
    result : object
        Any result; its attribute `provenance` is asked.

    Returns
    -------
    bool
        False where nothing is known.
    """
    made = getattr(result, "provenance", None)
    return isinstance(made, Provenance) and made.simulated
