"""Which column of a file is which column of the study."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from feedbackstudy.collect.consent import CONSENT, RE_CONSENT, WITHDRAWN
from feedbackstudy.collect.platforms.limesurvey import question_code, subquestion_key
from feedbackstudy.collect.platforms.raw import Raw
from feedbackstudy.collect.read_items import ItemSpec
from feedbackstudy.collect.read_options import ReadOptions
from feedbackstudy.collect.text_table import folded_name
from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.study import Study

__all__ = ["CONDITION", "ColumnMap", "map_columns", "people_columns"]

CONDITION, EXEMPLAR, WAVE = "fs_cond", "fs_exemplar", "fs_wave"
"""Embedded data of the questionnaires that we write: the cell, the version of the message, the wave."""

_ALSO = {"exemplar": (EXEMPLAR, "fsexemplar"), "occasion": (WAVE, "fswave"), CONDITION: ("fscond",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """Which column of a file is which column of the study.

    Attributes
    ----------
    places : mapping of str to int
        Column of the study -> place in the file.
    unused : tuple of str
        Columns of the file that nobody asked for.
    issues : tuple of Issue
        Names that were matched though they are written otherwise.
    wide : bool
        Whether the file holds several waves side by side.
    """

    places: Mapping[str, int] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()
    wide: bool = False


def people_columns(study: Study) -> tuple[str, ...]:
    """Return the columns that say something about people rather than answers.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    tuple of str
        Identity, condition, clusters, covariates, consent.
    """
    named = (*study.factors.names, *study.units.names[:-1], *study.covariates.names)
    period = ("period",) if study.assignment.method == "stepped_wedge" else ()
    fixed = (
        "participant",
        "arm",
        "occasion",
        CONDITION,
        "exemplar",
        CONSENT,
        RE_CONSENT,
        WITHDRAWN,
        "duration_seconds",
    )
    return (*fixed, *named, *period)


def map_columns(
    raw: Raw, specs: Sequence[ItemSpec], study: Study, options: ReadOptions, *, occasion: str | None = None
) -> ColumnMap:
    """Find the study's columns in a file.

    Parameters
    ----------
    raw : Raw
        The file.
    specs : sequence of ItemSpec
        The study's items.
    study : Study
        The study.
    options : ReadOptions
        Columns named by the user.
    occasion : str, optional
        The wave looked for in a file that holds several side by side, such as ``t0_mood`` and ``t1_mood``.

    Returns
    -------
    ColumnMap
        Names as they are come first, then those of the wave, then the codes of LimeSurvey, then names that differ in
        case or blanks.

    Raises
    ------
    DataError
        Where the user names a column that the file or the study does not have.
    """
    targets = (*people_columns(study), *(spec.name for spec in specs))
    names = {name: i for i, name in enumerate(raw.names)}
    places = _declared(raw, names, targets, options)
    _by_role(raw, names, places, options)
    for target in targets:
        if target not in places and target in names:
            places[target] = names[target]
    wide = _by_wave(names, specs, study, places, occasion)
    _by_code(names, specs, people_columns(study), places)
    for target, others in _ALSO.items():
        hit = next((other for other in others if other in names), None)
        if target not in places and hit is not None:
            places[target] = names[hit]
    issues = tuple(_by_likeness(raw, targets, places))
    used = set(places.values())
    aside = {*raw.metadata, *raw.identifiers}
    unused = tuple(name for i, name in enumerate(raw.names) if i not in used and name not in aside)
    return ColumnMap(places=places, unused=unused, issues=issues, wide=wide)


def _declared(raw: Raw, names: Mapping[str, int], targets: Sequence[str], options: ReadOptions) -> dict[str, int]:
    known = {**raw.aliases, **names}
    places: dict[str, int] = {}
    wanted = dict(options.columns)
    if options.participant is not None:
        wanted[options.participant] = "participant"
    for column, target in wanted.items():
        if column not in known:
            raise DataError(f"{raw.table.where}: {choices('Column', column, known)}")
        if target not in targets:
            raise DataError(choices("Column of the study", target, targets))
        places[target] = known[column]
    return places


def _by_role(raw: Raw, names: Mapping[str, int], places: dict[str, int], options: ReadOptions) -> None:
    roles = raw.roles
    if options.participant is None and "participant" not in places:
        hit = next((name for name in roles.participant if name in names), None)
        if hit is not None:
            places["participant"] = names[hit]
    if roles.duration and "duration_seconds" not in places:
        places["duration_seconds"] = names[roles.duration]


def _by_wave(
    names: Mapping[str, int],
    specs: Sequence[ItemSpec],
    study: Study,
    places: dict[str, int],
    occasion: str | None,
) -> bool:
    """Match ``t0_mood`` and ``mood_t0`` where the wave is t0; say whether any was found."""
    if occasion is None:
        return False
    wide = False
    targets = [spec.name for spec in specs if occasion in spec.waves] + ["duration_seconds"]
    targets += [c.name for c in study.covariates if c.known_from == occasion]
    for target in targets:
        forms = (f"{occasion}_{target}", f"{target}_{occasion}", f"{occasion}.{target}", f"{target}.{occasion}")
        hit = next((form for form in forms if form in names), None)
        if target not in places and hit is not None:
            places[target] = names[hit]
            wide = True
    return wide


def _by_code(
    names: Mapping[str, int], specs: Sequence[ItemSpec], people: Sequence[str], places: dict[str, int]
) -> None:
    """Match LimeSurvey's question codes, which have no underscore."""
    for target in people:
        if target not in places and question_code(target) in names:
            places[target] = names[question_code(target)]
    keys = {subquestion_key(name): place for name, place in names.items() if subquestion_key(name)}
    for spec in specs:
        if spec.name in places:
            continue
        row = f"{spec.measure}_{spec.position}"
        if row in names and names[row] not in places.values():
            places[spec.name] = names[row]
            continue
        code = question_code(spec.measure)
        place = keys.get((code, str(spec.position))) if spec.position else names.get(question_code(spec.name))
        if place is not None:
            places[spec.name] = place


def _by_likeness(raw: Raw, targets: Sequence[str], places: dict[str, int]) -> Iterator[Issue]:
    folded = {folded_name(name): i for i, name in enumerate(raw.names)}
    found = []
    for target in targets:
        place = folded.get(folded_name(target))
        if target not in places and place is not None and place not in places.values():
            places[target] = place
            found.append(f"{raw.names[place]!r} as {target!r}")
    if found:
        what = f"{counted(len(found), 'column is', 'columns are')} not written as in the study, but taken as the same: "
        what += f"{', '.join(found[:6])}."
        why = "They differ in case, blanks or Unicode form only."
        yield Issue(
            "collect.name_alike", Severity.NOTE, raw.table.where, what, why, "Nothing to do where that is right."
        )
