"""Smallest effects and regions of equivalence in the units of the estimate."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.compile import question
from feedbackstudy.analysis.thresholds import measured_by, thresholds
from feedbackstudy.design.hypotheses import SmallestEffect
from feedbackstudy.design.plan import ByRope, Rope


def asked(declared, unit: str, value: float, *, outcome: str = "reaction", **changed: object):
    compiled = question(declared(), "h3")
    hypothesis = compiled.hypothesis.model_copy(update={"sesoi": SmallestEffect(value=value, unit=unit)})
    family = {"reaction": "gaussian", "likert": "ordinal", "reapply": "binary", "count": "count"}[outcome]
    return replace(compiled, hypothesis=hypothesis, family=family, **changed)


@pytest.mark.parametrize(
    ("outcome", "unit", "value", "scale", "size"),
    [
        ("reaction", "raw", 0.4, "points", 0.4),
        ("reaction", "sd", 0.3, "points", 0.36),
        ("reaction", "r", 0.1, "points", 1.2 * 0.2 / np.sqrt(0.99)),
        ("reapply", "odds_ratio", 1.5, "log odds", np.log(1.5)),
        ("reapply", "odds_ratio", 1 / 1.5, "log odds", np.log(1.5)),
        ("reapply", "sd", 0.3, "log odds", 0.3 * np.pi / np.sqrt(3)),
        ("reapply", "percentage_points", 5, "probability", 0.05),
        ("reapply", "raw", 0.05, "probability", 0.05),
        ("count", "rate_ratio", 2, "log rate", np.log(2)),
        ("count", "raw", 1.5, "rate", 1.5),
        ("likert", "sd", 0.3, "latent", 0.36),
        ("likert", "raw", 0.25, "rating", 0.25),
    ],
)
def test_a_declared_smallest_effect_decides_the_scale_and_its_size(declared, outcome, unit, value, scale, size):
    compiled = asked(declared, unit, value, outcome=outcome)

    assert measured_by(compiled) == scale
    assert thresholds(compiled, sd=1.2).sesoi == pytest.approx(size)


def test_a_slope_in_sd_is_standardised_on_both_sides_and_a_path_over_the_outcome(declared):
    slope, path = asked(declared, "sd", 0.2, kind="slope"), asked(declared, "standardised_path", 0.02, kind="path")

    assert thresholds(slope, sd=1.2, sd_x=2.0).sesoi == pytest.approx(0.12)
    assert thresholds(path, sd=1.2).sesoi == pytest.approx(0.024)


def test_a_unit_that_cannot_be_converted_is_said_to_be(declared):
    found = thresholds(asked(declared, "sd", 0.3, outcome="count"), sd=1.2)

    assert (found.sesoi, found.rope) == (None, None)
    assert found.notes == ("the smallest effect in sd cannot be put on the scale of this estimate",)


def test_the_region_is_the_criterions_then_the_plans_then_plus_and_minus_the_smallest_effect(declared):
    compiled = asked(declared, "raw", 0.4)
    plan = compiled.plan.model_copy(update={"rope": Rope(low=-0.1, high=0.2, unit="sd")})
    own = plan.model_copy(update={"decides": {"h3": ByRope(rope=Rope(low=-0.5, high=0.5, unit="raw"))}})

    assert thresholds(compiled, sd=1.2).rope == (-0.4, 0.4)
    assert thresholds(replace(compiled, plan=plan), sd=1.2).rope == pytest.approx((-0.12, 0.24))
    assert thresholds(replace(compiled, plan=own), sd=1.2).rope == (-0.5, 0.5)


def test_the_plans_region_ends_at_the_smallest_effect_whatever_their_units_and_a_note_says_so(declared):
    compiled = asked(declared, "sd", 0.3)
    plan = compiled.plan.model_copy(update={"rope": Rope(low=-0.2, high=2.0, unit="raw")})

    found = thresholds(replace(compiled, plan=plan), sd=1.2)

    assert found.rope == pytest.approx((-0.2, 0.36))
    assert "reaches beyond the smallest effect of this hypothesis and ends there, at 0.36" in found.notes[-1]
