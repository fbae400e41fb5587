"""Laws of parameters: each serves PyMC, Stan, true forward draws and the log density, so that the four agree."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaln, xlogy

from feedbackstudy.errors import DataError

__all__ = ["Correlations", "Dirichlet", "HalfNormal", "Law", "Normal", "Parameter", "ShiftedGamma"]

type Floats = NDArray[np.float64]


class Law(ABC):
    """Distribution of one parameter; its figures are data of the graph, so that other figures need no new code."""

    @property
    @abstractmethod
    def figures(self) -> Floats:
        """The constants of the law, in one vector."""

    @abstractmethod
    def variable(self, pm: Any, name: str, figures: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401
        """Return the PyMC variable.

        Parameters
        ----------
        pm : module
            PyMC.
        name : str
            Name of the variable.
        figures : tensor
            `figures` as data of the graph.
        shape : tuple of int
            Its shape.

        Returns
        -------
        tensor
            The free variable.
        """

    @abstractmethod
    def stan(self, name: str, shape: tuple[int, ...]) -> tuple[str, str]:
        """Return the same law in Stan.

        Parameters
        ----------
        name : str
            Name of the parameter in the program.
        shape : tuple of int
            Its shape.

        Returns
        -------
        tuple of (str, str)
            The declaration, and the statement of its distribution.
        """

    @abstractmethod
    def draw(self, rng: np.random.Generator, size: int, shape: tuple[int, ...]) -> Floats:
        """Draw forward.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of chance.
        size : int
            Draws.
        shape : tuple of int
            Shape of the parameter.

        Returns
        -------
        ndarray, shape (size, *shape)
            Independent draws.
        """

    @abstractmethod
    def log_density(self, values: Floats) -> Floats:
        """Return the log density of each draw, summed over the elements of the parameter.

        Parameters
        ----------
        values : ndarray, shape (s, ...)
            Draws of the parameter.

        Returns
        -------
        ndarray, shape (s,)
            Log densities.
        """


@dataclass(frozen=True, slots=True)
class Normal(Law):
    """Normal distribution.

    Attributes
    ----------
    mean, sd : float
        Mean and standard deviation.
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        _positive("standard deviation", self.sd)

    @property
    def figures(self) -> Floats:
        """Mean and standard deviation."""
        return np.array([self.mean, self.sd], dtype=np.float64)

    def variable(self, pm: Any, name: str, figures: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401, D102
        return pm.Normal(name, figures[0], figures[1], shape=shape)

    def stan(self, name: str, shape: tuple[int, ...]) -> tuple[str, str]:  # noqa: D102
        return f"{_real(shape)} {name};", f"{name} ~ normal({self.mean:.17g}, {self.sd:.17g});"

    def draw(self, rng: np.random.Generator, size: int, shape: tuple[int, ...]) -> Floats:  # noqa: D102
        return np.asarray(rng.normal(self.mean, self.sd, size=(size, *shape)), dtype=np.float64)

    def log_density(self, values: Floats) -> Floats:  # noqa: D102
        return _total(stats.norm.logpdf(values, self.mean, self.sd))

    def __str__(self) -> str:
        return f"N({self.mean:g}, {self.sd:.4g})"


@dataclass(frozen=True, slots=True)
class HalfNormal(Law):
    """Normal distribution around zero, folded.

    Attributes
    ----------
    sd : float
        Standard deviation before folding.
    """

    sd: float

    def __post_init__(self) -> None:
        _positive("standard deviation", self.sd)

    @property
    def figures(self) -> Floats:
        """Standard deviation."""
        return np.array([self.sd], dtype=np.float64)

    def variable(self, pm: Any, name: str, figures: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401, D102
        return pm.HalfNormal(name, figures[0], shape=shape)

    def stan(self, name: str, shape: tuple[int, ...]) -> tuple[str, str]:  # noqa: D102
        return f"{_real(shape, '<lower=0>')} {name};", f"{name} ~ normal(0, {self.sd:.17g});"

    def draw(self, rng: np.random.Generator, size: int, shape: tuple[int, ...]) -> Floats:  # noqa: D102
        return np.abs(rng.normal(0.0, self.sd, size=(size, *shape)))

    def log_density(self, values: Floats) -> Floats:  # noqa: D102
        return _total(stats.halfnorm.logpdf(values, scale=self.sd))

    def __str__(self) -> str:
        return f"half-normal({self.sd:.4g})"


@dataclass(frozen=True, slots=True)
class ShiftedGamma(Law):
    """Gamma distribution that starts at a bound.

    Attributes
    ----------
    shape, rate : float
        Shape and rate.
    start : float
        Lower bound.
    """

    shape: float
    rate: float
    start: float = 0.0

    def __post_init__(self) -> None:
        _positive("shape", self.shape)
        _positive("rate", self.rate)

    @property
    def figures(self) -> Floats:
        """Shape, rate and bound."""
        return np.array([self.shape, self.rate, self.start], dtype=np.float64)

    def variable(self, pm: Any, name: str, figures: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401, D102
        return pm.Deterministic(
            name, figures[2] + pm.Gamma(f"raw_{name}", alpha=figures[0], beta=figures[1], shape=shape)
        )

    def stan(self, name: str, shape: tuple[int, ...]) -> tuple[str, str]:  # noqa: D102
        declared = f"{_real(shape, f'<lower={self.start:.17g}>')} {name};"
        return declared, f"target += gamma_lpdf({name} - {self.start:.17g} | {self.shape:.17g}, {self.rate:.17g});"

    def draw(self, rng: np.random.Generator, size: int, shape: tuple[int, ...]) -> Floats:  # noqa: D102
        return np.asarray(self.start + rng.gamma(self.shape, 1 / self.rate, size=(size, *shape)), dtype=np.float64)

    def log_density(self, values: Floats) -> Floats:  # noqa: D102
        return _total(stats.gamma.logpdf(values - self.start, self.shape, scale=1 / self.rate))

    def __str__(self) -> str:
        bound = f"{self.start:g} + " if self.start else ""
        return f"{bound}gamma(shape {self.shape:g}, rate {self.rate:g})"


@dataclass(frozen=True, slots=True)
class Dirichlet(Law):
    """Dirichlet distribution of shares that sum to one.

    Attributes
    ----------
    weights : tuple of float
        Weight of each share, in people.
    """

    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        for weight in self.weights:
            _positive("weight", weight)

    @property
    def figures(self) -> Floats:
        """The weights."""
        return np.array(self.weights, dtype=np.float64)

    def variable(self, pm: Any, name: str, figures: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401, D102
        return pm.Dirichlet(name, figures, shape=shape)

    def stan(self, name: str, shape: tuple[int, ...]) -> tuple[str, str]:  # noqa: D102
        weights = ", ".join(f"{weight:.17g}" for weight in self.weights)
        return f"simplex[{shape[0]}] {name};", f"{name} ~ dirichlet([{weights}]');"

    def draw(self, rng: np.random.Generator, size: int, shape: tuple[int, ...]) -> Floats:  # noqa: ARG002, D102
        return np.asarray(rng.dirichlet(self.weights, size=size), dtype=np.float64)

    def log_density(self, values: Floats) -> Floats:  # noqa: D102
        a = self.figures
        return np.asarray(xlogy(a - 1, values).sum(axis=1) + gammaln(a.sum()) - gammaln(a).sum(), dtype=np.float64)

    def __str__(self) -> str:
        return f"Dirichlet({', '.join(f'{w:g}' for w in self.weights)})"


@dataclass(frozen=True, slots=True)
class Correlations(Law):
    r"""Partial correlations that make a correlation matrix LKJ.

    Attributes
    ----------
    size : int
        Rows of the matrix.
    eta : float
        Concentration: 1 is uniform over matrices, more draws them to the identity.

    Notes
    -----
    C-vine of Lewandowski, Kurowicka and Joe (2009, Journal of Multivariate Analysis 100, 1989-2001): the partial
    correlation of rows i > j given rows below j is :math:`2B - 1` with :math:`B \sim Beta(b_j, b_j)`,
    :math:`b_j = \eta + (d - 2 - j)/2`, counted from 0.
    """

    size: int
    eta: float

    def __post_init__(self) -> None:
        _positive("concentration", self.eta)

    @property
    def figures(self) -> Floats:
        """Beta parameter of each partial correlation, row by row."""
        pairs = [j for i in range(1, self.size) for j in range(i)]
        return np.array([self.eta + (self.size - 2 - j) / 2 for j in pairs], dtype=np.float64)

    def variable(self, pm: Any, name: str, figures: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401, D102
        return pm.Deterministic(name, 2 * pm.Beta(f"raw_{name}", alpha=figures, beta=figures, shape=shape) - 1)

    def stan(self, name: str, shape: tuple[int, ...]) -> tuple[str, str]:  # noqa: ARG002, D102
        return f"cholesky_factor_corr[{self.size}] {name};", f"{name} ~ lkj_corr_cholesky({self.eta:.17g});"

    def draw(self, rng: np.random.Generator, size: int, shape: tuple[int, ...]) -> Floats:  # noqa: D102
        return np.asarray(2 * rng.beta(self.figures, self.figures, size=(size, *shape)) - 1, dtype=np.float64)

    def log_density(self, values: Floats) -> Floats:  # noqa: D102
        return _total(stats.beta.logpdf((values + 1) / 2, self.figures, self.figures) - np.log(2))

    def __str__(self) -> str:
        return f"LKJ({self.eta:g})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a model, with its law.

    Attributes
    ----------
    name : str
        Its name in the draws.
    law : Law
        Its prior.
    shape : tuple of int
        Its shape; empty for a scalar.
    """

    name: str
    law: Law
    shape: tuple[int, ...] = ()


def _real(shape: tuple[int, ...], bounds: str = "") -> str:
    return f"vector{bounds}[{shape[0]}]" if shape else f"real{bounds}"


def _total(each: Any) -> Floats:  # noqa: ANN401
    values = np.asarray(each, dtype=np.float64)
    return np.asarray(values.reshape(values.shape[0], -1).sum(axis=1), dtype=np.float64)


def _positive(what: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise DataError(f"The {what} of a prior must be positive and finite; given {value}.")
