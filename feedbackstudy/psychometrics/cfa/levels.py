"""Levels of measurement invariance as restrictions on parameters, between groups or between waves.

Factor variances are one in the first group (wave), so that every loading can be tested. Continuous items: configural,
metric
(loadings equal), scalar (and intercepts), strict (and residual variances), means. Ordinal items in the theta
parameterization
after Wu & Estabrook (2016): thresholds before loadings and intercepts, because thresholds alone identify the latent
responses' means and variances.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from feedbackstudy.errors import DeclarationError
from feedbackstudy.psychometrics.cfa.model import FactorModel, Modifier, Statement

__all__ = ["CONTINUOUS", "ORDINAL", "Place", "restrictions", "wave_model"]

CONTINUOUS = ("configural", "metric", "scalar", "strict", "means")
ORDINAL = ("configural", "thresholds", "metric", "scalar", "strict", "means")

_FREE = Modifier(freed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A group, or a wave of one group.

    Attributes
    ----------
    name : str
        What people call it.
    group : int
        Group of the parameter table.
    names : mapping of str to str
        Variable of the model -> variable here.
    """

    name: str
    group: int
    names: Mapping[str, str]

    def at(self, lhs: str, op: str, rhs: str = "") -> tuple[str, int]:
        """Return the key of a parameter here.

        Parameters
        ----------
        lhs : str
            Left-hand variable of the model.
        op : str
            Operator, as in `Statement`.
        rhs : str
            Right-hand variable of the model, or the threshold's name where `op` is ``|``; empty for intercepts.

        Returns
        -------
        tuple of (str, int)
            The parameter's name with the variables of this place, and the group.
        """
        right = rhs if op == "|" else self.names.get(rhs, rhs)
        return f"{self.names.get(lhs, lhs)}{op}{right}", self.group


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What a level restricts."""

    loadings: bool
    intercepts: bool
    residuals: bool
    means: bool
    thresholds: bool


def _plan(level: str, *, ordinal: bool) -> _Plan:
    order = ORDINAL if ordinal else CONTINUOUS
    reached = order.index(level)
    at = {name: k for k, name in enumerate(order)}
    return _Plan(
        loadings=reached >= at["metric"],
        intercepts=reached >= at["scalar"],
        residuals=reached >= at["strict"],
        means=reached >= at["means"],
        thresholds=ordinal and reached >= at["thresholds"],
    )


def restrictions(
    level: str, model: FactorModel, places: Sequence[Place], thresholds: Mapping[str, int], freed: frozenset[str]
) -> dict[tuple[str, int], Modifier]:
    """Return the modifiers that make a model invariant at a level.

    Parameters
    ----------
    level : str
        Member of `CONTINUOUS` or `ORDINAL`.
    model : FactorModel
        The model of one group or wave.
    places : sequence of Place
        Groups or waves; the first sets the scale.
    thresholds : mapping of str to int
        Ordinal item -> number of thresholds; empty for continuous items.
    freed : frozenset of str
        Parameters exempt from equality, such as ``"x3~1"``.

    Returns
    -------
    dict
        (Parameter, group) -> modifier, for `Options.overrides`.
    """
    plan = _plan(level, ordinal=bool(thresholds))
    out: dict[tuple[str, int], Modifier] = {}
    for k, place in enumerate(places):
        out.update(_loadings(plan, model, place, k, freed))
        steps = _ordinal(plan, place, k, thresholds, freed) if thresholds else _continuous(plan, model, place, freed)
        out.update(steps)
        for factor in model.factors:
            moving = plan.intercepts and not plan.means and k > 0
            out[place.at(factor, "~1")] = _FREE if moving else Modifier(fixed=0.0)
    return out


def _equal(
    out: dict[tuple[str, int], Modifier], place: Place, freed: frozenset[str], lhs: str, op: str, rhs: str = ""
) -> None:
    name = f"{lhs}{op}{rhs}"
    if name not in freed:
        out[place.at(lhs, op, rhs)] = Modifier(label=f".{name}.")


def _loadings(
    plan: _Plan, model: FactorModel, place: Place, k: int, freed: frozenset[str]
) -> dict[tuple[str, int], Modifier]:
    out: dict[tuple[str, int], Modifier] = {}
    for factor, names in model.loadings().items():
        out[place.at(factor, "~~", factor)] = _FREE if plan.loadings and k > 0 else Modifier(fixed=1.0)
        for name in names:
            if plan.loadings:
                _equal(out, place, freed, factor, "=~", name)
    return out


def _continuous(
    plan: _Plan, model: FactorModel, place: Place, freed: frozenset[str]
) -> dict[tuple[str, int], Modifier]:
    out: dict[tuple[str, int], Modifier] = {}
    for item in model.items:
        if plan.intercepts:
            _equal(out, place, freed, item, "~1")
        if plan.residuals:
            _equal(out, place, freed, item, "~~", item)
    return out


def _ordinal(
    plan: _Plan, place: Place, k: int, thresholds: Mapping[str, int], freed: frozenset[str]
) -> dict[tuple[str, int], Modifier]:
    """Wu & Estabrook (2016): equal thresholds free intercepts and residual variances, later levels take them back.

    One threshold identifies an intercept but no variance; its residual variance becomes free once intercepts are equal.
    """
    out: dict[tuple[str, int], Modifier] = {}
    for item, count in thresholds.items():
        moves = plan.thresholds and k > 0
        intercept = moves and (not plan.intercepts or f"{item}~1" in freed)
        variance = moves and (count > 1 or plan.intercepts) and (not plan.residuals or f"{item}~~{item}" in freed)
        out[place.at(item, "~1")] = _FREE if intercept else Modifier(fixed=0.0)
        out[place.at(item, "~~", item)] = _FREE if variance else Modifier(fixed=1.0)
        if plan.thresholds:
            for t in range(count):
                _equal(out, place, freed, item, "|", f"t{t + 1}")
    return out


def wave_model(model: FactorModel, waves: Sequence[str]) -> tuple[FactorModel, list[Place]]:
    """Repeat a model for every wave in one group; residuals of the same item correlate between waves.

    Parameters
    ----------
    model : FactorModel
        The model of one wave, without labels or constraints.
    waves : sequence of str
        Names of the waves, first to last.

    Returns
    -------
    tuple of (FactorModel, list of Place)
        The model of all waves, and where each wave's variables stand; items are called ``<item>.<wave>``.

    Raises
    ------
    DeclarationError
        If the model has labels, constraints or defined quantities.
    """
    labelled = any(m.label for s in model.statements for m in s.modifiers)
    if labelled or model.constraints or model.defined:
        raise DeclarationError("A model repeated over waves cannot have labels, constraints or defined quantities.")
    variables = (*model.items, *model.factors)
    places = [Place(name=w, group=0, names={v: f"{v}.{w}" for v in variables}) for w in waves]
    return FactorModel(statements=tuple(_repeated(model, places))), places


def _repeated(model: FactorModel, places: Sequence[Place]) -> Iterator[Statement]:
    for place in places:
        for s in model.statements:
            right = s.rhs if s.op in {"~1", "|"} else place.names[s.rhs]
            yield Statement(lhs=place.names[s.lhs], op=s.op, rhs=right, modifiers=s.modifiers)
        if model.orthogonal:
            zero = (Modifier(fixed=0.0),)
            for one, two in combinations(model.factors, 2):
                yield Statement(lhs=place.names[one], op="~~", rhs=place.names[two], modifiers=zero)
    for item in model.items:
        for earlier, later in combinations(places, 2):
            yield Statement(lhs=earlier.names[item], op="~~", rhs=later.names[item])
