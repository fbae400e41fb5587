"""The scales, forms and scores that a study's measures name must exist and be complete enough to score."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from feedbackstudy.issues import Issue
from feedbackstudy.scales.check import check_measures

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["check_measuring"]


def check_measuring(study: "Study") -> Iterator[Issue]:
    """Yield findings about the scales that are asked, with the completions of the study folder applied.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        What `feedbackstudy.scales.check_measures` finds, each at its place in the study file.
    """
    places = {f"measure {measure.name}": place for place, measure in enumerate(study.measures)}
    for issue in check_measures(study.measures):
        if issue.where in places:
            issue = replace(issue, where=study.where("measures", places[issue.where]))
        yield issue
