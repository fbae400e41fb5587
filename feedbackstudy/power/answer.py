"""What a question about power is answered with: the numbers, the engine, and the conventions they hang on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pandas as pd

from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.provenance import Provenance, versions
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, number, table_of

__all__ = ["AnovaPower", "EffectPower", "PowerAnswer", "made"]


@cache
def _versions() -> dict[str, str]:
    return versions("feedbackstudy", "numpy", "scipy")


def made(name: str, conventions: tuple[str, ...], *, seed: int | None = None) -> Provenance:
    """Return the provenance of an answer of this room: only the packages that make its numbers, looked up once.

    Parameters
    ----------
    name : str
        The public function, without the room.
    conventions : tuple of str
        Which formulas were used.
    seed : int or None
        Seed of the random streams, None where nothing is random.

    Returns
    -------
    Provenance
        Ready to carry.
    """
    return Provenance(made_by=f"power.{name}", conventions=conventions, seed=seed, versions=dict(_versions()))


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerAnswer(Rendered):
    """The answer to one question about one test.

    Attributes
    ----------
    question : str
        The test, in words.
    solved : str
        The argument that was left open.
    values : mapping of str to float
        Every argument, the one solved for included, and ``"power"``.
    details : mapping of str to float
        What lies behind the answer: noncentrality, degrees of freedom, critical values.
    engine : str
        How the answer was computed.
    mcse : float or None
        Monte-Carlo standard error of the power; None where nothing was simulated.
    notes : tuple of str
        What a reader must know beside the number.
    provenance : Provenance
        The conventions and versions.
    """

    question: str
    solved: str
    values: Mapping[str, float]
    details: Mapping[str, float]
    engine: str
    mcse: float | None = None
    notes: tuple[str, ...] = ()
    provenance: Provenance

    @property
    def value(self) -> float:
        """The argument that was solved for."""
        return self.values[self.solved]

    @property
    def power(self) -> float:
        """The power at these values."""
        return self.values["power"]

    @property
    def conventions(self) -> tuple[str, ...]:
        """Which of several textbook formulas were used."""
        return self.provenance.conventions

    def __getitem__(self, name: str) -> float:
        """Return an argument or a detail by its name."""
        known = {**self.details, **self.values}
        if name not in known:
            raise NotFoundError(choices("The value", name, known))
        return known[name]

    def __float__(self) -> float:
        return float(self.value)

    def frame(self) -> pd.DataFrame:
        """Return the answer as one row.

        Returns
        -------
        DataFrame
            Arguments, details and the engine as columns.
        """
        row = {**self.values, **self.details, "mcse": self.mcse, "solved": self.solved, "engine": self.engine}
        return pd.DataFrame([row])

    def page(self) -> Page:
        """Return the answer as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        up = self.details.get(f"{self.solved}, whole")
        exact = f"{self.solved} = {_told(self.solved, self.value)}"
        head = exact if up is None else f"{self.solved} = {number(round(up))} ({number(self.value)} before rounding up)"
        rest = [(name, _told(name, value)) for name, value in self.values.items() if name != self.solved]
        rest += [(name, _told(name, value)) for name, value in self.details.items() if name != f"{self.solved}, whole"]
        error = [("Monte-Carlo error of the power", number(self.mcse, 4))] if self.mcse is not None else []
        blocks: list[Block] = [Facts((("answer", head), *rest, *error, ("engine", self.engine)))]
        blocks += [Notice(note) for note in self.notes]
        blocks.append(self.provenance.facts())
        return Page(title=self.question, blocks=tuple(blocks))


def _told(name: str, value: float) -> str:
    """Format a number; what counts something has no decimals, and people are rounded up."""
    if name == "people in all":
        return number(math.ceil(round(value, 6)))
    whole = name not in _SHARES and float(value).is_integer() and abs(value) >= 2
    return number(round(value)) if whole else number(value)


_SHARES = ("power", "alpha")


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectPower:
    """One effect of an analysis of variance.

    Attributes
    ----------
    effect : str
        Factor names joined by colons, or the contrast's name.
    power : float
        Power of its F test.
    ncp, df, df2, critical : float
        Noncentrality lambda, degrees of freedom, critical F.
    f : float
        Cohen's f from the means: sqrt(lambda / denominator df), as partial eta squared of SPSS gives it.
    partial_eta2 : float
        Partial eta squared of that f.
    epsilon : float
        Box's epsilon of the effect; 1 between participants.
    """

    effect: str
    power: float
    ncp: float
    df: float
    df2: float
    critical: float
    f: float
    partial_eta2: float
    epsilon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnovaPower(Rendered):
    """Power of every effect of a factorial design.

    Attributes
    ----------
    design : str
        The shorthand, such as ``"2b*4w"``.
    solved : str
        ``"power"``, ``"n"``, ``"scale"`` or ``"alpha"``.
    n : tuple of float
        Participants in each between-participants cell.
    scale : float
        Factor on the means' differences.
    alpha : float
        Significance level of each test.
    effects : tuple of EffectPower
        Main effects, interactions, then named contrasts.
    means : mapping of str to float
        Cell -> mean, by name, so that the order can be checked.
    engine : str
        How the powers were computed.
    notes : tuple of str
        What a reader must know.
    provenance : Provenance
        Conventions and versions.
    """

    design: str
    solved: str
    n: tuple[float, ...]
    scale: float
    alpha: float
    effects: tuple[EffectPower, ...]
    means: Mapping[str, float]
    engine: str
    notes: tuple[str, ...] = ()
    provenance: Provenance

    def __getitem__(self, effect: str) -> EffectPower:
        """Return one effect by its name."""
        for row in self.effects:
            if row.effect == effect:
                return row
        raise NotFoundError(choices("The effect", effect, [row.effect for row in self.effects]))

    @property
    def value(self) -> float | tuple[float, ...]:
        """The argument solved for; all effects' powers where that was the power."""
        answers = {"n": self.n[0], "scale": self.scale, "alpha": self.alpha}
        return answers[self.solved] if self.solved in answers else tuple(row.power for row in self.effects)

    def frame(self) -> pd.DataFrame:
        """Return one row for each effect.

        Returns
        -------
        DataFrame
            Columns as the attributes of `EffectPower`.
        """
        return pd.DataFrame([{name: getattr(row, name) for name in _COLUMNS} for row in self.effects])

    def page(self) -> Page:
        """Return the powers as a page, with the cell means to check.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        sizes = sorted(set(self.n))
        n = _told("n", sizes[0]) if len(sizes) == 1 else ", ".join(_told("n", value) for value in self.n)
        people = math.fsum(self.n)
        facts = Facts(
            (
                ("solved for", self.solved),
                ("n in each between cell", n),
                ("participants in all", number(math.ceil(round(people, 6)))),
                ("scale of the means", number(self.scale)),
                ("alpha", number(self.alpha, unit_interval=True)),
                ("engine", self.engine),
            )
        )
        rows = [{name: getattr(row, name) for name in _COLUMNS} for row in self.effects]
        means = [{"cell": cell, "mean": mean} for cell, mean in self.means.items()]
        check = table_of(means, caption="Means, to check their order")
        blocks: list[Block] = [facts, table_of(rows, decimals=4), check]
        blocks += [Notice(note) for note in self.notes]
        return Page(title=f"Power of {self.design}", blocks=(*blocks, self.provenance.facts()))


_COLUMNS = ("effect", "power", "ncp", "df", "df2", "critical", "f", "partial_eta2", "epsilon")
