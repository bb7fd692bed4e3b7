"""`make run` as a whole, where it is hardest: no network, no data file, nothing in the cache."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from test_notebooks import NOTEBOOKS, ROOT, STEPS


def run_series(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in environment.items() if name != "MNIST_CNN_RUNS"}
    command = [sys.executable, "-m", "mnist_cnn"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)


def test_offline_the_series_runs_on_the_sample(tmp_path, offline) -> None:
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=lambda *_: [".ipynb_checkpoints"])
    done = run_series(tmp_path, offline)
    assert done.returncode == 0, done.stderr

    assert [line.split()[:2] for line in done.stdout.split("\n\n")[0].splitlines()] == [[step, "done"] for step in STEPS]
    rows = re.findall(r"^(\w+) +sample +[CG]PU +float32 +20 +[\d.]+ +([\d.]+)%$", done.stdout, re.MULTILINE)
    assert [network for network, _ in rows] == ["relu", "leaky_relu"]
    assert all(float(accuracy) >= 97 for _, accuracy in rows)
    assert "Read build/01_data_loading.html" in done.stdout

    assert sorted(path.stem for path in (tmp_path / "build").glob("*.ipynb")) == STEPS
    assert sorted(path.stem for path in (tmp_path / "build").glob("*.html")) == STEPS
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["leaky_relu", "rehearsal", "relu"]
    assert (tmp_path / "notebooks" / NOTEBOOKS[0].name).read_bytes() == NOTEBOOKS[0].read_bytes()  # left as they were


def test_a_cell_that_fails_is_reported_in_one_line(tmp_path, offline) -> None:
    (tmp_path / "notebooks").mkdir()
    cells = [nbformat.v4.new_code_cell("print('fine')"), nbformat.v4.new_code_cell("1 / 0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / "01_broken.ipynb")
    done = run_series(tmp_path, offline)
    assert done.returncode == 1
    assert "01_broken.ipynb failed: ZeroDivisionError: division by zero" in done.stderr
    assert "fine" in (tmp_path / "build" / "01_broken.ipynb").read_text()


def test_elsewhere_it_says_where_to_start(tmp_path, offline) -> None:
    done = run_series(tmp_path, offline)
    assert done.returncode == 1 and "start this from the top folder" in done.stderr
