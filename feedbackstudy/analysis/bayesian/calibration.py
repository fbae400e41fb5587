"""Simulation-based calibration: truth drawn from the prior must rank evenly among its posterior draws."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from feedbackstudy.analysis.bayesian.cell_model import CellModel
from feedbackstudy.analysis.bayesian.predictor_draws import Values
from feedbackstudy.analysis.bayesian.r_ranks import ranks_script
from feedbackstudy.analysis.bayesian.sampling import Draws, quick_draws
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Table, number

__all__ = ["Calibration", "Experiment", "calibrate", "sbc", "thinned"]

type Floats = NDArray[np.float64]
type Experiment = Callable[[np.random.Generator, int], tuple[Mapping[str, float], Mapping[str, Floats], int]]
"""Draws truth and data with a generator, fits with a seed; returns true values, posterior draws, divergences."""

RANKS = 99
"""Posterior draws that a true value is ranked among; ranks run from 0 to this."""
_BINS = 10
_EVEN_ABOVE = 0.001


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration(Rendered):
    """Ranks of true values among their posterior draws, over many simulated studies.

    Attributes
    ----------
    model, prior : str
        Model and prior in words.
    quantities : tuple of str
        What was ranked.
    ranks : ndarray of int, shape (simulations, quantities)
        Ranks from 0 to 99.
    seed : int
        Seed of the simulations.
    settings : str
        How each study was sampled.
    divergences : int
        Divergent transitions over all studies.
    """

    model: str
    prior: str
    quantities: tuple[str, ...]
    ranks: NDArray[np.int64]
    seed: int
    settings: str
    divergences: int

    @property
    def simulations(self) -> int:
        """Simulated studies."""
        return int(self.ranks.shape[0])

    @property
    def chi_square(self) -> Floats:
        """Chi square of ten equal bins, nine degrees of freedom, for each quantity."""
        bins = self.ranks * _BINS // (RANKS + 1)
        counts = np.array([np.bincount(column, minlength=_BINS) for column in bins.T])
        expected = self.simulations / _BINS
        return np.asarray(((counts - expected) ** 2 / expected).sum(axis=1), dtype=np.float64)

    @property
    def p(self) -> Floats:
        """Probability of a larger chi square under even ranks, for each quantity."""
        return np.asarray(stats.chi2.sf(self.chi_square, _BINS - 1), dtype=np.float64)

    @property
    def distance(self) -> Floats:
        """Largest distance between the cumulative shares of the ranks and even ones, for each quantity."""
        steps = np.arange(RANKS + 1)
        below = (self.ranks[:, :, None] <= steps).mean(axis=0)
        return np.asarray(np.abs(below - (steps + 1) / (RANKS + 1)).max(axis=1), dtype=np.float64)

    @property
    def distance_p(self) -> Floats:
        """Probability of a larger distance under even ranks (Kolmogorov; on the safe side for whole ranks)."""
        return np.asarray(stats.kstwo.sf(self.distance, self.simulations), dtype=np.float64)

    @property
    def smallest_p(self) -> float:
        """Smallest p value over both tests and all quantities, times their number (Bonferroni)."""
        both = np.concatenate([self.p, self.distance_p])
        return float(min(1.0, both.min() * both.size))

    @property
    def even(self) -> bool:
        """Whether the ranks may be called even: the adjusted smallest p value is above .001."""
        return self.smallest_p > _EVEN_ABOVE

    def r_script(self) -> RScript:
        """Return the ranks for R.

        Returns
        -------
        RScript
            Shows ``mean``, ``chi square``, ``p``, ``distance`` and ``p of the distance`` of every quantity in order,
            and the ``smallest p`` over both tests and all quantities.
        """
        return ranks_script(self.quantities, self.ranks, most=RANKS, bins=_BINS)

    def page(self) -> Page:
        """Return the calibration card.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        facts = Facts(
            (
                ("model", self.model),
                ("prior", self.prior),
                ("simulated studies", str(self.simulations)),
                ("seed", str(self.seed)),
                ("sampling", self.settings),
                ("divergent transitions in all", str(self.divergences)),
            )
        )
        each = zip(self.quantities, self.ranks.T, self.chi_square, self.p, self.distance, self.distance_p, strict=True)
        rows = tuple(
            (name, number(float(ranks.mean()), 1), number(float(chi), 2), number(float(p), 3), number(float(d), 3),
             number(float(q), 3))
            for name, ranks, chi, p, d, q in each
        )  # fmt: skip
        head = ("quantity", "mean rank (even: 49.5)", "chi square (9 df)", "p", "largest ECDF distance", "p")
        verdict = (
            Notice(f"Ranks are even (smallest adjusted p {number(self.smallest_p, 3)}).", tone="good")
            if self.even
            else Notice(f"Ranks are not even (smallest adjusted p {self.smallest_p:.2g}).", tone="error")
        )
        blocks: tuple[Block, ...] = (facts, Table(head, rows), verdict)
        return Page(title="Simulation-based calibration", blocks=blocks)


