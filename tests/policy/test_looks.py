"""Looks are counted, spend alpha, and cannot be rewritten; statistics are saved without loss."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats as sp

from feedbackstudy.errors import FileFormatError, InputError
from feedbackstudy.policy.applications import compress, synthetic_applications
from feedbackstudy.policy.data_print import print_of, same_data
from feedbackstudy.policy.declared import Looks
from feedbackstudy.policy.look_ledger import note_statistics, read_ledger, register_plan
from feedbackstudy.policy.looks import allowed_level, plan_look, take_look
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
    return replace(stats, plan=stats.plan.model_copy(update=changed))


def later(stats):
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


def test_the_same_rows_are_known_again_whatever_order_they_were_added_in(invented, stats, tmp_path):
    known, rng = print_of(stats), np.random.default_rng(1)

    def shaken(frame):
        sums = [c for c in frame.columns if c in {"sum", "sumsq", "x_sum", "x_sumsq", "xy"}]
        return frame.assign(**{c: frame[c] * (1 + 1e-13 * rng.normal(size=len(frame))) for c in sums})

    for _ in range(6):
        assert same_data(known, replace(stats, cells={name: shaken(frame) for name, frame in stats.cells.items()}))
    place = tmp_path / "rows.parquet"
    invented.table.source.to_parquet(place, row_group_size=200)
    again = [compress(place, stats.plan) for _ in range(2)]
    assert all(same_data(json.loads(json.dumps(print_of(again[0]))), each) for each in again)
    assert same_data(known, again[0])  # DuckDB and pandas
    assert take_look(tmp_path / "l", stats, 1) == replace(take_look(tmp_path / "l", again[0], 1), repeated=False)


@pytest.mark.parametrize("how", ["one more", "a value", "two swapped", "a group"])
def test_other_rows_are_other_data(stats, how):
    known, cells, groups = print_of(stats), dict(stats.cells), dict(stats.subgroups)
    frame = cells["minutes"].copy()
    if how == "one more":
        frame.loc[17, "n"] += 1
    elif how == "a value":
        frame.loc[17, "sum"] += 1e-3
    elif how == "two swapped":
        frame.loc[[17, 18], "sum"] = frame.loc[[18, 17], "sum"].to_numpy()
    else:
        own = groups["hired", "gender"].copy()
        own.loc[0, "sum"] += 1
        groups["hired", "gender"] = own
    assert not same_data(known, replace(stats, cells={**cells, "minutes": frame}, subgroups=groups))
    assert not same_data("a hash of before", stats)


def test_a_planned_look_writes_nothing(stats, tmp_path):
    path = tmp_path / "looks.ledger"
    planned = plan_look(path, stats, 1)
    assert not path.exists()
    assert take_look(path, stats, planned) == planned
    assert len(read_ledger(path).looks) == 1


def test_an_amended_plan_is_noticed_and_says_why(stats, tmp_path):
    path, day = tmp_path / "looks.ledger", dt.date(2026, 3, 1)
    take_look(path, stats, 1)
    changed = other(later(stats), multiplicity="none")
    with pytest.raises(InputError, match="say why it was amended"):
        take_look(path, changed, 2)
    look = take_look(path, changed, 2, amend="the works council asked for it", today=day)
    assert look.amended == ("the works council asked for it (2026-03-01, after data)",)
    assert not look.registered
    assert "2026-03-01, after data: the works council" in str(read_ledger(path))
    assert "not registered" in str(read_ledger(path))


@pytest.mark.parametrize("met_data", [False, True])
def test_a_plan_that_was_registered_cannot_change_unseen(stats, tmp_path, met_data):
    path, day = tmp_path / "looks.ledger", dt.date(2026, 3, 1)
    register_plan(path, stats.plan, today=day)
    register_plan(path, stats.plan)  # the same again is nothing new
    assert len(read_ledger(path).lines) == 1
    changed = other(stats, multiplicity="none")
    if met_data:
        note_statistics(path, stats, today=day)
    with pytest.raises(InputError, match="not the one of the registration"):
        take_look(path, changed, 1)
    with pytest.raises(InputError, match="not written twice"):
        register_plan(path, changed.plan)
    look = take_look(path, changed, 1, amend="a slip", today=day)
    assert look.amended == (f"a slip (2026-03-01, {'after' if met_data else 'before'} data)",)
    assert look.registered
    assert read_ledger(path).plan == changed.plan.design_hash


def test_statistics_alone_fix_no_plan_and_a_registration_comes_first(stats, tmp_path):
    path = tmp_path / "looks.ledger"
    note_statistics(path, other(stats, multiplicity="none"))
    with pytest.raises(InputError, match="nor after data"):
        register_plan(path, stats.plan)
    assert take_look(path, stats, 1).amended == ()


def test_more_looks_than_planned_need_the_plan_to_rise_and_say_what_was_spent(stats, tmp_path):
    path, once = tmp_path / "looks.ledger", other(stats, looks=Looks(planned=1))
    take_look(path, once, 1)
    with pytest.raises(InputError, match=r"look 2, and looks\.planned in the plan must rise from 1 to 2"):
        take_look(path, later(once), 1)
    with pytest.raises(InputError, match=r"raise looks\.planned in the plan to 2 and say why"):
        take_look(path, later(once), 2)
    changed = other(later(stats), looks=Looks(planned=1), multiplicity="none")
    with pytest.raises(InputError, match=r"amended plan is look 2, and looks\.planned .* from 1 to 2"):
        take_look(path, changed, 1, amend="why")
    look = take_look(path, later(stats), 2, amend="one more")
    assert look.amended[0].startswith("one more (")
    assert "looks before spent 0.0500" in look.amended[1]
    assert f"up to {0.05 + 1 - look.level:.4f}, not 0.0500" in look.amended[1]


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
