"""The check that the measures of a study name scales, forms and scores that exist and can be scored."""

from collections.abc import Iterable, Iterator

from feedbackstudy.errors import InputError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.scales.completion import COMPLETIONS_FILE
from feedbackstudy.scales.form import Form
from feedbackstudy.scales.jobs import score_names
from feedbackstudy.scales.libraries import Library, library_for
from feedbackstudy.scales.measure import Measure
from feedbackstudy.scales.scale import Scale

__all__ = ["check_measures"]


def check_measures(measures: Iterable[Measure], *, library: Library | None = None) -> Issues:
    """Hold the measures of a study against the library.

    Parameters
    ----------
    measures : iterable of Measure
        The measures; single columns are passed over.
    library : Library, optional
        Where codes are looked up; by default each measure's own study folder completes its scale.

    Returns
    -------
    Issues
        Errors for scales, forms and scores that do not exist or must not be computed; warnings for scales that cannot
        be scored yet; notes for study-built measures, whose evidence must come from the study.
    """
    asked = [measure for measure in measures if measure.kind == "scale"]
    found = [issue for one in asked for issue in _check(one, library_for(one, given=library))]
    return Issues([*found, *_unvalidated(asked, library)])


def _check(measure: Measure, home: Library) -> Iterator[Issue]:
    at = f"measure {measure.name}"
    code = str(measure.scale)
    if code not in home.sources:
        yield _error("scales.unknown_scale", at, choices("Scale", code, home.sources), "Nothing could be scored.")
        return
    try:
        scale = home.get(code)
    except InputError as fault:
        yield _completions(str(fault))
        return
    try:
        form = scale.form(measure.form)
        names = score_names(scale, form, measure.name, dict(measure.scores))
    except InputError as fault:
        yield _error("scales.form_or_score", at, str(fault), "Each form has its own key, and each score its own items.")
        return
    yield from _columns(measure, scale, names, at)
    yield from _readiness(scale, form, at)


def _columns(measure: Measure, scale: Scale, names: dict[str, str], at: str) -> Iterator[Issue]:
    """Hold the columns that scoring makes against those that the measure says it yields."""
    if not set(measure.columns) <= set(names):
        listed = ", ".join(f"{measure.name}_{part}: {part}" for part in names.values())
        yield Issue(
            "scales.scores_not_named",
            Severity.ERROR,
            at,
            f"scale {scale.code!r} gives {len(names)} scores ({', '.join(names.values())}) and no total.",
            f"No column {measure.name!r} will exist, so that nothing can be claimed about it.",
            f"Name the scores that are asked: scores: {{{listed}}}.",
        )


def _readiness(scale: Scale, form: Form, at: str) -> Iterator[Issue]:
    gaps = scale.gaps(form.id)
    if gaps:
        yield Issue(
            "scales.not_scorable_yet",
            Severity.WARNING,
            at,
            f"scale {scale.code!r} cannot be scored yet: {'; '.join(gaps)}.",
            "What was not seen at the source could be wrong, and a wrong key fails silently.",
            f"Consult {scale.citation} and complete the fields in scales/complete.yaml.",
        )


def _unvalidated(asked: Iterable[Measure], given: Library | None) -> Iterator[Issue]:
    """Name all study-built measures in one note."""
    shelf = Library(library_for(given=given).sources)  # completions cannot change whose words a scale has
    own = [m.name for m in asked if str(m.scale) in shelf.sources and shelf.get(str(m.scale)).study_built]
    if own:
        yield Issue(
            "scales.unvalidated",
            Severity.NOTE,
            "measures",
            f"study-built and unvalidated: {', '.join(own)}.",
            "Reviewers ask for reliability and structure of such a measure.",
            "Report both from your own data, and name the measure as study-built.",
        )


def _completions(fault: str) -> Issue:
    return Issue(
        "scales.completions",
        Severity.ERROR,
        COMPLETIONS_FILE,
        fault,
        "Scales of this study may lack what was completed.",
        "Mend the entry.",
    )


def _error(code: str, where: str, what: str, why: str) -> Issue:
    return Issue(
        code, Severity.ERROR, where, what, why, "Mend the measure; `feedbackstudy scales list` shows what exists."
    )
