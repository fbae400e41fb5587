"""The PyMC twin has the posterior that is drawn exactly."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.mediation import mediation
from feedbackstudy.errors import DataError


def people(n=180, teams=12):
    rng = np.random.default_rng(8)
    x = np.where(np.arange(n) % 2 == 0, "no", "yes")
    team = np.arange(n) // (n // teams)
    common = 0.6 * rng.normal(size=n) + 0.4 * rng.normal(size=teams)[team]
    m = 4 + 0.5 * (x == "yes") + common + 0.8 * rng.normal(size=n)
    k = 3 - 0.3 * (x == "yes") + common + 0.8 * rng.normal(size=n)
    y = 1 + 0.3 * m + 0.3 * k + rng.normal(size=n)
    return pd.DataFrame({"x": x, "m": m, "k": k, "y": y, "team": team})


def test_incomplete_rows_have_no_such_model():
    data = people()
    data.loc[3, "y"] = np.nan
    found = mediation(data, "x", "m", "y", missing="fiml", n_boot=399, draws=1000, seed=1)
    with pytest.raises(DataError, match="complete rows"):
        found.pymc_model()


def test_the_model_names_every_effect():
    found = mediation(people(), "x", "m", "y", cluster="team", n_boot=399, draws=1000, seed=1)
    model = found.pymc_model()
    assert {a.effect.name for a in found.answers} <= set(model.named_vars)
    assert {"tau0", "z1", "log_sigma0"} <= set(model.named_vars)


@pytest.mark.slow
@pytest.mark.parametrize("structure", ["serial", "parallel"])
def test_nutpie_and_exact_draws_agree(structure):
    from feedbackstudy.analysis.bayesian.gates import converged
    from feedbackstudy.analysis.bayesian.sampling import sample

    scales = {name: CellPrior.of_scale(1, 7) for name in ("m", "k", "y")}
    found = mediation(
        people(),
        "x",
        ["m", "k"],
        "y",
        structure=structure,
        cluster="team",
        priors=scales,
        n_boot=399,
        draws=40_000,
        seed=1,
    )
    drawn = sample(found.pymc_model(), seed=2, draws=2000, tune=1000, chains=4)
    for a in found.answers:
        theirs = drawn.variables[a.effect.name]
        gate = converged(theirs)
        mcse = theirs.std() / np.sqrt(gate.ess_bulk)
        exact = found.posterior.draws((a.effect,))[:, 0]
        assert gate.rhat < 1.02
        assert abs(theirs.mean() - exact.mean()) < 4 * np.hypot(mcse, exact.std() / 200), a.effect.name
        assert theirs.std() == pytest.approx(exact.std(), rel=0.06), a.effect.name
