"""Reference values of psychometrics: the table that tests check, and its page.

Run ``python -m tools.psychometrics_reference``.

Values: ``tests/reference/psychometrics.json`` and ``cfa.json``, which name the R packages and versions that made them.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from feedbackstudy import psychometrics as ps
from feedbackstudy.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "psychometrics-reference.md"
REFERENCE = ROOT / "tests" / "reference"

CLOSED = 1e-8  # closed forms; the reference file holds ten digits
OPTIMISER = 1e-5  # both sides stop a search
PSYCH = 1e-4  # where psych's own search stops
THREE = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}
KEYS = {
    "agree": ("A", ["A1"]),
    "conscientious": ("C", ["C4", "C5"]),
    "extraversion": ("E", ["E1", "E2"]),
    "neuroticism": ("N", []),
    "openness": ("O", ["O2", "O5"]),
}
FIT = ("chisq", "chisq.scaled", "cfi", "cfi.robust", "tli", "rmsea", "rmsea.robust", "srmr", "bic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One reference value, or a table of them, and the call that answers it.

    Attributes
    ----------
    section : str
        Heading on the page.
    what : str
        The quantity.
    reference : float or array
        The value of the reference.
    source : str
        The call that made it.
    ours : callable
        The call that answers it.
    tolerance : float
        Allowed difference, absolute, or relative to values above one.
    """

    section: str
    what: str
    reference: ArrayLike
    source: str
    ours: Callable[[], Any]
    tolerance: float

    def pair(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return reference and ours as arrays of one shape."""
        known = np.atleast_1d(np.asarray(self.reference, dtype=np.float64))
        found = np.atleast_1d(np.asarray(self.ours(), dtype=np.float64))
        if known.shape != found.shape:
            raise ValueError(f"{self.what}: reference of shape {known.shape}, ours of shape {found.shape}")
        return known, found

    def difference(self) -> float:
        """Return the largest difference; of values above one, relative to them."""
        known, found = self.pair()
        return float((np.abs(found - known) / np.maximum(np.abs(known), 1.0)).max())


@cache
def data(name: str) -> pd.DataFrame:
    """Return reference data: ``hs``, ``bfi``, ``missing`` or ``shrout``."""
    files = {
        "hs": "holzinger_swineford_1939.csv",
        "missing": "holzinger_swineford_missing.csv",
        "shrout": "shrout_fleiss_1979.csv",
        "bfi": "bfi.csv",
    }
    return pd.read_csv(REFERENCE / files[name], index_col=0 if name == "bfi" else None)


@cache
def scored(name: str) -> pd.DataFrame:
    """Return one scale of bfi, its items in one direction."""
    letter, reverse = KEYS[name]
    items = data("bfi")[[f"{letter}{k}" for k in range(1, 6)]].copy()
    items[reverse] = 7 - items[reverse]
    return items


def nine() -> pd.DataFrame:
    """Return the nine tests of Holzinger and Swineford."""
    return data("hs")[[f"x{k}" for k in range(1, 10)]]


def five() -> pd.DataFrame:
    """Return the 25 items of bfi, complete rows."""
    return data("bfi").iloc[:, :25].dropna()


@cache
def made(function: Callable[..., Any], name: str, **options: object) -> Any:  # noqa: ANN401
    """Call a function on a scored scale, once."""
    return function(scored(name), **options)


def _alpha(oracle: dict[str, Any]) -> Iterator[Case]:
    for name in (n for n in KEYS if n in oracle["alpha"]):
        known = oracle["alpha"][name]["complete"]
        for what, key, read in (
            ("alpha", "raw_alpha", lambda c: c.value),
            ("standardised alpha", "std_alpha", lambda c: c.also["standardised alpha"]),
            ("lambda 6", "G6", lambda c: c.also["lambda 6"]),
            ("lower limit (Feldt)", "feldt_lower", lambda c: c.low),
            ("upper limit (Feldt)", "feldt_upper", lambda c: c.high),
        ):
            ours = partial(_read, ps.alpha, name, read)
            yield _case("Alpha", f"{name}: {what}", known[key], "psych::alpha", ours, CLOSED)
        items = partial(_items, name)
        yield _case("Alpha", f"{name}: item-rest r of 5 items", known["item"]["r.drop"], "psych::alpha", items, CLOSED)
    for name in ("agree", "conscientious", "extraversion", "neuroticism"):
        known = oracle["reliability_ci"][name]
        adf = partial(_read, ps.alpha, name, lambda c: c.se, interval="adf")
        yield _case("Alpha", f"{name}: distribution-free SE", known["alpha_adf"]["se_adf"], "psych", adf, CLOSED)


def _read(function: Callable[..., Any], name: str, read: Callable[[Any], float], **options: object) -> float:
    return read(made(function, name, **options))


def _items(name: str) -> list[float]:
    return list(ps.item_analysis(scored(name).dropna()).statistics["item_rest"])


def _omega(oracle: dict[str, Any]) -> Iterator[Case]:
    for name in ("agree", "conscientious", "extraversion", "neuroticism"):
        known = oracle["reliability_ci"][name]
        for what, kind, key in (("delta-method", "delta", "omega_ml_delta"), ("robust", "robust", "omega_mlr_delta")):
            value = partial(_read, ps.omega, name, lambda c: c.value, interval=kind)
            error = partial(_read, ps.omega, name, lambda c: c.se, interval=kind)
            source = f"lavaan, {'ML' if kind == 'delta' else 'MLR'}, := omega"
            yield _case("Omega", f"{name}: omega total ({what})", known[key]["omega"], source, value, OPTIMISER)
            yield _case("Omega", f"{name}: SE ({what})", known[key]["se"], source, error, OPTIMISER)
    for name in ("agree", "neuroticism"):
        known = oracle["omega_ordinal"][name]
        coefficient = partial(_read, ps.categorical_omega, name, lambda c: c.value)
        latent = partial(_read, ps.categorical_omega, name, lambda c: c.also["omega of the latent responses"])
        source = "semTools::compRelSEM"
        yield _case(
            "Omega", f"{name}: categorical omega", known["compRelSEM_ordscale"]["F"], source, coefficient, OPTIMISER
        )
        yield _case(
            "Omega", f"{name}: omega, latent scale", known["compRelSEM_latentscale"]["F"], source, latent, OPTIMISER
        )
    for name in KEYS:
        ordinal = partial(_read, ps.ordinal_alpha, name, lambda c: c.value)
        known = oracle["alpha_ordinal_psych"][name]
        yield _case("Omega", f"{name}: ordinal alpha", known, "psych::alpha of psych::polychoric", ordinal, 2e-5)
    for key, extraction in (("HS_all9_3f_minres_oblimin", "minres"), ("HS_all9_3f_ml", "ml")):
        for what, name, read in (
            ("omega hierarchical", "omega_h", lambda r: r.value),
            ("omega total", "omega_tot", lambda r: r.total),
            ("explained common variance", "ECV", lambda r: r.explained_common),
        ):
            ours = partial(_hierarchical, extraction, read)
            known = oracle["omega_psych"][key][name]
            yield _case("Omega", f"nine tests, {extraction}: {what}", known, "psych::omega", ours, OPTIMISER)


@cache
def _omega_of(extraction: str) -> Any:  # noqa: ANN401
    return ps.omega_hierarchical(nine(), extraction=extraction)


def _hierarchical(extraction: str, read: Callable[[Any], float]) -> float:
    return read(_omega_of(extraction))


def _halves(oracle: dict[str, Any]) -> Iterator[Case]:
    known = oracle["splithalf"]["agree"]
    for what, value in (
        ("largest split half", known["max_lambda4"]),
        ("smallest split half", known["min_beta"]),
        *((f"lambda {k}", known["guttman"][f"lambda{k}"]) for k in range(1, 7)),
    ):
        name = {"largest split half": "maximum", "smallest split half": "minimum"}.get(what, what)
        ours = partial(_half, name)
        yield _case(
            "Bounds and split halves", f"agree: {what}", value, "psych::splitHalf, psych::guttman", ours, CLOSED
        )


def _half(name: str) -> float:
    return float(made(ps.split_half, "agree").coefficients[name])


def _correlations(oracle: dict[str, Any]) -> Iterator[Case]:
    known = oracle["polychoric"]["lavaan_listwise"]
    section, source = "Polychoric correlations", "lavaan::lavCor, listwise"
    yield _case(section, "300 correlations of 25 items", _square(known["rho"]), source, lambda: _poly().R, 1e-6)
    yield _case(section, "125 thresholds", list(known["thresholds"].values()), source, lambda: _poly().tau, CLOSED)
    both = oracle["tetrachoric"]["lavaan"]
    yield _case(section, "10 tetrachorics", _square(both), "lavaan::lavCor", _tetrachorics, 1e-6)


def _square(table: dict[str, Any]) -> NDArray[np.float64]:
    return np.array(table["values"], dtype=np.float64)


@cache
def _poly() -> Any:  # noqa: ANN401
    return ps.polychoric(data("bfi").iloc[:, :25])


def _tetrachorics() -> Any:  # noqa: ANN401
    items = data("bfi").iloc[:, :25].dropna().iloc[:, :5]
    return ps.tetrachoric((items > 3).astype(float)).R


def _factors(oracle: dict[str, Any]) -> Iterator[Case]:
    section = "Exploratory factors"
    for key, table, count, extraction, rotation, kaiser in (
        ("HS_3f_ml_none", nine, 3, "ml", "none", True),
        ("HS_3f_minres_oblimin", nine, 3, "minres", "oblimin", False),
        ("bfi_5f_minres_oblimin_complete", five, 5, "minres", "oblimin", False),
    ):
        known = oracle["efa"][key]
        target = _square(known["loadings"])
        name = f"{'nine tests' if table is nine else '25 items of bfi'}, {count} factors, {extraction}, {rotation}"
        solve = partial(_efa, table, count, extraction, rotation, kaiser, key)
        unique = list(known["uniquenesses"].values())
        yield _case(section, f"{name}: {target.size} loadings", target, "psych::fa", partial(solve, "loadings"), PSYCH)
        yield _case(section, f"{name}: uniquenesses", unique, "psych::fa", partial(solve, "uniquenesses"), PSYCH)
    for name, table in (("bfi", five), ("HS", nine)):
        known = oracle["factorability"][name]
        kmo = partial(lambda t: ps.factorability(t()).kmo, table)
        chi = partial(lambda t: ps.factorability(t()).chi_square, table)
        yield _case(section, f"{name}: KMO", known["KMO"], "psych::KMO", kmo, CLOSED)
        yield _case(section, f"{name}: Bartlett's chi-square", known["bartlett_chisq"], "psych::cortest", chi, 1e-8)
    known = oracle["map"]["bfi"]["map"]
    partials = partial(lambda k: ps.minimum_average_partial(five()).averages[1 : k + 1], len(known))
    yield _case(section, f"bfi: {len(known)} average partials", known, "psych::vss", partials, CLOSED)
    known = oracle["parallel"]["bfi_complete"]
    parallel = partial(_parallel, "factor_values")
    components = partial(_parallel, "component_values")
    source = "psych::fa.parallel"
    yield _case(section, "bfi: 25 component eigenvalues", known["pc_values"], source, components, CLOSED)
    yield _case(section, "bfi: 25 factor eigenvalues", known["fa_values"], source, parallel, PSYCH)
    yield _case(section, "bfi: factors to keep", known["nfact"], source, partial(_parallel, "factors"), 0.5)
    yield _case(section, "bfi: components to keep", known["ncomp"], source, partial(_parallel, "components"), 0.5)


@cache
def _parallel_of() -> Any:  # noqa: ANN401
    return ps.parallel_analysis(five(), replicates=20)


def _parallel(name: str) -> Any:  # noqa: ANN401
    return getattr(_parallel_of(), name)


def _efa(
    table: Callable[[], pd.DataFrame],
    count: int,
    extraction: str,
    rotation: str,
    kaiser: bool,
    key: str,
    read: str,
) -> Any:  # noqa: ANN401
    target = _square(oracle()["efa"][key]["loadings"])
    found = ps.efa(table(), count, extraction=extraction, rotation=rotation, kaiser=kaiser, align_to=target)
    return getattr(found, read)


def _models(oracle: dict[str, Any]) -> Iterator[Case]:
    hs, section = data("hs"), "Factor models"
    plans: list[tuple[str, dict[str, Any], Callable[[], Any]]] = [
        ("nine tests, ML", oracle["cfa_HS"]["ML"], partial(ps.cfa, hs, THREE, estimator="ML")),
        ("nine tests, MLR", oracle["cfa_HS"]["MLR"], partial(ps.cfa, hs, THREE)),
        ("nine tests, MLMV", oracle["cfa_HS"]["MLMV"], partial(ps.cfa, hs, THREE, estimator="MLMV")),
        (
            "missing answers, FIML",
            oracle["cfa_HS_missing"]["FIML"],
            partial(ps.cfa, data("missing"), THREE, estimator="ML", missing="fiml"),
        ),
        ("10 ordinal items of bfi, WLSMV", oracle["wlsmv_bfi10"], partial(ps.cfa, data("bfi"), TEN, estimator="WLSMV")),
    ]
    for name, known, fit in plans:
        once = cache(fit)
        for index in (i for i in FIT if isinstance(known["fit"].get(i), int | float)):
            loose = 1e-4 if "FIML" in name and index.endswith("robust") else OPTIMISER
            ours = partial(lambda f, i: f().fit[i], once, index)
            yield _case(section, f"{name}: {index}", known["fit"][index], "lavaan::cfa", ours, loose)
    known = oracle["invariance_HS_school"]["MLR"]
    levels = cache(
        partial(ps.invariance, hs, THREE, group="school", levels=("configural", "metric", "scalar", "strict"))
    )
    for level in ("configural", "metric", "scalar", "strict"):
        for index in ("chisq.scaled", "cfi", "rmsea"):
            ours = partial(lambda f, at, i: f()[at].fit.fit[i], levels, level, index)
            yield _case(section, f"between schools, {level}: {index}", known[level][index], "lavaan", ours, OPTIMISER)


TEN = {"A": [f"A{k}" for k in range(1, 6)], "C": [f"C{k}" for k in range(1, 6)]}


def _people(oracle: dict[str, Any]) -> Iterator[Case]:
    section, known = "Agreement, careless answering, item responses", oracle["icc"]["shrout_fleiss"]["aov"]
    forms = cache(lambda: ps.icc(data("shrout").drop(columns=data("shrout").columns[0])))
    for at, form in enumerate(known["type"]):
        values = [known[name][at] for name in ("ICC", "lower bound", "upper bound")]
        ours = partial(lambda f, name: [getattr(f().row(name), x) for x in ("value", "low", "high")], forms, form)
        yield _case(section, f"{form} with interval", values, "psych::ICC, aov", ours, CLOSED)
    known = oracle["careless"]
    table = cache(lambda: ps.careless(five(), scales=_scales(), reverse=_reversed(), answer_range=(1, 6)).indices)
    for what, key, column in (
        ("average string, 10 people", "avgstring_first10", "average_string"),
        ("intra-individual variability, 10 people", "irv_first10", "irv"),
        ("Mahalanobis distance, 10 people", "mahad_D2_first10", "mahalanobis"),
        ("even-odd consistency, 10 people", "evenodd_sb_first10", "even_odd"),
        ("person-total r, 10 people", "person_total_r_first10", "person_total"),
    ):
        ours = partial(lambda f, c: f()[c].iloc[:10], table, column)
        yield _case(section, what, known[key], "careless, psych (see oracle)", ours, 1e-6)
    model = cache(lambda: ps.graded_response(data("bfi")[[f"N{k}" for k in range(1, 6)]], missing="listwise"))
    grm = oracle["grm_bfi_N"]
    for what, value, read, tolerance in (
        ("graded response: log-likelihood", grm["logLik"], lambda m: m.log_likelihood, OPTIMISER),
        (
            "graded response: 30 parameters",
            _square(grm["a_b"]).ravel(),
            lambda m: m.frame()["estimate"],
            PSYCH,
        ),
        ("graded response: marginal reliability", grm["marginal_rxx"], lambda m: m.reliability, OPTIMISER),
    ):
        yield _case(section, what, value, "mirt::mirt", partial(lambda f, r: r(f()), model, read), tolerance)
    htmt = partial(lambda: ps.htmt(data("hs"), THREE, version=2).frame()["htmt"])
    ratios = np.array(oracle["cfa_HS"]["htmt2"]["values"], dtype=np.float64)[np.triu_indices(3, 1)]
    yield _case(section, "HTMT2 of three scales", ratios, "semTools::htmt", htmt, CLOSED)


def _scales() -> dict[str, list[str]]:
    return {scale: [f"{scale}{k}" for k in range(1, 6)] for scale in "ACENO"}


def _reversed() -> list[str]:
    return [item for _, items in KEYS.values() for item in items]


def _case(
    section: str, what: str, reference: ArrayLike, source: str, ours: Callable[[], Any], tolerance: float
) -> Case:
    return Case(section=section, what=what, reference=reference, source=source, ours=ours, tolerance=tolerance)


@cache
def oracle() -> dict[str, Any]:
    """Return the reference values."""
    known: dict[str, Any] = json.loads((REFERENCE / "psychometrics.json").read_text(encoding="utf-8"))
    return known


def cases() -> tuple[Case, ...]:
    """Return every reference value with the call that answers it."""
    parts = (_alpha, _omega, _halves, _correlations, _factors, _models, _people)
    return tuple(case for part in parts for case in part(oracle()))


CASES = cases()


def row(case: Case) -> str:
    """Return one line of the page: a value with its digits, or of several the largest difference.

    Parameters
    ----------
    case : Case
        The reference.

    Returns
    -------
    str
        A row of a Markdown table; the difference as the power of ten above it, which machines agree on.
    """
    known, found = case.pair()
    gap = case.difference()
    power = max(-10, int(np.ceil(np.log10(max(gap, 1e-300)))))
    shown = ("", "") if known.size > 1 else (f"{known.flat[0]:.7g}", f"{found.flat[0]:.7g}")
    return f"| {case.what} | {shown[0]} | {shown[1]} | below 1e{power} | {case.tolerance:.0e} | {case.source} |"


def page() -> str:
    """Return the page: one line for each reference value.

    Returns
    -------
    str
        Markdown.
    """
    lines = [
        "# Reference values of psychometrics",
        "",
        "Written by `python -m tools.psychometrics_reference` from the table that tests check; do not edit by hand.",
        "",
        "Where a row holds several values, the largest difference stands for all. Differences of values above one are "
        "relative. *Allowed* is 1e-8 for closed forms (the reference file holds ten digits), more where the reference "
        "itself stops a search. Data: `tests/reference/`. Factor models in full: "
        "[agreement with lavaan](psychometrics-cfa-agreement.md).",
    ]
    for section in dict.fromkeys(case.section for case in CASES):
        lines += [
            "",
            f"## {section}",
            "",
            "| quantity | reference | feedbackstudy | difference | allowed | made by |",
            "|---|---|---|---|---|---|",
            *(row(case) for case in CASES if case.section == section),
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_atomic(PAGE, page())
