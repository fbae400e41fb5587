"""`assign`: every declared design, the same result for ever, exact probabilities, and what is refused."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.assign import assign
from feedbackstudy.assign.assigning import allocate
from feedbackstudy.assign.clusters import exposure, wedge_pattern
from feedbackstudy.design.assignment import Assignment, Wedge
from feedbackstudy.errors import DataError, DeclarationError, InputError
from feedbackstudy.study import Study, new_study

sys.path.insert(0, str(Path(__file__).parent))
from studies import study, with_factors

GOLDEN = Path(__file__).resolve().parents[1] / "reference" / "assign" / "golden-version-1.json"
CLUSTERED = {"assigned_to": "site"}
WEDGE = {
    "factors": [
        {
            "name": "policy",
            "mode": "enacted",
            "levels": {"old": "Old", "new": "New"},
            "reference": "old",
            "assigned_to": "site",
        }
    ],
    "arms": [],
    "assignment": {"method": "stepped_wedge", "wedge": {"factor": "policy", "sequences": 3}},
}


def people(n: int, **columns) -> pd.DataFrame:
    return pd.DataFrame({"participant": [f"p{i:03d}" for i in range(n)], **columns})


DESIGNS = {
    "complete": (lambda: study(), None),
    "simple": (lambda: study(assignment={"method": "simple"}), None),
    "unequal": (lambda: study(assignment={"ratio": {"now:strengths_first": 2.0}}), None),
    "probabilities": (
        lambda: study(
            assignment={
                "probabilities": {
                    "now:strengths_first": 0.3,
                    "now:deficits_first": 0.2,
                    "later:strengths_first": 0.2,
                    "later:deficits_first": 0.2,
                    "silence": 0.1,
                }
            }
        ),
        None,
    ),
    "blocks": (
        lambda: study(assignment={"by": ["gender"]}),
        lambda: people(23, gender=["f", "f", "m"] * 7 + ["m", "m"]),
    ),
    "sites as blocks": (lambda: study(assignment={"by": ["site"]}), None),
    "permuted blocks": (
        lambda: study(assignment={"method": "permuted_blocks", "by": ["gender"], "block_sizes": [5, 10]}),
        lambda: people(40, gender=["f", "m"] * 20),
    ),
    "minimisation": (
        lambda: study(assignment={"method": "minimisation", "by": ["gender", "level"]}),
        lambda: people(40, gender=["f", "m"] * 20, level=["a", "b", "c", "a"] * 10),
    ),
    "whole clusters": (lambda: with_factors(CLUSTERED, CLUSTERED), None),
    "split plot": (lambda: with_factors(CLUSTERED, {}), None),
    "stepped wedge": (lambda: study(**WEDGE), None),
    "within, Williams": (lambda: with_factors({"varies": "within"}, {}), None),
    "deck": (
        lambda: with_factors({"varies": "within"}, {"varies": "within"}, vignettes={"per_person": 2}, arms=[]),
        None,
    ),
    "messages": (lambda: study(messages={"family": "data_analyst"}), None),
}


def allocated(name: str, seed: int = 7):
    given, roster = DESIGNS[name]
    return assign(given(), roster() if roster else None, seed=seed)


@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_is_assigned_as_it_was_when_version_1_was_made(name):
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))

    made = allocated(name)

    assert made.fingerprint == golden[name]["fingerprint"]
    assert list(made.drawn) == golden[name]["drawn"]
    assert made.algorithm == 1


@pytest.mark.parametrize("name", DESIGNS)
def test_an_allocation_shows_itself_and_its_probabilities_sum_to_one(name):
    made = allocated(name)

    assert np.allclose(made.probabilities.sum(axis=1), 1)
    assert (made.ipw() >= 1 - 1e-12).all()
    assert made.counts()["assigned"].sum() == len(made)
    assert "Who gets what" in str(made)
    assert "<table" in made._repr_html_()
    assert made.frame["arm"].notna().all()


def test_the_seed_and_nothing_else_decides():
    assert allocated("complete").fingerprint == allocated("complete").fingerprint
    assert allocated("complete").fingerprint != allocated("complete", seed=8).fingerprint


@pytest.mark.parametrize("name", ["complete", "unequal", "probabilities", "blocks", "sites as blocks"])
def test_group_sizes_are_the_expected_ones_rounded(name):
    counts = allocated(name).counts()

    assert (abs(counts["assigned"] - counts["expected"]) < 1).all()


def test_the_ratio_is_relative_to_cells_of_one():
    counts = allocated("unequal").counts().set_index("condition")

    assert counts.loc["now:strengths_first", "assigned"] == 20
    assert counts.loc["silence", "assigned"] == 10


def test_realised_frequencies_agree_with_the_probability_matrix():
    """The split plot draws twice; its stated probabilities are those of both draws together."""
    given = with_factors(
        CLUSTERED, {}, units=[{"name": "site", "n": 3}, {"name": "person", "n": 11, "nested_in": "site"}]
    )
    stated = assign(given, seed=0).probabilities.to_numpy()
    more = assign(given, seed=0).permutations(6000, seed=5).conditions
    frequency = np.array([(more == c).mean(axis=0) for c in range(stated.shape[1])]).T

    assert np.abs(frequency - stated).max() < 4.5 * (0.25 / 6000) ** 0.5


def test_blocks_balance_their_leftovers_over_all():
    made = assign(study(assignment={"by": ["gender"]}), people(24, gender=["f", "m"] * 12), seed=3)
    table = pd.crosstab(made.frame["gender"], pd.Series(made.drawn))

    assert ((table >= 2) & (table <= 3)).all().all()
    assert table.sum().between(4, 5).all()


def test_small_blocks_are_said():
    made = assign(study(assignment={"by": ["gender"]}), people(8, gender=["f"] * 7 + ["m"]), seed=3)

    assert [(i.code, i.severity) for i in made.issues] == [("assign.small_blocks", "warning")]


def test_strata_that_fill_no_block_are_said():
    stated = {"by": ["gender"], "method": "permuted_blocks", "block_sizes": [10]}
    made = assign(study(assignment=stated), people(24, gender=["f"] * 20 + ["m"] * 4), seed=3)
    full = assign(study(assignment=stated), people(24, gender=["f"] * 10 + ["m"] * 14), seed=3)

    assert [(i.code, i.severity) for i in made.issues] == [("assign.unfilled_blocks", "warning")]
    assert made.issues[0].what == "1 of 2 strata holds fewer people than one block of 10."
    assert not full.issues


def test_whole_clusters_share_their_condition():
    made = allocated("whole clusters")

    assert made.frame.groupby("site")["arm"].agg(lambda arms: len(set(arms))).eq(1).all()
    assert "as a whole" in made.method
    assert sorted(pd.Series(made.drawn).groupby(made.frame["site"]).first())[0] == 0


def test_a_split_plot_gives_clusters_one_factor_and_people_the_other():
    made = allocated("split plot")
    inside = made.frame[made.frame["arm"] == "feedback"]

    assert inside.groupby("site")["timing"].agg(lambda levels: len(set(levels))).eq(1).all()
    assert (inside.groupby("site")["framing"].nunique() == 2).all()
    assert (made.frame.groupby("site")["arm"].apply(lambda arms: (arms == "silence").sum()) == 2).all()


def test_a_stepped_wedge_gives_each_cluster_its_steps():
    made = allocated("stepped wedge")
    table = made.periods.pivot_table(index="site", columns="period", values="exposure")

    assert made.frame["sequence"].value_counts().tolist() == [20, 20, 20]
    assert sorted(map(tuple, table.astype(int).to_numpy())) == sorted(2 * [(0, 1, 2, 3), (0, 0, 1, 2), (0, 0, 0, 1)])
    assert set(made.periods.loc[made.periods["exposure"] == 0, "policy"]) == {"old"}


def test_the_wedge_of_12_clusters_in_4_steps_is_hussey_and_hughes():
    wedge = Wedge(factor="x", sequences=4)

    assert wedge.periods == 5
    assert wedge_pattern(wedge).tolist() == [[0, 1, 1, 1, 1], [0, 0, 1, 1, 1], [0, 0, 0, 1, 1], [0, 0, 0, 0, 1]]
    assert exposure(wedge_pattern(wedge))[0].tolist() == [0, 1, 2, 3, 4]
    long = Wedge(factor="x", sequences=2, baseline_periods=2, periods_per_step=3, last_periods=2)
    assert wedge_pattern(long).tolist() == [[0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1, 1]]


def test_people_meet_within_factors_in_balanced_orders():
    made = allocated("deck")
    orders = made.orders

    assert (orders.groupby("participant").size() == 2).all()
    assert len(set(orders.groupby(["position", "vignette"]).size())) == 1
    assert set(orders.columns) == {"participant", "position", "vignette", "timing", "framing"}
    first = allocated("within, Williams").orders
    assert first.groupby(["participant"])["timing"].nunique().eq(2).all()


def test_exemplars_are_spread_evenly_within_cells_and_not_given_to_arms():
    made = allocated("messages").frame

    assert made.loc[made["arm"] == "silence", "exemplar"].isna().all()
    inside = made[made["arm"] == "feedback"]
    assert (inside.groupby(["timing", "framing", "exemplar"]).size() == 4).all()


def test_all_assignments_can_be_listed_where_they_are_few():
    given = with_factors({}, {}, arms=[], units=[{"name": "person", "n": 6}])
    two = study(factors=given.to_data()["factors"][:1], arms=[], units=[{"name": "person", "n": 6}])
    made = assign(two, seed=1)

    every = made.permutations(None)

    assert made.possible() == 20
    assert every.conditions.shape == (20, 6)
    assert every.exact
    assert np.allclose(every.weights, 1 / 20)
    assert len({tuple(row) for row in every.conditions}) == 20
    assert tuple(made.drawn) in {tuple(row) for row in every.conditions}


@pytest.mark.parametrize(("n", "arms", "count"), [(6, 2, 20), (10, 2, 252), (3, 2, 6), (10, 3, 12600)])
def test_the_number_of_assignments_is_the_known_one(n, arms, count):
    levels = {f"l{i}": f"Level {i}" for i in range(arms)}
    one = study(
        factors=[{"name": "x", "mode": "described", "levels": levels}], arms=[], units=[{"name": "person", "n": n}]
    )
    made = assign(one, seed=1)
    every = made.permutations(None)

    assert made.possible() == count == len(every.conditions)
    assert every.weights.sum() == pytest.approx(1)
    marginal = (every.weights[:, None, None] * (every.conditions[:, :, None] == np.arange(arms))).sum(axis=0)
    assert np.allclose(marginal, 1 / arms)


def test_the_exact_test_of_fisher_s_tea_comes_out_of_the_same_object():
    """Eight cups, four of each, all told right: p = 1/70."""
    cups = study(
        factors=[{"name": "milk", "mode": "described", "levels": {"first": "First", "last": "Last"}}],
        arms=[],
        units=[{"name": "person", "n": 8}],
    )
    made = assign(cups, seed=4)
    every = made.permutations(None)
    told = np.array(made.drawn)

    right = (every.conditions == told).sum(axis=1)

    assert every.weights[right == 8].sum() == pytest.approx(1 / 70)


def test_permutations_repeat_with_their_seed_and_differ_from_the_assignment():
    made = allocated("complete")

    assert np.array_equal(made.permutations(50, seed=2).conditions, made.permutations(50, seed=2).conditions)
    assert not (made.permutations(50, seed=7).conditions == np.array(made.drawn)).all(axis=1).any()
    with pytest.raises(InputError, match=r"draw some of them instead"):
        made.permutations(None)
    with pytest.raises(InputError, match="at least 1"):
        made.permutations(0)


@pytest.mark.parametrize("template", ["second-chance", "vignette-2x2x2", "field-3wave"])
def test_the_templates_can_be_assigned_as_they_are(tmp_path, template):
    given = Study.load(new_study(tmp_path / "s", template))

    made = assign(given, seed=given.seed)

    assert len(set(made.counts()["assigned"])) == 1
    assert made.placeholder


@pytest.mark.parametrize(
    ("roster", "said"),
    [
        (pd.DataFrame({"who": ["a"]}), "Column 'participant' is unknown"),
        (pd.DataFrame({"participant": []}), "nobody to assign"),
        (people(6).assign(participant="x"), "names x more than once"),
        (people(6).assign(participant=["=a", *"bcdef"]), "cannot name a participant"),
        (people(6), "needs the column 'gender'"),
        (people(6, gender=["f", None] * 3), r"'gender' is missing for 3 participants \(p001"),
        (people(6, gender=["f", "d"] * 3), "Roster column 'gender': Level 'd'"),
        (people(4, gender=["f", "m"] * 2), "5 conditions for 4 participants"),
    ],
)
def test_a_roster_that_does_not_fit_is_refused(roster, said):
    with pytest.raises(InputError, match=said):
        assign(study(assignment={"by": ["gender"]}), roster, seed=1)


def test_a_cluster_of_one_is_said_and_strata_within_clusters_are_refused():
    given = with_factors(CLUSTERED, CLUSTERED)
    sites = ["s0"] + [f"s{1 + i // 3}" for i in range(17)]

    made = assign(given, people(18, site=sites), seed=1)

    assert [i.code for i in made.issues] == ["assign.cluster_of_one"]
    by = with_factors(CLUSTERED, CLUSTERED, assignment={"by": ["gender"]})
    with pytest.raises(DataError, match="differs within 'site'"):
        assign(by, people(18, site=[f"s{i // 3}" for i in range(18)], gender=["f", "m"] * 9), seed=1)
    with pytest.raises(DeclarationError, match="5 conditions for 3 units of site"):
        assign(given, people(18, site=[f"s{i // 6}" for i in range(18)]), seed=1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"assignment": {"randomised_by": "platform"}}, "import_assignment"),
        ({"units": None}, "Nobody is known and no number is planned"),
        ({"assignment": {"by": ["nobody"]}}, "has 1 error and cannot be run"),
        ({"factors": [], "arms": []}, "nothing to assign"),
    ],
)
def test_a_study_that_cannot_be_assigned_says_why(changes, said):
    with pytest.raises(InputError, match=said):
        assign(study(**changes), seed=1)


def test_clusters_do_not_arrive_one_by_one():
    given = with_factors(CLUSTERED, CLUSTERED, assignment={"method": "permuted_blocks"})

    with pytest.raises(DeclarationError, match="for people who arrive one by one"):
        assign(given, seed=1)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True])
def test_a_seed_that_is_no_whole_number_is_refused_and_numpy_s_are_the_same(seed):
    with pytest.raises(DeclarationError, match=r"seed is .*; give a whole number from 0"):
        assign(study(), seed=seed)
    assert assign(study(), seed=np.int64(7)).drawn == assign(study(), seed=7).drawn


def test_an_unknown_version_of_the_algorithm_is_refused():
    with pytest.raises(DeclarationError, match="Version of the algorithm"):
        allocate(study(), seed=1, algorithm=99)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"block_sizes": [1], "method": "permuted_blocks"}, "block size 1"),
        ({"block_sizes": [4]}, "belongs to method: permuted_blocks"),
        ({"probabilities": {"a": 0.5, "b": 0.6}}, r"sum to 1\.1; they must sum to 1"),
        ({"probabilities": {"a": 1.0}, "ratio": {"a": 1.0}}, "not both"),
        ({"ratio": {"a": 0.0}}, "nobody would get it"),
        ({"method": "minimisation"}, "needs 'by'"),
        ({"method": "minimisation", "by": ["x"], "importance": {"y": 1.0}}, "name prognostic factors"),
        ({"method": "stepped_wedge"}, "needs 'wedge'"),
        ({"wedge": {"factor": "x", "sequences": 4}}, "belongs to method: stepped_wedge"),
        ({"method": "stepped_wedge", "wedge": {"factor": "x", "sequences": 1}}, "no steps"),
        ({"method": "minimization"}, "minimisation"),
        ({"by": ["gender", "gender"]}, "names 'gender' more than once"),
    ],
)
def test_an_assignment_that_contradicts_itself_is_refused_when_declared(given, said):
    with pytest.raises(DeclarationError, match=said):
        Assignment.from_data(given)


def test_the_verb_keeps_its_name_whatever_was_imported_before():
    import feedbackstudy as fs
    from feedbackstudy.assign import assign, ledger  # importing the room binds its name in the package, or would

    assert ledger.__name__ == "feedbackstudy.assign.ledger"
    assert fs.assign is assign


@pytest.mark.parametrize("name", ["complete", "blocks", "whole clusters", "simple", "minimisation", "probabilities"])
def test_permutations_have_the_stated_probabilities_and_the_scheme_s_counts(name):
    made = allocated(name)
    n = 300 if name == "minimisation" else 3000
    drawn = made.permutations(n, seed=11).conditions
    stated = made.probabilities.to_numpy()

    frequency = np.array([(drawn == c).mean(axis=0) for c in range(stated.shape[1])]).T

    assert np.abs(frequency - stated).max() < 5 * (0.25 / n) ** 0.5
    if name in {"complete", "blocks", "probabilities"}:
        counts = np.array([(drawn == c).sum(axis=1) for c in range(stated.shape[1])]).T
        assert (np.abs(counts - stated.sum(axis=0)) < 1).all()


def test_stories_keep_what_is_forbidden_between_a_condition_and_a_story():
    timing = {"name": "timing", "mode": "described", "levels": {"now": "N", "later": "L"}, "reference": "later"}
    tone = {"name": "tone", "mode": "described", "levels": {"warm": "W", "cool": "C", "dry": "D"}, "varies": "within"}
    given = {"factors": [timing, tone], "arms": [], "forbidden": [{"timing": "now", "tone": "dry"}], "hypotheses": []}
    made = assign(study(**given), seed=3)
    read = made.orders.merge(made.frame[["participant", "timing"]], on="participant")

    assert set(read.loc[read["timing"] == "now", "tone"]) == {"warm", "cool"}
    assert set(read.loc[read["timing"] != "now", "tone"]) == {"warm", "cool", "dry"}
    assert len(read[["vignette", "tone"]].drop_duplicates()) == 3
    with pytest.raises(DeclarationError, match="Stories for 'now', after what is forbidden there: 2 stories"):
        assign(study(**given, vignettes={"per_person": 3}), seed=3)
