"""The course is what it says: every notebook was run from top to bottom, agrees with its text, and runs again here."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from tools import notebooks

README = notebooks.FOLDER / "README.md"
NAMES = notebooks.names()
MAX_BYTES = 400_000
MAX_CELLS = 25
# A place on somebody's machine; the letters before a slash exclude addresses and fractions of a path.
ABSOLUTE = re.compile(r"(?<![\w/.:])/(home|root|Users|tmp|work|mnt|var|opt)/|(?<!\w)[A-Z]:\\\\")
SILENCERS = ("warnings.filterwarnings", "warnings.simplefilter", "pip install", "conda install", "%%capture")


@pytest.fixture(params=NAMES)
def notebook(request) -> nbformat.NotebookNode:
    return nbformat.read(notebooks.FOLDER / f"{request.param}.ipynb", as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def python(cell: nbformat.NotebookNode) -> ast.Module:
    return ast.parse("\n".join(line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!"))))


def gist(notebook: nbformat.NotebookNode) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(cell.cell_type, cell.source.strip(), tuple(cell.metadata.get("tags", ()))) for cell in notebook.cells]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_and_its_text_say_the_same(name):
    executed = nbformat.read(notebooks.FOLDER / f"{name}.ipynb", as_version=4)

    assert gist(executed) == gist(notebooks.read(notebooks.TEXT / f"{name}.py")), "run `make notebooks`"


def test_a_notebook_is_valid(notebook):
    nbformat.validate(notebook)


def test_a_notebook_was_run_once_from_top_to_bottom_without_error_or_warning(notebook):
    outputs = [output for cell in code(notebook) for output in cell.outputs]

    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    assert [output for output in outputs if output.output_type == "error"] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


def test_the_first_code_cell_holds_the_parameters(notebook):
    assert all(isinstance(node, ast.Assign) for node in python(notebooks.parameters(notebook)).body)


def test_a_notebook_defines_nothing_silences_nothing_and_installs_nothing(notebook):
    for cell in code(notebook):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        assert not any(isinstance(node, kinds) for node in ast.walk(python(cell))), "a def belongs in the package"
        assert not any(word in cell.source for word in SILENCERS)


def test_a_notebook_has_one_title_and_a_readable_size(notebook):
    prose = [line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]

    assert notebook.cells[0].cell_type == "markdown"
    assert sum(line.startswith("# ") for line in prose) == 1
    assert len(notebook.cells) <= MAX_CELLS
    assert len(nbformat.writes(notebook)) <= MAX_BYTES


def test_a_notebook_shows_no_place_on_the_authors_machine(notebook):
    assert ABSOLUTE.findall(nbformat.writes(notebook)) == []


def test_the_course_has_a_list_and_the_list_has_every_notebook():
    listed = re.findall(r"\[[^\]]*\]\((\S+)\.ipynb\)[^|]*\|([^|]+)\|([^|]+)\|", README.read_text(encoding="utf-8"))

    assert NAMES, "no notebook was found"
    assert sorted(name for name, _, _ in listed) == NAMES
    for name, question, run_time in listed:
        assert question.strip().endswith("?"), f"{name}: say its question"
        assert re.search(r"\d+ (s|min)", run_time), f"{name}: say how long it runs"


def test_small_parameters_replace_large_ones_and_nothing_else():
    cell = nbformat.v4.new_code_cell("draws = 4000\nseed = 3", metadata={"tags": ["parameters"]})
    small = notebooks.make_small(nbformat.v4.new_notebook(cells=[cell]))

    assert small.cells[0].source == f"draws = 4000\nseed = 3\ndraws = {notebooks.SMALL['draws']}"


def test_a_stored_notebook_keeps_the_picture_and_not_the_control():
    control = "application/vnd.jupyter.widget-view+json"
    both = nbformat.v4.new_output("display_data", {control: {}, "text/html": "<svg/>", "text/plain": "x"})
    alone = nbformat.v4.new_output("display_data", {control: {}, "text/plain": "x"})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[both, alone])])

    notebooks.without_controls(notebook)

    assert [control in output["data"] for output in notebook.cells[0].outputs] == [False, True]


@pytest.mark.parametrize("text", ["see /home/me/x", '"/tmp/a"', "C:\\\\\\\\data"])
def test_the_search_for_absolute_paths_finds_them(text):
    assert ABSOLUTE.search(text)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_alone_in_another_folder(name, tmp_path):
    """With small parameters, in a kernel that may open loopback sockets only."""
    notebook = nbformat.read(notebooks.FOLDER / f"{name}.ipynb", as_version=4)
    done = notebooks.execute(notebooks.make_small(notebook), tmp_path)

    assert [o.text for cell in code(done) for o in cell.outputs if o.get("name") == "stderr"] == []


def test_a_kernel_may_open_loopback_sockets_only(tmp_path):
    lines = (
        "import sys\ntry:\n    sys.audit('socket.connect', None, ('192.0.2.1', 80))\n"
        "except PermissionError as refusal:\n    print(refusal)"
    )
    done = notebooks.execute(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(lines)]), Path(tmp_path))

    assert "loopback sockets only" in done.cells[0].outputs[0].text
