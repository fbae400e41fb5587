"""Mediation from a data frame: every effect, both ways, in calm words; bad input says what is wrong."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.mediation import mediation
from feedbackstudy.errors import DataError, NotFoundError
from feedbackstudy.report import figure

QUICK = {"n_boot": 499, "draws": 2000, "seed": 1}


@pytest.fixture(scope="module")
def people():
    """Invented people in three arms and 24 teams, with a serial path of two mediators."""
    rng = np.random.default_rng(11)
    n = 240
    arm = rng.permutation(np.array(["none", "short", "long"])[np.arange(n) % 3])
    team = np.arange(n) % 24
    base = rng.normal(size=n)
    appraisal = 4 + 0.7 * (arm == "long") + 0.3 * base + 0.4 * rng.normal(size=24)[team] + rng.normal(size=n)
    efficacy = 2 + 0.5 * appraisal + 0.2 * base + rng.normal(size=n)
    intent = 1 + 0.2 * appraisal + 0.4 * efficacy + rng.normal(size=n)
    return pd.DataFrame(
        {
            "arm": arm,
            "treated": (arm != "none").astype(int),
            "dose": np.where(arm == "long", 2.0, np.where(arm == "short", 1.0, 0.0)) + 0.1 * rng.normal(size=n),
            "team": [f"t{t:02d}" for t in team],
            "team_dose": rng.normal(size=24)[team],
            "sex": np.where(rng.random(n) < 0.5, "f", "m"),
            "base": base,
            "appraisal": appraisal,
            "efficacy": efficacy,
            "intent": intent,
        }
    )


@pytest.fixture(scope="module")
def serial(people):
    """The serial path with priors on the scales."""
    scales = {name: CellPrior.of_scale(1, 7) for name in ("appraisal", "efficacy", "intent")}
    return mediation(
        people,
        "arm",
        ["appraisal", "efficacy"],
        "intent",
        structure="serial",
        contrast={"long": 1, "none": -1},
        covariates=["base", "sex"],
        priors=scales,
        sesoi=0.05,
        **QUICK,
    )


def test_direct_and_indirect_effects_add_up_to_the_total(serial):
    frame = serial.frame().set_index("effect")["estimate"]
    routes = [name for name, a in zip(frame.index, serial.answers, strict=True) if a.effect.kind == "indirect"]
    assert len(routes) == 3
    assert frame["total"] == pytest.approx(frame["direct"] + frame[routes].sum(), rel=1e-12)


def test_the_total_is_the_slope_without_mediators(people, serial):
    x = np.column_stack(
        [np.ones(240), people["arm"] == "none", people["arm"] == "short", people["base"], people["sex"] == "m"]
    ).astype(float)
    slopes = np.linalg.lstsq(x, people["intent"].to_numpy(), rcond=None)[0]
    assert serial["total"].estimate == pytest.approx(-slopes[1], rel=1e-9)


def test_order_of_rows_and_names_of_levels_do_not_matter(people):
    def run(data, contrast):
        return mediation(data, "arm", "appraisal", "intent", contrast=contrast, interval="delta", **QUICK)

    one = run(people, {"long": 1, "none": -1})
    renamed = people.replace({"arm": {"none": "z", "long": "a", "short": "m"}}).iloc[::-1]
    other = run(renamed, {"a": 1, "z": -1})
    for a, b in zip(one.answers, other.answers, strict=True):
        assert a.estimate == pytest.approx(b.estimate, rel=1e-10)
        assert a.p == pytest.approx(b.p, rel=1e-9)


def test_text_of_two_levels_is_the_0_1_column(people):
    text = people.assign(treated=np.where(people["treated"] == 1, "yes", "no"))
    one = mediation(people, "treated", "appraisal", "intent", **QUICK)
    other = mediation(text, "treated", "appraisal", "intent", **QUICK)
    assert [a.estimate for a in one.answers] == pytest.approx([a.estimate for a in other.answers], rel=1e-10)
    assert [a.low for a in one.answers] == pytest.approx([a.low for a in other.answers], rel=1e-8)
    assert [a.standardised for a in one.answers[-3:]] == pytest.approx([a.standardised for a in other.answers[-3:]])


@pytest.mark.parametrize("multilevel", [False, True])
def test_a_cause_coded_one_and_two_has_the_same_effects_and_it_is_said(people, multilevel):
    how = QUICK | ({"cluster": "team", "multilevel": True} if multilevel else {})
    coded = mediation(people.assign(treated=people["treated"] + 1), "treated", "appraisal", "intent", **how)
    plain = mediation(people, "treated", "appraisal", "intent", **how)
    assert coded.main.estimate == pytest.approx(plain.main.estimate)
    assert any("treated is coded 1 and 2" in note for note in coded.notes)
    assert not any("coded 1 and 2" in note for note in plain.notes)


def test_a_measured_cause_is_standardised_completely(people):
    found = mediation(people, "dose", "appraisal", "intent", **QUICK)
    scaled = (people[["dose", "appraisal", "intent"]] - people[["dose", "appraisal", "intent"]].mean()) / people[
        ["dose", "appraisal", "intent"]
    ].std()
    again = mediation(scaled, "dose", "appraisal", "intent", **QUICK)
    route = "dose > appraisal > intent"
    assert found[route].standardised == pytest.approx(again[route].estimate, rel=1e-9)
    assert "completely standardised" in found.standardised


@pytest.mark.parametrize("interval", ["percentile", "bca", "monte carlo", "delta"])
def test_interval_and_p_agree_for_every_effect(people, interval):
    found = mediation(
        people, "treated", ["appraisal", "efficacy"], "intent", structure="parallel", interval=interval, **QUICK
    )
    for a in found.answers:
        assert ((a.low > 0) or (a.high < 0)) == (a.p <= 0.05 + 1e-12), a.effect.name


def test_joint_significance_is_the_weakest_leg(serial):
    a, b = serial["a: long - none > appraisal"], serial["b: appraisal > intent"]
    at = [x.effect.name for x in serial.answers]
    p = serial.delta.p
    legs = max(p[at.index(a.effect.name)], p[at.index(b.effect.name)])
    assert serial["long - none > appraisal > intent"].p_joint == pytest.approx(legs, rel=1e-9)
    assert serial["total"].p_joint is None


def test_posterior_and_bootstrap_tell_the_same_story(people):
    found = mediation(
        people, "treated", ["appraisal", "efficacy"], "intent", structure="parallel", n_boot=4000, draws=20_000, seed=2
    )
    for a in found.answers:
        assert a.posterior.median == pytest.approx(a.estimate, abs=0.25 * a.se)
        assert a.sd == pytest.approx(a.se, rel=0.2)


def test_conditional_effects_average_and_differ_by_the_index(people):
    found = mediation(
        people, "treated", "appraisal", "intent", moderator="sex", moderates=["first", "second", "direct"], **QUICK
    )
    at = {a.effect.name: a.estimate for a in found.answers}
    f, m = at["treated > appraisal > intent, sex f"], at["treated > appraisal > intent, sex m"]
    assert at["index: treated > appraisal > intent, sex m minus sex f"] == pytest.approx(m - f, rel=1e-12)
    by_hand = mediation(people[people["sex"] == "f"], "treated", "appraisal", "intent", **QUICK)
    assert f == pytest.approx(by_hand["treated > appraisal > intent"].estimate, rel=1e-9)
    assert found.main.effect.name.startswith("index: treated > appraisal > intent")


def test_a_numeric_moderator_is_linear(people):
    found = mediation(people, "treated", "appraisal", "intent", moderator="base", moderates=["first"], **QUICK)
    at = {a.effect.name: a for a in found.answers}
    low = next(a for name, a in at.items() if name.startswith("treated > app") and "- 1 sd" in name)
    high = next(a for name, a in at.items() if name.startswith("treated > app") and "+ 1 sd" in name)
    index = at["index: treated > appraisal > intent, per unit of base"]
    assert high.estimate - low.estimate == pytest.approx(2 * people["base"].std() * index.estimate, rel=1e-9)


def test_effects_are_given_at_the_values_asked_for(people):
    found = mediation(
        people, "treated", "appraisal", "intent", moderator="base", moderates=["second"], at=[1.0, -0.5], **QUICK
    )
    assert [a.effect.at for a in found.answers if a.effect.kind == "b"] == ["", "base = -0.5", "base = 1"]
    a, b = found["a: treated > appraisal"], found["b: appraisal > intent, base = 1"]
    assert found["treated > appraisal > intent, base = 1"].estimate == pytest.approx(a.estimate * b.estimate, rel=1e-12)


def test_clusters_are_drawn_whole_and_kept_in_the_posterior(people):
    found = mediation(people, "treated", "appraisal", "intent", cluster="team", **QUICK)
    assert found.draws.units == "clusters"
    assert (found.posterior.tau[:, 0] > 0).any()
    assert found.fit.vcov == "CR1"
    assert found.fit.df[0] == 23


def test_within_and_between_are_kept_apart(people):
    found = mediation(people, "dose", "appraisal", "intent", cluster="team", multilevel=True, **QUICK)
    centred = people[["dose", "appraisal", "intent"]] - people.groupby("team")[
        ["dose", "appraisal", "intent"]
    ].transform("mean")
    a = np.linalg.lstsq(centred[["dose"]], centred["appraisal"], rcond=None)[0][0]
    b = np.linalg.lstsq(centred[["dose", "appraisal"]], centred["intent"], rcond=None)[0][1]
    assert found["dose > appraisal > intent (within)"].estimate == pytest.approx(a * b, rel=1e-9)
    means = people.groupby("team")[["dose", "appraisal", "intent"]].mean()
    one = np.ones(24)
    a = np.linalg.lstsq(np.column_stack([one, means["dose"]]), means["appraisal"], rcond=None)[0][1]
    b = np.linalg.lstsq(np.column_stack([one, means[["dose", "appraisal"]]]), means["intent"], rcond=None)[0][2]
    assert found["dose > appraisal > intent (between)"].estimate == pytest.approx(a * b, rel=1e-9)


def test_a_cause_of_clusters_has_effects_between_only(people):
    found = mediation(
        people,
        "team_dose",
        ["appraisal", "efficacy"],
        "intent",
        structure="serial",
        cluster="team",
        multilevel=True,
        **QUICK,
    )
    assert all(a.effect.name.endswith("(between)") for a in found.answers)
    assert any("2-1-1" in note for note in found.notes)
    assert found.main.effect.name == "team_dose > appraisal > efficacy > intent (between)"


def test_incomplete_rows_are_left_out_by_name_or_used(people):
    holes = people.copy()
    holes.loc[::7, "intent"] = np.nan
    holes.loc[3::11, "appraisal"] = np.nan
    left = mediation(holes, "treated", "appraisal", "intent", **QUICK)
    used = mediation(holes, "treated", "appraisal", "intent", missing="fiml", **{**QUICK, "draws": 4000})
    assert left.n < used.n == 240
    assert any("listwise" in note for note in left.notes)
    assert any("missing at random" in note for note in used.notes)
    assert "Equations, by least squares" in str(left)
    assert "Effects: percentile bootstrap, then posterior" in str(left)
    assert "least squares" not in str(used)
    assert "Equations, by full information maximum likelihood" in str(used)
    assert "Effects: Monte-Carlo interval, then posterior" in str(used)
    assert used.fit_to_report
    a = used["treated > appraisal > intent"]
    assert a.posterior.median == pytest.approx(a.estimate, abs=0.3 * a.se)
    with pytest.raises(DataError, match="complete rows"):
        used.sensitivity()


def test_fiml_of_complete_rows_is_maximum_likelihood(people):
    ml = mediation(people, "treated", ["appraisal", "efficacy"], "intent", structure="serial", vcov="ml", **QUICK)
    fiml = mediation(
        people, "treated", ["appraisal", "efficacy"], "intent", structure="serial", missing="fiml", **QUICK
    )
    assert np.allclose(fiml.fit.theta, ml.fit.theta, rtol=1e-7, atol=1e-9)
    slopes = [i for i in range(ml.design.system.size) if not ml.design.system.label(i).endswith("~ 1")]
    assert np.allclose(fiml.fit.se[slopes], ml.fit.se[slopes], rtol=1e-6)


def test_the_page_says_consistent_with_and_what_is_assumed(serial):
    text = str(serial)
    assert "consistent with mediation" in text
    assert "the order appraisal > efficacy is assumed, not tested" in text
    assert "half-normal" in text
    assert "efficacy" in serial._repr_html_()
    for word in ("cause", "prove", "because"):
        assert word not in serial.sentence()


def test_the_sentence_follows_both_answers(people):
    found = mediation(people.assign(noise=np.tile([1.0, 2.0, 3.0, 2.5], 60)), "treated", "noise", "intent", **QUICK)
    assert "No effect is left open by both answers" in found.sentence()


def test_frame_and_coefficients_have_a_row_for_everything(serial):
    assert len(serial.frame()) == len(serial.answers)
    assert len(serial.coefficients()) == serial.design.system.size
    assert {"se_delta", "hdi_low", "bayes_factor", "p_joint"} <= set(serial.frame().columns)
    with pytest.raises(DataError, match="Did you mean 'total'"):
        serial["totall"]


def test_pictures_say_what_they_show(serial):
    from matplotlib import pyplot as plt

    ax = figure(serial)
    shown = " ".join(t.get_text() for t in ax.texts)
    assert "appraisal" in shown
    plt.close(ax.figure)


BAD = [
    ({"mediators": "apraisal"}, NotFoundError, "Did you mean 'appraisal'"),
    ({"mediators": []}, DataError, "at least one mediator"),
    ({"mediators": "intent"}, DataError, "named twice"),
    ({"mediators": "flat"}, DataError, "same value in all rows"),
    ({"mediators": "copy"}, DataError, "same values as the outcome"),
    ({"mediators": "sex"}, DataError, "must hold numbers"),
    ({"mediators": ["appraisal", "efficacy"]}, DataError, "say which by 'structure'"),
    (
        {"mediators": ["appraisal", "twice"], "structure": "parallel"},
        DataError,
        "sum of multiples|without any residual",
    ),
    ({"structure": "serial"}, DataError, "at least two"),
    ({"structure": "circular"}, DataError, "unknown"),
    ({"x": "arm"}, DataError, "say what is compared by 'contrast'"),
    ({"x": "arm", "contrast": {"long": 1, "non": -1}}, DataError, "Did you mean 'none'"),
    ({"x": "arm", "contrast": {"long": 1, "none": 1}}, DataError, "sum to 0"),
    ({"x": "one"}, DataError, "leave it out"),
    ({"contrast": {"1": 1, "0": -1}}, DataError, "need no contrast"),
    ({"moderator": "one_word", "moderates": ["first"]}, DataError, "one level"),
    ({"moderator": "sex"}, DataError, "which legs"),
    ({"moderator": "sex", "moderates": ["first"], "at": [0, 1]}, DataError, "leave 'at' out"),
    ({"moderator": "base", "moderates": ["first"], "at": [0, 99]}, DataError, "observed range"),
    ({"at": [0, 1]}, DataError, "need the name of a moderator"),
    ({"moderator": "sex", "moderates": ["third"]}, DataError, "unknown"),
    ({"moderates": ["first"]}, DataError, "need the name of a moderator"),
    ({"covariates": "base"}, DataError, "as lists"),
    ({"covariates": ["treated"]}, DataError, "named twice"),
    ({"covariates": ["treated2"]}, DataError, "sum of multiples"),
    ({"cluster": "one_word"}, DataError, "one cluster"),
    ({"multilevel": True}, DataError, "needs 'cluster'"),
    ({"cluster": "team", "multilevel": True, "mediators": "team_dose"}, DataError, "same for all rows of a cluster"),
    ({"missing": "fiml", "cluster": "team"}, DataError, "takes neither"),
    ({"missing": "fiml", "interval": "percentile"}, DataError, "EM"),
    ({"missing": "mean"}, DataError, "unknown"),
    ({"n_boot": 50}, DataError, "at least 399"),
    ({"level": 95}, DataError, "between 0 and 1"),
    ({"vcov": "HC9"}, DataError, "unknown"),
    ({"vcov": "CR1"}, DataError, "need the cluster"),
    ({"y": "infinite"}, DataError, "infinite"),
    ({"y": "absent"}, DataError, "missing in all"),
    ({"priors": {"intent": CellPrior.of_scale(1, 7)}}, DataError, "No prior is given for appraisal"),
]


@pytest.mark.parametrize(("given", "error", "words"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_says_what_is_wrong(people, given, error, words):
    data = people.assign(
        flat=3.0,
        copy=people["intent"],
        twice=2 * people["appraisal"] + 1,
        one=1.0,
        one_word="same",
        treated2=people["treated"] * 2.0,
        infinite=np.where(np.arange(240) == 5, np.inf, people["intent"]),
        absent=np.nan,
    )
    before = data.copy()
    with pytest.raises(error, match=words):
        mediation(data, **{"x": "treated", "mediators": "appraisal", "y": "intent", **QUICK, **given})
    pd.testing.assert_frame_equal(data, before)
