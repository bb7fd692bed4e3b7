"""`make run` as a whole, where it is hardest: no network, no data file, nothing in the cache."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from mnist_cnn.data import load_mnist
from test_notebooks import NOTEBOOKS, ROOT, STEPS


def copy_with_solutions(target: Path) -> None:
    """Copy the notebooks, and put the code of each folded solution into a cell of its own at the end."""
    target.mkdir()
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        solutions = re.findall(r"```python\n(.*?)```", notebook.cells[-1].source, re.DOTALL)
        described = {"alt": "A figure that a folded solution draws."}
        notebook.cells += [nbformat.v4.new_code_cell(solution, metadata=described) for solution in solutions]
        nbformat.write(notebook, target / path.name)


def run_series(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in environment.items() if name != "MNIST_CNN_RUNS"}
    command = [sys.executable, "-m", "mnist_cnn", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)


def test_offline_the_series_and_its_solutions_run_on_the_sample(tmp_path, offline) -> None:
    copy_with_solutions(tmp_path / "notebooks")
    before = [path.read_bytes() for path in sorted((tmp_path / "notebooks").iterdir())]
    done = run_series(tmp_path, offline)
    assert done.returncode == 0, done.stderr

    assert [line.split()[:2] for line in done.stdout.split("\n\n")[0].splitlines()] == [
        [step, "done"] for step in STEPS
    ]
    row = r"^(\w+) +sample +[CG]PU +(?:float32|mixed_bfloat16) +20 +[\d.]+ +([\d.]+)%$"
    rows = re.findall(row, done.stdout, re.MULTILINE)
    assert [network for network, _ in rows] == ["relu", "leaky_relu"]
    assert all(float(accuracy) >= 97 for _, accuracy in rows)
    assert "Read build/01_data_loading.html" in done.stdout

    assert sorted(path.stem for path in (tmp_path / "build").glob("*.ipynb")) == STEPS
    assert sorted(path.stem for path in (tmp_path / "build").glob("*.html")) == STEPS
    assert sorted(path.name for path in (tmp_path / "runs").iterdir() if path.is_dir()) == [
        "few", "improved-sample", "interrupted", "leaky_relu-sample", "rehearsal", "relu-sample",
        "straight"]  # fmt: skip
    for path in (tmp_path / "build").glob("*.html"):
        described = re.findall(r'<img alt="([^"]*)"', path.read_text())
        assert described and all(len(words) > 20 for words in described), path
        links = set(re.findall(r'href="(\d\d_\w+\.\w+)"', path.read_text()))
        assert links == {f"{step}.html" for step in STEPS if step != path.stem}
    page = (tmp_path / "build" / "05_evaluation.html").read_text()
    assert "A confusion matrix of 1,000 predictions to choose from; it opens in a running notebook" in page
    assert "widget-view" not in (tmp_path / "build" / "05_evaluation.ipynb").read_text()
    assert before == [path.read_bytes() for path in sorted((tmp_path / "notebooks").iterdir())]  # left as they were


def test_in_place_refuses_the_sample(tmp_path, offline) -> None:
    (tmp_path / "notebooks").mkdir()
    shutil.copy(NOTEBOOKS[0], tmp_path / "notebooks")
    done = run_series(tmp_path, offline, "--in-place")
    assert done.returncode == 1
    assert done.stderr.endswith("set the environment variable MNIST_NPZ to where it is.\n")
    assert (tmp_path / "notebooks" / NOTEBOOKS[0].name).read_bytes() == NOTEBOOKS[0].read_bytes()


FRESH = "import os\nprint(6 * 7)\nassert os.listdir(os.environ['MNIST_CNN_RUNS']) == []  # nothing was trained before"


def test_in_place_only_a_notebook_that_runs_is_written(tmp_path, full) -> None:
    (tmp_path / "notebooks").mkdir()
    for name, code in (("01_fine", FRESH), ("02_broken", "1 / 0")):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
    broken = (tmp_path / "notebooks" / "02_broken.ipynb").read_bytes()
    done = run_series(tmp_path, dict(os.environ), "--in-place")
    assert done.returncode == 1 and "02_broken.ipynb is left as it was" in done.stderr
    assert '"42\\n"' in (tmp_path / "notebooks" / "01_fine.ipynb").read_text()
    assert (tmp_path / "notebooks" / "02_broken.ipynb").read_bytes() == broken and not (tmp_path / "build").exists()


def test_the_example_in_the_readme_runs(tmp_path, offline) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    offline.pop("MNIST_CNN_RUNS")
    command = [sys.executable, "-c", example]
    done = subprocess.run(command, cwd=tmp_path, env=offline, capture_output=True, text=True, timeout=300)
    *_, last_epoch, accuracy, digit = done.stdout.splitlines()
    assert last_epoch.startswith("epoch  3 of 3")
    assert float(accuracy.rstrip("%")) >= 96
    assert int(digit) == load_mnist(source="sample").y_test[0]  # an easy one
    assert (tmp_path / "runs" / "short-sample" / "epoch-03").exists()


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
