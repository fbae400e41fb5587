"""Three-level normal model from class figures: people within classes, classes within conditions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.analysis.bayesian.sampling import Draws, Progress, load_pymc, sample
from feedbackstudy.analysis.tables import group_figures
from feedbackstudy.errors import DataError

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = [
    "ClassFigures",
    "GammaPrior",
    "ThreeLevel",
    "ThreeLevelPrior",
    "log_likelihood",
    "three_level",
    "three_level_model",
]

ACCEPT = 0.95
"""Acceptance that the step size is tuned to; 0.9 left single divergent transitions in studies drawn from the prior."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GammaPrior:
    """A gamma distribution by shape and rate.

    Attributes
    ----------
    shape, rate : float
        As in JAGS and in PyMC's alpha and beta.
    """

    shape: float
    rate: float

    def __post_init__(self) -> None:
        if not (self.shape > 0 and self.rate > 0 and np.isfinite(self.shape + self.rate)):
            raise DataError(f"Shape and rate of a gamma prior must be positive; given {self.shape} and {self.rate}.")

    def __str__(self) -> str:
        return f"Gamma(shape {self.shape:g}, rate {self.rate:g})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeLevelPrior:
    """Priors of the three-level model.

    Attributes
    ----------
    condition_mean_sd : float
        Standard deviation of the normal prior of each condition's mean, around 0.
    between_sd : GammaPrior
        Prior of the standard deviation of class means within a condition.
    class_sd_mode, class_sd_sd : GammaPrior
        Priors of mode and standard deviation of the gamma distribution that the classes' standard deviations follow.
    """

    condition_mean_sd: float = 1.0
    between_sd: GammaPrior = field(default_factory=lambda: GammaPrior(1.640388, 0.6403882))
    class_sd_mode: GammaPrior = field(default_factory=lambda: GammaPrior(1.640388, 1.280776))
    class_sd_sd: GammaPrior = field(default_factory=lambda: GammaPrior(1.640388, 0.6403882))

    def __str__(self) -> str:
        return (
            f"condition means N(0, {self.condition_mean_sd:g}); sd between classes {self.between_sd}; class sds gamma "
            f"with mode {self.class_sd_mode} and sd {self.class_sd_sd}"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassFigures:
    """Sufficient statistics of normal data within classes.

    Attributes
    ----------
    n, mean, sd : ndarray, shape (classes,)
        People, mean and standard deviation (n - 1 in the denominator) of each class.
    condition : ndarray of int, shape (classes,)
        Position of each class's condition.
    conditions : tuple of str
        Names of the conditions.
    """

    n: _Floats
    mean: _Floats
    sd: _Floats
    condition: NDArray[np.int64]
    conditions: tuple[str, ...]

    @classmethod
    def of(
        cls, n: ArrayLike, mean: ArrayLike, sd: ArrayLike, *, condition: ArrayLike, conditions: tuple[str, ...]
    ) -> "ClassFigures":
        """Check the figures of the classes.

        Parameters
        ----------
        n, mean, sd : array_like, shape (classes,)
            Figures of each class.
        condition : array_like of int, shape (classes,)
            Position of each class's condition.
        conditions : tuple of str
            Names of the conditions.

        Returns
        -------
        ClassFigures
            The checked figures.

        Raises
        ------
        DataError
            For impossible figures, a class without spread, or a condition without at least two classes.
        """
        sizes, means, sds = group_figures(n, mean, sd)
        position = np.asarray(condition, dtype=np.int64)
        if (sds == 0).any():
            raise DataError(
                f"Class {int(np.argmin(sds)) + 1} has no spread (sd 0): its sd cannot be modelled as normal."
            )
        if position.shape != sizes.shape or not set(position.tolist()) <= set(range(len(conditions))):
            raise DataError(f"Give each class one of the {len(conditions)} conditions by position.")
        few = [name for i, name in enumerate(conditions) if (position == i).sum() < 2]
        if few:
            raise DataError(f"Condition {few[0]!r} has fewer than two classes: no spread between classes exists.")
        return cls(n=sizes, mean=means, sd=sds, condition=position, conditions=conditions)

    @property
    def centring(self) -> float:
        r"""Lower limit of the reliability of the logarithms of the classes' sds, from 0 to 1.

        Returns
        -------
        float
            :math:`1 - q \bar v / V`: V the variance of the k logarithms, v the sampling variance :math:`1 / (2n - 2)`
            of one, q the 99 % quantile of chi square over its k - 1 degrees of freedom. 0 unless the classes' sds
            differ by more than chance.
        """
        free = self.sd.size - 1
        chance = float((0.5 / (self.n - 1)).mean() * stats.chi2.ppf(0.99, free) / free)
        return 1 - chance / max(float(np.log(self.sd).var(ddof=1)), chance)

    def data(self) -> dict[str, NDArray[np.float64]]:
        """Return the data of the model by name, to put other figures of as many classes into its compiled code.

        Returns
        -------
        dict of str to ndarray
            n, mean, sd, centring, and the mean logarithm of the sds.
        """
        middle = np.asarray(np.log(self.sd).mean())
        return {"n": self.n, "mean": self.mean, "sd": self.sd, "centring": np.asarray(self.centring), "middle": middle}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ThreeLevel:
    """Draws of the three-level model.

    Attributes
    ----------
    condition_mean : ndarray, shape (chains, draws, conditions)
        Mean of the classes of each condition.
    between_sd : ndarray, shape (chains, draws, conditions)
        Standard deviation of class means within each condition.
    class_sd : ndarray, shape (chains, draws, classes)
        Standard deviation of people within each class.
    class_mean : ndarray, shape (chains, draws, classes)
        Mean of each class, drawn from its exact normal distribution given the others.
    draws : Draws
        What the sampler returned, with the gates.
    """

    condition_mean: _Floats
    between_sd: _Floats
    class_sd: _Floats
    class_mean: _Floats
    draws: Draws

    @property
    def overall(self) -> _Floats:
        """Mean of the condition means, shape (chains, draws)."""
        return np.asarray(self.condition_mean.mean(axis=2), dtype=np.float64)


def log_likelihood(figures: ClassFigures, *, class_mean: ArrayLike, class_sd: ArrayLike) -> _Floats:
    r"""Return the log likelihood of all people of each class from the class figures alone.

    Parameters
    ----------
    figures : ClassFigures
        n, mean and sd of each class.
    class_mean, class_sd : array_like, shape (classes,)
        Parameters of each class.

    Returns
    -------
    ndarray, shape (classes,)
        Equal to the sum of the normal log densities of the people.

    Notes
    -----
    :math:`-\frac{n}{2}\log(2\pi\sigma^2) - [(n-1)s^2 + n(\bar y - \mu)^2] / (2\sigma^2)`.
    """
    mu, sigma = np.asarray(class_mean, dtype=np.float64), np.asarray(class_sd, dtype=np.float64)
    squares = (figures.n - 1) * figures.sd**2 + figures.n * (figures.mean - mu) ** 2
    return np.asarray(-figures.n / 2 * np.log(2 * np.pi * sigma**2) - squares / (2 * sigma**2), dtype=np.float64)


def three_level_model(figures: ClassFigures, prior: ThreeLevelPrior | None = None) -> "pymc.Model":
    r"""Return the PyMC model, with class means and condition means integrated out.

    Parameters
    ----------
    figures : ClassFigures
        n, mean and sd of each class.
    prior : ThreeLevelPrior, optional
        The priors; by default those of ManyClasses 1.

    Returns
    -------
    pymc.Model
        Free variables: sds between classes, mode and sd of the class sds, and, in units that suit the sampler, the
        class sds (`raw_class_sd`) and the condition means (`raw_condition_mean`); both are kept by their own names.

    Notes
    -----
    People are :math:`N(\mu_c, \sigma_c^2)`, class means :math:`N(\mu_k, \tau_k^2)`. Given the sds, the class mean is
    normal around :math:`\mu_k` with variance :math:`v_c = \tau_k^2 + \sigma_c^2 / n_c`, and :math:`(n_c - 1) s_c^2 /
    \sigma_c^2` is chi square: together the exact likelihood without the class means. With its normal prior
    :math:`N(0, s_0^2)`, :math:`\mu_k` is normal too given the sds, with precision :math:`1/s_0^2 + \sum 1/v_c` and mean
    :math:`\sum (\bar y_c/v_c)` over it; it is integrated out as well, and `condition_mean` is a draw of that normal.
    Sampled as such, both means funnel where :math:`\tau` is small. The gamma of mode m and sd s has rate
    :math:`(m + \sqrt{m^2 + 4 s^2}) / (2 s^2)` and shape :math:`1 + m \cdot` rate.

    Class sds that follow their gamma of shape a and rate b closely would funnel too. The sampler therefore moves
    :math:`u = a^{(1-w)/2} [\log \sigma_c - w l - (1-w) \log(a/b)]`, l the mean of :math:`\log s_c`: with w = 0 near a
    standard normal whatever a and b, with w = 1 the logarithm as such. w is `ClassFigures.centring`; it changes the
    coordinates, never the model.
    """
    pm = load_pymc()
    chosen = prior or ThreeLevelPrior()
    count = len(figures.conditions)
    with pm.Model() as model:
        n, mean, sd, share, middle = (pm.Data(name, value) for name, value in figures.data().items())
        condition = pm.Data("condition", figures.condition)
        member = pm.Data("member", np.eye(count)[figures.condition])
        between = pm.Gamma("between_sd", alpha=chosen.between_sd.shape, beta=chosen.between_sd.rate, shape=count)
        mode = pm.Gamma("class_sd_mode", alpha=chosen.class_sd_mode.shape, beta=chosen.class_sd_mode.rate)
        spread = pm.Gamma("class_sd_sd", alpha=chosen.class_sd_sd.shape, beta=chosen.class_sd_sd.rate)
        rate = (mode + pm.math.sqrt(mode**2 + 4 * spread**2)) / (2 * spread**2)
        shape = 1 + mode * rate
        raw = pm.CustomDist("raw_class_sd", shape, rate, share, middle, dist=_log_gamma, shape=figures.n.size)
        centre, scale = _log_gamma_units(pm, shape, rate, share, middle)
        class_sd = pm.Deterministic("class_sd", pm.math.exp(centre + raw / scale))
        variance = between[condition] ** 2 + class_sd**2 / n
        weight = member / variance[:, None]
        precision = weight.sum(axis=0) + 1 / chosen.condition_mean_sd**2
        expected = (weight * mean[:, None]).sum(axis=0) / precision
        offset = pm.Normal("raw_condition_mean", 0.0, 1.0, shape=count)
        pm.Deterministic("condition_mean", expected + offset / pm.math.sqrt(precision))
        squares = (mean - expected[condition]) ** 2 / variance
        pm.Potential("class_means", -(pm.math.log(variance) + squares) / 2)
        pm.Potential("condition_means", -(pm.math.log(precision) + (expected / chosen.condition_mean_sd) ** 2) / 2)
        squares = (n - 1) * sd**2 / (2 * class_sd**2)
        pm.Potential("class_variances", -(n - 1) * pm.math.log(class_sd) - squares)
    return model


def _log_gamma_units(pm: Any, shape: Any, rate: Any, share: Any, middle: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Return centre and scale that the logarithm of a gamma variable is brought to, less so the larger the share."""
    return share * middle + (1 - share) * pm.math.log(shape / rate), shape ** ((1 - share) / 2)


def _log_gamma(shape: Any, rate: Any, share: Any, middle: Any, size: Any) -> Any:  # noqa: ANN401
    """Return the logarithm of a gamma variable in these units; PyMC derives its density."""
    pm = load_pymc()
    centre, scale = _log_gamma_units(pm, shape, rate, share, middle)
    return (pm.math.log(pm.Gamma.dist(alpha=shape, beta=rate, size=size)) - centre) * scale


def three_level(
    figures: ClassFigures,
    *,
    seed: int,
    prior: ThreeLevelPrior | None = None,
    draws: int = 2000,
    tune: int = 1000,
    chains: int = 4,
    progress: Progress | None = None,
) -> ThreeLevel:
    """Sample the three-level model.

    Parameters
    ----------
    figures : ClassFigures
        n, mean and sd of each class.
    seed : int
        Seed of the chains and of the class means drawn afterwards.
    prior : ThreeLevelPrior, optional
        The priors; by default those of ManyClasses 1.
    draws, tune, chains : int
        As in `sample`.
    progress : callable, optional
        As in `sample`.

    Returns
    -------
    ThreeLevel
        Draws of all levels, with gates.
    """
    drawn = sample(
        three_level_model(figures, prior),
        seed=seed,
        draws=draws,
        tune=tune,
        chains=chains,
        target_accept=ACCEPT,
        progress=progress,
    )
    variables = drawn.variables
    return ThreeLevel(
        condition_mean=variables["condition_mean"],
        between_sd=variables["between_sd"],
        class_sd=variables["class_sd"],
        class_mean=_class_means(figures, variables, seed),
        draws=drawn,
    )


def _class_means(figures: ClassFigures, variables: Mapping[str, _Floats], seed: int) -> _Floats:
    generator = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
    between = variables["between_sd"][:, :, figures.condition] ** 2
    within = variables["class_sd"] ** 2 / figures.n
    shrink = within / (within + between)
    centre = shrink * variables["condition_mean"][:, :, figures.condition] + (1 - shrink) * figures.mean
    noise = generator.standard_normal(centre.shape)
    return np.asarray(centre + np.sqrt((1 - shrink) * within) * noise, dtype=np.float64)
