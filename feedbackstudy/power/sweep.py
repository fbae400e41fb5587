"""`sweep`: a study diagnosed over a grid of assumptions, the same streams of chance at every point."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

import pandas as pd

from feedbackstudy.power.diagnosis import diagnose
from feedbackstudy.power.evaluating import changed_world
from feedbackstudy.power.grid import PowerGrid, points
from feedbackstudy.provenance import Provenance
from feedbackstudy.simulate.capacity import refuse_other_kinds
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["sweep"]


def sweep(
    study: Study,
    world: World,
    vary: Mapping[str, Sequence[float]],
    *,
    seed: int,
    n_simulations: int = 500,
    executor: Executor | None = None,
) -> PowerGrid:
    """Diagnose a study over a grid of assumptions, with common random numbers.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed otherwise.
    vary : mapping of str to sequence of float
        Path of the world -> values; all combinations are taken.
    seed : int
        Seed, the same at every point.
    n_simulations : int
        Invented studies at each point.
    executor : concurrent.futures.Executor, optional
        Where the work is done.

    Returns
    -------
    PowerGrid
        At every point a row for each hypothesis with the columns of `Diagnosis.frame`; `report.figure` draws it.

    Raises
    ------
    NotFoundError
        For a path that the world does not have, with the nearest that it has.
    """
    refuse_other_kinds(study, world)
    frames, found = [], None
    for point in points(vary, ()):
        changed = changed_world(study, world, point)
        found = diagnose(study, changed, seed=seed, n_simulations=n_simulations, executor=executor)
        frame = found.frame()
        for path, value in reversed(point.items()):
            frame.insert(0, path, value)
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True)
    return PowerGrid(
        _frame=table,
        vary=tuple(vary),
        names=tuple(dict.fromkeys(table["hypothesis"])),
        assumed=tuple(pair for pair in (found.assumed if found else ()) if not _varies(pair[0], vary)),
        engine=f"{n_simulations:,} invented studies at each point, common random numbers",
        provenance=Provenance(
            made_by="power.sweep",
            conventions=found.provenance.conventions if found is not None else (),
            design_hash=study.design_hash,
            data_sha256=(("world", world.digest()),),
            seed=seed,
        ),
    )


def _varies(label: str, vary: Mapping[str, Sequence[float]]) -> bool:
    """Say whether an assumption has no one value over the grid."""
    effects = any(path == "effect_scale" or "." not in path for path in vary)
    people = any(path.startswith("n.") for path in vary)
    return (label.startswith("effect") and effects) or (label in {"people", "rows that enter"} and people)
