"""What every wave knows of an answer besides the answers: indices of care, and the share left out, row by row."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.frames import MissingReason, Responses
from feedbackstudy.psychometrics.careless_indices import even_odd, invariability, long_string, mahalanobis
from feedbackstudy.scales.jobs import jobs_of
from feedbackstudy.study import Study

__all__ = ["paradata"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Asked:
    """The scale items of a wave: answers as given and as keyed, and which columns make a subscale."""

    answers: Floats
    keyed: Floats
    subscales: list[list[int]]


def paradata(responses: Responses, study: Study, name: str, rows: NDArray[np.bool_]) -> pd.Series:
    """Return a paradatum for some rows.

    Parameters
    ----------
    responses : Responses
        The answers.
    study : Study
        The study, whose scales say what was put before people and in which order.
    name : str
        ``duration_seconds`` (a covariate that the export brought), ``longstring``, ``irv``, ``mahalanobis_p``,
        ``even_odd`` or ``missing_share``.
    rows : ndarray of bool
        The rows of one wave; the sample of the Mahalanobis distance.

    Returns
    -------
    Series
        One value a row of `responses`; missing outside `rows`, and where the index cannot be computed.

    Raises
    ------
    DataError
        Where the export brought no duration, or nothing was asked that the index needs.

    Notes
    -----
    Indices of care use the items of scales, in the order in which the study declares them. ``longstring`` is the
    longest run of identical answers, ``irv`` their standard deviation (divisor answers - 1), ``mahalanobis_p`` the
    chi-square tail of the squared distance, ``even_odd`` the stepped-up correlation of half scales, items keyed by
    their form. ``missing_share`` is the share of the items asked of somebody, single columns included, that hold no
    answer.
    """
    if name in responses.covariates:
        return responses.column(name).where(pd.Series(rows))
    if name == "missing_share":
        return _spread(_missing_share(responses, rows), rows)
    index: dict[str, Callable[[_Asked], Floats]] = {
        "longstring": lambda asked: long_string(asked.answers).astype(np.float64),
        "irv": lambda asked: invariability(asked.answers),
        "mahalanobis_p": lambda asked: mahalanobis(asked.answers)[1],
        "even_odd": lambda asked: even_odd(asked.keyed, asked.subscales),
    }
    if name not in index:
        raise DataError(f"The responses hold no column {name!r}; carry it along among the covariates when reading.")
    return _spread(index[name](_asked(responses, study, rows, name)), rows)


def _spread(values: Floats, rows: NDArray[np.bool_]) -> pd.Series:
    whole = np.full(rows.size, np.nan)
    whole[rows] = values
    return pd.Series(whole)


def _missing_share(responses: Responses, rows: NDArray[np.bool_]) -> Floats:
    codes = np.stack([responses.reason(item)[rows] for item in responses.items])
    asked = (codes != MissingReason.NOT_ASKED).sum(axis=0)
    absent = ((codes != MissingReason.NOT_ASKED) & (codes != MissingReason.ANSWERED)).sum(axis=0)
    return np.asarray(np.where(asked > 0, absent / np.maximum(asked, 1), np.nan), dtype=np.float64)


def _asked(responses: Responses, study: Study, rows: NDArray[np.bool_], index: str) -> _Asked:
    columns: list[Floats] = []
    keyed: list[Floats] = []
    subscales: list[list[int]] = []
    for job in jobs_of(study.measures)[0]:
        form, turned = job.scale.form(job.form), responses.already_reversed or frozenset()
        place: dict[int, int] = {}
        for position, column in job.asked(form).items():
            if column not in responses.items:
                continue
            values = _numbers(responses, column)[rows]
            if np.isnan(values).all():
                continue
            place[position] = len(columns)
            answers, against = form.likert_options, position in (form.reversed or ())
            turn = index == "even_odd" and answers is not None and against and column not in turned
            columns.append(values)
            keyed.append(answers.min + answers.max - values if turn and answers is not None else values)
        parts = [subscale.items for subscale in form.subscales if subscale.items] or [tuple(place)]
        subscales += [[place[p] for p in part if p in place] for part in parts]
    if not columns:
        raise DataError(
            f"No scale item was answered at the wave that a rule looks at, so {index!r} cannot be computed."
        )
    return _Asked(answers=np.column_stack(columns), keyed=np.column_stack(keyed), subscales=subscales)


def _numbers(responses: Responses, column: str) -> Floats:
    values = responses.column(column)
    try:
        return np.asarray(values.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError) as fault:
        raise DataError(
            f"Item {column!r} holds {values.dtype}, so indices of care cannot be computed; read it with its codes."
        ) from fault
