"""Codebooks of scales as CSV and Markdown, and the JSON Schema of the definition format; no item wordings."""

import csv
import io
from collections.abc import Sequence

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from feedbackstudy.scales.jobs import Job, jobs_of
from feedbackstudy.scales.libraries import Library
from feedbackstudy.scales.measure import Measure
from feedbackstudy.scales.scale import Scale

__all__ = ["codebook_csv", "codebook_markdown", "codebook_rows", "definition_schema"]

_HEAD = ("column", "scale", "form", "subscale", "position", "tag", "min", "max", "reversed", "rule", "status")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def codebook_rows(
    measures: Measure | Scale | str | Sequence[Measure | Scale | str], *, library: Library | None = None
) -> list[dict[str, str]]:
    """Return one row per item column.

    Parameters
    ----------
    measures : Measure, Scale, str or sequence of these
        What is measured.
    library : Library, optional
        Where codes are looked up.

    Returns
    -------
    list of dict
        ``column, scale, form, subscale, position, tag, min, max, reversed, rule, status``.
    """
    jobs, _ = jobs_of(measures, library)
    return [row for job in jobs for row in _rows(job)]


def _rows(job: Job) -> list[dict[str, str]]:
    forms = [job.scale.form(job.form)] if job.form or len(job.scale.forms) == 1 else list(job.scale.forms)
    rows = []
    for form in forms:
        home = {p: s.name for s in form.subscales for p in s.items or ()}
        answers, rule = form.likert_options, job.scale.scoring
        for position, column in job.asked(form).items():
            turned = "unknown" if form.reversed is None else "yes" if position in form.reversed else "no"
            printed = " (printed reversed)" if position in form.precoded else ""
            values = (
                column,
                job.scale.name,
                form.id,
                home.get(position, ""),
                str(position),
                form.tag(position),
                f"{answers.min:g}" if answers else "unknown",
                f"{answers.max:g}" if answers else "unknown",
                turned + printed,
                f"{rule.method}, at least {rule.missing.minimum_answered:g} of the asked items answered",
                f"range {form.origin('likert_options').status}, key {form.origin('reversed').status}",
            )
            rows.append(dict(zip(_HEAD, values, strict=True)))
    return rows


def codebook_csv(
    measures: Measure | Scale | str | Sequence[Measure | Scale | str], *, library: Library | None = None
) -> str:
    """Return the codebook as CSV; a cell that a spreadsheet would take for a formula is quoted with an apostrophe.

    Parameters
    ----------
    measures : Measure, Scale, str or sequence of these
        What is measured.
    library : Library, optional
        Where codes are looked up.

    Returns
    -------
    str
        CSV text with a header.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, _HEAD, lineterminator="\n")
    writer.writeheader()
    for row in codebook_rows(measures, library=library):
        writer.writerow({name: _inert(value) for name, value in row.items()})
    return out.getvalue()


def _inert(value: str) -> str:
    """Keep a spreadsheet from taking text for a formula; numbers stay numbers."""
    number = value.removeprefix("-").replace(".", "", 1).isdigit()
    return f"'{value}" if value.startswith(_FORMULA) and not number else value


def codebook_markdown(
    measures: Measure | Scale | str | Sequence[Measure | Scale | str], *, library: Library | None = None
) -> str:
    """Return the codebook as a Markdown table.

    Parameters
    ----------
    measures : Measure, Scale, str or sequence of these
        What is measured.
    library : Library, optional
        Where codes are looked up.

    Returns
    -------
    str
        Markdown text.
    """
    rows = codebook_rows(measures, library=library)
    lines = [f"| {' | '.join(_HEAD)} |", f"|{'---|' * len(_HEAD)}"]
    lines += [f"| {' | '.join(value.replace('|', '/') for value in row.values())} |" for row in rows]
    return "\n".join(lines) + "\n"


class _Schema(GenerateJsonSchema):
    """Leaves out defaults that are frozen containers; they are empty, and no field is required for them."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012


def definition_schema() -> dict[str, object]:
    """Return the JSON Schema of a definition file, made from the declarations themselves.

    Returns
    -------
    dict
        JSON Schema (draft 2020-12).
    """
    schema: dict[str, object] = Scale.model_json_schema(schema_generator=_Schema)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        schema["properties"] = {"schema_version": {"const": Scale.schema_version, "type": "integer"}, **properties}
    required = schema.get("required")
    schema["required"] = ["schema_version", *(required if isinstance(required, list) else [])]
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
