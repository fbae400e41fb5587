"""`explorer`: sliders over a question about power, answered in the notebook by a picture and a sentence."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from feedbackstudy.errors import InputError, MissingExtraError, NotFoundError, choices
from feedbackstudy.power import PowerGrid, grid
from feedbackstudy.power.grid import Answer
from feedbackstudy.render import escape, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.drawings.power_curve import grid_drawing, shown
from feedbackstudy.report.figures import picture
from feedbackstudy.report.style import SECOND

if TYPE_CHECKING:
    from ipywidgets import VBox  # type: ignore[import-untyped]
    from matplotlib.axes import Axes

__all__ = ["Explorer", "Reading", "explorer"]

_NAME, _FIGURE = "hypothesis", "figure"
_MARGINS = (0.13, 0.17, 0.97, 0.96)
_REMEMBERED = 64


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One place on a curve.

    Attributes
    ----------
    grid : PowerGrid
        The curve: one name, one argument.
    at : float
        The argument's value.
    """

    grid: PowerGrid
    at: float

    @property
    def value(self) -> float:
        """The figure there."""
        return self._cell(self.grid.figure)

    @property
    def error(self) -> float:
        """Its Monte-Carlo standard error."""
        return self._cell(f"{self.grid.figure}_mcse")

    def _cell(self, column: str) -> float:
        frame = self.grid.frame()
        return float(frame.loc[frame[self.grid.vary[0]] == self.at, column].iloc[0])

    def sentence(self) -> str:
        """Return the reading in words.

        Returns
        -------
        str
            One sentence.
        """
        error = f" (Monte-Carlo error {number(self.error, 4)})" if self.error > 0 else ""
        words = self.grid.figure.replace("_", " ")
        where = f"{self.grid.vary[0]} = {shown(self.at)}"
        return f"{words.capitalize()} of {self.grid.names[0]} at {where}: {number(self.value)}{error}."


@drawing.register(Reading)
def _reading(result: Reading) -> Drawing:
    curve = grid_drawing(result.grid)

    def draw(ax: "Axes") -> None:
        curve.draw(ax)
        ax.plot([result.at], [result.value], marker="o", markersize=8, color=SECOND, zorder=6)

    return replace(curve, draw=draw, alt=f"{result.sentence()} {curve.alt}")


