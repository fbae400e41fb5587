"""The rows of a question completed several times, nobody imputed who was not asked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.material import Material
from feedbackstudy.analysis.missing.chained import Gap, Kind, impute_chained
from feedbackstudy.errors import DataError
from feedbackstudy.frames.ledger import LedgerEntry

__all__ = ["Completed", "completed"]

type Floats = NDArray[np.float64]

_DUPLICATE = 0.999


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Completed:
    """The completed rows of a question.

    Attributes
    ----------
    materials : tuple of Material
        One for each imputation, nothing missing.
    imputed : ndarray of bool, shape (n,)
        Rows whose outcome is imputed.
    helped : bool
        Whether auxiliary columns entered.
    left_out : int
        Rows that could not be imputed and are left out.
    notes : tuple of str
        What was imputed from what, and who was left out.
    """

    materials: tuple[Material, ...]
    imputed: NDArray[np.bool_]
    helped: bool
    left_out: int
    notes: tuple[str, ...]


def completed(
    asked: Question,
    material: Material,
    *,
    auxiliary: Mapping[str, Floats],
    not_asked: NDArray[np.bool_] | None,
    m: int,
    seed: int,
    score_kind: Kind = "score",
) -> Completed:
    """Complete the rows of a question.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    material : Material
        Everybody who was asked, missing values still missing.
    auxiliary : mapping of str to ndarray, shape (n,)
        Columns that help.
    not_asked : ndarray of bool, shape (n,), or None
        Rows that were not asked for something the question needs.
    m : int
        Imputations.
    seed : int
        Seed.
    score_kind : {"score", "normal"}
        How scores are drawn.

    Returns
    -------
    Completed
        Rows in the order of participants' names, so that the order of the table cannot change a digit.

    Raises
    ------
    DataError
        Where nothing can be imputed.
    """
    stories = material.stories or ("",) * len(material)
    order = np.lexsort((np.array(stories), np.array(material.participants)))
    lost = _lost(material, asked, not_asked)[order]
    material = material.at(order)
    auxiliary = {name: values[order] for name, values in auxiliary.items()}
    notes: tuple[str, ...] = ()
    if lost.any():
        material, notes = _left_out(material, asked, lost)
        auxiliary = {name: values[~lost] for name, values in auxiliary.items()}
    present, cell = np.unique(material.cell, return_inverse=True)
    columns = _columns(asked, material, score_kind)
    helping = _helping(columns, auxiliary, cell, present.size)
    groups = {name: np.unique(words, return_inverse=True)[1].astype(np.int64) for name, words in _groups(material)}
    by_cell = asked.kind == "slopes" or (
        asked.hypothesis.path is not None and asked.hypothesis.path.moderator is not None
    )
    tables = impute_chained(
        [*columns.values(), *helping],
        cell.astype(np.int64),
        present.size,
        m=m,
        seed=np.random.SeedSequence([seed, 77]),
        groups=groups,
        by_cell=by_cell,
    )
    names = list(columns)
    return Completed(
        materials=tuple(_filled(material, names, table) for table in tables),
        imputed=np.isnan(material.y),
        helped=bool(helping),
        left_out=int(lost.sum()),
        notes=(*notes, _told(columns, helping, groups, m)),
    )


def _lost(material: Material, asked: Question, not_asked: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return the rows that are not imputed: not asked, no cluster, or one of several levels unknown."""
    lost = np.zeros(len(material), dtype=np.bool_) if not_asked is None else not_asked.copy()
    for names in material.groups.values():
        lost |= names == ""
    for column in asked.covariates:
        parts = [name for name in material.numbers if name.startswith(f"{column.name} ") and name != str(column)]
        if len(parts) > 1:
            lost |= np.isnan(material.numbers[parts[0]])
    return lost


def _left_out(material: Material, asked: Question, lost: NDArray[np.bool_]) -> tuple[Material, tuple[str, ...]]:
    if lost.all():
        raise DataError(f"None of the {len(material)} people was asked for all that the question needs.")
    stories = material.stories or ("",) * len(material)
    what = (
        f"{int(lost.sum())} of {len(material)} rows are left out and not imputed: not asked, in no known cluster, or "
        "of unknown level in a covariate with several."
    )
    rows = tuple((material.participants[i], f"{asked.occasion}{stories[i]}") for i in np.flatnonzero(lost))
    entry = LedgerEntry(step="analyse.impute", what=what, n_before=len(material), n_after=int((~lost).sum()), rows=rows)
    kept = material.at(np.flatnonzero(~lost))
    return replace(kept, ledger=material.ledger.add(entry)), (what,)


def _groups(material: Material) -> list[tuple[str, NDArray[np.str_]]]:
    """Return the random factors that have several levels and several rows for some."""
    return [(name, words) for name, words in material.groups.items() if 1 < len(np.unique(words)) < len(words)]


def _columns(asked: Question, material: Material, score_kind: Kind) -> dict[str, Gap]:
    values = {"the outcome": material.y} | dict(material.numbers)
    values |= {"the predictor": material.predictor} if material.predictor is not None else {}
    values |= dict(material.steps)
    return {
        name: Gap(name=name, values=x, kind=_kind(x, score_kind if asked.family == "gaussian" else "score"))
        for name, x in values.items()
        if np.isnan(x).any() or np.ptp(x) > 0
    }


def _kind(values: Floats, score_kind: Kind) -> Kind:
    known = values[~np.isnan(values)]
    return "binary" if known.size and np.isin(known, (0.0, 1.0)).all() else score_kind


def _helping(
    columns: Mapping[str, Gap], auxiliary: Mapping[str, Floats], cell: NDArray[np.intp], n_cells: int
) -> list[Gap]:
    """Return the auxiliary columns that add something and are known somewhere in every cell, as many as rows carry."""
    rows = min(int((~one.missing).sum()) for one in columns.values())
    room = max(rows // 5 - n_cells - len(columns), 0)
    found: list[Gap] = []
    for name, values in auxiliary.items():
        known = ~np.isnan(values)
        everywhere = (np.bincount(cell[known], minlength=n_cells) > 1).all()
        if (
            len(found) < room
            and everywhere
            and not any(_same(values, one.values) for one in (*columns.values(), *found))
        ):
            found.append(Gap(name=name, values=values, kind=_kind(values, "score")))
    return found


def _same(a: Floats, b: Floats) -> bool:
    both = ~np.isnan(a) & ~np.isnan(b)
    if both.sum() < 3 or np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
        return False
    return abs(float(np.corrcoef(a[both], b[both])[0, 1])) > _DUPLICATE


def _filled(material: Material, names: list[str], table: Floats) -> Material:
    of = {name: table[:, j] for j, name in enumerate(names)}
    return replace(
        material,
        y=of["the outcome"],
        numbers={name: of.get(name, values) for name, values in material.numbers.items()},
        predictor=None if material.predictor is None else of.get("the predictor", material.predictor),
        steps={name: of.get(name, values) for name, values in material.steps.items()},
    )


def _told(columns: Mapping[str, Gap], helping: list[Gap], groups: Mapping[str, object], m: int) -> str:
    gaps = ", ".join(f"{name} {int(one.missing.sum())}" for name, one in columns.items() if one.missing.any())
    n = next(iter(columns.values())).values.size
    parts = [f"multiple imputation (m = {m}, chained equations within conditions) of {gaps} of {n} values"]
    parts += [f"helped by {', '.join(one.name for one in helping)}"] if helping else []
    parts += [f"random intercepts of {' and '.join(groups)}"] if groups else []
    return f"{'; '.join(parts)}; missing at random given these"
