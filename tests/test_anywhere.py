"""Every notebook alone, out of order, from elsewhere, twice, and on a machine that gives it nothing."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from test_notebooks import NOTEBOOKS, ROOT

STRICT = "import warnings\nwarnings.filterwarnings('error', category=DeprecationWarning, module='mnist_cnn|__main__')"


@pytest.fixture
def nothing(offline, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, no data, and a home that cannot be written."""
    home = tmp_path / "home"
    if not hasattr(os, "geteuid") or os.geteuid():
        home.mkdir(0o555)
    else:  # root could write there, but not below a file
        home.write_text("no folder")
        home /= "root"
    monkeypatch.setenv("HOME", str(home))
    for name in ("KERAS_HOME", "MPLCONFIGDIR", "IPYTHONDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


def execute(cells: list[nbformat.NotebookNode], folder: Path) -> list[nbformat.NotebookNode]:
    """Execute copies of cells in a fresh kernel that starts in a folder; return all outputs."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.source) for cell in cells])
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return [output for cell in notebook.cells for output in cell.outputs]


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def said(outputs: list[nbformat.NotebookNode], stream: str) -> str:
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == stream)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_alone_twice_in_one_kernel_from_the_top_folder_with_nothing_there(path: Path, nothing, runs) -> None:
    strict = nbformat.v4.new_code_cell(STRICT)
    outputs = execute([strict, *code_cells(path) * 2], ROOT)
    assert len(outputs) > 10
    if path.stem[:2] in ("05", "06"):
        assert "relu: no run of yours in runs/relu-sample yet, so we train it now" in said(outputs, "stdout")
    complaints = [line for line in said(outputs, "stderr").splitlines() if line.strip()]
    assert any("UserWarning: No full MNIST here: using 5,000 real digits" in line for line in complaints)
    expected = "No full MNIST here|load_mnist\\(\\)|matplotlib|Matplotlib"  # which would like to keep its list of fonts
    assert not [line for line in complaints if not re.search(expected, line)]


def test_in_reverse_order_each_from_its_own_folder(nothing, runs) -> None:
    for path in reversed(NOTEBOOKS):
        outputs = execute(code_cells(path), path.parent)
        if path.stem.startswith("04"):
            assert "relu: runs/relu-sample is finished already" in said(outputs, "stdout")
    assert {"relu-sample", "leaky_relu-sample", "improved-sample"} <= {path.name for path in runs.iterdir()}
