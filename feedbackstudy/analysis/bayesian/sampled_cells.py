"""Models of cells fitted by NUTS, and the cells that contrasts are put to."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_contrast import Scale
from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.cell_model import CellModel
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.bayesian.predictor import cell_basis
from feedbackstudy.analysis.bayesian.sampling import Draws, Progress, sample
from feedbackstudy.analysis.r_stan import cells_script
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Page, Rendered

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["SampledCells", "fitted"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SampledCells(Rendered):
    """A fitted model of cells.

    Attributes
    ----------
    model : CellModel
        The model.
    draws : Draws
        What the sampler drew, with the gates.
    """

    model: CellModel
    draws: Draws

    @cached_property
    def values(self) -> dict[str, Floats]:
        """Draws by variable, chain after chain, shape (s, ...)."""
        return {name: block.reshape(-1, *block.shape[2:]) for name, block in self.draws.variables.items()}

    @property
    def chains(self) -> int:
        """Chains."""
        return int(self.draws.variables["cells"].shape[0])

    def cells(self, scale: Scale | None = None, *, prior_draws: int = 40_000) -> CellDraws:
        """Return the draws of the cells, to put contrasts to.

        Parameters
        ----------
        scale : str, optional
            One of the family's scales; by default the predictor's own.
        prior_draws : int, default 40000
            Forward draws of the prior, where the scale has no closed one.

        Returns
        -------
        CellDraws
            Averages of cells are taken within every draw.

        Raises
        ------
        NotFoundError
            For a scale that the family does not have.
        """
        family, rows = self.model.family, self.model.rows
        chosen = self._scale(scale)
        return CellDraws(
            draws=self._over_all(family.cells(chosen, rows, self.values)),
            chains=self.chains,
            sds=family.sds(chosen, rows, self.values),
            gates=self.draws.gates,
            n=rows.n,
            model=self.model.words,
            prior=self.model.prior,
            scale=chosen,
            prior_cells=self._prior_cells(chosen, prior_draws),
            notes=family.notes(chosen, rows),
            counts=self.model.counts,
            sampled=self,
            source=self,
        )

    def _prior_cells(self, scale: Scale, size: int) -> NormalCells | Floats:
        family, rows = self.model.family, self.model.rows
        if scale != family.scales[0]:
            rng = np.random.default_rng(np.random.SeedSequence(self.draws.seed).spawn(2)[1])
            return self._over_all(family.cells(scale, rows, self.model.forward(rng, size)))
        by_name = {p.name: p.law.figures for p in self.model.parameters}
        mean, level_sd = by_name.get("level", np.zeros(2))
        basis, count, present = cell_basis(rows.n_cells), self.model.counts.size, np.flatnonzero(self.model.counts)
        covariance = np.zeros((count, count))
        covariance[np.ix_(present, present)] = level_sd**2 + family.prior.cell_sd**2 * basis @ basis.T
        return NormalCells(weights=np.ones(1), means=np.full((1, count), mean), covariances=covariance[None])

    def _over_all(self, present: Floats) -> Floats:
        """Return cells over all cells; one without data holds zeros, and `CellDraws` refuses contrasts that need it."""
        found = np.zeros((present.shape[0], self.model.counts.size))
        found[:, self.model.counts > 0] = present
        return found

    def pymc_model(self) -> "pymc.Model":
        """Return the PyMC model that was sampled, to inspect or extend.

        Returns
        -------
        pymc.Model
            A new copy.
        """
        return self.model.pymc_model()

    def r_script(self, scale: Scale | None = None) -> RScript:
        """Return the same model for Stan, with its data.

        Parameters
        ----------
        scale : str, optional
            One of the family's scales; by default the predictor's own.

        Returns
        -------
        RScript
            Samples with rstan and shows every cell that holds rows; ``.save(folder)`` writes data and code.

        Raises
        ------
        NotFoundError
            For a scale that the family does not have.
        """
        chosen, (chains, draws, _) = self._scale(scale), self.draws.variables["cells"].shape
        return cells_script(self.model, chains=chains, draws=draws, seed=self.draws.seed, scale=chosen)

    def _scale(self, scale: Scale | None) -> Scale:
        chosen = scale or self.model.family.scales[0]
        if chosen not in self.model.family.scales:
            raise NotFoundError(choices("Scale", chosen, self.model.family.scales))
        return chosen

    def page(self) -> Page:
        """Return model, prior and convergence as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        facts = Facts(
            (
                ("model", self.model.words),
                ("prior", self.model.prior),
                ("rows", str(self.model.rows.n)),
                ("seed", str(self.draws.seed)),
            )
        )
        blocks: tuple[Block, ...] = (facts, *self.draws.gates.page().blocks)
        return Page(title="Sampled model of cells", blocks=blocks)


def fitted(
    model: CellModel,
    *,
    seed: int,
    draws: int | None = None,
    tune: int | None = None,
    chains: int = 4,
    target_accept: float | None = None,
    progress: Progress | None = None,
) -> SampledCells:
    """Sample the posterior.

    Parameters
    ----------
    model : CellModel
        The model.
    seed : int
        Seed of the chains.
    draws, tune : int, optional
        Draws and warm-up draws of each chain; by default those of the model.
    chains : int, default 4
        Chains.
    target_accept : float, optional
        Acceptance that the step size is tuned to; by default that of the model.
    progress : callable, optional
        As in `sampling.sample`.

    Returns
    -------
    SampledCells
        Draws with their gates.
    """
    kept, warming = model.lengths
    drawn = sample(
        model.compiled, seed=seed, draws=kept if draws is None else draws, tune=warming if tune is None else tune,
        chains=chains,
        target_accept=model.target_accept if target_accept is None else target_accept, progress=progress,
    )  # fmt: skip
    return SampledCells(model=model, draws=drawn)
