"""Hand-made results of every kind that `report` shows: small, exact, no sampling."""

import numpy as np
import pytest

from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.analysis.frequencies import Frequencies
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.literature.card import Reproduction
from feedbackstudy.literature.classes import grade_all
from feedbackstudy.literature.findings import Findings, Value
from feedbackstudy.literature.published import Published
from feedbackstudy.provenance import Provenance

CONTRAST = "late minus at once (difference in z)"


def make_estimates(**changes):
    common = {"hypothesis": "timing", "outcome": "exam score", "term": "timing", "contrast": CONTRAST, "n": 2081}
    frequentist = {
        "engine": "frequentist",
        "model": "REML",
        "estimate": 0.0019,
        "se": 0.026,
        "low": -0.049,
        "high": 0.053,
        "level": 0.95,
        "interval": "CI",
        "p": 0.942,
        "null": 0.0,
        "sesoi": 0.1,
        "decides": "equivalence",
        "decision": "equivalent",
    }
    bayesian = {
        **frequentist,
        "engine": "bayesian",
        "model": "three-level normal",
        "interval": "HDI",
        "p": None,
        "prob_direction": 0.53,
        "prob_rope": 0.9996,
        "bayes_factor": 0.03,
        "decides": "",
    }
    rows = tuple(Estimate(**(common | row | changes)) for row in (frequentist, bayesian))
    return Estimates(rows=rows, title="Timing, both ways")


def make_posterior(**changes):
    grid = np.linspace(-0.5, 0.5, 801)
    density = np.exp(-0.5 * ((grid - 0.002) / 0.026) ** 2) / 0.026 / np.sqrt(2 * np.pi)
    fields = {
        "quantity": "overall effect of timing",
        "unit": "z",
        "grid": grid,
        "density": density,
        "median": 0.002,
        "low": -0.049,
        "high": 0.053,
        "level": 0.95,
        "interval_kind": "HDI",
        "rope": (-0.1, 0.1),
        "prob_rope": 0.9996,
        "prob_direction": 0.53,
        "prior_density": np.full(801, 0.4),
        "rhat": 1.0012,
        "ess": 4012.0,
        "engine": "quadrature",
    }
    return Posterior(**(fields | changes))


def make_frequencies(**changes):
    counts = np.array([[30, 20, 9, 4, 1], [22, 21, 12, 6, 3]])
    fields = {
        "title": "Tasks chosen",
        "category_label": "number of tasks",
        "categories": (0, 1, 2, 3, 4),
        "groups": ("control", "growth mindset"),
        "counts": counts,
        "fitted": counts * 0.95 + 0.4,
    }
    return Frequencies(**(fields | changes))


def make_published(**changes):
    fields = {
        "key": "hand2026",
        "title": "A study made by hand",
        "citation": "Hand, A. (2026). A study made by hand. Journal of Examples, 1, 1-2.",
        "doi": "10.1000/example",
        "kind": "an analogue of timing",
        "claims": ("C01",),
        "datasets": ("hand2026",),
        "independence": "other software",
        "method": "a three-level normal model",
        "choices": ({"id": "one-person", "text": "One person of group 3 was left out."},),
        "values": (
            {"id": "d", "quantity": "overall d", "published": "0.60", "seen_in": "Table 2", "anchor": "A"},
            {
                "id": "h",
                "quantity": "Kruskal H",
                "published": "10.69",
                "seen_in": "notebook, cell 12",
                "anchor": "B",
                "p": ".005",
                "conditional_on": ("one-person",),
            },
            {"id": "s", "quantity": "slope", "published": "-0.16", "seen_in": "p. 85", "anchor": "C"},
            {"id": "gone", "quantity": "a value nobody can compute", "published": "3.2", "seen_in": "x", "anchor": "D"},
        ),
    }
    return Published.model_validate(fields | changes)


def make_reproduction(published=None, **changes):
    published = published or make_published()
    values = {
        "d": Value(value=0.5991),
        "h": Value(value=10.6907, p=0.0048),
        "s": Value(value=-0.1623, input_interval=(-0.1651, -0.1540), note="Inputs are printed to two decimals."),
    }
    fields = {
        "values": values,
        "estimates": make_estimates(),
        "shows": (make_posterior(), make_frequencies()),
        "choices": ("one-person",),
        "claims": "No difference that matters was found, in students.",
        "seed": 11,
    }
    findings = Findings(**(fields | changes))
    return Reproduction(
        published=published,
        grades=grade_all(published, findings.values),
        findings=findings,
        seconds=1.5,
        provenance=Provenance(
            made_by="literature.reproduce",
            data_sha256=(("hand2026", "ab" * 32),),
            seed=findings.seed,
            versions={"python": "3.13.0", "numpy": "2.5.5"},
        ),
    )


@pytest.fixture
def estimates():
    return make_estimates()


@pytest.fixture
def posterior():
    return make_posterior()


@pytest.fixture
def frequencies():
    return make_frequencies()


@pytest.fixture
def reproduction():
    return make_reproduction()


@pytest.fixture
def build():
    """Makers of each kind of result, by name, so that a test can change a field."""
    return {
        "estimates": make_estimates,
        "posterior": make_posterior,
        "frequencies": make_frequencies,
        "published": make_published,
        "reproduction": make_reproduction,
    }
