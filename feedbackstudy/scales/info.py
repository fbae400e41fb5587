"""What a score column is: its range, rule, direction and stamps."""

from collections.abc import Mapping

from feedbackstudy.frames import ScoreInfo
from feedbackstudy.scales.completion import stamps_of
from feedbackstudy.scales.form import Form
from feedbackstudy.scales.scale import Scale

__all__ = ["info_of", "ranges"]


def ranges(scale: Scale, form: Form) -> dict[str, tuple[float, float]]:
    """Return the range of every score that a form gives.

    Parameters
    ----------
    scale : Scale
        The scale.
    form : Form
        A form whose range and positions are known.

    Returns
    -------
    dict
        Subscale, total or composite -> lowest and highest possible score.
    """
    made = {s.name: _range(scale, form, s.count or 0) for s in form.subscales}
    if scale.total is not None:
        made[scale.total.name] = _range(scale, form, len(form.positions))
    for composite in scale.composites:
        made[composite.name] = _weighted(composite.weights, made)
    return made


def _range(scale: Scale, form: Form, n_items: int) -> tuple[float, float]:
    answers, method = form.likert_options, scale.scoring.method
    if answers is None:
        return float("nan"), float("nan")
    values = scale.scoring.value_map.values()
    low, high = (min(values), max(values)) if values else (answers.min, answers.max)
    if method == "pomp":
        return 0.0, 100.0
    return (n_items * low, n_items * high) if method == "sum" else (low, high)


def _weighted(weights: Mapping[str, float], made: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    ends = [sorted((weight * made[part][0], weight * made[part][1])) for part, weight in weights.items()]
    return sum(end[0] for end in ends), sum(end[1] for end in ends)


def info_of(scale: Scale, form: Form, *, name: str, part: str, measure: str) -> ScoreInfo:
    """Return what a score column is.

    Parameters
    ----------
    scale : Scale
        The scale.
    form : Form
        Its form.
    name : str
        The column.
    part : str
        Subscale, total or composite.
    measure : str
        Measure name.

    Returns
    -------
    ScoreInfo
        Range, rule, direction and stamps.
    """
    composite = scale.composites.get(part)
    subscale = form.subscales.get(part)
    low, high = ranges(scale, form)[part]
    if subscale is not None:
        n_items, means = subscale.count or 0, subscale.high_score_means
    elif composite is not None:
        n_items, means = _composite_items(scale, form, part), composite.high_score_means
    else:
        n_items, means = len(form.positions), scale.total.high_score_means if scale.total else ""
    own = ("study-built, unvalidated",) if scale.study_built else ()
    changed = (f"modified form: {form.modified}",) if form.modified else ()
    return ScoreInfo(
        name=name,
        measure=measure,
        scale=scale.code,
        subscale=part,
        form=form.id,
        method=f"composite of {scale.scoring.method}s" if composite is not None else scale.scoring.method,
        low=low,
        high=high,
        high_means=means,
        n_items=n_items,
        minimum_answered=scale.scoring.missing.minimum_answered,
        norms=bool(scale.evidence.norms) and not form.modified and not scale.study_built,
        stamps=(*own, *changed, *stamps_of(scale, form.id)),
    )


def _composite_items(scale: Scale, form: Form, part: str) -> int:
    composite = scale.composites.get(part)
    if composite is None:
        return form.subscale(part).count or 0
    return sum(_composite_items(scale, form, inner) for inner in composite.weights)
