"""The variables of an SPSS file as the study declares them: labels, value labels, measure levels."""

from collections.abc import Sequence
from dataclasses import dataclass

from feedbackstudy.collect.read_items import ItemSpec
from feedbackstudy.collect.text_table import refuse_alike
from feedbackstudy.errors import DataError
from feedbackstudy.study import Study

__all__ = ["SavColumns", "sav_columns"]

_LONGEST_LABEL, _LONGEST_VALUE_LABEL, _LONGEST_NAME = 256, 120, 64
_RESERVED = frozenset(("ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"))
_PAPER = {"duration_seconds": "Seconds for the questionnaire", "period": "Period of the stepped wedge"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SavColumns:
    """The variables of an SPSS file.

    Attributes
    ----------
    numbers : frozenset of str
        Variables that are numbers; the others are text.
    labels : dict of str to str
        Variable -> label.
    value_labels : dict of str to dict
        Variable -> code -> label.
    measures : dict of str to str
        Variable -> ``"nominal"``, ``"ordinal"`` or ``"scale"``.
    """

    numbers: frozenset[str]
    labels: dict[str, str]
    value_labels: dict[str, dict[float | str, str]]
    measures: dict[str, str]


def sav_columns(columns: Sequence[str], study: Study, specs: Sequence[ItemSpec]) -> SavColumns:
    """Return the variables of an SPSS file.

    Parameters
    ----------
    columns : sequence of str
        Their names.
    study : Study
        The study.
    specs : sequence of ItemSpec
        Its items.

    Returns
    -------
    SavColumns
        Items are labelled with their content tag, or with their words where these are our own.

    Raises
    ------
    DataError
        For a name that SPSS does not take, or two names that it takes for the same.
    """
    refuse_alike(columns, "the variables of the SPSS file")
    for name in columns:
        if name.upper() in _RESERVED or len(name.encode("utf-8")) > _LONGEST_NAME or not name[:1].isalpha():
            raise DataError(
                f"SPSS does not take {name!r} as a variable's name (a letter first, at most {_LONGEST_NAME} bytes, "
                "no reserved word); rename it in the study."
            )
    labels = dict(_PAPER)
    labels |= {"participant": "Participant", "arm": "Arm", "occasion": "Occasion"}
    labels |= {factor.name: factor.title for factor in study.factors}
    labels |= {c.name: c.label or c.name.replace("_", " ") for c in study.covariates}
    numbers = {"duration_seconds", "period"} | {c.name for c in study.covariates if c.kind in {"continuous", "count"}}
    measures = dict.fromkeys(columns, "nominal") | dict.fromkeys(numbers & set(columns), "scale")
    value_labels: dict[str, dict[float | str, str]] = {}
    for spec in specs:
        labels[spec.name] = spec.text or f"{spec.measure}: {spec.tag} (content tag)"
        if spec.kind == "numbers":
            numbers.add(spec.name)
            measures[spec.name] = _level(spec)
            told: dict[float | str, str] = {
                float(code): text[:_LONGEST_VALUE_LABEL] for code, text in spec.labels.items()
            }
            value_labels[spec.name] = {**told, -98.0: "refused", -99.0: "missing by the user"}
        elif spec.kind == "words":
            value_labels[spec.name] = {"-98": "refused", "-99": "missing by the user"}
    return SavColumns(
        numbers=frozenset(numbers),
        labels={name: text[:_LONGEST_LABEL] for name, text in labels.items() if name in columns},
        value_labels={name: told for name, told in value_labels.items() if name in columns},
        measures={name: level for name, level in measures.items() if name in columns},
    )


def _level(spec: ItemSpec) -> str:
    if not spec.codes:
        return "scale"
    return "nominal" if len(spec.codes) == 2 else "ordinal"
