"""Draws kept in a study's folder as Zarr: plain numbers and text, never pickled, never overwritten."""

import json
import math
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_model import CellModel
from feedbackstudy.analysis.bayesian.gates import Gates
from feedbackstudy.analysis.bayesian.r_draws import gates_script
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells
from feedbackstudy.analysis.bayesian.sampling import UNJUDGED, Draws
from feedbackstudy.analysis.carried import Way
from feedbackstudy.errors import DataError, FileFormatError
from feedbackstudy.files import inside, read_bounded
from feedbackstudy.provenance import Provenance

__all__ = ["SavedDraws", "load_draws", "refitted", "save_draws"]

SCHEMA = 1
_LONGEST_METADATA, _MOST_NUMBERS = 1_000_000, 500_000_000
_CODECS = frozenset({"bytes", "zstd", "gzip", "blosc", "crc32c"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedDraws:
    """Draws read back from a folder.

    Attributes
    ----------
    draws : Draws
        Draws with the gates that they were saved with.
    model, prior : str
        Model and prior in words.
    provenance : mapping of str to object
        What made them: versions, seed, hashes.
    """

    draws: Draws
    model: str
    prior: str
    provenance: Mapping[str, Any]


def save_draws(fit: SampledCells, folder: Path, name: str, *, provenance: Provenance | None = None) -> Path:
    """Save the draws of a fitted model below a study's folder.

    Parameters
    ----------
    fit : SampledCells
        The fitted model. Its draws are saved, people's answers are not.
    folder : Path
        The study's folder.
    name : str
        Name of the store below it, such as ``"draws/h1.zarr"``.
    provenance : Provenance, optional
        What made the draws; by default versions and seed.

    Returns
    -------
    Path
        The store: Zarr format 3, one array of doubles a variable, dimensions chain and draw first.

    Raises
    ------
    FileFormatError
        Where something of that name exists already, or the folder cannot be written.
    UnsafePathError
        For a name that leaves the folder.
    """
    path = inside(folder, name)
    if path.exists():
        raise FileFormatError(f"{path} exists already and is kept as it is; save the draws under another name.")
    made = provenance or Provenance(made_by="analysis.bayesian", seed=fit.draws.seed)
    staged = path.parent / f".{path.name}.{secrets.token_hex(6)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(staged, fit, made)
        staged.rename(path)
    except OSError as fault:
        raise FileFormatError(f"{path} cannot be written: {fault.strerror or fault}.") from fault
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return path


def _write(path: Path, fit: SampledCells, made: Provenance) -> None:
    import zarr

    draws = fit.draws
    attributes = {
        "schema": SCHEMA,
        "model": fit.model.words,
        "prior": fit.model.prior,
        "gates": {name: _plain(value) for name, value in _fields(draws.gates).items()},
        "seed": draws.seed,
        "compile_seconds": draws.compile_seconds,
        "sample_seconds": draws.sample_seconds,
        "provenance": json.loads(json.dumps(asdict(made))),
    }
    store = zarr.create_group(str(path), attributes=attributes, zarr_format=3)
    for variable, block in draws.variables.items():
        names = ("chain", "draw", *(f"{variable}_{k}" for k in range(block.ndim - 2)))
        store.create_array(variable, data=np.ascontiguousarray(block), dimension_names=names)


def load_draws(folder: Path, name: str) -> SavedDraws:
    """Read saved draws.

    Parameters
    ----------
    folder : Path
        The study's folder.
    name : str
        Name of the store below it.

    Returns
    -------
    SavedDraws
        As they were saved, to the last bit.

    Raises
    ------
    FileFormatError
        For a store that is missing, of another or newer layout, or holds anything but arrays of doubles.
    UnsafePathError
        For a name that leaves the folder.
    """
    import zarr

    path = inside(folder, name)
    attributes = _metadata(path / "zarr.json").get("attributes", {})
    if not isinstance(attributes, dict) or attributes.get("schema") != SCHEMA:
        raise FileFormatError(
            f"{path} holds no draws of layout {SCHEMA}: its attributes are {str(attributes)[:80]}. A newer version of "
            "feedbackstudy may have saved it."
        )
    variables: dict[str, NDArray[np.float64]] = {}
    for child in sorted(entry for entry in path.iterdir() if entry.is_dir()):
        _checked_array(child)
        array = zarr.open_array(str(child), mode="r", zarr_format=3)
        variables[child.name] = np.asarray(array[:], dtype=np.float64)
    try:
        gates = Gates(**{key: _number(value) for key, value in attributes["gates"].items()}, script=_way(variables))
        draws = Draws(
            variables=variables, gates=gates, compile_seconds=float(attributes["compile_seconds"]),
            sample_seconds=float(attributes["sample_seconds"]), seed=int(attributes["seed"]),
        )  # fmt: skip
        return SavedDraws(
            draws=draws, model=str(attributes["model"]), prior=str(attributes["prior"]),
            provenance=dict(attributes["provenance"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise FileFormatError(f"{path} lacks what saved draws say of themselves: {fault}.") from fault


def refitted(model: CellModel, saved: SavedDraws) -> SampledCells:
    """Join saved draws with the model that made them.

    Parameters
    ----------
    model : CellModel
        The model, stated anew from the same rows.
    saved : SavedDraws
        Its draws.

    Returns
    -------
    SampledCells
        As after sampling.

    Raises
    ------
    DataError
        Where model, prior or shapes differ from what was saved.
    """
    if (model.words, model.prior) != (saved.model, saved.prior):
        raise DataError(
            f"The draws belong to another model or prior. Saved: {saved.model}; {saved.prior}. Given: {model.words}; "
            f"{model.prior}."
        )
    wanted = {p.name: p.shape for p in model.parameters} | {"cells": (model.rows.n_cells,)}
    wanted |= {f"effect_{g.name}": (g.count,) if g.size == 1 else (g.count, g.size) for g in model.rows.groups}
    found = {name: block.shape[2:] for name, block in saved.draws.variables.items()}
    wrong = [name for name, shape in wanted.items() if found.get(name) != shape]
    if wrong:
        raise DataError(f"The draws do not fit the rows: {', '.join(wrong)} differ in shape or are missing.")
    return SampledCells(model=model, draws=saved.draws)


def _metadata(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_bounded(path, _LONGEST_METADATA))
    except (ValueError, RecursionError) as fault:
        raise FileFormatError(f"{path} is not the metadata of a Zarr store: {fault}.") from fault
    if not isinstance(found, dict):
        raise FileFormatError(f"{path} is not the metadata of a Zarr store.")
    return found


def _checked_array(path: Path) -> None:
    """Refuse whatever is not a plain array of doubles before Zarr opens it."""
    found = _metadata(path / "zarr.json")
    codecs = found.get("codecs", [])
    named = {codec.get("name") if isinstance(codec, dict) else None for codec in codecs} if codecs else {None}
    shape = found.get("shape")
    plain = found.get("node_type") == "array" and found.get("data_type") == "float64" and named <= _CODECS
    if not plain or not isinstance(shape, list) or len(shape) < 2 or math.prod(shape) > _MOST_NUMBERS:
        raise FileFormatError(
            f"{path} is not a plain array of doubles: kind {found.get('data_type')!r}, codecs "
            f"{sorted(map(str, named))}, shape {shape}. Draws hold nothing else."
        )


def _way(variables: Mapping[str, NDArray[np.float64]]) -> Way:
    """Return what makes the R script of saved draws; which transitions diverged and their energy are not saved."""
    judged = {name: values for name, values in variables.items() if not name.startswith(UNJUDGED)}
    return partial(gates_script, judged, None, None) if judged else None


def _fields(gates: Gates) -> dict[str, float | int | None]:
    return {name: getattr(gates, name) for name in ("rhat", "ess_bulk", "ess_tail", "divergences", "ebfmi", "pareto_k")}


def _plain(value: float | None) -> float | str | None:
    """Return a number that JSON can hold; what is not finite as text."""
    return value if value is None or math.isfinite(value) else str(value)


def _number(value: object) -> Any:  # noqa: ANN401
    return float(value) if isinstance(value, str) else value
