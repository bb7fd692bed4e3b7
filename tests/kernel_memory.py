"""The memory that the kernels of notebooks take, measured on Linux and limited: a pytest plugin.

A conftest.py in tests/ could not do it: pytest does not call its hooks for the tests of notebooks/.
"""

import re
import sys
from pathlib import Path

import pytest

# For one kernel: Binder gives 2 GB to JupyterLab and all its kernels together
LIMIT_MB = 850

peaks: dict[str, float] = {}  # MB, by notebook; 0 where it could not be measured


def peak_memory(pid: int) -> float:
    """The most memory of its own that a process has taken, in MB; 0 where it cannot be measured.

    What it reads from the files of libraries is left out: 330 to 530 MB of TensorFlow's, by what
    the system happened to have in its cache. All processes share that, and it can be dropped.
    """
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    sizes = dict(re.findall(r"^(VmHWM|RssFile):\s+(\d+) kB$", status.read_text(), re.MULTILINE))
    return (int(sizes["VmHWM"]) - int(sizes["RssFile"])) * 1024 / 1e6 if len(sizes) == 2 else 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Measure the memory after every cell."""
    peak = 0
    if item.path.suffix == ".ipynb":
        peak = peak_memory(item.parent.kernel.km.provisioner.pid)
        item.user_properties.append(("kernel_mb", peak))
    result = yield
    assert peak < LIMIT_MB, f"the kernel has taken {peak:,.0f} MB, and may take {LIMIT_MB:,}"
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the peak of each notebook, in the process that reports, also if others run the tests."""
    peak = dict(report.user_properties).get("kernel_mb")
    if report.when == "teardown" and peak is not None:
        name = Path(report.location[0]).stem
        peaks[name] = max(peak, peaks.get(name, 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for notebook, peak in peaks.items():
        terminalreporter.write_line(f"{notebook}: at most {peak:,.0f} MB in its kernel")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail if a notebook ran on Linux and its memory was not measured."""
    unmeasured = sorted(notebook for notebook, peak in peaks.items() if not peak)
    if exitstatus == 0 and sys.platform == "linux" and unmeasured:
        print(f"\nThe memory of these notebooks was not measured: {unmeasured}")
        session.exitstatus = 1
