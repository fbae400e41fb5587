"""The scale library: our definitions, those of other packages, and what the researcher completed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from feedbackstudy.declaration import from_document
from feedbackstudy.errors import InputError, NotFoundError, choices
from feedbackstudy.scales.catalogue import Catalogue, entry_of
from feedbackstudy.scales.completion import COMPLETIONS_FILE, Completion, apply_completions, read_completions
from feedbackstudy.scales.measure import Measure
from feedbackstudy.scales.scale import Scale

__all__ = ["ENTRY_POINT_GROUP", "Library", "find_scales", "get_scale", "library", "library_for", "list_scales"]

ENTRY_POINT_GROUP = "feedbackstudy.scales"
DEFINITIONS = Path(__file__).with_name("definitions")


@dataclass(frozen=True, slots=True)
class Library:
    """Scales by code.

    Attributes
    ----------
    sources : mapping of str to Path or Scale
        Code -> definition file, or the scale itself.
    folder : Path or None
        Study folder whose ``scales/complete.yaml`` completes records.
    """

    sources: Mapping[str, Path | Scale]
    folder: Path | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes, in alphabetical order."""
        return tuple(sorted(self.sources))

    def get(self, code: str) -> Scale:
        """Return one scale, with the fields that the study folder completes.

        Parameters
        ----------
        code : str
            Its code.

        Returns
        -------
        Scale
            The scale.

        Raises
        ------
        NotFoundError
            With the nearest codes, also for a completion of a scale that does not exist.
        """
        if code not in self.sources:
            raise NotFoundError(choices("Scale", code, self.sources))
        source = self.sources[code]
        scale = source if isinstance(source, Scale) else _read(source)
        return apply_completions(scale, self._completions())

    def _completions(self) -> tuple[Completion, ...]:
        path = self.folder / COMPLETIONS_FILE if self.folder is not None else None
        if path is None or not path.exists():
            return ()
        entries = read_completions(path)
        for entry in entries:
            if entry.scale not in self.sources:
                raise NotFoundError(f"{path}: {choices('Scale', entry.scale, self.sources)}")
        return entries

    def list(
        self,
        *,
        construct: str | None = None,
        role: str | None = None,
        max_items: int | None = None,
        language: str | None = None,
        licence: str | None = None,
        scorable: bool | None = None,
    ) -> Catalogue:
        """Return the scales that pass every filter given.

        Parameters
        ----------
        construct : str, optional
            Words that must occur in the construct or the name.
        role : str, optional
            ``mediator``, ``outcome`` ...
        max_items : int, optional
            Largest number of items; scales of unknown length are left out.
        language : str, optional
            Language tag of a form or translation, such as ``"de"``.
        licence : str, optional
            ``"own"``, ``"academic"`` or ``"commercial"`` for what is allowed as seen at a source, or words of the
            licence itself.
        scorable : bool, optional
            Only those with (or without) a form that can be scored now.

        Returns
        -------
        Catalogue
            One entry a scale.
        """
        filters = {"construct": construct, "role": role, "max_items": max_items, "language": language}
        filters |= {"licence": licence, "scorable": scorable}
        entries = [entry_of(self.get(code)) for code in self.codes]
        return Catalogue(tuple(entries)).narrowed({name: want for name, want in filters.items() if want is not None})

    def find(self, words: str) -> Catalogue:
        """Return the scales whose name, construct, abbreviation or use mentions all the words.

        Parameters
        ----------
        words : str
            Words to look for.

        Returns
        -------
        Catalogue
            One entry a scale.
        """
        wanted = [word.casefold() for word in re.findall(r"\w+", words)]
        hits = [entry for entry in self.list().entries if all(word in entry.text for word in wanted)]
        return Catalogue(tuple(hits), filters=(("words", words),))


@lru_cache(maxsize=512)
def _read(path: Path) -> Scale:
    scale = from_document(Scale, path)
    if scale.code != path.stem:
        raise InputError(f"{path}: the file declares the scale {scale.code!r}; call it {scale.code}.yaml.")
    return scale


