"""Reference values of mediation: lavaan's estimates, standard errors and intervals, sandwich's robust errors.

Values: ``tests/reference/mediation.json``, made by ``mediation.R`` beside it, which names the calls and versions.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import pandas as pd

from feedbackstudy.analysis.mediation import mediation
from feedbackstudy.analysis.mediation_result import Mediation
from tools.psychometrics_reference import REFERENCE, Case

ML = 1e-6  # closed form here; lavaan stops a search
EM = 2e-6  # both sides stop a search
ROBUST = 1e-8
BOOT = 0.02  # Monte-Carlo error of two bootstraps of some thousand draws, on limits of effects of size .1 to .5


@cache
def reference() -> dict[str, Any]:
    """Return the values of R."""
    found: dict[str, Any] = json.loads((REFERENCE / "mediation.json").read_text(encoding="utf-8"))
    return found


@cache
def feedback(name: str = "feedback400") -> pd.DataFrame:
    """Return our invented data with gain framing and immediate timing as 0 and 1."""
    data = pd.read_csv(REFERENCE / f"{name}.csv")
    data["Fg"] = (data["framing"] == "gain").astype(float)
    data["Ti"] = (data["timing"] == "immediate").astype(float)
    return data


@cache
def answered(section: str) -> Mediation:
    """Return our analysis of one section of the reference."""
    common: dict[str, Any] = {"covariates": ["baseline"], "seed": 1, "vcov": "ml", "draws": 1000}
    serial = partial(mediation, x="Fg", mediators=["challenge", "selfeff"], y="outcome", structure="serial")
    parallel = partial(mediation, x="Fg", mediators=["challenge", "threat"], y="selfeff", structure="parallel")
    simple = partial(mediation, x="Fg", mediators="challenge", y="outcome")
    fiml: dict[str, Any] = {"covariates": ["baseline"], "seed": 1, "draws": 1000, "missing": "fiml"}
    calls: dict[str, Callable[[], Mediation]] = {
        "serial": lambda: serial(feedback(), **common),
        "parallel": lambda: parallel(feedback(), **common),
        "parallel_uncorrelated": lambda: parallel(feedback(), correlated=False, **common),
        "first": lambda: simple(feedback(), moderator="Ti", moderates=["first"], **common),
        "second": lambda: simple(feedback(), moderator="threat", moderates=["second"], **common),
        "all_legs": lambda: simple(
            feedback(),
            moderator="Ti",
            moderates=["first", "second", "direct"],
            **{**common, "covariates": []},
        ),
        "serial_fiml": lambda: serial(feedback("feedback_missing"), **fiml),
        "parallel_fiml": lambda: parallel(feedback("feedback_missing"), **fiml),
        "serial_listwise": lambda: serial(feedback("feedback_missing"), **common),
    }
    return calls[section]()


_ROUTE = "Fg > challenge > outcome"
EFFECTS: Mapping[str, Mapping[str, str]] = {
    "serial": {
        "i1": _ROUTE,
        "i2": "Fg > selfeff > outcome",
        "i12": "Fg > challenge > selfeff > outcome",
        "indirect": "total indirect",
        "total": "total",
        "difference": f"difference: ({_ROUTE}) minus (Fg > selfeff > outcome)",
    },
    "parallel": {
        "i1": "Fg > challenge > selfeff",
        "i2": "Fg > threat > selfeff",
        "indirect": "total indirect",
        "total": "total",
        "difference": "difference: (Fg > challenge > selfeff) minus (Fg > threat > selfeff)",
    },
    "first": {
        "low": f"{_ROUTE}, Ti = 0",
        "high": f"{_ROUTE}, Ti = 1",
        "index": f"index: {_ROUTE}, per unit of Ti",
        "total_low": "total, Ti = 0",
    },
    "second": {"low": "- 1 sd", "high": "+ 1 sd", "index": f"index: {_ROUTE}, per unit of threat"},
    "all_legs": {
        "low": f"{_ROUTE}, Ti = 0",
        "high": f"{_ROUTE}, Ti = 1",
        "index": f"index: {_ROUTE}, Ti = 1 minus Ti = 0",
        "direct_high": "direct, Ti = 1",
    },
}
"""Section -> name in R -> our effect (in "second": the end of its label)."""


def _same(section: str) -> Mapping[str, str]:
    return EFFECTS["serial" if section.startswith("serial") else "parallel" if section.startswith("par") else section]


def position(section: str, name: str) -> int:
    """Return the place of an effect of R among ours."""
    wanted = _same(section)[name]
    names = [answer.effect.name for answer in answered(section).answers]
    if section == "second" and name != "index":
        return next(i for i, n in enumerate(names) if n.startswith(_ROUTE) and n.endswith(f"{wanted})"))
    return names.index(wanted)


def _effect(section: str, name: str) -> tuple[float, float]:
    at, found = position(section, name), answered(section)
    return float(found.delta.estimate[at]), float(found.delta.se[at])


def _coefficient(section: str, name: str) -> tuple[float, float]:
    found = answered(section)
    labels = [found.design.system.label(i) for i in range(found.design.system.size)]
    at = labels.index(name)
    return float(found.fit.theta[at]), float(found.fit.se[at])


def _lavaan() -> Iterator[Case]:
    sections = ("serial", "parallel", "parallel_uncorrelated", "first", "second", "all_legs")
    for section in (*sections, "serial_fiml", "parallel_fiml", "serial_listwise"):
        known = reference()[section]
        for row in known["rows"]:
            name = row["name"]
            if " ~ " in name and section not in ("serial", "parallel", "serial_fiml", "parallel_fiml"):
                continue  # columns of products have other names, or are centred
            yield Case(
                section=f"Mediation, {section.replace('_', ', ')}",
                what=f"{name}: estimate and standard error",
                reference=[row["est"], row["se"]],
                source=f"lavaan::sem({'missing = fiml; ' if 'fiml' in section else ''}{known['call']})",
                ours=partial(_coefficient if " ~ " in name else _effect, section, name),
                tolerance=EM if "fiml" in section else ML,
            )


@cache
def _robust(kind: str) -> Mediation:
    options: dict[str, Any] = {"cluster": "interviewer"} if kind == "CR1" else {}
    return mediation(
        feedback(),
        "Fg",
        ["challenge", "selfeff"],
        "outcome",
        structure="serial",
        covariates=["baseline"],
        vcov="CR1" if kind == "CR1" else "HC3",
        draws=1000,
        n_boot=999,
        seed=1,
        **options,
    )


def _robust_se(kind: str, predictor: str) -> float:
    frame = _robust(kind).coefficients()
    name = {"(Intercept)": "1"}.get(predictor, predictor)
    return float(frame.loc[(frame["response"] == "outcome") & (frame["predictor"] == name), "se"].iloc[0])


def _sandwich() -> Iterator[Case]:
    known = reference()["robust"]
    for row in known["rows"]:
        for kind, key in (("HC3", "hc3"), ("CR1", "cr1")):
            if row["name"] == "(Intercept)":
                continue
            yield Case(
                section="Mediation, robust standard errors of the outcome's equation",
                what=f"{row['name']}: {kind}",
                reference=row[key],
                source=f"sandwich: {known['call']}",
                ours=partial(_robust_se, kind, row["name"]),
                tolerance=ROBUST,
            )


@cache
def _bootstrapped() -> Mediation:
    return mediation(
        feedback(),
        "Fg",
        ["challenge", "selfeff"],
        "outcome",
        structure="serial",
        covariates=["baseline"],
        n_boot=20_000,
        draws=1000,
        seed=1,
    )


def _limits(name: str) -> tuple[float, float, float]:
    a = _bootstrapped()[EFFECTS["serial"][name]]
    return a.se, a.low, a.high


def _boot() -> Iterator[Case]:
    known = reference()["serial_percentile"]
    for row in known["rows"]:
        if row["name"] in EFFECTS["serial"]:
            yield Case(
                section="Mediation, percentile bootstrap",
                what=f"{row['name']}: standard error and limits",
                reference=[row["se"], row["low"], row["high"]],
                source=f"lavaan: {known['call']}",
                ours=partial(_limits, row["name"]),
                tolerance=BOOT,
            )


def cases() -> tuple[Case, ...]:
    """Return every reference value of mediation with the call that answers it."""
    return tuple(case for part in (_lavaan, _sandwich, _boot) for case in part())
