"""`make site` stops with a sentence if something is missing; other files become no pages."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from repository import copy_repository

pytestmark = pytest.mark.slow

TRAINING = "notebooks/04_training.ipynb"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the repository that a test may change."""
    copy_repository(tmp_path / "copy")
    return tmp_path / "copy"


def build(copy: Path, builder: str) -> subprocess.CompletedProcess:
    """Build the site as `make site` does, in build/ of the copy."""
    options = ["-W", "-q", "-b", builder, "-c", "docs", "-d", "build/doctrees"]
    command = [sys.executable, "-m", "sphinx", *options, ".", "build/site"]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=300)


def clear_outputs(cell: dict) -> None:
    """Do what JupyterLab's "Clear Outputs of All Cells" does."""
    cell |= {"outputs": [], "execution_count": None}


def clear_outputs_but_counts(cell: dict) -> None:
    """Do what `nbstripout --keep-count` does."""
    cell["outputs"] = []


def clear_views(cell: dict) -> None:
    """Clear a cell that makes a view, and no others."""
    if "EpochScrubber(" in "".join(cell["source"]):
        cell["outputs"] = []


@pytest.mark.parametrize("change", [clear_outputs, clear_outputs_but_counts, clear_views])
def test_a_notebook_without_its_outputs_is_named(
    copy: Path, change: Callable[[dict], None]
) -> None:
    notebook = json.loads((copy / TRAINING).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            change(cell)
    (copy / TRAINING).write_text(json.dumps(notebook), encoding="utf-8")
    done = build(copy, "html")
    (message,) = done.stderr.splitlines()
    assert done.returncode != 0
    assert message.startswith(f"{TRAINING} was saved without all of its outputs")
    assert "`make notebooks`" in message and f"`git checkout {TRAINING}`" in message
    assert list(copy.glob("build/site/**/*.html")) == []


def test_without_mnist_the_site_is_refused_at_once_in_a_sentence(
    copy: Path, offline: dict[str, str]
) -> None:
    done = build(copy, "html")
    (message,) = done.stderr.splitlines()
    assert done.returncode != 0
    assert message.startswith("The site needs MNIST for its views. MNIST is")
    assert "MNIST_NPZ" in message
    assert list(copy.glob("build/site/**/*.html")) == []


def test_other_files_in_a_checkout_do_not_become_pages(copy: Path) -> None:
    """A page that Sphinx reads without a title, or with a broken link, would be a warning."""
    others = [
        "Untitled.ipynb",
        "data/README.md",
        "docs/notes.md",
        "node_modules/some/README.md",
        "notebooks/Untitled.ipynb",
        "notebooks/data/README.md",
        "notebooks/notes.md",
        "venv/lib/python3.11/site-packages/some/README.md",
    ]
    for name in others:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("### No title, and a link that [leads nowhere](nowhere.md)\n")
    done = build(copy, "dummy")  # reads every page, and writes none
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
