"""A validation in sentences: one a part, with the convention each judgement rests on."""

from collections.abc import Iterator

import numpy as np

from feedbackstudy.psychometrics.cfa.compare import index_kind
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.evidence_record import ScaleEvidence
from feedbackstudy.render import Notice, interval, number

__all__ = ["verdicts"]

_CUTOFFS = (("cfi", 0.95, 1), ("rmsea", 0.06, -1), ("srmr", 0.08, -1))
_RATIO = 0.85
_NARROW = 0.70
_MANY_FLAGGED = 0.05


def verdicts(evidence: ScaleEvidence) -> tuple[Notice, ...]:
    """Return the evidence in sentences.

    Parameters
    ----------
    evidence : ScaleEvidence
        The record.

    Returns
    -------
    tuple of Notice
        Key, dimensions, models, reliability, published values, invariance, careless answering, subscales.
    """
    parts = (_key, _dimensions, _models, _reliability, _published, _invariance, _careless, _discriminant)
    return tuple(notice for part in parts for notice in part(evidence))


def _key(e: ScaleEvidence) -> Iterator[Notice]:
    if e.audit is None:
        return
    if e.audit.agrees:
        yield Notice("Key: nothing in the answers contradicts it.", "good")
    for finding in e.audit.findings:
        kind = finding.kind.replace("_", " ")
        yield Notice(f"Key: {kind}: {', '.join(finding.items)}. {finding.evidence}. {finding.fix}", "error")


def _dimensions(e: ScaleEvidence) -> Iterator[Notice]:
    d = e.dimensions
    if d is None:
        return
    counts = (
        f"parallel analysis suggests {d.parallel.factors} factor(s), minimum average partial {d.partial.components}"
    )
    misplaced = f" Items nearer to another subscale: {', '.join(d.misplaced)}." if d.misplaced else ""
    same = d.declared == d.parallel.factors and not d.misplaced
    yield Notice(f"Dimensions: {d.declared} declared; {counts}.{misplaced}", "good" if same else "warning")


def _models(e: ScaleEvidence) -> Iterator[Notice]:
    for kind, model in e.models.items():
        name = f"{kind.capitalize()} factor model ({model.fitted.estimator.name})"
        if not model.fit_to_report:
            yield Notice(f"{name}: not fit to report. {'; '.join(i.what for i in model.conditions.errors)}", "error")
            continue
        values = _indices(model)
        said = ", ".join(f"{index.upper()} {number(value, 3, unit_interval=True)}" for index, value, _ in values)
        missed = [index.upper() for index, _, met in values if not met]
        judged = f"misses the usual mark for {', '.join(missed)}" if missed else "meets the usual marks"
        marks = "CFI .95, RMSEA .06, SRMR .08; Hu & Bentler 1999, a convention"
        yield Notice(f"{name}: {said}; {judged} ({marks}).", "warning" if missed else "good")


def _indices(model: CFA) -> list[tuple[str, float, bool]]:
    suffix = index_kind(model)
    found = []
    for index, limit, sign in _CUTOFFS:
        value = model.fit.get(f"{index}{suffix}" if index != "srmr" else index, float("nan"))
        found.append((index, value, bool(sign * value >= sign * limit)))
    return found


def _reliability(e: ScaleEvidence) -> Iterator[Notice]:
    for name, coefficients in e.reliability.items():
        if not coefficients:
            continue
        said = "; ".join(
            f"{c.coefficient} {number(c.value, 3, unit_interval=True)} {interval(c.low, c.high)}" for c in coefficients
        )
        unfit = [c for c in coefficients if not c.fit_to_report]
        low = min(c.low for c in coefficients)
        tone = "error" if unfit else "good" if low >= _NARROW else "warning"
        note = "" if low >= _NARROW else f" The interval reaches below {_NARROW:.2f}: scores of one person are unsure."
        yield Notice(f"Reliability of {name}: {said}.{note}", tone)  # type: ignore[arg-type]


def _published(e: ScaleEvidence) -> Iterator[Notice]:
    judged = [line for line in e.lines if line.verdict not in ("", "not tested")]
    if not judged:
        yield Notice(
            "Published values: none was seen at a source for these items, so there is nothing to compare with."
        )
        return
    apart = [line for line in judged if line.verdict in ("lower", "higher", "different")]
    unsure = [line for line in judged if line.verdict == "cannot tell"]
    fine = len(judged) - len(apart) - len(unsure)
    text = f"Published values: {fine} of {len(judged)} agree"
    text += f", {len(apart)} differ" if apart else ""
    text += f", {len(unsure)} cannot be told with so few people" if unsure else ""
    named = "; ".join(dict.fromkeys(f"{line.what}, {line.verdict} than in {line.sample}" for line in apart))
    yield Notice(f"{text}{'. Differing: ' + named if named else ''}.", "warning" if apart or unsure else "good")


def _invariance(e: ScaleEvidence) -> Iterator[Notice]:
    for kind, result in e.invariance.items():
        reached = result.reached or "none"
        freed = f" after freeing {', '.join(result.freed)}" if result.freed else ""
        good = reached.split(" ")[0] in {"scalar", "strict"}
        meaning = "means can be compared" if good else "compare no means of this score"
        if good and result.freed:
            meaning = "factor means can be compared; mean scores carry the bias of the freed items"
        yield Notice(
            f"Invariance between {kind}s: {reached} reached{freed}; {meaning} ({result.rule.says}).",
            "good" if good and not result.freed else "warning",
        )
    for kind, effect in e.noninvariance.items():
        rows = effect.scores[effect.scores["part"] == "measurement"]
        worst = rows.iloc[int(rows["estimate"].abs().to_numpy().argmax())]
        span = interval(float(worst["low"]), float(worst["high"]))
        yield Notice(
            f"Effect of non-invariance between {kind}s: at most {number(float(worst['estimate']))} {span} of the "
            f"difference in {worst['factor']} ({worst['place']} against {effect.reference}) comes from items that work "
            "differently, in units of the score."
        )


def _careless(e: ScaleEvidence) -> Iterator[Notice]:
    if e.careless is None:
        return
    flags = e.careless.indices["flags"].to_numpy()
    count = int((flags > 0).sum())
    alphas = {name: c[0].value for name, c in e.reliability.items() if c}
    changes = [
        f"{name} {number(alphas[name], 3, unit_interval=True)} to {number(value, 3, unit_interval=True)}"
        for name, value in e.without_careless.items()
        if name in alphas
    ]
    said = f" Alpha without them: {'; '.join(changes)}." if changes else ""
    yield Notice(
        f"Careless answering: {count} of {len(flags)} people are flagged, by one answer throughout or by a pattern far "
        f"from all others. Nobody is removed.{said}",
        "warning" if count > _MANY_FLAGGED * len(flags) else "good",
    )


def _discriminant(e: ScaleEvidence) -> Iterator[Notice]:
    if e.discriminant is None:
        return
    frame = e.discriminant.frame()
    worst = frame.iloc[int(frame["htmt"].to_numpy().argmax())]
    held = bool(np.all(frame["htmt"] < _RATIO))
    yield Notice(
        f"Subscales: the largest heterotrait-monotrait ratio is {number(float(worst['htmt']))} ({worst['first']} and "
        f"{worst['second']}); below {_RATIO} counts as distinct (Henseler et al. 2015, a convention).",
        "good" if held else "warning",
    )
