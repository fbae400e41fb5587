"""No solver finds a hidden cell from what is shown."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from feedbackstudy.errors import InputError
from feedbackstudy.policy.adverse_impact import adverse_impact
from feedbackstudy.policy.declared import DisclosureRule
from feedbackstudy.policy.disclosure import DisclosurePolicy, suppress
from feedbackstudy.policy.effect import EffectEstimate, Effects


def attacked(counts, hidden, cell):
    """Bounds of a hidden cell in whole numbers, by a program written anew: sums along every axis, shown cells fixed."""
    shape, total = counts.shape, counts.size
    index = np.arange(total).reshape(shape)
    rows = []
    for axis in range(counts.ndim):
        for line in np.moveaxis(index, axis, -1).reshape(-1, shape[axis]):
            row = np.zeros(total)
            row[line[:-1]] = 1
            row[line[-1]] = -1
            rows.append(row)
    known = np.where(hidden.ravel(), 0, counts.ravel()), np.where(hidden.ravel(), np.inf, counts.ravel())
    rule = optimize.LinearConstraint(np.array(rows), 0, 0)
    found = []
    for sign in (1, -1):
        goal = np.zeros(total)
        goal[cell] = sign
        answer = optimize.milp(goal, constraints=rule, integrality=np.ones(total), bounds=optimize.Bounds(*known))
        assert answer.status in (0, 3)
        found.append(sign * answer.fun if answer.status == 0 else np.inf)
    return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("shape", [(6,), (4, 3), (6, 5), (3, 3, 2)])
def test_nothing_small_can_be_found(seed, shape):
    rng = np.random.default_rng([seed, *shape])
    table = rng.poisson(rng.choice([3, 15, 60], size=shape))
    found = suppress(table, min_cell=10)
    assert found.hidden[found.small].all()
    for cell in np.flatnonzero(found.small.ravel()):
        low, high = attacked(found.counts, found.hidden, cell)
        assert high - low >= 9.999, (table, cell, low, high)


def test_without_complementary_hiding_the_margin_gives_it_away():
    table = np.array([[4, 50, 60], [30, 40, 50], [20, 70, 80]])
    naive = suppress(table, min_cell=10, complementary=False)
    assert attacked(naive.counts, naive.hidden, 0) == [4, 4]
    safe = suppress(table, min_cell=10)
    assert safe.hidden.sum() == 4
    assert attacked(safe.counts, safe.hidden, 0)[1] >= 10


def test_large_tables_are_shown_whole():
    found = suppress([[50, 60], [70, 0]], min_cell=10)
    assert not found.hidden.any()
    with pytest.raises(InputError, match="whole numbers"):
        suppress([[1.5, 2]], min_cell=10)


def test_counts_are_rounded_and_hidden_ones_missing():
    frame = pd.DataFrame({"site": ["a", "a", "b", "b"], "arm": ["x", "y"] * 2, "n": [3, 52, 61, 87]})
    shown = DisclosurePolicy().counts(frame, rows="site", columns="arm")
    assert shown.frame().loc[0, "x"] is pd.NA
    visible = shown.frame().drop(columns="site").to_numpy(dtype=float, na_value=np.nan)
    assert (visible[~np.isnan(visible)] % 5 == 0).all()
    assert "hidden" in str(shown)
    assert "below 10" in str(shown)


def test_adverse_impact_hides_a_group_and_what_would_give_it_away():
    result = adverse_impact(selected={"a": 400, "b": 3, "c": 90}, total={"a": 1000, "b": 14, "c": 300})
    shown = DisclosurePolicy().adverse_impact(result).frame().set_index("group")
    assert pd.isna(shown.loc["b", "rate"])
    assert shown.loc["b", "selected"] is pd.NA
    assert shown["selected"].isna().sum() >= 2  # a total of 493 less one other would give 3 back
    exact = DisclosurePolicy(DisclosureRule(min_cell=2, round_to=1)).adverse_impact(result).frame()
    assert exact["selected"].tolist() == result.frame()["selected"].tolist()


def test_effects_of_too_few_people_are_hidden():
    def row(n):
        shared = {
            "metric": f"m{n}",
            "label": "M",
            "role": "primary",
            "contrast": "a",
            "scale": "absolute",
            "method": "x",
        }
        return EffectEstimate(estimate=0.2, se=0.1, p=0.04, n=n, n_clusters=40, smallest_arm=n // 2, **shared)

    shown = DisclosurePolicy().effects(Effects(rows=(row(7), row(123)))).frame()
    assert shown["estimate"].isna().tolist() == [True, False]
    assert pd.isna(shown.loc[0, "p"])
    assert shown.loc[1, "n"] == 125
