"""Invented answers to a scale from a stated truth: what a validation must find again. Never data."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames import Responses
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.scales import Scale, get

__all__ = ["invented_answers"]

type Floats = NDArray[np.float64]


def invented_answers(
    scale: Scale | str,
    people: int,
    *,
    seed: int,
    loading: float = 0.7,
    correlation: float = 0.3,
    groups: Mapping[str, Mapping[str, float]] | None = None,
    drift: Mapping[str, Mapping[str, float]] | None = None,
    careless: float = 0.0,
    name: str | None = None,
) -> Responses:
    """Invent answers whose truth is known: one normal factor a subscale, cut into the scale's answers.

    Parameters
    ----------
    scale : Scale or str
        A scale with one form, or a code of the library.
    people : int
        How many, over all groups, as even as possible.
    seed : int
        Seed.
    loading : float, default 0.7
        Standardised loading of every item on its factor.
    correlation : float, default 0.3
        Correlation of the factors.
    groups : mapping of str to (mapping of str to float), optional
        Group -> subscale -> mean of the factor there, in its standard deviations; one group without shifts otherwise.
    drift : mapping of str to (mapping of str to float), optional
        Group -> item column -> shift of that item alone, in standard deviations of its response: non-invariance.
    careless : float, default 0
        Share of people who give one answer throughout.
    name : str, optional
        Start of the item columns; the scale's code by default.

    Returns
    -------
    Responses
        Arm ``"feedback"``, occasion ``"t1"``, the groups as the factor ``group``; items that the key reverses hold
        reversed answers.

    Raises
    ------
    DataError
        For a loading, correlation or share out of range, or a name that the scale does not have.
    """
    chosen = get(scale) if isinstance(scale, str) else scale
    form = chosen.require_scorable(None)
    columns = form.columns(name or chosen.code)
    factors = {s.name: [columns[p - 1] for p in s.items or ()] for s in form.subscales}
    arms = dict(groups) if groups else {"everyone": {}}
    _refuse(loading, correlation, careless, factors, arms, drift or {})
    rng = np.random.default_rng(seed)
    arm = np.resize(list(arms), people)
    means = np.array([[arms[a].get(f, 0.0) for f in factors] for a in arms])
    phi = np.full((len(factors), len(factors)), correlation)
    np.fill_diagonal(phi, 1.0)
    eta = rng.multivariate_normal(np.zeros(len(factors)), phi, people) + means[np.resize(np.arange(len(arms)), people)]
    options = form.likert_options
    points = options.points if options is not None else None
    if options is None or points is None:
        raise DataError(f"Scale {chosen.code!r} has no counted answers; answers on a line are not invented here.")
    cuts = ndtri(np.arange(1, points) / points) * 1.1
    low, high, step = options.min, options.max, options.step or 1.0
    table: dict[str, Floats] = {}
    for f, items in enumerate(factors.values()):
        for item in items:
            shift = np.array([(drift or {}).get(a, {}).get(item, 0.0) for a in arm])
            latent = loading * eta[:, f] + shift + rng.normal(size=people) * np.sqrt(1 - loading**2)
            codes = low + step * np.searchsorted(cuts, latent)
            turned = columns.index(item) + 1 in form.to_reverse
            table[item] = low + high - codes if turned else codes
    frame = pd.DataFrame({column: table[column] for column in columns if column in table})
    idle = rng.random(people) < careless
    frame.loc[idle] = low + step * rng.integers(0, points, (int(idle.sum()), 1))
    names = [f"p{k + 1:04d}" for k in range(people)]
    identity = pd.DataFrame({"participant": names, "arm": "feedback", "occasion": "t1", "group": arm})
    return Responses.from_frame(
        pd.concat([identity, frame], axis="columns"),
        items=list(frame.columns),
        factors=["group"],
        already_reversed=[],
        provenance=_said(chosen, seed, loading, correlation, careless),
    )


def _said(scale: Scale, seed: int, loading: float, correlation: float, careless: float) -> Provenance:
    return origin(
        "invented_answers",
        f"INVENTED answers to {scale.code}; nobody was asked",
        f"truth: loadings {loading:g}, factor correlation {correlation:g}, share of careless people {careless:g}",
        seed=seed,
    )


def _refuse(
    loading: float,
    correlation: float,
    careless: float,
    factors: Mapping[str, list[str]],
    arms: Mapping[str, Mapping[str, float]],
    drift: Mapping[str, Mapping[str, float]],
) -> None:
    if not (0 < loading < 1 and 0 <= correlation < 1 and 0 <= careless < 1):
        raise DataError(
            f"loading {loading:g}, correlation {correlation:g}, careless {careless:g}: a loading lies between 0 and 1, "
            "a correlation and a share from 0 to below 1."
        )
    items = [item for names in factors.values() for item in names]
    shifted = [name for shifts in arms.values() for name in shifts]
    drifting = [name for shifts in drift.values() for name in shifts]
    for what, given, known in (
        ("Subscale that differs between groups", shifted, list(factors)),
        ("Group with drift", list(drift), list(arms)),
        ("Item with drift", drifting, items),
    ):
        unknown = [name for name in given if name not in known]
        if unknown:
            raise DataError(choices(what, unknown[0], known))
