"""The shipped table that tests of several analyses need."""

import pandas as pd
import pytest

from feedbackstudy import datasets


@pytest.fixture(scope="session")
def classes() -> pd.DataFrame:
    """n, mean and sd of the 38 classes of manyclasses1."""
    return datasets.load("manyclasses1_class_figures").frame
