"""The one door to PyMC and nutpie: a model in, plain arrays out, no output, and a clean stop on Ctrl-C."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.adapters import quiet
from feedbackstudy.analysis.bayesian.compiled import Compiled, compile_model
from feedbackstudy.analysis.bayesian.gates import Gates, gates, unjudged
from feedbackstudy.errors import DataError

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["UNJUDGED", "Draws", "Progress", "load_pymc", "load_tensors", "progress_to", "quick_draws", "sample"]

_Floats = NDArray[np.float64]
type Progress = Callable[[str, float], None]
"""Called with what is being done and the share done (0 to 1), from the calling thread."""

_POLL_SECONDS = 0.05
UNJUDGED = "raw_"
"""Start of the names of parameters in standard units, whose scaled counterparts are judged instead."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """What the sampler drew.

    Attributes
    ----------
    variables : mapping of str to ndarray, shape (chains, draws, ...)
        Draws of every free and deterministic variable.
    gates : Gates
        Convergence over all of them.
    compile_seconds, sample_seconds : float
        Wall time of the two parts.
    seed : int
        Seed of the chains.
    """

    variables: Mapping[str, _Floats] = field(repr=False)
    gates: Gates
    compile_seconds: float
    sample_seconds: float
    seed: int


def load_pymc() -> Any:  # noqa: ANN401
    """Import PyMC and leave the global random state as it was.

    Returns
    -------
    module
        ``pymc``; one of the packages it imports draws from Python's global generator while it is being imported.
    """
    state = random.getstate()
    try:
        import pymc  # type: ignore[import-untyped, unused-ignore]
    finally:
        random.setstate(state)
    return pymc


def load_tensors() -> Any:  # noqa: ANN401
    """Import PyTensor's tensors, whose functions are not typed.

    Returns
    -------
    module
        ``pytensor.tensor``.
    """
    load_pymc()
    import pytensor.tensor  # type: ignore[import-untyped, unused-ignore]

    return pytensor.tensor


def sample(
    model: "pymc.Model | Compiled | Callable[[], Compiled]",
    *,
    seed: int,
    draws: int = 2000,
    tune: int = 1000,
    chains: int = 4,
    target_accept: float = 0.9,
    progress: Progress | None = None,
) -> Draws:
    """Sample a PyMC model with nutpie.

    Parameters
    ----------
    model : pymc.Model, Compiled or callable
        The model, its compiled code, or what makes that code.
    seed : int
        Seed of the chains. The same seed gives the same draws only with the same compiled code: a cold and a warm
        compile cache differ, so draws are never compared bit by bit.
    draws, tune, chains : int
        Draws and warm-up draws of each chain, and chains.
    target_accept : float, default 0.9
        Acceptance that the step size is tuned to.
    progress : callable, optional
        Told what is being done and how much of it is done; by default whoever listens through `progress_to`.

    Returns
    -------
    Draws
        Draws as arrays, with their gates.

    Raises
    ------
    DataError
        For numbers of draws or chains with which convergence cannot be judged.
    KeyboardInterrupt
        As soon as the user interrupts; the sampler is stopped and its draws are discarded.
    """
    if chains < 2 or draws < 100 or tune < 100:
        raise DataError(f"Convergence needs 2 chains and 100 draws at least; given {chains} chains, {draws} draws.")
    import nutpie  # type: ignore[import-untyped, unused-ignore]

    told = progress or _listener.get()
    told("compiling the model", 0.0)
    started = time.perf_counter()
    with quiet("nutpie"), quiet("pymc"), quiet("arviz"):
        compiled = _compiled(model)
        compiled_at = time.perf_counter()
        trace = _run(nutpie, compiled.program, told, chains * (draws + tune), draws=draws, tune=tune, chains=chains,
                     seed=seed, target_accept=target_accept)  # fmt: skip
        variables, stats = _variables(trace), trace["sample_stats"]
        judged = {name: values for name, values in variables.items() if not name.startswith(UNJUDGED)}
        checked = gates(judged, divergent=_stat(stats, "diverging"), energy=_stat(stats, "energy"))
    told("sampling", 1.0)
    return Draws(
        variables=variables,
        gates=checked,
        compile_seconds=compiled_at - started,
        sample_seconds=time.perf_counter() - compiled_at,
        seed=seed,
    )


def quick_draws(compiled: Compiled, *, seed: int, draws: int, tune: int, chains: int, target_accept: float) -> Draws:
    """Sample without judging each quantity, as a simulation does a thousand times.

    Parameters
    ----------
    compiled : Compiled
        The code, with its data.
    seed : int
        Seed of the chains.
    draws, tune, chains : int
        Draws and warm-up draws of each chain, and chains.
    target_accept : float
        Acceptance that the step size is tuned to.

    Returns
    -------
    Draws
        Draws whose gates hold divergences and energy alone; R-hat and effective sizes are not a number, so these gates
        never hold and nothing of it can be reported.
    """
    import nutpie

    started = time.perf_counter()
    with quiet("nutpie"):
        trace = nutpie.sample(compiled.program, draws=draws, tune=tune, chains=chains, seed=seed, progress_bar=False,
                              target_accept=target_accept, save_warmup=False)  # fmt: skip
    stats = trace["sample_stats"]
    return Draws(
        variables=_variables(trace),
        gates=unjudged(divergences=int(_stat(stats, "diverging").sum()), energy=_stat(stats, "energy")),
        compile_seconds=compiled.seconds,
        sample_seconds=time.perf_counter() - started,
        seed=seed,
    )


def _compiled(model: "pymc.Model | Compiled | Callable[[], Compiled]") -> Compiled:
    if isinstance(model, Compiled):
        return model
    return model() if callable(model) else compile_model(model)


def _variables(trace: Any) -> dict[str, _Floats]:  # noqa: ANN401
    posterior = trace["posterior"]
    return {str(name): np.asarray(posterior[name].values, dtype=np.float64) for name in posterior.data_vars}


def _stat(stats: Any, name: str) -> _Floats:  # noqa: ANN401
    return np.asarray(stats[name].values, dtype=np.float64)


def _run(nutpie: Any, compiled: Any, told: Progress, total: int, **settings: Any) -> Any:  # noqa: ANN401
    """Sample in the background, so that Ctrl-C reaches this thread at once."""
    done = [0]

    def count(chains: Any) -> None:  # noqa: ANN401
        done[0] = sum(chain.finished_draws for chain in chains)

    sampler = nutpie.sample(
        compiled, progress_bar=False, progress_callback=count, save_warmup=False, blocking=False, **settings
    )
    try:
        while True:
            try:
                return sampler.wait(timeout=_POLL_SECONDS)
            except TimeoutError:
                told("sampling", min(1.0, done[0] / total))
    except BaseException:
        sampler.cancel()
        raise


def _silent(what: str, share: float) -> None:
    """Tell nobody."""


_listener: ContextVar[Progress] = ContextVar("progress of the sampler", default=_silent)


@contextmanager
def progress_to(listener: Progress) -> Iterator[None]:
    """Tell a listener how far the samplers inside the block are, however deep they are called.

    Parameters
    ----------
    listener : callable
        Takes what is being done and the share done.

    Yields
    ------
    None
        The former listener returns at the end of the block.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
