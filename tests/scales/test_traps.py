"""The thirteen traps seen in public packages and data files, each closed."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import scales
from feedbackstudy.errors import DataError, DeclarationError
from feedbackstudy.frames import Responses
from feedbackstudy.named import Fixed
from feedbackstudy.scales import Scale, key_audit, score
from feedbackstudy.scales.completion import Completion, apply_completions
from feedbackstudy.scales.evidence import Band
from feedbackstudy.scales.info import ranges
from feedbackstudy.scales.libraries import Library
from feedbackstudy.scales.measure import Measure


def completed(code, **fields):
    entries = [
        Completion(scale=code, field=field, value=value, page="Table 1", who="A. Tester")
        for field, value in fields.items()
    ]
    return apply_completions(scales.get(code), entries)


def test_trap_01_rosenberg_has_two_item_orders_so_the_form_must_be_named(take, answers):
    raw = answers(300, 10, low=0, high=3, against=(3, 5, 8, 9, 10), prefix="rses")
    rses = scales.get("rses")

    with pytest.raises(DeclarationError, match=r"4 forms with different keys"):
        score(take(raw), "rses")
    assert rses.form("openscales_order_0_3").reversed == (3, 5, 8, 9, 10)
    assert rses.form("biopsykit_order_0_3").reversed == (2, 5, 6, 8, 9)


def test_trap_01_the_wrong_rosenberg_form_is_found_by_item_rest_correlations(take, answers):
    raw = answers(300, 10, low=0, high=3, against=(3, 5, 8, 9, 10), prefix="rses")

    audit = key_audit(take(raw), "rses", form="biopsykit_order_0_3")

    assert not audit.agrees
    assert audit.forms[0].form.startswith("openscales_order")
    assert audit.forms[0].explained == 10
    flagged = {item for finding in audit.findings for item in finding.items}
    assert {"rses_2", "rses_3", "rses_6", "rses_10"} <= flagged


def test_trap_02_phenx_prints_reversed_codes_of_the_brs_and_they_are_not_reversed_again(take, answers):
    raw = answers(200, 6, against=(2, 4, 6), prefix="brs")
    printed = raw.assign(**{f"brs_{i}": 6 - raw[f"brs_{i}"] for i in (2, 4, 6)})
    brs = scales.get("brs")

    standard = score(take(raw), brs.in_form("standard")).frame["brs"]
    phenx = score(take(printed), brs.in_form("phenx_precoded")).frame["brs"]

    assert phenx.tolist() == standard.tolist()


def test_trap_02_positive_correlations_before_reversal_are_refused(take, answers):
    raw = answers(200, 6, against=(2, 4, 6), prefix="brs")
    printed = raw.assign(**{f"brs_{i}": 6 - raw[f"brs_{i}"] for i in (2, 4, 6)})
    standard = scales.get("brs").in_form("standard")

    with pytest.raises(DataError, match=r"run against the others once they are reversed"):
        score(take(printed, already_reversed=None), standard)
    audit = key_audit(take(printed), "brs", form="standard")
    assert [f.kind for f in audit.findings] == ["already_reversed"]
    assert audit.forms[0].form == "phenx_precoded"


def test_trap_02_the_misprinted_top_band_of_the_brs_cannot_be_declared():
    brs = scales.get("brs")
    band = Band(label="high", low=4.31, high=6.0, metric="mean", source="PhenX")
    data = brs.to_data() | {"evidence": brs.evidence.to_data() | {"bands": [band.to_data()]}}

    with pytest.raises(DeclarationError, match=r"4.31 to 6.0\) leaves the range 1 to 5"):
        Scale.from_data(data)
    assert [(b.low, b.high) for b in brs.evidence.bands] == [(1.0, 2.99), (3.0, 4.3), (4.31, 5.0)]


def test_trap_03_panas_positions_differ_in_german_and_english_and_the_form_decides(take):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({f"panas_{i}": rng.integers(1, 6, 20).astype(float) for i in range(1, 21)})
    panas = scales.get("panas")

    english = score(take(frame), panas.in_form("english")).frame["panas_positive"]
    german = score(take(frame), panas.in_form("german")).frame["panas_positive"]

    assert english.tolist() == frame[[f"panas_{i}" for i in (1, 3, 5, 9, 10, 12, 14, 16, 17, 19)]].sum(axis=1).tolist()
    assert german.tolist() == frame[[f"panas_{i}" for i in (1, 3, 4, 6, 10, 11, 13, 15, 17, 18)]].sum(axis=1).tolist()
    with pytest.raises(DeclarationError, match=r"name the one that was used: english, german"):
        score(take(frame), "panas")


def test_trap_03_panas_sum_and_mean_have_their_own_range():
    panas = scales.get("panas")

    assert ranges(panas, panas.form("english"))["positive"] == (10, 50)
    assert ranges(panas.scored_as("mean"), panas.form("english"))["positive"] == (1, 5)


def test_trap_03_the_audit_tells_german_from_english_panas(take):
    rng = np.random.default_rng(8)
    german = {1, 3, 4, 6, 10, 11, 13, 15, 17, 18}
    traits = rng.normal(size=(2, 400))
    frame = {
        f"panas_{i}": np.clip(np.rint(3 + traits[0 if i in german else 1] + 0.6 * rng.normal(size=400)), 1, 5)
        for i in range(1, 21)
    }

    audit = key_audit(take(frame), "panas", form="english")

    assert audit.forms[0].form == "german"
    assert audit.forms[0].explained == 20


def test_trap_04_pasa_index_runs_from_minus_20_with_sums_and_from_minus_5_with_means():
    pasa = scales.get("pasa")

    assert ranges(pasa, pasa.form())["stress_index"] == (-20, 20)
    assert ranges(pasa.scored_as("mean"), pasa.form())["stress_index"] == (-5, 5)
    assert "Challenge is added to threat" in pasa.composites["primary"].note


def test_trap_04_pasa_composites_follow_the_published_formula(take):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({f"pasa_{i}": rng.integers(1, 7, 30).astype(float) for i in range(1, 17)})
    keyed = frame.copy()
    for i in (1, 6, 7, 9, 10):
        keyed[f"pasa_{i}"] = 7 - keyed[f"pasa_{i}"]
    part = {
        k: keyed[[f"pasa_{i}" for i in range(first, 17, 4)]].sum(axis=1)
        for k, first in zip("TCSK", (1, 2, 3, 4), strict=True)
    }

    got = score(take(frame), "pasa").frame

    primary, secondary = (part["T"] + part["C"]) / 2, (part["S"] + part["K"]) / 2
    assert got["pasa_primary"].tolist() == primary.tolist()
    assert got["pasa_stress_index"].tolist() == (primary - secondary).tolist()


def test_trap_05_sam_fielded_from_0_to_4_fails_loudly_and_offers_the_rescale(take, answers):
    sam = completed("sam", reversed=[])
    raw = answers(60, 28, low=0, high=4, prefix="sam")

    with pytest.raises(DataError, match=r"observed 0 to 4, declared 1 to 5: all shifted by -1\?.*shift_codes"):
        score(take(raw), sam)
    mended = scales.shift_codes(take(raw), list(raw.columns), by=1)
    assert score(mended, sam).frame["sam_threat"].between(1, 5).all()


def test_trap_06_gse_with_a_five_point_frequency_format_is_not_the_gse(take, answers):
    raw = answers(60, 10, low=1, high=5, prefix="gse")

    with pytest.raises(DataError, match=r"outside 1 to 4 .*another format is another form, with norms off"):
        score(take(raw), "gse")


def test_trap_06_a_modified_form_switches_norms_off(take, answers):
    gse = scales.get("gse")
    changed = gse.form().model_copy(update={"modified": "five-point frequency answers"})
    modified = gse.model_copy(update={"forms": (changed,)})
    scores = score(take(answers(40, 10, low=1, high=4, prefix="gse")), modified)

    with pytest.raises(DataError, match=r"Norms of 'gse' are off"):
        scales.normed(scores, "gse", gse.evidence.norms[0])
    assert "modified form: five-point frequency answers" in scores.about["gse"].stamps


def test_trap_07_imputed_answers_of_the_gse_norm_file_are_refused_unless_accepted(take, answers):
    raw = answers(40, 10, low=1, high=4, prefix="gse")
    raw.loc[3, "gse_2"] = 2.71

    with pytest.raises(DataError, match=r"1 answer lies between two codes: 2.71 .*imputed"):
        score(take(raw), "gse")
    assert score(take(raw), "gse", imputed="accept").frame["gse"].notna().all()


def test_trap_07_shifted_rows_of_a_converted_file_are_out_of_range(take, answers):
    raw = answers(40, 10, low=1, high=4, prefix="gse")
    raw.loc[7] = np.roll(raw.loc[7].to_numpy(), 1)
    raw.loc[7, "gse_1"] = 1994.0

    with pytest.raises(DataError, match=r"1994 \(1x\) outside 1 to 4"):
        score(take(raw), "gse")


def test_trap_08_mindset_has_two_directions_so_one_must_be_chosen(take, answers):
    mindset = scales.get("growth_mindset")
    raw = answers(60, 8, low=1, high=6, against=(1, 2, 3, 4), prefix="growth_mindset")

    growth = score(take(raw), mindset.in_form("eight_item_growth_high"))
    fixed = score(take(raw), mindset.in_form("eight_item_fixed_high"))

    assert growth.about["growth_mindset"].high_means == "more growth mindset"
    assert (growth.frame["growth_mindset"] + fixed.frame["growth_mindset"]).tolist() == pytest.approx([7.0] * 60)
    with pytest.raises(DeclarationError, match="name the one that was used"):
        score(take(raw), "growth_mindset")


def test_trap_08_a_subscale_that_does_not_say_what_high_means_cannot_be_scored(make_scale, take):
    silent = make_scale(form={"subscales": [{"name": "demo", "items": [1, 2, 3, 4]}]})

    with pytest.raises(scales.IncompleteScaleError, match="high_score_means of demo: not stated"):
        score(take({f"demo_{i}": [1.0] for i in range(1, 5)}), silent)


def test_trap_09_source_credibility_has_no_total():
    measure = Measure(name="c", scale="source_credibility_mt", waves=("after",), scores=Fixed({"c": "total"}))
    scale = completed(
        "source_credibility_mt",
        subscales=[
            {"name": name, "items": list(range(first, first + 6)), "high_score_means": f"more {name}"}
            for name, first in (("competence", 1), ("goodwill", 7), ("trustworthiness", 13))
        ],
        reversed=[1, 2],
        poles={str(i): "high_left" if i < 3 else "high_right" for i in range(1, 19)},
    )
    frame = pd.DataFrame({f"c_{i}": [4.0, 5.0] for i in range(1, 19)})
    frame = frame.assign(participant=["a", "b"], arm="x", occasion="after")
    responses = Responses.from_frame(frame, items=[f"c_{i}" for i in range(1, 19)])

    with pytest.raises(DeclarationError, match=r"refuses the score 'total': .*never to add"):
        score(responses, measure, library=Library({scale.code: scale}))
    with pytest.raises(DeclarationError, match=r"must not be computed"):
        Scale.from_data(scale.to_data() | {"total": {"name": "total", "high_score_means": "more credible"}})


def test_trap_09_a_semantic_differential_needs_a_pole_for_each_pair():
    with pytest.raises(DeclarationError, match=r"say for each pair which side counts high"):
        completed(
            "source_credibility_mt",
            subscales=[{"name": "competence", "items": [1, 2, 3], "high_score_means": "more"}],
            reversed=[1],
        )


@pytest.mark.parametrize("code", ["cses", "rses", "brs"])
def test_trap_10_wording_effects_have_ready_model_syntax(code):
    scale = scales.get(code)
    form = scale.forms[0]

    plain = scales.to_lavaan(scale, form.id)
    method = scales.to_lavaan(scale, form.id, wording_effect="method_factor")
    intercept = scales.to_lavaan(scale, form.id, wording_effect="random_intercept")

    assert plain.startswith("# Items are worded both ways: misfit of this model may be wording")
    assert f"wording =~ {code}_{form.reversed[0]}" in method
    assert f"wording ~~ 0*{form.subscales[0].name}" in method
    assert f"agreeing =~ 1*{code}_1 + 1*{code}_2" in intercept


def test_trap_11_ipip_is_keyed_by_item_id_so_column_order_does_not_matter(take):
    rng = np.random.default_rng(4)
    ids = [f"ipip_neo_{i}" for i in range(241, 251)]
    frame = pd.DataFrame({item: rng.integers(1, 6, 25).astype(float) for item in ids})

    in_order = score(take(frame), "ipip_self_efficacy").frame["ipip_self_efficacy"]
    as_elsewhere = score(take(frame[ids[::-1]]), "ipip_self_efficacy").frame["ipip_self_efficacy"]

    assert in_order.tolist() == as_elsewhere.tolist()
    keyed = frame.assign(**{item: 6 - frame[item] for item in ids[6:]})
    assert in_order.tolist() == pytest.approx(keyed.mean(axis=1).tolist())


def test_trap_11_the_two_ipip_orders_are_two_forms():
    scale = scales.get("ipip_self_esteem")

    assert scale.form("openscales_order").reversed == (1, 2, 4, 5, 9)
    assert scale.form("ipip_page_order").reversed == (6, 7, 8, 9, 10)


def test_trap_12_the_appraisal_ratio_is_refused_and_the_difference_offered():
    dres = completed(
        "dres",
        likert_options={"min": 1, "max": 7},
        subscales=[
            {"name": "demands", "items": [1], "high_score_means": "more demands"},
            {"name": "resources", "items": [2], "high_score_means": "more resources"},
        ],
        reversed=[],
        scoring={"method": "mean"},
    )
    frame = pd.DataFrame({"d_1": [2.0], "d_2": [6.0], "participant": ["a"], "arm": "x", "occasion": "after"})
    responses = Responses.from_frame(frame, items=["d_1", "d_2"])
    library = Library({"dres": dres})

    with pytest.raises(DeclarationError, match=r"refuses the score 'ratio': .*undefined at 0"):
        score(
            responses,
            Measure(name="d", scale="dres", waves=("after",), scores=Fixed({"d": "ratio"})),
            library=library,
        )
    assert score(responses, Measure(name="d", scale="dres", waves=("after",)), library=library).frame[
        "d_resources_minus_demands"
    ].tolist() == [4.0]


def test_trap_13_median_imputation_available_items_and_listwise_give_three_answers(make_scale, bfi, take):
    items = [f"A{i}" for i in range(1, 6)]
    data = bfi[items]
    keyed = data.assign(A1=7 - data["A1"])
    ours = score(take(data), make_scale("agree", 5, 1, 6, reversed_items=[1], ids=items, least=0.01)).frame["agree"]

    imputed = keyed.fillna(keyed.median()).mean(axis=1)
    listwise = keyed.dropna().mean(axis=1)

    assert ours.mean() == pytest.approx(keyed.mean(axis=1).mean(), abs=1e-12)
    assert len({round(float(m), 6) for m in (ours.mean(), imputed.mean(), listwise.mean())}) == 3
    assert 'impute = "none"' in scales.to_psych_keys(make_scale("agree", 5, 1, 6, reversed_items=[1], ids=items))
    assert make_scale(least=0.8).scoring.missing.minimum_answered == 0.8
