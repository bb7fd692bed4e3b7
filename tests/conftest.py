"""What every test relies on: runs apart from the learner's, a browser, and no skipping in CI."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repository import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest_plugins = ["scheduling", "kernel_memory", "mnist_fixtures", "installed_package"]

# Not from mnist_cnn.runs: it imports Keras, and with `-n` all processes would wait until this one
# has done so.
SHIPPED = ROOT / "src" / "mnist_cnn" / "shipped_runs"


def pytest_configure(config: pytest.Config) -> None:
    """Separate the runs of the tests, and of the notebooks' kernels, from the learner's.

    One finished run is there from the start, so that nbval trains one network for twenty epochs
    and finds the other. With `-n` each process computes with one thread, as more would only get in
    each other's way.
    """
    # `make test &` turns this off, for everything that the tests start
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ |= {
            "TF_NUM_INTRAOP_THREADS": "1",
            "TF_NUM_INTEROP_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
    folder = tempfile.TemporaryDirectory(prefix="mnist-cnn-")
    config.add_cleanup(folder.cleanup)
    runs = Path(folder.name, "runs")  # outputs show the last name
    runs.mkdir()
    shutil.copy(SHIPPED / "leaky_relu.npz", runs)
    os.environ["MNIST_CNN_RUNS"] = str(runs)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail in CI if a test was skipped: there, everything is installed that a test may need."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    # The worker processes of xdist have no reporter
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("CI") and skipped and exitstatus == 0:
        print(f"\nNothing may be skipped in CI, but {len(skipped)} tests were.")
        session.exitstatus = 1


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator["Browser"]:
    """Chromium, one for all tests of a process: Playwright starts only once in a thread."""
    from playwright.sync_api import expect

    from lab import NO_CHROMIUM, launch  # with Playwright, which few tests need

    with launch() as browser:
        if browser is None:
            missing = pytest.fail if request.config.getoption("rehearse") else pytest.skip
            missing(NO_CHROMIUM)
        # The default of 5 s is too short on a busy machine
        expect.set_options(timeout=30_000)
        yield browser


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
