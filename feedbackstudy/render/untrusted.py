"""A notebook nobody has trusted yet: JupyterLab drops style sheets from its outputs and keeps styles written inline."""

import re
from typing import Final

__all__ = ["inlined"]

_TOP: Final = "text-align:left;vertical-align:top"
_NOTE: Final = "padding:.2em .7em;margin:.6em 0;border-left:.3em solid"

# Longer openings first: one of them is taken. They are our own; text in a cell is escaped and cannot hold one.
_STYLES: Final = {
    '<th scope="col" class="fs-right"': "text-align:right;vertical-align:bottom",
    '<th scope="col"': "text-align:left;vertical-align:bottom",
    '<th scope="row"': f"{_TOP};font-weight:normal",
    '<td class="fs-right"': "text-align:right;vertical-align:top",
    '<p class="fs-warning" role="note"': f"{_NOTE} #b58900",
    '<p class="fs-error" role="note"': f"{_NOTE} #c0392b",
    '<p class="fs-good" role="note"': f"{_NOTE} #2e7d32",
    "<td": _TOP,
    "<caption": "text-align:left;font-weight:600",
    "<tr": "background:none",
    "<table": "table-layout:auto;margin:.3em 0",
    "<dt": "clear:left;font-weight:normal;opacity:.75",
    "<small": "display:block;opacity:.75",
}
_OPENING: Final = re.compile(rf"({'|'.join(map(re.escape, _STYLES))})(?=[ >])")


def inlined(html: str) -> str:
    """Write the most needed styles into the elements of our own HTML.

    Parameters
    ----------
    html : str
        A page or table of ours, everything in it escaped.

    Returns
    -------
    str
        The same, readable also where the style sheet is dropped.
    """
    return _OPENING.sub(lambda found: f'{found[1]} style="{_STYLES[found[1]]}"', html)
