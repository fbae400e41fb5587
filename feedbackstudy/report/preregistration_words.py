"""What a study says about itself, in the sentences that registration forms ask for."""

from collections.abc import Callable, Mapping

from feedbackstudy.collect.exclusion_rules import in_words
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.design.wording import criterion_in_words, question_in_words, smallest_in_words
from feedbackstudy.render import counted
from feedbackstudy.scales.jobs import jobs_of
from feedbackstudy.study import Study

__all__ = ["said"]

_METHODS = {
    "complete": "complete randomisation: fixed group sizes, drawn at once",
    "simple": "simple randomisation: each unit is drawn independently",
    "permuted_blocks": "permuted blocks",
    "minimisation": "minimisation after Pocock and Simon",
    "stepped_wedge": "a stepped wedge: clusters cross over in a random order",
}
_DIRECTIONS = {
    "positive": "expected above 0",
    "negative": "expected below 0",
    "either": "either direction",
    "negligible": "expected smaller than the smallest effect of interest",
}
_MISSING = {
    "listwise": "Rows with a missing value in a model are left out of that model (listwise), and named.",
    "fiml": "Missing answers are treated by full information maximum likelihood.",
    "multiple_imputation": "Missing answers are treated by multiple imputation; answers that were never asked for are "
    "not imputed.",
}


def _bare(words: str) -> str:
    """Return words without the full stop that would stand inside a sentence."""
    return words.rstrip().rstrip(".")


def _confirmatory(study: Study) -> list[Hypothesis]:
    """Return the hypotheses that are tests."""
    return [hypothesis for hypothesis in study.hypotheses if hypothesis.confirmatory]


def _hypotheses(study: Study) -> str:
    """List the confirmatory hypotheses."""
    return "\n".join(_hypothesis(h) for h in _confirmatory(study))


def _hypothesis(h: Hypothesis) -> str:
    smallest = f"; smallest effect of interest {smallest_in_words(h.sesoi)}" if h.sesoi else ""
    because = f" ({_bare(h.sesoi.because)})" if h.sesoi and h.sesoi.because else ""
    return f"{h.name}. {h.text} Direction: {_DIRECTIONS[h.direction]}{smallest}{because}."


def _exploratory(study: Study) -> str:
    """List the exploratory hypotheses."""
    return "\n".join(f"{h.name}. {h.text}" for h in study.hypotheses if not h.confirmatory)


def _conditions(study: Study) -> str:
    """List the conditions."""
    cells = study.crossing.cells()
    listed = "; ".join(cell.key.replace(":", " / ").replace("_", " ") for cell in cells)
    return f"{counted(len(cells), 'condition')}: {listed}." if cells else ""


def _study_design(study: Study) -> str:
    """Say which factors are crossed, what varies between and within people, and when people are asked."""
    parts = []
    if study.factors:
        sizes = " x ".join(str(len(factor.levels)) for factor in study.factors)
        listed = ", ".join(f"{f.title.lower()} ({f.varies} people)" for f in study.factors)
        parts.append(f"{sizes} design: {listed}.")
    if study.arms:
        parts.append(f"Outside the crossing: {', '.join(arm.label or arm.name for arm in study.arms)}.")
    if study.forbidden:
        parts.append(f"{counted(len(study.forbidden), 'combination')} cannot occur.")
    waves = "; ".join(
        f"{w.label or w.name}: {w.offset_days:g} days from the {w.anchor}, open days {w.window_days[0]:g} to "
        f"{w.window_days[1]:g}"
        for w in study.waves
    )
    parts.append(f"People are asked at {counted(len(study.waves), 'occasion')} ({waves}).")
    if study.messages is not None:
        parts.append("Message texts come in several exemplars, which enter the models as a random factor.")
    return " ".join(parts)


