"""One answer: the path diagram where it is about a path, else its estimates both ways."""

from feedbackstudy.analysis.answer import Answer
from feedbackstudy.analysis.estimate import Estimates
from feedbackstudy.report.drawing import Drawing, drawing

__all__ = ["answer_drawing"]


@drawing.register(Answer)
def answer_drawing(result: Answer) -> Drawing:
    """Return the picture of one answer.

    Parameters
    ----------
    result : Answer
        One hypothesis answered.

    Returns
    -------
    Drawing
        Its picture; means, prior and posterior, ratings and robustness have pictures of their own.
    """
    if result.path is not None:
        return drawing(result.path.mediation(result.provenance))
    return drawing(Estimates(rows=result.rows, title=f"Hypothesis {result.name}"))
