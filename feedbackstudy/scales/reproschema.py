"""ReproSchema export: one activity with its items and a generated scoring expression, as JSON-LD files."""

import json
from pathlib import Path

from feedbackstudy.errors import DeclarationError
from feedbackstudy.files import inside, write_atomic
from feedbackstudy.scales.osd import require_wording
from feedbackstudy.scales.scale import Scale
from feedbackstudy.scales.wording import Wording
from feedbackstudy.yamlfile import YamlValue

__all__ = ["to_reproschema"]

_CONTEXT = "https://raw.githubusercontent.com/ReproNim/reproschema/1.0.0/contexts/reproschema"
_VERSION = "1.0.0"

type Json = dict[str, YamlValue]


def to_reproschema(scale: Scale, folder: Path, *, wording: Wording | None) -> tuple[Path, ...]:
    """Write a scale as a ReproSchema activity.

    Parameters
    ----------
    scale : Scale
        The scale.
    folder : Path
        Where ``<code>_schema`` and ``items/`` are written.
    wording : Wording or None
        Its words; required.

    Returns
    -------
    tuple of Path
        The activity first, then the items.

    Notes
    -----
    ReproSchema has no field for reversal, missing rule, licence, reliability or norms. Reversal goes into the generated
    ``jsExpression``, which scores complete answers only; the rest stays in our definition file.
    """
    words = require_wording(scale, wording)
    form = scale.require_scorable(words.form.id)
    answers = form.likert_options
    if answers is None or answers.points is None:
        raise DeclarationError(
            f"Form {form.id!r} of {scale.code!r} is a continuous line; ReproSchema has choices only."
        )
    columns = form.columns(scale.code)
    files = [(f"{scale.code}_schema", _activity(scale, words, columns))]
    files += [(f"items/{column}", _item(scale, words, column)) for column in columns]
    return tuple(_write(folder, name, content) for name, content in files)


def _write(folder: Path, name: str, content: Json) -> Path:
    return write_atomic(inside(folder, name), json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _activity(scale: Scale, words: Wording, columns: tuple[str, ...]) -> Json:
    order: list[YamlValue] = [f"items/{column}" for column in columns]
    properties: list[YamlValue] = [
        {"isAbout": f"items/{column}", "variableName": column, "isVis": True, "requiredValue": False}
        for column in columns
    ]
    return {
        "@context": _CONTEXT,
        "@type": "reproschema:Activity",
        "@id": f"{scale.code}_schema",
        "prefLabel": {words.language or "en": scale.name},
        "description": scale.construct_measured,
        "schemaVersion": _VERSION,
        "version": words.form.id,
        "citation": {words.language or "en": scale.citation},
        "preamble": {words.language or "en": words.instruction},
        "ui": {"order": order, "addProperties": properties, "shuffle": False},
        "compute": _compute(scale, words, columns),
    }


def _compute(scale: Scale, words: Wording, columns: tuple[str, ...]) -> list[YamlValue]:
    form, answers = words.form, words.form.likert_options
    pivot = answers.min + answers.max if answers else 0.0
    made: list[YamlValue] = []
    for subscale in form.subscales:
        positions = subscale.items or ()
        terms = [f"({pivot:g} - {columns[p - 1]})" if p in form.to_reverse else columns[p - 1] for p in positions]
        total = " + ".join(terms)
        text = total if scale.scoring.method == "sum" else f"({total}) / {len(positions)}"
        made.append({"variableName": f"{scale.code}_{subscale.name}", "jsExpression": text})
    return made


def _item(scale: Scale, words: Wording, column: str) -> Json:
    answers = words.form.likert_options
    choices: list[YamlValue] = []
    if answers is not None and answers.points is not None and answers.step is not None:
        codes = [answers.min + i * answers.step for i in range(answers.points)]
        for place, code in enumerate(codes):
            full = len(answers.labels) == answers.points
            name = answers.labels[place] if full else f"{code:g}"
            choices.append({"name": {words.language or "en": name}, "value": int(code)})
    return {
        "@context": _CONTEXT,
        "@type": "reproschema:Item",
        "@id": column,
        "prefLabel": {words.language or "en": column},
        "description": f"{column} of {scale.code}",
        "schemaVersion": _VERSION,
        "version": words.form.id,
        "question": {words.language or "en": words.texts[column]},
        "ui": {"inputType": "radio"},
        "responseOptions": {
            "valueType": ["xsd:integer"],
            "minValue": int(answers.min) if answers else None,
            "maxValue": int(answers.max) if answers else None,
            "multipleChoice": False,
            "choices": choices,
        },
    }
