"""A study as a readable page: conditions, assignment, messages, waves, measures, hypotheses in words, plan, conduct."""

from typing import TYPE_CHECKING

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.design.plan import Exclusion
from feedbackstudy.design.waves import Wave
from feedbackstudy.design.wording import criterion_in_words, question_in_words, smallest_in_words
from feedbackstudy.render import Block, Facts, Page, Table, Text, counted
from feedbackstudy.study.materials import assignment_blocks, message_blocks, passage_blocks, vignette_blocks

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["study_page"]

MAX_CELLS = 40


def study_page(study: "Study") -> Page:
    """Lay a study out as a page.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    Page
        Ready to render.
    """
    blocks: list[Block] = [Text(study.question)] if study.question else []
    blocks.append(_facts(study))
    blocks += [table for table in (_factors(study), _conditions(study)) if table.rows]
    blocks += [*assignment_blocks(study), *vignette_blocks(study), *message_blocks(study)]
    blocks += [table for table in (_waves(study), _measures(study)) if table.rows]
    blocks += [table for table in (_hypotheses(study), _exclusions(study)) if table.rows]
    blocks += [_plan(study), _conduct(study), *passage_blocks(study)]
    return Page(title=study.title, subtitle=f"design hash {study.design_hash[:16]}", blocks=tuple(blocks))


def _facts(study: "Study") -> Facts:
    units = ", ".join(
        (f"{unit.n:,} " if unit.n else "")
        + (unit.label or unit.name)
        + (f" (nested in {unit.nested_in})" if unit.nested_in else "")
        for unit in study.units
    )
    pairs = [("authors", ", ".join(study.authors)), ("units", units)]
    pairs += [("covariates", ", ".join(study.covariates.names))]
    pairs += [("cannot occur", "; ".join(" with ".join(f"{k}: {v}" for k, v in c.items()) for c in study.forbidden))]
    return Facts(tuple((label, value) for label, value in pairs if value))


def _factors(study: "Study") -> Table:
    rows = tuple(
        (
            factor.title,
            f"{factor.mode}, {factor.varies}" + (f" {factor.assigned_to} units" if factor.assigned_to else ""),
            factor.levels[code],
            factor.definitions.get(code) or (factor.definition if first else ""),
        )
        for factor in study.factors
        for first, code in ((i == 0, code) for i, code in enumerate(factor.codes()))
    )
    return Table(("factor", "how", "level", "what happens"), rows, "What varies")


def _conditions(study: "Study") -> Table:
    crossing = study.crossing
    inside = [cell for cell in crossing.cells() if cell.arm == FEEDBACK]
    head = ("cell", *(factor.title for factor in study.factors))
    rows = [
        (cell.key, *(study.factors[name].levels[code] for name, code in cell.levels)) for cell in inside[:MAX_CELLS]
    ]
    if len(inside) > MAX_CELLS:
        rows.append((f"... and {len(inside) - MAX_CELLS} more", *("" for _ in study.factors)))
    outside = (f"told: {arm.told}" + (f", weight {arm.weight:g}" if arm.weight != 1 else "") for arm in study.arms)
    rows += [
        (arm.title, *([told] + [""] * (len(study.factors) - 1) if study.factors else []))
        for arm, told in zip(study.arms, outside, strict=True)
    ]
    caption = f"Conditions: {counted(len(inside), 'cell')}" + (
        f" and {counted(len(study.arms), 'arm')} outside" if study.arms else ""
    )
    return Table(head, tuple(rows), caption)


def _when(wave: Wave) -> str:
    days = abs(wave.offset_days)
    if not days:
        return f"at the {wave.anchor}, {wave.phase} the feedback"
    return f"{days:g} days {'after' if wave.offset_days > 0 else 'before'} the {wave.anchor}"


def _window(first: float, last: float) -> str:
    return "that day" if first == last == 0 else f"{first:+g} to {last:+g} days"


def _criterion(study: "Study", name: str) -> str:
    corrected = any(name in family.hypotheses and family.method != "none" for family in study.plan.families)
    return criterion_in_words(study.plan.decides.get(name), corrected=corrected)


def _waves(study: "Study") -> Table:
    rows = tuple(
        (
            wave.label or wave.name,
            _when(wave),
            wave.phase,
            _window(*wave.window_days),
            (wave.pseudo_date or "").replace("_", " "),
        )
        for wave in study.waves
    )
    return Table(("wave", "when", "feedback", "window", "date where there is none"), rows, "Waves, in order of time")


