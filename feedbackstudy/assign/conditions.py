"""Which conditions there are, how likely each is, and to which unit chance applies: the study read for assignment."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.chance import exact
from feedbackstudy.design.crossing import Cell, Crossing
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.named import Named

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["Conditions", "conditions_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What is assigned.

    Attributes
    ----------
    cells : tuple of Cell
        Combinations of the assigned factors, then the arms.
    weights : tuple of Fraction
        Their probabilities, which sum to 1.
    factors : tuple of str
        Factors that are assigned.
    cluster : str or None
        The unit that some factors are assigned to as a whole.
    by_cluster : tuple of str
        Those factors.
    """

    cells: tuple[Cell, ...]
    weights: tuple[Fraction, ...]
    factors: tuple[str, ...]
    cluster: str | None
    by_cluster: tuple[str, ...]

    @property
    def whole_clusters(self) -> bool:
        """Whether clusters get whole conditions, arms included."""
        return bool(self.cluster) and self.factors == self.by_cluster

    def outer(self) -> tuple[tuple[Cell, ...], tuple[Fraction, ...], tuple[tuple[Fraction, ...], ...]]:
        """Split a design in which clusters get some factors and their people the others.

        Returns
        -------
        tuple
            What clusters get, its probabilities, and for each of these the probabilities of all `cells`.
        """
        keys = [self._part(cell) for cell in self.cells]
        inside = sum((w for w, c in zip(self.weights, self.cells, strict=True) if c.arm == FEEDBACK), Fraction(0))
        parts = tuple(dict.fromkeys(key for key in keys if key is not None))
        sizes = [sum((w for w, k in zip(self.weights, keys, strict=True) if k == part), Fraction(0)) for part in parts]
        inner = tuple(
            tuple(
                w if k is None else (w / size * inside if k == part else Fraction(0))
                for w, k in zip(self.weights, keys, strict=True)
            )
            for part, size in zip(parts, sizes, strict=True)
        )
        return parts, tuple(size / inside for size in sizes), inner

    def _part(self, cell: Cell) -> Cell | None:
        if cell.arm != FEEDBACK:
            return None
        return Cell(FEEDBACK, tuple((name, level) for name, level in cell.levels if name in self.by_cluster))


def conditions_of(study: "Study") -> Conditions:
    """Read what a study assigns.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    Conditions
        Cells with exact probabilities.

    Raises
    ------
    DeclarationError
        Where a ratio names no cell, probabilities do not cover all, or a forbidden combination cannot be kept.
    """
    assigned = [f for f in study.factors if f.varies == "between" and f.mode != "measured"]
    names = tuple(factor.name for factor in assigned)
    crossing = Crossing(Named(assigned), study.arms, tuple(each for each in study.forbidden if set(each) <= set(names)))
    measured = {f.name for f in study.factors if f.mode == "measured"}
    for each in study.forbidden:
        if set(each) & measured and set(each) & set(names):
            raise DeclarationError(
                f"The forbidden combination {dict(each)} joins a measured factor with an assigned one: nobody could be "
                "assigned before it is known who they are. Run one study for each level of the measured factor."
            )
    cells = crossing.cells()
    if len(cells) < 2 and not any(f.varies == "within" for f in study.factors):
        raise DeclarationError("The study has one condition only, so there is nothing to assign.")
    units = {f.assigned_to for f in assigned if f.assigned_to and f.assigned_to in study.units.names[:-1]}
    if len(units) > 1:
        raise DeclarationError(f"Factors are assigned to several units ({', '.join(sorted(units))}); one can be drawn.")
    cluster = next(iter(units), None)
    return Conditions(
        cells=cells,
        weights=_weights(study, cells),
        factors=names,
        cluster=cluster,
        by_cluster=tuple(f.name for f in assigned if cluster is not None and f.assigned_to == cluster),
    )


def _weights(study: "Study", cells: tuple[Cell, ...]) -> tuple[Fraction, ...]:
    keys = [cell.key for cell in cells]
    stated = study.assignment
    for key in (*stated.ratio, *stated.probabilities):
        if key not in keys:
            raise DeclarationError(f"assignment: {choices('Cell', key, keys)}")
    if stated.probabilities:
        missing = [key for key in keys if key not in stated.probabilities]
        if missing:
            raise DeclarationError(
                f"assignment: no probability is given for {', '.join(missing)}; give all of them, or use 'ratio'."
            )
        raw = [exact(stated.probabilities[key]) for key in keys]
    else:
        raw = [exact(study.arms[c.arm].weight if c.arm != FEEDBACK else stated.ratio.get(c.key, 1.0)) for c in cells]
    total = sum(raw, Fraction(0))
    return tuple(weight / total for weight in raw)
