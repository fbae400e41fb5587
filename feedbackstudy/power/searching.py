"""The search for the value at which a goal is reached: it walks near the target, then spends its replicates there.

Probits of a power are nearly straight in the root of a number and in the size of an effect, logarithms of a width in
the logarithm of a number: a line through the values tried near the target says where to look next, and when to stop.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import special

from feedbackstudy.errors import InputError
from feedbackstudy.power.evaluating import Evaluator, Point
from feedbackstudy.power.local_line import Line, Slope, fitted, gap_of, steepness
from feedbackstudy.simulate.draw import BLOCK

__all__ = ["Found", "Progress", "Search", "Stop"]

type Progress = Callable[[float, int, float], object]
"""Told a value that was tried, the replicates made there so far, and what they reach."""

_EXPLORE = 5 * BLOCK
_MOST = 20_000
_ROUNDS = 24
_NEAR = 1.0  # scaled units from the target within which the curve is taken as straight
_UNSURE = {"power": 0.15, "width": 0.1}  # of the slope that is guessed beforehand, by which it may be off
_VERY_UNSURE = 0.5  # where the curve of the goal does not begin at the level of the test
_BESIDE = 0.2  # scaled units from the root within which replicates tell as much as at the root
_STAY = 0.5  # errors of the root within which a value that was tried stands for it
_LEAVE = 1.0  # errors of the root from which on the answer is looked for elsewhere
_OWN, _OWN_MOST = 0.4, 700  # share of the replicates that the answer itself must have, but no more than these


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """When an answer is good enough.

    Attributes
    ----------
    precision : float
        Half the range that Monte-Carlo error leaves to the answer (plus and minus two errors), as a share of it.
    mcse : float or None
        Monte-Carlo error of the goal instead.
    """

    precision: float
    mcse: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where the goal is reached.

    Attributes
    ----------
    point : Point
        The answer.
    low, high : float
        What Monte-Carlo error leaves possible: plus and minus two errors.
    notes : tuple of str
        Where the search ended before the answer was good enough.
    """

    point: Point
    low: float
    high: float
    notes: tuple[str, ...]


