"""The beginning of a large file, read first: a column of a million levels is refused before the file is read whole."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from feedbackstudy.collect.platforms.recognise import raw_of
from feedbackstudy.collect.read_columns import CONDITION, map_columns
from feedbackstudy.collect.read_items import ItemSpec, covariate_spec
from feedbackstudy.collect.read_options import ReadOptions
from feedbackstudy.collect.read_values import refuse_many
from feedbackstudy.collect.text_bytes import Content
from feedbackstudy.errors import InputError
from feedbackstudy.study import Study

__all__ = ["closed_specs", "refuse_at_once"]

_LARGE, _BEGINNING = 8_000_000, 2_000_000


def closed_specs(study: Study, specs: Sequence[ItemSpec]) -> tuple[ItemSpec, ...]:
    """Return the columns of a study that hold codes.

    Parameters
    ----------
    study : Study
        The study.
    specs : sequence of ItemSpec
        Its items.

    Returns
    -------
    tuple of ItemSpec
        Items, covariates, factors, the arm, and the condition that our questionnaires carry along.
    """

    def words(name: str, levels: Sequence[str]) -> ItemSpec:
        return ItemSpec(name=name, measure=name, position=0, kind="words", words=tuple(levels), labels={})

    conditions = [words(factor.name, tuple(factor.levels)) for factor in study.factors]
    conditions += [words("arm", ("feedback", *study.arms.names)), words(CONDITION, ("feedback",))]
    every = (*specs, *map(covariate_spec, study.covariates), *conditions)
    return tuple(spec for spec in every if spec.words or spec.codes)


def refuse_at_once(
    content: Content, path: Path, study: Study, specs: Sequence[ItemSpec], options: ReadOptions, occasion: str | None
) -> None:
    """Refuse a large table whose first lines show that a column of codes holds something else.

    Parameters
    ----------
    content : Content
        What the file holds.
    path : Path
        The file.
    study : Study
        The study.
    specs : sequence of ItemSpec
        Its items.
    options : ReadOptions
        What is known about the file.
    occasion : str or None
        The wave it holds.

    Raises
    ------
    DataError
        Where a column of codes holds more different texts than any list of codes.

    Notes
    -----
    Nothing else is judged here: a fault of another kind is found when the file is read whole, which also says where.
    """
    if content.kind != "text" or len(content.data) < _LARGE:
        return
    beginning = content.data[: content.data.rfind(b"\n", 0, _BEGINNING) + 1]
    try:
        raw = raw_of(replace(content, data=beginning), path, options)
        places = map_columns(raw, specs, study, options, occasion=occasion).places
    except InputError:
        return
    for spec in closed_specs(study, specs):
        if spec.name in places:
            refuse_many(raw.table.columns[places[spec.name]], spec, f"{content.name}, in its first lines")
