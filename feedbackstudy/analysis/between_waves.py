"""What belongs to a person and must not differ between waves: clusters, exemplars, covariates."""

from collections.abc import Iterator

from feedbackstudy.frames import Scores
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.study import Study
from feedbackstudy.study.placed import varies_within

__all__ = ["differs_between_waves"]

_SHOWN = 10


def differs_between_waves(scores: Scores, study: Study) -> Iterator[Issue]:
    """Warn of people whose cluster, exemplar or covariate is not the same in all their rows.

    Parameters
    ----------
    scores : Scores
        The scores that are analysed.
    study : Study
        The study.

    Yields
    ------
    Issue
        One for each column. Rows without a value differ from nobody; where factors vary within people, exemplars belong
        to stories and are not looked at.
    """
    frame = scores.frame
    people = frame["participant"].astype("str")
    declared = [name for name in scores.covariates if name in study.covariates.names]
    clusters = [name for name in scores.clusters if name != "exemplar" or not varies_within(study)]
    for name in (*clusters, *declared):
        several = frame[name].groupby(people, sort=False).nunique() > 1
        who = tuple(map(str, several.index[several]))
        if not who:
            continue
        kind = "covariate" if name in declared else "exemplar" if name == "exemplar" else "cluster"
        yield Issue(
            code="analysis.differs_between_waves",
            severity=Severity.WARNING,
            where=f"scores: {name}",
            what=f"{counted(len(who), 'participant has', 'participants have')} more than one value of the {kind} "
            f"{name!r} in their rows; the first that the table holds is taken for all of them.",
            why="It belongs to the person in every model here: whoever moved is counted where they were first, and "
            "another order of the rows gives another answer."
            if kind != "exemplar"
            else "Each read one message: an answer counted with a message that was not read blurs its effect.",
            fix="Find out which is right and carry it over all rows of the person, or take these people out with a "
            "named rule.",
            who=who[:_SHOWN],
        )