def _measures(study: "Study") -> Table:
    arms = (FEEDBACK, *study.arms.names)
    rows = tuple(
        (
            measure.title,
            f"scale {measure.scale}" + (f", form {measure.form}" if measure.form else "")
            if measure.scale
            else measure.kind + (f" ({measure.unit})" if measure.unit else ""),
            measure.role.replace("_", " "),
            *("asked" if wave in measure.waves else "" for wave in study.waves.names),
            *(("asked" if measure.asks(arm) else "not asked") for arm in arms if study.arms),
        )
        for measure in study.measures
    )
    head = ("measure", "what", "role", *study.waves.names, *(arms if study.arms else ()))
    return Table(head, rows, "What is asked, when, of whom")


def _hypothesis_row(study: "Study", hypothesis: Hypothesis) -> tuple[str, ...]:
    occasion = f" at {hypothesis.occasion}" if hypothesis.occasion else ""
    change = f", change since {hypothesis.change_since}" if hypothesis.change_since else ""
    change += f", adjusted for {hypothesis.baseline}" if hypothesis.baseline else ""
    claim = f"{hypothesis.claim} ({hypothesis.bearing})" if hypothesis.claim else ""
    return (
        hypothesis.name,
        hypothesis.text,
        f"{hypothesis.outcome}{occasion}{change}",
        question_in_words(hypothesis, study.crossing),
        hypothesis.direction,
        smallest_in_words(hypothesis.sesoi),
        f"{hypothesis.role}; decided by {_criterion(study, hypothesis.name)}"
        if hypothesis.confirmatory
        else hypothesis.role,
        claim,
    )


def _hypotheses(study: "Study") -> Table:
    head = ("", "hypothesis", "outcome", "contrast", "expected", "smallest effect that matters", "role", "claim")
    return Table(head, tuple(_hypothesis_row(study, hypothesis) for hypothesis in study.hypotheses), "Hypotheses")


def _rule(rule: Exclusion) -> str:
    comparison = {
        "below": f"below {rule.value}",
        "above": f"above {rule.value}",
        "equal": f"equal to {rule.value}",
        "not_equal": f"other than {rule.value}",
        "missing": "missing",
        "fails": "failed",
    }[rule.exclude_if]
    return f"{rule.variable}{f' at {rule.occasion}' if rule.occasion else ''} {comparison}"


def _exclusions(study: "Study") -> Table:
    rows = tuple((rule.name, _rule(rule), rule.because) for rule in study.plan.exclusions)
    return Table(("exclusion", "who", "why"), rows, "Who is taken out of the analysis")


def _plan(study: "Study") -> Facts:
    plan = study.plan
    families = "; ".join(f"{f.name}: {', '.join(f.hypotheses)} ({f.method})" for f in plan.families)
    rope = f"[{plan.rope.low:g}, {plan.rope.high:g}] {plan.rope.unit}" if plan.rope else ""
    pairs = (
        ("engines", " and ".join(plan.engines)),
        ("alpha, intervals", f"{plan.alpha:g}; {plan.interval_level:.0%} ({plan.interval_kind.replace('_', '-')})"),
        ("families", families),
        ("practical equivalence", rope),
        ("missing answers", plan.missing.replace("_", " ")),
        ("answered twice", plan.duplicates_in_words),
        ("adjusted for", ", ".join(plan.covariates)),
    )
    return Facts(tuple((label, value) for label, value in pairs if value))


def _conduct(study: "Study") -> Facts:
    conduct = study.conduct
    texts = ", ".join(name.replace("_", "-") for name, _ in conduct.passages())
    withheld = conduct.withheld_feedback
    afterwards = "" if withheld is None else ("given afterwards" if withheld.given_afterwards else "never given")
    if withheld is not None and withheld.reason:
        afterwards += f" ({withheld.reason})"
    retention = (
        f"{conduct.retention_months:g} month{'' if conduct.retention_months == 1 else 's'}"
        if conduct.retention_months
        else ""
    )
    pairs = (
        ("population", conduct.population),
        ("realism", conduct.realism),
        ("deception", f"{conduct.deception}{': ' + conduct.deception_detail if conduct.deception_detail else ''}"),
        ("texts", texts),
        ("ethics approval", conduct.ethics_approval or ""),
        ("withheld feedback", afterwards),
        ("support", conduct.support_contact or ""),
        ("data kept for", retention),
        ("published study", conduct.published or ""),
    )
    return Facts(tuple((label, value) for label, value in pairs if value))