def _assignment(study: Study) -> str:
    """Say how units get their condition, and who draws."""
    if not (study.factors or study.arms):
        return ""
    how = study.assignment
    who = "the study team, with a sealed and committed list" if how.randomised_by == "us" else "the survey platform"
    by = f", stratified by {', '.join(how.by)}" if how.by else ""
    ratio = "" if not (how.ratio or how.probabilities) else "; conditions are not equally likely, as declared"
    units = sorted({f.assigned_to for f in study.factors if f.assigned_to})
    what = f" of {', '.join(units)}" if units else ""
    return f"{_METHODS[how.method][0].upper()}{_METHODS[how.method][1:]}{what}{by}{ratio}. Drawn by {who}."


def _sample_size(study: Study) -> str:
    """Say how many units are planned."""
    planned = [f"{unit.n} {unit.label or unit.name}" for unit in study.units if unit.n]
    return f"Planned: {', '.join(planned)}." if planned else ""


def _manipulated(study: Study) -> str:
    """Define each factor, its levels, and the arms."""
    lines = []
    for factor in study.factors:
        levels = "; ".join(f"{label}: {_bare(factor.definitions.get(code, 'no definition given'))}" for code, label in
                           factor.levels.items())  # fmt: skip
        lines.append(f"{factor.title}. {factor.definition} Levels: {levels}.")
    lines += [f"{arm.label or arm.name}. {arm.definition}" for arm in study.arms]
    return "\n".join(lines)


def _measured(study: Study) -> str:
    """List what is asked, when, and of whom."""
    names = {job.name: job.scale.name for job in jobs_of(study.measures)[0]}
    lines = []
    for m in study.measures:
        what = f"scale {names[m.name]}" if m.name in names else m.kind
        of = f"; asked of {', '.join(m.asked_of)}" if m.asked_of else ""
        role = f"; {m.role.replace('_', ' ')}" if m.role != "outcome" else ""
        lines.append(f"{m.title}: {what}, at {', '.join(m.waves)}{of}{role}.")
    lines += [f"{c.label or c.name}: {c.kind} covariate, known from {c.known_from}." for c in study.covariates]
    return "\n".join(lines)


def _scoring(study: Study) -> str:
    """Say how each scale is scored and what an incomplete one needs."""
    lines = []
    for job in jobs_of(study.measures)[0]:
        rule = job.scale.scoring
        lines.append(
            f"{job.scale.name}: {rule.method} of the items, at least {rule.missing.minimum_answered:.0%} of those "
            "asked answered; items that run against the score are reversed as the definition says."
        )
    return "\n".join(lines)


def _analyses(study: Study, chosen: list[Hypothesis]) -> str:
    """Say which comparison answers each hypothesis, and with which model."""
    lines = []
    for h in chosen:
        when = f" at {h.occasion}" if h.occasion else ""
        base = f", adjusted for the same score at {h.baseline}" if h.baseline else ""
        base += f", as a change since {h.change_since}" if h.change_since else ""
        lines.append(f"{h.name}. {h.outcome}{when}: {question_in_words(h, study.crossing)}{base}.")
    engines = " and ".join(study.plan.engines)
    adjusted = f" Every model adjusts for {', '.join(study.plan.covariates)}." if study.plan.covariates else ""
    clusters = [unit.name for unit in study.units if unit.name not in {study.units[-1].name}] if study.units else []
    nested = f" Random intercepts: {', '.join([*clusters, *(['exemplar'] if study.messages else [])])}."
    tail = f"Each question is answered by the engines {engines} from one compiled contrast over cell means."
    return "\n".join([*lines, tail + adjusted + (nested if clusters or study.messages else "")])


def _inference(study: Study) -> str:
    """Say what decides each hypothesis, at which error rate, and how families are corrected."""
    plan = study.plan
    families = {name for family in plan.families if family.method != "none" for name in family.hypotheses}
    lines = [
        f"{h.name} is decided by: {criterion_in_words(plan.decides.get(h.name), corrected=h.name in families)}."
        for h in _confirmatory(study)
    ]
    for family in plan.families:
        lines.append(f"Family {family.name} ({', '.join(family.hypotheses)}): correction {family.method}.")
    lines.append(
        f"Error rate {plan.alpha:g}; intervals at {plan.interval_level:.0%}; credible intervals "
        f"{plan.interval_kind.replace('_', ' ')}."
    )
    if plan.rope is not None:
        lines.append(f"Region of practical equivalence: {plan.rope.low:g} to {plan.rope.high:g} {plan.rope.unit}.")
    return "\n".join(lines)