def library_for(measure: Measure | None = None, *, given: Library | None = None) -> Library:
    """Return where the scale of a measure is looked up.

    Parameters
    ----------
    measure : Measure, optional
        A measure; the completions of the study folder it was read from apply.
    given : Library, optional
        A library that the caller named; it goes before the folder.

    Returns
    -------
    Library
        The library.
    """
    if given is not None:
        return given
    folder = measure.folder if measure is not None else None
    return library(folder if folder is not None and (folder / COMPLETIONS_FILE).exists() else None)


def library(folder: Path | str | None = None) -> Library:
    """Return the library, completed from a study folder where one is given.

    Parameters
    ----------
    folder : Path or str, optional
        A study folder; its ``scales/complete.yaml`` is applied.

    Returns
    -------
    Library
        Our definitions and those of installed packages.

    Raises
    ------
    NotFoundError
        Where the folder does not exist.
    InputError
        Where a package offers what is not a scale, or takes a code that is already in use.
    """
    home = Path(folder) if folder is not None else None
    if home is not None and not home.is_dir():
        raise NotFoundError(f"There is no study folder {str(home)!r}; give the folder that holds study.yaml.")
    return Library(_sources(), home)


@lru_cache(maxsize=1)
def _sources() -> Mapping[str, Path | Scale]:
    found: dict[str, Path | Scale] = {path.stem: path for path in sorted(DEFINITIONS.glob("*.yaml"))}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        for code, source in _offered(point):
            if code in found:
                raise InputError(
                    f"The package behind {ENTRY_POINT_GROUP} entry {point.name!r} offers the scale {code!r}, which is "
                    "already in the library. Remove the package, or ask its authors to rename the scale."
                )
            found[code] = source
    return found


def _offered(point: EntryPoint) -> Iterable[tuple[str, Path | Scale]]:
    """Take a folder of definitions, a scale, several scales, or a function that returns these."""
    offer: object = point.load()
    if callable(offer) and not isinstance(offer, type):
        offer = offer()
    if isinstance(offer, Scale):
        return [(offer.code, offer)]
    if isinstance(offer, Path):
        return [(path.stem, path) for path in sorted(offer.glob("*.yaml"))]
    scales = list(offer) if isinstance(offer, Iterable) and not isinstance(offer, str) else [offer]
    if not all(isinstance(scale, Scale) for scale in scales):
        raise InputError(
            f"{ENTRY_POINT_GROUP} entry {point.name!r} ({point.value}) must offer scales or a folder of definition "
            f"files; it offers {type(offer).__name__}."
        )
    return [(scale.code, scale) for scale in scales if isinstance(scale, Scale)]


def list_scales(
    *,
    construct: str | None = None,
    role: str | None = None,
    max_items: int | None = None,
    language: str | None = None,
    licence: str | None = None,
    scorable: bool | None = None,
    study: Path | str | None = None,
) -> Catalogue:
    """Return the catalogue of scales that pass every filter given.

    Parameters
    ----------
    construct : str, optional
        Words that must occur in the construct or the name.
    role : str, optional
        ``mediator``, ``outcome`` ...
    max_items : int, optional
        Largest number of items.
    language : str, optional
        Language tag, such as ``"de"``.
    licence : str, optional
        ``"own"``, ``"academic"``, ``"commercial"``, or words of the licence.
    scorable : bool, optional
        Only those with (or without) a form that can be scored now.
    study : Path or str, optional
        Study folder whose completions apply.

    Returns
    -------
    Catalogue
        One entry a scale.
    """
    return library(study).list(
        construct=construct, role=role, max_items=max_items, language=language, licence=licence, scorable=scorable
    )


def find_scales(words: str) -> Catalogue:
    """Return the scales whose name, construct, abbreviation or use mentions all the words.

    Parameters
    ----------
    words : str
        Words to look for.

    Returns
    -------
    Catalogue
        One entry a scale.
    """
    return library().find(words)


def get_scale(code: str, *, study: Path | str | None = None) -> Scale:
    """Return one scale of the library.

    Parameters
    ----------
    code : str
        Its code, such as ``"gse"``.
    study : Path or str, optional
        Study folder whose completions apply.

    Returns
    -------
    Scale
        The scale; it renders as a card.

    Raises
    ------
    NotFoundError
        With the nearest codes.
    """
    return library(study).get(code)
