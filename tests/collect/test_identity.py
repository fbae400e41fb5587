"""Group sizes against the assignment, dropout by condition and its bounds, pseudonyms."""

import itertools
import os
import stat

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import feedbackstudy as fs
from feedbackstudy.collect.accounting import Accounting
from feedbackstudy.collect.dropout import dropout, lee_bounds
from feedbackstudy.collect.pseudonyms import KEY_VARIABLE, make_key, pseudonym_key
from feedbackstudy.collect.sample_ratio import sample_ratio
from feedbackstudy.errors import DataError, InputError, UnsafePathError

# R 4.2.2: chisq.test(c(812, 760, 741), p = rep(1/3, 3)); binom.test(1, 9, 1/3)
R_CHISQ, R_CHISQ_P, R_FEW_P = 3.50453955901427, 0.173379962209147, 0.287913427831123


def test_the_chi_square_test_of_sizes_is_that_of_r():
    found = sample_ratio({"a": 812, "b": 760, "c": 741}, {"a": 1, "b": 1, "c": 1})

    assert (found.statistic, found.p) == pytest.approx((R_CHISQ, R_CHISQ_P), rel=1e-10)
    assert not found.mismatch


def test_few_people_in_two_groups_get_the_exact_test():
    few = sample_ratio({"a": 1, "b": 8}, {"a": 1, "b": 2})

    assert few.method == "exact binomial test"
    assert few.p == pytest.approx(R_FEW_P, rel=1e-9)


def test_a_simulated_p_value_of_few_people_is_that_of_full_enumeration():
    observed, n = np.array([7, 1, 2]), 10
    expected = np.full(3, n / 3)
    chi = ((observed - expected) ** 2 / expected).sum()
    exact = 0.0
    for a, b in itertools.product(range(n + 1), repeat=2):
        if a + b <= n:
            counts = np.array([a, b, n - a - b])
            ways = np.exp(sum(np.log(np.arange(1, n + 1))) - sum(np.log(np.arange(1, k + 1)).sum() for k in counts))
            exact += ways / 3**n * (((counts - expected) ** 2 / expected).sum() >= chi - 1e-9)

    found = sample_ratio(dict(zip("abc", observed.tolist(), strict=True)), {"a": 1, "b": 1, "c": 1})

    assert found.p == pytest.approx(exact, abs=3 * np.sqrt(exact * (1 - exact) / 20_000) + 1 / 20_001)


def test_a_mismatch_is_a_warning_with_its_likely_causes():
    (issue,) = sample_ratio({"a": 700, "b": 500}, {"a": 1, "b": 1}).issues()

    assert issue.code == "collect.sample_ratio"
    assert "one condition" in issue.fix.replace("\n", " ")


@pytest.mark.parametrize("observed", [{"c": 4}, {"a": -1, "b": 3}, {"a": 0, "b": 0}])
def test_sizes_that_cannot_be_are_refused(observed):
    with pytest.raises(DataError):
        sample_ratio(observed, {"a": 1, "b": 1})


def flow_of(stayed: dict[str, tuple[int, int]]) -> Accounting:
    rows = [(f"{name}{i}", name, "", "analysed", "", "", i < n) for name, (n, of) in stayed.items() for i in range(of)]
    head = ["participant", "condition", "received", "fate", "step", "reason", "followed_up"]
    return Accounting(
        _people=pd.DataFrame(rows, columns=head), conditions=tuple(stayed), erased=0, occasion="t1", randomised=True,
        crossed=None, provenance=fs.Provenance(made_by="test"),
    )  # fmt: skip


def test_dropout_is_compared_by_the_tests_of_r():
    two = dropout(flow_of({"a": (24, 30), "b": (16, 30)}))
    three = dropout(flow_of({"a": (40, 50), "b": (35, 50), "c": (22, 50)}))

    # fisher.test and chisq.test of R 4.2.2, uncorrected, on (24, 6; 16, 14) and (40, 10; 35, 15; 22, 28)
    assert two.p == pytest.approx(0.053897205782829, rel=1e-9)
    assert three.p == pytest.approx(0.000522494789923295, rel=1e-9)
    assert [issue.code for issue in three.issues()] == ["collect.differential_dropout"]


