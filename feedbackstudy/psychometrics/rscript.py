"""The way out to R: a data file and a script that recomputes the same numbers with psych or lavaan."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path

import pandas as pd

from feedbackstudy.files import inside, write_atomic
from feedbackstudy.render import Page, Rendered, Text

__all__ = ["RScript", "r_number", "r_numbers", "r_string", "r_vector"]

_HEAD = """\
# Recomputes the numbers of feedbackstudy ({made_by}) with R.
# Run beside {data_name}:  Rscript {script_name}
responses <- read.csv("{data_name}", check.names = FALSE)
show <- function(name, value) cat(sprintf("%s\\t%.15g\\n", name, as.numeric(value)), sep = "")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RScript(Rendered):
    """An R script and the data it reads.

    Attributes
    ----------
    made_by : str
        Public function whose numbers it recomputes.
    body : str
        R code after the standard head; `responses` is the data frame and ``show(name, value)`` prints one
        number a line, name and value parted by a tab.
    data : DataFrame
        The rows the estimate rests on, written in full precision.
    name : str
        Stem of the two files.
    """

    made_by: str
    body: str
    data: pd.DataFrame
    name: str = "check"

    @property
    def script(self) -> str:
        """The whole script as text."""
        # A column's name may stand in `made_by`: within the comment nothing may end the line.
        made_by = "".join(char if char.isprintable() else " " for char in self.made_by)
        head = _HEAD.format(made_by=made_by, data_name=f"{self.name}.csv", script_name=f"{self.name}.R")
        return head + self.body.rstrip() + "\n"

    def save(self, folder: Path | str) -> Path:
        """Write the script and its data file into a folder.

        Parameters
        ----------
        folder : Path or str
            Where to; made if absent.

        Returns
        -------
        Path
            The script.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        # R reads "" as text in a character column, but as NA in a numeric one: missing answers stay missing.
        write_atomic(inside(target, f"{self.name}.csv"), self.data.to_csv(index=False, na_rep="NA"))
        return write_atomic(inside(target, f"{self.name}.R"), self.script)

    def page(self) -> Page:
        """Return the script as a page.

        Returns
        -------
        Page
            Title, how to save it, and the script.
        """
        lines = tuple(Text(line) for line in self.script.splitlines() if line.strip())
        return Page(
            title=f"R script for {self.made_by}",
            subtitle=f".save(folder) writes {self.name}.R and {self.name}.csv ({len(self.data)} rows).",
            blocks=lines,
        )

    def __str__(self) -> str:
        """Return the script itself, ready to paste."""
        return self.script


def r_string(text: str) -> str:
    """Quote text as an R string literal.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        Double-quoted, with backslash, quote and control characters escaped.
    """
    out = []
    for char in text:
        if char in {"\\", '"'}:
            out.append("\\" + char)
        elif ord(char) < 32 or ord(char) == 127:
            out.append(f"\\u{{{ord(char):04x}}}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def r_vector(names: tuple[str, ...]) -> str:
    """Write names as an R character vector.

    Parameters
    ----------
    names : tuple of str
        Values.

    Returns
    -------
    str
        ``c("a", "b")``.
    """
    return f"c({', '.join(map(r_string, names))})"


def r_number(value: float) -> str:
    """Write a number for R, whatever its type in Python.

    Parameters
    ----------
    value : float
        A number, of Python or numpy; infinite ones too.

    Returns
    -------
    str
        Such as ``0.1``: the fewest digits that give the same number; ``Inf``, ``NaN``.
    """
    given = float(value)
    return repr(given) if isfinite(given) else {inf: "Inf", -inf: "-Inf"}.get(given, "NaN")


def r_numbers(values: Iterable[float]) -> str:
    """Write numbers as an R vector.

    Parameters
    ----------
    values : iterable of float
        Values.

    Returns
    -------
    str
        ``c(1, 0.5)``, in full precision.
    """
    return f"c({', '.join(f'{float(value):.17g}' for value in values)})"
