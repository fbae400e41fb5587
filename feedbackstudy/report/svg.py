"""Inline SVG of a figure: only shapes and text, no script, no outside address, the same bytes every time."""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET  # the figure's own output, never a foreign file

from feedbackstudy.render import escape
from feedbackstudy.report.style import house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["inline_svg"]

_ELEMENTS: Final = frozenset(
    {"svg", "g", "path", "use", "defs", "clipPath", "rect", "circle", "ellipse", "line", "polygon", "polyline"}
    | {"text", "tspan", "pattern", "linearGradient", "stop"}
)
_ATTRIBUTES: Final = frozenset(
    {"id", "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "width", "height", "points", "transform"}
    | {"style", "clip-path", "href", "fill", "stroke", "stroke-width", "opacity", "offset", "patternUnits"}
    | {"text-anchor", "clip-rule", "fill-rule", "patternContentUnits"}
)
_FONTS: Final = "'DejaVu Sans', system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif"
# A reference that stays inside the picture; anything else with an address is dropped.
_LOCAL: Final = re.compile(r"url\(#([\w.-]+)\)")
_FOREIGN: Final = re.compile(r"url\(\s*[\"']?(?!#)|@import|expression\(|javascript:", re.IGNORECASE)


def inline_svg(figure: "Figure", *, alt: str, prefix: str) -> str:
    """Return a figure as one SVG element that can stand inside an HTML page.

    Parameters
    ----------
    figure : Figure
        A matplotlib figure.
    alt : str
        What it shows, in words.
    prefix : str
        Put before every id, so that two pictures on one page do not meet.

    Returns
    -------
    str
        An ``<svg>`` element with a role and a label, that scales with the page.
    """
    stream = io.BytesIO()
    with house_style():
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    root = ET.fromstring(stream.getvalue())
    body = "".join(_element(child, prefix) for child in root)
    box = escape(root.get("viewBox", ""))
    return (
        f'<svg class="fs-figure" role="img" aria-label="{escape(alt)}" viewBox="{box}" '
        f'stroke-linejoin="round" preserveAspectRatio="xMidYMid meet">{body}</svg>'
    )


def _element(node: ET.Element, prefix: str) -> str:
    tag = _local(node.tag)
    if tag not in _ELEMENTS:
        return ""
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in _attributes(node, prefix))
    inner = escape(node.text) if node.text and tag in {"text", "tspan"} else ""
    inner += "".join(_element(child, prefix) + _tail(child, tag) for child in node)
    return f"<{tag}{attributes}>{inner}</{tag}>"


def _tail(child: ET.Element, parent: str) -> str:
    return escape(child.tail) if child.tail and parent in {"text", "tspan"} else ""


def _attributes(node: ET.Element, prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in node.attrib.items():
        key = _local(name)
        if key not in _ATTRIBUTES or _FOREIGN.search(value):
            continue
        if key == "id":
            yield key, f"{prefix}-{value}"
        elif key == "href":
            if value.startswith("#"):
                yield key, f"#{prefix}-{value[1:]}"
        else:
            yield key, _LOCAL.sub(rf"url(#{prefix}-\1)", value).replace("'DejaVu Sans'", _FONTS)


def _local(name: object) -> str:
    return str(name).rpartition("}")[2]