def sbc(
    experiment: Experiment, *, simulations: int, seed: int, model: str, prior: str, settings: str = ""
) -> Calibration:
    r"""Rank true values among their posterior draws.

    Parameters
    ----------
    experiment : callable
        Takes a generator and a seed; draws true values from the prior and data given them, fits the model, and returns
        the true values, at least 99 posterior draws of each, and the number of divergent transitions.
    simulations : int
        Simulated studies.
    seed : int
        Seed of all of them.
    model, prior : str
        Model and prior in words.
    settings : str, default ""
        How each study is sampled.

    Returns
    -------
    Calibration
        Ranks with two tests of evenness.

    Raises
    ------
    DataError
        For too few simulations or posterior draws.

    Notes
    -----
    Talts et al. (2018, arXiv 1804.06788): if truth and data come from the prior and the sampler is right, the rank of a
    true value among L independent posterior draws is uniform on 0 to L. Posterior draws are thinned evenly to L = 99.
    Quantities that depend on the data too, such as the log likelihood, see faults that parameters alone do not (Modrak
    et al., 2025, Bayesian Analysis 20, 461-488).
    """
    if simulations < 5 * _BINS:
        raise DataError(f"Evenness of ten bins needs {5 * _BINS} simulations at least; given {simulations}.")
    ranks: list[list[int]] = []
    names: tuple[str, ...] = ()
    divergences = 0
    for stream in np.random.SeedSequence(seed).spawn(simulations):
        truth, drawn, divergent = experiment(np.random.default_rng(stream), int(stream.generate_state(1)[0] >> 1))
        names = tuple(truth)
        divergences += divergent
        ranks.append([_rank(truth[name], drawn[name]) for name in names])
    return Calibration(
        model=model,
        prior=prior,
        quantities=names,
        ranks=np.array(ranks, dtype=np.int64),
        seed=seed,
        settings=settings,
        divergences=divergences,
    )


def calibrate(
    model: CellModel,
    *,
    simulations: int,
    seed: int,
    draws: int = 300,
    tune: int = 400,
    chains: int = 2,
    target_accept: float | None = None,
) -> Calibration:
    """Calibrate a sampled model of cells on its own rows.

    Parameters
    ----------
    model : CellModel
        The model; its outcome is replaced in every simulation.
    simulations, seed : int
        Simulated studies, and the seed of all of them.
    draws, tune, chains : int
        Of each study; the graph is compiled once.
    target_accept : float, optional
        Acceptance that the step size is tuned to; by default that of the model, as where it answers a question.

    Returns
    -------
    Calibration
        Ranks of every parameter, of the difference of the first two cells and of the log likelihood.
    """
    accept = model.target_accept if target_accept is None else target_accept

    def experiment(rng: np.random.Generator, chain_seed: int) -> tuple[dict[str, float], dict[str, Floats], int]:
        truth = model.forward(rng, 1)
        y = model.outcome(truth, rng)[0]
        study = model.with_outcome(y)
        drawn = quick_draws(
            study.compiled(), seed=chain_seed, draws=draws, tune=tune, chains=chains, target_accept=accept,
        )  # fmt: skip
        true = {name: float(value[0]) for name, value in _quantities(study, truth).items()}
        return true, _quantities(study, thinned(drawn)), drawn.gates.divergences

    settings = f"{chains} chains of {draws} draws after {tune}, target acceptance {accept:g}"
    return sbc(
        experiment, simulations=simulations, seed=seed, model=f"{model.words}; {model.rows.n} rows", prior=model.prior,
        settings=settings,
    )  # fmt: skip


def _quantities(model: CellModel, values: Values) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for parameter in model.parameters:
        block = values[parameter.name].reshape(values[parameter.name].shape[0], -1)
        names = [f"{parameter.name}[{i}]" for i in range(block.shape[1])] if parameter.shape else [parameter.name]
        found |= dict(zip(names, block.T, strict=True))
    if model.rows.n_cells > 1:
        found["cell 1 - cell 2"] = values["cells"][:, 0] - values["cells"][:, 1]
    found["log likelihood"] = model.log_likelihood(values).sum(axis=1)
    return found


def thinned(drawn: Draws) -> dict[str, Floats]:
    """Return 99 evenly spaced draws of every variable, chain after chain.

    Parameters
    ----------
    drawn : Draws
        What was sampled.

    Returns
    -------
    dict of str to ndarray, shape (99, ...)
        Draws to rank among.
    """
    blocks = {name: block.reshape(-1, *block.shape[2:]) for name, block in drawn.variables.items()}
    total = next(iter(blocks.values())).shape[0]
    kept = np.linspace(0, total - 1, RANKS).round().astype(np.int64)
    return {name: block[kept] for name, block in blocks.items()}


def _rank(truth: float, draws: Floats) -> int:
    values = np.asarray(draws, dtype=np.float64)
    if values.ndim != 1 or values.size < RANKS:
        raise DataError(f"Ranks need {RANKS} posterior draws of each quantity; given shape {values.shape}.")
    kept = values if values.size == RANKS else values[np.linspace(0, values.size - 1, RANKS).round().astype(np.int64)]
    return int((kept < truth).sum())
