"""`grid`: one question over a range of its arguments, as a table that `report` can draw as a curve or a surface."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from feedbackstudy.errors import InputError, NotFoundError, choices
from feedbackstudy.power.answer import AnovaPower, PowerAnswer, made
from feedbackstudy.power.assumed import assumed_blocks
from feedbackstudy.power.batched.paths import MediationPower
from feedbackstudy.power.diagnosed import Diagnosis
from feedbackstudy.power.solution import Solution
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Facts, Page, Rendered, number, table_of

__all__ = ["Answer", "PowerGrid", "grid", "points", "powers"]

type Answer = PowerAnswer | AnovaPower | MediationPower | Diagnosis | Solution
"""What a question about power is answered with."""

_MOST_ROWS = 40


def powers(answer: Answer) -> dict[str, tuple[float, float]]:
    """Return the powers in an answer by name, each with its Monte-Carlo error.

    Parameters
    ----------
    answer : PowerAnswer, AnovaPower, MediationPower, Diagnosis or Solution
        Of any question about power.

    Returns
    -------
    dict
        Test, effect, path or hypothesis -> power and Monte-Carlo standard error; the error is 0 where nothing was
        simulated. Of a path it is joint significance, where that exists.
    """
    if isinstance(answer, PowerAnswer):
        return {answer.question: (answer.power, answer.mcse or 0.0)}
    if isinstance(answer, AnovaPower):
        return {row.effect: (row.power, 0.0) for row in answer.effects}
    if isinstance(answer, MediationPower):
        return {
            row.path: (row.power_interval, row.mcse_interval)
            if row.power_joint is None
            else (row.power_joint, row.mcse_joint or 0.0)
            for row in answer.effects
        }
    if isinstance(answer, Diagnosis):
        return {row.hypothesis: (row.power, row.power_mcse) for row in answer.rows}
    return {answer.hypothesis or "all": (answer.reached, answer.mcse)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowerGrid(Rendered):
    """Answers over a grid of values. Make it with `grid` or `sweep`.

    Attributes
    ----------
    vary : tuple of str
        What varies, in the order of the columns.
    names : tuple of str
        Hypotheses, effects or paths: one row each at every point.
    figure : str
        The column to show: ``"power"``, ``"decided"`` ...; its Monte-Carlo error is ``<figure>_mcse``.
    target : float
        What it should reach.
    assumed : tuple of (str, str)
        What was assumed at every point, in words.
    engine : str
        How the answers were made.
    provenance : Provenance
        Seed, conventions, versions.
    """

    _frame: pd.DataFrame
    vary: tuple[str, ...]
    names: tuple[str, ...]
    figure: str = "power"
    target: float = 0.8
    assumed: tuple[tuple[str, str], ...] = ()
    engine: str
    provenance: Provenance

    def __len__(self) -> int:
        return len(self._frame)

    def __getitem__(self, name: str) -> "PowerGrid":
        """Return the rows of one hypothesis, effect or path."""
        return self.of(name)

    def of(self, *names: str) -> "PowerGrid":
        """Return the rows of some hypotheses, effects or paths.

        Parameters
        ----------
        *names : str
            Which.

        Returns
        -------
        PowerGrid
            A smaller grid.

        Raises
        ------
        NotFoundError
            For a name that is not there, with the nearest.
        """
        for name in names:
            if name not in self.names:
                raise NotFoundError(choices("Row", name, self.names))
        return replace(self, _frame=self._frame[self._frame["hypothesis"].isin(names)], names=names)

    @property
    def figures(self) -> tuple[str, ...]:
        """The columns that can be shown: those with a Monte-Carlo error beside them."""
        return tuple(name for name in self._frame.columns if f"{name}_mcse" in self._frame.columns)

    def showing(self, figure: str, *, target: float | None = None) -> "PowerGrid":
        """Return the same grid with another column shown.

        Parameters
        ----------
        figure : str
            One of `figures`.
        target : float, optional
            What it should reach; as before by default.

        Returns
        -------
        PowerGrid
            The grid.

        Raises
        ------
        NotFoundError
            For an unknown column, with the nearest.
        """
        if figure not in self.figures:
            raise NotFoundError(choices("Figure", figure, self.figures))
        return replace(self, figure=figure, target=self.target if target is None else target)

    def values(self, path: str) -> tuple[float, ...]:
        """Return the values of what varies, in order.

        Parameters
        ----------
        path : str
            One of `vary`.

        Returns
        -------
        tuple of float
            Each value once.
        """
        if path not in self.vary:
            raise NotFoundError(choices("Path", path, self.vary))
        return tuple(sorted(float(value) for value in self._frame[path].unique()))

    def at(self, point: Mapping[str, float]) -> "PowerGrid":
        """Return the points where some of what varies has a given value.

        Parameters
        ----------
        point : mapping of str to float
            Path -> one of its values.

        Returns
        -------
        PowerGrid
            A grid over what is left to vary.

        Raises
        ------
        InputError
            For a value that was not tried.
        """
        frame = self._frame
        for path, value in point.items():
            known = self.values(path)
            if value not in known:
                tried = ", ".join(number(each) for each in known)
                raise InputError(f"{path} = {value:g} was not tried; the grid holds: {tried}.")
            frame = frame[frame[path] == value]
        return replace(self, _frame=frame, vary=tuple(path for path in self.vary if path not in point))

    def frame(self) -> pd.DataFrame:
        """Return one row for each point and name.

        Returns
        -------
        DataFrame
            What varies, ``hypothesis``, then every figure with its Monte-Carlo error.
        """
        return self._frame.reset_index(drop=True)

    def page(self) -> Page:
        """Return the shown figure as a page.

        Returns
        -------
        Page
            Ready to render.
        """
        error = f"{self.figure}_mcse"
        simulated = bool((self._frame[error] > 0).any())
        columns = [*self.vary, "hypothesis", self.figure, *([error] if simulated else [])]
        heads = {error: "Monte-Carlo error"}
        shown = self._frame[columns].head(_MOST_ROWS).to_dict("records")
        rows = [{heads.get(str(k), str(k)): v for k, v in row.items()} for row in shown]
        more = len(self._frame) - len(rows)
        facts = [("varied", ", ".join(self.vary)), ("points and names", number(len(self))), ("engine", self.engine)]
        facts += [("not shown", f"{number(more)} rows; .frame() has them all")] if more else []
        blocks: list[Block] = [Facts(tuple(facts)), table_of(rows), *assumed_blocks(self.assumed)]
        return Page(title=f"{self.figure} over {', '.join(self.vary)}", blocks=(*blocks, self.provenance.facts()))


def grid(
    question: Callable[..., Answer], vary: Mapping[str, Sequence[float]], *, target: float = 0.8, **fixed: object
) -> PowerGrid:
    """Ask one question about power at every combination of values.

    Parameters
    ----------
    question : callable
        Such as `power.t_test`, `power.anova` or `power.mediation`; or a function of your own that returns one of their
        answers.
    vary : mapping of str to sequence of float
        Argument -> values, such as ``{"n": range(20, 200, 10), "d": [0.2, 0.5]}``.
    target : float, default 0.8
        The power that is wanted: a line in the picture.
    **fixed : object
        All other arguments; a `seed` is the same at every point.

    Returns
    -------
    PowerGrid
        One row for each point and effect, which `report.figure` draws as a curve or a surface.

    Raises
    ------
    InputError
        For nothing to vary, an empty range, an argument given twice, or whatever the question itself refuses.
    """
    tried = points(vary, fixed)
    frames, last = [], None
    for point in tried:
        last = question(**point, **fixed)
        frames += [
            {**point, "hypothesis": name, "power": value, "power_mcse": error}
            for name, (value, error) in powers(last).items()
        ]
    frame = pd.DataFrame(frames)
    source = last.provenance if last is not None else made("grid", ())
    return PowerGrid(
        _frame=frame,
        vary=tuple(vary),
        names=tuple(dict.fromkeys(frame["hypothesis"])),
        target=target,
        engine=getattr(last, "engine", ""),
        provenance=source,
    )


def points(vary: Mapping[str, Sequence[float]], fixed: Iterable[str]) -> list[dict[str, float]]:
    """Return every combination of values, the last argument's changing fastest.

    Parameters
    ----------
    vary : mapping of str to sequence of float
        Argument -> values.
    fixed : iterable of str
        Arguments that are given besides.

    Returns
    -------
    list of dict
        Argument -> value, one for each point.

    Raises
    ------
    InputError
        For nothing to vary, an empty range, or an argument given twice.
    """
    twice = sorted(set(vary) & set(fixed))
    if twice:
        raise InputError(f"{twice[0]!r} is both varied and given; leave one of the two out.")
    empty = [name for name, values in vary.items() if len(values) == 0]
    if not vary or empty:
        which = f"{empty[0]!r} has no values" if empty else "nothing varies"
        raise InputError(f"There is no grid: {which}. Give vary={{'n': [50, 100, 200]}}, for instance.")
    return [dict(zip(vary, values, strict=True)) for values in itertools.product(*vary.values())]
