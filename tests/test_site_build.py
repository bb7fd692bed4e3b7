"""What stops `make site`, and in which words; what lies in a checkout and is no page."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from repository import copy_repository

pytestmark = pytest.mark.slow

TRAINING = "notebooks/04_training.ipynb"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository, to be changed."""
    copy_repository(tmp_path / "copy")
    return tmp_path / "copy"


def build(copy: Path, builder: str) -> subprocess.CompletedProcess:
    """As `make site` does, into copy/build."""
    options = ["-W", "-q", "-b", builder, "-c", "docs", "-d", "build/doctrees"]
    command = [sys.executable, "-m", "sphinx", *options, ".", "build/site"]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=300)


def strip(cell: dict) -> None:
    """As JupyterLab's "Clear Outputs of All Cells" does."""
    cell |= {"outputs": [], "execution_count": None}


def strip_but_count(cell: dict) -> None:
    """As `nbstripout --keep-count` does."""
    cell["outputs"] = []


def strip_view(cell: dict) -> None:
    """Of cells that make a view alone, and no figure."""
    if "EpochScrubber(" in "".join(cell["source"]):
        cell["outputs"] = []


@pytest.mark.parametrize("change", [strip, strip_but_count, strip_view])
def test_a_notebook_without_its_outputs_is_named(copy: Path, change) -> None:
    notebook = json.loads((copy / TRAINING).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            change(cell)
    (copy / TRAINING).write_text(json.dumps(notebook), encoding="utf-8")
    done = build(copy, "html")
    (said,) = done.stderr.splitlines()
    assert done.returncode != 0 and said.startswith(f"{TRAINING} was saved without all of its")
    assert "`make notebooks`" in said and f"`git checkout {TRAINING}`" in said
    assert not [*copy.glob("build/site/**/*.html")]


def test_without_mnist_the_site_is_refused_at_once_in_a_sentence(copy: Path, offline) -> None:
    done = build(copy, "html")
    (said,) = done.stderr.splitlines()
    assert done.returncode != 0 and said.startswith("The site needs MNIST for its views. MNIST is")
    assert "MNIST_NPZ" in said and not [*copy.glob("build/site/**/*.html")]


def test_what_else_lies_in_a_checkout_becomes_no_page(copy: Path) -> None:
    """Every page is read, but none is written."""
    texts = ["data/README.md", "venv/lib/python3.11/site-packages/some/README.md", "docs/notes.md"]
    texts += ["node_modules/some/README.md", "notebooks/data/README.md", "notebooks/notes.md"]
    for name in [*texts, "Untitled.ipynb", "notebooks/Untitled.ipynb"]:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("### No title, and a link that [leads nowhere](nowhere.md)\n")
    done = build(copy, "dummy")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
