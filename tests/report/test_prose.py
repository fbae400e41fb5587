"""Sentences come from results, name whom they are about, and refuse where a result is not fit to report."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from feedbackstudy import report
from feedbackstudy.errors import InputError

MINUS = "\N{MINUS SIGN}"


def people(population, realism):
    return SimpleNamespace(conduct=SimpleNamespace(population=population, realism=realism))


def test_the_frequentist_sentence_has_estimate_interval_p_and_decision(estimates):
    assert report.sentence(estimates.rows[0]) == (
        f"The estimate for late minus at once (difference in z) was 0.002, 95% CI [{MINUS}0.049, 0.053], p = .942 "
        "(frequentist; REML). By the declared criterion (equivalence): equivalent."
    )


def test_a_criterion_of_an_exploratory_hypothesis_confirms_nothing(estimates):
    row = replace(estimates.rows[0], status="exploratory")

    assert report.sentence(row).endswith("(equivalence): equivalent. This is exploratory.")


def test_the_bayesian_sentence_has_median_interval_and_probabilities(estimates):
    said = report.sentence(estimates.rows[1])

    assert f"posterior median for late minus at once (difference in z) was 0.002, 95% HDI [{MINUS}0.049, 0.053]" in said
    assert "P(direction) = .530, P(in the ROPE) > .999, BF10 = 0.03" in said


def test_a_standardised_limit_beside_zero_gets_a_decimal_more_and_no_exponent(estimates):
    sized = {"std_kind": "d", "std_estimate": 0.0142, "std_high": 0.0311}

    assert "d = 0.014 [0.001, 0.031]" in report.sentence(replace(estimates.rows[0], **sized, std_low=0.00135))
    assert "d = 0.01 [0.01, 0.03]" in report.sentence(replace(estimates.rows[0], **sized, std_low=0.0061))


@pytest.mark.parametrize(("decides", "kind"), [("p", "confirmatory sentence"), ("", "sentence")])
def test_a_result_that_is_not_fit_to_report_gets_no_number(build, decides, kind):
    row = build["estimates"](fit_to_report=False, note="R-hat 1.2 is above 1.01.", decides=decides).rows[0]

    said = report.sentence(row)

    assert said.startswith(f"No {kind} is written for")
    assert "R-hat 1.2 is above 1.01." in said
    assert "0.002" not in said


def test_a_sentence_names_the_population_and_how_real_the_situation_was(estimates, posterior):
    said = report.sentence(estimates.rows[0], study=people("panel", "hypothetical"))
    assert said.startswith("Among members of an online panel who imagined the situation, the estimate for")

    said = report.sentence(posterior, study=people("candidates", "field"))
    assert said.startswith("Among candidates of a real selection in the field, the posterior median of")


def test_the_sentence_on_two_categories_gives_the_share_of_the_rarer_one(build):
    two = build["frequencies"](
        categories=("called back", "not"), groups=("a", "b"), counts=[[157, 2278], [235, 2200]], fitted=None
    )

    assert report.sentence(two) == (
        "The share of called back was 157 of 2,435 (6.4%) for a, 235 of 2,435 (9.7%) for b."
    )


def test_the_sentence_on_a_reproduction_counts_by_class_and_gives_no_percentage(reproduction):
    said = report.sentence(reproduction)

    assert "1 not computable, 3 reproduced" in said
    assert "No decision changes." in said
    assert "%" not in said


def test_a_probability_is_never_printed_as_certain(build):
    said = report.sentence(build["posterior"](prob_direction=0.99996, prob_rope=0.0002))

    assert "P(above 0) > .999" in said
    assert "P(within [\N{MINUS SIGN}0.10, 0.10]) < .001" in said


def test_a_thing_without_a_sentence_is_refused_with_the_choices():
    with pytest.raises(InputError, match=r"no sentence for a list; there is one for: Estimate, Estimates"):
        report.sentence([])
