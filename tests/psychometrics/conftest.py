"""Reference data and values of the psychometric rooms, made with R packages (named in each file)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


@pytest.fixture(scope="session")
def oracle():
    """Values of lavaan 0.6-14, psych 2.2.9, semTools 0.5-6 (its `meta` says which R made them)."""
    return json.loads((REFERENCE / "psychometrics.json").read_text())


@pytest.fixture(scope="session")
def lavaan():
    """More values of lavaan and semTools, made by tests/reference/cfa.R."""
    return json.loads((REFERENCE / "cfa.json").read_text())


@pytest.fixture(scope="session")
def hs():
    """HolzingerSwineford1939, from lavaan."""
    return pd.read_csv(REFERENCE / "holzinger_swineford_1939.csv")


@pytest.fixture(scope="session")
def hs_missing():
    """The same with answers of x5 and x9 removed at random given other columns."""
    return pd.read_csv(REFERENCE / "holzinger_swineford_missing.csv")


@pytest.fixture(scope="session")
def bfi():
    """The 25 items of psych's bfi with gender, education and age."""
    return pd.read_csv(REFERENCE / "bfi.csv", index_col=0)


@pytest.fixture(scope="session")
def democracy():
    """PoliticalDemocracy, from lavaan."""
    return pd.read_csv(REFERENCE / "political_democracy.csv")


@pytest.fixture(scope="session")
def three_factors():
    """Data of 400 people from a known model of three factors."""
    rng = np.random.default_rng(11)
    factors = rng.multivariate_normal(np.zeros(3), [[1, 0.4, 0.3], [0.4, 1, 0.5], [0.3, 0.5, 1]], 400)
    loadings = np.kron(np.eye(3), np.array([[0.8, 0.7, 0.6]]))
    answers = factors @ loadings + rng.normal(size=(400, 9)) * 0.7 + 3.0
    return pd.DataFrame(answers, columns=[f"y{k}" for k in range(1, 10)])
