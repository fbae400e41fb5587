"""Group-sequential tests: boundaries by recursive integration, and the power of looking early."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.solving import Range, positive, probability, question, whole

__all__ = ["Spending", "boundaries", "group_sequential", "stopping"]

type Floats = NDArray[np.float64]
type Spending = Literal["pocock", "obrien-fleming", "lan-demets-obrien-fleming", "lan-demets-pocock"]

_KINDS: tuple[Spending, ...] = ("pocock", "obrien-fleming", "lan-demets-obrien-fleming", "lan-demets-pocock")
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(120)
_FAR = 8.0


def _density(x: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi))


class _Walk:
    """The score process B(t) = Z sqrt(t) of trials that still go on, look by look.

    Parameters
    ----------
    drift : float
        Expected Z at the last look.
    sides : {1, 2}
        One or two boundaries.
    """

    def __init__(self, drift: float, sides: int) -> None:
        self.drift, self.sides, self.time = drift, sides, 0.0
        self._at: Floats = np.zeros(1)
        self._mass: Floats = np.ones(1)

    def crossing(self, bound: float, time: float) -> tuple[float, float]:
        """Return the chances of crossing above and below at this look."""
        step = time - self.time
        edge, centre, spread = bound * math.sqrt(time), self._at + self.drift * step, math.sqrt(step)
        above = float(self._mass @ special.ndtr((centre - edge) / spread))
        below = float(self._mass @ special.ndtr((-edge - centre) / spread)) if self.sides == 2 else 0.0
        return above, below

    def go_on(self, bound: float, time: float) -> None:
        """Move to the trials that did not cross."""
        step, root = time - self.time, math.sqrt(time)
        low = -bound * root if self.sides == 2 else (self.drift * time - _FAR * root)
        high = bound * root
        at = (high - low) / 2 * _NODES + (high + low) / 2
        kernel = _density((at[:, None] - self._at - self.drift * step) / math.sqrt(step)) / math.sqrt(step)
        self._mass = (high - low) / 2 * _WEIGHTS * (kernel @ self._mass)
        self._at, self.time = at, time


def stopping(bounds: Floats, times: Floats, *, drift: float, sides: int) -> Floats:
    """Return the chances of crossing at each look.

    Parameters
    ----------
    bounds : ndarray of shape (looks,)
        Critical values of Z.
    times : ndarray of shape (looks,)
        Information fractions, ending with 1.
    drift : float
        Expected Z at the last look.
    sides : {1, 2}
        One or two boundaries.

    Returns
    -------
    ndarray of shape (2, looks)
        Above, and below.
    """
    walk, found = _Walk(drift, sides), []
    for bound, time in zip(bounds, times, strict=True):
        found.append(walk.crossing(float(bound), float(time)))
        walk.go_on(float(bound), float(time))
    return np.array(found).T


def boundaries(times: Floats, *, kind: Spending, alpha: float, sides: int) -> Floats:
    r"""Return the critical values of Z at each look.

    Parameters
    ----------
    times : ndarray of shape (looks,)
        Information fractions, ending with 1.
    kind : str
        Pocock or O'Brien-Fleming shape, or a Lan-DeMets spending function that imitates one.
    alpha : float
        Level over all looks.
    sides : {1, 2}
        One or two boundaries.

    Returns
    -------
    ndarray of shape (looks,)
        Bounds.

    Notes
    -----
    Jennison & Turnbull (2000), chapters 2, 7 and 19. Spending per side of :math:`a = \alpha / sides`:
    :math:`2 - 2\Phi(z_{1-a/2}/\sqrt t)` (O'Brien-Fleming), :math:`a \ln(1 + (e - 1)t)` (Pocock).
    """
    if kind in ("pocock", "obrien-fleming"):
        shape = np.ones_like(times) if kind == "pocock" else 1 / np.sqrt(times)

        def excess(c: float) -> float:
            return float(stopping(c * shape, times, drift=0.0, sides=sides).sum()) - alpha

        return np.asarray(shape * optimize.brentq(excess, 0.05, 12.0, xtol=1e-10))
    side = alpha / sides
    if kind == "lan-demets-pocock":
        spent = side * np.log1p((math.e - 1) * times)
    else:
        spent = 2 * special.ndtr(special.ndtri(side / 2) / np.sqrt(times))
    return _spend(np.diff(spent, prepend=0.0), times, sides=sides)


def _spend(shares: Floats, times: Floats, *, sides: int) -> Floats:
    walk, bounds = _Walk(0.0, sides), []
    for share, time in zip(shares, times, strict=True):
        # Beyond 38 standard deviations no double-precision tail is left to spend.
        bound = optimize.brentq(lambda c, t=time, a=share: walk.crossing(c, t)[0] - a, -8.0, 38.0, xtol=1e-12)
        bounds.append(float(bound))
        walk.go_on(bounds[-1], float(time))
    return np.array(bounds)


def group_sequential(
    d: float | None = None,
    n: float | None = None,
    *,
    looks: int | Sequence[float],
    kind: Spending = "lan-demets-obrien-fleming",
    power: float | None = None,
    alpha: float = 0.05,
    sides: Literal[1, 2] = 2,
) -> PowerAnswer:
    r"""Solve a group-sequential comparison of two means for its power, sample size or effect.

    Parameters
    ----------
    d : float or None
        Standardised difference.
    n : float or None
        Participants in each group at the last look.
    looks : int or sequence of float
        Number of evenly spaced looks, or the information fractions, ending with 1.
    kind : {"pocock", "obrien-fleming", "lan-demets-obrien-fleming", "lan-demets-pocock"}
        Boundaries.
    power : float or None
        Wanted power.
    alpha : float, default 0.05
        Level over all looks.
    sides : {1, 2}
        One or two boundaries.

    Returns
    -------
    PowerAnswer
        The argument left None; bounds, expected sizes and the inflation factor among the details.

    Raises
    ------
    InputError
        For impossible arguments, or none or several left None.

    Notes
    -----
    See `boundaries`; :math:`Z` at the last look has mean :math:`d \sqrt{n / 2}`. No early stop for futility.
    """
    if kind not in _KINDS:
        raise InputError(choices("The kind of boundary", kind, _KINDS))
    if sides not in (1, 2):
        raise InputError(f"sides = {sides!r} cannot be used: give 1 or 2 boundaries.")
    probability("alpha", alpha)
    positive("n", n, least=1.0, unit="participants in each group at the last look")
    if d is not None and not math.isfinite(d):
        raise InputError(f"d = {d} cannot be used: give a finite number.")
    times = _times(looks)
    bounds = boundaries(times, kind=kind, alpha=alpha, sides=sides)

    def power_at(d: float, n: float) -> float:
        return float(stopping(bounds, times, drift=d * math.sqrt(n / 2), sides=sides).sum())

    def details(d: float, n: float) -> dict[str, float]:
        under = [stopping(bounds, times, drift=x * math.sqrt(n / 2), sides=sides).sum(axis=0) for x in (d, 0.0)]
        sizes = [float(times[:-1] @ stop[:-1] + 1 - stop[:-1].sum()) * n for stop in under]
        found = {f"bound at look {k + 1}": float(bound) for k, bound in enumerate(bounds)}
        found |= {f"power by look {k + 1}": float(total) for k, total in enumerate(under[0].cumsum())}
        return found | {"expected n at d": sizes[0], "expected n without effect": sizes[1]} | _inflation(d, n)

    def _inflation(d: float, n: float) -> dict[str, float]:
        reached = power_at(d, n)
        single = -float(special.ndtri(alpha / sides)) + float(special.ndtri(reached))
        return {"n times that of one look": n * d**2 / 2 / single**2} if alpha < reached < 1 - 1e-9 else {}

    return question(
        "group_sequential",
        power_at,
        given={"d": d, "n": n, "power": power},
        ranges={"d": Range(0.0, 50.0), "n": Range(1.0, 1e8, "participants in each group at the last look")},
        title=f"Group-sequential test of two means, {len(times)} looks",
        engine="exact for known variance: recursive Gauss-Legendre integration",
        conventions=(
            f"{kind} bounds, {sides}-sided alpha {alpha:g} over all looks, information {np.round(times, 4).tolist()}",
            "d in within-group standard deviations; normal test statistic",
            "n counts participants in each group at the last look; no stopping for futility",
        ),
        details=details,
    )


def _times(looks: int | Sequence[float]) -> Floats:
    if isinstance(looks, int):
        whole("looks", looks, unit="looks at the data")
        return np.arange(1, looks + 1) / looks
    times = np.asarray(looks, dtype=np.float64)
    if not times.size or times[0] <= 0 or (np.diff(times) <= 0).any() or abs(times[-1] - 1) > 1e-12:
        raise InputError(
            f"looks = {list(looks)} cannot be used: information fractions rise from above 0 and end with 1."
        )
    return times
