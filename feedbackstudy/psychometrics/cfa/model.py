"""A factor model as it is stated: loadings, covariances, intercepts, labels, constraints, defined quantities."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from feedbackstudy.errors import DeclarationError
from feedbackstudy.psychometrics.cfa.expression import Expression

__all__ = ["Constraint", "Defined", "FactorModel", "Modifier", "Operator", "Statement", "bifactor", "factor_model"]

type Operator = Literal["=~", "~~", "~", "~1", "|", "~*~"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifier:
    """What stands before a term: a fixed value, a label, a start, or "free it".

    Attributes
    ----------
    fixed : float or None
        The value the parameter is held at.
    label : str
        Parameters with the same label are equal; empty for none.
    start : float or None
        Where the optimiser starts.
    freed : bool
        The parameter is free even where the default would fix it (lavaan's ``NA*``).
    """

    fixed: float | None = None
    label: str = ""
    start: float | None = None
    freed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One term of the model, such as ``visual =~ 1*x1``.

    Attributes
    ----------
    lhs : str
        Left-hand variable.
    op : str
        ``=~`` loading, ``~~`` (co)variance, ``~`` regression among factors, ``~1`` intercept or mean, ``|`` threshold,
        ``~*~`` scale of a latent response.
    rhs : str
        Right-hand variable; empty for intercepts.
    modifiers : tuple of Modifier
        None for the default, one for all groups, or one per group.
    """

    lhs: str
    op: Operator
    rhs: str
    modifiers: tuple[Modifier, ...] = ()

    def modifier(self, group: int) -> Modifier:
        """Return the modifier that holds in a group (0-based).

        Parameters
        ----------
        group : int
            Position of the group.

        Returns
        -------
        Modifier
            The default one where none was stated.
        """
        if not self.modifiers:
            return Modifier()
        return self.modifiers[group if len(self.modifiers) > 1 else 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A linear constraint ``left == right`` between labelled parameters.

    Attributes
    ----------
    left, right : Expression
        Parsed arithmetic over labels.
    """

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """A quantity computed from labelled parameters, ``name := expression``.

    Attributes
    ----------
    name : str
        Its name.
    expression : Expression
        Parsed arithmetic over labels and earlier names.
    """

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorModel:
    """A factor model before data and groups are known.

    Attributes
    ----------
    statements : tuple of Statement
        In the order they were stated; the first loading of a factor is its marker.
    constraints : tuple of Constraint
        Linear constraints.
    defined : tuple of Defined
        Defined quantities, in order.
    orthogonal : bool
        Factors are uncorrelated unless a statement says otherwise.
    standardised_factors : bool or None
        Factor variances are fixed to one and every loading is free; None leaves it to the caller.
    """

    statements: tuple[Statement, ...]
    constraints: tuple[Constraint, ...] = ()
    defined: tuple[Defined, ...] = ()
    orthogonal: bool = False
    standardised_factors: bool | None = None

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of the factors, in order of appearance."""
        return tuple(dict.fromkeys(s.lhs for s in self.statements if s.op == "=~"))

    @property
    def items(self) -> tuple[str, ...]:
        """Names of the observed variables, in order of appearance as indicators."""
        factors = set(self.factors)
        loaded = [s.rhs for s in self.statements if s.op == "=~" and s.rhs not in factors]
        return tuple(dict.fromkeys(loaded))

    def loadings(self) -> dict[str, tuple[str, ...]]:
        """Return each factor's indicators, items and lower factors alike."""
        return {f: tuple(s.rhs for s in self.statements if s.op == "=~" and s.lhs == f) for f in self.factors}

    def adding(self, statements: Iterable[Statement]) -> "FactorModel":
        """Return the model with more statements behind the others.

        Parameters
        ----------
        statements : iterable of Statement
            What to add.

        Returns
        -------
        FactorModel
            A new model; constraints and options are kept.
        """
        return replace(self, statements=(*self.statements, *statements))


def _loads(factor: str, indicators: Iterable[str]) -> list[Statement]:
    return [Statement(lhs=factor, op="=~", rhs=name) for name in indicators]


def factor_model(
    factors: Mapping[str, Sequence[str]],
    *,
    residuals: Iterable[tuple[str, str]] = (),
    second_order: Mapping[str, Sequence[str]] | None = None,
    orthogonal: bool = False,
) -> FactorModel:
    """Build a model from a mapping of factors to their indicators.

    Parameters
    ----------
    factors : mapping of str to sequence of str
        Factor name -> items.
    residuals : iterable of (str, str), optional
        Pairs of items whose residuals correlate.
    second_order : mapping of str to sequence of str, optional
        Higher factor -> lower factors.
    orthogonal : bool, default False
        Factors are uncorrelated.

    Returns
    -------
    FactorModel
        The stated model.

    Raises
    ------
    DeclarationError
        If a factor has no indicator, a name is both factor and item, or an indicator is given twice.
    """
    stated = [s for f, names in factors.items() for s in _loads(f, _indicators(f, names))]
    higher = second_order or {}
    for factor, lower in higher.items():
        missing = [name for name in lower if name not in factors]
        if missing:
            raise DeclarationError(
                f"Second-order factor {factor!r} loads on {missing!r}, which no factor of the model is; "
                f"choose among: {', '.join(factors)}."
            )
        stated += _loads(factor, _indicators(factor, lower))
    stated += [Statement(lhs=a, op="~~", rhs=b) for a, b in residuals]
    return FactorModel(statements=tuple(stated), orthogonal=orthogonal)


def _indicators(factor: str, names: Sequence[str]) -> list[str]:
    """Check one factor's indicators."""
    if isinstance(names, str):
        raise DeclarationError(f"The indicators of factor {factor!r} are the text {names!r}; give a list of names.")
    listed = [str(name) for name in names]
    if not listed:
        raise DeclarationError(f"Factor {factor!r} has no indicator; name at least one item.")
    twice = sorted({name for name in listed if listed.count(name) > 1})
    if twice or factor in listed:
        raise DeclarationError(f"Factor {factor!r} names {twice or [factor]} twice; name every variable once.")
    return listed


def bifactor(general: str, groups: Mapping[str, Sequence[str]]) -> FactorModel:
    """Build a bifactor model: one general factor on all items, orthogonal group factors.

    Parameters
    ----------
    general : str
        Name of the general factor.
    groups : mapping of str to sequence of str
        Group factor -> items.

    Returns
    -------
    FactorModel
        An orthogonal model; fit it with standardised factors.
    """
    items = list(dict.fromkeys(name for names in groups.values() for name in names))
    model = factor_model({general: items, **groups}, orthogonal=True)
    return replace(model, standardised_factors=True)
