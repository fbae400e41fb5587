"""The library at a glance: one line a scale, with the filters that were applied."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from feedbackstudy.errors import InputError, choices
from feedbackstudy.render import Page, Rendered, Text, counted, number, table_of
from feedbackstudy.scales.scale import Scale

__all__ = ["Catalogue", "Entry", "entry_of"]


_USES = ("academic", "commercial", "redistribute", "modify")
_NOT_TAGS = frozenset({"in", "of", "or", "to", "at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One scale at a glance.

    Attributes
    ----------
    code, name, construct : str
        What it is.
    roles : tuple of str
        What it serves as.
    items : int or None
        Number of items of its first form.
    items_seen : bool
        Whether that number was seen at a source; otherwise it is from memory.
    languages : tuple of str
        Languages of forms, and tags named among the translations.
    licence : str
        The licence.
    tier : str
        A, B, C or own.
    scorable : bool
        Whether a form can be scored now.
    allowed : tuple of str
        Uses allowed as seen at a source.
    text : str
        Everything searchable, in lower case.
    """

    code: str
    name: str
    construct: str
    roles: tuple[str, ...]
    items: int | None
    items_seen: bool
    languages: tuple[str, ...]
    licence: str
    tier: str
    scorable: bool
    allowed: tuple[str, ...]
    text: str


def entry_of(scale: Scale) -> Entry:
    """Return the catalogue line of a scale.

    Parameters
    ----------
    scale : Scale
        The scale.

    Returns
    -------
    Entry
        Its line.
    """
    seen = scale.origin("use_terms").established
    spoken_of = "" if "from memory" in scale.translations else scale.translations
    tags = [tag for tag in re.findall(r"\b[a-z]{2}(?:-[A-Z]{2})?\b", spoken_of) if tag not in _NOT_TAGS]
    spoken = " ".join((scale.code, scale.name, scale.abbreviation, scale.construct_measured, scale.typical_use))
    return Entry(
        code=scale.code,
        name=scale.name,
        construct=scale.construct_measured,
        roles=scale.roles,
        items=scale.forms[0].size,
        items_seen=scale.forms[0].origin("n_items").established,
        languages=tuple(dict.fromkeys((*scale.languages, *tags))),
        licence=scale.license,
        tier=scale.tier,
        scorable=any(not scale.gaps(form.id) for form in scale.forms),
        allowed=tuple(use for use in _USES if seen and scale.use_terms.answer(use) == "yes"),
        text=spoken.casefold(),
    )


def _licensed(entry: Entry, wanted: object) -> bool:
    want = str(wanted).casefold()
    if want in _USES:
        return want in entry.allowed
    return entry.tier == "own" if want == "own" else want in entry.licence.casefold()


_FILTERS: Mapping[str, Callable[[Entry, object], bool]] = {
    "construct": lambda e, want: str(want).casefold() in f"{e.construct} {e.name}".casefold(),
    "role": lambda e, want: want in e.roles,
    "max_items": lambda e, want: e.items is not None and isinstance(want, int) and e.items <= want,
    "language": lambda e, want: want in e.languages,
    "licence": _licensed,
    "scorable": lambda e, want: e.scorable is want,
}


@dataclass(frozen=True, slots=True)
class Catalogue(Rendered):
    """Scales at a glance.

    Attributes
    ----------
    entries : tuple of Entry
        One a scale.
    filters : tuple of (str, str)
        The filters that were applied.
    """

    entries: tuple[Entry, ...]
    filters: tuple[tuple[str, str], ...] = ()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, code: object) -> bool:
        return code in self.codes

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes."""
        return tuple(entry.code for entry in self.entries)

    def narrowed(self, filters: Mapping[str, object]) -> "Catalogue":
        """Return the entries that pass every filter.

        Parameters
        ----------
        filters : mapping
            Filter -> what is wanted.

        Returns
        -------
        Catalogue
            The entries left.

        Raises
        ------
        InputError
            For a role that no scale can have.
        """
        roles = {role for entry in self.entries for role in entry.roles}
        if "role" in filters and filters["role"] not in roles:
            raise InputError(choices("Role", filters["role"], roles))
        left = [e for e in self.entries if all(_FILTERS[name](e, want) for name, want in filters.items())]
        return Catalogue(tuple(left), tuple((name, str(want)) for name, want in filters.items()))

    def frame(self) -> pd.DataFrame:
        """Return the catalogue as a table.

        Returns
        -------
        DataFrame
            One row a scale: ``code, name, construct, roles, items, items_seen, languages, licence, tier, scorable``.
        """
        return pd.DataFrame([_row(entry) for entry in self.entries])

    def page(self) -> Page:
        """Return the catalogue as a table, one scale a row.

        Returns
        -------
        Page
            Ready to render.
        """
        words = ", ".join(f"{name} = {want}" for name, want in self.filters) or "all scales"
        if not self.entries:
            return Page(title="Scales", subtitle=words, blocks=(Text("No scale passes these filters."),))
        legend = Text(
            "Tier A: strong evidence and fit; B: usable, mind the gaps; C: thin evidence; own: study-built, "
            "unvalidated. 'Can score' says whether key and range were seen at a source. A number of items with a "
            "question mark is from memory."
        )
        rows = [_row(e) | {"items": _count(e), "scorable": "yes" if e.scorable else "not yet"} for e in self.entries]
        titles = {"code": "code", "name": "name", "construct": "construct", "roles": "roles", "items": "items"}
        titles |= {"languages": "languages", "licence": "licence", "tier": "tier", "scorable": "can score"}
        return Page(
            title="Scales",
            subtitle=f"{counted(len(self.entries), 'scale')}; {words}",
            blocks=(table_of(rows, titles), legend),
        )


def _count(entry: Entry) -> str:
    return number(entry.items) + ("" if entry.items_seen or entry.items is None else " ?")


def _row(entry: Entry) -> dict[str, object]:
    return {
        "code": entry.code,
        "name": entry.name,
        "construct": entry.construct,
        "roles": ", ".join(role.replace("_", " ") for role in entry.roles),
        "items": entry.items,
        "items_seen": entry.items_seen,
        "languages": ", ".join(entry.languages),
        "licence": entry.licence,
        "tier": entry.tier,
        "scorable": entry.scorable,
    }
