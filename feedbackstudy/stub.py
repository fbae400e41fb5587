"""Public names of a package, read from the stub beside it: listed once for type checkers, editors and the package."""

import ast
from pathlib import Path

__all__ = ["declared_names"]


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