class Explorer:
    """Sliders and their answer. Make it with `explorer`; a notebook shows it.

    Parameters
    ----------
    ask : callable
        Chosen values -> reading.
    options : mapping of str to sequence
        Control -> what it can be set to.
    start : mapping of str to object
        Control -> what it is set to at first.
    controls : {"sliders", "lists"}
        Kind of control for numbers.
    """

    def __init__(
        self,
        ask: Callable[[Mapping[str, Any]], Reading],
        options: Mapping[str, Sequence[Any]],
        start: Mapping[str, Any],
        controls: Literal["sliders", "lists"] = "sliders",
    ) -> None:
        if controls not in {"sliders", "lists"}:
            raise InputError(choices("Kind of control", controls, ("sliders", "lists")))
        self._ask, self.controls = ask, controls
        self.options = {name: tuple(values) for name, values in options.items()}
        self.chosen = {name: start.get(name, values[len(values) // 2]) for name, values in self.options.items()}
        for name, value in self.chosen.items():
            self._known(name, value)
        self._widget: VBox | None = None

    def _known(self, name: str, value: object) -> None:
        if name not in self.options:
            raise NotFoundError(choices("Control", name, self.options))
        if value not in self.options[name]:
            raise InputError(choices(f"Value of {name}", str(value), [str(each) for each in self.options[name]]))

    def set(self, values: Mapping[str, Any]) -> str:
        """Move controls and return the answer.

        Parameters
        ----------
        values : mapping of str to object
            Control -> one of its values.

        Returns
        -------
        str
            The sentence and the picture, as HTML.
        """
        for name, value in values.items():
            self._known(name, value)
        self.chosen |= dict(values)
        return self.html()

    def reading(self) -> Reading:
        """Return the answer to what the controls say.

        Returns
        -------
        Reading
            Curve and place.
        """
        return self._ask(self.chosen)

    def html(self) -> str:
        """Return the answer to what the controls say, for the page.

        Returns
        -------
        str
            A live region with the sentence, then the picture with its alternative text.
        """
        reading = self.reading()
        prefix = f"x{zlib.crc32(repr(sorted(self.chosen.items())).encode()):08x}"
        words = f'<p role="status" aria-live="polite"><strong>{escape(reading.sentence())}</strong></p>'
        return f'<div style="max-width: 34em">{words}{picture(reading, prefix=prefix, margins=_MARGINS).html()}</div>'

    def widget(self) -> "VBox":
        """Return the controls and the answer as one ipywidgets box, made once.

        Returns
        -------
        ipywidgets.VBox
            One labelled control for each option, and the answer below.

        Raises
        ------
        MissingExtraError
            Where ipywidgets is not installed.
        """
        if self._widget is None:
            self._widget = _box(self)
        return self._widget

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Show the controls; a page without a kernel shows the picture as it stands."""
        bundle = self.widget()._repr_mimebundle_(include=include, exclude=exclude)
        return {**bundle, "text/html": self.html(), "text/plain": self.reading().sentence()}


def _box(made: Explorer) -> "VBox":
    try:
        import ipywidgets as widgets
    except ImportError as absent:
        raise MissingExtraError(
            "report.explorer needs ipywidgets, which is not installed: install feedbackstudy[notebooks], or call "
            "report.figure, which needs no controls."
        ) from absent

    answer = widgets.HTML(made.html())
    controls = []
    for name, values in made.options.items():
        words = [(value if isinstance(value, str) else shown(value), value) for value in values]
        listed = made.controls == "lists" or isinstance(values[0], str)
        kind = widgets.Dropdown if listed else widgets.SelectionSlider
        control = kind(
            options=words,
            value=made.chosen[name],
            description=name,
            tooltip=f"{name}: move to see the answer change",
            style={"description_width": "9em"},
            layout=widgets.Layout(width="30em"),
        )

        def changed(change: Mapping[str, Any], name: str = name) -> None:
            answer.value = made.set({name: change["new"]})

        control.observe(changed, names="value")
        controls.append(control)
    return widgets.VBox([*controls, answer])


def explorer(
    source: PowerGrid | Callable[..., Answer],
    sliders: Mapping[str, Sequence[float]] | None = None,
    *,
    x: str = "",
    start: Mapping[str, Any] | None = None,
    controls: Literal["sliders", "lists"] = "sliders",
    target: float = 0.8,
    **fixed: object,
) -> Explorer:
    """Make sliders over a question about power.

    Parameters
    ----------
    source : PowerGrid or callable
        A grid that is already computed (from `power.sweep` or `power.grid`), or a question such as `power.t_test`,
        which is asked anew at every move.
    sliders : mapping of str to sequence of float
        Argument -> values, for a question; a grid has its own.
    x : str
        What runs along the axis; the first argument by default.
    start : mapping of str to object
        Control -> value to start at; the middle one by default.
    controls : {"sliders", "lists"}
        Lists are choices of the browser's own, which screen readers announce by their labels; the handles of sliders
        have no name of their own in ipywidgets.
    target : float, default 0.8
        The line to reach, for a question.
    **fixed : object
        All other arguments of a question.

    Returns
    -------
    Explorer
        A notebook shows it; `set` moves it from code.

    Raises
    ------
    InputError
        For no slider, a value that is not among those given, or whatever the question itself refuses.
    """
    if isinstance(source, PowerGrid):
        return _over_grid(source, x or source.vary[0], start or {}, controls)
    if not sliders:
        raise InputError("report.explorer needs sliders for a question, such as {'n': range(10, 300, 5)}.")
    options = {name: tuple(values) for name, values in sliders.items()}
    axis = x or next(iter(options))
    if axis not in options:
        raise NotFoundError(choices("Slider", axis, options))

    others = tuple(name for name in options if name != axis)

    @lru_cache(maxsize=_REMEMBERED)
    def curve(*values: float) -> PowerGrid:
        rest: dict[str, object] = dict(zip(others, values, strict=True))
        return grid(source, {axis: options[axis]}, target=target, **rest, **fixed)

    def asked(chosen: Mapping[str, Any]) -> PowerGrid:
        return curve(*(chosen[name] for name in others))

    first = {name: (start or {}).get(name, values[len(values) // 2]) for name, values in options.items()}
    names = asked(first).names
    choice: dict[str, Sequence[Any]] = {**options, **({_NAME: names} if len(names) > 1 else {})}

    def ask(chosen: Mapping[str, Any]) -> Reading:
        return Reading(asked(chosen)[chosen.get(_NAME, names[0])], chosen[axis])

    return Explorer(ask, choice, start or {}, controls)


def _over_grid(
    source: PowerGrid, axis: str, start: Mapping[str, Any], controls: Literal["sliders", "lists"]
) -> Explorer:
    options: dict[str, Sequence[Any]] = {path: source.values(path) for path in source.vary}
    if axis not in options:
        raise NotFoundError(choices("Slider", axis, options))
    if len(source.names) > 1:
        options[_NAME] = source.names
    if len(source.figures) > 1:
        options[_FIGURE] = source.figures
    first = {_FIGURE: source.figure, _NAME: source.names[0], **start}

    def ask(chosen: Mapping[str, Any]) -> Reading:
        curve = source[chosen.get(_NAME, source.names[0])].showing(chosen.get(_FIGURE, source.figure))
        return Reading(curve.at({path: chosen[path] for path in source.vary if path != axis}), chosen[axis])

    return Explorer(ask, options, {name: value for name, value in first.items() if name in options}, controls)
