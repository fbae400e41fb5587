"""Looks are counted, spend alpha, and cannot be rewritten; statistics are saved without loss."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats as sp

from feedbackstudy.errors import FileFormatError, InputError
from feedbackstudy.policy.applications import compress, synthetic_applications
from feedbackstudy.policy.declared import Looks
from feedbackstudy.policy.looks import allowed_level, read_ledger, take_look
from feedbackstudy.policy.sample_ratio import _by_draws, srm
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.policy.sufficient_saving import MARK


@pytest.fixture(scope="module")
def invented():
    return synthetic_applications(3_000, seed=5)


@pytest.fixture(scope="module")
def stats(invented):
    return compress(invented.table, invented.plan.model_copy(update={"looks": Looks(planned=2)}))


def other(stats, **changed):
    from dataclasses import replace

    return replace(stats, plan=stats.plan.model_copy(update=changed))


def later(stats):
    from dataclasses import replace

    cells = {name: frame.assign(n=frame["n"] + 1) for name, frame in stats.cells.items()}
    return replace(stats, cells=cells)


def test_two_looks_spend_alpha_as_lan_and_demets(stats):
    """O'Brien-Fleming type at t = 1/2, 1: 2.963 and 1.969 (Reboussin et al. 2000; ldbounds)."""
    z = [sp.norm.ppf((1 + allowed_level(stats.plan, k)) / 2) for k in (1, 2)]
    assert z == pytest.approx([2.963, 1.969], abs=1e-3)
    with pytest.raises(InputError, match="Look 3 was not planned: the plan has 2"):
        allowed_level(stats.plan, 3)
    free = stats.plan.model_copy(update={"looks": Looks(kind="always_valid")})
    assert allowed_level(free, 50) == free.interval_level


def test_looks_are_taken_in_order_and_once(stats, tmp_path):
    path = tmp_path / "looks.ledger"
    with pytest.raises(InputError, match="the next is 1"):
        take_look(path, stats, 2)
    first = take_look(path, stats, 1)
    assert not first.repeated
    assert take_look(path, stats, 1).repeated
    assert len(read_ledger(path).lines) == 1
    with pytest.raises(InputError, match="more data is look 2"):
        take_look(path, later(stats), 1)
    second = take_look(path, later(stats), 2)
    assert second.level < first.level
    assert second.of(stats).plan.interval_level == second.level
    with pytest.raises(InputError, match="was not planned"):
        take_look(path, later(later(stats)), 3)
    assert "p that decides" in str(read_ledger(path))


def test_an_amended_plan_is_noticed_and_says_why(stats, tmp_path):
    path = tmp_path / "looks.ledger"
    take_look(path, stats, 1)
    changed = other(later(stats), alpha=0.01)
    with pytest.raises(InputError, match="say why it was amended"):
        take_look(path, changed, 2)
    assert take_look(path, changed, 2, amend="the works council asked for it").amended == (
        "the works council asked for it",
    )
    assert "works council" in str(read_ledger(path))


def test_a_ledger_that_was_edited_is_refused(stats, tmp_path):
    path = tmp_path / "looks.ledger"
    take_look(path, stats, 1)
    line = json.loads(path.read_text())
    path.write_text(json.dumps({**line, "level": 0.5}) + "\n")
    with pytest.raises(FileFormatError, match="it was edited"):
        take_look(path, later(stats), 2)


def test_statistics_are_saved_without_loss(stats, tmp_path):
    folder = stats.save(tmp_path / "stats")
    assert "RESTRICTED" in (folder / MARK).read_text()
    back = SufficientStats.load(folder)
    assert back.plan == stats.plan
    assert back.provenance == stats.provenance
    assert dict(back.rows) == dict(stats.rows)
    for name in stats.cells:
        pd.testing.assert_frame_equal(back.of(name), stats.of(name), check_dtype=False)
        one, two = back.fits[name], stats.fits[name]
        assert one.columns == two.columns
        assert one.groups == two.groups
        np.testing.assert_array_equal(one.clustered("site"), two.clustered("site"))
    assert set(back.subgroups) == set(stats.subgroups)
    with pytest.raises(FileFormatError, match="nothing is overwritten"):
        stats.save(folder)
    content = bytearray((folder / "statistics.npz").read_bytes())
    content[100] ^= 1
    (folder / "statistics.npz").write_bytes(content)
    with pytest.raises(FileFormatError, match="changed or cut"):
        SufficientStats.load(folder)


def test_sample_ratios():
    assert srm({"a": 9, "b": 1}).p == pytest.approx(sp.binomtest(1, 10).pvalue, rel=1e-9)
    three = srm({"a": 4, "b": 1, "c": 0}, shares={"a": 1, "b": 1, "c": 2})
    tables = [(i, j, 5 - i - j) for i in range(6) for j in range(6 - i)]
    chance = [sp.multinomial.pmf(t, 5, [0.25, 0.25, 0.5]) for t in tables]
    own = sp.multinomial.pmf((4, 1, 0), 5, [0.25, 0.25, 0.5])
    assert three.p == pytest.approx(sum(c for c in chance if c <= own * (1 + 1e-9)), rel=1e-9)
    large = srm({"a": 400_500, "b": 399_500})
    assert large.p == pytest.approx(sp.chisquare([400_500, 399_500]).pvalue)
    assert srm({"a": 410_000, "b": 390_000}).mismatch
    with pytest.raises(InputError, match="whole numbers"):
        srm({"a": -1, "b": 2})


def test_applications_of_clusters_do_not_cry_wolf():
    """Sites of very different sizes: chi-square on applications rejects, draws of whole sites do not."""
    rng = np.random.default_rng(4)
    alarms = 0
    for seed in range(200):
        sizes = rng.gamma(1.0, 1000, 20).round()
        arms = rng.permutation(["a"] * 10 + ["b"] * 10).tolist()
        counts = {arm: int(sum(s for s, x in zip(sizes, arms, strict=True) if x == arm)) for arm in "ab"}
        alarms += _by_draws(sizes, arms, counts, draws=400, seed=seed, alpha=0.05).mismatch
    assert abs(alarms / 200 - 0.05) < 3.3 * np.sqrt(0.05 * 0.95 / 200)
    assert srm(counts).mismatch
