"""Interview invitations by class and gender: sparse counts, an interaction, both statistics."""

from collections.abc import Mapping

from pandas import DataFrame

from feedbackstudy.analysis.compile import question
from feedbackstudy.analysis.estimate import Estimates
from feedbackstudy.analysis.proportions import compare_odds
from feedbackstudy.literature.reproduction import Findings, Value
from feedbackstudy.study import Study

CONTRASTS = {
    "h1": "ratio of odds ratios: higher / lower class, men / women",
    "h2": "odds ratio among men, higher / lower class",
    "h3": "odds ratio among women, higher / lower class",
}


def analyse(data: Mapping[str, DataFrame], study: Study) -> Findings:
    """Answer the interaction and both simple effects, each in two ways."""
    cells = data["rivera_tilcsik2016_interview_invites"].set_index(["social_class", "gender"])
    invited, sent = ({":".join(cell): n for cell, n in cells[column].items()} for column in ("invited", "n"))
    answers = [compare_odds(question(study, name), invited, sent, contrast=words) for name, words in CONTRASTS.items()]
    return Findings(
        values={
            "applications": Value(value=float(sum(sent.values())), note="sum of the four cells"),
            "invitations": Value(value=float(sum(invited.values())), note="sum of the four cells"),
            "to_higher_class_men": Value(value=float(invited["high:male"]), note=f"of {sent['high:male']} sent"),
        },
        estimates=Estimates(
            rows=tuple(row for answer in answers for row in answer.rows),
            title="Interview invitations by class and gender",
        ),
        shows=(answers[0].posterior,),
        claims="Speaks to no claim about feedback: the invitation comes before any feedback is given.",
    )
