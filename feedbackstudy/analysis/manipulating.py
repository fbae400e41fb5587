"""`manipulation`: whether the manipulations were noticed, what else they did, and whether checking did harm."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from feedbackstudy.analysis.analysing import CONVENTIONS
from feedbackstudy.analysis.answer import Answer
from feedbackstudy.analysis.answering import Setting
from feedbackstudy.analysis.both_ways import answers
from feedbackstudy.analysis.check_effects import CheckEffect, check_effects
from feedbackstudy.analysis.check_influence import AttentionCheck, attention_checks, awareness_moderates, primed
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.exclusions import exclude
from feedbackstudy.analysis.r_parts import joined
from feedbackstudy.errors import InputError, NotFoundError, choices
from feedbackstudy.frames import Scores
from feedbackstudy.issues import Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Notice, Page, Rendered, Table, Text, interval, number, p_value, probability
from feedbackstudy.study import Study
from feedbackstudy.threads import one_thread

__all__ = ["ManipulationChecks", "manipulation"]

_PLACES = {
    "pilot": "asked in a pilot: it cannot prime the main study",
    "half_sample": "asked of a random half: its priming can be estimated",
    "last": "asked last in its wave: it can prime later waves only",
    "first": "asked first in its wave: it may tell people what the study is about",
    "in_order": "asked among the others: it may prime what follows",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManipulationChecks(Rendered):
    """Whether the manipulations worked. Make it with `manipulation`; nobody is excluded by it.

    Attributes
    ----------
    effects : tuple of CheckEffect
        Factor by check: intended effects, then unintended ones.
    priming : tuple of Estimate
        Being asked a check against not being asked, on later outcomes.
    awareness : tuple of Estimate
        How confirmatory effects change with awareness of the hypothesis.
    attention : tuple of AttentionCheck
        Who failed, and whether the check may exclude.
    issues : Issues
        What could not be answered.
    provenance : Provenance
        What made the checks.
    behind : mapping of str to Answer
        What primes or moderates what -> what stands behind the rows of `priming` and `awareness`.
    """

    effects: tuple[CheckEffect, ...]
    priming: tuple[Estimate, ...]
    awareness: tuple[Estimate, ...]
    attention: tuple[AttentionCheck, ...]
    issues: Issues
    provenance: Provenance
    behind: Mapping[str, Answer]

    def r_script(self) -> RScript:
        """Return one R script for all effects, priming, awareness and attention checks.

        Returns
        -------
        RScript
            Shows ``label: name``; the label of an effect is ``check at occasion by factor``, that of an attention check
            its name and occasion.

        Raises
        ------
        DataError
            Where the study declares no check, or an answer has no script.
        """
        parts = [(label, answer.r_script()) for label, answer in self._answers().items()]
        parts += [(f"{one.check} at {one.occasion}", one.r_script()) for one in self.attention]
        return joined(parts, made_by="analysis.manipulation", name="manipulation")

    def pymc_model(self, label: str, table: int | None = None) -> Any:  # noqa: ANN401 - a type of PyMC, which only the Bayesian room imports
        """Return the Bayesian model of one effect, to inspect or extend.

        Parameters
        ----------
        label : str
            As in `r_script`.
        table : int, optional
            Which completed table, from 1; needed where the posterior averages those of several.

        Returns
        -------
        pymc.Model
            Data, priors and likelihood.

        Raises
        ------
        NotFoundError
            For an unknown label.
        DataError
            Where no Bayesian model was fitted, or no table was chosen of several.
        """
        answers = self._answers()
        if label not in answers:
            raise NotFoundError(choices("Effect", label, answers))
        return answers[label].pymc_model(table)

    def _answers(self) -> dict[str, Answer]:
        effects = {f"{one.check} at {one.occasion} by {one.name}": one.answer for one in self.effects}
        return {**effects, **self.behind}

    def intended(self) -> tuple[CheckEffect, ...]:
        """Return the effects that the checks are there to show.

        Returns
        -------
        tuple of CheckEffect
            One for each check and intended factor.
        """
        return tuple(effect for effect in self.effects if effect.intended)

    def unintended(self) -> tuple[CheckEffect, ...]:
        """Return all other effects on the checks: of other factors, and interactions.

        Returns
        -------
        tuple of CheckEffect
            Whatever their size.
        """
        return tuple(effect for effect in self.effects if not effect.intended)

    def frame(self) -> pd.DataFrame:
        """Return factor by check, one row each.

        Returns
        -------
        DataFrame
            ``check, occasion, effect, intended, placement, n, estimate, std_estimate, std_low, std_high, std_kind, p,
            posterior_std, posterior_low, posterior_high, prob_direction, bayes_factor``.
        """
        return pd.DataFrame([_record(effect) for effect in self.effects])

    def page(self) -> Page:
        """Return the checks as a page.

        Returns
        -------
        Page
            Factor by check, placement and priming, awareness, attention.
        """
        blocks: list[Block] = [
            Text("Nobody is excluded by a manipulation check: who notices depends on the condition.")
        ]
        blocks.append(_table(self.effects) if self.effects else Text("The study declares no manipulation check."))
        blocks += [Text(f"{check}: {_PLACES[place]}.") for check, place in _placements(self.effects)]
        blocks += _part("Priming by half-sample checks", self.priming)
        blocks += _part("Awareness of the hypothesis as moderator (measured afterwards)", self.awareness)
        blocks += [_attention(self.attention)] if self.attention else []
        blocks += [Notice(issue.what) for issue in self.issues]
        blocks.append(self.provenance.facts())
        return Page(title="Did the manipulation work?", blocks=tuple(blocks))


def manipulation(
    scores: Scores,
    study: Study,
    *,
    engine: Literal["frequentist", "bayesian"] | None = None,
    seed: int | None = None,
) -> ManipulationChecks:
    """Show whether the manipulations were noticed, both ways.

    Parameters
    ----------
    scores : Scores
        Scored answers.
    study : Study
        The study.
    engine : {"frequentist", "bayesian"}, optional
        One engine alone; the plan's by default.
    seed : int, optional
        Seed of chains; the study's by default.

    Returns
    -------
    ManipulationChecks
        Effects of every factor on every check, priming, awareness, attention checks.

    Raises
    ------
    InputError
        Where the study declares no factor.

    Notes
    -----
    A check works where the factor it is meant for moves it and others do not (Sigall and Mills, 1998, Personality and
    Social Psychology Review 2, 218-226; Hauser, Ellsworth and Gonzalez, 2018, Frontiers in Psychology 9, 998, on what
    checks do to people). Priming is estimated where a random half was asked. Awareness is measured after the treatment
    and may itself be an effect of it.
    """
    if not study.factors:
        raise InputError("The study declares no factor, so nothing was manipulated.")
    left = exclude(scores, study)
    made = scores.provenance.derived("analysis.manipulation", conventions=CONVENTIONS)
    setting = Setting(
        study=study,
        scores=left.scores,
        excluded=left.conditions,
        engines=(engine,) if engine is not None else tuple(study.plan.engines),
        case_weights=None,
        seed=study.seed if seed is None else seed,
        provenance=made,
    )
    with one_thread():
        effects, unanswered = check_effects(study, setting)
        priming, unprimed = primed(study, setting)
        awareness, unaware = awareness_moderates(study, setting)
    return ManipulationChecks(
        effects=effects,
        priming=tuple(row for answer in priming.values() for row in answer.rows),
        awareness=tuple(row for answer in awareness.values() for row in answer.rows),
        attention=tuple(attention_checks(scores, study)),
        issues=Issues([*left.issues, *unanswered, *unprimed, *unaware]),
        provenance=made,
        behind={**priming, **awareness},
    )


def _record(effect: CheckEffect) -> dict[str, object]:
    classical, bayesian = effect.classical, effect.bayesian
    some = classical or bayesian
    return {
        "check": effect.check,
        "occasion": effect.occasion,
        "effect": effect.name,
        "intended": effect.intended,
        "placement": effect.placement,
        "n": some.n if some is not None else None,
        "estimate": classical.estimate if classical is not None else None,
        "std_estimate": classical.std_estimate if classical is not None else None,
        "std_low": classical.std_low if classical is not None else None,
        "std_high": classical.std_high if classical is not None else None,
        "std_kind": some.std_kind if some is not None else "",
        "p": classical.p if classical is not None else None,
        "posterior_std": bayesian.std_estimate if bayesian is not None else None,
        "posterior_low": bayesian.std_low if bayesian is not None else None,
        "posterior_high": bayesian.std_high if bayesian is not None else None,
        "prob_direction": bayesian.prob_direction if bayesian is not None else None,
        "bayes_factor": bayesian.bayes_factor if bayesian is not None else None,
    }


def _table(effects: Iterable[CheckEffect]) -> Table:
    head = ("check", "effect of", "intended", "frequentist", "Bayesian")
    rows = tuple(
        (effect.check, effect.name, "yes" if effect.intended else "no", _said(effect.classical), _said(effect.bayesian))
        for effect in effects
    )
    return Table(head, rows, "Factor by check")


def _said(row: Estimate | None) -> str:
    if row is None:
        return "-"
    size = f"{row.std_kind} = {number(row.std_estimate, 2, fixed=True)} {interval(row.std_low, row.std_high, 2)}"
    test = p_value(row.p) if row.p is not None else ""
    direction = f"P(direction) {probability(row.prob_direction)}" if row.prob_direction is not None else ""
    return "; ".join(filter(None, (size, test, direction)))


def _placements(effects: Iterable[CheckEffect]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((effect.check, effect.placement) for effect in effects))


def _part(title: str, rows: tuple[Estimate, ...]) -> list[Block]:
    return list(answers(rows, caption=title)) if rows else []


def _attention(checks: Iterable[AttentionCheck]) -> Table:
    head = ("attention check", "wave", "asked", "failed", "by condition", "may exclude")
    rows = tuple(
        (
            one.check,
            one.occasion,
            number(one.asked),
            number(one.failed),
            p_value(one.p) if one.p is not None else "-",
            ("yes" if one.may_exclude else "no")
            + (", asked before the treatment" if one.before_treatment else ", asked after the treatment"),
        )
        for one in checks
    )
    return Table(head, rows, "Attention checks")
