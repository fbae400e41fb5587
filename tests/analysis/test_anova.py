"""Analyses of variance agree with statsmodels and pingouin where these are right; bad tables are refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.anova import anova
from feedbackstudy.errors import DataError, NotFoundError

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
FACTORS = ["timing", "framing", "specificity"]


@pytest.fixture(scope="module")
def one():
    return pd.read_csv(REFERENCE / "feedback_unbalanced.csv")


@pytest.fixture(scope="module")
def waves():
    long = pd.read_csv(REFERENCE / "feedback_repeated.csv")
    names = ["participant", "arm", "mode", "wave", "baseline"]
    return long.groupby(names, as_index=False)["rating"].mean()


@pytest.mark.parametrize("ss_type", [1, 2, 3])
def test_types_of_squares_are_those_of_statsmodels(one, ss_type):
    import statsmodels.formula.api as smf
    from statsmodels.stats.anova import anova_lm

    model = smf.ols("y ~ C(timing, Sum) * C(framing, Sum) * C(specificity, Sum)", one).fit()
    known = anova_lm(model, typ=ss_type).drop(index=["Intercept", "Residual"], errors="ignore")
    found = anova(one, "y", between=FACTORS, ss_type=ss_type)
    assert [row.f for row in found.rows] == pytest.approx(known["F"].tolist(), rel=1e-8)
    assert [row.ss for row in found.rows] == pytest.approx(known["sum_sq"].tolist(), rel=1e-8)


def test_a_mixed_design_is_that_of_pingouin(waves):
    import pingouin as pg

    balanced = waves[waves["participant"].isin(_same_number(waves))]
    known = pg.mixed_anova(balanced, dv="rating", within="wave", between="arm", subject="participant", correction=True)
    found = anova(balanced, "rating", "participant", between=["arm"], within=["wave"])
    for source, term in (("arm", "arm"), ("wave", "wave"), ("Interaction", "arm:wave")):
        row = known[known["Source"] == source].iloc[0]
        assert found.term(term).f == pytest.approx(row["F"], rel=1e-8)
        assert found.term(term).p_uncorrected == pytest.approx(row["p_unc"], rel=1e-8)
    assert found.term("wave").epsilon == pytest.approx(known["eps"].dropna().iloc[0], abs=1e-6)


def _same_number(waves):
    people = waves.drop_duplicates("participant")
    n = people["arm"].value_counts().min()
    return people.groupby("arm").head(n)["participant"]


def test_two_between_participants_are_the_t_test_squared(one):
    from scipy import stats

    a, b = (one.loc[one["timing"] == level, "y"] for level in ("delayed", "immediate"))
    row = anova(one, "y", between=["timing"]).rows[0]
    assert row.f == pytest.approx(stats.ttest_ind(a, b).statistic ** 2, rel=1e-10)
    assert row.p == pytest.approx(stats.ttest_ind(a, b).pvalue, rel=1e-9)


def test_order_and_names_of_levels_cannot_matter(one):
    renamed = one.assign(
        timing=pd.Categorical(one["timing"].map({"delayed": "a", "immediate": "z"}), ["z", "a"]),
        framing=pd.Categorical(one["framing"], ["loss", "gain"]),
    )
    for options in ({}, {"ss_type": 2}, {"vcov": "HC3"}, {"vcov": "welch"}):
        first = anova(one, "y", between=FACTORS, **options).frame()
        second = anova(renamed, "y", between=FACTORS, **options).frame()
        assert first["f"].tolist() == pytest.approx(second["f"].tolist(), rel=1e-9)


def test_order_of_rows_cannot_matter(waves):
    shuffled = waves.sample(frac=1, random_state=3)
    for data in (waves, shuffled):
        found = anova(data, "rating", "participant", between=["arm", "mode"], within=["wave"])
        assert found.term("arm:wave").f == pytest.approx(
            anova(waves, "rating", "participant", between=["arm", "mode"], within=["wave"]).term("arm:wave").f, rel=1e-9
        )


def test_the_interval_of_eta_excludes_zero_exactly_where_p_is_below_05(one):
    for row in anova(one, "y", between=FACTORS).rows:
        assert (row.eta_p2_low > 0) == (row.p < 0.05)


def test_an_arm_outside_the_crossing_adds_to_the_error_and_is_compared(one):
    silent = pd.DataFrame({"y": np.random.default_rng(4).normal(3, 1, 40), "arm": "silence"})
    data = pd.concat([one.assign(arm="feedback"), silent])
    plain = anova(one, "y", between=["timing", "framing"])
    found = anova(data, "y", between=["timing", "framing"], control={"arm": "silence"})

    assert [row.term for row in found.rows] == [
        "timing",
        "framing",
        "timing:framing",
        "silence against timing x framing",
    ]
    ratio = [a.f / b.f for a, b in zip(found.rows, plain.rows, strict=False)]
    assert ratio == pytest.approx([ratio[0]] * 3, rel=1e-9)
    assert found.rows[0].df2 == plain.rows[0].df2 + 39
    assert found.n == 354
    assert not any("left out" in note for note in found.notes)
    assert "silence" in found.notes[0]


def test_a_level_that_empties_cells_raises_and_offers_control(one):
    none = one.assign(
        timing=np.where(one.index < 40, "none", one["timing"]), framing=np.where(one.index < 40, "gain", one["framing"])
    )
    with pytest.raises(DataError, match=r"none:loss \(0\).*control="):
        anova(none, "y", between=["timing", "framing"])
    found = anova(none, "y", between=["timing", "framing"], control={"timing": "none"})
    assert found.term("timing").df == 1


def test_an_arm_marked_in_two_columns_is_one_arm_and_arms_that_share_some_rows_are_refused(one):
    silent = one.index < 40
    data = one.assign(
        timing=np.where(silent, "silence", one["timing"]), framing=np.where(silent, "none", one["framing"])
    )
    two = anova(data, "y", between=["timing", "framing"], control={"timing": "silence", "framing": "none"})
    one_column = anova(data, "y", between=["timing", "framing"], control={"timing": "silence"})
    assert [row.term for row in two.rows] == [row.term for row in one_column.rows]
    assert [row.f for row in two.rows] == [row.f for row in one_column.rows]
    shared = data.assign(framing=np.where(one.index < 30, "none", one["framing"]))
    with pytest.raises(DataError, match=r"30 rows are in the arm 'framing=none'|30 rows are in the arm 'none'"):
        anova(shared, "y", between=["timing", "framing"], control={"timing": "silence", "framing": "none"})


def test_incomplete_participants_are_counted_and_a_mixed_model_is_named(waves):
    found = anova(waves.drop(index=[0, 40]), "rating", "participant", between=["arm"], within=["wave"])
    assert found.n == 24
    assert found.notes[0].startswith("2 of 26 participants left out because an occasion is missing")
    assert "analysis.lmm" in found.notes[0]


def test_a_cell_of_one_participant_is_not_fit_to_report(one):
    data = one[(one["timing"] == "delayed") | (one.index == one.index[one["timing"] == "immediate"][0])]
    found = anova(data, "y", between=["timing"])
    assert not found.fit_to_report
    assert "immediate" in found.failures[0]
    assert "Not fit to report" in str(found)


def test_the_page_names_its_conventions(waves):
    text = str(anova(waves, "rating", "participant", between=["arm"], within=["wave"]))
    for said in ("type III", "Greenhouse", "generalised eta squared", "Mauchly", "η²G"):
        assert said in text


def test_more_occasions_than_participants_have_epsilons_but_no_mauchly():
    rng = np.random.default_rng(8)
    long = pd.DataFrame(
        {"who": np.repeat([f"p{i}" for i in range(5)], 8), "trial": np.tile(range(8), 5), "y": rng.normal(size=40)}
    )
    found = anova(long, "y", "who", within=["trial"])
    assert np.isnan(found.sphericity[0][1].w)
    assert 0 < found.rows[0].epsilon < 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.assign(rating=d["rating"].astype(str)), "must hold numbers"),
        (lambda d: d.assign(rating=1.0), "nothing varies"),
        (lambda d: d.assign(rating=np.nan), "missing in all"),
        (lambda d: d.assign(rating=d["rating"].where(d.index != 3, np.inf)), "infinite"),
        (lambda d: pd.concat([d, d.iloc[:1]]), "more than once, first p00 at"),
        (lambda d: d.assign(arm=d["arm"].where(d.index != 0, "brief")), "more than one level of the between factor"),
        (lambda d: d.assign(arm="brief"), "one level"),
        (lambda d: d.assign(baseline=d["rating"]), "changes within participant"),
        (lambda d: d[d["wave"] == "before"], "one level"),
    ],
)
def test_a_bad_table_is_refused(waves, change, message):
    with pytest.raises(DataError, match=message):
        anova(change(waves), "rating", "participant", between=["arm"], within=["wave"], covariates=["baseline"])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, DataError, "at least one factor"),
        ({"between": "timing"}, DataError, "list of names"),
        ({"between": ["timing"], "ss_type": 4}, DataError, "1, 2 or 3"),
        ({"between": ["timing"], "correction": "box"}, DataError, "Correction 'box' is unknown"),
        ({"between": ["timing"], "vcov": "CR2"}, DataError, "needs cluster="),
        ({"between": ["timing"], "vcov": "HC3", "cluster": "interviewer"}, DataError, "CR0 to CR3"),
        ({"between": ["timing"], "vcov": "HC3", "ss_type": 2}, DataError, "ss_type=3"),
        ({"within": ["timing"]}, DataError, "need 'participant'"),
        ({"between": ["timing*framing"]}, NotFoundError, "unknown"),
        ({"between": ["timing"], "covariates": ["baseline", "twice"]}, DataError, "'twice' is a combination"),
        ({"between": ["timing"], "control": {"framing": "loos"}}, NotFoundError, "Did you mean 'loss'"),
        ({"between": ["timing"], "observed": ["framing"]}, DataError, "Observed factor"),
        ({"between": ["timing"], "level": 95}, DataError, "between 0 and 1"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(one, options, error, message):
    with pytest.raises(error, match=message):
        anova(one.assign(twice=2 * one["baseline"] + 1), "y", **options)


def test_names_with_quotes_and_html_do_no_harm(one):
    odd = one.rename(columns={"timing": '<b>"t"</b>'}).assign(
        framing=one["framing"].map({"gain": 'g"); stop("x', "loss": "l"})
    )
    found = anova(odd, "y", between=['<b>"t"</b>', "framing"])
    assert "<b>" not in found._repr_html_()
    assert 'stop("x' not in found.r_script().script.replace('\\"', "")


@pytest.mark.slow
def test_the_corrected_f_holds_its_size_without_sphericity():
    """5 % over 2,000 sets of 16 people and 5 occasions with growing variance; uncorrected F exceeds 7 %."""
    rng = np.random.default_rng(6)
    scale = np.array([1.0, 1, 2, 3, 5])
    who, when = np.repeat(np.arange(16), 5), np.tile(np.arange(5), 16)
    p, raw = [], []
    for _ in range(2000):
        y = (rng.normal(size=(16, 5)) * scale + rng.normal(size=(16, 1))).ravel()
        row = anova(pd.DataFrame({"who": who, "when": when, "y": y}), "y", "who", within=["when"]).rows[0]
        p.append(row.p < 0.05)
        raw.append(row.p_uncorrected < 0.05)
    assert 0.03 < np.mean(p) < 0.065
    assert np.mean(raw) > 0.07
