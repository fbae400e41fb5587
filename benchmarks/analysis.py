"""Linear models of the analysis room beside their rivals: same data, same script, one thread, warm.

Run: python benchmarks/analysis.py [--repeats 15]. Python rivals are timed always, R's (afex, emmeans, clubSandwich)
where Rscript is present. Medians are compared; milliseconds are printed, not promised. Mixed models, mediation and
Bayesian engines have scripts of their own (analysis_*.py). A section is a function that returns rows; SECTIONS names
them.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from feedbackstudy.analysis.anova import anova  # noqa: E402
from feedbackstudy.analysis.contrasts import contrasts  # noqa: E402
from feedbackstudy.analysis.frequentist.linear import fit_cells, fit_linear  # noqa: E402
from feedbackstudy.analysis.frequentist.randomisation import randomisation_test  # noqa: E402

REFERENCE = Path(__file__).resolve().parents[1] / "tests" / "reference"
FACTORS = ["timing", "framing", "specificity"]

type Row = tuple[str, str, float, float]


def seconds(call: Callable[[], object], repeats: int) -> float:
    call()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def by_r(tasks: dict[str, str], repeats: int) -> dict[str, float]:
    """Return median seconds of R code, or nothing where R is absent."""
    if shutil.which("Rscript") is None:
        return {}
    lines = [
        "suppressMessages({library(afex); library(emmeans); library(clubSandwich)})",
        "emm_options(msg.interaction = FALSE)",
        f'one <- read.csv("{REFERENCE / "feedback_unbalanced.csv"}")',
        f'long <- read.csv("{REFERENCE / "feedback_repeated.csv"}")',
        "m <- lm(y ~ timing * framing * specificity, one)",
    ]
    for task, code in tasks.items():
        lines += [
            f"run <- function() invisible(capture.output(suppressMessages(suppressWarnings({{{code}}}))))",
            "run()",
            f"t <- sapply(seq_len({repeats}), function(k) {{ s <- proc.time()[['elapsed']]; "
            "for (j in 1:5) run(); (proc.time()[['elapsed']] - s) / 5 })",
            f'cat("{task}\\t", median(t), "\\n", sep = "")',
        ]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "rivals.R"
        script.write_text("\n".join(lines), encoding="utf-8")
        done = subprocess.run(
            [shutil.which("Rscript"), str(script)], capture_output=True, text=True, check=True, timeout=600
        )
    return {line.split("\t")[0]: float(line.split("\t")[1]) for line in done.stdout.splitlines() if "\t" in line}


def analyses_of_variance(repeats: int) -> list[Row]:
    import pingouin as pg
    import statsmodels.formula.api as smf
    from statsmodels.stats.anova import anova_lm

    one = pd.read_csv(REFERENCE / "feedback_unbalanced.csv")
    long = pd.read_csv(REFERENCE / "feedback_repeated.csv")
    waves = long.groupby(["participant", "arm", "wave"], as_index=False)[["rating"]].mean()
    formula = "y ~ C(timing, Sum) * C(framing, Sum) * C(specificity, Sum)"
    r = by_r(
        {
            "factorial": "aov_ez('participant', 'y', one, between = c('timing', 'framing', 'specificity'))",
            "mixed": "aov_ez('participant', 'rating', long, between = c('arm', 'mode'), within = c('wave', 'topic'))",
        },
        max(3, repeats // 3),
    )
    ours = seconds(lambda: anova(one, "y", between=FACTORS), repeats)
    title = "type III, 2x2x2, n = 314, with effect sizes"
    rows = [
        (title, "statsmodels", ours, seconds(lambda: anova_lm(smf.ols(formula, one).fit(), typ=3), repeats)),
        (title, "pingouin", ours, seconds(lambda: pg.anova(one, dv="y", between=FACTORS, ss_type=3), repeats)),
    ]
    rows += [(title, "afex", ours, r["factorial"])] if r else []
    mixed = seconds(lambda: anova(waves, "rating", "participant", between=["arm"], within=["wave"]), repeats)
    theirs = seconds(
        lambda: pg.mixed_anova(
            waves, dv="rating", within="wave", between="arm", subject="participant", correction=True
        ),
        repeats,
    )
    rows.append(("mixed 2 x 3, GG", "pingouin", mixed, theirs))
    two = seconds(
        lambda: anova(long, "rating", "participant", between=["arm", "mode"], within=["wave", "topic"]), repeats
    )
    return rows + ([("mixed 2x2 x 3x2, GG", "afex", two, r["mixed"])] if r else [])


def contrasts_of_means(repeats: int) -> list[Row]:
    one = pd.read_csv(REFERENCE / "feedback_unbalanced.csv")
    r = by_r(
        {"pairs": "m <- lm(y ~ timing * framing * specificity, one); pairs(emmeans(m, ~ timing * specificity))"},
        max(3, repeats // 3),
    )
    ours = seconds(lambda: contrasts(one, "y", between=FACTORS, of=["timing", "specificity"]), repeats)
    return [("six pairs of marginal means, Holm, from the table", "emmeans", ours, r["pairs"])] if r else []


def clustered(repeats: int) -> list[Row]:
    one = pd.read_csv(REFERENCE / "feedback_unbalanced.csv")
    cell = (one[FACTORS].apply(lambda x: pd.factorize(x)[0]) @ [4, 2, 1]).to_numpy()
    cluster, y = pd.factorize(one["interviewer"])[0], one["y"].to_numpy()
    unit = np.eye(8)
    r = by_r(
        {
            "cr2": "V <- vcovCR(m, cluster = one$interviewer, type = 'CR2'); coef_test(m, V, test = 'Satterthwaite')",
            "htz": "V <- vcovCR(m, cluster = one$interviewer, type = 'CR2'); "
            "Wald_test(m, constrain_zero(2:5), V, test = 'HTZ')",
        },
        max(3, repeats // 3),
    )
    if not r:
        return []

    def eight() -> None:
        fit = fit_linear(y, unit[cell], cluster=cluster)
        for row in unit:
            fit.contrast(row)

    return [
        ("CR2 and Satterthwaite, 8 coefficients, 20 clusters", "clubSandwich", seconds(eight, repeats), r["cr2"]),
        (
            "HTZ test of four",
            "clubSandwich",
            seconds(lambda: fit_cells(y, cell, 8, cluster=cluster).joint(unit[1:5] - unit[0]), repeats),
            r["htz"],
        ),
    ]


def mixed_models(repeats: int) -> list[Row]:
    """REML with Satterthwaite's tests, like with like.

    From codes: cells and clusters are factors already on both sides; ours fits and tests seven F, lmerTest's call reads
    its formula, fits, differentiates and tests the same seven. From the table: `lmm` reads columns, fits, and makes
    effects, intervals, F tests, conventions and the R script; lmerTest's side is lmer, summary and anova of type III.
    """
    from feedbackstudy.analysis.frequentist.mixed_cells import mixed_cells
    from feedbackstudy.analysis.lmm import lmm

    one = pd.read_csv(REFERENCE / "feedback_unbalanced.csv")
    cell = np.ravel_multi_index(tuple(pd.factorize(one[f])[0] for f in FACTORS), (2, 2, 2))
    y, groups = one["y"].to_numpy(), {"interviewer": pd.factorize(one["interviewer"])[0]}
    unit, mean = np.array([[1.0, -1.0]]), np.array([[0.5, 0.5]])
    tests = [
        np.kron(np.kron(unit if a else mean, unit if b else mean), unit if c else mean)
        for a, b, c in np.ndindex(2, 2, 2)
        if a or b or c
    ]
    names = [*FACTORS, "timing:framing", "timing:specificity", "framing:specificity", "timing:framing:specificity"]
    fit = "m <- lmerTest::lmer(y ~ timing * framing * specificity + (1 | interviewer), one)"
    head = "for (f in c('timing', 'framing', 'specificity', 'interviewer')) one[[f]] <- factor(one[[f]]); "
    r = by_r(
        {
            "codes": f"{fit}; anova(m)",
            "table": f"{head}{fit}; summary(m); anova(m)",
        },
        max(3, repeats // 3),
    )

    def from_codes() -> None:
        found = mixed_cells(y, cell, 8, None, groups)
        for row in tests:
            found.joint(row)

    ours = seconds(from_codes, 20 * repeats)
    table = seconds(lambda: lmm(one, "y", names, {"interviewer": ["1"]}), repeats)
    title = "REML and Satterthwaite, 7 F, 20 interviewers"
    rows = [(f"{title}, from codes", "lmerTest", ours, r["codes"])] if r else []
    return rows + ([(f"{title}, from the table", "lmerTest", table, r["table"])] if r else [])


def randomisations(repeats: int) -> list[Row]:
    rng = np.random.default_rng(1)
    y, own = rng.normal(size=200), np.tile([0, 1], 100)
    draws = np.array([rng.permutation(own) for _ in range(5000)])
    chance = np.full(5000, 1 / 5000)
    ours = seconds(lambda: randomisation_test(y, own, [1, -1], draws, probability=chance, exact=False), repeats)

    def loop() -> None:
        from scipy import stats

        for row in draws:
            stats.ttest_ind(y[row == 0], y[row == 1], equal_var=False)

    start = time.perf_counter()
    loop()
    return [("5,000 studentised randomisations, n = 200", "a loop over scipy", ours, time.perf_counter() - start)]


SECTIONS = (analyses_of_variance, contrasts_of_means, mixed_models, clustered, randomisations)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    for section in SECTIONS:
        print(f"\n{section.__name__.replace('_', ' ')}")
        for task, rival, ours, theirs in section(repeats):
            print(f"  {task:<52} {ours * 1e3:8.2f} ms  {rival:<18} {theirs * 1e3:9.2f} ms  {theirs / ours:7.1f} x")


if __name__ == "__main__":
    main()
