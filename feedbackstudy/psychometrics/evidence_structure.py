"""Lines of evidence on structure: loadings, fit and items here beside those published."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.evidence_answers import Answers
from feedbackstudy.psychometrics.evidence_record import EvidenceLine
from feedbackstudy.psychometrics.items import ItemAnalysis
from feedbackstudy.psychometrics.published_values import loading_similarity
from feedbackstudy.scales.evidence import Fit

__all__ = ["fit_lines", "item_lines", "structure_lines"]

_NAN = float("nan")


def structure_lines(answers: Answers, model: CFA | None) -> Iterator[EvidenceLine]:
    """Yield the congruence of standardised loadings with published ones, by subscale.

    Parameters
    ----------
    answers : Answers
        What was validated.
    model : CFA or None
        The continuous model.

    Yields
    ------
    EvidenceLine
        One a subscale whose loadings were published.
    """
    evidence = answers.scale.evidence.structure if answers.scale else None
    if model is None or evidence is None or not evidence.loadings or answers.form is None or answers.job is None:
        return
    columns = answers.job.columns(answers.form)
    if len(evidence.loadings) != len(columns):
        return
    known = dict(zip(columns, evidence.loadings, strict=True))
    frame = model.estimates[model.estimates["op"] == "=~"]
    for factor, items in answers.factors.items():
        own = frame[frame["lhs"] == factor].set_index("rhs")["std"]
        if set(items) - set(own.index):
            continue
        alike = loading_similarity(own.loc[list(items)], [known[item] for item in items])
        yield EvidenceLine(
            part="structure",
            what=f"congruence of loadings, {factor}",
            here=alike.congruence,
            n=model.n,
            source=evidence.source,
            sample="published loadings",
            difference=alike.largest,
            verdict=alike.word,
            why=f"largest difference of a loading {alike.largest:.2f}; .95 counts as equal, .85 as fair",
        )


def fit_lines(answers: Answers, models: Mapping[str, CFA]) -> Iterator[EvidenceLine]:
    """Yield fit indices here, beside published ones of the same estimator family.

    Parameters
    ----------
    answers : Answers
        What was validated.
    models : mapping of str to CFA
        Fitted models.

    Yields
    ------
    EvidenceLine
        CFI, RMSEA and SRMR; fit has no test against another sample's fit.
    """
    evidence = answers.scale.evidence.structure if answers.scale else None
    for kind, model in models.items():
        suffix = ".robust" if not np.isnan(model.fit.get("cfi.robust", _NAN)) else ".scaled"
        for index in ("cfi", "rmsea", "srmr"):
            name = f"{index}{suffix}" if index != "srmr" else index
            value = model.fit.get(name, _NAN)
            low, high = (
                (model.fit.get(f"rmsea.ci.{end}{suffix}", _NAN) for end in ("lower", "upper"))
                if index == "rmsea"
                else (_NAN, _NAN)
            )
            said = f"{suffix.lstrip('.')} " if index != "srmr" else ""
            line = EvidenceLine(
                part="structure", what=f"{said}{index.upper()}, {kind}", here=value, low=low, high=high, n=model.n
            )
            published = [f for f in (evidence.fits if evidence else ()) if index in f.indices and _alike(f, kind)]
            for fit in published:
                yield replace(
                    line,
                    published=fit.indices[index],
                    published_n=fit.n,
                    sample=f"{fit.sample}: {fit.model}{', ' + fit.estimator if fit.estimator else ''}",
                    source=evidence.source if evidence else "",
                    difference=value - fit.indices[index],
                    verdict="not tested",
                    why="fit indices of two samples have no test",
                )
            if not published:
                yield line


def _alike(fit: Fit, kind: str) -> bool:
    """Say whether a published fit is of the same kind; one that does not say is shown beside both."""
    said = f"{fit.model} {fit.estimator}".lower()
    ordinal = any(word in said for word in ("ordinal", "categorical", "wls"))
    continuous = not ordinal and any(word in said for word in ("ml", "maximum likelihood", "continuous"))
    return not (ordinal or continuous) or (ordinal if kind == "ordinal" else continuous)


def item_lines(answers: Answers, items: Mapping[str, ItemAnalysis]) -> Iterator[EvidenceLine]:
    """Yield how item means and item-rest correlations compare with published ones.

    Parameters
    ----------
    answers : Answers
        What was validated.
    items : mapping of str to ItemAnalysis
        By subscale.

    Yields
    ------
    EvidenceLine
        Congruence of item-rest correlations, and the rank correlation of item means.
    """
    evidence = answers.scale.evidence.structure if answers.scale else None
    if evidence is None or answers.form is None or answers.job is None:
        return
    columns = answers.job.columns(answers.form)
    for factor, analysis in items.items():
        frame = analysis.statistics.set_index("item")
        for what, column, values in (
            ("item-rest correlations", "item_rest", evidence.item_rest),
            ("item means", "mean", evidence.item_means),
        ):
            known = pd.Series(values, index=columns[: len(values)]) if len(values) == len(columns) else None
            if known is None or len(frame) < 3:
                continue
            mine, theirs = frame[column], known.loc[list(frame.index)]
            r = float(stats.spearmanr(mine, theirs)[0])
            gap = float((mine - theirs).abs().max())
            yield EvidenceLine(
                part="items",
                what=f"rank correlation of {what}, {factor}",
                here=r,
                n=int(frame["n"].min()),
                sample="published items",
                source=evidence.source,
                difference=gap,
                verdict="not tested",
                why=f"largest difference of an item {gap:.2f}",
            )
