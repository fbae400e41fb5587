"""A declared path: the estimand that power counts, every structure, effect and moderator."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.mediation_cells import CellPath, LevelModerator, ValueModerator
from feedbackstudy.analysis.mediation_declared import declared_path
from feedbackstudy.errors import DataError

QUICK = {"n_boot": 499, "draws": 2000, "seed": 1}


def path(structure="serial", *, n=160, moderator=None, **other):
    """Return rows of a 2 x 2 with effects of the first factor that are larger at the second's high level."""
    rng = np.random.default_rng(4)
    cell = rng.permutation(np.arange(n) % 4)
    early, high = (cell < 2).astype(float), (cell % 2).astype(float)
    m = 3 + 0.4 * early + 0.5 * early * high + rng.normal(size=n)
    k = 2 + 0.4 * m + rng.normal(size=n)
    y = 1 + 0.3 * m + 0.5 * k + 0.2 * early * high + rng.normal(size=n)
    columns = np.column_stack([m, k])[:, : 1 if structure == "simple" else 2]
    given = {
        "y": y,
        "outcome": "y",
        "mediators": columns,
        "mediator_names": ["m", "k"][: columns.shape[1]],
        "cell": cell,
        "weights": np.array([0.5, 0.5, -0.5, -0.5]),
        "contrast": "early - late",
        "structure": structure,
        "moderator": moderator,
    }
    return CellPath(**{**given, **other})


def slopes_within(given, response, predictors):
    """Slopes common to all cells: everything minus its cell's mean."""

    def left(v):
        return v - np.array([v[given.cell == c].mean() for c in range(4)])[given.cell]

    x = np.column_stack([left(p) for p in predictors])
    return np.linalg.lstsq(x, left(response), rcond=None)[0]


def contrast(given, v):
    return float(given.weights @ [v[given.cell == c].mean() for c in range(4)])


def test_the_serial_estimate_is_contrast_times_slopes_within_cells():
    given = path()
    m, k = given.mediators.T
    d = slopes_within(given, k, [m])[0]
    b = slopes_within(given, given.y, [k, m])[0]
    found = declared_path(given, **QUICK)
    assert found.main.estimate == pytest.approx(contrast(given, m) * d * b, rel=1e-9)
    assert found.main.effect.name == "early - late > m > k > y"


def test_the_parallel_estimate_is_the_sum_and_the_difference_the_first_minus_the_second():
    given = path("parallel")
    m, k = given.mediators.T
    b = slopes_within(given, given.y, [m, k])
    one, two = contrast(given, m) * b[0], contrast(given, k) * b[1]
    assert declared_path(given, **QUICK).main.estimate == pytest.approx(one + two, rel=1e-9)
    assert declared_path(given, effect="difference", **QUICK).main.estimate == pytest.approx(one - two, rel=1e-9)


def test_the_total_is_the_contrast_of_the_cell_means():
    for structure in ("simple", "parallel", "serial"):
        given = path(structure)
        found = declared_path(given, effect="total", **QUICK)
        assert found.main.estimate == pytest.approx(contrast(given, given.y), rel=1e-9)


def test_power_and_analysis_estimate_the_same():
    from feedbackstudy.power.rows import cell_contrast, slope_contrast

    given = path()
    none = np.zeros((1, 160, 0))
    m, k, y = given.mediators[None, :, :1], given.mediators[None, :, 1:], given.y[None]
    legs = (
        cell_contrast(m[..., 0], none, given.cell, given.weights, robust=False),
        slope_contrast(k[..., 0], m, given.cell, None),
        slope_contrast(y, np.concatenate([k, m], axis=2), given.cell, None),
    )
    found = declared_path(given, **QUICK)
    assert found.main.estimate == pytest.approx(float(np.prod([leg.estimate[0] for leg in legs])), rel=1e-9)
    assert found.main.p_joint == pytest.approx(max(float(leg.p[0]) for leg in legs), rel=1e-6)


