"""Answers: what every engine returns, the engines, and the direct functions for a data frame without a study.

The public names are declared in ``__init__.pyi`` beside this file; each is imported when it is first used.
"""

from importlib import import_module

from feedbackstudy.stub import declared_names

_HOMES = declared_names(__file__)

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; public names: {', '.join(__all__)}")
    module, attribute = _HOMES[name]
    found = getattr(import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
