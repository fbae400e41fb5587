"""`assign`: from a study, people and a seed to an `Allocation` that can be repeated by anyone."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Literal

import numpy as np
import pandas as pd

from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.assign.clusters import exposure, wedge_pattern
from feedbackstudy.assign.conditions import Conditions, conditions_of
from feedbackstudy.assign.planning import block_issues, scheme_of
from feedbackstudy.assign.roster import Roster, read_roster
from feedbackstudy.assign.schemes import Complete, Scheme
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.chance import ALGORITHM, Stream
from feedbackstudy.design.crossing import Cell
from feedbackstudy.design.deck import Deck
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.issues import Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import counted
from feedbackstudy.study import Study
from feedbackstudy.study.texts import joins_forbidden, study_deck, study_exemplars, within_crossing

__all__ = ["Purpose", "allocate", "assign", "condition_decks", "conditions_for"]

type Purpose = Literal["assign", "live", "test"]
"""What a list is for; lists for different purposes share no random number, whatever their seeds."""


def assign(study: Study, roster: pd.DataFrame | None = None, *, seed: int) -> Allocation:
    """Assign people to the conditions of a study.

    Parameters
    ----------
    study : Study
        The study; its `assignment` says how.
    roster : DataFrame, optional
        One row for each person: ``participant``, and the clusters and strata that the assignment needs. Without one,
        the planned numbers of `units` give places, clusters of even size included.
    seed : int
        Fixes the result, with any version of Python and numpy.

    Returns
    -------
    Allocation
        Who gets what, with exact probabilities.

    Raises
    ------
    InputError
        Where the study has errors, is randomised by a platform, or the roster does not fit.

    Notes
    -----
    Everybody's probability of each condition is exactly the one declared, also where people are left over; the
    leftovers of blocks are balanced over the blocks.
    """
    return allocate(study, roster, seed=seed)


def allocate(
    study: Study,
    roster: pd.DataFrame | None = None,
    *,
    seed: int,
    purpose: Purpose = "assign",
    algorithm: int = ALGORITHM,
) -> Allocation:
    """Assign for a purpose and by a version of the algorithm.

    Parameters
    ----------
    study : Study
        The study.
    roster : DataFrame, optional
        As for `assign`.
    seed : int
        Fixes the result.
    purpose : {"assign", "live", "test"}
        What the list is for.
    algorithm : int
        Version; old versions stay callable.

    Returns
    -------
    Allocation
        Who gets what.

    Raises
    ------
    InputError
        As for `assign`, and for an unknown version.
    """
    if algorithm not in _VERSIONS:
        raise DeclarationError(choices("Version of the algorithm", algorithm, map(str, _VERSIONS)))
    if study.assignment.randomised_by == "platform":
        raise DeclarationError(
            "The study says that the platform randomises (randomised_by: platform); read its assignment with "
            "`import_assignment`, or let us draw."
        )
    errors = study.check().errors
    if errors:
        raise DeclarationError(
            f"The study has {counted(len(errors), 'error')} and cannot be run; the first: {errors[0]}"
        )
    return _VERSIONS[algorithm](study, roster, seed, purpose)


def conditions_for(study: Study) -> Conditions:
    """Return what a study assigns: cells and arms, or the sequences of a stepped wedge.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    Conditions
        With exact probabilities.
    """
    made = conditions_of(study)
    wedge = study.assignment.wedge
    if wedge is None:
        return made
    cells = tuple(Cell(FEEDBACK, (("sequence", str(i + 1)),)) for i in range(wedge.sequences))
    even = (Fraction(1, wedge.sequences),) * wedge.sequences
    unit = study.factors[wedge.factor].assigned_to
    return Conditions(cells=cells, weights=even, factors=("sequence",), cluster=unit, by_cluster=("sequence",))


def _version_1(study: Study, roster: pd.DataFrame | None, seed: int, purpose: Purpose) -> Allocation:
    conditions = conditions_for(study)
    people = read_roster(study, roster, conditions)
    scheme = scheme_of(study, conditions, people)
    drawn = scheme.draw(Stream(seed, purpose, "conditions"))
    frame = _table(study, people, conditions, drawn)
    exemplars = study_exemplars(study)
    if exemplars:
        frame["exemplar"] = _exemplars(exemplars, conditions, drawn, Stream(seed, purpose, "exemplars"))
    decks = condition_decks(study, conditions)
    orders = pd.DataFrame(columns=["participant", "position", "vignette"])
    if decks is not None:
        hands = _hands(decks, drawn, Stream(seed, purpose, "deck"))
        frame["deck_block"] = [block + 1 for block, _ in hands]
        frame["deck_order"] = [order + 1 for _, order in hands]
        orders = _orders(study, decks, people, drawn, hands)
    return Allocation(
        _frame=frame,
        study=study,
        conditions=conditions.cells,
        drawn=drawn,
        scheme=scheme,
        method=_in_words(study, conditions, people, scheme),
        orders=orders,
        periods=_periods(study, conditions, people, drawn),
        algorithm=1,
        seed=seed,
        placeholder=people.placeholder,
        issues=Issues([*people.issues, *block_issues(conditions, people, scheme)]),
        provenance=Provenance(
            made_by="assign",
            design_hash=study.design_hash,
            seed=seed,
            conventions=("exact marginal probabilities; SHA-256 stream, algorithm version 1",),
        ),
    )


_VERSIONS: Mapping[int, Callable[[Study, pd.DataFrame | None, int, Purpose], Allocation]] = {1: _version_1}


def _table(study: Study, people: Roster, conditions: Conditions, drawn: tuple[int, ...]) -> pd.DataFrame:
    frame = people.frame[["participant"]].copy()
    cells = [conditions.cells[i] for i in drawn]
    frame["arm"] = [cell.arm for cell in cells]
    for name in conditions.factors:
        frame[name] = pd.array([dict(cell.levels).get(name) for cell in cells], dtype="str")
    rest = [name for name in people.frame.columns if name != "participant"]
    frame[rest] = people.frame[rest]
    for factor in study.factors:
        if factor.mode == "measured" and factor.name in frame.columns:
            frame[factor.name] = frame[factor.name].where(frame["arm"] == FEEDBACK)
    return frame


def _exemplars(
    exemplars: tuple[str, ...], conditions: Conditions, drawn: tuple[int, ...], chance: Stream
) -> "pd.api.extensions.ExtensionArray":
    """Spread the people of each cell evenly over exemplars; arms outside the crossing get none."""
    even = (Fraction(1, len(exemplars)),) * len(exemplars)
    inside = [i for i, condition in enumerate(drawn) if conditions.cells[condition].arm == FEEDBACK]
    blocks = tuple(drawn[i] for i in inside)
    picked = Complete(weights=(even,) * len(conditions.cells), blocks=blocks).draw(chance)
    chosen: list[str | None] = [None] * len(drawn)
    for i, exemplar in zip(inside, picked, strict=True):
        chosen[i] = exemplars[exemplar]
    return pd.array(chosen, dtype="str")


def condition_decks(study: Study, conditions: Conditions) -> tuple[Deck, ...] | None:
    """Return the deck of each condition: the same for all, unless something is forbidden between and within people.

    Parameters
    ----------
    study : Study
        The study.
    conditions : Conditions
        What is assigned.

    Returns
    -------
    tuple of Deck or None
        One for each condition; None where nothing varies within people.

    Raises
    ------
    DeclarationError
        Where the stories that are left to a condition cannot be dealt.
    """
    common = study_deck(study, seed=study.seed)
    if common is None:
        return None
    if not joins_forbidden(study):
        return (common,) * len(conditions.cells)
    made: list[Deck] = []
    for cell in conditions.cells:
        try:
            deck = study_deck(study, seed=study.seed, at=dict(cell.levels))
        except DeclarationError as fault:
            raise DeclarationError(f"Stories for {cell.key!r}, after what is forbidden there: {fault}") from fault
        made.append(deck or common)
    return tuple(made)


def _hands(decks: tuple[Deck, ...], drawn: tuple[int, ...], chance: Stream) -> list[tuple[int, int]]:
    pairs = [[(b, o) for b in range(int(deck.blocks.max()) + 1) for o in range(len(deck.orders))] for deck in decks]
    most = max(map(len, pairs))
    weights = tuple((Fraction(1, len(each)),) * len(each) + (Fraction(0),) * (most - len(each)) for each in pairs)
    picked = Complete(weights=weights[: max(drawn) + 1], blocks=drawn).draw(chance)
    return [pairs[condition][i] for condition, i in zip(drawn, picked, strict=True)]


def _orders(
    study: Study, decks: tuple[Deck, ...], people: Roster, drawn: tuple[int, ...], hands: list[tuple[int, int]]
) -> pd.DataFrame:
    names = _story_names(study, decks)
    tables = [deck.frame.drop(columns="block").set_index("vignette") for deck in decks]
    rows = [
        {
            "participant": who,
            "position": position,
            "vignette": names[condition][story],
            **tables[condition].loc[story].to_dict(),
        }
        for who, condition, hand in zip(people.frame["participant"], drawn, hands, strict=True)
        for position, story in enumerate(decks[condition].hand(*hand), start=1)
    ]
    return pd.DataFrame(rows)


def _story_names(study: Study, decks: tuple[Deck, ...]) -> list[dict[str, str]]:
    """Return each deck's names of stories; where decks differ, the same story has the same name in all of them."""
    if not joins_forbidden(study):
        return [{name: name for name in deck.names} for deck in decks]
    keys = [cell.key for cell in within_crossing(study).cells()]
    width = max(2, len(str(len(keys))))
    return [
        {name: f"v{keys.index(cell.key) + 1:0{width}d}" for name, cell in zip(deck.names, deck.cells, strict=True)}
        for deck in decks
    ]


