"""Compiled models: the code of a graph is made once, and other data are put into it."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.adapters import quiet

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["Compiled", "compile_model", "compiled_once"]

_KEPT = 12
_lock = threading.Lock()
_programs: "OrderedDict[Hashable, Compiled]" = OrderedDict()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compiled:
    """A compiled model with its data.

    Attributes
    ----------
    program : object
        What nutpie made.
    seconds : float
        Wall time of compiling; 0 where the code was there already.
    """

    program: Any
    seconds: float

    def with_data(self, data: Mapping[str, NDArray[Any]]) -> "Compiled":
        """Return the same code with other data.

        Parameters
        ----------
        data : mapping of str to ndarray
            New values of named data of the model; shapes of parameters must not depend on them.

        Returns
        -------
        Compiled
            The old one is unchanged.
        """
        known = {variable.name for variable in self.program.shared_var_keys}
        given = {name: np.asarray(value) for name, value in data.items() if name in known}
        return Compiled(program=self.program.with_data(**given), seconds=self.seconds)


def compile_model(model: "pymc.Model") -> Compiled:
    """Compile a PyMC model for nutpie.

    Parameters
    ----------
    model : pymc.Model
        The model.

    Returns
    -------
    Compiled
        Its code.
    """
    import nutpie  # type: ignore[import-untyped, unused-ignore]

    started = time.perf_counter()
    with quiet("nutpie"), quiet("pymc"):
        program = nutpie.compile_pymc_model(model)
    return Compiled(program=program, seconds=time.perf_counter() - started)


def compiled_once(key: Hashable, build: "Callable[[], pymc.Model]") -> Compiled:
    """Compile a graph the first time it is asked for in this process.

    Parameters
    ----------
    key : hashable
        All that decides the graph: family and shapes, never data.
    build : callable
        Makes the model where the graph is not there yet.

    Returns
    -------
    Compiled
        The code, `seconds` 0 where it was there already. The twelve graphs used last are kept.
    """
    with _lock:
        if key in _programs:
            _programs.move_to_end(key)
            return Compiled(program=_programs[key].program, seconds=0.0)
        found = compile_model(build())
        _programs[key] = found
        while len(_programs) > _KEPT:
            _programs.popitem(last=False)
        return found
