"""What `make site` takes for a page."""

import subprocess
import sys
from pathlib import Path

import pytest

from repository import copy_repository

pytestmark = pytest.mark.slow


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


def test_what_else_lies_in_a_checkout_becomes_no_page(copy: Path) -> None:
    """Every page is read, but none is written."""
    texts = ["data/README.md", "venv/lib/python3.11/site-packages/some/README.md", "docs/notes.md"]
    texts += ["node_modules/some/README.md", "notebooks/data/README.md", "notebooks/notes.md"]
    for name in [*texts, "Untitled.ipynb", "notebooks/Untitled.ipynb"]:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("### No title, and a link that [leads nowhere](nowhere.md)\n")
    done = build(copy, "dummy")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