def _periods(study: Study, conditions: Conditions, people: Roster, drawn: tuple[int, ...]) -> pd.DataFrame:
    wedge = study.assignment.wedge
    if wedge is None or conditions.cluster is None:
        return pd.DataFrame(columns=["sequence", "period", "exposure"])
    factor = study.factors[wedge.factor]
    old = factor.reference or ""
    (new,) = [code for code in factor.codes() if code != old]
    pattern, exposed = wedge_pattern(wedge), exposure(wedge_pattern(wedge))
    sequences = dict(zip(people.frame[conditions.cluster], drawn, strict=True))
    rows = [
        {
            conditions.cluster: cluster,
            "sequence": sequence + 1,
            "period": period + 1,
            factor.name: new if pattern[sequence, period] else old,
            "exposure": int(exposed[sequence, period]),
        }
        for cluster, sequence in sequences.items()
        for period in np.arange(wedge.periods).tolist()
    ]
    return pd.DataFrame(rows)


def _in_words(study: Study, conditions: Conditions, people: Roster, scheme: Scheme) -> str:
    stated = study.assignment
    who = f"units of {conditions.cluster} as a whole" if conditions.cluster else "participants"
    if conditions.cluster and not conditions.whole_clusters:
        inner = ", ".join(name for name in conditions.factors if name not in conditions.by_cluster)
        who = (
            f"{', '.join(conditions.by_cluster)} to units of {conditions.cluster}, {inner} to participants within them"
        )
    how = stated.method.replace("_", " ")
    extra = f"; by {', '.join(people.strata)}" if people.strata else ""
    if stated.method == "minimisation":
        extra += f"; {stated.imbalance}, probability {stated.probability:g}"
    if stated.method == "permuted_blocks":
        extra += f"; blocks of {', '.join(map(str, getattr(scheme, 'sizes', ())))}"
    if stated.wedge is not None:
        extra += f"; {stated.wedge.sequences} sequences, {stated.wedge.periods} periods"
    return f"{how}, {who}{extra}"
