"""Small sound studies for the tests of assignment."""

import copy

from feedbackstudy.study import Study

BASE = {
    "title": "Timing and framing",
    "factors": [
        {"name": "timing", "mode": "described", "levels": {"now": "Now", "later": "Later"}, "reference": "later"},
        {"name": "framing", "mode": "described", "concept": "framing",
         "levels": {"strengths_first": "S", "deficits_first": "D"}},
    ],
    "arms": [{"name": "silence", "told": "nothing"}],
    "units": [{"name": "site", "n": 6}, {"name": "person", "n": 60, "nested_in": "site"}],
    "covariates": [
        {"name": "gender", "kind": "nominal", "levels": {"f": "F", "m": "M"}},
        {"name": "level", "kind": "ordinal", "levels": {"a": "A", "b": "B", "c": "C"}},
    ],
    "waves": [{"name": "t1", "anchor": "decision", "phase": "after"}],
    "measures": [{"name": "usefulness", "kind": "rating", "range": [1, 7], "waves": ["t1"]}],
    "conduct": {"population": "panel", "realism": "hypothetical", "published": "Nobody (2020). Test."},
}  # fmt: skip


def study(**changes) -> Study:
    data = copy.deepcopy(BASE)
    for name, value in changes.items():
        if value is None:
            data.pop(name)
        else:
            data[name] = value
    return Study.from_data(data)


def with_factors(*changes: dict, **more) -> Study:
    factors = [base | change for base, change in zip(copy.deepcopy(BASE["factors"]), changes, strict=True)]
    return study(factors=factors, **more)