def test_lee_bounds_by_hand():
    # 5 of 5 treated and 4 of 5 controls stay: one fifth of the treated is trimmed from either end.
    found = lee_bounds(np.array([1.0, 2, 3, 4, 5]), np.array([1.0, 1, 1, 1]), n_treated=5, n_control=5)

    assert (found.low, found.high, found.difference) == pytest.approx((1.5, 2.5, 2.0))
    assert found.trimmed_condition == "treated"


def test_lee_bounds_trim_a_fraction_of_a_person():
    # q_T = 1, q_C = 3/4: a quarter of five values is one value and a quarter of the next.
    found = lee_bounds(np.array([1.0, 2, 3, 4, 5]), np.zeros(3), n_treated=5, n_control=4)

    assert found.low == pytest.approx((1 + 2 + 3 + 0.75 * 4) / 3.75)
    assert found.high == pytest.approx((5 + 4 + 3 + 0.75 * 2) / 3.75)


def test_lee_bounds_hold_the_effect_on_those_who_always_stay():
    chance = np.random.default_rng(3)
    n, inside = 20_000, []
    y0 = chance.normal(size=n)
    always, if_treated = y0 > -0.5, y0 > -1.0
    treated = y0[: n // 2][if_treated[: n // 2]] + 0.3
    control = y0[n // 2 :][always[n // 2 :]]

    found = lee_bounds(treated, control, n_treated=n // 2, n_control=n // 2)

    inside.append(found.low <= 0.3 <= found.high)
    assert inside == [True]
    assert found.low < found.difference < found.high


def test_equal_dropout_leaves_the_difference_as_it_is():
    found = lee_bounds(np.array([2.0, 4]), np.array([1.0, 1]), n_treated=4, n_control=4)

    assert found.low == found.high == found.difference == 2.0


@pytest.fixture
def study_folder(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    return folder


def test_a_key_is_readable_by_its_owner_alone_and_never_replaced(tmp_path, study_folder):
    key = make_key(tmp_path / "k" / "a.key", study_folder=study_folder)

    if os.name == "posix":
        assert stat.S_IMODE(key.path.stat().st_mode) == 0o600
    with pytest.raises(InputError, match="never replaced"):
        make_key(key.path, study_folder=study_folder)


def test_a_person_keeps_their_code_over_waves_and_spellings_and_another_key_changes_all(tmp_path, study_folder):
    make_key(tmp_path / "a.key", study_folder=study_folder)
    first = pseudonym_key(tmp_path / "a.key", study_folder=study_folder)
    other = make_key(tmp_path / "b.key", study_folder=study_folder)

    assert first.code("Zoe\u0308@Example.org ") == first.code("zo\u00eb@example.org")
    names = [f"person{i}@example.org" for i in range(500)]
    assert len(set(first.codes(names).values())) == 500
    assert not set(first.codes(names).values()) & set(other.codes(names).values())
    assert len(first.code("x")) == 21  # "p" and 80 bits


def test_the_key_is_shown_nowhere(tmp_path, study_folder):
    key = make_key(tmp_path / "a.key", study_folder=study_folder)
    secret = key.path.read_text().strip()

    for shown in (repr(key), str(key), key.code("x"), repr(key.codes(["x"]))):
        assert secret not in shown
        assert secret[:16] not in shown


def test_a_key_inside_the_study_or_open_to_others_or_absent_is_refused(tmp_path, study_folder):
    with pytest.raises(UnsafePathError):
        make_key(study_folder / "a.key", study_folder=study_folder)
    with pytest.raises(InputError, match="make_key"):
        pseudonym_key(tmp_path / "none.key", study_folder=study_folder)
    key = make_key(tmp_path / "a.key", study_folder=study_folder)
    if os.name == "posix":
        key.path.chmod(0o644)
        with pytest.raises(InputError, match="chmod 600"):
            pseudonym_key(key.path, study_folder=study_folder)


def test_the_environment_names_the_key(tmp_path, study_folder, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "named.key"))

    assert make_key(study_folder=study_folder).path == tmp_path / "named.key"


@given(st.text(max_size=12))
def test_a_code_never_holds_the_identifier_and_an_empty_one_is_refused(text):
    from feedbackstudy.collect.pseudonyms import PseudonymKey

    key = PseudonymKey(path=None, _secret=b"0" * 32)  # type: ignore[arg-type]
    if not text.strip():
        with pytest.raises(DataError):
            key.code(text)
    else:
        assert key.code(text)[1:] != text
