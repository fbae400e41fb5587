"""The check that the measures of a study name scales, forms and scores that exist and can be scored."""

from collections.abc import Iterable, Iterator

from feedbackstudy.errors import InputError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.scales.form import Form
from feedbackstudy.scales.jobs import score_names
from feedbackstudy.scales.library import Library, library
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
        Where codes are looked up; with the study folder's completions, as ``scales.library(folder)``.

    Returns
    -------
    Issues
        Errors for scales, forms and scores that do not exist or must not be computed; warnings for scales that cannot
        be scored yet; notes for study-built measures, whose evidence must come from the study.
    """
    home = library if library is not None else _default()
    return Issues(issue for m in measures if m.kind == "scale" for issue in _check(m, home))


def _default() -> Library:
    return library()


def _check(measure: Measure, home: Library) -> Iterator[Issue]:
    at = f"measure {measure.name}"
    code = str(measure.scale)
    if code not in home.sources:
        yield _error("scales.unknown_scale", at, choices("Scale", code, home.sources), "Nothing could be scored.")
        return
    scale = home.get(code)
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
    if scale.study_built:
        yield Issue(
            "scales.unvalidated",
            Severity.NOTE,
            at,
            f"scale {scale.code!r} is study-built and unvalidated.",
            "Reviewers ask for reliability and structure of such a measure.",
            "Report both from your own data, and name the measure as study-built.",
        )


def _error(code: str, where: str, what: str, why: str) -> Issue:
    return Issue(code, Severity.ERROR, where, what, why, "Mend the measure; scales.list() shows what exists.")
