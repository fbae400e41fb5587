"""The full parameter table: a stated model with defaults filled in, for every group."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.psychometrics.cfa.model import FactorModel, Modifier, Operator, Statement

__all__ = ["EQUAL", "Options", "ParameterTable", "Row", "build", "kind_of"]

EQUAL = (
    "loadings",
    "intercepts",
    "residuals",
    "residual.covariances",
    "thresholds",
    "means",
    "lv.variances",
    "lv.covariances",
    "regressions",
)
"""What can be held equal between groups, by lavaan's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One parameter of one group.

    Attributes
    ----------
    lhs, op, rhs : str
        As in `Statement`; thresholds have ``rhs`` ``t1``, ``t2`` ...
    group : int
        0-based.
    free : bool
        Estimated, or fixed at `value`.
    value : float
        The fixed value.
    label : str
        Rows with the same label are equal.
    start : float or None
        Start given by the user.
    """

    lhs: str
    op: Operator
    rhs: str
    group: int
    free: bool = True
    value: float = 0.0
    label: str = ""
    start: float | None = None

    @property
    def name(self) -> str:
        """The parameter's name without its group, as lavaan writes it: ``visual=~x1``, ``x1~1``."""
        return f"{self.lhs}{self.op}{self.rhs}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the defaults are filled in.

    Attributes
    ----------
    n_groups : int
        Number of groups.
    mean_structure : bool
        Intercepts and means are part of the model.
    standardised_factors : bool
        Factor variances one instead of marker loadings one.
    thresholds : mapping of str to int
        Ordinal item -> number of thresholds; empty for continuous items.
    parameterization : {"delta", "theta"}
        For ordinal items: total variance one, or residual variance one.
    equal : frozenset of str
        Members of `EQUAL` held equal between groups.
    partial : frozenset of str
        Names of parameters exempt from `equal`.
    overrides : mapping of (str, int) to Modifier
        (Parameter name, group) -> modifier that replaces the default.
    """

    n_groups: int = 1
    mean_structure: bool = False
    standardised_factors: bool = False
    thresholds: Mapping[str, int] = field(default_factory=dict)
    parameterization: str = "delta"
    equal: frozenset[str] = frozenset()
    partial: frozenset[str] = frozenset()
    overrides: Mapping[tuple[str, int], Modifier] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterTable:
    """Every parameter of every group.

    Attributes
    ----------
    rows : tuple of Row
        Group by group.
    items, factors : tuple of str
        Observed and latent variables.
    model : FactorModel
        What was stated.
    options : Options
        How defaults were filled in.
    """

    rows: tuple[Row, ...]
    items: tuple[str, ...]
    factors: tuple[str, ...]
    model: FactorModel
    options: Options

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return self.options.n_groups

    @property
    def ordinal(self) -> bool:
        """Whether the items are ordinal."""
        return bool(self.options.thresholds)


def kind_of(row: Row, factors: frozenset[str]) -> str:
    """Return which member of `EQUAL` a row belongs to; empty for scales of latent responses.

    Parameters
    ----------
    row : Row
        One parameter.
    factors : frozenset of str
        Names of the latent variables.

    Returns
    -------
    str
        Member of `EQUAL`, or empty.
    """
    latent = row.lhs in factors
    if row.op == "~~":
        names = (("residuals", "residual.covariances"), ("lv.variances", "lv.covariances"))[latent]
        return names[row.lhs != row.rhs]
    fixed = {"=~": "loadings", "~": "regressions", "|": "thresholds", "~1": "means" if latent else "intercepts"}
    return fixed.get(row.op, "")


def _merged(model: FactorModel) -> dict[tuple[str, str, str], Statement]:
    """Collect statements by parameter; a repeated term adds its modifiers, the order of a covariance is free."""
    found: dict[tuple[str, str, str], Statement] = {}
    for s in model.statements:
        key = (s.lhs, s.op, s.rhs)
        if s.op == "~~" and (s.rhs, s.op, s.lhs) in found:
            key = (s.rhs, s.op, s.lhs)
        if key in found:
            found[key] = replace(found[key], modifiers=_both(found[key].modifiers, s.modifiers))
        else:
            found[key] = s
    return found


def _both(first: tuple[Modifier, ...], second: tuple[Modifier, ...]) -> tuple[Modifier, ...]:
    if not first or not second:
        return first or second
    width = max(len(first), len(second))
    wide = [side * width if len(side) == 1 else side for side in (first, second)]
    return tuple(
        Modifier(
            fixed=a.fixed if b.fixed is None else b.fixed,
            label=b.label or a.label,
            start=a.start if b.start is None else b.start,
            freed=a.freed or b.freed,
        )
        for a, b in zip(wide[0], wide[1], strict=True)
    )


class _Builder:
    """Fills in the defaults of one model; the order of rows follows lavaan."""

    def __init__(self, model: FactorModel, options: Options) -> None:
        self.model, self.options = model, options
        self.factors, self.items = model.factors, model.items
        self.latent = frozenset(self.factors)
        self.stated = _merged(model)
        loaded = {s.rhs for s in model.statements if s.op == "=~" and s.rhs in self.latent}
        outcomes = {s.lhs for s in model.statements if s.op == "~"}
        predictors = {s.rhs for s in model.statements if s.op == "~"}
        self.exogenous = [f for f in self.factors if f not in loaded | outcomes]
        self.terminal = [f for f in self.factors if f in outcomes - predictors - loaded]
        self.markers = {f: names[0] for f, names in model.loadings().items()}
        self._check()

    def _check(self) -> None:
        known = {*self.items, *self.factors}
        for s in self.stated.values():
            right = () if s.op in {"~1", "|"} else (s.rhs,)
            for name in (s.lhs, *right):
                if name not in known:
                    raise DeclarationError(
                        choices(f"Variable in '{s.lhs} {s.op} {s.rhs}' that no factor loads on:", name, known)
                    )
            if s.op == "~" and not {s.lhs, s.rhs} <= self.latent:
                raise DeclarationError(
                    f"'{s.lhs} ~ {s.rhs}' regresses an observed variable; only factors can be regressed on factors. "
                    f"State a one-item factor for it (such as F_{s.lhs} =~ {s.lhs})."
                )
            if len(s.modifiers) not in {0, 1, self.options.n_groups}:
                raise DeclarationError(
                    f"'{s.lhs} {s.op} {s.rhs}' has {len(s.modifiers)} modifiers for {self.options.n_groups} group(s); "
                    "give one, or one per group."
                )

    def rows(self) -> Iterator[Row]:
        for group in range(self.options.n_groups):
            done: set[tuple[str, str, str]] = set()
            for default in self._defaults(group):
                key = (default.lhs, default.op, default.rhs)
                turned = (default.rhs, default.op, default.lhs)
                if key in done or (default.op == "~~" and turned in done):
                    continue
                done.add(key)
                yield self._modified(default)

    def _modified(self, default: Row) -> Row:
        stated = self.stated.get((default.lhs, default.op, default.rhs))
        mods = [stated.modifier(default.group)] if stated else []
        override = self.options.overrides.get((default.name, default.group))
        mods += [override] if override else []
        row = default
        for m in mods:
            row = _apply(row, m)
        return self._equal(row)

    def _equal(self, row: Row) -> Row:
        kind = kind_of(row, self.latent)
        if self.options.n_groups == 1 or not row.free or row.label or kind not in self.options.equal:
            return row
        exempt = row.name in self.options.partial or f"{row.rhs}{row.op}{row.lhs}" in self.options.partial
        return row if exempt else replace(row, label=f".{row.name}.")

    def _defaults(self, group: int) -> Iterator[Row]:
        for s in self.stated.values():
            yield self._default(s.lhs, s.op, s.rhs, group)
        for name in (*self.items, *self.factors):
            yield self._default(name, "~~", name, group)
        if not self.model.orthogonal:
            for names in (self.exogenous, self.terminal):
                for one, two in combinations(names, 2):
                    yield self._default(one, "~~", two, group)
        yield from self._latent_responses(group)
        if self.options.mean_structure or self.options.thresholds:
            for name in (*self.items, *self.factors):
                yield self._default(name, "~1", "", group)

    def _latent_responses(self, group: int) -> Iterator[Row]:
        for item, count in self.options.thresholds.items():
            for t in range(count):
                yield self._default(item, "|", f"t{t + 1}", group)
            yield self._default(item, "~*~", item, group)

    def _default(self, lhs: str, op: Operator, rhs: str, group: int) -> Row:
        free, value = True, 0.0
        if op == "=~" and self.markers[lhs] == rhs and not self.options.standardised_factors:
            free, value = False, 1.0
        elif op == "~~" and lhs == rhs:
            free, value = self._variance(lhs, group)
        elif op == "~1":
            free, value = self._intercept(lhs, group)
        elif op == "~*~":
            free, value = False, 1.0
        return Row(lhs=lhs, op=op, rhs=rhs, group=group, free=free, value=value)

    def _variance(self, name: str, group: int) -> tuple[bool, float]:
        if name in self.latent:
            scaled = self.options.standardised_factors
            freed = "loadings" in self.options.equal and group > 0
            return (True, 0.0) if not scaled or freed else (False, 1.0)
        if self.options.thresholds:
            return False, 1.0 if self.options.parameterization == "theta" else 0.0
        alone = [names for names in self.model.loadings().values() if names == (name,)]
        return (False, 0.0) if alone else (True, 0.0)

    def _intercept(self, name: str, group: int) -> tuple[bool, float]:
        if name in self.latent:
            return "intercepts" in self.options.equal and "means" not in self.options.equal and group > 0, 0.0
        return not self.options.thresholds, 0.0


def _apply(row: Row, m: Modifier) -> Row:
    if m.fixed is not None:
        row = replace(row, free=False, value=m.fixed, label="")
    if m.freed or m.label or m.start is not None:
        row = replace(row, free=True)
    return replace(row, label=m.label or row.label, start=row.start if m.start is None else m.start)


def build(model: FactorModel, options: Options) -> ParameterTable:
    """Fill in a model's defaults.

    Parameters
    ----------
    model : FactorModel
        What was stated.
    options : Options
        Groups, means, scaling, thresholds, equalities.

    Returns
    -------
    ParameterTable
        Every parameter of every group.

    Raises
    ------
    DeclarationError
        If a statement names a variable that no factor loads on, or has a wrong number of modifiers.
    """
    builder = _Builder(model, options)
    return ParameterTable(
        rows=tuple(builder.rows()), items=builder.items, factors=builder.factors, model=model, options=options
    )
