"""Power for messages at large: variances from explicit matrices, limits, and what is refused."""

import math

import numpy as np
import pytest

import feedbackstudy as fs
from feedbackstudy.errors import InputError

SHARES = {
    "person": 0.2,
    "exemplar": 0.15,
    "person_by_condition": 0.05,
    "exemplar_by_condition": 0.1,
    "person_by_exemplar": 0.08,
}
P, Q = 12, 8


def answers(design):
    """List person, exemplar and condition (-1, 1) of every answer, the design as the paper draws it."""
    if design == "one_each":
        return np.array([(i, (i // 2) % Q, 1 if i % 2 else -1) for i in range(2 * Q * 3)]).T
    if design == "one_each_nested":
        return np.array([(i, i % Q, 1 if i % Q % 2 else -1) for i in range(Q * 3)]).T
    person, text = (grid.ravel() for grid in np.meshgrid(np.arange(P), np.arange(Q), indexing="ij"))
    group, kind = 2 * (person % 2) - 1, 2 * (text % 2) - 1
    if design == "crossed":
        return np.array([np.tile(person, 2), np.tile(text, 2), np.repeat([-1, 1], len(person))])
    condition = {"counterbalanced": group * kind, "people_within": group}.get(design, kind)
    kept = group == kind if design == "nested" else np.ones(len(person), dtype=bool)
    return np.array([person, text, condition])[:, kept]


@pytest.mark.parametrize(
    "design",
    ["crossed", "counterbalanced", "people_within", "exemplars_within", "nested", "one_each", "one_each_nested"],
)
def test_the_noncentrality_is_that_of_the_whole_covariance_matrix(design):
    person, text, condition = answers(design)
    same_person, same_text = person[:, None] == person, text[:, None] == text
    both = condition[:, None] * condition
    v = np.eye(len(person)) * (1 - sum(SHARES.values()))
    v += SHARES["person"] * same_person + SHARES["person_by_condition"] * same_person * both
    v += SHARES["exemplar"] * same_text + SHARES["exemplar_by_condition"] * same_text * both
    v += SHARES["person_by_exemplar"] * (same_person & same_text)
    weight = np.where(condition > 0, 1 / (condition > 0).sum(), -1 / (condition < 0).sum())
    n = len(np.unique(person))

    found = fs.power.exemplars(0.5, n, exemplars=Q, design=design, shares=SHARES)

    assert found.details["ncp"] == pytest.approx(0.5 / math.sqrt(weight @ v @ weight), rel=1e-12)


@pytest.mark.slow
def test_the_level_and_power_are_those_of_the_f_test_on_simulated_answers():
    """People within conditions: quasi F by the mean squares of simulated tables."""
    rng = np.random.default_rng(4)
    reps, p, q, d = 20_000, 20, 8, 0.7
    person = np.repeat([-1.0, 1.0], p // 2)
    y = math.sqrt(0.25) * rng.standard_normal((reps, p, 1)) + math.sqrt(0.15) * rng.standard_normal((reps, 1, q))
    y = y + math.sqrt(0.1) * rng.standard_normal((reps, 1, q)) * person[:, None] + d / 2 * person[:, None]
    y = y + math.sqrt(0.5) * rng.standard_normal((reps, p, q))
    groups = y.reshape(reps, 2, p // 2, q)
    cells, rows = groups.mean(axis=2), groups.mean(axis=3)
    grand = cells.mean(axis=2)
    by_person = q * ((rows - grand[..., None]) ** 2).sum(axis=(1, 2)) / (p - 2)
    slope = (cells[:, 1] - cells[:, 0]) / 2
    by_text = p * ((slope - slope.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / (q - 1)
    left = groups - cells[:, :, None] - rows[..., None] + grand[:, :, None, None]
    error = (left**2).sum(axis=(1, 2, 3)) / ((p - 2) * (q - 1))
    total = by_person + by_text - error
    df = total**2 / (by_person**2 / (p - 2) + by_text**2 / (q - 1) + error**2 / ((p - 2) * (q - 1)))
    from scipy import stats

    t = slope.mean(axis=1) / np.sqrt(np.maximum(total, 1e-12) / (p * q))
    hits = float((2 * stats.t.sf(np.abs(t), np.maximum(df, 1.0)) < 0.05).mean())
    shares = {"person": 0.25, "exemplar": 0.15, "exemplar_by_condition": 0.1}

    found = fs.power.exemplars(d, p, exemplars=q, design="people_within", shares=shares)

    assert found.power == pytest.approx(
        hits, abs=0.015
    )  # Satterthwaite's approximation, and .0035 of Monte-Carlo error


def test_without_variance_of_messages_it_is_a_t_test():
    found = fs.power.exemplars(0.5, 128, exemplars=60, shares={}, design="one_each_nested")

    assert found.details["ncp"] == pytest.approx(0.5 * math.sqrt(32), rel=1e-12)
    assert found.details["df"] == 58  # messages are the unit, whatever their variance


def test_more_people_do_not_replace_exemplars():
    shares = {"exemplar_by_condition": 0.05}
    with pytest.raises(InputError, match="No n between 4 and 1e"):
        fs.power.exemplars(0.3, power=0.8, exemplars=6, shares=shares)
    needed = fs.power.exemplars(0.3, 400, exemplars=None, power=0.8, shares=shares)

    assert needed.values["exemplars"] > 12


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"design": "crosed"}, "crossed"),
        ({"shares": {"exemplr": 0.1}}, "exemplar"),
        ({"shares": {"person": 0.6, "exemplar": 0.5}}, "add up to 1.1"),
        ({"shares": {"person": -0.1}}, "share from 0"),
        ({"exemplars": 1}, "exemplars"),
        ({"n": 0}, "n = 0"),
        ({"d": float("nan")}, "finite"),
    ],
)
def test_what_cannot_be_is_refused(given, said):
    with pytest.raises(InputError, match=said):
        fs.power.exemplars(**({"d": 0.5, "n": 100, "exemplars": 10} | given))
