"""Whether people can be assigned as declared: strata, ratios, clusters, wedges, decks and messages."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.message_balance import balance_messages
from feedbackstudy.errors import InputError
from feedbackstudy.issues import Issue
from feedbackstudy.render import counted
from feedbackstudy.study.checks.finding import absent, error, note, warning
from feedbackstudy.study.texts import study_messages, within_crossing

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["check_assigning"]

_REPORTED = frozenset({"design.confounded_message"})


def check_assigning(study: "Study") -> Iterator[Issue]:
    """Yield what stands in the way of an assignment.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        Findings about assignment, messages and vignettes.
    """
    yield from _strata(study)
    yield from _shares(study)
    yield from _units(study)
    yield from _wedge(study)
    yield from _texts(study)
    if study.vignettes is not None and not within_crossing(study).factors:
        yield error(
            study,
            ("vignettes",),
            "vignettes_without_factor",
            "Vignettes are declared, but no factor varies within people.",
            why="There is nothing to tell several stories about.",
            fix="Set varies: within for the factors of the stories, or remove 'vignettes'.",
        )


def _strata(study: "Study") -> Iterator[Issue]:
    at = ("assignment", "by")
    roster = [each.name for each in study.covariates if each.known_from == "roster"]
    units = study.units.names[:-1] if len(study.units) > 1 else ()
    yield from absent(study, at, "stratum", study.assignment.by, [*study.covariates.names, *units])
    for name in study.assignment.by:
        covariate = study.covariates.get(name)
        if covariate is None:
            continue
        if name not in roster:
            yield error(
                study,
                at,
                "stratum_unknown_at_assignment",
                f"{name!r} is asked at {covariate.known_from}; it is not known when people are assigned.",
                why="A stratum must be known before chance decides.",
                fix="Set known_from: roster, or assign without it.",
            )
        if covariate.kind in {"continuous", "count"}:
            yield error(
                study,
                at,
                "stratum_is_continuous",
                f"{name!r} is {covariate.kind}; strata have levels.",
                why="Nearly everybody would be a stratum of one, which balances nothing.",
                fix="Declare bands of it as an ordinal covariate.",
            )


def _assigned_keys(study: "Study") -> list[str]:
    assigned = {f.name for f in study.factors if f.varies == "between" and f.mode != "measured"}
    inside = (cell for cell in study.crossing.cells() if cell.arm == FEEDBACK)
    keys = (":".join(code for name, code in cell.levels if name in assigned) or FEEDBACK for cell in inside)
    return list(dict.fromkeys(keys))


def _shares(study: "Study") -> Iterator[Issue]:
    keys = _assigned_keys(study)
    arms = [name for name in study.assignment.ratio if name in study.arms.names and name not in keys]
    if arms:
        yield error(
            study,
            ("assignment", "ratio"),
            "ratio_of_an_arm",
            f"'ratio' names {', '.join(map(repr, arms))}, outside the crossing.",
            why="An arm's size is said once, by its own 'weight' relative to one cell; here it would be ignored.",
            fix=f"Set 'weight' under arms: {arms[0]}, and take it out of 'ratio'.",
        )
    cells = [name for name in study.assignment.ratio if name not in arms]
    yield from absent(study, ("assignment", "ratio"), "cell", cells, keys)
    stated = study.assignment.probabilities
    if not stated:
        return
    every = [*keys, *study.arms.names]
    yield from absent(study, ("assignment", "probabilities"), "cell", stated, every)
    missing = [key for key in every if key not in stated]
    if missing:
        yield error(
            study,
            ("assignment", "probabilities"),
            "probability_absent",
            f"No probability is given for {', '.join(missing)}.",
            why="Where some probabilities are given, all must be, so that they sum to 1.",
            fix="Give every cell and arm its probability, or use 'ratio'.",
        )


def _units(study: "Study") -> Iterator[Issue]:
    between = [f for f in study.factors if f.varies == "between" and f.mode != "measured"]
    clusters = {f.assigned_to for f in between if f.assigned_to in study.units.names[:-1]}
    if len(clusters) > 1:
        yield error(
            study,
            ("factors",),
            "two_cluster_units",
            f"Factors are assigned to several units: {', '.join(sorted(map(str, clusters)))}.",
            why="Chance can be drawn at one level of clusters and, within them, for participants.",
            fix="Assign these factors to one unit, or run two studies.",
        )
    lowest = study.units[-1] if study.units else None
    conditions = len(_assigned_keys(study)) + len(study.arms)
    if lowest is not None and lowest.n is not None and lowest.n < conditions:
        yield error(
            study,
            ("units", len(study.units) - 1),
            "more_conditions_than_people",
            f"There are {counted(conditions, 'condition')} for {counted(lowest.n, 'person', 'people')}.",
            why="Some conditions would stay empty and could not be compared.",
            fix="Plan more people or fewer conditions.",
        )


def _wedge(study: "Study") -> Iterator[Issue]:
    wedge = study.assignment.wedge
    if wedge is None:
        return
    at = ("assignment", "wedge")
    yield from absent(study, at, "factor", [wedge.factor], study.factors.names)
    factor = study.factors.get(wedge.factor)
    if factor is None:
        return
    if factor.assigned_to not in study.units.names[:-1] or len(factor.levels) != 2 or factor.reference is None:
        yield error(
            study,
            at,
            "wedge_cannot_step",
            f"{factor.name!r} has {len(factor.levels)} levels, reference {factor.reference}, assigned to "
            f"{factor.assigned_to or 'participants'}.",
            why="In a stepped wedge clusters cross over from one level (the reference) to the other.",
            fix="Give the factor two levels, a reference, and the cluster unit under 'assigned_to'.",
        )
    others = [f.name for f in study.factors if f.name != factor.name and f.varies == "between" and f.mode != "measured"]
    if others or study.arms:
        yield error(
            study,
            at,
            "wedge_with_others",
            f"Besides the stepping factor there are {', '.join([*others, *study.arms.names])}.",
            why="A wedge assigns the time of crossing and nothing else.",
            fix="Leave the other factors and arms to another study, or let them vary within people.",
        )
    unit = study.units.get(factor.assigned_to or "")
    if unit is not None and unit.n is not None and unit.n < wedge.sequences:
        yield error(
            study,
            at,
            "more_sequences_than_clusters",
            f"There are {counted(wedge.sequences, 'sequence')} for {counted(unit.n, 'unit')} of {unit.name}.",
            why="Each sequence needs a cluster of its own.",
            fix="Plan fewer sequences or more clusters.",
        )


def _texts(study: "Study") -> Iterator[Issue]:
    if study.messages is None or (study.messages.own is not None and study.folder is None):
        return
    try:
        made = study_messages(study)
    except InputError as fault:
        yield error(
            study,
            ("messages",),
            "messages_unusable",
            str(fault),
            why="Nobody can be sent a message.",
            fix="Mend what the message names, under messages: family, exemplars, own, levels or fingerprint.",
        )
        return
    if made is None:
        return
    for issue in (*made.issues, *balance_messages(made).issues):
        # A difference in length or ease may be what the factor is; it must be reported, and stops nothing.
        give = {"error": error, "warning": note if issue.code in _REPORTED else warning}[issue.severity]
        yield give(study, ("messages",), issue.code.split(".")[1], issue.what, why=issue.why, fix=issue.fix)
    for factor in study.crossing.factors:
        if factor.name not in made.factors and factor.concept != "timing" and factor.mode != "measured":
            yield note(
                study,
                ("messages",),
                "messages_alike",
                f"The text is the same at every level of {factor.name!r}.",
                why="What differs must then reach people in another way: who is named as the sender, the channel, the "
                "time.",
                fix="Say in the factor's definitions how it reaches them, or give texts of your own that differ "
                "(messages: own).",
            )
