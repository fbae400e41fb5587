"""Write docs/psychometrics-cfa-agreement.md: each reference value of lavaan, ours, and the difference.

Run: python benchmarks/agreement_cfa.py. The references lie in tests/reference (psychometrics.json, cfa.json) with the R
script or versions that made them; the tests hold the same comparison at stated tolerances.
"""

import json
from pathlib import Path

import pandas as pd

from feedbackstudy.psychometrics.cfa import bifactor, cfa
from feedbackstudy.psychometrics.invariance import invariance

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "tests" / "reference"
TARGET = ROOT / "docs" / "psychometrics-cfa-agreement.md"
THREE = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
B10 = "A =~ A1 + A2 + A3 + A4 + A5\nC =~ C1 + C2 + C3 + C4 + C5"
B15 = B10 + "\nE =~ E1 + E2 + E3 + E4 + E5"
GROUPS = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}
SHOWN = (
    "chisq",
    "chisq.scaled",
    "chisq.scaling.factor",
    "cfi",
    "cfi.robust",
    "tli",
    "rmsea",
    "rmsea.ci.upper",
    "rmsea.robust",
    "srmr",
    "logl",
    "bic",
)


def frames():
    bfi = pd.read_csv(REFERENCE / "bfi.csv", index_col=0)
    return {
        "hs": pd.read_csv(REFERENCE / "holzinger_swineford_1939.csv"),
        "missing": pd.read_csv(REFERENCE / "holzinger_swineford_missing.csv"),
        "bfi": bfi,
        "agree": bfi[bfi.iloc[:, :5].notna().all(axis=1)],
        "democracy": pd.read_csv(REFERENCE / "political_democracy.csv"),
    }


def cases(data, old, new):
    """Yield (title, our fit, reference block)."""
    hs, missing, bfi = data["hs"], data["missing"], data["bfi"]
    for name in ("ML", "MLR", "MLMV", "GLS", "ULS", "WLS", "DWLS"):
        yield f"HS, 3 factors, {name}", cfa(hs, THREE, estimator=name, ordered=()), old["cfa_HS"][name]
    for name in ("MLM", "MLMVS", "ULSM", "ULSMV"):
        yield f"HS, 3 factors, {name}", cfa(hs, THREE, estimator=name, ordered=()), new["HS"][name]
    yield "HS, Wishart likelihood", cfa(hs, THREE, estimator="ML", likelihood="wishart"), old["cfa_HS"]["ML_wishart"]
    second = cfa(hs, f"{THREE}\ng =~ visual + textual + speed", estimator="ML")
    yield "HS, second order, ML", second, old["cfa_HS"]["second_order"]
    yield "HS, bifactor, ML (Heywood case)", cfa(hs, bifactor("g", GROUPS), estimator="ML"), new["HS"]["bifactor"]
    full = cfa(missing, THREE, estimator="ML", missing="fiml")
    yield "HS with missing answers, FIML, ML", full, old["cfa_HS_missing"]["FIML"]
    yield "HS with missing answers, FIML, MLR", cfa(missing, THREE, missing="fiml"), old["cfa_HS_missing"]["FIML_MLR"]
    yield "PoliticalDemocracy, ML", cfa(data["democracy"], new["PD"]["model"], estimator="ML"), new["PD"]
    for name in ("ML", "MLR"):
        yield f"bfi, 15 items, {name}", cfa(bfi, B15, estimator=name), new["bfi15"][name]
        filled = cfa(bfi, B15, estimator=name, missing="fiml")
        yield f"bfi, 15 items, FIML, {name}", filled, new["bfi15"][f"FIML_{name}"]
    yield "bfi, 10 ordinal items, WLSMV", cfa(bfi, B10, estimator="WLSMV"), old["wlsmv_bfi10"]
    yield "bfi, 15 ordinal items, WLSMV", cfa(bfi, B15, estimator="WLSMV"), new["bfi15"]["WLSMV"]
    yield "bfi, 15 ordinal items, ULSMV", cfa(bfi, B15, estimator="ULSMV"), new["bfi15"]["ULSMV"]
    yield from levels(data, old, new)


def levels(data, old, new):
    for estimator in ("ML", "MLR"):
        names = ("configural", "metric", "scalar", "strict", "means")
        found = invariance(data["hs"], GROUPS, group="school", estimator=estimator, levels=names)
        for level in found.levels:
            reference = {"fit": old["invariance_HS_school"][estimator][level.name]}
            yield f"HS between schools, {level.name}, {estimator}", level.fit, reference
    names = ("configural", "thresholds", "metric", "scalar", "strict", "means")
    items = {"A": ["A1", "A2", "A3", "A4", "A5"]}
    found = invariance(data["agree"], items, group="gender", estimator="WLSMV", levels=names)
    for level in found.levels:
        yield f"bfi A by gender, ordinal, {level.name}", level.fit, new["ordinal_gender"][level.name]


def gaps(fit, table):
    """Return the largest differences of estimates and standard errors, and how many there are."""
    at = {name: k + 1 for k, name in enumerate(fit.groups)}
    mine = {}
    for row in fit.estimates[fit.estimates["free"]].itertuples():
        mine[row.lhs, row.op, row.rhs, at.get(row.group, 1)] = (row.est, row.se)
        mine[row.rhs, row.op, row.lhs, at.get(row.group, 1)] = (row.est, row.se)
    groups = table.get("group", [1] * len(table["lhs"]))
    columns = (table["lhs"], table["op"], table["rhs"], groups, table["est"], table["se"])
    pairs = [
        (abs(mine[lhs, op, rhs, group][0] - est), abs(mine[lhs, op, rhs, group][1] - se))
        for lhs, op, rhs, group, est, se in zip(*columns, strict=True)
        if se and (lhs, op, rhs, group) in mine
    ]
    return max(x for x, _ in pairs), max(y for _, y in pairs), len(pairs)


def main():
    old = json.loads((REFERENCE / "psychometrics.json").read_text())
    new = json.loads((REFERENCE / "cfa.json").read_text())
    lines = [
        "# Factor models: agreement with lavaan",
        "",
        f"Generated by `benchmarks/agreement_cfa.py`. Reference: lavaan {new['meta']['lavaan']}, semTools "
        f"{new['meta']['semTools']}, {new['meta']['R']}.",
        "",
        "Known differences. `cfi.robust` and `rmsea.robust` of incomplete data: lavaan stops its EM search 4e-5 away "
        "from the optimum. `cfi.robust` of several ordinal groups: lavaan weighs the expectation of the baseline "
        "otherwise; ours is the sum over groups. Where thresholds are restricted both print none.",
        "",
        "| model | quantity | lavaan | ours | difference |",
        "|---|---|---:|---:|---:|",
    ]
    for title, fit, reference in cases(frames(), old, new):
        for name in SHOWN:
            value = reference["fit"].get(name)
            if isinstance(value, int | float):
                ours = fit.fit[name]
                lines.append(f"| {title} | {name} | {value:.8g} | {ours:.8g} | {abs(ours - value):.1e} |")
        if "est" in reference:
            est, se, count = gaps(fit, reference["est"])
            lines.append(f"| {title} | {count} estimates | | | at most {est:.1e} |")
            lines.append(f"| {title} | {count} standard errors | | | at most {se:.1e} |")
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{TARGET}: {len(lines) - 9} rows")


if __name__ == "__main__":
    main()
