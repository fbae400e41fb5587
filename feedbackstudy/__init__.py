"""Studies of the feedback that job candidates get: declared once, analysed both ways.

The public names are declared in ``__init__.pyi`` beside this file, once for type checkers, editors and this module;
each is imported when it is first used, so that ``import feedbackstudy`` stays quick.
"""

import sys
from importlib import import_module
from types import ModuleType

from feedbackstudy.stub import declared_names

_HOMES = declared_names(__file__)

__all__ = sorted(_HOMES)


class _Public(ModuleType):
    """Keeps a verb such as ``fs.assign`` the verb, also after the room ``feedbackstudy.assign`` was imported."""

    def __setattr__(self, name: str, value: object) -> None:
        is_room = isinstance(value, ModuleType)
        if not (is_room and name in _HOMES and _HOMES[name] != (__name__, name)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Public


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; public names: {', '.join(__all__)}")
    module, attribute = _HOMES[name]
    home = import_module(module)
    in_home = module != __name__ and hasattr(home, attribute)
    found = getattr(home, attribute) if in_home else import_module(f"{module}.{attribute}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
