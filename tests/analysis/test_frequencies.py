"""Observed counts and those of a law, counted and computed again in R."""

import numpy as np
import pytest

from feedbackstudy.analysis.frequencies import Frequencies, InflatedLaw
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript

COUNTS = np.array([[30, 20, 9, 0, 1], [22, 21, 12, 6, 3]])


def table(**changes) -> Frequencies:
    fields = {"title": "Tasks", "category_label": "tasks", "categories": (0, 1, 2, 3, 5), "groups": ('a "b"', "c")}
    return Frequencies(**(fields | {"counts": COUNTS} | changes))


def agrees(in_r, ours) -> None:
    assert in_r["seen"] == COUNTS.ravel().tolist()
    assert in_r["all"] == [60, 64]
    assert in_r["expected"] == pytest.approx(ours.fitted.ravel().tolist(), rel=1e-10)
    assert in_r["distance"] == [pytest.approx(((COUNTS - ours.fitted) ** 2 / ours.fitted).sum(), rel=1e-10)]


@pytest.mark.against_r
@pytest.mark.parametrize("size", [2.4, None])
def test_counts_that_a_law_expects(size, run_r, tmp_path):
    ours = table(law=InflatedLaw(mean=np.array([1.1, 1.6]), zero=np.array([0.2, 0.0]), size=size))

    agrees(run_r(ours.r_script(), tmp_path), ours)


@pytest.mark.against_r
def test_counts_of_a_model_that_is_not_known(run_r, tmp_path):
    ours = table(fitted=COUNTS * 0.95 + 0.4, categories=("none", "one", "two", "three", "more"))
    agrees(run_r(ours.r_script(), tmp_path / "fitted"), ours)

    alone = run_r(table().r_script(), tmp_path / "alone")
    assert set(alone) == {"seen", "all"}


def test_the_shares_of_a_law_add_up_to_its_mean():
    law = InflatedLaw(mean=np.array([1.1, 4.0]), zero=np.array([0.2, 0.5]), size=2.4)

    shares = law.shares(np.arange(400))

    assert shares.sum(axis=1) == pytest.approx([1, 1], rel=1e-12)
    assert shares @ np.arange(400) == pytest.approx([0.8 * 1.1, 0.5 * 4.0], rel=1e-10)


@pytest.mark.parametrize(
    "changes",
    [
        {"fitted": COUNTS * 1.0},
        {"categories": ("a", 1, 2, 3, 5)},
        {"categories": (0.5, 1, 2, 3, 5)},
        {"law": InflatedLaw(mean=np.ones(3), zero=np.zeros(3), size=None)},
    ],
)
def test_a_law_beside_fitted_counts_or_of_other_groups_is_refused(changes):
    law = InflatedLaw(mean=np.ones(2), zero=np.zeros(2), size=None)

    with pytest.raises(DataError, match="a law of counts stands in place of fitted counts"):
        table(**({"law": law} | changes))


def test_a_label_cannot_leave_the_data_file():
    script = table(groups=("x'); quit()", "y")).r_script()

    assert isinstance(script, RScript)
    assert "quit" not in script.script
