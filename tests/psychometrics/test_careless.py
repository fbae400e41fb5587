"""Indices of careless answering against R, and with missing answers."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics import careless
from feedbackstudy.psychometrics.careless_indices import average_string, even_odd, long_string, pair_consistency

SCALES = {scale: [f"{scale}{k}" for k in range(1, 6)] for scale in "ACENO"}
REVERSE = ("A1", "C4", "C5", "E1", "E2", "O2", "O5")


@pytest.fixture(scope="module")
def answers(bfi):
    return bfi[[item for items in SCALES.values() for item in items]]


@pytest.fixture(scope="module")
def complete(answers):
    return careless(answers.dropna(), scales=SCALES, reverse=REVERSE, answer_range=(1, 6))


def test_indices_agree_with_r(complete, oracle):
    reference, found = oracle["careless"], complete.frame()

    pairs = {
        "average_string": "avgstring_first10",
        "irv": "irv_first10",
        "mahalanobis": "mahad_D2_first10",
        "even_odd": "evenodd_sb_first10",
        "person_total": "person_total_r_first10",
    }
    for ours, theirs in pairs.items():
        np.testing.assert_allclose(found[ours].iloc[:10], reference[theirs], atol=1e-6, err_msg=ours)
    assert found["longstring"].iloc[:10].tolist() == reference["longstring"]["first10"]
    counts = found["longstring"].value_counts()
    assert {str(k): v for k, v in counts.items()} == reference["longstring"]["table"]
    assert int((found["mahalanobis_p"] < 0.001).sum()) == reference["mahad_flag_p001"]
    assert complete.synonyms == (("N1", "N2"),)
    assert found["synonyms"].isna().all()


def test_too_few_item_pairs_are_said(complete):
    issue = next(issue for issue in complete.issues if issue.code == "psychometrics.few_item_pairs")

    assert "1 synonym and 0 antonym" in issue.what


def test_missing_answers_leave_every_index_that_can_be_had(answers, complete):
    found = careless(answers, scales=SCALES, reverse=REVERSE, answer_range=(1, 6)).frame()

    whole = answers.dropna().index
    for name in ("longstring", "irv", "mahalanobis", "even_odd", "average_string"):
        np.testing.assert_allclose(found.loc[whole, name], complete.frame()[name], atol=1e-8, err_msg=name)
    holes = answers.index.difference(whole)
    assert found.loc[holes, ["longstring", "irv", "mahalanobis"]].notna().all(axis=None)
    assert (found.loc[holes, "answered"] < 25).all()


def test_a_missing_answer_ends_a_string():
    rows = np.array([[1, 1, 1, 2, 2.0], [1, np.nan, 1, 1, 1], [3, 3, np.nan, 3, 3], [np.nan] * 5])

    assert long_string(rows).tolist() == [3, 3, 2, 0]
    np.testing.assert_allclose(average_string(rows), [2.5, 2.0, 2.0, np.nan])


def test_a_mahalanobis_distance_of_part_of_the_answers_uses_their_covariance(answers):
    rows = answers.iloc[:, :5].dropna().iloc[:400].reset_index(drop=True).astype(float)
    rows.iloc[0, [1, 3]] = np.nan

    found = careless(rows).frame()

    whole = rows.dropna()
    kept = [0, 2, 4]
    deviation = rows.iloc[0, kept].to_numpy() - whole.mean().to_numpy()[kept]
    expected = deviation @ np.linalg.inv(whole.cov().to_numpy()[np.ix_(kept, kept)]) @ deviation
    assert found.loc[0, "mahalanobis"] == pytest.approx(expected, abs=1e-10)


def test_synonyms_and_antonyms_tell_a_random_answerer_from_an_attentive_one():
    rng = np.random.default_rng(2)
    traits = rng.normal(size=(300, 6))
    first = traits + 0.3 * rng.normal(size=traits.shape)
    second = traits * np.array([1, 1, 1, -1, -1, -1]) + 0.3 * rng.normal(size=traits.shape)
    rows = np.hstack([first, second])
    rows[0] = rng.normal(size=12)

    found = careless(rows)

    assert len(found.synonyms) == len(found.antonyms) == 3
    frame = found.frame()
    assert frame["synonyms"].iloc[1:].median() > 0.8
    assert frame["antonyms"].iloc[1:].median() < -0.8


def test_a_person_who_does_not_vary_has_no_consistency():
    rows = np.vstack([np.full(6, 3.0), np.arange(6.0)])
    pairs = [(0, 1), (2, 3), (4, 5)]

    assert np.isnan(pair_consistency(rows, pairs)[0])
    assert np.isnan(even_odd(rows, [[0, 1], [2, 3]])).all()


def test_unkeyed_items_are_named_since_even_odd_would_mislead(answers):
    found = careless(answers, scales=SCALES)

    assert "C4" in next(i.where for i in found.issues if i.code == "psychometrics.negative_item_rest")


def test_flags_follow_the_rules_given_and_remove_nobody(answers):
    found = careless(answers.dropna(), rules={"longstring": (">", 9)})

    assert len(found.frame()) == 2436
    assert len(found.flagged()) == 5
    assert (found.flagged()["longstring"] > 9).all()
    with pytest.raises(DataError, match="'longstrings' is unknown"):
        careless(answers, rules={"longstrings": (">", 9)})
    with pytest.raises(DataError, match="use '<' or '>'"):
        careless(answers, rules={"longstring": (">=", 9)})
    with pytest.raises(DataError, match=r"Scale 'A': Item 'A9' is unknown"):
        careless(answers, scales={"A": ["A9"]})


def test_people_keep_their_labels(answers):
    labelled = answers.dropna().head(30).set_axis([f"p{k}" for k in range(30)])

    assert careless(labelled).frame().index.tolist() == labelled.index.tolist()
    assert isinstance(careless(labelled).flagged(at_least=1), pd.DataFrame)
