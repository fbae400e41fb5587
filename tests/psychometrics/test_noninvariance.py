"""The effect of non-invariance on a difference between conditions: parts add up, truth is recovered."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.invariance import invariance, noninvariance

MODEL = {"f": ["a", "b", "c", "d", "e"]}
LOADINGS = np.array([0.8, 0.7, 0.9, 0.6, 0.75])
ITEMS = list("abcde")


def experiment(rng, n, *, effect=0.4, shift=0.5, slope=0.0):
    """Two arms; item e has another intercept (and loading) in the treated arm."""
    parts = []
    for arm in (0, 1):
        factor = rng.normal(effect * arm, 1.0, n)
        loadings = LOADINGS + np.array([0, 0, 0, 0, slope]) * arm
        origin = np.array([3, 3, 3, 3, 3 + shift * arm])
        answers = factor[:, None] * loadings + rng.normal(size=(n, 5)) * 0.6 + origin
        parts.append(pd.DataFrame(answers, columns=ITEMS).assign(arm=["control", "treated"][arm]))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def shifted():
    data = experiment(np.random.default_rng(2), 1500)
    return data, noninvariance(invariance(data, MODEL, group="arm", search=True))


def part(result, name):
    return result.scores[result.scores["part"] == name].iloc[0]


def test_the_bias_of_the_shifted_item_is_recovered(shifted):
    _, result = shifted
    item = result.items.set_index("item").loc["e"]
    assert result.freed == ("e~1",)
    assert item["low"] < 0.5 < item["high"]
    assert item["dmacs"] == pytest.approx(0.5 / np.sqrt(0.75**2 + 0.36), abs=0.06)
    assert (result.items.set_index("item").loc[list("abcd"), "bias"] == 0).all()


def test_parts_add_up_to_the_observed_difference(shifted):
    data, result = shifted
    means = data.groupby("arm")[ITEMS].mean().mean(axis=1)
    difference = part(result, "difference")["estimate"]
    assert difference == pytest.approx(means["treated"] - means["control"], abs=0.01)
    total = part(result, "construct")["estimate"] + part(result, "measurement")["estimate"]
    assert total == pytest.approx(difference, abs=1e-12)


def test_truth_of_both_parts_is_covered(shifted):
    _, result = shifted
    measurement, construct = part(result, "measurement"), part(result, "construct")
    assert measurement["low"] < 0.5 / 5 < measurement["high"]
    assert construct["low"] < 0.4 * LOADINGS.mean() < construct["high"]
    factor = result.factors.iloc[0]
    assert abs(factor["std_freed"] - 0.4) < abs(factor["std_full_invariance"] - 0.4)


def test_a_loading_that_differs_is_in_dmacs_even_where_it_averages_out():
    data = experiment(np.random.default_rng(3), 2000, effect=0.0, shift=0.0, slope=-0.4)
    result = noninvariance(invariance(data, MODEL, group="arm"), anchors=["a", "b", "c"])
    item = result.items.set_index("item").loc["e"]
    assert item["low"] < 0 < item["high"]
    assert item["dmacs"] > 0.3


def test_reversed_items_are_turned_in_the_score(shifted):
    data, straight = shifted
    turned = data.assign(b=6 - data["b"])
    result = noninvariance(invariance(turned, MODEL, group="arm", search=True))
    assert part(result, "difference")["estimate"] == pytest.approx(part(straight, "difference")["estimate"], abs=1e-6)


def test_ordinal_answers_are_in_units_of_their_codes():
    data = experiment(np.random.default_rng(5), 1500, shift=0.6)
    coded = data.copy()
    for item in ITEMS:
        coded[item] = np.digitize(data[item], [1.8, 2.6, 3.4, 4.2]) + 1
    result = noninvariance(invariance(coded, MODEL, group="arm", estimator="WLSMV"), anchors=list("abcd"))
    means = coded.groupby("arm")[ITEMS].mean().mean(axis=1)
    assert part(result, "difference")["estimate"] == pytest.approx(means["treated"] - means["control"], abs=0.01)
    # what the shift does to item e, from the answers themselves: same people, shift taken back
    treated = data[data["arm"] == "treated"]["e"]
    truth = np.mean(np.digitize(treated, [1.8, 2.6, 3.4, 4.2])) - np.mean(
        np.digitize(treated - 0.6, [1.8, 2.6, 3.4, 4.2])
    )
    item = result.items.set_index("item").loc["e"]
    assert abs(item["bias"] - truth) < 3 * item["se"]


def test_the_page_says_how_much_of_the_difference_is_the_items_doing(shifted):
    _, result = shifted
    assert "comes from items that work differently" in str(result).replace("\n  ", " ")


def test_nothing_freed_or_unknown_anchors_are_refused(shifted):
    data, _ = shifted
    result = invariance(data, MODEL, group="arm", levels=("configural", "metric", "scalar"))
    with pytest.raises(DataError, match="search=True"):
        noninvariance(result)
    with pytest.raises(DataError, match=r"Anchor 'z'"):
        noninvariance(result, anchors=["z"])
    with pytest.raises(DataError, match="no anchor"):
        noninvariance(result, anchors=[])


@pytest.mark.slow
def test_intervals_of_the_measurement_part_cover_the_truth():
    rng = np.random.default_rng(9)
    inside = []
    for _ in range(300):
        result = noninvariance(
            invariance(experiment(rng, 300), MODEL, group="arm", levels=("metric", "scalar")), anchors=list("abcd")
        )
        row = part(result, "measurement")
        inside.append(row["low"] < 0.1 < row["high"])
    assert np.mean(inside) == pytest.approx(0.95, abs=0.045)
