"""Why a mixed negative binomial has another log likelihood than glmer.nb, and which is nearer to the integral.

R, lme4: ``glmer.nb(y ~ x + (1 | g), control = glmerControl(tolPwrss = 1e-13), nb.control = list(tol = 1e-10))`` for 24
levels of eight rows, x alternating 0 and 1. With the default tolPwrss it is -380.228609.
"""

from io import StringIO

import numpy as np
import pytest
from scipy import integrate, stats

from feedbackstudy.analysis.frequentist.generalised import FamilyRows
from feedbackstudy.analysis.frequentist.generalised_mixed import fit_generalised_mixed
from feedbackstudy.analysis.frequentist.laplace import RowTerms, log_likelihood_at
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor

Y = np.loadtxt(
    StringIO(
        "4 1 1 4 3 2 4 0 9 8 3 0 0 4 2 3 2 3 7 2 8 0 0 2 0 0 2 3 0 2 0 4 3 0 3 1 0 6 2 2 2 0 2 0 1 1 0 1 1 1 "
        "1 14 1 3 1 1 4 2 1 21 1 5 6 8 0 4 3 1 1 1 2 4 1 6 0 0 0 3 5 2 6 6 5 3 1 3 2 5 1 3 6 7 1 0 2 1 3 4 4 "
        "11 0 2 6 1 0 1 0 2 1 3 3 2 1 2 0 1 1 4 1 4 1 8 2 6 5 5 0 5 0 0 0 0 1 5 0 2 3 0 0 2 2 3 1 4 0 2 0 1 0 "
        "1 0 1 1 2 0 1 0 1 3 3 1 0 0 4 3 0 2 2 2 8 1 3 4 5 1 1 0 3 2 1 0 0 3 2 2 2 1 2 2 3 1 0"
    )
)
GROUP = np.repeat(np.arange(24), 8)
X = np.column_stack([np.ones(192), np.tile([0.0, 1.0], 96)])
FACTORS = [RandomFactor.of("g", GROUP)]
GLMER_NB = {"log_likelihood": -380.228664199365, "theta": 2.290557998272, "beta": (0.50956978359, 0.461691538586),
            "sd": 0.382958132012}  # fmt: skip
ROWS = FamilyRows(Y, X, "negative binomial")


class ExpectedCurvature:
    """The same likelihood with the expected second derivative, which is what lme4's working weights are."""

    def terms(self, fixed: np.ndarray, added: np.ndarray) -> RowTerms:
        found = ROWS.terms(fixed, added)
        mean, theta = np.exp(fixed[:, :2] @ X.T + added), np.exp(fixed[:, 2:])
        return found._replace(second=-mean * theta / (mean + theta))


def integral(beta: np.ndarray, theta: float, sd: float) -> float:
    total = 0.0
    for level in range(24):
        mine = level == GROUP

        def density(effect: float, mine: np.ndarray = mine) -> float:
            mean = np.exp(X[mine] @ beta + effect)
            rows = stats.nbinom.logpmf(Y[mine], theta, theta / (theta + mean)).sum()
            return float(np.exp(rows + stats.norm.logpdf(effect, 0, sd) + 20))

        total += np.log(integrate.quad(density, -4, 4, points=[0], epsabs=1e-14, epsrel=1e-11, limit=300)[0]) - 20
    return float(total)


@pytest.fixture(scope="module")
def theirs() -> tuple[np.ndarray, np.ndarray]:
    return np.array([*GLMER_NB["beta"], np.log(GLMER_NB["theta"])]), np.array([GLMER_NB["sd"]])


def test_glmer_nb_is_laplace_with_the_expected_curvature(theirs):
    found = log_likelihood_at(ExpectedCurvature(), FACTORS, *theirs)
    assert found == pytest.approx(GLMER_NB["log_likelihood"], abs=1e-6)
    assert log_likelihood_at(ROWS, FACTORS, *theirs) == pytest.approx(found - 0.0444, abs=1e-3)


def test_quadrature_is_the_integral_and_both_approximations_miss_it(theirs):
    exact = integral(theirs[0][:2], GLMER_NB["theta"], GLMER_NB["sd"])
    assert log_likelihood_at(ROWS, FACTORS, *theirs, nodes=25) == pytest.approx(exact, abs=1e-7)
    assert log_likelihood_at(ExpectedCurvature(), FACTORS, *theirs, nodes=25) == pytest.approx(exact, abs=1e-7)
    assert exact - GLMER_NB["log_likelihood"] == pytest.approx(0.0054, abs=1e-3)


def test_estimates_by_laplace_lie_nearer_to_the_maximum_of_the_integral_than_those_of_glmer_nb():
    laplace, best = (fit_generalised_mixed(Y, X, "negative binomial", FACTORS, nodes=k) for k in (1, 25))
    at = {
        name: integral(beta, theta, sd)
        for name, beta, theta, sd in (
            ("laplace", laplace.beta, laplace.theta, laplace.sd[0]),
            ("best", best.beta, best.theta, best.sd[0]),
            ("glmer.nb", np.array(GLMER_NB["beta"]), GLMER_NB["theta"], GLMER_NB["sd"]),
        )
    }
    assert best.log_likelihood == pytest.approx(at["best"], abs=1e-7)
    assert at["best"] > at["laplace"] > at["glmer.nb"]
