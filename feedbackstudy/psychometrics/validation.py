"""`validate`: does a scale hold in these data? Every part of the evidence in one call, beside what was published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import pandas as pd

from feedbackstudy.errors import DataError
from feedbackstudy.frames import Responses
from feedbackstudy.psychometrics.careless import Careless
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.evidence_answers import Answers, Validated, read_answers
from feedbackstudy.psychometrics.evidence_lines import reliability_lines, retest_lines, score_lines
from feedbackstudy.psychometrics.evidence_parts import Parts, total_name
from feedbackstudy.psychometrics.evidence_record import Convergence, Dimensions, EvidenceLine, ScaleEvidence
from feedbackstudy.psychometrics.evidence_structure import fit_lines, item_lines, structure_lines
from feedbackstudy.psychometrics.htmt import Htmt
from feedbackstudy.psychometrics.invariance.effect import noninvariance
from feedbackstudy.psychometrics.invariance.effect_record import NonInvariance
from feedbackstudy.psychometrics.invariance.estimate import invariance
from feedbackstudy.psychometrics.invariance.record import Invariance
from feedbackstudy.psychometrics.items import ItemAnalysis
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.reliability.coefficient import Coefficient
from feedbackstudy.psychometrics.reliability.retest import Retest
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.scales import KeyAudit, Library, key_audit

__all__ = ["validate"]


@one_thread()
def validate(
    responses: Responses | pd.DataFrame,
    scale: Validated,
    *,
    group: str | None = None,
    occasion: str | Sequence[str] | None = None,
    related: Sequence[object] = (),
    margin: float = 0.10,
    rule: str = "cfi_rmsea",
    missing: str = "listwise",
    level: float = 0.95,
    replicates: int = 100,
    draws: int = 1000,
    seed: int = 1,
    library: Library | None = None,
) -> ScaleEvidence:
    """Gather the evidence that a scale holds in these data, each value beside the published one.

    Parameters
    ----------
    responses : Responses or DataFrame
        Answers as they came. A bare table may hold ``participant``, ``occasion`` and `group` columns beside the items.
    scale : Measure, Scale, str or mapping
        A study's measure, a scale, a code of the library; or, for items without a declared key, subscale -> columns.
    group : str, optional
        Column of groups, such as an experimental factor, to compare the measurement between.
    occasion : str or sequence of str, optional
        One occasion to describe; several, or ``"all"``, to compare, the first of which is described. By default the
        first that asks the scale.
    related : sequence of str, Measure or Scale, optional
        What the score should relate to: columns of the responses, or other scales in them.
    margin : float, default 0.10
        Difference of two reliabilities that does not matter, for the verdict on published values.
    rule : {"cfi_rmsea", "cfi", "chisq"}
        How a level of invariance is decided.
    missing : {"listwise", "fiml"}
        Rows used by the continuous model and by invariance.
    level : float, default 0.95
        Coverage of the intervals.
    replicates : int, default 100
        Random data sets of the parallel analysis.
    draws : int, default 1000
        Bootstrap samples for intervals of the ratios between subscales; 0 for none.
    seed : int, default 1
        Seed of everything drawn at random.
    library : Library, optional
        Where codes are looked up.

    Returns
    -------
    ScaleEvidence
        Key audit, items, dimensions, factor models, reliability, invariance, careless answering, relations; what is
        not there is named with the reason. Figures recalled from memory are never used.

    Raises
    ------
    DataError
        Where item columns, the group or an occasion are absent.
    IncompleteScaleError
        For a scale without an established key.

    Notes
    -----
    Answers that leave the declared format stop everything but the audit: correlations with a code such as 99 mean
    nothing. Alphas are compared by Feldt's distribution, retest correlations by Fisher's z, loadings by Tucker's
    congruence; a published value without its N is taken as known. A part that the data cannot carry is an omission
    with its reason, never a number.
    """
    if not 0 < level < 1 or margin <= 0:
        raise DataError(f"level {level:g}, margin {margin:g}: give a level between 0 and 1 and a positive margin.")
    answers = read_answers(responses, scale, group=group, occasion=occasion, home=library)
    parts = Parts(answers, level=level, missing=missing, replicates=replicates, seed=seed)
    audit = _audit(answers, scale, parts, library)
    if not answers.usable:
        parts.omit("everything else", "answers leave the declared format; mend them, then validate again")
        return _evidence(answers, parts, audit, _Found())
    found = _found(parts, related, draws, library)
    _compare(found, answers, parts, rule)
    return _evidence(answers, parts, audit, found, _lines(answers, found, margin))


@dataclass(kw_only=True)
class _Found:
    """What the parts gave."""

    items: dict[str, ItemAnalysis] = field(default_factory=dict)
    dimensions: Dimensions | None = None
    factors: dict[str, list[str]] | None = None
    models: dict[str, CFA] = field(default_factory=dict)
    reliability: dict[str, tuple[Coefficient, ...]] = field(default_factory=dict)
    retest: dict[str, Retest] = field(default_factory=dict)
    careless: Careless | None = None
    without_careless: dict[str, float] = field(default_factory=dict)
    discriminant: Htmt | None = None
    convergence: tuple[Convergence, ...] = ()
    invariance: dict[str, Invariance] = field(default_factory=dict)
    noninvariance: dict[str, NonInvariance] = field(default_factory=dict)


def _audit(answers: Answers, scale: Validated, parts: Parts, library: Library | None) -> KeyAudit | None:
    if answers.form is None or isinstance(scale, Mapping):
        parts.omit("key audit", "factors and columns were given without a scale, so there is no key to audit")
        return None
    form = answers.form.id
    return parts.attempt("key audit", key_audit, answers.responses, scale, form=form, library=library)


def _found(parts: Parts, related: Sequence[object], draws: int, library: Library | None) -> _Found:
    found = _Found(items=parts.items(), dimensions=parts.dimensions(), factors=parts.model())
    found.models = parts.models(found.factors)
    found.reliability, found.retest = parts.reliability(), parts.retest()
    found.careless, found.without_careless = parts.careless()
    found.discriminant, found.convergence = parts.discriminant(draws), parts.convergence(related, library)
    return found


def _compare(found: _Found, answers: Answers, parts: Parts, rule: str) -> None:
    """Compare the measurement between groups and occasions, where they were given."""
    if found.factors is None:
        return
    factors = found.factors
    tables: dict[str, tuple[pd.DataFrame, dict[str, str]]] = {}
    if answers.groups is None:
        parts.omit("invariance between groups", "not asked for; name a column with group=")
    else:
        name = str(answers.groups.name or "group")
        tables["group"] = answers.keyed.assign(**{name: answers.groups}), {"group": name}
    if len(answers.occasions) < 2:
        parts.omit("invariance between occasions and retest", "one occasion is described; name several with occasion=")
    else:
        long = answers.long[answers.long["occasion"].isin(answers.occasions)]
        tables["occasion"] = long, {"waves": "occasion"}
    for kind, (table, by) in tables.items() if factors is not None else ():
        made = parts.attempt(
            f"invariance between {kind}s",
            invariance,
            table,
            factors,
            group=by.get("group"),
            waves=by.get("waves"),
            rule=rule,
            missing=parts.missing,
            search=True,
        )
        if made is None:
            continue
        found.invariance[kind] = made
        if made.freed:
            effect = parts.attempt(f"effect of non-invariance between {kind}s", noninvariance, made)
            found.noninvariance |= {kind: effect} if effect is not None else {}


def _lines(answers: Answers, found: _Found, margin: float) -> tuple[EvidenceLine, ...]:
    total = total_name(answers)
    return (
        *reliability_lines(answers, found.reliability, margin, total),
        *retest_lines(answers, found.retest, margin, total),
        *fit_lines(answers, found.models),
        *structure_lines(answers, found.models.get("continuous")),
        *item_lines(answers, {name: a for name, a in found.items.items() if name in answers.factors}),
        *score_lines(answers, found.items, total),
    )


def _evidence(
    answers: Answers,
    parts: Parts,
    audit: KeyAudit | None,
    found: _Found,
    lines: tuple[EvidenceLine, ...] = (),
) -> ScaleEvidence:
    parted = {f.name: getattr(found, f.name) for f in fields(found) if f.name != "factors"}
    return ScaleEvidence(
        name=answers.name,
        title=answers.title,
        form=answers.form.id if answers.form else "",
        occasion=answers.occasion,
        n=len(answers.keyed),
        factors=answers.factors,
        lines=lines,
        audit=audit,
        omissions=tuple(parts.omissions),
        issues=answers.issues,
        provenance=replace(
            origin("validate", *_conventions(answers, parts), seed=parts.seed),
            simulated=answers.responses.provenance.simulated,
        ),
        **parted,
    )


def _conventions(answers: Answers, parts: Parts) -> tuple[str, ...]:
    reversed_items = ", ".join(answers.turned) or "none"
    return (
        f"items in the direction of the score; reversed here: {reversed_items}",
        f"{parts.missing} rows for the continuous model and invariance, complete rows elsewhere, unless a part says so",
        f"intervals at {parts.level:.0%}",
        "published values: those seen at a source; figures from memory are left out",
    )
