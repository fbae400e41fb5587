"""What can be stated as a model: scale, mapping, higher-order or bifactor structure; and how a result shows itself."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import scales
from feedbackstudy.errors import DeclarationError
from feedbackstudy.psychometrics.cfa import bifactor, cfa, compare, factor_model, scale_model


def answers_to(columns, rng, n=300):
    half = len(columns) // 2
    factors = rng.multivariate_normal([0, 0], [[1, -0.4], [-0.4, 1]], n)
    loads = np.zeros((2, len(columns)))
    loads[0, :half], loads[1, half:] = 0.8, 0.8
    return pd.DataFrame(factors @ loads + rng.normal(size=(n, len(columns))) * 0.6, columns=columns)


def test_a_scale_gives_its_model_by_itself():
    scale = scales.get("message_appraisal")
    data = answers_to(list(scale.form().columns(scale.code)), np.random.default_rng(1))

    result = cfa(data, scale)

    assert result.factors == ("challenge", "threat")
    assert result.items == tuple(data.columns)
    assert result.fit["df"] == 19
    assert result.fit == cfa(data, scale_model(scale)).fit


def test_a_scale_that_does_not_know_its_items_gives_no_model():
    with pytest.raises(DeclarationError, match="does not say which items"):
        scale_model(scales.get("acts"))


def test_a_scale_with_several_forms_must_be_told_which():
    with pytest.raises(DeclarationError, match="forms"):
        scale_model(scales.get("brs"))
    assert len(scale_model(scales.get("brs"), form="standard").items) == 6


def test_columns_of_a_scale_may_have_a_prefix_of_their_own():
    assert scale_model(scales.get("gse3"), prefix="pre").items == ("pre_1", "pre_2", "pre_3")


def test_correlated_residuals_cost_one_degree_each(three_factors):
    model = {"f": ["y1", "y2", "y3", "y4"]}
    one = cfa(three_factors, model)
    two = cfa(three_factors, factor_model(model, residuals=[("y1", "y4")]))
    assert two.fit["df"] == one.fit["df"] - 1


def test_a_second_order_factor_restricts_nothing_with_three_factors(three_factors):
    first = {"f": ["y1", "y2", "y3"], "g": ["y4", "y5", "y6"], "h": ["y7", "y8", "y9"]}
    plain = cfa(three_factors, first)
    higher = cfa(three_factors, factor_model(first, second_order={"top": ["f", "g", "h"]}))
    assert higher.fit["chisq"] == pytest.approx(plain.fit["chisq"], rel=1e-7)
    with pytest.raises(DeclarationError, match="no factor of the model"):
        factor_model(first, second_order={"top": ["f", "z"]})


def test_a_bifactor_model_contains_the_second_order_one(three_factors):
    first = {"f": ["y1", "y2", "y3"], "g": ["y4", "y5", "y6"], "h": ["y7", "y8", "y9"]}
    wide = cfa(three_factors, bifactor("all", first), estimator="ML")
    narrow = cfa(three_factors, factor_model(first, second_order={"top": ["f", "g", "h"]}), estimator="ML")
    assert wide.fit["df"] == 18
    if wide.converged and wide.identified:
        assert wide.fit["chisq"] <= narrow.fit["chisq"] + 1e-6


def test_an_item_with_two_factors_is_fitted(three_factors):
    result = cfa(three_factors, {"f": ["y1", "y2", "y3", "y4"], "g": ["y4", "y5", "y6"]})
    assert result.converged
    assert result.fit["df"] == 7


def test_the_page_shows_fit_loadings_and_origin(three_factors):
    result = cfa(three_factors, {"f": ["y1", "y2", "y3"], "g": ["y4", "y5", "y6"]})
    text = str(result)
    for words in (
        "Confirmatory factor analysis",
        "MLR, 400 people",
        "scaling factor",
        "RMSEA robust",
        "Loadings",
        "divisor n",
    ):
        assert words in text
    assert "<table" in result._repr_html_()
    assert list(result.frame().columns[:4]) == ["lhs", "op", "rhs", "group"]


def test_a_comparison_puts_the_freest_model_first(three_factors):
    two = cfa(three_factors, {"f": ["y1", "y2", "y3"], "g": ["y4", "y5", "y6"]})
    one = cfa(three_factors, "f =~ y1 + y2 + y3\ng =~ y4 + y5 + y6\nf ~~ 0*g")
    frame = compare(one, two, names=("orthogonal", "oblique")).frame()
    assert list(frame["model"]) == ["oblique", "orthogonal"]
    assert frame["delta_df"].iloc[1] == 1
    assert frame["p"].iloc[1] < 0.001
    assert "satorra bentler 2001" in str(compare(one, two))


def test_a_fit_does_not_change_and_is_the_same_again(three_factors):
    model = {"f": ["y1", "y2", "y3"], "g": ["y4", "y5", "y6"]}
    one, two = cfa(three_factors, model), cfa(three_factors, model)
    assert dict(one.fit) == dict(two.fit)
    frame = one.estimates
    frame["est"] = 0.0
    assert (one.estimates["est"] != 0).any()
    with pytest.raises(TypeError):
        one.fit["cfi"] = 1.0
    with pytest.raises(AttributeError):
        one.level = 0.9
