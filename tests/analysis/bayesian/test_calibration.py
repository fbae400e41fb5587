"""The harness passes an exact posterior and fails wrong ones; every sampled model passes it (slow)."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.calibration import sbc
from feedbackstudy.errors import DataError
from tools import calibration


def normal_study(*, factor=1.0, shift=0.0):
    """Return an experiment on a normal mean with known spread, whose posterior is widened and shifted as told."""

    def experiment(rng, seed):
        truth = rng.normal()
        y = rng.normal(truth, 1.0, 4)
        drawn = np.random.default_rng(seed).normal(y.sum() / 5 + shift, factor / np.sqrt(5), 99)
        return {"mean": truth}, {"mean": drawn}, 0

    return experiment


def found(experiment, simulations=400):
    return sbc(experiment, simulations=simulations, seed=7, model="normal mean", prior="N(0, 1)")


def test_ranks_of_an_exact_posterior_are_even():
    card = found(normal_study())

    assert card.even
    assert card.ranks.min() >= 0
    assert card.ranks.max() <= 99
    assert card.ranks.mean() == pytest.approx(49.5, abs=4 * 29 / 20)  # 4 standard errors
    assert "HOLDS: Ranks are even" in str(card)


@pytest.mark.parametrize("wrong", [{"factor": 0.6}, {"factor": 1.7}, {"shift": 0.25}], ids=str)
def test_a_posterior_too_narrow_too_wide_or_shifted_is_found_out(wrong):
    card = found(normal_study(**wrong))

    assert not card.even
    assert "STOP: Ranks are not even" in str(card)


def test_p_values_are_calibrated_over_repetitions():
    cards = [sbc(normal_study(), simulations=100, seed=seed, model="", prior="").smallest_p for seed in range(200)]

    assert np.mean(np.array(cards) < 0.05) < 0.1


def test_too_few_simulations_or_draws_are_refused():
    with pytest.raises(DataError, match="50 simulations"):
        found(normal_study(), simulations=20)
    with pytest.raises(DataError, match="99 posterior draws"):
        found(lambda rng, _: ({"a": 0.0}, {"a": rng.normal(size=50)}, 0))


@pytest.mark.slow
@pytest.mark.parametrize("name", calibration.CASES)
def test_every_sampled_model_is_calibrated(name):
    card = calibration.CASES[name](100, 20261127)

    assert card.even, str(card)
    # Of 100 studies with 600 draws each, invented without regard to whether their groups or factors vary at all.
    assert card.divergences <= 6, f"more than one divergent transition in 10,000: {card.divergences}"


def test_every_sampled_model_has_its_card_and_every_card_is_even():
    cards = {path.stem: path.read_text(encoding="utf-8") for path in calibration.FOLDER.glob("*.md")}

    assert set(cards) == set(calibration.CASES)
    assert [name for name, text in cards.items() if "Ranks are even" not in text] == []


@pytest.mark.parametrize("name", ["normal-large-groups", "three-level"])
def test_no_transition_diverges_where_coordinates_follow_the_data(name):
    assert "divergent transitions in all: 0\n" in (calibration.FOLDER / f"{name}.md").read_text(encoding="utf-8")
