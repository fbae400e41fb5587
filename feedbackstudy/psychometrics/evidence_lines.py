"""Lines of evidence on scores: each reliability and mean here beside every published one that was seen at a source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from feedbackstudy.psychometrics.evidence_answers import Answers
from feedbackstudy.psychometrics.evidence_record import EvidenceLine, Verdict
from feedbackstudy.psychometrics.items import ItemAnalysis
from feedbackstudy.psychometrics.published_values import (
    Contrast,
    alpha_contrast,
    judged,
    known_contrast,
    r_contrast,
)
from feedbackstudy.psychometrics.reliability.coefficient import Coefficient
from feedbackstudy.psychometrics.reliability.retest import Retest
from feedbackstudy.scales.evidence import Norm, Reliability

__all__ = ["reliability_lines", "retest_lines", "score_lines"]

_STATISTICS = {"alpha": "alpha", "omega": "omega total", "omega_total": "omega total"}


def _published(answers: Answers, statistics: Sequence[str], factor: str, total: str) -> list[Reliability]:
    """Return published coefficients of a subscale; those of no subscale belong to the only one, or to the total."""
    if answers.scale is None:
        return []
    alone = len(answers.factors) == 1
    names = {factor, *([""] if alone or factor == total else [])}
    return [e for e in answers.scale.evidence.reliability if e.statistic in statistics and e.subscale in names]


def reliability_lines(
    answers: Answers, found: Mapping[str, tuple[Coefficient, ...]], margin: float, total: str
) -> Iterator[EvidenceLine]:
    """Yield one line a coefficient and published value.

    Parameters
    ----------
    answers : Answers
        What was validated.
    found : mapping of str to tuple of Coefficient
        Coefficients by subscale.
    margin : float
        Largest difference that does not matter.
    total : str
        What the total score is called in `found`.

    Yields
    ------
    EvidenceLine
        Alpha against alpha, omega against omega.
    """
    for factor, coefficients in found.items():
        for coefficient in coefficients:
            names = [n for n, prefix in _STATISTICS.items() if coefficient.coefficient.startswith(prefix)]
            entries = _published(answers, names, factor, total)
            line = _coefficient_line(factor, coefficient)
            yield from (_beside(line, coefficient, entry, margin) for entry in entries)
            if not entries:
                yield line


def _coefficient_line(factor: str, c: Coefficient) -> EvidenceLine:
    return EvidenceLine(
        part="reliability", what=f"{c.coefficient}, {factor}", here=c.value, low=c.low, high=c.high, n=c.n_people
    )


def _beside(line: EvidenceLine, c: Coefficient, entry: Reliability, margin: float) -> EvidenceLine:
    line = replace(line, sample=entry.sample, source=entry.source, published_n=entry.n)
    if entry.value is None:
        return _in_range(line, entry)
    line = replace(line, published=entry.value)
    if entry.statistic == "alpha" and entry.n is not None:
        contrast = alpha_contrast((c.value, c.n_people, c.n_items), (entry.value, entry.n, c.n_items))
    else:
        contrast = known_contrast((c.value, c.low, c.high), entry.value)
    return _judged(line, contrast, margin)


def _judged(line: EvidenceLine, contrast: Contrast, margin: float) -> EvidenceLine:
    verdict: Verdict = judged(contrast, margin)
    words = {
        "agrees": f"within {margin:g} of the published value",
        "lower": "lower than published",
        "higher": "higher than published",
        "cannot tell": f"too few people to tell a difference of {margin:g}",
    }
    return replace(
        line,
        difference=contrast.difference,
        difference_low=contrast.low,
        difference_high=contrast.high,
        p=contrast.p,
        verdict=verdict,
        why=f"{words[str(verdict)]} ({contrast.method})",
    )


def _in_range(line: EvidenceLine, entry: Reliability) -> EvidenceLine:
    low, high = float(entry.low or 0.0), float(entry.high or 0.0)
    verdict: Verdict = "agrees" if low <= line.here <= high else "lower" if line.here < low else "higher"
    reaches = line.low <= high and line.high >= low
    if verdict != "agrees" and reaches:
        verdict = "cannot tell"
    words = {
        "agrees": "inside the printed range",
        "lower": "below the printed range",
        "higher": "above the printed range",
        "cannot tell": "outside the printed range, but the interval reaches into it",
    }
    return replace(
        line, published_low=low, published_high=high, verdict=verdict, why=f"{words[str(verdict)]} (no test)"
    )


def retest_lines(answers: Answers, found: Mapping[str, Retest], margin: float, total: str) -> Iterator[EvidenceLine]:
    """Yield one line a retest correlation and published value.

    Parameters
    ----------
    answers : Answers
        What was validated.
    found : mapping of str to Retest
        By subscale.
    margin : float
        Largest difference that does not matter.
    total : str
        What the total score is called.

    Yields
    ------
    EvidenceLine
        Retest correlation; the time between occasions may differ from the published one.
    """
    for factor, result in found.items():
        line = EvidenceLine(
            part="reliability",
            what=f"retest r, {factor}",
            here=result.r,
            low=result.r_low,
            high=result.r_high,
            n=result.n,
        )
        entries = _published(answers, ["retest_r"], factor, total)
        for entry in entries:
            beside = replace(line, sample=entry.sample, source=entry.source, published_n=entry.n)
            if entry.value is None:
                yield _in_range(beside, entry)
                continue
            known = entry.n is None
            contrast = (
                known_contrast((result.r, result.r_low, result.r_high), entry.value)
                if known
                else r_contrast((result.r, result.n), (entry.value, int(entry.n or 0)))
            )
            yield _judged(replace(beside, published=entry.value), contrast, margin)
        if not entries:
            yield line


def score_lines(answers: Answers, items: Mapping[str, ItemAnalysis], total: str) -> Iterator[EvidenceLine]:
    """Yield the mean score here beside every published mean of the same score.

    Parameters
    ----------
    answers : Answers
        What was validated.
    items : mapping of str to ItemAnalysis
        By subscale.
    total : str
        What the total score is called.

    Yields
    ------
    EvidenceLine
        Means; a difference speaks of people, not of the scale, so no verdict is given on it.
    """
    if answers.scale is None:
        return
    for norm in answers.scale.evidence.norms:
        alone = len(answers.factors) == 1
        factor = norm.subscale or (next(iter(answers.factors)) if alone else total)
        if norm.mean is None or factor not in items:
            continue
        form = answers.form.id if answers.form else ""
        if norm.form not in ("", form):
            continue
        yield _mean_line(factor, items[factor], norm)


def _mean_line(factor: str, analysis: ItemAnalysis, norm: Norm) -> EvidenceLine:
    answers = analysis.matrix.answers
    scores = answers.sum(axis=1) if norm.metric == "sum" else answers.mean(axis=1)
    n, mean, sd = len(scores), float(scores.mean()), float(scores.std(ddof=1))
    half = float(stats.t.ppf(0.975, n - 1)) * sd / np.sqrt(n)
    line = EvidenceLine(
        part="score",
        what=f"mean {norm.metric}, {factor}",
        here=mean,
        low=mean - half,
        high=mean + half,
        n=n,
        published=float(norm.mean or 0.0),
        published_n=norm.n,
        sample=norm.sample,
        source=norm.source,
        difference=mean - float(norm.mean or 0.0),
        verdict="not tested",
    )
    if norm.sd is None:
        return replace(line, why="a difference of means speaks of people, not of the scale")
    d = line.difference / norm.sd
    return replace(line, why=f"{d:+.2f} published SDs apart; SD here {sd:.2f}, published {norm.sd:.2f}")