class Search:
    """Tries values, remembers them, and closes in on the target.

    Parameters
    ----------
    evaluator : Evaluator
        Makes replicates.
    target : float
        What the goal is to be.
    low, high : float
        Where to look.
    progress : callable, optional
        Told of every value after new replicates.
    """

    def __init__(
        self, evaluator: Evaluator, target: float, low: float, high: float, progress: Progress | None = None
    ) -> None:
        self.evaluator, self.target, self.low, self.high = evaluator, target, low, high
        self.progress = progress
        self.points: dict[float, Point] = {}
        self.shares = evaluator.goal != "width"
        self.whole = evaluator.vary.startswith("n.")
        named = evaluator.vary in evaluator.study.hypotheses.names
        self.rises = self.whole or named or evaluator.vary == "effect_scale"

    @property
    def curve(self) -> list[dict[str, float]]:
        """Every value tried, with the goal, its Monte-Carlo error, and the replicates."""
        return [
            {
                "value": round(value) if self.whole else value,
                "reached": point.reached,
                "mcse": point.mcse,
                "n_simulations": point.done,
            }
            for value, point in sorted(self.points.items())
        ]

    def at(self, value: float, simulations: int) -> Point:
        """Return what is known at a value.

        Parameters
        ----------
        value : float
            Of what varies; rounded where it counts units.
        simulations : int
            Replicates, at least.

        Returns
        -------
        Point
            With its replicates.
        """
        value = float(round(value)) if self.whole else float(value)
        if value not in self.points:
            self.points[value] = self.evaluator.point(value, self._u(value))
        point = self.points[value]
        if point.done < simulations:
            self.evaluator.grow(point, simulations)
            if self.progress is not None:
                self.progress(value, point.done, point.reached)
        return point

    def find(self, start: float, stop: Stop) -> Found:
        """Return where the target is reached.

        Parameters
        ----------
        start : float
            Where to look first.
        stop : Stop
            When the answer is good enough.

        Returns
        -------
        Found
            The answer.

        Raises
        ------
        InputError
            Where nothing between the limits reaches the target.
        """
        point = self._walk(min(max(start, self.low), self.high))
        for _ in range(_ROUNDS):
            line = self._line(point)
            more = self._short(line, stop)
            if more and self._spent() < _MOST:
                point = self._beside(line)
            else:
                point = self._stand(line, point)
                more = self._own_short(line, point, stop)
                if not more or point.done >= _MOST:
                    break
            point = self.at(point.value, point.done + more)
        line = self._line(point)
        low, high = self._range(line)
        return Found(point=point, low=low, high=high, notes=self._notes(line, point, stop))

    def _walk(self, value: float) -> Point:
        """Walk until a value is so near the target that the curve is straight there."""
        for _ in range(_ROUNDS):
            point = self.at(value, _EXPLORE)
            if abs(self._gap(point)) < _NEAR / 2 and (self.rises or None not in self._bracket()):
                break
            there = self._next(point)
            there = float(round(there)) if self.whole else there
            if there == value:
                break
            value = there
        return point

    def _beside(self, line: Line) -> Point:
        """Return a value that was tried and lies beside the root, else the root."""
        near = [p for p in self.points.values() if abs((p.u - line.root) * line.slope) < _BESIDE]
        if near:
            return min(near, key=lambda p: abs(p.u - line.root))
        return self.at(self._rounded(self._back(line.root)), _EXPLORE)

    def _stand(self, line: Line, point: Point) -> Point:
        """Return the value for the root: one that was tried where that is as good, else the root itself."""
        if point.done > _EXPLORE and abs(point.u - line.root) <= _LEAVE * line.root_error:
            return point
        within = [p for p in self.points.values() if abs(p.u - line.root) <= _STAY * line.root_error]
        if within:
            return max(within, key=lambda p: p.done)
        return self.at(self._rounded(self._back(line.root)), _EXPLORE)

    def _short(self, line: Line, stop: Stop) -> int:
        """Return how many more replicates the root needs, wherever they are made; at most as many as there are."""
        error = line.root_error * abs(line.slope) * steepness(self.target, shares=self.shares)
        ratio = self._half(line) / self._allowed(line, stop) if stop.mcse is None else error / stop.mcse
        return self._more(line.n * (ratio**2 - 1), line.n)

    def _own_short(self, line: Line, point: Point, stop: Stop) -> int:
        """Return how many more replicates the answer itself needs, so that what is reached there can be told."""
        wanted = [min(_OWN * line.n, _OWN_MOST) - point.done]
        if stop.mcse is not None:
            wanted.append(point.done * ((point.mcse / stop.mcse) ** 2 - 1))
        if self._misses(point):
            wanted.append(point.done / 2)
        return self._more(max(wanted), 2 * point.done)

    def _more(self, wanted: float, most: float) -> int:
        return math.ceil(min(max(wanted, BLOCK), max(most, 2 * _EXPLORE))) if wanted > 0 else 0

    def _misses(self, point: Point) -> bool:
        """Say whether the goal at the answer misses the target by more than its error lets expect."""
        return abs(point.reached - self.target) > 2 * max(point.mcse, 1 / point.done)

    def _half(self, line: Line) -> float:
        low, high = self._range(line)
        return (high - low) / 2

    def _range(self, line: Line) -> tuple[float, float]:
        ends = [self._back(line.root + side * 2 * line.root_error) for side in (-1, 1)]
        return max(min(ends), self.low), min(max(ends), self.high)

    def _allowed(self, line: Line, stop: Stop) -> float:
        value = self._back(line.root)
        if self.whole:
            return max(stop.precision * value, 0.5)
        return stop.precision * max(abs(value), (self.high - self.low) / 10)

    def _spent(self) -> int:
        return sum(point.done for point in self.points.values())

    def _notes(self, line: Line, point: Point, stop: Stop) -> tuple[str, ...]:
        notes = []
        if stop.mcse is None and self._half(line) > 1.1 * self._allowed(line, stop):
            share = self._half(line) / max(abs(self._back(line.root)), 1e-9)
            notes.append(
                f"After {self._spent():,} invented studies the answer is known to plus or minus {share:.0%} only: the "
                "goal hardly changes there. Take it as a rough one."
            )
        if self._misses(point):
            notes.append(
                f"What was reached in {point.done:,} invented studies at the answer ({point.reached:.3f}) misses "
                f"the target of {self.target:g} by more than twice its error; ask again with another seed, or "
                "a smaller precision."
            )
        return tuple(notes)

    def _u(self, value: float) -> float:
        if not self.shares:
            return math.log(max(value, 1e-9))
        return math.sqrt(max(value, 0.0)) if self.whole else value

    def _back(self, u: float) -> float:
        if not self.shares:
            return math.exp(min(u, 50.0))
        return max(u, 0.0) ** 2 if self.whole else u

    def _gap(self, point: Point) -> float:
        return gap_of(point.tried, self.target, shares=self.shares)

    def _line(self, point: Point) -> Line:
        """Return the line through the values near the target, or through one and what is known of the slope."""
        near = [p for p in self.points.values() if abs(self._gap(p)) < _NEAR] or [point]
        guess = self._guess(point) if self.rises else None
        line = fitted([p.tried for p in near], self.target, shares=self.shares, guess=guess)
        if line is None or not line.slope or (guess is not None and line.slope * guess.value <= 0):
            best = min(near, key=lambda p: abs(self._gap(p)))
            slope = self._guess(best) if guess is not None else self._secant()
            line = fitted([best.tried], self.target, shares=self.shares, guess=slope)
        if line is None:  # a guess of the slope always gives a line
            raise InputError(f"Nothing can be said about {self.evaluator.goal} over {self.evaluator.vary}.")
        return line

    def _root(self, point: Point) -> float:
        """Return where the target may lie, seen from a value that may be far away."""
        if any(abs(self._gap(p)) < _NEAR for p in self.points.values()):
            return self._line(point).root
        slope = self._guess(point) if self.rises else self._secant()
        return point.u - self._gap(point) / slope.value

    def _guess(self, point: Point) -> Slope:
        """Return the slope from one value: power is near its level where nothing is there to find."""
        unsure = _UNSURE.get(self.evaluator.goal, _VERY_UNSURE)
        if not self.shares:
            return Slope(value=-0.5, sd=0.5 * unsure)
        level = float(special.ndtri(self.evaluator.study.plan.alpha / 2)) - float(special.ndtri(self.target))
        slope = max(self._gap(point) - level, 0.15) / max(point.u, 1e-9)
        return Slope(value=slope, sd=unsure * slope)

    def _secant(self) -> Slope:
        """Return the slope between the values nearest to the target on both sides, where nobody knows the direction."""
        below, above = self._bracket()
        if below is None or above is None or below.u == above.u:
            return Slope(value=1.0, sd=10.0)
        slope = (self._gap(above) - self._gap(below)) / (above.u - below.u)
        return Slope(value=slope or 1.0, sd=_VERY_UNSURE * abs(slope or 1.0))

    def _next(self, point: Point) -> float:
        """Return where to look next: on the line, but inside the bracket, and not too far."""
        below, above = self._bracket()
        if not self.rises and (below is None or above is None):
            return self._ends()
        root = self._back(self._root(point))
        if below is None or above is None:
            root = min(max(root, point.value / 8, self.low), max(point.value * 8, self.low), self.high)
            if self._rounded(root) in self.points and self._rounded(root) in {self.low, self.high}:
                self._refuse()
            return root
        least, most = sorted((below.value, above.value))
        if not least <= root <= most:
            return self._back((self._u(least) + self._u(most)) / 2)
        return root

    def _ends(self) -> float:
        """Look at both limits where nobody knows the direction."""
        for end in (self.low, self.high):
            if end not in self.points:
                return end
        below, above = self._bracket()
        if below is None or above is None:
            self._refuse()
        return self._back((self._u(self.low) + self._u(self.high)) / 2)

    def _bracket(self) -> tuple[Point | None, Point | None]:
        """Return the values nearest to the target on both sides of it."""
        gaps = [(self._gap(p), p) for p in self.points.values() if self.low <= p.value <= self.high]
        below = max(((gap, p) for gap, p in gaps if gap < 0), key=lambda pair: pair[0], default=None)
        above = min(((gap, p) for gap, p in gaps if gap >= 0), key=lambda pair: pair[0], default=None)
        return below[1] if below else None, above[1] if above else None

    def _refuse(self) -> None:
        vary, goal, low, high = self.evaluator.vary, self.evaluator.goal, self.low, self.high
        at_low, at_high = self.at(low, _EXPLORE).reached, self.at(high, _EXPLORE).reached
        raise InputError(
            f"Nothing between {low:g} and {high:g} for {vary!r} gives a {goal} of {self.target:g}: it is "
            f"{at_low:.4g} at {low:g} and {at_high:.4g} at {high:g}. Give other limits, or change another assumption."
        )

    def _rounded(self, root: float) -> float:
        """Return the first whole number at which the line reaches the target."""
        if not self.whole:
            return min(max(root, self.low), self.high)
        return float(min(max(math.ceil(round(root, 6)), self.low), self.high))
