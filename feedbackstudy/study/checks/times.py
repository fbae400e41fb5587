"""Whether the clock is fair: anchors, delays, pseudo-dates, the order of waves, and carry-over."""

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from feedbackstudy.design.factors import Factor
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.design.waves import Wave
from feedbackstudy.issues import Issue
from feedbackstudy.study.checks.finding import Location, error, note, warning
from feedbackstudy.study.checks.names import contrasted, sound_hypotheses

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["check_times"]


def check_times(study: "Study") -> Iterator[Issue]:
    """Yield what is unfair or impossible about times.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        Findings about waves and delays.
    """
    yield from _order(study)
    yield from _pseudo_dates(study)
    yield from _carry_over(study)
    yield from _too_early(study)
    for at, hypothesis in sound_hypotheses(study):
        yield from _delay(study, at, hypothesis)


def _order(study: "Study") -> Iterator[Issue]:
    for earlier, later in combinations(study.waves, 2):
        backwards = earlier.anchor == later.anchor and earlier.offset_days > later.offset_days
        if backwards or (earlier.phase, later.phase) == ("after", "before"):
            yield error(
                study,
                ("waves", study.waves.index(later)),
                "waves_out_of_order",
                f"Wave {later.name!r} is declared after {earlier.name!r} but comes before it.",
                why="The order of waves tells causes from effects and which answer is the baseline.",
                fix="Declare the waves in the order of time, or mend anchor, offset or phase.",
            )


def _pseudo_dates(study: "Study") -> Iterator[Issue]:
    for i, wave in enumerate(study.waves):
        asked = [arm for arm in study.arms.names if any(m.asks(arm) and wave.name in m.waves for m in study.measures)]
        if wave.anchor == "feedback" and asked and wave.pseudo_date is None:
            yield error(
                study,
                ("waves", i),
                "no_pseudo_date",
                f"Wave {wave.name!r} counts from the feedback, but asks {', '.join(asked)}, who get none.",
                why="Without a date of their own they would be asked at another distance from the decision than "
                "everyone else.",
                fix="Give each of them the feedback date of a feedback participant (pseudo_date: random_participant or "
                "matched_participant), or anchor the wave to the decision.",
            )


def _carry_over(study: "Study") -> Iterator[Issue]:
    for i, factor in enumerate(study.factors):
        if factor.varies == "within" and factor.mode == "enacted":
            delay = (
                " A wait that one has lived through cannot be undone before the next." if _sets_delay(factor) else ""
            )
            yield warning(
                study,
                ("factors", i),
                "carry_over",
                f"Each person lives through several levels of {factor.name!r}.",
                why=f"The response to one level changes what the next one meets.{delay}",
                fix="Vary it between persons; or counterbalance the order, leave time between, test for carry-over.",
            )


def _sets_delay(factor: Factor) -> bool:
    return factor.delay_from is not None or factor.concept == "timing" or factor.name == "timing"


def _too_early(study: "Study") -> Iterator[Issue]:
    for factor in study.factors:
        if factor.mode != "enacted" or factor.delay_from is None:
            continue
        last = max(factor.scores, key=lambda code: factor.scores[code])
        for i, wave in enumerate(study.waves):
            opens = wave.offset_days + wave.window_days[0]
            if wave.anchor == factor.delay_from and wave.phase == "after" and opens < factor.scores[last]:
                yield error(
                    study,
                    ("waves", i),
                    "wave_before_feedback",
                    f"Wave {wave.name!r} opens {opens:g} days after the {wave.anchor}, when people of the level "
                    f"{last!r} ({factor.scores[last]:g} days) have no feedback yet.",
                    why="They would answer about feedback that they have not seen.",
                    fix=f"Open the wave after day {factor.scores[last]:g}, or anchor it to the feedback.",
                )


def _delay(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    wave = study.waves.get(hypothesis.occasion or study.measure_of(hypothesis.outcome).waves[-1])
    if wave is None or wave.phase == "before":
        return
    for name in contrasted(hypothesis.contrast):
        factor = study.factors[name]
        if factor.mode == "enacted" and _sets_delay(factor):
            yield _confounded(study, at, wave, factor)


def _confounded(study: "Study", at: Location, wave: Wave, factor: Factor) -> Issue:
    if not factor.scores:
        return warning(
            study,
            at,
            "delay_unknown",
            f"The contrast is about {factor.name!r}, whose levels have no days.",
            why="Nobody can tell whether wave and delay get in each other's way.",
            fix="Give the factor 'delay_from' (interview or decision) and its days under 'scores'.",
        )
    days = sorted(factor.scores.values())
    if wave.anchor == "feedback":
        return warning(
            study,
            at,
            "delay_confounded",
            f"Wave {wave.name!r} counts from the feedback, so levels of {factor.name!r} are asked {days[0]:g} to "
            f"{days[-1]:g} days later since the {factor.delay_from}.",
            why="Delay is confounded with the time that has passed. The estimand that results is the effect of the "
            "delay together with everything that time itself does, at equal distance from the feedback.",
            fix=f"State that estimand, or add a wave anchored to the {factor.delay_from} (equal time passed), and "
            "report both.",
        )
    return note(
        study,
        at,
        "recency_differs",
        f"Wave {wave.name!r} counts from the {wave.anchor}, so people of early levels of {factor.name!r} answer up to "
        f"{days[-1] - days[0]:g} days longer after their feedback.",
        why="The estimand that results is the effect of a timing policy at a fixed time after the "
        f"{wave.anchor}: delay and recency of the feedback go together.",
        fix="State that estimand; a wave anchored to the feedback would show the other one.",
    )
