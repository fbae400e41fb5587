"""Open Scale Definition (OSD): write an instrument with the researcher's words, read one into our format."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from feedbackstudy.errors import DeclarationError, FileFormatError
from feedbackstudy.files import read_bounded, write_atomic
from feedbackstudy.scales.form import Form, ResponseFormat
from feedbackstudy.scales.scale import Scale
from feedbackstudy.scales.wording import Wording, own_wording
from feedbackstudy.yamlfile import YamlValue

__all__ = ["osd_definition", "osd_document", "read_osd", "require_wording", "to_osd"]

_VERSION = "1.0.12"
_METHODS = {"mean": "mean_coded", "sum": "sum_coded", "pomp": "mean_coded"}
_READ = {"mean_coded": "mean", "sum_coded": "sum"}
_LIMIT = 2_000_000

type Json = dict[str, YamlValue]


def osd_definition(scale: Scale, form_id: str | None = None) -> Json:
    """Return the definition half of an OSD file: structure and key, no words.

    Parameters
    ----------
    scale : Scale
        A scale whose key is established.
    form_id : str, optional
        The form.

    Returns
    -------
    dict
        JSON-ready; what OSD has no field for stands under ``x_feedbackstudy``.
    """
    form = scale.require_scorable(form_id)
    answers = form.likert_options
    if answers is None or answers.step is None:
        raise DeclarationError(f"Form {form.id!r} of {scale.code!r} is a continuous line; OSD has no field for it.")
    columns = form.columns(scale.code)
    home = {p: s.name for s in form.subscales for p in s.items or ()}
    items: list[YamlValue] = [
        {"id": column, "text_key": column, "type": "likert", **({"dimension": home[p]} if p in home else {})}
        for p, column in enumerate(columns, 1)
    ]
    info: Json = {
        "name": scale.name,
        "code": scale.code,
        "abbreviation": scale.abbreviation,
        "description": scale.construct_measured,
        "citation": scale.citation,
        "license": scale.license,
        "license_explanation": scale.license_explanation,
        "version": form.id,
    }
    return {
        "scale_info": info,
        "implementation": {"author": "feedbackstudy", "license": "CC0"},
        "likert_options": _answers(answers),
        "dimensions": [{"id": s.name, "name": s.name.replace("_", " ")} for s in form.subscales],
        "items": items,
        "scoring": _scoring(scale, form, columns),
        "x_feedbackstudy": _extension(scale, form),
    }


def _answers(answers: ResponseFormat) -> Json:
    points = answers.points or 0
    labels: list[YamlValue] = [f"likert_{i}" for i in range(1, points + 1)]
    made: Json = {"points": points, "min": int(answers.min), "max": int(answers.max), "labels": labels}
    return made | {"question_head": "question_head"}


def _scoring(scale: Scale, form: Form, columns: Sequence[str]) -> Json:
    method = scale.scoring.method
    made: Json = {}
    for subscale in form.subscales:
        made[subscale.name] = _score(columns, subscale.items or (), form, method)
    if scale.total is not None:
        made[scale.total.name] = _score(columns, form.positions, form, method)
    for composite in scale.composites:
        made[composite.name] = {"method": "weighted", "scores": dict(composite.weights)}
    return made


def _score(columns: Sequence[str], positions: Sequence[int], form: Form, method: str) -> Json:
    coding: Json = {columns[p - 1]: -1 if p in form.to_reverse else 1 for p in positions}
    answers = form.likert_options
    made: Json = {"method": _METHODS[method], "items": coding}
    if method == "pomp" and answers is not None:
        width = answers.max - answers.min
        made["transform"] = [{"add": -answers.min}, {"multiply": 100.0 / width}]
    return made


def _extension(scale: Scale, form: Form) -> Json:
    rule = scale.scoring.missing
    origins: Json = {field: f"{o.status}: {o.source}" for field, o in form.origins.items()}
    return {
        "form": form.id,
        "language": form.language,
        "missing": {"min_valid": rule.minimum_answered, "prorate": rule.prorate},
        "value_map": dict(scale.scoring.value_map),
        "high_score_means": {s.name: s.high_score_means for s in form.subscales},
        "refused_scores": dict(scale.refused_scores),
        "use_terms": scale.use_terms.to_data(),
        "provenance": origins,
    }


def osd_document(scale: Scale, wording: Wording | None) -> Json:
    """Return a whole OSD file: definition and words.

    Parameters
    ----------
    scale : Scale
        The scale.
    wording : Wording or None
        Its words.

    Returns
    -------
    dict
        JSON-ready.

    Raises
    ------
    DeclarationError
        Without the words: an instrument is never written with tags in their place.
    """
    words = require_wording(scale, wording)
    answers = words.form.likert_options
    labels = list(answers.labels) if answers else []
    points = (answers.points if answers else None) or 0
    texts: Json = {f"likert_{i}": _label(labels, i, points) for i in range(1, points + 1)}
    texts |= {"question_head": words.instruction} | dict(words.texts)
    return {
        "osd_version": _VERSION,
        "definition": osd_definition(words.scale, words.form.id),
        "translations": {words.language: texts},
    }


def require_wording(scale: Scale, wording: Wording | None) -> Wording:
    """Return the words of a scale, or refuse to write an instrument.

    Parameters
    ----------
    scale : Scale
        The scale.
    wording : Wording or None
        Its words; a study-built scale brings its own.

    Returns
    -------
    Wording
        The words.

    Raises
    ------
    DeclarationError
        Without words, or with those of another scale.
    """
    if wording is None and scale.study_built:
        return own_wording(scale)
    if wording is None or wording.scale.code != scale.code:
        given = "no wording pack was given" if wording is None else f"the pack is for {wording.scale.code!r}"
        raise DeclarationError(
            f"Scale {scale.code!r} cannot be written as an instrument: {given}. Its words are not ours to "
            "ship: load your pack with scales.load_wording(path, scale), on the command line --wording FILE."
        )
    return wording


def _label(labels: Sequence[str], place: int, points: int) -> str:
    if len(labels) == points:
        return labels[place - 1]
    ends = {1: labels[0], points: labels[-1]} if len(labels) == 2 else {}
    return ends.get(place, str(place))


def to_osd(scale: Scale, path: str | Path, *, wording: Wording | None = None) -> Path:
    """Write a scale as an OSD file.

    Parameters
    ----------
    scale : Scale
        The scale.
    path : str or Path
        The file, ``<code>.osd``.
    wording : Wording, optional
        Its words; needed for every scale that was published, as their words are not ours to ship.

    Returns
    -------
    Path
        `path`.
    """
    return write_atomic(Path(path), json.dumps(osd_document(scale, wording), indent=2, ensure_ascii=False) + "\n")


def read_osd(path: str | Path) -> Scale:
    """Read an OSD file into our format. Its words are left where they are.

    Parameters
    ----------
    path : str or Path
        A bundled ``.osd`` file or a definition ``.json``.

    Returns
    -------
    Scale
        One form in the file's item order, keyed by item id; every fact has the file as its source. OSD has no missing
        rule: ours stands, marked as a convention. What a high score means is taken from ``x_feedbackstudy`` where the
        file carries it, else from the name of the dimension.

    Raises
    ------
    FileFormatError
        For a file that is not OSD, or holds what we cannot score the same way.
    """
    path = Path(path)
    try:
        data = json.loads(read_bounded(path, _LIMIT).decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as fault:
        raise FileFormatError(f"{path}: not a JSON file in UTF-8: {fault}.") from fault
    definition = data.get("definition", data) if isinstance(data, dict) else None
    if not isinstance(definition, dict) or not {"scale_info", "items", "scoring"} <= set(definition):
        raise FileFormatError(f"{path}: not an OSD file; it needs scale_info, items and scoring.")
    return Scale.from_data(_OsdReader(path, definition).data())


class _OsdReader:
    """Turns an OSD definition into the data of a `Scale`, refusing what would be scored differently."""

    def __init__(self, path: Path, definition: Mapping[str, YamlValue]) -> None:
        self.path, self.definition = path, definition
        self.seen: Json = {"status": "verified", "source": f"OSD file {path.name}"}

    def fault(self, what: str) -> FileFormatError:
        return FileFormatError(f"{self.path}: {what}")

    def table(self, key: str) -> Mapping[str, YamlValue]:
        value = self.definition.get(key)
        if not isinstance(value, dict):
            raise self.fault(f"{key} is missing or is not an object.")
        return value

    def data(self) -> Json:
        info, answers = self.table("scale_info"), self.table("likert_options")
        ids = self._ids()
        parts, keys, methods = self._parts(ids)
        code = "".join(c if c.isalnum() else "_" for c in str(info.get("code", self.path.stem)).lower()).strip("_")
        reversed_items: list[YamlValue] = [i for i, item in enumerate(ids, 1) if keys.get(item) == -1]
        form: Json = {
            "id": "osd",
            "n_items": len(ids),
            "likert_options": self._answers(answers),
            "subscales": parts,
            "reversed": reversed_items,
            "item_ids": list(ids),
            "origins": dict.fromkeys(("n_items", "likert_options", "subscales", "reversed"), self.seen),
        }
        return {
            "code": code,
            "name": str(info.get("name", code)),
            "construct_measured": str(info.get("description") or info.get("name") or code)[:400],
            "roles": ["outcome"],
            "state_or_trait": "not recorded",
            "tier": "C",
            "citation": " ".join(str(info.get("citation", "not recorded")).split())[:400],
            "license": str(info.get("license", "unknown")),
            "license_explanation": str(info.get("license_explanation", "")),
            "use_terms": {},
            "scoring": {"method": methods, "missing": {"minimum_answered": 0.5, "prorate": True}},
            "forms": [form],
            "origins": {"scoring": self.seen, "missing": {"status": "convention", "source": "OSD has no missing rule"}},
        }

    def _ids(self) -> list[str]:
        items = self.definition["items"]
        graded = (
            [i for i in items if isinstance(i, dict) and i.get("type", "likert") == "likert"]
            if isinstance(items, list)
            else []
        )
        own = [i["id"] for i in graded if {"likert_min", "likert_max", "likert_points"} & set(i)]
        if own:
            raise self.fault(f"item {own[0]!r} has a response format of its own; split it into a scale of its own.")
        ids = [str(i["id"]) for i in graded if "id" in i]
        if not ids or len(set(ids)) < len(ids):
            raise self.fault("it holds no graded items, or two with the same id.")
        return ids

    def _answers(self, answers: Mapping[str, YamlValue]) -> Json:
        low, high = answers.get("min"), answers.get("max")
        points = answers.get("points")
        if isinstance(points, int) and low is None and high is None:
            low, high = 1, points
        if not isinstance(low, int | float) or not isinstance(high, int | float):
            raise self.fault("likert_options gives no min and max; the range must be known to reverse items.")
        return {"min": low, "max": high}

    def _parts(self, ids: Sequence[str]) -> tuple[list[YamlValue], dict[str, int], str]:
        parts: list[YamlValue] = []
        keys: dict[str, int] = {}
        methods: set[str] = set()
        for name, rule in self.table("scoring").items():
            if not isinstance(rule, dict):
                raise self.fault(f"scoring of {name!r} is not an object.")
            methods.add(self._method(name, rule))
            coding = {item: sign for item, sign in self._coding(name, rule).items() if sign}
            for item, sign in coding.items():
                if item not in ids:
                    raise self.fault(f"score {name!r} uses item {item!r}, which is not among the items.")
                if keys.setdefault(item, sign) != sign:
                    raise self.fault(f"item {item!r} is keyed both ways; declare two forms, one for each direction.")
            label = "".join(c if c.isalnum() else "_" for c in name.lower()).strip("_")
            positions: list[YamlValue] = [place for place, item in enumerate(ids, 1) if item in coding]
            parts.append({"name": label, "items": positions, "high_score_means": self._means(name)})
        if len(methods) != 1:
            raise self.fault(f"its scores use the methods {sorted(methods)}; one rule per scale can be read.")
        return parts, keys, methods.pop()

    def _method(self, name: str, rule: Mapping[str, YamlValue]) -> str:
        unusual = {"value_map", "weights", "transform", "scores"} & {k for k, v in rule.items() if v}
        method = str(rule.get("method"))
        if method not in _READ or unusual:
            raise self.fault(
                f"score {name!r} uses {method!r} {sorted(unusual) or ''}; only mean_coded and sum_coded of items "
                "can be read. Declare the scale by hand."
            )
        return _READ[method]

    def _coding(self, name: str, rule: Mapping[str, YamlValue]) -> dict[str, int]:
        items = rule.get("items")
        coding = rule.get("item_coding") if isinstance(items, list) else items
        if not isinstance(coding, dict) or not all(sign in (-1, 0, 1) for sign in coding.values()):
            raise self.fault(f"score {name!r} gives no coding of 1 and -1 for its items.")
        return {str(item): int(sign) for item, sign in coding.items() if isinstance(sign, int)}

    def _means(self, name: str) -> str:
        extension = self.definition.get("x_feedbackstudy")
        told = extension.get("high_score_means") if isinstance(extension, dict) else None
        if isinstance(told, dict) and isinstance(told.get(name), str):
            return str(told[name])
        return f"more {name.replace('_', ' ')}"
