"""Bring the course up to date: ``python -m tools.notebooks [NAME ...]``.

Each ``notebooks/NAME.ipynb`` has a twin ``notebooks/text/NAME.py`` for writing and review (jupytext pairs them, as set
in pyproject.toml; the newer of the two wins). This command pairs them, runs the notebook from top to bottom and stores
it.
"""

import ast
import os
import sys
import time
from pathlib import Path

import jupytext.cli
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
TEXT = FOLDER / "text"
SECONDS_A_CELL = 600

SMALL = {"chains": 2, "draws": 300, "tune": 200, "n_simulations": 50, "n_applications": 30_000, "n_on_files": 30_000}
"""What the tests put in place of a value in a notebook's cell tagged ``parameters``, where it has such a name."""


def names() -> list[str]:
    """Return the names of the notebooks, in the order of the course; a text twin alone counts too."""
    return sorted({path.stem for path in (*FOLDER.glob("*.ipynb"), *TEXT.glob("*.py"))})


def read(path: Path) -> nbformat.NotebookNode:
    """Read one notebook, as ``.ipynb`` or as text."""
    return jupytext.read(path)


def parameters(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the first code cell, which must be the one tagged ``parameters``."""
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    if "parameters" not in cell.metadata.get("tags", ()):
        raise ValueError("The first code cell of a notebook must carry the tag 'parameters'.")
    return cell


def make_small(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook with small numbers of draws and simulations, set in a line after its own parameters."""
    cell = parameters(notebook)
    assigned = {
        target.id
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    lines = [f"{name} = {value}" for name, value in SMALL.items() if name in assigned]
    cell.source = "\n".join([cell.source, *lines])
    return notebook


def without_controls(notebook: nbformat.NotebookNode) -> None:
    """Leave the picture where a control was shown: a stored notebook has no kernel that could answer it."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/html" in data:
                data.pop("application/vnd.jupyter.widget-view+json", None)


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook from top to bottom in a new kernel that works in `folder`; a cell that fails raises."""
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=40"],  # else it warns of loopback TCP, which is all it uses
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    notebook.metadata.pop("widgets", None)
    without_controls(notebook)
    notebook.metadata.pop("jupytext", None)  # the pairing is stated in pyproject.toml; a reader's copy has no twin
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def refresh(name: str) -> float:
    """Pair, run and store one notebook; return the seconds its run took."""
    text, path = TEXT / f"{name}.py", FOLDER / f"{name}.ipynb"
    jupytext.cli.jupytext(["--quiet", "--sync", str(text if text.exists() else path)])
    started = time.monotonic()
    notebook = execute(nbformat.read(path, as_version=4), FOLDER)
    seconds = time.monotonic() - started
    nbformat.write(notebook, path)
    # jupytext reads an ipynb that is younger than its twin as a change to bring over
    os.utime(text)
    return seconds


def main(arguments: list[str]) -> None:
    """Refresh the notebooks named, or all."""
    for name in arguments or names():
        print(f"{name}: {refresh(name):.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
