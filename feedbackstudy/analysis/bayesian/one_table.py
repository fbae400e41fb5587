"""The model of one of several completed tables."""

from collections.abc import Callable, Sequence

from feedbackstudy.errors import DataError

__all__ = ["of_one_table"]


def of_one_table[T](models: Sequence[Callable[[], T]], table: int | None) -> T:
    """Return the model of one table.

    Parameters
    ----------
    models : sequence of callable
        What builds the model of each table; one where nothing was completed.
    table : int or None
        Which, from 1; may be left out where there is one.

    Returns
    -------
    object
        The model.

    Raises
    ------
    DataError
        Where there are several and none was chosen, or there is no such table.
    """
    if table is None and len(models) > 1:
        raise DataError(
            f"The posterior averages those of {len(models)} completed tables, each with a model of its own: "
            f"pymc_model(table=1) to pymc_model(table={len(models)})."
        )
    chosen = 1 if table is None else table
    if chosen not in range(1, len(models) + 1):
        raise DataError(f"There is no table {table!r}; tables are numbered from 1 to {len(models)}.")
    return models[chosen - 1]()
