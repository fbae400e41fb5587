"""From what the user names (a measure, a scale, a code) to what is scored: form, item columns, score columns."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from feedbackstudy.errors import DeclarationError, InputError, choices
from feedbackstudy.scales.form import Form
from feedbackstudy.scales.libraries import Library, library_for
from feedbackstudy.scales.measure import Measure
from feedbackstudy.scales.scale import Scale

__all__ = ["Job", "item_columns", "jobs_of", "positions_of", "score_names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One scale to score.

    Attributes
    ----------
    name : str
        Name of the measure, or the scale's code.
    scale : Scale
        The scale.
    form : str or None
        The form declared; None for the only one, or for what the responses say was fielded.
    parts : mapping of str to str
        Score column -> subscale, composite or total; empty for all of them.
    waves : tuple of str
        Occasions at which it is asked; empty for all.
    asks : callable or None
        Whether people of an arm are asked; None for everybody.
    """

    name: str
    scale: Scale
    form: str | None
    parts: Mapping[str, str]
    waves: tuple[str, ...]
    asks: Callable[[str], bool] | None

    def columns(self, form: Form) -> tuple[str, ...]:
        """Return the item columns of a form, in its order.

        Parameters
        ----------
        form : Form
            The form.

        Returns
        -------
        tuple of str
            Column names.
        """
        if form.item_ids and self.name != self.scale.code:
            return tuple(f"{self.name}_{item}" for item in form.item_ids)
        return form.columns(self.name)

    def asked(self, form: Form) -> dict[int, str]:
        """Return position -> column of the items put before people: those of the scores named, and open questions.

        Parameters
        ----------
        form : Form
            The form.

        Returns
        -------
        dict
            In the order of the form; every item where no score is named.
        """
        columns = dict(enumerate(self.columns(form), 1))
        if not self.parts:
            return columns
        wanted = {p for part in self.parts.values() for p in positions_of(self.scale, form, part)}
        wanted |= {item.position for item in form.items if not item.scored}
        return {place: column for place, column in columns.items() if place in wanted}


def positions_of(scale: Scale, form: Form, part: str) -> tuple[int, ...]:
    """Return the items behind a subscale, the total or a composite.

    Parameters
    ----------
    scale : Scale
        The scale.
    form : Form
        Its form.
    part : str
        Name of the score.

    Returns
    -------
    tuple of int
        Positions; empty where they are unknown.
    """
    composite = scale.composites.get(part)
    if composite is not None:
        return tuple(p for inner in composite.weights for p in positions_of(scale, form, inner))
    subscale = form.subscales.get(part)
    return (subscale.items or ()) if subscale is not None else form.positions


def jobs_of(measures: object, library: Library | None = None) -> tuple[list[Job], list[Measure]]:
    """Sort what the user names into scales to score and single columns to take over.

    Parameters
    ----------
    measures : Measure, Scale, str or iterable of these
        What to score.
    library : Library, optional
        Where codes are looked up; by default each measure's own study folder completes its scale.

    Returns
    -------
    list of Job, list of Measure
        Scales, and measures that are single columns.

    Raises
    ------
    InputError
        For something that is none of these, or two of one name.
    """
    alone = isinstance(measures, str | Scale | Measure) or not isinstance(measures, Iterable)
    named: list[object] = [measures] if alone else list(measures)  # type: ignore[call-overload]
    jobs: list[Job] = []
    singles: list[Measure] = []
    for one in named:
        if isinstance(one, Measure) and one.kind != "scale":
            singles.append(one)
        else:
            jobs.append(_job(one, library))
    names = [job.name for job in jobs] + [single.name for single in singles]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{twice[0]!r} is to be scored {names.count(twice[0])} times; name each measure once.")
    return jobs, singles


def _job(one: object, library: Library | None) -> Job:
    if isinstance(one, str):
        one = library_for(given=library).get(one)
    if isinstance(one, Scale):
        return Job(name=one.code, scale=one, form=None, parts={}, waves=(), asks=None)
    if isinstance(one, Measure):
        scale = library_for(one, given=library).get(str(one.scale))
        return Job(
            name=one.name, scale=scale, form=one.form, parts=dict(one.scores), waves=tuple(one.waves), asks=one.asks
        )
    raise InputError(
        f"{one!r} cannot be scored; give measures of a study, scales, or codes of the library "
        "(`feedbackstudy scales list`), such as 'gse'."
    )


def item_columns(measure: Measure | Scale | str, library: Library | None = None) -> tuple[str, ...]:
    """Return the item columns that a measure puts before people, in the order of its form.

    Parameters
    ----------
    measure : Measure, Scale or str
        The measure.
    library : Library, optional
        Where codes are looked up.

    Returns
    -------
    tuple of str
        Column names; one for a measure that is a single column.
    """
    jobs, singles = jobs_of(measure, library)
    return (singles[0].name,) if singles else tuple(jobs[0].asked(jobs[0].scale.form(jobs[0].form)).values())


def score_names(scale: Scale, form: Form, name: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return score column -> part for a scale.

    Parameters
    ----------
    scale : Scale
        The scale.
    form : Form
        The form.
    name : str
        Measure name or scale code.
    wanted : mapping of str to str
        Score column -> part, as a measure declares; empty for all parts.

    Returns
    -------
    dict
        With one subscale, its column is `name`; with several, ``<name>_<part>``, and a total takes `name` itself.

    Raises
    ------
    DeclarationError
        For a part that does not exist, or must not be computed.
    """
    subscales, composites = form.subscales.names, scale.composites.names
    total = scale.total.name if scale.total and len(subscales) > 1 else None
    parts = [*subscales, *composites, *([total] if total else [])]
    for part in wanted.values():
        if part in scale.refused_scores:
            raise DeclarationError(f"Scale {scale.code!r} refuses the score {part!r}: {scale.refused_scores[part]}.")
        if part not in parts:
            raise DeclarationError(choices(f"Score of scale {scale.code!r}", part, parts))
    if wanted:
        return dict(wanted)
    if len(subscales) == 1:
        return {name: subscales[0]}
    return {name if part == total else f"{name}_{part}": part for part in parts}
