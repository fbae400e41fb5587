"""`reading.yaml`: what is said about an export before it is read, kept in a file that every command uses."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import Field, fields, replace
from pathlib import Path

from feedbackstudy import yamlfile
from feedbackstudy.collect.consent import CONSENT, RE_CONSENT, WITHDRAWN
from feedbackstudy.collect.read_items import item_specs
from feedbackstudy.collect.read_options import ReadOptions, options_of
from feedbackstudy.errors import FileFormatError, InputError, choices
from feedbackstudy.files import inside
from feedbackstudy.issues import Issue, Issues
from feedbackstudy.study import Study
from feedbackstudy.yamlfile import YamlValue

__all__ = ["READING", "curable", "cure", "reading_file"]

READING = "reading.yaml"
"""Name of the file in a study's folder that every command reads by itself."""

_OPTIONS: dict[str, Field[object]] = {each.name: each for each in fields(ReadOptions)}
_NOT_DATA = "pseudonym"
"""The one option that is no plain data: a function. On the command line a key file stands for it."""

_KEY = "--pseudonyms KEY"

_NAMED = re.compile(rf"\b({'|'.join(_OPTIONS)})=(?=[\[{{\"'TF.,]|\s|$)")
_CLOSING = {"[": "]", "{": "}", "'": "'", '"': '"'}


def reading_file(path: str | Path, study: Study) -> dict[str, object]:
    """Read what is said about an export from a file.

    Parameters
    ----------
    path : str or Path
        A YAML file whose keys are options of `read`, such as ``missing``, ``labels`` or ``columns``; all but
        ``pseudonym``. ``allocation`` is the path of a contact list below the file's folder.
    study : Study
        The study, whose measures, items, covariates and factors the file may name.

    Returns
    -------
    dict of str to object
        Option -> value, for ``read(export, study, **options)``.

    Raises
    ------
    FileFormatError
        With file and line, for anything that is not plain data of the option's kind, or an unknown name.

    Notes
    -----
    The options are those that `ReadOptions` declares, each with its type; there is no second list of them.
    """
    document = yamlfile.read(Path(path))
    data = document.data if document.data is not None else {}
    if not isinstance(data, dict):
        raise FileFormatError(f"{document.source}:1: write options of collect.read, such as 'decimal: \",\"'.")
    made: dict[str, object] = {}
    for name, value in data.items():
        try:
            made[name] = _value(name, value)
            _known(name, value, study)
            if name == "allocation":
                made[name] = inside(Path(path).parent, str(value))
            options_of({name: made[name]})
        except InputError as fault:
            raise FileFormatError(f"{document.source}:{document.line((name,))}: {fault}") from fault
    return made


def _value(name: str, value: YamlValue) -> object:
    if name == _NOT_DATA:
        raise InputError(f"a pseudonym is made with a key, which is no part of this file; give {_KEY}.")
    if name not in _OPTIONS:
        raise InputError(choices("Option of collect.read", name, [n for n in _OPTIONS if n != _NOT_DATA]))
    kind, take = _KINDS.get(_OPTIONS[name].type, ("text", _text))
    made = take(value)
    if made is None:
        raise InputError(f"{name} is {kind}; given {value!r}.")
    return made


def _text(value: YamlValue) -> object:
    return value if isinstance(value, str) and value else None


def _flag(value: YamlValue) -> object:
    return value if isinstance(value, bool) else None


def _number(value: YamlValue) -> object:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _list(value: YamlValue) -> object:
    return tuple(value) if isinstance(value, list) and all(map(_text, value)) else None


def _texts(value: YamlValue) -> object:
    return value if isinstance(value, dict) and all(map(_text, value.values())) else None


def _codes(value: YamlValue) -> object:
    plain = isinstance(value, dict) and all(isinstance(v, str | int | float) for v in value.values())
    return value if plain and not any(isinstance(v, bool) for v in value.values()) else None  # type: ignore[union-attr]


def _reasons(value: YamlValue) -> object:
    if not isinstance(value, dict) or not all(map(_text, value.values())):
        return None
    try:
        return {float(code): reason for code, reason in value.items()}
    except ValueError:
        return None


