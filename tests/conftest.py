"""What all tests share: where runs go, the data, a browser, and that nothing is skipped in silence."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from xdist.scheduler import LoadFileScheduling

from mnist_cnn.data import Dataset, load_images
from repository import ROOT, copy_repository

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# MB in the kernel of a notebook: Binder gives 2 GB to JupyterLab and all its kernels
MEMORY_LIMIT = 1300

# Not from mnist_cnn.runs: it imports Keras, and with `-n` all processes would wait until this one
# has done so.
SHIPPED = ROOT / "src" / "mnist_cnn" / "shipped_runs"
# 05 opens the runs of 04; the site is built once, and JupyterLab started once.
FOLLOWS = {"05_evaluation": "04_training", "test_site": "test_views_on_the_site",
           "test_firefox": "test_views_on_the_site", "test_interrupt_button": "test_views_in_jupyterlab"}  # fmt: skip
NO_FULL_DATA = (
    "full MNIST is not here: connect to the network, or set MNIST_NPZ to an mnist.npz file"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rehearse", action="store_true", help="run the rehearsals, and nothing else")


def pytest_configure(config: pytest.Config) -> None:
    """Separate the runs of the tests, and of the notebooks' kernels, from the learner's.

    There is one of another day, so that nbval trains one network for twenty epochs and finds the
    other finished. With `-n` each process computes with one thread, as more would only get in each
    other's way.
    """
    # Which `make test &` turns off, for all that tests start
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ |= {
            "TF_NUM_INTRAOP_THREADS": "1",
            "TF_NUM_INTEROP_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
    runs = tempfile.TemporaryDirectory(prefix="mnist-cnn-runs-")
    config.add_cleanup(runs.cleanup)
    shutil.copy(SHIPPED / "leaky_relu.npz", runs.name)
    os.environ["MNIST_CNN_RUNS"] = runs.name
    config.pluginmanager.register(Notebooks())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out rehearsals, or all else; begin with what takes longest, so that no process waits
    for another.
    """
    items[:] = [
        item
        for item in items
        if bool(item.get_closest_marker("rehearsal")) == config.getoption("rehearse")
    ]
    marked = (
        item
        for item in items
        if item.get_closest_marker("slow") or item.get_closest_marker("browser")
    )
    slow = {item.path for item in marked} | {
        item.path for item in items if item.path.suffix == ".ipynb"
    }
    longest = ["04_training", "05_evaluation", "test_series", "test_binder", "test_other_images",
               "test_views_in_jupyterlab", "test_views_on_the_site", "test_site"]  # fmt: skip

    def rank(item: pytest.Item) -> tuple[int, bool]:
        name = item.path.stem
        return longest.index(name) if name in longest else len(longest), item.path not in slow

    items.sort(key=rank)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """The tests of a file stay together, and some files with others."""
    config.option.loadscopereorder = False
    return InTheirOrder(config, log)


class InTheirOrder(LoadFileScheduling):
    """xdist's own `--dist loadgroup` would do this, but 3.8 does not work with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        for name, first in FOLLOWS.items():
            file = file.replace(name, first)
        return file


class Notebooks:
    """Leave the notebooks out without the full data, and measure the memory of their kernels (on Linux).

    A plugin of its own, because pytest calls some hooks of this file only for what lies in tests/.
    """

    def __init__(self) -> None:
        self.peaks: dict[str, float] = {}  # MB, by notebook; 0 where it could not be measured

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Their outputs are those of the full data; without it test_series.py still executes every
        notebook.
        """
        return True if collection_path.suffix == ".ipynb" and full_mnist() is None else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Measure the peak so far after every cell."""
        peak = 0
        if item.path.suffix == ".ipynb":
            status = Path(f"/proc/{item.parent.kernel.km.provisioner.pid}/status")
            if status.exists() and (kibibytes := re.search(r"VmHWM:\s+(\d+)", status.read_text())):
                peak = int(kibibytes[1]) * 1024 / 1e6
            item.user_properties.append(("kernel_mb", peak))
        result = yield
        assert peak < MEMORY_LIMIT, (
            f"the kernel has taken {peak:,.0f} MB, and may take {MEMORY_LIMIT:,}"
        )
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called in the process that reports, also if others run the tests."""
        if (
            report.when == "teardown"
            and (peak := dict(report.user_properties).get("kernel_mb")) is not None
        ):
            name = Path(report.location[0]).stem
            self.peaks[name] = max(peak, self.peaks.get(name, 0))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for notebook, peak in self.peaks.items():
            terminalreporter.write_line(f"{notebook}: at most {peak:,.0f} MB in its kernel")

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        unmeasured = sorted(notebook for notebook, peak in self.peaks.items() if not peak)
        if exitstatus == 0 and sys.platform == "linux" and unmeasured:
            print(f"\nThe memory of these notebooks was not measured: {unmeasured}")
            session.exitstatus = 1


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI every test has to run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    # Processes of xdist have no reporter
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("CI") and skipped and exitstatus == 0:
        print(f"\nNothing may be skipped in CI, but {len(skipped)} tests were.")
        session.exitstatus = 1


@cache
def full_mnist() -> Dataset | None:
    """Full MNIST, if it is on this machine or can be downloaded."""
    try:
        return load_images(source="full")
    except ConnectionError:
        return None


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator["Browser"]:
    """Chromium, one for all tests of a process: Playwright starts only once in a thread."""
    from playwright.sync_api import expect

    from lab import NO_CHROMIUM, launch  # with Playwright, which few tests need

    with launch() as browser:
        if browser is None:
            missing = pytest.fail if request.config.getoption("rehearse") else pytest.skip
            missing(NO_CHROMIUM)
        # 5 s, as it is otherwise, is too short on a busy machine
        expect.set_options(timeout=30_000)
        yield browser


@pytest.fixture(scope="session")
def full() -> Dataset:
    """Full MNIST."""
    if full_mnist() is None:
        pytest.skip(NO_FULL_DATA)
    return full_mnist()


@pytest.fixture(scope="session")
def sample() -> Dataset:
    """The 5,000 digits that are always there."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_images(source="sample")


@pytest.fixture(scope="session")
def few(sample: Dataset) -> Dataset:
    """500 digits to train and validate on: 15 batches and 50 validation images."""
    return replace(sample, x_train=sample.x_train[:500], y_train=sample.y_train[:500])


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip builds of this repository."""
    folder = tmp_path_factory.mktemp("wheel")
    # Pip leaves its work there, and would take what an older version had left
    copy_repository(folder / "source")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        folder,
        folder / "source",
    ]
    subprocess.run(command, check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def python_elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the packages of environment.yml and our wheel, and
    knows no repository.
    """
    prefix = tmp_path_factory.mktemp("elsewhere") / "environment"
    subprocess.run([sys.executable, "-m", "venv", prefix], check=True, timeout=300)
    *_, pip = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    packages = [wheel if line == "-e ." else line for line in pip["pip"]]
    command = [prefix / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*command, "--upgrade", "pip"], check=True, timeout=300)
    subprocess.run([*command, *packages], check=True, timeout=1200)
    return prefix / "bin" / "python"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the runs of one test."""
    monkeypatch.setenv("MNIST_CNN_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a machine with no network, no MNIST_NPZ and an empty Keras cache."""
    for name in ("MNIST_NPZ", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for scheme in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(scheme, "http://127.0.0.1:9")  # nobody listens on the discard port
    return dict(os.environ)
