"""The order that `assign` drew becomes the declared roll-out, with its strata."""

import pytest

from feedbackstudy.assign import assign
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.declared import Rollout
from tests.assign.studies import study

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
MONTHS = ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01")


@pytest.fixture(scope="module")
def allocation():
    return assign(study(**WEDGE), seed=7)


def test_starts_are_those_that_were_drawn(allocation):
    rollout = Rollout.from_allocation(allocation, MONTHS, washout=1)
    assert rollout.unit == "site"
    assert rollout.mechanism == "randomised"
    assert rollout.washout == 1
    first = allocation.periods[allocation.periods["exposure"] == 1].set_index("site")["period"]
    assert {site: MONTHS[period - 1] for site, period in first.items()} == {str(k): v for k, v in rollout.start.items()}
    assert rollout.never == ()


def test_days_must_fit_the_wedge(allocation):
    with pytest.raises(DataError, match="has 4 periods, and 3"):
        Rollout.from_allocation(allocation, MONTHS[:3])
    with pytest.raises(DataError, match="each into its own"):
        Rollout.from_allocation(allocation, ("2026-01-01", "2026-01-15", "2026-03-01", "2026-04-01"))
    with pytest.raises(DataError, match="write days as"):
        Rollout.from_allocation(allocation, ("soon", *MONTHS[1:]))


def test_another_design_holds_no_order():
    with pytest.raises(InputError, match="no stepped wedge"):
        Rollout.from_allocation(assign(study(), seed=7), MONTHS)
