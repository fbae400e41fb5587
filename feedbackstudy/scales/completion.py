"""What the researcher who holds the source fills in: field, value, page and who; stamped on every result."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import model_validator

from feedbackstudy import yamlfile
from feedbackstudy.declaration import Declaration, Many, from_document
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.files import write_atomic
from feedbackstudy.named import Code, Line
from feedbackstudy.scales.scale import Scale
from feedbackstudy.yamlfile import YamlValue

__all__ = [
    "COMPLETIONS_FILE",
    "Completion",
    "Completions",
    "apply_completions",
    "contribution",
    "read_completions",
    "stamps_of",
]

COMPLETIONS_FILE = "scales/complete.yaml"

_FORM_FIELDS = ("n_items", "likert_options", "subscales", "reversed", "poles", "item_ids", "language")
_SCALE_FIELDS = ("scoring", "doi", "year")


class Completion(Declaration):
    """One field, read off the source.

    Attributes
    ----------
    scale : str
        The scale's code.
    form : str or None
        The form; may be left out where there is one.
    field : str
        ``n_items``, ``likert_options``, ``subscales``, ``reversed``, ``poles``, ``item_ids``, ``language``,
        ``scoring``, ``doi`` or ``year``.
    value : YAML value
        As the definition file writes it.
    page : str
        Page or table of the source.
    who : str
        Who read it.
    """

    scale: Code
    form: Code | None = None
    field: str
    value: yamlfile.YamlValue
    page: Line
    who: Line

    @model_validator(mode="after")
    def _field_can_be_completed(self) -> Self:
        if self.field not in (*_FORM_FIELDS, *_SCALE_FIELDS):
            raise ValueError(choices("Field to complete", self.field, (*_FORM_FIELDS, *_SCALE_FIELDS)))
        return self


class Completions(Declaration):
    """The file ``scales/complete.yaml``.

    Attributes
    ----------
    completions : tuple of Completion
        One a field.
    """

    completions: Many[Completion]


def read_completions(path: Path) -> tuple[Completion, ...]:
    """Read a completion file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple of Completion
        Its entries.
    """
    return from_document(Completions, path).completions


def apply_completions(scale: Scale, completions: Sequence[Completion]) -> Scale:
    """Return the scale with the researcher's fields filled in.

    Parameters
    ----------
    scale : Scale
        A scale of the library.
    completions : sequence of Completion
        Entries for any scales; those of others are passed over.

    Returns
    -------
    Scale
        The completed scale; every completed field says who completed it, from which page.

    Raises
    ------
    DeclarationError
        Where a value contradicts the definition format, or a field that was seen at a source.
    """
    ours = [entry for entry in completions if entry.scale == scale.code]
    if not ours:
        return scale
    data = scale.to_data()
    for entry in ours:
        _fill(scale, data, entry)
    return Scale.from_data(data)


def _fill(scale: Scale, data: dict[str, YamlValue], entry: Completion) -> None:
    form_field = entry.field in _FORM_FIELDS
    form = scale.form(entry.form) if form_field else None
    origin = form.origin(entry.field) if form else scale.origin(entry.field)
    if origin.status == "verified":
        raise DeclarationError(
            f"{COMPLETIONS_FILE}: {entry.field} of scale {scale.code!r} was seen at {origin.source}; a completion does "
            "not replace it. If your source differs, declare it as a form of its own."
        )
    home: dict[str, YamlValue] = data
    if form is not None:
        forms = data["forms"]
        if not isinstance(forms, list):
            raise DeclarationError(f"Scale {scale.code!r} has no forms to complete.")
        home = next(f for f in forms if isinstance(f, dict) and f["id"] == form.id)
    home[entry.field] = entry.value
    stamp: dict[str, YamlValue] = {"status": "completed", "page": entry.page, "who": entry.who}
    origins = home.setdefault("origins", {})
    if isinstance(origins, dict):
        origins[entry.field] = stamp


def contribution(scale: Scale, folder: Path) -> Path:
    """Write a completed scale as a definition file that can be offered to the library.

    Parameters
    ----------
    scale : Scale
        A scale with completed fields.
    folder : Path
        Where to write ``<code>.yaml``.

    Returns
    -------
    Path
        The file; it holds structure and sources, never item wordings of a published scale.

    Raises
    ------
    DeclarationError
        Where nothing was completed.
    """
    if not stamps_of(scale):
        raise DeclarationError(f"Scale {scale.code!r} holds no completed field; there is nothing to contribute.")
    document: dict[str, YamlValue] = {"schema_version": scale.schema_version, **scale.to_data()}
    return write_atomic(folder / f"{scale.code}.yaml", yamlfile.dump(document))


def stamps_of(scale: Scale, form_id: str | None = None) -> tuple[str, ...]:
    """Return one line for each field that a researcher completed.

    Parameters
    ----------
    scale : Scale
        The scale.
    form_id : str, optional
        Only this form; all by default.

    Returns
    -------
    tuple of str
        ``"reversed completed by Ada Moreno (p. 231)"``.
    """
    pairs = list(scale.origins.items())
    pairs += [pair for form in scale.forms if form_id in (None, form.id) for pair in form.origins.items()]
    return tuple(f"{field} completed by {o.who} ({o.page})" for field, o in pairs if o.status == "completed")
