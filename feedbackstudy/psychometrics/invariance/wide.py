"""From one row a person and occasion to one row a person."""

from collections.abc import Mapping, Sequence

import pandas as pd

from feedbackstudy.errors import DataError, choices
from feedbackstudy.psychometrics.matrix import Items

__all__ = ["widened"]


def widened(
    data: Items, items: Sequence[str], waves: str | Mapping[str, Mapping[str, str]], *, participant: str
) -> tuple[pd.DataFrame, list[str]]:
    """Put every wave's items side by side, called ``<item>.<wave>``.

    Parameters
    ----------
    data : DataFrame
        Long data, or wide data for a mapping.
    items : sequence of str
        Items of one wave.
    waves : str or mapping
        Column of the occasions, or ``{wave: {item: column}}``.
    participant : str
        Column that names the person, for long data.

    Returns
    -------
    tuple of (DataFrame, list of str)
        The wide table and the waves in order of appearance.

    Raises
    ------
    DataError
        If a column is absent or a person has two rows for an occasion.
    """
    if not isinstance(data, pd.DataFrame):
        raise DataError("Invariance over waves needs a DataFrame with named columns.")
    if isinstance(waves, str):
        return _from_long(data, items, waves, participant)
    wide = {}
    for wave, columns in waves.items():
        for item in items:
            if item not in columns:
                raise DataError(f"Wave {wave!r} does not say which column holds item {item!r}.")
            if columns[item] not in data.columns:
                raise DataError(
                    choices(f"Column of item {item!r} at wave {wave!r}:", columns[item], map(str, data.columns))
                )
            wide[f"{item}.{wave}"] = data[columns[item]]
    return pd.DataFrame(wide), list(waves)


def _from_long(
    data: pd.DataFrame, items: Sequence[str], occasion: str, participant: str
) -> tuple[pd.DataFrame, list[str]]:
    for column in (occasion, participant, *items):
        if column not in data.columns:
            raise DataError(choices("Column", column, map(str, data.columns)))
    repeated = data.duplicated([participant, occasion])
    if repeated.any():
        row = data[repeated].iloc[0]
        raise DataError(
            f"Participant {row[participant]!r} has more than one row for occasion {row[occasion]!r} "
            f"({int(repeated.sum())} such row(s)). Keep one row for each person and occasion."
        )
    names = [str(name) for name in dict.fromkeys(data[occasion].dropna())]
    parts = [
        data.loc[data[occasion].astype(str) == name, [participant, *items]]
        .set_index(participant)
        .rename(columns={item: f"{item}.{name}" for item in items})
        for name in names
    ]
    return pd.concat(parts, axis=1), names
