"""Sufficient statistics in a folder: arrays and JSON, marked as restricted, written whole or not at all."""

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import FileFormatError
from feedbackstudy.policy.compression import MarginFit, Term
from feedbackstudy.policy.compression.model import Column
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance

__all__ = ["MARK", "load_stats", "save_stats"]

type Arrays = dict[str, NDArray[Any]]

_VERSION, _META, _ARRAYS, MARK = 2, "statistics.json", "statistics.npz", "RESTRICTED.txt"
_WORDS = (
    "RESTRICTED. The files beside this one hold counts and sums of small groups; a cell of one application is that\n"
    "person's data. Keep them where the applications themselves may be kept. Results leave through a disclosure rule.\n"
)


def save_stats(stats: SufficientStats, folder: str | Path) -> Path:
    """Write sufficient statistics to a new folder.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    folder : str or Path
        A folder that does not exist yet.

    Returns
    -------
    Path
        The folder: arrays, JSON, and a file that says RESTRICTED.

    Raises
    ------
    FileFormatError
        Where the folder exists, or cannot be written; nothing is half-written.
    """
    target = Path(folder)
    if target.exists():
        raise FileFormatError(f"{target} exists; nothing is overwritten. Name a folder that does not exist yet.")
    arrays: Arrays = {}
    meta: dict[str, object] = {"schema_version": _VERSION, "restricted": True, "plan": stats.plan.to_data()}
    meta["plan_digest"] = stats.plan.digest()
    meta["provenance"] = asdict(stats.provenance)
    meta["rows"] = dict(stats.rows)
    meta["nested"] = [{"fine": f, "coarse": c, "levels": dict(held)} for (f, c), held in stats.nested.items()]
    meta["contacts"] = {who: dict(counts) for who, counts in stats.contacts.items()}
    meta["cells"] = {name: _packed(frame, f"cells/{name}", arrays) for name, frame in stats.cells.items()}
    meta["subgroups"] = [
        {"metric": metric, "column": column, "columns": _packed(frame, f"subgroups/{i}", arrays)}
        for i, ((metric, column), frame) in enumerate(stats.subgroups.items())
    ]
    meta["fits"] = {name: _fit_out(fit, f"fits/{name}", arrays) for name, fit in stats.fits.items()}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    meta["arrays_sha256"] = _sha(content.getvalue())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as made:
            staged = Path(made) / target.name
            staged.mkdir()
            (staged / _ARRAYS).write_bytes(content.getvalue())
            (staged / _META).write_text(json.dumps(meta, ensure_ascii=False, indent=1), encoding="utf-8")
            (staged / MARK).write_text(_WORDS, encoding="utf-8")
            staged.rename(target)
    except OSError as fault:
        raise FileFormatError(f"{target} cannot be made: {fault.strerror or fault}.") from fault
    return target


def load_stats(folder: str | Path) -> SufficientStats:
    """Read sufficient statistics.

    Parameters
    ----------
    folder : str or Path
        A folder of `save_stats`.

    Returns
    -------
    SufficientStats
        The statistics.

    Raises
    ------
    FileFormatError
        For files that are missing, changed, or of a newer version.
    """
    place = Path(folder)
    try:
        meta = json.loads((place / _META).read_text(encoding="utf-8"))
        content = (place / _ARRAYS).read_bytes()
    except (OSError, ValueError) as fault:
        raise FileFormatError(f"{place} holds no sufficient statistics: {fault}.") from fault
    if not isinstance(meta, dict) or meta.get("schema_version") != _VERSION:
        raise FileFormatError(f"{place} is not of version {_VERSION} of sufficient statistics.")
    if meta.get("arrays_sha256") != _sha(content):
        raise FileFormatError(f"{place / _ARRAYS} does not match the hash beside it: it was changed or cut.")
    try:
        plan = PolicyPlan.from_data(meta["plan"])
        if plan.digest() != meta["plan_digest"]:
            raise FileFormatError(f"{place / _META}: the plan does not match its digest: it was edited.")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return _read(meta, plan, arrays)
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as fault:
        if isinstance(fault, FileFormatError):
            raise
        raise FileFormatError(f"{place} is damaged: {fault}.") from fault


