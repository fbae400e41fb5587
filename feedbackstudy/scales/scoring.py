"""`score`: keying by form, range check, missing rule, means, sums, POMP and composites; each person on their own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.frames import Responses, ScoreInfo, Scores
from feedbackstudy.issues import Issue, Issues
from feedbackstudy.scales.jobs import jobs_of
from feedbackstudy.scales.libraries import Library
from feedbackstudy.scales.measure import Measure
from feedbackstudy.scales.scale import Scale
from feedbackstudy.scales.scored import Column, score_job
from feedbackstudy.scales.single import score_single

__all__ = ["score"]

type Scorable = Measure | Scale | str

_CONVENTIONS = (
    "reversed item = lowest + highest code - answer",
    "a mean is taken over the answered items; an incomplete sum is the mean times the number of items",
    "items that an arm or occasion was not asked are not missing: the missing rule counts asked items only",
    "no score uses the answers of another person",
)


def score(
    responses: Responses,
    measures: Scorable | Sequence[Scorable],
    *,
    library: Library | None = None,
    imputed: Literal["refuse", "accept"] = "refuse",
) -> Scores:
    """Score scales: one column per score, with the counts and rules to defend it.

    Parameters
    ----------
    responses : Responses
        Answers as given, or with `already_reversed` saying which items are not.
    measures : Measure, Scale, str or sequence of these
        The measures of a study, scales, or codes of the library.
    library : Library, optional
        Where codes are looked up. By default the measures of a loaded study bring the completions of its folder
        (``scales/complete.yaml``); for codes, ``scales.library(folder)`` applies them.
    imputed : {"refuse", "accept"}
        Whether values between two answer codes stop the scoring, or are accepted as imputed answers.

    Returns
    -------
    Scores
        Scores with answered and asked counts, what each column is, and what was found by reading, screening and
        scoring.

    Raises
    ------
    DataError
        Naming every cell that is not an answer of the declared format, every absent item, and every contradiction.
    IncompleteScaleError
        For a scale whose positions, reversal or range are unknown or from memory.

    Notes
    -----
    With one subscale the column carries the measure's name (or the scale's code), with several
    ``<name>_<subscale>``; a measure's own `scores` mapping names them otherwise.
    """
    jobs, singles = jobs_of(measures, library)
    found: list[Issue] = []
    columns: list[Column] = []
    for job in jobs:
        made, issues = score_job(responses, job, imputed=imputed == "accept")
        columns += made
        found += issues
    for single in singles:
        made_single, issues = score_single(responses, single)
        columns += made_single
        found += issues
    if errors := Issues(found).errors:
        raise DataError("\n".join(str(issue) for issue in errors))
    return _table(responses, columns, Issues(dict.fromkeys([*responses.issues, *found])))


def _table(responses: Responses, columns: Sequence[Column], issues: Issues) -> Scores:
    names = [column.info.name for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    kept = ["participant", "arm", "occasion", *responses.factors, *responses.clusters, *responses.covariates]
    if twice or set(names) & set(kept):
        clash = twice or sorted(set(names) & set(kept))
        raise DataError(f"Two columns would be called {clash[0]!r}; rename the measure or its scores.")
    base = responses.frame[kept]
    frame = pd.concat(
        [base, pd.DataFrame({c.info.name: c.scores for c in columns}, index=base.index, copy=False)], axis="columns"
    )
    about: dict[str, ScoreInfo] = {c.info.name: c.info for c in columns}
    answered: dict[str, NDArray[np.int16]] = {c.info.name: c.answered for c in columns}
    asked: dict[str, NDArray[np.int16]] = {c.info.name: c.asked for c in columns}
    said = (
        ""
        if responses.already_reversed is not None
        else "nobody said whether items were reversed upstream: taken as given"
    )
    stamps = tuple(dict.fromkeys(stamp for info in about.values() for stamp in info.stamps))
    return Scores(
        _frame=frame,
        _answered=answered,
        _asked=asked,
        names=tuple(names),
        factors=responses.factors,
        clusters=responses.clusters,
        covariates=responses.covariates,
        about=about,
        issues=issues,
        ledger=responses.ledger,
        design_hash=responses.design_hash,
        provenance=replace(
            responses.provenance.derived("score", conventions=(*_CONVENTIONS, *((said,) if said else ()), *stamps)),
            design_hash=responses.design_hash,
        ),
    )
