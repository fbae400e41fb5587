"""When a level of invariance holds against the one before it: stated rules, decided in one place."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feedbackstudy.psychometrics.cfa.difference import Difference

__all__ = ["RULES", "Rule", "verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a level holds against the one before it.

    Attributes
    ----------
    name : str
        Its name.
    cfi, rmsea : float
        Largest fall of CFI and rise of RMSEA that are still accepted.
    alpha : float
        The difference test must not be significant at this level; zero leaves the test out.
    says : str
        The rule in words.
    """

    name: str
    cfi: float = float("inf")
    rmsea: float = float("inf")
    alpha: float = 0.0
    says: str


_RULES = (
    Rule(
        name="cfi_rmsea",
        cfi=0.010,
        rmsea=0.015,
        says="a level holds where CFI falls by at most .010 and RMSEA rises by at most .015 (Chen, 2007)",
    ),
    Rule(name="cfi", cfi=0.010, says="a level holds where CFI falls by at most .010 (Cheung & Rensvold, 2002)"),
    Rule(name="chisq", alpha=0.05, says="a level holds where the chi-square difference test has p of .05 or more"),
)

RULES: Mapping[str, Rule] = {rule.name: rule for rule in _RULES}
"""The rules by name; conventions, none of which has a known error rate, except the test's own."""

_ROUNDING = 1e-9  # a change equal to the limit still holds


def verdict(rule: Rule, cfi: float, rmsea: float, test: Difference) -> tuple[bool, str]:
    """Decide by a rule.

    Parameters
    ----------
    rule : Rule
        The rule.
    cfi, rmsea : float
        Change against the level before.
    test : Difference
        The difference test.

    Returns
    -------
    tuple of (bool, str)
        Whether the level holds, and why.
    """
    said = []
    holds = True
    if np.isfinite(rule.cfi):
        holds &= bool(-cfi <= rule.cfi + _ROUNDING)
        said.append(f"CFI changes by {cfi:+.4f} (limit {-rule.cfi:+.3f})")
    if np.isfinite(rule.rmsea):
        holds &= bool(rmsea <= rule.rmsea + _ROUNDING)
        said.append(f"RMSEA by {rmsea:+.4f} (limit {rule.rmsea:+.3f})")
    if rule.alpha:
        holds &= bool(test.p >= rule.alpha)
        said.append(f"difference test p = {test.p:.4f} (limit {rule.alpha:g})")
    return holds, ", ".join(said) + "."
