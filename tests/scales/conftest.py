"""Scales and answers that the scoring tests share."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.frames import Responses
from feedbackstudy.scales import Scale

SEEN = {"status": "verified", "source": "a test"}


REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture(scope="session")
def bfi():
    """25 items, 2,800 people, answers as given (psych::bfi)."""
    return pd.read_csv(REFERENCE / "bfi.csv", index_col=0)


@pytest.fixture(scope="session")
def oracle():
    """Scores made in R: rowMeans after 7 - x, quantile type 7, psych::alpha; `meta` in the file has the versions."""
    return json.loads((REFERENCE / "psychometrics.json").read_text())


@pytest.fixture(scope="session")
def make_scale():
    """Make a small scale: one subscale over all items unless told otherwise."""

    def make(
        code="demo", n=4, low=1, high=5, *, reversed_items=(), subscales=None, method="mean", least=0.5, ids=(), **more
    ):
        parts = subscales or {code: list(range(1, n + 1))}
        form = {
            "id": "standard",
            "n_items": n,
            "likert_options": {"min": low, "max": high},
            "subscales": [{"name": k, "items": v, "high_score_means": f"more {k}"} for k, v in parts.items()],
            "reversed": list(reversed_items),
            "item_ids": list(ids),
            "origins": {"likert_options": SEEN, "subscales": SEEN, "reversed": SEEN},
        }
        form |= more.pop("form", {})
        data = {
            "code": code,
            "name": code,
            "construct_measured": code,
            "roles": ["outcome"],
            "state_or_trait": "state",
            "tier": "B",
            "citation": "A test.",
            "license": "CC0",
            "use_terms": {},
            "scoring": {"method": method, "missing": {"minimum_answered": least, "prorate": least < 1}},
            "forms": [form],
            "origins": {"scoring": SEEN},
        }
        return Scale.from_data(data | more)

    return make


@pytest.fixture
def answers():
    """Draw answers of one latent trait, with chosen items running against it."""

    def draw(n, k, *, low=1, high=5, against=(), seed=1, prefix="demo", loading=0.8):
        rng = np.random.default_rng(seed)
        trait = rng.normal(size=n)
        table = {}
        for place in range(1, k + 1):
            sign = -1 if place in against else 1
            latent = sign * loading * trait + np.sqrt(1 - loading**2) * rng.normal(size=n)
            middle, width = (low + high) / 2, (high - low) / 4
            table[f"{prefix}_{place}"] = np.clip(np.rint(middle + width * latent), low, high)
        return pd.DataFrame(table)

    return draw


@pytest.fixture
def take():
    """Take a bare table of answers in, as given."""

    def take_in(frame, **said):
        return Responses.of_items(pd.DataFrame(frame), **({"already_reversed": []} | said))

    return take_in