def _exclusions(study: Study) -> str:
    """List the rules that take people out."""
    rules = [f"{rule.name}: {in_words(rule)}. {rule.because}" for rule in study.plan.exclusions]
    twice = study.plan.duplicates_in_words
    twice = f"Where somebody answered an occasion more than once: {twice}." if twice else ""
    if not rules:
        return f"Nobody is excluded. {twice}".strip()
    rules += [twice] if twice else []
    rules.append(
        "A rule takes out all answers of a person. A manipulation check excludes nobody. A rule about what came after "
        "the treatment is not applied where being caught depends on the condition (chi-square test, p below .10)."
    )
    return "\n".join(rules)


def _missing_answers(study: Study) -> str:
    """Say how missing answers are treated."""
    return _MISSING[study.plan.missing]


def _transformations(study: Study) -> str:
    """Say how factors and covariates enter."""
    lines = [
        f"{f.title}: levels {', '.join(f.codes())}" + (f", reference {f.reference}." if f.reference else ".")
        for f in study.factors
    ]
    lines.append("Hypotheses are contrasts over cell means, so no coding of factors can change them; covariates are "
                 "centred.")  # fmt: skip
    return "\n".join(lines)


def _aspredicted_analyses(study: Study) -> str:
    """Say models and criteria together."""
    return f"{_analyses(study, _confirmatory(study))}\n{_inference(study)}"


def _outcomes(study: Study) -> str:
    """List the measures that confirmatory hypotheses are about."""
    titles = {study.measure_of(h.outcome).title for h in _confirmatory(study)}
    return "\n".join(line for line in _measured(study).split("\n") if line.partition(":")[0] in titles)


def _study_type(study: Study) -> str:
    """Say whether anything is assigned, and to whom."""
    if not (study.factors or study.arms):
        return "Observational study: nothing is assigned."
    return f"Experiment ({study.conduct.realism} situation, {study.conduct.population})."


def _ethics(study: Study) -> str:
    """Say the approval and any deception."""
    told = [f"Ethics approval: {study.conduct.ethics_approval}."] if study.conduct.ethics_approval else []
    if study.conduct.deception != "none":
        told.append(f"Deception ({study.conduct.deception}): {study.conduct.deception_detail}")
    return " ".join(told) or "Nothing else."


_SAID: Mapping[str, Callable[[Study], str]] = {
    "title": lambda study: study.title,
    "description": lambda study: study.question,
    "hypotheses": _hypotheses,
    "question and hypotheses": lambda study: "\n".join(filter(None, (study.question, _hypotheses(study)))),
    "study type": _study_type,
    "study design": _study_design,
    "assignment": _assignment,
    "conditions": lambda study: " ".join(filter(None, (_conditions(study), _assignment(study)))),
    "sample size": _sample_size,
    "manipulated": _manipulated,
    "measured": _measured,
    "outcomes": _outcomes,
    "scoring": _scoring,
    "analyses": lambda study: _analyses(study, _confirmatory(study)),
    "analyses and inference": _aspredicted_analyses,
    "transformations": _transformations,
    "inference": _inference,
    "exclusions": _exclusions,
    "missing": _missing_answers,
    "exclusions and missing": lambda study: f"{_exclusions(study)}\n{_missing_answers(study)}",
    "exploratory": lambda study: _exploratory(study) or "None planned.",
    "anything else": lambda study: f"Exploratory: {_exploratory(study) or 'none planned.'}",
    "ethics": _ethics,
}
"""What a study can say, by topic."""


def said(study: Study, topic: str) -> str:
    """Return what a study says to a topic of registration forms.

    Parameters
    ----------
    study : Study
        The study.
    topic : str
        Such as ``"hypotheses"`` or ``"exclusions"``.

    Returns
    -------
    str
        Sentences, one line for each thing listed; empty where the study does not say.
    """
    return _SAID[topic](study).strip()