def _nested(take: Callable[[YamlValue], object]) -> Callable[[YamlValue], object]:
    def taken(value: YamlValue) -> object:
        return value if isinstance(value, dict) and all(take(part) for part in value.values()) else None

    return taken


_KINDS: dict[object, tuple[str, Callable[[YamlValue], object]]] = {
    str | None: ("text", _text),
    bool: ("true or false", _flag),
    float: ("a number", _number),
    Sequence[str]: ("a list of names", _list),
    Mapping[str, str]: ("a table of names, {name: name}", _texts),
    Mapping[float, str]: ("a table of codes, {-99: skipped}", _reasons),
    Mapping[str, Mapping[str, str]]: ("a table of texts for each measure, {measure: {item: text}}", _nested(_texts)),
    Mapping[str, Mapping[str, object]]: ("a table of codes for each name, {measure: {text: code}}", _nested(_codes)),
}
"""What an option holds, by its declared type: in words, and how plain data become it (None where they cannot)."""


def _known(name: str, value: YamlValue, study: Study) -> None:
    """Refuse a name that the study does not have: what is said of it would have no effect."""
    items = [spec.name for spec in item_specs(study)]
    people = [*study.covariates.names, *study.factors.names, "arm", "exemplar", CONSENT, RE_CONSENT, WITHDRAWN]
    allowed: dict[str, tuple[str, Iterable[str]]] = {
        "labels": ("Measure, item, covariate or factor", [*study.measures.names, *items, *people]),
        "wordings": ("Measure", study.measures.names),
        "not_fielded": ("Measure", study.measures.names),
        "occasion": ("Wave", study.waves.names),
    }
    if name in allowed:
        what, names = allowed[name]
        for given in [value] if isinstance(value, str) else value if isinstance(value, list | dict) else ():
            if given not in set(names):
                raise InputError(choices(what, str(given), names))
    if name == "wordings" and isinstance(value, dict):
        for measure, texts in value.items():
            own = [spec.name for spec in item_specs(study) if spec.measure == measure]
            for item in texts if isinstance(texts, dict) else ():
                if item not in own:
                    raise InputError(choices(f"Item of {measure}", item, own))


def curable(issues: Iterable[Issue]) -> Issues:
    """Return findings whose cure is said in Python and in the words of `reading.yaml`.

    Parameters
    ----------
    issues : iterable of Issue
        Findings of reading.

    Returns
    -------
    Issues
        The same, where `fix` names an option of `read` with the way to write it in the file as well.
    """
    return Issues(replace(issue, fix=cure(issue.fix)) for issue in issues)


def cure(text: str) -> str:
    """Add to a sentence that names options of `read` how a file or the command line says the same.

    Parameters
    ----------
    text : str
        Such as ``"Declare it: missing={77: 'skipped'}."``

    Returns
    -------
    str
        The sentence, and after it how to write it, in the words of YAML; unchanged where none is named.
    """
    said = list(dict.fromkeys(_as_yaml(text)))
    lines = [line for line in said if not line.startswith(_NOT_DATA)]
    more = [f"In {READING}: {', '.join(f'`{line}`' for line in lines)}."] if lines else []
    more += [f"On the command line: {_KEY}."] if len(lines) < len(said) else []
    ended = text if text.rstrip().endswith((".", "!", "?")) else f"{text}."
    return text if READING in text or _KEY in text or not more else " ".join([ended, *more])


def _as_yaml(text: str) -> Iterator[str]:
    for match in _NAMED.finditer(text):
        value = _literal(text[match.end() :])
        shown = {"True": "true", "False": "false", "": "FILE" if match[1] == "allocation" else "..."}.get(value, value)
        yield f"{match[1]}: {shown}"


def _literal(rest: str) -> str:
    """Return the Python value with which a text begins; empty where there is none."""
    if word := re.match(r"(True|False)\b", rest):
        return word[0]
    if not rest or rest[0] not in _CLOSING:
        return ""
    if rest[0] in {"'", '"'}:
        end = rest.find(rest[0], 1)
        return rest[: end + 1]
    depth = 0
    for at, sign in enumerate(rest):
        depth += (sign == rest[0]) - (sign == _CLOSING[rest[0]])
        if not depth:
            return rest[: at + 1]
    return ""