def test_order_of_cells_does_not_matter():
    given = path()
    turn = np.array([2, 0, 3, 1])
    other = path(cell=turn[given.cell], weights=given.weights[np.argsort(turn)])
    one, two = declared_path(given, **QUICK), declared_path(other, **QUICK)
    assert one.main.estimate == pytest.approx(two.main.estimate, rel=1e-10)
    assert (one.main.low, one.main.p) == pytest.approx((two.main.low, two.main.p), rel=1e-8)


def test_the_standardised_effect_is_over_the_sd_within_cells():
    given = path()
    left = given.y - np.array([given.y[given.cell == c].mean() for c in range(4)])[given.cell]
    found = declared_path(given, **QUICK)
    sd = np.sqrt((left**2).sum() / 156)
    assert found.main.standardised == pytest.approx(found.main.estimate / sd, rel=1e-9)
    ratio = found.main.posterior.median / found.main.posterior_standardised.median
    assert ratio == pytest.approx(sd, rel=0.05)


LEVELS = LevelModerator(name="depth", levels=("low", "high"), cell_level=np.array([0, 1, 0, 1]), on=("first",))


def test_a_factor_moderates_by_the_same_contrast_at_its_levels():
    given = path("simple", moderator=LEVELS)
    m = given.mediators[:, 0]
    means = [m[given.cell == c].mean() for c in range(4)]
    b = slopes_within(given, given.y, [m])[0]
    found = declared_path(given, **QUICK)
    assert found.main.effect.kind == "index"
    assert found.main.estimate == pytest.approx(((means[1] - means[3]) - (means[0] - means[2])) * b, rel=1e-9)
    low = found["early - late > m > y, depth low"]
    assert low.estimate == pytest.approx((means[0] - means[2]) * b, rel=1e-9)


def test_a_factor_moderates_the_mediators_slope():
    moderator = LevelModerator(name="depth", levels=("low", "high"), cell_level=np.array([0, 1, 0, 1]), on=("second",))
    given = path("simple", moderator=moderator)
    m, high = given.mediators[:, 0], given.cell % 2
    b = slopes_within(given, given.y, [m * (1 - high), m * high])
    found = declared_path(given, **QUICK)
    assert found.main.estimate == pytest.approx(contrast(given, m) * (b[1] - b[0]), rel=1e-9)


def test_a_factor_moderates_the_direct_effect():
    moderator = LevelModerator(name="depth", levels=("low", "high"), cell_level=np.array([0, 1, 0, 1]), on=("direct",))
    found = declared_path(path("simple", moderator=moderator), effect="direct", **QUICK)
    assert found.main.effect.name == "index: direct, depth high minus depth low" or found.main.effect.kind == "index"


def test_a_moderated_difference_is_the_difference_of_the_indices():
    found = declared_path(path("parallel", moderator=LEVELS), effect="difference", **QUICK)
    one, two = (found[f"index: early - late > {m} > y, depth high minus depth low"].estimate for m in ("m", "k"))
    assert found.main.effect.kind == "index"
    assert found.main.estimate == pytest.approx(one - two, rel=1e-9)


def test_a_measured_moderator_has_an_index_per_unit():
    rng = np.random.default_rng(9)
    for on in (("first",), ("second",), ("first", "second"), ("direct",)):
        moderator = ValueModerator(name="w", values=rng.normal(size=160), on=on)
        found = declared_path(
            path("simple", moderator=moderator), effect="direct" if on == ("direct",) else "indirect", **QUICK
        )
        assert found.main.effect.kind == "index"
        assert ("per unit of w" in found.main.effect.name) == (on != ("first", "second"))


