"""Describe this machine and what is installed on it; needs no Keras."""

import os
import platform
import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# Linux describes the processor in this file, which no other system has
CPUINFO = Path("/proc/cpuinfo")
# And in one of these, by its version of control groups, how much memory a container may use
CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
# Bytes; what a process with TensorFlow takes at most: 850 MB of its own, as the tests check for
# kernels, and some of the files of libraries, which all of them share
PROCESS_MEMORY = 1_200_000_000


def read_cpuinfo() -> str:
    """Linux's description of the processor, with its instructions; empty on other systems."""
    return CPUINFO.read_text() if CPUINFO.is_file() else ""


def processor() -> str:
    """The name of the processor."""
    names = re.findall(r"model name\s*: (.*)", read_cpuinfo())
    return names[0] if names else platform.processor()


def cores() -> int:
    """The number of cores that this process may use; it respects a container's CPU quota."""
    # Imported here because it takes longer than all other imports of this module
    from joblib import cpu_count

    return cpu_count()


def threads() -> int:
    """The number of threads that TensorFlow uses on a CPU: it respects affinity, but no quota."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(os.environ.get("TF_NUM_INTRAOP_THREADS") or own or 1)


def memory() -> int | None:
    """The memory in bytes that this process may use; None where Python cannot tell, as on Windows.

    It is that of the machine, or the limit of the container.
    """
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    sizes = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for limit in CONTAINER_LIMITS:
        with suppress(OSError, ValueError):  # there is no such file, or it says "max"
            sizes.append(int(limit.read_text()))
    return min(sizes)


def has_memory_for(processes: int) -> bool:
    """Whether there is memory for so many processes with TensorFlow; if unknown, there is."""
    size = memory()
    return size is None or size >= processes * PROCESS_MEMORY


def installed_version(name: str) -> str:
    """The version of an installed package, or "not installed".

    A package may also be installed as its variant for CPUs, such as tensorflow-cpu for tensorflow.

    Args:
        name: The name of the package, without "-cpu".
    """
    for installed in (name, f"{name}-cpu"):
        try:
            return version(installed)
        except PackageNotFoundError:
            continue
    return "not installed"
