"""Whether the names in a world are names of the study."""

from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["refuse_unknown"]


def _occasions(world: World) -> list[str]:
    named = [m.occasion for m in world.means] + [i.occasion for i in world.interacts]
    return [name for name in named if name] + [
        name for lead in world.leads for name in (lead.occasion, lead.by_occasion)
    ]


def refuse_unknown(world: World, study: Study, scores: tuple[str, ...]) -> None:
    """Refuse names in a world that the study does not have.

    Parameters
    ----------
    world : World
        The world.
    study : Study
        The study.
    scores : tuple of str
        Scores that the study asks.

    Raises
    ------
    InputError
        With the nearest name.
    """
    covariates = study.covariates.names
    cells = [cell.key for cell in study.crossing.cells()]
    groups: list[tuple[str, tuple[str, ...], list[str]]] = [
        ("Score", tuple(scores), [*world.outcomes.names, *world.drift, *(m.outcome for m in world.means)]),
        ("Score", tuple(scores), list(world.trend)),
        ("Score", tuple(scores), [name for lead in world.leads for name in (lead.outcome, lead.by)]),
        ("Score", tuple(scores), [world.attrition.because_of] if world.attrition.because_of else []),
        ("Score or covariate", (*scores, *covariates), [n for c in world.correlations for n in c.between]),
        ("Covariate", covariates, [*world.covariates.names, *(i.by for i in world.interacts)]),
        ("Unit", study.units.names or ("participant",), list(world.n)),
        ("Unit that contains participants", study.units.names[:-1], list(world.icc)),
        ("Unit that contains participants", study.units.names[:-1], [u for o in world.outcomes for u in o.icc]),
        ("Hypothesis", study.hypotheses.names, list(world.priors)),
        ("Cell", tuple(cells), [key for m in world.means for key in m.cells]),
        ("Cell", tuple(cells), [*world.attrition.by_cell, *world.non_compliance.by_cell]),
        ("Cell", (*cells, "nothing"), [world.non_compliance.instead]),
        ("Wave", study.waves.names, _occasions(world)),
    ]
    for what, allowed, given in groups:
        for name in given:
            if name not in allowed:
                raise DeclarationError(f"world: {choices(what, name, allowed)}")
