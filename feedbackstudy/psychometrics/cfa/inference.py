"""Standard errors and tests of a fitted model."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.estimators import Estimator
from feedbackstudy.psychometrics.cfa.evaluation import Evaluation, collect
from feedbackstudy.psychometrics.cfa.implied import Implied, Pairs, implied, pairs
from feedbackstudy.psychometrics.cfa.leastsquares import LeastSquares
from feedbackstudy.psychometrics.cfa.likelihood import Likelihood
from feedbackstudy.psychometrics.cfa.missing import FullInformation, pattern_scores, saturated_pairs, spread_out
from feedbackstudy.psychometrics.cfa.moments import continuous_vector, normal_weight
from feedbackstudy.psychometrics.cfa.objective import gammas
from feedbackstudy.psychometrics.cfa.robust import Block, Blocks, Test, scale_test
from feedbackstudy.psychometrics.cfa.sample import Sample
from feedbackstudy.psychometrics.cfa.structure import Structure

__all__ = ["Fitted", "GroupState", "moment_count"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupState:
    """One group at the estimates.

    Attributes
    ----------
    state : Implied
        Implied moments.
    d : Pairs
        Their derivatives.
    """

    state: Implied
    d: Pairs


def moment_count(structure: Structure, sample: Sample, *, means: bool) -> int:
    """Return the number of sample moments the model explains.

    Parameters
    ----------
    structure : Structure
        The model.
    sample : Sample
        The data.
    means : bool
        Whether means of continuous items are modelled; ordinal items count their thresholds.

    Returns
    -------
    int
        Moments of all groups together.
    """
    p = structure.n_items
    if sample.polychorics:
        return sum(len(q.tau) + len(q.rho) for q in sample.polychorics)
    return len(sample.names) * (p * (p + 1) // 2 + (p if means else 0))


@dataclass(frozen=True, eq=False)
class Fitted:
    """A structure at its estimates with the data it was fitted to: the source of all inference.

    Attributes
    ----------
    structure : Structure
        The model.
    sample : Sample
        The data.
    estimator : Estimator
        How it was fitted.
    objective : Objective
        What was minimised.
    theta : ndarray
        Free parameters.
    evaluation : Evaluation
        The objective there, with its Hessian where it has one.
    means : bool
        Whether means are modelled.
    errors : str
        ``expected``, ``observed``, ``sandwich`` or ``moments``.
    """

    structure: Structure
    sample: Sample
    estimator: Estimator
    objective: Likelihood | FullInformation | LeastSquares
    theta: Floats
    evaluation: Evaluation
    means: bool
    errors: str

    @property
    def people(self) -> float:
        """People, or people less groups where the discrepancy is weighted so."""
        return self.sample.n * sum(self.objective.weights)

    @cached_property
    def x(self) -> Floats:
        """All parameters."""
        return self.structure.parameters(self.theta)

    @property
    def df(self) -> int:
        """Degrees of freedom."""
        return moment_count(self.structure, self.sample, means=self.means) - self.structure.n_free

    @cached_property
    def states(self) -> list[GroupState]:
        """Implied moments and derivatives by group."""
        found = [(implied(self.structure, g, self.x), g) for g in self.structure.groups]
        return [GroupState(state, pairs(state, g)) for state, g in found]

    @property
    def information(self) -> Floats:
        """The information per person that standard errors and modification indices rest on."""
        full = bool(self.sample.patterns)
        if (self.errors in {"observed", "sandwich"} or full) and self.evaluation.observed is not None:
            return self.evaluation.observed
        return self.evaluation.expected

    @cached_property
    def covariance(self) -> Floats:
        """Covariance of the free parameters."""
        if self.errors == "moments":
            return np.asarray(self.blocks.covariance / self.people)
        if isinstance(self.objective, LeastSquares):
            by_people = replace(self.objective, weights=self.sample.shares)
            return np.asarray(
                np.linalg.inv(collect(by_people, self.structure)(self.theta, observed=False).expected) / self.people
            )
        bread = np.linalg.inv(self.information)
        if self.errors == "sandwich":
            return np.asarray(bread @ self.cross_products @ bread / self.sample.n)
        return np.asarray(bread / self.sample.n)

    def scores(self, g: int) -> Floats:
        """Return casewise scores of a group in its active parameters.

        Parameters
        ----------
        g : int
            Position of the group, 0-based.

        Returns
        -------
        ndarray of shape (n_g, n_active)
            Gradient of each person's log-likelihood, in the order of the rows.
        """
        at = self.states[g]
        if self.sample.patterns:
            return pattern_scores(self.sample.patterns[g], at.state.mu, at.state.sigma, at.d)
        P = np.linalg.inv(at.state.sigma)
        center = at.state.mu if self.means else self.sample.moments[g].mean
        z = (self.sample.answers[g] - center) @ P
        level = np.einsum("ik,ik->k", at.d.a, P @ at.d.b)
        return np.asarray((z @ at.d.a) * (z @ at.d.b) - level + z @ at.d.m)

    @cached_property
    def cross_products(self) -> Floats:
        """Mean cross-product of casewise scores in the free parameters."""
        total = np.zeros((self.structure.n_free, self.structure.n_free))
        for g, group in enumerate(self.structure.groups):
            s = self.scores(g) @ group.K
            total += s.T @ s
        return np.asarray(total / self.sample.n)

    @cached_property
    def gamma(self) -> list[Floats]:
        """Distribution-free covariance of the moments by group."""
        return gammas(self.sample, means=self.means)

    @cached_property
    def blocks(self) -> Blocks:
        """Weights, derivatives and distribution-free covariances by group."""
        parts = []
        for g, group in enumerate(self.structure.groups):
            weight = self.sample.shares[g]
            if isinstance(self.objective, LeastSquares):
                delta = self.objective.vector(self.structure, group, self.x).delta
                W = self.objective.groups[g].weight
            else:
                delta = continuous_vector(self.structure, group, self.x, means=self.means).delta
                W = normal_weight(np.linalg.inv(self.states[g].state.sigma), means=self.means)
            parts.append(Block(share=weight, W=W, D=delta @ group.K, G=self.gamma[g]))
        return Blocks(parts)

    @cached_property
    def saturated_trace(self) -> float:
        """tr(A1^-1 B1): casewise scores of the unrestricted model against its information."""
        # each group has its own unrestricted parameters, so its share of the people cancels
        return sum(self._saturated_trace(g) for g in range(len(self.sample.names)))

    def _saturated_trace(self, g: int) -> float:
        if self.sample.patterns:
            J, H = self.saturated(g)[1:]
            return float(np.trace(np.linalg.solve(H, J)))
        m = self.sample.moments[g]
        z = (self.sample.answers[g] - m.mean) @ np.linalg.inv(np.linalg.cholesky(m.cov)).T
        p = len(m.mean)
        # Mardia's kurtosis: with the normal-theory weight at the sample covariance the trace is closed.
        kurtosis = float(np.mean(np.sum(z * z, axis=1) ** 2))
        return 0.5 * (kurtosis - p) + (p if self.means else 0)

    @cached_property
    def _saturated(self) -> dict[int, tuple[Floats, Floats, Floats]]:
        return {}

    def saturated(self, g: int) -> tuple[Floats, Floats, Floats]:
        """Return expected information, score cross-products and Hessian of a group's unrestricted model (FIML).

        Parameters
        ----------
        g : int
            Position of the group, 0-based.

        Returns
        -------
        tuple of ndarray
            Three matrices, per person, over the p means and then the p(p + 1)/2 covariances.
        """
        if g not in self._saturated:
            data, m = self.sample.patterns[g], self.sample.moments[g]
            d = saturated_pairs(len(m.mean))
            s = pattern_scores(data, m.mean, m.cov, d)
            sums = spread_out(data, m.mean, m.cov, d)
            self._saturated[g] = (sums.expected, s.T @ s / data.n, sums.observed)
        return self._saturated[g]

    @cached_property
    def model_trace(self) -> float:
        """tr(A0^-1 B0): casewise scores of the model against its observed information."""
        H = self.evaluation.observed if self.evaluation.observed is not None else self.evaluation.expected
        return float(np.trace(np.linalg.solve(H, self.cross_products)))

    @cached_property
    def test(self) -> Test:
        """The chi-square test of the model."""
        chisq = max(2.0 * self.sample.n * self.evaluation.value - self._unrestricted, 0.0)
        kind = self.estimator.test
        if kind == "yuan_bentler":
            return scale_test(chisq, self.df, kind, trace=self.saturated_trace - self.model_trace)
        if kind == "standard":
            return scale_test(chisq, self.df, kind, trace=0.0)
        squared = float("nan") if kind == "mean" else self.blocks.trace_squared
        return scale_test(chisq, self.df, kind, trace=self.blocks.trace, trace_squared=squared)

    @cached_property
    def _unrestricted(self) -> float:
        """Twice n times the objective at the unrestricted estimates; only incomplete data leave it in."""
        if not self.sample.patterns:
            return 0.0
        values = [p.value(m.mean, m.cov) for p, m in zip(self.sample.patterns, self.sample.moments, strict=True)]
        return 2.0 * self.sample.n * sum(w * v for w, v in zip(self.objective.weights, values, strict=True))
