"""Attacks on disclosed numbers, written anew: every count that fits all that is shown."""

import itertools

import numpy as np
import pandas as pd
from scipy import special


def table_of(n0, x0, n1, x1):
    """Return one row per person of two arms."""
    return pd.DataFrame({"arm": ["c"] * n0 + ["t"] * n1, "y": [1] * x0 + [0] * (n0 - x0) + [1] * x1 + [0] * (n1 - x1)})


def welch(n0, x0, n1, x1, level=0.95):
    """Return the difference of two shares with its errors, as arrays of candidates."""
    p0, p1 = x0 / n0, x1 / n1
    v0, v1 = p0 * (1 - p0) / (n0 - 1), p1 * (1 - p1) / (n1 - 1)
    se, df = np.sqrt(v0 + v1), (v0 + v1) ** 2 / (v0**2 / (n0 - 1) + v1**2 / (n1 - 1))
    q, d = special.stdtrit(df, (1 + level) / 2), p1 - p0
    return {"estimate": d, "se": se, "low": d - q * se, "high": d + q * se, "baseline": p0, "df": df,
                "p": 2 * special.stdtr(df, -abs(d / se))}  # fmt: skip


def step_at_least(share):
    """Return 1, 2 or 5 times a power of ten, at least as large."""
    power = 10.0 ** np.floor(np.log10(share))
    scaled = share / power * (1 - 1e-12)
    return np.where(scaled <= 1, 1, np.where(scaled <= 2, 2, np.where(scaled <= 5, 5, 10))) * power


def fits_step(candidates, value, step):
    return np.abs(candidates - value) <= step / 2 * (1 + 1e-9) + 1e-12


def fits_p(p, value):
    if value == 0:
        return p < 0.001
    return np.abs(p - value) <= (0.005 if value >= 0.01 else 0.0005) + 1e-9


def fits_row(own, shown, step):
    """Say which candidates fit what a row shows."""
    fits = np.ones_like(own["estimate"], dtype=bool)
    for name in ("estimate", "se", "low", "high", "baseline"):
        if pd.notna(shown[name]):
            fits &= fits_step(own[name], shown[name], step)
    if pd.notna(shown["df"]):
        fits &= fits_step(own["df"], shown["df"], 10.0 ** (np.floor(np.log10(shown["df"])) - 1))
    if pd.notna(shown["p"]):
        fits &= fits_p(own["p"], shown["p"])
    return fits


def near_of(size, base):
    """Return the sizes that are shown as this one."""
    return [n for n in range(size - base, size + base + 1) if round(n / base) * base == size]


def candidates_of(shown, sizes, base, smallest=None):
    """Return all counts (n0, x0, n1, x1) that fit the absolute row of disclosed effects of two independent arms.

    The attacker knows the rule, the method, and both sizes to a multiple of the base; `smallest` is the smallest arm
    shown, where there are more than these two.
    """
    found = []
    for n0, n1 in itertools.product(*(near_of(size, base) for size in sizes)):
        step = float(step_at_least(2 * base / (smallest or min(n0, n1))))
        low, high = ((shown["baseline"] + side * step) * n0 for side in (-0.51, 0.51))
        x0 = np.arange(max(1, int(low)), min(n0 - 1, int(high) + 1) + 1)[:, None]
        reach = int(0.51 * step * n1) + 2
        x1 = np.round((x0 / n0 + shown["estimate"]) * n1) + np.arange(-reach, reach + 1)[None, :]
        inside = (x1 >= 1) & (x1 <= n1 - 1)
        fits = inside & fits_row(welch(n0, x0, n1, np.clip(x1, 1, n1 - 1)), shown, step)
        i, j = np.nonzero(fits)
        found += [(n0, int(x0[a, 0]), n1, int(x1[a, b])) for a, b in zip(i, j, strict=True)]
    return np.array(found)
