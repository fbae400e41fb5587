"""What a study's declarations say about each other: `check_study` gathers every check."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from feedbackstudy.issues import Issue, Issues
from feedbackstudy.render import Page
from feedbackstudy.study.checks.asking import check_asking
from feedbackstudy.study.checks.assigning import check_assigning
from feedbackstudy.study.checks.clustering import check_clustering
from feedbackstudy.study.checks.deciding import check_deciding
from feedbackstudy.study.checks.ethics import check_ethics
from feedbackstudy.study.checks.exclusions import check_exclusions
from feedbackstudy.study.checks.finding import said_once
from feedbackstudy.study.checks.leftovers import check_leftovers
from feedbackstudy.study.checks.measuring import check_measuring
from feedbackstudy.study.checks.names import check_names
from feedbackstudy.study.checks.paths import check_paths
from feedbackstudy.study.checks.questions import check_questions
from feedbackstudy.study.checks.sizes import check_sizes
from feedbackstudy.study.checks.times import check_times
from feedbackstudy.study.says import Sayings, sayings

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["StudyIssues", "check_study"]

CHECKS: tuple[Callable[["Study"], Iterator[Issue]], ...] = (
    check_names,
    check_questions,
    check_paths,
    check_times,
    check_asking,
    check_measuring,
    check_deciding,
    check_sizes,
    check_exclusions,
    check_ethics,
    check_assigning,
    check_clustering,
    check_leftovers,
)


class StudyIssues(Issues):
    """The findings about a study, printed together with what it can and cannot say.

    Parameters
    ----------
    issues : iterable of Issue
        The findings.
    says : Sayings
        What the study can and cannot say.
    """

    def __init__(self, issues: Iterable[Issue], says: Sayings) -> None:
        super().__init__(issues)
        self.says = says

    def page(self) -> Page:
        """Return the findings, then what the study can and cannot say.

        Returns
        -------
        Page
            Ready to render.
        """
        findings = super().page()
        return Page(
            title="Study check", subtitle=findings.subtitle, blocks=(*findings.blocks, *self.says.page().blocks)
        )


def check_study(study: "Study") -> StudyIssues:
    """Run every check on a study.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    StudyIssues
        Findings, worst first.
    """
    found = (issue for check in CHECKS for issue in check(study))
    return StudyIssues(said_once(found), sayings(study))