def _read(meta: Mapping[str, Any], plan: PolicyPlan, arrays: Mapping[str, NDArray[Any]]) -> SufficientStats:
    made = dict(meta["provenance"])
    made["conventions"] = tuple(made["conventions"])
    made["data_sha256"] = tuple((str(name), str(value)) for name, value in made["data_sha256"])
    return SufficientStats(
        plan=plan,
        cells={name: _unpacked(columns, f"cells/{name}", arrays) for name, columns in meta["cells"].items()},
        subgroups={
            (each["metric"], each["column"]): _unpacked(each["columns"], f"subgroups/{i}", arrays)
            for i, each in enumerate(meta["subgroups"])
        },
        fits={name: _fit_in(fit, f"fits/{name}", arrays) for name, fit in meta["fits"].items()},
        rows=dict(meta["rows"]),
        nested={(each["fine"], each["coarse"]): dict(each["levels"]) for each in meta.get("nested", [])},
        contacts={who: dict(counts) for who, counts in meta.get("contacts", {}).items()},
        provenance=Provenance(**made),
    )


def _sha(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def _packed(frame: pd.DataFrame, at: str, arrays: Arrays) -> list[list[str]]:
    """Put a frame's columns away; text as fixed-width text, so that nothing is pickled."""
    found = []
    for i, name in enumerate(frame.columns):
        text = not pd.api.types.is_numeric_dtype(frame[name])
        arrays[f"{at}/{i}"] = frame[name].to_numpy(dtype=np.str_) if text else frame[name].to_numpy()
        found.append([str(name), "text" if text else "number"])
    return found


def _unpacked(columns: list[list[str]], at: str, arrays: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    data = {name: arrays[f"{at}/{i}"] for i, (name, _) in enumerate(columns)}
    return pd.DataFrame({name: pd.Series(v, dtype="str") if v.dtype.kind == "U" else v for name, v in data.items()})


def _fit_out(fit: MarginFit, at: str, arrays: Arrays) -> dict[str, object]:
    arrays[f"{at}/beta"], arrays[f"{at}/inverse"] = fit.beta, fit.inverse
    for i, scores in enumerate(fit.scores.values()):
        arrays[f"{at}/scores{i}"] = scores
    return {
        "columns": [[list(c.term.factors), list(c.term.numerics), _plain(c.levels)] for c in fit.columns],
        "groups": {name: _plain(groups) for name, groups in fit.groups.items()},
        "clusterings": list(fit.scores),
        "rows": fit.rows,
        "rank": fit.rank,
        "rss": fit.rss,
        "dropped": dict(fit.dropped),
        "rows_left_out": fit.rows_left_out,
        "engine": fit.engine,
        "notes": list(fit.notes),
    }


def _plain(values: object) -> list[object]:
    return [v.item() if isinstance(v, np.generic) else v for v in values]  # type: ignore[attr-defined]


def _fit_in(data: Mapping[str, Any], at: str, arrays: Mapping[str, NDArray[Any]]) -> MarginFit:
    return MarginFit(
        columns=tuple(Column(Term(tuple(f), tuple(z)), tuple(levels)) for f, z, levels in data["columns"]),
        beta=arrays[f"{at}/beta"],
        inverse=arrays[f"{at}/inverse"],
        scores={name: arrays[f"{at}/scores{i}"] for i, name in enumerate(data["clusterings"])},
        groups={name: tuple(groups) for name, groups in data["groups"].items()},
        rows=data["rows"],
        rank=data["rank"],
        rss=data["rss"],
        dropped=data["dropped"],
        rows_left_out=data["rows_left_out"],
        engine=data["engine"],
        notes=tuple(data["notes"]),
    )
