"""Answers as the text that a platform writes."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.collect.read_items import ItemSpec, code_text
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.crossing import Cell
from feedbackstudy.errors import DataError
from feedbackstudy.frames import MissingReason, Responses
from feedbackstudy.study import Study

__all__ = ["MISSING_CODES", "cells_of", "condition_keys"]

MISSING_CODES: Mapping[float, str] = {-98.0: "refused", -99.0: "user_missing"}
"""Codes that written files hold for answers that were refused or declared missing."""

_CODE_OF = {MissingReason.REFUSED: "-98", MissingReason.USER_MISSING: "-99"}


def cells_of(responses: Responses, names: Sequence[str], specs: Sequence[ItemSpec]) -> dict[str, NDArray[np.object_]]:
    """Return columns as text, ``""`` for what is missing.

    Parameters
    ----------
    responses : Responses
        The answers.
    names : sequence of str
        Columns.
    specs : sequence of ItemSpec
        The study's items.

    Returns
    -------
    dict
        Column -> cells.

    Raises
    ------
    DataError
        Where an answer is itself -98 or -99.
    """
    made = {}
    kinds = {spec.name: spec for spec in specs}
    for name in names:
        codes, different = pd.factorize(np.asarray(responses.column(name), dtype=object))
        texts = [_text(value) for value in different]
        cells = np.array([*texts, ""], dtype=object)[codes]
        if name in responses.items:
            _with_reasons(responses, name, cells, set(texts), is_open=name in kinds and kinds[name].kind == "open")
        made[name] = cells
    return made


def _text(value: object) -> str:
    return code_text(float(value)) if isinstance(value, int | float | np.number) else str(value)


def _with_reasons(
    responses: Responses, name: str, cells: NDArray[np.object_], answers: set[str], *, is_open: bool
) -> None:
    reasons = responses.reason(name)
    for reason, code in _CODE_OF.items():
        here = reasons == reason
        if here.any() and not is_open:
            if code in answers:
                raise DataError(f"Item {name!r} holds {code} as an answer, which stands for a missing one in files.")
            cells[here] = code


def condition_keys(frame: pd.DataFrame, study: Study) -> NDArray[np.object_]:
    """Return the cell of every row as the one word that a questionnaire carries along.

    Parameters
    ----------
    frame : DataFrame
        Rows with arm and factors.
    study : Study
        The study.

    Returns
    -------
    ndarray of object
        The key of the cell, such as ``"same_day:general"``, or the arm.
    """
    names = study.factors.names
    table = frame[["arm", *names]].astype(object)
    table = table.where(table.notna(), None)
    keys = [
        Cell(str(arm), tuple((n, str(v)) for n, v in zip(names, levels, strict=True) if v is not None)).key
        if arm == FEEDBACK
        else str(arm)
        for arm, *levels in table.itertuples(index=False, name=None)
    ]
    return np.array(keys, dtype=object)
