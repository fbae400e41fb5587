"""The texts and stories of a study, made from its declarations."""

from typing import TYPE_CHECKING

from feedbackstudy.design.crossing import Crossing
from feedbackstudy.design.deck import Deck
from feedbackstudy.design.message_set import MessageSet
from feedbackstudy.design.messages import make_messages
from feedbackstudy.design.vignettes import Vignettes, make_deck
from feedbackstudy.named import Named

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["study_deck", "study_exemplars", "study_messages", "within_crossing"]


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


def within_crossing(study: "Study") -> Crossing:
    """Return the factors that vary within people, with the combinations that are forbidden among them alone.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    Crossing
        Without arms.
    """
    within = [factor for factor in study.factors if factor.varies == "within"]
    names = {factor.name for factor in within}
    return Crossing(Named(within), Named(), tuple(each for each in study.forbidden if set(each) <= names))


def study_deck(study: "Study", *, seed: int) -> Deck | None:
    """Return the stories that people read, in blocks and orders.

    Parameters
    ----------
    study : Study
        The study.
    seed : int
        Fixes the search for the fraction.

    Returns
    -------
    Deck or None
        None where nothing varies within people. Without declared vignettes each person meets every combination.
    """
    crossing = within_crossing(study)
    if not crossing.factors:
        return None
    vignettes = study.vignettes or Vignettes(per_person=len(crossing.cells()))
    return make_deck(crossing, vignettes, seed=seed, order=study.assignment.order)