def test_priors_on_the_scales_give_a_bayes_factor_and_pull_little():
    scales = {name: CellPrior.of_scale(1, 7) for name in ("m", "k", "y")}
    flat = declared_path(path(), **{**QUICK, "draws": 20_000})
    found = declared_path(path(), scales=scales, sesoi=0.05, **{**QUICK, "draws": 20_000})
    assert flat.main.bayes_factor is flat.main.weakest_leg is None
    assert "flat" in flat.main.bayes_factor_note
    assert found.main.bayes_factor > 3
    # the product is there at most as surely as its weakest leg
    together = found.main.bayes_factor / (2 ** len(found.main.effect.single) - 1)
    assert together / (1 + together) <= found.main.weakest_leg / (1 + found.main.weakest_leg)
    assert found.main.posterior.median == pytest.approx(flat.main.posterior.median, rel=0.15)
    assert found.main.posterior.prob_rope is not None
    assert found.main.beyond == pytest.approx(1 - found.main.posterior.prob_rope, abs=0.01)
    assert found.main.p_equivalence > 0.5


def test_a_declared_path_has_page_picture_sensitivity_and_script():
    from matplotlib.figure import Figure

    from feedbackstudy import report
    from feedbackstudy.provenance import Provenance

    declared = declared_path(path("parallel"), effect="direct", **QUICK)
    found = declared.mediation(Provenance(made_by="analysis.analyse", seed=1))
    assert found.main.effect.name == "direct"
    assert found.frame()["se_delta"].tolist() == pytest.approx(found.delta.se.tolist())
    assert [a.effect.name for a in found.answers] == [e.name for e in found.design.effects]
    assert "cell 0" in str(found)
    assert report.figure(found, ax=Figure().add_subplot()).texts
    assert 0 < abs(found.sensitivity().rho_zero) < 1
    assert "t1 := t0 + st1" in str(found.r_script())


def test_clusters_are_kept():
    found = declared_path(path(cluster=np.arange(160) // 8), **QUICK)
    assert found.draws.units == "clusters"
    assert "random intercept" in found.model_bayesian


def test_what_is_assumed_is_said():
    found = declared_path(path(), **QUICK)
    assert any("consistent with mediation" in note for note in found.notes)
    assert any("assumed, not tested" in note for note in found.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": np.array([0.5, 0.5, 0.5, -0.5])}, "sum to 0"),
        ({"weights": np.zeros(4)}, "not all 0"),
        ({"weights": np.array([1.0, 0, 0, 0, -1.0])}, "hold no complete rows"),
        ({"mediators": np.ones((160, 2))}, "carries nothing"),
        ({"mediator_names": ["m"]}, "each with a name"),
        ({"y": np.full(160, np.nan)}, "must be finite"),
        (
            {"moderator": LevelModerator(name="f", levels=("a",), cell_level=np.zeros(4, int), on=("first",))},
            "one level",
        ),
        (
            {
                "moderator": LevelModerator(
                    name="f", levels=("a", "b"), cell_level=np.array([0, 0, 1, 1]), on=("first",)
                )
            },
            "no comparison within f a",
        ),
        ({"moderator": ValueModerator(name="w", values=np.ones(160), on=("first",))}, "must hold finite values"),
        ({"moderator": ValueModerator(name="w", values=np.ones(160), on=("up",))}, "acts on"),
    ],
    ids=range(10),
)
def test_bad_input_says_what_is_wrong(change, words):
    with pytest.raises(DataError, match=words):
        declared_path(path(**change), **QUICK)


def test_an_effect_that_the_moderator_does_not_touch_is_refused():
    with pytest.raises(DataError, match="does not depend on 'depth'"):
        declared_path(path("simple", moderator=LEVELS), effect="direct", **QUICK)
    with pytest.raises(DataError, match="Only a parallel path"):
        declared_path(path(), effect="difference", **QUICK)
    with pytest.raises(DataError, match="answered by draws"):
        declared_path(path(), interval="delta", **QUICK)


def test_an_outcome_of_two_values_is_said_to_be_probabilities():
    given = path("simple")
    found = declared_path(path("simple", y=(given.y > np.median(given.y)).astype(float)), **QUICK)

    (note,) = (text for text in found.notes if "two values" in text)
    assert "differences in the probability of 1" in note
    assert not any("two values" in text for text in declared_path(given, **QUICK).notes)
