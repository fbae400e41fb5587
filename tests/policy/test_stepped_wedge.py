"""Cluster-period means give what mixed models and robust errors of the rows give in R."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import linalg

from feedbackstudy.errors import DataError, InputError, NotFoundError
from feedbackstudy.policy.declared import Metric
from feedbackstudy.policy.stepped_wedge import stepped_wedge
from tests.policy.rollouts.invented import FIRST, plan_of, rows_of, stats_of

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "policy_wedge.json").read_text())
METRICS = (Metric(name="y", label="Y", kind="mean", column="y", role="primary"),)


def rows_of_reference():
    data = REFERENCE["rows"]
    rows = pd.DataFrame({"site": [f"{s:02d}" for s in data["site"]], "period": [FIRST + p for p in data["period"]]})
    rows["treated"], rows["m_y"] = np.array(data["treated"], float), data["y"]
    return rows.assign(arm=np.where(rows["treated"] == 1, "policy", "before"), job="a")


def design(rows):
    periods = [rows["period"] == FIRST + p for p in (2, 3, 4, 5)]
    return np.column_stack([rows["treated"], np.ones(len(rows)), *periods]).astype(float)


@pytest.fixture(scope="module")
def stats():
    rows = rows_of_reference()
    return stats_of(rows, plan_of(rows, metrics=METRICS))


@pytest.mark.parametrize("working", ["nested", "exchangeable"])
def test_the_mixed_model_is_lme4_s(stats, working):
    """R: lmer(y ~ treated + factor(period) + (1 | site) [+ (1 | site:period)]), lmerTest's degrees of freedom."""
    expected = REFERENCE[working]
    row = stepped_wedge(stats, working=working, correction="model").rows[0]
    assert row.estimate == pytest.approx(expected["beta"], rel=2e-6)
    assert row.se == pytest.approx(expected["se"], rel=2e-6)
    assert row.df == pytest.approx(expected["df"], rel=5e-3)  # both Hessians are numerical


@pytest.mark.parametrize(
    ("working", "correction", "kind"),
    [
        ("exchangeable", "mancl-derouen", "CR3"),
        ("independence", "mancl-derouen", "CR3"),
        ("independence", "kauermann-carroll", "CR2"),
    ],
)
def test_corrections_are_those_of_clubsandwich(stats, working, correction, kind):
    expected = REFERENCE[working]
    row = stepped_wedge(stats, working=working, correction=correction).rows[0]
    assert row.estimate == pytest.approx(expected["beta"], rel=2e-6)
    assert row.se == pytest.approx(expected[kind]["se"], rel=1e-5)
    assert row.df == pytest.approx(expected[kind]["df"], rel=1e-5)


def test_kauermann_carroll_is_its_definition_on_rows(stats):
    """The principal root of I - H of each cluster; clubSandwich's CR2 takes another root where V is not diagonal."""
    rows = rows_of_reference()
    between, within = REFERENCE["exchangeable"]["sd"]
    x, y = design(rows), rows["m_y"].to_numpy()
    own = [(rows["site"] == site).to_numpy() for site in sorted(set(rows["site"]))]
    inverses = [np.linalg.inv(within**2 * np.eye(m.sum()) + between**2) for m in own]
    bread = np.linalg.inv(sum(x[m].T @ v @ x[m] for m, v in zip(own, inverses, strict=True)))
    left = y - x @ (bread @ sum(x[m].T @ v @ y[m] for m, v in zip(own, inverses, strict=True)))
    meat = np.zeros_like(bread)
    for m, v in zip(own, inverses, strict=True):
        root = np.linalg.inv(linalg.sqrtm(np.eye(m.sum()) - x[m] @ bread @ x[m].T @ v).real)
        score = x[m].T @ v @ root @ left[m]
        meat += np.outer(score, score)
    row = stepped_wedge(stats, working="exchangeable").rows[0]
    assert row.se == pytest.approx(np.sqrt((bread @ meat @ bread)[0, 0]), rel=1e-5)


def test_effects_by_exposure_are_lme4_s(stats):
    rows = stepped_wedge(stats, effect="exposure", working="exchangeable", correction="model").rows
    expected = REFERENCE["exposure"]
    assert [row.estimate for row in rows[1:]] == pytest.approx(expected["beta"], rel=1e-5)
    assert [row.se for row in rows[1:]] == pytest.approx(expected["se"], rel=1e-5)
    assert rows[0].estimate == pytest.approx(np.mean(expected["beta"]), rel=1e-5)
    assert "average over periods" in rows[0].contrast


def test_fay_graubard_lies_between(stats):
    """The correction of Fay and Graubard from its definition on rows, independence working model."""
    row = stepped_wedge(stats, working="independence", correction="fay-graubard").rows[0]
    rows = rows_of_reference()
    x = np.column_stack(
        [rows["treated"], np.ones(len(rows)), *(rows["period"] == FIRST + p for p in (2, 3, 4, 5))]
    ).astype(float)
    y = rows["m_y"].to_numpy()
    inverse = np.linalg.inv(x.T @ x)
    left = y - x @ (inverse @ x.T @ y)
    meat = np.zeros_like(inverse)
    for site in sorted(set(rows["site"])):
        own = (rows["site"] == site).to_numpy()
        share = np.minimum(0.75, np.diag(x[own].T @ x[own] @ inverse))
        score = (1 - share) ** -0.5 * (x[own].T @ left[own])
        meat += np.outer(score, score)
    assert row.se == pytest.approx(np.sqrt((inverse @ meat @ inverse)[0, 0]), rel=1e-9)
    assert row.df == 7


def test_no_clustering_ends_at_zero():
    rows = rows_of(3, sites=12, per_cell=40, spread=0.0)
    row = stepped_wedge(stats_of(rows, plan_of(rows))).rows[0]
    assert row.se > 0
    assert row.df > 3


def test_what_cannot_be_a_wedge_is_refused():
    rows = rows_of(4)
    stats = stats_of(rows, plan_of(rows))
    with pytest.raises(NotFoundError, match="Did you mean 'mancl-derouen'"):
        stepped_wedge(stats, correction="mancl")
    with pytest.raises(InputError, match="is a ratio"):
        stepped_wedge(stats, "per_hour")
    once = rows.assign(treated=(rows["period"] >= rows["period"].min() + 3).astype(float))
    with pytest.raises(DataError, match="start at once"):
        stepped_wedge(stats_of(once, plan_of(once)))
    same = rows.assign(m_again=0.0)
    with pytest.raises(DataError, match=r"constant|how much applications vary"):
        stepped_wedge(stats_of(same, plan_of(same)))
    two = rows[rows["site"].isin(sorted(set(rows["site"]))[:2])]
    with pytest.raises(DataError, match="at least three"):
        stepped_wedge(stats_of(two, plan_of(two)))
