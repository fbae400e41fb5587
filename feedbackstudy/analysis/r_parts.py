"""Several R scripts as one: each on its own rows, with its own label before every number."""

from collections.abc import Sequence

import pandas as pd

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript, r_string

__all__ = ["PART", "joined"]

PART = ".part"
"""Column that tells the rows of the parts apart."""


def joined(parts: Sequence[tuple[str, RScript]], *, made_by: str, name: str) -> RScript:
    """Join scripts, so that one file recomputes a result of several analyses.

    Parameters
    ----------
    parts : sequence of (str, RScript)
        Label and script.
    made_by : str
        Public function whose numbers it recomputes.
    name : str
        Stem of the files.

    Returns
    -------
    RScript
        Shows ``label: name`` and value; the rows of all parts stand in one table.

    Raises
    ------
    DataError
        Where there is no part.
    """
    if not parts:
        raise DataError(f"{made_by} holds nothing that R could recompute.")
    rows, code = [], ["everything <- responses; say <- show\n"]
    for i, (label, script) in enumerate(parts, start=1):
        rows.append(script.data.reset_index(drop=True).assign(**{PART: i}))
        columns = ", ".join(r_string(str(column)) for column in script.data.columns)
        code.append(
            f"local({{\nresponses <- everything[everything[[{r_string(PART)}]] == {i}, c({columns}), drop = FALSE]\n"
            f"show <- function(name, value) say(paste0({r_string(f'{label}: ')}, name), value)\n"
            f"{script.body.rstrip()}\n}})\n"
        )
    return RScript(made_by=made_by, body="".join(code), data=pd.concat(rows, ignore_index=True), name=name)
