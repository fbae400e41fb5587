"""Callbacks by the name on the resume: one two-by-two table, both statistics."""

from collections.abc import Mapping

from pandas import DataFrame

from feedbackstudy.analysis.compile import question
from feedbackstudy.analysis.estimate import Estimates
from feedbackstudy.analysis.proportions import compare_proportions
from feedbackstudy.literature.reproduction import Findings, Value
from feedbackstudy.study import Study


def analyse(data: Mapping[str, DataFrame], study: Study) -> Findings:
    """Compare the callback rates of the two groups of names."""
    counts = data["bertrand_mullainathan2004_callbacks"].groupby("ethnicity")[["called_back", "n"]].sum()
    called, sent = counts["called_back"].to_dict(), counts["n"].to_dict()
    names = ("white", "African-American names")
    answer = compare_proportions(question(study, "h1"), called, sent, event="callback", groups=names)
    note = f"{called['cauc']}/{sent['cauc']} against {called['afam']}/{sent['afam']}"
    return Findings(
        values={"ratio": Value.of(answer.classical, note=note)},
        estimates=Estimates(rows=answer.rows, title="Callbacks by the name on the resume"),
        shows=(answer.posterior,),
        claims="Speaks to no claim about feedback: the employer's callback comes before any feedback is given.",
    )
