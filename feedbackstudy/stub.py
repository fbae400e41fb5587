"""Packages whose public names stand in the stub beside them: listed once, imported when they are first used."""

import ast
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

__all__ = ["LazyPackage", "declared_names", "publish"]


class LazyPackage(ModuleType):
    """A package that imports a public name when it is first used.

    A name such as ``fs.assign`` stays the verb, also after the room or module of the same name was imported.
    """

    _HOMES: dict[str, tuple[str, str]]

    def __setattr__(self, name: str, value: object) -> None:
        homes = self.__dict__.get("_HOMES", {})
        is_room = isinstance(value, ModuleType)
        if not (is_room and name in homes and homes[name] != (self.__name__, name)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> object:
        homes = self.__dict__.get("_HOMES", {})
        if name not in homes:
            raise AttributeError(
                f"module {self.__name__!r} has no attribute {name!r}; public names: {', '.join(sorted(homes))}"
            )
        module, attribute = homes[name]
        home = import_module(module)
        in_home = module != self.__name__ and hasattr(home, attribute)
        found = getattr(home, attribute) if in_home else import_module(f"{module}.{attribute}")
        self.__dict__[name] = found
        return found

    def __dir__(self) -> list[str]:
        return sorted(self.__dict__.get("_HOMES", {}))


def publish(package: str, file: str) -> list[str]:
    """Make a package lazy.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    file : str
        Its ``__file__``, whose stub ``__init__.pyi`` lists the public names.

    Returns
    -------
    list of str
        The public names, for ``__all__``.
    """
    module = sys.modules[package]
    module.__dict__["_HOMES"] = declared_names(file)
    module.__class__ = LazyPackage
    return sorted(module.__dict__["_HOMES"])


def declared_names(package_file: str) -> dict[str, tuple[str, str]]:
    """Read the names that a package's stub imports.

    Parameters
    ----------
    package_file : str
        `__file__` of the package, whose stub ``__init__.pyi`` lies beside it.

    Returns
    -------
    dict
        Public name -> module and name there.
    """
    stub = ast.parse(Path(package_file).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = (node for node in stub.body if isinstance(node, ast.ImportFrom))
    return {alias.asname or alias.name: (str(node.module), alias.name) for node in imports for alias in node.names}
