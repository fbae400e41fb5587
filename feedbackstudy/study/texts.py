"""The texts and stories of a study, made from its declarations."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from feedbackstudy.design.crossing import Crossing
from feedbackstudy.design.deck import Deck
from feedbackstudy.design.factors import Factor
from feedbackstudy.design.message_set import MessageSet
from feedbackstudy.design.messages import make_messages
from feedbackstudy.design.vignettes import Vignettes, make_deck
from feedbackstudy.errors import DeclarationError
from feedbackstudy.named import Fixed, Named

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["joins_forbidden", "study_deck", "study_exemplars", "study_messages", "within_crossing"]


def study_messages(study: "Study") -> MessageSet | None:
    """Return the messages of a study.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    MessageSet or None
        None where it declares none.
    """
    if study.messages is None:
        return None
    return make_messages(study.crossing, study.messages, folder=study.folder)


def study_exemplars(study: "Study") -> tuple[str, ...]:
    """Return the levels of the random factor ``exemplar``.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    tuple of str
        Empty where the study declares no messages.
    """
    made = study_messages(study)
    return () if made is None else made.exemplars


def within_crossing(study: "Study", at: Mapping[str, str] | None = None) -> Crossing:
    """Return the factors that vary within people, with the combinations that are forbidden.

    Parameters
    ----------
    study : Study
        The study.
    at : mapping of str to str, optional
        Levels of the other factors that somebody has: combinations forbidden together with these count too.

    Returns
    -------
    Crossing
        Without arms.
    """
    within = [factor for factor in study.factors if factor.varies == "within"]
    names = {factor.name for factor in within}
    has = (at or {}).items()
    parts = [({k: v for k, v in each.items() if k in names}, dict(each)) for each in study.forbidden]
    told = tuple(
        part for part, whole in parts if part and {k: v for k, v in whole.items() if k not in part}.items() <= has
    )
    gone = {(name, code) for part in told if len(part) == 1 for name, code in part.items()} if at else set()
    return Crossing(Named(_without(factor, gone) for factor in within), Named(), told)


def _without(factor: Factor, gone: Collection[tuple[str, str]]) -> Factor:
    """Return a factor without the levels that nobody there reads."""
    kept = [code for code in factor.codes() if (factor.name, code) not in gone]
    if len(kept) == len(factor.codes()):
        return factor
    if len(kept) < 2:
        raise DeclarationError(
            f"{factor.name!r} has fewer than two levels left, so nothing of it varies within people."
        )
    changes = {
        "levels": Fixed({code: factor.levels[code] for code in kept}),
        "order": tuple(code for code in factor.order if code in kept),
        "scores": Fixed({code: value for code, value in factor.scores.items() if code in kept}),
        "reference": factor.reference if factor.reference in kept else None,
    }
    return factor.model_copy(update=changes)


def joins_forbidden(study: "Study") -> bool:
    """Say whether a forbidden combination joins a factor that varies within people with one that does not.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    bool
        Whether people of different conditions may read different stories only.
    """
    names = {factor.name for factor in study.factors if factor.varies == "within"}
    return any(0 < len(set(each) & names) < len(each) for each in study.forbidden)


def study_deck(study: "Study", *, seed: int, at: Mapping[str, str] | None = None) -> Deck | None:
    """Return the stories that people read, in blocks and orders.

    Parameters
    ----------
    study : Study
        The study.
    seed : int
        Fixes the search for the fraction.
    at : mapping of str to str, optional
        Levels of the other factors: the deck of people who have these.

    Returns
    -------
    Deck or None
        None where nothing varies within people. Without declared vignettes each person meets every combination.
    """
    crossing = within_crossing(study, at)
    if not crossing.factors:
        return None
    vignettes = study.vignettes or Vignettes(per_person=len(crossing.cells()))
    return make_deck(crossing, vignettes, seed=seed, order=study.assignment.order)
