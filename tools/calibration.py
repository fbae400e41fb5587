"""Calibration cards of the sampled models, in docs/calibration (``python -m tools.calibration [model ...]``)."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from feedbackstudy.analysis.bayesian.binary import Binary
from feedbackstudy.analysis.bayesian.calibration import Calibration, calibrate, sbc
from feedbackstudy.analysis.bayesian.calibration_latent import calibrate_latent
from feedbackstudy.analysis.bayesian.cell_model import CellModel, stated
from feedbackstudy.analysis.bayesian.compiled import compile_model
from feedbackstudy.analysis.bayesian.count_model import Counts
from feedbackstudy.analysis.bayesian.crossed import Normals, NormalsPrior
from feedbackstudy.analysis.bayesian.cumulative import Cumulative
from feedbackstudy.analysis.bayesian.latent_mediation import latent_model
from feedbackstudy.analysis.bayesian.multilevel import ACCEPT, ClassFigures, ThreeLevelPrior, three_level_model
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampling import quick_draws
from feedbackstudy.analysis.bayesian.student import Students
from feedbackstudy.files import write_atomic
from feedbackstudy.provenance import versions
from tools.calibration_cells import ranked, rated_cells, shared_cells
from tools.calibration_waves import three_waves

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "calibration"
SIMULATIONS, SEED = 200, 20261126
FEWER = dict.fromkeys(
    ("latent-mediation-simple", "latent-mediation-serial", "policy-cells-rating", "normal-large-groups"), 100
)
"""Models whose simulations take longest."""

_RATING = NormalsPrior.of(CellPrior.of_scale(1, 7))


def _covariate(n: int) -> np.ndarray:
    return np.linspace(-1.6, 1.6, n)[np.arange(n) * 7 % n]


def cumulative_probit() -> CellModel:
    """Return ratings of three cells and ten interviewers."""
    rows = np.arange(60)
    return stated(Cumulative(categories=4), rows * 0, rows % 3, 3, groups={"interviewer": rows // 6})


def cumulative_logit() -> CellModel:
    """Return ratings of two cells with a covariate."""
    rows = np.arange(60)
    return stated(Cumulative(categories=5, link="logit"), rows * 0, rows % 2, 2, covariates=_covariate(60))


def binary_outcome() -> CellModel:
    """Return yes and no of three cells and ten interviewers, with a covariate."""
    rows = np.arange(90)
    return stated(Binary(), rows * 0, rows % 3, 3, covariates=_covariate(90), groups={"interviewer": rows // 9})


def poisson() -> CellModel:
    """Return counts of three cells and ten sites."""
    rows = np.arange(60)
    return stated(Counts(law="Poisson"), rows * 0, rows % 3, 3, groups={"site": rows // 6})


def negative_binomial() -> CellModel:
    """Return counts of three cells with a covariate."""
    rows = np.arange(60)
    return stated(Counts(), rows * 0, rows % 3, 3, covariates=_covariate(60))


def zero_inflated_poisson() -> CellModel:
    """Return counts of two cells."""
    rows = np.arange(60)
    return stated(Counts(law="Poisson", zero_inflated=True), rows * 0, rows % 2, 2)


def zero_inflated_negative_binomial() -> CellModel:
    """Return counts of two cells."""
    rows = np.arange(80)
    return stated(Counts(zero_inflated=True), rows * 0, rows % 2, 2)


def normal_crossed() -> CellModel:
    """Return ratings of three cells by 16 participants of 6 vignettes."""
    rows = np.arange(96)
    groups = {"participant": rows // 6, "vignette": rows % 6}
    return stated(Normals(prior=_RATING), rows % 7.0, (rows // 2) % 3, 3, groups=groups)


def normal_slopes() -> CellModel:
    """Return ratings of two cells by 15 participants whose slopes vary."""
    rows = np.arange(90)
    return stated(
        Normals(prior=_RATING), rows % 7.0, (rows // 6) % 2, 2, groups={"participant": rows // 6},
        slopes={"participant": rows % 6 - 2.5},
    )  # fmt: skip


def normal_large_groups() -> CellModel:
    """Return ratings of two cells in 20 sites of 60, effects sampled as such."""
    rows = np.arange(1200)
    groups, slopes = {"site": rows // 60}, {"site": (rows % 2 - 0.5)}
    return stated(Normals(prior=_RATING), rows % 7.0, rows % 2, 2, groups=groups, slopes=slopes)


def student_t() -> CellModel:
    """Return ratings of three cells with outliers."""
    rows = np.arange(60)
    return stated(Students(prior=_RATING), rows % 7.0, rows % 3, 3, covariates=_covariate(60))


def _latent(*sizes: tuple[str, int]) -> Callable[[int, int], Calibration]:
    def calibrated(simulations: int, seed: int) -> Calibration:
        rows, prior = np.arange(80), CellPrior.of_scale(1, 7)
        factors = {name: ((rows[:, None] + np.arange(k)) % 7.0, prior) for name, k in sizes}
        return calibrate_latent(latent_model(rows % 2, factors), simulations=simulations, seed=seed)

    return calibrated


def three_levels(simulations: int, seed: int) -> Calibration:
    """Calibrate the model of class figures on two conditions of five classes, priors of ManyClasses 1.

    Parameters
    ----------
    simulations, seed : int
        Simulated studies and their seed.

    Returns
    -------
    Calibration
        Ranks of condition means and of the spreads.
    """
    prior, condition, people = ThreeLevelPrior(), np.repeat([0, 1], 5), np.resize([12, 20, 30], 10)
    template = ClassFigures.of(people, people / 100, people / 30, condition=condition, conditions=("a", "b"))
    compiled = compile_model(three_level_model(template, prior))
    laws = {"between_sd": prior.between_sd, "class_sd_mode": prior.class_sd_mode, "class_sd_sd": prior.class_sd_sd}

    def experiment(rng: np.random.Generator, chain_seed: int) -> tuple[dict[str, float], dict[str, np.ndarray], int]:
        mean = rng.normal(0, prior.condition_mean_sd, 2)
        between, mode, spread = (rng.gamma(law.shape, 1 / law.rate, 2 - (k > 0)) for k, law in enumerate(laws.values()))
        rate = (mode + np.sqrt(mode**2 + 4 * spread**2)) / (2 * spread**2)
        class_sd = rng.gamma(1 + mode * rate, 1 / rate, 10)
        class_mean = rng.normal(mean[condition], between[condition])
        rows = [rng.normal(m, s, n) for m, s, n in zip(class_mean, class_sd, people, strict=True)]
        study = replace(template, mean=np.array([r.mean() for r in rows]), sd=np.array([r.std(ddof=1) for r in rows]))
        drawn = quick_draws(
            compiled.with_data(study.data()), seed=chain_seed, draws=300, tune=400, chains=2, target_accept=ACCEPT
        )
        true = {"condition_mean[0]": mean[0], "condition_mean[1]": mean[1], "between_sd[0]": between[0],
                "class_sd_mode": mode[0], "class_sd_sd": spread[0], "class_sd[0]": class_sd[0]}  # fmt: skip
        return ranked(true, drawn)

    return sbc(
        experiment, simulations=simulations, seed=seed, model="three-level normal model of class figures, 10 classes",
        prior=str(prior), settings=f"2 chains of 300 draws after 400, target acceptance {ACCEPT}",
    )  # fmt: skip


def _of(build: Callable[[], CellModel]) -> Callable[[int, int], Calibration]:
    return lambda simulations, seed: calibrate(build(), simulations=simulations, seed=seed)


CASES: Mapping[str, Callable[[int, int], Calibration]] = {
    "cumulative-probit": _of(cumulative_probit),
    "cumulative-logit": _of(cumulative_logit),
    "binary": _of(binary_outcome),
    "poisson": _of(poisson),
    "negative-binomial": _of(negative_binomial),
    "zero-inflated-poisson": _of(zero_inflated_poisson),
    "zero-inflated-negative-binomial": _of(zero_inflated_negative_binomial),
    "normal-crossed": _of(normal_crossed),
    "normal-slopes": _of(normal_slopes),
    "normal-large-groups": _of(normal_large_groups),
    "student-t": _of(student_t),
    "latent-mediation-simple": _latent(("challenge", 3), ("intent", 3)),
    "latent-mediation-serial": _latent(("challenge", 2), ("efficacy", 2), ("intent", 1)),
    "three-level": three_levels,
    "three-waves": three_waves,
    "policy-cells-share": shared_cells,
    "policy-cells-rating": rated_cells,
}
"""Every sampled model, each on a small study of its own."""


def card(name: str, found: Calibration, seconds: float) -> str:
    """Return a calibration card as Markdown.

    Parameters
    ----------
    name : str
        Name of the case.
    found : Calibration
        What came out.
    seconds : float
        Wall time of all simulations, compiling included.

    Returns
    -------
    str
        The card.
    """
    installed = ", ".join(f"{key} {value}" for key, value in versions("numpy", "pymc", "nutpie").items())
    lines = [
        f"# Calibration of {name}",
        "",
        f"Made by `python -m tools.calibration {name}`. Truth and data are drawn from the prior, the model is fitted, "
        "and each true value is ranked among 99 posterior draws; if prior, likelihood and sampler agree, ranks are "
        "even.",
        "",
        f"- model: {found.model}",
        f"- prior: {found.prior}",
        f"- simulated studies: {found.simulations}, seed {found.seed}; {found.settings}",
        f"- divergent transitions in all: {found.divergences}",
        f"- {seconds:.0f} s on a shared machine of two cores; {installed}",
        "- draws differ between a cold and a warm compile cache, so figures of a second run differ a little",
        "",
        "| quantity | mean rank (even: 49.5) | chi square (9 df) | p | largest ECDF distance | p | ranks in ten bins |",
        "|---|---|---|---|---|---|---|",
    ]
    each = zip(
        found.quantities, found.ranks.T, found.chi_square, found.p, found.distance, found.distance_p, strict=True
    )
    for what, ranks, chi, p, distance, q in each:
        bins = " ".join(str(count) for count in np.bincount(ranks // 10, minlength=10))
        lines.append(f"| {what} | {ranks.mean():.1f} | {chi:.2f} | {p:.3f} | {distance:.3f} | {q:.3f} | {bins} |")
    verdict = "Ranks are even" if found.even else "RANKS ARE NOT EVEN"
    return "\n".join([*lines, "", f"{verdict}: smallest p, times the number of tests, {found.smallest_p:.3f}.", ""])


def main(names: list[str]) -> int:
    """Write the cards.

    Parameters
    ----------
    names : list of str
        Cases; all where empty.

    Returns
    -------
    int
        Number of cases whose ranks are not even.
    """
    uneven = 0
    for name in names or list(CASES):
        started = time.perf_counter()
        found = CASES[name](FEWER.get(name, SIMULATIONS), SEED)
        write_atomic(FOLDER / f"{name}.md", card(name, found, time.perf_counter() - started))
        uneven += not found.even
        print(f"{name}: smallest adjusted p {found.smallest_p:.3f}, {time.perf_counter() - started:.0f} s", flush=True)
    return uneven


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
